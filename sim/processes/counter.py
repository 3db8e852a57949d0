"""At the counter: where an opener goes, and whether the account is opened.

An attempt passes, in this order: the outlet may be suspended (row 8), the person may stand on a list that
the outlet shares (row 11), may have as many accounts there as one may have (row 6b), and is screened by the
bank. Some of those whom a measure turns away try elsewhere.  What is refused in error to honest people is
settled with the ordinary cards.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from sim.arrays import rank_within
from sim.policy import NO_CAP, Blacklist
from sim.random import Process

if TYPE_CHECKING:
    from sim.model import FraudSupplyChain


@dataclass(frozen=True)
class Openings:
    """Openings tried as arrays (n), a person's own one after the other.

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

    def keep(self, mask: np.ndarray) -> Openings:
        """The openings where ``mask`` is true."""
        return Openings(*(getattr(self, column.name)[mask] for column in fields(self)))


def after_first(group: np.ndarray, event: np.ndarray) -> np.ndarray:
    """Entries that come after the first event of their group; boolean (n), groups (n) in rising order.

    >>> after_first(np.array([0, 0, 0, 1]), np.array([False, True, False, False])).tolist()
    [False, False, True, False]
    """
    before = np.cumsum(event) - event
    first = np.searchsorted(group, group)
    return np.asarray(before - before[first] > 0)


class Counter:
    """Serves the openers of a day."""

    def __init__(self, model: FraudSupplyChain) -> None:
        self.model = model

    def serve(self, openings: Openings) -> Openings:
        """The openings that come about, with accounts that exist already; outlets are chosen here."""
        m, region = self.model, openings.region
        tried = ~openings.existing
        outlet, lost = self.find_outlet(openings.key, region, tried)
        openings = Openings(**(vars(openings) | {"outlet": outlet}))
        listed = self._on_a_list(openings, tried & ~lost)
        over = tried & ~lost & ~listed & self._over_the_cap(openings)
        refused = self._screen(openings, tried & ~lost & ~listed & ~over)
        listed |= self._share_lists(openings, refused, tried & ~lost & ~listed & ~over)
        refused |= listed | over
        done = ~lost & ~refused
        m.recorder.count("openings_attempted_illicit", region[tried])
        m.recorder.count("openings_refused_illicit", region[refused])
        m.recorder.count("openings_lost_illicit", region[lost])
        m.recorder.count("openings_illicit", region[done & tried])
        m.footprints.opened(openings.outlet[done & tried])
        return openings.keep(done)

    def find_outlet(
        self, key: np.ndarray, region: np.ndarray, tried: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Outlet of each opening, and which openings are lost because it is suspended (row 8).

        A share ``displacement`` of those who find it shut goes to another outlet that is open.
        """
        m = self.model
        outlet = m.outlets.choose(region, m.keyed.uniform(Process.OUTLET_CHOICE, m.day, key))
        shut = m.outlets.shut(m.day)
        stopped = tried & shut[outlet]
        if not stopped.any():
            return outlet, np.zeros(len(key), dtype=bool)
        for number, measure in enumerate(m.outlets.suspenders):
            m.recorder.credit(measure, int((stopped & (m.outlets.suspended_by[outlet] == number)).sum()))
        self._elsewhere(key, region, outlet, stopped, m.outlets.displacement[outlet], shut, 1)
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
        """Let a ``share`` (n) of the stopped ones go to an outlet of their region that is not ``blocked``.

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

    def _on_a_list(self, openings: Openings, at_counter: np.ndarray) -> np.ndarray:
        """Who is refused because a member's list names the person; some go to an outlet that is no member."""
        m = self.model
        refused = np.zeros(len(openings.key), dtype=bool)
        for order in m.policy.blacklists:
            named = at_counter & ~refused & self._named(openings)
            hit = named & self._member(order, openings)
            blocked = m.outlets.members(order) | m.outlets.shut(m.day) if hit.any() else hit
            share = np.full(len(hit), order.displacement)
            went = self._elsewhere(openings.key, openings.region, openings.outlet, hit, share, blocked, 3)
            m.recorder.credit(order.measure, int(hit.sum()))
            refused |= hit & ~went
        return refused

    def _named(self, openings: Openings) -> np.ndarray:
        listed: np.ndarray = self.model.openers.listed_at[openings.person] <= self.model.day
        return listed & (openings.person >= 0)

    def _member(self, order: Blacklist, openings: Openings) -> np.ndarray:
        """Whether each opening is tried at a member of a list."""
        joins = self.model.outlets.joins[openings.outlet]
        return np.asarray(order.regions[openings.region] & (joins < order.members))

    def _share_lists(self, openings: Openings, refused: np.ndarray, at_counter: np.ndarray) -> np.ndarray:
        """Members put those they refused on the list; without a lag the same day's later tries fail too."""
        m = self.model
        barred = np.zeros(len(refused), dtype=bool)
        for order in m.policy.blacklists:
            member = self._member(order, openings)
            suspect = refused & member
            person = openings.person[suspect & (openings.person >= 0)]
            m.openers.list_persons(person, np.full(len(person), m.day + order.lag))
            if order.lag == 0:
                later = after_first(openings.visit, suspect) & member & at_counter & ~refused & ~barred
                m.recorder.credit(order.measure, int(later.sum()))
                barred |= later
        return barred

    def _over_the_cap(self, openings: Openings) -> np.ndarray:
        """Whether a person has, with earlier tries of today, as many accounts at the bank as one may have."""
        m = self.model
        cap = m.policy.cap[openings.region]
        if (cap >= NO_CAP).all():
            return np.zeros(len(cap), dtype=bool)
        place = openings.person * m.banks.n + m.outlets.bank[openings.outlet]
        order = np.argsort(place, kind="stable")
        before = np.empty(len(place), dtype=np.int64)
        before[order] = rank_within(place[order])
        held = m.accounts.live() & np.isin(m.accounts.holder, openings.person)
        theirs = np.sort(m.accounts.holder[held].astype(np.int64) * m.banks.n + m.accounts.issuer[held])
        have = np.searchsorted(theirs, place, side="right") - np.searchsorted(theirs, place)
        return np.asarray((have + before >= cap) & (openings.person >= 0))

    def _screen(self, openings: Openings, at_counter: np.ndarray) -> np.ndarray:
        """Who is refused by screening; at an inspected bank some then try one that is not (row 7)."""
        m = self.model
        refused = self._refused(openings, at_counter, 0)
        inspected = m.banks.inspected(m.day)
        if not inspected.any():
            return refused
        bank = m.outlets.bank[openings.outlet]
        stopped = refused & inspected[bank]
        if not stopped.any():
            return refused
        blocked, share = m.outlets.shut(m.day) | inspected[m.outlets.bank], m.banks.displacement[bank]
        went = self._elsewhere(openings.key, openings.region, openings.outlet, stopped, share, blocked, 5)
        return np.asarray((refused & ~went) | self._refused(openings, went, 1))

    def _refused(self, openings: Openings, at_counter: np.ndarray, draw: int) -> np.ndarray:
        """Screening: a bank's sensitivity, raised by its effort, times the policy's factor.

        What effort and factor add beyond the bank's own sensitivity is credited to who raised them.
        """
        m = self.model
        bank = m.outlets.bank[openings.outlet]
        own, raised = m.banks.base[bank], m.banks.sensitivity[bank]
        chance = np.minimum(raised * m.policy.opening_factor[openings.region], m.banks.ceiling)
        u = m.keyed.uniform(Process.SCREENING, m.day, openings.key, draw)
        refused: np.ndarray = at_counter & (u < chance)
        by_effort = refused & (u >= own) & (u < raised)
        for number, measure in enumerate(m.banks.raisers):
            m.recorder.credit(measure, int((by_effort & (m.banks.raised_by[bank] == number)).sum()))
        m.recorder.credit_parts("opening_factor", openings.region[refused & (u >= raised)])
        return refused
