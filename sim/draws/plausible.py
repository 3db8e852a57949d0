"""Draws where scenarios are loaded: the table that a wish asks for, attached to every scenario of a study.

The shipped tables hold draws that the record does not rule out, one table a structure, because what is
plausible depends on how the world is thought to work: `scenarios/draws/main.parquet` for the main model,
`RIVAL.parquet` for a rival. A rival without a table of its own takes that of the main model, and says so.

Draw k of a run is row k of the table, round and round; all scenarios of a study meet the same draws, so that
runs stay paired. A parameter that a scenario sets keeps the value that it sets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.draws.file import About, check_fits, open_draws
from sim.draws.wish import DrawsWish
from sim.errors import Fault, InputError
from sim.scenario.folders import display, shipped_draws

if TYPE_CHECKING:
    from sim.scenario import Passport, Scenario
    from sim.scenario.draws import Draws

MAIN = "main"
"""The main model among structures."""
NOTE = "draws: "
"""What notes about draws begin with."""
NONE_SHIPPED = f"{NOTE}no plausible draws are shipped, so parameters stand at their point values"


def attached(scenarios: Sequence[Scenario], wish: DrawsWish) -> list[Scenario]:
    """The scenarios with the tables that are asked for, and none where no table is.

    A table that a scenario had before gives way. Where another structure's table stands in, or none is
    shipped, a note of the scenario says so. Raises `InputError` for a table that is wrong, does not fit, or
    holds fewer draws than are asked for.
    """
    opened = cache(open_draws)
    fitting: dict[Path, Mapping[str, Passport]] = {}
    found = []
    for scenario in scenarios:
        path = _path(scenario.rival, wish)
        if path is None:
            note = NONE_SHIPPED if wish.kind == "plausible" else ""
            found.append(_with(scenario, None, note))
            continue
        table, about = opened(path)
        if fitting.get(path) != scenario.parameters.passports:  # the points of a sweep share them
            check_fits(path, table, scenario.parameters)
            _check_number(path, len(table), wish)
            fitting[path] = scenario.parameters.passports
        found.append(_with(scenario, table, _note(scenario.rival, about)))
    return found


def known_by(day: date) -> Draws:
    """The shipped table of the main model that knows most of the record and nothing later than a day.

    Raises `InputError` where none is shipped.
    """
    opened = [open_draws(Path(display(path))) for path in shipped_draws().values()]
    dated = {
        table.known_by: table
        for table, about in opened
        if table.known_by is not None and about.structure == "none"
    }
    if not (early := [known for known in dated if known <= day]):
        what = f"{day} lies before what any shipped draws know"
        mend = "Give --draws prior:40, a table of your own, or a later day."
        raise InputError([Fault("--origin", None, "", what, mend)])
    return dated[max(early)]


def knowing(scenario: Scenario, day: date, wish: DrawsWish) -> Draws | None:
    """The draws of a scenario as a forecaster of a day could have had them; None where no table is asked for.

    For the plausible ones that is the shipped table of the day (`known_by`). Raises `InputError` where there
    is none, where it holds fewer draws than are asked for, and for a table that knows what came later.
    """
    if wish.kind == "plausible":
        table = known_by(day)
        if wish.number is not None and wish.number > len(table):
            what = f"asks for {wish.number} draws, and {len(table)} are shipped that know no more than {day}"
            raise InputError([Fault("--draws", None, "", what, f"Give {len(table)} at most.")])
        return table
    own = scenario.parameters.draws
    if own is not None and own.known_by is not None and own.known_by > day:
        what = f"know the record up to {own.known_by}, which on {day} nobody did"
        raise InputError([Fault("--draws", None, "", what, f"Give a table made with --known-by {day}.")])
    return own


def number_of(scenarios: Sequence[Scenario], wish: DrawsWish) -> int | None:
    """How many draws the replicates share out; None for the point values.

    Of whole tables it is as many as the smallest has, so that no scenario meets a draw under two numbers.
    """
    if wish.kind in ("none", "prior"):
        return wish.number
    there = smallest(scenarios)
    return None if there is None else wish.number or there


def smallest(scenarios: Sequence[Scenario]) -> int | None:
    """How many draws the smallest of the scenarios' tables has; None where one has no table."""
    tables = [scenario.parameters.draws for scenario in scenarios]
    sizes = [len(table) for table in tables if table is not None]
    return min(sizes) if len(sizes) == len(tables) else None


def drawn_from(scenarios: Sequence[Scenario], draws: int | None) -> list[dict[str, Any]]:
    """Where the draws of runs come from, as plain values for manifests: an entry a table, `priors` where
    there is none, nothing for the point values.
    """
    if draws is None:
        return []
    tables = {one.digest: one for s in scenarios if (one := s.parameters.draws) is not None}
    return [
        {
            "source": one.source,
            "known_by": None if one.known_by is None else one.known_by.isoformat(),
            "draws": len(one),
            "digest": digest,
        }
        for digest, one in tables.items()
    ] or [{"source": "priors"}]


def in_words(scenarios: Sequence[Scenario], draws: int | None, replicates: int) -> str:
    """Which draws runs take, in a line; nothing for the point values."""
    if draws is None:
        return ""
    tables = [one for one in drawn_from(scenarios, draws) if "digest" in one]
    whence = [f"of a table of {one['draws']} ({one['source'] or 'of unknown source'})" for one in tables]
    return f"parameters: {min(draws, replicates)} draws {' and '.join(whence) or 'of the priors'}"


def notes_of(scenarios: Sequence[Scenario]) -> list[str]:
    """What scenarios note about their draws, each note once."""
    notes = dict.fromkeys(note for scenario in scenarios for note in scenario.notes)
    return [note for note in notes if note.startswith(NOTE)]


def _path(rival: str, wish: DrawsWish) -> Path | None:
    """The table for a structure; None for none."""
    if wish.kind == "file":
        return Path(wish.file)
    if wish.kind != "plausible":
        return None
    there = shipped_draws()
    path = there.get(MAIN if rival == "none" else rival, there.get(MAIN))
    if path is None and wish.number is not None:
        mend = f"Write --draws prior:{wish.number} for draws of the priors, or none for the point values."
        raise InputError([Fault("--draws", None, "", "asks for plausible draws, and none are shipped", mend)])
    return None if path is None else Path(display(path))


def _check_number(path: Path, there: int, wish: DrawsWish) -> None:
    if wish.number is not None and wish.number > there:
        what = f"asks for {wish.number} draws, and {path} has {there}"
        mend = f"Ask for at most {there}, or for draws of the priors: prior:{wish.number}."
        raise InputError([Fault("--draws", None, "", what, mend)])


def _note(rival: str, about: About) -> str:
    """Whose draws stand in, where they are those of another structure."""
    if about.structure == rival:
        return ""
    ours, theirs = ("the main model" if name == "none" else name for name in (rival, about.structure))
    return f"{NOTE}those of {theirs} stand in for {ours}, which has none of its own here"


def _with(scenario: Scenario, table: Draws | None, note: str) -> Scenario:
    kept = [one for one in scenario.notes if not one.startswith(NOTE)]
    notes = (*kept, note) if note else tuple(kept)
    if (scenario.parameters.draws, scenario.notes) == (table, notes):
        return scenario
    return scenario.with_(parameters=scenario.parameters.with_draws(table), notes=notes)
