"""Small integer codes: what a card is, where it is, why it was removed, what is traded, how money travels."""

from __future__ import annotations

from enum import IntEnum


class Kind(IntEnum):
    """What kind of card."""

    ACCOUNT = 0
    CORPORATE = 1
    WALLET = 2
    SIM = 3
    IOT = 4


class Status(IntEnum):
    """Where a tracked card is in its life.  From ``RESTRICTED`` on a card is out of use for good."""

    WITH_OPENER = 0
    RECRUITER_STOCK = 1
    DEALER_STOCK = 2
    IN_TRANSIT = 3
    GANG_STOCK = 4
    ACTIVE = 5
    RESTRICTED = 6
    FROZEN = 7
    CLEANED = 8
    SEIZED = 9
    EXHAUSTED = 10
    RECLAIMED = 11


LIVE = Status.RESTRICTED
"""Statuses below this one are live."""


class Source(IntEnum):
    """How a card came into the chain."""

    SOLD = 0
    RENTED = 1
    STOLEN_IDENTITY = 2
    INSIDER = 3
    OWN = 4
    SHELL = 5


class Flag(IntEnum):
    """Bits of a card; the first four are what cleanups look at, and ``ANY`` matches every card.

    Ordinary cards carry the first three only.  ``STOLEN``: registered on the identity of somebody who does
    not know of it.  ``INVOLVED``: traced to a case.
    """

    ANY = 0
    IDLE = 1
    MULTI = 2
    REPLACED = 4
    STOLEN = 8
    INVOLVED = 128


FLAG_SETS = 16
"""Combinations of the bits that cleanups look at."""


class Cause(IntEnum):
    """Why the card step removes a card: competing causes, in one draw (equation 4.16)."""

    DETECTED = 0
    CLEANUP_DORMANT = 1
    CLEANUP_MULTI = 2
    CLEANUP_REPLACED = 3
    CLEANUP_SIM = 4
    CLEANUP_IOT = 5
    ONE_PASS = 6
    RECLAIMED = 7
    LAPSED = 8


class Goods(IntEnum):
    """What is traded: sets (bank cards with all they need) and phone cards; columns of tables by goods."""

    ACCOUNTS = 0
    SIMS = 1


class Channel(IntEnum):
    """On whose account a victim's money is received; columns of tables by channel."""

    BOUGHT = 0
    OWN = 1
    CORPORATE = 2
    POINTS = 3
    GUARDED = 4
    STABLECOIN = 5
    CASH = 6
    UNKNOWN = 7

    @property
    def label(self) -> str:
        """Its name in outcomes, parameters and measures."""
        return self.name.lower()


POOLS = (
    Channel.POINTS,
    Channel.CORPORATE,
    Channel.GUARDED,
    Channel.STABLECOIN,
    Channel.CASH,
    Channel.UNKNOWN,
)
"""Channels with a national capacity, in the order in which a case that found no room tries them."""


LOST = -1
"""The channel of a case that found none."""
