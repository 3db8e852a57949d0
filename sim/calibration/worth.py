"""What a datum that is missing would be worth: how much narrower the forecast would be, if it were known.

Among the runs nearest to the record the forecast is predicted from what their records would say of the
targets, then from that and the datum, each with its error; by ridge regression, always for runs that it had
not seen. What the datum takes off the variance that the targets leave is its worth: the expected reduction
of the forecast's variance, as far as a linear prediction can use it. It is a lower bound, and it is noisy; a
bootstrap over runs says whether it can be told from nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sim.calibration.emulator import distance
from sim.calibration.library import Library
from sim.calibration.targets import Target
from sim.study.compare import HEADLINE, NATION
from sim.study.pattern_parts import PILOT, Months

WORTH_SALT = 18
RUNS = 200
FOLDS, REPEATS, RESAMPLES = 5, 5, 1000
PENALTIES = np.logspace(-1, 4, 11)


@dataclass(frozen=True)
class Datum:
    """A datum that nobody has published: ``values`` float64 (runs, numbers) in the order of the library, on
    the scale of ``error``, the standard deviation with which each number would be known.
    """

    name: str
    title: str
    values: np.ndarray
    error: float


def monthly_datum(
    name: str,
    title: str,
    waves: Sequence[pd.DataFrame],
    outcome: str,
    region: str,
    months: tuple[str, str],
    error: float,
    least: float,
) -> Datum:
    """Logarithms of an outcome by month in a region, of the monthly tables that the library was made of.

    Values below ``least`` count as that, such as half of what one simulated unit stands for: runs in which a
    coarse model shows none would be left out otherwise, and they are not just any.
    """
    parts = []
    for monthly in waves:
        table = Months(monthly).of(outcome, region).loc[f"{months[0]}-01" : f"{months[1]}-01"]
        parts.append(table.to_numpy(dtype="float64").T)
    values = np.concatenate(parts)
    return Datum(name, title, np.log(np.maximum(values, least)), error)


def parameter_datum(name: str, title: str, library: Library, names: Sequence[str], error: float) -> Datum:
    """Parameters themselves, as shares of their priors."""
    return Datum(name, title, library.shares[:, [library.names.index(each) for each in names]], error)


def missing(library: Library, waves: Sequence[pd.DataFrame]) -> list[Datum]:
    """Data that could be published and are not, of the monthly tables that the library was made of.

    Absolute delays of freezing have no prior, so nothing here can say what they are worth; how much sooner
    one channel's money is frozen than another's has one. What the tables do not hold is left out.
    """
    since, until = "2020-10", "2021-09"
    least = 0.5 * library.scale
    series = (
        ("cases", "registered cases, monthly", HEADLINE, NATION, 0.02, least),
        ("price", "what gangs pay for a set, monthly", "price_gang_yuan", NATION, 0.2, 1.0),
        (
            "new-cards",
            "involved new cards in the pilot, monthly",
            "involved_new_cards",
            PILOT,
            0.1,
            least,
        ),
        (
            "own-accounts",
            "share of cases on own accounts, monthly",
            "own_account_share",
            NATION,
            0.2,
            1e-3,
        ),
        ("openings", "cards opened for the trade, monthly", "openings_illicit", NATION, 0.2, least),
    )
    found = [
        monthly_datum(name, title, waves, outcome, region, (since, until), error, floor)
        for name, title, outcome, region, error, floor in series
        if all((monthly["region"] == region).any() for monthly in waves)
    ]
    if factors := [name for name in library.names if name.endswith("_freeze_factor")]:
        title = "how much sooner money is frozen, channel by channel"
        found.append(parameter_datum("freezing", title, library, factors, 0.1))
    return found


def last_year(library: Library) -> np.ndarray:
    """Logarithm of the registered cases of the last year of every run, float64 (runs)."""
    year = library.months.year == library.months.year[-1]
    return np.asarray(np.log(np.maximum(library.cases[:, year].sum(axis=1), library.scale)))


def worth(
    library: Library, targets: Sequence[Target], forecast: np.ndarray, data: Sequence[Datum], seed: int
) -> pd.DataFrame:
    """A row a datum, best first: `reduction` of the forecast's variance, its 90% interval, a verdict.

    ``forecast`` is float64 (runs), best a logarithm. Of the library the `RUNS` runs nearest to the record
    count that have all values.
    """
    known = library.deviations(targets)
    whole = np.isfinite(known).all(axis=1) & np.isfinite(forecast)
    for datum in data:
        whole &= np.isfinite(datum.values).all(axis=1)
    near = np.argsort(np.where(whole, distance(library, targets), np.inf), kind="stable")
    near = near[: min(RUNS, int(whole.sum()))]
    y, base = forecast[near], known[near]
    rows = []
    for datum in data:
        more = datum.values[near]
        squares = np.zeros((2, len(near)))
        for repeat in range(REPEATS):
            rng = np.random.Generator(np.random.PCG64([seed, WORTH_SALT, repeat]))
            fold = rng.permutation(np.arange(len(near)) % FOLDS)
            seen = base + rng.standard_normal(base.shape)
            told = more + datum.error * rng.standard_normal(more.shape)
            squares[0] += _squares(seen, y, fold) / REPEATS
            squares[1] += _squares(np.column_stack([seen, told]), y, fold) / REPEATS
        rows.append(
            {"datum": datum.name, "title": datum.title, "error": datum.error, **_reduction(squares, seed)}
        )
    found = pd.DataFrame(rows)
    return found.sort_values("reduction", ascending=False, kind="stable", ignore_index=True)


def _squares(features: np.ndarray, values: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """Squared errors of predictions of values by a ridge regression that had not seen them."""
    from sklearn.linear_model import RidgeCV

    found = np.empty(len(values))
    for number in range(FOLDS):
        seen = fold != number
        mean, spread = features[seen].mean(axis=0), features[seen].std(axis=0) + 1e-12
        model = RidgeCV(alphas=PENALTIES).fit((features[seen] - mean) / spread, values[seen])
        found[~seen] = (values[~seen] - model.predict((features[~seen] - mean) / spread)) ** 2
    return found


def _reduction(squares: np.ndarray, seed: int) -> dict[str, object]:
    rng = np.random.Generator(np.random.PCG64([seed, WORTH_SALT, REPEATS]))
    count = squares.shape[1]
    draws = rng.integers(0, count, (RESAMPLES, count))
    resampled = 1.0 - squares[1][draws].sum(axis=1) / squares[0][draws].sum(axis=1)
    low, high = (float(end) for end in np.quantile(resampled, [0.05, 0.95]))
    return {
        "reduction": float(1.0 - squares[1].sum() / squares[0].sum()),
        "low": low,
        "high": high,
        "runs": count,
        "verdict": "narrows the forecast" if low > 0.0 else "cannot be told from nothing",
    }
