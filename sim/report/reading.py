"""A results folder taken apart for a report, with nothing in it taken on trust.

The folder may come from anybody: every file is bounded in size, every field that is shown has a type and a
length, and what is wrong is said in one line. Nothing that the folder names is opened, no path and no link;
parameters and evidence are those that ship with this program.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from sim.errors import escaped, shown_key
from sim.observe import store
from sim.observe.parquet import read_monthly
from sim.observe.parts import MOST_BYTES, SWEEP, SweepFolder
from sim.study.compare import HEADLINE, NATION
from sim.study.windows import Window, effect_windows, headline

FORECAST = "forecast.json"
FORECAST_FORMAT = "cardbreak-forecast"
SENSITIVITY = "sensitivity.csv"
COURSES = (HEADLINE, "price_gang_yuan", "price_opener_yuan", "cases_lost_for_cards")
"""The outcomes whose course over the months is shown, as far as they are kept."""

MOST_TABLE_BYTES = 64 * 2**20
MOST_SCENARIOS = 200
MOST_MEASURES = 200


def _one_line(value: Any) -> Any:
    return escaped(value) if isinstance(value, str) else value


Line = Annotated[str, Field(max_length=400), BeforeValidator(_one_line)]
Name = Annotated[str, Field(max_length=100), BeforeValidator(_one_line)]
Argument = Annotated[str, Field(max_length=4000), BeforeValidator(_one_line)]
Text = Annotated[str, Field(max_length=20_000), BeforeValidator(_one_line)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Value = Number | Annotated[list[Number], Field(max_length=1000)] | dict[Name, Number]


class Told(BaseModel):
    """What a manifest says of a measure; the fields of its kind are kept as they are."""

    model_config = ConfigDict(extra="allow", frozen=True)

    measure: Name
    id: Name
    title: Line = ""
    start: date
    end: date | None = None
    announced: date | None = None
    ramp_days: Number = 0
    coverage: Number = 1.0
    regions: Name | Annotated[list[Name], Field(max_length=100)] = "all"
    evidence: Annotated[list[Name], Field(max_length=100)] = []


class Difference(BaseModel):
    """One difference between a scenario and its baseline."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    path: Line
    a: Any = None
    b: Any = None
    unit: Line = ""
    source: Line = ""
    meaning: Line = ""


class ToldScenario(BaseModel):
    """What a manifest says of a scenario as it was run."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: Name
    title: Line = ""
    description: Text = ""
    start: date
    end: date
    rival: Name = "none"
    parameters: dict[Name, Value] = Field(default={}, max_length=5000)
    interventions: Annotated[list[Told], Field(max_length=MOST_MEASURES)] = []
    sha256: Name = ""
    baseline: Name | None = None
    differs_from_baseline: Annotated[list[Difference], Field(max_length=5000)] | None = None


class DrawsFrom(BaseModel):
    """Where draws of the parameters are from; no digest where they are from the priors."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    source: Line | None = None
    known_by: date | None = None
    draws: int | None = None
    digest: Name | None = None


class RunEntry(BaseModel):
    """One run: whether it reached its last day."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    status: Name


class About(BaseModel):
    """How results came about: what a manifest, or the files of a forecast, say."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    command: Annotated[list[Argument], Field(max_length=1000)] = []
    baseline: Name | None = None
    scenarios: Annotated[list[ToldScenario], Field(max_length=MOST_SCENARIOS)] = []
    seed: int
    replicates: Annotated[int, Field(ge=1)]
    draws: Annotated[int, Field(ge=0)] | None = None
    draws_from: Annotated[list[DrawsFrom], Field(max_length=50)] = []
    scale: Annotated[int, Field(ge=1)]
    versions: dict[Name, Line] = {}
    inputs: dict[Line, Line] = {}
    fingerprint: Name = ""
    runs: Annotated[list[RunEntry], Field(max_length=10_000_000)] = []
    wall_seconds: Number | None = None
    origin: date | None = None


@dataclass(frozen=True)
class Material:
    """What a report is made of.

    `monthly` has the nation's rows with the outcomes of `COURSES` that are kept; a table is None where the
    folder has none; `forecast` holds the tables of a forecast by the stems of their files.
    """

    path: Path
    kind: Literal["run", "compare", "forecast"]
    about: About
    monthly: pd.DataFrame
    effects: pd.DataFrame | None = None
    displacement: pd.DataFrame | None = None
    forecast: dict[str, pd.DataFrame] = field(default_factory=dict)
    sensitivity: pd.DataFrame | None = None

    @property
    def window(self) -> Window:
        """The window shown first, as `compare` shows it."""
        first = self.about.scenarios[0]
        return headline(effect_windows(first.start, first.end))

    def in_window(self, table: pd.DataFrame) -> pd.DataFrame:
        """The rows of a table of findings for the window shown first."""
        ends = (self.window.start.isoformat(), self.window.end.isoformat())
        return table[(table["window_start"] == ends[0]) & (table["window_end"] == ends[1])]

    def scenario(self, name: str) -> ToldScenario | None:
        """A scenario by name, None where nothing is known of it."""
        return next((one for one in self.about.scenarios if one.name == name), None)


def material(folder: Path) -> Material:
    """Read a folder of `run`, `compare` or `forecast`. Raises `InputError` for whatever is wrong with it."""
    if (folder / SWEEP).exists():
        return _of_forecast(folder)
    path = folder / store.MANIFEST
    about = _about(path, store.open_manifest(folder))
    if not about.scenarios:
        raise store.refusal(path, "describes no scenario", store.AGAIN)
    compared = about.baseline is not None
    found = Material(
        path=folder,
        kind="compare" if compared else "run",
        about=about,
        monthly=_courses(folder / store.MONTHLY),
        effects=_effects(folder / store.EFFECTS) if compared else None,
        displacement=_displacement(folder / store.DISPLACEMENT) if compared else None,
        sensitivity=_sensitivity(folder / SENSITIVITY),
    )
    known = {one.name for one in about.scenarios}
    for name, table in (("monthly.parquet", found.monthly), (store.EFFECTS, found.effects)):
        if table is not None and (strange := set(table["scenario"]) - known):
            what = f"holds a scenario that the manifest does not describe: {shown_key(min(strange))}"
            raise store.refusal(folder / name, what, store.AGAIN)
    return found


def _of_forecast(folder: Path) -> Material:
    sweep = SweepFolder(folder)
    content = sweep.about()
    if not (folder / "bands.csv").exists():
        mend = "Name the folder of run, compare or forecast; `cardbreak plot` draws a sweep."
        raise store.refusal(folder, "is a sweep without a forecast", mend)
    told = _forecast(folder / FORECAST) if (folder / FORECAST).exists() else {}
    kept = ("command", "scenarios", "inputs", "fingerprint", "origin")
    about = _about(folder / FORECAST, content | {name: told[name] for name in kept if name in told})
    store.check_file(folder / SWEEP, MOST_BYTES)
    monthly = sweep.monthly([HEADLINE], NATION)
    if monthly.empty:
        raise store.refusal(folder, "holds no finished run yet", "Go on: --resume.")
    quantiles = ("q05", "q25", "q50", "q75", "q95")
    more = ("p_fall", "knowledge", "chance", "structure")
    tables = {
        "bands": _table(folder / "bands.csv", ("statistic",), (*quantiles, *more), ("month",)),
        "streaks": _table(folder / "streaks.csv", (), ("months", "probability")),
        "naive": _table(folder / "naive.csv", ("forecaster", "statistic"), quantiles, ("month",)),
        "structures": _table(folder / "structures.csv", ("structure",), ("met", "targets", "runs", "weight")),
    }
    if not (tables["bands"]["statistic"] == "level").any():
        raise store.refusal(folder / "bands.csv", "has no row of levels", store.AGAIN)
    return Material(folder, "forecast", about, monthly, forecast=tables)


def _about(path: Path, content: dict[str, Any]) -> About:
    try:
        about = About.model_validate(content)
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_input=False)[0]
        where = ".".join(shown_key(str(part)) for part in first["loc"][:6])
        raise store.refusal(path, f"is not as it should be at {where}: {first['msg']}", store.AGAIN) from None
    names = [one.name for one in about.scenarios]
    if len(set(names)) < len(names):
        raise store.refusal(path, "describes a scenario twice", store.AGAIN)
    return about


def _forecast(path: Path) -> dict[str, Any]:
    content = store.json_object(path, store.MOST_MANIFEST_BYTES)
    if content.get("format") != FORECAST_FORMAT:
        raise store.refusal(path, "is not of a cardbreak forecast", store.AGAIN)
    return content


def _courses(path: Path) -> pd.DataFrame:
    from sim.observe.parquet import outcomes_in

    kept = set(outcomes_in(path))
    frame = read_monthly(path, [name for name in COURSES if name in kept], NATION)
    if frame.empty or HEADLINE not in frame:
        raise store.refusal(path, f"has no {HEADLINE} of the nation", store.AGAIN)
    return frame


_SPAN = ("window_start", "window_end")


def _effects(path: Path) -> pd.DataFrame | None:
    numbers = ("baseline", "effect", "relative", "low", "high", "range_low", "range_high", "p_better")
    texts = ("scenario", "outcome", "unit", *_SPAN, "interval", "verdict")
    return _table(path, texts, (*numbers, "draws", "replicates")) if path.exists() else None


def _displacement(path: Path) -> pd.DataFrame | None:
    changes = [f"change_{side}{end}" for side in ("here", "elsewhere") for end in ("", "_low", "_high")]
    numbers = ("baseline_here", "baseline_elsewhere", *changes, "displacement", "low", "high", "replicates")
    texts = ("scenario", "measure", "axis", "unit", *_SPAN, "verdict")
    return _table(path, texts, numbers) if path.exists() else None


def _sensitivity(path: Path) -> pd.DataFrame | None:
    return _table(path, ("scenario", "parameter"), ()) if path.exists() else None


def _table(
    path: Path, texts: Sequence[str], numbers: Sequence[str], months: Sequence[str] = ()
) -> pd.DataFrame:
    """A table of a folder, its columns checked: text in one line, numbers as float64, months as dates."""
    store.check_file(path, MOST_TABLE_BYTES)
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""])
        frame = frame[[*texts, *numbers, *months]]
        for name in numbers:
            frame[name] = pd.to_numeric(frame[name]).astype("float64")
        for name in months:
            frame[name] = pd.to_datetime(frame[name], format="%Y-%m-%d")
        for name in texts:
            frame[name] = frame[name].fillna("").map(lambda text: escaped(text)[:400])
        if np.isinf(frame[list(numbers)].to_numpy(dtype="float64")).any() or frame[list(months)].isna().any(
            axis=None
        ):
            raise ValueError("not finite")
    except (OSError, ValueError, KeyError, TypeError, OverflowError) as problem:
        raise store.refusal(path, "is torn, or lacks a column of its kind", store.AGAIN) from problem
    return frame
