"""Small worlds in which one measure acts on its first day, for the identities of measures."""

from datetime import date
from typing import Any

import numpy as np
from reference import keys

from sim.interventions import MEASURES, Window
from sim.model import FraudSupplyChain
from sim.policy import Policy
from sim.processes.counter import Openings
from sim.scenario import load

DAY0 = date(2018, 1, 1)
STILL = (
    "parameters.insiders.turnover_per_year=0",
    "parameters.cards.reclaim_per_year=0",
    "parameters.cards.lapse_per_year=0",
    "parameters.sims.lapse_per_year=0",
    "parameters.detection.sim_per_day=0",
    "parameters.detection.iot_per_day=0",
)
"""Nothing happens to cards and insiders of itself."""


def world(*sets: str) -> FraudSupplyChain:
    """A world on its first day, before anybody has acted."""
    model = FraudSupplyChain(load("no-measures", sets=["scale=1000", *sets]))
    for number, _, phase in model.phases:
        if number <= 2:
            phase()
    model.stocks.count(model)
    return model


def order(model: FraudSupplyChain, name: str, *, day: int = 0, **fields: Any) -> Policy:
    """Today's policy vector with one measure in force from the first day, which is also the model's."""
    measure = MEASURES[name].model_validate({"measure": name, "start": DAY0, **fields})
    regions = model.regions
    window = Window(DAY0, model.days, regions.codes, regions.share, float(regions.adults.sum()))
    model.policy = Policy(regions.n)
    measure.act(day, window, model.policy)
    return model.policy


def attempts(model: FraudSupplyChain, persons: int, each: int) -> Openings:
    """``each`` attempts by each of some openers, all in one region and at places still to be chosen."""
    visit = np.repeat(np.arange(persons), each)
    n = len(visit)
    region = np.full(n, model.regions.number("GD"))
    return Openings(
        keys(n), visit, visit, np.zeros(n, np.int64), region, np.zeros(n, bool), np.zeros(n, np.int64)
    )
