"""What `synthetic` does: open a bank, calibrate to truths among its runs, say how often they are found."""

from __future__ import annotations

import json as reader
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from sim.console import save
from sim.errors import Fault, InputError

if TYPE_CHECKING:
    from sim.calibration.bank_folder import Bank
    from sim.calibration.synthetic import Coverage

FILES = ("coverage.csv", "ranks.csv", "truths.csv", "signs.csv")
MEND = "Name the folder of a bank, as calibrate --bank made it."


@dataclass(frozen=True)
class Asked:
    """Which truths, and with what they are looked for."""

    file: str
    origin: date | None
    truths: int
    seed: int


def synthetic(folder: Path, asked: Asked, quiet: bool, json: bool) -> None:
    """Calibrate to synthetic truths of a bank, write and print how often they were found."""
    from sim.calibration import synthetic as study
    from sim.calibration.targets import read_targets
    from sim.console_calibrate import installed
    from sim.views.progress import Display

    installed("synthetic")
    bank = opened(folder)
    record = read_targets(asked.file)
    origin = asked.origin or max(target.known for target in record.targets)
    targets = [target for target in record.chosen(origin) if target.role == "fit"]
    if not targets:
        mend = "Give a later day; `cardbreak targets` shows since when each is known."
        raise InputError([Fault("--origin", None, "", "leaves no target to fit", mend)])
    waves = [wave for wave in bank.waves() if wave.kind != "chance"]
    library = bank.library(waves, targets)
    display = Display(quiet=quiet, things="truths")
    display.begin()
    try:
        found = study.coverage(
            library, targets, origin, asked.truths, asked.seed, told=lambda n: display(n, asked.truths)
        )
    except ValueError as problem:
        raise InputError([Fault("--truths", None, "", str(problem), "Ask for fewer truths.")]) from problem
    finally:
        display.close()
    where = bank.path / f"synthetic-{origin}"
    where.mkdir(exist_ok=True)
    for file, table in zip(FILES, (found.coverage, found.ranks, found.truths, found.signs), strict=True):
        save(table, where / file)
    if not quiet:
        _tell(found, where, origin, json)


def opened(folder: Path) -> Bank:
    """The bank in a folder, with the scenario that it was begun with. Raises `InputError`."""
    from sim.calibration.bank_folder import BANK, MOST_WORDS, Bank
    from sim.observe.store import check_file, refusal
    from sim.scenario import load
    from sim.study.variants import under

    file = folder / BANK
    if not file.is_file():
        raise InputError([Fault(str(folder), None, "", "holds no bank", MEND)])
    check_file(file, MOST_WORDS)
    try:
        about = reader.loads(file.read_bytes())
        name, scale, seed, rival = (about[key] for key in ("scenario", "scale", "seed", "structure"))
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as problem:
        raise refusal(file, "is not readable", MEND) from problem
    if not (isinstance(name, str) and isinstance(rival, str) and type(scale) is int and type(seed) is int):
        raise refusal(file, "is not readable", MEND)
    scenario = load(name, sets=[f"scale={scale}"])
    bank = Bank(folder, scenario if rival == "none" else under(scenario, rival), seed)
    bank.begin()
    return bank


def _tell(found: Coverage, where: Path, origin: date, json: bool) -> None:
    from sim.views import tables as view
    from sim.views.synthetic import CAVEATS, synthetic_tables

    if json:
        rows = {"coverage": view.records(found.coverage), "ranks": view.records(found.ranks)}
        print(view.as_json({"folder": str(where), "origin": str(origin)} | rows))
        return
    for table in synthetic_tables(found.coverage, found.ranks):
        view.show(table)
        print()
    for line in CAVEATS:
        print(line)
    print(f"wrote {where}/: {', '.join(FILES)}")
