"""At the counter and after: which outlet, how many accounts already, what screening says, what is paid."""

import numpy as np

from sim.kernels import compiled
from sim.kernels.philox import uniform_at

OPENED, EXISTING, LOST, TURNED_AWAY, BY_BANK, BY_EFFORT, BY_FACTOR = range(7)
"""What becomes of an opening: the account is opened; it exists already; the outlet is suspended; a list or a
cap stands against it; or screening does: the bank's own sensitivity, what effort adds, what the policy's
factor adds to both."""

FATES = 7

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


@compiled("b1[::1](i8[::1],i8[::1],i8[::1],i8[::1],u1[::1],i8,i4[::1],i2[::1])")
def over_the_cap(
    person: np.ndarray,
    region: np.ndarray,
    bank: np.ndarray,
    cap: np.ndarray,
    status: np.ndarray,
    ended: int,
    holder: np.ndarray,
    issuer: np.ndarray,
) -> np.ndarray:
    """Whether a person has, with earlier tries of today, as many accounts at the bank as the region's
    ``cap`` allows, bool (n).

    ``person`` (n, rising), ``region`` and ``bank`` by try; ``status``, ``holder`` and ``issuer`` by card, of
    which those below ``ended`` count.
    """
    n = person.size
    have = np.zeros(n, dtype=np.int64)
    for i in range(1, n):
        earlier = i - 1
        while earlier >= 0 and person[earlier] == person[i]:
            have[i] += bank[earlier] == bank[i]
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
                have[i] += bank[i] == issuer[card]
                i += 1
    over = np.empty(n, dtype=np.bool_)
    for i in range(n):
        over[i] = have[i] >= cap[region[i]]
    return over


@compiled("i8(u8,i8,i8,i8,u8[::1],i8[::1],i8[::1],b1[::1],f8[::1],f8[::1],f8,f8[::1],i8[::1],u1[::1])")
def screen(
    key: np.uint64,
    process: int,
    day: int,
    draw: int,
    keys: np.ndarray,
    region: np.ndarray,
    bank: np.ndarray,
    here: np.ndarray,
    base: np.ndarray,
    effort: np.ndarray,
    ceiling: float,
    factor: np.ndarray,
    inspected_until: np.ndarray,
    fate: np.ndarray,
) -> int:
    """Banks screen the openings (n) that are ``here``; returns how many are refused by one under inspection.

    The chance is min(min(b e, c) f, c): the bank's ``base`` sensitivity b and ``effort`` e, the policy's
    ``factor`` f by region, the ``ceiling`` c.  ``fate`` (n) is changed where a bank refuses: to `BY_BANK`,
    `BY_EFFORT` or `BY_FACTOR`.
    """
    watched = 0
    for i in range(keys.size):
        if not here[i]:
            continue
        own = base[bank[i]]
        raised = min(own * effort[bank[i]], ceiling)
        u = uniform_at(key, process, day, keys[i], draw)
        if u < min(raised * factor[region[i]], ceiling):
            fate[i] = BY_FACTOR if u >= raised else BY_EFFORT if u >= own else BY_BANK
            watched += inspected_until[bank[i]] > day
    return watched


@compiled(
    "Tuple((u1[::1],u1[::1],i8[::1],i8[::1]))(u8,i8,i8,u8[::1],i8[::1],i8[::1],b1[::1],f8[::1],u1[::1],f8,u1,u1,"
    "f8[::1],i8[::1],i8[::1],i8)"
)
def sold(
    key: np.uint64,
    process: int,
    day: int,
    keys: np.ndarray,
    recruiter: np.ndarray,
    region: np.ndarray,
    existing: np.ndarray,
    shares: np.ndarray,
    flags: np.ndarray,
    stolen_share: float,
    stolen: int,
    source: int,
    wage: np.ndarray,
    got: np.ndarray,
    cash: np.ndarray,
    regions: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Cards (n) come to their recruiters, each of whom pays the wage for every card.

    A card carries each of the ``flags`` (k) with a probability (``shares``, k); the first, to have lain idle,
    only if it is ``existing``.  Its source is ``stolen`` with probability ``stolen_share``, else ``source``.
    ``got`` and ``cash`` (fen) of the recruiters are changed in place.  Returns flags and sources, uint8 (n),
    and fen paid and cards by region, int64 (regions).
    """
    n = keys.size
    marks = np.zeros(n, dtype=np.uint8)
    sources = np.empty(n, dtype=np.uint8)
    paid = np.zeros(regions, dtype=np.int64)
    cards = np.zeros(regions, dtype=np.int64)
    for i in range(n):
        for k in range(flags.size):
            if (k > 0 or existing[i]) and uniform_at(key, process, day, keys[i], k) < shares[k]:
                marks[i] |= flags[k]
        is_stolen = stolen_share > 0.0 and uniform_at(key, process, day, keys[i], 6) < stolen_share
        sources[i] = stolen if is_stolen else source
        fen = int(np.rint(wage[recruiter[i]] * 100.0))
        got[recruiter[i]] += 1
        cash[recruiter[i]] -= fen
        paid[region[i]] += fen
        cards[region[i]] += 1
    return marks, sources, paid, cards
