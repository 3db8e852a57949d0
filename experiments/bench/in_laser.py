"""The card life cycle in LASER's own style, or (`--variant sir`) laser-generic's SIR model.

LASER's style: a `LaserFrame` of typed columns, a numba kernel over all agents, a tally for each thread.
"""

from __future__ import annotations

import contextlib
import io
from importlib.metadata import version

import cycle
import numba as nb
import numpy as np
from laser.core import LaserFrame
from laser.core.random import seed as set_seed

STATES = len(cycle.STATES)
ENDED = cycle.ENDED


@nb.njit(nogil=True, parallel=True, cache=True)
def step_cards(state, flags, region, ends, changes, following, flows):
    """One day of all cards; flows, int64 (threads, states), collects what enters and leaves each state."""
    for i in nb.prange(len(state)):
        s = state[i]
        u = np.random.random()  # noqa: NPY002 - what numba offers, and LASER uses
        if u < changes[s, flags[i], region[i]]:
            after = ENDED if u < ends[s, flags[i], region[i]] else following[s]
            state[i] = after
            thread = nb.get_thread_id()
            flows[thread, s] -= 1
            flows[thread, after] += 1


class Cards:
    """The card life cycle in a LaserFrame."""

    def __init__(self, n: int, seed: int) -> None:
        set_seed(seed)
        self.cards = LaserFrame(n)
        for name, column in zip(("state", "flags", "region"), cycle.start(n), strict=True):
            self.cards.add_scalar_property(name, dtype=np.uint8)
            getattr(self.cards, name)[:] = column
        self.ends, self.changes = cycle.chances()
        self.following = np.array([cycle.following(state) for state in range(STATES)], dtype=np.uint8)
        self.counts = np.bincount(self.cards.state, minlength=STATES)

    def step(self) -> np.ndarray:
        """Simulate a day."""
        flows = np.zeros((nb.get_num_threads(), STATES), dtype=np.int64)
        c = self.cards
        step_cards(c.state, c.flags, c.region, self.ends, self.changes, self.following, flows)
        self.counts += flows.sum(axis=0)
        return self.counts


class SIR:
    """laser-generic's SIR model: 31 patches, an epidemic in full swing (R0 of 2, ill for ten days).

    Half of the agents are susceptible at the start and a tenth ill. With fewer susceptible fewer numbers are
    drawn, so this is faster than the beginning of an epidemic.
    """

    def __init__(self, n: int, seed: int, days: int) -> None:
        import laser.core.distributions as dists
        from laser import generic
        from laser.core import PropertySet
        from laser.core.utils import grid

        patches = cycle.REGIONS
        scenario = grid(M=1, N=patches, population_fn=lambda row, col: n // patches)
        scenario["I"] = scenario["population"] // 10
        scenario["R"] = scenario["population"] * 4 // 10
        scenario["S"] = scenario["population"] - scenario["I"] - scenario["R"]
        self.model = generic.Model(scenario, PropertySet({"nticks": days, "beta": 0.2, "prng_seed": seed}))
        ill = dists.normal(loc=10.0, scale=2.0)
        self.model.components = [
            generic.SIR.Susceptible(self.model),
            generic.SIR.Infectious(self.model, ill),
            generic.SIR.Recovered(self.model),
            generic.SIR.Transmission(self.model, ill),
        ]
        self.tick = 0

    def step(self) -> np.ndarray:
        """Simulate a day, as `Model.run` does."""
        self.model._initialize_flows(self.tick)
        for part in self.model.components:
            part.step(self.tick)
        self.tick += 1
        return np.zeros(STATES)


if __name__ == "__main__":
    given = cycle.arguments()
    nb.set_num_threads(min(given.threads, nb.config.NUMBA_NUM_THREADS))
    with contextlib.redirect_stdout(io.StringIO()):
        if given.variant == "sir":
            found = cycle.measure(
                "laser-generic SIR",
                lambda n, seed: SIR(n, seed, given.steps + 1),
                given.agents,
                given.steps,
                given.seed,
            )
            del found["counts"], found["deviations"]
        else:
            found = cycle.measure("laser-core", Cards, given.agents, given.steps, given.seed)
    which = "laser-generic" if given.variant == "sir" else "laser-core"
    cycle.report(found | {"version": version(which)})
