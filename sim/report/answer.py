"""The answer first: a sentence with its interval and verdict, the harm beside it, how far to trust it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import pandas as pd

from sim.report import charts
from sim.report.blocks import Answer, Cell, Grid, Row
from sim.report.reading import Material
from sim.report.speech import Speech, month_end
from sim.study.compare import HARM, HEADLINE
from sim.study.windows import effect_windows, headline
from sim.views.forecast_tables import LIKELY, caveats
from sim.views.plots import drawn
from sim.views.tables import records

if TYPE_CHECKING:
    from sim.scenario import Passport

FINE_SCALE = 100
"""Numbers of coarser runs are not to be quoted (docs/limits.md)."""

MOST_ROWS = 30
"""Scenarios in the picture of the first screen."""


def answer(material: Material, speech: Speech) -> Answer:
    """What the first screen says, for the kind of folder."""
    return {"compare": _of_effects, "run": _of_run, "forecast": _of_forecast}[material.kind](material, speech)


def named(material: Material, speech: Speech, name: str) -> str:
    """A scenario of the folder as readers know it."""
    told = material.scenario(name)
    return speech.scenario(name, told.title if told is not None else "")


def first_rows(material: Material) -> list[dict[str, Any]]:
    """The effects on registered cases over the window shown first, a row a scenario."""
    if material.effects is None:
        return []
    effects = material.in_window(material.effects)
    return records(effects[effects["outcome"] == HEADLINE])


def lead(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The scenario to speak of first: the strongest effect of those that are told from 0, else of all."""
    told = [row for row in rows if row["low"] > 0 or row["high"] < 0] or rows
    return max(told, key=lambda row: abs(row["effect"]))


def _of_effects(material: Material, speech: Speech) -> Answer:
    rows = first_rows(material)
    window = speech.window(material.window.start, material.window.end)
    kicker = speech("kicker", version=material.about.versions.get("cardbreak", "?"))
    if not rows:
        question = speech("question_compare", window=window)
        return Answer(kicker, question, speech("no_effects"), caution=cautions(material, speech))
    first = lead(rows)
    titled = named(material, speech, str(first["scenario"]))
    base = named(material, speech, baseline_of(material, str(first["scenario"])))
    sentence = speech(
        "effect_sentence" if first["effect"] else "no_change_sentence",
        scenario=titled,
        baseline=base,
        window=window,
        change=speech.fewer(first["effect"]),
        between=speech.fewer_between(first["low"], first["high"])
        if math.isfinite(first["low"])
        else speech("no_interval"),
    )
    harm = harm_of(material, speech, str(first["scenario"]))
    return Answer(
        kicker=kicker,
        question=speech("question_compare", window=window),
        sentence=sentence,
        verdict=speech.said(str(first["verdict"])),
        effects=effects_grid(rows, material, speech, len(rows) > 1),
        harm=harm or [speech("no_harm_told")],
        harm_title=speech("harm_title", scenario=titled),
        caution=cautions(material, speech),
    )


def baseline_of(material: Material, name: str) -> str:
    """The baseline that a scenario is compared with."""
    told = material.scenario(name)
    return (told.baseline if told is not None else None) or material.about.baseline or ""


def effects_grid(
    rows: Sequence[Mapping[str, Any]], material: Material, speech: Speech, several: bool
) -> Grid:
    """Effects on registered cases side by side, drawn on one scale."""
    shown = rows[:MOST_ROWS]
    ends = ("range_low", "range_high", "low", "high", "effect")
    axis = charts.axis_of([row[name] for row in shown for name in ends])
    headers = [
        Cell(speech("scenario")),
        Cell(
            strip=charts.axis_strip(axis, lambda tick: speech.number(tick, sign=True)), text=speech("effect")
        ),
        Cell(speech("change"), "num"),
        Cell(speech("interval_90"), "num"),
        Cell(speech("verdict")),
    ]
    grid = [
        Row(
            Cell(named(material, speech, str(row["scenario"]))),
            [
                Cell(strip=charts.effect_strip(axis, row), kind="strip"),
                Cell(speech.number(row["effect"], sign=True), "num"),
                Cell(speech.span(row["low"], row["high"]), "num"),
                Cell(speech.said(str(row["verdict"]))),
            ],
        )
        for row in shown
    ]
    note = speech("effects_key")
    if len(rows) > len(shown):
        note = f"{note} {speech('more_rows', n=len(rows) - len(shown))}"
    if several:
        note = f"{note} {speech('lead_is_strongest', n=len(rows))}"
    return Grid("effects-at-a-glance", speech("effects_caption"), headers, grid, note)


def harm_of(material: Material, speech: Speech, name: str) -> list[str]:
    """The harm of a scenario to honest customers that can be told from nothing, a sentence each."""
    if material.effects is None:
        return []
    effects = material.in_window(material.effects)
    rows = {row["outcome"]: row for row in records(effects[effects["scenario"] == name])}
    return [
        speech(
            "harm_sentence",
            what=_capital(speech.outcome(outcome)),
            change=speech.number(row["effect"], sign=True),
            verdict=speech.said(str(row["verdict"])),
        )
        for outcome in HARM
        if (row := rows.get(outcome)) is not None and (row["low"] > 0 or row["high"] < 0)
    ]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _of_run(material: Material, speech: Speech) -> Answer:
    first = material.about.scenarios[0]
    window = headline(effect_windows(first.start, first.end))
    sentences = []
    names = drawn(list(dict.fromkeys(material.monthly["scenario"])), (), None)
    for name in names:
        rows = material.monthly[material.monthly["scenario"] == name]
        totals = rows[window.rows(rows["month"])].groupby(["draw", "replicate"])[HEADLINE].sum()
        if len(totals):
            low, middle, high = totals.quantile([0.05, 0.5, 0.95])
            sentences.append(
                speech(
                    "run_sentence",
                    scenario=named(material, speech, name),
                    window=speech.window(window.start, window.end),
                    n=speech.number(float(middle)),
                    between=speech.span(float(low), float(high), sign=False),
                    runs=len(totals),
                )
            )
    return Answer(
        kicker=speech("kicker", version=material.about.versions.get("cardbreak", "?")),
        question=speech("question_run", window=speech.window(window.start, window.end)),
        sentence=speech("sentence_gap").join(sentences),
        verdict=speech("nothing_compared"),
        caution=cautions(material, speech),
    )


def _of_forecast(material: Material, speech: Speech) -> Answer:
    bands = material.forecast["bands"]
    level = bands[bands["statistic"] == "level"].sort_values("month")
    rows = records(level)
    first, last = rows[0], rows[-1]
    title = named(material, speech, material.about.scenarios[0].name) if material.about.scenarios else ""
    sentence = speech(
        "forecast_sentence",
        scenario=title or speech("its_scenario"),
        last=speech.month(last["month"].date()),
        n=speech.number(last["q50"]),
        between=speech.span(last["q05"], last["q95"], sign=False),
        first=speech.month(first["month"].date()),
        m=speech.number(first["q50"]),
        between_first=speech.span(first["q05"], first["q95"], sign=False),
    )
    return Answer(
        kicker=speech("kicker", version=material.about.versions.get("cardbreak", "?")),
        question=speech(
            "question_forecast", window=speech.window(first["month"].date(), month_end(last["month"].date()))
        ),
        sentence=sentence,
        verdict=_odds(material, speech),
        caution=cautions(material, speech),
    )


def _odds(material: Material, speech: Speech) -> str:
    """How likely it is that cases lie below the year before, month by month and in a row."""
    streaks = material.forecast["streaks"].sort_values("months")
    if streaks.empty:
        return speech("no_year_before")
    rows = records(streaks)
    likely = [row for row in rows if row["probability"] >= LIKELY]
    if not likely:
        return speech("no_likely_fall", p=speech.percent(rows[0]["probability"]))
    longest = likely[-1]
    return speech("likely_falls", n=f"{longest['months']:g}", p=speech.percent(longest["probability"]))


def cautions(material: Material, speech: Speech) -> list[str]:
    """How far to trust it: what the numbers are, how many runs, which draws, what is missing."""
    about = material.about
    said = [speech("caution_model")]
    if material.kind == "forecast":
        drawn_from = [
            entry.model_dump(mode="json", exclude_none=not entry.digest) for entry in about.draws_from
        ]
        if about.origin is not None:
            said += [
                speech.said(text) for text in caveats(material.forecast["bands"], drawn_from, about.origin)
            ]
        else:
            said.append(speech("no_origin"))
    elif not about.draws:
        said.append(speech("caution_point_values"))
    used = min(about.draws or 0, about.replicates)
    key = "caution_runs_draws" if about.draws else "caution_runs"
    said.append(speech(key, n=about.replicates, draws=used, scale=speech.number(about.scale)))
    said += _guesses(material, speech)
    if failed := sum(run.status != "finished" for run in about.runs):
        said.append(speech("caution_failed", n=failed, all=len(about.runs)))
    if about.scale > FINE_SCALE:
        said.append(speech("caution_scale", scale=speech.number(about.scale)))
    return said


def _guesses(material: Material, speech: Speech) -> list[str]:
    """How many of the parameters no source stands behind, in a sentence; nothing where they are not kept."""
    if not (told := material.about.scenarios[:1]) or not (values := told[0].parameters):
        return []
    assumed = sum(name in passports() and not passports()[name].evidence for name in values)
    return [speech("caution_guesses", n=assumed, all=len(values))]


@cache
def passports() -> dict[str, Passport]:
    """The passports of the parameters that ship with this program, by id."""
    from sim.scenario import load

    return dict(load("baseline").parameters.passports)


def window_rows(frame: pd.DataFrame, material: Material) -> list[dict[str, Any]]:
    """The rows of a table of findings for the window shown first, as plain mappings."""
    return records(material.in_window(frame))
