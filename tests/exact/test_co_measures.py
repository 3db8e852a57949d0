"""Each co-intervention keeps the identity of its row, with all else switched off (row C)."""

import math

import numpy as np
from reference import keys
from worlds import DAY0, order, world

from sim.processes.investigation import Investigation
from sim.processes.operation import Cases
from sim.world.codes import POOLS, Channel, Kind, Status


def test_a_bar_stops_the_barred_and_nobody_else() -> None:
    """Row C: as many past openers are barred as ordered, and not approached before the bar ends."""
    model = world("scale=200", "parameters.openers.approach_per_year=52")
    o = model.openers
    o.free_from[:4000] = 1  # they opened something and come back tomorrow
    o.stay_away(np.arange(4000))
    persons = 1000 * model.scale
    bars = order(model, "five_year_ban", persons=[{"by": DAY0, "total": persons}], relevant_share=1.0).bars
    Investigation(model)._bar(bars[0])
    barred = np.flatnonzero(o.banned_until > 0)
    assert len(barred) == 1000
    assert barred.max() < 4000
    assert (o.banned_until[barred] == round(5 * 365.25)).all()
    model.day = 3
    hit = model.opening._approach()
    assert not np.isin(hit, barred).any()
    free = o.banned_until.copy()
    o.banned_until[:] = 0
    assert np.array_equal(hit, np.setdiff1d(model.opening._approach(), barred))
    o.banned_until[:] = free
    model.day = round(5 * 365.25)
    assert np.isin(model.opening._approach(), barred).any()


def test_gangs_abroad_close_as_their_members_return_and_those_at_home_stay() -> None:
    """Row C: the number falls by persons over mean staff, to one gang; gangs at home are as before."""
    model = world("scale=100")
    g, abroad = model.gangs, model.regions.abroad
    there = np.flatnonzero(g.region == abroad)
    persons = 40 * float(g.staff[there].mean()) * model.scale
    returns = order(model, "border_repatriation", persons=[{"by": DAY0, "total": round(persons)}]).returns
    Investigation(model)._bring_back(returns[0])
    assert abs((g.alive[there] == 0).sum() - 40) <= 1
    assert (g.alive[g.region != abroad] == 1).all()


def test_a_closed_border_stops_moves_abroad_and_seizes_what_is_on_its_way_there() -> None:
    """Row C: closed 1, no gang moves abroad; seized 1, no card reaches a gang abroad, all others do."""
    sets = ["scale=200", "parameters.gangs.relocate_weight=100", "parameters.market.transit_loss=0"]
    for closed in (0.0, 1.0):
        model = world(*sets)
        order(model, "border_repatriation", closed=closed, seized=1.0)
        rows = np.flatnonzero(model.gangs.region != model.regions.abroad)
        model.gangs.risk_seen[:] = 1e6  # a belief of one half
        model.gang_rules.weigh_risk(rows)
        moved = (model.gangs.region[rows] == model.regions.abroad).sum()
        assert moved == 0 if closed else moved > 0.9 * len(rows)
    cards = np.flatnonzero(model.accounts.status == Status.GANG_STOCK)
    model.accounts.status[cards] = Status.IN_TRANSIT
    model.ledger.first[Kind.ACCOUNT, Status.IN_TRANSIT] += len(cards)
    model.day = 30
    model.market._arrive()
    abroad = model.gangs.region[model.accounts.gang[cards]] == model.regions.abroad
    assert (model.accounts.status[cards[abroad]] == Status.SEIZED).all()
    assert (model.accounts.status[cards[~abroad]] == Status.GANG_STOCK).all()


def test_transfer_limits_slow_money_on_accounts_and_no_other() -> None:
    """Row C: mu divided by the factor on accounts of banks; coins, cash and codes pass as before."""
    model, n = world(), 8_000
    of = np.zeros(n, dtype=np.int64)
    cases = Cases(of, keys(n), of, of, of + 100_000, np.arange(n) % len(Channel))
    model.reported = np.ones(n, dtype=bool)
    before, stopped = model.funds._race(cases)
    order(model, "transfer_limits", layering_factor=2.5)
    after, stopped_after = model.funds._race(cases)
    accounts = np.isin(cases.channel, [Channel.BOUGHT, Channel.OWN, Channel.CORPORATE, Channel.GUARDED])
    assert np.allclose(after[accounts], 2.5 * before[accounts], rtol=1e-12)
    assert np.array_equal(after[~accounts], before[~accounts])
    assert np.array_equal(stopped, stopped_after)


def test_stablecoin_limits_close_that_channel_at_their_rate_and_no_other() -> None:
    """Row C: unused, without a decline of its own, capacity falls as exp(-closure t); others do not."""
    sets = ["parameters.channels.stablecoin_decline_per_year=0"]
    free, limited = world(*sets), world(*sets)
    order(limited, "stablecoin_limits", closure_per_year=1.5, growth_cut=0.5)
    start = limited.operation.pools.capacity.copy()
    for _ in range(200):
        free.operation.pools.grow()
        limited.operation.pools.grow()
    coins = Channel.STABLECOIN
    share = limited.operation.pools.capacity[coins] / start[coins]
    assert math.isclose(share, math.exp(-1.5 * 200 / 365.25), rel_tol=1e-9)
    others = [kind for kind in POOLS if kind != coins]
    assert np.array_equal(limited.operation.pools.capacity[others], free.operation.pools.capacity[others])


def test_an_app_that_protects_everyone_is_credited_with_every_case() -> None:
    """Row C: the count of the app's own is the mean of the cases that there would be; none is left.

    Rule: within 4 standard errors of a Poisson count of a twin world without the app.
    """
    with_app, without = world("scale=100"), world("scale=100")
    level = [{"since": DAY0, "level": 1.0}]
    order(with_app, "antifraud_app", covered=level, efficacy=1.0)
    for model in (with_app, without):
        model.operation.run()
    assert len(with_app.cases.gang) == 0
    cases = int(without.gangs.cases.sum())
    credited = with_app.recorder._deeds["antifraud_app", "attributed"] / with_app.scale
    assert cases > 30
    assert abs(cases - credited) < 4.0 * math.sqrt(credited)
