"""Sensitivity: which of the unknowns an outcome, or the effect of a policy, hangs on.

SALib's designs give rows of shares in [0, 1]; a share is a quantile of a parameter's prior; a row is a point
of knowledge. Each scenario and the baseline are run at every row with the same random numbers, as a sweep, so
that the study can be stopped, gone on with and widened: the first trajectories or base points of a larger
design are those of a smaller one. Levers are left out, scenarios are as their files have them.

What is analysed is the *level* of an outcome over a window, or the *effect*: scenario minus baseline at the
same row, draw and replicate. What each index means, and what its interval is of, is in
:mod:`sim.study.indices`. Both methods need whole blocks (a trajectory, a base point with its companions): a
block of which a run is missing is left out, and a replicate that would cost more blocks than it is worth too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from sim.errors import Fault, InputError
from sim.experiment.file import Knowledge, scenario_file
from sim.experiment.points import at_quantiles, check_uncertain
from sim.scenario.load import Reader
from sim.study.indices import LEVELS, MORRIS_ENDS, morris_table, problem, sobol_table

if TYPE_CHECKING:
    from sim.experiment import Experiment
    from sim.scenario import Parameters
    from sim.study.sweep import Sweep
    from sim.study.windows import Window

Method = Literal["morris", "sobol"]
Of = Literal["level", "effect"]
DESIGN_SEED, BOOTSTRAP_SEED = 13, 14
"""Salts of the seeds of designs and of bootstraps."""
FEWEST_BLOCKS = 2


@dataclass(frozen=True)
class Design:
    """Points of knowledge as SALib lays them: ``shares``, float64 (blocks x ``block``, parameters)."""

    method: Method
    names: tuple[str, ...]
    shares: np.ndarray
    seed: int

    @property
    def block(self) -> int:
        """Rows of a block."""
        return len(self.names) + (1 if self.method == "morris" else 2)

    @property
    def kind(self) -> str:
        """What a block is, in words."""
        return "trajectories" if self.method == "morris" else "base points"

    @property
    def blocks(self) -> int:
        """Trajectories, or base points."""
        return len(self.shares) // self.block

    def worlds(self, parameters: Parameters) -> list[dict[str, float]]:
        """The values of the parameters, row by row."""
        return [at_quantiles(self.names, row, parameters) for row in self.shares]


def design_of(method: Method, names: Sequence[str], blocks: int, seed: int) -> Design:
    """The design with so many trajectories or base points. Raises `InputError` for a number that is none."""
    from SALib.sample import morris, sobol

    root = seed * 100 + DESIGN_SEED
    if method == "morris":
        shares = morris.sample(problem(names, *MORRIS_ENDS), blocks, num_levels=LEVELS, seed=root)
    else:
        if blocks & (blocks - 1):
            what, mend = "must be a power of two", f"Give {2 ** blocks.bit_length()}."
            raise InputError([Fault("--points", None, "", what, mend)])
        rows = sobol.sample(problem(names, 0.0, 1.0), blocks, calc_second_order=False, seed=root)
        # A quantile of exactly 0 has no value in a prior without a lower end.
        shares = np.clip(rows, 1e-9, 1.0 - 1e-9)
    return Design(method, tuple(names), np.asarray(shares, dtype=np.float64), seed)


def unknowns(experiment: Experiment, folder: Path, every: bool) -> tuple[tuple[str, ...], Parameters]:
    """The parameters to vary, and the passports that say where their quantiles lie.

    They are the experiment's knowledge, or with ``every`` all that have a prior in all of its scenarios (one
    that a scenario sets is known there). Raises `InputError`.
    """
    names = ([experiment.baseline] if experiment.baseline else []) + list(experiment.scenarios)
    window = (experiment.start, experiment.end)
    loaded = [Reader(scenario_file(name, folder)).scenario((), *window).parameters for name in names]
    if every:
        shared = set(loaded[0].uncertain).intersection(*(one.uncertain for one in loaded))
        return tuple(name for name in loaded[0].uncertain if name in shared), loaded[0]
    if experiment.knowledge is None:
        what = "names no knowledge, so there is nothing to vary"
        mend = "Add knowledge with `of: [...]` to the file, or give --all for every parameter with a prior."
        raise InputError([Fault(experiment.name, None, "knowledge", what, mend)])
    chosen = tuple(dict.fromkeys(experiment.knowledge.of))
    for parameters in loaded:
        check_uncertain(chosen, parameters)
    return chosen, loaded[0]


def varied(experiment: Experiment, design: Design, every: bool) -> Experiment:
    """The experiment whose points of knowledge are a design's rows: no levers, a name of its own."""
    ending = f"-{design.method}-all" if every else f"-{design.method}"
    return experiment.model_copy(
        update={
            "name": experiment.name[:60] + ending,
            "levers": None,
            "knowledge": Knowledge(points=len(design.shares), of=list(design.names)),
            "regions": "nation",
        }
    )


@dataclass(frozen=True)
class Study:
    """A sweep whose points of knowledge are the rows of a design; ``worlds`` holds their values."""

    sweep: Sweep
    design: Design
    worlds: Sequence[Mapping[str, float]]

    def policies(self) -> list[str]:
        """The scenarios by their own names, without the baseline."""
        base = self.baseline
        return list(dict.fromkeys(p.origin for p in self.sweep.points if p.origin != base)) or [base or ""]

    @property
    def baseline(self) -> str | None:
        """The baseline by its own name; its points are the first of the sweep."""
        return self.sweep.points[0].origin if self.sweep.experiment.baseline else None

    def points(self, origin: str) -> list[str]:
        """The names of a scenario's points, row by row of the design."""
        of = {tuple(p.knowledge.items()): p.name for p in self.sweep.points if p.origin == origin}
        return [of[tuple(world.items())] for world in self.worlds]


@dataclass(frozen=True)
class Answer:
    """What was found for one scenario: the table of indices, and which runs stand behind it.

    ``mean`` is that of the level or effect over all points and replicates.
    """

    scenario: str
    of: Of
    table: pd.DataFrame
    mean: float
    blocks: int
    blocks_asked: int
    replicates: int
    replicates_asked: int


def answers(study: Study, values: pd.Series, of: Of) -> list[Answer]:
    """The indices of each scenario.

    ``values`` is an outcome of every run that counts, indexed by (scenario, draw, replicate). A scenario with
    fewer than two whole blocks has no answer.
    """
    if values.empty:
        return []
    runs = values[np.isfinite(values)].unstack("scenario")
    found = (_answer(study, runs, scenario, of) for scenario in study.policies())
    return [answer for answer in found if answer is not None]


def _answer(study: Study, runs: pd.DataFrame, scenario: str, of: Of) -> Answer | None:
    table = runs.reindex(columns=study.points(scenario)).to_numpy()
    if of == "effect":
        table = table - runs.reindex(columns=study.points(study.baseline or "")).to_numpy()
    design = study.design
    whole = np.isfinite(table).reshape(len(table), design.blocks, design.block).all(axis=2)
    blocks, replicates = largest_whole(whole.T)
    if len(blocks) < FEWEST_BLOCKS:
        return None
    rows = (blocks[:, None] * design.block + np.arange(design.block)).ravel()
    values, seed = table[np.ix_(replicates, rows)], design.seed * 100 + BOOTSTRAP_SEED
    found = (
        morris_table(design.names, design.shares[rows], values, seed)
        if design.method == "morris"
        else sobol_table(design.names, values, seed)
    )
    return Answer(
        scenario=scenario,
        of=of,
        table=found,
        mean=float(values.mean()),
        blocks=len(blocks),
        blocks_asked=design.blocks,
        replicates=len(replicates),
        replicates_asked=study.sweep.replicates,
    )


def as_frame(found: Sequence[Answer], study: Study, outcome: str, window: Window) -> pd.DataFrame:
    """What `sensitivity.csv` holds: a row for each scenario and parameter.

    Beside the columns of the tables: what was asked, between which values the middle 90% of the parameter's
    prior lies, how many blocks and replicates are in it, and what the interval is of.
    """
    parameters = study.sweep.points[0].scenario.parameters
    frames = []
    for one in found:
        asked: dict[str, Any] = {
            "scenario": one.scenario,
            "of": one.of,
            "outcome": outcome,
            "window_start": window.start.isoformat(),
            "window_end": window.end.isoformat(),
            "mean": one.mean,
        }
        ends = {
            end: [parameters.passport(name).at(share) for name in one.table["parameter"]]
            for end, share in zip(("parameter_low", "parameter_high"), MORRIS_ENDS, strict=True)
        }
        chance = "and chance" if one.replicates > 1 else "only: one replicate"
        behind = {"blocks": one.blocks, "replicates": one.replicates}
        frame = one.table.assign(**asked, **ends, **behind, interval=f"over {study.design.kind} {chance}")
        frames.append(frame[[*asked, *one.table.columns, *ends, *behind, "interval"]])
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def largest_whole(there: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of a large part of a boolean table in which everything is there.

    Columns are taken up by how many rows have them, as long as the number of cells does not shrink; what is
    left is in order.
    """
    order = np.argsort(-there.sum(axis=0), kind="stable")
    best, cells = (np.empty(0, dtype=int), np.empty(0, dtype=int)), 0
    for count in range(1, there.shape[1] + 1):
        rows = np.flatnonzero(there[:, order[:count]].all(axis=1))
        if len(rows) * count >= cells and len(rows):
            best, cells = (rows, np.sort(order[:count])), len(rows) * count
    return best
