"""The cheapest mix of measures that reaches a target, found by a race and confirmed on fresh runs.

All mixes are screened with the same few pairs of runs, the cheapest that may reach the target get more
(:mod:`sim.study.race`), and the one that comes out is tried on pairs that had no part in choosing it. If
these refute it, the next one is tried on the same fresh pairs, up to `TRIES` in all; a mix that follows a
refuted one meets pairs that were hard for that one, so this errs on the side of caution.

The front of cases averted, public cost and harm rests on the screening, where all mixes met the same pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import pandas as pd

from sim.study.mixes import NOTHING
from sim.study.race import DOES_NOT, Race, Record, record

TRIES = 3
"""So many mixes are tried on fresh pairs at most."""

Pair = tuple[str, int]
Make = Callable[[Sequence[Pair], str], "pd.DataFrame | None"]
"""Makes the runs (mix, replicate) of a stage, of which it is told the purpose in words, and returns the table
of all pairs so far (`sim.study.mixes.pairs_of`), or None where it was interrupted."""


@dataclass(frozen=True)
class Question:
    """What is asked: registered cases to fall by the share ``target`` with probability ``sure``.

    ``screen`` pairs for every mix, ``confirm`` fresh ones for the mix that is found, ``most_runs`` in all.
    """

    target: float
    sure: float
    screen: int
    confirm: int
    most_runs: int | None = None

    @property
    def most(self) -> int:
        """Pairs that choosing spends on one mix at most; the fresh ones follow."""
        return max(self.screen, self.confirm)

    @property
    def fresh(self) -> range:
        """The replicates that have no part in choosing."""
        return range(self.most, self.most + self.confirm)

    def least_runs(self, mixes: int) -> int:
        """Runs of the screening and of one confirmation."""
        return (mixes + 1) * self.screen + 2 * self.confirm

    def all_runs(self, mixes: int) -> int:
        """Runs if every mix should need its full number, and `TRIES` confirmations."""
        return (mixes + 1) * self.most + (TRIES + 1) * self.confirm

    def words(self) -> str:
        """The question as part of a sentence."""
        return f"{100 * self.target:.4g}% fewer registered cases with probability {100 * self.sure:.4g}%"


@dataclass
class Found:
    """What a search came to: the race as it ended, all pairs, and the mixes tried on fresh pairs, in order.

    ``stopped`` says that the runs allowed did not suffice to end the race or to confirm.
    """

    question: Question
    race: Race
    table: pd.DataFrame
    confirmed: list[Record] = field(default_factory=list)
    stopped: bool = False

    def affords(self, runs: int) -> bool:
        """Whether so many runs in all are allowed."""
        return self.question.most_runs is None or runs <= self.question.most_runs


def search(names: Sequence[str], question: Question, make: Make) -> Found | None:
    """Find the cheapest of the mixes ``names`` that answers a question; None where it was interrupted."""
    race = Race(names, question.sure, question.screen, question.most)
    runs = _grid((NOTHING, *names), range(question.screen))
    table = make(runs, f"screening {len(names)} mixes with {question.screen} pairs each")
    if table is None:
        return None
    found = Found(question, race, table)
    while True:
        if not _raced(found, runs, make):
            return None
        mix = race.chosen(found.table)
        candidate = mix or race.best(found.table)
        if found.confirmed and mix is None:
            return found
        new = _new(runs, _grid((NOTHING, candidate), question.fresh))
        if not found.affords(len(runs) + len(new)):
            found.stopped = True
            return found
        runs += new
        table = make(runs, f"confirming {candidate} on {question.confirm} fresh pairs")
        if table is None:
            return None
        found.table = table
        found.confirmed.append(record(candidate, rows_in(table, candidate, question.fresh)))
        refuted = found.confirmed[-1].verdict(question.sure) == DOES_NOT
        if mix is None or not refuted or len(found.confirmed) == TRIES:
            return found
        race.refuted.add(candidate)


def _raced(found: Found, runs: list[Pair], make: Make) -> bool:
    """Run the race to its end, or as far as the runs allowed go; adds to ``runs``. False if interrupted."""
    race = found.race
    while not found.stopped:
        before = dict(race.pairs)
        ahead = race.advance(found.table)
        if not ahead:
            break
        raised = [run for mix in ahead for run in _grid((NOTHING, mix), range(before[mix], race.pairs[mix]))]
        new = _new(runs, raised)
        if not found.affords(len(runs) + len(new) + 2 * found.question.confirm):
            race.pairs, found.stopped = before, True
            break
        runs += new
        table = make(runs, f"{len(ahead)} mixes in question get more pairs")
        if table is None:
            return False
        found.table = table
    return True


def _new(runs: Sequence[Pair], wanted: Sequence[Pair]) -> list[Pair]:
    have = set(runs)
    return [run for run in dict.fromkeys(wanted) if run not in have]


def _grid(mixes: Sequence[str], replicates: Iterable[int]) -> list[Pair]:
    return [(mix, replicate) for replicate in replicates for mix in dict.fromkeys(mixes)]


def rows_in(table: pd.DataFrame, mix: str, replicates: range) -> pd.DataFrame:
    """The pairs of one mix that lie in a range of replicates."""
    numbers = table.index.get_level_values("replicate")
    inside = (numbers >= replicates.start) & (numbers < replicates.stop)
    return table[inside & (table.index.get_level_values("mix") == mix)]
