"""Points of a design: which values the levers take together, and at which quantiles knowledge is taken.

A point is named after what it sets, not after its place in the design, so that a wider experiment keeps the
points it shares with the narrower one. A grid with more values and a Sobol sequence with more points keep all
they had; a Latin hypercube with more points is another one.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.errors import Fault, InputError, nearest
from sim.experiment.file import Experiment, Knowledge, Lever, Levers, Value, scenario_file
from sim.scenario.load import Reader

if TYPE_CHECKING:
    from sim.scenario import Parameters, Scenario

LEVER_SEED, KNOWLEDGE_SEED = 11, 12
"""Salts of the seeds of the two designs, so that levers and knowledge are filled apart."""


@dataclass(frozen=True)
class Point:
    """One scenario to run, with what levers and knowledge set it to.

    `scenario` carries the name of the point; `origin` is the name of the scenario that it varies. A point of
    the baseline has no levers.
    """

    scenario: Scenario
    origin: str
    levers: Mapping[str, Value] = field(default_factory=dict)
    knowledge: Mapping[str, float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name that the point's rows carry in results."""
        return self.scenario.name


def points_of(
    experiment: Experiment,
    folder: Path,
    scale: int | None = None,
    worlds: Sequence[Mapping[str, float]] | None = None,
) -> list[Point]:
    """All points of an experiment, scenario by scenario, the baseline's first.

    Parameters
    ----------
    experiment, folder
        As `read_experiment` returns them.
    scale
        Overrides the experiment's.
    worlds
        Points of knowledge that take the place of the experiment's own design.

    Raises
    ------
    InputError
        A scenario that cannot be read, a path that cannot be set, a parameter without a prior.
    """
    scale = scale or experiment.scale
    plain = [f"scale={scale}"] if scale is not None else []
    window = (experiment.start, experiment.end)
    names = ([experiment.baseline] if experiment.baseline else []) + list(experiment.scenarios)
    points: dict[str, Point] = {}
    for name in names:
        reader = Reader(scenario_file(name, folder))
        origin = reader.scenario(plain, *window)
        unknown = worlds or list(_knowledge(experiment.knowledge, origin.parameters, experiment.seed))
        levers = [{}] if name == experiment.baseline else list(_levers(experiment.levers, experiment.seed))
        for chosen in levers:
            patches = _patches(experiment.levers, chosen)
            policy = reader.scenario([*patches, *plain], *window)
            for known in unknown:
                sets = [*patches, *(f"parameters.{k}={v!r}" for k, v in known.items())]
                own = f"{origin.name[:70]}-{_digest(sets)}" if sets else origin.name
                if own not in points:
                    # Quantiles of priors are in range, so the file need not be patched and checked each time.
                    world = policy.with_(name=own, parameters=policy.parameters.with_(known))
                    points[own] = Point(world, origin.name, chosen, known)
    return list(points.values())


def _digest(sets: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(sets).encode()).hexdigest()[:8]


def _patches(levers: Levers | None, chosen: Mapping[str, Value]) -> list[str]:
    """The patches `path=value` of a combination of levers."""
    if levers is None:
        return []
    return [f"{path}={json.dumps(value)}" for name, value in chosen.items() for path in levers.of[name].paths]


def _levers(levers: Levers | None, seed: int) -> Iterator[dict[str, Value]]:
    """The combinations of values that a design asks for."""
    if levers is None:
        yield {}
        return
    names, several = list(levers.of), list(levers.of.values())
    if levers.design in ("grid", "list"):
        lists = [lever.values or [] for lever in several]
        rows = itertools.product(*lists) if levers.design == "grid" else zip(*lists, strict=True)
        yield from (dict(zip(names, row, strict=True)) for row in rows)
        return
    for row in space_filling(levers.design, len(names), levers.points or 1, seed * 100 + LEVER_SEED):
        yield {name: _tidy(lever, share) for name, lever, share in zip(names, several, row, strict=True)}


def _tidy(lever: Lever, share: float) -> Value:
    """A lever's value with six digits, which is more than a policy can mean."""
    value = lever.at(float(share))
    return float(f"{value:.6g}") if isinstance(value, float) else value


def _knowledge(knowledge: Knowledge | None, parameters: Parameters, seed: int) -> Iterator[dict[str, float]]:
    """The values of parameters that a design asks for, each at a quantile of its prior."""
    if knowledge is None:
        yield {}
        return
    check_uncertain(knowledge.of, parameters)
    rows = space_filling(knowledge.design, len(knowledge.of), knowledge.points, seed * 100 + KNOWLEDGE_SEED)
    for row in rows:
        yield at_quantiles(knowledge.of, row, parameters)


def check_uncertain(names: Sequence[str], parameters: Parameters) -> None:
    """Refuse names of parameters that have no prior. Raises `InputError`."""
    known = parameters.uncertain
    mend = "`cardbreak list parameters` shows which have one."
    faults = [
        Fault(
            "experiment",
            None,
            "knowledge",
            f"knowledge names {name[:60]!r}, which is no parameter with a prior",
            mend,
            nearest(name, known),
        )
        for name in names
        if name not in known
    ]
    if faults:
        raise InputError(faults)


def at_quantiles(names: Sequence[str], shares: np.ndarray, parameters: Parameters) -> dict[str, float]:
    """Values of parameters, each at a share (0 to 1) of its prior."""
    return {
        name: parameters.passport(name).at(float(share)) for name, share in zip(names, shares, strict=True)
    }


def space_filling(design: str, dimensions: int, points: int, seed: int) -> np.ndarray:
    """Rows of a Latin hypercube or of a scrambled Sobol sequence, float64 (points, dimensions) in (0, 1).

    The first rows of a longer Sobol sequence are those of a shorter one.
    """
    from scipy.stats import qmc

    random: Any = np.random.Generator(np.random.PCG64(seed))
    if design == "latin_hypercube":
        rows = qmc.LatinHypercube(dimensions, rng=random).random(points)
    else:
        rows = qmc.Sobol(dimensions, rng=random).random_base2(max(points - 1, 0).bit_length())[:points]
    # A quantile of exactly 0 has no value in a prior without a lower end.
    return np.asarray(np.clip(rows, 1e-9, 1.0 - 1e-9))
