"""What an outcome hangs on: Morris's elementary effects and Sobol's indices, beside what chance would show.

Both walk through the room of the unknowns in *blocks*, one parameter a step. In Morris's design a block is a
trajectory; its *elementary effect* of a parameter is the change of the outcome over a step, stretched to the
whole way between the ends of the design. ``mu_star`` is the mean of their sizes, ``mu`` that of their signed
values, ``sigma`` their spread. In Sobol's design a block is a base point A, its partner B, and A with one
parameter after the other taken from B; ``first`` is the share of the outcome's variance that a parameter has
alone, ``total`` its share with all it does together with others. Points and indices are SALib's.

**Chance.** A point has one run a replicate, and all points share the random numbers of a replicate. Indices
are those of the mean over replicates. Still a parameter that does nothing shuffles chance at every step, so
``mu_star`` and ``total`` lie above 0 for it. ``chance`` is the size that they would have by that alone: with
s2 the variance between replicates of a step's change, averaged over blocks, and R replicates it is
sqrt(2 s2 / (pi R)) for ``mu_star`` and s2 / (2 R) over the variance of the outcome for ``total``.

**Intervals** (90%) hold two sources of error, added up as variances: which blocks were drawn (SALib's
bootstrap over blocks, with its seed) and which replicates (the index without one replicate after the other, a
jackknife). Where chance differs from block to block it counts in both, so intervals are rather too wide. The
quantile is Student's t with the degrees of freedom of Welch and Satterthwaite: two replicates that disagree
give a wide interval. From one replicate the interval holds the blocks only.

**Verdicts.** A parameter *matters* where its steps repeat themselves from replicate to replicate more than
chance allows: R times the mean square of a step's mean change over s2, against the upper 5% of F with B and B
(R - 1) degrees of freedom, B blocks. In Morris's design it also matters where its effects have one direction
over trajectories (Student's t of ``mu``); the two tests share the 5%. So of parameters that do nothing one in
twenty is said to matter. It acts *with others or non-linearly* where, in Morris's design, effects differ
between trajectories more than chance allows (the same F around their mean, B - 1 degrees of freedom) and
their spread free of chance is above half of ``mu_star``; in Sobol's, where ``total`` less ``chance`` is above
``first`` with the whole interval of the difference. It *cannot be ranked* where the interval is wider than
the index. From one replicate chance is unknown: then a parameter is only said to matter where its effects
have one direction, or where ``first`` is above 0 with its whole interval.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from sim.study.estimates import CONFIDENCE

LEVEL = 0.05
LEVELS = 4
"""Values that a parameter takes in Morris's design."""
MORRIS_ENDS = (0.05, 0.95)
"""Quantiles between which Morris's design moves a parameter: a prior need not have ends."""
RESAMPLES = 1000
SPREAD = 0.5
ROUNDING = 1e-12
"""Changes smaller than this share of the largest value are rounding."""

UNMOVED = "changes nothing: the same in every run"
UNTOLD = "cannot be told from nothing"
UNTOLD_ALONE = "cannot be told from chance with one replicate"
MATTERS = "matters"
WITH_OTHERS = "matters, with others or non-linearly"
UNRANKED = "; cannot be ranked"


def problem(names: Sequence[str], low: float, high: float) -> dict[str, Any]:
    """The parameters as SALib wants them, all between the same two shares."""
    return {"num_vars": len(names), "names": list(names), "bounds": [[low, high]] * len(names)}


def morris_table(names: Sequence[str], shares: np.ndarray, values: np.ndarray, seed: int) -> pd.DataFrame:
    """A row for each parameter, the strongest first.

    Parameters
    ----------
    names
        The parameters, k of them.
    shares
        SALib's design, float64 (trajectories x (k + 1), k).
    values
        The outcome, float64 (replicates, trajectories x (k + 1)).
    seed
        Of the bootstrap, from 1 on.

    Columns parameter, ``mu_star`` with ``low`` and ``high``, ``mu``, ``sigma``, ``chance`` (in the outcome's
    unit), verdict. ``chance`` is NaN from one replicate.
    """
    from SALib.analyze.morris import analyze

    steps = elementary_effects(shares, values)
    found = analyze(
        problem(names, *MORRIS_ENDS),
        shares,
        values.mean(axis=0),
        num_resamples=RESAMPLES,
        conf_level=CONFIDENCE,
        num_levels=LEVELS,
        seed=seed,
    )
    star, sigma = np.asarray(found["mu_star"]), np.asarray(found["sigma"])
    left_out = np.array([np.abs(part.mean(axis=0)).mean(axis=0) for part in _without_one(steps)])
    reach = _reach(np.asarray(found["mu_star_conf"]) / _normal_quantile(), steps.shape[1], left_out)
    noise = _noise(steps)
    told = _one_direction(steps.mean(axis=0), LEVEL / min(len(steps), 2))
    if len(steps) > 1:
        told |= _repeats(steps, LEVEL / 2)
    uneven = _uneven(steps, noise, star)
    rows = {
        "parameter": names,
        "mu_star": star,
        "low": np.maximum(star - reach, 0.0),
        "high": star + reach,
        "mu": np.asarray(found["mu"]),
        "sigma": sigma,
        "chance": np.sqrt(2.0 * noise / (math.pi * len(steps))),
        "verdict": _verdicts(_moved(steps, values), told, uneven, 2.0 * reach > star, len(values) > 1),
    }
    return pd.DataFrame(rows).sort_values("mu_star", ascending=False, kind="stable", ignore_index=True)


def elementary_effects(shares: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Morris's effects, float64 (replicates, trajectories, k), from the arrays of `morris_table`."""
    k = shares.shape[1]
    walks = shares.reshape(-1, k + 1, k)
    moves = np.diff(walks, axis=1)
    which = np.abs(moves).argmax(axis=2)  # the parameter that each step moves, (trajectories, k)
    low, high = MORRIS_ENDS
    way = np.take_along_axis(moves, which[:, :, None], axis=2)[:, :, 0] / (high - low)
    slopes = np.diff(values.reshape(len(values), *walks.shape[:2]), axis=2) / way
    effects = np.empty_like(slopes)
    np.put_along_axis(effects, np.broadcast_to(which, slopes.shape), slopes, axis=2)
    return effects


def sobol_table(names: Sequence[str], values: np.ndarray, seed: int) -> pd.DataFrame:
    """A row for each parameter, the strongest first.

    ``values`` is the outcome at the points of SALib's design without second order, float64 (replicates, base
    points x (k + 2)). Columns parameter, ``total`` and ``first`` each with low and high, ``chance`` (a share
    like ``total``), verdict; the numbers are NaN where the outcome never changes.
    """
    from SALib.analyze.sobol import analyze

    k = len(names)
    blocks = values.reshape(len(values), -1, k + 2)
    steps = blocks[:, :, 1:-1] - blocks[:, :, :1]
    moved = _moved(steps, values)
    mean = values.mean(axis=0)
    if np.ptp(mean) == 0.0:
        rows: dict[str, Any] = dict.fromkeys(SOBOL_NUMBERS, np.full(k, np.nan))
        verdicts = [UNTOLD if one else UNMOVED for one in moved]
        return pd.DataFrame({"parameter": names, **rows, "verdict": verdicts})
    found = analyze(
        problem(names, 0.0, 1.0),
        mean,
        calc_second_order=False,
        num_resamples=RESAMPLES,
        conf_level=CONFIDENCE,
        keep_resamples=True,
        seed=seed,
    )
    first, total = found["S1"], found["ST"]
    drawn = {"first": found["S1_conf_all"], "total": found["ST_conf_all"]}
    parts = [_sobol(part.mean(axis=0)) for part in _without_one(blocks)]
    left_out = {name: np.array([part[name] for part in parts]).reshape(-1, k) for name in drawn}
    reach = {name: _reach(drawn[name].std(axis=0, ddof=1), blocks.shape[1], left_out[name]) for name in drawn}
    apart = _reach(
        (drawn["total"] - drawn["first"]).std(axis=0, ddof=1),
        blocks.shape[1],
        left_out["total"] - left_out["first"],
    )
    base = blocks.mean(axis=0)[:, [0, -1]]
    chance = _noise(steps) / (2.0 * len(values)) / base.var()
    told = _repeats(steps, LEVEL) if len(values) > 1 else first > reach["first"]
    together = total - np.nan_to_num(chance) - first > apart
    rows = {
        "parameter": names,
        "total": total,
        "total_low": np.maximum(total - reach["total"], 0.0),
        "total_high": total + reach["total"],
        "first": first,
        "first_low": first - reach["first"],
        "first_high": first + reach["first"],
        "chance": chance,
        "verdict": _verdicts(moved, told, together, 2.0 * reach["total"] > total, len(values) > 1),
    }
    return pd.DataFrame(rows).sort_values("total", ascending=False, kind="stable", ignore_index=True)


SOBOL_NUMBERS = ("total", "total_low", "total_high", "first", "first_low", "first_high", "chance")


def _sobol(blocks: np.ndarray) -> dict[str, np.ndarray]:
    """First and total order of every parameter, by SALib's estimators; 0 where the outcome is constant."""
    from SALib.analyze.sobol import first_order, total_order

    centred = blocks - blocks.mean()
    a, b = centred[:, 0], centred[:, -1]
    k = blocks.shape[1] - 2
    if np.ptp(centred[:, [0, -1]]) == 0.0:
        return {"first": np.zeros(k), "total": np.zeros(k)}
    mixed = centred[:, 1:-1].T
    return {
        "first": np.array([first_order(a, ab, b) for ab in mixed]),
        "total": np.array([total_order(a, ab, b) for ab in mixed]),
    }


def _without_one(values: np.ndarray) -> list[np.ndarray]:
    """The replicates without one after the other; nothing from a single one."""
    return [np.delete(values, r, axis=0) for r in range(len(values))] if len(values) > 1 else []


def _normal_quantile() -> float:
    from scipy.stats import norm

    return float(norm.ppf(0.5 + CONFIDENCE / 2))


def _reach(spread: np.ndarray, blocks: int, left_out: np.ndarray) -> np.ndarray:
    """Half width of the intervals, float64 (k).

    ``spread`` is the bootstrap's standard deviation over blocks, ``left_out`` the indices without one
    replicate each, float64 (replicates, k), empty from one replicate.
    """
    from scipy.stats import t

    of_blocks = spread**2
    r = len(left_out)
    of_chance = left_out.var(axis=0) * (r - 1) if r else np.zeros_like(of_blocks)
    both = of_blocks + of_chance
    terms = of_blocks**2 / (blocks - 1) + (of_chance**2 / (r - 1) if r else 0.0)
    freedom = np.divide(both**2, terms, out=np.full_like(both, blocks - 1.0), where=terms > 0.0)
    return np.asarray(t.ppf(0.5 + CONFIDENCE / 2, freedom) * np.sqrt(both))


def _noise(steps: np.ndarray) -> np.ndarray:
    """Variance of a step's change between replicates, averaged over blocks, float64 (k); NaN from one."""
    if len(steps) < 2:
        return np.full(steps.shape[2], np.nan)
    return np.asarray(steps.var(axis=0, ddof=1).mean(axis=0))


def _beyond(square: np.ndarray, noise: np.ndarray, freedom: tuple[int, int], level: float) -> np.ndarray:
    """Whether mean squares are larger than the noise allows, bool (k)."""
    from scipy.stats import f

    return np.asarray(square > noise * f.ppf(1.0 - level, *freedom))


def _repeats(steps: np.ndarray, level: float) -> np.ndarray:
    """Whether changes repeat themselves over replicates more than chance allows, bool (k)."""
    r, blocks, _ = steps.shape
    square = r * (steps.mean(axis=0) ** 2).mean(axis=0)
    return _beyond(square, _noise(steps), (blocks, blocks * (r - 1)), level)


def _uneven(steps: np.ndarray, noise: np.ndarray, star: np.ndarray) -> np.ndarray:
    """Whether elementary effects differ between trajectories by more than chance and rounding, bool (k)."""
    r, blocks, _ = steps.shape
    if r < 2:
        return np.zeros(steps.shape[2], dtype=bool)
    spread = steps.mean(axis=0).var(axis=0, ddof=1)
    told = _beyond(r * spread, noise, (blocks - 1, blocks * (r - 1)), LEVEL)
    return np.asarray(told & (np.maximum(spread - noise / r, 0.0) > (SPREAD * star) ** 2))


def _one_direction(effects: np.ndarray, level: float) -> np.ndarray:
    """Whether the mean of effects (trajectories, k) can be told from 0, bool (k)."""
    from scipy.stats import t

    blocks = len(effects)
    error = effects.std(axis=0, ddof=1) / math.sqrt(blocks)
    return np.asarray(np.abs(effects.mean(axis=0)) > error * t.ppf(1.0 - level / 2, blocks - 1))


def _moved(steps: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Whether a step of a parameter ever changes anything, bool (k)."""
    return np.asarray(np.abs(steps).max(axis=(0, 1)) > ROUNDING * np.abs(values).max())


def _verdicts(
    moved: np.ndarray, told: np.ndarray, with_others: np.ndarray, unranked: np.ndarray, several: bool
) -> list[str]:
    """A verdict for each parameter; ``several`` says whether there is more than one replicate."""
    untold = UNTOLD if several else UNTOLD_ALONE
    strong = [
        (WITH_OTHERS if together else MATTERS) + (UNRANKED if wide else "")
        for together, wide in zip(with_others, unranked, strict=True)
    ]
    return [UNMOVED if not moved[j] else strong[j] if told[j] else untold for j in range(len(moved))]
