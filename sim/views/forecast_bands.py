"""The picture of a forecast: bands from the origin on, what came before, naive forecasters beside it."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from sim.views.canvas import COLOURS, GREY, blank, foot, rendered
from sim.views.plots import NATION, STYLES, time_axis, x_of

BEFORE = pd.DateOffset(months=24)
"""How much of the past is drawn."""


def bands_picture(bands: pd.DataFrame, naive: pd.DataFrame, monthly: pd.DataFrame, origin: date) -> bytes:
    """The picture as the bytes of a PNG file.

    ``bands`` and ``naive`` are those of a forecast, ``monthly`` the results table of its runs.
    """
    return rendered(lambda: _draw(bands, naive, monthly, pd.Timestamp(origin)))


def _draw(bands: pd.DataFrame, naive: pd.DataFrame, monthly: pd.DataFrame, origin: pd.Timestamp) -> Figure:
    figure = blank(13, 5.6)
    left, right = figure.subplots(1, 2, width_ratios=[1.3, 1])
    first = origin.replace(day=1) - BEFORE
    national = monthly[(monthly["region"] == NATION) & (monthly["month"] >= first)]
    before = national[national["month"] < origin.replace(day=1)]
    past = before.groupby("month")["cases_registered"].quantile(np.array([0.05, 0.5, 0.95])).unstack()
    level = bands[bands["statistic"] == "level"]
    months = [x_of(month) for month in past.index]
    left.fill_between(months, past[0.05] / 1e3, past[0.95] / 1e3, color=GREY, alpha=0.15, linewidth=0)
    left.plot(months, past[0.5] / 1e3, color=GREY, label="simulated before the origin")
    _bands(left, level, 1e-3)
    others = naive[naive["statistic"] == "level"].groupby("forecaster", sort=False)
    for place, (name, rows) in enumerate(others):
        left.plot(
            [x_of(month) for month in rows["month"]],
            rows["q50"] / 1e3,
            color=COLOURS[(place + 2) % len(COLOURS)],
            linestyle=STYLES[(place + 1) % len(STYLES)],
            linewidth=1.2,
            label=str(name),
        )
    left.set_title("Registered cases a month, China: median, 50% and 90%")
    left.set_ylabel("thousand cases a month")
    left.set_ylim(bottom=0)
    left.axvline(x_of(origin), color=COLOURS[1], linewidth=1.2, linestyle=(0, (1, 2)))
    year = bands[bands["statistic"] == "year on year"]
    _bands(right, year, 1.0)
    right.axhline(0, color=GREY, linewidth=1)
    right.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    right.set_title("Change on the same month of the year before")
    # Runs shorter than a year know no month of the year before.
    for axes, table in ((left, national), (right, year if len(year) else national)):
        time_axis(axes, table)
    labels = left.get_legend_handles_labels()
    figure.legend(*labels, loc="outside upper left", ncols=7, frameon=False, fontsize=10)
    foot(figure, f"Forecast from {origin:%Y-%m-%d} on, conditional on the scenario's schedule of measures.")
    return figure


def _bands(axes: Axes, rows: pd.DataFrame, factor: float) -> None:
    months = [x_of(month) for month in rows["month"]]
    colour = COLOURS[1]
    for low, high, alpha in (("q05", "q95", 0.15), ("q25", "q75", 0.3)):
        ends = rows[low] * factor, rows[high] * factor
        axes.fill_between(months, *ends, color=colour, alpha=alpha, linewidth=0)
    axes.plot(months, rows["q50"] * factor, color=colour, linewidth=2.4, label="cardbreak")
