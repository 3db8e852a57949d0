"""What the exact checks are judged by: slow references in plain Python, and rules that decide.

A statistical check states its rule before it looks: the distance of the mean from its expected value in
standard errors, at most 4 (a sound model fails such a check once in 16,000 seeds; the seeds are fixed, so it
never flickers). A sample so small that the rule could not tell the difference that matters is refused: it
could never decide.
"""

import math
from collections.abc import Sequence

import numpy as np
from numba import njit
from scipy import stats

from sim.kernels.card_step import card_step
from sim.kernels.philox import child_keys, pack_key, uniform_at
from sim.world.codes import FLAG_SETS, LIVE, Kind, Status

STANDARD_ERRORS = 4.0
RARE = 1e-4
"""A chi-square check fails below this probability."""
KEY = pack_key(20201010, 0)
DETECTION = 7
CARD_PROCESS = 29


def decide_mean(mean: float, expected: float, variance: float, n: int, matters: float) -> None:
    """Fail unless the mean of ``n`` draws of known variance lies within 4 standard errors of its expected
    value.

    ``matters`` is the smallest deviation that the check must be able to see; a sample whose rule is wider
    than that is refused.
    """
    error = math.sqrt(variance / n)
    assert STANDARD_ERRORS * error <= matters, f"{n} draws could never decide a deviation of {matters}"
    z = (mean - expected) / error
    assert abs(z) < STANDARD_ERRORS, f"mean {mean} against {expected}: {z:.2f} standard errors"


def decide_binomial(hits: int, n: int, p: float, matters: float) -> None:
    """Fail unless ``hits`` of ``n`` lies within 4 standard errors of ``n p``; ``matters`` is a deviation of
    p.
    """
    decide_mean(hits / n, p, p * (1.0 - p), n, matters)


def decide_counts(counts: Sequence[int], probabilities: Sequence[float]) -> None:
    """Chi-square of counts against probabilities; every expected count must be at least 20, or it cannot
    decide.
    """
    observed = np.asarray(counts, dtype=float)
    expected = np.asarray(probabilities, dtype=float) * observed.sum()
    assert expected.min() >= 20.0, f"an expected count of {expected.min()} could never decide"
    assert math.isclose(expected.sum(), observed.sum(), rel_tol=1e-9)
    assert stats.chisquare(observed, expected).pvalue > RARE, (counts, expected)


class Cards:
    """Cards for the card step with everything switched off; a test switches on what it is about."""

    def __init__(self, n: int, *, regions: int = 1, cleanup: int = 1, own: int = 1, first: int = 0) -> None:
        self.n = n
        self.keys = keys(n, first)
        self.status = np.full(n, Status.ACTIVE, dtype=np.uint8)
        self.kind = np.full(n, Kind.ACCOUNT, dtype=np.uint8)
        self.region = np.zeros(n, dtype=np.uint8)
        self.flags = np.zeros(n, dtype=np.uint8)
        self.uses_today = np.zeros(n, dtype=np.uint8)
        self.amount = np.zeros(n, dtype=np.int64)
        self.opened = np.full(n, -1000, dtype=np.int32)
        self.uses = np.zeros(n, dtype=np.uint16)
        self.new_days = 30
        self.detection = np.zeros((len(Kind), DETECTION))
        self.detection[:, 4] = 1.0
        self.use_factor = np.ones(regions)
        self.cleanup = np.zeros((cleanup, len(Kind), FLAG_SETS, regions))
        self.own = np.zeros((own, len(Status), len(Kind)))

    def step(self, day: int) -> np.ndarray:
        """Cause of each card's removal today, 0 for those that stay (uint8, n); nothing is changed."""
        removed = np.zeros(self.n, dtype=np.uint8)
        card_step(
            KEY, CARD_PROCESS, day, self.keys, self.status, self.kind, self.region, self.flags,
            self.uses_today, self.amount, self.opened, self.uses, int(LIVE), self.new_days, self.detection,
            self.use_factor, self.cleanup, self.own, removed,
        )  # fmt: skip
        return removed

    def card_by_card(self, day: int) -> np.ndarray:
        """The same by the plain loop that looks at every card: the step must agree with it bit for bit."""
        removed = np.zeros(self.n, dtype=np.uint8)
        card_by_card(
            KEY, CARD_PROCESS, day, self.keys, self.status, self.kind, self.region, self.flags,
            self.uses_today, self.amount, self.opened, self.uses, int(LIVE), self.new_days, self.detection,
            self.use_factor, self.cleanup, self.own, removed,
        )  # fmt: skip
        return removed

    def reference_step(self, day: int) -> list[int]:
        """The same in plain Python, as equations 4.12 and 4.16 state it, with probabilities."""
        return [self._reference(i, day) for i in range(self.n)]

    def _reference(self, i: int, day: int) -> int:
        if int(self.status[i]) >= int(LIVE):
            return 0
        hazards = [self._detected(i, day)]
        flags, region, kind = int(self.flags[i]) % FLAG_SETS, int(self.region[i]), int(self.kind[i])
        hazards += [1.0 - math.exp(-cause[kind][flags][region]) for cause in self.cleanup.tolist()]
        hazards += [1.0 - math.exp(-cause[int(self.status[i])][kind]) for cause in self.own.tolist()]
        stays = math.prod(1.0 - h for h in hazards)
        u = float(uniform_at(KEY, CARD_PROCESS, day, self.keys[i], 0))
        if u >= 1.0 - stays:
            return 0
        rates = [-math.log(1.0 - h) for h in hazards]
        point = u / (1.0 - stays) * sum(rates)
        for cause, passed in enumerate(np.cumsum(rates)):
            if point < passed:
                return 1 + cause
        return 1 + max(c for c, r in enumerate(rates) if r > 0.0)

    def _detected(self, i: int, day: int) -> float:
        """Probability of detection today: 1 - (1 - q)^uses, each use with q = 1 - exp(-rate)."""
        times = int(self.uses_today[i])
        if times == 0:
            return 0.0
        a0, a1, v0, a2, m0, a3, a4 = self.detection[int(self.kind[i])].tolist()
        rate = a0 + a1 * max(times - v0, 0.0) + a2 * math.log(1.0 + int(self.amount[i]) / times / m0)
        rate += a3 * (day - int(self.opened[i]) <= self.new_days)
        rate += a4 * (int(self.flags[i]) % 2 == 1 and int(self.uses[i]) <= times)
        return 1.0 - math.exp(-rate * float(self.use_factor[int(self.region[i])])) ** times


def keys(n: int, first: int = 0) -> np.ndarray:
    """Keys of ``n`` entities that nobody else has."""
    creator = np.full(n, 0xC0FFEE, dtype=np.uint64)
    return child_keys(creator, np.arange(first, first + n, dtype=np.uint64))


def rate(probability: float) -> float:
    """The rate whose hazard is a probability: -log(1 - h)."""
    return -math.log1p(-probability)


@njit(error_model="numpy")
def card_by_card(
    key, process, day, keys, status, kind, region, flags, uses_today, amount, opened, uses, ended, new_days,
    detection, use_factor, cleanup, own, removed,
):  # fmt: skip
    """Equations 4.12 and 4.16 for one card after the other, without bounds and blocks."""
    causes = cleanup.shape[0]
    for i in range(keys.size):
        removed[i] = 0
        s, k, f, g = status[i], kind[i], flags[i] & 15, region[i]
        if s >= ended:
            continue
        passed = 0.0
        if uses_today[i] > 0:
            a0, a1, v0, a2, m0, a3, a4 = detection[k]
            new = 1.0 if day - opened[i] <= new_days else 0.0
            awakened = 1.0 if (flags[i] & 1) != 0 and uses[i] <= uses_today[i] else 0.0
            amounts = a2 * np.log1p(amount[i] / uses_today[i] / m0)
            rate = a0 + a1 * max(uses_today[i] - v0, 0.0) + amounts + a3 * new + a4 * awakened
            passed = rate * uses_today[i] * use_factor[g]
        total = passed
        for c in range(causes + own.shape[0]):
            total += cleanup[c, k, f, g] if c < causes else own[c - causes, s, k]
        if total <= 0.0:
            continue
        gone = -np.expm1(-total)
        u = uniform_at(key, process, day, keys[i], 0)
        if u < gone:
            point, cause = u / gone * total, 0
            for c in range(causes + own.shape[0]):
                if point < passed:
                    break
                rate = cleanup[c, k, f, g] if c < causes else own[c - causes, s, k]
                passed += rate
                if rate > 0.0:
                    cause = c + 1
            removed[i] = 1 + cause
