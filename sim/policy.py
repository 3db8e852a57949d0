"""The policy vector of a day: what measures ask for, and all that the rest of the model sees of them.

Measures write it, the world and the processes of the day read it; neither knows the other.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

STREAMS = ("video", "event", "message")
"""Publicity streams, in the order of the columns of :attr:`Policy.publicity`."""


@dataclass(frozen=True)
class Cleanup:
    """An order to review cards of one kind: which flag it looks at and how many real cards it is to clean
    today.

    ``cards`` (real cards a day, over all masked regions) and ``rate`` (hazard per day on flagged cards) add
    up; ``lift`` is how much likelier an illicit card is to be cleaned than an honest one with the same flag.
    """

    cause: int
    kind: int
    flag: int
    cards: float
    rate: float
    lift: float
    regions: np.ndarray


@dataclass(frozen=True)
class Suspension:
    """An order to stop account opening at ``outlets`` outlets, for 1..6 (``months``) months each."""

    measure: str
    outlets: int
    months: tuple[int, int]
    auc: float
    displacement: float
    deterrence: float
    regions: np.ndarray


@dataclass(frozen=True)
class Campaign:
    """Today's share of an arrest campaign, in real persons and card gangs, with how targets are chosen."""

    measure: str
    opener_arrests: float
    card_gangs: float
    fraud_gangs: float
    evidence_exponent: float
    degree_exponent: float
    seize_share: float
    regions: np.ndarray


@dataclass
class Policy:
    """The policy vector of one day: what all measures in force ask for, neutral where none acts.

    Arrays have one entry for each region.  Factors are neutral at exactly 1, doses at exactly 0.
    """

    regions: int
    opening_factor: np.ndarray = field(init=False)
    use_factor: np.ndarray = field(init=False)
    trace_factor: np.ndarray = field(init=False)
    false_positive_factor: np.ndarray = field(init=False)
    publicity: np.ndarray = field(init=False)
    app_protection: np.ndarray = field(init=False)
    orders: np.ndarray = field(init=False)
    freeze_factor: np.ndarray = field(init=False)
    report_lift: np.ndarray = field(init=False)
    announcement: float = 0.0
    cleanups: list[Cleanup] = field(default_factory=list)
    suspensions: list[Suspension] = field(default_factory=list)
    campaigns: list[Campaign] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.opening_factor = np.ones(self.regions)
        self.use_factor = np.ones(self.regions)
        self.trace_factor = np.ones(self.regions)
        self.false_positive_factor = np.ones(self.regions)
        self.publicity = np.zeros((self.regions, len(STREAMS)))
        self.app_protection = np.zeros(self.regions)
        self.orders = np.zeros(self.regions)
        self.freeze_factor = np.ones(self.regions)
        self.report_lift = np.zeros(self.regions)
