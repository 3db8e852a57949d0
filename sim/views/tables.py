"""Tables for people: a framed one on a terminal, plain aligned lines that nothing wraps when piped.

A table is first a list of text cells (`Table`); how it looks is decided only when it is printed, so the same
cells reach a terminal, a file and a test.
"""

from __future__ import annotations

import json
import math
import shutil
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Table:
    """Text cells with headings, and how a narrow terminal may show them.

    Columns named in `right` are set flush right; those in `spare` are left out first where the terminal is
    too narrow for all. A row of one cell is a sub-heading.
    """

    headers: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    title: str = ""
    right: frozenset[str] = field(default_factory=frozenset)
    spare: tuple[str, ...] = ()

    def widths(self) -> list[int]:
        """Width of each column, in characters."""
        full = [self.headers, *(row for row in self.rows if len(row) > 1)]
        return [max(len(row[k]) for row in full) for k in range(len(self.headers))]

    def without(self, header: str) -> Table:
        """The table without one column; as it is where it has no such column."""
        if header not in self.headers:
            return self
        gone = self.headers.index(header)
        rows = [row if len(row) == 1 else (*row[:gone], *row[gone + 1 :]) for row in self.rows]
        headers = (*self.headers[:gone], *self.headers[gone + 1 :])
        return replace(self, headers=headers, rows=rows)


GROUPS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "Benefit",
        (
            ("cases_registered", "registered cases"),
            ("cases_true", "true cases"),
            ("losses_yuan", "victims' losses, yuan"),
            ("gang_income_yuan", "gangs' income, yuan"),
        ),
    ),
    (
        "Harm to honest customers",
        (
            ("openings_refused_legitimate", "legitimate openings refused"),
            ("openings_lost_to_suspension", "openings lost to suspension"),
            ("closed_false", "accounts and cards closed in error"),
            ("holders_barred_in_error", "holders barred in error"),
            ("transfers_held_legitimate", "legitimate transfers held"),
            ("accounts_frozen_in_error", "accounts frozen in error"),
        ),
    ),
    (
        "The trade",
        (
            ("price_gang_yuan", "price a gang pays, yuan a set"),
            ("price_opener_yuan", "price an opener gets, yuan a set"),
            ("openings_illicit", "accounts opened for sale"),
            ("orders_filled", "sets that gangs bought"),
            ("own_account_share", "share of cases on own accounts"),
            ("substitute_share", "share of cases on substitutes"),
            ("cases_lost_for_cards", "cases that failed for want of a card"),
            ("involved_new_cards", "new cards traced to cases"),
            ("closed_true", "illicit cards closed by cleanups"),
            ("gangs", "fraud gangs active"),
            ("dealers", "dealer cells active"),
        ),
    ),
)
"""What the effect table shows, in its order: the benefit, the harm beside it, then how it came about."""


def outcome_words(outcome: str) -> str:
    """An outcome as a heading names it: `cases_registered` is `Registered cases`."""
    words = {name: label for _, outcomes in GROUPS for name, label in outcomes}
    text = words.get(outcome, outcome.replace("_", " ")).removesuffix(", yuan").removesuffix(", yuan a set")
    return text[:1].upper() + text[1:]


def effect_tables(
    effects: pd.DataFrame, window_start: str, window_end: str, baseline: str | Mapping[str, str]
) -> list[Table]:
    """One table for each scenario: its effects over one window, benefit first, harm beside it.

    `baseline` names the baseline of all, or that of each scenario.
    """
    chosen = effects[(effects["window_start"] == window_start) & (effects["window_end"] == window_end)]
    span = f"{window_start} to {window_end}: effect = scenario - baseline"
    against = {} if isinstance(baseline, str) else baseline
    return [
        _effect_table(rows, f"{name} against {against.get(str(name), baseline)}, {span}")
        for name, rows in chosen.groupby("scenario", sort=False)
    ]


def _effect_table(rows: pd.DataFrame, title: str) -> Table:
    known = {row["outcome"]: row for row in records(rows)}
    cells: list[tuple[str, ...]] = []
    for group, outcomes in GROUPS:
        there = [(name, label) for name, label in outcomes if name in known]
        if there:
            cells.append((group,))
            cells += [_effect_cells(label, known[name]) for name, label in there]
    headers = ("", "baseline", "effect", "90% interval", "5-95% of pairs", "better in", "verdict")
    return Table(headers, cells, title, frozenset(headers[1:6]), spare=("5-95% of pairs", "90% interval"))


def _effect_cells(label: str, row: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        label,
        number(row["baseline"]),
        number(row["effect"], sign=True),
        span(row["low"], row["high"]),
        span(row["range_low"], row["range_high"]),
        "" if math.isnan(row["p_better"]) else f"{row['p_better']:.0%}",
        str(row["verdict"]),
    )


def summary_table(summary: pd.DataFrame) -> Table:
    """Mean and 90% band of the main outcomes for each scenario and calendar year."""
    labels = dict(pair for _, outcomes in GROUPS for pair in outcomes)
    chosen = summary[summary["outcome"].isin(labels)]
    rows = [
        (
            r["scenario"],
            labels[r["outcome"]],
            r["window"],
            number(r["mean"]),
            number(r["p05"]),
            number(r["p95"]),
        )
        for r in records(chosen)
    ]
    headers = ("scenario", "outcome", "window", "mean", "5%", "95%")
    return Table(headers, rows, "Outcomes over runs", frozenset(headers[3:]))


def pattern_table(patterns: pd.DataFrame, title: str) -> Table:
    """Observed beside simulated, a row for each quantity."""
    prior = "prior_pass_share" in patterns.columns
    headers = ("", "pattern", "observed", "simulated", "5-95%", "band", "runs inside", "verdict")
    rows = []
    for row in records(patterns):
        between = f"{row['low']} .. {row['high']}" if row["low"] else ""
        inside = _share_of(row["pass_share"], row["runs"])
        cells = (row["id"], row["what"], row["observed"], row["simulated"], between, row["band"], inside)
        extra = (_share_of(row["prior_pass_share"], row["prior_draws"]),) if prior else ()
        rows.append((*cells, row["verdict"], *extra))
    return Table((*headers, "prior draws inside") if prior else headers, rows, title)


def mapping_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Plain rows as a table; the keys of the first are the headings."""
    headers = tuple(str(key) for key in rows[0]) if rows else ()
    return Table(headers, [tuple(_cell(value) for value in row.values()) for row in rows])


def difference_table(rows: Sequence[Mapping[str, Any]], ours: str, theirs: str) -> Table:
    """What differs between two scenarios; a measure that only one has shows its fields."""
    headers = ("what", ours, theirs, "unit", "source", "meaning")
    keys = ("path", "a", "b", "unit", "source", "meaning")
    return Table(headers, [tuple(_value(row[key]) for key in keys) for row in rows])


def _value(value: Any) -> str:
    """A value of a difference; a measure as its fields, a value that is not there as a dash."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_value(inner)}" for key, inner in value.items() if key not in _UNSAID)
    if isinstance(value, list | tuple):
        items = [_value(inner) for inner in value]
        shown = items if len(items) <= 8 else [*items[:3], f"... {len(items)} in all"]
        return "[" + "; ".join(shown) + "]"
    return "-" if value is None else _cell(value)


_UNSAID = ("id", "measure", "title", "note", "evidence")


def _cell(value: Any) -> str:
    return "" if value is None else " ".join(str(value).split())


def _share_of(share: float, count: float) -> str:
    return "" if math.isnan(share) else f"{round(share * count)} of {count:.0f}"


def number(value: float, *, sign: bool = False) -> str:
    """A rounded number with thousands set off: four figures at most, millions and billions in words."""
    if math.isnan(value):
        return ""
    lead = "+" if sign and value > 0 else ""
    for size, word in ((1e9, " bn"), (1e6, " m")):
        if abs(value) >= size:
            return f"{lead}{value / size:,.2f}{word}"
    if abs(value) >= 100:
        return f"{lead}{value:,.0f}"
    if abs(value) >= 10 or value == 0:
        return f"{lead}{value:.1f}".replace(".0", "")
    return f"{lead}{value:.2g}" if abs(value) < 1 else f"{lead}{value:.2f}"


def span(low: float, high: float) -> str:
    """An interval; empty where there is none."""
    return "" if math.isnan(low) else f"{number(low, sign=True)} to {number(high, sign=True)}"


def show(table: Table, file: TextIO | None = None) -> None:
    """Print a table: framed on a terminal, plain aligned lines elsewhere."""
    out = file or sys.stdout
    if out.isatty():
        _show_framed(table, out)
    else:
        out.write(plain(table) + "\n")


def show_cards(rows: Sequence[Mapping[str, Any]], file: TextIO | None = None) -> None:
    """Print rows with long texts: a card each on a terminal, wrapped to its width; elsewhere a line each."""
    out = file or sys.stdout
    if not out.isatty():
        show(mapping_table(rows), out)
        return
    width = shutil.get_terminal_size().columns
    for row in rows:
        (_, name), *rest = row.items()
        out.write(f"{name}\n")
        for key, value in rest:
            text = f"{key}: {_cell(value)}"
            out.write(textwrap.fill(text, width, initial_indent="  ", subsequent_indent="    ") + "\n")
        out.write("\n")


def plain(table: Table) -> str:
    """The table as aligned lines, two spaces between columns, never wrapped."""
    widths = table.widths()
    lines = [table.title] if table.title else []
    lines += [row[0] if len(row) == 1 else _line(row, table, widths) for row in (table.headers, *table.rows)]
    return "\n".join(lines)


def _line(row: Sequence[str], table: Table, widths: Sequence[int]) -> str:
    cells = [
        cell.rjust(width) if header in table.right else cell.ljust(width)
        for cell, header, width in zip(row, table.headers, widths, strict=True)
    ]
    return "  ".join(cells).rstrip()


def _show_framed(table: Table, out: TextIO) -> None:
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table as Framed

    console = Console(file=out)
    for header in table.spare:
        if sum(table.widths()) + 2 * len(table.headers) + 1 > console.width:
            table = table.without(header)
    framed = Framed(title=escape(table.title) or None, box=box.SIMPLE_HEAD, title_justify="left")
    for header in table.headers:
        framed.add_column(
            escape(header), justify="right" if header in table.right else "left", overflow="fold"
        )
    for row in table.rows:
        if len(row) == 1:
            framed.add_row(f"[bold]{escape(row[0])}[/bold]")
        else:
            framed.add_row(*(escape(cell) for cell in row))
    console.print(framed)


def as_json(content: Any) -> str:
    """Content as JSON, one line; a value that is not there is null."""
    return json.dumps(_plain_values(content), ensure_ascii=False, allow_nan=False)


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """A frame's rows as plain mappings."""
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]


def _plain_values(content: Any) -> Any:
    if isinstance(content, Mapping):
        return {str(key): _plain_values(value) for key, value in content.items()}
    if isinstance(content, str) or content is None:
        return content
    if isinstance(content, Iterable):
        return [_plain_values(value) for value in content]
    if isinstance(content, float):
        return content if math.isfinite(content) else None
    if isinstance(content, bool | int):
        return content
    return _plain_values(content.item()) if hasattr(content, "item") else str(content)
