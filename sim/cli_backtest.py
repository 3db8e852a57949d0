"""The commands that try the forecasts and the method itself, on days of the past and where nothing is."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from sim.console import Options
from sim.draws.wish import PLAUSIBLE
from sim.options import (
    Draws,
    DryRun,
    End,
    Expand,
    Force,
    Jobs,
    Json,
    OnCluster,
    Out,
    Quiet,
    Replicates,
    Resume,
    Scale,
    Seed,
    Sets,
    Start,
    day,
)

trials = typer.Typer()


@trials.command()
def backtest(
    scenario: Annotated[
        str, typer.Argument(metavar="[SCENARIO]", help="The schedule, of which each day knows a part.")
    ] = "card-broken-2020",
    origin: Annotated[
        list[date] | None,
        typer.Option(
            parser=day,
            metavar="DATE",
            help="A day on which a forecast is made; repeatable. By default three days of 2021.",
            show_default=False,
        ),
    ] = None,
    rival: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Mix in a rival structure, or all; repeatable."),
    ] = None,
    no_hindsight: Annotated[
        bool,
        typer.Option(
            "--no-hindsight", help="Leave out measures in force of which nothing was public by the day."
        ),
    ] = False,
    freeze: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Keep the forecasts there, with their hashes.", show_default=False),
    ] = None,
    force: Force = False,
    check: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Run nothing; say whether the forecasts kept there are as they were.",
            show_default=False,
        ),
    ] = None,
    resume: Resume = False,
    expand: Expand = False,
    dry_run: DryRun = False,
    replicates: Replicates = 40,
    seed: Seed = 1,
    scale: Scale = None,
    start: Start = None,
    end: End = None,
    sets: Sets = None,
    jobs: Jobs = None,
    cluster: OnCluster = None,
    draws: Draws = PLAUSIBLE,
    out: Out = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Forecast as could have been done on days of the past, and score that with what came later."""
    from sim.console_backtest import backtest as work
    from sim.console_backtest import check as look
    from sim.console_sweep import SweepOptions

    if check is not None:
        look(check, quiet)
        return
    common = Options(replicates, seed, scale, start, end, sets, jobs, 1, draws, "month")
    options = SweepOptions(jobs, out, resume, expand, quiet, json, dry_run, cluster=cluster)
    work(scenario, origin or (), tuple(rival or ()), not no_hindsight, (freeze, force), common, options)


@trials.command()
def controls(
    scenario: Annotated[
        str, typer.Argument(metavar="[SCENARIO]", help="The operation whose traces are looked for.")
    ] = "card-broken-2020",
    baseline: Annotated[str, typer.Option(metavar="FILE", help="The world without it.")] = "baseline",
    other: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE", help="Another world without it; repeatable. By default no-measures."),
    ] = None,
    rival: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="And the baseline in a rival structure; repeatable. By default in all."
        ),
    ] = None,
    shuffles: Annotated[
        int, typer.Option(min=1, max=10_000, help="How often the operation's dates are moved.")
    ] = 19,
    resume: Resume = False,
    expand: Expand = False,
    dry_run: DryRun = False,
    replicates: Replicates = 30,
    seed: Seed = 1,
    scale: Scale = None,
    start: Start = None,
    end: End = None,
    sets: Sets = None,
    jobs: Jobs = None,
    cluster: OnCluster = None,
    draws: Draws = PLAUSIBLE,
    out: Out = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Look for effects where there are none: moved dates, doses of nothing, worlds without an operation."""
    from sim.console_backtest import controls as work
    from sim.console_sweep import SweepOptions

    common = Options(replicates, seed, scale, start, end, sets, jobs, 1, draws, "month")
    options = SweepOptions(jobs, out, resume, expand, quiet, json, dry_run, cluster=cluster)
    names = (scenario, baseline, tuple(other if other is not None else ["no-measures"]))
    work(names, tuple(rival if rival is not None else ["all"]), shuffles, common, options)
