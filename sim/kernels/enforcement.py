"""Passes of the police: leads queue up and are worked off, past openers are drawn, owners are closed down.

The columns of leads have room to spare: ``day`` of receipt int32, ``unit`` uint8, ``gang`` int64 and ``key``
of the case uint64; the first ``n`` entries count, oldest first.
"""

import math

import numpy as np

from sim.kernels import compiled
from sim.kernels.philox import uniform_at, uniforms_into


@compiled(
    "i8(u8,i8,i8,f8[::1],i8[::1],i8[::1],i8[::1],u8[::1],i8,i4[::1],u1[::1],i8[::1],u8[::1])",
)
def take_leads(
    run: np.uint64,
    process: int,
    today: int,
    chance: np.ndarray,
    gangs: np.ndarray,
    regions: np.ndarray,
    channels: np.ndarray,
    keys: np.ndarray,
    n: int,
    day: np.ndarray,
    unit: np.ndarray,
    gang: np.ndarray,
    key: np.ndarray,
) -> int:
    """Put the registered cases (k) that yield a lead, each with the ``chance`` of its channel, at the end of
    the queue; returns how many leads there are then.
    """
    for i in range(keys.size):
        if uniform_at(run, process, today, keys[i], 0) < chance[channels[i]]:
            day[n], unit[n], gang[n], key[n] = today, regions[i], gangs[i], keys[i]
            n += 1
    return n


@compiled("Tuple((i8,i8[::1],u8[::1]))(i8,i8[::1],i8,i4[::1],u1[::1],i8[::1],u8[::1],i8[::1])")
def work_off(
    oldest: int,
    room: np.ndarray,
    n: int,
    day: np.ndarray,
    unit: np.ndarray,
    gang: np.ndarray,
    key: np.ndarray,
    worked: np.ndarray,
) -> tuple[int, np.ndarray, np.ndarray]:
    """Each unit works off as many leads as it has room for, oldest first; those from before ``oldest`` lapse.

    ``room`` and ``worked`` (units, output): leads by unit.  Leads that stay move to the front of the queue.
    Returns how many stay, and the gangs and keys of the leads worked off.
    """
    worked[:] = 0
    gangs, keys = np.empty(n, np.int64), np.empty(n, np.uint64)
    left, taken = 0, 0
    for i in range(n):
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


@compiled(
    "Tuple((i8,i8,i8[::1]))(u8,i8,i8,i8,i8,u8[::1],f8[::1],f8,f8[::1],f8,u1[::1],i8,i4[::1],u1[::1],i8[::1],"
    "u8[::1],i8[::1],i8[::1])"
)
def investigate(
    run: np.uint64,
    rounding: int,
    solving: int,
    today: int,
    oldest: int,
    units: np.ndarray,
    capacity: np.ndarray,
    solve: float,
    broken: np.ndarray,
    traced: float,
    home: np.ndarray,
    n: int,
    day: np.ndarray,
    unit: np.ndarray,
    gang: np.ndarray,
    key: np.ndarray,
    worked: np.ndarray,
    solved: np.ndarray,
) -> tuple[int, int, np.ndarray]:
    """A day's work on leads: some cases are solved, some of them break up the gang or trace an opener.

    ``units`` (keys) and ``capacity`` (leads a day, the fraction settled by a draw) and ``worked`` (output):
    by unit.  ``solve`` and ``traced``: chances of a lead and of a solved case; ``broken`` (places): that a
    solved case breaks up its gang, by the gang's ``home`` (gangs).  ``solved`` (places, output): cases by
    home.  Returns how many leads stay, how many openers were traced, and the gangs broken up (with repeats).
    """
    room = np.empty(units.size, np.int64)
    for i in range(units.size):
        whole = math.floor(capacity[i])
        room[i] = int(whole) + (uniform_at(run, rounding, today, units[i], 0) < capacity[i] - whole)
    left, gangs, keys = work_off(oldest, room, n, day, unit, gang, key, worked)
    solved[:] = 0
    hits, openers = 0, 0
    for i in range(keys.size):
        if uniform_at(run, solving, today, keys[i], 0) < solve:
            place = home[gangs[i]]
            solved[place] += 1
            openers += uniform_at(run, solving, today, keys[i], 2) < traced
            if uniform_at(run, solving, today, keys[i], 1) < broken[place]:
                gangs[hits] = gangs[i]
                hits += 1
    return left, openers, gangs[:hits]


@compiled("i8[::1](i8[::1],i8[::1],i4[::1],i8)")
def still_away(away: np.ndarray, new: np.ndarray, free_from: np.ndarray, today: int) -> np.ndarray:
    """Rows of the persons of two lists (rising, a person may stand in both) who are not yet back in the pool.

    ``free_from`` (persons): the day on which each comes back.
    """
    out = np.empty(away.size + new.size, np.int64)
    n, i, j = 0, 0, 0
    while i < away.size or j < new.size:
        if j == new.size or (i < away.size and away[i] <= new[j]):
            row = away[i]
            j += j < new.size and new[j] == row
            i += 1
        else:
            row = new[j]
            j += 1
        out[n] = row
        n += free_from[row] > today
    return out[:n]


@compiled(
    "Tuple((i8[::1],f8[::1]))(u8,i8,i8,i8,u8,i8[::1],u8[::1],i4[::1],u1[::1],Array(b1,1,'C',readonly=True))"
)
def draw_lots(
    run: np.uint64,
    process: int,
    today: int,
    draw: int,
    own: np.uint64,
    away: np.ndarray,
    keys: np.ndarray,
    banned_until: np.ndarray,
    region: np.ndarray,
    reached: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Lots of the persons away (rows) who are not barred and live in a region that is ``reached`` (mask).

    Returns their rows, and a uniform number each, by their key and the key ``own`` of whoever draws.
    """
    rows, lots = np.empty(away.size, np.int64), np.empty(away.size, np.float64)
    their = np.empty(away.size, np.uint64)
    n = 0
    for row in away:
        rows[n], their[n] = row, keys[row] ^ own
        n += banned_until[row] <= today and reached[region[row]]
    uniforms_into(run, process, today, their[:n], draw, lots[:n])
    return rows[:n], lots[:n]


@compiled("i8[::1](u1[::1],i4[::1],i8[::1],i8,i8,i8)")
def held_by(
    status: np.ndarray, owner: np.ndarray, owners: np.ndarray, count: int, first: int, last: int
) -> np.ndarray:
    """Rows of the cards in the statuses ``first`` to ``last`` whose owner is one of ``owners`` (rows of
    ``count``), int64 (held).
    """
    # A card without an owner, -1, finds the place before the first.
    gone = np.zeros(count + 1, np.bool_)
    gone[owners + 1] = True
    held = np.empty(status.size, np.int64)
    n = 0
    for i in range(status.size):
        if gone[owner[i] + 1] and first <= status[i] <= last:
            held[n] = i
            n += 1
    return held[:n].copy()


@compiled("UniTuple(i8,3)(u8,i8,i8,i8[::1],u8[::1],i8[::1],f8,f8,f8,i8[::1])")
def close_down(
    run: np.uint64,
    process: int,
    today: int,
    rows: np.ndarray,
    keys: np.ndarray,
    cash: np.ndarray,
    seized_share: float,
    chance: float,
    weeks: float,
    heir: np.ndarray,
) -> tuple[int, int, int]:
    """Empty the tills of removed owners, and settle when somebody takes their place (4.3).

    ``rows`` (n); ``keys`` and ``cash`` (fen, set to 0): by owner.  Of cash a ``seized_share`` goes to the
    police and the rest is gone.  ``heir`` (n, output): the day on which a successor begins, -1 for the owners
    who have none; a successor comes with a ``chance``, after a wait of shape 2 and mean ``weeks``.  Returns
    the fen seized, the fen that are gone, and the fen of debts.
    """
    seized, gone, debts = 0, 0, 0
    for i in range(rows.size):
        row = rows[i]
        have = max(cash[row], 0)
        part = int(have * seized_share)
        seized += part
        gone += have - part
        debts += max(-cash[row], 0)
        cash[row] = 0
        heir[i] = -1
        if uniform_at(run, process, today, keys[row], 0) < chance:
            first = -math.log(uniform_at(run, process, today, keys[row], 1))
            second = -math.log(uniform_at(run, process, today, keys[row], 2))
            heir[i] = today + 1 + int(7.0 * (weeks / 2.0 * (first + second)))
    return seized, gone, debts


@compiled("i8[::1](u8,i8,i8,i8,u8[::1],i8[::1],i8[::1],f8[::1],f8[::1],i8)")
def police_hours(
    run: np.uint64,
    process: int,
    today: int,
    draw: int,
    places: np.ndarray,
    worked: np.ndarray,
    arrested: np.ndarray,
    orders: np.ndarray,
    each: np.ndarray,
    scale: int,
) -> np.ndarray:
    """Hours of police by place, real-world, whole by a keyed draw, int64 (places).

    ``places``: keys; ``worked`` leads and ``orders`` (real-world): by unit, a unit for each place but the
    last; ``arrested`` persons: by place; ``each`` (3): hours of a lead, an arrest and an order.
    """
    out = np.zeros(places.size, np.int64)
    for i in range(places.size):
        leads, dissuasion = (worked[i], orders[i]) if i < worked.size else (0, 0.0)
        hours = (leads * each[0] + arrested[i] * each[1]) * scale + dissuasion * each[2]
        if hours > 0.0:
            whole = math.floor(hours)
            out[i] = int(whole) + (uniform_at(run, process, today, places[i], draw) < hours - whole)
    return out
