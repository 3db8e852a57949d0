"""Gangs and dealers come into being: their traits, their first stock of cash, and whom they know."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.agents.dealer import COLUMNS as DEALER_COLUMNS
from sim.agents.dealer import RECRUITER, SELLER, Dealer
from sim.agents.gang import COLUMNS as GANG_COLUMNS
from sim.agents.gang import METHODS, Gang
from sim.agents.rules import MAX_CONTACTS, softmax
from sim.random import Process, child_keys, children, named_key
from sim.world.codes import Kind, Status
from sim.world.ledger import Account
from sim.world.table import Table

if TYPE_CHECKING:
    from sim.model import FraudSupplyChain

FIRST_ATTRACTION = 4.0
"""Experience with which an agent starts: its first beliefs weigh as much as about four weeks."""


class Population:
    """Creates gangs and dealers, at the start and later, with traits drawn from their own keys."""

    def __init__(self, model: FraudSupplyChain) -> None:
        self.model = model
        self.p = model.parameters
        self.gangs = Table(GANG_COLUMNS, 256)
        self.dealers = Table(DEALER_COLUMNS, 256)
        self.gang_agents: dict[int, Gang] = {}
        self.dealer_agents: dict[int, Dealer] = {}
        self.newcomers = 0

    def found(self) -> None:
        """The population on day 0: dealers first, then the gangs that know them."""
        m, p = self.model, self.p
        count = max(1, round(p.number("dealers.cells") / m.scale))
        sellers = max(1, round(count * p.number("dealers.seller_share")))
        keys = children(named_key("dealers"), count)
        tier = np.where(np.arange(count) < sellers, SELLER, RECRUITER)
        region = self.regions_of(keys, m.openers.weight)
        self.enter_dealers(keys, tier, region, ready=True)
        self.greet(np.flatnonzero(self.dealers.tier == SELLER))
        count = max(1, round(p.number("gangs.count") / m.scale))
        keys = children(named_key("gangs"), count)
        self.enter_gangs(keys, self.gang_regions(keys))
        self._first_stocks()

    def _first_stocks(self) -> None:
        """Cards that everyone holds on day 0: the cover of expected need, so that the run starts in trade."""
        p, d, g = self.p, self.dealers, self.gangs
        safety = p.number("dealers.safety_stock")
        sets = d.need[:, 0] * d.cover + safety
        seller = d.tier == SELLER
        self._stock(Kind.ACCOUNT, np.flatnonzero(~seller), sets[~seller], Status.RECRUITER_STOCK, "dealer", d)
        self._stock(Kind.ACCOUNT, np.flatnonzero(seller), sets[seller], Status.DEALER_STOCK, "dealer", d)
        sims = d.need[seller, 1] * d.cover[seller] + safety
        self._stock(Kind.SIM, np.flatnonzero(seller), sims, Status.DEALER_STOCK, "dealer", d)
        everyone = np.arange(g.n)
        level = g.need[:, 0] * g.cover + p.number("gangs.safety_stock")
        self._stock(Kind.ACCOUNT, everyone, level, Status.GANG_STOCK, "gang", g)
        by_sim = g.staff * p.number("gangs.contacts_per_staff") - g.voip
        self._stock(Kind.SIM, everyone, by_sim / p.number("gangs.contacts_per_sim"), Status.ACTIVE, "gang", g)

    def _stock(
        self, kind: Kind, rows: np.ndarray, level: np.ndarray, status: Status, owner: str, table: Table
    ) -> None:
        m = self.model
        draw = 10 * int(kind) + int(status)
        count = m.keyed.rounded(Process.WORLD, 0, table.key[rows], level, draw)
        who = np.repeat(rows, count)
        number = np.arange(len(who)) - np.repeat(np.cumsum(count) - count, count)
        key = child_keys(table.key[who], (1 << 40) + (draw << 32) + number)
        region = self.regions_of(key, m.openers.weight)
        if owner == "dealer":
            region = table.region[who]
        cards = m.accounts if kind == Kind.ACCOUNT else m.sims
        cards.enter(
            len(who),
            kind=kind,
            status=status,
            key=key,
            region_open=region,
            region_use=region,
            opened=-30,
            moved=-1,
            **{owner: who},
        )

    def new_keys(self, count: int) -> np.ndarray:
        """Keys for newcomers who replace nobody."""
        first = self.newcomers
        self.newcomers += count
        return children(named_key("newcomers"), count, first)

    def enter_gangs(self, keys: np.ndarray, region: np.ndarray) -> np.ndarray:
        """Add gangs with the given keys (n) and home regions (n); returns their rows."""
        m, p, n = self.model, self.p, len(keys)
        if n == 0:
            return np.empty(0, dtype=np.int64)
        normal = [m.keyed.normal(Process.GANG_TRAITS, 0, keys, draw) for draw in range(3 + METHODS)]
        sd = p.number("gangs.staff_log_sd")
        staff = np.maximum(
            np.round(p.number("gangs.staff_mean") * np.exp(sd * normal[0] - sd**2 / 2)), 1
        ).astype(np.int64)
        skill_sd = p.number("gangs.skill_log_sd")
        cash = np.round(staff * p.number("gangs.cash_per_staff_start") * 100).astype(np.int64)
        home = region < m.regions.n
        capacity = staff * p.number("gangs.contacts_per_staff")
        rows = self.gangs.append(
            n,
            key=keys,
            alive=1,
            own_rule=m.own_rule("gang"),
            region=region,
            staff=staff,
            cash=cash,
            weekday=(m.keyed.uniform(Process.GANG_TRAITS, 0, keys, 20) * 7).astype(np.int64),
            skill=np.exp(skill_sd * normal[1] - skill_sd**2 / 2),
            method_mix=softmax(np.column_stack(normal[3:]) + np.log(p.vector("gangs.method_weight"))),
            cover=p.number("gangs.cover_weeks"),
            use_cap=int(p.number("gangs.use_cap_start")),
            price_seen=self.going_price(),
            voip=capacity * p.number("channels.voip_share"),
            attraction=p.vector("gangs.attraction_start"),
            mix=softmax(p.number("gangs.ewa_lambda") * p.vector("gangs.attraction_start"))[None, :].repeat(
                n, axis=0
            ),
            experience=FIRST_ATTRACTION,
            risk_seen=[0.05, 20.0],
            low_until=0,
            entered=m.day,
            transit_days=np.where(
                home, p.number("gangs.transit_days"), p.number("gangs.transit_days_abroad")
            ),
            profit=0.0,
            contacts=-1,
        )
        self.gangs.need[rows, 0] = staff * p.number("gangs.need_per_staff_start")
        self.gangs.contacts[rows] = self._contacts(keys, SELLER, "gangs.contacts")
        m.ledger.pay(Account.BROUGHT, Account.GANGS, int(cash.sum()))
        cls = m.agent_classes["gang"]
        self.gang_agents.update({int(r): cls(m, self.gangs, int(r)) for r in rows})
        return rows

    def enter_dealers(
        self, keys: np.ndarray, tier: np.ndarray, region: np.ndarray, *, ready: bool
    ) -> np.ndarray:
        """Add dealers; ``ready`` ones know their trade, others begin at a lower efficiency (4.3)."""
        m, p, n = self.model, self.p, len(keys)
        if n == 0:
            return np.empty(0, dtype=np.int64)
        u = m.keyed.uniform(Process.DEALER_TRAITS, 0, keys)
        exponent, most = p.number("dealers.degree_exponent"), p.number("dealers.degree_max")
        low, high = 1.0, most ** (1.0 - exponent)
        fitness = (low + u * (high - low)) ** (1.0 / (1.0 - exponent))
        sd = p.number("dealers.penalty_log_sd")
        penalty = p.number("dealers.penalty") * np.exp(
            sd * m.keyed.normal(Process.DEALER_TRAITS, 0, keys, 1) - sd**2 / 2
        )
        asks = self._first_asks(tier)
        rows = self.dealers.append(
            n,
            key=keys,
            alive=1,
            own_rule=m.own_rule("dealer"),
            tier=tier,
            region=region,
            fitness=fitness,
            weekday=(m.keyed.uniform(Process.DEALER_TRAITS, 0, keys, 2) * 7).astype(np.int64),
            efficiency=1.0 if ready else p.number("dealers.efficiency_start"),
            penalty=penalty,
            ask=asks,
            cost=np.column_stack(
                [np.full(n, self._going("price_dealer")), np.full(n, p.number("sims.registration_cost"))]
            ),
            wage=self._going("price_opener"),
            paid=asks[:, 0],
            cover=p.number("dealers.cover_weeks"),
            risk_seen=[0.05, 20.0],
            low_until=0,
            entered=m.day,
            contacts=-1,
        )
        sets = p.number("gangs.count") * p.number("gangs.staff_mean") * p.number("gangs.need_per_staff_start")
        cells = p.number("dealers.cells") * np.where(
            tier == SELLER, p.number("dealers.seller_share"), 1.0 - p.number("dealers.seller_share")
        )
        self.dealers.need[rows, 0] = sets / cells
        self.dealers.need[rows, 1] = np.where(tier == SELLER, p.number("sims.need_per_seller_start"), 0.0)
        cls = m.agent_classes["dealer"]
        self.dealer_agents.update({int(r): cls(m, self.dealers, int(r)) for r in rows})
        return rows

    def rewire(self, rows: np.ndarray, table: Table, tier: int, chance: float, process_draw: int) -> None:
        """Replace lost contacts with some probability a week, mostly by well-connected dealers (4.15)."""
        m = self.model
        contacts = table.contacts[rows]
        dead = (contacts >= 0) & (self.dealers.alive[np.maximum(contacts, 0)] == 0)
        if not dead.any():
            return
        edges, pool = self._fitness_edges(tier)
        for column in np.flatnonzero(dead.any(axis=0)):
            at = rows[dead[:, column]]
            draw = process_draw + 2 * int(column)
            found = m.keyed.uniform(Process.REWIRING, m.day, table.key[at], draw) < chance
            u = m.keyed.uniform(Process.REWIRING, m.day, table.key[at], draw + 1)
            new = pool[np.minimum(np.searchsorted(edges, u * edges[-1], side="right"), len(pool) - 1)]
            table.contacts[at[found], column] = new[found]

    def search(self, rows: np.ndarray, table: Table, tier: int, chance: float, draw: int) -> None:
        """Buyers with an open order look around: one contact gives way to a dealer who has cards (4.7)."""
        m = self.model
        rows = rows[table.order[rows, 0] > 0]
        rows = rows[m.keyed.uniform(Process.REWIRING, m.day, table.key[rows], draw) < chance]
        pool = np.flatnonzero((self.dealers.alive == 1) & (self.dealers.tier == tier))
        edges = np.cumsum(m.stocks.dealer_stock[pool, 0])
        if not len(rows) or not len(pool) or edges[-1] == 0:
            return
        u = m.keyed.uniform(Process.REWIRING, m.day, table.key[rows], draw + 1)
        found = pool[np.searchsorted(edges, u * edges[-1], side="right")]
        column = (m.keyed.uniform(Process.REWIRING, m.day, table.key[rows], draw + 2) * MAX_CONTACTS).astype(
            np.int64
        )
        table.contacts[rows, column] = found

    def greet(self, sellers: np.ndarray) -> None:
        """New sellers get to know recruiters; gangs find them by rewiring."""
        self.dealers.contacts[sellers] = self._contacts(
            self.dealers.key[sellers], RECRUITER, "dealers.contacts"
        )

    def going_price(self) -> float:
        """What a set costs a gang at present, yuan."""
        return self._going("price_gang")

    def _going(self, name: str) -> float:
        return (
            self.model.recorder.quote(f"{name}_yuan")
            if self.model.day
            else self.p.number(f"market.{name}_start")
        )

    def _first_asks(self, tier: np.ndarray) -> np.ndarray:
        sets = np.where(tier == SELLER, self._going("price_gang"), self._going("price_dealer"))
        return np.column_stack([sets, np.full(len(tier), self.p.number("sims.price_start"))])

    def _fitness_edges(self, tier: int) -> tuple[np.ndarray, np.ndarray]:
        pool = np.flatnonzero((self.dealers.alive == 1) & (self.dealers.tier == tier))
        return np.cumsum(self.dealers.fitness[pool]), pool

    def _contacts(self, keys: np.ndarray, tier: int, parameter: str) -> np.ndarray:
        """Whom each newcomer knows: dealers of a tier, by their connectedness, int32 (n, contacts)."""
        m = self.model
        mean = self.p.number(parameter)
        count = np.clip(
            1 + m.keyed.poisson(Process.CONTACTS, 0, keys, np.full(len(keys), mean - 1.0)), 1, MAX_CONTACTS
        )
        edges, pool = self._fitness_edges(tier)
        out = np.full((len(keys), MAX_CONTACTS), -1, dtype=np.int32)
        if not len(pool):
            return out
        for column in range(MAX_CONTACTS):
            u = m.keyed.uniform(Process.CONTACTS, 0, keys, 1 + column)
            who = pool[np.minimum(np.searchsorted(edges, u * edges[-1], side="right"), len(pool) - 1)]
            out[:, column] = np.where(column < count, who, -1)
        return out

    def regions_of(self, keys: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """A region for each key, by weight."""
        edges = np.cumsum(weight) / weight.sum()
        u = self.model.keyed.uniform(Process.DEALER_TRAITS, 0, keys, 3)
        return np.minimum(np.searchsorted(edges, u, side="right"), len(weight) - 1)

    def gang_regions(self, keys: np.ndarray) -> np.ndarray:
        """A home for each gang: abroad with a given share, else by adults."""
        m = self.model
        u = m.keyed.uniform(Process.GANG_TRAITS, 0, keys, 21)
        home = self.regions_of(keys, m.regions.share)
        return np.where(u < self.p.number("gangs.abroad_share"), m.regions.abroad, home)
