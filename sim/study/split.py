"""The variance of an outcome, split into policy, knowledge and chance.

Take a policy of those tried at random, a world at random from what is known, luck at random: how much of the
variance of the outcome y would go if one knew which policy, which world, which luck it is? y is a function of
the three and of nothing else, so it splits exactly (Hoeffding) into seven parts: each factor alone, each two
together, all three together, the residual. Replicates are *crossed* with all else, not nested: the same
random numbers meet every policy in every world.

**Estimates.** With P policies, K worlds, R replicates and mean squares MS of the full table (the usual sums
of squares over their degrees of freedom), where c is chance::

    policy               (MS_p - MS_pk - MS_pc + MS_pkc) / (K R) * (P - 1) / P
    knowledge            (MS_k - MS_kc) / (P R)
    chance               (MS_c - MS_kc) / (P K)
    policy x knowledge   (MS_pk - MS_pkc) / R * (P - 1) / P
    policy x chance      (MS_pc - MS_pkc) / K * (P - 1) / P
    knowledge x chance   MS_kc / P
    residual             MS_pkc * (P - 1) / P

Worlds and replicates are samples of many, policies are all there are: so a part with p is a mean over P
policies, not an estimate from P - 1, and parts without p lose no interaction with it. Each estimate is
unbiased, and can come out below 0; then it is shown as 0 and said so.

Where knowledge comes as draws alone, each replicate belongs to one draw, and chance is *nested* in knowledge:
chance is MS_c(k) / P, the residual MS_pc(k) (P - 1) / P, and these two take the places of MS_kc and MS_pkc
above. Where there are both points of knowledge and draws, the draws count as chance.

A factor with one level has no part. With one replicate (in a draw) chance hides in what is called knowledge,
policy x knowledge and residual; the labels say so.

**Intervals** (90%) are of the shares, over other worlds and other luck, the policies given. Two replicates
cannot be resampled; so a mean square is taken to be off by as much as its degrees of freedom d say: it is
drawn as MS d / chi square (d), with the seed. Where squares differ more between worlds than under a normal
distribution, d is lowered to 2 S**2 / (K v), with S the sum of the squares of the K worlds and v the variance
of those. The part of policy is drawn around its means, with the error that they have.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sim.study.estimates import CONFIDENCE
from sim.study.sensitivity import Of, largest_whole

if TYPE_CHECKING:
    from sim.study.states import Reading

DRAWN = 4000
INTERVAL_SEED = 15
"""Salt of the seed of the intervals."""
FACTORS = "pkc"
WORDS = {
    "p": "policy",
    "k": "knowledge",
    "pk": "policy x knowledge",
    "c": "chance",
    "pc": "policy x chance",
    "kc": "knowledge x chance",
    "pkc": "residual: all three",
}
CHANCE = "all with chance"


@dataclass(frozen=True)
class _Squares:
    """A mean square, its degrees of freedom, and those that the spread between worlds leaves of them."""

    mean: float
    freedom: int
    effective: float


def variance_parts(values: np.ndarray, nested: bool, seed: int) -> pd.DataFrame:
    """A row for each part, and one for all parts with chance together.

    Parameters
    ----------
    values
        The outcome, float64 (policies, worlds, replicates), without gaps.
    nested
        Whether the replicates of each world are its own.
    seed
        Of the intervals.

    Columns part, ``variance`` (the estimate, as it came out), ``share`` of the sum of all parts, ``low``,
    ``high``, note. Shares are NaN where the outcome never varies.
    """
    squares = _mean_squares(values, nested)
    sizes = dict(zip(FACTORS, values.shape, strict=True))
    found = _parts({u: s.mean for u, s in squares.items()}, sizes, nested)
    spread = _drawn(values, squares, sizes, nested, seed)
    shares, drawn = _shares(found), _shares(spread)
    ends = [0.5 - CONFIDENCE / 2, 0.5 + CONFIDENCE / 2]
    rows = []
    for part, variance in found.items():
        low, high = np.quantile(drawn[part], ends)
        note = "estimate below 0, shown as 0" if variance < 0.0 else ""
        rows.append(_row(_words(part, found, nested), variance, shares[part], low, high, note))
    mixed = [part for part in found if "c" in part]
    if mixed:
        low, high = np.quantile(sum(drawn[part] for part in mixed), ends)
        whole = sum(found[part] for part in mixed)
        rows.append(_row(CHANCE, whole, sum(shares[part] for part in mixed), low, high, ""))
    return pd.DataFrame(rows)


def _row(part: str, variance: Any, share: Any, low: Any, high: Any, note: str) -> dict[str, Any]:
    numbers = {"variance": float(variance), "share": float(share), "low": float(low), "high": float(high)}
    return {"part": part, **numbers, "note": note}


def _words(part: str, found: Mapping[str, Any], nested: bool) -> str:
    if nested and part in ("c", "pc"):
        return {"c": "chance", "pc": "policy x chance"}[part]
    hidden = "k" in part and not any("c" in other for other in found)
    return WORDS[part] + (" (chance in it: one replicate)" if hidden else "")


def _mean_squares(values: np.ndarray, nested: bool) -> dict[str, _Squares]:
    """The mean squares of all parts of a full table that have any freedom, in the order of `WORDS`."""
    effects = {u: _effect(values, u) for u in WORDS}
    freedom = {
        u: int(np.prod([n - 1 for f, n in zip(FACTORS, values.shape, strict=True) if f in u])) for u in WORDS
    }
    if nested:  # a replicate has no effect of its own in all worlds: pool it with the one in its world
        for inner, outer in (("c", "kc"), ("pc", "pkc")):
            effects[inner] = effects[inner] + effects.pop(outer)
            freedom[inner] += freedom.pop(outer)
    return {u: _squares(effects[u], freedom[u], "k" in u or nested) for u in effects if freedom[u]}


def _effect(values: np.ndarray, part: str) -> np.ndarray:
    """The deviations that belong to a part, in the shape of the table."""
    axes = [k for k, factor in enumerate(FACTORS) if factor in part]
    total = np.zeros_like(values)
    for count in range(len(axes) + 1):
        for kept in itertools.combinations(axes, count):
            others = tuple(k for k in range(values.ndim) if k not in kept)
            total += (-1) ** (len(axes) - count) * values.mean(axis=others, keepdims=True)
    return total


def _squares(effect: np.ndarray, freedom: int, by_world: bool) -> _Squares:
    worlds = (effect**2).sum(axis=(0, 2))
    mean, scatter = worlds.sum() / freedom, worlds.var(ddof=1) if len(worlds) > 1 else 0.0
    if not by_world or scatter <= 0.0:
        return _Squares(mean, freedom, freedom)
    return _Squares(mean, freedom, min(freedom, 2.0 * worlds.sum() ** 2 / (len(worlds) * scatter)))


def _parts(squares: Mapping[str, Any], sizes: Mapping[str, int], nested: bool) -> dict[str, Any]:
    """The estimates of the module's formulas, from mean squares (numbers or arrays of them)."""
    p, k, r = (sizes[factor] for factor in FACTORS)
    part = (p - 1) / p
    of = {u: squares.get(u, 0.0) for u in WORDS}
    in_world, in_cell = (of["c"], of["pc"]) if nested else (of["kc"], of["pkc"])
    found = {
        "p": (of["p"] - of["pk"] - (0.0 if nested else of["pc"] - of["pkc"])) / (k * r) * part,
        "k": (of["k"] - in_world) / (p * r),
        "pk": (of["pk"] - in_cell) / r * part,
        "c": of["c"] / p if nested else (of["c"] - of["kc"]) / (p * k),
        "pc": of["pc"] * part if nested else (of["pc"] - of["pkc"]) / k * part,
        "kc": of["kc"] / p,
        "pkc": of["pkc"] * part,
    }
    return {u: found[u] for u in WORDS if u in squares}


def _drawn(
    values: np.ndarray, squares: Mapping[str, _Squares], sizes: Mapping[str, int], nested: bool, seed: int
) -> dict[str, Any]:
    """The parts at mean squares that could be true ones, float64 (draws) each."""
    random = np.random.Generator(np.random.PCG64(seed))
    spread = {u: s.mean * s.effective / random.chisquare(s.effective, DRAWN) for u, s in squares.items()}
    found = _parts(spread, sizes, nested)
    if "p" not in squares:
        return found
    p = sizes["p"]
    zero = np.zeros(DRAWN)
    error = spread.get("pk", zero) + (zero if nested else spread.get("pc", zero) - spread.get("pkc", zero))
    error = np.maximum(error, 0.0) / (sizes["k"] * sizes["c"])
    means = values.mean(axis=(1, 2)) - values.mean()
    noise = random.normal(size=(DRAWN, p)) * np.sqrt(error)[:, None]
    means = means + noise - noise.mean(axis=1, keepdims=True)
    # The means hold their own error already: drawn around, they hold it twice.
    found["p"] = (means**2).mean(axis=1) - 2.0 * error * (p - 1) / p
    return found


def _shares(parts: Mapping[str, Any]) -> dict[str, Any]:
    """Each part, not below 0, over the sum of all; NaN where that is 0."""
    kept = {u: np.maximum(part, 0.0) for u, part in parts.items()}
    total = np.asarray(sum(kept.values()))
    return {
        u: np.divide(v, total, out=np.full(total.shape, np.nan), where=total > 0.0) for u, v in kept.items()
    }


@dataclass(frozen=True)
class Split:
    """The parts of one response, and which runs stand behind them.

    ``sizes`` are those of policies, worlds, replicates; ``left_out`` counts runs without their counterparts;
    ``nested`` says that knowledge comes as draws, each with replicates of its own.
    """

    of: Of
    table: pd.DataFrame
    sizes: tuple[int, ...]
    left_out: int
    nested: bool


def splits(reading: Reading) -> list[Split]:
    """The split of the level, and where there is a baseline that of the effect.

    The baseline is one of the policies of the level. Empty where no run is complete.
    """
    runs = reading.runs
    known, draws = (runs.index.get_level_values(name) for name in ("known", "draw"))
    nested = known.nunique() == 1 and draws.nunique() > 1
    cells = _by_draw(runs.dropna()) if nested else _crossed(runs.dropna())
    if not cells.size:
        return []
    root = reading.seed * 100 + INTERVAL_SEED
    left_out = int(runs.notna().to_numpy().sum()) - cells.size
    responses: list[tuple[Of, np.ndarray]] = [("level", cells)]
    if reading.baseline is not None and len(cells) > 1:
        responses.append(("effect", cells[1:] - cells[:1]))
    return [
        Split(of, variance_parts(part, nested, root), part.shape, left_out, nested) for of, part in responses
    ]


def _crossed(whole: pd.DataFrame) -> np.ndarray:
    """The largest part without gaps, float64 (policies, worlds, pairs of a draw and a replicate)."""
    number = pd.Series(np.arange(len(whole)), index=whole.index).unstack(["draw", "replicate"])
    worlds, pairs = largest_whole(number.notna().to_numpy())
    rows = number.to_numpy()[np.ix_(worlds, pairs)].astype(int)
    return np.asarray(whole.to_numpy().T[:, rows])


def _by_draw(whole: pd.DataFrame) -> np.ndarray:
    """Draws as worlds, equally many replicates of each, float64 (policies, draws, replicates)."""
    draws = whole.index.get_level_values("draw").to_numpy()
    of_draw = [np.flatnonzero(draws == draw) for draw in np.unique(draws)]
    if not of_draw:
        return np.empty((whole.shape[1], 0, 0))
    counts = np.array([len(pairs) for pairs in of_draw])
    best = max(range(1, counts.max() + 1), key=lambda m: (m * (counts >= m).sum(), m))
    chosen = [pairs[:best] for pairs in of_draw if len(pairs) >= best]
    return np.asarray(whole.to_numpy().T[:, np.array(chosen)])


def is_sample(knowledge: pd.DataFrame) -> bool:
    """Whether the worlds can stand for what is known; ``knowledge`` has a row for each, a column a parameter.

    Designs that fill the room give every world values of its own; those of a screening or of Sobol's indices
    repeat them.
    """
    return knowledge.shape[1] == 0 or bool((knowledge.nunique() == len(knowledge)).any())


def as_frame(found: Sequence[Split], reading: Reading) -> pd.DataFrame:
    """What `split.csv` holds: a row for each response and part."""
    frames = []
    for one in found:
        asked: dict[str, Any] = {
            "of": one.of,
            "outcome": reading.outcome,
            "window_start": reading.window.start.isoformat(),
            "window_end": reading.window.end.isoformat(),
        }
        behind = dict(zip(("policies", "worlds", "replicates"), one.sizes, strict=True))
        frame = one.table.assign(**asked, **behind)
        frames.append(frame[[*asked, *one.table.columns, *behind]])
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
