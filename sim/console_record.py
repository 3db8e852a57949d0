"""What commands about the record do: say what is known, and how far runs are from it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path

from sim.console import rows_of


def targets(
    results: Path | None,
    known_by: date | None,
    variants: Iterable[str],
    file: str,
    scenario: str,
    json: bool,
) -> None:
    """Print the targets that were known on a day and, of a results folder, how far its runs are from them."""
    from sim.calibration.distance import table
    from sim.calibration.targets import read_targets, read_variants
    from sim.views import tables as view
    from sim.views.record import targets_table

    record = read_targets(file)
    readings = read_variants(variants)
    chosen = record.chosen(known_by, readings)
    when = f", as known on {known_by}" if known_by else ""
    if results is None:
        name, rows = "", table(chosen)
    else:
        name, monthly = rows_of(results, scenario or record.scenario_of(readings))
        rows = table(chosen, monthly)
    if json:
        print(view.as_json({"targets": record.name, "scenario": name, "rows": view.records(rows)}))
        return
    view.show(targets_table(rows, f"{record.title}{when}", name))
