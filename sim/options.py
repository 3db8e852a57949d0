"""Options that several commands share: what they are called, what they accept, what they mean."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import typer

from sim.draws.wish import DrawsWish, read_wish


def _draws(given: str | DrawsWish) -> DrawsWish:
    if isinstance(given, DrawsWish):  # a command's default comes as it stands there
        return given
    try:
        return read_wish(given)
    except ValueError as problem:
        raise typer.BadParameter(str(problem)) from None


def day(text: str) -> date:
    """A calendar day, as options write it."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("must be a date such as 2021-06-30") from None


def _key(text: str) -> int:
    try:
        key = int(text, 0)
    except ValueError:
        key = -1
    if not 0 <= key < 2**64:
        raise typer.BadParameter("must be a key such as 0x3fa9c1d27b60e584, or a whole number below 2^64")
    return key


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
Start = Annotated[date | None, typer.Option(parser=day, metavar="DATE", help="Clip the run: first day.")]
End = Annotated[date | None, typer.Option(parser=day, metavar="DATE", help="Clip the run: last day.")]
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
OnCluster = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        metavar="ADDRESS",
        help="Make the runs on the Dask cluster with this scheduler, as tcp://10.0.0.5:8786.",
        show_default=False,
    ),
]
Threads = Annotated[int, typer.Option(min=1, max=1024, help="Threads inside one run.")]
_DRAWS = "none|plausible|N|prior:N|FILE.parquet[:N]"
Draws = Annotated[
    DrawsWish,
    typer.Option(
        parser=_draws,
        metavar=_DRAWS,
        help="Draws of the uncertain parameters: none (point values), the shipped plausible ones or the "
        "first N of them, N of the priors, a table of your own.",
    ),
]
OwnDraws = Annotated[
    DrawsWish | None,
    typer.Option(
        parser=_draws,
        metavar=_DRAWS,
        help="The same instead of the experiment's own `draws`.",
        show_default=False,
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
Key = Annotated[
    int | None, typer.Option(parser=_key, metavar="KEY", help="Whom to follow.", show_default=False)
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with what was begun.")]
Expand = Annotated[
    bool, typer.Option("--expand", help="Go on, and add what is new: values, draws, replicates.")
]
KnownBy = Annotated[
    date | None,
    typer.Option(parser=day, metavar="DATE", help="Only what was known on that day.", show_default=False),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be run, and what it takes.")]
