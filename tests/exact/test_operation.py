"""Check A16: cases are the least of what leads, phones and cards allow (equation 4.2), and nothing is spent
twice.
"""

import numpy as np
import pytest
from reference import decide_mean, keys

from sim.model import FraudSupplyChain
from sim.processes.operation import Operation
from sim.scenario import load
from sim.world.codes import POOLS, Channel, Kind, Status

NO_SUBSTITUTES = (
    "parameters.channels.own_cases_per_staff_week=0",
    *(f"parameters.channels.{kind.name.lower()}_capacity_start=0" for kind in POOLS),
)
"""No case can use a channel other than bought accounts."""
MANY_CASES = "parameters.victims.success_per_contact=0.02"


def trade(*sets: str, bought_only: bool = False) -> FraudSupplyChain:
    """A model on its first day of business, without tracked accounts; gangs may wish for bought accounts
    only.
    """
    model = FraudSupplyChain(load("no-measures", sets=["scale=500", MANY_CASES, *sets]))
    if bought_only:
        model.gangs.mix[:] = np.arange(len(Channel)) == Channel.BOUGHT
    model.accounts.keep(np.zeros(model.accounts.n, dtype=bool))
    for _, name, phase in model.phases:
        if name in ("calendar", "fading"):
            phase()
    model.stocks.count(model)
    return model


def give(model: FraudSupplyChain, gangs: np.ndarray, status: Status = Status.GANG_STOCK) -> None:
    """A card to each of the gangs (rows, one card for each mention)."""
    model.accounts.enter(len(gangs), kind=Kind.ACCOUNT, status=status, key=keys(len(gangs)), gang=gangs)


def potential(model: FraudSupplyChain) -> np.ndarray:
    """Cases that today's contacts would give with cards for all, by gang."""
    before = model.gangs.cases.copy()
    count = np.bincount(model.operation._potential()[0].gang, minlength=model.gangs.n)
    model.gangs.cases[:] = before
    return count


def business(model: FraudSupplyChain) -> np.ndarray:
    """Cases of the day by gang."""
    model.operation.run()
    return np.bincount(model.cases.gang, minlength=model.gangs.n)


def test_a16_no_cards_and_no_substitutes_no_cases() -> None:
    """A16: without any way to move money nobody is defrauded, though there are leads; they are counted as
    lost.
    """
    model = trade(*NO_SUBSTITUTES)
    leads = potential(model)
    assert leads.sum() > 100
    assert business(model).sum() == 0
    assert model.recorder._month["cases_lost_for_cards"].sum() == leads.sum()


def test_a16_unlimited_cards_every_lead_that_pays_is_a_case() -> None:
    """A16: with cards for all, cases = leads that succeed, gang by gang."""
    model = trade(*NO_SUBSTITUTES, bought_only=True)
    give(model, np.repeat(np.arange(model.gangs.n), 500))
    leads = potential(model)
    assert np.array_equal(business(model), leads)


def test_a16_unlimited_cards_serve_the_cases_that_wished_for_another_channel_too() -> None:
    """A16: with cards for all, no case is lost for want of a card, whatever the gang liked better."""
    model = trade(*NO_SUBSTITUTES)
    give(model, np.repeat(np.arange(model.gangs.n), 500))
    leads = potential(model)
    assert np.array_equal(business(model), leads)


@pytest.mark.parametrize("uses_per_case", [1, 3, 7])
@pytest.mark.parametrize("status", [Status.GANG_STOCK, Status.ACTIVE])
def test_a16_between_the_smaller_of_leads_and_cards(uses_per_case: int, status: Status) -> None:
    """A16: cases = min(leads that succeed, floor(uses that the cards give / kappa)), gang by gang, in stock
    or in use.
    """
    model = trade(*NO_SUBSTITUTES, f"parameters.gangs.uses_per_case={uses_per_case}", bought_only=True)
    cards = np.arange(model.gangs.n) % 9
    give(model, np.repeat(np.arange(model.gangs.n), cards), status)
    per_card = min(int(model.parameters.number("gangs.uses_per_card_day")), int(model.gangs.use_cap[0]))
    by_cards = cards * per_card // uses_per_case
    leads = potential(model)
    expected = np.minimum(leads, by_cards)
    assert (leads < by_cards).any()
    assert (leads > by_cards).any()
    assert np.array_equal(business(model), expected)
    spent = np.bincount(model.accounts.gang, weights=model.accounts.uses_today, minlength=model.gangs.n)
    assert np.array_equal(spent, expected * uses_per_case)


def test_a16_no_phones_no_contacts() -> None:
    """A16: the phone side binds in the same way: no phone cards and no internet telephony, no cases."""
    model = trade()
    give(model, np.repeat(np.arange(model.gangs.n), 500))
    model.gangs.voip[:] = 0.0
    model.gangs.messaging[:] = 0.0
    model.sims.keep(np.zeros(model.sims.n, dtype=bool))
    model.stocks.count(model)
    assert business(model).sum() == 0


def test_a16_contacts_are_the_smaller_of_staff_and_phones() -> None:
    """A16, phone side: mean cases = min(staff x calls, SIMs x calls of a SIM + telephony) x success.

    Rule: summed over 40 days and all gangs, within 4 standard errors of the Poisson mean; 3% could be told.
    """
    model = trade(*NO_SUBSTITUTES, bought_only=True)
    p, g = model.parameters, model.gangs
    model.stocks.active[:, 1] = np.arange(g.n) % 25
    calls = g.staff * p.number("gangs.contacts_per_staff")
    phones = model.stocks.active[:, 1] * p.number("gangs.contacts_per_sim") + g.voip + g.messaging
    assert (calls < phones).any()
    assert (calls > phones).any()
    success = p.number("victims.success_per_contact") * p.vector("victims.method_success")
    expected = 40 * float((np.minimum(calls, phones) * (g.method_mix @ success)).sum()) * model.season
    cases = 0
    for day in range(40):
        model.day = day
        cases += len(model.operation._potential()[0].gang)
    decide_mean(cases, expected, expected, 1, 0.03 * expected)


def test_gangs_that_lie_low_or_are_gone_make_no_cases() -> None:
    """Who hides does no business; who is gone does none either."""
    model = trade()
    give(model, np.repeat(np.arange(model.gangs.n), 500))
    model.gangs.low_until[::2] = model.day + 1
    model.gangs.alive[1] = 0
    cases = business(model)
    assert cases.sum() > 0
    assert not cases[::2].any()
    assert cases[1] == 0


def test_substitutes_carry_their_capacity_and_no_more() -> None:
    """Equation 4.14: under full demand, every pool carries the sum of its daily capacities to within one
    case, whatever its fraction of a simulated case a day.
    """
    model = trade(
        "parameters.channels.own_cases_per_staff_week=0", "parameters.channels.cash_capacity_start=90"
    )
    room, carried = np.zeros(len(Channel)), np.zeros(len(Channel))
    for day in range(60):
        model.day = day
        room += model.operation.pools.capacity / model.scale
        assert potential(model).sum() > 20
        business(model)
        carried += np.bincount(model.cases.channel, minlength=len(Channel))
        assert (np.abs(carried - room)[list(POOLS)] <= 1.0).all()
    assert carried[Channel.BOUGHT] == carried[Channel.OWN] == 0
    known = [kind for kind in POOLS if kind != Channel.UNKNOWN]
    assert (carried[known] > 0).all()


def test_unused_room_of_substitutes_builds_up_to_its_store_only() -> None:
    """Equation 4.14: after a quiet spell the room is that of ``pool_store_days`` and one case, no more."""
    model = trade()
    pools = model.operation.pools
    store = pools.capacity / model.scale * model.parameters.number("channels.pool_store_days")
    for _ in range(1000):
        room = pools.room()
        pools.use(room)
    there = store > 0.0
    assert there.sum() == len(POOLS) - 1  # the unknown channel has not arrived
    assert np.array_equal(room[there], np.floor(store + 1.0)[there])
    assert not room[~there].any()


def test_money_flows_through_the_uses_of_the_day() -> None:
    """What goes through bought cards is what their cases took, up to a fen a use lost in the division."""
    model = trade(*NO_SUBSTITUTES, bought_only=True)
    give(model, np.repeat(np.arange(model.gangs.n), 500))
    business(model)
    through, uses = int(model.accounts.flow_fen.sum()), int(model.accounts.uses_today.sum())
    assert 0 <= int(model.cases.amount.sum()) - through < uses
    assert isinstance(model.operation, Operation)
