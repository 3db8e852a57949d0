"""The command line `cardbreak`: it reads options, calls the rooms that do the work, and prints what they
found.

Exit codes: 0 success; 2 the user's input is wrong, one line a fault on the standard error; 130 interrupted,
with the finished runs written; 1 anything else. Nothing heavy is imported before a command needs it, so
`--help` answers at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sim.errors import Fault, InputError

if TYPE_CHECKING:
    from sim.scenario import Scenario
    from sim.study.results import Tables
    from sim.study.runs import RunSet
    from sim.views.progress import Display

app = typer.Typer(
    name="cardbreak",
    help="Simulate the card trade behind telecom fraud, and what breaking it does.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

INTERRUPTED = 130
MAIN_OUTCOME = "cases_registered"


def _draws(text: str) -> int | None:
    if text == "none":
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > 9 or int(text) < 1:
        raise typer.BadParameter("must be 'none' or a whole number from 1 on")
    return int(text)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("must be a date such as 2021-06-30") from None


Names = Annotated[
    list[str], typer.Argument(metavar="SCENARIO", help="Scenario files, or names of shipped scenarios.")
]
Replicates = Annotated[int, typer.Option(min=1, max=1_000_000, help="Runs of each scenario.")]
Seed = Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Root of all random numbers.")]
Scale = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=100_000,
        help="Real gangs, dealers, cards that one simulated stands for.",
        show_default=False,
    ),
]
Start = Annotated[date | None, typer.Option(parser=_day, metavar="DATE", help="Clip the run: first day.")]
End = Annotated[date | None, typer.Option(parser=_day, metavar="DATE", help="Clip the run: last day.")]
Sets = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="PATH=VALUE", help="Patch a scenario, as in parameters.gangs.growth_per_year=0.2."
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option(min=1, max=4096, help="Processes side by side; all cores by default.", show_default=False),
]
Threads = Annotated[int, typer.Option(min=1, max=1024, help="Threads inside one run.")]
Draws = Annotated[
    int | None,
    typer.Option(
        parser=_draws,
        metavar="none|N",
        help="Draws of the uncertain parameters; 'none', the default, for their point values.",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Where the results go; by default results/NAME.", show_default=False),
]
Force = Annotated[bool, typer.Option("--force", help="Replace results that are there already.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")]
Json = Annotated[bool, typer.Option("--json", help="Print the table as JSON.")]
Audit = Annotated[
    Literal["month", "day"], typer.Option(help="How often the conservation of money and cards is checked.")
]


@dataclass(frozen=True)
class Options:
    """The options that all commands with runs share."""

    replicates: int
    seed: int
    scale: int | None
    start: date | None
    end: date | None
    sets: tuple[str, ...]
    jobs: int | None
    threads: int
    draws: int | None
    audit: str

    def load(self, names: Sequence[str]) -> list[Scenario]:
        """The scenarios as they are to run; all faults of all files at once."""
        from sim.scenario import load

        sets = (*self.sets, f"scale={self.scale}") if self.scale is not None else self.sets
        loaded, faults = [], []
        for name in names:
            try:
                loaded.append(load(name, sets=sets, start=self.start, end=self.end))
            except InputError as problem:
                faults += problem.faults
        if faults:
            raise InputError(faults)
        return loaded


def _options(
    replicates: int,
    seed: int,
    scale: int | None,
    start: date | None,
    end: date | None,
    sets: list[str] | None,
    jobs: int | None,
    threads: int,
    draws: int | None,
    audit: str,
) -> Options:
    return Options(replicates, seed, scale, start, end, tuple(sets or ()), jobs, threads, draws, audit)


@app.command()
def run(
    scenarios: Names,
    replicates: Replicates = 20,
    seed: Seed = 1,
    scale: Scale = None,
    start: Start = None,
    end: End = None,
    sets: Sets = None,
    jobs: Jobs = None,
    threads: Threads = 1,
    draws: Draws = None,
    audit: Audit = "month",
    out: Out = None,
    force: Force = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Run scenarios; print a summary, write tables and a picture."""
    from sim.study.results import check_names

    options = _options(replicates, seed, scale, start, end, sets, jobs, threads, draws, audit)
    loaded = options.load(scenarios)
    check_names(loaded)
    where = out or Path("results") / _joined(loaded)
    _study(loaded, None, options, where, force, quiet, json)


@app.command()
def compare(
    scenarios: Names,
    baseline: Annotated[str, typer.Option(metavar="FILE", help="The scenario to compare with.")] = "baseline",
    replicates: Replicates = 20,
    seed: Seed = 1,
    scale: Scale = None,
    start: Start = None,
    end: End = None,
    sets: Sets = None,
    jobs: Jobs = None,
    threads: Threads = 1,
    draws: Draws = None,
    audit: Audit = "month",
    out: Out = None,
    force: Force = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Compare scenarios with a baseline, run by run; print the effects, write tables and a picture."""
    from sim.study.results import check_comparable

    options = _options(replicates, seed, scale, start, end, sets, jobs, threads, draws, audit)
    base, *loaded = options.load([baseline, *scenarios])
    others = [scenario for scenario in loaded if scenario != base]
    if not others:
        fault = Fault(
            "compare", None, "", "has no scenario besides the baseline", "Name one to compare with it."
        )
        raise InputError([fault])
    check_comparable(others, base)
    where = out or Path("results") / f"compare-{_joined(others)}"
    _study([base, *others], base.name, options, where, force, quiet, json)


def _joined(scenarios: Sequence[Scenario]) -> str:
    return "-".join(scenario.name for scenario in scenarios)[:100]


def _study(
    scenarios: list[Scenario],
    baseline: str | None,
    options: Options,
    where: Path,
    force: bool,
    quiet: bool,
    json: bool,
) -> None:
    """Run, write, print; what `run` and `compare` share."""
    from sim.observe.store import ResultsFolder
    from sim.study.results import tables_of, write
    from sim.views.progress import Display

    display = Display(quiet=quiet)
    with ResultsFolder.create(where, force=force) as folder:
        runs = _runs(scenarios, options, display)
        _require_some(runs)
        tables = tables_of(runs, command=["cardbreak", *sys.argv[1:]], baseline=baseline)
        files = write(folder, tables, _picture(tables))
    if not quiet:
        _print_study(tables, files, json)
    _end(runs)


def _runs(scenarios: list[Scenario], options: Options, display: Display) -> RunSet:
    from sim.study.runs import run_many, warm_up

    for scenario in scenarios:
        for note in scenario.notes:
            display.say(f"{scenario.name}: {note}")
    with display.announced("compiling the kernels, once: about a minute"):
        warm_up()
    display.begin()
    try:
        return run_many(
            scenarios,
            replicates=options.replicates,
            draws=options.draws,
            seed=options.seed,
            jobs=options.jobs,
            threads=options.threads,
            audit=options.audit,
            progress=display,
        )
    finally:
        display.close()


def _require_some(runs: RunSet) -> None:
    """End here when no run reached its last day: nothing is written then."""
    if runs.finished:
        return
    if runs.interrupted:
        _complain("interrupted before the first run was finished; nothing is written")
        raise typer.Exit(INTERRUPTED)
    for error in dict.fromkeys(run.error for run in runs.failed):
        _complain(error)
    _complain(f"all {len(runs.failed)} runs failed; nothing is written")
    raise typer.Exit(1)


def _end(runs: RunSet) -> None:
    """Say what is missing, and leave with the exit code for it."""
    for lost in runs.failed:
        _complain(f"FAILED: {lost.scenario}, replicate {lost.replicate}, draw {lost.draw}: {lost.error}")
    asked = len(runs.scenarios) * runs.replicates
    if runs.interrupted:
        _complain(f"interrupted: {len(runs.finished)} of {asked} runs are finished and written")
        raise typer.Exit(INTERRUPTED)
    if runs.failed:
        _complain(f"{len(runs.failed)} of {asked} runs failed; the others are written")
        raise typer.Exit(1)


def _picture(tables: Tables) -> bytes:
    from sim.views.plots import forecast_picture, measures_of, source_line

    return forecast_picture(
        tables.monthly,
        measures=measures_of(tables.manifest["scenarios"], str(tables.monthly["month"].max().date())),
        effects=tables.headline_effects(MAIN_OUTCOME),
        source=source_line(tables.manifest),
    )


def _print_study(tables: Tables, files: Sequence[Path], json: bool) -> None:
    from sim.observe.store import names_of
    from sim.views import tables as view

    found = tables.summary if tables.effects is None else tables.effects
    if json:
        content = {
            "manifest": tables.manifest,
            "rows": view.records(found),
            "files": [str(file) for file in files],
        }
        print(view.as_json(content))
        return
    window = tables.headline
    if tables.effects is None:
        view.show(view.summary_table(tables.summary))
    else:
        base = str(tables.manifest["baseline"])
        ends = (window.start.isoformat(), window.end.isoformat())
        for table in view.effect_tables(tables.effects, *ends, base):
            view.show(table)
            print()
    print(f"wrote {names_of(files)}")


@app.command()
def diff(
    ours: Annotated[str, typer.Argument(metavar="A", help="A scenario.")],
    theirs: Annotated[str, typer.Argument(metavar="B", help="Another.")],
    sets: Sets = None,
    json: Json = False,
) -> None:
    """Show what differs between two scenarios, before any run."""
    from sim.scenario import load
    from sim.study.results import difference_rows
    from sim.views import tables as view

    rows = difference_rows(load(ours, sets=tuple(sets or ())), load(theirs, sets=tuple(sets or ())))
    if json:
        print(view.as_json(rows))
    elif not rows:
        print("no difference")
    else:
        view.show(view.mapping_table(rows))


@app.command()
def check(
    files: Annotated[list[str], typer.Argument(metavar="FILE", help="Scenario files to check.")],
    sets: Sets = None,
) -> None:
    """Check scenario files: one line a fault, exit code 2 if there is any."""
    from sim.scenario import load

    faults = []
    for name in files:
        try:
            scenario = load(name, sets=tuple(sets or ()))
        except InputError as problem:
            faults += problem.faults
        else:
            print(f"{name}: right ({scenario.name}, {scenario.start} to {scenario.end})")
    if faults:
        raise InputError(faults)


@app.command("list")
def list_(
    topic: Annotated[
        Literal["scenarios", "measures", "parameters", "outcomes"], typer.Argument(help="What to list.")
    ] = "scenarios",
    json: Json = False,
) -> None:
    """List what there is: scenarios, measures, parameters, outcomes."""
    from sim.study.catalogue import catalogue
    from sim.views import tables as view

    rows = catalogue(topic)
    if json:
        print(view.as_json(rows))
    else:
        view.show(view.mapping_table(rows))


@app.command()
def schema() -> None:
    """Print the JSON Schema of scenario files, for editors."""
    from sim.scenario import json_schema
    from sim.views.tables import as_json

    print(as_json(json_schema()))


@app.command()
def patterns(
    results: Annotated[
        Path | None,
        typer.Argument(help="A results folder; without one the scenario is run first.", show_default=False),
    ] = None,
    scenario: Annotated[
        str, typer.Option(metavar="NAME", help="Which scenario to hold against the record.")
    ] = "card-broken-2020",
    prior: Annotated[int, typer.Option(min=0, max=1_000_000, help="Also run N prior draws, once each.")] = 0,
    save: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the table as CSV too.", show_default=False)
    ] = None,
    replicates: Replicates = 20,
    seed: Seed = 1,
    scale: Scale = None,
    sets: Sets = None,
    jobs: Jobs = None,
    threads: Threads = 1,
    force: Force = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Hold simulated patterns against observed ones."""
    from sim.study.patterns import table_of
    from sim.views.progress import Display

    options = _options(replicates, seed, scale, None, None, sets, jobs, threads, None, "month")
    if save is not None and save.exists() and not force:
        raise InputError(
            [Fault(str(save), None, "", "exists", "Give another --save, or replace it with --force.")]
        )
    display = Display(quiet=quiet)
    title, monthly = _pattern_runs(results, scenario, options, display)
    prior_runs = _prior_runs(scenario, options, prior, display) if prior else None
    table = table_of(monthly, prior_runs)
    if save is not None:
        _save(table, save)
    if not quiet:
        _print_patterns(table, title, json)


def _pattern_runs(results: Path | None, name: str, options: Options, display: Display) -> tuple[str, Any]:
    """The rows to measure: of a results folder, or of runs made now."""
    if results is None:
        (loaded,) = options.load([name])
        return f"{loaded.name}, {options.replicates} replicates", _all_or_exit([loaded], options, display)
    from sim.observe.store import open_results

    found = open_results(results)
    there = list(dict.fromkeys(found.monthly["scenario"]))
    chosen = name if name in there else there[0] if len(there) == 1 else None
    if chosen is None:
        what = f"holds no scenario {name}"
        raise InputError(
            [Fault(str(results), None, "", what, f"Give --scenario with one of: {', '.join(there)}.")]
        )
    return f"{chosen} in {results}", found.monthly[found.monthly["scenario"] == chosen]


def _prior_runs(name: str, options: Options, draws: int, display: Display) -> Any:
    from dataclasses import replace

    (loaded,) = options.load([name])
    return _all_or_exit([loaded], replace(options, replicates=draws, draws=draws), display)


def _all_or_exit(scenarios: list[Scenario], options: Options, display: Display) -> Any:
    """Monthly rows of finished runs; an interruption ends the command, a failed run is only named."""
    runs = _runs(scenarios, options, display)
    _require_some(runs)
    if runs.interrupted:
        _end(runs)
    for lost in runs.failed:
        _complain(f"FAILED: {lost.scenario}, replicate {lost.replicate}, draw {lost.draw}: {lost.error}")
    return runs.monthly()


def _print_patterns(table: Any, title: str, json: bool) -> None:
    from sim.study.patterns import definitions
    from sim.views import tables as view

    if json:
        print(view.as_json({"rows": view.records(table), "definitions": dict(definitions())}))
        return
    view.show(view.pattern_table(table, f"Observed and simulated: {title}"))
    print("\nA pattern passes when at least half of the runs are inside its band. How each is measured:")
    for name, words in definitions():
        print(f"{name}: {words}")


def _save(table: Any, path: Path) -> None:
    from sim.observe.store import atomically

    text = table.to_csv(index=False, lineterminator="\n")
    try:
        atomically(path, lambda file: file.write(text.encode()))
    except OSError as problem:
        fault = Fault(str(path), None, "", f"cannot be written ({problem.strerror})", "Give another --save.")
        raise InputError([fault]) from problem


def _version(wanted: bool) -> None:
    if wanted:
        import importlib.metadata

        print(f"cardbreak {importlib.metadata.version('cardbreak')}")
        raise typer.Exit()


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Simulate the card trade behind telecom fraud, and what breaking it does."""


def _complain(text: str) -> None:
    print(f"cardbreak: {text}", file=sys.stderr, flush=True)


def main() -> None:
    """Entry point of the command `cardbreak`."""
    sys.exit(_guarded())


def _guarded() -> int:
    """Run the command and turn whatever happens into an exit code and plain lines."""
    try:
        code = app(standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except InputError as problem:
        print(problem, file=sys.stderr)
        return 2
    except (KeyboardInterrupt, typer.Abort):
        _complain("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except typer.TyperException as problem:
        return _usage(problem)
    except Exception as problem:
        return _internal(problem)


def _usage(problem: Exception) -> int:
    """A wrong command line, in one line."""
    words = getattr(problem, "format_message", lambda: str(problem))()
    _complain(" ".join(words.replace("Value error, ", "").split()) + " (try: cardbreak --help)")
    return 2


def _internal(problem: Exception) -> int:
    if os.environ.get("CARDBREAK_DEBUG"):
        raise problem
    from sim.study.runs import one_line

    _complain(f"internal error: {one_line(problem)} (run with CARDBREAK_DEBUG=1 for the traceback)")
    return 1


if __name__ == "__main__":
    main()
