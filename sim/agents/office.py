"""The joint office: it holds the schedule of measures and gives each day its policy vector."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from sim.agents.member import Member
from sim.interventions.base import Window
from sim.policy import Policy

if TYPE_CHECKING:
    from sim.model import FraudSupplyChain


class JointOffice(Member):
    """Compiles the measures of a scenario into the policy vector of a day."""

    model: FraudSupplyChain

    given: ClassVar[tuple[str, ...]] = ("measures", "schedule", "unique_id", "pos")

    def __init__(self, model: FraudSupplyChain) -> None:
        super().__init__(model)
        scenario = model.scenario
        adults = float(model.regions.adults.sum())
        self.window = Window(scenario.start, model.days, model.regions.codes, model.regions.share, adults)
        self.measures = tuple(measure.at_draw(model.draw, model.root) for measure in scenario.interventions)
        self.schedule = [(*measure.span(self.window), measure) for measure in self.measures]

    def policy_of(self, day: int) -> Policy:
        """The policy vector of a day: neutral, then written to by each measure in force, in their order."""
        policy = Policy(self.model.regions.n)
        for first, last, measure in self.schedule:
            if first <= day <= last:
                measure.act(day, self.window, policy)
        return policy
