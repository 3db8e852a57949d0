"""The picture of a forecast: cases with their uncertainty, their year-on-year change, the price, the effects.

Bands span the runs of a scenario (replicates, and draws where there are any): the dark band holds the middle
50%, the light one 90%. Each scenario has a colour and a line style of its own, so that the picture also
survives a grey printer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import dates
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, PercentFormatter

from sim.views.canvas import COLOURS, GREY, blank, foot, rendered

LAUNCH = pd.Timestamp(2020, 10, 10)
NATION = "CN"
SHOWN_FROM = pd.Timestamp(2019, 1, 1)
"""The first simulated year only lets the model settle; it is in the files, not in the picture."""

STYLES = ("-", "--", "-.", (0, (1, 1)), (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)), (0, (3, 3)))
BAR_HEIGHT = 0.66

MOST_DRAWN = len(COLOURS)
"""More scenarios than colours cannot be told apart; then some are drawn (`drawn`)."""


@dataclass(frozen=True)
class Measure:
    """A bar of the strip of measures: what, from when to when, in which scenarios."""

    label: str
    start: pd.Timestamp
    end: pd.Timestamp
    scenarios: tuple[str, ...]


@dataclass(frozen=True)
class Look:
    """How one scenario is drawn: its colour and its line style."""

    name: str
    colour: str
    style: Any


def forecast_picture(
    monthly: pd.DataFrame,
    *,
    measures: Sequence[Measure] = (),
    effects: pd.DataFrame | None = None,
    source: str = "",
) -> bytes:
    """The picture as the bytes of a PNG file.

    Parameters
    ----------
    monthly
        A results table; the order of its scenarios is the order of colours, the baseline first.
    measures
        What to mark under the time axis.
    effects
        Effects on registered cases over one window, a row a scenario; without them the price takes their
        place.
    source
        The line at the foot that says where the numbers come from.
    """
    national = _prepared(monthly)
    names = drawn(list(dict.fromkeys(national["scenario"])), measures, effects)
    missing = national["scenario"].nunique() - len(names)
    if missing:
        source = f"{missing} scenarios are not drawn: see effects.csv. {source}"
        national = national[national["scenario"].isin(names)]
        kept = [replace(bar, scenarios=tuple(n for n in bar.scenarios if n in names)) for bar in measures]
        measures = [bar for bar in kept if bar.scenarios]
        effects = effects if effects is None else effects[effects["scenario"].isin(names)]
    return rendered(lambda: _draw(national, measures, effects, source))


def drawn(names: Sequence[str], measures: Sequence[Measure], effects: pd.DataFrame | None) -> list[str]:
    """The scenarios to draw: all of a few; of many the first, the one with most measures, and the strongest.

    `names` are in the order of the results; the order is kept.
    """
    if len(names) <= MOST_DRAWN:
        return list(names)
    bars = {name: sum(name in bar.scenarios for bar in measures) for name in names}
    size = {} if effects is None else dict(zip(effects["scenario"], effects["effect"].abs(), strict=True))
    fullest = max(names, key=lambda name: bars[name])
    strongest = sorted(names, key=lambda name: -float(size.get(name, 0.0)))
    chosen = list(dict.fromkeys([names[0], fullest, *strongest]))[:MOST_DRAWN]
    return [name for name in names if name in chosen]


def measures_of(scenarios: Sequence[Mapping[str, Any]], end: str) -> list[Measure]:
    """The measures of some scenarios (as the manifest holds them), each once, by start; an open end ends with
    the run.
    """
    found: dict[tuple[str, str, str], list[str]] = {}
    for scenario in scenarios:
        for measure in scenario.get("interventions") or ():
            label = str(measure.get("title") or in_words(str(measure.get("id") or measure["measure"])))
            key = (label, str(measure["start"]), str(measure.get("end") or end))
            found.setdefault(key, []).append(str(scenario["name"]))
    bars = [
        Measure(label, pd.Timestamp(start), pd.Timestamp(stop), tuple(names))
        for (label, start, stop), names in found.items()
    ]
    return sorted(bars, key=lambda bar: (bar.start, bar.end, bar.label))


def source_line(manifest: Mapping[str, Any]) -> str:
    """Where the numbers come from, in one line."""
    draws, tables = manifest.get("draws"), manifest.get("draws_from") or ()
    used = min(draws or 0, manifest["replicates"])
    priors = ", from their priors" if any("digest" not in table for table in tables) else ""
    uncertain = f"{used} draws of parameters{priors}" if draws else "parameters at their defaults"
    version = manifest["versions"]["cardbreak"]
    return (
        f"Simulation, cardbreak {version}, seed {manifest['seed']}, scale {manifest['scale']}, "
        f"{manifest['replicates']} replicates, {uncertain}. Not a forecast of real cases without calibration."
    )


def _prepared(monthly: pd.DataFrame) -> pd.DataFrame:
    national = monthly[monthly["region"] == NATION]
    return national if len(national) else monthly


def _draw(
    national: pd.DataFrame, measures: Sequence[Measure], effects: pd.DataFrame | None, source: str
) -> Figure:
    looks = [
        Look(str(name), COLOURS[k % len(COLOURS)], STYLES[k % len(STYLES)])
        for k, name in enumerate(dict.fromkeys(national["scenario"]))
    ]
    strip = 0.3 + 0.155 * max(len(measures), 1)
    figure = blank(14, 8.2 + strip)
    grid = figure.add_gridspec(3, 2, width_ratios=[1.55, 1], height_ratios=[3.6, strip, 2.7])
    cases = figure.add_subplot(grid[0, 0])
    _cases(cases, national, looks)
    _strip(figure.add_subplot(grid[1, 0], sharex=cases), measures, looks)
    _price(figure.add_subplot(grid[2, 0], sharex=cases), national, looks)
    compared = effects is not None and not effects.empty
    _year_on_year(figure.add_subplot(grid[0:2, 1] if compared else grid[:, 1]), national, looks)
    if effects is not None and compared:
        _effects(figure.add_subplot(grid[2, 1]), effects, looks)
    figure.legend(
        *cases.get_legend_handles_labels(),
        loc="outside upper left",
        ncols=4,
        frameon=False,
        handlelength=3.5,
        fontsize=12.5,
    )
    foot(figure, source)
    return figure


def _cases(axes: Axes, national: pd.DataFrame, looks: Sequence[Look]) -> None:
    bands(axes, national, "cases_registered", looks, 1e-3)
    axes.set_title("Registered cases a month, China: median, 50% and 90% of runs")
    axes.set_ylabel("thousand cases a month")
    axes.set_ylim(bottom=0)
    time_axis(axes, national)
    _launch_label(axes, national["month"])
    axes.tick_params(labelbottom=False)


def _year_on_year(axes: Axes, national: pd.DataFrame, looks: Sequence[Look]) -> None:
    change = national[["scenario", "draw", "replicate", "month", "cases_registered"]].sort_values("month")
    runs = change.groupby(["scenario", "draw", "replicate"], sort=False)["cases_registered"]
    before = runs.shift(12)
    change = change.assign(change=change["cases_registered"] / before.where(before > 0) - 1).dropna()
    axes.set_title("The same, change on the year before")
    if change.empty:
        axes.set_axis_off()
        axes.text(0.5, 0.5, "The run is shorter than 13 months.", ha="center", transform=axes.transAxes)
        return
    bands(axes, change, "change", looks)
    axes.axhline(0, color=GREY, linewidth=1)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_ylabel("year on year")
    time_axis(axes, change)


def _price(axes: Axes, national: pd.DataFrame, looks: Sequence[Look]) -> None:
    bands(axes, national, "price_gang_yuan", looks)
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_title("What a gang pays for a set (bank card, SIM, key, identity copy)")
    axes.set_ylabel("yuan a set, log scale")
    time_axis(axes, national)


def bands(axes: Axes, table: pd.DataFrame, column: str, looks: Sequence[Look], factor: float = 1.0) -> None:
    """Median line with the 50% and 90% bands over runs, for each scenario."""
    levels = np.array([0.05, 0.25, 0.5, 0.75, 0.95])
    for look in looks:
        rows = table[table["scenario"] == look.name]
        quantiles = rows.groupby("month")[column].quantile(levels).unstack() * factor
        if quantiles.empty:
            continue
        months = [x_of(month) for month in quantiles.index]
        axes.fill_between(
            months, quantiles[0.05], quantiles[0.95], color=look.colour, alpha=0.13, linewidth=0
        )
        axes.fill_between(
            months, quantiles[0.25], quantiles[0.75], color=look.colour, alpha=0.25, linewidth=0
        )
        axes.plot(months, quantiles[0.5], color=look.colour, linestyle=look.style, label=look.name)


def _strip(axes: Axes, measures: Sequence[Measure], looks: Sequence[Look]) -> None:
    """A bar for each measure, striped in the colours of the scenarios that have it, grey where all do."""
    for row, bar in enumerate(measures):
        everywhere = len(bar.scenarios) == len(looks) > 1
        colours = ["#999999"] if everywhere else [k.colour for k in looks if k.name in bar.scenarios]
        _striped_bar(axes, row, bar, colours or [GREY])
        _bar_label(axes, row, bar)
    axes.axvline(x_of(LAUNCH), color=GREY, linewidth=1.2, linestyle=(0, (4, 2)))
    axes.set_yticks([])
    axes.set_ylim(max(len(measures), 1) - 0.4, -0.6)
    axes.spines["left"].set_visible(False)
    axes.set_title("Measures (grey: in all scenarios)", fontsize=10, fontweight="normal")


def _striped_bar(axes: Axes, row: int, bar: Measure, colours: Sequence[str]) -> None:
    left, right = x_of(bar.start), x_of(bar.end)
    height = BAR_HEIGHT / len(colours)
    for place, colour in enumerate(colours):
        middle = row - BAR_HEIGHT / 2 + (place + 0.5) * height
        axes.barh(middle, right - left, left=left, height=height, color=colour, linewidth=0)


def _bar_label(axes: Axes, row: int, bar: Measure) -> None:
    """The measure's name, left of its bar, or upon it where the bar begins too far left."""
    first, last = axes.get_xlim()
    start = max(x_of(bar.start), first)
    upon = start < first + 0.2 * (last - first)
    shift, side = (4, "left") if upon else (-4, "right")
    axes.annotate(
        _short(bar.label),
        (start, row),
        (shift, 0),
        textcoords="offset points",
        ha=side,
        va="center",
        fontsize=9,
        bbox={"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 0.8},
    )


def _effects(axes: Axes, effects: pd.DataFrame, looks: Sequence[Look]) -> None:
    """Dot: mean effect; thick whisker: 90% interval of the mean; thin whisker: 5-95% of pairs."""
    colours = {look.name: look.colour for look in looks}
    rows: list[dict[Any, Any]] = effects.to_dict("records")
    for place, row in enumerate(rows):
        colour = colours.get(row["scenario"], GREY)
        ends = [row[name] / 1e3 for name in ("range_low", "range_high", "low", "high")]
        axes.plot(ends[:2], [place, place], color=colour, linewidth=1.4)
        if not math.isnan(ends[2]):
            axes.plot(ends[2:], [place, place], color=colour, linewidth=5, solid_capstyle="butt")
        axes.plot(row["effect"] / 1e3, place, "o", color=colour, markeredgecolor="white", markersize=9)
        axes.annotate(
            _effect_words(row),
            (row["effect"] / 1e3, place),
            (0, 10),
            textcoords="offset points",
            ha="center",
            fontsize=9.5,
        )
    axes.axvline(0, color=GREY, linewidth=1)
    axes.set_yticks(range(len(rows)), [str(row["scenario"]) for row in rows])
    axes.set_ylim(len(rows) - 0.1, -0.8)
    axes.margins(x=0.18)
    axes.grid(visible=False, axis="y")
    axes.set_title("Effect on registered cases", pad=8)
    axes.set_xlabel(f"scenario - baseline, thousand,\n{rows[0]['window_start']} to {rows[0]['window_end']}")
    key = "dot: mean; thick: its 90% interval; thin: 5-95% of pairs"
    axes.annotate(
        key, (0, 0.02), xycoords="axes fraction", xytext=(4, 2), textcoords="offset points", fontsize=9
    )


def _effect_words(row: Mapping[str, Any]) -> str:
    return "" if math.isnan(row["relative"]) else f"{row['relative']:+.1%}"


def time_axis(axes: Axes, table: pd.DataFrame) -> None:
    """A time axis over the months of a table, with the launch as a line."""
    first, last = table["month"].min(), table["month"].max()
    if first < SHOWN_FROM < last - pd.DateOffset(years=1):
        first = SHOWN_FROM
    axes.set_xlim(x_of(first), x_of(last + pd.DateOffset(months=1)))
    locator = dates.AutoDateLocator(minticks=4, maxticks=9)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    if first <= LAUNCH <= last:
        axes.axvline(x_of(LAUNCH), color=GREY, linewidth=1.2, linestyle=(0, (4, 2)))


def _launch_label(axes: Axes, months: pd.Series) -> None:
    """The launch, named once, at the foot of the picture of cases, where there is room."""
    if not months.min() <= LAUNCH <= months.max():
        return
    where = (x_of(LAUNCH), 0.03)
    axes.annotate(
        "launch, 10 October 2020",
        where,
        (5, 0),
        xycoords=axes.get_xaxis_transform(),
        textcoords="offset points",
        fontsize=10,
        color=GREY,
    )


def x_of(day: pd.Timestamp) -> float:
    """Place of a day on the time axis."""
    return float(dates.date2num(day))  # type: ignore[no-untyped-call]


def in_words(identifier: str) -> str:
    """A measure's id as words: `account_cleanup-dormant` is `Account cleanup: dormant`."""
    words = identifier.replace("-", ": ").replace("_", " ").replace("iot ", "IoT ")
    return words[:1].upper() + words[1:]


def _short(label: str, most: int = 44) -> str:
    return label if len(label) <= most else label[: most - 1].rstrip() + "…"
