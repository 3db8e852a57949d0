"""What a scenario is: the keys a scenario file may hold, and the frozen object that a run starts from."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, InstanceOf

from sim.scenario.parameters import Parameters
from sim.scenario.structure import Adaptation, Rival

if TYPE_CHECKING:
    from sim.interventions.base import Measure
else:
    Measure = BaseModel  # the measures' own classes are imported only when a file names one

FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2100, 12, 31)

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,79}$")]
Day = Annotated[date, Field(ge=FIRST_DAY, le=LAST_DAY)]
Scale = Annotated[int, Field(ge=1, le=100_000)]


class ScenarioFile(BaseModel):
    """The keys of a scenario file. All may be left out in a file that extends another."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: Name = Field("", description="Short name, which results carry; the file's name where left out.")
    title: str = Field("", max_length=200, description="One line for tables and pictures.")
    description: str = Field(
        "", max_length=20_000, description="What the scenario is and what in it is assumed."
    )
    extends: Annotated[str, Field(min_length=1, max_length=200)] = Field(
        "",
        description="The scenario that this one patches: a file of the same folder, or a shipped scenario.",
    )
    start: Day = Field(FIRST_DAY, description="First simulated day.")
    end: Day = Field(LAST_DAY, description="Last simulated day.")
    scale: Scale = Field(
        100, description="How many real gangs, dealers, cards and cases one simulated stands for."
    )
    rival: Rival = Field("none", description="Another structure of the model to run instead of the main one.")
    adaptation: Adaptation = Field(
        default_factory=Adaptation,
        description="Which answers of the trade are switched off.",
    )
    parameters: dict[str, Any] | None = Field(None, description="Values for parameters, by id.")
    interventions: list[Any] | None = Field(None, description="The measures, each with its dates and dose.")
    without: list[str] | None = Field(
        None, description="Ids of measures taken away from the extended scenario."
    )


class Scenario(BaseModel):
    """A scenario as it is run: complete, checked, frozen.

    Parameters
    ----------
    name, title, description
        As in the file; results carry `name`.
    start, end
        First and last simulated day.
    scale
        Real gangs, dealers, tracked cards and cases for each simulated one.
    rival, adaptation
        The structure that is run: the main model, unless said otherwise.
    parameters
        Every number of the model.
    interventions
        The measures, in the order of the files, base first; ids are unique.
    sources
        The files that were read, base first, as the user named them.
    notes
        What the user should know though it is no error, such as measures outside a clipped window.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    title: str = ""
    description: str = ""
    start: date
    end: date
    scale: int = 100
    rival: Rival = "none"
    adaptation: Adaptation = Adaptation()
    parameters: InstanceOf[Parameters]
    interventions: tuple[InstanceOf[Measure], ...] = ()
    sources: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def days(self) -> int:
        """Number of simulated days, the first and the last one counted."""
        return (self.end - self.start).days + 1

    def measure(self, identifier: str) -> Measure:
        """The measure with this id. Raises KeyError where there is none."""
        for measure in self.interventions:
            if measure.id == identifier:
                return measure
        raise KeyError(f"scenario {self.name} has no measure {identifier!r}")

    def with_(self, **changes: Any) -> Scenario:
        """The same scenario with some fields replaced, checked again: `scenario.with_(scale=1000)`."""
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        return type(self)(**{**fields, **changes})

    def to_dict(self) -> dict[str, Any]:
        """The scenario as run, complete and plain enough for JSON: all parameters, all fields of measures.

        Leaves out where it was read from, so that the same scenario is equal on every machine.
        """
        table = self.parameters.draws
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "start": self.start.isoformat(),
            "end": self.end.isoformat(),
            "scale": self.scale,
            "rival": self.rival,
            "adaptation": self.adaptation.model_dump(mode="json"),
            "parameters": self.parameters.to_dict(),
            "interventions": [measure.model_dump(mode="json") for measure in self.interventions],
        } | ({"draws": table.digest} if table is not None else {})

    def hash(self) -> str:
        """SHA-256 of the scenario as run (`to_dict` in canonical JSON), in hexadecimal."""
        text = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()
