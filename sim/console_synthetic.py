"""What `synthetic` does: open a bank, calibrate to truths among its runs, say how often they are found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sim.console import save
from sim.errors import Fault, InputError

if TYPE_CHECKING:
    from sim.calibration.synthetic import Coverage

FILES = ("coverage.csv", "ranks.csv", "truths.csv", "signs.csv")


@dataclass(frozen=True)
class Asked:
    """Which truths, and with what they are looked for."""

    file: str
    origin: date | None
    truths: int
    seed: int
    scouts: Path | None = None


def synthetic(folder: Path, asked: Asked, quiet: bool, json: bool) -> None:
    """Calibrate to synthetic truths of a bank, write and print how often they were found."""
    from sim.calibration import emulator
    from sim.calibration import synthetic as study
    from sim.calibration.bank_folder import opened, scouts_of
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
    scouts = None if asked.scouts is None else scouts_of(asked.scouts, bank, targets)
    learn = partial(emulator.fit, scouts=scouts)
    display = Display(quiet=quiet, things="truths")
    display.begin()
    try:
        found = study.coverage(
            library, targets, origin, asked.truths, asked.seed, learn, lambda n: display(n, asked.truths)
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
