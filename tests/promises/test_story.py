"""Stories: two lives are one until the policy reaches them, and what is told is what the model did."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import pytest

from sim.agents.population import successors
from sim.errors import InputError
from sim.model import FraudSupplyChain
from sim.scenario import Scenario, load
from sim.study.lives import ENDS, CardLife, GangLife, Life, values
from sim.study.story import (
    Candidate,
    Story,
    Worlds,
    candidates,
    follow,
    parting,
    side_by_side,
    tell,
    worlds_of,
)
from sim.views.story import KEPT, SAME, story_table
from sim.world.codes import LIVE, Status

WINDOW = {"start": "2020-08-01", "end": "2021-01-31"}
"""Half a year around the launch: campaigns, cleanups, newcomers and replacements."""

SHORT = {"start": "2020-09-01", "end": "2020-11-15"}
"""Its middle, for what must hold all along."""


def scenario(name: str, window: dict[str, str] = WINDOW) -> Scenario:
    """A shipped scenario, coarse and short."""
    return load(name, sets=["scale=500"], **window)


def worlds(window: dict[str, str] = WINDOW) -> Worlds:
    """The operation and the baseline at their first day."""
    return worlds_of(scenario("card-broken-2020", window), scenario("baseline", window))


def first_policy_day() -> date:
    """The first day on which the operation can differ from the baseline."""
    known = {measure.id for measure in scenario("baseline").interventions}
    added = [m for m in scenario("card-broken-2020").interventions if m.id not in known]
    return min(m.announced or m.start for m in added)


@pytest.fixture(scope="module")
def found() -> list[Candidate]:
    """The candidates of the two worlds."""
    return candidates(worlds())


@pytest.fixture(scope="module")
def stories(found: list[Candidate]) -> list[tuple[Candidate, Story]]:
    """The stories of an account, a phone card and a gang among the candidates."""
    chosen = [next(c for c in found if c.what == what) for what in ("account", "phone card", "gang")]
    return [(c, tell(worlds(), c.option.removeprefix("--"), int(c.key, 16))) for c in chosen]


def test_lives_are_one_bit_for_bit_until_the_policy(found: list[Candidate]) -> None:
    """Columns and words of ten cards and five gangs are compared after each phase of each day before the
    first measure: all are equal.  That lives part afterwards is what makes candidates.
    """
    pair = worlds()
    keys = [(GangLife, int(key)) for key in pair[0].gangs.key[:5]]
    keys += [(CardLife, int(key)) for key in pair[0].accounts.key[:10]]
    lives = [tuple(kind(world, key) for world in pair) for kind, key in keys]
    for k, world in enumerate(pair):

        def look(phase: str, k: int = k) -> None:
            for of_both in lives:
                of_both[k].look(phase)

        follow(world, look)
    until = first_policy_day()

    def policy_begins() -> bool:
        return pair[0].scenario.start + timedelta(days=pair[0].day) >= until

    side_by_side(pair, policy_begins)
    assert pair[0].day > 30
    assert all(len(life.seen) > 30 * len(pair[0].phases) for both in lives for life in both)
    assert [parting(both) for both in lives] == [None] * len(lives)
    assert all(ours.events == theirs.events for ours, theirs in lives)
    assert sum(len(ours.events) for ours, _ in lives) > 50
    assert found


def test_no_life_parts_before_the_policy(stories: list[tuple[Candidate, Story]]) -> None:
    """The day on which a story says that its lives part is no earlier than the first measure's, the events
    before it are the same, and the columns it names are those that differ.
    """
    for _, story in stories:
        assert story.parting is not None
        assert story.parting.date >= first_policy_day()
        ours, theirs = ([e for e in life.events if e.date < story.parting.date] for life in story.lives)
        assert ours == theirs
        assert story.parting.columns
        assert all(one != other for one, other in story.parting.columns.values())


def test_a_policy_of_zero_dose_changes_no_life() -> None:
    """Cleanups that cover nobody: the same life to the end, and nobody is worth telling."""
    base = scenario("baseline", SHORT)
    cleanups = [m for m in scenario("card-cleanup", SHORT).interventions if "cleanup" in m.measure]
    assert len(cleanups) >= 3
    none = tuple(cleanup.model_copy(update={"coverage": 0.0}) for cleanup in cleanups)
    nothing = base.with_(name="nothing", interventions=(*base.interventions, *none))
    pair = worlds_of(nothing, base)
    told = tell(pair, "gang", int(pair[0].gangs.key[1]))
    assert told.parting is None
    assert told.lives[0].events == told.lives[1].events
    assert told.lives[0].state == told.lives[1].state
    assert len(told.lives[0].events) > 15
    assert {row[3] for row in story_table(told).rows if len(row) > 1} == {SAME}
    assert candidates(worlds_of(nothing, base)) == []


def test_a_card_ends_as_the_models_table_says(stories: list[tuple[Candidate, Story]]) -> None:
    """An untold run, stopped at the evening of the day, has the card's row as the story has it, every column;
    an end is told in the words of its status.
    """
    seen = 0
    for _, story in stories:
        for life, world in zip(story.lives, worlds(), strict=True):
            if not isinstance(life, CardLife) or life.ended is None:
                continue
            while world.day <= life.ended[0]:
                world.step()
            cards = world.sims if life.state["key"] in map(hexed, world.sims.key) else world.accounts
            row = values(cards, int(np.flatnonzero(cards.key == life.key)[0]))
            assert row | {"gang": None, "dealer": None} == life.state | {"gang": None, "dealer": None}
            status = Status(row["status"])
            assert status >= LIVE
            if status in (Status.CLEANED, Status.RESTRICTED, Status.FROZEN, Status.RECLAIMED):
                assert life.fate.startswith(ENDS[status])
            seen += 1
    assert seen >= 2


def hexed(key: np.uint64) -> str:
    return f"{int(key):#018x}"


def test_the_story_of_a_card_tells_all_its_uses(stories: list[tuple[Candidate, Story]]) -> None:
    """The uses told day by day add up to the uses on the card."""
    lives = [life for _, story in stories for life in story.lives if isinstance(life, CardLife)]
    for life in lives:
        told = [re.match(r"used (once|(\d+) times)", event.text) for event in life.events]
        assert sum(int(match[2] or 1) for match in told if match) == life.state["uses"]
    assert any(life.state["uses"] for life in lives)


def test_telling_changes_no_result() -> None:
    """Both worlds, followed to the end, have the months of runs that nobody looked at; so has a census."""
    plain, told, counted = worlds(SHORT), worlds(SHORT), worlds(SHORT)
    for world in plain:
        world.run_model()
    tell(told, "gang", int(told[0].gangs.key[1]))
    candidates(counted)
    assert [world.day for world in (*told, *counted)] == [world.days for world in (*told, *counted)]
    for untold, one, other in zip(plain, told, counted, strict=True):
        months = untold.recorder.monthly().to_dict("list")
        assert one.recorder.monthly().to_dict("list") == months
        assert other.recorder.monthly().to_dict("list") == months


class Ledger:
    """A gang's life, and beside it a count of the cards that it lost before they arrived."""

    def __init__(self, life: GangLife) -> None:
        self.life = life
        self.held_at_start = len(life.cards)
        self.lost_on_the_way = 0

    def look(self, phase: str) -> None:
        """As a life does."""
        coming = [card for card, status in self.life.cards.items() if status == Status.IN_TRANSIT]
        self.life.look(phase)
        now = self.life.cards
        self.lost_on_the_way += sum(card in now and now[card] >= LIVE for card in coming)


def test_the_weeks_of_gangs_add_up() -> None:
    """Of each of the ten largest gangs the cases told week by week, with those that failed and those of the
    unfinished week, are all its cases; the cards that came and went make what it holds.
    """
    (world, _) = worlds()
    largest = np.argsort(-world.gangs.staff, kind="stable")[:10]
    books = [Ledger(GangLife(world, int(key))) for key in world.gangs.key[largest]]

    def look(phase: str) -> None:
        for book in books:
            book.look(phase)

    follow(world, look)
    world.run_model()
    weeks = 0
    for life, book in ((book.life, book) for book in books):
        texts = [event.text for event in life.events if re.match(r"\d+ cases?\b", event.text)]
        told, failed, came, went = (
            sum(int(number) for text in texts for number in re.findall(pattern, text))
            for pattern in (r"^(\d+) case", r"(\d+) failed", r"\+(\d+)", r" -(\d+)")
        )
        assert told + failed + life.week.total() == life.state["cases"]
        came, went = came + life.got.total(), went + life.lost.total()
        held = sum(status < LIVE and status != Status.IN_TRANSIT for status in life.cards.values())
        assert book.held_at_start + came - (went - book.lost_on_the_way) == held
        weeks += len(texts)
    assert weeks > 100


def test_what_the_census_says_is_what_is_told(stories: list[tuple[Candidate, Story]]) -> None:
    """The list and the story are made apart, and agree on the day of the end and on what was done."""
    for candidate, story in stories:
        for words, life in zip(candidate.ends, story.lives, strict=True):
            if life.ended is None:
                assert words.startswith("still there")
                continue
            assert f" on {life.date_of(life.ended[0])}" in words
            done = (
                f"{life.state['flow_fen'] / 100:,.0f} yuan"
                if life.kind == "card"
                else f"{life.state['cases']} case"
            )
            assert candidate.what == "phone card" or done in words or life.state.get("uses") == 0


def test_a_successor_comes_when_it_is_said_to_come() -> None:
    """The gang that is to take a place is there from the day that was told when the place became free."""
    (world, _) = worlds()
    lives = [GangLife(world, int(key)) for key in world.gangs.key]

    def look(phase: str) -> None:
        if phase == "police":
            for life in lives:
                life.look(phase)

    follow(world, look)
    world.run_model()
    ends = [(life, e.text) for life in lives for e in life.events if "is to take its place" in e.text]
    entered = dict(zip(map(hexed, world.gangs.key), world.gangs.entered.tolist(), strict=True))
    due = [(text.split()[1], date.fromisoformat(text.split()[-1]), life) for life, text in ends]
    due = [(key, on, life) for key, on, life in due if on <= world.scenario.end]
    assert len(due) >= 2
    for key, on, life in due:
        assert key == hexed(successors(np.array([life.key]))[0])
        assert world.scenario.start + timedelta(days=entered[key]) == on


def test_a_key_of_neither_world_is_refused_in_one_line() -> None:
    """A card of another run: what is wrong, and how to find a key."""
    base = load("baseline", sets=["scale=5000"], start="2020-09-01", end="2020-10-31")
    pair = worlds_of(load("card-cleanup", sets=["scale=5000"], start="2020-09-01", end="2020-10-31"), base)
    with pytest.raises(
        InputError, match=r"--card: neither card-cleanup nor baseline .* leave the option out"
    ):
        tell(pair, "card", 12345)


def test_progress_is_told_in_days() -> None:
    """Days done rise to the number of days."""
    base = load("baseline", sets=["scale=5000"], end="2018-02-15")
    told: list[tuple[int, int]] = []
    candidates(worlds_of(base, base), lambda done, of: told.append((done, of)))
    assert told == [(10, 46), (20, 46), (30, 46), (40, 46), (46, 46)]


def test_the_table_sets_the_lives_side_by_side(stories: list[tuple[Candidate, Story]]) -> None:
    """Dates never go back, each text of either life from the parting on is in its column, what is the same in
    both stands once, and of a long common past the last rows remain.
    """
    for _, story in stories:
        table = story_table(story)
        rows = [row for row in table.rows if len(row) > 1]
        assert [row[0] for row in rows] == sorted(row[0] for row in rows)
        assert story.parting is not None
        on = story.parting.date.isoformat()
        for column, life in zip((2, 3), story.lives, strict=True):
            there = [row[2] if row[column] == SAME else row[column] for row in rows if row[0] >= on]
            texts = [event.text for event in life.events if event.date >= story.parting.date]
            assert [text for text in there if text] == texts
        before = [row for row in rows if row[0] < on]
        assert len(before) <= KEPT + 2
        assert all(row[3] == SAME for row in before)


@pytest.mark.parametrize("make", [CardLife, GangLife])
def test_a_life_of_nobody_is_empty(make: Callable[[FraudSupplyChain, int], Life]) -> None:
    """No row, no event, no end."""
    life = make(worlds_of(*[load("baseline", sets=["scale=5000"], end="2018-01-31")] * 2)[0], 7)
    assert (life.state, life.events, life.over, life.fate) == ({}, [], False, "never exists")
