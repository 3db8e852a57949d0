"""Runs of the model that several tests look at; each is made once for all tests of a process."""

from collections.abc import Callable
from functools import cache

import pytest

from sim.model import FraudSupplyChain
from sim.scenario import load

COARSE = "scale=500"


@cache
def _finished(
    name: str,
    sets: tuple[str, ...],
    start: str | None,
    end: str | None,
    options: tuple[tuple[str, object], ...],
) -> FraudSupplyChain:
    model = FraudSupplyChain(load(name, sets=[COARSE, *sets], start=start, end=end), **dict(options))  # type: ignore[arg-type]
    model.run_model()
    return model


@pytest.fixture(scope="session")
def finished() -> Callable[..., FraudSupplyChain]:
    """A model that was run to its end: ``finished("baseline", start=..., end=..., seed=2)``; look, do not
    touch.
    """

    def run(
        name: str, *sets: str, start: str | None = None, end: str | None = None, **options: object
    ) -> FraudSupplyChain:
        return _finished(name, sets, start, end, tuple(sorted(options.items())))

    return run


@pytest.fixture(scope="session")
def operation(finished: Callable[..., FraudSupplyChain]) -> FraudSupplyChain:
    """The whole operation through its whole calendar, audited every day."""
    return finished("card-broken-2020", audit="day")
