"""An emulator: what a run at a point would show, learned from the runs of the bank.

The logarithm of a path of monthly cases is a mean path plus a few shapes, principal components, each with a
score; scores and the other targets are predicted from the point, by orthogonal matching pursuit over all
parameters, then over them and the squares and products of those found first. That is also the screening:
what no prediction takes up, no target hangs on in a way that so many runs can show. (Elementary effects cost
a run each for one parameter; in a fit every run tells of every parameter.)

Every prediction is made by several fits, each of which has not seen one fold of the runs. What is left
over, whole rows of it, is kept: an emulated run is the prediction of one fit at a point plus what was left
over in a real run that the fit had not seen. So chance and lack of fit keep their size, their shape and what
they do to all targets together, and where the fits disagree the emulator is unsure. Patterns are read off
emulated paths by their own definitions.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sim.calibration.distance import beyond, deviation
from sim.calibration.library import CLIP, Library, on_path, read_paths
from sim.calibration.targets import Target

SHAPES = 6
"""Shapes of paths that are predicted; what they leave belongs to the rest."""
MAIN = 12
"""Parameters of each prediction that also enter as squares and products."""
FOLDS = 5
LEAST_SHARE = 0.03
MOST_FEATURES = 30
"""A prediction takes up so many parameters, squares and products at most."""
NEAREST, FEWEST = 0.35, 250
"""The emulator learns from the share of runs nearest to the record, but from so many at least: far away,
where crime has died out, other things matter."""


@dataclass(frozen=True)
class Fit:
    """A prediction: intercept + coefficients x features, the products those of the parameters ``main``."""

    main: np.ndarray
    intercept: float
    linear: np.ndarray
    products: np.ndarray

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
    """See the module.

    ``fits`` holds for each fold the fits of all scores and other targets, ``explained`` how much of their
    variance they explain in runs that they had not seen (0 where the mean does as well). ``rest`` is float64
    (rows, months + other targets): what was left over in each run that is no scout; ``fold`` the fit that had
    not seen it.
    """

    library: Library
    targets: tuple[Target, ...]
    mean: np.ndarray
    shapes: np.ndarray
    fits: tuple[tuple[Fit, ...], ...]
    explained: np.ndarray
    rest: np.ndarray
    fold: np.ndarray

    @property
    def active(self) -> np.ndarray:
        """Which parameters any prediction hangs on, int64, in order."""
        used: set[int] = set()
        for fit in (fit for fits in self.fits for fit in fits):
            used |= set(np.flatnonzero(fit.linear).tolist())
            if len(fit.products):
                first, second = np.triu_indices(len(fit.main))
                there = np.flatnonzero(fit.products)
                used |= {*fit.main[first[there]].tolist(), *fit.main[second[there]].tolist()}
        return np.array(sorted(used), dtype=np.int64)

    def without(self, left_out: str) -> Emulator:
        """The same emulator, which knows nothing of what the record says about one target.

        Nothing is learned anew: the runs to learn from were chosen with all targets. Rows of `rest` stay the
        same runs.
        """
        others = [target.id for target in self.targets if not on_path(target)]
        kept = [place for place, name in enumerate(others) if name != left_out]
        shapes, months = len(self.shapes), len(self.library.months)
        columns = [*range(months), *(months + place for place in kept)]
        outputs = [*range(shapes), *(shapes + place for place in kept)]
        return replace(
            self,
            targets=tuple(target for target in self.targets if target.id != left_out),
            fits=tuple(tuple(fits[place] for place in outputs) for fits in self.fits),
            explained=self.explained[outputs],
            rest=self.rest[:, columns],
        )

    def predicted(self, shares: np.ndarray) -> np.ndarray:
        """Log paths and deviations of other targets without chance, by each fit, float64 (folds, points,
        months + others).
        """
        found = []
        for fits in self.fits:
            values = np.column_stack([fit.at(shares) for fit in fits])
            path = self.mean + values[:, : len(self.shapes)] @ self.shapes
            found.append(np.column_stack([path, values[:, len(self.shapes) :]]))
        return np.stack(found)

    def emulated(self, shares: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Deviations from all targets of runs at each point with some rows of what is left over, by number,
        float64 (points, rows, targets).
        """
        runs = np.moveaxis(self.predicted(shares)[self.fold[rows]], 0, 1) + self.rest[rows]
        months = len(self.library.months)
        found = np.empty((*runs.shape[:2], len(self.targets)))
        paths = [target for target in self.targets if on_path(target)]
        cases = np.exp(runs[:, :, :months].reshape(-1, months).T)
        read = read_paths(paths, self.library.months, cases).reshape(*runs.shape[:2], len(paths))
        there, other = 0, months
        for place, target in enumerate(self.targets):
            if on_path(target):
                found[:, :, place] = deviation(target, read[:, :, there], CLIP)
                there += 1
            else:
                found[:, :, place] = runs[:, :, other]
                other += 1
        return found

    def log_likelihood(self, shares: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Logarithm of how likely the record is at each point, up to a constant, float64 (points).

        A synthetic likelihood (Wood 2010): deviations from targets that have a value are taken as normal,
        with the mean and the covariance that the rows of what is left over give them, and the errors of
        record and model added. A mean over rows of their likelihoods would hang on the one or two rows that
        fit best. Of a target without a value it is the mean over rows, each target by itself.
        """
        away = self.emulated(shares, rows)
        valued = [k for k, target in enumerate(self.targets) if target.value is not None]
        mean = away[:, :, valued].mean(axis=1)
        around = away[:, :, valued] - mean[:, None]
        spread = np.swapaxes(around, 1, 2) @ around / (len(rows) - 1) + np.eye(len(valued))
        root = np.linalg.cholesky(spread)
        scaled = np.linalg.solve(root, mean[:, :, None])[:, :, 0]
        found = -0.5 * (scaled**2).sum(axis=1)
        found -= np.log(np.diagonal(root, axis1=1, axis2=2)).sum(axis=1)
        for k, target in enumerate(self.targets):
            if target.value is None:
                each = -0.5 * beyond(target, away[:, :, k]) ** 2
                found += np.logaddexp.reduce(each, axis=1) - np.log(len(rows))
        return np.asarray(found)

    def log_rows(self, shares: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Logarithm of how likely the record is given each emulated run, up to a constant, float64 (points,
        rows): how well a row of what is left over fits the record there.
        """
        away = self.emulated(shares, rows)
        squares = np.zeros(away.shape[:2])
        for k, target in enumerate(self.targets):
            squares += beyond(target, away[:, :, k]) ** 2
        return -0.5 * squares

    def implausibility(self, shares: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """How many standard deviations of record, model, chance and emulator together the mean emulated run
        lies beyond each target, float64 (points, targets).
        """
        away = self.emulated(shares, rows)
        mean, spread = away.mean(axis=1), np.sqrt(1.0 + away.var(axis=1))
        over = np.column_stack([beyond(t, mean[:, k]) for k, t in enumerate(self.targets)])
        return np.asarray(over / spread)


def fit(library: Library, targets: Sequence[Target], seed: int, scouts: Library | None = None) -> Emulator:
    """Learn from the runs of a library that lie nearest to the targets.

    ``scouts``: runs of the same world at a coarser scale, of which the nearest are learned from too. What is
    left over in them does not stand for chance, which is larger there.
    """
    ours = library.only(nearest(library, targets))
    near = ours if scouts is None else ours.joined(scouts.only(nearest(scouts, targets)))
    path = log_paths(near)
    mean = path.mean(axis=0)
    _, _, shapes = np.linalg.svd(path - mean, full_matrices=False)
    shapes = shapes[:SHAPES]
    others = [target for target in targets if not on_path(target)]
    values = np.column_stack([(path - mean) @ shapes.T, near.deviations(others)])
    rng = np.random.Generator(np.random.PCG64(seed))
    fold = rng.permutation(np.arange(len(values)) % FOLDS)
    columns = [_learned(near.shares, column, fold) for column in values.T]
    guess = np.column_stack([guess for _, guess, _ in columns])
    left = np.column_stack(
        [path - mean - guess[:, : len(shapes)] @ shapes, (values - guess)[:, len(shapes) :]]
    )
    whole = np.isfinite(left).all(axis=1)
    whole[len(ours) :] = False
    fits = tuple(zip(*(fits for fits, _, _ in columns), strict=True))
    explained = np.array([share for _, _, share in columns])
    return Emulator(near, tuple(targets), mean, shapes, fits, explained, left[whole], fold[whole])


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
    for away in library.beyond(targets).T:  # a run without a value is as far as deviations go
        total += np.where(np.isnan(away), CLIP, away) ** 2
    return total


def _learned(shares: np.ndarray, values: np.ndarray, fold: np.ndarray) -> tuple[list[Fit], np.ndarray, float]:
    """A fit for each fold that has not seen it, what they predict there, and the share that they explain."""
    there = np.isfinite(values)
    fits, guess = [], np.empty(len(values))
    for number in range(FOLDS):
        seen = there & (fold != number)
        fits.append(_sparse(shares[seen], values[seen]))
        guess[fold == number] = fits[-1].at(shares[fold == number])
    variance = float(values[there].var())
    lost = float(((values - guess)[there] ** 2).mean())
    share = 1.0 - lost / variance if variance > 0.0 else 0.0
    if share < LEAST_SHARE:  # hardly better than the mean: then the mean it is
        middle = float(values[there].mean())
        flat = Fit(np.arange(0), middle, np.zeros(shares.shape[1]), np.empty(0))
        return [flat] * FOLDS, np.full(len(values), middle), 0.0
    return fits, guess, share


def _sparse(shares: np.ndarray, values: np.ndarray) -> Fit:
    """Orthogonal matching pursuit over all parameters, then over them and the products of the first."""
    away = shares - 0.5
    linear, intercept = _pursuit(away, values)
    main = np.sort(np.argsort(-np.abs(linear), kind="stable")[: min(MAIN, np.count_nonzero(linear))])
    cut, products = away.shape[1], np.empty(0)
    if len(main):
        both, intercept = _pursuit(np.column_stack([away, _products(away[:, main])]), values)
        linear, products = both[:cut], both[cut:]
    return Fit(main, intercept, linear, products)


def _pursuit(features: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, float]:
    """Coefficients and intercept; how many features are taken up is found by cross-validation."""
    from sklearn.linear_model import OrthogonalMatchingPursuitCV

    if float(np.ptp(values)) < 1e-9:  # shapes beyond those that there are
        return np.zeros(features.shape[1]), float(values.mean())
    most = min(MOST_FEATURES, features.shape[1], len(values) // 4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a path that ends early is a path
        found = OrthogonalMatchingPursuitCV(cv=FOLDS, max_iter=most).fit(features, values)
    return np.asarray(found.coef_), float(found.intercept_)
