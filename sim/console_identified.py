"""What `identified` does: open a bank, search the posterior several times, say what is told apart."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sim.console import save
from sim.errors import Fault, InputError

FILES = ("identified.csv", "pairs.csv", "pass-rates.csv", "left-out.csv", "worth.csv")
SEARCHES = 8
"""Searches of the posterior; each counts as one observation of how much a search moves."""


@dataclass(frozen=True)
class Asked:
    """Of which targets, and with which seed."""

    file: str
    seed: int
    scouts: Path | None


def identified(folder: Path, asked: Asked, quiet: bool, json: bool) -> None:
    """Write and print what the runs of a bank and the record together tell apart."""
    from sim.calibration import emulator, search, worth
    from sim.calibration import identified as study
    from sim.calibration.bank_folder import opened, scouts_of
    from sim.calibration.library import library_of
    from sim.calibration.targets import read_targets
    from sim.console_calibrate import installed
    from sim.views.progress import Display

    installed("identified")
    bank = opened(folder)
    targets = [target for target in read_targets(asked.file).chosen() if target.role == "fit"]
    if not targets:
        raise InputError([Fault(asked.file, None, "", "has no target to fit", "Give one the role fit.")])
    there = bank.tables(bank.waves())
    library = library_of(bank.names, there, targets, bank.scenario.scale)
    scouts = None if asked.scouts is None else scouts_of(asked.scouts, bank, targets)
    steps = SEARCHES + len(targets) + 3
    display = Display(quiet=quiet, things="searches")
    display.begin()
    try:
        learned = emulator.fit(library, targets, bank.seed, scouts)
        searches = []
        for number in range(SEARCHES):
            searches.append(search.posterior(learned, study.POINTS, asked.seed * 1_000 + number).shares)
            display(number + 1, steps)
        parameters = study.narrowed(library.names, searches, bank.scenario.parameters)
        known = parameters.index[parameters["verdict"] != "not identified"]
        pairs = study.pairs(library.names, searches, bank.scenario.parameters, list(known), asked.seed)
        rates = study.pass_rates(library, targets)
        left = study.without_each(learned, asked.seed, told=lambda number: display(SEARCHES + number, steps))
        data = worth.missing(library, [monthly for _, monthly in there])
        worths = worth.worth(library, targets, worth.last_year(library), data, asked.seed)
        display(steps, steps)
    finally:
        display.close()
    tables = dict(zip(FILES, (parameters, pairs, rates, left, worths), strict=True))
    where = bank.path / "identified"
    where.mkdir(exist_ok=True)
    for file, table in tables.items():
        save(table, where / file)
    if quiet:
        return
    from sim.views import tables as view
    from sim.views.identified import identified_tables

    if json:
        rows = {file.removesuffix(".csv"): view.records(table) for file, table in tables.items()}
        print(view.as_json({"folder": str(where)} | rows))
        return
    for shown in identified_tables(*tables.values()):
        view.show(shown)
        print()
    print(f"wrote {where}/: {', '.join(FILES)}")
