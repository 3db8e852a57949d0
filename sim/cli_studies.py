"""The commands of studies with many runs, which can be stopped, gone on with and widened."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import typer

from sim.console import Options
from sim.draws.wish import PLAUSIBLE, POINT_VALUES, prior
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
    OwnDraws,
    Quiet,
    Replicates,
    Resume,
    Scale,
    Seed,
    Sets,
    Start,
    day,
)

studies = typer.Typer()

RunsOfPoint = Annotated[
    int | None, typer.Option(min=1, max=1_000_000, help="Runs of each point.", show_default=False)
]
OwnSeed = Annotated[
    int | None, typer.Option(min=0, max=2**32 - 1, help="Root of all random numbers.", show_default=False)
]
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="A folder that run, compare or sweep wrote.")]


@studies.command()
def sweep(
    experiment: Annotated[
        str, typer.Argument(metavar="EXPERIMENT", help="An experiment file, or a shipped experiment.")
    ],
    resume: Resume = False,
    expand: Expand = False,
    rerun_failed: Annotated[
        bool, typer.Option("--rerun-failed", help="With --resume: try failed runs again.")
    ] = False,
    mixed: Annotated[
        bool, typer.Option("--mixed", help="Go on though scenarios or versions have changed.")
    ] = False,
    dry_run: DryRun = False,
    plan: Annotated[bool, typer.Option("--plan", help="Write the plan, and run nothing yet.")] = False,
    shard: Annotated[
        str, typer.Option(metavar="I/N", help="Make share I of N of a plan, on one of N machines.")
    ] = "",
    replicates: RunsOfPoint = None,
    seed: OwnSeed = None,
    draws: OwnDraws = None,
    scale: Scale = None,
    jobs: Jobs = None,
    cluster: OnCluster = None,
    out: Out = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Run an experiment: scenarios x levers x what is not known x replicates; stop and go on at any time."""
    from sim.console_sweep import SweepOptions
    from sim.console_sweep import sweep as work

    options = SweepOptions(
        scale=scale,
        replicates=replicates,
        draws=draws,
        seed=seed,
        jobs=jobs,
        cluster=cluster,
        out=out,
        resume=resume,
        expand=expand,
        rerun_failed=rerun_failed,
        mixed=mixed,
        quiet=quiet,
        json=json,
        dry_run=dry_run,
        plan=plan,
        shard=shard,
    )
    work(experiment, options)


@studies.command()
def collect(
    target: Annotated[Path, typer.Argument(metavar="DIR", help="The folder with the plan.")],
    sources: Annotated[list[Path], typer.Argument(metavar="FROM", help="Copies of it that made shares.")],
    quiet: Quiet = False,
) -> None:
    """Bring the shares of a sweep that several machines made into one folder."""
    from sim.console_sweep import collect as work

    work(target, sources, quiet)


@studies.command()
def attribute(
    scenario: Annotated[str, typer.Argument(metavar="SCENARIO", help="The scenario whose effect is shared.")],
    baseline: Annotated[str, typer.Option(metavar="FILE", help="The scenario to compare with.")] = "baseline",
    group: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=ID,ID", help="Measures that are credited together; repeatable."),
    ] = None,
    orders: Annotated[
        int, typer.Option(min=2, max=10_000, help="Orders drawn where there are more than six groups.")
    ] = 40,
    rival: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Also in a rival structure, or all; repeatable."),
    ] = None,
    resume: Resume = False,
    expand: Expand = False,
    dry_run: DryRun = False,
    replicates: Replicates = 8,
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
    """Share a scenario's effect out over groups of its measures (Shapley), with intervals."""
    from sim.console_sweep import SweepOptions
    from sim.console_sweep import attribute as work

    common = Options(replicates, seed, scale, start, end, sets, jobs, 1, draws, "month")
    options = SweepOptions(jobs, out, resume, expand, quiet, json, dry_run, cluster=cluster)
    work((scenario, baseline), tuple(group or ()), orders, tuple(rival or ()), common, options)


@studies.command()
def discover(
    sweep: Annotated[
        str,
        typer.Argument(metavar="EXPERIMENT|DIR", help="The experiment of a sweep, or the sweep's folder."),
    ],
    target: Annotated[
        str,
        typer.Option(
            metavar="PERCENT",
            help="A policy fails where it changes less than this, as in -20%; by default half of its median.",
        ),
    ] = "",
    policy: Annotated[
        str,
        typer.Option(metavar="NAME", help="One policy: a scenario, a point, or levers as in outlets=620."),
    ] = "",
    outcome: Annotated[
        str, typer.Option(metavar="NAME", help="What is to change; by default what the sweep's table shows.")
    ] = "",
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where the sweep is; by default results/NAME.", show_default=False),
    ] = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Say under which circumstances the policies of a sweep fail, and how much one would regret each."""
    from sim.console_discover import DiscoverOptions
    from sim.console_discover import discover as work

    work(sweep, DiscoverOptions(out, target, policy, outcome, quiet, json))


@studies.command()
def forecast(
    scenario: Annotated[str, typer.Argument(metavar="SCENARIO", help="The schedule of measures to assume.")],
    origin: Annotated[
        date | None,
        typer.Option(
            parser=day,
            metavar="DATE",
            help="The day on which the forecast is made; by default the last of the record.",
            show_default=False,
        ),
    ] = None,
    as_known: Annotated[
        bool, typer.Option("--as-known", help="Only what was known of the schedule on the day.")
    ] = False,
    months: Annotated[int, typer.Option(min=1, max=60, help="Months ahead, that of the origin first.")] = 12,
    rival: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Mix in a rival structure, or all; repeatable."),
    ] = None,
    resume: Resume = False,
    expand: Expand = False,
    dry_run: DryRun = False,
    replicates: Replicates = 40,
    seed: Seed = 1,
    scale: Scale = None,
    sets: Sets = None,
    jobs: Jobs = None,
    cluster: OnCluster = None,
    draws: Draws = PLAUSIBLE,
    out: Out = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Forecast monthly registered cases from a day on, with bands, odds of falls, and naive forecasters."""
    from sim.console_forecast import forecast as work
    from sim.console_sweep import SweepOptions

    common = Options(replicates, seed, scale, None, None, sets, jobs, 1, draws, "month")
    options = SweepOptions(jobs, out, resume, expand, quiet, json, dry_run, cluster=cluster)
    work(scenario, (origin, as_known), months, tuple(rival or ()), common, options)


@studies.command()
def mix(
    scenario: Annotated[
        str, typer.Argument(metavar="SCENARIO", help="The scenario whose measures are mixed.")
    ],
    baseline: Annotated[str, typer.Option(metavar="FILE", help="The scenario to compare with.")] = "baseline",
    target: Annotated[
        str, typer.Option(metavar="SHARE", help="How far registered cases are to fall below the baseline's.")
    ] = "20%",
    probability: Annotated[str, typer.Option(metavar="SHARE", help="How sure that is to be.")] = "90%",
    group: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=ID,ID", help="Measures that share a dose; repeatable."),
    ] = None,
    doses: Annotated[
        str, typer.Option(metavar="D,D", help="Shares of coverage to try, beside leaving a group out.")
    ] = "1",
    cost: Annotated[
        list[str] | None,
        typer.Option(metavar="ID=YUAN", help="Unit cost instead of the scenario's; repeatable."),
    ] = None,
    confirm: Annotated[
        int, typer.Option(min=1, max=100_000, help="Fresh pairs for the mix that is found.")
    ] = 50,
    most_runs: Annotated[
        int | None, typer.Option(min=1, help="Runs to make in all, at most.", show_default=False)
    ] = None,
    chance_only: Annotated[
        bool,
        typer.Option(
            "--chance-only", help="Keep parameters at their point values, instead of a draw a pair."
        ),
    ] = False,
    resume: Resume = False,
    dry_run: DryRun = False,
    replicates: Annotated[
        int, typer.Option(min=2, max=100_000, help="Pairs with which every mix is screened.")
    ] = 8,
    seed: Seed = 1,
    scale: Scale = None,
    start: Start = None,
    end: End = None,
    sets: Sets = None,
    jobs: Jobs = None,
    out: Out = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Find the cheapest mix of a scenario's measures that reaches a target, and confirm it on fresh runs."""
    from sim.console_mix import Asked
    from sim.console_mix import mix as work
    from sim.console_sweep import SweepOptions
    from sim.study.mixes import A_DRAW_EACH

    asked = Asked(target, probability, tuple(group or ()), doses, tuple(cost or ()), confirm, most_runs)
    draws = POINT_VALUES if chance_only else prior(A_DRAW_EACH)
    common = Options(replicates, seed, scale, start, end, sets, jobs, 1, draws, "month")
    work((scenario, baseline), asked, common, SweepOptions(jobs, out, resume, False, quiet, json, dry_run))


@studies.command()
def export(
    folder: Folder,
    outcome: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this outcome; repeatable.")
    ] = None,
    region: Annotated[str, typer.Option(metavar="CODE", help="Only this region, or all.")] = "CN",
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A .csv or .parquet file; DIR/tidy.csv.", show_default=False),
    ] = None,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Write a folder's monthly values as one tidy table, a row each; a sweep may still be running."""
    from sim.console_views import export as work

    work(folder, out, outcome, region, force, quiet)


@studies.command()
def plot(
    folder: Folder,
    kind: Annotated[
        str | None,
        typer.Option(
            metavar="KIND",
            help="heatmap, dose, tornado, spaghetti or front; by default what fits.",
            show_default=False,
        ),
    ] = None,
    outcome: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="What to show; registered cases.", show_default=False),
    ] = None,
    window: Annotated[
        str | None, typer.Option(metavar="NAME", help="Over which months, as 2021-H2.", show_default=False)
    ] = None,
    scenario: Annotated[
        str | None, typer.Option(metavar="NAME", help="Which one, of several.", show_default=False)
    ] = None,
    x: Annotated[
        str | None, typer.Option(metavar="LEVER", help="Lever along x, or to tell courses apart by.")
    ] = None,
    y: Annotated[str | None, typer.Option(metavar="LEVER", help="Lever along y, of a heat map.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A .png or .svg file; DIR/KIND.png.", show_default=False),
    ] = None,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Draw a folder's results: effects over levers, what they hang on, courses of runs, gain against harm."""
    from sim.console_views import PlotOptions
    from sim.console_views import plot as work

    work(folder, out, PlotOptions(kind, outcome, window, scenario, x, y), force, quiet)


@studies.command()
def report(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="A folder that run, compare or forecast wrote.")
    ],
    lang: Annotated[Literal["en", "zh"], typer.Option(help="In English or Chinese.")] = "en",
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Where the page goes; DIR/report.html, in Chinese DIR/report.zh.html.",
            show_default=False,
        ),
    ] = None,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Write one HTML page that says what a folder holds, for readers who run no code; it needs no network."""
    from sim.console_report import report as work

    work(folder, lang, out, force, quiet)


@studies.command()
def sensitivity(
    experiment: Annotated[
        str,
        typer.Argument(
            metavar="EXPERIMENT", help="An experiment; with --method split also the folder of a sweep."
        ),
    ],
    method: Annotated[
        Literal["morris", "sobol", "split"],
        typer.Option(help="Screening, shares of variance, or variance by policy, knowledge and chance."),
    ] = "morris",
    trajectories: Annotated[
        int, typer.Option(min=2, max=10_000, help="Morris: walks through the unknowns.")
    ] = 10,
    points: Annotated[int, typer.Option(min=4, max=65_536, help="Sobol: base points, a power of two.")] = 64,
    every: Annotated[bool, typer.Option("--all", help="Vary every parameter that has a prior.")] = False,
    of: Annotated[
        Literal["level", "effect"] | None,
        typer.Option(help="What is explained; the effect where there is a baseline.", show_default=False),
    ] = None,
    outcome: Annotated[
        str, typer.Option(metavar="NAME", help="Which outcome; by default registered cases.")
    ] = "",
    window: Annotated[str, typer.Option(metavar="NAME", help="Over which window, as in 2021-H2.")] = "",
    resume: Resume = False,
    expand: Expand = False,
    dry_run: DryRun = False,
    replicates: RunsOfPoint = None,
    seed: OwnSeed = None,
    draws: OwnDraws = None,
    scale: Scale = None,
    jobs: Jobs = None,
    cluster: OnCluster = None,
    out: Out = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Say which of the unknowns an outcome hangs on, or split its variance by policy, knowledge, chance."""
    from sim.console_sensitivity import Question
    from sim.console_sensitivity import sensitivity as work
    from sim.console_sweep import SweepOptions

    options = SweepOptions(
        jobs,
        out,
        resume,
        expand,
        quiet,
        json,
        dry_run,
        scale=scale,
        replicates=replicates,
        draws=draws,
        seed=seed,
        cluster=cluster,
    )
    work(experiment, Question(method, trajectories, points, every, of, outcome, window), options)
