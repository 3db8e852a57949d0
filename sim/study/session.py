"""A session: two worlds with the same cards, stepped month by month while somebody changes one of them.

Both worlds share seed, replicate and draw, so whatever the policy does not touch is the same in both, and
every number is that of `cardbreak compare` for the same run. What they share need not be simulated twice: the
past of each world is kept at some days (`Past`), and a changed world goes on from the last kept day up to
which nothing that decides it has changed.

A session is worked by one thread. Between two months it can be stopped, or its right world changed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from sim.scenario import shipped_folder
from sim.state.history import Histories, History
from sim.study.one_run import Settings, Task, build
from sim.study.sliders import later

if TYPE_CHECKING:
    from sim.scenario import Scenario
    from sim.state.capture import State

Side = Literal["left", "right"]
SIDES: tuple[Side, Side] = ("left", "right")
KEPT_EVERY = 3
"""A shown world is kept every so many months."""

MOST_BYTES = 400 * 2**20
"""So much of the past is kept; what was used longest ago goes first, the newest always stays."""


@dataclass
class _Mark:
    """The state of a world on the morning of a day; nobody changes it."""

    history: History
    day: int
    state: State = field(repr=False)
    size: int = 0


class Past:
    """States of worlds on some days, from which others with the same past go on. Threads may share it."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self.most_bytes = most_bytes
        self._marks: list[_Mark] = []
        self._lock = threading.Lock()

    def keep(self, history: History, model: Any) -> None:
        """Keep the state of a model, between two days."""
        from sim.state.capture import kept, state_of

        if self.day_of(history) >= model.day:
            return
        state = kept(state_of(model))
        mark = _Mark(history, model.day, state, _size(state))
        with self._lock:
            self._marks.append(mark)
            while sum(one.size for one in self._marks) > self.most_bytes and len(self._marks) > 1:
                self._marks.pop(0)

    def day_of(self, history: History) -> int:
        """The last kept day of this run or of one that was the same until then; 0 where there is none."""
        mark = self._nearest(history)
        return mark.day if mark is not None else 0

    def go_on(self, history: History, model: Any) -> None:
        """Put a newly built model on the last kept day of its history, if there is one."""
        from sim.state.capture import take_over

        mark = self._nearest(history)
        if mark is not None:
            take_over(model, mark.state)

    def _nearest(self, history: History) -> _Mark | None:
        with self._lock:
            found = [one for one in self._marks if one.history.shared(history) >= one.day]
            if not found:
                return None
            best = max(found, key=lambda one: one.day)
            self._marks.remove(best)
            self._marks.append(best)
            return best


def _size(value: Any) -> int:
    """About how many bytes a state takes: those of its arrays."""
    if isinstance(value, np.ndarray):
        return int(value.nbytes)
    if isinstance(value, dict):
        return sum(map(_size, value.values()))
    if isinstance(value, list | tuple):
        return sum(map(_size, value))
    return 0


class _World:
    """One world on its way: built when it is first stepped, with the table of its shown months."""

    def __init__(self, task: Task, settings: Settings, history: History, hidden: int, past: Past) -> None:
        self.task, self.settings, self.history = task, settings, history
        self.hidden, self.past = hidden, past
        self.model: Any = None
        self.tables: list[pd.DataFrame] = []

    @property
    def months(self) -> int:
        """Shown months that are simulated."""
        return len(self.tables)

    @property
    def day(self) -> int:
        """Days done, or those that it would take over."""
        return int(self.model.day) if self.model is not None else self.past.day_of(self.history)

    def begin(self) -> None:
        """Build the model and put it as far on as its past is kept."""
        if self.model is None:
            self.model = build(self.task, self.settings)
            self.past.go_on(self.history, self.model)
            self._look()

    def go(self, day: int, *, keep: bool) -> None:
        """Step to the morning of a day, and keep the world there if asked."""
        self.begin()
        self.model.run_model(until=day)
        self._look()
        if keep:
            self.past.keep(self.history, self.model)

    def _look(self) -> None:
        """Take over the shown months that were closed since the last look."""
        known = self.hidden + len(self.tables)
        if self.model.recorder.months > known:
            fresh = self.model.recorder.monthly(known)
            self.tables += [month for _, month in fresh.groupby("month", sort=True)]


class Session:
    """Two worlds of one seed, replicate and draw, advanced month by month.

    Parameters
    ----------
    left, right
        Their scenarios, of the same window and scale.
    first
        First day of the first month that is shown; what lies before is simulated and not shown.
    seed, replicate, draw
        Which run, as in the results of `cardbreak compare`.
    past
        Where the past of worlds is kept, for sessions that share it.

    Raises ValueError where the two have another window or scale, or where ``first`` begins no month of it.
    """

    def __init__(
        self,
        left: Scenario,
        right: Scenario,
        *,
        first: date,
        seed: int = 1,
        replicate: int = 0,
        draw: int = 0,
        past: Past | None = None,
    ) -> None:
        _need_the_same_frame(left, right)
        if first.day != 1 or not left.start <= first <= left.end:
            raise ValueError(f"{first} is not the first day of a month of the run")
        self.first, self.seed, self.replicate, self.draw = first, seed, replicate, draw
        self.past = past if past is not None else Past()
        self._histories = Histories(seed)
        self._settings = Settings(seed=seed)
        self._worlds: dict[Side, _World] = {
            side: self._world(one) for side, one in zip(SIDES, (left, right), strict=True)
        }

    def _world(self, scenario: Scenario) -> _World:
        task = Task(scenario, self.replicate, self.draw)
        history = self._histories.of(scenario, self.replicate, self.draw)
        hidden = (self.first.year - scenario.start.year) * 12 + self.first.month - scenario.start.month
        return _World(task, self._settings, history, hidden, self.past)

    def scenario(self, side: Side) -> Scenario:
        """The scenario of a world."""
        return self._worlds[side].task.scenario

    @property
    def months(self) -> tuple[date, ...]:
        """The months that are shown, by their first days."""
        end, found = self.scenario("left").end, [self.first]
        while (month := later(found[-1], 1)) <= end:
            found.append(month)
        return tuple(found)

    @property
    def done(self) -> int:
        """Shown months that both worlds have behind them."""
        return min(world.months for world in self._worlds.values())

    @property
    def finished(self) -> bool:
        """Whether both worlds have come to their last day."""
        return self.done == len(self.months)

    @property
    def parting(self) -> date | None:
        """The first day on which the two worlds can differ; None where they never do."""
        left, right = (self._worlds[side].history for side in SIDES)
        shared = left.shared(right)
        if shared >= left.days:
            return None
        return date.fromordinal(self.scenario("left").start.toordinal() + shared)

    def change(self, right: Scenario) -> None:
        """Put another policy into the right world, which begins anew from where its past is kept.

        Raises ValueError for another window or scale.
        """
        _need_the_same_frame(self.scenario("left"), right)
        self._worlds["right"] = self._world(right)

    def advance(self) -> bool:
        """Simulate a month of the world that is behind; whether there was one to simulate.

        Up to the month in which the two part there is one world only.
        """
        if self.finished:
            return False
        left, right = (self._worlds[side] for side in SIDES)
        fork = self._month_of(left.history.shared(right.history))
        left.begin()
        behind = left
        if left.day >= fork or right.day >= fork:
            right.begin()
            behind = min(left, right, key=lambda world: world.day)
        day = self._next(behind.day)
        kept = day == fork or self._is_kept(day)
        behind.go(day, keep=kept)
        return True

    def run(self, stop: Callable[[], bool] = lambda: False) -> bool:
        """Simulate all that is left; False where ``stop`` said between two months that it is enough."""
        while not self.finished:
            if stop():
                return False
            self.advance()
        return True

    def table(self) -> pd.DataFrame:
        """The shown months of both worlds, as far as both are done.

        Columns: world (``left``, ``right``), scenario, draw, replicate, then those of `Recorder.monthly`.
        """
        done, found = self.done, []
        for side, world in self._worlds.items():
            for month in world.tables[:done]:
                about = {"world": side, "scenario": world.task.scenario.name}
                about |= {"draw": self.draw, "replicate": self.replicate}  # type: ignore[dict-item]
                found.append(month.assign(**about)[[*about, *month.columns]])
        return pd.concat(found, ignore_index=True) if found else pd.DataFrame()

    def _next(self, day: int) -> int:
        """The morning on which the month of a day is over, or the run is."""
        start = self.scenario("left").start
        today = date.fromordinal(start.toordinal() + day)
        until = later(today.replace(day=1), 1).toordinal() - start.toordinal()
        return min(until, self.scenario("left").days)

    def _month_of(self, day: int) -> int:
        """The first day of the month of a day, no earlier than the first day of the run."""
        scenario = self.scenario("left")
        if day >= scenario.days:
            return scenario.days
        start = scenario.start
        today = date.fromordinal(start.toordinal() + day)
        return max(today.replace(day=1).toordinal() - start.toordinal(), 0)

    def _is_kept(self, day: int) -> bool:
        scenario = self.scenario("left")
        if day >= scenario.days:
            return True
        today = date.fromordinal(scenario.start.toordinal() + day)
        shown = (today.year - self.first.year) * 12 + today.month - self.first.month
        return shown >= 0 and shown % KEPT_EVERY == 0


def _need_the_same_frame(left: Scenario, right: Scenario) -> None:
    if (left.start, left.end, left.scale) != (right.start, right.end, right.scale):
        raise ValueError("both worlds need the same window and scale")


def places() -> pd.DataFrame:
    """The regions: code, name_en, name_zh, adults (persons), grid_col, grid_row (their tile)."""
    from sim.world.regions import read_regions

    folder = shipped_folder() / "evidence"
    table = pd.read_csv(folder / "regions.csv")
    regions = read_regions(folder)
    adults: Mapping[str, int] = dict(zip(regions.codes, regions.adults.tolist(), strict=True))
    table["adults"] = table["code"].map(adults)
    return table[["code", "name_en", "name_zh", "adults", "grid_col", "grid_row"]]
