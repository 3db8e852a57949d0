"""Passes of the police: leads worked off in their order, cards of owners who are gone."""

import numpy as np

from sim.kernels import compiled


@compiled("Tuple((i8,i8[::1],u8[::1]))(i8,i8[::1],i4[::1],u1[::1],i8[::1],u8[::1],i8[::1])")
def work_off(
    oldest: int,
    room: np.ndarray,
    day: np.ndarray,
    unit: np.ndarray,
    gang: np.ndarray,
    key: np.ndarray,
    worked: np.ndarray,
) -> tuple[int, np.ndarray, np.ndarray]:
    """Each unit works off as many leads as it has room for, oldest first; those from before ``oldest`` lapse.

    ``room`` and ``worked`` (units, output): leads by unit.  The columns of the leads (n), oldest first, are
    changed in place: those that stay move to the front.  Returns how many stay, and the gangs and keys of the
    leads worked off.
    """
    worked[:] = 0
    most = min(day.size, room.sum())
    gangs, keys = np.empty(most, np.int64), np.empty(most, np.uint64)
    left, taken = 0, 0
    for i in range(day.size):
        if day[i] < oldest:
            continue
        at = unit[i]
        if worked[at] < room[at]:
            worked[at] += 1
            gangs[taken], keys[taken] = gang[i], key[i]
            taken += 1
        else:
            day[left], unit[left], gang[left], key[left] = day[i], unit[i], gang[i], key[i]
            left += 1
    return left, gangs[:taken], keys[:taken]


@compiled("i8[::1](u1[::1],i4[::1],i8[::1],i8,i8,i8)")
def held_by(
    status: np.ndarray, owner: np.ndarray, owners: np.ndarray, count: int, first: int, last: int
) -> np.ndarray:
    """Rows of the cards in the statuses ``first`` to ``last`` whose owner is one of ``owners`` (rows of
    ``count``), int64 (held).
    """
    gone = np.zeros(count, np.bool_)
    gone[owners] = True
    held = np.empty(status.size, np.int64)
    n = 0
    for i in range(status.size):
        if first <= status[i] <= last and owner[i] >= 0 and gone[owner[i]]:
            held[n] = i
            n += 1
    return held[:n].copy()
