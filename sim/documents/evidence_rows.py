"""Rows of the evidence as a page shows them: what is stated, for when and where, by whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sim.documents.page import table
from sim.scenario.evidence import shipped_rows


def shown(ids: Iterable[str]) -> str:
    """A table of some rows, each once, with a link to its source; empty where there is no id."""
    chosen = [shipped_rows()[name] for name in dict.fromkeys(ids)]
    cells = [
        (
            row["id"],
            row["quantity"],
            _value(row),
            _when(row),
            row["region"],
            f"[{_plain(row['source_title'])}]({row['source_url']})"
            if row["source_url"]
            else row["source_title"],
            row["published"],
            row["quality"],
            row["note"],
        )
        for row in chosen
    ]
    headers = ("id", "statement", "value", "window", "place", "source", "published", "grade", "note")
    return table(headers, cells) if cells else ""


def _value(row: Mapping[str, str]) -> str:
    low, best, high = (row[f"value_{name}"] for name in ("low", "best", "high"))
    number = best or " to ".join(part for part in (low, high) if part)
    return f"{number} {row['unit']}".strip()


def _when(row: Mapping[str, str]) -> str:
    ends = [row["period_start"], row["period_end"]]
    return " to ".join(dict.fromkeys(day for day in ends if day))


def _plain(text: str) -> str:
    return text.replace("[", "(").replace("]", ")")
