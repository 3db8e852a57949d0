"""Progress on the standard error: a bar with the time left on a terminal, now and then a line elsewhere.

Nothing is shown of what takes less than two seconds.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress

PATIENCE = 2.0
"""Seconds before anything is shown."""

LINE_EVERY = 20.0
"""Seconds between lines where there is no terminal."""


class Display:
    """Shows how far a set of runs is; called with (runs done, runs in all), or with other ``things``."""

    def __init__(self, *, quiet: bool = False, things: str = "runs") -> None:
        self.quiet = quiet
        self.things = things
        self._terminal = sys.stderr.isatty()
        self._started = time.monotonic()
        self._last_line = self._started
        self._bar: Progress | None = None
        self._estimated = False

    def __call__(self, done: float, total: int) -> None:
        """Show that `done` of `total` are made."""
        now = time.monotonic()
        if self.quiet or now - self._started < PATIENCE:
            return
        if self._terminal:
            self._draw(done, total)
        elif 1 <= done < total and (not self._estimated or now - self._last_line >= LINE_EVERY):
            self._estimated, self._last_line = True, now
            left = (now - self._started) * (total - done) / done
            self.say(f"{int(done)} of {total} {self.things} done, about {duration(left)} left")

    def begin(self) -> None:
        """Start the clock, when the first run begins."""
        self._started = self._last_line = time.monotonic()

    def say(self, text: str) -> None:
        """A line on the standard error, unless quiet."""
        if not self.quiet:
            print(text, file=sys.stderr, flush=True)

    def close(self) -> None:
        """Take the bar off the screen."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _draw(self, done: float, total: int) -> None:
        if self._bar is None:
            self._bar = _new_bar()
            self._bar.add_task(self.things, total=total)
            self._bar.start()
        task = self._bar.tasks[0]
        self._bar.update(task.id, completed=done, total=total)


def duration(seconds: float) -> str:
    """A rough length of time in words."""
    if seconds < 90:
        return f"{max(round(seconds), 1)} s"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"


def _new_bar() -> Progress:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.completed:.0f} of {task.total:.0f} {task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("left:"),
        TimeRemainingColumn(),
        console=Console(file=sys.stderr),
        transient=True,
    )
