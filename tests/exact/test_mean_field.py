"""Check A24: for many gangs and complete contacts the simulator follows independent difference equations."""

import numpy as np
import pandas as pd
from mean_field import WEEK, MeanField, Persons, Pool, Rates, offered
from reference import STANDARD_ERRORS, keys

from sim.agents.dealer import RECRUITER
from sim.model import FraudSupplyChain
from sim.scenario import load
from sim.scenario.structure import Adaptation
from sim.world.codes import Channel, Goods, Kind, Status

WEEKS = 9
REPLICATES = 4
TOLERANCE = 0.01
"""Of the highest week: single sellers run out of cards a few days apart, which means smooth over."""
STAFF, CALLS = 10, 100


def settings(r: Rates) -> list[str]:
    """The parameters of the little world: those of ``r``, everything that it leaves out switched off."""
    values = {
        # the little world
        "gangs.count": r.gangs,
        "gangs.staff_mean": STAFF,
        "gangs.contacts_per_staff": CALLS,
        "victims.success_per_contact": r.leads / STAFF / CALLS,
        "gangs.uses_per_case": r.uses_per_case,
        "gangs.uses_per_card_day": r.uses_per_case,
        "gangs.use_cap_start": r.use_cap,
        "detection.account_base": r.detection,
        "beliefs.detection_start": r.believed,
        "cards.lapse_per_year": 365.25 * r.idle,
        "gangs.transit_days": r.transit_days,
        "gangs.cover_weeks": r.gang_cover,
        "gangs.safety_stock": r.gang_safety,
        "gangs.need_memory": r.gang_memory,
        "gangs.need_per_staff_start": r.gang_need / STAFF,
        "dealers.cover_weeks": r.dealer_cover,
        "dealers.need_memory": r.dealer_memory,
        "market.price_gang_start": r.price,
        "market.price_speed": r.price_speed,
        "market.idle_sales": r.idle_sales,
        "market.sharpness": r.sharpness,
        "market.unplaced_memory": r.unplaced,
        # all gangs alike, all cases alike
        "gangs.staff_log_sd": 0,
        "gangs.skill_log_sd": 0,
        "victims.method_success": "[1, 1, 1]",
        "season.festival_depth": 0,
        "season.lockdown_depth": 0,
        "channels.voip_share": 1,
        "channels.messaging_share": 0,
        "gangs.abroad_share": 0,
        # sellers only, with costs that never bind
        "dealers.cells": r.sellers,
        "dealers.seller_share": 0.99,
        "dealers.safety_stock": 0,
        "dealers.penalty": 0,
        "market.price_dealer_start": 1,
        "market.seller_handling": 0,
        "openers.pool": 1,
        # nothing else happens to gangs, dealers, cards and money
        "gangs.growth_per_year": 0,
        "dealers.growth_per_year": 0,
        "gangs.exit_per_year": 0,
        "market.search_per_week": 0,
        "market.transit_loss": 0,
        "cards.reclaim_per_year": 0,
        "detection.account_excess": 0,
        "detection.account_amount": 0,
        "detection.account_awakened": 0,
        "insiders.outlet_share": 0,
        "beliefs.trade_memory": 0,
        "beliefs.frozen_start": 0,
        "reporting.share": 0,
        "gangs.cash_per_staff_start": 10_000_000,
        "gangs.cash_reserve_per_staff": 10_000_000,
    }
    return ["scale=1", *(f"parameters.{name}={value}" for name, value in values.items())]


def little_world(r: Rates, replicate: int) -> FraudSupplyChain:
    """Gangs that know all sellers and use bought accounts only, an equal number of them on each weekday.

    Nobody adapts: one mix of channels, one use cap, no fear, no other channel for a case without a card.
    """
    scenario = load("no-measures", sets=settings(r))
    frozen = Adaptation(since=scenario.start)
    model = FraudSupplyChain(scenario.with_(rival="no-adaptation", adaptation=frozen), replicate=replicate)
    g, d = model.gangs, model.dealers
    assert (g.n, d.n) == (r.gangs, r.sellers)
    g.contacts[:] = -1
    g.contacts[:, : d.n] = np.arange(d.n)
    g.weekday[:] = np.arange(g.n) % WEEK
    d.weekday[:] = np.arange(d.n) % WEEK
    g.mix[:] = 0.0
    g.mix[:, Channel.BOUGHT] = 1.0
    d.need[:, Goods.ACCOUNTS] = r.gang_need * r.gangs / r.sellers
    return model


class Shelves:
    """Cards that come to the sellers by their asks, from nowhere; fractions wait for the next day"""

    def __init__(self, r: Rates) -> None:
        self.r = r
        self.owed = np.zeros(r.sellers)
        self.born = 0

    def fill(self, model: FraudSupplyChain) -> None:
        """Today's cards."""
        self.owed += offered(self.r, model.dealers.ask[:, Goods.ACCOUNTS])
        whole = np.floor(self.owed).astype(np.int64)
        self.owed -= whole
        who = np.repeat(np.arange(self.r.sellers), whole)
        model.accounts.enter(
            len(who),
            kind=Kind.ACCOUNT,
            status=Status.DEALER_STOCK,
            key=keys(len(who), self.born),
            dealer=who,
            opened=model.day,
            moved=model.day,
        )
        self.born += len(who)


class Diary:
    """What the difference equations speak of, day by day."""

    def __init__(self, model: FraudSupplyChain) -> None:
        self.model = model
        self.days: list[dict[str, float]] = []
        self.so_far = self._counted()
        # Uses are looked at right after the day's business: cards out of use are forgotten at its end.
        at = [name for _, name, _ in model.phases].index("operation")
        model.phases.insert(at + 1, (7, "diary", self._business))

    def _business(self) -> None:
        m = self.model
        self.days.append({"cases": len(m.cases.gang), "uses": int(m.accounts.uses_today.sum())})

    def _counted(self) -> dict[str, int]:
        """Cards bought and detected since the start, by the log of transitions."""
        moves = self.model.ledger.moves[Kind.ACCOUNT]
        bought, caught = (
            moves[Status.DEALER_STOCK, Status.IN_TRANSIT],
            moves[Status.ACTIVE, Status.RESTRICTED],
        )
        return {"bought": int(bought), "detected": int(caught)}

    def evening(self) -> None:
        """Write down the flows of the day and the stocks at its end."""
        g, d, counted = self.model.gangs, self.model.dealers, self._counted()
        cards = np.bincount(self.model.accounts.status, minlength=len(Status))
        self.days[-1] |= {
            **{name: counted[name] - self.so_far[name] for name in counted},
            "stock": cards[Status.GANG_STOCK],
            "in_use": cards[Status.ACTIVE],
            "way": cards[Status.IN_TRANSIT],
            "shelf": cards[Status.DEALER_STOCK],
            "need": g.need[:, Goods.ACCOUNTS].sum(),
            "seller_need": d.need[:, Goods.ACCOUNTS].sum(),
            "price": d.ask[:, Goods.ACCOUNTS].mean(),
        }
        self.so_far = counted


def simulated(r: Rates, replicate: int) -> pd.DataFrame:
    """Weekly means of a run of the simulator."""
    model, shelves = little_world(r, replicate), Shelves(r)
    diary = Diary(model)
    for _ in range(WEEKS * WEEK):
        shelves.fill(model)
        model.step()
        diary.evening()
    return weekly(diary.days)


def weekly(days: list[dict[str, float]]) -> pd.DataFrame:
    """Means of each week."""
    table = pd.DataFrame(days)
    return table.groupby(np.arange(len(table)) // WEEK).mean()


def decide_history(runs: list[pd.DataFrame], expected: pd.DataFrame) -> None:
    """Fail unless in every week the mean of the runs lies within ``TOLERANCE`` of the quantity's highest week
    and 4 standard errors, those of all weeks together; a sample whose errors add more than 2% is refused.
    """
    seen = np.stack([run[expected.columns] for run in runs])
    highest = expected.max().to_numpy()
    chance = np.sqrt((seen.var(axis=0, ddof=1) / len(runs)).mean(axis=0)) / highest
    assert (STANDARD_ERRORS * chance < 0.02).all(), "the sample could never decide"
    off = pd.DataFrame(abs(seen.mean(axis=0) - expected) / highest)
    assert (off < TOLERANCE + STANDARD_ERRORS * chance).all(axis=None), off.round(4)


def test_a24_weekly_means_follow_the_difference_equations() -> None:
    """A24: stocks, need, price, purchases, cases, uses and detections, week by week.

    Shelves run full, then empty, the price falls and turns.  The nine weeks end before single gangs run out
    of cards: from there on the spread between gangs counts, of which means know nothing.

    Rule: that of ``decide_history``, over four runs.
    """
    r = Rates()
    theory = MeanField(r)
    expected = weekly([theory.day(day) for day in range(WEEKS * WEEK)])
    decide_history([simulated(r, replicate) for replicate in range(REPLICATES)], expected)


def test_a24_the_little_world_has_a_history_worth_following() -> None:
    """A24 would be empty if nothing moved: price falls by a fifth and turns, shelves empty."""
    theory = MeanField(Rates())
    weeks = weekly([theory.day(day) for day in range(WEEKS * WEEK)])
    price = weeks["price"]
    assert price.min() < 0.82 * price[0]
    assert price.min() < 0.99 * price.iloc[-1]
    assert weeks["shelf"].iloc[-1] < 0.01 * weeks["shelf"].max()
    assert weeks["seller_need"].iloc[-1] > 1.15 * weeks["seller_need"].min()


def recruiting_world(p: Persons, replicate: int) -> FraudSupplyChain:
    """Persons and recruiters of one region, at one wage; recruiters take whoever comes."""
    values = {
        "openers.pool": p.pool,
        "openers.approach_per_year": 365.25 * p.approach,
        "openers.years_away": p.days_away / 365.25,
        "openers.reservation_wage_median": p.reservation,
        "openers.reservation_wage_log_sd": p.reservation_sd,
        "openers.logit_scale": p.scale,
        "openers.arrest_weight": 1,
        "beliefs.opener_start": p.risk,
        "openers.risk_weight_log_sd": p.risk_sd,
        "openers.cards_share": list(p.cards),
        "openers.existing_share": p.existing,
        "banks.sensitivity": p.refused,
        "banks.class_sensitivity": [1, 1, 1, 1],
        "market.price_opener_start": p.wage,
        "dealers.cells": 10,
        "gangs.count": 1,
        "season.festival_depth": 0,
        "season.lockdown_depth": 0,
    }
    sets = ["scale=1", *(f"parameters.{name}={value}" for name, value in values.items())]
    model = FraudSupplyChain(load("no-measures", sets=sets), replicate=replicate)
    recruiters = model.dealers.tier == RECRUITER
    model.openers.region[:] = model.dealers.region[:] = 5
    model.dealers.sets_needed[recruiters] = 10**9
    model.opening.base_recruiters[5] = recruiters.sum()
    return model


def recruited(p: Persons, replicate: int) -> pd.DataFrame:
    """Weekly means of openings in the simulator; only the calendar and the openers are at work."""
    model = recruiting_world(p, replicate)
    names = {"attempted": "openings_attempted_illicit", "refused": "openings_refused_illicit"}
    days, before = [], dict.fromkeys(names, 0)
    for day in range(WEEKS * WEEK):
        model.day, cards = day, model.accounts.n
        model.phases[0][2]()
        model.opening.run()
        model.opening.counter.end_month()
        so_far = {name: int(model.recorder._month[count].sum()) for name, count in names.items()}
        days.append(
            {
                "persons": int((model.openers.last_opened == day).sum()),
                "entered": model.accounts.n - cards,
                "free": int((model.openers.free_from <= day).sum()),
                **{name: so_far[name] - before[name] for name in names},
            }
        )
        before = so_far
    return weekly(days)


def test_a24_openers_follow_the_difference_equations_of_their_pool() -> None:
    """A24 upstream: persons, accounts tried, refused and sold, and who is free: the willing are used up and
    come back.

    Rule: that of ``decide_history``, over four runs.
    """
    p = Persons()
    theory = Pool(p)
    expected = weekly([theory.day() for _ in range(WEEKS * WEEK)])
    assert expected["persons"].iloc[-1] < 0.7 * expected["persons"][0]
    decide_history([recruited(p, replicate) for replicate in range(REPLICATES)], expected)
