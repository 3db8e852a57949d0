"""What the rules of gangs and dealers have in common: how many they know, how they choose."""

from __future__ import annotations

import numpy as np

from sim.kernels import elementary

MAX_CONTACTS = 8
"""Most dealers that a gang or a dealer knows."""


def softmax(scores: np.ndarray) -> np.ndarray:
    """Choice probabilities along the last axis."""
    raised = elementary.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True))
