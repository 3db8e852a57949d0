"""What a set of scenarios must fulfil before any of them is run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sim.errors import Fault, InputError

if TYPE_CHECKING:
    from sim.scenario import Scenario


def check_comparable(scenarios: Sequence[Scenario], baseline: Scenario) -> None:
    """Refuse scenarios that cannot be paired with the baseline: other dates, another scale, or one name
    twice.
    """
    faults = [
        Fault(
            scenario.name,
            None,
            name,
            f"differs from the baseline {baseline.name}: {ours} against {theirs}",
            mend,
        )
        for scenario in scenarios
        for name, mend in (
            ("start", "Give --start, or write the same in both."),
            ("end", "Give --end, or write the same in both."),
            ("scale", "Give --scale, or write the same in both."),
            ("rival", "Leave it out and give --rival, which runs both in one structure."),
        )
        if (ours := getattr(scenario, name)) != (theirs := getattr(baseline, name))
    ]
    check_names([baseline, *scenarios], faults)


def check_names(scenarios: Sequence[Scenario], faults: Sequence[Fault] = ()) -> None:
    """Refuse two scenarios of one name, together with `faults` found before."""
    names = [scenario.name for scenario in scenarios]
    twice = sorted({name for name in names if names.count(name) > 1})
    doubled = [
        Fault(name, None, "name", "is the name of two scenarios", "Rename one of them.") for name in twice
    ]
    if faults or doubled:
        raise InputError([*faults, *doubled])
