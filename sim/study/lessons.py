"""Lessons: pairs of worlds worth a class's time, each with the months that it shows.

A lesson names two scenarios; what the page asks about them are words, kept with the page. A user's own
scenario beside its baseline is a lesson too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from sim.draws.plausible import attached, number_of
from sim.draws.wish import DrawsWish
from sim.errors import Fault, InputError
from sim.scenario import load
from sim.scenario.structure import SWITCHES, Adaptation
from sim.study.additions import added
from sim.study.checks import check_comparable
from sim.study.runs import draw_of
from sim.study.session import Past, Session
from sim.study.sliders import later

if TYPE_CHECKING:
    from sim.scenario import Scenario

OWN = "own"
"""The key of the lesson that is a user's own scenario."""

BEFORE, SHOWN = 8, 24
"""Months shown before the first measure of a user's own scenario, and in all."""


@dataclass(frozen=True)
class Lesson:
    """Two scenarios by name or file, the first shown month and the last day (None: found by the measures).

    ``silent``: the trade of the right world does not answer (every switch of its adaptation is off).
    """

    key: str
    left: str
    right: str
    first: date | None = None
    end: date | None = None
    silent: bool = False


FIRST, LAST = date(2020, 1, 1), date(2021, 12, 31)
LESSONS = (
    Lesson("rising", "baseline", "card-broken-2020", FIRST, LAST),
    Lesson("adapt", "card-broken-2020", "card-broken-2020", FIRST, LAST, silent=True),
    Lesson("arrests", "card-cleanup", "cluster-campaign", FIRST, LAST),
    Lesson("outlets", "baseline", "opening-suspension", FIRST, LAST),
    Lesson("raid", "undisturbed", "lone-takedown", date(2018, 10, 1), date(2019, 12, 31)),
)
"""The shipped lessons, the first one is shown first."""


@dataclass(frozen=True)
class Pair:
    """The loaded worlds of a lesson, what is compared in them, and how many draws their runs share out."""

    lesson: Lesson
    left: Scenario
    right: Scenario
    bare: Scenario
    first: date
    draws: int | None

    def session(self, replicate: int, seed: int, past: Past) -> Session:
        """A session of run number ``replicate``, as in the results of `cardbreak compare`."""
        draw = draw_of(replicate, self.draws)
        return Session(
            self.left, self.right, first=self.first, seed=seed, replicate=replicate, draw=draw, past=past
        )


def pair_of(lesson: Lesson, scale: int, draws: DrawsWish) -> Pair:
    """Load the worlds of a lesson. Raises `InputError` for what is wrong with them."""
    sets = (f"scale={scale}",)
    left, right = (load(name, sets=sets, end=lesson.end) for name in (lesson.left, lesson.right))
    if lesson.silent:
        off = Adaptation.model_validate(dict.fromkeys(SWITCHES, False))
        right = right.with_(name=f"{right.name}-silent", adaptation=off)
    check_comparable([right], left)
    if lesson.end is None:
        first, end = _window(left, right)
        left, right = left.with_(end=end), right.with_(end=end)
    else:
        first = lesson.first or left.start
    left, right = attached([left, right], draws)
    number = number_of([left, right], draws)
    # What has sliders are the measures beyond those of a world without any policy on cards.
    bare = left if added(right, left) else load("baseline", sets=sets)
    return Pair(lesson, left, right, bare, first, number)


def _window(left: Scenario, right: Scenario) -> tuple[date, date]:
    """First shown month and last day: some months before the first measure, two years in all."""
    measures = added(right, left)
    if not measures:
        what = f"adds no measure to {left.name}"
        raise InputError([Fault(right.name, None, "", what, "Name a scenario with measures of its own.")])
    begins = min(measure.announced or measure.start for measure in measures)
    opening = left.start if left.start.day == 1 else later(left.start.replace(day=1), 1)
    first = max(later(begins.replace(day=1), -BEFORE), opening)
    end = min(date.fromordinal(later(first, SHOWN).toordinal() - 1), left.end)
    if end < first:
        what = f"leaves no whole month to show before its end on {left.end}"
        raise InputError([Fault(right.name, None, "end", what, "Let it end later.")])
    return first, end
