"""Gangs and dealers come into being: their traits, their first stock of cash, and whom they know."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from sim.agents.dealer import COLUMNS as DEALER_COLUMNS
from sim.agents.dealer import RECRUITER, SELLER, Dealer
from sim.agents.gang import COLUMNS as GANG_COLUMNS
from sim.agents.gang import METHODS, Gang
from sim.agents.member import Member
from sim.agents.rules import MAX_CONTACTS, softmax
from sim.arrays import fen, interval, number_within
from sim.kernels import elementary, links
from sim.kernels.traits import gang_traits
from sim.random import Process, child_keys, children, named_key
from sim.world.codes import Goods, Kind, Status
from sim.world.ledger import Account
from sim.world.table import Table

if TYPE_CHECKING:
    from sim.model import FraudSupplyChain

AGENTS_HAVE = {"model", "unique_id", "pos", "table", "row"}
"""Attributes of an agent that is a view of its row."""


class Population:
    """Creates gangs and dealers, at the start and later, with traits drawn from their own keys.

    ``dealer_need``: need that a new recruiter and a new seller expect, cards a week by goods.
    """

    given: ClassVar[tuple[str, ...]] = ("gang_start",)
    remade: ClassVar[tuple[str, ...]] = ("gang_agents", "dealer_agents")

    def __init__(self, model: FraudSupplyChain) -> None:
        self.model = model
        self.p = model.parameters
        self.gangs = Table(GANG_COLUMNS, 256)
        self.dealers = Table(DEALER_COLUMNS, 256)
        self.gang_agents: dict[int, Gang] = {}
        self.dealer_agents: dict[int, Dealer] = {}
        self.newcomers = 0
        self.rewiring = int(Process.REWIRING)
        self.gang_start = self._gang_start()
        self.dealer_need = self._first_need(np.array([RECRUITER, SELLER]))
        self.triadic = self.p.number("market.triadic_share")

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
        sets = d.need[:, Goods.ACCOUNTS] * d.cover + safety
        seller = d.tier == SELLER
        self._stock(Kind.ACCOUNT, np.flatnonzero(~seller), sets[~seller], Status.RECRUITER_STOCK, "dealer", d)
        self._stock(Kind.ACCOUNT, np.flatnonzero(seller), sets[seller], Status.DEALER_STOCK, "dealer", d)
        sims = d.need[seller, Goods.SIMS] * d.cover[seller] + safety
        self._stock(Kind.SIM, np.flatnonzero(seller), sims, Status.DEALER_STOCK, "dealer", d)
        everyone = np.arange(g.n)
        level = g.need[:, Goods.ACCOUNTS] * g.cover + p.number("gangs.safety_stock")
        self._stock(Kind.ACCOUNT, everyone, level, Status.GANG_STOCK, "gang", g)
        by_sim = g.staff * p.number("gangs.contacts_per_staff") - g.voip - g.messaging
        self._stock(Kind.SIM, everyone, by_sim / p.number("gangs.contacts_per_sim"), Status.ACTIVE, "gang", g)

    def _stock(
        self, kind: Kind, rows: np.ndarray, level: np.ndarray, status: Status, owner: str, table: Table
    ) -> None:
        m = self.model
        draw = 10 * int(kind) + int(status)
        count = m.keyed.rounded(Process.WORLD, 0, table.key[rows], level, draw)
        who = np.repeat(rows, count)
        # Far above the numbers of later children, which hold a day in their upper half (see SimSupply).
        key = child_keys(table.key[who], (1 << 60) + (draw << 32) + number_within(count))
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

    def contents(self) -> dict[str, Any]:
        """The agents there are: rows and numbers of gangs and of dealers, int64 (agents), and the last number
        given.

        Raises TypeError where agents keep attributes of their own.
        """
        kept: dict[str, Any] = {"last": Member.last_number(self.model)}
        for who, agents in (("gang", self.gang_agents), ("dealer", self.dealer_agents)):
            if own := {name for agent in agents.values() for name in vars(agent)} - AGENTS_HAVE:
                raise TypeError(f"{who}s keep attributes of their own: {', '.join(sorted(own))}")
            numbers = [agent.unique_id for agent in agents.values()]
            kept[who] = np.array([list(agents), numbers], dtype=np.int64)
        return kept

    def take_over(self, contents: Mapping[str, Any]) -> None:
        """Have the agents of another population's contents, as views of the rows of this one's tables."""
        new: list[tuple[int, str, int]] = []
        for who, agents in (("gang", self.gang_agents), ("dealer", self.dealer_agents)):
            there = dict(contents[who].T.tolist())
            for row in [row for row in agents if row not in there]:
                agents.pop(row).remove()
            new += [(number, who, row) for row, number in there.items() if row not in agents]
        for number, who, row in sorted(new):  # in the order in which they came, as Mesa keeps them
            Member.number_on(self.model, number - 1)
            table = self.gangs if who == "gang" else self.dealers
            mine: dict[int, Any] = self.gang_agents if who == "gang" else self.dealer_agents
            mine.update(self._agents(who, table, np.array([row])))
        Member.number_on(self.model, contents["last"])

    def new_keys(self, count: int) -> np.ndarray:
        """Keys for newcomers who replace nobody."""
        first = self.newcomers
        self.newcomers += count
        return children(named_key("newcomers"), count, first)

    def enter_gangs(self, keys: np.ndarray, region: np.ndarray) -> np.ndarray:
        """Add gangs with the given keys (n) and home regions (n); returns their rows."""
        m = self.model
        if len(keys) == 0:
            return np.empty(0, dtype=np.int64)
        p, n = self.p, len(keys)
        traits = self._gang_traits(keys)
        staff = traits["staff"]
        capacity = staff * p.number("gangs.contacts_per_staff")
        need = np.zeros((n, len(Goods)))
        need[:, Goods.ACCOUNTS] = staff * p.number("gangs.need_per_staff_start")
        cash = fen(staff * p.number("gangs.cash_per_staff_start"))
        days = (p.number("gangs.transit_days"), p.number("gangs.transit_days_abroad"))
        rows = self.gangs.append(
            n,
            key=keys,
            own_rule=m.own_rule("gang"),
            region=region,
            transit_days=np.where(region < m.regions.n, *days),
            voip=capacity * p.number("channels.voip_share"),
            messaging=capacity * p.number("channels.messaging_share"),
            cash=cash,
            need=need,
            price_seen=self.going_price(),
            entered=m.day,
            contacts=self._contacts(keys, SELLER, "gangs.contacts"),
            **traits,
            **self.gang_start,
        )
        m.ledger.pay(Account.BROUGHT, Account.GANGS, int(cash.sum()))
        self.gang_agents.update(self._agents("gang", self.gangs, rows))
        return rows

    def _agents(self, who: str, table: Table, rows: np.ndarray) -> dict[int, Any]:
        """A Mesa agent for each row.

        Meanwhile nothing is garbage: the collector would walk over the many that stay, again and again.
        """
        cls, collects = self.model.agent_classes[who], gc.isenabled()
        gc.disable()
        try:
            return {row: cls(self.model, table, row) for row in rows.tolist()}
        finally:
            if collects:
                gc.enable()

    def _gang_traits(self, keys: np.ndarray) -> dict[str, np.ndarray]:
        """What tells gangs apart, by their keys."""
        p, n = self.p, len(keys)
        staff, skill = np.empty(n, dtype=np.int32), np.empty(n)
        methods, weekday = np.empty((n, METHODS)), np.empty(n, dtype=np.uint8)
        gang_traits(
            self.model.keyed.key,
            int(Process.GANG_TRAITS),
            keys,
            p.number("gangs.staff_mean"),
            _spread(p.number("gangs.staff_log_sd")),
            _spread(p.number("gangs.skill_log_sd")),
            elementary.log(p.vector("gangs.method_weight")),
            staff,
            skill,
            methods,
            weekday,
        )
        return {"staff": staff, "skill": skill, "method_mix": methods, "weekday": weekday}

    def _gang_start(self) -> dict[str, Any]:
        """What all gangs begin with."""
        p = self.p
        attraction = p.vector("gangs.attraction_start")
        return {
            "alive": 1,
            "cover": p.number("gangs.cover_weeks"),
            "use_cap": int(p.number("gangs.use_cap_start")),
            "attraction": attraction,
            "mix": softmax(p.number("gangs.ewa_lambda") * attraction),
            "experience": p.number("gangs.experience_start"),
            "risk_seen": self._first_belief(),
        }

    def enter_dealers(
        self, keys: np.ndarray, tier: np.ndarray, region: np.ndarray, *, ready: bool
    ) -> np.ndarray:
        """Add dealers; ``ready`` ones know their trade, others begin at a lower efficiency (4.3)."""
        m, p, n = self.model, self.p, len(keys)
        if n == 0:
            return np.empty(0, dtype=np.int64)
        asks = self._first_asks(tier)
        rows = self.dealers.append(
            n,
            key=keys,
            alive=1,
            own_rule=m.own_rule("dealer"),
            tier=tier,
            region=region,
            efficiency=1.0 if ready else p.number("dealers.efficiency_start"),
            ask=asks,
            cost=(self._going("price_dealer"), p.number("sims.registration_cost")),
            wage=self._going("price_opener"),
            paid=asks[:, Goods.ACCOUNTS],
            cover=p.number("dealers.cover_weeks"),
            need=self.dealer_need[tier],
            risk_seen=self._first_belief(),
            entered=m.day,
            contacts=-1,
            **self._dealer_traits(keys),
        )
        self.dealer_agents.update(self._agents("dealer", self.dealers, rows))
        return rows

    def _dealer_traits(self, keys: np.ndarray) -> dict[str, Any]:
        """What tells dealers apart, by their keys; connectedness is a truncated power law (4.15)."""
        m, p = self.model, self.p
        u = m.keyed.uniform(Process.DEALER_TRAITS, 0, keys)
        exponent, most = p.number("dealers.degree_exponent"), p.number("dealers.degree_max")
        low, high = 1.0, most ** (1.0 - exponent)
        sd, shift = _spread(p.number("dealers.penalty_log_sd"))
        z = m.keyed.normal(Process.DEALER_TRAITS, 0, keys, 1)
        return {
            "fitness": elementary.power(low + u * (high - low), 1.0 / (1.0 - exponent)),
            "penalty": p.number("dealers.penalty") * elementary.exp(sd * z - shift),
            "weekday": (m.keyed.uniform(Process.DEALER_TRAITS, 0, keys, 2) * 7).astype(np.int64),
        }

    def _first_need(self, tier: np.ndarray) -> np.ndarray:
        """Need that a dealer expects at first: what gangs need then, shared evenly, float64 (n, 2)."""
        p = self.p
        sets = p.number("gangs.count") * p.number("gangs.staff_mean") * p.number("gangs.need_per_staff_start")
        sellers = p.number("dealers.seller_share")
        cells = p.number("dealers.cells") * np.where(tier == SELLER, sellers, 1.0 - sellers)
        sims = np.where(tier == SELLER, p.number("sims.need_per_seller_start"), 0.0)
        return np.column_stack([sets / cells, sims])

    def _first_belief(self) -> tuple[float, float]:
        """Removals and survivals of peers that an agent has heard of when it starts."""
        return self.p.number("beliefs.first_removals"), self.p.number("beliefs.first_survivals")

    def rewire(self, rows: np.ndarray, table: Table, tier: int, chance: float, draw: int) -> None:
        """Replace lost contacts with some probability a week (4.15): by somebody whom another buyer of a
        common contact knows (triadic closure), else by a dealer in proportion to connectedness (attachment).
        """
        m, d = self.model, self.dealers
        if len(rows) and m.adapts("rewiring"):
            links.rewire(
                m.keyed.key,
                self.rewiring,
                m.day,
                draw,
                rows,
                table.key,
                table.contacts,
                table.alive,
                d.alive,
                d.tier,
                d.fitness,
                tier,
                chance,
                self.triadic,
            )

    def search(self, rows: np.ndarray, table: Table, tier: int, chance: float, draw: int) -> None:
        """Buyers with an open order look around: one contact gives way to a dealer who has cards (4.7)."""
        if not len(rows):
            return
        m, d = self.model, self.dealers
        links.look_around(
            m.keyed.key,
            self.rewiring,
            m.day,
            draw,
            rows,
            table.key,
            table.order[:, Goods.ACCOUNTS],
            table.contacts,
            d.alive,
            d.tier,
            m.stocks.dealer_stock[:, Goods.ACCOUNTS],
            tier,
            chance,
        )

    def greet(self, sellers: np.ndarray) -> None:
        """New sellers get to know recruiters; gangs find them by rewiring."""
        keys = self.dealers.key[sellers]
        self.dealers.contacts[sellers] = self._contacts(keys, RECRUITER, "dealers.contacts")

    def going_price(self) -> float:
        """What a set costs a gang at present, yuan."""
        return self._going("price_gang")

    def _going(self, name: str) -> float:
        if self.model.day == 0:
            return self.p.number(f"market.{name}_start")
        return self.model.recorder.quote(f"{name}_yuan")

    def _first_asks(self, tier: np.ndarray) -> np.ndarray:
        """What newcomers of a tier (n) ask for a set and for a phone card, yuan, float64 (n, 2)."""
        sims = self.p.number("sims.price_start")
        asks = {RECRUITER: self._going("price_dealer"), SELLER: self._going("price_gang")}
        return np.asarray(np.array([[asks[RECRUITER], sims], [asks[SELLER], sims]])[tier])

    def _contacts(self, keys: np.ndarray, tier: int, parameter: str) -> np.ndarray:
        """Whom each newcomer knows: dealers of a tier, by their connectedness, int32 (n, contacts)."""
        d, mean = self.dealers, self.p.number(parameter)
        known = np.empty((len(keys), MAX_CONTACTS), dtype=np.int32)
        links.first_contacts(
            self.model.keyed.key, int(Process.CONTACTS), keys, d.alive, d.tier, d.fitness, tier, mean, known
        )
        return known

    def regions_of(self, keys: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """A region for each key, by weight."""
        edges = np.cumsum(weight) / weight.sum()
        u = self.model.keyed.uniform(Process.DEALER_TRAITS, 0, keys, 3)
        return interval(edges, u)

    def gang_regions(self, keys: np.ndarray) -> np.ndarray:
        """A home for each gang: abroad with a given share, else by adults."""
        m = self.model
        u = m.keyed.uniform(Process.GANG_TRAITS, 0, keys, 21)
        home = self.regions_of(keys, m.regions.share)
        return np.where(u < self.p.number("gangs.abroad_share"), m.regions.abroad, home)


def successors(keys: np.ndarray) -> np.ndarray:
    """Keys of those who take the places of removed agents, uint64 (n): the first child of each (4.3)."""
    return child_keys(keys, np.ones(len(keys)))


def _spread(sd: float) -> np.ndarray:
    """What makes ``exp(sd z - sd**2 / 2)`` a lognormal factor with mean 1: float64 (2)."""
    return np.array([sd, sd**2 / 2])
