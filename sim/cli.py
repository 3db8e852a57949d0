"""The command line `cardbreak`: its commands, their options, and how they end.

Exit codes: 0 success; 2 the user's input is wrong, one line a fault on the standard error; 130 interrupted,
with the finished runs written; 1 anything else. Nothing heavy is imported before a command needs it, so
`--help` answers at once.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from sim import console, console_adviser
from sim.bench.plan import PARTS
from sim.cli_app import demo
from sim.cli_backtest import trials
from sim.cli_calibrate import calibrations
from sim.cli_documents import documents
from sim.cli_studies import studies
from sim.console import INTERRUPTED, Options, StopError, complain
from sim.draws.wish import PLAUSIBLE, POINT_VALUES
from sim.errors import Fault, InputError
from sim.options import (
    Audit,
    Draws,
    End,
    Force,
    Jobs,
    Json,
    Key,
    KnownBy,
    Names,
    Out,
    Quiet,
    Replicates,
    Scale,
    Seed,
    Sets,
    Start,
    Threads,
)

app = typer.Typer(
    name="cardbreak",
    help="Simulate the card trade behind telecom fraud, and what breaking it does.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _part(text: str) -> str:
    if text not in PARTS:
        raise typer.BadParameter(f"must be one of {', '.join(PARTS)}")
    return text


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
    draws: Draws = PLAUSIBLE,
    audit: Audit = "month",
    out: Out = None,
    force: Force = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Run scenarios; print a summary, write tables and a picture."""
    from sim.study.checks import check_names

    options = Options(replicates, seed, scale, start, end, sets, jobs, threads, draws, audit)
    loaded = options.load(scenarios)
    check_names(loaded)
    where = out or Path("results") / console.joined(loaded)
    console.study(loaded, None, options, where, force, quiet, json)


@app.command()
def compare(
    scenarios: Names,
    baseline: Annotated[str, typer.Option(metavar="FILE", help="The scenario to compare with.")] = "baseline",
    each: Annotated[bool, typer.Option("--each", help="Also each added measure alone.")] = False,
    rival: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Also everything under a rival structure, or all; repeatable."),
    ] = None,
    doses: Annotated[
        str, typer.Option(metavar="X,Y,...", help="Also the added measures at shares of their coverage.")
    ] = "",
    until_half_width: Annotated[
        str,
        typer.Option(
            metavar="WIDTH",
            help="Add replicates until effects on registered cases are known so well: 2% or 5000.",
        ),
    ] = "",
    most_replicates: Annotated[
        int | None,
        typer.Option(
            min=1, max=1_000_000, help="But not beyond so many; 200 by default.", show_default=False
        ),
    ] = None,
    replicates: Replicates = 20,
    seed: Seed = 1,
    scale: Scale = None,
    start: Start = None,
    end: End = None,
    sets: Sets = None,
    jobs: Jobs = None,
    threads: Threads = 1,
    draws: Draws = PLAUSIBLE,
    audit: Audit = "month",
    out: Out = None,
    force: Force = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Compare scenarios with a baseline, run by run; print the effects, write tables and a picture."""
    from sim.study.checks import check_comparable, check_names
    from sim.study.variants import comparison, read_doses

    options = Options(replicates, seed, scale, start, end, sets, jobs, threads, draws, audit)
    base, *loaded = options.load([baseline, *scenarios])
    others = [scenario for scenario in loaded if scenario.to_dict() != base.to_dict()]
    if not others:
        fault = Fault(
            "compare", None, "", "has no scenario besides the baseline", "Name one to compare with it."
        )
        raise InputError([fault])
    check_comparable(others, base)
    asked = comparison(others, base, each=each, rivals=rival or (), doses=read_doses(doses), draws=draws)
    check_names(asked.scenarios)
    wish = console_adviser.wish(until_half_width, most_replicates, asked, options)
    where = out or Path("results") / f"compare-{console.joined(others)}"
    console.study(asked.scenarios, asked, options, where, force, quiet, json, wish)


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
        view.show(view.difference_table(rows, ours, theirs))


@app.command()
def check(
    files: Annotated[list[str], typer.Argument(metavar="FILE", help="Scenario files to check.")],
    sets: Sets = None,
) -> None:
    """Check scenario files: one line a fault, exit code 2 if there is any."""
    from sim.scenario import load

    faults: list[Fault] = []
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
    elif topic == "measures":
        view.show_cards(rows)
    else:
        view.show(view.mapping_table(rows))


@app.command()
def schema() -> None:
    """Print the JSON Schema of scenario files, for editors."""
    from sim.scenario import json_schema
    from sim.views.tables import as_json

    print(as_json(json_schema()))


@app.command()
def bench(
    quick: Annotated[bool, typer.Option("--quick", help="Small sizes, once: about a minute.")] = False,
    only: Annotated[
        list[str] | None,
        typer.Option(parser=_part, metavar="PART", help=f"This part alone, repeatable: {', '.join(PARTS)}."),
    ] = None,
    rounds: Annotated[
        int | None,
        typer.Option(min=1, max=99, help="How often to measure; 3, quick 1.", show_default=False),
    ] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the results go.")] = Path("results/bench"),
    force: Force = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Measure speed and memory, beside other libraries where they are installed, against the targets."""
    from sim.bench import command

    command.bench(
        quick=quick, only=only or (), repeats=rounds, out=out, force=force, quiet=quiet, as_json=json
    )


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
    """Hold simulated patterns against observed ones; some take small experiments of their own."""
    from sim.study.patterns import table_of
    from sim.views.progress import Display

    options = Options(replicates, seed, scale, None, None, sets, jobs, threads, POINT_VALUES, "month")
    if save is not None:
        from sim.observe.store import refuse_existing

        refuse_existing(save, force, "--save")
    display = Display(quiet=quiet)
    title, monthly, worlds = console.pattern_runs(results, scenario, options, display)
    prior_runs = console.prior_runs(scenario, options, prior, display) if prior else None
    table = table_of(monthly, worlds, prior_runs)
    if save is not None:
        console.save(table, save)
    if not quiet:
        console.print_patterns(table, title, json)


@app.command()
def targets(
    results: Annotated[
        Path | None,
        typer.Argument(help="A results folder to hold against them; without one they are listed."),
    ] = None,
    known_by: KnownBy = None,
    variant: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=READING", help="Which of contradicting figures to take; repeatable."),
    ] = None,
    file: Annotated[
        str, typer.Option(metavar="FILE", help="A file of targets, or a shipped one.")
    ] = "card-broken-2020",
    scenario: Annotated[
        str, typer.Option(metavar="NAME", help="Which scenario of the results; by default the record's.")
    ] = "",
    json: Json = False,
) -> None:
    """List what the record says that a run can be held against, since when it is known, how far a run is."""
    from sim.console_record import targets as tell

    tell(results, known_by, variant or (), file, scenario, json)


@app.command()
def story(
    scenario: Annotated[
        str, typer.Argument(metavar="SCENARIO", help="A scenario file, or a shipped scenario.")
    ],
    card: Key = None,
    gang: Key = None,
    baseline: Annotated[str, typer.Option(metavar="FILE", help="The world without the policy.")] = "baseline",
    seed: Seed = 1,
    replicate: Annotated[int, typer.Option(min=0, max=999_999, help="Which run, as in the results.")] = 0,
    draws: Draws = PLAUSIBLE,
    draw: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=999_999_999,
            help="Which draw, as in the results; that of the replicate by default, 0 for point values.",
            show_default=False,
        ),
    ] = None,
    scale: Scale = None,
    start: Start = None,
    end: End = None,
    sets: Sets = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Tell the life of one card or gang with and without a policy; without a key, list some worth telling."""
    options = Options(1, seed, scale, start, end, sets, None, 1, draws, "month")
    console.story((scenario, baseline), options, (replicate, draw), {"card": card, "gang": gang}, quiet, json)


app.add_typer(studies)
app.add_typer(calibrations)
app.add_typer(trials)
app.add_typer(documents)
app.add_typer(demo)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import PackageNotFoundError, version

        try:
            print(f"cardbreak {version('cardbreak')}")
        except PackageNotFoundError:
            print("cardbreak, run from a folder in which it is not installed")
        raise typer.Exit()


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Simulate the card trade behind telecom fraud, and what breaking it does."""


def main() -> None:
    """Entry point of the command `cardbreak`."""
    sys.exit(guarded())


def guarded() -> int:
    """Run the command and turn whatever happens into an exit code and plain lines."""
    try:
        code = app(standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except InputError as problem:
        print(problem, file=sys.stderr)
        return 2
    except StopError as stop:
        return stop.code
    except (KeyboardInterrupt, typer.Abort):
        complain("interrupted")
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
    complain(" ".join(words.replace("Value error, ", "").split()) + " (try: cardbreak --help)")
    return 2


def _internal(problem: Exception) -> int:
    if os.environ.get("CARDBREAK_DEBUG"):
        raise problem
    from sim.study.one_run import one_line

    complain(f"internal error: {one_line(problem)} (run with CARDBREAK_DEBUG=1 for the traceback)")
    return 1


if __name__ == "__main__":
    main()
