"""All runs of a study, and the tables that they make together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from sim.scenario import Scenario
    from sim.study.one_run import Run


@dataclass(frozen=True)
class RunSet:
    """All runs of a study, in the order of the scenarios and, within a scenario, of the replicates."""

    scenarios: tuple[Scenario, ...]
    runs: tuple[Run, ...]
    seed: int
    replicates: int
    draws: int | None
    seconds: float
    interrupted: bool = False

    @property
    def finished(self) -> tuple[Run, ...]:
        """The runs that reached their last day."""
        return tuple(run for run in self.runs if run.finished)

    @property
    def failed(self) -> tuple[Run, ...]:
        """The runs that ended with an error."""
        return tuple(run for run in self.runs if run.error)

    @property
    def complete(self) -> bool:
        """Whether every run that was asked for is there."""
        return len(self.finished) == len(self.scenarios) * self.replicates

    def monthly(self) -> pd.DataFrame:
        """All finished runs in one table: scenario, draw, replicate, month, region, then a column for each
        outcome.
        """
        return self._joined("monthly")

    def weekly(self) -> pd.DataFrame:
        """The weekly series of all finished runs in one table, labelled like the monthly one."""
        return self._joined("weekly")

    def deeds(self) -> pd.DataFrame:
        """What measures did in all finished runs: scenario, draw, replicate, month, measure, what, value."""
        return self._joined("deeds")

    def _joined(self, name: str) -> pd.DataFrame:
        import pandas as pd

        frames = [labelled(run, getattr(run, name)) for run in self.finished]
        return pd.concat(frames, ignore_index=True)


def labelled(run: Run, frame: pd.DataFrame) -> pd.DataFrame:
    """A copy of a table of a run, with the columns that say which run it is in front."""
    frame = frame.copy()
    frame.insert(0, "scenario", run.scenario)
    frame.insert(1, "draw", run.draw)
    frame.insert(2, "replicate", run.replicate)
    return frame
