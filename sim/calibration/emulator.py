"""An emulator: what a run at a point would show, learned from the runs of the bank.

The logarithm of a path of monthly cases is a mean path plus a few shapes, principal components, each with a
score; scores and the other targets are predicted from the point, by orthogonal matching pursuit over all
parameters, then over them and the squares and products of those found first. That is also the screening:
what no prediction takes up, no target hangs on in a way that so many runs can show. (Elementary effects cost
a run each for one parameter; in a fit every run tells of every parameter.)

What is left over, whole rows of it, is kept: an emulated run is the prediction at a point plus what was left
over in a real run (predicted by a fit that had not seen it), so chance and lack of fit keep their size, their
shape and what they do to all targets together. Patterns are read off emulated paths by their own definitions.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sim.calibration.library import Library, beyond, deviation, on_path, read_paths
from sim.calibration.targets import Target

SHAPES = 6
"""Shapes of paths that are predicted; what they leave belongs to the rest."""
MAIN = 12
"""Parameters of each prediction that also enter as squares and products."""
FOLDS = 5
LEAST_SHARE = 0.03
MOST_FEATURES = 30
"""A prediction takes up so many parameters, squares and products at most."""
NEAREST, FEWEST = 0.6, 250
"""The emulator learns from the share of runs nearest to the record, but from so many at least: far away,
where crime has died out, other things matter."""


@dataclass(frozen=True)
class Fit:
    """A prediction: mean + coefficients x features. ``share`` is how much of the variance it explains in runs
    that it has not seen, at least 0.
    """

    main: np.ndarray
    intercept: float
    linear: np.ndarray
    products: np.ndarray
    share: float

    def at(self, shares: np.ndarray) -> np.ndarray:
        """Predictions, float64 (points)."""
        away = shares - 0.5
        value = self.intercept + away @ self.linear
        if len(self.products):
            value = value + _products(away[:, self.main]) @ self.products
        return np.asarray(value)


def _products(main: np.ndarray) -> np.ndarray:
    upper = np.triu_indices(main.shape[1])
    return np.asarray(main[:, upper[0]] * main[:, upper[1]])


@dataclass(frozen=True)
class Emulator:
    """See the module. ``rest`` is float64 (runs, months + other targets): what was left over in each run."""

    library: Library
    targets: tuple[Target, ...]
    mean: np.ndarray
    shapes: np.ndarray
    scores: tuple[Fit, ...]
    others: tuple[Fit, ...]
    rest: np.ndarray

    @property
    def active(self) -> np.ndarray:
        """Which parameters any prediction hangs on, int64, in order."""
        fits = [fit for fit in (*self.scores, *self.others) if fit.share > 0.0]
        used: set[int] = set()
        for fit in fits:
            used |= set(np.flatnonzero(fit.linear).tolist())
            if len(fit.products):
                pairs = np.triu_indices(len(fit.main))
                there = np.flatnonzero(fit.products)
                used |= set(fit.main[pairs[0][there]].tolist()) | set(fit.main[pairs[1][there]].tolist())
        return np.array(sorted(used), dtype=np.int64)

    def predicted(self, shares: np.ndarray) -> np.ndarray:
        """Log paths and deviations of other targets without chance, float64 (points, months + others)."""
        path = self.mean + np.column_stack([fit.at(shares) for fit in self.scores]) @ self.shapes
        others = [fit.at(shares) for fit in self.others]
        return np.column_stack([path, *others])

    def emulated(self, shares: np.ndarray, rest: np.ndarray) -> np.ndarray:
        """Deviations from all targets of runs at each point with each row of what is left over, float64
        (points, rows, targets).
        """
        runs = self.predicted(shares)[:, None, :] + rest[None, :, :]
        months = len(self.library.months)
        found = np.empty((*runs.shape[:2], len(self.targets)))
        paths = [target for target in self.targets if on_path(target)]
        cases = np.exp(runs[:, :, :months].reshape(-1, months).T)
        read = read_paths(paths, self.library.months, cases).reshape(*runs.shape[:2], len(paths))
        there, other = 0, months
        for place, target in enumerate(self.targets):
            if on_path(target):
                found[:, :, place] = deviation(target, read[:, :, there])
                there += 1
            else:
                found[:, :, place] = runs[:, :, other]
                other += 1
        return found

    def log_likelihood(self, shares: np.ndarray, rest: np.ndarray) -> np.ndarray:
        """Logarithm of how likely the record is at each point, up to a constant, float64 (points).

        Errors of record and model are normal; chance is averaged over the rows of what is left over.
        """
        away = self.emulated(shares, rest)
        squares = np.zeros(away.shape[:2])
        for k, target in enumerate(self.targets):
            squares += beyond(target, away[:, :, k]) ** 2
        return np.asarray(np.logaddexp.reduce(-0.5 * squares, axis=1) - np.log(len(rest)))

    def implausibility(self, shares: np.ndarray, rest: np.ndarray) -> np.ndarray:
        """How many standard deviations of record, model, chance and emulator together the mean emulated run
        lies beyond each target, float64 (points, targets).
        """
        away = self.emulated(shares, rest)
        mean, spread = away.mean(axis=1), np.sqrt(1.0 + away.var(axis=1))
        over = np.column_stack([beyond(t, mean[:, k]) for k, t in enumerate(self.targets)])
        return np.asarray(over / spread)


def fit(library: Library, targets: Sequence[Target], seed: int) -> Emulator:
    """Learn from the runs of a library that lie nearest to the targets."""
    near = library.only(nearest(library, targets))
    path = log_paths(near)
    mean = path.mean(axis=0)
    _, _, shapes = np.linalg.svd(path - mean, full_matrices=False)
    shapes = shapes[:SHAPES]
    scores, left = [], np.zeros_like(path)
    for k in range(len(shapes)):
        found, guess = _learned(near.shares, (path - mean) @ shapes[k], seed)
        scores.append(found)
        left += np.outer(guess, shapes[k])
    rest = [path - mean - left]
    others = []
    for target in targets:
        if not on_path(target):
            values = deviation(target, near.values[target.id].to_numpy())
            there = np.isfinite(values)
            found, guess = _learned(near.shares[there], values[there], seed)
            gap = np.full(len(values), np.nan)
            gap[there] = values[there] - guess
            others.append(found)
            rest.append(gap[:, None])
    whole = np.column_stack(rest)
    whole = whole[np.isfinite(whole).all(axis=1)]
    return Emulator(near, tuple(targets), mean, shapes, tuple(scores), tuple(others), whole)


def log_paths(library: Library) -> np.ndarray:
    """Log paths, float64 (runs, months); a month without a case counts as half a simulated case."""
    return np.asarray(np.log(np.maximum(library.cases, 0.5 * library.scale)))


def nearest(library: Library, targets: Sequence[Target]) -> np.ndarray:
    """Numbers of the runs to learn from, by the sum of squared deviations, in order."""
    order = np.argsort(distance(library, targets), kind="stable")
    count = min(max(int(NEAREST * len(library)), FEWEST), len(library))
    return np.sort(order[:count])


def distance(library: Library, targets: Sequence[Target]) -> np.ndarray:
    """Sum over targets of squared deviations beyond what is as good as any, float64 (runs)."""
    total = np.zeros(len(library))
    for target in targets:
        away = beyond(target, deviation(target, library.values[target.id].to_numpy()))
        total += np.where(np.isnan(away), CLIP_SQUARE, away**2)
    return total


CLIP_SQUARE = 64.0
"""What a run without a value counts as: as far as deviations go."""


def _learned(shares: np.ndarray, values: np.ndarray, seed: int) -> tuple[Fit, np.ndarray]:
    """A fit to all runs, and what fits that had not seen a run predict for it."""
    rng = np.random.Generator(np.random.PCG64(seed))
    fold = rng.permutation(np.arange(len(values)) % FOLDS)
    guess = np.empty(len(values))
    for number in range(FOLDS):
        seen = fold != number
        guess[~seen] = _sparse(shares[seen], values[seen]).at(shares[~seen])
    variance = float(values.var())
    share = 1.0 - float(((values - guess) ** 2).mean()) / variance if variance > 0.0 else 0.0
    if share < LEAST_SHARE:  # hardly better than the mean: then the mean it is
        nothing = np.zeros(shares.shape[1])
        flat = Fit(np.arange(0), float(values.mean()), nothing, np.empty(0), 0.0)
        return flat, np.full(len(values), values.mean())
    whole = _sparse(shares, values)
    return Fit(whole.main, whole.intercept, whole.linear, whole.products, share), guess


def _sparse(shares: np.ndarray, values: np.ndarray) -> Fit:
    """Orthogonal matching pursuit over all parameters, then over them and the products of the first."""
    away = shares - 0.5
    linear, intercept = _pursuit(away, values)
    main = np.sort(np.argsort(-np.abs(linear), kind="stable")[: min(MAIN, np.count_nonzero(linear))])
    cut, products = away.shape[1], np.empty(0)
    if len(main):
        both, intercept = _pursuit(np.column_stack([away, _products(away[:, main])]), values)
        linear, products = both[:cut], both[cut:]
    return Fit(main, intercept, linear, products, 0.0)


def _pursuit(features: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, float]:
    """Coefficients and intercept; how many features are taken up is found by cross-validation."""
    from sklearn.linear_model import OrthogonalMatchingPursuitCV

    most = min(MOST_FEATURES, features.shape[1], len(values) // 4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a path that ends early is a path
        found = OrthogonalMatchingPursuitCV(cv=FOLDS, max_iter=most).fit(features, values)
    return np.asarray(found.coef_), float(found.intercept_)
