"""Observed patterns beside simulated ones.

Each pattern is a sign, a ratio or a lag that the public record states and that a run either shows or does
not. A pattern is measured in every run of one scenario by itself; the table gives the median over the runs
with the range from 5% to 95%, and the share of runs inside the pass band. A pattern passes when at least half
of the runs do.

To add a pattern, write a function that measures it (its docstring is the definition that is printed) and add
a row to `PATTERNS`.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

NATION = "CN"
PILOT = "GD"
"""Guangdong, where the operation's card measures began on 1 September 2020."""

LAUNCH_MONTH = pd.Timestamp(2020, 10, 1)
COLUMNS = ("id", "what", "observed", "simulated", "low", "high", "band", "pass_share", "runs", "verdict")


@dataclass(frozen=True)
class Part:
    """One measured quantity of a pattern: a value and a yes or no for each run.

    `values` is float64 with one entry a run, infinite where the thing never happens; `show` prints one value.
    """

    id: str
    what: str
    observed: str
    band: str
    values: np.ndarray
    good: np.ndarray
    show: Callable[[float], str]


class Months:
    """One scenario's monthly table, laid out as months times runs."""

    def __init__(self, monthly: pd.DataFrame) -> None:
        self._monthly = monthly
        self.months = pd.DatetimeIndex(sorted(monthly["month"].unique()))

    def of(self, column: str, region: str = NATION) -> pd.DataFrame:
        """An outcome in a region: rows are months, columns are runs (draw, replicate), values float64."""
        rows = self._monthly[self._monthly["region"] == region]
        return rows.pivot(index="month", columns=["draw", "replicate"], values=column).astype("float64")

    def cover(self, first: str, last: str, region: str) -> bool:
        """Whether the runs cover the months from `first` to `last`, also in `region`."""
        wanted = pd.date_range(first, last, freq="MS")
        return bool(wanted.isin(self.months).all()) and region in set(self._monthly["region"])


@dataclass(frozen=True)
class Pattern:
    """A row of the table of patterns: what it needs and how it is measured."""

    id: str
    title: str
    first: str
    last: str
    region: str
    measure: Callable[[Months], list[Part]]

    @property
    def definition(self) -> str:
        """How the pattern is measured, in words: the docstring of the function that measures it."""
        return " ".join((inspect.getdoc(self.measure) or "").split())


def first_fall(months: Months) -> list[Part]:
    """Months from October 2020 (0) to the first month whose national registered cases are below those of the
    same month a year before; June 2021 is 8.
    """
    change = year_on_year(months.of("cases_registered")).loc[LAUNCH_MONTH:]
    lag = _first_true(change < 0)
    return [
        Part(
            "P1",
            "launch to first year-on-year fall",
            "8 months",
            "6 to 10",
            lag,
            _within(lag, 6, 10),
            _whole_months,
        )
    ]


def spring_turn(months: Months) -> list[Part]:
    """Change of national registered cases from April to May 2021; and the month between October 2020 and
    December 2021 in which they are highest.
    """
    cases = months.of("cases_registered")
    change = (cases.loc["2021-05-01"] / cases.loc["2021-04-01"] - 1).to_numpy()
    peak = _peak(cases)
    return [
        Part(
            "P2a",
            "April to May 2021",
            "-14.3%",
            "-20% to -8%",
            change,
            _within(change, -0.20, -0.08),
            _per_cent,
        ),
        Part(
            "P2b",
            "month of the peak",
            "by April 2021",
            "Mar to Apr 2021",
            peak,
            _within(peak, 5, 6),
            _month_name,
        ),
    ]


def summer_falls(months: Months) -> list[Part]:
    """How many of June, July and August 2021 have fewer national registered cases than the same month of
    2020.
    """
    falls = year_on_year(months.of("cases_registered")).loc["2021-06-01":"2021-08-01"] < 0
    count = falls.sum().to_numpy(dtype="float64")
    return [
        Part("P3", "year on year down, June to August 2021", "3 of 3", "3 of 3", count, count == 3, _of_three)
    ]


def price_rise(months: Months) -> list[Part]:
    """Gang-level price of a set in Guangdong: January 2021 over the mean of June to August 2020."""
    price = months.of("price_gang_yuan", PILOT)
    ratio = (price.loc["2021-01-01"] / price.loc["2020-06-01":"2020-08-01"].mean()).to_numpy()
    return [
        Part(
            "P5",
            "gang price, Jan 2021 on summer 2020",
            "about x10",
            "x4 to x15",
            ratio,
            _within(ratio, 4, 15),
            _times,
        )
    ]


def price_ladder(months: Months) -> list[Part]:
    """National prices of a set at the three levels, means of October and November 2020: the opener's below
    the dealer's below the gang's; dealer's over opener's; gang's over dealer's.
    """
    opener, dealer, gang = (
        months.of(f"price_{level}_yuan").loc["2020-10-01":"2020-11-01"].mean().to_numpy()
        for level in ("opener", "dealer", "gang")
    )
    rising = (opener < dealer) & (dealer < gang)
    lower, upper = dealer / opener, gang / dealer
    return [
        Part("P6a", "opener < dealer < gang price", "yes", "yes", rising.astype("float64"), rising, _yes),
        Part("P6b", "dealer over opener price", "x5", "x2 to x8", lower, _within(lower, 2, 8), _times),
        Part("P6c", "gang over dealer price", "x2", "x1.3 to x4", upper, _within(upper, 1.3, 4), _times),
    ]


def involved_cards(months: Months) -> list[Part]:
    """New cards that turn up in cases in Guangdong: November over September 2020, less one. The record counts
    one pilot city by day.
    """
    cards = months.of("involved_new_cards", PILOT)
    change = (cards.loc["2020-11-01"] / cards.loc["2020-09-01"] - 1).to_numpy()
    return [
        Part(
            "P7",
            "new involved cards, Sep to Nov 2020",
            "-70%",
            "-85% to -50%",
            change,
            _within(change, -0.85, -0.50),
            _per_cent,
        )
    ]


def pilot_leads(months: Months) -> list[Part]:
    """Months from the first month, from October 2020 on, in which illicit openings that succeed in Guangdong
    are below half of September 2020, to the month in which national registered cases are highest (October
    2020 to December 2021).
    """
    opened = months.of("openings_illicit", PILOT)
    collapse = _first_true(opened.loc[LAUNCH_MONTH:] < opened.loc["2020-09-01"] / 2)
    peak = _peak(months.of("cases_registered"))
    lead = np.where(np.isfinite(collapse), peak - collapse, math.inf)
    return [
        Part(
            "P8",
            "pilot collapse to national turn",
            "4 to 5 months or more",
            "3 to 8",
            lead,
            _within(lead, 3, 8),
            _whole_months,
        )
    ]


PATTERNS = (
    Pattern("P1", "lag of the fall", "2019-10-01", "2021-12-01", NATION, first_fall),
    Pattern("P2", "turn in spring 2021", "2020-10-01", "2021-12-01", NATION, spring_turn),
    Pattern("P3", "three falls in a row", "2020-06-01", "2021-08-01", NATION, summer_falls),
    Pattern("P5", "price rise in the pilot province", "2020-06-01", "2021-01-01", PILOT, price_rise),
    Pattern("P6", "price ladder", "2020-10-01", "2020-11-01", NATION, price_ladder),
    Pattern("P7", "involved cards in the pilot province", "2020-09-01", "2020-11-01", PILOT, involved_cards),
    Pattern("P8", "pilot province leads the nation", "2020-09-01", "2021-12-01", PILOT, pilot_leads),
)


def year_on_year(series: pd.DataFrame) -> pd.DataFrame:
    """Change on the same month a year before, as a share; NaN in the first twelve months."""
    return series / series.shift(12) - 1


def measure(monthly: pd.DataFrame) -> pd.DataFrame:
    """Every pattern measured in the runs of one scenario.

    Parameters
    ----------
    monthly
        The rows of one scenario of a results table.

    Returns a frame with the columns `COLUMNS`, one row for each quantity (`simulated`, `low` and `high` are
    text: median and 5-95% range over the runs) and a last row `all`: the runs that show every pattern that
    the run's months cover.
    """
    months = Months(monthly)
    rows, everything = [], []
    for pattern in PATTERNS:
        if not months.cover(pattern.first, pattern.last, pattern.region):
            rows.append(_not_covered(pattern))
            continue
        with np.errstate(divide="ignore", invalid="ignore"):
            parts = pattern.measure(months)
        rows += [_row(part) for part in parts]
        everything += [part.good for part in parts]
    return pd.DataFrame([*rows, _all_row(everything)], columns=list(COLUMNS))


def table_of(monthly: pd.DataFrame, prior: pd.DataFrame | None = None) -> pd.DataFrame:
    """The table of patterns; with runs of prior draws, their pass shares beside it.

    `prior` holds one run for each draw; it adds the columns prior_pass_share and prior_draws.
    """
    table = measure(monthly)
    if prior is None:
        return table
    rates = measure(prior)[["id", "pass_share", "runs"]]
    rates = rates.rename(columns={"pass_share": "prior_pass_share", "runs": "prior_draws"})
    return table.merge(rates, on="id", how="left", validate="one_to_one")


def definitions() -> list[tuple[str, str]]:
    """How each pattern is measured: (id, words)."""
    return [(pattern.id, pattern.definition) for pattern in PATTERNS]


def _row(part: Part) -> dict[str, object]:
    share = float(part.good.mean())
    low, middle, high = (part.show(value) for value in _quantiles(part.values))
    return {
        "id": part.id,
        "what": part.what,
        "observed": part.observed,
        "simulated": middle,
        "low": low,
        "high": high,
        "band": part.band,
        "pass_share": share,
        "runs": len(part.values),
        "verdict": "pass" if share >= 0.5 else "fail",
    }


def _not_covered(pattern: Pattern) -> dict[str, object]:
    empty: dict[str, object] = dict.fromkeys(COLUMNS, "")
    return empty | {
        "id": pattern.id,
        "what": pattern.title,
        "pass_share": math.nan,
        "runs": 0,
        "verdict": "not covered by the run",
    }


def _all_row(good: list[np.ndarray]) -> dict[str, object]:
    empty: dict[str, object] = dict.fromkeys(COLUMNS, "")
    row = empty | {"id": "all", "what": "every pattern above in one run", "pass_share": math.nan, "runs": 0}
    if not good:
        return row
    every = np.logical_and.reduce(good)
    share = float(every.mean())
    return row | {"pass_share": share, "runs": len(every), "verdict": "pass" if share >= 0.5 else "fail"}


def _quantiles(values: np.ndarray) -> np.ndarray:
    """5%, 50% and 95%; where something never happens in a run, the nearest run's value instead of a mean of
    two.
    """
    known = values[~np.isnan(values)]
    if not len(known):
        return np.full(3, math.nan)
    quantiles: np.ndarray = np.quantile(
        known, [0.05, 0.50, 0.95], method="linear" if np.isfinite(known).all() else "nearest"
    )
    return quantiles


def _first_true(table: pd.DataFrame) -> np.ndarray:
    """For each run, the number of the first month that is true, from 0 on; infinite where none is."""
    values = table.to_numpy()
    return np.where(values.any(axis=0), values.argmax(axis=0), math.inf).astype("float64")


def _peak(cases: pd.DataFrame) -> np.ndarray:
    """Months from October 2020 to the highest month up to December 2021."""
    peak: np.ndarray = cases.loc["2020-10-01":"2021-12-01"].to_numpy().argmax(axis=0)
    return peak.astype("float64")


def _within(values: np.ndarray, low: float, high: float) -> np.ndarray:
    return (values >= low) & (values <= high)


def _whole_months(value: float) -> str:
    if not math.isfinite(value):
        return "never"
    return f"{value:.0f} month" + ("" if round(abs(value)) == 1 else "s")


def _per_cent(value: float) -> str:
    return f"{value:+.1%}" if math.isfinite(value) else "none"


def _times(value: float) -> str:
    return f"x{value:.1f}" if math.isfinite(value) else "none"


def _of_three(value: float) -> str:
    return f"{value:.0f} of 3"


def _yes(value: float) -> str:
    return "yes" if value >= 0.5 else "no"


def _month_name(value: float) -> str:
    return (LAUNCH_MONTH + pd.DateOffset(months=round(value))).strftime("%b %Y")
