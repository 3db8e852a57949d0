"""The runs of a folder asked after the fact: which run is paired with which, and what it shows.

A *policy* is a scenario with one combination of levers. Each of its runs is paired with the run of the
baseline at the same point of knowledge, draw and replicate; an effect is policy minus baseline, in percent of
the baseline's mean at that point of knowledge and draw where that is never 0, else in the outcome's own unit.
A folder without a baseline shows the outcome itself.
"""

from __future__ import annotations

import json
from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

import pandas as pd

from sim.errors import Fault, InputError, escaped, nearest, shown
from sim.observe.outcomes import OUTCOMES
from sim.observe.parts import SWEEP, SweepFolder
from sim.observe.store import refusal
from sim.observe.tidy import SETS, Folder
from sim.study.compare import HEADLINE, NATION
from sim.study.sweep import status
from sim.study.windows import Window, effect_windows, headline, over_window

if TYPE_CHECKING:
    from sim.experiment import Experiment


@dataclass(frozen=True)
class Subject:
    """What a table is about, for the words around a picture.

    `unit` is "%", "points" or the outcome's own; `baseline` is None where the outcome itself is shown;
    `scenario` is the one whose policies are in the table.
    """

    outcome: str
    window: Window
    scenario: str
    baseline: str | None
    unit: str
    title: str = ""
    note: str = ""


@dataclass(frozen=True)
class Pairs:
    """Runs of policies over a window, each with what it shows.

    `rows` has columns scenario, origin, draw, replicate, nature (a number for each point of knowledge and
    draw), ``lever.*``, ``knowledge.*`` and `shown`, in the unit of the subject.
    """

    rows: pd.DataFrame
    subject: Subject

    def factor(self, name: str) -> str:
        """The column of a lever or parameter. Raises `InputError` for one that is not varied here."""
        return factor_of(self.rows, name)

    def noted(self, note: str) -> Pairs:
        """The same with one more note for the reader of the picture."""
        notes = " ".join(filter(None, (self.subject.note, note)))
        return replace(self, subject=replace(self.subject, note=notes))

    @property
    def levers(self) -> list[str]:
        """The levers that take more than one value here."""
        return varied(self.rows, "lever.")

    @property
    def unknowns(self) -> list[str]:
        """The parameters of knowledge that take more than one value here."""
        return varied(self.rows, "knowledge.")


def varied(rows: pd.DataFrame, *kinds: str) -> list[str]:
    """The columns of these kinds (``lever.``, ``knowledge.``) that take more than one value."""
    return [name for name in rows.columns if name.startswith(kinds) and rows[name].nunique() > 1]


def factor_of(rows: pd.DataFrame | None, name: str) -> str:
    """The column of a lever or parameter. Raises `InputError` for one that is not varied."""
    known = [] if rows is None else varied(rows, *SETS)
    for column in known:
        if name in (column, bare(column)):
            return column
    names = [bare(column) for column in known]
    mend = f"Varied are: {', '.join(names)}." if names else "Nothing is varied here."
    what = f"names no lever that is varied here: {shown(name)}"
    raise InputError([Fault("--x or --y", None, "", what, mend, nearest(name, names))])


def bare(column: str) -> str:
    """A lever or parameter without what its column begins with."""
    return column.split(".", 1)[1]


def experiment_of(folder: Folder) -> Experiment | None:
    """The experiment behind a sweep, checked; None for results of `run` and `compare`."""
    from pydantic import ValidationError

    from sim.experiment import Experiment

    if folder.design is None:
        return None
    try:
        return Experiment.model_validate_json(json.dumps(folder.about.get("experiment")))
    except ValidationError as problem:
        mend = "Name the folder of a sweep."
        raise refusal(folder.path / SWEEP, "holds no experiment that can be read", mend) from problem


def window_of(folder: Folder, name: str | None) -> Window:
    """A named window that the runs cover; by default that of the experiment, else that of comparisons."""
    covered = effect_windows(*_span(folder))
    experiment = experiment_of(folder)
    asked = (experiment.windows if experiment is not None else None) or []
    names = [window.name for window in covered]
    if name is None:
        return next((window for window in covered if asked and window.name == asked[0]), headline(covered))
    for window in covered:
        if window.name == name:
            return window
    what = f"names no window that the runs cover: {shown(name)}"
    raise InputError(
        [Fault("--window", None, "", what, f"Give one of {', '.join(names)}.", nearest(name, names))]
    )


def _span(folder: Folder) -> tuple[date, date]:
    """First and last day of the runs: as the folder says, else by the months that it holds."""
    said = folder.about if folder.design is not None else (folder.about.get("scenarios") or [{}])[0]
    try:
        return date.fromisoformat(said["start"]), date.fromisoformat(said["end"])
    except (KeyError, TypeError, ValueError):
        months = folder.monthly(folder.outcomes()[:1], NATION)["month"]
        last = months.max()
        return months.min().date(), date(last.year, last.month, monthrange(last.year, last.month)[1])


def outcome_of(folder: Folder, name: str | None) -> str:
    """The outcome asked for; by default registered cases where they are kept, else the first that is."""
    kept = [known for known in folder.outcomes() if known in OUTCOMES]
    if name is None:
        return HEADLINE if HEADLINE in kept or not kept else kept[0]
    if name in kept:
        return name
    what = f"names no outcome that is kept here: {shown(name)}"
    mend = "`cardbreak list outcomes` says what there is."
    raise InputError([Fault("--outcome", None, "", what, mend, nearest(name, kept))])


def paired(folder: Folder, window: Window, outcome: str, scenario: str | None = None) -> Pairs:
    """The runs of one scenario's policies with their effect, or with the outcome where nothing is compared.

    `scenario` is the first that is not the baseline by default. Raises `InputError`.
    """
    rows, baseline = joined(folder, window, [outcome])
    origins = list(dict.fromkeys(rows.loc[~rows["is_base"], "origin"]))
    chosen = scenario or (origins[0] if origins else "")
    rows = rows[(rows["origin"] == chosen) & ~rows["is_base"]].reset_index(drop=True)
    if rows.empty:
        what = f"holds no run to show of {shown(chosen)}" if chosen else "holds no pair of runs yet"
        mend = f"Give --scenario with one of: {', '.join(origins)}." if origins else "Wait for more runs."
        raise InputError([Fault(str(folder.path), None, "", what, mend)])
    unit, values = _as_shown(rows, outcome, baseline)
    subject = Subject(outcome, window, chosen, baseline, unit, title_of(folder), _note(folder, origins))
    return Pairs(rows.assign(shown=values), subject)


def _note(folder: Folder, origins: Sequence[str]) -> str:
    """What a reader must know besides: what levers set and how, which scenarios are not in the picture."""
    experiment = experiment_of(folder)
    levers = experiment.levers if experiment is not None else None
    notes = []
    if levers is not None:
        for name, lever in levers.of.items():
            more = f" and {len(lever.paths) - 1} more" if len(lever.paths) > 1 else ""
            notes.append(f"{name} sets {lever.paths[0]}{more}.")
        if levers.design == "list" and len(levers.of) > 1:
            notes.append("Levers were varied together, not apart.")
    if len(origins) > 1:
        notes.append(f"{len(origins) - 1} other scenarios are not shown (--scenario).")
    return escaped(" ".join(notes))[:600]


def joined(folder: Folder, window: Window, outcomes: Sequence[str]) -> tuple[pd.DataFrame, str | None]:
    """The runs over a window: labels, what their point sets, ``value.OUTCOME`` and ``base.OUTCOME``.

    The second is the value of the paired run of the baseline. Where there is a baseline, only complete pairs
    are there, and its name is returned too; where there is none, all runs are, and ``base.*`` is NaN.
    """
    monthly = folder.monthly(outcomes, NATION)
    values = over_window(monthly, window, list(outcomes))
    design = (
        folder.design
        if folder.design is not None
        else pd.DataFrame({"scenario": monthly["scenario"].unique()})
    )
    if "origin" not in design:
        design = design.assign(origin=design["scenario"])
    rows = values.add_prefix("value.").reset_index().merge(design, on="scenario", how="left", sort=False)
    rows["origin"] = rows["origin"].fillna(rows["scenario"])
    rows["nature"] = _nature(rows)
    base_of, baseline = _bases(folder, rows, design)
    keys = pd.MultiIndex.from_arrays([rows["scenario"].map(base_of), rows["draw"], rows["replicate"]])
    base = values.reindex(keys).add_prefix("base.").reset_index(drop=True)
    rows = pd.concat([rows, base], axis=1)
    rows["is_base"] = rows["scenario"].map(base_of) == rows["scenario"]
    if baseline is not None:
        rows = rows.dropna(subset=[*base.columns])
    return _in_order(rows, design), baseline


def _in_order(rows: pd.DataFrame, design: pd.DataFrame) -> pd.DataFrame:
    """The rows in the order of the design, and within a point by draw and replicate."""
    places = {name: place for place, name in enumerate(design["scenario"])}
    return rows.sort_values("scenario", key=lambda names: names.map(places), kind="stable", ignore_index=True)


def _nature(rows: pd.DataFrame) -> pd.Series:
    """A number for each point of knowledge and draw."""
    known = [name for name in rows.columns if name.startswith("knowledge.")]
    return rows.groupby([*known, "draw"], dropna=False, sort=False).ngroup()


def _bases(folder: Folder, rows: pd.DataFrame, design: pd.DataFrame) -> tuple[dict[str, str], str | None]:
    """The baseline's point for each point, by name, and the name of the baseline."""
    if folder.design is None:
        return _named_bases(folder.about)
    experiment = experiment_of(folder)
    if experiment is None or not experiment.baseline or rows.empty:
        return {}, None
    first = str(design["origin"].iloc[0])
    levers = [name for name in design.columns if name.startswith("lever.")]
    known = [name for name in design.columns if name.startswith("knowledge.")]
    keys = list(design[known].itertuples(index=False, name=None))
    plain = (design["origin"] == first) & design[levers].isna().all(axis=1)
    at = {key: name for key, name, own in zip(keys, design["scenario"], plain, strict=True) if own}
    return {name: at[key] for name, key in zip(design["scenario"], keys, strict=True) if key in at}, first


def _named_bases(manifest: Mapping[str, Any]) -> tuple[dict[str, str], str | None]:
    """The same for results of `compare`, whose manifest names the baseline of each scenario."""
    baseline = manifest.get("baseline")
    entries = [entry for entry in manifest.get("scenarios") or () if isinstance(entry, dict)]
    if not isinstance(baseline, str):
        return {}, None
    found = {str(e.get("name")): str(e.get("baseline") or e.get("name")) for e in entries}
    return {baseline: baseline, **found}, baseline


def _as_shown(rows: pd.DataFrame, outcome: str, baseline: str | None) -> tuple[str, pd.Series]:
    """The unit of a picture and the value of each run in it."""
    share = OUTCOMES[outcome].unit == "share"
    value, base = rows[f"value.{outcome}"], rows[f"base.{outcome}"]
    if baseline is None:
        return ("%", 100 * value) if share else (OUTCOMES[outcome].unit, value)
    if share:
        return "points", 100 * (value - base)
    mean = base.groupby(rows["nature"]).transform("mean")
    if (mean != 0).all():
        return "%", 100 * (value - base) / mean
    return OUTCOMES[outcome].unit, value - base


def kind_of(folder: Folder) -> str:
    """The kind of picture that fits: of two levers a heat map, of one a dose, of unknowns a tornado."""
    design = folder.design
    if design is None:
        return "spaghetti"
    levers = len(varied(design, "lever."))
    if levers:
        return "heatmap" if levers > 1 else "dose"
    return "tornado" if varied(design, "knowledge.") else "spaghetti"


def title_of(folder: Folder) -> str:
    """The title of the experiment, its name where it has none; nothing for results of `run` and `compare`."""
    experiment = experiment_of(folder)
    return "" if experiment is None else escaped(experiment.title or experiment.name)


def source_of(folder: Folder) -> str:
    """Where the numbers come from, in a line for the foot of a picture."""
    about = folder.about
    version = (about.get("versions") or {}).get("cardbreak", "unknown")
    numbers = [
        f"{what} {about[what]}" for what in ("seed", "scale", "replicates", "draws") if about.get(what)
    ]
    text = f"Simulation, cardbreak {version}, {', '.join(numbers)}."
    if folder.design is not None:
        counts = status(SweepFolder(folder.path))[["done", "failed", "waiting"]].sum()
        if counts["done"] < counts.sum():
            text += f" {counts['done']} of {counts.sum()} runs are done."
    return f"{escaped(text)[:300]} Statements about the model, not forecasts of real cases."
