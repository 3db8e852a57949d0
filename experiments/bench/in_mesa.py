"""The card life cycle in plain Mesa: an agent a card, activated with `do` or at random with `shuffle_do`."""

from __future__ import annotations

import warnings

import cycle
import mesa

ENDS, CHANGES = (table.tolist() for table in cycle.chances())
NEXT = [cycle.following(state) for state in range(len(cycle.STATES))]


class Card(mesa.Agent):
    """A card that knows its state, its flags and its region."""

    def __init__(self, model: Cards, state: int, flags: int, region: int) -> None:
        super().__init__(model)
        self.state, self.flags, self.region = state, flags, region

    def step(self) -> None:
        """One day: one draw settles whether the card ends, moves on or stays."""
        state = self.state
        u = self.random.random()
        if u < CHANGES[state][self.flags][self.region]:
            ended = u < ENDS[state][self.flags][self.region]
            self.state = cycle.ENDED if ended else NEXT[state]
            self.model.counts[state] -= 1
            self.model.counts[self.state] += 1


class Cards(mesa.Model):
    """All cards, and how many there are in each state."""

    def __init__(self, n: int, seed: int, activation: str) -> None:
        super().__init__(rng=seed)
        self.activation = activation
        self.counts = [0] * len(cycle.STATES)
        for state, flags, region in zip(*(column.tolist() for column in cycle.start(n)), strict=True):
            Card(self, state, flags, region)
            self.counts[state] += 1

    def day(self) -> None:
        """Every card once."""
        getattr(self.agents, self.activation)("step")


class World:
    """The model behind the frame's interface."""

    def __init__(self, n: int, seed: int, activation: str = "do") -> None:
        self.model = Cards(n, seed, activation)

    def step(self) -> list[int]:
        """Simulate a day."""
        self.model.day()
        return self.model.counts


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    given = cycle.arguments()
    how = given.variant or "do"
    cycle.report(
        cycle.measure(
            f"Mesa {how}", lambda n, seed: World(n, seed, how), given.agents, given.steps, given.seed
        )
        | {"version": mesa.__version__}
    )
