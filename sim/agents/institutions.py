"""Banks and operators: they screen openings, and their effort rises when they are punished and erodes after.

Honest applicants are refused in error more often the harder an institution screens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from sim.agents.member import Member
from sim.arrays import interval
from sim.kernels.counter import add_honest_refusals
from sim.kernels.decisions import hold_up, move_efforts
from sim.policy import Inspection
from sim.random import Process, children, named_key

if TYPE_CHECKING:
    from sim.model import FraudSupplyChain


class Bank(Member):
    """One bank or payment institution: a view of its entry in :class:`Banks`."""

    model: FraudSupplyChain

    def __init__(self, model: FraudSupplyChain, number: int) -> None:
        super().__init__(model)
        self.number = number

    @property
    def effort(self) -> float:
        """Screening effort relative to the start."""
        return float(self.model.banks.effort[self.number])

    @property
    def inspected_until(self) -> int:
        """Day on which its inspection ends, 0 if it never had one."""
        return int(self.model.banks.inspected_until[self.number])


class Operator(Member):
    """One telecom operator."""

    model: FraudSupplyChain

    def __init__(self, model: FraudSupplyChain, name: str, share: float, sensitivity: float) -> None:
        super().__init__(model)
        self.name, self.share, self.sensitivity = name, share, sensitivity


class Banks:
    """All banks as arrays (n), in their true number at every scale.

    ``class_of``: its class of institutions; ``outlet_share``: its share of all outlets; ``base``: chance that
    it refuses an illicit opening at the effort of the start; ``_weight``: what its effort counts among honest
    applicants; ``keys``: what its random numbers are drawn by; ``effort``: of screening, relative to the
    start; ``upheld`` and ``upheld_until``: by how much it is held up, and until when; ``inspected_until``:
    day on which its inspection ends, 0 without one; ``displacement``: share of those refused under inspection
    who try another bank; ``raised_by``: which of the raising measures last raised the effort.
    """

    given: ClassVar[tuple[str, ...]] = ("class_of", "keys", "outlet_share", "base", "_weight", "_of_weekday")
    remade: ClassVar[tuple[str, ...]] = ("_rankings",)

    def __init__(self, model: FraudSupplyChain) -> None:
        p = model.parameters
        self.model = model
        counts = p.vector("banks.class_count").astype(np.int64)
        self.class_of = np.repeat(np.arange(len(counts)), counts)
        self.n = len(self.class_of)
        self.keys = children(named_key("banks"), self.n)
        self.outlet_share = (p.vector("banks.class_outlet_share") / counts)[self.class_of]
        self.base = p.number("banks.sensitivity") * p.vector("banks.class_sensitivity")[self.class_of]
        self.effort = np.ones(self.n)
        # What a bank's effort counts among honest applicants: its outlets times its own sensitivity.
        weight = self.outlet_share * self.base
        self._weight = weight if weight.any() else np.ones(self.n)
        self._total_weight = self._weight.sum()
        self.ceiling = p.number("banks.sensitivity_max")
        self.false_positive = p.number("banks.false_positive")
        self.erosion = 0.5 ** (1.0 / p.number("banks.effort_half_life_weeks"))
        self.upheld = np.zeros(self.n)
        self.upheld_until = np.zeros(self.n, dtype=np.int64)
        self.inspected_until = np.zeros(self.n, dtype=np.int64)
        self.displacement = np.zeros(self.n)
        self.raised_by = np.full(self.n, -1, dtype=np.int16)
        self.raisers: list[str] = []
        self._of_weekday = [np.arange(day, self.n, 7) for day in range(7)]
        self._rankings: dict[float, np.ndarray] = {}

    @property
    def sensitivity(self) -> np.ndarray:
        """Chance that an illicit opening is refused, before the policy's factor, float64 (n)."""
        return np.minimum(self.base * self.effort, self.ceiling)

    def inspected(self, day: int) -> np.ndarray:
        """Boolean mask (n) of the banks under inspection on a day."""
        return self.inspected_until > day

    def uphold(self, banks: np.ndarray, lift: float, until: np.ndarray, measure: str) -> None:
        """Hold the effort of some banks up by at least ``lift`` until a day (n)."""
        if measure not in self.raisers:
            self.raisers.append(measure)
        which = self.raisers.index(measure)
        hold_up(
            np.asarray(banks, dtype=np.int64),
            np.asarray(until, dtype=np.int64),
            lift,
            which,
            self.upheld,
            self.upheld_until,
            self.raised_by,
        )

    def inspect(self, order: Inspection, day: int) -> None:
        """Inspections begin: effort rises there at once, and by the spillover at other banks of the class."""
        # Each bank is inspected at most once, so the first (inspected + wanted) of the ranking hold enough.
        chosen = self.ranking(order)[: np.count_nonzero(self.inspected_until) + order.institutions]
        chosen = chosen[self.inspected_until[chosen] == 0][: order.institutions]
        until = np.full(len(chosen), day + order.days)
        self.uphold(chosen, order.lift, until, order.measure)
        self.inspected_until[chosen] = until
        self.displacement[chosen] = order.displacement
        if order.spillover > 0.0:
            concerned = np.zeros(self.class_of[-1] + 1, dtype=bool)
            concerned[self.class_of[chosen]] = True
            beside = np.flatnonzero(concerned[self.class_of] & ~self.inspected(day))
            ends = np.full(len(beside), day + order.days)
            self.uphold(beside, order.lift * order.spillover, ends, order.measure)
        self._work(np.flatnonzero(self.upheld_until > day))

    def ranking(self, order: Inspection) -> np.ndarray:
        """Banks in the order in which they are inspected: a race of exponential clocks weighted by size."""
        exponent = order.size_exponent
        if exponent not in self._rankings:
            clock = self.model.keyed.exponential(Process.INSPECTION, 0, self.keys)
            self._rankings[exponent] = np.argsort(clock / self.outlet_share**exponent, kind="stable")
        return self._rankings[exponent]

    def decide_today(self) -> None:
        """The weekly effort of the banks whose weekday it is."""
        self._work(self._of_weekday[self.model.day % 7])

    def _work(self, rows: np.ndarray) -> None:
        """Effort rises to what is upheld, and erodes by its half-life otherwise."""
        move_efforts(rows, self.model.day, self.effort, self.upheld, self.upheld_until, self.erosion)

    def add_honest_refusals(self, refused: np.ndarray) -> None:
        """Add the share of honest applicants refused today to ``refused``, float64 (regions): it grows with
        extra screening, and who is listed in error is refused too.
        """
        policy = self.model.policy
        add_honest_refusals(
            self.false_positive,
            float((self.effort * self._weight).sum() / self._total_weight),
            policy.opening_factor,
            policy.false_positive_factor,
            policy.honest_listed,
            refused,
        )


class Operators:
    """All operators: ``mean_sensitivity`` of those through which illicit phone cards are registered.

    ``edges``: running sums of their shares;
    ``insiders``: agents who register phone cards for the trade, real persons; ``insider_level``: relative to
    day 0.
    """

    given: ClassVar[tuple[str, ...]] = ("agents",)

    def __init__(self, model: FraudSupplyChain) -> None:
        p = model.parameters
        shares, sensitivities = p.table("operators.share"), p.table("operators.sensitivity")
        self.agents = [Operator(model, name, share, sensitivities[name]) for name, share in shares.items()]
        self.edges = np.cumsum(list(shares.values())) / sum(shares.values())
        self.mean_sensitivity = sum(a.share * a.sensitivity for a in self.agents) / sum(shares.values())
        self.insiders_start = round(p.number("insiders.agents"))
        self.insiders = self.insiders_start

    @property
    def insider_level(self) -> float:
        """Insiders at work relative to day 0."""
        return self.insiders / self.insiders_start if self.insiders_start else 0.0

    def choose(self, u: np.ndarray) -> np.ndarray:
        """Number of the operator of each phone card by a uniform number (n)."""
        return interval(self.edges, u)
