"""What `forecast` does: state the runs, make them, say what the coming months may hold."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from sim.console import Options, save
from sim.console_sweep import SweepOptions, carried_out, end
from sim.errors import Fault, InputError

if TYPE_CHECKING:
    import pandas as pd

    from sim.forecast.study import Forecast
    from sim.observe.parts import SweepFolder
    from sim.scenario import Scenario
    from sim.study.sweep import Sweep

FILES = ("bands.csv", "streaks.csv", "naive.csv", "structures.csv")
PICTURE = "forecast.png"
FEW = 20
"""Draws of a whole table that runs share: fewer than runs, so that chance can be told from ignorance."""
SCHEDULE = "schedule.csv"
"""What was not known of the schedule, where only what was known counts."""


def forecast(
    name: str,
    when: tuple[date | None, bool],
    months: int,
    rivals: Sequence[str],
    common: Options,
    options: SweepOptions,
) -> None:
    """Make the runs of a forecast, or those that are missing, and tell what it says; ``when``: the day, and
    whether only what was known on the day counts, of the schedule and in the draws.
    """
    from sim.calibration.targets import read_targets
    from sim.draws.plausible import knowing
    from sim.forecast import study
    from sim.forecast.as_known import as_known
    from sim.observe.parts import SweepFolder

    record = read_targets()
    origin = when[0] or max(target.known for target in record.targets)
    (scenario,) = common.load([name])
    known, wish = None, None if when[1] else common.draws
    if when[1]:
        known = as_known(scenario, origin)
        table = knowing(scenario, origin, common.draws)
        scenario = known.scenario.with_(parameters=scenario.parameters.with_draws(table))
    worlds = study.structures_of(scenario, origin, months, rivals, wish)
    draws = common.draws_for(worlds)
    if draws is not None and common.draws.number is None:
        draws = min(draws, FEW)
    asked = study.as_sweep(worlds, record, common.replicates, draws, common.seed)
    folder = SweepFolder(options.out or Path("results") / f"forecast-{scenario.name[:60]}-{origin}")
    if (interrupted := carried_out(name, asked, folder, options)) is None:
        return
    monthly = folder.monthly()
    if monthly.empty:
        raise InputError([Fault(str(folder.path), None, "", "holds no finished run yet", "Go on: --resume.")])
    found = study.forecast(monthly, worlds, record, origin)
    _write(folder, found)
    _write_how(folder, worlds, monthly, origin)
    _draw(folder, found, monthly, origin)
    from sim.console_report import report_of

    page = report_of(folder.path)
    if known is not None:
        save(known.changes, folder.path / SCHEDULE)
    if not options.quiet:
        if known is not None and not options.json:
            _tell_schedule(known.changes, origin)
        _tell(folder, found, asked, origin, options.json)
        if page is not None and not options.json:
            print(f"to read: {page}")
    end(folder, interrupted)


def _tables(found: Forecast) -> dict[str, pd.DataFrame]:
    return dict(zip(FILES, (found.bands, found.streaks, found.naive, found.structures), strict=True))


def _write(folder: SweepFolder, found: Forecast) -> None:
    for file, table in _tables(found).items():
        save(table, folder.path / file)


def _write_how(folder: SweepFolder, worlds: Sequence[Scenario], monthly: pd.DataFrame, origin: date) -> None:
    """Keep what the forecast is of and how it was asked for: `sweep.json` has hashes of scenarios alone."""
    from sim.observe.parquet import fingerprint
    from sim.observe.store import atomically
    from sim.report.reading import FORECAST, FORECAST_FORMAT
    from sim.study.results import inputs_of, scenario_entry
    from sim.views.tables import as_json

    main = worlds[0]
    how = {
        "format": FORECAST_FORMAT,
        "command": ["cardbreak", *sys.argv[1:]],
        "origin": origin.isoformat(),
        "scenarios": [scenario_entry(world, None if world is main else main) for world in worlds],
        "inputs": inputs_of(worlds),
        "fingerprint": fingerprint(monthly),
    }
    text = as_json(how).encode()
    atomically(folder.path / FORECAST, lambda file: file.write(text))


def _draw(folder: SweepFolder, found: Forecast, monthly: pd.DataFrame, origin: date) -> None:
    from sim.observe.store import atomically
    from sim.views.forecast_bands import bands_picture

    picture = bands_picture(found.bands, found.naive, monthly, origin)
    atomically(folder.path / PICTURE, lambda file: file.write(picture))


def _tell_schedule(changes: pd.DataFrame, origin: date) -> None:
    from sim.views import backtests as of_backtests
    from sim.views import tables as view

    view.show(of_backtests.schedule_table(changes, str(origin)))
    print(f"{of_backtests.HINDSIGHT}\n")


def _tell(folder: SweepFolder, found: Forecast, asked: Sweep, origin: date, json: bool) -> None:
    from sim.views import forecast_tables as of_forecasts
    from sim.views import tables as view

    if json:
        rows = {file.removesuffix(".csv"): view.records(table) for file, table in _tables(found).items()}
        content = {"folder": str(folder.path), "scenario": asked.points[0].origin, "origin": str(origin)}
        print(view.as_json(content | {"draws_from": asked.drawn_from} | rows))
        return
    for table in of_forecasts.forecast_tables(found.bands, found.naive, found.streaks, found.structures):
        view.show(table)
        print()
    for line in of_forecasts.caveats(found.bands, asked.drawn_from, origin):
        print(line)
    print(f"wrote {folder.path}/: {', '.join((*FILES, PICTURE))}")
