"""Phase 8: the race between freeze and layering (equation 4.13).

Money leaves the victim's payment account through L hops; each takes an exponential time.  The police freeze
it once the victim has reported and the order has reached the bank.  Whoever comes first has the money.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.random import Process

if TYPE_CHECKING:
    from sim.random import KeyedRandom


def layering_time(
    random: KeyedRandom, day: int, keys: np.ndarray, hops: int, mean_total: float
) -> np.ndarray:
    """Days until the money has passed all hops: a sum of ``hops`` equal exponentials, float64 (n)."""
    each = mean_total / hops
    times = [random.exponential(Process.CASE_RACE, day, keys, 1 + hop) for hop in range(hops)]
    return np.asarray(each * np.sum(times, axis=0))


def freeze_time(
    random: KeyedRandom, day: int, keys: np.ndarray, victim_mean: float, police_mean: float | np.ndarray
) -> np.ndarray:
    """Days until the money is frozen: the victim's delay, then the police's, exponential, float64 (n)."""
    victim = victim_mean * random.exponential(Process.CASE_RACE, day, keys, 20)
    return victim + police_mean * random.exponential(Process.CASE_RACE, day, keys, 21)


def escape_share(hop_rate: float, freeze_rate: float, hops: int) -> float:
    """Probability that money escapes without a victim's delay: (mu / (mu + delta))^L."""
    return (hop_rate / (hop_rate + freeze_rate)) ** hops


def escape_share_after_report(report_rate: float, hop_rate: float, freeze_rate: float, hops: int) -> float:
    """The same with an exponential victim's delay first: [r (mu/(mu+d))^L - d (mu/(mu+r))^L] / (r - d)."""
    r, mu, d = report_rate, hop_rate, freeze_rate
    if r == d:
        return escape_share(mu, d, hops) * (1.0 + d * hops / (mu + d))
    return (r * (mu / (mu + d)) ** hops - d * (mu / (mu + r)) ** hops) / (r - d)
