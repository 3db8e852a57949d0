"""What the whole operation does at the default parameters: the claims that the README makes.

Six pairs at scale 100 take about a minute, so these belong to the longer run (``make test-full``).  Rule:
every claim holds in at least four of six runs; six pairs could not decide an effect of less than about 3% of
the cases of half a year.
"""

from __future__ import annotations

import pandas as pd
import pytest

from sim.scenario import load
from sim.study.api import compare

pytestmark = pytest.mark.full
REPLICATES = 6


@pytest.fixture(scope="module")
def monthly() -> pd.DataFrame:
    """The nation's months of the baseline and of the whole operation."""
    until = ["end=2021-12-31", "scale=100"]
    operation, baseline = load("card-broken-2020", sets=until), load("baseline", sets=until)
    table = compare(operation, baseline=baseline, replicates=REPLICATES, jobs=2, draws=None).monthly
    return table[table["region"] == "CN"]


def by_run(monthly: pd.DataFrame, scenario: str, outcome: str) -> pd.DataFrame:
    """Months by replicates of one outcome."""
    rows = monthly[monthly["scenario"] == scenario]
    return rows.pivot(index="month", columns="replicate", values=outcome)


def test_cases_fall_below_the_baseline_in_every_pair(monthly: pd.DataFrame) -> None:
    """Registered cases of July to December 2021 are lower in each of the six pairs."""
    half = slice("2021-07-01", "2021-12-01")
    there, here = (
        by_run(monthly, s, "cases_registered").loc[half].sum() for s in ("baseline", "card-broken-2020")
    )
    assert (here < there).all()


def test_the_summer_is_below_the_summer_before_in_most_runs(monthly: pd.DataFrame) -> None:
    """Year on year negative in June, July and August 2021 in at least four of six runs."""
    falls = {}
    for scenario in ("baseline", "card-broken-2020"):
        cases = by_run(monthly, scenario, "cases_registered")
        change = (cases / cases.shift(12) - 1).loc["2021-06-01":"2021-08-01"]
        falls[scenario] = int((change < 0).all().sum())
    assert falls["card-broken-2020"] >= 4
    assert falls["baseline"] <= 1


def test_the_price_is_at_least_four_times_that_of_the_summer(monthly: pd.DataFrame) -> None:
    """The gang price of January 2021 over June to August 2020 is 4 or more in at least four of six runs."""
    price = by_run(monthly, "card-broken-2020", "price_gang_yuan")
    ratio = price.loc["2021-01-01"] / price.loc["2020-06-01":"2020-08-01"].mean()
    assert int((ratio >= 4).sum()) >= 4


def test_harm_to_honest_customers_is_reported_beside_the_benefit(monthly: pd.DataFrame) -> None:
    """Refusals rise, suspended outlets turn people away, wanted accounts are cleaned."""
    harm = ["openings_refused_legitimate", "openings_lost_to_suspension", "closed_false"]
    total = monthly[monthly["month"] >= "2020-10-01"].groupby("scenario")[harm].sum()
    assert (total.loc["card-broken-2020"] > total.loc["baseline"]).all()
    assert (total.loc["baseline", harm[1:]] == 0).all()
