"""The card life cycle as a Starsim module, or (`--variant sir`) Starsim's own SIR model on a network."""

from __future__ import annotations

from typing import Any

import cycle
import numpy as np
import starsim as ss

STATES = len(cycle.STATES)


class Cards(ss.Module):
    """A module with a state, flags and a region for each agent, and a random number that belongs to it."""

    def __init__(self) -> None:
        super().__init__()
        self.define_states(
            ss.IntArr("status", default=0), ss.IntArr("flags", default=0), ss.IntArr("region", default=0)
        )
        self.draw = ss.random()
        self.ends, self.changes = cycle.chances()
        self.next = np.array([cycle.following(state) for state in range(STATES)])
        self.counts = np.zeros(STATES, dtype=np.int64)

    def init_post(self) -> None:
        """Give the agents the states that all programs start from."""
        super().init_post()
        status, flags, region = cycle.start(len(self.sim.people))
        self.status[:], self.flags[:], self.region[:] = status, flags, region
        self.counts[:] = np.bincount(status, minlength=STATES)

    def step(self) -> None:
        """One day of all agents; the arrays behind the states are used, the fastest way Starsim offers."""
        uids = self.sim.people.auids
        u = self.draw.rvs(uids)
        status, flags, region = self.status.values, self.flags.values, self.region.values
        hit = np.flatnonzero(u < self.changes[status, flags, region])
        before = status[hit]
        ended = u[hit] < self.ends[before, flags[hit], region[hit]]
        after = np.where(ended, cycle.ENDED, self.next[before])
        self.status[uids[hit]] = after
        self.counts += np.bincount(after, minlength=STATES) - np.bincount(before, minlength=STATES)


class World:
    """A simulation stepped from outside, a day a step."""

    def __init__(self, sim: Any, counts: Any) -> None:
        self.sim, self.counts = sim, counts
        sim.init()

    def step(self) -> np.ndarray:
        """Simulate a day."""
        self.sim.run_one_step()
        return self.counts()


def cards(n: int, seed: int, days: int) -> World:
    """The card life cycle."""
    module = Cards()
    sim = ss.Sim(n_agents=n, modules=module, dt=ss.days(1), dur=ss.days(days), rand_seed=seed, verbose=0)
    return World(sim, lambda: next(iter(sim.modules)).counts)


def sir(n: int, seed: int, days: int) -> World:
    """Starsim's SIR model with its own defaults: a random network of ten contacts, one in a hundred ill."""
    sim = ss.Sim(
        n_agents=n,
        diseases="sir",
        networks="random",
        dt=ss.days(1),
        dur=ss.days(days),
        rand_seed=seed,
        verbose=0,
    )
    return World(sim, lambda: np.zeros(STATES))


if __name__ == "__main__":
    given = cycle.arguments()
    make = sir if given.variant == "sir" else cards
    found = cycle.measure(
        "Starsim SIR" if given.variant == "sir" else "Starsim",
        lambda n, seed: make(n, seed, given.steps + 1),
        given.agents,
        given.steps,
        given.seed,
    )
    if given.variant == "sir":
        del found["counts"], found["deviations"]
    cycle.report(found | {"version": ss.__version__})
