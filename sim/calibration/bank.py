"""The bank: coarse simulations of one scenario at many points of knowledge, made once and used again.

A point is a row of shares in (0, 1), each the quantile of a parameter's prior. Points come in waves: the
first is spread over the prior, each later one over what the waves before it leave. A wave is a sweep in a
folder of its own (:mod:`sim.study.sweep`), one run a point, with the points attached as a table of draws; so
it can be stopped, gone on with and spread over a cluster, and its runs meet chance and drawn fields of
measures anew. What the bank holds depends on no target that came later than the wave: every origin, set of
targets and synthetic truth reads the same runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from sim.experiment import Experiment, Point
from sim.experiment.points import space_filling
from sim.scenario.draws import Draws
from sim.study.compare import HARM, HEADLINE
from sim.study.sweep import Sweep

if TYPE_CHECKING:
    from sim.scenario import Parameters, Scenario
    from sim.scenario.parameters import Passport

PRIOR_SALT, START_SALT = 15, 17
WAVE_SALT = 1_000
"""The sweep of a wave has the seed ``seed * WAVE_SALT + wave``, so that waves share no chance."""

OUTCOMES = tuple(
    dict.fromkeys(
        (
            HEADLINE,
            "cases_true",
            "losses_yuan",
            "price_gang_yuan",
            "price_dealer_yuan",
            "price_opener_yuan",
            "sets_needed",
            "orders_filled",
            "openings_illicit",
            "involved_new_cards",
            "own_account_share",
            "substitute_share",
            "cards_seized",
            "sims_seized",
            "arrests_gang",
            "arrests_dealer",
            "arrests_opener",
            *HARM,
        )
    )
)
"""What the bank keeps of a run, in every region and month: all that targets and patterns are read off."""


def prior_points(names: Sequence[str], count: int, seed: int) -> np.ndarray:
    """The first wave: float64 (count, parameters) in (0, 1), a Sobol sequence over the prior.

    A larger first wave begins with the points of a smaller one.
    """
    return space_filling("sobol", len(names), count, seed * 100 + PRIOR_SALT)


def start_points(names: Sequence[str], count: int, seed: int, parameters: Parameters) -> np.ndarray:
    """Points between the point values, which an earlier search found, and the prior: float64 (count,
    parameters). Each lies on the way from the point values to a point of the prior, anywhere on it.
    """
    here = point_values(names, parameters)
    there = space_filling("sobol", len(names) + 1, count, seed * 100 + START_SALT)
    return np.asarray(here + there[:, -1:] * (there[:, :-1] - here))


def point_values(names: Sequence[str], parameters: Parameters) -> np.ndarray:
    """Where the point values lie in the prior, float64 (parameters)."""
    return np.array([share_of(parameters.passport(name)) for name in names])


def share_of(passport: Passport) -> float:
    """The share of a parameter's prior that lies below its point value, by halving."""
    value, low, high = passport.value, 1e-9, 1.0 - 1e-9
    assert isinstance(value, float)  # what has a prior is one number
    for _ in range(50):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if passport.at(middle) < value else (low, middle)
    return high


def as_draws(shares: np.ndarray, names: Sequence[str], parameters: Parameters, source: str) -> Draws:
    """Points as a table of values."""
    passports = [parameters.passport(name) for name in names]
    rows = [[p.at(float(share)) for p, share in zip(passports, row, strict=True)] for row in shares]
    return Draws(tuple(names), np.array(rows), source)


def wave_sweep(
    scenario: Scenario, names: Sequence[str], shares: np.ndarray, wave: int, seed: int, title: str
) -> Sweep:
    """The runs of a wave, one a point."""
    table = as_draws(shares, names, scenario.parameters, f"wave {wave}")
    world = scenario.with_(parameters=scenario.parameters.with_draws(table))
    experiment = Experiment(
        name=f"bank-{scenario.name[:40]}-{wave}",
        title=title[:200],
        scenarios=[scenario.name],
        outcomes=list(OUTCOMES),
        regions="all",
    )
    points = (Point(world, scenario.name),)
    return Sweep(experiment, points, len(shares), len(shares), seed * WAVE_SALT + wave)
