"""The structure of a scenario: which responses of the trade are at work, and which rival model is run.

A policy meets people who answer it: gangs turn to other channels, dealers are replaced, openers try
elsewhere. Each answer is a switch. A switch that is off holds from the day `since`: until then the trade
behaves as ever, so that all structures share one history, and from then on the answer stays where it is.
Measuring a policy with and without a switch tells what that answer takes away from it.

A rival is another idea of how the world works, run beside the main model to see how far a result depends on
structure.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Rival = Literal["none", "no-card-effect", "no-awareness-effect", "no-adaptation"]

RIVALS: dict[str, str] = {
    "no-card-effect": "No case is lost for want of a bank card or phone card, and no gang feels their price.",
    "no-awareness-effect": "Publicity changes nobody: victims, reports and openers are as without it.",
    "no-adaptation": "Every switch of adaptation is off: the trade does not answer.",
}
"""The rival structures, in words."""

PILOT = date(2020, 9, 1)
"""First day of the pilot, the first day on which a shipped scenario acts."""


def _switch(words: str) -> bool:
    value: bool = Field(True, description=words)
    return value


class Adaptation(BaseModel):
    """The switches; each is on unless a scenario turns it off."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    since: date = Field(PILOT, description="Day from which what is switched off stays as it is.")
    channel_learning: bool = _switch("Gangs turn to channels that pay better (4.5).")
    fallback: bool = _switch("A case whose channel has no room goes to another (4.14); off: it is lost.")
    use_cap: bool = _switch("Gangs move the number of uses after which a card is thrown away (4.6).")
    own_accounts: bool = _switch("Own accounts take over cases that found no room.")
    corporate_accounts: bool = _switch("The capacity of corporate accounts grows, and takes cases over.")
    running_points: bool = _switch("The same for rented payment codes (running points).")
    guarded_openers: bool = _switch("The same for guarded on-site openers.")
    stablecoin: bool = _switch("The same for stablecoin brokers.")
    cash: bool = _switch("The same for cash couriers.")
    unknown_channel: bool = _switch("The same for a channel that nobody knows yet; off: it never arrives.")
    voip: bool = _switch("Internet telephony (VoIP, GOIP) replaces missing phone cards.")
    messaging: bool = _switch("Messaging apps replace missing phone cards.")
    iot_sims: bool = _switch("Sellers register IoT cards where phone cards are lost sooner.")
    hoarding: bool = _switch("Gangs stock up after an announcement (4.7).")
    lying_low: bool = _switch("Gangs and dealers lie low when they fear arrest (4.9).")
    replacement: bool = _switch("Removed gangs, dealers and insiders are replaced (4.3).")
    rewiring: bool = _switch("Lost contacts are replaced (4.15).")
    relocation: bool = _switch("Gangs move abroad when they fear arrest (4.4).")
    displacement: bool = _switch("Openers turned away by a measure try another outlet or bank (4.4).")
    deterrence_decay: bool = _switch("The public risk impulse fades (4.9); off: it stays.")
    warming_up: bool = _switch(
        "Dealers use sleeping cards a little so that a cleanup passes them by (row 6a)."
    )

    def acts(self, name: str, today: date, rival: str = "none") -> bool:
        """Whether the answer `name` is at work today."""
        return today < self.since or (bool(getattr(self, name)) and rival != "no-adaptation")


SWITCHES = tuple(name for name in Adaptation.model_fields if name != "since")
"""Names of the switches."""
