"""The policy vector of a day: what measures ask for, and all that the rest of the model sees of them.

Measures write it, the world and the processes of the day read it; neither knows the other.  Beside what it
asks for, a measure leaves word of what it delivered today (units of its dose) and of its part in what it
wrote, so that what follows from it can be credited to it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

STREAMS = ("video", "event", "message")
"""Publicity streams, in the order of the columns of :attr:`Policy.publicity`."""

FACTORS = (
    "opening_factor",
    "use_factor",
    "trace_factor",
    "false_positive_factor",
    "freeze_factor",
    "layering_factor",
)
DOSES = (
    "app_protection",
    "orders",
    "report_lift",
    "link_share",
    "link_delay",
    "transfers_held",
    "honest_listed",
)
"""Parts of the policy vector that are an array over regions: neutral at 1, neutral at 0."""

NO_CAP = 1_000_000
"""A cap on accounts per person and bank that nobody reaches."""

Mask = NDArray[np.bool_]


class Cleanup(NamedTuple):
    """An order to review cards of one kind: which flag it looks at and how many real cards it is to clean
    today.

    ``cards`` (real cards a day, over all masked regions) and ``rate`` (hazard per day on flagged cards) add
    up; ``lift`` is how much likelier an illicit card is to be cleaned than an honest one with the same flag,
    ``illicit_rate`` a hazard per day on flagged illicit cards beside that.
    """

    measure: str
    cause: int
    kind: int
    flag: int
    cards: float
    rate: float
    lift: float
    regions: Mask
    illicit_rate: float = 0.0


class Suspension(NamedTuple):
    """An order to stop account opening at ``outlets`` outlets, for 1..6 (``months``) months each."""

    measure: str
    outlets: int
    months: tuple[int, int]
    auc: float
    displacement: float
    deterrence: float
    regions: Mask


class Inspection(NamedTuple):
    """An order to inspect ``institutions`` banks from today, for ``days`` each.

    ``lift``: rise of their screening effort; ``spillover``: share of it at other banks of their class;
    ``displacement``: share of refused openers who try a bank that is not inspected; ``size_exponent``: how
    strongly large banks are preferred.
    """

    measure: str
    institutions: int
    days: int
    lift: float
    spillover: float
    displacement: float
    size_exponent: float


class Blacklist(NamedTuple):
    """A list that members share: outlets of the masked regions, a share ``members`` of them.

    A holder refused at a member or traced to a case is listed ``lag`` days later and refused at every
    member; a share ``displacement`` of those refused tries an outlet that is none.
    """

    measure: str
    members: float
    lag: int
    displacement: float
    regions: Mask


class InsiderCase(NamedTuple):
    """Insiders to be dealt with today: at bank outlets and among agents of operators (real persons)."""

    measure: str
    outlets: float
    agents: float
    regions: Mask


class Bar(NamedTuple):
    """Past openers to be barred from new accounts today (real persons), for ``days``."""

    measure: str
    persons: float
    days: int
    in_error: float
    regions: Mask


class Return(NamedTuple):
    """Members of gangs abroad to be brought back today (real persons)."""

    measure: str
    persons: float


class Campaign(NamedTuple):
    """Today's share of an arrest campaign, in real persons and card gangs, with how targets are chosen."""

    measure: str
    opener_arrests: float
    card_gangs: float
    fraud_gangs: float
    evidence_exponent: float
    degree_exponent: float
    seize_share: float
    regions: Mask


@cache
def _neutral(regions: int) -> tuple[np.ndarray, np.ndarray]:
    """Factors of 1 and doses of 0, float64 (factors and doses, regions), and caps that nobody reaches."""
    shape = (len(FACTORS), regions), (len(DOSES), regions)
    return np.concatenate([np.ones(shape[0]), np.zeros(shape[1])]), np.full(regions, NO_CAP)


def _by_measure() -> defaultdict[str, float]:
    return defaultdict(float)


@dataclass
class Policy:
    """The policy vector of one day: what all measures in force ask for, neutral where none acts.

    Arrays have one entry for each region.  Factors are neutral at exactly 1, doses at exactly 0.

    ``opening_factor``: on banks' refusal of illicit openings; ``use_factor``: on detection by use;
    ``trace_factor``: on the tracing of used cards; ``false_positive_factor``: on honest applicants refused;
    ``freeze_factor``: on the rate at which police stop money; ``layering_factor``: on the time that money
    takes from account to account.

    ``publicity``: videos, events and messages, national counts (regions, streams); ``app_protection``: share
    of the chance to become a victim that the app takes away; ``orders``: dissuasion orders; ``report_lift``:
    on the share that reports; ``link_share``: share of cases with a link of police and banks; ``link_delay``:
    mean delay of the freeze on a link, days; ``transfers_held``: share of honest transfers held;
    ``honest_listed``: share of honest applicants who stand on a list in error; ``cap``: most accounts that a
    person may have at a bank.

    ``announcement``: rise of public risk, 1 for a national launch; ``reclaim_factor``: on openers who reclaim
    what they sold; ``border_closed``: share of moves abroad that the border stops; ``transit_loss_abroad``:
    share of cards seized on the way abroad; ``channel_closure``: yearly rate at which the capacity of a
    channel is closed, by channel name; ``channel_growth``: factor on its growth.

    Orders of the day, each a tuple of its own: ``cleanups``: reviews of cards; ``suspensions``: of account
    opening at outlets; ``inspections``: of banks; ``blacklists``: lists that members share; ``insiders``: to
    be removed; ``bars``: past openers barred; ``returns``: members of gangs abroad brought back;
    ``campaigns``: arrests.

    ``delivered``: units of today's dose by id of a measure; ``parts``: for what several measures write
    together, the weight of each by region.
    """

    regions: int
    opening_factor: np.ndarray = field(init=False)
    use_factor: np.ndarray = field(init=False)
    trace_factor: np.ndarray = field(init=False)
    false_positive_factor: np.ndarray = field(init=False)
    publicity: np.ndarray = field(init=False)
    app_protection: np.ndarray = field(init=False)
    orders: np.ndarray = field(init=False)
    freeze_factor: np.ndarray = field(init=False)
    report_lift: np.ndarray = field(init=False)
    link_share: np.ndarray = field(init=False)
    link_delay: np.ndarray = field(init=False)
    layering_factor: np.ndarray = field(init=False)
    transfers_held: np.ndarray = field(init=False)
    honest_listed: np.ndarray = field(init=False)
    cap: np.ndarray = field(init=False)
    announcement: float = 0.0
    reclaim_factor: float = 1.0
    border_closed: float = 0.0
    transit_loss_abroad: float = 0.0
    channel_closure: dict[str, float] = field(default_factory=dict)
    channel_growth: dict[str, float] = field(default_factory=dict)
    cleanups: list[Cleanup] = field(default_factory=list)
    suspensions: list[Suspension] = field(default_factory=list)
    inspections: list[Inspection] = field(default_factory=list)
    blacklists: list[Blacklist] = field(default_factory=list)
    insiders: list[InsiderCase] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)
    returns: list[Return] = field(default_factory=list)
    campaigns: list[Campaign] = field(default_factory=list)
    delivered: defaultdict[str, float] = field(default_factory=_by_measure)
    parts: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        neutral, cap = _neutral(self.regions)
        # The parts are rows of one copy: making an array costs more than its few numbers.
        vars(self).update(zip(FACTORS + DOSES, neutral.copy(), strict=True))
        self.publicity = np.zeros((self.regions, len(STREAMS)))
        self.cap = cap.copy()

    def part(self, what: str, measure: str, weight: np.ndarray) -> None:
        """Note a measure's part (by region) in something that several may write together."""
        mine = self.parts.setdefault(what, {})
        mine[measure] = mine[measure] + weight if measure in mine else weight
