"""Phase 1 and 2: the calendar, the policy vector of the day, and what fades."""

from __future__ import annotations

import math
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from sim.kernels import elementary
from sim.policy import Policy
from sim.random import Process, named_keys

if TYPE_CHECKING:
    from sim.model import FraudSupplyChain

SPRING_FESTIVALS = (
    date(2017, 1, 28),
    date(2018, 2, 16),
    date(2019, 2, 5),
    date(2020, 1, 25),
    date(2021, 2, 12),
    date(2022, 2, 1),
    date(2023, 1, 22),
)
"""First days of the lunar year: a fact of the calendar."""

LOCKDOWN = date(2020, 1, 24)
"""First day of the epidemic lockdown of early 2020."""


class Calendar:
    """Phase 1: season and lockdown, and today's policy vector from the schedule of the joint office.

    ``shock_key``: what the shared monthly shock is drawn by.
    """

    def __init__(self, model: FraudSupplyChain) -> None:
        p = model.parameters
        self.model = model
        self.festival_depth = p.number("season.festival_depth")
        self.festival_days = p.number("season.festival_days")
        self.lockdown_depth = p.number("season.lockdown_depth")
        self.lockdown_days = p.number("season.lockdown_days")
        self.shock_sd = p.number("reporting.shock_sd")
        self.shock_key = named_keys(["shared shock"])
        self.shock_month = -1
        self.festivals = [first.toordinal() for first in SPRING_FESTIVALS]

    def run(self) -> None:
        """Set ``today``, ``season`` (factor on business), ``policy`` and ``shock`` (shared) of the model."""
        m = self.model
        m.today = m.scenario.start + timedelta(days=m.day)
        m.season = self._festival(m.today) * self._lockdown(m.today)
        m.policy = m.office.policy_of(m.day)
        for measure, units in m.policy.delivered.items():
            m.recorder.deed(measure, "units", units)
        month = m.today.year * 12 + m.today.month
        if self.shock_sd > 0.0 and month != self.shock_month:
            deviation = m.keyed.normal(Process.SHOCK, month % 60000, self.shock_key)[0]
            m.shock, self.shock_month = math.exp(self.shock_sd * deviation), month

    def _festival(self, today: date) -> float:
        """A dip around the lunar new year: a bell of given depth and width (days, one standard deviation)."""
        middle = today.toordinal() - 3
        nearest = min([abs(middle - first) for first in self.festivals])
        return 1.0 - self.festival_depth * math.exp(-0.5 * (nearest / self.festival_days) ** 2)

    def _lockdown(self, today: date) -> float:
        """A drop at the lockdown of 2020 that fades exponentially."""
        since = (today - LOCKDOWN).days
        return 1.0 - self.lockdown_depth * math.exp(-since / self.lockdown_days) if since >= 0 else 1.0


class Fading:
    """Phase 2: awareness, public risk and hoarding fade; announcements and publicity add (4.9, 4.10).

    ``reach`` and ``efficacy``: people whom a video, an event and a message reach, and how much a contact
    counts.
    """

    def __init__(self, model: FraudSupplyChain) -> None:
        p = model.parameters
        self.model = model
        self.fast = 0.5 ** (1.0 / (7 * p.number("beliefs.impulse_fast_weeks")))
        self.slow = 0.5 ** (1.0 / (7 * p.number("beliefs.impulse_slow_weeks")))
        self.fast_share = p.number("beliefs.impulse_fast_share")
        self.hoard_decay = math.exp(-1.0 / p.number("gangs.hoarding_days"))
        self.hoard = p.number("gangs.hoarding")
        self.legal_share = p.number("victims.legal_share")
        self.awareness_decay = 0.5 ** (1.0 / (7 * p.number("victims.awareness_half_life_weeks")))
        self.reach = np.array([p.number(f"victims.{s}_reach") for s in ("video", "event", "message")])
        self.adults = float(model.regions.adults.sum())
        self.efficacy = np.array([p.number(f"victims.{s}_efficacy") for s in ("video", "event", "message")])

    def run(self) -> None:
        """Fade everything by a day, then add today's doses."""
        m, s = self.model, self.model.signals
        fast, slow = (self.fast, self.slow) if m.adapts("deterrence_decay") else (1.0, 1.0)
        s.risk_fast = s.risk_fast * fast + m.policy.announcement * self.fast_share
        s.risk_slow = s.risk_slow * slow + m.policy.announcement * (1.0 - self.fast_share)
        s.hoarding = s.hoarding * self.hoard_decay + m.policy.announcement * self.hoard
        self._inform()

    def _inform(self) -> None:
        """Awareness fades; publicity, where there is any today, adds to it and is credited by its parts."""
        m = self.model
        if not np.count_nonzero(m.policy.publicity):
            m.awareness = self.awareness_decay * m.awareness
            m.legal_awareness = self.awareness_decay * m.legal_awareness
            return
        dose = self.dose(m.policy)
        m.awareness = next_awareness(m.awareness, self.awareness_decay, dose)
        m.legal_awareness = next_awareness(m.legal_awareness, self.awareness_decay, dose * self.legal_share)
        for measure, part in m.policy.parts.get("awareness", {}).items():
            m.awareness_by[measure] = m.awareness_by.get(measure, 0.0) + float(part.sum())

    def dose(self, policy: Policy) -> np.ndarray:
        """Effective contacts per adult today: doses are national counts, spread over all adults."""
        contacts = policy.publicity * self.reach / self.adults
        return np.asarray(contacts @ self.efficacy)


def next_awareness(awareness: np.ndarray, decay: float, effective_contacts: np.ndarray) -> np.ndarray:
    """Awareness a day later (equation 4.10): A' = decay A + (1 - A)(1 - exp(-effective contacts per adult)).

    Its steady state under a constant dose is g / (1 - decay + g), g = 1 - exp(-effective contacts).
    """
    return np.asarray(decay * awareness + (1.0 - awareness) * -elementary.expm1(-effective_contacts))
