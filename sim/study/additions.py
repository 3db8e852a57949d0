"""What a scenario adds to its baseline: the measures that the baseline does not have, and those taken away.

Two measures are the same when they do the same: ids, titles, notes, evidence and unit costs do not count.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sim.interventions.base import Measure
    from sim.scenario import Scenario

_ABOUT = {"id", "title", "note", "evidence", "cost_per_unit"}


def definition(measure: Measure) -> str:
    """What a measure does, as text that is equal for measures that do the same."""
    return json.dumps(measure.model_dump(mode="json", exclude=_ABOUT), sort_keys=True)


def definitions(measures: Iterable[Measure]) -> Counter[str]:
    """How often each definition occurs among measures."""
    return Counter(definition(measure) for measure in measures)


def added(scenario: Scenario, baseline: Scenario) -> tuple[Measure, ...]:
    """The measures of a scenario that its baseline does not have, in the scenario's order."""
    return _beyond(scenario.interventions, baseline.interventions)


def removed(scenario: Scenario, baseline: Scenario) -> tuple[Measure, ...]:
    """The measures of the baseline that a scenario does not have."""
    return _beyond(baseline.interventions, scenario.interventions)


def _beyond(ours: Iterable[Measure], theirs: Iterable[Measure]) -> tuple[Measure, ...]:
    left, found = definitions(theirs), []
    for measure in ours:
        name = definition(measure)
        if left[name]:
            left[name] -= 1
        else:
            found.append(measure)
    return tuple(found)
