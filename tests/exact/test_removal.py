"""What removed gangs and dealers leave behind: cards, cash, and a successor perhaps."""

import numpy as np
from reference import KEY, keys

from sim.kernels.enforcement import close_down, held_by
from sim.kernels.philox import uniforms
from sim.model import FraudSupplyChain
from sim.scenario import load


def test_cards_of_removed_owners_are_found_by_status_and_owner() -> None:
    """The cards in some statuses whose owner is gone; a card without an owner (-1) belongs to nobody."""
    rng = np.random.default_rng(6)
    status = rng.integers(0, 12, 4000).astype(np.uint8)
    owner = rng.integers(-1, 50, 4000).astype(np.int32)
    for gone in (np.array([], dtype=np.int64), np.array([3]), np.array([0, 7, 49])):
        held = held_by(status, owner, gone, 50, 3, 5)
        assert np.array_equal(held, np.flatnonzero(np.isin(status, (3, 4, 5)) & np.isin(owner, gone)))


def test_tills_are_emptied_and_successors_scheduled_as_by_arrays() -> None:
    """Cash seized, gone and owed in whole fen, and the day of each successor (equation 4.3)."""
    rng = np.random.default_rng(8)
    rows, own = np.arange(0, 400, 2), keys(400)
    cash = rng.integers(-(10**6), 10**7, 400)
    before, heir = cash.copy(), np.empty(len(rows), dtype=np.int64)
    seized, gone, debts = close_down(KEY, 37, 12, rows, own, cash, 0.3, 0.6, 8.0, heir)
    have = np.maximum(before[rows], 0)
    part = (have * 0.3).astype(np.int64)
    assert (seized, gone) == (part.sum(), (have - part).sum())
    assert debts == np.maximum(-before[rows], 0).sum() > 0
    assert not cash[rows].any()
    assert np.array_equal(cash[1::2], before[1::2])
    u = [uniforms(KEY, 37, 12, own[rows], draw) for draw in range(3)]
    wait = 8.0 / 2.0 * (-np.log(u[1]) - np.log(u[2]))
    assert np.array_equal(heir, np.where(u[0] < 0.6, 13 + (7 * wait).astype(np.int64), -1))


def test_past_openers_are_those_who_are_away_and_not_barred() -> None:
    """The list of those who stay away agrees with a look at everyone, however long nobody asks."""
    model = FraudSupplyChain(load("card-broken-2020", ["scale=200"], start="2020-09-25", end="2020-11-30"))
    o, seen = model.openers, 0
    while model.day < model.days:
        model.step()
        if model.day % 9 < 4:
            everyone = np.flatnonzero((o.free_from > model.day) & (o.banned_until <= model.day))
            assert np.array_equal(o.past_openers(model.day), everyone)
            seen += len(everyone)
    assert seen > 100
