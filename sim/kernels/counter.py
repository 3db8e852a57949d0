"""At the counter and after: which outlet, how many accounts already, what screening says, what is paid."""

import numpy as np

from sim.kernels import compiled
from sim.kernels.philox import uniform_at
from sim.kernels.tally import whole_fen

OPENED, EXISTING, LOST, TURNED_AWAY, REFUSED, MOVED = range(6)
"""What becomes of an opening: the account is opened; it exists already; the outlet is suspended; a list or a
cap stands against it; the bank refuses; it is tried at another bank."""

FATES = 6

SLOTS = 1 << 16
"""Places of the table that tells most holders of cards from today's openers at a glance."""


@compiled("i8(f8,f8[::1],i8,i8)", inline=True)
def first_above(x: float, values: np.ndarray, low: int, high: int) -> int:
    """The first place from ``low`` to ``high`` - 1 at which rising values exceed x; ``high`` if none does."""
    left = high - low
    while left > 1:
        # A sum, and no branch: which way it goes is as good as chance, and the processor need not guess.
        half = left >> 1
        low += half * (values[low + half - 1] <= x)
        left -= half
    return low + (left == 1 and values[low] <= x)


@compiled("i8(u8,i8,i8,u8[::1],i8[::1],b1[::1],i8[::1],f8[::1],i4[::1],i8[::1],b1[::1])")
def to_outlets(
    key: np.uint64,
    process: int,
    day: int,
    keys: np.ndarray,
    region: np.ndarray,
    tried: np.ndarray,
    first: np.ndarray,
    cumulative: np.ndarray,
    suspended_until: np.ndarray,
    outlet: np.ndarray,
    stopped: np.ndarray,
) -> int:
    """The outlet to which each opening (n) goes: one of its region, in proportion to laxity.

    ``first`` (regions + 1): where a region's outlets begin; ``cumulative``: running sums of laxity (outlets).
    Written: ``outlet`` and ``stopped``, whether the opening is ``tried`` and the outlet suspended.  Returns
    how many are stopped.
    """
    count = 0
    for i in range(keys.size):
        start, end = first[region[i]], first[region[i] + 1]
        before = cumulative[start - 1] if start > 0 else 0.0
        x = before + uniform_at(key, process, day, keys[i], 0) * (cumulative[end - 1] - before)
        outlet[i] = first_above(x, cumulative, start, end - 1)
        stopped[i] = tried[i] and suspended_until[outlet[i]] > day
        count += stopped[i]
    return count


@compiled("void(i8[::1],i8[::1],i8[::1],i2[::1],i8[::1],i8,u1[::1],i8,i4[::1],i2[::1],u1[::1])")
def turn_away_over_the_cap(
    person: np.ndarray,
    region: np.ndarray,
    outlet: np.ndarray,
    bank: np.ndarray,
    cap: np.ndarray,
    no_cap: int,
    status: np.ndarray,
    ended: int,
    holder: np.ndarray,
    issuer: np.ndarray,
    fate: np.ndarray,
) -> None:
    """Turn away a person who has, with earlier tries of today, as many accounts at the bank as the region's
    ``cap`` allows (nobody has ``no_cap``).

    ``person`` (n, rising), ``region`` and ``outlet`` by try; ``bank`` by outlet; ``status``, ``holder`` and
    ``issuer`` by card, of which those below ``ended`` count.  ``fate`` (n) is changed.
    """
    n, capped = person.size, 0
    for i in range(n):
        capped += cap[region[i]] < no_cap
    if capped == 0:
        return
    have = np.zeros(n, dtype=np.int64)
    for i in range(1, n):
        earlier = i - 1
        while earlier >= 0 and person[earlier] == person[i]:
            have[i] += bank[outlet[earlier]] == bank[outlet[i]]
            earlier -= 1
    here = np.zeros(SLOTS, dtype=np.bool_)
    for i in range(n):
        here[person[i] % SLOTS] = True
    for card in range(status.size):
        if status[card] < ended and holder[card] >= 0 and here[holder[card] % SLOTS]:
            i, high = 0, n
            while i < high:
                middle = (i + high) // 2
                if person[middle] < holder[card]:
                    i = middle + 1
                else:
                    high = middle
            while i < n and person[i] == holder[card]:
                have[i] += bank[outlet[i]] == issuer[card]
                i += 1
    for i in range(n):
        if fate[i] == OPENED and have[i] >= cap[region[i]]:
            fate[i] = TURNED_AWAY


@compiled(
    "i8(u8,i8,i8,i8,u8[::1],i8[::1],i8[::1],i2[::1],f8[::1],f8[::1],f8,f8[::1],i8[::1],i2[::1],u1,u1[::1],"
    "i8[::1],i8[::1])"
)
def screen(
    key: np.uint64,
    process: int,
    day: int,
    draw: int,
    keys: np.ndarray,
    region: np.ndarray,
    outlet: np.ndarray,
    bank: np.ndarray,
    base: np.ndarray,
    effort: np.ndarray,
    ceiling: float,
    factor: np.ndarray,
    inspected_until: np.ndarray,
    raised_by: np.ndarray,
    here: int,
    fate: np.ndarray,
    by_raiser: np.ndarray,
    by_region: np.ndarray,
) -> int:
    """Banks screen the openings (n) whose ``fate`` is ``here``; returns how many an inspected one refuses.

    The chance is min(min(b e, c) f, c): the bank's ``base`` sensitivity b and ``effort`` e, the policy's
    ``factor`` f by region, the ``ceiling`` c.  ``fate`` becomes `REFUSED`, or `OPENED` for those who pass.
    Set: how many are refused for what effort adds, ``by_raiser`` (who raised it, the last entry is nobody),
    and for what the factor adds to both, ``by_region``.
    """
    by_raiser[:] = 0
    by_region[:] = 0
    watched = 0
    for i in range(keys.size):
        if fate[i] != here:
            continue
        b = bank[outlet[i]]
        raised = min(base[b] * effort[b], ceiling)
        u = uniform_at(key, process, day, keys[i], draw)
        if u < min(raised * factor[region[i]], ceiling):
            fate[i] = REFUSED
            watched += inspected_until[b] > day
            if u >= raised:
                by_region[region[i]] += 1
            elif u >= base[b]:
                by_raiser[raised_by[b]] += 1
        else:
            fate[i] = OPENED
    return watched


@compiled("void(i8[::1],i8[::1],u1[::1],i8[:,::1],i8[::1])")
def tally(
    region: np.ndarray,
    outlet: np.ndarray,
    fate: np.ndarray,
    by_fate: np.ndarray,
    by_outlet: np.ndarray,
) -> None:
    """Count what became of openings (n): ``by_fate`` (fates, regions), and, of those opened, ``by_outlet``
    (outlets).
    """
    for i in range(region.size):
        by_fate[fate[i], region[i]] += 1
        if fate[i] == OPENED:
            by_outlet[outlet[i]] += 1


@compiled(
    "Tuple((u1[::1],u1[::1],i2[::1],i8[::1],i8))(u8,i8,i8,u8[::1],i8[::1],i8[::1],i8[::1],b1[::1],f8[::1],"
    "u1[::1],f8,u1,u1,i2[::1],f8[::1],i8[::1],i8[::1],i8[::1],i8[::1])"
)
def sold(
    key: np.uint64,
    process: int,
    day: int,
    keys: np.ndarray,
    recruiter: np.ndarray,
    region: np.ndarray,
    outlet: np.ndarray,
    existing: np.ndarray,
    shares: np.ndarray,
    flags: np.ndarray,
    stolen_share: float,
    stolen: int,
    source: int,
    bank: np.ndarray,
    wage: np.ndarray,
    got: np.ndarray,
    cash: np.ndarray,
    paid: np.ndarray,
    cards: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int]:
    """Cards (n) come to their recruiters, each of whom pays the wage for every card.

    A card carries each of the ``flags`` (k) with a probability (``shares``, k); the first, to have lain idle,
    only if it is ``existing``.  Its source is ``stolen`` with probability ``stolen_share``, else ``source``.
    ``got`` and ``cash`` (fen) of the recruiters are changed in place, and so are ``paid`` (fen) and ``cards``
    by region.  Returns flags and sources, uint8, banks, int16, the outlets where they are new, int64 (all n;
    -1 where a card is not), and fen paid in all.
    """
    n, total = keys.size, 0
    marks = np.zeros(n, dtype=np.uint8)
    sources = np.empty(n, dtype=np.uint8)
    issuer = np.empty(n, dtype=np.int16)
    new_at = np.empty(n, dtype=np.int64)
    for i in range(n):
        for k in range(flags.size):
            if (k > 0 or existing[i]) and uniform_at(key, process, day, keys[i], k) < shares[k]:
                marks[i] |= flags[k]
        is_stolen = stolen_share > 0.0 and uniform_at(key, process, day, keys[i], 6) < stolen_share
        sources[i] = stolen if is_stolen else source
        issuer[i] = bank[outlet[i]]
        new_at[i] = -1 if existing[i] else outlet[i]
        fen = whole_fen(wage[recruiter[i]])
        got[recruiter[i]] += 1
        cash[recruiter[i]] -= fen
        paid[region[i]] += fen
        cards[region[i]] += 1
        total += fen
    return marks, sources, issuer, new_at, total


@compiled("b1(i8[:,:,::1],b1[::1],i8[::1],i2[::1],i8[::1],u1[::1],i8)")
def withdraw(
    cells: np.ndarray,
    existing: np.ndarray,
    region: np.ndarray,
    bank: np.ndarray,
    class_of: np.ndarray,
    flags: np.ndarray,
    cards: int,
) -> bool:
    """Take ``cards`` out of the cell (regions, classes, flag sets) of each account (n) that is ``existing``.

    Returns whether a cell is overdrawn.
    """
    overdrawn = False
    for i in range(region.size):
        if existing[i]:
            issuer = class_of[bank[i]]
            cells[region[i], issuer, flags[i]] -= cards
            overdrawn |= cells[region[i], issuer, flags[i]] < 0
    return overdrawn


@compiled("f8[::1](i8[:,:,::1],f8[:,:,:,::1],i8,i8[::1])")
def cards_left(cells: np.ndarray, hazard: np.ndarray, kind: int, asked: np.ndarray) -> np.ndarray:
    """Cards expected to be left of each (region, flag set) that is ``asked`` for by its number, float64 (n).

    ``cells``: cards of a kind (regions, classes, flag sets); ``hazard``: what the causes of cleanups have
    built up, float64 (causes, kinds, regions, flag sets).  It is N exp(-sum of the hazards of the kind).
    """
    left = np.empty(asked.size)
    for i, cell in enumerate(asked):
        region, flags = cell // cells.shape[2], cell % cells.shape[2]
        cards = 0
        for issuer in range(cells.shape[1]):
            cards += cells[region, issuer, flags]
        used = 0.0
        for cause in range(hazard.shape[0]):
            used += hazard[cause, kind, region, flags]
        left[i] = cards * np.exp(-used)
    return left


@compiled("void(f8,f8,f8[::1],f8[::1],f8[::1],f8[::1])")
def add_honest_refusals(
    false_positive: float,
    effort: float,
    factor: np.ndarray,
    false_positive_factor: np.ndarray,
    listed: np.ndarray,
    refused: np.ndarray,
) -> None:
    """Add the share of honest applicants refused today to ``refused`` (regions, output).

    It is min(f (1 + max(e o - 1, 0) p) + l, 1): the share f that banks refuse in error at their own
    screening, their mean ``effort`` e, the policy's ``factor`` o on screening and p on errors, and the share
    l of those ``listed`` in error.
    """
    for r in range(refused.size):
        extra = max(effort * factor[r] - 1.0, 0.0)
        share = false_positive * (1.0 + extra * false_positive_factor[r]) + listed[r]
        refused[r] += min(share, 1.0)
