"""Ordinary cards: 12.5 billion accounts, 1.6 billion phone cards and 1.4 billion IoT cards as exact whole
numbers.

Cards of honest holders are exchangeable within a cell (kind, region, issuer class, flags), so a cell is one
integer and its changes are binomial and Poisson draws.  Cells are stepped at the end of each month with the
hazards that built up over it.  They are never scaled.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sim.kernels import elementary
from sim.kernels.counter import cards_left, withdraw
from sim.policy import Cleanup
from sim.random import KeyedRandom, Process, children, named_key
from sim.scenario.parameters import Parameters
from sim.world.codes import Cause, Kind
from sim.world.regions import Regions

KINDS = (Kind.ACCOUNT, Kind.SIM, Kind.IOT)
CLEANUPS = (
    Cause.CLEANUP_DORMANT,
    Cause.CLEANUP_MULTI,
    Cause.CLEANUP_REPLACED,
    Cause.CLEANUP_SIM,
    Cause.CLEANUP_IOT,
    Cause.ONE_PASS,
)
FLAG_SETS = np.arange(8)
"""The flags of ordinary cards: they are on nobody's stolen identity."""


@dataclass(frozen=True)
class OrdinaryMonth:
    """What happened to ordinary cards in a month, int64 by region."""

    openings: np.ndarray
    refused: np.ndarray
    turned_away: np.ndarray
    accounts_cleaned: np.ndarray
    sims_cleaned: np.ndarray
    iot_cleaned: np.ndarray
    wanted_cleaned: np.ndarray


class OrdinaryCards:
    """Cells of ordinary cards.

    ``cells``: int64 (kinds, regions, issuer classes, 8 flag sets); ``restricted``: int64 (kinds, regions),
    cards that a cleanup restricted: still in the stock, no longer usable; ``_opened`` and ``_closed``:
    openings and closures a year by kind; ``_hazard``: hazards of this month's cleanups so far by cause, kind,
    region and flags; ``_wanted``: share of cleaned cards that their holders still wanted, by cause;
    ``_shares``: of new cards by region, issuer class and flags; ``_keys`` and ``_wanted_keys``: what the
    random numbers of cells are drawn by.
    """

    given: ClassVar[tuple[str, ...]] = ("_shares", "_keys", "_wanted_keys")
    remade: ClassVar[tuple[str, ...]] = ("_cells_of",)

    def __init__(self, p: Parameters, regions: Regions) -> None:
        self._p = p
        self.regions = regions.n
        classes = p.vector("banks.class_outlet_share")
        flags = _flag_shares(p)
        shares = (
            regions.share[:, None, None] * (classes / classes.sum())[None, :, None] * flags[None, None, :]
        )
        stocks = [p.number(f"ordinary.{name}_start") for name in ("accounts", "sims", "iot")]
        self.cells = np.stack([np.round(stock * shares).astype(np.int64) for stock in stocks])
        self.restricted = np.zeros((len(KINDS), regions.n), dtype=np.int64)
        self._shares = shares
        self._keys = children(named_key("ordinary cells"), self.cells.size).reshape(self.cells.shape)
        self._opened = np.array(
            [p.number(f"ordinary.{n}_openings_per_year") for n in ("accounts", "sims", "iot")]
        )
        self._closed = np.array(
            [p.number(f"ordinary.{n}_closure_per_year") for n in ("accounts", "sims", "iot")]
        )
        self._hazard = np.zeros((len(CLEANUPS), len(KINDS), regions.n, 8))
        self._cells_of: dict[tuple[int, bytes], np.ndarray] = {}
        by_cause = (len(CLEANUPS), len(KINDS), regions.n)
        self._wanted_keys = children(named_key("wanted"), math.prod(by_cause)).reshape(by_cause)
        self._wanted = np.array(
            [
                p.number("ordinary.wanted_share_dormant"),
                p.number("ordinary.wanted_share_multi_card"),
                p.number("ordinary.wanted_share_frequent_replacement"),
                p.number("ordinary.wanted_share_phone_card"),
                p.number("ordinary.wanted_share_iot_card"),
                0.0,  # a one-pass check meets no ordinary card
            ]
        )

    def stock(self, kind: Kind) -> int:
        """Cards of a kind in the whole country, restricted ones included."""
        at = KINDS.index(kind)
        return int(self.cells[at].sum() + self.restricted[at].sum())

    def rate(self, order: Cleanup) -> float:
        """Hazard per day on each honest card with the flag that gives today's count in expectation.

        Counts are kept by the stock as it is less what this month's orders have already used.
        """
        if order.cards == 0.0 and order.rate == 0.0:
            return 0.0
        at = KINDS.index(order.kind)
        cards = cards_left(self.cells[at], self._hazard, at, self._flagged(order))
        # Half of a month's natural closures come before the average cleanup of the month.
        left = float(cards.sum()) * (1.0 - self._closed[at] / 24.0)
        if left <= 0.0:
            return 0.0
        return order.rate - math.log1p(-min(order.cards / left, 0.5))

    def clean(self, order: Cleanup, rate: float) -> None:
        """Add a day of a cleanup at a hazard to what the end of the month will settle."""
        if rate != 0.0:
            cause, kind = CLEANUPS.index(order.cause), KINDS.index(order.kind)
            self._hazard[cause, kind].reshape(-1)[self._flagged(order)] += rate

    def _flagged(self, order: Cleanup) -> np.ndarray:
        """The cells that an order looks at, flag set by flag set: numbers of (region, flags), int64 (n)."""
        name = (order.flag, order.regions.tobytes())
        cells = self._cells_of.get(name)
        if cells is None:
            flags, regions = np.nonzero(matches(order.flag)[:, None] & order.regions)
            cells = self._cells_of[name] = regions * len(FLAG_SETS) + flags
        return cells

    def take(
        self,
        existing: np.ndarray,
        region: np.ndarray,
        bank: np.ndarray,
        class_of: np.ndarray,
        flags: np.ndarray,
        cards: int,
    ) -> None:
        """Remove ``cards`` real accounts from the cell of each account (n) that was ``existing`` and is sold
        into the chain; ``class_of``: class of each bank.
        """
        stock = self.cells[0]
        if not withdraw(stock, existing, region, bank, class_of, flags, cards):
            return
        # A cell too small for the scale borrows from the largest of its region; an empty region gives none.
        for place in np.flatnonzero((stock < 0).any(axis=(1, 2))):
            cells = stock[place].reshape(-1)
            owed = -int(cells[cells < 0].sum())
            cells[cells < 0] = 0
            for at in np.argsort(-cells, kind="stable"):
                part = min(owed, int(cells[at]))
                cells[at] -= part
                owed -= part

    def end_month(
        self, day: int, days: int, refused: np.ndarray, shut: np.ndarray, random: KeyedRandom
    ) -> OrdinaryMonth:
        """Settle a month of ``days`` days: openings, refusals, natural closures, cleanups.

        ``refused`` and ``shut``: float64 (regions), mean share of honest applicants refused and turned away
        by a suspended outlet.
        """
        closed = self._close(day, days, random)
        openings, turned, denied = self._open(day, days, refused, shut, random)
        self._hazard[:] = 0.0
        by_cause = self._wanted[:, None, None]
        wanted = _thinned(random, Process.ORDINARY_CLOSURES, day, self._wanted_keys, closed, by_cause)
        return OrdinaryMonth(
            openings=openings,
            refused=denied,
            turned_away=turned,
            accounts_cleaned=closed[:, 0].sum(axis=0),
            sims_cleaned=closed[:, 1].sum(axis=0),
            iot_cleaned=closed[:, 2].sum(axis=0),
            wanted_cleaned=wanted.sum(axis=(0, 1)),
        )

    def _open(
        self, day: int, days: int, refused: np.ndarray, shut: np.ndarray, random: KeyedRandom
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Openings of the month; applicants for accounts, turned away and refused, int64 (regions)."""
        means = self._opened[:, None, None, None] * days / 365.25 * self._shares[None]
        came = random.poisson(Process.ORDINARY_OPENINGS, day, self._keys.ravel(), means.ravel())
        came = came.reshape(self.cells.shape)
        turned, denied = np.zeros_like(came), np.zeros_like(came)
        for drawn, share, draw in ((turned, shut, 1), (denied, refused, 2)):
            chance, left = share[:, None, None], came[0] - turned[0]
            drawn[0] = _thinned(random, Process.ORDINARY_OPENINGS, day, self._keys[0], left, chance, draw)
        self.cells += came - turned - denied
        return came[0].sum(axis=(1, 2)), turned[0].sum(axis=(1, 2)), denied[0].sum(axis=(1, 2))

    def _close(self, day: int, days: int, random: KeyedRandom) -> np.ndarray:
        """Natural closures and cleanups compete (4.16); cleaned cards by (cause, kind, region), int64."""
        natural = self._closed * days / 365.25
        cleaning = self._hazard.sum(axis=0)
        total = natural[:, None, None] + cleaning
        gone = self._binomial(day, self.cells, -elementary.expm1(-total)[:, :, None, :], random, 10)
        left, rest = gone, total.copy()
        cleaned = np.zeros((len(CLEANUPS), len(KINDS), self.regions), dtype=np.int64)
        kept = np.zeros((len(KINDS), self.regions), dtype=np.int64)
        stays = self._p.number("ordinary.restricted_share")
        for cause, hazard in enumerate(self._hazard):
            if hazard.any():
                share = np.divide(hazard, rest, out=np.zeros_like(rest), where=rest > 0.0)
                part = self._binomial(day, left, share[:, :, None, :], random, 11 + cause)
                left, rest = left - part, rest - hazard
                cleaned[cause] = part.sum(axis=(2, 3))
                kept += self._binomial(day, part, np.full((1, 1, 1, 1), stays), random, 21 + cause).sum(
                    axis=(2, 3)
                )
        self.cells -= gone
        self.restricted += kept
        return cleaned

    def _binomial(self, day: int, n: np.ndarray, p: np.ndarray, random: KeyedRandom, draw: int) -> np.ndarray:
        return _thinned(random, Process.ORDINARY_CLOSURES, day, self._keys, n, np.clip(p, 0.0, 1.0), draw)


def _thinned(
    random: KeyedRandom,
    process: Process,
    day: int,
    keys: np.ndarray,
    n: np.ndarray,
    p: np.ndarray,
    draw: int = 0,
) -> np.ndarray:
    """Binomial counts of ``n`` cards with chance ``p``, which is spread over the cells, int64 like ``n``."""
    if not (p.any() and n.any()):
        return np.zeros_like(n)
    drawn = random.binomial(process, day, keys.ravel(), n.ravel(), np.broadcast_to(p, n.shape).ravel(), draw)
    return drawn.reshape(n.shape)


def flag_probabilities(p: Parameters) -> Sequence[float]:
    """Share of ordinary accounts that lie idle, belong to a person with many, were often replaced."""
    return tuple(p.number(f"ordinary.{name}_share") for name in ("idle", "multi_card", "replaced"))


def _flag_shares(p: Parameters) -> np.ndarray:
    """Share of each of the 8 flag sets, taking the three flags as independent, float64 (8)."""
    shares = np.ones(8)
    for bit, share in enumerate(flag_probabilities(p)):
        shares *= np.where(FLAG_SETS >> bit & 1, share, 1.0 - share)
    return shares


def matches(flag: int, sets: int = len(FLAG_SETS)) -> np.ndarray:
    """Which of the first ``sets`` flag sets a cleanup looks at: those with its bit, or all for flag 0."""
    return (np.arange(sets) & flag) != 0 if flag else np.ones(sets, dtype=bool)
