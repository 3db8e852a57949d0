"""Checks A11 and A12: awareness fades and settles as equation 4.10 says; cases are thinned and delayed as
4.11.
"""

import math

import numpy as np
import pytest
from reference import RARE, decide_binomial, decide_counts, decide_mean, keys
from scipy import stats

from sim.kernels.money import WRITTEN
from sim.model import FraudSupplyChain
from sim.policy import Policy
from sim.processes.calendar import Fading, next_awareness
from sim.processes.funds import Reporting
from sim.processes.operation import Cases
from sim.scenario import load


def settled(awareness: float, decay: float, dose: float, days: int) -> float:
    """Awareness after ``days`` days of a constant dose."""
    now = np.array([awareness])
    for _ in range(days):
        now = next_awareness(now, decay, np.array([dose]))
    return float(now[0])


@pytest.mark.parametrize("start", [0.0, 0.9])
@pytest.mark.parametrize(("decay", "dose"), [(0.98, 0.01), (0.9, 0.3), (0.995, 0.0)])
def test_a11_awareness_settles_at_its_steady_state(start: float, decay: float, dose: float) -> None:
    """A11: g / (1 - lambda + g) with g = 1 - exp(-dose), from below and from above."""
    g = -math.expm1(-dose)
    assert math.isclose(settled(start, decay, dose, 6000), g / (1.0 - decay + g), rel_tol=1e-9, abs_tol=1e-9)


@pytest.mark.parametrize("days", [1, 10, 100])
def test_a11_awareness_decays_geometrically_without_doses(days: int) -> None:
    """A11: A lambda^t."""
    assert math.isclose(settled(0.4, 0.97, 0.0, days), 0.4 * 0.97**days, rel_tol=1e-12)


def test_a11_awareness_stays_a_share_whatever_the_dose() -> None:
    """A11: between 0 and 1, up to the largest dose."""
    for dose in (0.0, 1e-9, 1.0, 50.0, 1e6):
        assert 0.0 <= settled(0.999, 1.0, dose, 100) <= 1.0


def publicity_model(*sets: str) -> FraudSupplyChain:
    """A coarse model in which only publicity acts."""
    return FraudSupplyChain(load("no-measures", sets=["scale=5000", *sets]))


@pytest.mark.parametrize("weeks", [1.0, 9.0, 26.0])
def test_a11_the_phase_halves_awareness_in_its_half_life(weeks: float) -> None:
    """A11 through the phase of the day: half is left after the half-life of the parameter."""
    model = publicity_model(f"parameters.victims.awareness_half_life_weeks={weeks}")
    fading = Fading(model)
    model.awareness[:] = 0.6
    for _ in range(round(7 * weeks)):
        fading.run()
    assert np.allclose(model.awareness, 0.3, rtol=1e-12)


def test_a11_the_phase_settles_at_the_steady_state_of_its_dose() -> None:
    """A11 through the phase: national counts of contacts over all adults, by reach and efficacy of each
    stream.
    """
    model = publicity_model()
    p, fading = model.parameters, Fading(model)
    model.policy.publicity[:] = [40.0, 400.0, 100e6]
    for _ in range(6000):
        fading.run()
    adults = float(model.regions.adults.sum())
    dose = sum(
        count * p.number(f"victims.{stream}_reach") * p.number(f"victims.{stream}_efficacy") / adults
        for stream, count in (("video", 40.0), ("event", 400.0), ("message", 100e6))
    )
    g, decay = -math.expm1(-dose), 0.5 ** (1.0 / (7.0 * p.number("victims.awareness_half_life_weeks")))
    assert np.allclose(model.awareness, g / (1.0 - decay + g), rtol=1e-9)


def test_a11_the_public_risk_impulse_is_a_sum_of_two_decays() -> None:
    """Equation 4.9: R_t = R_0 [f 2^(-t/fast) + (1 - f) 2^(-t/slow)] after one announcement."""
    model = publicity_model()
    p, fading = model.parameters, Fading(model)
    model.policy.announcement = 1.0
    fading.run()
    model.policy = Policy(model.regions.n)
    for _ in range(70):
        fading.run()
    share = p.number("beliefs.impulse_fast_share")
    fast, slow = (p.number(f"beliefs.impulse_{n}_weeks") for n in ("fast", "slow"))
    expected = share * 0.5 ** (10.0 / fast) + (1.0 - share) * 0.5 ** (10.0 / slow)
    assert math.isclose(model.signals.public_risk, expected, rel_tol=1e-9)


def cases_of(n: int, first: int) -> Cases:
    """``n`` cases of gang 0 in region 0."""
    zero = np.zeros(n, dtype=np.int64)
    return Cases(zero, keys(n, first), zero, zero, np.full(n, 100), zero)


class Desk:
    """The reporting phase alone: cases are handed in, registrations come out."""

    def __init__(self, *sets: str) -> None:
        self.model = publicity_model(*sets)
        self.model.reporting = self.reporting = Reporting(self.model)
        self.cases = 0

    def day(self, day: int, n: int) -> int:
        """Cases registered on a day on which ``n`` cases happen."""
        m = self.model
        m.day = day
        m.cases = cases_of(n, self.cases)
        m.reported = self.reporting.who_reports(m.cases)
        self.cases += n
        self.reporting.run()
        return len(m.registered_today[1])

    def waiting(self) -> int:
        """Reported cases that wait for their registration."""
        return int((self.reporting.files[:, WRITTEN] > self.model.day).sum())


ALL_REPORT = [
    "parameters.reporting.share=1",
    "parameters.reporting.share_max=1",
    "parameters.reporting.accepted_share=1",
    "parameters.reporting.shock_sd=0",
]


def test_a12_every_case_is_registered_once_if_all_report_and_all_are_accepted() -> None:
    """A12: with r = 1 and no shock the sum is preserved, to the case: registered + waiting = happened."""
    desk, registered = Desk(*ALL_REPORT), 0
    for day in range(120):
        registered += desk.day(day, 200 if day < 60 else 0)
        assert registered + desk.waiting() == desk.cases
    assert (registered, desk.waiting()) == (12_000, 0)


def test_a12_cases_are_thinned_by_report_and_by_acceptance() -> None:
    """A12: registered in all = cases x reporting share x accepted share.

    Rule: 40,000 cases within 4 standard errors; 1.1% could be told.
    """
    desk = Desk()
    registered = sum(desk.day(day, 40_000 if day == 0 else 0) for day in range(150))
    p = desk.model.parameters
    chance = p.number("reporting.share") * p.number("reporting.accepted_share")
    decide_binomial(registered, 40_000, chance, 0.011)


def registration_law(report: float, register: float, days: int) -> list[float]:
    """Chance that an unthinned case is registered k days later: whole days of two waits in a row."""
    law = stats.expon(scale=report), stats.expon(scale=register)
    ends = np.arange(days + 1)
    tail = (register * law[1].sf(ends) - report * law[0].sf(ends)) / (register - report)
    return (tail[:-1] - tail[1:]).tolist()


def test_a12_registrations_are_the_cases_convolved_with_the_delay() -> None:
    """A12: registered on day t = sum over k of cases(t - k) d_k, with d the law of both delays.

    Rule: chi-square of 40,000 cases of one day over the days 0..19 and later, p > 1e-4; then the mean of each
    of five days after a burst of three unequal days, within 4 standard errors (2.5 percentage points could be
    told).
    """
    desk = Desk(*ALL_REPORT)
    p = desk.model.parameters
    waits = p.number("reporting.report_delay_days"), p.number("reporting.register_delay_days")
    law = registration_law(*waits, 20)
    counts = [desk.day(day, 40_000 if day == 0 else 0) for day in range(20)]
    decide_counts([*counts, 40_000 - sum(counts)], [*law, 1.0 - sum(law)])
    desk, burst = Desk(*ALL_REPORT), [8000, 2000, 16_000]
    seen = [desk.day(100 + day, burst[day] if day < 3 else 0) for day in range(8)]
    for day in range(3, 8):
        expected = sum(burst[k] * law[day - k] for k in range(3))
        variance = sum(burst[k] * law[day - k] * (1.0 - law[day - k]) for k in range(3))
        decide_mean(seen[day], expected, variance, 1, 0.025 * sum(burst))


def test_a12_who_reports_and_who_is_accepted_has_nothing_to_do_with_the_delay() -> None:
    """A12: thinned registrations follow the same delay law as all.

    Rule: chi-square of 40,000 cases of one day over the days 0..19 and the rest, p > 1e-4.
    """
    desk = Desk()
    p = desk.model.parameters
    chance = p.number("reporting.share") * p.number("reporting.accepted_share")
    waits = p.number("reporting.report_delay_days"), p.number("reporting.register_delay_days")
    law = [chance * share for share in registration_law(*waits, 20)]
    counts = [desk.day(day, 40_000 if day == 0 else 0) for day in range(20)]
    decide_counts([*counts, 40_000 - sum(counts)], [*law, 1.0 - sum(law)])


def test_a12_poisson_in_poisson_out() -> None:
    """A12: Poisson(30) cases a day give Poisson(30 r) registrations a day, independent of each other.

    Rule: over 1,500 days after 60 of burn-in: mean within 4 standard errors (5% could be told), dispersion
    within the chi-square range and lag-1 correlation within the normal range at p > 1e-4.
    """
    desk, rng = Desk(), np.random.default_rng(12)
    series = np.array([desk.day(day, int(rng.poisson(30.0))) for day in range(1560)])[60:]
    p = desk.model.parameters
    expected = 30.0 * p.number("reporting.share") * p.number("reporting.accepted_share")
    decide_mean(float(series.mean()), expected, expected, len(series), 0.05 * expected)
    dispersion = float(((series - series.mean()) ** 2).sum() / series.mean())
    freedom = len(series) - 1
    assert 2.0 * min(stats.chi2.sf(dispersion, freedom), stats.chi2.cdf(dispersion, freedom)) > RARE
    correlation = float(np.corrcoef(series[:-1], series[1:])[0, 1])
    assert abs(correlation) * math.sqrt(len(series)) < 4.0


def test_awareness_raises_reporting_up_to_its_ceiling() -> None:
    """Publicity raises reporting: registered cases may rise first; nobody reports more often than the
    ceiling.
    """
    desk = Desk("parameters.reporting.share_max=0.7")
    p, n = desk.model.parameters, 40_000
    share, rise = p.number("reporting.share"), p.number("reporting.publicity_rise")
    for awareness, chance in ((0.0, share), (0.01, share * (1.0 + 0.01 * rise)), (1.0, 0.7)):
        desk.model.awareness[:] = awareness
        decide_binomial(int(desk.reporting.who_reports(cases_of(n, 0)).sum()), n, chance, 0.011)
