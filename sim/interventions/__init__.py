"""Measures of policy, one class each.  A new measure is a class here and a line in :data:`MEASURES`."""

from __future__ import annotations

from sim.interventions.banks import (
    BlacklistSharing,
    InsiderInvestigation,
    InstitutionInspection,
    OpeningSuspension,
    RiskControlLinkage,
)
from sim.interventions.base import Measure, Window
from sim.interventions.cards import AccountCleanup, IotCardReview, OnePassCheck, PhoneCardCleanup
from sim.interventions.enforcement import BorderRepatriation, ClusterCampaign, FiveYearBan
from sim.interventions.funds import PoliceBankLink, StablecoinLimits, TransferLimits
from sim.interventions.public import AntifraudApp, DissuasionOrders, Publicity, WarningLine

MEASURES: dict[str, type[Measure]] = {
    "cluster_campaign": ClusterCampaign,
    "insider_investigation": InsiderInvestigation,
    "phone_card_cleanup": PhoneCardCleanup,
    "iot_card_review": IotCardReview,
    "one_pass_check": OnePassCheck,
    "account_cleanup": AccountCleanup,
    "institution_inspection": InstitutionInspection,
    "opening_suspension": OpeningSuspension,
    "risk_control_linkage": RiskControlLinkage,
    "police_bank_link": PoliceBankLink,
    "blacklist_sharing": BlacklistSharing,
    "publicity": Publicity,
    "antifraud_app": AntifraudApp,
    "dissuasion_orders": DissuasionOrders,
    "warning_line": WarningLine,
    "border_repatriation": BorderRepatriation,
    "five_year_ban": FiveYearBan,
    "transfer_limits": TransferLimits,
    "stablecoin_limits": StablecoinLimits,
}
"""The measures by id, in the order of the report, then the co-interventions."""

__all__ = ["MEASURES", "Measure", "Window"]
