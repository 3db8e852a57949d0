"""What the rules of gangs and dealers have in common: how many they know, how they choose, how they fear."""

from __future__ import annotations

import numpy as np

MAX_CONTACTS = 8
"""Most dealers that a gang or a dealer knows."""


def update_belief(seen: np.ndarray, rows: np.ndarray, share: np.ndarray, peers: float, decay: float) -> None:
    """Beta belief with decay (equation 4.9): ``seen`` (n, 2), removals and survivals of peers, in place."""
    seen[rows, 0] = decay * seen[rows, 0] + peers * share
    seen[rows, 1] = decay * seen[rows, 1] + peers * (1.0 - share)


def softmax(scores: np.ndarray) -> np.ndarray:
    """Choice probabilities along the last axis."""
    raised = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True))
