"""cardbreak: what happens to telecom fraud when the cards run out.

The model compares what measures do, alone and together, to telecom fraud, to the supply and price of cards,
and to ordinary customers, and forecasts monthly registered cases conditional on a dated schedule of measures.
It is not for finding persons, and it holds no real detection rule.

The public API, a page::

    import sim

    scenario = sim.load("card-broken-2020", sets=["scale=500"])
    model = sim.FraudSupplyChain(scenario, seed=1)
    model.run_model()
    model.recorder.monthly()

Names are loaded when they are first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOME = {
    "load": "sim.scenario",
    "Scenario": "sim.scenario",
    "FraudSupplyChain": "sim.model",
    "Gang": "sim.agents.gang",
    "Dealer": "sim.agents.dealer",
    "Measure": "sim.interventions",
    "MEASURES": "sim.interventions",
    "OUTCOMES": "sim.observe.outcomes",
    "InputError": "sim.errors",
    "run": "sim.study.api",
    "compare": "sim.study.api",
    "tidy": "sim.observe.tidy",
    "checkpoint": "sim.state.file",
    "resume": "sim.state.file",
}

__all__ = [*_HOME]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'sim' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
