"""Check A22 over the doses of measures: with adaptation off, more of a measure never helps the gangs."""

from functools import cache

import numpy as np
import pytest
from doses import DOSES, measure

from sim.interventions import MEASURES
from sim.model import FraudSupplyChain
from sim.scenario import load

COVERAGES = (0.0, 0.5, 1.0)
REPLICATES = 4
WINDOW = {"start": "2020-10-01", "end": "2020-12-31"}
SWITCHED_OFF = [
    "scale=2000", "rival=no-adaptation", "adaptation.since=2018-01-01", "parameters.banks.outlets=5000",
]  # fmt: skip


@cache
def income(name: str, coverage: float) -> tuple[float, ...]:
    """What gangs earned over three months, million yuan, in each replicate."""
    base = load("no-measures", sets=SWITCHED_OFF, **WINDOW)
    added = (measure(name, coverage=coverage),) if coverage else ()
    scenario = base.model_copy(update={"interventions": added})
    earned = []
    for replicate in range(REPLICATES):
        model = FraudSupplyChain(scenario, replicate=replicate)
        model.run_model()
        earned.append(model.recorder.counts()["gang_income_yuan"] * model.scale / 1e8)
    return tuple(earned)


@pytest.mark.parametrize("name", MEASURES)
def test_a22_more_of_a_measure_never_helps_the_gangs(name: str) -> None:
    """A22: along doses 0, 1/2, 1 the gangs' income does not rise beyond noise.

    Rule: between any two doses the mean paired difference over 4 replicates is at most 4 standard errors
    above 0.
    """
    assert name in DOSES
    doses = [np.array(income(name if coverage else "publicity", coverage)) for coverage in COVERAGES]
    for less, more in ((doses[0], doses[1]), (doses[1], doses[2]), (doses[0], doses[2])):
        rise = more - less
        error = rise.std(ddof=1) / np.sqrt(REPLICATES)
        assert rise.mean() <= 4.0 * error + 1e-9
