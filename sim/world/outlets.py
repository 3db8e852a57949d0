"""Bank outlets: 228,600 places where an account can be opened, some far laxer than others.

Outlets are never scaled.  Laxity is Pareto distributed, so a small share of outlets takes a large share of
illicit openings; openers choose an outlet of their region in proportion to laxity.
"""

from __future__ import annotations

from functools import lru_cache
from typing import ClassVar

import numpy as np
from scipy import special

from sim.arrays import interval
from sim.kernels import elementary
from sim.policy import Blacklist, Suspension
from sim.random import KeyedRandom, Process, children, named_key
from sim.world.regions import Regions

RISKIEST = 0.01
"""The share of outlets that "riskiest" means where a selection is described by its AUC."""


class Outlets:
    """Outlets as arrays (n), sorted by region.

    ``region``: its number, uint8; ``bank``: its number, int16; ``laxity``: mean weight of an illicit opening,
    float64; ``cumulative``: running sums of the laxity; ``first``: where each region begins, int64 (regions +
    1); ``suspended_until``: first day on which opening is allowed again, int32; ``displacement``: share of
    illicit openings that moves elsewhere while it is suspended, float64; ``suspended_by``: which of the
    suspending measures shut it, int16; ``joins``: a list with a share x of members has those below x,
    float64; ``compromised``: whether an insider there opens accounts for the trade; ``tainted``: whether one
    did on day 0; ``insiders``: numbers of the compromised outlets, int64; ``insider_keys`` and
    ``insider_region``: their keys and regions; ``keys``: what their random numbers are drawn by; ``_noise``:
    through which an authority sees their risk; ``_shut``: numbers of the outlets that were ever suspended.
    """

    given: ClassVar[tuple[str, ...]] = (
        "n",
        "keys",
        "region",
        "first",
        "laxity",
        "bank",
        "joins",
        "tainted",
        "_noise",
        "cumulative",
    )
    remade: ClassVar[tuple[str, ...]] = ("_rankings", "_passed")
    grows: ClassVar[tuple[str, ...]] = ("insiders", "insider_keys", "insider_region", "_shut")

    insiders: np.ndarray
    insider_keys: np.ndarray
    insider_region: np.ndarray

    def __init__(
        self,
        regions: Regions,
        count: int,
        exponent: float,
        bank_shares: np.ndarray,
        random: KeyedRandom,
        insider_share: float = 0.0,
    ) -> None:
        per_region = _whole_shares(regions.share, count)
        self.n = count
        self.region = np.repeat(np.arange(regions.n, dtype=np.uint8), per_region)
        self.first = np.concatenate([[0], np.cumsum(per_region)])
        traits = _traits(random, count, exponent, bank_shares.astype(np.float64).tobytes(), insider_share)
        self.keys, self.laxity, self.bank, self.joins, self.tainted, self._noise = map(np.copy, traits)
        self.suspended_until = np.zeros(count, dtype=np.int32)
        self.suspended_by = np.zeros(count, dtype=np.int16)
        self.suspenders: list[str] = []
        self.displacement = np.zeros(count)
        self.compromised = self.tainted.copy()
        self._list_insiders(np.flatnonzero(self.compromised))
        self.cumulative = np.cumsum(self.laxity)
        self._shut = np.empty(0, dtype=np.int64)
        self._all_open_from = 0
        self._rankings: dict[tuple[float, bytes], np.ndarray] = {}
        self._passed: dict[tuple[float, bytes], int] = {}

    def choose_outside(self, region: np.ndarray, u: np.ndarray, blocked: np.ndarray) -> np.ndarray:
        """Outlet in each region (n) in proportion to laxity by a uniform number (n), among those that are not
        ``blocked`` (outlets); -1 where the region has none.
        """
        if not len(region):
            return np.empty(0, dtype=np.int64)
        first, end = self.first[region], self.first[region + 1]
        last = int(end.max())
        cumulative = np.cumsum(np.where(blocked[:last], 0.0, self.laxity[:last]))
        before = np.where(first > 0, cumulative[first - 1], 0.0)
        after = cumulative[end - 1]
        at = np.searchsorted(cumulative, before + u * (after - before), side="right")
        return np.where(after > before, np.clip(at, first, end - 1), -1)

    def members(self, order: Blacklist) -> np.ndarray:
        """Boolean mask (n) of the outlets that share a list."""
        return np.asarray(order.regions[self.region] & (self.joins < order.members))

    def suspend(self, order: Suspension, day: int, random: KeyedRandom) -> np.ndarray:
        """Suspend the outlets that look worst to the authority; returns their numbers.

        They are ranked by true risk seen through noise, so that the chance that one of the riskiest 1%
        outranks another equals the order's AUC.  Each stays shut for a whole number of months, drawn evenly.
        """
        # Each outlet is suspended at most once: those of the ranking that were passed are, and the first
        # (suspended + wanted) hold enough.
        name = (order.auc, order.regions.tobytes())
        passed = self._passed.get(name, 0)
        first = self.ranking(order)[passed : len(self._shut) + order.outlets]
        takes = np.flatnonzero(self.suspended_until[first] == 0)[: order.outlets]
        if len(takes):
            self._passed[name] = passed + int(takes[-1]) + 1
        chosen = np.sort(first[takes])
        self._shut = np.concatenate([self._shut, chosen])
        low, high = order.months
        u = random.uniform(Process.OUTLET_MONTHS, 0, self.keys[chosen])
        months = low + np.floor(u * (high - low + 1)).astype(np.int64)
        self.suspended_until[chosen] = day + np.round(months * 30.44).astype(np.int64)
        self._all_open_from = int(self.suspended_until[chosen].max(initial=self._all_open_from))
        self.displacement[chosen] = order.displacement
        if order.measure not in self.suspenders:
            self.suspenders.append(order.measure)
        self.suspended_by[chosen] = self.suspenders.index(order.measure)
        return chosen

    def ranking(self, order: Suspension) -> np.ndarray:
        """Outlets of the order's regions, the worst-looking first."""
        name = (order.auc, order.regions.tobytes())
        if name not in self._rankings:
            weight = selection_weight(order.auc)
            score = weight * _risk(self.laxity.tobytes()) + np.sqrt(1.0 - weight**2) * self._noise
            inside = np.flatnonzero(order.regions[self.region])
            self._rankings[name] = inside[np.argsort(-score[inside], kind="stable")]
        return self._rankings[name]

    def shut(self, day: int) -> np.ndarray:
        """Boolean mask (n) of the outlets that may not open accounts on a day."""
        return self.suspended_until > day

    def shut_share(self, day: int, regions: int) -> np.ndarray:
        """Share of the outlets of each region that are suspended, float64 (regions)."""
        if day >= self._all_open_from:
            return np.zeros(regions)
        shut = self._shut[self.suspended_until[self._shut] > day]
        share: np.ndarray = np.bincount(self.region[shut], minlength=regions) / np.diff(self.first)
        return share

    def flip_insiders(self, outlets: np.ndarray) -> None:
        """At some outlets (n) the insider leaves; where there is none one is recruited."""
        if len(outlets):
            self.compromised[outlets] ^= True
            stay = self.compromised[self.insiders]
            recruited = outlets[self.compromised[outlets]]
            if len(recruited):
                self._list_insiders(np.sort(np.concatenate([self.insiders[stay], recruited])))
            else:
                self.insiders = self.insiders[stay]
                self.insider_keys = self.insider_keys[stay]
                self.insider_region = self.insider_region[stay]

    def _list_insiders(self, outlets: np.ndarray) -> None:
        """Insiders are at these outlets (n, rising)."""
        self.insiders = outlets
        self.insider_keys = self.keys[outlets]
        self.insider_region = self.region[outlets]


@lru_cache(maxsize=1)
def _traits(
    random: KeyedRandom, count: int, exponent: float, bank_shares: bytes, insider_share: float
) -> tuple[np.ndarray, ...]:
    """Keys, laxity, bank, when it joins a list, whether an insider is there, and noise of outlets.

    Kept for the next world of the same chance: nearly half of the building of a small one is spent here.
    """
    keys = children(named_key("outlets"), count)
    u = random.uniform(Process.OUTLET_LAXITY, 0, keys)
    bank = _choose(random.uniform(Process.OUTLET_LAXITY, 0, keys, 1), np.frombuffer(bank_shares))
    return (
        keys,
        elementary.power(u, -1.0 / exponent),
        bank.astype(np.int16),
        random.uniform(Process.MEMBERS, 0, keys),
        random.uniform(Process.INSIDERS, 0, keys) < insider_share,
        random.normal(Process.OUTLET_SELECTION, 0, keys),
    )


@lru_cache(maxsize=1)
def _risk(laxity: bytes) -> np.ndarray:
    """True risk of outlets by their laxity (float64), as a normal score; kept as their traits are."""
    values = np.frombuffer(laxity)
    score: np.ndarray = special.ndtri(mean_ranks(values) / (len(values) + 1.0))
    return score


@lru_cache
def selection_weight(auc: float) -> float:
    """Weight of true risk in the score of an outlet that gives the riskiest 1% the stated AUC against the
    others.

    The score is w z + sqrt(1 - w^2) e with z the normal score of the risk.  A member of the top share then
    outranks any outlet with probability E[Phi(w z / sqrt(2 - w^2))]; taking out its own kind, whom it
    outranks half the time, leaves the AUC, which is solved for w by bisection.
    """
    ranks = 1.0 - RISKIEST * (np.arange(400) + 0.5) / 400
    z = special.ndtri(ranks)
    low, high = 0.0, 1.0
    for _ in range(60):
        w = (low + high) / 2
        outranks = special.ndtr(w * z / np.sqrt(2.0 - w**2)).mean()
        if (outranks - RISKIEST / 2) / (1.0 - RISKIEST) < auc:
            low = w
        else:
            high = w
    return low


def mean_ranks(values: np.ndarray) -> np.ndarray:
    """Rank of each value (n) from 1 for the least; equal values share their mean rank."""
    _, place, times = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(times)
    mean: np.ndarray = (2 * last - times + 1) / 2.0
    return mean[place]


def _whole_shares(shares: np.ndarray, total: int) -> np.ndarray:
    """Whole numbers near ``shares`` x total that add up to the total (largest remainders)."""
    exact = shares / shares.sum() * total
    whole: np.ndarray = np.floor(exact).astype(np.int64)
    rest = np.argsort(-(exact - whole), kind="stable")[: total - int(whole.sum())]
    whole[rest] += 1
    return whole


def _choose(u: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Category of each uniform number by cumulative shares."""
    edges = np.cumsum(shares) / np.sum(shares)
    return interval(edges, u)
