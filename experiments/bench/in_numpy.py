"""The card life cycle in vectorised NumPy: one array operation for all cards, then the few that change."""

from __future__ import annotations

import cycle
import numpy as np

STATES = len(cycle.STATES)


class World:
    """Each card is a row: its state, and the place in the tables of its flags and region."""

    def __init__(self, n: int, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.state, flags, region = cycle.start(n)
        self.first = (flags.astype(np.int16) * cycle.REGIONS + region) * np.int16(STATES)
        # Tables with the state last, so that a card's entry is its first one plus its state.
        self.ends, self.changes = (
            np.ascontiguousarray(np.moveaxis(table, 0, -1)).ravel() for table in cycle.chances()
        )
        self.next = np.array([cycle.following(state) for state in range(STATES)], dtype=np.uint8)
        self.counts = np.bincount(self.state, minlength=STATES)

    def step(self) -> np.ndarray:
        """Simulate a day."""
        u = self.rng.random(len(self.state))
        place = self.first + self.state
        rows = np.flatnonzero(u < self.changes[place])
        before = self.state[rows]
        after = np.where(u[rows] < self.ends[place[rows]], np.uint8(cycle.ENDED), self.next[before])
        self.state[rows] = after
        self.counts += np.bincount(after, minlength=STATES) - np.bincount(before, minlength=STATES)
        return self.counts


if __name__ == "__main__":
    given = cycle.arguments()
    cycle.report(
        cycle.measure("NumPy", World, given.agents, given.steps, given.seed) | {"version": np.__version__}
    )
