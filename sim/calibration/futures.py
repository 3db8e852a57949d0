"""Futures: emulated runs that the record does not contradict, whole paths of them.

A point of the posterior is no run yet: chance comes to it as a row of what was left over in a real run. Not
every row fits the record at every point, so each point takes one by how likely the record is with it. What a
path shows after the last target is then a forecast, which holds what is not known as well as chance.
"""

from __future__ import annotations

import numpy as np

from sim.calibration.emulator import Emulator

CHANCE_SALT, PART = 4, 50


def chances(emulator: Emulator, shares: np.ndarray, seed: int) -> np.ndarray:
    """For each point the number of a row of what was left over, int64 (points), drawn by how likely the
    record is with it.

    All rows are drawn from, not only those that the search has used.
    """
    rng = np.random.Generator(np.random.PCG64([seed, CHANCE_SALT]))
    every = np.arange(len(emulator.rest))
    fits = np.concatenate([emulator.log_rows(part, every) for part in _parts(shares)])
    edges = np.cumsum(np.exp(fits - fits.max(axis=1, keepdims=True)), axis=1)
    return np.asarray((edges < rng.random((len(shares), 1)) * edges[:, -1:]).sum(axis=1))


def futures(emulator: Emulator, shares: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Logarithms of monthly cases of one run a point, with a row of what was left over each, float64 (points,
    months).
    """
    months = len(emulator.library.months)
    runs = emulator.predicted(shares)[emulator.fold[rows], np.arange(len(shares))] + emulator.rest[rows]
    return np.asarray(runs[:, :months])


def _parts(shares: np.ndarray) -> list[np.ndarray]:
    """Points in parts, so that emulated runs of all rows fit into memory."""
    return [shares[k : k + PART] for k in range(0, len(shares), PART)]
