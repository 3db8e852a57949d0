"""How many pairs of runs an answer takes: pairs are added until effects are known as well as was asked for.

The first pairs are a pilot: from the spread of their differences and Student's t follows how many pairs the
asked half-width of the 90% interval takes. That many are made, the spread is estimated again, and so on. Runs
that are made are never made again, so the set is the one that would have come of its last number at once.

Looking at the width of an interval does not favour one answer over another, as stopping at a significant
effect would. But a set that stops early tends to be one whose spread came out small, so intervals hold the
truth a little less often than they say. Hence a pilot of at least `FEWEST`, and looks that are far apart.
Measured (`tests/statistical/test_stopping.py`): 87 times in 100 or more where differences are normal; fewer
where they are skewed, down to 78 for exponential ones after a pilot of 8.

Two policies are told apart when the interval of their difference leaves 0 out. How many pairs that takes is
counted as if mean and spread stayed as they are; as the mean moves too, that many give an even chance.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any, Protocol

import pandas as pd

from sim.errors import Fault, InputError, shown
from sim.observe.outcomes import OUTCOMES
from sim.study.compare import HEADLINE, NATION, rounded
from sim.study.estimates import MOST_PAIRS, draws_of, half_width, matched, mean_interval, pairs_needed
from sim.study.run_set import labelled
from sim.study.windows import Window, effect_windows, headline, over_window

if TYPE_CHECKING:
    from sim.study.run_set import RunSet
    from sim.study.variants import Comparison

FEWEST = 8
"""Pairs of the smallest pilot; the spread of fewer is known too badly to stop by."""

MOST_REPLICATES = 200
"""The cap where none is given."""

LEAST_GROWTH, MOST_GROWTH = 1.25, 4
"""Between two looks the pairs become so many times as many: few looks, and no leap on a poor estimate."""


@dataclass(frozen=True)
class Width:
    """An asked half-width: a share of the baseline's mean, or an absolute number of cases."""

    value: float
    relative: bool

    def at(self, level: float) -> float:
        """The half-width in cases where the baseline's mean is ``level``."""
        return self.value * abs(level) if self.relative else self.value

    def __str__(self) -> str:
        return f"{self.value * 100:g}%" if self.relative else f"{self.value:,.12g} cases"


@dataclass(frozen=True)
class Wish:
    """What is asked for: a half-width, and the most replicates that may be made for it; `draws_limit` where
    these are fewer than the cap because there is no draw for more.
    """

    width: Width
    most: int
    draws_limit: bool = False


@dataclass(frozen=True)
class Precision:
    """How well one difference is known; the fields are the columns of `precision.csv`.

    The difference is ``scenario`` minus ``against``, which is its baseline or another compared scenario.
    `level` is the mean of the baseline over the same pairs, `deviation` the standard deviation of the pairs'
    differences; `pairs_for_width` and `pairs_to_tell` are None where they are beyond `MOST_PAIRS` or cannot
    be told, `most_pairs` is the cap.
    """

    scenario: str
    against: str
    outcome: str
    unit: str
    window_start: str
    window_end: str
    level: float
    effect: float
    low: float
    high: float
    half_width: float
    asked_half_width: float
    deviation: float
    pairs: int
    pairs_for_width: int | None
    pairs_to_tell: int | None
    most_pairs: int
    verdict: str

    @property
    def reached(self) -> bool:
        """Whether the interval is as narrow as asked; not from a single pair, which has none."""
        return self.half_width <= self.asked_half_width


@dataclass(frozen=True)
class Look:
    """What was seen at a number of replicates: the effect farthest from the asked width, and what follows.

    `further` is the number of replicates to go on to, None to end; `reachable` the half-width that the cap is
    expected to reach, NaN without an interval.
    """

    replicates: int
    widest: Precision
    further: int | None
    reachable: float


@dataclass(frozen=True)
class Advice:
    """The wish, and the looks that were taken until it was met or given up."""

    wish: Wish
    looks: tuple[Look, ...]

    def entry(self, table: pd.DataFrame, asked: Comparison) -> dict[str, Any]:
        """For the manifest: what was asked, whether the effects in a table of precision reached it, looks."""
        effects = table[table["against"] == table["scenario"].map(asked.baselines)]
        return {
            "half_width": str(self.wish.width),
            "most_replicates": self.wish.most,
            "reached": bool((effects["half_width"] <= effects["asked_half_width"]).all())
            and len(effects) > 0,
            "looks": [
                {
                    "replicates": look.replicates,
                    "widest": look.widest.scenario,
                    "pairs": look.widest.pairs,
                    "half_width": None if math.isnan(look.widest.half_width) else look.widest.half_width,
                    "pairs_for_width": look.widest.pairs_for_width,
                }
                for look in self.looks
            ],
        }


class Make(Protocol):
    """Makes a set of runs, of which some may be there; as `run_many` does."""

    def __call__(self, *, replicates: int, there: RunSet | None) -> RunSet:
        """All runs of so many replicates."""


def wish_of(width: str, most: int | None, pilot: int, draws: int | None, there: int | None = None) -> Wish:
    """A wish from what a user gave: `2%` or a number of cases, a cap, the first replicates, and draws, of
    which a table has ``there``.

    Where parameters are drawn an interval is one over draws, which more replicates of the same draws do not
    narrow below the spread of these. So each pair gets a draw of its own, and the cap is at most the number
    of draws; at a single draw the interval is of chance alone. Raises `InputError`.
    """
    cap = MOST_REPLICATES if most is None else most
    read, faults = _width(width), []
    if read is None:
        what = f"must be a share such as 2%, or a number of cases from 1 on, got {shown(width)}"
        faults.append(Fault("--until-half-width", None, "", what, "Write 2% or 5000."))
    if pilot < FEWEST:
        what = f"is {pilot}: the spread of fewer than {FEWEST} pairs is known too badly to stop by"
        faults.append(Fault("--replicates", None, "", what, f"Give {FEWEST} or more; 20 is good."))
    if cap < pilot:
        what = f"is {cap}, fewer than the {pilot} replicates to begin with"
        faults.append(Fault("--most-replicates", None, "", what, "Give more, or fewer --replicates."))
    most_draws = cap if draws is None or draws == 1 else draws
    if most_draws < pilot <= cap:
        what = f"is {draws}, and more replicates of the same draws do not narrow an interval over draws"
        more = cap if there is None or there >= cap else f"prior:{cap}, for the table has {there}"
        faults.append(Fault("--draws", None, "", what, f"Give --draws {more}, one for each replicate."))
    if read is None or faults:
        raise InputError(faults)
    return Wish(read, min(cap, most_draws), most_draws < cap)


def _width(text: str) -> Width | None:
    digits = text.strip().removesuffix("%").strip()
    relative = text.strip().endswith("%")
    try:
        value = float(digits) / (100.0 if relative else 1.0)
    except ValueError:
        return None
    right = math.isfinite(value) and value > 0.0 and (relative or value >= 1.0)
    return Width(value, relative) if right else None


def run_until(
    asked: Comparison,
    wish: Wish,
    pilot: int,
    make: Make,
    report: Callable[[Look, RunSet], None] | None = None,
) -> tuple[RunSet, Advice]:
    """Make ``pilot`` replicates, then more, until every effect is known as well as wished or the cap is met.

    ``report`` hears of each look after which more runs are made. A KeyboardInterrupt ends with the runs that
    are finished, marked as interrupted.
    """
    runs = make(replicates=pilot, there=None)
    looks: list[Look] = []
    try:
        while runs.finished and not runs.interrupted:
            looks.append(look := look_at(runs, asked, wish))
            if look.further is None:
                break
            if report is not None:
                report(look, runs)
            runs = make(replicates=look.further, there=runs)
    except KeyboardInterrupt:  # between two batches of runs
        runs = replace(runs, interrupted=True)
    return runs, Advice(wish, tuple(looks))


def look_at(runs: RunSet, asked: Comparison, wish: Wish) -> Look:
    """What a set of runs says about how many more are needed."""
    national = [
        labelled(run, run.monthly[run.monthly["region"] == NATION])
        for run in runs.finished
        if run.monthly is not None
    ]
    window = headline(effect_windows(asked.baseline.start, asked.baseline.end))
    bases = asked.baselines
    known = precisions(pd.concat(national, ignore_index=True), asked, wish, window)
    effects = [one for one in known if one.against == bases[one.scenario]]
    widest = max(effects, key=lambda one: (one.pairs < 2, _excess(one)))
    further = further_replicates(effects, runs.replicates, wish.most)
    return Look(runs.replicates, widest, further, _reachable(widest, wish.most))


def _excess(one: Precision) -> float:
    return one.half_width / one.asked_half_width if one.asked_half_width else math.inf


def _reachable(one: Precision, most: int) -> float:
    return half_width(one.deviation, most) if one.pairs > 1 else math.nan


def further_replicates(effects: Sequence[Precision], made: int, most: int) -> int | None:
    """The number of replicates to go on to; None where all is as narrow as asked, nothing more may be made,
    or no number of pairs can be predicted (no interval, or a share of nothing).

    Runs that fail take their pairs with them; it is assumed that as many of the further ones do.
    """
    short = [one for one in effects if not one.reached]
    hopeless = any(one.pairs < 2 or not one.asked_half_width > 0.0 for one in short)
    if not short or hopeless or made >= most:
        return None
    needed = max((one.pairs_for_width or MOST_PAIRS) * made / one.pairs for one in short)
    grown = max(math.ceil(needed), math.ceil(made * LEAST_GROWTH))
    return min(grown, made * MOST_GROWTH, most)


def precision_table(monthly: pd.DataFrame, asked: Comparison, wish: Wish, window: Window) -> pd.DataFrame:
    """`precisions` of the results table `monthly` as a frame; a number of pairs may be missing."""
    national = monthly[monthly["region"] == NATION]
    rows = [vars(row) for row in precisions(national, asked, wish, window)]
    return pd.DataFrame(rows).astype({"pairs_for_width": "Int64", "pairs_to_tell": "Int64"})


def precisions(national: pd.DataFrame, asked: Comparison, wish: Wish, window: Window) -> list[Precision]:
    """How well each effect is known over a window, then each difference between two scenarios that share
    their baseline.
    """
    cases = over_window(national, window, [HEADLINE])[HEADLINE]
    runs = {str(name): own.droplevel("scenario") for name, own in cases.groupby("scenario")}
    none = cases.iloc[:0].droplevel("scenario")
    found = []
    for name, against, baseline in _differences(asked):
        columns = {"ours": name, "theirs": against, "baseline": baseline}
        pairs = matched({column: runs.get(one, none) for column, one in columns.items()})
        found.append(_precision(name, against, pairs, wish, window))
    return found


def _differences(asked: Comparison) -> Iterator[tuple[str, str, str]]:
    """Scenario, what it is held against, and the baseline whose level counts."""
    for one in asked.compared:
        yield one.scenario.name, one.baseline.name, one.baseline.name
    for one, other in combinations(asked.compared, 2):
        if one.baseline is other.baseline:
            yield one.scenario.name, other.scenario.name, one.baseline.name


def _precision(name: str, against: str, pairs: pd.DataFrame, wish: Wish, window: Window) -> Precision:
    """One row, from the runs of both and of the baseline side by side, all of them matched."""
    differences = (pairs["ours"] - pairs["theirs"]).to_numpy()
    count = len(differences)
    low, high = mean_interval(differences, draws_of(pairs))
    level, effect = (float(v.mean()) if count else math.nan for v in (pairs["baseline"], differences))
    deviation = float(differences.std(ddof=1)) if count > 1 else math.nan
    width = wish.width.at(level)
    for_width, to_tell = (
        pairs_needed(deviation, reach) if count > 1 else None for reach in (width, abs(effect))
    )
    return Precision(
        scenario=name,
        against=against,
        outcome=HEADLINE,
        unit=OUTCOMES[HEADLINE].unit,
        window_start=window.start.isoformat(),
        window_end=window.end.isoformat(),
        level=level,
        effect=effect,
        low=low,
        high=high,
        half_width=(high - low) / 2,
        asked_half_width=width,
        deviation=deviation,
        pairs=count,
        pairs_for_width=for_width,
        pairs_to_tell=to_tell if count > 1 and differences.any() else None,
        most_pairs=wish.most,
        verdict=_verdict(count, not differences.any(), low <= 0.0 <= high, to_tell, wish.most),
    )


def _verdict(pairs: int, same: bool, open_: bool, to_tell: int | None, most: int) -> str:
    """Whether the two can be told apart, in plain words."""
    if pairs < 2:
        return "fewer than two pairs: nothing to tell by"
    if same:
        return "no difference: identical in every pair"
    if not open_:
        return "told apart"
    needed = about(to_tell)
    if to_tell is None or to_tell > most:
        return f"cannot be told apart: would need {needed} pairs, the cap is {most}"
    return f"not told apart at {pairs} pairs: would need {needed}"


def about(pairs: int | None) -> str:
    """A predicted number of pairs in words."""
    if pairs is None:
        return "more than a million"
    return f"about {pairs if pairs < 1000 else rounded(pairs)}"
