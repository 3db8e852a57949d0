"""Check A9: the leads of a police unit queue as theory says, with Poisson arrivals and c worked off a day."""

import cmath
import math

import numpy as np
import pytest
from reference import decide_mean, keys

from sim.agents.police import Police
from sim.model import FraudSupplyChain
from sim.scenario import load


@pytest.fixture(scope="module")
def world() -> FraudSupplyChain:
    """A model whose police never drop a lead within the test; its days are turned by hand."""
    return FraudSupplyChain(load("no-measures", sets=["scale=5000", "parameters.police.lead_days=3650"]))


def mean_backlog(a: float, c: int) -> float:
    """Mean leads left at the end of a day, from the roots of z^c = exp(a (z - 1)) inside the unit circle.

    Before the day's work the mean is a/(2 (c - a)) + a/2 - (c - 1)/2 + sum 1/(1 - z_k); a are worked off.
    """
    total = 0j
    for k in range(1, c):
        z, turn = 0j, cmath.exp(2j * math.pi * k / c)
        for _ in range(500):
            z = turn * cmath.exp(a * (z - 1) / c)
        assert abs(z**c - cmath.exp(a * (z - 1))) < 1e-12
        total += 1.0 / (1.0 - z)
    assert abs(total.imag) < 1e-9
    return a / (2.0 * (c - a)) - a / 2.0 - (c - 1) / 2.0 + total.real


class Books:
    """A unit at work: backlog at the end of each day, leads received, and the days that each lead waited."""

    def __init__(self, world: FraudSupplyChain, unit: Police, arrivals: np.ndarray, c: int) -> None:
        unit.queue.clear()
        self.backlog, self.waits = np.zeros(len(arrivals)), []
        for day, new in enumerate(arrivals.tolist()):
            world.day = day
            unit.receive(np.full(new, day), keys(new))
            self.waits += [day - received for received, _ in unit.investigate(c)]
            self.backlog[day] = len(unit.queue)
        self.received = int(arrivals.sum())


@pytest.mark.parametrize(("a", "c"), [(0.6, 1), (1.5, 2), (4.2, 5)])
def test_a9_the_mean_backlog_is_that_of_the_complex_roots(a: float, c: int, world: FraudSupplyChain) -> None:
    """A9: Poisson(a) leads a day, c worked off.

    Rule: mean over 30 units of 2,000 days each (after 200) within 4 standard errors, estimated from the
    units; 12% could be told.
    """
    arrivals = np.random.default_rng(9).poisson(a, (30, 2200))
    means = [Books(world, world.police[0], days, c).backlog[200:].mean() for days in arrivals]
    expected = mean_backlog(a, c)
    decide_mean(float(np.mean(means)), expected, float(np.var(means, ddof=1)), len(means), 0.12 * expected)


def test_a9_roots_for_one_a_day_give_the_textbook_queue() -> None:
    """A9: without roots (c = 1) the mean is a^2 / (2 (1 - a))."""
    assert math.isclose(mean_backlog(0.6, 1), 0.36 / 0.8)


def test_a9_more_leads_than_hands_let_the_backlog_grow_by_the_difference(world: FraudSupplyChain) -> None:
    """A9: with a > c the backlog grows by a - c a day.

    Rule: growth over 30 units of 500 days, from a backlog that never runs out, within 4 standard errors of
    the Poisson sum; 7% could be told.
    """
    a, c, days, first = 4.0, 3, 500, 200
    arrivals = np.random.default_rng(10).poisson(a, (30, days))
    arrivals[:, 0] += first
    growth = [Books(world, world.police[1], row, c).backlog[-1] - first for row in arrivals]
    decide_mean(float(np.mean(growth)) / days, a - c, a / days, len(growth), 0.07 * (a - c))


def test_a9_littles_law_holds_to_the_lead(world: FraudSupplyChain) -> None:
    """A9: leads left at the ends of days, summed, are the days that leads waited, summed (L = a W)."""
    arrivals = np.append(np.random.default_rng(11).poisson(2.8, 1000), np.zeros(400, dtype=np.int64))
    books = Books(world, world.police[2], arrivals, 3)
    assert books.backlog[-1] == 0
    assert len(books.waits) == books.received
    assert books.backlog.sum() == sum(books.waits) > 1000
