"""The sections of a report on where its numbers come from: measures, parameters, sources, the run."""

from __future__ import annotations

import csv
import math
import shlex
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.report import charts
from sim.report.answer import named, passports
from sim.report.blocks import Cell, Grid, Link, Row, Section, cells
from sim.report.reading import Difference, Material, Told
from sim.report.speech import Speech
from sim.scenario.evidence import shipped_rows
from sim.scenario.folders import shipped_folder

if TYPE_CHECKING:
    from sim.scenario.parameters import Passport

MOST_CHANGES = 400
"""Rows of a table of differences."""

MOST_VALUE = 300
"""Characters of a value; a longer one is cut."""

GRADES = ("A", "B", "C", "D", "assumed")
_UNSAID = ("cost_per_unit", "uncertain", "note", "announced", "criterion")
"""Fields of a measure that are no dose, or that its name says."""


def origins(material: Material, speech: Speech) -> list[Section]:
    """What was assumed and how the runs came about."""
    return [
        measures(material, speech),
        differences(material, speech),
        parameters(material, speech),
        sources(material, speech),
        run_card(material, speech),
    ]


@cache
def _regions() -> dict[str, tuple[str, str]]:
    """English and Chinese names of the regions by code."""
    path = shipped_folder() / "evidence" / "regions.csv"
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return {row["code"]: (row["name_en"], row["name_zh"]) for row in csv.DictReader(stream)}


def measures(material: Material, speech: Speech) -> Section:
    """Each measure once: what it is, in which scenarios, when, how much, and where that is from."""
    title = speech("section_measures")
    if not material.about.scenarios:
        return Section("measures", title, [speech("no_scenarios_kept")])
    if not (found := _measures(material)):
        return Section("measures", title, [speech("no_measures")])
    last = max(one.end for one in material.about.scenarios)
    first = min(one.start for one in material.about.scenarios)
    everyone = len(material.about.scenarios)
    headers = [
        Cell(speech("measure")),
        Cell(speech("in_force"), strip=charts.years_strip(first, last)),
        Cell(speech("how_much")),
        Cell(speech("in_scenarios")),
        Cell(speech("evidence")),
    ]
    rows = []
    for one, names in found:
        end = min(one.end or last, last)
        inside = one.start <= last and end >= first
        strip = charts.span_strip(first, last, max(one.start, first), end, before=len(names) == everyone)
        rows.append(
            Row(
                Cell(
                    speech.measure(one.id, one.measure, one.title),
                    more=speech.name(f"what.{one.measure}") or "",
                ),
                [
                    Cell(strip=strip, kind="strip", more=_when(one, speech))
                    if inside
                    else Cell(speech("outside_run"), more=_when(one, speech)),
                    Cell(_doses(one, speech)),
                    Cell(_in_scenarios(names, material, speech)),
                    _cited(one.evidence, speech),
                ],
            )
        )
    grid = Grid(
        "measures-table", speech("measures_caption"), headers, rows, speech("measures_note"), small=True
    )
    return Section("measures", title, [speech("measures_text")], [grid])


def _measures(material: Material) -> list[tuple[Told, list[str]]]:
    """Measures that are alike are one, with the names of the scenarios that have them, by their start."""
    found: dict[str, tuple[Told, list[str]]] = {}
    for scenario in material.about.scenarios:
        for one in scenario.interventions:
            found.setdefault(one.model_dump_json(), (one, []))[1].append(scenario.name)
    return sorted(found.values(), key=lambda entry: (entry[0].start, entry[0].end or date.max, entry[0].id))


def _when(one: Told, speech: Speech) -> str:
    when = speech.window(one.start, one.end) if one.end else speech("since", day=speech.day(one.start))
    if one.announced:
        when = f"{when}; {speech('announced', day=speech.day(one.announced))}"
    return when


def _doses(one: Told, speech: Speech) -> str:
    """What the scenario sets of a measure: its own fields as far as they differ from the usual, and where."""
    from sim.interventions import MEASURES

    kind = MEASURES.get(one.measure)
    said = [] if one.regions == "all" else [_where(one.regions, speech)]
    usual = {} if kind is None else {name: info.default for name, info in kind.model_fields.items()}
    told = {"ramp_days": one.ramp_days, "coverage": one.coverage, **(one.model_extra or {})}
    for name, value in told.items():
        if name in usual and name not in _UNSAID and not _same(value, usual[name]):
            field = speech.name(f"field.{name}") or name
            said.append(speech("field_value", field=field, value=plain(value, speech)))
    return speech("semicolon").join(said) if said else "–"


def _same(value: Any, usual: Any) -> bool:
    if isinstance(usual, tuple):
        usual = list(usual)
    return bool(value == usual) or value is None or value == []


def _where(regions: str | Sequence[str], speech: Speech) -> str:
    codes = [regions] if isinstance(regions, str) else regions
    names = [_regions().get(code, (code, code))[speech.lang == "zh"] for code in codes]
    return speech("only_in", regions=speech.listed(names))


def plain(value: Any, speech: Speech) -> str:
    """A value of a scenario file for readers: numbers with thousands set off, dated steps as date: number."""
    if isinstance(value, bool):
        return speech("yes" if value else "no")
    if isinstance(value, int | float):
        return _figure(value)
    if isinstance(value, list | tuple):
        items = [plain(inner, speech) for inner in value[:4]]
        more = [speech("in_all", n=len(value))] if len(value) > 4 else []
        return _cut(speech("semicolon").join([*items, *more]))
    if isinstance(value, Mapping):
        texts = [plain(inner, speech) for key, inner in value.items() if key not in ("evidence", "note")]
        if len(texts) == 2 and any(key in value for key in ("by", "on", "since")):
            return f"{texts[0]}: {texts[1]}"
        return _cut(", ".join(f"{key} {plain(inner, speech)}" for key, inner in list(value.items())[:20]))
    return "–" if value is None else _cut(str(value))


def _figure(value: float) -> str:
    """A number as it was set, thousands set off; none of its figures lost."""
    if not math.isfinite(value):
        return ""
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{value:,.0f}"
    return f"{value:,.6g}" if abs(value) < 1e6 else f"{value:,.15g}"


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= MOST_VALUE else f"{text[:MOST_VALUE].rstrip()} …"


def _in_scenarios(names: Sequence[str], material: Material, speech: Speech) -> str:
    if len(names) == len(material.about.scenarios) and len(names) > 1:
        return speech("in_all_scenarios")
    shown = speech.listed([named(material, speech, name) for name in names[:4]])
    return shown if len(names) <= 4 else f"{shown} {speech('and_more', n=len(names) - 4)}"


def _cited(ids: Sequence[str], speech: Speech) -> Cell:
    """Evidence ids as links to their rows; in words where there are none."""
    if not ids:
        return Cell(speech("assumed"))
    return Cell(links=[Link(one, f"#source-{one}" if one in shipped_rows() else "") for one in ids])


def differences(material: Material, speech: Speech) -> Section:
    """What differs between each scenario and its baseline, before any result."""
    title = speech("section_differences")
    told = [one for one in material.about.scenarios if one.differs_from_baseline is not None]
    if not told:
        return Section("differences", title, [speech(f"no_differences_{material.kind}")])
    return Section(
        "differences",
        title,
        [speech("differences_text")],
        [
            _differences_of(
                place, one.name, one.baseline or "", one.differs_from_baseline or [], material, speech
            )
            for place, one in enumerate(told)
        ],
    )


def _differences_of(
    place: int, name: str, base: str, changes: Sequence[Difference], material: Material, speech: Speech
) -> Grid:
    rows = [
        Row(
            Cell(_path(one, speech)),
            [
                Cell(_side(one, one.a, speech)),
                Cell(_side(one, one.b, speech)),
                Cell(speech.said(one.unit)),
                _cited([part for part in one.source.split(", ") if part not in ("", "assumed")], speech),
            ],
        )
        for one in changes[:MOST_CHANGES]
    ]
    titled, baseline = named(material, speech, name), named(material, speech, base)
    headers = [Cell(text) for text in (speech("what"), baseline, titled, speech("unit"), speech("evidence"))]
    more = len(changes) - len(rows)
    note = speech("more_rows", n=more) if more else "" if rows else speech("no_difference")
    caption = speech("differences_caption", scenario=titled, baseline=baseline)
    return Grid(f"differences-{place}", caption, headers, rows, note, small=True)


def _path(one: Difference, speech: Speech) -> str:
    """What differs in words: a measure by its name, anything else by its path."""
    first, _, rest = one.path.partition(".")
    if first != "interventions":
        return one.path
    identifier, _, name = rest.partition(".")
    content: Any = one.b or one.a
    whole = content if isinstance(content, dict) and not name else {}
    kind = str(whole.get("measure") or identifier.partition("-")[0])
    shown = speech.measure(identifier, kind, str(whole.get("title") or "")[:200])
    return f"{shown}: {speech.name(f'field.{name}') or name}" if name else shown


def _side(one: Difference, value: Any, speech: Speech) -> str:
    """A value on one side; a whole measure as there or not there, its fields stand with the measures."""
    if one.path.startswith("interventions.") and one.path.count(".") == 1:
        return speech("not_there" if value is None else "there")
    return plain(value, speech)


def parameters(material: Material, speech: Speech) -> Section:
    """Every parameter with its passport, and what of it is a guess."""
    title = speech("section_parameters")
    told = material.about.scenarios[:1]
    if not told or not told[0].parameters:
        return Section("parameters", title, [speech("no_scenarios_kept")])
    values = told[0].parameters
    known = {name: passports()[name] for name in values if name in passports()}
    assumed = [name for name, one in known.items() if not one.evidence]
    drawn = [name for name, one in known.items() if one.prior is not None]
    paragraphs = [
        speech("guesses_text", n=len(assumed), all=len(values)),
        speech(
            "guesses_drawn" if material.about.draws else "guesses_fixed",
            n=len(drawn),
            both=len(set(assumed) & set(drawn)),
            fixed=len(set(assumed) - set(drawn)),
        ),
        *_hanging(material, speech),
    ]
    if not _same_files(material):
        paragraphs.append(speech("other_passports"))
    blocks = [_grades(known, speech), _passport_grid(values, known, material, speech)]
    return Section("parameters", title, paragraphs, blocks)


def _hanging(material: Material, speech: Speech) -> list[str]:
    """Which parameters results hang on, where the folder holds a sensitivity; else that it does not say."""
    if material.sensitivity is None:
        return [speech("no_sensitivity")]
    names = list(dict.fromkeys(material.sensitivity["parameter"]))
    guessed = [name for name in names if name in passports() and not passports()[name].evidence]
    return [speech("sensitivity_text", n=len(names), names=speech.listed(guessed[:10]) or "–")]


def _same_files(material: Material) -> bool:
    """Whether the parameter files of the run are those that ship with this program, by their hashes."""
    from sim.observe.store import file_hash

    told = {
        Path(name).name: digest for name, digest in material.about.inputs.items() if "parameters/" in name
    }
    folder = shipped_folder() / "parameters"
    return bool(told) and all(
        told.get(path.name, "").startswith(file_hash(path)[:60]) for path in folder.glob("*.yaml")
    )


def _grades(known: Mapping[str, Passport], speech: Speech) -> Grid:
    """How many parameters there are of each grade, and how many of them are uncertain."""
    rows = []
    for grade in GRADES:
        of_grade = [one for one in known.values() if one.grade == grade]
        drawn = sum(one.prior is not None for one in of_grade)
        rows.append(Row(Cell(speech(f"grade_{grade}")), cells(f"{len(of_grade)}", f"{drawn}", kind="num")))
    headers = [
        Cell(speech("grade")),
        Cell(speech("parameters_head"), "num"),
        Cell(speech("uncertain_head"), "num"),
    ]
    return Grid("grades", speech("grades_caption"), headers, rows)


def _passport_grid(
    values: Mapping[str, Any], known: Mapping[str, Passport], material: Material, speech: Speech
) -> Grid:
    from sim.views.languages import words

    meanings = words("parameters", speech.lang) if speech.lang != "en" else {}
    rows: list[Row] = []
    group = ""
    for name, value in values.items():
        if name.partition(".")[0] != group:
            group = name.partition(".")[0]
            rows.append(Row(Cell(speech.name(f"group.{group}") or group)))
        rows.append(_passport_row(name, value, known.get(name), meanings, speech))
    headers = [
        Cell(speech("parameter")),
        Cell(speech("meaning")),
        *[Cell(speech(key), "num") for key in ("value", "allowed")],
        Cell(speech("unit")),
        Cell(speech("drawn_between"), "num"),
        Cell(speech("evidence")),
        Cell(speech("grade")),
    ]
    told = material.about.scenarios[0]
    caption = speech("parameters_caption", scenario=named(material, speech, told.name))
    return Grid("parameters-table", caption, headers, rows, speech("parameters_note"), small=True)


def _passport_row(
    name: str, value: Any, one: Passport | None, meanings: Mapping[str, str], speech: Speech
) -> Row:
    shown = Cell(plain(value, speech), "num")
    if one is None:
        return Row(
            Cell(name, "code"), [Cell(speech("unknown_parameter")), shown, *cells("–", "–", "–", "–", "–")]
        )
    translated = meanings.get(name)
    meaning = Cell(translated or one.meaning, lang="" if translated or speech.lang == "en" else "en")
    ends = [one.at(share) for share in (0.05, 0.95)] if one.prior is not None else []
    low, high = (_bound(end) for end in one.range)
    return Row(
        Cell(name, "code"),
        [
            meaning,
            shown,
            Cell(speech("to", a=low, b=high), "num"),
            Cell(speech.said(one.unit)),
            Cell(speech("to", a=_short(ends[0]), b=_short(ends[1])) if ends else "–", "num"),
            _cited(one.evidence, speech),
            Cell(speech("assumed") if one.grade == "assumed" else one.grade),
        ],
    )


def _bound(end: float) -> str:
    return _figure(end) if math.isfinite(end) else "∞" if end > 0 else "−∞"


def _short(value: float) -> str:
    return f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def sources(material: Material, speech: Speech) -> Section:
    """The statements that measures and parameters rest on: what is said, and where."""
    title = speech("section_sources")
    cited = [
        one for scenario in material.about.scenarios for m in scenario.interventions for one in m.evidence
    ]
    if material.about.scenarios:
        values = material.about.scenarios[0].parameters
        cited += [one for name in values if name in passports() for one in passports()[name].evidence]
    wanted = sorted({one for one in cited if one in shipped_rows()})
    if not wanted:
        return Section("sources", title, [speech("no_sources")])
    rows = []
    for one in wanted:
        fact = shipped_rows()[one]
        figures = [fact[name] for name in ("value_low", "value_best", "value_high") if fact[name]]
        amount = " / ".join(_figure(float(figure)) for figure in figures)
        period = " – ".join(
            dict.fromkeys(fact[name] for name in ("period_start", "period_end") if fact[name])
        )
        unit = "" if fact["unit"] == "qualitative" else fact["unit"]
        rows.append(
            Row(
                Cell(one, "code", id=f"source-{one}"),
                [
                    Cell(fact["quantity"], lang=_foreign(speech)),
                    Cell(amount, "num"),
                    Cell(unit, lang=_foreign(speech)),
                    Cell(period),
                    Cell(links=[Link(fact["source_title"], fact["source_url"])], lang=_foreign(speech)),
                    Cell(fact["quality"]),
                ],
            )
        )
    headers = [
        Cell(speech("id")),
        Cell(speech("statement")),
        Cell(speech("value"), "num"),
        *[Cell(speech(key)) for key in ("unit", "period", "source", "grade")],
    ]
    strange = sorted({one for one in cited if one not in shipped_rows()})
    paragraphs = [speech("sources_text")]
    if strange:
        paragraphs.append(speech("strange_sources", ids=speech.listed(strange[:20])))
    grid = Grid("sources-table", speech("sources_caption"), headers, rows, small=True)
    return Section("sources", title, paragraphs, [grid])


def _foreign(speech: Speech) -> str:
    return "" if speech.lang == "en" else "en"


def run_card(material: Material, speech: Speech) -> Section:
    """How the runs came about, so that they can be made again."""
    about = material.about
    finished = sum(run.status == "finished" for run in about.runs)
    sampled = min(about.draws or 0, about.replicates)
    entries: list[tuple[str, str]] = [
        ("card_command", shlex.join(about.command) if about.command else speech("not_kept")),
        ("card_seed", str(about.seed)),
        ("card_replicates", speech.number(about.replicates)),
        ("card_draws", speech("card_draws_value", n=sampled) if about.draws else speech("card_no_draws")),
        *[("card_draws_from", _draws_from(entry, speech)) for entry in about.draws_from],
        ("card_scale", speech.number(about.scale)),
        *([("card_origin", speech.day(about.origin))] if about.origin else []),
        *([("card_runs", f"{finished} / {len(about.runs)}")] if about.runs else []),
        ("card_fingerprint", about.fingerprint or speech("not_kept")),
        ("card_versions", speech.listed([f"{name} {version}" for name, version in about.versions.items()])),
    ]
    rows = [Row(Cell(speech(key)), [Cell(value, "code")]) for key, value in entries]
    rows += [
        Row(Cell(speech("card_scenario", name=one.name)), [Cell(one.sha256, "code")])
        for one in about.scenarios
        if one.sha256
    ]
    headers = [Cell(speech("item")), Cell(speech("value"))]
    grid = Grid("run-card-table", speech("card_caption"), headers, rows)
    return Section("run-card", speech("section_card"), [speech("card_text")], [grid])


def _draws_from(entry: Any, speech: Speech) -> str:
    if not entry.digest:
        return speech("from_priors")
    known = entry.known_by.isoformat() if entry.known_by else speech("no_date")
    return speech("from_table", source=entry.source or "–", n=entry.draws, digest=entry.digest, known=known)
