"""An experiment file: which scenarios, under which policies, against what is not known, how often.

An experiment crosses scenarios with *levers*, what policy chooses (a dose, a date, how outlets are picked),
with *knowledge*, what nature has chosen and nobody knows (parameters with a prior), and with replicates,
which are chance. Levers and knowledge are kept apart, so that a result can be split by what one could decide,
what one could learn, and luck.

.. code-block:: yaml

    name: outlets-suspended
    scenarios: [card-broken-2020]
    baseline: baseline
    scale: 500
    replicates: 4
    levers:
      design: grid
      of:
        outlets:
          set: interventions.opening_suspension.outlets
          values: [0, 620, 5000, 20000]
    knowledge:
      design: sobol
      points: 16
      of: [openers.arrest_weight, market.sharpness]
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from sim.draws.wish import POINT_VALUES, DrawsWish, read_wish
from sim.errors import Fault, InputError, nearest
from sim.interventions.base import Strict
from sim.scenario import folders
from sim.scenario.complaints import validated
from sim.scenario.schema import Day, Name, Scale
from sim.scenario.source import Node, read

MOST_POINTS = 1_000_000
MOST_DRAWS = 1_000_000
Path_ = Annotated[str, Field(min_length=1, max_length=200)]
Value = bool | int | float | str
Design = Literal["grid", "list", "latin_hypercube", "sobol"]
SPACE_FILLING = ("latin_hypercube", "sobol")


class Lever(Strict):
    """Something that policy chooses: the patches it writes, and the values or the range that it takes."""

    set: Path_ | list[Path_] = Field(description="Path of a patch, or several that take the same value.")
    values: list[Value] | None = Field(None, description="The values to try.")
    low: float | None = Field(None, description="Lowest value, for space-filling designs.")
    high: float | None = Field(None, description="Highest value.")
    whole: bool = Field(False, description="Whether values between low and high are whole numbers.")

    @model_validator(mode="after")
    def _values_or_range(self) -> Self:
        ranged = self.low is not None and self.high is not None
        if (self.values is None) == (not ranged):
            raise ValueError("needs either values or both low and high. Give values: [a, b], or low and high")
        if ranged and not self.low < self.high:  # type: ignore[operator]
            raise ValueError("low must lie below high. Exchange them")
        if self.values is not None and not self.values:
            raise ValueError("values is empty. Give at least one value")
        return self

    @property
    def paths(self) -> tuple[str, ...]:
        """The patches that take the value."""
        return (self.set,) if isinstance(self.set, str) else tuple(self.set)

    def at(self, share: float) -> Value:
        """The value at a share (0 to 1) of the values or the range."""
        if self.values is not None:
            return self.values[min(int(share * len(self.values)), len(self.values) - 1)]
        low, high = float(self.low or 0.0), float(self.high or 0.0)
        if self.whole:
            return int(min(low + int(share * (high - low + 1)), high))
        return low + share * (high - low)


class Levers(Strict):
    """How levers are combined."""

    design: Design = Field("grid", description="grid, list, latin_hypercube or sobol.")
    points: Annotated[int, Field(ge=1, le=MOST_POINTS)] | None = Field(
        None, description="Number of points of a space-filling design."
    )
    of: dict[Name, Lever] = Field(description="The levers, by name.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not self.of:
            raise ValueError("of names no lever. Name one, or leave levers out")
        if (self.points is not None) != (self.design in SPACE_FILLING):
            raise ValueError(
                f"points and design {self.design} do not go together. "
                "Give points for latin_hypercube and sobol, and only for them"
            )
        lengths = {len(lever.values) if lever.values is not None else 0 for lever in self.of.values()}
        if self.design in ("grid", "list") and 0 in lengths:
            raise ValueError(f"a {self.design} needs values. Give every lever a list of values")
        if self.design == "list" and len(lengths) > 1:
            raise ValueError("a list needs as many values of each lever. Make the lists equally long")
        return self


class Knowledge(Strict):
    """What is not known: parameters at quantiles of their priors, by a space-filling design."""

    design: Literal["latin_hypercube", "sobol"] = Field("sobol", description="latin_hypercube or sobol.")
    points: Annotated[int, Field(ge=1, le=MOST_POINTS)] = Field(description="Number of points.")
    of: Annotated[list[str], Field(min_length=1, max_length=500)] = Field(
        description="Ids of parameters that have a prior."
    )


class Budget(Strict):
    """What the campaign may cost; a plan beyond it is refused before the first run."""

    runs: Annotated[int, Field(ge=1)] | None = Field(None, description="Most runs.")
    hours: Annotated[float, Field(gt=0.0)] | None = Field(None, description="Most hours on this machine.")
    gigabytes: Annotated[float, Field(gt=0.0)] | None = Field(None, description="Most disk.")


def _drawn(draws: int | str) -> int | str:
    """Draws as a file may ask for them; a table beside it is for the command line."""
    try:
        wish = read_wish(str(draws))
    except ValueError:
        wish = None
    if wish is None or wish.kind == "file" or (wish.number or 1) > MOST_DRAWS:
        raise ValueError(f"must be none, plausible, N or prior:N, with N from 1 to {MOST_DRAWS}. Give one")
    return draws


class Experiment(Strict):
    """An experiment as it is described in its file, checked as far as that goes without its scenarios."""

    name: Name = Field(description="Short name; results go to results/NAME.")
    title: str = Field("", max_length=200, description="One line for tables and pictures.")
    description: str = Field("", max_length=20_000, description="What is asked, and what is assumed.")
    scenarios: Annotated[list[Path_], Field(min_length=1, max_length=1000)] = Field(
        description="Shipped scenarios, or scenario files beside this one."
    )
    baseline: Path_ | None = Field(None, description="The scenario that all are paired with, without levers.")
    scale: Scale | None = Field(None, description="Scale of all runs; else that of each scenario.")
    start: Day | None = Field(None, description="Clip the runs: first day.")
    end: Day | None = Field(None, description="Clip the runs: last day.")
    seed: Annotated[int, Field(ge=0, lt=2**32)] = Field(1, description="Root of all random numbers.")
    replicates: Annotated[int, Field(ge=1, le=1_000_000)] = Field(4, description="Runs of each point.")
    draws: Annotated[int | str, AfterValidator(_drawn)] | None = Field(
        None, description="Draws that the replicates share out: N plausible ones, or prior:N of the priors."
    )
    levers: Levers | None = Field(None, description="What policy chooses.")
    knowledge: Knowledge | None = Field(None, description="What nature has chosen and nobody knows.")
    outcomes: list[str] | None = Field(None, description="Outcomes to keep; all where left out.")
    regions: Literal["nation", "all"] = Field("nation", description="Whether to keep every region.")
    windows: list[str] | None = Field(None, description="Named windows that tables show, such as 2021-H2.")
    budget: Budget = Field(default_factory=Budget, description="Most runs, hours, gigabytes.")

    @property
    def draws_wish(self) -> DrawsWish:
        """The draws that it asks for."""
        return POINT_VALUES if self.draws is None else read_wish(str(self.draws))


def shipped() -> dict[str, Path]:
    """The shipped experiments by name, in alphabetical order."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "_experiments"
    folder = inside if inside.is_dir() else package.parent / "experiments"
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def read_experiment(path_or_name: str | os.PathLike[str]) -> tuple[Experiment, Path]:
    """An experiment and the folder that its scenario files may lie in.

    A bare name is a shipped experiment. Raises `InputError` with every fault of the file.
    """
    path, file = _find(os.fspath(path_or_name))
    root = read(path, file)
    if root.get("name") is None:
        root = Node({"name": Node(path.stem, file, root.line, "name"), **root.value}, file, root.line)
    found = validated(Experiment, root)
    faults = [*(found if isinstance(found, list) else ()), *_scenario_faults(root)]
    if faults or isinstance(found, list):
        raise InputError(faults)
    return found, path.parent


def scenario_file(name: str, folder: Path) -> str:
    """Where the scenario lies that an experiment in `folder` names: there, or shipped under that name."""
    beside = folder / name
    if not os.path.lexists(beside):
        return name
    if not folders.contained(beside, folder):
        what = "leads out of the experiment's own folder; the file was not read"
        raise InputError([Fault(name, None, "", what, "Copy that file beside the experiment.")])
    return str(beside)


def _find(given: str) -> tuple[Path, str]:
    known = shipped()
    path = known.get(given) or known.get(given.removesuffix(".yaml")) or Path(given)
    if given and "\0" not in given and (given in known or os.path.lexists(path)):
        return path, folders.display(path)
    mend = "Name a file, or a shipped experiment: " + ", ".join(known) + "."
    raise InputError(
        [Fault(given or "experiment", None, "", "is no experiment", mend, nearest(given, known))]
    )


def _scenario_faults(root: Node) -> Iterator[Fault]:
    """Faults of the names of scenarios: no path may lead out of the experiment's own folder."""
    listed = root.get("scenarios")
    base = root.get("baseline")
    for node in (*(listed.elements() if listed else ()), *((base,) if base else ())):
        name = node.value
        if isinstance(name, str) and folders.leads_out(name):
            mend = "Copy that file beside the experiment and name it without a path."
            yield node.fault("leads out of the experiment's own folder", mend)
