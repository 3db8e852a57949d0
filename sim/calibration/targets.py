"""Targets: what the record says about one quantity, how surely, and since when it is known.

A target is a number (or only a sign) with two errors: `error`, how wrongly the record may state it, and
`discrepancy`, how far the model, though right in kind, may be from the quantity that the record counts (a
province stands for a city, a month for some weeks). Both are standard deviations, on a logarithmic scale
where `scale: log` says so. `band` is the range in which a run passes; for a pattern it is the pass band.

The role says what a target is for. Only `fit` narrows parameters. `check` is looked at and not fitted, since
too little speaks for it. `imposed` went into the scenarios as a dose, and says nothing about the model. Where
official figures contradict each other, each reading is a *variant*; a study names the one that it takes.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sim.errors import Fault, InputError, nearest, shown
from sim.interventions.base import Strict
from sim.observe.outcomes import OUTCOMES
from sim.scenario import folders
from sim.scenario.complaints import validated
from sim.scenario.places import REGIONS, evidence_faults, evidence_ids
from sim.scenario.source import Node, read
from sim.study.compare import HEADLINE, NATION

SHIPPED = "card-broken-2020"
Month = Annotated[str, Field(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$")]
Months_ = tuple[Month, Month]
Positive = Annotated[float, Field(gt=0.0)]
Text = Annotated[str, Field(min_length=1, max_length=400)]


class Span(Strict):
    """An outcome, or the sum of several, over months in one place."""

    of: Annotated[list[str], Field(min_length=1, max_length=10)] = Field(description="Outcomes, added up.")
    months: Months_ = Field(description="First and last month, such as [2021-05, 2021-05].")
    region: str = Field(NATION, description="Code of a region, or CN.")
    total: bool = Field(False, description="The sum over the months; else their mean.")

    @model_validator(mode="after")
    def _known(self) -> Self:
        for name in self.of:
            if name not in OUTCOMES:
                raise ValueError(f"{name[:60]!r} is no outcome. `cardbreak list outcomes` shows them")
        if self.region not in (NATION, *REGIONS):
            raise ValueError("region is no region. Give CN, or a code such as GD")
        if self.months[0] > self.months[1]:
            raise ValueError("months end before they begin. Exchange them")
        return self


class Quantity(Span):
    """What is read off a run: a span, by itself or against another one."""

    against: Span | None = Field(None, description="The span that it is compared with.")
    by: Literal["ratio", "change", "difference"] = Field(
        "ratio", description="How it is compared: a/b, a/b - 1 or a - b."
    )

    @property
    def spans(self) -> tuple[Span, ...]:
        """The span itself, and the one that it is compared with, if any."""
        return (self,) if self.against is None else (self, self.against)

    @property
    def of_headline(self) -> bool:
        """Whether it is read off the nation's registered cases alone."""
        return all(span.of == [HEADLINE] and span.region == NATION for span in self.spans)


class Target(Strict):
    """One target; see the module's description for its errors, its band and its role."""

    id: Annotated[str, Field(pattern=r"^[A-Z][A-Za-z0-9-]{0,19}$")]
    title: Text
    role: Literal["fit", "check", "imposed"]
    quantity: Quantity | None = Field(None, description="What is read off a run.")
    pattern: str | None = Field(None, description="Or the part of a pattern, such as P1.")
    value: float | None = Field(None, description="What the record says.")
    band: tuple[float | None, float | None] | None = Field(
        None, description="Range that passes, null for open."
    )
    scale: Literal["log", "plain"] = Field("plain", description="On which scale errors are stated.")
    error: Annotated[float, Field(ge=0.0)] = Field(0.0, description="Standard deviation of the record.")
    discrepancy: Annotated[float, Field(ge=0.0)] = Field(0.0, description="Standard deviation of the model.")
    show: Literal["number", "change", "ratio", "months", "points", "month"] = "number"
    grade: Literal["A", "B", "C", "D"]
    known: date = Field(description="The day on which it became known.")
    evidence: Annotated[list[str], Field(min_length=1)] = Field(description="Rows of the evidence table.")
    variant: dict[str, str] = Field(default_factory=dict, description="Of which reading this is part.")
    note: str = Field("", max_length=2000)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.role == "imposed":
            return self
        if (self.quantity is None) == (self.pattern is None):
            raise ValueError("needs either quantity or pattern. Say what is read off a run")
        if self.band is None:
            raise ValueError("needs a band. Give [low, high], with null for an open end")
        if self.value is not None and self.spread == 0.0:
            raise ValueError("has a value without an error. Give error, discrepancy or both")
        if self.scale == "log" and not (self.value or 1.0) > 0.0:
            raise ValueError("a logarithmic scale needs a value above 0. Use scale: plain")
        return self

    @property
    def spread(self) -> float:
        """Standard deviation of record and model together."""
        return math.hypot(self.error, self.discrepancy)


class Reading(Strict):
    """One reading of what the record contradicts itself about."""

    title: Text
    scenario: Annotated[str, Field(max_length=80)] = Field(
        "", description="The scenario in which it is imposed, where it is a dose."
    )


class Targets(Strict):
    """A file of targets."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")]
    title: Text
    scenario: Text = Field(description="The scenario whose runs are held against the targets.")
    variants: dict[str, dict[str, Reading]] = Field(
        default_factory=dict, description="What contradicts itself: readings by name, the default one first."
    )
    targets: Annotated[list[Target], Field(min_length=1, max_length=500)]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        ids = [target.id for target in self.targets]
        if twice := sorted({name for name in ids if ids.count(name) > 1}):
            raise ValueError(f"has the id {twice[0]} twice. Give each target its own")
        for target in self.targets:
            for about, reading in target.variant.items():
                if reading not in self.variants.get(about, ()):
                    raise ValueError(f"{target.id} is part of an unknown variant. Name it under variants")
        return self

    def chosen(
        self, known_by: date | None = None, readings: Mapping[str, str] | None = None
    ) -> tuple[Target, ...]:
        """The targets that were known on a day, in the readings asked for (else the first of each).

        Raises `InputError` for a reading that the file does not have.
        """
        asked = self._readings(readings or {})
        return tuple(
            target
            for target in self.targets
            if (known_by is None or target.known <= known_by)
            and all(asked[about] == reading for about, reading in target.variant.items())
        )

    def scenario_of(self, readings: Mapping[str, str] | None = None) -> str:
        """The scenario whose runs are held against the targets, in the readings asked for."""
        asked = self._readings(readings or {})
        named = [self.variants[about][reading].scenario for about, reading in asked.items()]
        return next(filter(None, named), self.scenario)

    def _readings(self, given: Mapping[str, str]) -> dict[str, str]:
        """The reading of everything that contradicts itself: the one given, else the first."""
        asked = {about: next(iter(choices)) for about, choices in self.variants.items()}
        for about, reading in given.items():
            if reading not in self.variants.get(about, ()):
                raise InputError([self._no_reading(about, reading)])
            asked[about] = reading
        return asked

    def _no_reading(self, about: str, reading: str) -> Fault:
        known = [f"{name}={choice}" for name, choices in self.variants.items() for choice in choices]
        given = f"{about}={reading}"
        mend = f"Give one of: {', '.join(known)}." if known else "These targets have no variants."
        return Fault("--variant", None, "", f"{shown(given)} is no variant", mend, nearest(given, known))


def shipped() -> dict[str, Path]:
    """The shipped files of targets by name."""
    return {path.stem: path for path in sorted((folders.shipped_folder() / "targets").glob("*.yaml"))}


def read_targets(path_or_name: str | os.PathLike[str] = SHIPPED) -> Targets:
    """Read a file of targets, or a shipped one by its name. Raises `InputError` with every fault."""
    given = os.fspath(path_or_name)
    path = shipped().get(given) or Path(given)
    if not given or "\0" in given or not os.path.lexists(path):
        mend = f"Name a file, or a shipped one: {', '.join(shipped())}."
        raise InputError([Fault(given or "targets", None, "", "is no file of targets", mend)])
    root = read(path, folders.display(path))
    found = validated(Targets, root)
    faults = list(_unknown_evidence(root))
    if isinstance(found, list):
        raise InputError([*found, *faults])
    if faults:
        raise InputError(faults)
    return found


def _unknown_evidence(root: Node) -> Iterable[Fault]:
    known = evidence_ids(folders.shipped_folder())
    targets = root.get("targets")
    for target in targets.elements() if targets else ():
        if (evidence := target.get("evidence")) is not None:
            yield from evidence_faults(evidence, known)


def read_variants(texts: Iterable[str]) -> dict[str, str]:
    """Readings from texts such as `suspects=lower`. Raises `InputError`."""
    found: dict[str, str] = {}
    for text in texts:
        about, equals, reading = text.partition("=")
        if not equals:
            raise InputError(
                [Fault("--variant", None, "", f"{shown(text)} is no NAME=READING", "Write suspects=lower.")]
            )
        found[about] = reading
    return found
