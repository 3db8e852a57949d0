"""Back-tests and controls in tables and sentences: schedules as known, scores, how little they prove."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sim.views.tables import Table, number, records

if TYPE_CHECKING:
    import pandas as pd


HINDSIGHT = "Strengths that the scenario assumes were assumed with the whole record in view: hindsight too."


def schedule_table(changes: pd.DataFrame, origin: str) -> Table:
    """What of the schedule was not known on a day, and how the rest goes on."""
    rows = [tuple(str(row[name]) for name in ("measure", "what", "words")) for row in records(changes)]
    return Table(("measure", "what", "in words"), rows, f"The schedule as known on {origin}")


def schedule_lines(changes: pd.DataFrame) -> Iterator[str]:
    """The same in two or three sentences: what is left out, what goes on, and the hindsight that remains."""
    for what, words in (
        ("left out", "not known yet"),
        ("goes on", "goes on at the pace last known"),
        ("hindsight", "in force, though nothing was public yet: hindsight"),
    ):
        if named := ", ".join(dict.fromkeys(changes.loc[changes["what"] == what, "measure"])):
            yield f"{words}: {named}"
    yield HINDSIGHT


def score_table(scores: pd.DataFrame, origin: str) -> Table:
    """A row for each target and forecaster."""
    headers = (
        "target", "observed", "forecaster", "median", "50% band", "90% band", "CRPS", "WIS", "inside",
        "given to the sign", "Brier", "cardbreak's skill", "runs",
    )  # fmt: skip
    rows = []
    before = ""
    for row in records(scores):
        first = row["target"] != before
        before = str(row["target"])
        observed = "met" if _none(row["observed"]) else _value(row["observed"])
        rows.append(
            (
                f"{row['target']} {row['title']}" if first else "",
                observed if first else "",
                str(row["forecaster"]),
                _value(row["q50"]),
                f"{_value(row['q25'])} to {_value(row['q75'])}",
                f"{_value(row['q05'])} to {_value(row['q95'])}",
                _value(row["crps"]),
                _value(row["wis"]),
                _inside(row),
                _share(row["probability"]),
                "" if _none(row["brier"]) else f"{row['brier']:.2f}",
                "" if _none(row["skill"]) else f"{row['skill']:+.2f}",
                str(row["runs"]),
            )
        )
    title = f"What was forecast on {origin}, and what became known later"
    return Table(headers, rows, title, right=frozenset(headers[3:]))


def proof_line(scores: pd.DataFrame, origin: str) -> str:
    """How little the scores of an origin prove, in words."""
    targets = scores.drop_duplicates("target")
    figures = targets[targets["observed"].notna()]
    derived = int(figures["title"].str.contains("which follows from", regex=False).sum())
    signs = len(targets) - len(figures)
    if targets.empty:
        return f"{origin}: nothing became known later; there is nothing to score the forecast with yet."
    return (
        f"{origin}: {len(figures)} figures ({derived} of them worked out from others) and {signs} signs of "
        "one episode. That can embarrass a forecaster; it cannot show that its bands hold the truth as "
        "often as they say."
    )


def control_table(table: pd.DataFrame) -> Table:
    """A row for each control."""
    headers = (
        "control", "question", "in", "found", "of", "share", "error", "90% interval", "rule", "verdict",
    )  # fmt: skip
    rows = [
        (
            *(str(row[name]) for name in ("control", "question", "world", "found", "of")),
            *(_share(row[name]) for name in ("share", "error")),
            f"{_share(row['low'])} to {_share(row['high'])}",
            *(str(row[name]) for name in ("rule", "verdict")),
        )
        for row in records(table)
    ]
    title = "Negative controls: what is found where there is nothing to find"
    return Table(headers, rows, title, right=frozenset(headers[3:8]))


def frozen_table(listed: pd.DataFrame, where: str) -> Table:
    """The frozen forecasts of a folder."""
    rows = [tuple(str(value) for value in row.values()) for row in records(listed)]
    return Table(tuple(listed.columns), rows, f"Frozen forecasts in {where}")


def caveats(shares_draws: bool) -> Iterator[str]:
    """What the reader of the controls has to know."""
    yield "dates: a find is a shuffle that meets the record as well as the real dates do."
    yield "no operation: a find is a world whose months pass for those of an operation."
    if shares_draws:
        yield "Several runs share a draw: worlds are alike and intervals too narrow. Ask for more draws."


def _inside(row: dict[str, Any]) -> str:
    if _none(row["in90"]):
        return ""
    return "50%" if row["in50"] else "90%" if row["in90"] else "no"


def _value(value: float) -> str:
    """Levels as numbers, changes and ratios with the figures that they need."""
    return "" if _none(value) else number(value) if abs(value) >= 20.0 else f"{value:.3g}"


def _share(value: float) -> str:
    return "" if _none(value) else f"{value:.0%}"


def _none(value: float) -> bool:
    return math.isnan(value)
