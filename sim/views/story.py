"""A story for people: two lives side by side, a row for each day and phase in which something happened."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from sim.views.tables import Table

if TYPE_CHECKING:
    from sim.study.lives import Event
    from sim.study.story import Candidate, Story

SAME = "="
"""Stands where the second life has what the first has."""

KEPT = 6
"""Rows shown before two lives part; earlier ones that are the same in both are left out, save the first."""

NAMED_COLUMNS = 4
"""Most columns that the summary names."""


def heading(story: Story) -> list[str]:
    """What is told, when the two lives part, and how each ends."""
    ours, theirs = story.lives
    names = [life.model.scenario.name for life in story.lives]
    scale = ours.model.scale
    lines = [f"{ours.name} with {names[0]} and without it ({names[1]}); one simulated stands for {scale}"]
    lines.append(_parting(story))
    return [*lines, f"with: {ours.fate}", f"without: {theirs.fate}"]


def _parting(story: Story) -> str:
    parting = story.parting
    if parting is None:
        return "the same life in both worlds, to the last bit"
    if "key" in parting.columns:
        how = "it comes into one of the worlds only"
    else:
        more = ", ..." if len(parting.columns) > NAMED_COLUMNS else ""
        how = f"first seen in {', '.join([*parting.columns][:NAMED_COLUMNS])}{more}"
    before = parting.date - timedelta(days=1)
    return f"the same until {before}; they part on {parting.date} in the phase {parting.phase}: {how}"


def story_table(story: Story) -> Table:
    """Both lives by day and phase; what is the same in both stands once."""
    ours, theirs = (_by_phase(life.events) for life in story.lives)
    phases = [name for _, name, _ in story.lives[0].model.phases]
    times = sorted({*ours, *theirs}, key=lambda at: (at[0], phases.index(at[1]) if at[1] in phases else -1))
    rows = [
        (*at, one, SAME if one == other else other)
        for at in times
        for one, other in zip_longest(ours.get(at, ()), theirs.get(at, ()), fillvalue="")
    ]
    names = [life.model.scenario.name for life in story.lives]
    return Table(("date", "phase", f"with {names[0]}", f"without ({names[1]})"), _folded(rows))


def _by_phase(events: Iterable[Event]) -> dict[tuple[str, str], list[str]]:
    """What happened in each phase of each day."""
    found: dict[tuple[str, str], list[str]] = {}
    for event in events:
        found.setdefault((event.date.isoformat(), event.phase), []).append(event.text)
    return found


def _folded(rows: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The rows, without the many at the beginning that are the same in both lives."""
    same = next((k for k, row in enumerate(rows) if row[-1] != SAME), len(rows))
    left_out = rows[1 : max(same - KEPT, 1)]
    if len(left_out) <= 1:
        return list(rows)
    return [
        rows[0],
        (f"... {len(left_out)} rows, the same in both (--json has them)",),
        *rows[1 + len(left_out) :],
    ]


def story_content(story: Story) -> dict[str, Any]:
    """The whole story as plain values."""
    parting = story.parting
    life = story.lives[0]
    return {
        "kind": life.kind,
        "key": f"{life.key:#018x}",
        "scale": life.model.scale,
        "parting": None if parting is None else vars(parting),
        "lives": [
            {
                "scenario": life.model.scenario.name,
                "fate": life.fate,
                "events": [vars(event) for event in life.events],
                "state": life.state,
            }
            for life in story.lives
        ],
    }


def candidate_table(candidates: Sequence[Candidate], ours: str, theirs: str) -> Table:
    """Cards and gangs worth telling, with the option that tells each."""
    rows = [(f"{c.option} {c.key}", c.what, *c.ends) for c in candidates]
    title = "Cards and gangs that end differently; add an option to the same command to tell that life"
    return Table(("option", "what", f"with {ours}", f"without ({theirs})"), rows, title)
