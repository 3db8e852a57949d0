"""A race of mixes for the cheapest that reaches a target: many pairs of runs only for those in question.

All are screened with the same few pairs. A mix that clearly fails is out; the cheapest of the others get
twice as many pairs, and again, until a mix has its full number or clearly reaches the target. What costs more
than a mix that stands fast needs no more runs. Every decision depends only on results, never on time, so a
race that is begun again takes the same course.

The mix that wins was chosen for its luck too: what it is worth is for fresh pairs to say (`Race.refuted`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from sim.study.estimates import CONFIDENCE

if TYPE_CHECKING:
    import pandas as pd

FIELD = 8
"""So many mixes get more pairs at a time, the cheapest in question."""

SURELY_OUT = 0.98
"""Confidence of the interval below which a mix is out: one that just reaches the target is dropped at a look
with a chance of at most 1 in 100."""

REACHES, DOES_NOT = "reaches", "does not"


@cache
def share_interval(successes: int, pairs: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """The exact interval of Clopper and Pearson for a probability; (0, 1) without pairs."""
    from scipy.stats import binomtest  # imported late: it costs half a second

    if not pairs:
        return 0.0, 1.0
    found = binomtest(successes, pairs).proportion_ci(confidence, method="exact")
    return float(found.low), float(found.high)


def least_pairs(sure: float) -> int:
    """The fewest pairs that can tell at all that a probability of ``sure`` is reached: if all succeed."""
    return math.ceil(math.log((1.0 - CONFIDENCE) / 2.0) / math.log(sure) - 1e-9)


@dataclass(frozen=True)
class Record:
    """What a mix did in its pairs: in how many it reached the target, what it cost on average, and by which
    share of the baseline's cases fell on average.
    """

    mix: str
    pairs: int
    successes: int
    spend: float
    decline: float

    @property
    def share(self) -> float:
        """Share of pairs in which the target was reached; 0 without pairs."""
        return self.successes / self.pairs if self.pairs else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """90% interval of the probability to reach the target."""
        return share_interval(self.successes, self.pairs)

    def verdict(self, sure: float) -> str:
        """Whether the target is reached with probability ``sure``, in words."""
        low, high = self.interval
        if low >= sure:
            return REACHES
        return DOES_NOT if high < sure else f"cannot be told at {self.pairs} pairs"

    def surely_out(self, sure: float) -> bool:
        """Whether it is clear that the probability lies below ``sure``."""
        return share_interval(self.successes, self.pairs, SURELY_OUT)[1] < sure


def record(mix: str, pairs: pd.DataFrame) -> Record:
    """The record of a mix in some pairs, rows with the columns reached, spend, averted and baseline."""
    spend, averted, baseline = (float(pairs[what].mean()) for what in ("spend", "averted", "baseline"))
    decline = averted / baseline if baseline else math.nan
    return Record(mix, len(pairs), int(pairs["reached"].sum()), spend, decline)


@dataclass
class Race:
    """How many pairs each mix has, and who is still in question.

    A mix has the replicates from 0 up to its number in ``pairs``: at first ``first``, at last ``most``. In
    ``refuted`` are those that fresh pairs have shown to fail.
    """

    mixes: Sequence[str]
    sure: float
    first: int
    most: int
    pairs: dict[str, int] = field(default_factory=dict)
    refuted: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.pairs = dict.fromkeys(self.mixes, self.first)

    def records(self, table: pd.DataFrame) -> dict[str, Record]:
        """What each mix did in the pairs that it has; ``table`` is indexed by (mix, replicate)."""
        numbers = table.index.get_level_values("replicate")
        limits = table.index.get_level_values("mix").map(self.pairs)
        own = {str(mix): rows for mix, rows in table[numbers < limits].groupby(level="mix")}
        return {mix: record(mix, own.get(mix, table.iloc[:0])) for mix in self.mixes}

    def advance(self, table: pd.DataFrame) -> tuple[str, ...]:
        """Give more pairs to those in question; returns them, nobody where the race is run."""
        records = self.records(table)
        firm = [mix for mix in self._able(records) if self._finished(records[mix])]
        limit = min((self._place(records[mix]) for mix in firm), default=(math.inf, 0))
        open_ = [
            mix
            for mix, one in records.items()
            if mix not in self.refuted
            and not self._finished(one)
            and not one.surely_out(self.sure)
            and self._place(one) < limit
        ]
        chosen = sorted(open_, key=lambda mix: self._place(records[mix]))[:FIELD]
        for mix in chosen:
            self.pairs[mix] = min(2 * self.pairs[mix], self.most)
        return tuple(chosen)

    def chosen(self, table: pd.DataFrame) -> str | None:
        """The cheapest mix that reached the target in the share of its pairs that is asked for."""
        records = self.records(table)
        return min(self._able(records), key=lambda mix: self._place(records[mix]), default=None)

    def best(self, table: pd.DataFrame) -> str:
        """The mix that reached the target most often, of two the one under which cases fell further."""
        records = self.records(table)
        return max(self.mixes, key=lambda mix: (records[mix].share, records[mix].decline))

    def _able(self, records: dict[str, Record]) -> list[str]:
        return [mix for mix, one in records.items() if one.share >= self.sure and mix not in self.refuted]

    def _finished(self, one: Record) -> bool:
        return self.pairs[one.mix] >= self.most or one.verdict(self.sure) == REACHES

    def _place(self, one: Record) -> tuple[float, int]:
        """Its place in the order of cost; of two that cost the same the first comes first."""
        return (math.inf if math.isnan(one.spend) else one.spend), list(self.mixes).index(one.mix)
