"""What to simulate: scenario files, the patches between them, and the parameters with their passports.

A scenario file is read safely and checked completely (`load`); what comes out is a frozen `Scenario` that
holds everything a run needs. Nothing here knows how a run is made.
"""

from sim.scenario.diff import Difference, differences
from sim.scenario.folders import shipped_experiments, shipped_folder, shipped_scenarios
from sim.scenario.load import load
from sim.scenario.parameters import Parameters, Passport
from sim.scenario.schema import Scenario
from sim.scenario.schema_json import json_schema

__all__ = [
    "Difference",
    "Parameters",
    "Passport",
    "Scenario",
    "differences",
    "json_schema",
    "load",
    "shipped_experiments",
    "shipped_folder",
    "shipped_scenarios",
]
