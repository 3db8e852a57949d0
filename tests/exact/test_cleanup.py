"""Check A4 on whole populations: ordinary cards in their cells and tracked cards through the day's phase."""

import math
from collections.abc import Callable

import libm
import numpy as np
import pytest
from reference import decide_binomial, decide_mean, keys

from sim.model import FraudSupplyChain
from sim.policy import Cleanup, Policy
from sim.processes.detection import Detection
from sim.random import KeyedRandom
from sim.scenario import load, shipped_folder
from sim.world.codes import Cause, Flag, Kind, Status
from sim.world.ordinary import KINDS, OrdinaryCards
from sim.world.regions import read_regions

REGIONS = read_regions(shipped_folder() / "evidence")
EVERYWHERE = np.ones(REGIONS.n, dtype=bool)
STILL = [
    f"parameters.ordinary.{kind}_{flow}_per_year=0"
    for kind in ("accounts", "sims", "iot")
    for flow in ("openings", "closure")
]
"""No openings and no natural closures: the rest switched off."""
COARSE = {"accounts": 10_000_000, "sims": 2_000_000, "iot": 1_000_000}


def cells(*sets: str, **stocks: int) -> OrdinaryCards:
    """Ordinary cards with stated stocks (by default those of the country)."""
    first = [f"parameters.ordinary.{kind}_start={stock}" for kind, stock in stocks.items()]
    return OrdinaryCards(load("no-measures", sets=[*first, *sets]).parameters, REGIONS)


def order(**changes: object) -> Cleanup:
    """A cleanup of every account, of no dose until a test gives one."""
    dose = {"measure": "test", "cards": 0.0, "rate": 0.0, "lift": 1.0, "regions": EVERYWHERE}
    dose |= {"cause": int(Cause.CLEANUP_MULTI), "kind": int(Kind.ACCOUNT), "flag": int(Flag.ANY)}
    return Cleanup(**(dose | changes))  # type: ignore[arg-type]


def month(world: OrdinaryCards, day: int, seed: int = 4, days: int = 30) -> None:
    """Settle a month in which nobody is refused."""
    zero = np.zeros(REGIONS.n)
    world.end_month(day, days, zero, zero, KeyedRandom(seed, 0))


def review(world: OrdinaryCards, today: Cleanup) -> None:
    """One day of a cleanup."""
    world.clean(today, world.rate(today))


def test_a4_ordinary_cards_are_closed_by_a_binomial_and_rounds_multiply() -> None:
    """A4: k rounds leave N (1 - x sens)^k of 10 million accounts, and nobody else is touched.

    Rule: the share left after each of 4 rounds within 4 standard errors; 0.1% could be told.
    """
    world, coverage, sensitivity = cells(*STILL, **COARSE), 0.3, 0.5
    n = int(world.cells[0].sum())
    others = world.cells[1:].copy()
    for number in range(1, 5):
        review(world, order(rate=-math.log1p(-coverage * sensitivity)))
        month(world, 30 * number)
        decide_binomial(int(world.cells[0].sum()), n, (1.0 - coverage * sensitivity) ** number, 0.001)
    assert np.array_equal(world.cells[1:], others)


def test_a4_the_number_closed_varies_as_a_binomial_does() -> None:
    """A4: the variance of closures is N p (1 - p), also where N is large (another branch of the sampler).

    Rule: variance over 120 seeds within 4 standard errors of a binomial's; 60% could be told.
    """
    p, closed = 0.15, []
    for seed in range(120):
        world = cells(*STILL, **COARSE)
        n = int(world.cells[0].sum())
        review(world, order(rate=-math.log1p(-p)))
        month(world, 30, seed)
        closed.append(n - int(world.cells[0].sum()))
    variance = n * p * (1.0 - p)
    decide_mean(float(np.mean(closed)), n * p, variance, len(closed), 0.001 * n)
    decide_mean(float(np.var(closed, ddof=1)), variance, 2.0 * variance**2, len(closed), 0.6 * variance)


@pytest.mark.parametrize("flag", [Flag.ANY, Flag.IDLE, Flag.MULTI, Flag.REPLACED])
@pytest.mark.parametrize("regions", [1, 2, REGIONS.n])
def test_the_hazard_of_a_count_is_the_stated_sum_to_the_bit(flag: Flag, regions: int) -> None:
    """The count over what is left of the flagged cards in expectation, flag set by flag set; also after other
    orders, after accounts were sold, and in the next month.
    """
    world, inside = cells(), np.arange(REGIONS.n) >= REGIONS.n - regions
    today = order(flag=int(flag), cards=1e6, rate=0.001, regions=inside)
    flagged = [f for f in range(8) if f & flag or flag == Flag.ANY]
    for day in range(4):
        stock, used = world.cells[0].sum(axis=1), world._hazard[:, 0].sum(axis=0)
        left = np.array([stock[inside, f] * libm.exp(-used[inside, f]) for f in flagged]).ravel().sum()
        left = left * (1.0 - world._closed[0] / 24.0)
        rate = world.rate(today)
        assert rate == 0.001 - math.log1p(-min(1e6 / left, 0.5))
        world.clean(today, rate)
        review(world, order(rate=0.01, cause=int(Cause.CLEANUP_DORMANT)))
        there, flags = np.array([30, 5]), np.array([0, 7], dtype=np.uint8)
        world.take(np.ones(2, dtype=bool), there, np.array([0, 1], dtype=np.int16), np.arange(4), flags, 100)
        if day == 2:
            month(world, day)


@pytest.mark.parametrize("flag", [Flag.IDLE, Flag.MULTI, Flag.REPLACED])
def test_a4_a_cleanup_of_cells_meets_its_flag_and_its_regions_only(flag: Flag) -> None:
    """A4: cells without the flag or outside the regions stay as they are, to the card; all others are
    emptied.
    """
    world = cells(*STILL, **COARSE)
    before, inside = world.cells.copy(), np.arange(REGIONS.n) < 10
    review(world, order(flag=int(flag), rate=60.0, regions=inside))
    month(world, 30)
    met = np.zeros(world.cells.shape, dtype=bool)
    met[0] = inside[:, None, None] & ((np.arange(8) & flag) != 0)[None, None, :]
    assert not world.cells[met].any()
    assert np.array_equal(world.cells[~met], before[~met])


def test_a4_a_count_of_accounts_is_reached_in_expectation() -> None:
    """A dose given as a count reaches it, whatever the stock: here 740 million accounts over 12 months.

    Rule: within 4 standard errors of the binomial (27 thousand at most), that is within 0.015%.
    """
    world, total, days = cells(*STILL), 740_000_000, 360
    n = int(world.cells[0].sum())
    for day in range(days):
        review(world, order(flag=int(Flag.IDLE), cards=total / days))
        if day % 30 == 29:
            month(world, day)
    closed = n - int(world.cells[0].sum())
    decide_mean(closed, total, total, 1, 0.001 * total)


@pytest.mark.parametrize(("kind", "total"), [(Kind.ACCOUNT, 740_000_000), (Kind.SIM, 64_000_000)])
def test_a_count_is_reached_in_expectation_while_cards_come_and_go(kind: Kind, total: int) -> None:
    """A dose given as a count reaches it in expectation while accounts are opened and closed for other
    reasons.

    Rule: within 0.1% of the count, a hundred times what chance does to so many.
    """
    world, cleaned = cells(), 0
    zero, random = np.zeros(REGIONS.n), KeyedRandom(4, 0)
    cause = Cause.CLEANUP_DORMANT if kind == Kind.ACCOUNT else Cause.CLEANUP_SIM
    flag = Flag.IDLE if kind == Kind.ACCOUNT else Flag.ANY
    for day in range(360):
        review(world, order(kind=int(kind), cause=int(cause), flag=int(flag), cards=total / 360))
        if day % 30 == 29:
            settled = world.end_month(day, 30, zero, zero, random)
            cleaned += int((settled.accounts_cleaned if kind == Kind.ACCOUNT else settled.sims_cleaned).sum())
    assert math.isclose(cleaned, total, rel_tol=1e-3)


def test_ordinary_cards_balance_in_every_month() -> None:
    """Stock = previous stock + openings - refused - turned away - closures, and no cell is ever negative."""
    world = cells(**COARSE)
    random, share = KeyedRandom(3, 0), np.full(REGIONS.n, 0.1)
    for number in range(6):
        before = world.cells.copy()
        review(world, order(rate=0.02))
        kept = world.restricted.sum()
        settled = world.end_month(30 * number, 30, share, share, random)
        opened = int((settled.openings - settled.refused - settled.turned_away).sum())
        gone = int(before[0].sum()) + opened - int(world.cells[0].sum())
        assert 0 <= int(settled.accounts_cleaned.sum()) <= gone
        assert int(settled.wanted_cleaned.sum()) <= int(settled.accounts_cleaned.sum())
        assert 0 <= world.restricted.sum() - kept <= settled.accounts_cleaned.sum()
        assert (world.cells >= 0).all()
        assert (settled.refused + settled.turned_away <= settled.openings).all()


def test_stocks_of_ordinary_cards_follow_their_equation() -> None:
    """Without a cleanup the stock of accounts follows dN/dt = opened - closed N.

    Rule: three years in monthly steps within 0.2% of the solution of the equation.
    """
    p = load("no-measures").parameters
    world = OrdinaryCards(p, REGIONS)
    for number in range(36):
        month(world, 30 * number, days=30)
    opened, closed, first = (
        p.number(f"ordinary.accounts_{n}") for n in ("openings_per_year", "closure_per_year", "start")
    )
    years = 36 * 30 / 365.25
    expected = opened / closed + (first - opened / closed) * math.exp(-closed * years)
    assert math.isclose(world.stock(Kind.ACCOUNT), expected, rel_tol=0.002)


@pytest.mark.parametrize(("months", "observed"), [(21, 10.950e9), (48, 13.581e9)])
def test_personal_accounts_grow_to_the_observed_stocks(months: int, observed: float) -> None:
    """From January 2018 to September 2019 (F477) and to December 2021 (F481), within 3%."""
    world = cells()
    for number in range(months):
        month(world, 30 * number, days=365 * (number + 1) // 12 - 365 * number // 12)
    assert math.isclose(world.stock(Kind.ACCOUNT), observed, rel_tol=0.03)


@pytest.fixture
def day_of_cards() -> Callable[..., FraudSupplyChain]:
    """A model whose only cards are 20,000 tracked accounts on a shelf, with nothing else that could remove
    them.
    """

    def build(**columns: object) -> FraudSupplyChain:
        off = ["parameters.cards.reclaim_per_year=0", "parameters.cards.lapse_per_year=0"]
        model = FraudSupplyChain(load("no-measures", sets=["scale=5000", *off]))
        model.policy = Policy(REGIONS.n)
        model.accounts.keep(np.zeros(model.accounts.n, dtype=bool))
        model.sims.keep(np.zeros(model.sims.n, dtype=bool))
        shelf = {
            "status": Status.DEALER_STOCK,
            "kind": Kind.ACCOUNT,
            "key": keys(20_000),
            "dealer": 0,
        } | columns
        model.accounts.enter(20_000, **shelf)
        return model

    return build


def ended(model: FraudSupplyChain, status: Status) -> int:
    """Tracked accounts that ended in a status, dropped ones included."""
    return int(model.accounts.count()[Kind.ACCOUNT, status])


def test_a4_tracked_cards_are_closed_by_the_same_hazard(
    day_of_cards: Callable[..., FraudSupplyChain],
) -> None:
    """A4: k days of a cleanup leave N (1 - x sens)^k tracked cards with the flag; the others stay.

    Rule: the share closed after each of 3 days within 4 standard errors; 2% could be told.
    """
    flags = np.arange(20_000) % 2 * int(Flag.IDLE)
    model, p = day_of_cards(flags=flags, region_open=np.arange(20_000) % REGIONS.n), 0.2
    model.policy.cleanups.append(
        order(flag=int(Flag.IDLE), cause=int(Cause.CLEANUP_DORMANT), rate=-math.log1p(-p))
    )
    detection = Detection(model)
    detection.warming = 0.0  # no dealer warms a card up
    for number in range(1, 4):
        model.day = number
        detection.run()
        decide_binomial(ended(model, Status.CLEANED), 10_000, 1.0 - (1.0 - p) ** number, 0.02)
    live = model.accounts.live()
    assert (model.accounts.flags[live] == 0).sum() == 10_000
    assert model.recorder._month["closed_true"].sum() == ended(model, Status.CLEANED)


def test_a4_a_lift_multiplies_the_hazard_of_illicit_cards(
    day_of_cards: Callable[..., FraudSupplyChain],
) -> None:
    """An illicit card is met ``lift`` times as often: 1 - (1 - p)^lift; a lift of zero leaves it alone.

    Rule: within 4 standard errors; 2% could be told.
    """
    for lift, p in ((3.0, 0.1), (0.0, 0.1)):
        model = day_of_cards()
        model.policy.cleanups.append(order(rate=-math.log1p(-p), lift=lift))
        Detection(model).run()
        closed = ended(model, Status.CLEANED)
        if lift:
            decide_binomial(closed, 20_000, 1.0 - (1.0 - p) ** lift, 0.02)
        else:
            assert closed == 0


def test_a_card_at_its_use_cap_is_thrown_away_and_one_below_is_kept(
    day_of_cards: Callable[..., FraudSupplyChain],
) -> None:
    """Equation 4.6: a gang uses a card at most m times."""
    uses = np.arange(20_000) % 12
    model = day_of_cards(status=Status.ACTIVE, gang=0, uses=uses)
    model.gangs.use_cap[0] = 8
    Detection(model).run()
    assert ended(model, Status.EXHAUSTED) == int((uses >= 8).sum())
    assert model.accounts.uses[model.accounts.live()].max() == 7


def test_the_kinds_of_cells_are_those_of_the_ledger() -> None:
    """Cells hold accounts, phone cards and IoT cards, in this order."""
    assert KINDS == (Kind.ACCOUNT, Kind.SIM, Kind.IOT)
