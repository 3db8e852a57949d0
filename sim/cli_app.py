"""The command `app`: the web demo, for a class, on this machine alone."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from sim.draws.wish import PLAUSIBLE
from sim.options import Draws, Quiet, Seed

demo = typer.Typer()


@demo.command()
def app(
    scenario: Annotated[
        str | None,
        typer.Argument(
            metavar="[SCENARIO]", help="A scenario of your own to show first.", show_default=False
        ),
    ] = None,
    baseline: Annotated[
        str, typer.Option(metavar="FILE", help="What stands on the left of it.")
    ] = "baseline",
    port: Annotated[
        int | None,
        typer.Option(
            min=1, max=65535, help="Where the page answers; a free port by default.", show_default=False
        ),
    ] = None,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Only say where the page is; open no browser.")
    ] = False,
    lang: Annotated[Literal["en", "zh"], typer.Option(help="The language of the page.")] = "en",
    scale: Annotated[
        int, typer.Option(min=50, max=100_000, help="Real gangs, cards and cases for a simulated one.")
    ] = 500,
    seed: Seed = 1,
    draws: Draws = PLAUSIBLE,
    quiet: Quiet = False,
) -> None:
    """Open the web demo: two worlds side by side, with sliders, for a class; needs no network."""
    from sim.console_app import show
    from sim.study.lessons import OWN, Lesson

    own = [Lesson(OWN, baseline, scenario)] if scenario is not None else []
    show(own, port=port, browser=not no_browser, lang=lang, scale=scale, seed=seed, draws=draws, quiet=quiet)
