"""Fingerprints: short runs boiled down to a hash each, which no optimisation may change.

A fingerprint covers everything a run knows at its end that is a whole number: what was counted month by
month in every region, the ledger of cards and money, and every integer column of the tables of cards, gangs,
dealers and openers, row by row. Numbers with a fraction decide what happens through these, so a change of a
rule shows here; the last bit of a logarithm, which another processor may round another way, does not.

    python -m sim.bench.bits > results/reference/fingerprints.json
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from sim.model import FraudSupplyChain

RUNS: dict[str, dict[str, Any]] = {
    "operation-500": {
        "scenario": "card-broken-2020",
        "scale": 500,
        "start": "2020-07-01",
        "end": "2021-03-31",
    },
    "operation-50-two-threads": {
        "scenario": "card-broken-2020",
        "scale": 50,
        "start": "2020-10-01",
        "end": "2020-11-15",
        "threads": 2,
        "audit": "day",
    },
    "operation-draw": {
        "scenario": "card-broken-2020",
        "scale": 200,
        "start": "2020-12-01",
        "end": "2021-04-30",
        "draw": 3,
        "replicate": 2,
    },
    "no-measures-200": {"scenario": "no-measures", "scale": 200, "start": "2018-01-01", "end": "2018-12-31"},
    "no-card-effect": {
        "scenario": "card-broken-2020",
        "scale": 500,
        "start": "2020-11-01",
        "end": "2021-02-28",
        "rival": "no-card-effect",
    },
}
"""Runs by name: scenario, scale, window, structure, and the options of the model."""


def fingerprint(model: FraudSupplyChain) -> str:
    """SHA-256 of the whole numbers of a run, in hexadecimal."""
    digest = hashlib.sha256()
    text = json.dumps(model.recorder.counts(), sort_keys=True)
    digest.update(text.encode())
    monthly = model.recorder.monthly()
    for name in sorted(monthly.columns):
        if monthly[name].dtype.kind in "iu":
            digest.update(name.encode() + monthly[name].to_numpy(dtype="<i8").tobytes())
    for books in (model.ledger.money, model.ledger.moves, model.ledger.entered):
        digest.update(np.ascontiguousarray(books, dtype="<i8").tobytes())
    for table in (model.accounts, model.sims, model.gangs, model.dealers, model.openers):
        for name in table.names:
            column = getattr(table, name)
            if column.dtype.kind in "iu":
                digest.update(name.encode() + np.ascontiguousarray(column).tobytes())
    return digest.hexdigest()


def made(name: str) -> str:
    """The fingerprint of a run of `RUNS`, made now."""
    from sim.model import FraudSupplyChain
    from sim.scenario import load

    how = dict(RUNS[name])
    sets = [f"{key}={how.pop(key)}" for key in ("scale", "rival") if key in how]
    scenario = load(how.pop("scenario"), sets=sets, start=how.pop("start"), end=how.pop("end"))
    model = FraudSupplyChain(scenario, **how)
    model.run_model()
    return fingerprint(model)


if __name__ == "__main__":
    print(json.dumps({name: made(name) for name in RUNS}, indent=1))
