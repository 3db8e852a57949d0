"""The card life cycle with cardbreak's own card step: a keyed Philox number a card, whatever the threads.

The kernel settles competing causes: here detection, lapse, the three cleanups, and moving on.
"""

from __future__ import annotations

from importlib.metadata import version

import cycle
import numba
import numpy as np

from sim.bench.cards import Deck
from sim.world.codes import FLAG_SETS, Kind, Status

STATES = len(cycle.STATES)
LIVE = 0
"""The kernel's kind of a card that has not ended; ended ones have another, which no cleanup looks at."""
MOVES = 1 + 1 + len(cycle.CLEANUP)
"""What the kernel writes for the cause after detection and the cleanups, here moving on."""


class World:
    """Cards as the kernel takes them; the five states are the first five of the kernel's twelve."""

    def __init__(self, n: int, seed: int) -> None:
        state, flags, region = cycle.start(n)
        rng = np.random.default_rng(seed)
        cleanup = np.zeros((len(cycle.CLEANUP), len(Kind), FLAG_SETS, cycle.REGIONS))
        for cause, (flag, rate) in enumerate(cycle.CLEANUP.items()):
            flagged = (np.arange(FLAG_SETS) & flag) != 0
            cleanup[cause, LIVE, flagged, : cycle.CLEANUP_REGIONS] = rate
        own = np.zeros((3, len(Status), len(Kind)))
        own[0, :STATES] = np.array(cycle.MOVE)[:, None]
        own[1, : cycle.ENDED] = cycle.LAPSE
        own[2, cycle.ACTIVE] = cycle.DETECTION
        self.deck = Deck(
            keys=rng.integers(0, 2**64, n, dtype=np.uint64),
            status=state,
            kind=(state == cycle.ENDED).astype(np.uint8),
            region=region,
            flags=flags,
            detection=np.ones((len(Kind), 7)),
            cleanup=cleanup,
            own=own,
            ended=len(Status),
        )
        self.next = np.array([cycle.following(s) for s in range(STATES)], dtype=np.uint8)
        self.counts = np.bincount(state, minlength=STATES)
        self.day = 0

    def step(self) -> np.ndarray:
        """Simulate a day."""
        deck, self.day = self.deck, self.day + 1
        removed = deck.step(self.day)
        rows = np.flatnonzero(removed)
        before = deck.status[rows]
        after = np.where(removed[rows] == MOVES, self.next[before], np.uint8(cycle.ENDED))
        deck.status[rows] = after
        deck.kind[rows] = after == cycle.ENDED
        self.counts += np.bincount(after, minlength=STATES) - np.bincount(before, minlength=STATES)
        return self.counts


if __name__ == "__main__":
    given = cycle.arguments()
    numba.set_num_threads(min(given.threads, numba.config.NUMBA_NUM_THREADS))
    cycle.report(
        cycle.measure("cardbreak", World, given.agents, given.steps, given.seed)
        | {"version": version("cardbreak")}
    )
