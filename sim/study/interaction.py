"""Interaction: do measures together do what they do one by one?

Where the measures that one scenario adds are exactly those of some others together, the sum of the single
effects is held against the joint effect, pair by pair: within each pair the single effects are added up
first, so that all hold what the pair shares. That they disagree is a result, not an error: two measures that
close the same cards cannot both close them, and one that makes cards dear can make another bite.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sim.observe.outcomes import OUTCOMES
from sim.study.additions import definitions
from sim.study.compare import FEW_PAIRS, NATION, rounded
from sim.study.estimates import draws_of, draws_used, interval_name, matched, mean_interval
from sim.study.variants import Compared
from sim.study.windows import Window, over_window

Part = tuple[Compared, Counter[str]]
"""A scenario and the definitions of the measures that it adds."""

MAIN = ("cases_registered", "openings_refused_legitimate", "closed_false", "price_gang_yuan")
"""The outcomes on which measures are added up."""


@dataclass(frozen=True)
class Interaction:
    """Sum and joint effect on one outcome over one window; the fields are the columns of `interaction.csv`.

    `parts` names the scenarios that are added up; `difference` is joint minus sum; intervals are of means.
    """

    scenario: str
    parts: str
    outcome: str
    unit: str
    window_start: str
    window_end: str
    sum: float
    sum_low: float
    sum_high: float
    joint: float
    joint_low: float
    joint_high: float
    difference: float
    difference_low: float
    difference_high: float
    interval: str
    draws: int
    replicates: int
    verdict: str


COLUMNS = tuple(Interaction.__dataclass_fields__)


def interactions(
    monthly: pd.DataFrame, compared: Sequence[Compared], windows: Sequence[Window]
) -> pd.DataFrame:
    """Sum of single effects against the joint effect, for every scenario that others make up.

    `monthly` is the results table. Returns a frame with the columns `COLUMNS`, empty where no scenario is the
    sum of others. Pairs of which one run is missing are left out.
    """
    national = monthly[monthly["region"] == NATION]
    outcomes = [name for name in MAIN if name in national.columns]
    tables = [(window, over_window(national, window, outcomes)) for window in windows]
    rows = [
        _interaction(joint, parts, outcome, window, table[outcome])
        for joint in compared
        if (parts := parts_of(joint, compared))
        for window, table in tables
        for outcome in outcomes
    ]
    return pd.DataFrame([vars(row) for row in rows if row is not None], columns=list(COLUMNS))


def parts_of(joint: Compared, compared: Sequence[Compared]) -> tuple[Compared, ...]:
    """Other scenarios whose added measures together are exactly those of `joint`; empty where none are.

    All must have the same baseline, differ from it in nothing but measures, and take none of its measures
    away. Of several ways to make up the whole one is taken, and smaller parts are tried first.
    """
    if not _only_adds(joint):
        return ()
    whole = definitions(joint.added)
    parts: dict[frozenset[tuple[str, int]], Part] = {}
    for other in compared:
        if other.baseline is joint.baseline and _only_adds(other) and len(other.added) < len(joint.added):
            own = definitions(other.added)
            parts.setdefault(frozenset(own.items()), (other, own))
    smallest_first = sorted(parts.values(), key=lambda part: len(part[0].added))
    chosen = next(_covers(whole, smallest_first), ())
    return tuple(one for one in compared if any(one is part for part in chosen))


def _only_adds(one: Compared) -> bool:
    ours, theirs = one.scenario, one.baseline
    same = ours.parameters.to_dict() == theirs.parameters.to_dict()
    structure = (ours.rival, ours.adaptation) == (theirs.rival, theirs.adaptation)
    return same and structure and bool(one.added) and not one.removed


def _covers(left: Counter[str], parts: Sequence[Part]) -> Iterator[tuple[Compared, ...]]:
    """Every choice of parts that makes up `left` exactly, depth first; what fewest parts hold comes first."""
    if not left.total():
        yield ()
        return
    fitting = [(part, own) for part, own in parts if own <= left]
    wanted = min(+left, key=lambda name: sum(name in own for _, own in fitting))
    for part, own in fitting:
        if wanted in own:
            others = [other for other in fitting if other[0] is not part]
            yield from ((part, *rest) for rest in _covers(left - own, others))


def _interaction(
    joint: Compared, parts: Sequence[Compared], outcome: str, window: Window, values: pd.Series
) -> Interaction | None:
    """One row, or None when no pair is complete; `values` is indexed by (scenario, draw, replicate)."""
    names = [one.scenario.name for one in (joint, *parts)]
    there = set(values.index.get_level_values("scenario"))
    if not {joint.baseline.name, *names} <= there:
        return None
    pairs = matched({name: values.loc[name] for name in (joint.baseline.name, *names)})
    if pairs.empty:
        return None
    changes = pairs[names].sub(pairs[joint.baseline.name], axis=0)
    together = changes[names[0]].to_numpy()
    one_by_one = changes[names[1:]].sum(axis=1).to_numpy()
    draws = draws_of(pairs)
    spans = [mean_interval(data, draws) for data in (one_by_one, together, together - one_by_one)]
    return Interaction(
        scenario=names[0],
        parts="; ".join(names[1:]),
        outcome=outcome,
        unit=OUTCOMES[outcome].unit,
        window_start=window.start.isoformat(),
        window_end=window.end.isoformat(),
        sum=float(one_by_one.mean()),
        sum_low=spans[0][0],
        sum_high=spans[0][1],
        joint=float(together.mean()),
        joint_low=spans[1][0],
        joint_high=spans[1][1],
        difference=float((together - one_by_one).mean()),
        difference_low=spans[2][0],
        difference_high=spans[2][1],
        interval=interval_name(draws, spans[2][0]),
        draws=draws_used(draws),
        replicates=len(pairs),
        verdict=verdict(one_by_one, together, spans[2]),
    )


def verdict(one_by_one: np.ndarray, together: np.ndarray, span: tuple[float, float]) -> str:
    """Sums of single effects and joint effects of pairs in plain words; `span` is that of the difference."""
    if np.array_equal(one_by_one, together):
        return "exactly the sum: identical in every pair"
    pairs = len(together)
    if span[0] <= 0 <= span[1]:
        return f"cannot be told from the sum at {pairs} replicates"
    total, joint = float(one_by_one.mean()), float(together.mean())
    only = "; only pair" if pairs == 1 else f"; {pairs} pairs only" if pairs < FEW_PAIRS else ""
    if total * joint < 0:
        return f"together they do the opposite of the sum{only}"
    more = "less" if abs(joint) < abs(total) else "more"
    share = f" ({rounded(100 * abs((joint - total) / total))}% of the sum)" if total else ""
    return f"together they do {more} than one by one, by {rounded(abs(joint - total))}{share}{only}"
