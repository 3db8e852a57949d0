"""No optimisation changes a result: short runs have the fingerprints that were written down.

A change that is meant to move numbers is marked in the changelog, and the reference is made again with
``python -m sim.bench.bits > results/reference/fingerprints.json``.
"""

import json
from pathlib import Path

import pytest

from sim.bench.bits import RUNS, fingerprint, made
from sim.model import FraudSupplyChain
from sim.scenario import load

REFERENCE = Path(__file__).resolve().parents[2] / "results" / "reference" / "fingerprints.json"


@pytest.mark.parametrize("name", RUNS)
def test_a_run_has_the_fingerprint_that_was_written_down(name: str) -> None:
    """Bit for bit what it was, whatever became faster since."""
    assert made(name) == json.loads(REFERENCE.read_text())[name]


def test_every_reference_has_its_run() -> None:
    assert json.loads(REFERENCE.read_text()).keys() == RUNS.keys()


def test_a_fingerprint_sees_one_card_less() -> None:
    """One card or one fen elsewhere is another run."""
    model = FraudSupplyChain(load("no-measures", sets=["scale=2000"], start="2018-01-01", end="2018-01-31"))
    model.run_model()
    before = fingerprint(model)
    assert fingerprint(model) == before
    model.accounts.uses[0] += 1
    assert fingerprint(model) != before
    model.accounts.uses[0] -= 1
    model.ledger.money[0] += 1
    assert fingerprint(model) != before
