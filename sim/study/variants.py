"""What is compared with what: the scenarios a user names, and the variants derived from them.

Three kinds of variants, each with a plain name of its own:

- each measure alone (`only-publicity`): the baseline with one kind of the measures that a scenario adds;
- doses (`card-cleanup-dose-0.5`): the scenario with the coverage of its added measures scaled;
- rival structures (`card-cleanup-no-adaptation`): everything again in a world without one of the model's
  mechanisms, paired with the baseline of that world.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sim.draws.plausible import attached
from sim.draws.wish import DrawsWish
from sim.errors import Fault, InputError, nearest, shown
from sim.scenario.structure import RIVALS
from sim.study.additions import added, definition, removed

if TYPE_CHECKING:
    from sim.interventions.base import Measure
    from sim.scenario import Scenario

MOST_DOSES = 20


@dataclass(frozen=True)
class Compared:
    """A scenario and what it is held against.

    `whole` is the name of the scenario of which this one is a dose, itself where it is none; `dose` the share
    of that scenario's coverage.
    """

    scenario: Scenario
    baseline: Scenario
    whole: str
    dose: float = 1.0

    @cached_property
    def added(self) -> tuple[Measure, ...]:
        """The measures that the baseline does not have."""
        return added(self.scenario, self.baseline)

    @cached_property
    def removed(self) -> tuple[Measure, ...]:
        """The measures of the baseline that the scenario does not have."""
        return removed(self.scenario, self.baseline)


@dataclass(frozen=True)
class Comparison:
    """What is run and paired: a baseline, and the compared scenarios, each with its own baseline."""

    baseline: Scenario
    compared: tuple[Compared, ...]

    @property
    def scenarios(self) -> tuple[Scenario, ...]:
        """What to run: the baseline first, another baseline before the first scenario held against it."""
        found = [self.baseline]
        for one in self.compared:
            known = any(one.baseline is scenario for scenario in found)
            found += [one.scenario] if known else [one.baseline, one.scenario]
        return tuple(found)

    @property
    def baselines(self) -> dict[str, str]:
        """The baseline of each compared scenario, by name."""
        return {one.scenario.name: one.baseline.name for one in self.compared}

    @cached_property
    def watched(self) -> tuple[Measure, ...]:
        """The added measures of all scenarios, the first of each id: what baseline runs tally too."""
        first: dict[str, Measure] = {}
        for one in self.compared:
            for measure in one.added:
                first.setdefault(measure.id, measure)
        return tuple(first.values())

    def tallied(self, measure: Measure, baseline: Scenario) -> bool:
        """Whether runs of a baseline tally where this very measure would have acted.

        They do not where the baseline has another measure of the same id, or where another one of that id
        was watched.
        """
        own = any(other.id == measure.id for other in baseline.interventions)
        return not own and definition(measure) in {definition(other) for other in self.watched}


def comparison(
    scenarios: Sequence[Scenario],
    baseline: Scenario,
    *,
    each: bool = False,
    rivals: Iterable[str] = (),
    doses: Sequence[float] = (),
    draws: DrawsWish | None = None,
) -> Comparison:
    """What to run and how to pair it.

    Parameters
    ----------
    scenarios, baseline
        As the user named them.
    each
        Also each kind of added measure alone.
    rivals
        Names of rival structures, or "all", under which to repeat everything.
    doses
        Shares of the coverage of the added measures, above 0, at most 1.
    draws
        Which draws the rival structures take; None for those of the main one.

    Raises `InputError` for a wrong rival or dose, and for doses of a scenario that adds nothing.
    """
    structures = rival_names(rivals)
    check_doses(doses)
    main = [Compared(scenario, baseline, scenario.name) for scenario in scenarios]
    found = [one for scenario in main for one in (scenario, *_at_doses(scenario, doses))]
    if each:
        found += _alone(main)
    for rival in structures:
        asked = [one for one in found if one.baseline is baseline]
        world, *others = all_under([baseline, *(one.scenario for one in asked)], rival, draws)
        found += [
            Compared(other, world, f"{one.whole}-{rival}", one.dose)
            for one, other in zip(asked, others, strict=True)
        ]
    return Comparison(baseline, tuple(found))


def rival_names(names: Iterable[str]) -> tuple[str, ...]:
    """The rival structures asked for, each once; "all" stands for all of them. Raises `InputError`."""
    asked = tuple(dict.fromkeys(names))
    mend = f"Give one of: all, {', '.join(RIVALS)}."
    faults = [
        Fault("--rival", None, "", f"{shown(name)} is no rival structure", mend, nearest(name, RIVALS))
        for name in asked
        if name not in (*RIVALS, "all")
    ]
    if faults:
        raise InputError(faults)
    return tuple(RIVALS) if "all" in asked else asked


def read_doses(text: str) -> tuple[float, ...]:
    """Doses from text such as `0.25,0.5,1`. Raises `InputError`."""
    try:
        return tuple(float(part) for part in text.split(",")) if text else ()
    except ValueError:
        raise InputError(
            [_dose_fault(f"must be numbers with commas between them, got {shown(text)}")]
        ) from None


def check_doses(doses: Sequence[float]) -> None:
    """Refuse doses that are no shares, that come twice, or that are too many. Raises `InputError`."""
    wrong = [dose for dose in doses if math.isnan(dose) or not 0.0 < dose <= 1.0]
    if wrong:
        raise InputError([_dose_fault(f"must lie above 0 and be at most 1, got {wrong[0]:g}")])
    if len(set(doses)) < len(doses) or len(doses) > MOST_DOSES:
        raise InputError([_dose_fault(f"must be at most {MOST_DOSES} different numbers")])


def _dose_fault(what: str) -> Fault:
    return Fault("--doses", None, "", what, "Write shares of the full coverage, as in 0.25,0.5,1.")


def _at_doses(one: Compared, doses: Sequence[float]) -> Iterator[Compared]:
    """The scenario at each dose below 1; at 1 it is itself."""
    if doses and not one.added:
        mend = "Leave --doses out, or name a scenario with measures of its own."
        raise InputError([Fault("--doses", None, one.scenario.name, "adds no measure to its baseline", mend)])
    for dose in doses:
        if dose < 1.0:
            name = f"{one.scenario.name}-dose-{dose:g}"
            yield Compared(_scaled(one, dose, name), one.baseline, one.scenario.name, dose)


def _scaled(one: Compared, dose: float, name: str) -> Scenario:
    own = {id(measure) for measure in one.added}
    measures = tuple(
        weaker(measure, dose) if id(measure) in own else measure for measure in one.scenario.interventions
    )
    title = f"{_titled(one.scenario)}, dose {dose:g}"
    return one.scenario.with_(name=name, title=title, interventions=measures)


def weaker(measure: Measure, dose: float) -> Measure:
    """A measure with its coverage scaled, also where that is uncertain."""
    uncertain = [
        item.model_copy(update={"low": item.low * dose, "high": item.high * dose})
        if item.field == "coverage" and isinstance(item.low, float) and isinstance(item.high, float)
        else item
        for item in measure.uncertain
    ]
    return measure.model_copy(update={"coverage": measure.coverage * dose, "uncertain": uncertain})


def shifted(measure: Measure, by: timedelta) -> Measure:
    """A measure with all its dates moved: start, end, announcement, path, pulses, what is uncertain."""
    return type(measure).model_validate(_shifted(measure, by))


def _shifted(value: Any, by: timedelta) -> Any:
    from sim.interventions.base import Measure, Strict

    if isinstance(value, date):
        return value + by
    if isinstance(value, list):
        return [_shifted(item, by) for item in value]
    if isinstance(value, Measure):
        return {name: _shifted(getattr(value, name), by) for name in type(value).model_fields}
    if isinstance(value, Strict):
        fields = type(value).model_fields
        return value.model_copy(update={name: _shifted(getattr(value, name), by) for name in fields})
    return value


def _alone(main: Sequence[Compared]) -> Iterator[Compared]:
    """Each kind of added measure alone, once where scenarios share it."""
    seen: set[tuple[str, ...]] = set()
    for one in main:
        kinds: dict[str, list[Measure]] = {}
        for measure in one.added:
            kinds.setdefault(_kind(measure), []).append(measure)
        for kind, measures in kinds.items():
            what = tuple(sorted(definition(measure) for measure in measures))
            if len(kinds) > 1 and what not in seen:
                seen.add(what)
                name = f"only-{kind}" if len(main) == 1 else f"{one.scenario.name}-only-{kind}"
                yield Compared(_only(one, measures, name, kind), one.baseline, name)


def _only(one: Compared, measures: Sequence[Measure], name: str, kind: str) -> Scenario:
    """The baseline's measures and these; one of the baseline's with the same id gives way."""
    ids = {measure.id for measure in measures}
    kept = [measure for measure in one.baseline.interventions if measure.id not in ids]
    title = f"{_titled(one.scenario)}: {kind.replace('_', ' ')} only"
    return one.scenario.with_(name=name, title=title, interventions=(*kept, *measures))


def _kind(measure: Measure) -> str:
    criterion = getattr(measure, "criterion", None)
    return f"{measure.measure}-{criterion}" if criterion else measure.measure


def under(scenario: Scenario, rival: str, draws: DrawsWish | None = None) -> Scenario:
    """The scenario in a rival structure, named after it, with the table of draws that a wish means there."""
    return all_under([scenario], rival, draws)[0]


def all_under(scenarios: Sequence[Scenario], rival: str, draws: DrawsWish | None = None) -> list[Scenario]:
    """Scenarios in a rival structure, as in `under`; the table of draws is read once for all of them."""
    found = [
        scenario.with_(name=f"{scenario.name}-{rival}", title=f"{_titled(scenario)} ({rival})", rival=rival)
        for scenario in scenarios
    ]
    return found if draws is None else attached(found, draws)


def _titled(scenario: Scenario) -> str:
    return scenario.title or scenario.name
