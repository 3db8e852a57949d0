"""Regret: what a policy loses, at each state of what is not known, against the best policy there.

The loss is the outcome where lower is better, and minus it where higher is; the regret of a policy at a state
is its loss less the smallest loss of all policies there, on average over the replicates that all of them
have. So it is nought for the best and never below. A policy with little regret everywhere is robust: whatever
turns out to be true, not much would have been gained by choosing otherwise.

The best policy is picked on the same runs, so with few replicates part of every regret is chance. Therefore a
second share is given: of states at which a policy cannot be told from the best, by the 90% interval of their
paired difference.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sim.study.estimates import mean_interval
from sim.study.states import STATE, Reading, by_state

COLUMNS = ("policy", "states", "mean", "low", "high", "p90", "max", "best", "near_best", "verdict")
"""Columns of `regret.csv`: regret in the outcome's unit, its mean over states with a 90% interval, the value
that 90% of states stay below, the highest; shares of states at which a policy is the best (ties shared out)
and at which it is or cannot be told from the best; the verdict in words.
"""


def regret_table(reading: Reading) -> pd.DataFrame:
    """A row for each policy, the baseline among them, with the columns `COLUMNS`.

    Only states at which every policy has been run count; without any the table is empty.
    """
    losses = losses_of(reading)
    if losses.empty or len(losses.columns) < 2:
        return pd.DataFrame(columns=list(COLUMNS))
    regret = regrets(by_state(losses))
    best = regret == 0.0
    shared = best.div(best.sum(axis=1), axis=0)
    near = _near_best(losses, best)
    rows = []
    for name in regret.columns:
        values = regret[name].to_numpy()
        low, high = mean_interval(values, np.arange(len(values)))
        rows.append(
            {
                "policy": name,
                "states": len(values),
                "mean": float(values.mean()),
                "low": low,
                "high": high,
                "p90": float(np.quantile(values, 0.9)),
                "max": float(values.max()),
                "best": float(shared[name].mean()),
                "near_best": float(near[name].mean()),
                "verdict": _verdict(name, regret, best[name], near[name]),
            }
        )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def losses_of(reading: Reading) -> pd.DataFrame:
    """The loss of every policy in the runs that all have: float64, (known, draw, replicate) x policies."""
    runs: pd.DataFrame = reading.runs.dropna()
    return runs if reading.better == "lower" else -runs


def regrets(losses: pd.DataFrame) -> pd.DataFrame:
    """Losses less the smallest of their row."""
    return losses.sub(losses.min(axis=1), axis=0)


def _near_best(losses: pd.DataFrame, best: pd.DataFrame) -> pd.DataFrame:
    """Whether a policy is, or cannot be told from, the best of each state: bool (states, policies)."""
    near = best.to_numpy(copy=True)
    for place, (_, rows) in enumerate(losses.groupby(level=STATE, sort=True)):
        table = rows.to_numpy()
        for column, values in enumerate((table - table[:, [near[place].argmax()]]).T):
            low, high = mean_interval(values, np.zeros(len(values)))
            near[place, column] |= low <= 0.0 <= high
    return pd.DataFrame(near, best.index, best.columns)


def _verdict(name: str, regret: pd.DataFrame, best: pd.Series, near: pd.Series) -> str:
    """What the regret of a policy says, in plain words."""
    said = []
    worst, mean = regret.max(), regret.mean()
    if best.all():
        said.append("the best everywhere")
    elif not near.any():
        said.append("never the best anywhere")
    elif not best.any():
        said.append("never the best, but not told from it at some points")
    if worst[name] == worst.min():
        said.append("least regret at worst")
    if mean[name] == mean.min():
        said.append("least regret on average")
    else:
        more = (regret[name] - regret[mean.idxmin()]).to_numpy()
        low, high = mean_interval(more, np.arange(len(more)))
        if low <= 0.0 <= high:
            said.append("on average not told from the least")
    return "; ".join(said)
