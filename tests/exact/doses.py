"""Doses of every shipped measure, for the checks that go over all of them."""

from datetime import date
from typing import Any

from sim.interventions import MEASURES, Measure

LAUNCH, END = date(2020, 10, 10), date(2020, 12, 20)

DOSES: dict[str, dict[str, Any]] = {
    "cluster_campaign": {
        "suspects": [{"by": date(2020, 12, 1), "total": 200_000}],
        "card_gangs": [{"by": date(2020, 12, 1), "total": 20_000}],
        "pulses": [{"on": date(2020, 10, 20), "suspects": 4_000}],
    },
    "phone_card_cleanup": {"cards": [{"by": date(2020, 12, 20), "total": 80_000_000}], "illicit_lift": 10.0},
    "account_cleanup": {"criterion": "multi_card", "accounts": 700_000_000, "illicit_lift": 3.0},
    "opening_suspension": {"outlets": 20_000, "selection_auc": 0.9, "deterrence": 0.3},
    "risk_control_linkage": {"opening_factor": 3.0, "use_factor": 2.0, "trace_factor": 2.0},
    "publicity": {"videos": 1500, "events": 15_000, "messages": 3_620_000_000},
    "antifraud_app": {
        "covered": [{"since": LAUNCH, "level": 0.1}, {"since": date(2020, 11, 1), "level": 0.5}],
        "efficacy": 0.5,
    },
    "dissuasion_orders": {"orders_per_day": [{"since": LAUNCH, "level": 500_000.0}]},
    "warning_line": {"freeze_factor": 5.0, "report_lift": 0.3},
    "insider_investigation": {"insiders": [{"by": date(2020, 10, 20), "total": 2_000}]},
    "iot_card_review": {"cards": 1_400_000_000, "sensitivity": 1.0, "closed_share": 0.01, "sweep_days": 10},
    "one_pass_check": {"queries_per_year": 10.0, "act_share": 1.0},
    "institution_inspection": {"institutions": 4_000, "lift": 1.5, "spillover": 0.5, "displacement": 0.3},
    "police_bank_link": {"delay_days": 0.1},
    "blacklist_sharing": {"lag_days": 0, "displacement": 0.3},
    "border_repatriation": {
        "persons": [{"by": date(2020, 12, 1), "total": 60_000}],
        "closed": 0.9,
        "seized": 0.3,
    },
    "five_year_ban": {"persons": [{"by": date(2020, 12, 1), "total": 300_000}], "relevant_share": 1.0},
    "transfer_limits": {"layering_factor": 5.0, "held_share": 0.01},
    "stablecoin_limits": {"closure_per_year": 20.0, "growth_cut": 1.0},
}
"""A full dose of each measure: so large that a coarse run must show it."""

ZEROS: dict[str, dict[str, Any]] = {
    "cluster_campaign": {
        "suspects": [{"by": date(2020, 12, 1), "total": 0}],
        "card_gangs": [{"by": date(2020, 12, 1), "total": 0}],
        "pulses": [{"on": date(2020, 10, 20), "suspects": 0}],
    },
    "phone_card_cleanup": {"cards": [{"by": date(2020, 12, 20), "total": 0}]},
    "account_cleanup": {"accounts": 0},
    "opening_suspension": {"outlets": 0},
    "risk_control_linkage": {"opening_factor": 1.0, "use_factor": 1.0, "trace_factor": 1.0},
    "publicity": {"videos": 0, "events": 0, "messages": 0},
    "antifraud_app": {"covered": [{"since": LAUNCH, "level": 0.0}]},
    "dissuasion_orders": {"orders_per_day": [{"since": LAUNCH, "level": 0.0}]},
    "warning_line": {"freeze_factor": 1.0, "report_lift": 0.0},
    "insider_investigation": {"insiders": [{"by": date(2020, 10, 20), "total": 0}]},
    "iot_card_review": {"sensitivity": 0.0, "closed_share": 0.0},
    "one_pass_check": {"queries_per_year": 0.0},
    "institution_inspection": {"institutions": 0},
    "police_bank_link": {"members": 0.0},
    "blacklist_sharing": {"members": 0.0},
    "border_repatriation": {
        "persons": [{"by": date(2020, 12, 1), "total": 0}],
        "closed": 0.0,
        "seized": 0.0,
    },
    "five_year_ban": {"persons": [{"by": date(2020, 12, 1), "total": 0}]},
    "transfer_limits": {"layering_factor": 1.0, "held_share": 0.0},
    "stablecoin_limits": {"closure_per_year": 0.0, "growth_cut": 0.0},
}
"""The same measure with a dose of nothing."""


def measure(name: str, **changes: Any) -> Measure:
    """A measure at its full dose, with changes."""
    fields = {"measure": name, "id": "under_test", "start": LAUNCH, "end": END, **DOSES[name], **changes}
    return MEASURES[name].model_validate(fields)
