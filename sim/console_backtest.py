"""What `backtest` and `controls` do: state the runs, make them, say how forecasts fare and what is luck."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from sim.console import Options, StopError, complain, save
from sim.console_sweep import SweepOptions, carried_out, end
from sim.errors import Fault, InputError

if TYPE_CHECKING:
    from sim.forecast.backtest import Backtest
    from sim.observe.parts import SweepFolder

FROZEN, SCORES, SCHEDULE = "frozen", "scores.csv", "schedule.csv"
NOT_YET = "holds no finished run yet"


def backtest(
    name: str,
    days: Sequence[date],
    rivals: Sequence[str],
    hindsight: bool,
    keep: tuple[Path | None, bool],
    common: Options,
    options: SweepOptions,
) -> None:
    """Make the forecasts of days of the past and score them; ``keep``: where to freeze them, and whether by
    force.
    """
    from sim.calibration.targets import read_targets
    from sim.draws.plausible import knowing
    from sim.forecast import backtest as study
    from sim.forecast import frozen
    from sim.observe.parts import SweepFolder

    record = read_targets()
    (scenario,) = common.load([name])
    chosen = days or study.ORIGINS
    tables = {day: knowing(scenario, day, common.draws) for day in chosen}
    origins = study.origins_of(scenario, chosen, rivals, tables, hindsight=hindsight)
    worlds = [world for origin in origins for world in origin.worlds]
    draws = common.draws_for(worlds)
    asked = study.sweep_of(scenario.name, origins, record, common.replicates, draws, common.seed)
    folder = SweepFolder(options.out or Path("results") / f"backtest-{scenario.name[:60]}")
    if (interrupted := carried_out(name, asked, folder, options)) is None:
        return
    monthly = folder.monthly()
    there = set(monthly["scenario"]) if len(monthly) else set()
    made = [study.backtest(monthly, o, record) for o in origins if o.worlds[0].name in there]
    if not made:
        raise InputError([Fault(str(folder.path), None, "", NOT_YET, "Go on: --resume.")])
    _write_tables(folder, made)
    whole = not interrupted and not _lacks(folder)
    if whole:
        for one in made:
            frozen.write(folder.path / FROZEN, one, asked)
    if not options.quiet:
        _tell_backtest(folder, made, options.json)
    _keep(folder, keep, whole, options.quiet or options.json)
    end(folder, interrupted)


def _lacks(folder: SweepFolder) -> bool:
    """Whether runs failed or are missing, so that a forecast is not the one that was asked for."""
    from sim.observe.parts import missing
    from sim.study.sweep import failures

    return bool(failures(folder) or missing(folder.batches(), folder.done()))


def _write_tables(folder: SweepFolder, made: Sequence[Backtest]) -> None:
    import pandas as pd

    save(pd.concat([one.scores for one in made], ignore_index=True), folder.path / SCORES)
    changes = [one.origin.changes.assign(origin=str(one.origin.day)) for one in made]
    save(pd.concat(changes, ignore_index=True), folder.path / SCHEDULE)


def _tell_backtest(folder: SweepFolder, made: Sequence[Backtest], json: bool) -> None:
    from sim.views import backtests as of_backtests
    from sim.views import tables as view

    if json:
        rows = [
            {
                "origin": str(one.origin.day),
                "schedule": view.records(one.origin.changes),
                "bands": view.records(one.forecast.bands),
                "structures": view.records(one.forecast.structures),
                "scores": view.records(one.scores),
            }
            for one in made
        ]
        print(view.as_json({"folder": str(folder.path), "origins": rows}))
        return
    for one in made:
        day = str(one.origin.day)
        if len(one.scores):
            view.show(of_backtests.score_table(one.scores, day))
        print(of_backtests.proof_line(one.scores, day))
        print("\n".join(of_backtests.schedule_lines(one.origin.changes)), end="\n\n")
    print(f"wrote {folder.path}/: {SCORES}, {SCHEDULE}, {FROZEN}/ (once every run is there)")


def _keep(folder: SweepFolder, keep: tuple[Path | None, bool], whole: bool, quiet: bool) -> None:
    """Freeze the forecasts where that was asked for."""
    from sim.forecast import frozen

    into, force = keep
    if into is None:
        return
    if not whole:
        what = "lacks runs, and half a forecast is not frozen"
        raise InputError([Fault(str(folder.path), None, "", what, "Go on: --resume.")])
    for path in frozen.freeze(folder.path / FROZEN, into, force=force):
        if not quiet:
            print(f"frozen: {path}")


def check(where: Path, quiet: bool) -> None:
    """Say whether the frozen forecasts of a folder are as they were; leave with exit code 1 if not."""
    from sim.forecast import frozen
    from sim.views import backtests as of_backtests
    from sim.views import tables as view

    listed = frozen.listed(where)
    if listed.empty:
        raise InputError([Fault(str(where), None, "", "holds no frozen forecast", "Name another folder.")])
    wrong = frozen.touched(where)
    if not quiet:
        view.show(of_backtests.frozen_table(listed, str(where)))
        print(f"{len(wrong)} of them were touched" if wrong else "all are as they were frozen")
    for words in wrong:
        complain(f"{where}: {words}")
    if wrong:
        raise StopError(1)


def controls(
    names: tuple[str, str, Sequence[str]],
    rivals: Sequence[str],
    shuffles: int,
    common: Options,
    options: SweepOptions,
) -> None:
    """Make the runs of the negative controls and tell what they found; ``names``: the scenario, its baseline,
    other worlds without an operation.
    """
    from sim.calibration.targets import read_targets
    from sim.forecast import controls as study
    from sim.observe.parts import SweepFolder
    from sim.study.checks import check_comparable

    record = read_targets()
    scenario, baseline, *others = common.load([names[0], names[1], *names[2]])
    check_comparable([scenario, *others], baseline)
    worlds = study.controls_of(scenario, baseline, others, rivals, shuffles, common.seed, record)
    draws = common.draws_for(worlds.worlds)
    asked = study.sweep_of(worlds, record, common.replicates, draws, common.seed)
    folder = SweepFolder(options.out or Path("results") / asked.experiment.name)
    if (interrupted := carried_out(scenario.name, asked, folder, options)) is None:
        return
    monthly = folder.monthly()
    if monthly.empty:
        raise InputError([Fault(str(folder.path), None, "", NOT_YET, "Go on: --resume.")])
    table, fits = study.found(monthly, worlds, record)
    save(table, folder.path / "controls.csv")
    save(fits, folder.path / "moved.csv")
    if not options.quiet:
        from sim.views import backtests as of_backtests
        from sim.views import tables as view

        if options.json:
            rows = {"rows": view.records(table), "moved": view.records(fits)}
            print(view.as_json({"folder": str(folder.path)} | rows))
        else:
            view.show(of_backtests.control_table(table))
            few = draws is not None and draws < common.replicates
            print("\n".join(of_backtests.caveats(few)))
            print(f"\nwrote {folder.path}/: controls.csv, moved.csv (each shuffle against the record)")
    end(folder, interrupted)
