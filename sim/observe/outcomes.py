"""Outcomes: every quantity that a run reports, with its unit, what it means, and which direction is good."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Outcome:
    """One outcome.

    ``kind``: ``flow`` (summed over days), ``stock`` (at the month's end), ``price`` (mean over trades of the
    month, else the last quote) or ``share``.  ``scaled``: whether simulated counts are multiplied by the
    scale. ``better``: the direction that is good for the public, empty where none is.
    """

    name: str
    unit: str
    meaning: str
    better: Literal["lower", "higher", ""]
    kind: Literal["flow", "stock", "price", "share"]
    scaled: bool = True


def _o(
    name: str, unit: str, meaning: str, better: Literal["lower", "higher", ""], kind: str, scaled: bool = True
) -> Outcome:
    return Outcome(name, unit, meaning, better, kind, scaled)  # type: ignore[arg-type]


_ALL = (
    _o("cases_true", "cases", "fraud cases that happened, by region of the victim", "lower", "flow"),
    _o("cases_reported", "cases", "cases that victims reported", "lower", "flow"),
    _o("cases_registered", "cases", "cases that police registered (filed)", "lower", "flow"),
    _o("losses_yuan", "yuan", "victims' losses before anything is frozen", "lower", "flow"),
    _o("frozen_yuan", "yuan", "money frozen before it was layered away", "higher", "flow"),
    _o("gang_income_yuan", "yuan", "money that reached gangs, by home of the gang", "lower", "flow"),
    _o(
        "price_gang_yuan",
        "yuan",
        "price a gang pays for a set, by region where the card was opened",
        "",
        "price",
    ),
    _o("price_dealer_yuan", "yuan", "price a seller pays a recruiter for a set", "", "price"),
    _o("price_opener_yuan", "yuan", "wage an opener is paid for a set", "", "price"),
    _o("sets_needed", "sets", "sets that gangs' cases needed, whether there were any or not", "", "flow"),
    _o("orders", "sets", "sets that gangs newly ordered; reissued orders do not count", "", "flow"),
    _o("orders_filled", "sets", "sets that gangs bought", "", "flow"),
    _o("cards_active", "sets", "sets in use", "lower", "stock"),
    _o("cards_gang_stock", "sets", "sets in gangs' stock or on the way to them", "lower", "stock"),
    _o("cards_dealer_stock", "sets", "sets on dealers' shelves", "lower", "stock"),
    _o("sims_active", "phone cards", "illicit phone cards in use", "lower", "stock"),
    _o("sims_bought", "phone cards", "illicit phone cards that gangs bought", "lower", "flow"),
    _o(
        "involved_new_cards",
        "cards",
        "newly opened cards traced to a case, by region of opening",
        "lower",
        "flow",
    ),
    _o("cases_bought", "cases", "true cases on bought accounts", "", "flow"),
    _o("cases_own", "cases", "true cases on gang members' own accounts", "", "flow"),
    _o("cases_corporate", "cases", "true cases on corporate accounts", "", "flow"),
    _o("cases_points", "cases", "true cases on running points (rented payment codes)", "", "flow"),
    _o("cases_guarded", "cases", "true cases on accounts of guarded on-site openers", "", "flow"),
    _o("cases_stablecoin", "cases", "true cases through stablecoin brokers", "", "flow"),
    _o("cases_cash", "cases", "true cases through cash couriers", "", "flow"),
    _o("cases_unknown", "cases", "true cases on a channel unknown before", "", "flow"),
    _o("contacts_sim", "contacts", "people reached by phone cards, by home of the gang", "", "flow"),
    _o("contacts_iot", "contacts", "people reached by IoT cards", "", "flow"),
    _o("contacts_voip", "contacts", "people reached by internet telephony", "", "flow"),
    _o("contacts_messaging", "contacts", "people reached by messaging apps", "", "flow"),
    _o("own_account_share", "share", "share of cases on gang members' own accounts", "", "share"),
    _o("substitute_share", "share", "share of cases on neither bought nor own accounts", "", "share"),
    _o("cases_lost_for_cards", "cases", "cases that came to nothing for want of a card", "higher", "flow"),
    _o("openings_attempted_illicit", "cards", "accounts that openers tried to open", "", "flow"),
    _o("openings_refused_illicit", "cards", "of these refused by screening", "higher", "flow"),
    _o("openings_lost_illicit", "cards", "of these lost because the outlet was suspended", "higher", "flow"),
    _o("openings_illicit", "cards", "of these opened", "lower", "flow"),
    _o("openings_insider", "cards", "of these by insiders at outlets", "lower", "flow"),
    _o("openings_legitimate", "accounts", "accounts that honest people applied for", "", "flow", False),
    _o("openings_refused_legitimate", "accounts", "of these refused in error", "lower", "flow", False),
    _o(
        "openings_lost_to_suspension",
        "accounts",
        "of these turned away by a suspended outlet",
        "lower",
        "flow",
        False,
    ),
    _o("closed_true", "cards", "illicit cards closed by cleanups", "higher", "flow"),
    _o(
        "closed_false",
        "cards",
        "honest cards cleaned though their holder wanted them",
        "lower",
        "flow",
        False,
    ),
    _o("accounts_cleaned", "accounts", "ordinary accounts restricted, merged or closed", "", "flow", False),
    _o("sims_cleaned", "phone cards", "ordinary phone cards closed", "", "flow", False),
    _o("iot_cleaned", "IoT cards", "ordinary IoT cards closed", "", "flow", False),
    _o("cards_warmed_up", "cards", "sleeping illicit cards warmed up by dealers", "lower", "flow"),
    _o("holders_barred", "persons", "past openers barred from new accounts", "", "flow"),
    _o("holders_barred_in_error", "persons", "honest persons barred in error", "lower", "flow", False),
    _o("accounts_frozen_in_error", "accounts", "honest accounts frozen in error", "lower", "flow", False),
    _o("transfers_held_legitimate", "transfers", "honest transfers held back", "lower", "flow", False),
    _o("police_hours", "hours", "hours of police on leads, arrests and dissuasion", "lower", "flow", False),
    _o("cards_detected", "cards", "illicit cards stopped by detection of their use", "higher", "flow"),
    _o("cards_seized", "cards", "live illicit bank cards seized", "higher", "flow"),
    _o("sims_seized", "phone cards", "live illicit phone cards seized", "higher", "flow"),
    _o("arrests_gang", "persons", "fraud-gang members arrested", "", "flow"),
    _o("arrests_dealer", "persons", "dealers arrested", "", "flow"),
    _o("arrests_opener", "persons", "openers arrested", "", "flow"),
    _o("gangs_removed", "gangs", "fraud gangs broken up", "higher", "flow"),
    _o("gangs_relocated", "gangs", "fraud gangs that moved abroad, by former home", "", "flow"),
    _o("gangs_left", "gangs", "fraud gangs that gave up", "higher", "flow"),
    _o("cases_solved", "cases", "cases that police solved", "higher", "flow"),
    _o("gangs", "gangs", "fraud gangs at the month's end", "lower", "stock"),
    _o("dealers", "cells", "dealer cells at the month's end", "lower", "stock"),
    _o("awareness", "share", "awareness of fraud among adults at the month's end", "higher", "share"),
)

OUTCOMES: dict[str, Outcome] = {o.name: o for o in _ALL}
