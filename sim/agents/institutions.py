"""Banks and operators: they screen openings, and their effort rises when they are punished and erodes after.

Honest applicants are refused in error more often the harder an institution screens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import mesa
import numpy as np

from sim.arrays import interval

if TYPE_CHECKING:
    from sim.model import FraudSupplyChain


class Bank(mesa.Agent):
    """One bank or payment institution: a view of its entry in :class:`Banks`."""

    model: FraudSupplyChain

    def __init__(self, model: FraudSupplyChain, number: int) -> None:
        super().__init__(model)
        self.number = number

    @property
    def effort(self) -> float:
        """Screening effort relative to the start."""
        return float(self.model.banks.effort[self.number])

    def decide(self) -> None:
        """Effort rises to what its punished outlets ask for, and erodes by its half-life otherwise."""
        self.model.banks.decide(self.number)


class Operator(mesa.Agent):
    """One telecom operator."""

    model: FraudSupplyChain

    def __init__(self, model: FraudSupplyChain, name: str, share: float, sensitivity: float) -> None:
        super().__init__(model)
        self.name, self.share, self.sensitivity = name, share, sensitivity


class Banks:
    """All banks as arrays (n): ``class_of``, ``effort``, ``sensitivity`` (chance to refuse a bad opening)."""

    def __init__(self, model: FraudSupplyChain) -> None:
        p = model.parameters
        self.model = model
        counts = p.vector("banks.class_count").astype(np.int64)
        self.class_of = np.repeat(np.arange(len(counts)), counts)
        self.n = len(self.class_of)
        self.outlet_share = (p.vector("banks.class_outlet_share") / counts)[self.class_of]
        self.base = p.number("banks.sensitivity") * p.vector("banks.class_sensitivity")[self.class_of]
        self.effort = np.ones(self.n)
        self.ceiling = p.number("banks.sensitivity_max")
        self.false_positive = p.number("banks.false_positive")
        self.erosion = 0.5 ** (1.0 / p.number("banks.effort_half_life_weeks"))
        self.deterred = np.zeros(self.n)
        self.deterred_until = np.zeros(self.n, dtype=np.int64)

    @property
    def sensitivity(self) -> np.ndarray:
        """Chance that an illicit opening is refused, before the policy's factor, float64 (n)."""
        return np.minimum(self.base * self.effort, self.ceiling)

    def punish(self, banks: np.ndarray, deterrence: float, until: np.ndarray) -> None:
        """Suspended outlets deter the rest of their bank until they may open again."""
        np.maximum.at(self.deterred, banks, deterrence)
        np.maximum.at(self.deterred_until, banks, until)

    def decide(self, number: int) -> None:
        """Weekly effort of one bank."""
        if self.deterred_until[number] > self.model.day:
            self.effort[number] = max(self.effort[number], 1.0 + self.deterred[number])
        else:
            self.deterred[number] = 0.0
            self.effort[number] = 1.0 + (self.effort[number] - 1.0) * self.erosion

    def honest_refusals(self) -> np.ndarray:
        """Share of honest applicants refused today, float64 (regions): it grows with extra screening."""
        m = self.model
        policy = m.policy
        effort = float(self.outlet_share @ (self.base * self.effort)) / float(self.outlet_share @ self.base)
        extra = np.maximum(effort * policy.opening_factor - 1.0, 0.0)
        refused = self.false_positive * (1.0 + extra * policy.false_positive_factor)
        return np.asarray(np.minimum(refused, 1.0))


class Operators:
    """All operators: ``mean_sensitivity`` of those through which illicit phone cards are registered."""

    def __init__(self, model: FraudSupplyChain) -> None:
        p = model.parameters
        shares, sensitivities = p.table("operators.share"), p.table("operators.sensitivity")
        self.agents = [Operator(model, name, share, sensitivities[name]) for name, share in shares.items()]
        self.edges = np.cumsum(list(shares.values())) / sum(shares.values())
        self.mean_sensitivity = sum(a.share * a.sensitivity for a in self.agents) / sum(shares.values())

    def choose(self, u: np.ndarray) -> np.ndarray:
        """Number of the operator of each phone card by a uniform number (n)."""
        return interval(self.edges, u)
