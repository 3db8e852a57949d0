"""The command that calibrates."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from sim.options import DryRun, Jobs, Json, KnownBy, OnCluster, Quiet, Seed, day

calibrations = typer.Typer()

Made = Annotated[Path, typer.Argument(metavar="BANK", help="A bank of runs that calibrate made.")]
Record = Annotated[str, typer.Option(metavar="FILE", help="A file of targets, or a shipped one.")]
Scouts = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="A bank at a coarser scale, whose runs help to learn and are no draws.",
        show_default=False,
    ),
]


@calibrations.command()
def calibrate(
    targets: Annotated[
        str, typer.Argument(metavar="TARGETS", help="A file of targets, or a shipped one.")
    ] = "card-broken-2020",
    bank: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="The bank of runs, made or gone on with; results/bank-NAME.",
            show_default=False,
        ),
    ] = None,
    known_by: KnownBy = None,
    variant: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=READING", help="Where the record contradicts itself; repeatable."),
    ] = None,
    rival: Annotated[str, typer.Option(metavar="NAME", help="A rival structure, in a bank of its own.")] = "",
    prior: Annotated[int, typer.Option(min=50, max=100_000, help="Runs over the prior.")] = 384,
    start: Annotated[
        int, typer.Option(min=0, max=100_000, help="Runs between the point values and the prior.")
    ] = 200,
    matching: Annotated[
        int, typer.Option(min=20, max=100_000, help="Runs of each wave of history matching.")
    ] = 100,
    matching_waves: Annotated[int, typer.Option(min=0, max=20, help="Waves of history matching.")] = 1,
    generation: Annotated[
        int, typer.Option(min=20, max=100_000, help="Runs of each generation of the search.")
    ] = 120,
    generations: Annotated[int, typer.Option(min=0, max=50, help="Generations of the search.")] = 6,
    wanted: Annotated[
        int, typer.Option(min=1, max=100_000, help="Plausible draws that should come of it.")
    ] = 200,
    against: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Compare with the tables of an earlier calibration.", show_default=False
        ),
    ] = None,
    scouts: Scouts = None,
    dry_run: DryRun = False,
    seed: Annotated[int, typer.Option(min=0, max=2**20, help="Root of all random numbers.")] = 1,
    scale: Annotated[int, typer.Option(min=1, max=100_000, help="Scale of all runs.")] = 200,
    jobs: Jobs = None,
    cluster: OnCluster = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Find draws of all uncertain parameters that the public record leaves plausible. Started again, it goes
    on; a bank serves other targets and days too.
    """
    from sim.calibration.calibrate import Plan
    from sim.console_calibrate import Asked
    from sim.console_calibrate import calibrate as work
    from sim.console_sweep import SweepOptions

    plan = Plan(prior, start, matching, matching_waves, generation, generations)
    readings = tuple(variant or ())
    asked = Asked(targets, known_by, readings, rival, scale, seed, plan, wanted, against, scouts)
    work(asked, SweepOptions(jobs, bank, True, False, quiet, json, dry_run, cluster=cluster))


@calibrations.command()
def synthetic(
    bank: Made,
    truths: Annotated[int, typer.Option(min=2, max=10_000, help="Runs of it that become the truth.")] = 40,
    origin: Annotated[
        date | None,
        typer.Option(
            parser=day,
            metavar="DATE",
            help="Calibrate with what was known on that day; by default with all.",
            show_default=False,
        ),
    ] = None,
    targets: Record = "card-broken-2020",
    scouts: Scouts = None,
    seed: Seed = 1,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Let runs of a bank be the truth, calibrate to their records, count how often they are found."""
    from sim.console_synthetic import Asked
    from sim.console_synthetic import synthetic as work

    work(bank, Asked(targets, origin, truths, seed, scouts), quiet, json)


@calibrations.command()
def identified(
    bank: Made,
    targets: Record = "card-broken-2020",
    scouts: Scouts = None,
    seed: Seed = 1,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Say which parameters the record narrows, what each target adds, what a missing datum would be worth."""
    from sim.console_identified import Asked
    from sim.console_identified import identified as work

    work(bank, Asked(targets, seed, scouts), quiet, json)
