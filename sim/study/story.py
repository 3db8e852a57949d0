"""A story: one card's or one gang's life in two worlds that share their chance and differ in the policy.

Both worlds are stepped day by day in this process, and a life looks at each of them after every phase. Random
numbers are keyed by decision, so the two lives are one, bit for bit, until something that the policy touched
reaches them; the story says on which day, in which phase and in which columns that first shows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sim.errors import Fault, InputError
from sim.model import FraudSupplyChain
from sim.study.lives import ENDS, CardLife, GangLife, Life, State, gang_end, many, named, yuan
from sim.world.codes import Status

if TYPE_CHECKING:
    from sim.scenario import Scenario
    from sim.world.cards import CardTable

Worlds = tuple[FraudSupplyChain, FraudSupplyChain]
"""The world with the policy and the one without."""

Progress = Callable[[int, int], None]
"""Called with (days done, days in all)."""

LIVES: dict[str, type[Life]] = {"card": CardLife, "gang": GangLife}
SHOWN = 5
"""Most candidates of a kind: each stands for another pair of ends."""
STILL = "still there"
"""The end of who has not ended."""


@dataclass(frozen=True)
class Parting:
    """Where two lives first differ: the day, the phase after which it shows, the columns with both values."""

    date: date
    phase: str
    columns: dict[str, tuple[Any, Any]]


@dataclass(frozen=True)
class Story:
    """Two lives of one entity, with the policy first; ``parting`` is None where they never differ."""

    lives: tuple[Life, Life]
    parting: Parting | None


@dataclass(frozen=True)
class Candidate:
    """An entity that fares differently in the two worlds: option, key, and its end in each, in words."""

    option: str
    key: str
    what: str
    ends: tuple[str, str]


def worlds_of(
    scenario: Scenario, baseline: Scenario, *, seed: int = 1, replicate: int = 0, draw: int = 0
) -> Worlds:
    """Two worlds of one seed, replicate and draw, at their first day."""
    options = {"seed": seed, "replicate": replicate, "draw": draw}
    return FraudSupplyChain(scenario, **options), FraudSupplyChain(baseline, **options)  # type: ignore[arg-type]


def tell(worlds: Worlds, subject: str, key: int, progress: Progress | None = None) -> Story:
    """Run both worlds from where they stand and follow the card or gang with ``key`` in each.

    Stops early once both lives have ended. Raises InputError where neither world ever has such a key.
    """
    lives = (LIVES[subject](worlds[0], key), LIVES[subject](worlds[1], key))
    for world, life in zip(worlds, lives, strict=True):
        follow(world, life.look)
    partings = [parting(lives)]

    def compare() -> bool:
        if partings[-1] is None:
            partings[-1] = parting(lives)
        for life in lives:
            life.seen.clear()
        return all(life.over for life in lives)

    side_by_side(worlds, compare, progress)
    if not any(life.state for life in lives):
        raise InputError([_unknown(subject, key, worlds)])
    return Story(lives, partings[-1])


def follow(model: FraudSupplyChain, look: Callable[[str], None]) -> None:
    """Let ``look`` see the model after each phase of its days from now on, told the phase's name."""

    def followed(name: str, phase: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            phase()
            look(name)

        return run

    model.phases = [(order, name, followed(name, phase)) for order, name, phase in model.phases]


def side_by_side(worlds: Worlds, after_day: Callable[[], bool], progress: Progress | None = None) -> None:
    """Step both worlds day by day to their end, or until ``after_day`` says that all has been seen."""
    first = worlds[0]
    while first.day < first.days:
        for world in worlds:
            world.step()
        if progress is not None and (first.day % 10 == 0 or first.day == first.days):
            progress(first.day, first.days)
        if after_day():
            return


def parting(lives: Sequence[Life]) -> Parting | None:
    """The first phase since the last look after which the two states differ, None where there is none."""
    ours, theirs = lives
    for (phase, one), (_, other) in zip(ours.seen, theirs.seen, strict=True):
        if one != other:
            day = ours.date_of(max(ours.model.day - 1, 0))
            return Parting(day, phase, _differences(one, other))
    return None


def _differences(one: State, other: State) -> dict[str, tuple[Any, Any]]:
    names = dict.fromkeys([*one, *other])
    pairs = {name: (one.get(name), other.get(name)) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _unknown(subject: str, key: int, worlds: Worlds) -> Fault:
    names = " nor ".join(world.scenario.name for world in worlds)
    what = f"neither {names} ever has a {subject} with the key {named(key)} (scale {worlds[0].scale})"
    mend = "Keys belong to seed, scale and dates; leave the option out to list keys worth telling."
    return Fault(f"--{subject}", None, "", what, mend)


def candidates(worlds: Worlds, progress: Progress | None = None) -> list[Candidate]:
    """Run both worlds to their end and list a handful of cards and gangs that fare differently in them."""
    both = Census(worlds[0]), Census(worlds[1])
    side_by_side(worlds, lambda: False, progress)
    cards, gangs = (_contrasts(*(getattr(census, name)() for census in both)) for name in ("cards", "gangs"))
    return [
        *_chosen(cards[cards["what"] != "phone card"], "--card"),
        *_chosen(cards[cards["what"] == "phone card"], "--card"),
        *_chosen(gangs, "--gang"),
    ]


class Census:
    """How every card and gang of a world ends: a row each in :meth:`cards` and :meth:`gangs`.

    The frames have the columns what, key, end (in words), on (that day, or the last one for who is still
    there), done (fen that went through a card, cases of a gang).
    """

    def __init__(self, model: FraudSupplyChain) -> None:
        self.model = model
        self.ended_cards: list[pd.DataFrame] = []
        self.gang_ends: dict[int, tuple[str, date]] = {}
        self.alive = model.gangs.alive.copy()
        follow(model, self.look)

    def look(self, phase: str) -> None:
        """Note which gangs end in this phase, and at the day's end which cards did today."""
        m, before = self.model, self.alive
        self.alive = m.gangs.alive.copy()
        for row in np.flatnonzero(self.alive[: len(before)] < before):
            self.gang_ends[int(row)] = (gang_end(m, int(row), phase), m.today)
        if phase == m.phases[-1][1]:
            for cards in (m.accounts, m.sims):
                today = ~cards.live() & (cards.moved == m.day)
                if today.any():
                    self.ended_cards.append(self._cards(cards, today))

    def _cards(self, cards: CardTable, mask: np.ndarray) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "what": "phone card" if cards is self.model.sims else "account",
                "key": cards.key[mask],
                "end": [ENDS.get(Status(status), STILL) for status in cards.status[mask]],
                "on": self.model.today,
                "done": cards.flow_fen[mask],
            }
        )

    def cards(self) -> pd.DataFrame:
        """All cards that the world has had."""
        live = [self._cards(cards, cards.live()) for cards in (self.model.accounts, self.model.sims)]
        return pd.concat([*self.ended_cards, *live])

    def gangs(self) -> pd.DataFrame:
        """All gangs that the world has had."""
        g = self.model.gangs
        ends, days = zip(
            *(self.gang_ends.get(row, (STILL, self.model.today)) for row in range(g.n)), strict=True
        )
        return pd.DataFrame({"what": "gang", "key": g.key, "end": ends, "on": days, "done": g.cases})


def _contrasts(ours: pd.DataFrame, theirs: pd.DataFrame) -> pd.DataFrame:
    """Those in both worlds whose ends differ: what a cleanup closed first, then the greatest difference."""
    both = ours.merge(theirs, on=["what", "key"], suffixes=("", "_without"))
    both = both[both["end"] != both["end_without"]]
    ranks = {
        "rank": both["end"] != ENDS[Status.CLEANED],
        "done_apart": -(both["done"] - both["done_without"]).abs(),
        "days_apart": -(pd.to_datetime(both["on"]) - pd.to_datetime(both["on_without"])).abs(),
    }
    return both.assign(**ranks).sort_values([*ranks], kind="stable")


def _chosen(contrasts: pd.DataFrame, option: str) -> list[Candidate]:
    """The first of each pair of ends, a few pairs."""
    first = contrasts[~contrasts.duplicated(["end", "end_without"])].head(SHOWN)
    return [
        Candidate(
            option,
            named(row["key"]),
            row["what"],
            (
                _ending(row["what"], row["end"], row["on"], row["done"]),
                _ending(row["what"], row["end_without"], row["on_without"], row["done_without"]),
            ),
        )
        for row in first.to_dict("records")
    ]


def _ending(what: str, end: str, on: date, done: int) -> str:
    money = f"{yuan(done)} yuan through it" if done else "never used"
    did = {"gang": f", {many(done, 'case')}", "account": f", {money}"}
    return f"{end} on {on}{did.get(what, '')}"
