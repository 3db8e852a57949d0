"""What a sweep says: a row for each policy with its runs, its outcome and its paired effect.

A policy is a scenario with one combination of levers. Its runs differ in what is not known and in chance;
each is paired with the run of the baseline at the same point of knowledge, draw and replicate.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sim.errors import Fault, InputError, nearest
from sim.observe.outcomes import OUTCOMES
from sim.study.compare import HEADLINE, NATION
from sim.study.estimates import mean_interval
from sim.study.sweep import Sweep, status
from sim.study.windows import NAMED, Window, effect_windows, headline, over_window

if TYPE_CHECKING:
    from sim.experiment import Experiment
    from sim.observe.parts import SweepFolder

RUNS = ("done", "failed", "waiting")


def window_of(sweep: Sweep) -> Window:
    """The window that tables show: the first that the experiment names, else the one of comparisons."""
    scenario = sweep.points[0].scenario
    return window_between(sweep.experiment, scenario.start, scenario.end)


def window_between(experiment: Experiment, start: date, end: date) -> Window:
    """The same for runs from `start` to `end`."""
    covered = effect_windows(start, end)
    if not experiment.windows:
        return headline(covered)
    name = experiment.windows[0]
    found = [window for window in covered if window.name == name]
    if not found:
        names = [window.name for window in covered]
        what = f"names no window that the runs cover: {name[:40]!r}"
        mend = f"Give one of {', '.join(names)}." if names[0] != "whole run" else "Leave windows out."
        known = [window.name for window in NAMED]
        raise InputError([Fault(experiment.name, None, "windows", what, mend, nearest(name, known))])
    return found[0]


def outcome_of(sweep: Sweep) -> str:
    """The outcome that tables show: registered cases where they are kept, else the first that is."""
    return main_outcome(sweep.experiment)


def main_outcome(experiment: Experiment) -> str:
    """The same for an experiment."""
    kept = experiment.outcomes or list(OUTCOMES)
    return HEADLINE if HEADLINE in kept else kept[0]


def kept_outcome(name: str, experiment: Experiment) -> str:
    """An outcome that the experiment keeps; where ``name`` is empty that of tables. Raises `InputError`."""
    kept = experiment.outcomes or list(OUTCOMES)
    if name and name not in kept:
        what = f"{name[:60]!r} is no outcome that {experiment.name} keeps"
        mend = "`cardbreak list outcomes` shows what there is."
        raise InputError([Fault("--outcome", None, "", what, mend, nearest(name, kept))])
    return name or main_outcome(experiment)


def policy_table(folder: SweepFolder, sweep: Sweep) -> pd.DataFrame:
    """A row for each policy: origin, levers, runs done, failed, waiting, and what they show.

    Columns ``value`` (mean of the outcome over the window), ``effect``, ``low``, ``high`` (90% interval of
    the mean effect) and ``pairs``; the effect is NaN where there is no baseline or no pair yet.
    """
    counts = status(folder).set_index("scenario")
    values = values_of(folder.monthly(), outcome_of(sweep), window_of(sweep))
    bases = _bases(sweep)
    rows = []
    for group in _policies(sweep).values():
        first = group[0]
        names = [point.name for point in group]
        row: dict[str, Any] = {"scenario": first.origin, **first.levers}
        row |= {what: int(counts[what].reindex(names).fillna(0).sum()) for what in RUNS}
        row |= _shown(values, {point.name: bases.get(_known(point.knowledge)) for point in group})
        rows.append(row)
    return pd.DataFrame(rows)


def _policies(sweep: Sweep) -> dict[tuple[Any, ...], list[Any]]:
    """The points by scenario and levers, in order."""
    groups: dict[tuple[Any, ...], list[Any]] = {}
    for point in sweep.points:
        groups.setdefault((point.origin, *point.levers.items()), []).append(point)
    return groups


def _bases(sweep: Sweep) -> dict[tuple[tuple[str, float], ...], str]:
    """The baseline's point at each point of knowledge, by name; the baseline's are the first of the sweep."""
    if sweep.experiment.baseline is None:
        return {}
    origin = sweep.points[0].origin
    own = [point for point in sweep.points if point.origin == origin and not point.levers]
    return {_known(point.knowledge): point.name for point in own}


def _known(knowledge: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    return tuple(knowledge.items())


def values_of(monthly: pd.DataFrame, outcome: str, window: Window) -> pd.Series:
    """The outcome over the window of every run of a sweep, indexed by (scenario, draw, replicate)."""
    if monthly.empty:
        return pd.Series(dtype="float64")
    return over_window(monthly[monthly["region"] == NATION], window, [outcome])[outcome]


def _shown(values: pd.Series, pairs: Mapping[str, str | None]) -> dict[str, Any]:
    """Mean and paired effect of one policy; ``pairs`` names the baseline of each of its points."""
    there = set(values.index.get_level_values(0)) if len(values) else set()
    own = [values.loc[name] for name in pairs if name in there]
    empty = {"value": np.nan, "effect": np.nan, "low": np.nan, "high": np.nan, "pairs": 0}
    if not own:
        return empty
    shown = empty | {"value": float(pd.concat(own).mean())}
    differences, clusters = [], []
    for number, (name, base) in enumerate(pairs.items()):
        if name in there and base is not None and base in there and base != name:
            found = (values.loc[name] - values.loc[base]).dropna()
            differences.append(found.to_numpy())
            draws = found.index.get_level_values("draw").to_numpy()
            clusters.append(number * (1 + int(draws.max(initial=0))) + draws)
    if differences:
        all_, draws = np.concatenate(differences), np.concatenate(clusters)
        if len(all_):
            low, high = mean_interval(all_, draws)
            shown |= {"effect": float(all_.mean()), "low": low, "high": high, "pairs": len(all_)}
    return shown
