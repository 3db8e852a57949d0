"""Tables of what a comparison found besides single effects: all scenarios at a glance, interaction,
displacement, costs.

Each function takes the whole table of `sim.study` and the two ends of the window to show.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sim.study.costs import TOTAL
from sim.views.tables import GROUPS, Table, number, records, span

if TYPE_CHECKING:
    import pandas as pd

Ends = tuple[str, str]

HARM_WORDS = {
    "openings_refused_legitimate": "openings refused",
    "openings_lost_to_suspension": "turned away",
    "closed_false": "closed in error",
    "holders_barred_in_error": "barred in error",
    "transfers_held_legitimate": "transfers held",
    "accounts_frozen_in_error": "frozen in error",
}
"""Harm to honest customers in a word or two each."""

MOST_SHIFTS = 4
"""More displacements than this do not fit into a cell."""


def overview_table(
    effects: pd.DataFrame, displacement: pd.DataFrame, costs: pd.DataFrame, ends: Ends, against: str
) -> Table:
    """One row a scenario: benefit, harm beside it, where the fraud moved, what a case averted cost."""
    shown = _of(effects, ends)
    moved, paid = _of(displacement, ends), _of(costs, ends)
    rows = [
        _overview_row(str(name), own, moved[moved["scenario"] == name], paid[paid["scenario"] == name])
        for name, own in shown.groupby("scenario", sort=False)
    ]
    headers = (
        "scenario",
        "registered cases",
        "90% interval",
        "verdict",
        "harm to honest customers",
        "displacement D",
        "yuan a case averted",
        "police hours",
    )
    title = f"Effects against {against}, {' to '.join(ends)}: effect = scenario - baseline"
    return Table(headers, rows, title, frozenset(headers[1:3]), spare=("90% interval",))


def _overview_row(
    name: str, effects: pd.DataFrame, displacement: pd.DataFrame, costs: pd.DataFrame
) -> tuple[str, ...]:
    known = {row["outcome"]: row for row in records(effects)}
    cases = known["cases_registered"]
    (total,) = records(costs[costs["measure"] == TOTAL])
    return (
        name,
        number(cases["effect"], sign=True),
        span(cases["low"], cases["high"]),
        cases["verdict"],
        ", ".join(_harm(known)) or "none to be told",
        _shifts(displacement),
        number(total["cost_per_case"]) or total["note"].split(";")[0].split(":")[0],
        _with_span(total, "police_hours", sign=True),
    )


def _harm(known: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Every harm whose interval leaves 0 out; from a single pair every one that differs."""
    told = [
        (row, words)
        for outcome, words in HARM_WORDS.items()
        if (row := known.get(outcome)) and row["effect"] and not row["low"] <= 0 <= row["high"]
    ]
    return [f"{number(row['effect'], sign=True)} {words}" for row, words in told]


def _shifts(displacement: pd.DataFrame) -> str:
    """Every D with its interval; what several measures share is shown once."""
    there = displacement[displacement["displacement"].notna()]
    found = records(there.drop_duplicates(["axis", "displacement", "low", "high"]))
    if len(found) > MOST_SHIFTS:
        return f"{len(found)} figures: see displacement"
    axes = [row["axis"] for row in found]
    return ", ".join(
        f"{row['axis']}{' of ' + row['measure'] if axes.count(row['axis']) > 1 else ''} "
        f"{number(row['displacement'], sign=True)} ({span(row['low'], row['high'])})"
        for row in found
    )


def interaction_tables(interaction: pd.DataFrame, ends: Ends) -> list[Table]:
    """For each scenario that others make up: sum of single effects, joint effect, difference."""
    groups = _of(interaction, ends).groupby(["scenario", "parts"], sort=False)
    return [_interaction_table(rows, str(name), str(parts), ends) for (name, parts), rows in groups]


def _interaction_table(rows: pd.DataFrame, name: str, parts: str, ends: Ends) -> Table:
    labels = dict(pair for _, outcomes in GROUPS for pair in outcomes)
    cells = [
        (
            labels[row["outcome"]],
            *(_with_span(row, what, sign=True) for what in ("sum", "joint", "difference")),
            row["verdict"],
        )
        for row in records(rows)
    ]
    title = f"{name} against the sum of {parts.count(';') + 1} scenarios, {' to '.join(ends)}: {parts}"
    headers = ("", "one by one", "together", "difference", "verdict")
    return Table(headers, cells, title, frozenset(headers[1:4]))


def displacement_table(displacement: pd.DataFrame, ends: Ends) -> Table:
    """Here, elsewhere and D of every measure and axis; measures that share both sides share a row."""
    rows = [
        (
            row["scenario"],
            measures,
            f"{row['axis']}, {row['unit']}",
            number(row["baseline_here"]),
            number(row["change_here"], sign=True),
            number(row["baseline_elsewhere"]),
            number(row["change_elsewhere"], sign=True),
            number(row["displacement"], sign=True),
            span(row["low"], row["high"]),
            row["verdict"],
        )
        for row, measures in _shared(records(_of(displacement, ends)))
    ]
    headers = ("scenario", "measure", "axis", "here", "change here", "elsewhere", "change elsewhere", "D")
    title = f"Displacement, {' to '.join(ends)}: D = -(change elsewhere) / (change here)"
    right = frozenset((*headers[3:], "90% interval"))
    return Table((*headers, "90% interval", "verdict"), rows, title, right, spare=("here", "elsewhere"))


def _shared(rows: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Rows with one here and elsewhere, each once, and the measures that share it in words."""
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        same = ("scenario", "axis", "unit", "baseline_here", "change_here", "change_elsewhere")
        groups.setdefault(tuple(repr(row[name]) for name in same), []).append(row)
    for first, *others in groups.values():
        more = f" and {len(others)} more" if others else ""
        yield first, f"{first['measure']}{more}"


def cost_table(costs: pd.DataFrame, ends: Ends, *, measures: bool) -> Table:
    """Costs, a row a scenario; with `measures` also one for each measure."""
    shown = _of(costs, ends)
    rows = [
        (
            row["scenario"],
            row["measure"],
            number(row["units"]),
            row["unit"],
            " ".join(filter(None, (number(row["attributed"]), row["attributable"]))),
            number(row["cost"], sign=True),
            _with_span(row, "police_hours", sign=True),
            number(row["averted_registered"], sign=True),
            number(row["averted_true"], sign=True),
            _with_span(row, "cost_per_case"),
            _with_span(row, "break_even_cost_per_unit"),
            number(row["break_even_dose"]),
            row["note"],
        )
        for row in records(shown if measures else shown[shown["measure"] == TOTAL])
    ]
    left = ("scenario", "measure", "delivered", "unit", "attributed")
    more = ("police hours", "cases averted", "true cases averted", "yuan a case averted")
    last = ("break-even yuan a unit", "break-even dose", "note")
    headers = (*left, "cost, yuan", *more, *last)
    title = f"Costs and cases averted, {' to '.join(ends)}"
    right = frozenset({"delivered", *headers[5:-1]})
    spare = ("attributed", "true cases averted", "break-even dose", "unit")
    table = Table(headers, rows, title, right, spare)
    return table if measures else table.without("measure").without("attributed")


def _of(table: pd.DataFrame, ends: Ends) -> pd.DataFrame:
    return table[(table["window_start"] == ends[0]) & (table["window_end"] == ends[1])]


def _with_span(row: Mapping[str, Any], what: str, *, sign: bool = False) -> str:
    """A number and its interval in one cell."""
    between = span(row[f"{what}_low"], row[f"{what}_high"])
    return number(row[what], sign=sign) + (f" ({between})" if between else "")
