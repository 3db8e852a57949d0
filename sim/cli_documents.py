"""The command that writes a document about a scenario instead of running it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from sim.console import Options
from sim.draws.wish import POINT_VALUES
from sim.errors import Fault, InputError
from sim.options import End, Force, Json, Scale, Seed, Sets, Start

documents = typer.Typer()


@documents.command()
def odd(
    scenario: Annotated[
        str, typer.Argument(metavar="SCENARIO", help="A scenario file, or a shipped scenario.")
    ] = "card-broken-2020",
    seed: Seed = 1,
    scale: Scale = None,
    start: Start = None,
    end: End = None,
    sets: Sets = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the sheet to a file instead.", show_default=False),
    ] = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Describe the model as it would run a scenario: run card and ODD sheet, read off code and data."""
    if out is not None:
        from sim.observe.store import refuse_existing

        refuse_existing(out, force)
    options = Options(1, seed, scale, start, end, sets, 1, 1, POINT_VALUES, "month")
    [loaded] = options.load([scenario])
    from sim.documents.odd import sheet
    from sim.documents.odd_page import page
    from sim.model import FraudSupplyChain
    from sim.views.tables import as_json

    described = sheet(FraudSupplyChain(loaded, seed=seed))
    text = as_json(asdict(described)) if json else page(described).rstrip()
    if out is None:
        print(text)
        return
    try:
        out.write_text(text + "\n", encoding="utf-8")
    except OSError as problem:
        what = f"cannot be written ({problem.strerror or type(problem).__name__})"
        raise InputError([Fault(str(out), None, "", what, "Give a file in a folder that exists.")]) from None
    print(f"wrote {out}")
