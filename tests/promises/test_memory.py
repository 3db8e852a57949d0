"""A run leaves nothing behind: a process may make as many as it likes."""

import gc
import weakref

from sim.model import FraudSupplyChain
from sim.scenario import load


def test_a_model_that_is_no_longer_used_is_forgotten_with_its_world() -> None:
    """Mesa 3.3 itself would keep each model; agents are still numbered from 1 in every model."""
    scenario = load("card-broken-2020", sets=["scale=2000"], start="2020-10-01", end="2020-10-20")
    seen = []
    for _ in range(2):
        model = FraudSupplyChain(scenario)
        model.run_model()
        model.recorder.monthly()
        numbers = [agent.unique_id for agent in model.agents]
        assert min(numbers) == 1
        assert len(set(numbers)) == len(numbers)
        seen.append(weakref.ref(model))
        del model
    gc.collect()
    assert [model() for model in seen] == [None, None]
