"""Patterns that are read off the history of the operation: what each says, and how it is measured.

A function measures one pattern in every run; its docstring is the definition that is printed.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from sim.study.pattern_parts import (
    LAUNCH_MONTH,
    PILOT,
    Months,
    Part,
    first_true,
    per_cent,
    points,
    signed,
    times,
    whole,
    within,
    year_on_year,
    yes,
)


def first_fall(months: Months) -> list[Part]:
    """Months from October 2020 (0) to the first month whose national registered cases are below those of the
    same month a year before; June 2021 is 8.
    """
    change = year_on_year(months.of("cases_registered")).loc[LAUNCH_MONTH:]
    lag = first_true(change < 0)
    return [
        Part(
            "P1",
            "launch to first year-on-year fall",
            "8 months",
            "6 to 10",
            lag,
            within(lag, 6, 10),
            whole("month"),
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
            within(change, -0.20, -0.08),
            per_cent,
        ),
        Part(
            "P2b",
            "month of the peak",
            "by April 2021",
            "Mar to Apr 2021",
            peak,
            within(peak, 5, 6),
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
            within(ratio, 4, 15),
            times,
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
        Part("P6a", "opener < dealer < gang price", "yes", "yes", rising.astype("float64"), rising, yes),
        Part("P6b", "dealer over opener price", "x5", "x2 to x8", lower, within(lower, 2, 8), times),
        Part("P6c", "gang over dealer price", "x2", "x1.3 to x4", upper, within(upper, 1.3, 4), times),
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
            within(change, -0.85, -0.50),
            per_cent,
        )
    ]


def pilot_leads(months: Months) -> list[Part]:
    """Months from the first month, from October 2020 on, in which illicit openings that succeed in Guangdong
    are below half of September 2020, to the month in which national registered cases are highest (October
    2020 to December 2021).
    """
    opened = months.of("openings_illicit", PILOT)
    collapse = first_true(opened.loc[LAUNCH_MONTH:] < opened.loc["2020-09-01"] / 2)
    peak = _peak(months.of("cases_registered"))
    lead = np.where(np.isfinite(collapse), peak - collapse, math.inf)
    return [
        Part(
            "P8",
            "pilot collapse to national turn",
            "4 to 5 months or more",
            "3 to 8",
            lead,
            within(lead, 3, 8),
            whole("month"),
        )
    ]


def substitutes_rise(months: Months) -> list[Part]:
    """National share of cases on own accounts and substitutes: mean of May to July 2021 less mean of June to
    August 2020; and its rank correlation, over the months from June 2020 to October 2021, with served need,
    which is the sets that gangs bought over those that their cases needed.
    """
    used = months.of("own_account_share") + months.of("substitute_share")
    rise = (
        used.loc["2021-05-01":"2021-07-01"].mean() - used.loc["2020-06-01":"2020-08-01"].mean()
    ).to_numpy()
    served = months.of("orders_filled") / months.of("sets_needed")
    ranks = (table.loc["2020-06-01":"2021-10-01"].rank() for table in (used, served))
    together = next(ranks).corrwith(next(ranks)).to_numpy()
    what = "own accounts and substitutes, mid 2021 on summer 2020"
    return [
        Part("P10a", what, "up", "above 0", rise, rise > 0, points),
        Part(
            "P10b",
            "their rank correlation with served need",
            "below 0",
            "below 0",
            together,
            together < 0,
            signed,
        ),
    ]


def seizures_saturate(months: Months) -> list[Part]:
    """Cards seized a month, June to August 2021 over April to May 2021, nationally: less than half of bank
    cards, which is to saturate; between half and twice of phone cards, which is to be near linear. The record
    counts to 9 April, 9 June and 31 August.
    """
    bank, phone = (_slowing(months.of(name)) for name in ("cards_seized", "sims_seized"))
    what = "cards seized, summer on spring 2021"
    return [
        Part("P11a", f"bank {what}", "x0.09", "below x0.5", bank, bank < 0.5, times),
        Part("P11b", f"phone {what}", "x0.72", "x0.5 to x2", phone, within(phone, 0.5, 2), times),
    ]


def _slowing(seized: pd.DataFrame) -> np.ndarray:
    """Mean month of June to August 2021 over mean month of April and May, float64 (runs)."""
    later, before = seized.loc["2021-06-01":"2021-08-01"].mean(), seized.loc["2021-04-01":"2021-05-01"].mean()
    ratio: np.ndarray = (later / before).to_numpy()
    return ratio


def enforcement_rises(months: Months) -> list[Part]:
    """June to August 2021 over the same months of 2020, less one, nationally: persons arrested, openers,
    dealers and gang members together; and registered cases.
    """
    arrests = months.of("arrests_opener") + months.of("arrests_dealer") + months.of("arrests_gang")
    more, fewer = _summers(arrests), _summers(months.of("cases_registered"))
    return [
        Part(
            "P13a", "arrests, summer 2021 on 2020", "+110% (Jan to Jul)", "above 0", more, more > 0, per_cent
        ),
        Part("P13b", "registered cases in the same months", "down", "below 0", fewer, fewer < 0, per_cent),
    ]


def _summers(flow: pd.DataFrame) -> np.ndarray:
    """June to August 2021 over June to August 2020, less one, float64 (runs)."""
    ours, before = (flow.loc[f"{year}-06-01" : f"{year}-08-01"].sum() for year in (2021, 2020))
    change: np.ndarray = (ours / before - 1).to_numpy()
    return change


def _peak(cases: pd.DataFrame) -> np.ndarray:
    """Months from October 2020 to the highest month up to December 2021."""
    peak: np.ndarray = cases.loc["2020-10-01":"2021-12-01"].to_numpy().argmax(axis=0)
    return peak.astype("float64")


def _of_three(value: float) -> str:
    return f"{value:.0f} of 3"


def _month_name(value: float) -> str:
    return (LAUNCH_MONTH + pd.DateOffset(months=round(value))).strftime("%b %Y")
