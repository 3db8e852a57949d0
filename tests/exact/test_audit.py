"""Checks A17 and A18: money to the fen and cards one by one, every day of the whole operation; and the alarm
works.
"""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.kernels.money import FEN
from sim.model import FraudSupplyChain
from sim.scenario import load
from sim.world.cards import CardTable
from sim.world.codes import Kind, Status
from sim.world.ledger import Account, AuditError, Ledger

PROPERTY = settings(max_examples=150, deadline=None, derandomize=True)


def test_a17_a18_hold_every_day_of_the_whole_operation(operation: FraudSupplyChain) -> None:
    """A17, A18: the audit ran on every day of 2018-2022 and nothing was broken."""
    assert operation.day == operation.days == 1826
    assert operation.audit.checks == operation.days


def test_a17_the_books_agree_with_what_the_recorder_saw(operation: FraudSupplyChain) -> None:
    """A17: losses, frozen money and the gangs' income of the books equal the recorder's sums, to the fen."""
    money, counts = operation.ledger.money, operation.recorder.counts()
    assert counts["losses_yuan"] == -money[Account.VICTIMS] > 0
    assert counts["frozen_yuan"] == money[Account.FROZEN] + money[Account.RETURNED] > 0
    arrived = (
        counts["losses_yuan"] - counts["frozen_yuan"] - operation.funds.in_flight() - money[Account.FEES]
    )
    assert 0 < counts["gang_income_yuan"] <= arrived


def test_a17_initial_cash_and_losses_equal_all_that_is_held(operation: FraudSupplyChain) -> None:
    """A17 as it is written: initial cash + losses = frozen + returned + seized + fees + cash + outside + in
    flight.
    """
    money = operation.ledger.money
    held = int(operation.gangs.cash.sum()) + int(operation.dealers.cash.sum()) + operation.funds.in_flight()
    ends = (Account.FROZEN, Account.RETURNED, Account.SEIZED, Account.FEES, Account.OPENERS, Account.OUTSIDE)
    sinks = sum(int(money[account]) for account in ends)
    assert -int(money[Account.VICTIMS]) - int(money[Account.BROUGHT]) == held + sinks
    assert all(money[account] >= 0 for account in ends)
    assert int(operation.gangs.cash.min()) >= 0


def test_a18_opened_cards_equal_the_cards_in_all_statuses(operation: FraudSupplyChain) -> None:
    """A18: every card that entered is somewhere; every transition has one place it came from and one it went
    to.
    """
    here = operation.accounts.count() + operation.sims.count()
    assert np.array_equal(here.sum(axis=1), operation.ledger.entered)
    assert (here >= 0).all()
    assert operation.ledger.entered[Kind.ACCOUNT] > 1000
    assert operation.ledger.entered[Kind.SIM] > 1000


def test_a18_no_card_comes_back_from_the_dead(operation: FraudSupplyChain) -> None:
    """A18: no transition out of a status that ends a card, and none to itself among the live ones."""
    moves = operation.ledger.moves
    assert not moves[:, Status.RESTRICTED :, :].any()
    for status in range(Status.RESTRICTED):
        assert not moves[:, status, status].any()


def test_a18_recorded_removals_are_logged_transitions(operation: FraudSupplyChain) -> None:
    """A18: cards cleaned, detected and seized as recorded are the transitions of the log."""
    ends = operation.ledger.by_status().sum(axis=0)
    counts = operation.recorder.counts()
    assert counts["closed_true"] == ends[Status.CLEANED] > 0
    assert counts["cards_detected"] == ends[Status.RESTRICTED] > 0
    arrived = counts["orders_filled"] + counts["sims_bought"]
    assert arrived == operation.ledger.moves[:, Status.DEALER_STOCK, Status.IN_TRANSIT].sum() > 0


@pytest.fixture
def young() -> FraudSupplyChain:
    """A model in its second week, with cards, cash and money in flight."""
    model = FraudSupplyChain(load("no-measures", sets=["scale=500"]), audit="day")
    for _ in range(10):
        model.step()
    return model


def steal_from_a_gang(model: FraudSupplyChain) -> int:
    """A fen disappears from a purse."""
    model.gangs.cash[np.argmax(model.gangs.cash)] -= 1
    return -1


def give_to_a_dealer(model: FraudSupplyChain) -> int:
    """A thousand yuan appear."""
    model.dealers.cash[0] += 100_000
    return 100_000


def lose_a_transfer(model: FraudSupplyChain) -> int:
    """A case's money vanishes on its way."""
    amount = int(model.funds.flight[0, FEN])
    model.funds.flight[0, FEN] = 0
    return -amount


def change_a_card_unseen(model: FraudSupplyChain) -> int:
    """A card goes back to the shelf without a word in the log."""
    row = np.flatnonzero(model.accounts.status == Status.GANG_STOCK)[0]
    model.accounts.status[row] = Status.DEALER_STOCK
    return 1


def lose_a_card(model: FraudSupplyChain) -> int:
    """A phone card is not there any more."""
    mask = np.ones(model.sims.n, dtype=bool)
    mask[0] = False
    model.sims.keep(mask)
    return 1


def forge_a_card(model: FraudSupplyChain) -> int:
    """A card that nobody opened."""
    model.accounts.append(1, kind=Kind.ACCOUNT, status=Status.GANG_STOCK, gang=0, dealer=-1)
    return -1


TAMPERING: dict[str, Callable[[FraudSupplyChain], int]] = {
    "money: gangs' cash": steal_from_a_gang,
    "money: dealers' cash": give_to_a_dealer,
    "money: in flight": lose_a_transfer,
    f"cards of kind {int(Kind.ACCOUNT)} in status {int(Status.DEALER_STOCK)}": change_a_card_unseen,
    f"cards of kind {int(Kind.SIM)}: entered = all statuses": lose_a_card,
    f"cards of kind {int(Kind.ACCOUNT)}: entered = all statuses": forge_a_card,
}


@pytest.mark.parametrize("identity", TAMPERING)
def test_a_broken_identity_stops_the_run_with_its_name_the_day_both_sides_and_the_difference(
    identity: str, young: FraudSupplyChain
) -> None:
    """One fen or one card out of place ends the run at the day's audit, and the message says what, when, how
    much.
    """
    difference = TAMPERING[identity](young)
    with pytest.raises(AuditError) as caught:
        young.audit.run()
    error = caught.value
    assert (error.identity, error.day, error.left - error.right) == (identity, 10, difference)
    for part in (identity, "day 10", str(error.left), str(error.right), f"difference {difference}"):
        assert part in str(error)


def test_books_that_do_not_add_up_are_found(young: FraudSupplyChain) -> None:
    """A17: money written to one account only breaks the sum of all accounts."""
    young.ledger.money[Account.SEIZED] += 5
    with pytest.raises(AuditError, match="losses and cash brought = all that is held"):
        young.audit.money()


def test_tampering_is_found_at_the_months_end_even_if_the_audit_is_monthly() -> None:
    """The monthly audit lets the days pass and stops the run on the last of the month."""
    model = FraudSupplyChain(load("no-measures", sets=["scale=5000"], end="2018-02-28"))
    steal_from_a_gang(model)
    with pytest.raises(AuditError) as caught:
        model.run_model()
    assert caught.value.day == 30


@PROPERTY
@given(st.lists(st.tuples(st.integers(0, 10), st.integers(0, 10), st.integers(0, 10**12)), max_size=40))
def test_payments_conserve_money(payments: list[tuple[int, int, int]]) -> None:
    """Whatever is paid, all accounts add up to 0, and each holds what came in less what went out."""
    ledger, expected = Ledger(), [0] * len(Account)
    for source, target, fen in payments:
        ledger.pay(Account(source), Account(target), fen)
        expected[source] -= fen
        expected[target] += fen
    assert ledger.money.sum() == 0
    assert ledger.money.tolist() == expected


def test_a_payment_cannot_be_negative() -> None:
    """A negative payment is a wrong sign somewhere, and says from whom to whom."""
    with pytest.raises(ValueError, match="-3 fen from GANGS to SEIZED"):
        Ledger().pay(Account.GANGS, Account.SEIZED, -3)


@PROPERTY
@given(st.data())
def test_the_log_of_cards_counts_what_is_there(data: st.DataObject) -> None:
    """After any entries and moves, cards by status as logged equal the cards themselves."""
    ledger, cards = Ledger(), []
    table = CardTable(ledger)
    for _ in range(data.draw(st.integers(0, 6))):
        kind, status, n = (data.draw(st.integers(0, top)) for top in (4, 11, 9))
        table.enter(n, kind=Kind(kind), status=Status(status))
        cards += [[kind, status] for _ in range(n)]
        if cards:
            rows = data.draw(st.lists(st.integers(0, len(cards) - 1), unique=True))
            after = data.draw(st.integers(0, 11))
            table.move(np.array(rows, dtype=np.int64), Status(after), day=3)
            for row in rows:
                cards[row][1] = after
    expected = np.zeros((len(Kind), len(Status)), dtype=np.int64)
    for kind, status in cards:
        expected[kind, status] += 1
    assert np.array_equal(ledger.by_status(), expected)
    assert np.array_equal(table.count(), expected)
    assert np.array_equal(ledger.entered, expected.sum(axis=1))
