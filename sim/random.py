"""Keyed randomness as the processes of the day use it: who decides, when, and what for.

A decision's number depends on the run (seed and replicate), the process, the day, the entity and the draw,
and on nothing else.  Two scenarios therefore share every decision that the policy leaves alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.kernels import philox, sampling


class Process(IntEnum):
    """What a random number is for.  Numbers are part of a run's identity: append, never renumber."""

    WORLD = 1
    OUTLET_LAXITY = 2
    OUTLET_SELECTION = 3
    OUTLET_MONTHS = 4
    OPENER_TRAITS = 5
    APPROACH = 6
    RECRUITER_CHOICE = 7
    ACCEPTANCE = 8
    CARDS_OPENED = 9
    OUTLET_CHOICE = 10
    SCREENING = 11
    CARD_FLAGS = 12
    ORDINARY_OPENINGS = 13
    ORDINARY_CLOSURES = 14
    SELLER_CHOICE = 15
    QUEUE = 16
    TRANSIT = 17
    GANG_TRAITS = 18
    DEALER_TRAITS = 19
    CONTACTS = 20
    CASES = 21
    CASE_METHOD = 22
    CASE_REGION = 23
    CASE_AMOUNT = 24
    CASE_CHANNEL = 25
    CASE_REPORT = 26
    CASE_DELAY = 27
    CASE_RACE = 28
    CARD_STEP = 29
    TRACE = 30
    LEAD = 31
    SOLVE = 32
    CAMPAIGN = 33
    SEIZURE = 34
    OPENER_ARREST = 35
    REPLACEMENT = 36
    ENTRY = 37
    EXIT = 38
    LIE_LOW = 39
    ROUNDING = 40
    SHOCK = 41
    SIM_SUPPLY = 42
    REWIRING = 43
    STOCK_LEVEL = 44
    INSIDERS = 45
    INSPECTION = 46
    MEMBERS = 47
    LISTED = 48
    RETRY = 49
    RELOCATION = 50
    ARRIVAL = 51
    BAN = 52
    RETURN = 53
    WARMING = 54
    LINK = 55


class KeyedRandom:
    """The keyed generator of one run.

    ``entities`` are uint64 keys (n); every method returns one number for each.  Bounds of ``day`` and
    ``draw`` are those of :mod:`sim.kernels.philox`; outside of them a ValueError is raised.  Two that
    draw the same numbers are equal.
    """

    def __init__(self, seed: int, replicate: int) -> None:
        self.key = philox.pack_key(seed, replicate)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, KeyedRandom) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def uniform(self, process: Process, day: int, entities: ArrayLike, draw: int = 0) -> NDArray[np.float64]:
        """Uniform numbers in (0, 1)."""
        return philox.uniforms(self.key, int(process), day, entities, draw)

    def normal(self, process: Process, day: int, entities: ArrayLike, draw: int = 0) -> NDArray[np.float64]:
        """Standard normal numbers."""
        return philox.normals(self.key, int(process), day, entities, draw)

    def exponential(
        self, process: Process, day: int, entities: ArrayLike, draw: int = 0
    ) -> NDArray[np.float64]:
        """Exponential numbers with mean 1."""
        return philox.exponentials(self.key, int(process), day, entities, draw)

    def poisson(
        self, process: Process, day: int, entities: ArrayLike, means: ArrayLike, draw: int = 0
    ) -> NDArray[np.int64]:
        """Poisson counts."""
        return sampling.poissons(self.key, int(process), day, entities, draw, means)

    def binomial(
        self, process: Process, day: int, entities: ArrayLike, n: ArrayLike, p: ArrayLike, draw: int = 0
    ) -> NDArray[np.int64]:
        """Binomial counts of ``n`` trials with probability ``p``."""
        return sampling.binomials(self.key, int(process), day, entities, draw, n, p)

    def rounded(
        self, process: Process, day: int, entities: ArrayLike, values: ArrayLike, draw: int = 0
    ) -> NDArray[np.int64]:
        """Whole numbers around ``values`` (0 or more), right in expectation: a draw settles the fraction."""
        return sampling.rounded(self.key, int(process), day, entities, draw, values)


def named_key(name: str) -> np.uint64:
    """The stable key of a named thing, for instance ``region GD``: the first 64 bits of its SHA-256."""
    return np.uint64(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little"))


def named_keys(names: Sequence[str]) -> NDArray[np.uint64]:
    """The stable keys of named things (n)."""
    return np.array([named_key(name) for name in names], dtype=np.uint64)


def children(creator: np.uint64, count: int, first: int = 0) -> NDArray[np.uint64]:
    """Keys of the entities number ``first`` .. ``first + count - 1`` that ``creator`` made."""
    return philox.child_keys(
        np.full(count, creator, dtype=np.uint64), np.arange(first, first + count, dtype=np.uint64)
    )


def child_keys(creators: ArrayLike, counters: ArrayLike) -> NDArray[np.uint64]:
    """Keys of the children numbered ``counters`` of each creator."""
    return philox.child_keys(creators, np.asarray(counters, dtype=np.uint64))
