"""A bank on disk: a folder with a sweep for each wave, and the points that the wave was made at.

    BANK/bank.json                what decides its runs: scenario, structure, seed, scale, parameters
    BANK/wave-00/points.parquet   a row of shares for each run, a column for each parameter
    BANK/wave-00/wave.json        what kind of wave, for which targets, and how it was found
    BANK/wave-00/...              the sweep
    BANK/result-.../again-.../    some draws of a result run once more, laid out like a wave

Waves are numbered in the order in which they were planned, by whatever calibration; a later one learns from
all runs before it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, cast, get_args

import numpy as np
import pandas as pd

from sim.calibration.bank import wave_sweep
from sim.calibration.library import Library, library_of
from sim.calibration.targets import Target
from sim.observe.parquet import TORN, write_parquet
from sim.observe.parts import SweepFolder
from sim.observe.store import atomically, check_file, json_object, refusal
from sim.scenario import Scenario
from sim.study.results import versions
from sim.study.sweep import Sweep

FORMAT, FORMAT_VERSION = "cardbreak-bank", 1
BANK, POINTS, WAVE = "bank.json", "points.parquet", "wave.json"
MOST_BYTES, MOST_WORDS = 256 * 2**20, 2**20
NAME = "Name the folder of a bank, as calibrate --bank made it."
OTHER = "Give another --bank, or the options that it was begun with."
Kind = Literal["prior", "start", "chance", "matching", "posterior", "again"]
KINDS = get_args(Kind)
AGAIN = 999
"""The number of runs that are made once more: no wave has it, so they share chance with none."""


@dataclass(frozen=True)
class Wave:
    """A wave that was planned: ``label`` names the targets that it was planned for, ``about`` how."""

    number: int
    kind: Kind
    label: str
    path: Path
    about: Mapping[str, Any]

    @property
    def folder(self) -> SweepFolder:
        """The sweep of its runs."""
        return SweepFolder(self.path)

    @cached_property
    def points(self) -> pd.DataFrame:
        """Shares, a row for each run. Raises `InputError` where they are no points."""
        file = self.path / POINTS
        check_file(file, MOST_BYTES, OTHER)
        try:
            table = pd.read_parquet(file)
            values = table.to_numpy(dtype="float64")
        except TORN as problem:
            raise refusal(file, "is torn, or no table of points", OTHER) from problem
        if not len(table) or not np.all((values > 0.0) & (values < 1.0)):
            raise refusal(file, "holds points that do not lie between 0 and 1", OTHER)
        return table


@dataclass(frozen=True)
class Bank:
    """A bank of runs of one scenario. `begin` before anything else."""

    path: Path
    scenario: Scenario
    seed: int

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters that points are made of."""
        return self.scenario.parameters.uncertain

    def begin(self) -> None:
        """Make the folder, or check that it holds runs of this scenario. Raises `InputError`."""
        file = self.path / BANK
        now = self._about()
        if file.exists():
            before = json_object(file, MOST_WORDS, OTHER)
            if before.get("format") != FORMAT or before.get("format_version") != FORMAT_VERSION:
                raise refusal(file, "is not of a bank, or not of this format version", OTHER)
            if changed := sorted(key for key in now if before.get(key) != now[key]):
                raise refusal(self.path, f"was begun with another {changed[0]}", OTHER)
            return
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise refusal(self.path, f"cannot be written to ({problem.strerror})", OTHER) from problem
        text = json.dumps(now, indent=1, sort_keys=True).encode() + b"\n"
        atomically(file, lambda out: out.write(text))

    def _about(self) -> dict[str, Any]:
        scenario = self.scenario
        return {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "scenario": scenario.name,
            "structure": scenario.rival,
            "hash": scenario.hash(),
            "scale": scenario.scale,
            "seed": self.seed,
            "versions": versions(),
        }

    def waves(self) -> list[Wave]:
        """The waves that were planned, in order."""
        found = []
        for number in range(AGAIN):
            path = self.path / f"wave-{number:02d}"
            if not (path / WAVE).exists():
                break
            about = json_object(path / WAVE, MOST_WORDS, OTHER)
            kind, label = about.get("kind"), about.get("label")
            if kind not in KINDS or not isinstance(label, str):
                raise refusal(path / WAVE, "does not say what its wave is", OTHER)
            found.append(Wave(number, cast(Kind, kind), label, path, about))
        return found

    def add(self, kind: Kind, label: str, shares: np.ndarray, about: Mapping[str, Any]) -> Wave:
        """Plan a wave: write down its points, before its first run."""
        number = len(self.waves())
        return self._written(self.path / f"wave-{number:02d}", number, kind, label, shares, about)

    def again(self, folder: Path, label: str, shares: np.ndarray) -> Wave:
        """Plan to run points once more, by a chance of their own.

        It lies in ``folder``, under a name that follows from the points, so that the same points are the same
        plan, and is none of `waves`.
        """
        name = f"again-{sha256(shares.tobytes()).hexdigest()[:12]}"
        return self._written(folder / name, AGAIN, "again", label, shares, {})

    def _written(
        self,
        path: Path,
        number: int,
        kind: Kind,
        label: str,
        shares: np.ndarray,
        about: Mapping[str, Any],
    ) -> Wave:
        path.mkdir(parents=True, exist_ok=True)
        points = pd.DataFrame(shares, columns=list(self.names))
        atomically(path / POINTS, lambda out: write_parquet(points, out))
        content = {**about, "kind": kind, "label": label, "points": len(shares)}
        text = json.dumps(content, indent=1, sort_keys=True).encode() + b"\n"
        atomically(path / WAVE, lambda out: out.write(text))
        return Wave(number, kind, label, path, content)

    def sweep(self, wave: Wave) -> Sweep:
        """The runs of a wave. Raises `InputError` where its points are of other parameters.

        Chance is measured in the main model, whatever structure the bank is of: a rival must come as near to
        the record as the main model's point values, not as its own.
        """
        if tuple(wave.points.columns) != self.names:
            raise refusal(wave.path / POINTS, "is of other parameters than the scenario's", OTHER)
        title = f"Wave {wave.number} ({wave.kind}) of a bank of {self.scenario.name}"
        shares = wave.points.to_numpy()
        world = self.scenario.with_(rival="none") if wave.kind == "chance" else self.scenario
        return wave_sweep(world, self.names, shares, wave.number, self.seed, title)

    def library(self, waves: Sequence[Wave], targets: Sequence[Target]) -> Library:
        """What the runs of some waves say; those that are not made, or failed, are left out."""
        return library_of(self.names, self.tables(waves), targets, self.scenario.scale)

    def tables(self, waves: Sequence[Wave]) -> list[tuple[np.ndarray, pd.DataFrame]]:
        """Points and monthly table of each wave that has a finished run. Raises `InputError` without one."""
        made = [(wave.points.to_numpy(), wave.folder.monthly()) for wave in waves]
        there = [(points, monthly) for points, monthly in made if not monthly.empty]
        if not there:
            raise refusal(self.path, "holds no finished run yet", "Go on with the same command.")
        return there


def opened(folder: Path) -> Bank:
    """The bank in a folder, with the scenario that it was begun with. Raises `InputError`."""
    from sim.scenario import load
    from sim.study.variants import under

    file = folder / BANK
    if not file.is_file():
        raise refusal(folder, "holds no bank", NAME)
    about = json_object(file, MOST_WORDS, OTHER)
    name, rival, scale, seed = (about.get(key) for key in ("scenario", "structure", "scale", "seed"))
    if not (isinstance(name, str) and isinstance(rival, str) and type(scale) is int and type(seed) is int):
        raise refusal(file, "does not say what its runs are", NAME)
    scenario = load(name.removesuffix(f"-{rival}"), sets=[f"scale={scale}"])
    bank = Bank(folder, scenario if rival == "none" else under(scenario, rival), seed)
    bank.begin()
    return bank


def scouts_of(folder: Path, bank: Bank, targets: Sequence[Target]) -> Library:
    """The runs of another bank that differs in its scale alone. Raises `InputError` where more differs."""
    other = lender(folder, bank)
    return other.library(other.waves(), targets)


def lender(folder: Path, bank: Bank) -> Bank:
    """Another bank that differs in its scale alone. Raises `InputError` where more differs."""
    other = opened(folder)
    if other.scenario.with_(scale=bank.scenario.scale).hash() != bank.scenario.hash():
        mend = "Give a bank of the same scenario and structure; only its scale may differ."
        raise refusal(folder, f"holds runs of another world than {bank.scenario.name}", mend)
    return other
