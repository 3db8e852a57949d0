"""Patterns that no history shows: experiments, each a world disturbed in one respect beside the same world.

The worlds are the scenario files of `scenarios/experiments`. They share all their chance with the undisturbed
one, so what differs is what the disturbance did. A function measures one pattern in every pair of runs; its
docstring is the definition that is printed.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from sim.study.pattern_parts import (
    Part,
    Worlds,
    against,
    first_true,
    per_cent,
    share,
    times,
    whole,
    within,
    yes,
)

UNDISTURBED = "undisturbed"
TAKEDOWN = pd.Timestamp(2019, 3, 11)
REPEAT = pd.Timestamp(2019, 9, 9)
BAND = 0.1
"""A disturbed series is back once it misses less than this share of the undisturbed one."""

QUARTER = 13
"""Weeks over which the effect of a takedown is compared with that of its repeat."""


def recovery_by_delay(worlds: Worlds) -> list[Part]:
    """Money frozen in 2018 as a share of the losses in reported cases (losses times the share of cases that
    is reported), nationally and without any measure, where the mean delay from a report to the freeze is 14
    days and where it is 2 days.
    """
    slow, fast = _recovered(worlds, UNDISTURBED), _recovered(worlds, "freeze-in-two-days")
    return [
        Part(
            "P14a",
            "recovered at 14 days' delay",
            "4 to 8%",
            "1 to 11%",
            slow,
            within(slow, 0.01, 0.11),
            share,
        ),
        Part(
            "P14b",
            "recovered at 2 days' delay",
            "about 35%",
            "25 to 45%",
            fast,
            within(fast, 0.25, 0.45),
            share,
        ),
    ]


def _recovered(worlds: Worlds, name: str) -> np.ndarray:
    """Frozen share of the losses that police hear of, over 2018, float64 (runs)."""
    columns = ("frozen_yuan", "losses_yuan", "cases_reported", "cases_true")
    frozen, lost, reported, cases = (
        worlds[name].of(column).loc["2018-01-01":"2018-12-01"].sum().to_numpy() for column in columns
    )
    recovered: np.ndarray = frozen / (lost * reported / cases)
    return recovered


def takedown_fades(worlds: Worlds) -> list[Part]:
    """Sets that gangs buy after a lone takedown on 11 March 2019 (70,000 suspects and 4,200 card gangs on one
    day): weeks until they are less than 10% below those of the same world without it, over the eight weeks
    that begin then; and the change that a second one brings in its first 13 weeks, half a year later and
    against the world with the first alone, over the change that the first brought in its own.
    """
    none, once, twice = (
        worlds[name].by_week("orders_filled") for name in (UNDISTURBED, "lone-takedown", "repeated-takedown")
    )
    faded = first_true(against(once, none, 8).loc[TAKEDOWN:] > 1 - BAND)
    first, second = (
        against(ours, theirs, QUARTER).loc[day:].iloc[0].to_numpy() - 1
        for ours, theirs, day in ((once, none, TAKEDOWN), (twice, once, REPEAT))
    )
    weaker = (first < 0) & (second > first)
    what = "effect of a repeat over that of the first"
    return [
        Part(
            "P15a",
            "a lone takedown wears off",
            "8 to 18 weeks",
            "8 to 18",
            faded,
            within(faded, 8, 18),
            whole("week"),
        ),
        Part("P15b", what, "weaker", "below x1", second / first, weaker, times),
    ]


def price_recovers_first(worlds: Worlds) -> list[Part]:
    """After two in five dealer cells vanish in March 2019: months until the national sets that gangs buy are
    less than 10% below those of the same world without the shock, less months until the gang price is less
    than 10% above, each over the three months that begin then.
    """
    sold, price = (
        against(worlds["supply-shock"].of(name), worlds[UNDISTURBED].of(name), 3).loc["2019-03-01":]
        for name in ("orders_filled", "price_gang_yuan")
    )
    sold_back, price_back = first_true(sold > 1 - BAND), first_true(price < 1 + BAND)
    what, observed = "price back before sets sold, by", "14 months (4 against 18)"
    return [
        Part("P16", what, observed, "above 0", sold_back - price_back, price_back < sold_back, _lead),
    ]


def _lead(value: float) -> str:
    """How many months earlier the price is back."""
    if math.isfinite(value):
        return ("+" if value > 0 else "") + whole("month")(value)
    return "neither back" if math.isnan(value) else "sets never back" if value > 0 else "price never back"


def harm_follows_cleanup(worlds: Worlds) -> list[Part]:
    """Honest customers refused an account and honest cards closed though their holders wanted them, July to
    December 2018: with a cleanup at the pace of the operation over without any, less one; and whether they
    rise from none to half that pace to all of it.
    """
    none, half, full = (_harmed(worlds, name) for name in (UNDISTURBED, "cleanup-half", "cleanup-full"))
    more, rising = full / none - 1, (none < half) & (half < full)
    return [
        Part(
            "P19a", "refusals and closures in error under cleanup", "up", "above 0", more, more > 0, per_cent
        ),
        Part("P19b", "they rise with its dose", "yes", "yes", rising.astype("float64"), rising, yes),
    ]


def _harmed(worlds: Worlds, name: str) -> np.ndarray:
    """Honest customers refused or cut off over half a year, float64 (runs)."""
    months = worlds[name]
    harm = months.of("openings_refused_legitimate") + months.of("closed_false")
    total: np.ndarray = harm.loc["2018-07-01":"2018-12-01"].sum().to_numpy()
    return total
