"""The weekly rules of gangs and dealers agent by agent, against their equations in plain Python."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from worlds import world

from sim.agents.dealer import RECRUITER, SELLER
from sim.agents.row import decide_today
from sim.kernels.philox import uniform_at
from sim.model import FraudSupplyChain
from sim.random import Process
from sim.world.codes import Channel
from sim.world.table import Table

State = dict[str, np.ndarray]
DAYS = 40


def state_of(table: Table) -> State:
    """A copy of all columns."""
    return {name: getattr(table, name).copy() for name in table.names}


def whole(
    model: FraudSupplyChain, process: Process, day: int, key: np.uint64, value: float, draw: int = 0
) -> int:
    """A whole number around a value, by the keyed draw."""
    up = uniform_at(model.keyed.key, int(process), day, key, draw) < value - math.floor(value)
    return math.floor(value) + int(up)


def gang_week(model: FraudSupplyChain, g: State, row: int) -> None:
    """Equations 4.4 to 4.9 for one gang, in place."""
    rules, s, held = model.gang_rules, model.signals, model.stocks.held[row]
    phi, rho, delta, lam = rules.ewa
    uses = lambda cap: sum((1.0 - s.detection) ** k for k in range(cap))  # noqa: E731
    take, cap, kappa = model.take_yuan * g["skill"][row], int(g["use_cap"][row]), rules.uses_per_case
    before = g["experience"][row]
    for k in Channel:
        promised = 1.0 - min(s.frozen_share * rules.freeze_factor[k], 1.0) - rules.fees[k]
        promised -= (k == Channel.BOUGHT) * g["price_seen"][row] * kappa / uses(cap) / take
        promised *= k != Channel.UNKNOWN
        tried = g["tried"][row, k]
        payoff = g["earned"][row, k] / tried if tried else delta * promised
        g["attraction"][row, k] = (phi * before * g["attraction"][row, k] + payoff) / (rho * before + 1.0)
    g["experience"][row] = rho * before + 1.0
    raised = [math.exp(lam * a) for a in g["attraction"][row]]
    g["mix"][row] = [r / sum(raised) for r in raised]
    g["tried"][row] = g["earned"][row] = 0.0

    saves = (1.0 - s.detection) * g["price_seen"][row] / uses(cap) >= s.detection * take / kappa
    cap = min(max(cap + (1 if saves else -1), rules.cap_min), rules.cap_max)
    g["use_cap"][row] = cap

    sets = g["wanted_uses"][row] / uses(cap)
    g["wanted_uses"][row] = 0.0
    g["need"][row, 0] += rules.memory * (sets - g["need"][row, 0])
    level = rules.safety + g["need"][row, 0] * g["cover"][row] * (1.0 + s.hoarding)
    g["order"][row, 0] = max(whole(model, Process.STOCK_LEVEL, 0, g["key"][row], level) - held[0], 0)
    capacity, in_use = g["staff"][row] * rules.calls, model.stocks.active[row, 1]
    missing = capacity - g["voip"][row] - g["messaging"][row] - in_use * rules.calls_per_sim
    for name, start, weeks in zip(
        ("voip", "messaging"), rules.contact_start, rules.contact_weeks, strict=True
    ):
        decline = rules.contact_decline * max(g[name][row] - start * capacity, 0.0)
        grown = g[name][row] + max(missing, 0.0) / weeks - decline
        g[name][row] = min(max(grown, start * capacity), capacity)
    want = math.ceil(max(capacity - g["voip"][row] - g["messaging"][row], 0.0) / rules.calls_per_sim)
    lost = want * s.sim_loss_per_week
    cover = math.ceil(lost * g["cover"][row] * (1.0 + s.hoarding))
    g["order"][row, 1] = max(want + cover - held[1] - in_use, 0)
    g["fresh_need"][row] = rules.unplaced * g["fresh_need"][row] + [sets, lost]
    kept = take * (1.0 - s.frozen_share)
    g["bid"][row] = [rules.value_share * uses(cap) * kept / kappa, rules.sim_value * kept]

    share = s.gang_removal[g["region"][row]]
    g["risk_seen"][row] = rules.belief_decay * g["risk_seen"][row] + rules.peers * np.array(
        [share, 1.0 - share]
    )
    belief = g["risk_seen"][row, 0] / g["risk_seen"][row].sum()
    draw = lambda process: uniform_at(model.keyed.key, int(process), model.day, g["key"][row], 0)  # noqa: E731
    if draw(Process.LIE_LOW) < 1.0 - math.exp(-rules.low_weight * belief):
        g["low_until"][row] = model.day + rules.low_days
    moves = draw(Process.RELOCATION) < 1.0 - math.exp(-rules.relocate_weight * belief)
    if moves and g["region"][row] != model.regions.abroad:
        g["region"][row], g["transit_days"][row] = model.regions.abroad, rules.transit_abroad
        g["low_until"][row] = max(g["low_until"][row], model.day + rules.relocate_days)


def dealer_week(model: FraudSupplyChain, d: State, row: int) -> None:
    """Equations 4.1, 4.3, 4.7 to 4.9 for one dealer, in place."""
    rules, s, stock = model.dealer_rules, model.signals, model.stocks.dealer_stock[row]
    tier, limit = d["tier"][row], rules.limit
    share = s.dealer_removal[d["region"][row]]
    d["risk_seen"][row] = rules.belief_decay * d["risk_seen"][row] + rules.peers * np.array(
        [share, 1.0 - share]
    )
    belief = d["risk_seen"][row, 0] / d["risk_seen"][row].sum()
    chance = 1.0 - math.exp(-rules.low_weight * belief - rules.low_impulse * s.public_risk)
    if uniform_at(model.keyed.key, int(Process.LIE_LOW), model.day, d["key"][row], 1) < chance:
        d["low_until"][row] = model.day + rules.low_days
    d["efficiency"][row] += rules.learning * (1.0 - d["efficiency"][row])

    wanted = d["need"][row] + rules.memory * (d["wanted"][row] - d["need"][row])
    supply = d["supplied"][row] + stock + rules.idle
    q = min(belief / max(d["need"][row, 0], rules.turnover_floor), 0.5)
    cost = (d["wage"][row] if tier == RECRUITER else d["cost"][row, 0]) + rules.handling[tier]
    floors = np.array(
        [cost + q / (1.0 - q) * (cost + d["penalty"][row]), d["cost"][row, 1] + rules.sim_handling]
    )
    step = np.clip(rules.speed * (wanted - supply) / (wanted + supply), -limit, limit)
    d["ask"][row] = np.maximum(d["ask"][row] * np.exp(step), floors)

    if tier == RECRUITER:
        d["got"][row] += rules.memory * (d["sets_got"][row] - d["got"][row])
        d["sets_got"][row] = 0
        need, got = d["need"][row, 0], d["got"][row]
        desired = max(need + (need * d["cover"][row] + rules.safety - stock[0]) * rules.memory, 0.0)
        pull = (desired - got) / (desired + got) if desired + got else 0.0
        wage = d["wage"][row] * math.exp(min(max(rules.wage_speed * pull, -limit), limit))
        most = max(d["paid"][row] - rules.handling[RECRUITER], rules.wage_floor)
        d["wage"][row] = min(max(wage, rules.wage_floor), most)

    d["need"][row] = wanted
    able = d["efficiency"][row] if tier == SELLER else 1.0
    level = able * (wanted * d["cover"][row] + rules.safety)
    target = [whole(model, Process.STOCK_LEVEL, 0, d["key"][row], level[k], 1 + k) for k in range(2)]
    gap = np.maximum(target - stock, 0) * (d["low_until"][row] <= model.day)
    d["sets_needed"][row] = gap[0] * (tier == RECRUITER)
    d["order"][row] = gap * (tier == SELLER)
    fresh = rules.unplaced * d["fresh_need"][row] + d["wanted"][row]
    d["fresh_need"][row] = fresh * (tier == SELLER)
    d["bid"][row, 0] = max(d["ask"][row, 0] - rules.handling[SELLER], 0.0)
    d["wanted"][row] = d["supplied"][row] = 0.0


@pytest.mark.parametrize(("who", "week"), [("gang", gang_week), ("dealer", dealer_week)])
def test_every_agent_decides_by_its_equations(
    who: str, week: Callable[[FraudSupplyChain, State, int], None]
) -> None:
    """Each column of each agent whose weekday it is, within rounding; the others' columns are untouched."""
    weights = [f"parameters.{kind}.lie_low_weight=5" for kind in ("gangs", "dealers")]
    model = world("scale=300", "parameters.gangs.relocate_weight=2", *weights)
    table, agents = getattr(model, f"{who}s"), getattr(model.population, f"{who}_agents")
    decided = 0
    for _ in range(DAYS):
        model.step()
        model.signals.hoarding = 0.3
        expected = state_of(table)
        for row in np.flatnonzero((table.alive == 1) & (table.weekday == model.day % 7)):
            week(model, expected, int(row))
            decided += 1
        before = state_of(table)
        decide_today(model, model.agent_classes[who], table, agents)
        for name, column in expected.items():
            assert np.allclose(getattr(table, name), column, rtol=1e-9, atol=1e-12), name
            getattr(table, name)[:] = before[name]
    assert decided > 4 * table.n


def test_a_rule_for_one_row_is_the_rule_for_many() -> None:
    """Agents that decide one by one end where those that decide together do, bit for bit."""
    model = world("scale=300")
    for _ in range(10):
        model.step()
    for who in ("gang", "dealer"):
        table, rule = getattr(model, f"{who}s"), model.agent_classes[who]
        rows, before = np.flatnonzero(table.alive == 1), state_of(table)
        rule.decide_rows(model, rows)
        together = state_of(table)
        for name, column in before.items():
            getattr(table, name)[:] = column
        for row in rows:
            rule.decide_rows(model, np.array([row]))
        assert all(np.array_equal(getattr(table, name), column) for name, column in together.items())
