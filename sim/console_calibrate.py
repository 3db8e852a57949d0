"""What `calibrate` does: state the cost, make the waves that a bank lacks, say what the record leaves."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.console import StopError, complain, save
from sim.console_sweep import SweepOptions, carried_out, end
from sim.errors import Fault, InputError

if TYPE_CHECKING:
    from sim.calibration.bank_folder import Bank, Wave
    from sim.calibration.calibrate import Plan, Question, Result
    from sim.calibration.reproduction import Earlier
    from sim.views.progress import Display

FILES = ("parameters.csv", "targets.csv", "waves.csv")
DRAWS = "draws.parquet"
RULE = (
    "A draw is plausible if its own run lies within 3 standard deviations of every target that was fitted: "
    "those of the record, of the model and of chance together; and no farther from all of them than three of "
    "four runs at the point values. A run that was picked for that had luck, so verdicts are on draws that "
    "were run again."
)


@dataclass(frozen=True)
class Asked:
    """What is calibrated, to what, with how many runs."""

    file: str
    known_by: date | None
    variants: tuple[str, ...]
    rival: str
    scale: int
    seed: int
    plan: Plan
    wanted: int
    against: Path | None
    scouts: Path | None = None


def calibrate(asked: Asked, options: SweepOptions) -> None:
    """Make the waves of a calibration, or those that are missing, and write the plausible draws."""
    from sim.calibration import calibrate as study
    from sim.calibration.bank_folder import lender
    from sim.calibration.reproduction import earlier
    from sim.views.progress import Display

    installed("calibrate")
    bank, question = _opened(asked, options)
    display = Display(quiet=options.quiet)
    coarse = None if asked.scouts is None else lender(asked.scouts, bank)
    before = None if asked.against is None else earlier(asked.against)
    bank.begin()
    waves = study.there(bank, asked.plan, question)
    _state(bank, asked, waves, options, display)
    if options.dry_run:
        return
    made = list(_made(bank, question, waves, asked.plan, coarse, options, display))
    found = study.result(bank, made, question)
    folder = bank.path / f"result-{_slug(question.label)}"
    folder.mkdir(exist_ok=True)
    again = None
    if len(found.plausible):
        _write_draws(found, folder, bank, question, asked)
        display.say("plausible draws once more, by a chance that had no part in picking them")
        once_more = study.run_again(bank, found, question, folder)
        _run(bank, once_more, options)
        again = bank.library([once_more], question.targets)
    tables = study.parameters_table(found, bank), study.targets_table(found, question, again), found.waves
    _tell(dict(zip(FILES, tables, strict=True)), len(found.plausible), folder, asked.wanted, before, options)


def _made(
    bank: Bank,
    question: Question,
    waves: list[Wave | None],
    plan: Plan,
    coarse: Bank | None,
    options: SweepOptions,
    display: Display,
) -> Iterator[Wave]:
    """The waves one by one; those that are missing are planned from what was run before, ``coarse`` helps."""
    from sim.calibration import calibrate as study

    scouts = None
    for wave, (kind, count) in zip(waves, plan.kinds(), strict=True):
        if wave is None:
            if kind not in study.FREE:
                display.say("learning from the runs so far")
                if coarse is not None and scouts is None:
                    scouts = coarse.library(coarse.waves(), question.fitted)
            wave = study.planned(bank, kind, count, question, scouts)
        _run(bank, wave, options)
        yield wave


def installed(command: str) -> None:
    """Raises `InputError` where the library for emulators is missing, before anything is computed."""
    import importlib.util

    if importlib.util.find_spec("sklearn") is None:
        what = "needs scikit-learn, which is not installed"
        raise InputError([Fault(command, None, "", what, "Run `make setup-studies`.")])


def _opened(asked: Asked, options: SweepOptions) -> tuple[Bank, Question]:
    """The bank, with its scenario, and what is asked of it."""
    from sim.calibration.bank_folder import Bank
    from sim.calibration.calibrate import Question
    from sim.calibration.targets import read_targets, read_variants
    from sim.scenario import load
    from sim.study.variants import rival_names, under

    record = read_targets(asked.file)
    readings = read_variants(asked.variants)
    targets = tuple(t for t in record.chosen(asked.known_by, readings) if t.role != "imposed")
    if not any(target.role == "fit" for target in targets):
        mend = "Give a later --known-by; `cardbreak targets` shows since when each is known."
        raise InputError([Fault("--known-by", None, "", "leaves no target to fit", mend)])
    scenario = load(record.scenario_of(readings), sets=[f"scale={asked.scale}"])
    if asked.rival:
        (rival,) = rival_names([asked.rival])
        scenario = under(scenario, rival)
    words = [record.name, *sorted(asked.variants)]
    words += [f"known by {asked.known_by}"] if asked.known_by else []
    folder = options.out or Path("results") / f"bank-{scenario.name[:60]}"
    return Bank(folder, scenario, asked.seed), Question(", ".join(words), targets)


def _state(
    bank: Bank, asked: Asked, waves: list[Wave | None], options: SweepOptions, display: Display
) -> None:
    """Say what there is and what is missing, before the first run."""
    from sim.calibration.calibrate import MOST_AGAIN
    from sim.console import COMPILING
    from sim.study.compiling import warm_up
    from sim.study.sweep import pace
    from sim.views.progress import duration

    missing = 0
    for wave, (_, count) in zip(waves, asked.plan.kinds(), strict=True):
        done = 0 if wave is None else sum(entry.runs for entry in wave.folder.done().values())
        missing += (count if wave is None else len(wave.points)) - done
    warm_up(lambda: display.say(COMPILING))
    jobs = options.jobs or os.cpu_count() or 1
    most = missing + MOST_AGAIN
    seconds = most * pace(bank.scenario, asked.seed)[1] / jobs if missing else 0.0
    hands = f" with {jobs} processes" if options.cluster is None else " here"
    display.say(
        f"{bank.path}: {len(waves)} waves at scale {asked.scale}, {missing} runs to make, then up to "
        f"{MOST_AGAIN} of what is found once more: about {duration(seconds)}{hands}"
    )


def _run(bank: Bank, wave: Wave, options: SweepOptions) -> None:
    """Make what a wave lacks; leave the command where the user interrupts."""
    from dataclasses import replace

    sweep = bank.sweep(wave)
    done = wave.folder.done() if wave.folder.exists else {}
    if sum(entry.runs for entry in done.values()) == len(wave.points):
        return
    go_on = replace(options, resume=True, expand=False, again="the same command")
    if interrupted := carried_out(sweep.experiment.name, sweep, wave.folder, go_on):
        end(wave.folder, interrupted, go_on.again)


def _write_draws(found: Result, folder: Path, bank: Bank, question: Question, asked: Asked) -> None:
    from sim.draws.file import About, write_draws

    source = f"{len(found.plausible)} plausible draws, {question.label}"[:200]
    about = About(
        command=_command(),
        scenario=bank.scenario.name,
        structure=bank.scenario.rival,
        known_by=asked.known_by or max(target.known for target in question.fitted),
        source=source,
        more={"runs": len(found.library), "scale": asked.scale, "seed": asked.seed},
    )
    write_draws(folder / DRAWS, found.draws(bank, source), about)


def _tell(
    tables: Mapping[str, Any],
    count: int,
    folder: Path,
    wanted: int,
    before: Earlier | None,
    options: SweepOptions,
) -> None:
    """Write the tables, print what they say; `count` draws were found."""
    from sim.calibration.reproduction import compared
    from sim.views import calibration as of_calibration
    from sim.views import tables as view

    for file, table in tables.items():
        save(table, folder / file)
    if not options.quiet:
        if options.json:
            rows = {file.removesuffix(".csv"): view.records(table) for file, table in tables.items()}
            print(view.as_json({"folder": str(folder), "draws": count} | rows))
        else:
            for shown in of_calibration.calibration_tables(*tables.values()):
                view.show(shown)
                print()
            print(RULE)
            if before is not None:
                parameters, targets, _ = tables.values()
                for line in of_calibration.reproduction_lines(compared(parameters, targets, before)):
                    print(line)
            names = [*FILES, *([DRAWS] if count else [])]
            print(f"wrote {folder}/: {', '.join(names)}")
    if count < wanted:
        complain(f"found {count} plausible draws of the {wanted} wanted; add --generations to find more")
        if not count:
            raise StopError(1)


def _command() -> str:
    """The command that was given, without what changes nothing: where banks lie, how it is carried out."""
    words = iter(sys.argv[1:])
    kept = ["cardbreak"]
    for word in words:
        option, equals, value = word.partition("=")
        if option in ("--quiet", "--json"):
            continue
        if option in ("--bank", "--jobs", "--cluster", "--against", "--scouts"):
            value = value if equals else next(words, "")
            kept += [option, Path(value).name] if option == "--scouts" else []
            continue
        kept.append(word)
    return " ".join(kept)


def _slug(label: str) -> str:
    kept = "".join(letter if letter.isalnum() else "-" for letter in label)
    return "-".join(part for part in kept.split("-") if part)[:80]
