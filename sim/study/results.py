"""From a set of runs to a results folder: tables, effects and the manifest that says how they came about."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from sim.draws.plausible import drawn_from
from sim.observe import store
from sim.observe.parquet import fingerprint, ordered
from sim.study.adviser import Advice, precision_table
from sim.study.compare import effects, summary
from sim.study.costs import costs
from sim.study.displacement import as_effects, displacements
from sim.study.interaction import interactions
from sim.study.run_set import RunSet
from sim.study.variants import Comparison
from sim.study.windows import Window, effect_windows, headline, summary_windows

if TYPE_CHECKING:
    from sim.scenario import Scenario

LIBRARIES = ("cardbreak", "numpy", "numba", "pandas", "pyarrow", "mesa", "scipy")


@dataclass(frozen=True)
class Findings:
    """What a comparison found: a table for each question, each written to the file of its name.

    `effects` holds the displacements too, as rows; `interaction` is empty where no scenario is the sum of
    others, `precision` where no half-width was asked for.
    """

    effects: pd.DataFrame
    interaction: pd.DataFrame
    displacement: pd.DataFrame
    costs: pd.DataFrame
    precision: pd.DataFrame = field(default_factory=pd.DataFrame)


@dataclass(frozen=True)
class Tables:
    """What a study made: the monthly table, what measures did, its summary, and what a comparison found."""

    monthly: pd.DataFrame
    deeds: pd.DataFrame
    summary: pd.DataFrame
    findings: Findings | None
    headline: Window
    manifest: dict[str, Any]

    @property
    def effects(self) -> pd.DataFrame | None:
        """The effects, where a baseline was given."""
        return None if self.findings is None else self.findings.effects

    def headline_effects(self, outcome: str) -> pd.DataFrame | None:
        """The effects on one outcome over the window shown first, a row for each scenario."""
        if self.effects is None:
            return None
        return self.in_headline(self.effects[self.effects["outcome"] == outcome])

    def in_headline(self, table: pd.DataFrame) -> pd.DataFrame:
        """The rows of a table of findings for the window shown first."""
        return table[
            (table["window_start"] == self.headline.start.isoformat())
            & (table["window_end"] == self.headline.end.isoformat())
        ]


def tables_of(
    runs: RunSet, *, command: Sequence[str], asked: Comparison | None, advice: Advice | None = None
) -> Tables:
    """Everything a set of runs says, before it is written down; `asked` is None where nothing is compared,
    `advice` where replicates were not added until a half-width was reached.
    """
    monthly, deeds = ordered(runs.monthly()), runs.deeds()
    first = runs.scenarios[0]
    windows = effect_windows(first.start, first.end)
    findings = findings_of(monthly, deeds, asked, windows, advice) if asked is not None else None
    manifest = manifest_of(runs, monthly, command=command, asked=asked)
    if asked is not None and advice is not None and findings is not None:
        manifest["precision"] = advice.entry(findings.precision, asked)
    return Tables(
        monthly=monthly,
        deeds=deeds,
        summary=pd.concat([_summary_of(monthly, scenario) for scenario in runs.scenarios], ignore_index=True),
        findings=findings,
        headline=headline(windows),
        manifest=manifest,
    )


def findings_of(
    monthly: pd.DataFrame,
    deeds: pd.DataFrame,
    asked: Comparison,
    windows: Sequence[Window],
    advice: Advice | None = None,
) -> Findings | None:
    """What the finished runs say; None where no scenario and its baseline both have one."""
    there = set(monthly["scenario"])
    pairs = {name: base for name, base in asked.baselines.items() if {name, base} <= there}
    if not pairs:
        return None
    displacement = displacements(monthly, deeds, asked, windows)
    found = effects(monthly, pairs, windows)
    shifted = as_effects(displacement)
    return Findings(
        effects=pd.concat([found, shifted], ignore_index=True) if len(shifted) else found,
        interaction=interactions(monthly, asked.compared, windows),
        displacement=displacement,
        costs=costs(monthly, deeds, asked.compared, windows),
        precision=(
            pd.DataFrame()
            if advice is None
            else precision_table(monthly, asked, advice.wish, headline(tuple(windows)))
        ),
    )


def _summary_of(monthly: pd.DataFrame, scenario: Scenario) -> pd.DataFrame:
    rows = monthly[monthly["scenario"] == scenario.name]
    return summary(rows, summary_windows(scenario.start, scenario.end)) if len(rows) else pd.DataFrame()


def manifest_of(
    runs: RunSet, monthly: pd.DataFrame, *, command: Sequence[str], asked: Comparison | None
) -> dict[str, Any]:
    """How the results came about, as plain values: scenarios as run, numbers asked for, versions, hashes,
    runs.
    """
    bases = {one.scenario.name: one.baseline for one in asked.compared} if asked is not None else {}
    return {
        "command": list(command),
        "complete": runs.complete,
        "interrupted": runs.interrupted,
        "baseline": None if asked is None else asked.baseline.name,
        "scenarios": [scenario_entry(scenario, bases.get(scenario.name)) for scenario in runs.scenarios],
        "seed": runs.seed,
        "replicates": runs.replicates,
        "draws": runs.draws,
        "draws_from": drawn_from(runs.scenarios, runs.draws),
        "scale": runs.scenarios[0].scale,
        "versions": versions(),
        "inputs": inputs_of(runs.scenarios),
        "fingerprint": fingerprint(monthly),
        "runs": [_run_entry(run) for run in runs.runs],
        "wall_seconds": round(runs.seconds, 3),
    }


def versions() -> dict[str, str]:
    """Versions of Python and of the libraries that numbers depend on."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "unknown"
    return found


def scenario_entry(scenario: Scenario, baseline: Scenario | None) -> dict[str, Any]:
    """A scenario as run, with its hash and what differs from its baseline, where it has one."""
    entry = {**scenario.to_dict(), "sha256": scenario.hash()}
    if baseline is not None:
        entry["baseline"] = baseline.name
        entry["differs_from_baseline"] = difference_rows(baseline, scenario)
    return entry


def difference_rows(ours: Scenario, theirs: Scenario) -> list[dict[str, Any]]:
    """What differs between two scenarios, as plain rows."""
    from sim.scenario import differences

    return [difference.to_dict() for difference in differences(ours, theirs)]


def inputs_of(scenarios: Sequence[Scenario]) -> dict[str, str]:
    """SHA-256 of every file that was read, scenarios and parameters, by the name under which it was given."""
    files = [file for scenario in scenarios for file in scenario.sources]
    files += [p.file for scenario in scenarios for p in scenario.parameters.passports.values()]
    return {name: store.file_hash(name) for name in dict.fromkeys(files) if Path(name).is_file()}


def _run_entry(run: Any) -> dict[str, Any]:
    entry = {
        "scenario": run.scenario,
        "draw": run.draw,
        "replicate": run.replicate,
        "status": "finished" if run.finished else "FAILED",
        "wall_seconds": round(run.seconds, 3),
    }
    return entry | ({"error": run.error} if run.error else {"counts": run.counts})


def write(folder: store.ResultsFolder, tables: Tables, pictures: Mapping[str, bytes]) -> list[Path]:
    """Put everything in place, the manifest last; return the files in the order of writing.

    `pictures` holds PNG files by name. A table without rows is not written.
    """
    folder.write_monthly(tables.monthly)
    folder.write_measures(tables.deeds)
    folder.write_table(store.SUMMARY, tables.summary)
    if tables.findings is not None:
        for name, table in (
            (store.EFFECTS, tables.findings.effects),
            (store.INTERACTION, tables.findings.interaction),
            (store.DISPLACEMENT, tables.findings.displacement),
            (store.COSTS, tables.findings.costs),
            (store.PRECISION, tables.findings.precision),
        ):
            if len(table):
                folder.write_table(name, table)
    for name, picture in pictures.items():
        folder.write_bytes(name, picture)
    folder.write_manifest(tables.manifest)
    return folder.written
