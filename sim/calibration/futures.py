"""Futures: emulated runs that the record does not contradict, whole paths of them.

A point of the posterior is no run yet: chance comes to it as a row of what was left over in a real run. Not
every row fits the record at every point, so each point takes one by how likely the record is with it. What a
path shows after the last target is then a forecast, which holds what is not known as well as chance.
"""

from __future__ import annotations

import numpy as np

from sim.calibration.emulator import Emulator

CHANCE_SALT = 4


def chances(emulator: Emulator, shares: np.ndarray, rest: np.ndarray, seed: int) -> np.ndarray:
    """The number of a row of ``rest`` for each point, int64 (points), drawn by how likely the record is."""
    rng = np.random.Generator(np.random.PCG64([seed, CHANCE_SALT]))
    fits = emulator.log_rows(shares, rest)
    weights = np.exp(fits - fits.max(axis=1, keepdims=True))
    edges = np.cumsum(weights, axis=1)
    return np.asarray((edges < rng.random((len(shares), 1)) * edges[:, -1:]).sum(axis=1))


def futures(emulator: Emulator, shares: np.ndarray, seed: int) -> np.ndarray:
    """Logarithms of monthly cases of one run a point, float64 (points, months), consistent with the record.

    Rows are drawn from all that were left over, not only from those that the search has used.
    """
    rows = chances(emulator, shares, emulator.rest, seed)
    months = len(emulator.library.months)
    return np.asarray((emulator.predicted(shares) + emulator.rest[rows])[:, :months])
