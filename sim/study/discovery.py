"""Scenario discovery: under which circumstances a policy falls short of what is asked of it.

A policy *fails* at a state of what is not known where its paired change of the outcome, on average over the
replicates there, falls short of a target. PRIM then looks for a box of parameters in which it fails often:
*density* is the share of the box's points that fail, *coverage* the share of all failures that lie in the
box. Of the boxes on PRIM's way those within a tenth of the best product of the two are candidates, and of
these the one that limits the fewest parameters is told. Whether chance alone would have given as good a box
is checked with shuffled labels (`sim.study.luck`), and where it would, that is the verdict.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from sim.errors import Fault, InputError
from sim.study import ema, luck
from sim.study.estimates import mean_interval
from sim.study.states import STATE, Coordinates, Policy, Reading, by_state

FEWEST_POINTS = 20
FEWEST_OF_A_KIND = 5
"""So many states must fail, and so many hold, before a box is looked for."""

MOST_LIMITED = 4
"""A box that limits more parameters is neither readable nor, with the points one can afford, trustworthy."""

SMALLEST_SHARE, SMALLEST_BOX = 0.05, 5
"""Share of the points, and number of them, that a box must hold."""

NEAR_BEST = 0.9
SHUFFLES = 200
LUCK = 0.05
"""Where more than this share of shuffles gives as good a box, the box could be luck."""


COLUMNS = (
    "policy",
    "target",
    "points",
    "failures",
    "unsure",
    "verdict",
    "box_points",
    "box_failures",
    "coverage",
    "density",
    "mass",
    "limited",
    "shuffles",
    "shuffles_as_good",
    "parameter",
    "side",
    "limit",
    "unit",
    "lowest",
    "highest",
    "quasi_p",
)


@dataclass(frozen=True)
class Target:
    """The change that is asked for, as a share of the baseline; `own` where it is derived from the policy."""

    change: float
    own: bool


@dataclass(frozen=True)
class Found:
    """What is found of one policy. `box` is None where there is nothing to tell but the verdict.

    ``points``: states with a paired change; ``failures``: of these failing; ``unsure``: states at which the
    90% interval over replicates spans the target, None where there is one replicate each; ``as_good``: of
    `SHUFFLES` shuffles those with as good a box; ``path``: all boxes from all points to the smallest;
    ``states``: each state's change (float64) and whether the policy fails there (bool).
    """

    policy: str
    target: Target
    points: int
    failures: int
    unsure: int | None
    verdict: str
    box: ema.Box | None = None
    as_good: int = 0
    path: tuple[ema.Box, ...] = ()
    states: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False, compare=False)

    @property
    def lucky(self) -> bool:
        """Whether the box could be luck."""
        return (1 + self.as_good) / (1 + SHUFFLES) > LUCK


def target_of(text: str, better: str) -> float | None:
    """A target such as ``-20%`` as a share; None for an empty one. Raises `InputError`."""
    if not text:
        return None
    try:
        value = float(text.removesuffix("%")) / 100.0
    except ValueError:
        value = math.nan
    if not text.endswith("%") or not -1.0 <= value <= 1e6:
        raise InputError([Fault("--target", None, "", "must be a percentage from -100% on", "Write -20%.")])
    if value * (1.0 if better == "lower" else -1.0) > 0.0:
        what = f"asks for a {'rise' if value > 0 else 'fall'}, and {better} is better here"
        raise InputError([Fault("--target", None, "", what, f"Write {-100 * value:+g}%.")])
    return value


def changes(reading: Reading, policy: Policy) -> pd.Series:
    """The policy's change at each state: paired mean effect over the baseline's mean, float64 (states)."""
    pairs = _pairs(reading, policy)
    means: pd.DataFrame = by_state(pairs)
    means = means[means["baseline"] != 0.0]
    return (means["policy"] / means["baseline"] - 1.0).rename("change")


def _pairs(reading: Reading, policy: Policy) -> pd.DataFrame:
    if reading.baseline is None:
        raise ValueError("the experiment has no baseline")
    runs = reading.runs
    both = {"policy": runs[policy.label], "baseline": runs[reading.baseline.label]}
    return pd.DataFrame(both).dropna()


def half_of_median(change: pd.Series, better: str) -> float:
    """The target where none is given: half of the median change, or none at all if that is for the worse."""
    half = float(change.median()) / 2.0
    return min(half, 0.0) if better == "lower" else max(half, 0.0)


def discover(reading: Reading, policy: Policy, places: Coordinates, target: float | None = None) -> Found:
    """Where a policy fails; `places` says where the states lie, `target` is derived where it is None."""
    change = changes(reading, policy)
    change = change[change.index.isin(places.values.index)]
    asked = Target(half_of_median(change, reading.better) if target is None else target, target is None)
    if not len(change):
        return Found(policy.label, asked, 0, 0, None, "no pair of runs with the baseline yet")
    short = (change > asked.change) if reading.better == "lower" else (change < asked.change)
    fails = short | (change == 0.0)  # what changes nothing reaches no target, not even that of any change
    found = Found(
        policy=policy.label,
        target=asked,
        points=len(change),
        failures=int(fails.sum()),
        unsure=_unsure(_pairs(reading, policy), change.index, asked.change),
        verdict="",
        states=pd.DataFrame({"change": change, "fails": fails}),
    )
    plain = _too_plain(found)
    if plain or places.values.empty:
        return replace(found, verdict=plain or "nothing that is not known varies")
    return _searched(found, places.values.loc[change.index], fails.to_numpy(), reading.seed)


def _unsure(pairs: pd.DataFrame, states: pd.Index, target: float) -> int | None:
    """At how many states chance leaves open whether the target is reached."""
    short = pairs["policy"] - (1.0 + target) * pairs["baseline"]
    groups = [values.to_numpy() for state, values in short.groupby(level=STATE) if state in states]
    if all(len(values) < 2 for values in groups):
        return None
    ends = [mean_interval(values, np.zeros(len(values))) for values in groups]
    return sum(not (low > 0.0 or high < 0.0) for low, high in ends)


def _too_plain(found: Found) -> str:
    """The verdict where no box is needed or none can be found."""
    held = found.points - found.failures
    if found.failures == 0:
        return "never fails here"
    if held == 0:
        return "fails everywhere here"
    if found.points < FEWEST_POINTS:
        return f"too few points for a box: {found.points}, and {FEWEST_POINTS} are needed"
    if found.failures < FEWEST_OF_A_KIND:
        return f"fails at {found.failures} points only: too few for a box"
    if held < FEWEST_OF_A_KIND:
        return f"fails at all points but {held}: too few others for a box"
    return ""


def _searched(found: Found, places: pd.DataFrame, fails: np.ndarray, seed: int) -> Found:
    least = max(SMALLEST_SHARE, SMALLEST_BOX / len(places))
    path = ema.boxes(places, fails, least)
    box = choose(path)
    if not box.limits:
        return replace(found, verdict="no box is better than all points together", path=tuple(path))
    search = luck.Search(least, MOST_LIMITED)
    as_good = luck.as_good(places.to_numpy(), fails, search, SHUFFLES, seed)
    found = replace(found, box=box, as_good=as_good, path=tuple(path))
    return replace(found, verdict="could be luck" if found.lucky else "more than luck")


def choose(path: list[ema.Box]) -> ema.Box:
    """The box that is told: near the best product of coverage and density, with the fewest limits."""
    readable = [box for box in path if box.restricted <= MOST_LIMITED]
    best = max(box.product for box in readable)
    near = [box for box in readable if box.product >= NEAR_BEST * best]
    return min(near, key=lambda box: (box.restricted, -box.product))


def boxes_table(found: list[Found], places: Mapping[str, Coordinates]) -> pd.DataFrame:
    """The rows of `boxes.csv`: one for each limit of each policy's box, one without for a policy with none.

    ``lowest`` and ``highest`` are the ends of what was tried; dates are written as dates.
    """
    rows = []
    for one in found:
        about = {
            "policy": one.policy,
            "target": one.target.change,
            "points": one.points,
            "failures": one.failures,
            "unsure": one.unsure,
            "verdict": one.verdict,
        }
        if one.box is None:
            rows.append(about)
            continue
        about |= {
            "box_points": one.box.points,
            "box_failures": one.box.failures,
            "coverage": one.box.coverage,
            "density": one.box.density,
            "mass": one.box.points / one.points,
            "limited": one.box.restricted,
            "shuffles": SHUFFLES,
            "shuffles_as_good": one.as_good,
        }
        where = places[one.policy]
        for limit in one.box.limits:
            tried = where.values[limit.parameter]
            rows.append(
                about
                | {
                    "parameter": limit.parameter,
                    "side": "below" if limit.side == "<" else "above",
                    "limit": where.plain(limit.parameter, limit.value),
                    "unit": where.units.get(limit.parameter, ""),
                    "lowest": where.plain(limit.parameter, float(tried.min())),
                    "highest": where.plain(limit.parameter, float(tried.max())),
                    "quasi_p": limit.quasi_p,
                }
            )
    return pd.DataFrame(rows, columns=list(COLUMNS))
