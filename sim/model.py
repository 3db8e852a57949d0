"""The model: a supply chain of cards under enforcement, stepped a day at a time.

No input fixes the number of cases, a price or a shortage: they come out of who meets whom, what is on the
shelf and what it costs. Gangs, dealers and banks decide once a week, each on its own weekday; cards are
stepped daily.

One day, in order:

1. calendar       season, lockdown, today's policy vector
2. fading         awareness, public risk and hoarding fade; publicity and announcements add
3. opening        openers are approached, open accounts, are screened
4. supply         sellers restock: sets from recruiters, phone cards through operators
5. deciding       gangs and dealers whose weekday it is decide
6. market         cards arrive; gangs buy from the sellers they know
7. operation      contacts become cases, as far as phones, staff and cards carry them
8. race           freeze against layering; money due today is frozen or paid out
9. card step      detection by use, cleanups, reclaim, lapse: one draw a card
10. police        leads, investigations, campaigns
11. reporting     reports and registrations after their delays
12. learning      books, exit, entry, replacement, news
13. audit         identities of money and cards; at the month's end the record

The table :attr:`FraudSupplyChain.phases` is this list; the step runs the table and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, ClassVar, Literal

import mesa
import numba
import numpy as np

from sim.agents.dealer import RECRUITER, Dealer, DealerRules
from sim.agents.gang import Gang, GangRules
from sim.agents.institutions import Bank, Banks, Operators
from sim.agents.office import JointOffice
from sim.agents.police import Leads, Police
from sim.agents.population import Population
from sim.agents.row import RowAgent, decide_today
from sim.kernels.dealers import count_by_region
from sim.kernels.links import add_known
from sim.observe.footprints import Footprints
from sim.observe.recorder import Recorder
from sim.policy import Policy
from sim.processes.audit import Audit
from sim.processes.calendar import Calendar, Fading
from sim.processes.detection import Detection
from sim.processes.funds import Funds, Reporting
from sim.processes.insiders import Insiders
from sim.processes.investigation import Investigation
from sim.processes.learning import Learning
from sim.processes.market import Market
from sim.processes.opening import Opening
from sim.processes.operation import Cases, Operation
from sim.processes.removal import Removal
from sim.processes.signals import Signals, Stocks
from sim.processes.sim_supply import SimSupply
from sim.random import KeyedRandom
from sim.scenario import shipped_folder
from sim.scenario.structure import SWITCHES
from sim.world.cards import CardTable
from sim.world.codes import Kind
from sim.world.ledger import Ledger
from sim.world.openers import OpenerPool
from sim.world.ordinary import OrdinaryCards
from sim.world.outlets import Outlets
from sim.world.regions import read_regions
from sim.world.table import Table

if TYPE_CHECKING:
    from sim.interventions import Measure
    from sim.scenario import Scenario

Phase = tuple[int, str, Callable[[], None]]
AGENTS: dict[str, type[RowAgent]] = {"gang": Gang, "dealer": Dealer}
"""Kinds of agents whose class a user may replace."""
NEVER = 1 << 31
"""A day after all days."""


class FraudSupplyChain(mesa.Model):
    """Gangs, dealers, openers, banks, operators, police and the joint office, over calendar days.

    Parameters
    ----------
    scenario : Scenario
        What to simulate: baseline, parameters, measures, dates, scale.
    seed, replicate : int
        The key of every random number of the run.
    draw : int
        0 for the default parameters, k >= 1 for the k-th draw from their priors.
    threads : int
        Threads of the card step.  Results do not depend on it.
    audit : {"month", "day"}
        How often the identities of money and cards are checked.
    agent_classes : mapping, optional
        ``{"gang": ..., "dealer": ...}``: subclasses to use for agents.
    watch : sequence of Measure, optional
        Measures whose places (outlets, banks) are tallied though the scenario does not have them, so that a
        run without a measure can be compared with one that has it.

    ``awareness`` and ``legal_awareness``: of fraud, and of what selling a card costs, by region (4.10).

    What of it changes with the days is its state (:mod:`sim.state.capture`); in every class of the model
    ``given`` names attributes that a newly built model of the scenario has as well, ``remade`` those that are
    made anew when they are needed, and ``grows`` arrays that do not keep their length.
    """

    given: ClassVar[tuple[str, ...]] = (
        *("scenario", "scale", "threads", "root", "replicate", "draw", "rival", "days", "phases"),
        *("_answers_until", "_answers", "agent_classes", "bank_agents", "police"),
        *("running", "_seed", "_rng", "step", "_user_step"),  # Mesa's own
    )
    remade: ClassVar[tuple[str, ...]] = (
        *("policy", "stocks", "cases", "reported"),
        *("_agents", "_agents_by_type", "_all_agents"),  # Mesa's own
    )

    def __init__(
        self,
        scenario: Scenario,
        *,
        seed: int = 1,
        replicate: int = 0,
        draw: int = 0,
        threads: int = 1,
        audit: Literal["month", "day"] = "month",
        agent_classes: Mapping[str, type[RowAgent]] | None = None,
        watch: Sequence[Measure] = (),
    ) -> None:
        super().__init__(rng=seed)
        self.scenario = scenario
        self.scale = scenario.scale
        self.threads = threads
        self.root, self.replicate, self.draw = seed, replicate, draw
        self.rival = scenario.rival
        self.parameters = scenario.parameters.draw(draw, seed)
        switches = scenario.adaptation
        self._answers_until = switches.since
        self._answers = {name: switches.acts(name, switches.since, self.rival) for name in SWITCHES}
        self.agent_classes = AGENTS | dict(agent_classes or {})
        if unknown := sorted(self.agent_classes.keys() - AGENTS.keys()):
            raise ValueError(f"no such kind of agent: {', '.join(unknown)}. Use {' or '.join(AGENTS)}")
        self.keyed = KeyedRandom(seed, replicate)
        self.day = 0
        self.days = (scenario.end - scenario.start).days + 1
        self.today = scenario.start
        self.season = 1.0
        self.shock = 1.0
        self._build_world()
        self._build_agents()
        self._build_day(audit)
        self.footprints = Footprints(self, watch)

    def _build_world(self) -> None:
        p = self.parameters
        self.regions = read_regions(shipped_folder() / "evidence")
        self.ledger = Ledger()
        self.recorder = Recorder(self)
        self.datacollector = self.recorder
        self.accounts = CardTable(self.ledger)
        self.sims = CardTable(self.ledger)
        self.ordinary = OrdinaryCards(p, self.regions)
        self.openers = OpenerPool(p, self.regions, self.scale, self.keyed)
        self.awareness = np.full(self.regions.n, p.number("victims.awareness_start"))
        self.legal_awareness = np.zeros(self.regions.n)
        self.awareness_by: dict[str, float] = {}
        places = self.regions.n + 1
        self.signals = Signals(
            detection=p.number("beliefs.detection_start"),
            frozen_share=p.number("beliefs.frozen_start"),
            sim_loss_per_week=p.number("beliefs.sim_loss_start"),
            gang_removal=np.zeros(places),
            dealer_removal=np.zeros(places),
            opener_belief=np.full(self.regions.n, p.number("beliefs.opener_start")),
            loss_by_kind={
                Kind.SIM: p.number("beliefs.sim_loss_start"),
                Kind.IOT: p.number("beliefs.iot_loss_start"),
            },
        )
        self.take_yuan = p.number("victims.mean_loss_yuan")

    def _build_agents(self) -> None:
        p = self.parameters
        self.office = JointOffice(self)
        self.policy: Policy = Policy(self.regions.n)
        self.banks = Banks(self)
        self.bank_agents = [Bank(self, number) for number in range(self.banks.n)]
        self.operators = Operators(self)
        self.outlets = Outlets(
            self.regions,
            round(p.number("banks.outlets")),
            p.number("banks.laxity_exponent"),
            self.banks.outlet_share,
            self.keyed,
            p.number("insiders.outlet_share"),
        )
        capacity = p.number("police.capacity_per_day") / self.scale
        self.leads = Leads()
        self.police = [Police(self, r, capacity * s) for r, s in enumerate(self.regions.share)]
        self.population = Population(self)
        self.gangs: Table = self.population.gangs
        self.dealers: Table = self.population.dealers
        self.population.found()
        self.stocks = Stocks()
        self.stocks.count(self)
        self.gang_rules = GangRules(self)
        self.dealer_rules = DealerRules(self)

    def _build_day(self, audit: Literal["month", "day"]) -> None:
        self.cases: Cases = Cases(*(np.empty(0, dtype=np.int64) for _ in range(6)))
        self.reported = np.empty(0, dtype=bool)
        nobody = np.empty(0, dtype=np.int64)
        self.registered_today: tuple[np.ndarray, ...] = (nobody, nobody, nobody, nobody)
        self.removal = Removal(self)
        self.reporting = Reporting(self)
        self.funds = Funds(self)
        self.operation = Operation(self)
        self.market = Market(self)
        self.sim_supply = SimSupply(self)
        self.audit = Audit(self, audit)
        self.learning = Learning(self)
        self.opening = Opening(self)
        self.insiders = Insiders(self, self.opening)
        self.calendar = Calendar(self)
        self.fading = Fading(self)
        self.detection = Detection(self)
        self.investigation = Investigation(self)
        self.phases: list[Phase] = [
            (1, "calendar", self.calendar.run),
            (2, "fading", self.fading.run),
            (3, "opening", self._open),
            (4, "supply", self._supply),
            (5, "deciding", self._decide),
            (6, "market", self.market.retail),
            (7, "operation", self.operation.run),
            (8, "race", self.funds.run),
            (9, "card step", self.detection.run),
            (10, "police", self.investigation.run),
            (11, "reporting", self.reporting.run),
            (12, "learning", self.learning.run),
            (13, "audit", self.audit.run),
        ]

    def step(self) -> None:
        """Simulate one day: the phases in their order."""
        numba.set_num_threads(min(self.threads, numba.config.NUMBA_NUM_THREADS))  # type: ignore[attr-defined]
        for _, _, phase in self.phases:
            phase()
        self.day += 1

    def run_model(
        self, progress: Callable[[int, int], None] | None = None, *, until: int | None = None
    ) -> None:
        """Step to the end, or to the morning of day ``until``.

        ``progress`` is told days done and days in all, about once a simulated month.
        """
        while self.day < (self.days if until is None else until):
            self.step()
            if progress is not None and (self.day % 30 == 0 or self.day == self.days):
                progress(self.day, self.days)

    def _open(self) -> None:
        """Openers are approached and open accounts; insiders open some from within."""
        self.opening.run()
        self.insiders.run()

    def _supply(self) -> None:
        """Outlets are suspended and banks inspected; sellers restock sets and register phone cards."""
        self.stocks.count(self)
        self.suspend_outlets()
        for order in self.policy.inspections:
            self.banks.inspect(order, self.day)
        self.market.wholesale()
        self.sim_supply.run()

    def _decide(self) -> None:
        """Dealers, gangs and banks whose weekday it is decide."""
        decide_today(self, self.agent_classes["dealer"], self.dealers, self.population.dealer_agents)
        decide_today(self, self.agent_classes["gang"], self.gangs, self.population.gang_agents)
        self.banks.decide_today()

    def suspend_outlets(self) -> None:
        """Carry out today's suspensions; the banks concerned are deterred."""
        for order in self.policy.suspensions:
            chosen = self.outlets.suspend(order, self.day, self.keyed)
            if order.deterrence > 0.0:
                until = self.outlets.suspended_until[chosen]
                self.banks.uphold(self.outlets.bank[chosen], order.deterrence, until, order.measure)

    def adapts(self, answer: str) -> bool:
        """Whether an answer of the trade (a switch of the scenario's ``adaptation``) is at work today."""
        return self.today < self._answers_until or self._answers[answer]

    @property
    def hoarding(self) -> float:
        """Rise of gangs' stock cover after announcements."""
        return self.signals.hoarding * self.adapts("hoarding")

    def recruiters_by_region(self, *, working: bool = False) -> np.ndarray:
        """Recruiters alive (and not lying low, if ``working``) by region, int64 (regions)."""
        d = self.dealers
        counts = np.zeros(self.regions.n, dtype=np.int64)
        until = self.day if working else NEVER
        count_by_region(d.alive, d.tier, d.low_until, d.region, RECRUITER, until, counts)
        return counts

    def dealer_degree(self) -> np.ndarray:
        """How many gangs and sellers know each dealer, plus one, int64 (dealers)."""
        degree = np.ones(self.dealers.n, dtype=np.int64)
        add_known(self.gangs.contacts, self.gangs.alive, degree)
        add_known(self.dealers.contacts, np.ones(self.dealers.n, dtype=np.uint8), degree)
        return degree

    def own_rule(self, who: str) -> int:
        """1 if the class of such agents replaces ``decide``, else 0."""
        return int(self.agent_classes[who].decide is not AGENTS[who].decide)

    def end_gangs(self, rows: np.ndarray) -> None:
        """Gangs leave the world."""
        self.gangs.alive[rows] = 0
        for row in rows:
            self.population.gang_agents.pop(int(row)).remove()

    def end_dealers(self, rows: np.ndarray) -> None:
        """Dealers leave the world."""
        self.dealers.alive[rows] = 0
        for row in rows:
            self.population.dealer_agents.pop(int(row)).remove()

    @property
    def month_ends(self) -> bool:
        """Whether today is the last day of a month or of the run."""
        return (self.today + timedelta(days=1)).day == 1 or self.day == self.days - 1

    @property
    def first_of_month(self) -> date:
        """First day of today's month."""
        return self.today.replace(day=1)
