"""Measures of policy, one class each.  A new measure is a class here and a line in :data:`MEASURES`."""

from __future__ import annotations

from sim.interventions.banks import OpeningSuspension, RiskControlLinkage
from sim.interventions.base import Measure, Window
from sim.interventions.cards import AccountCleanup, PhoneCardCleanup
from sim.interventions.enforcement import ClusterCampaign
from sim.interventions.public import AntifraudApp, DissuasionOrders, Publicity, WarningLine

MEASURES: dict[str, type[Measure]] = {
    "cluster_campaign": ClusterCampaign,
    "phone_card_cleanup": PhoneCardCleanup,
    "account_cleanup": AccountCleanup,
    "opening_suspension": OpeningSuspension,
    "risk_control_linkage": RiskControlLinkage,
    "publicity": Publicity,
    "antifraud_app": AntifraudApp,
    "dissuasion_orders": DissuasionOrders,
    "warning_line": WarningLine,
}

__all__ = ["MEASURES", "Measure", "Window"]
