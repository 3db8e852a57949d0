"""The sections of a report about what was found: the course of cases, effects, harm, displacement, price."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from sim.report import charts
from sim.report.answer import baseline_of, first_rows, named, window_rows
from sim.report.blocks import Cell, Grid, Link, Picture, Row, Section, cells
from sim.report.reading import Material
from sim.report.speech import Speech
from sim.study.compare import HARM, HEADLINE
from sim.views.canvas import COLOURS, GREY
from sim.views.displacement_picture import WIDEST
from sim.views.plots import Look, Measure, drawn
from sim.views.tables import GROUPS, records

FULL_TABLES = 12
"""Scenarios with a full table of effects each; of more the first screen and the files speak."""

TOGETHER = 3
"""So many scenarios share a table of effects."""

MOST_SHIFTS = 60
"""Rows of the table of displacement."""

SHOCK = "cases_lost_for_cards"


def found(material: Material, speech: Speech) -> list[Section]:
    """The sections of what was found, each with what the folder holds, or with what it lacks."""
    return [
        course(material, speech),
        effects(material, speech),
        harm(material, speech),
        displacement(material, speech),
        trade(material, speech),
    ]


def looks(material: Material) -> list[Look]:
    """The scenarios that pictures show, each with its look: all of a few, the strongest of many."""
    names = list(dict.fromkeys(material.monthly["scenario"]))
    bars = [
        Measure(one.id, pd.Timestamp(one.start), pd.Timestamp(one.start), (scenario.name,))
        for scenario in material.about.scenarios
        for one in scenario.interventions
    ]
    rows = first_rows(material)
    return charts.looks_of(drawn(names, bars, pd.DataFrame(rows) if rows else None))


def _legend(shown: Sequence[Look], material: Material, speech: Speech) -> list[Any]:
    return [(charts.swatch(look), named(material, speech, look.name)) for look in shown]


def _pictured(material: Material, speech: Speech, outcome: str, key: str) -> Picture:
    """The picture of an outcome's course, and where its numbers stand."""
    shown = looks(material)
    title = speech(f"picture_{key}")
    how = speech("how_price" if outcome.startswith("price_") else "how_course")
    missing = material.monthly["scenario"].nunique() - len(shown)
    if missing:
        how = f"{how} {speech('not_drawn', n=missing)}"
    about = f"{how} {speech.listed([named(material, speech, look.name) for look in shown])}"
    svg = charts.course(f"picture-{key}", title, about, material.monthly, outcome, shown)
    numbers = Link(speech("numbers_of_picture"), f"#numbers-{key}")
    return Picture(f"figure-{key}", title, how, svg, _legend(shown, material, speech), numbers)


def course(material: Material, speech: Speech) -> Section:
    """Registered cases month by month: bands of the runs, or those of a forecast."""
    if material.kind != "forecast":
        picture = _pictured(material, speech, HEADLINE, "cases")
        return Section("course", speech("section_course"), [speech("course_text")], [picture])
    bands = material.forecast["bands"]
    origin = material.about.origin or bands["month"].min().date()
    title = speech("picture_ahead")
    svg = charts.ahead("picture-ahead", title, speech("how_ahead"), bands, _main_world(material), origin)
    picture = Picture(
        "figure-ahead",
        title,
        speech("how_ahead"),
        svg,
        [
            (charts.swatch(Look("", GREY, "-")), speech("before_origin")),
            (charts.swatch(Look("", COLOURS[1], "--")), speech("forecast_line")),
        ],
        Link(speech("numbers_of_picture"), "#numbers-ahead"),
    )
    blocks: list[Grid | Picture] = [picture, *_forecast_grids(material, speech)]
    return Section("course", speech("section_course"), [speech("ahead_text")], blocks)


def _main_world(material: Material) -> pd.DataFrame:
    """The runs of the main world of a forecast: the first scenario's."""
    names = [one.name for one in material.about.scenarios]
    first = names[0] if names else str(material.monthly["scenario"].iloc[0])
    rows = material.monthly[material.monthly["scenario"] == first]
    return rows if len(rows) else material.monthly


def _forecast_grids(material: Material, speech: Speech) -> list[Grid]:
    """Odds of falls in a row, forecasters that know nothing, structures with their weights."""
    streaks, naive = material.forecast["streaks"], material.forecast["naive"]
    grids = []
    if len(streaks):
        rows = [
            Row(Cell(f"{row['months']:g}"), cells(speech.percent(row["probability"]), kind="num"))
            for row in records(streaks)
        ]
        headers = [Cell(speech("months_in_a_row")), Cell(speech("probability"), "num")]
        grids.append(Grid("streaks", speech("streaks_caption"), headers, rows))
    level = naive[naive["statistic"] == "level"]
    if len(level):
        last = level[level["month"] == level["month"].max()]
        rows = [
            Row(
                Cell(speech.said(str(row["forecaster"]))),
                cells(speech.number(row["q50"]), speech.span(row["q05"], row["q95"], sign=False), kind="num"),
            )
            for row in records(last)
        ]
        headers = [Cell(speech("forecaster")), Cell(speech("median"), "num"), Cell(speech("band_90"), "num")]
        month = speech.month(level["month"].max().date())
        grids.append(Grid("naive", speech("naive_caption", month=month), headers, rows))
    structures = material.forecast["structures"]
    if len(structures) > 1:
        rows = [
            Row(
                Cell(named(material, speech, str(row["structure"]))),
                cells(
                    f"{row['runs']:g}", speech.percent(row["met"]), speech.percent(row["weight"]), kind="num"
                ),
            )
            for row in records(structures)
        ]
        heads = [Cell(speech(key), "num") for key in ("runs", "targets_met", "weight")]
        grids.append(
            Grid("structures", speech("structures_caption"), [Cell(speech("structure")), *heads], rows)
        )
    return grids


def effects(material: Material, speech: Speech) -> Section:
    """The effects of each scenario, benefit first; the harm has its own section too."""
    title = speech("section_effects")
    if material.effects is None:
        return Section("effects", title, [speech(f"no_effects_{material.kind}")])
    names = list(dict.fromkeys(material.effects["scenario"]))
    shown = names[:FULL_TABLES]
    window = speech.window(material.window.start, material.window.end)
    paragraphs = [speech("effects_text", window=window)]
    if len(names) > len(shown):
        paragraphs.append(speech("more_tables", n=len(names) - len(shown)))
    rows = window_rows(material.effects, material)
    bases = {baseline_of(material, name) for name in names}
    if len(names) <= TOGETHER and len(bases) == 1:
        grids = [_effects_together(names, rows, material, speech)]
    else:
        grids = [_effects_of(name, rows, material, speech) for name in shown]
    return Section("effects", title, paragraphs, grids)


def _grouped(there: Callable[[str], bool], row: Callable[[str], Row], speech: Speech) -> list[Row]:
    """A row for each outcome that is there, under the headings of the tables of effects."""
    grid = []
    for group, outcomes in GROUPS:
        kept = [row(outcome) for outcome, _ in outcomes if there(outcome)]
        grid += [Row(Cell(speech.outcome(group))), *kept] if kept else []
    return grid


def _effects_together(
    names: Sequence[str], rows: Sequence[Mapping[str, Any]], material: Material, speech: Speech
) -> Grid:
    """A few scenarios beside each other, against the same baseline."""
    known = {(row["scenario"], row["outcome"]): row for row in rows}
    first = {row["outcome"]: row for row in rows}

    def row(outcome: str) -> Row:
        beside = [_change(known.get((name, outcome)), speech) for name in names]
        base = Cell(speech.number(first[outcome]["baseline"]), "num")
        return Row(Cell(speech.outcome(outcome)), [base, *beside])

    base = named(material, speech, baseline_of(material, names[0]))
    headers = [
        Cell(text) for text in (speech("outcome"), base, *[named(material, speech, name) for name in names])
    ]
    headers[1] = Cell(base, "num")
    caption = speech("effects_beside", baseline=base)
    return Grid("effects-0", caption, headers, _grouped(first.__contains__, row, speech), small=True)


def _change(row: Mapping[str, Any] | None, speech: Speech) -> Cell:
    """A change with its interval, its verdict below."""
    if row is None:
        return Cell("–")
    change, span = speech.number(row["effect"], sign=True), speech.span(row["low"], row["high"])
    moved = bool(row["effect"]) and span
    return Cell(
        speech("change_cell", change=change, span=span) if moved else change,
        more=speech.said(str(row["verdict"])),
    )


def _effects_of(name: str, rows: Sequence[Mapping[str, Any]], material: Material, speech: Speech) -> Grid:
    known = {row["outcome"]: row for row in rows if row["scenario"] == name}

    def row(outcome: str) -> Row:
        found = known[outcome]
        numbers = (
            speech.number(found["baseline"]),
            speech.number(found["effect"], sign=True),
            speech.span(found["low"], found["high"]),
            speech.percent(found["p_better"]),
        )
        verdict = Cell(speech.said(str(found["verdict"])))
        return Row(Cell(speech.outcome(outcome)), [*cells(*numbers, kind="num"), verdict])

    caption = speech(
        "effects_of",
        scenario=named(material, speech, name),
        baseline=named(material, speech, baseline_of(material, name)),
    )
    heads = [Cell(speech(key), "num") for key in ("baseline", "effect", "interval_90", "better_in")]
    place = [one.name for one in material.about.scenarios].index(name)
    headers = [Cell(speech("outcome")), *heads, Cell(speech("verdict"))]
    grid = _grouped(known.__contains__, row, speech)
    return Grid(f"effects-{place}", caption, headers, grid)


def harm(material: Material, speech: Speech) -> Section:
    """Fewer cases and harm to honest customers side by side, a row a scenario."""
    title = speech("section_harm")
    if material.effects is None:
        return Section("harm", title, [speech(f"no_harm_{material.kind}")])
    rows = window_rows(material.effects, material)
    by = {(row["scenario"], row["outcome"]): row for row in rows}
    grid = []
    for name in dict.fromkeys(row["scenario"] for row in rows):
        beside = [_with_span(by.get((name, outcome)), speech) for outcome in (HEADLINE, *HARM)]
        grid.append(Row(Cell(named(material, speech, str(name))), beside))
    heads = [Cell(speech.outcome(outcome), "num") for outcome in (HEADLINE, *HARM)]
    window = speech.window(material.window.start, material.window.end)
    caption = speech("harm_caption", window=window)
    headers = [Cell(speech("scenario")), *heads]
    return Section(
        "harm", title, [speech("harm_text")], [Grid("harm-table", caption, headers, grid, small=True)]
    )


def _with_span(row: Mapping[str, Any] | None, speech: Speech) -> Cell:
    """A change, below it its interval, and in words that it cannot be told from nothing."""
    if row is None:
        return Cell("–", "num")
    span = speech.span(row["low"], row["high"])
    change = speech.number(row["effect"], sign=True)
    if not span or row["effect"] == row["low"] == row["high"] == 0:
        return Cell(change, "num")
    return Cell(change, "num", more=speech("not_told", span=span) if row["low"] <= 0 <= row["high"] else span)


def displacement(material: Material, speech: Speech) -> Section:
    """Where it moved: other channels, regions, outlets, banks."""
    title = speech("section_displacement")
    if material.displacement is None:
        return Section("displacement", title, [speech(f"no_displacement_{material.kind}")])
    rows = [row for row in window_rows(material.displacement, material) if row["baseline_here"] > 0]
    if not rows:
        return Section("displacement", title, [speech("no_displacement_rows")])
    shown = sorted(rows, key=lambda row: row["change_here"] == row["change_elsewhere"] == 0)[:MOST_SHIFTS]
    axis = charts.axis_of(
        [row[name] / row["baseline_here"] for row in shown for name in ("change_here", "change_elsewhere")],
        WIDEST,
    )
    headers = [
        Cell(speech("measure")),
        Cell(speech("axis")),
        Cell(
            speech("here_and_elsewhere"),
            strip=charts.axis_strip(axis, lambda tick: f"{tick:+.0%}" if tick else "0"),
        ),
        *[Cell(speech(key), "num") for key in ("change_here", "change_elsewhere", "d_interval")],
        Cell(speech("verdict")),
    ]
    grid = []
    for name in dict.fromkeys(row["scenario"] for row in shown):
        grid.append(Row(Cell(named(material, speech, str(name)))))
        grid += [_shift_row(alike, axis, material, speech) for alike in _alike(shown, name)]
    paragraphs = [speech("displacement_text")]
    if len(shown) < len(rows):
        paragraphs.append(speech("more_shifts", n=len(rows) - len(shown)))
    window = speech.window(material.window.start, material.window.end)
    caption = speech("displacement_caption", window=window)
    return Section(
        "displacement", title, paragraphs, [Grid("displacement-table", caption, headers, grid, small=True)]
    )


def _alike(rows: Sequence[Mapping[str, Any]], name: Any) -> list[list[Mapping[str, Any]]]:
    """The rows of a scenario; measures that act in the same place show the same change and share one."""
    found: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        if row["scenario"] == name:
            key = (row["axis"], row["baseline_here"], row["change_here"], row["change_elsewhere"])
            found.setdefault(key, []).append(row)
    return list(found.values())


def _shift_row(
    alike: Sequence[Mapping[str, Any]], axis: charts.Axis, material: Material, speech: Speech
) -> Row:
    row = alike[0]
    sides = [
        tuple(row[f"change_{side}{end}"] / row["baseline_here"] for end in ("", "_low", "_high"))
        for side in ("here", "elsewhere")
    ]
    d = speech.number(row["displacement"], sign=True)
    named_measures = [_measure_of(row, material, speech) for row in alike]
    return Row(
        Cell(speech.listed(named_measures)),
        [
            Cell(speech.name(f"axis.{row['axis']}") or str(row["axis"])),
            Cell(strip=charts.here_and_elsewhere(axis, *sides), kind="strip"),
            *cells(
                speech.number(row["change_here"], sign=True),
                speech.number(row["change_elsewhere"], sign=True),
                kind="num",
            ),
            Cell(d or "–", "num", more=speech.span(row["low"], row["high"]) if d else ""),
            Cell(speech.said(str(row["verdict"]))),
        ],
    )


def _measure_of(row: Mapping[str, Any], material: Material, speech: Speech) -> str:
    """The measure of a row of displacement as readers know it."""
    told = material.scenario(str(row["scenario"]))
    measures = {one.id: one for one in told.interventions} if told is not None else {}
    identifier = str(row["measure"])
    one = measures.get(identifier)
    kind, title = (one.measure, one.title) if one is not None else (identifier.partition("-")[0], "")
    return speech.measure(identifier, kind, title)


def trade(material: Material, speech: Speech) -> Section:
    """What a set costs, and how many cases fail for want of a card."""
    title = speech("section_trade")
    kept = [(name, key) for name, key in TRADE if name in material.monthly]
    if not kept:
        return Section("trade", title, [speech("no_trade")])
    pictures = [_pictured(material, speech, outcome, key) for outcome, key in kept]
    return Section("trade", title, [speech("trade_text")], pictures)


TRADE = (("price_gang_yuan", "price-gang"), ("price_opener_yuan", "price-opener"), (SHOCK, "stock-out"))
"""The outcomes of the section on the trade, and the keys of their pictures."""


def numbers(material: Material, speech: Speech) -> Section:
    """The tables behind the pictures."""
    if material.kind == "forecast":
        return Section("numbers", speech("section_numbers"), [], [_ahead_numbers(material, speech)])
    wanted = ((HEADLINE, "cases"), *TRADE)
    grids = [_course_numbers(material, speech, name, key) for name, key in wanted if name in material.monthly]
    return Section("numbers", speech("section_numbers"), [speech("numbers_text")], grids)


def _course_numbers(material: Material, speech: Speech, outcome: str, key: str) -> Grid:
    names = [look.name for look in looks(material)]
    rows = material.monthly[material.monthly["scenario"].isin(names)]
    spread = rows.groupby(["month", "scenario"])[outcome].quantile(np.array([0.05, 0.5, 0.95])).unstack()
    grid = []
    for month in sorted(rows["month"].unique()):
        texts = []
        for name in names:
            if (month, name) in spread.index:
                low, middle, high = spread.loc[(month, name)]
                span = speech.span(float(low), float(high), sign=False)
                texts.append(speech("change_cell", change=speech.number(float(middle)), span=span))
            else:
                texts.append("–")
        grid.append(Row(Cell(f"{month:%Y-%m}"), cells(*texts, kind="num")))
    headers = [Cell(speech("month_head")), *[Cell(named(material, speech, name), "num") for name in names]]
    caption = speech("numbers_caption", title=speech(f"picture_{key}"))
    return Grid(f"numbers-{key}", caption, headers, grid, small=True)


def _ahead_numbers(material: Material, speech: Speech) -> Grid:
    bands = material.forecast["bands"]
    by = {(row["month"], row["statistic"]): row for row in records(bands)}
    grid = []
    for month in sorted(bands["month"].unique()):
        level, year = by.get((month, "level")), by.get((month, "year on year"))
        if level is None:
            continue
        texts = [
            speech.number(level["q50"]),
            speech.span(level["q25"], level["q75"], sign=False),
            speech.span(level["q05"], level["q95"], sign=False),
            "–" if year is None else speech.percent(year["q50"], sign=True),
            "–" if year is None else speech.percent(year["p_fall"]),
        ]
        grid.append(Row(Cell(f"{month:%Y-%m}"), cells(*texts, kind="num")))
    keys = ("median", "band_50", "band_90", "on_year", "odds_of_fall")
    headers = [Cell(speech("month_head")), *[Cell(speech(key), "num") for key in keys]]
    caption = speech("numbers_caption", title=speech("picture_ahead"))
    return Grid("numbers-ahead", caption, headers, grid)
