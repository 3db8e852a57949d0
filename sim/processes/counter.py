"""At the counter: where an opener goes, and whether the account is opened.

An attempt passes, in this order: the outlet may be suspended (row 8), the person may stand on a list that
the outlet shares (row 11), may have as many accounts there as one may have (row 6b), and is screened by the
bank. Some of those whom a measure turns away try elsewhere.  What is refused in error to honest people is
settled with the ordinary cards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sim.kernels.counter import (
    EXISTING,
    FATES,
    LOST,
    MOVED,
    OPENED,
    REFUSED,
    TURNED_AWAY,
    screen,
    tally,
    to_outlets,
    turn_away_over_the_cap,
)
from sim.policy import NO_CAP, Blacklist
from sim.random import Process
from sim.world.codes import LIVE

if TYPE_CHECKING:
    from sim.model import FraudSupplyChain

# Numbers of the processes as kernels take them.
OUTLET_CHOICE, SCREENING = int(Process.OUTLET_CHOICE), int(Process.SCREENING)


class Openings(NamedTuple):
    """Openings tried as arrays (n), a person's own one after the other, persons in rising order.

    ``key`` of the card; ``visit``: which person of today (0, 1, ..); ``person``: row of the opener, -1 for
    none; ``recruiter``: row of the dealer; ``region``; ``existing``: whether the person sells an account
    that is already there; ``outlet``: where it is opened.
    """

    key: np.ndarray
    visit: np.ndarray
    person: np.ndarray
    recruiter: np.ndarray
    region: np.ndarray
    existing: np.ndarray
    outlet: np.ndarray

    def at(self, outlet: np.ndarray) -> Openings:
        """The same openings at outlets (n)."""
        return self._replace(outlet=outlet)

    def keep(self, mask: np.ndarray) -> Openings:
        """The openings where ``mask`` is true."""
        if mask.all():
            return self
        rows = np.flatnonzero(mask)
        return Openings(*(column[rows] for column in self))


def after_first(group: np.ndarray, event: np.ndarray) -> np.ndarray:
    """Entries that come after the first event of their group; boolean (n), groups (n) in rising order.

    >>> after_first(np.array([0, 0, 0, 1]), np.array([False, True, False, False])).tolist()
    [False, False, True, False]
    """
    before = np.cumsum(event) - event
    first = np.searchsorted(group, group)
    return np.asarray(before - before[first] > 0)


class Counter:
    """Serves the openers of a day.

    ``by_fate``: what became of openings this month, int64 (fates, regions), written down at its end;
    ``_by_region``: refusals of a screening for the factor alone, by region.
    """

    def __init__(self, model: FraudSupplyChain) -> None:
        self.model = model
        self.by_fate = np.zeros((FATES, model.regions.n), dtype=np.int64)
        self._by_region = np.zeros(model.regions.n, dtype=np.int64)

    def serve(self, openings: Openings) -> Openings:
        """The openings that come about, with accounts that exist already; outlets are chosen here."""
        outlet, lost = self.find_outlet(openings.key, openings.region, ~openings.existing)
        openings = openings.at(outlet)
        fate = EXISTING * openings.existing.view(np.uint8) + LOST * lost.view(np.uint8)
        self._turn_away_listed(openings, fate)
        self._turn_away_over_the_cap(openings, fate)
        self._screen(openings, fate)
        self._share_lists(openings, fate)
        m = self.model
        tally(openings.region, outlet, fate, self.by_fate, m.footprints.opened)
        return openings.keep(fate <= EXISTING)

    def end_month(self) -> None:
        """Write down what became of the month's openings."""
        count, by_fate = self.model.recorder.add, self.by_fate
        count("openings_attempted_illicit", by_fate.sum(axis=0) - by_fate[EXISTING])
        count("openings_refused_illicit", by_fate[TURNED_AWAY] + by_fate[REFUSED])
        count("openings_lost_illicit", by_fate[LOST])
        count("openings_illicit", by_fate[OPENED])
        by_fate[:] = 0

    def find_outlet(
        self, key: np.ndarray, region: np.ndarray, tried: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Outlet of each opening, and which openings are lost because it is suspended (row 8).

        A share ``displacement`` of those who find it shut goes to another outlet that is open.
        """
        m, o, n = self.model, self.model.outlets, len(key)
        outlet, stopped = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.bool_)
        if not to_outlets(
            m.keyed.key,
            OUTLET_CHOICE,
            m.day,
            key,
            region,
            tried,
            o.first,
            o.cumulative,
            o.suspended_until,
            outlet,
            stopped,
        ):
            return outlet, stopped
        for number, measure in enumerate(o.suspenders):
            m.recorder.credit(measure, int((stopped & (o.suspended_by[outlet] == number)).sum()))
        shut = o.shut(m.day)
        self._elsewhere(key, region, outlet, stopped, o.displacement[outlet], shut, 1)
        return outlet, tried & shut[outlet]

    def _elsewhere(
        self,
        key: np.ndarray,
        region: np.ndarray,
        outlet: np.ndarray,
        stopped: np.ndarray,
        share: np.ndarray,
        blocked: np.ndarray,
        draw: int,
    ) -> np.ndarray:
        """Let a ``share`` (n) of the stopped ones go to another outlet of their region (equation 4.4).

        Whoever is stopped moves there with probability ``share`` where one is not ``blocked``, else gives up.
        ``outlet`` (n) is changed in place; returns the mask of those who found one.
        """
        m = self.model
        moves = stopped & (m.keyed.uniform(Process.OUTLET_CHOICE, m.day, key, draw) < share)
        again = np.flatnonzero(moves if m.adapts("displacement") else np.zeros_like(moves))
        u = m.keyed.uniform(Process.OUTLET_CHOICE, m.day, key[again], draw + 1)
        found = m.outlets.choose_outside(region[again], u, blocked)
        outlet[again] = np.where(found >= 0, found, outlet[again])
        went = np.zeros(len(key), dtype=bool)
        went[again] = found >= 0
        return went

    def _turn_away_listed(self, openings: Openings, fate: np.ndarray) -> None:
        """Members refuse whom their list names; some of these go to an outlet that is no member."""
        m = self.model
        if not m.policy.blacklists:
            return
        named = (fate == OPENED) & self._named(openings)
        for order in m.policy.blacklists if named.any() else ():
            hit = named & self._member(order, openings)
            if hit.any():
                blocked = m.outlets.members(order) | m.outlets.shut(m.day)
                share = np.full(len(hit), order.displacement)
                went = self._elsewhere(openings.key, openings.region, openings.outlet, hit, share, blocked, 3)
                m.recorder.credit(order.measure, int(hit.sum()))
                fate[hit & ~went] = TURNED_AWAY
                named &= fate == OPENED

    def _named(self, openings: Openings) -> np.ndarray:
        listed: np.ndarray = self.model.openers.listed_at[openings.person] <= self.model.day
        return listed & (openings.person >= 0)

    def _member(self, order: Blacklist, openings: Openings) -> np.ndarray:
        """Whether each opening is tried at a member of a list."""
        joins = self.model.outlets.joins[openings.outlet]
        return np.asarray(order.regions[openings.region] & (joins < order.members))

    def _share_lists(self, openings: Openings, fate: np.ndarray) -> None:
        """Members put those they refused on the list; without a lag the same day's later tries fail too."""
        m = self.model
        if not m.policy.blacklists:
            return
        refused = fate == REFUSED
        for order in m.policy.blacklists:
            member = self._member(order, openings)
            suspect = refused & member
            person = openings.person[suspect & (openings.person >= 0)]
            m.openers.list_persons(person, np.full(len(person), m.day + order.lag))
            if order.lag == 0:
                later = after_first(openings.visit, suspect) & member & (fate == OPENED)
                m.recorder.credit(order.measure, int(later.sum()))
                fate[later] = TURNED_AWAY

    def _turn_away_over_the_cap(self, openings: Openings, fate: np.ndarray) -> None:
        """A person who has, with earlier tries of today, as many accounts at the bank as one may have."""
        m, cards = self.model, self.model.accounts
        turn_away_over_the_cap(
            openings.person,
            openings.region,
            openings.outlet,
            m.outlets.bank,
            m.policy.cap,
            NO_CAP,
            cards.status,
            int(LIVE),
            cards.holder,
            cards.issuer,
            fate,
        )

    def _screen(self, openings: Openings, fate: np.ndarray) -> None:
        """Banks screen; some of those whom an inspected bank refuses try one that is not (row 7)."""
        m = self.model
        if not self._refuse(openings, fate, OPENED, 0):
            return
        inspected = m.banks.inspected(m.day)
        bank = m.outlets.bank[openings.outlet]
        blocked, share = m.outlets.shut(m.day) | inspected[m.outlets.bank], m.banks.displacement[bank]
        stopped = (fate == REFUSED) & inspected[bank]
        went = self._elsewhere(openings.key, openings.region, openings.outlet, stopped, share, blocked, 5)
        fate[went] = MOVED
        self._refuse(openings, fate, MOVED, 1)

    def _refuse(self, openings: Openings, fate: np.ndarray, here: int, draw: int) -> int:
        """Screening: a bank's sensitivity, raised by its effort, times the policy's factor.

        What effort and factor add beyond the bank's own sensitivity is credited to who raised them.  Returns
        how many a bank under inspection refused.
        """
        m, b = self.model, self.model.banks
        by_raiser = np.empty(len(b.raisers) + 1, dtype=np.int64)
        watched = screen(
            m.keyed.key,
            SCREENING,
            m.day,
            draw,
            openings.key,
            openings.region,
            openings.outlet,
            m.outlets.bank,
            b.base,
            b.effort,
            b.ceiling,
            m.policy.opening_factor,
            b.inspected_until,
            b.raised_by,
            here,
            fate,
            by_raiser,
            self._by_region,
        )
        for measure, count in zip(b.raisers, by_raiser[:-1].tolist(), strict=True):
            m.recorder.credit(measure, count)
        if "opening_factor" in m.policy.parts and self._by_region.any():
            m.recorder.credit_weights("opening_factor", self._by_region)
        return watched
