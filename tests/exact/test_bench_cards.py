"""The benchmark's cards are in the mix that is declared, and its peers simulate one and the same world."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from sim.bench import cards, peers
from sim.world.codes import Kind, Status

PROGRAMS = Path(__file__).resolve().parents[2] / "experiments" / "bench"


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The frame of the programs; with it the programs themselves can be imported."""
    monkeypatch.syspath_prepend(str(PROGRAMS))
    return importlib.import_module("cycle")


def test_the_deck_is_mixed_as_declared() -> None:
    """Rule: shares within 4 standard errors of what the module's head says."""
    n = 40_000
    deck = cards.mixed(n)
    accounts = deck.kind == Kind.ACCOUNT
    shares = {
        "accounts": (accounts.mean(), 0.62),
        "IoT cards": ((deck.kind[~accounts] == Kind.IOT).mean(), 0.14),
        "accounts in gangs' stock": ((deck.status[accounts] == Status.GANG_STOCK).mean(), 0.52),
        "phone cards in use": ((deck.status[~accounts] == Status.ACTIVE).mean(), 0.39),
        "used": ((deck.uses_today > 0).mean(), 0.62 * 0.29 * 0.06 + 0.38 * 0.39),
        "many cards": (((deck.flags[accounts] & 2) != 0).mean(), 0.39),
    }
    off = {name: pair for name, pair in shares.items() if abs(pair[0] - pair[1]) > 4 * np.sqrt(0.25 / 15_000)}
    assert off == {}
    columns = (deck.status, deck.kind, deck.uses_today, deck.keys, deck.removed)
    assert sum(column.itemsize for column in columns) == cards.BYTES


def test_a_step_of_the_deck_removes_as_many_as_the_rates_say() -> None:
    """About 1 in 50 live cards a day (phone cards detected, cleanups, lapse), and none that is out of use."""
    deck = cards.mixed(40_000)
    removed = deck.step(cards.DAY).copy()
    live = deck.status < Status.RESTRICTED
    assert not removed[~live].any()
    assert 0.01 < (removed[live] > 0).mean() < 0.03
    assert not np.array_equal(removed, deck.step(cards.DAY + 1))
    assert np.array_equal(removed, deck.step(cards.DAY))


@pytest.mark.parametrize(("file", "n"), [("in_mesa", 3000), ("in_numpy", 50_000), ("in_cardbreak", 50_000)])
def test_peers_agree_in_their_counts(program: ModuleType, file: str, n: int) -> None:
    """Rule: after 15 days no count is 4.5 standard deviations from its exact mean; a rate that is off by a
    tenth would be, in NumPy.
    """
    world = importlib.import_module(file).World(n, 1)
    for _ in range(15):
        counts = world.step()
    mean, deviation = program.expected(n, 15)
    assert sum(counts) == n
    assert np.max(np.abs(np.asarray(counts) - mean) / deviation) < peers.MOST_DEVIATIONS


def test_the_exact_counts_would_tell_a_wrong_rate(
    program: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rule above has power: with detection off by a tenth the exact counts are far from these."""
    mean, deviation = program.expected(1_000_000, 15)
    monkeypatch.setattr(program, "DETECTION", 1.1 * program.DETECTION)
    wrong, _ = program.expected(1_000_000, 15)
    assert np.max(np.abs(wrong - mean) / deviation) > 2 * peers.MOST_DEVIATIONS


def test_the_exact_counts_are_those_of_many_repetitions(program: ModuleType) -> None:
    """Mean and standard deviation of the counts of 200 small worlds. Rule: 4.5 standard errors."""
    numpy_world = importlib.import_module("in_numpy").World
    ends = []
    for seed in range(200):
        world = numpy_world(500, seed)
        for _ in range(5):
            counts = world.step()
        ends.append(counts.copy())
    mean, deviation = program.expected(500, 5)
    assert np.all(np.abs(np.mean(ends, axis=0) - mean) < 4.5 * deviation / np.sqrt(200))
    assert np.all(np.abs(np.std(ends, axis=0) / deviation - 1.0) < 4.5 / np.sqrt(400))


def test_programs_need_no_more_than_numpy_to_begin() -> None:
    """The frame stands alone, for it is imported where this package is not installed."""
    text = (PROGRAMS / "cycle.py").read_text()
    assert "import sim" not in text
    assert "from sim" not in text
    assert "cycle" not in sys.modules or sys.modules["cycle"].__file__ == str(PROGRAMS / "cycle.py")
