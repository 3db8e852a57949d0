"""Check A22: faster freezing recovers no less, better detection closes no less - case by case, card by card.

The draws are the same whatever the policy, so the promise holds for every single case and card, as long as
the world they live in is the same.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import Cards

from sim.agents.dealer import RECRUITER
from sim.model import FraudSupplyChain
from sim.scenario import load
from sim.scenario.structure import Adaptation
from sim.world.codes import Kind, Status
from sim.world.ledger import Account

PROPERTY = settings(max_examples=60, deadline=None, derandomize=True)
RATE = st.floats(0.0, 2.0)


@PROPERTY
@given(RATE, RATE, RATE, RATE)
def test_a22_a_card_that_detection_stopped_is_stopped_by_better_detection(
    use: float, more: float, cleanup: float, own: float
) -> None:
    """A22: with a higher rate of detection no card is spared that was removed, and none that was detected
    goes by another cause.
    """
    cards = Cards(2000, own=2)
    cards.uses_today[:] = 1 + np.arange(cards.n) % 4
    cards.cleanup[0, Kind.ACCOUNT] = cleanup
    cards.own[1, Status.ACTIVE, Kind.ACCOUNT] = own
    cards.detection[Kind.ACCOUNT, 0] = use
    before = cards.step(5)
    cards.detection[Kind.ACCOUNT, 0] += more
    after = cards.step(5)
    assert not ((before > 0) & (after == 0)).any()
    assert not ((before == 1) & (after != 1)).any()


@PROPERTY
@given(RATE, RATE, RATE, RATE)
def test_a22_a_card_that_a_cleanup_closed_is_closed_by_a_more_sensitive_one(
    cleanup: float, more: float, use: float, own: float
) -> None:
    """A22: the same for a cleanup, which competes with detection before it and lapse after it."""
    cards = Cards(2000, own=2)
    cards.uses_today[:] = 1
    cards.detection[Kind.ACCOUNT, 0] = use
    cards.own[1, Status.ACTIVE, Kind.ACCOUNT] = own
    cards.cleanup[0, Kind.ACCOUNT] = cleanup
    before = cards.step(6)
    cards.cleanup[0, Kind.ACCOUNT] += more
    after = cards.step(6)
    assert not ((before > 0) & (after == 0)).any()
    assert not ((before == 2) & (after != 2)).any()


def frozen(**changes: float) -> int:
    """Fen frozen within 40 days of the cases of a first day, with all else the same."""
    sets = [f"parameters.{name.replace('__', '.')}={value}" for name, value in changes.items()]
    many = "parameters.victims.success_per_contact=0.02"
    model = FraudSupplyChain(load("no-measures", sets=["scale=100", many, *sets]))
    for _, name, phase in model.phases[:7]:
        if name in ("calendar", "fading", "operation"):
            phase()
    assert len(model.cases.gang) > 500
    for day in range(40):
        model.day = day
        model.funds.run()
        model.cases = model.cases.keep(np.zeros(len(model.cases.gang), dtype=bool))
    return int(model.ledger.money[[Account.FROZEN, Account.RETURNED]].sum())


@pytest.mark.parametrize("delay", ["funds__police_delay_days", "funds__victim_delay_days"])
def test_a22_faster_freezing_recovers_no_less(delay: str) -> None:
    """A22: of the same cases more money is frozen the shorter the delay of police or victim, to the fen."""
    ends = [frozen(**{delay: days}) for days in (14.0, 3.0, 0.5, 0.01)]
    assert ends == sorted(ends)
    assert ends[0] < ends[-1]


def test_a22_faster_layering_loses_no_less() -> None:
    """A22: the faster the money moves, the less is frozen."""
    ends = [frozen(funds__layering_days=days) for days in (0.05, 0.5, 5.0)]
    assert ends == sorted(ends)
    assert ends[0] < ends[-1]


def at_the_counter(**changes: float) -> tuple[int, int]:
    """Illicit accounts refused and opened on a first day, of the same persons at the same outlets."""
    sets = [f"parameters.{name.replace('__', '.')}={value}" for name, value in changes.items()]
    eager = ["parameters.openers.approach_per_year=20", "parameters.insiders.outlet_share=0"]
    model = FraudSupplyChain(load("no-measures", sets=["scale=200", *eager, *sets], end="2018-01-01"))
    recruiters = model.dealers.tier == RECRUITER
    model.dealers.sets_needed[recruiters] = 10**6
    model.run_model()
    counts = model.recorder.counts()
    assert counts["openings_attempted_illicit"] > 500
    assert counts["openings_attempted_illicit"] == (
        counts["openings_refused_illicit"] + counts["openings_illicit"]
    )
    return counts["openings_refused_illicit"], counts["openings_illicit"]


def test_a22_more_sensitive_screening_refuses_no_less() -> None:
    """A22: of the same tries at the counter the more are refused the more sensitive banks are."""
    refused, opened = zip(
        *(at_the_counter(banks__sensitivity=level) for level in (0.0, 0.1, 0.3, 0.8)), strict=True
    )
    assert list(refused) == sorted(refused)
    assert list(opened) == sorted(opened, reverse=True)
    assert refused[0] == 0 < refused[1] < refused[2] < refused[3]


def stopped(model: FraudSupplyChain) -> dict[str, float]:
    """Shares that enforcement stopped: of losses, of cards in use that ended, of openings tried."""
    counts, ends = model.recorder.counts(), model.ledger.moves[Kind.ACCOUNT, Status.ACTIVE]
    return {
        "funds.police_delay_days": counts["frozen_yuan"] / counts["losses_yuan"],
        "detection.account_base": float(ends[Status.RESTRICTED] / ends.sum()),
        "banks.sensitivity": counts["openings_refused_illicit"] / counts["openings_attempted_illicit"],
    }


@pytest.mark.parametrize(
    ("name", "levels"),
    [
        ("funds.police_delay_days", (14.0, 3.0, 0.3)),
        ("detection.account_base", (0.02, 0.06, 0.2)),
        ("banks.sensitivity", (0.1, 0.3, 0.8)),
    ],
)
def test_a22_in_a_trade_that_does_not_adapt_more_enforcement_stops_a_larger_share(
    name: str, levels: tuple[float, ...]
) -> None:
    """A22: over half a year of a trade without adaptation the share stopped rises by a tenth at each step."""
    shares = []
    for level in levels:
        sets = ["scale=1000", f"parameters.{name}={level}"]
        scenario = load("no-measures", sets=sets, start="2018-01-01", end="2018-06-30")
        off = Adaptation(since=scenario.start)
        model = FraudSupplyChain(scenario.with_(rival="no-adaptation", adaptation=off))
        model.run_model()
        shares.append(stopped(model)[name])
    assert shares[1] > 1.1 * shares[0]
    assert shares[2] > 1.1 * shares[1]
