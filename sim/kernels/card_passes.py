"""What happens to tracked cards before and after the daily card step, each in one pass over their columns.

Flags are bits of a byte, statuses and kinds are small numbers; which of them means what is the caller's.
"""

import numpy as np
from numpy.typing import NDArray

from sim.kernels import FLOATS, compiled
from sim.kernels.philox import uniform_at


@compiled("i8(u1[::1],u1[::1],i4[::1],i8,i8,i8)")
def fall_asleep(
    status: NDArray[np.uint8],
    flags: NDArray[np.uint8],
    opened: NDArray[np.int32],
    below: int,
    on: int,
    flag: int,
) -> int:
    """Set a flag on the cards (n) opened ``on`` a day whose status is still below one; returns how many."""
    fell = 0
    for i in range(status.size):
        if opened[i] == on and status[i] < below:
            flags[i] |= np.uint8(flag)
            fell += 1
    return fell


@compiled("i8[::1](u8,i8,i8,u8[::1],u1[::1],u1[::1],i8,i8,i8,f8)")
def warm_up(
    key: np.uint64,
    process: int,
    day: int,
    keys: NDArray[np.uint64],
    status: NDArray[np.uint8],
    flags: NDArray[np.uint8],
    first: int,
    last: int,
    flag: int,
    chance: float,
) -> NDArray[np.int64]:
    """Take a flag, with a chance, from the cards (n) that have it and a status from ``first`` to ``last``.

    Returns their rows.
    """
    rows = np.empty(status.size, dtype=np.int64)
    found = 0
    for i in range(status.size):
        has = (flags[i] & flag) != 0 and first <= status[i] <= last
        if has and uniform_at(key, process, day, keys[i], 0) < chance:
            flags[i] &= np.uint8(~flag)
            rows[found] = i
            found += 1
    return rows[:found].copy()


@compiled(f"i8[::1](u8,i8,i8,u8[::1],u1[::1],u1[::1],u1[::1],i8,f8,{FLOATS})")
def trace(
    key: np.uint64,
    process: int,
    day: int,
    keys: NDArray[np.uint64],
    uses_today: NDArray[np.uint8],
    region: NDArray[np.uint8],
    flags: NDArray[np.uint8],
    flag: int,
    rate: float,
    factor: NDArray[np.float64],
) -> NDArray[np.int64]:
    """Flag used cards (n) at ``rate`` a use, times a ``factor`` by region; returns the rows newly flagged."""
    rows = np.empty(flags.size, dtype=np.int64)
    found = 0
    for i in range(flags.size):
        if uses_today[i] > 0 and (flags[i] & flag) == 0:
            chance = -np.expm1(-(rate * factor[region[i]] * uses_today[i]))
            if uniform_at(key, process, day, keys[i], 0) < chance:
                flags[i] |= np.uint8(flag)
                rows[found] = i
                found += 1
    return rows[:found].copy()


@compiled("i8[::1](u1[::1])")
def marked(marks: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The rows whose mark (n) is not 0; nearly all are 0."""
    rows = np.empty(marks.size, dtype=np.int64)
    found = 0
    eights = marks[: marks.size // 8 * 8].view(np.uint64)
    for w in range(eights.size):
        if eights[w] != np.uint64(0):
            for i in range(8 * w, 8 * w + 8):
                rows[found] = i
                found += marks[i] != 0
    for i in range(8 * eights.size, marks.size):
        rows[found] = i
        found += marks[i] != 0
    return rows[:found].copy()


@compiled("UniTuple(i8,2)(u1[::1],u1[::1],i8)")
def usage(kind: NDArray[np.uint8], uses_today: NDArray[np.uint8], of_kind: int) -> tuple[int, int]:
    """How many cards of a kind were used today, and how often in all; columns have n entries."""
    cards, uses = 0, 0
    for i in range(kind.size):
        mine = int(uses_today[i]) if kind[i] == of_kind else 0
        cards += 1 if mine > 0 else 0
        uses += mine
    return cards, uses


@compiled("i8[::1](u1[::1],u2[::1],i4[::1],i8[::1],i8)")
def worn_out(
    status: NDArray[np.uint8],
    uses: NDArray[np.uint16],
    owner: NDArray[np.int32],
    cap: NDArray[np.int64],
    at: int,
) -> NDArray[np.int64]:
    """Rows of the cards (n) in one status that were used up to the cap of their owner (owners) or beyond."""
    rows = np.empty(status.size, dtype=np.int64)
    found = 0
    for i in range(status.size):
        if status[i] == at and uses[i] >= cap[owner[i]]:
            rows[found] = i
            found += 1
    return rows[:found].copy()


@compiled("i8(u1[::1],i4[::1],i8,i8)")
def count_ended(status: NDArray[np.uint8], moved: NDArray[np.int32], ended: int, day: int) -> int:
    """How many cards (n) went out of use (a status from ``ended`` on) before a day."""
    gone = 0
    for i in range(status.size):
        gone += (status[i] >= ended) & (moved[i] < day)
    return gone
