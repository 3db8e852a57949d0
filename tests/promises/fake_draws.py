"""Tables of draws for tests: some parameters at quantiles of their priors, in memory and as files."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np

from sim.calibration.bank import as_draws
from sim.draws.file import About, write_draws
from sim.scenario import load
from sim.scenario.draws import Draws

NAMES = (
    "gangs.growth_per_year",
    "market.sharpness",
    "openers.arrest_weight",
    "dealers.cells",
    "insiders.agents",
)
KNOWN_BY = date(2019, 2, 10)


def table(draws: int, seed: int = 1, names: tuple[str, ...] = NAMES) -> Draws:
    """A table of so many draws, other ones for another seed."""
    shares = np.random.default_rng(seed).uniform(0.05, 0.95, (draws, len(names)))
    return as_draws(shares, names, load("baseline").parameters, "made up")


def write_table(path: Path, draws: Draws, structure: str = "none") -> Path:
    """A file with a table, as a calibration leaves it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    about = About("cardbreak calibrate", "card-broken-2020", structure, KNOWN_BY, "made up", {"size": 3})
    write_draws(path, draws, about)
    return path
