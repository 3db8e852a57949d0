"""Openings of a day, person by person: who is approached, whom they meet, what they try at which counter.

Recruiters at work are numbered by region (`recruiters_at_work`); ``edges`` are the running sums of their
efficiency and ``first`` says where each region begins, so that one uniform number finds whom a person meets.
"""

import numpy as np
from numba import njit, prange

from sim.kernels import compiled
from sim.kernels.counter import first_above
from sim.kernels.philox import (
    block_at,
    child_key,
    lane_of,
    philox4x32,
    uniform_at,
    uniforms_into,
    unit_from_bits,
)
from sim.kernels.sampling import POISSON_INVERSION_LIMIT, poisson_at

CHUNK = 16_384
"""Persons in a chunk: fixed, whatever the number of threads."""

BLOCK = 64
"""Persons whose words are drawn before any is looked at."""

_HALF = np.uint64(32)
_SIGN = np.uint64(63)


@njit("i8[::1](u8,i8,i8,i8,u8[::1],f8[::1],u1[::1])", cache=True, error_model="numpy", parallel=True)
def below(
    key: np.uint64,
    process: int,
    day: int,
    draw: int,
    keys: np.ndarray,
    chance: np.ndarray,
    group: np.ndarray,
) -> np.ndarray:
    """Rows whose uniform number lies below the chance of their group, int64 (found), in rising order.

    ``keys`` (n), ``group`` uint8 (n), ``chance`` float64 (groups).  Few are found among very many, so a loop
    that the compiler turns into vector instructions draws the top 32 bits of each number, and only in blocks
    where one of them lies below the largest chance whole numbers are looked at.
    """
    n, lane = keys.size, lane_of(process, day, draw)
    largest = 0.0
    for c in chance:
        largest = max(largest, min(c, 1.0))
    # A number is at least its top 32 bits over 2**32.
    limit = np.uint64(largest * 2.0**32)
    word_0, word_1, half = np.uint64(lane), np.uint64(day | (process << 16)), key >> _HALF
    chunks = (n + CHUNK - 1) // CHUNK
    found = np.empty(n, dtype=np.int64)
    count = np.zeros(chunks, dtype=np.int64)
    for chunk in prange(chunks):
        here = chunk * CHUNK
        end = min(n, here + CHUNK)
        top = np.empty(BLOCK, dtype=np.uint64)
        for start in range(here, end, BLOCK):
            # Counting from the start of a slice is what lets the compiler see a vector loop.
            block = keys[start : min(end, start + BLOCK)]
            above = ~np.uint64(0)
            for i in range(block.size):
                top[i] = philox4x32(word_0, word_1, block[i], block[i] >> _HALF, key, half)[1]
                above &= limit - top[i]
            # The difference is negative, its sign set, where a word lies above the limit.
            if above >> _SIGN != 0:
                continue
            for i in range(block.size):
                if top[i] <= limit:
                    u = unit_from_bits(block_at(key, process, day, block[i], lane)[0])
                    if u < chance[group[start + i]]:
                        found[here] = start + i
                        here += 1
        count[chunk] = here - chunk * CHUNK
    total = 0
    for chunk in range(chunks):
        for i in range(chunk * CHUNK, chunk * CHUNK + count[chunk]):
            found[total] = found[i]
            total += 1
    return found[:total].copy()


@compiled("i8[::1](u8,i8,i8,u8[::1],u1[::1],i4[::1],i4[::1],i8[::1],i8[::1],f8)")
def approached(
    key: np.uint64,
    process: int,
    day: int,
    keys: np.ndarray,
    region: np.ndarray,
    free_from: np.ndarray,
    banned_until: np.ndarray,
    first: np.ndarray,
    at_start: np.ndarray,
    rate: float,
) -> np.ndarray:
    """Rows of the persons approached today, who are free and not barred, int64 (found), in rising order.

    The rate is ``rate`` where as many recruiters work in the region as ``at_start`` (regions), more in
    proportion; ``first`` (regions + 1) tells how many do.
    """
    chance = np.empty(at_start.size)
    for r in range(at_start.size):
        chance[r] = -np.expm1(-rate * (first[r + 1] - first[r]) / at_start[r])
    rows = below(key, process, day, 0, keys, chance, region)
    n = 0
    for row in rows:
        if free_from[row] <= day and banned_until[row] <= day:
            rows[n] = row
            n += 1
    return rows[:n]


@compiled("Tuple((i8[::1],f8[::1],i8[::1]))(u1[::1],u1[::1],i4[::1],u1[::1],f8[::1],i8,i8,i8)")
def recruiters_at_work(
    alive: np.ndarray,
    tier: np.ndarray,
    low_until: np.ndarray,
    region: np.ndarray,
    efficiency: np.ndarray,
    recruiter: int,
    day: int,
    regions: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Recruiters alive and not lying low, sorted by region and within it by row.

    Returns their rows, int64 (k); the running sums of their efficiency from 0 on, float64 (k + 1); and where
    each region begins among them, int64 (regions + 1).
    """
    first = np.zeros(regions + 2, dtype=np.int64)
    for row in range(alive.size):
        if alive[row] == 1 and tier[row] == recruiter and low_until[row] <= day:
            first[region[row] + 1] += 1
    for r in range(regions + 1):
        first[r + 1] += first[r]
    rows = np.empty(first[-1], dtype=np.int64)
    at = first.copy()
    for row in range(alive.size):
        if alive[row] == 1 and tier[row] == recruiter and low_until[row] <= day:
            rows[at[region[row]]] = row
            at[region[row]] += 1
    edges = np.zeros(rows.size + 1)
    for i in range(rows.size):
        edges[i + 1] = edges[i] + efficiency[rows[i]]
    return rows, edges, first[:-1].copy()


@compiled("i8(f8,i8,f8[::1],i8[::1])")
def _meet(u: float, region: int, edges: np.ndarray, first: np.ndarray) -> int:
    """Number of the recruiter whom a person meets in a region, by efficiency; -1 if none is there."""
    low, high = edges[first[region]], edges[first[region + 1]]
    if not high > low:
        return -1
    at = first_above(low + u * (high - low), edges, first[region], first[region + 1] + 1) - 1
    return min(at, edges.size - 2)


@compiled("b1[::1](i8[::1],f8[::1],i8[::1],f8)")
def _within_need(recruiter: np.ndarray, queue: np.ndarray, need: np.ndarray, cards: float) -> np.ndarray:
    """Whom recruiters (numbers, n) take with ``cards`` each: no more than their need (recruiters), the first
    in a queue (n).
    """
    head = np.full(need.size, -1)
    after = np.empty(recruiter.size, dtype=np.int64)
    for i in range(recruiter.size):
        # The few who come to one recruiter stand in a linked list, sorted by their place in the queue.
        before, behind = -1, head[recruiter[i]]
        while behind >= 0 and queue[behind] <= queue[i]:
            before, behind = behind, after[behind]
        after[i] = behind
        if before < 0:
            head[recruiter[i]] = i
        else:
            after[before] = i
    taken = np.zeros(recruiter.size, dtype=np.bool_)
    for number in range(need.size):
        i, place = head[number], 0
        while i >= 0 and place * cards < need[number]:
            taken[i] = True
            i, place = after[i], place + 1
    return taken


@compiled(
    "Tuple((i8[::1],i8[::1]))(u8,i8,i8,i8,i8,i8[::1],u8[::1],u1[::1],f8[::1],f8[::1],f8,f8,f8[::1],f8,f8[::1],"
    "f8,i8[::1],f8[::1],i8[::1],f8[::1],i8[::1],i8[::1],f8)"
)
def recruited(
    key: np.uint64,
    choice: int,
    acceptance: int,
    queueing: int,
    day: int,
    approached: np.ndarray,
    keys: np.ndarray,
    region: np.ndarray,
    reservation_wage: np.ndarray,
    risk_weight: np.ndarray,
    impulse: float,
    arrest_weight: float,
    arrests: np.ndarray,
    legal_weight: float,
    law: np.ndarray,
    scale: float,
    rows: np.ndarray,
    edges: np.ndarray,
    first: np.ndarray,
    wage: np.ndarray,
    needed: np.ndarray,
    got: np.ndarray,
    cards: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Who of those approached meets a recruiter, takes the offer and finds room; whom they met.

    A person accepts with chance logistic((log w - log w_r - risk) / s_w) (equation 4.9), where the risk is
    ``risk_weight`` (persons) x (``impulse`` + ``arrest_weight`` x ``arrests`` (regions)) + ``legal_weight`` x
    ``law`` (regions), and s_w is ``scale``.  Recruiters as :func:`recruiters_at_work` numbers them; ``wage``,
    ``needed``, ``got`` by row of the dealer; ``cards``: how many a person opens on average.  Returns rows of
    persons and of recruiters, int64 (taken).
    """
    need = needed[rows] - got[rows]
    person = approached.copy()
    number = np.empty(person.size, dtype=np.int64)
    # Pass by pass, so that many keys are fetched at once and uniform numbers drawn in vectors.
    mine = keys[person]
    u = np.empty(person.size)
    uniforms_into(key, choice, day, mine, 0, u)
    n = 0
    for i in range(person.size):
        at = _meet(u[i], region[person[i]], edges, first)
        # Most recruiters need nobody today, so most offers are settled here.
        if at >= 0 and need[at] > 0:
            person[n], number[n], mine[n] = person[i], at, mine[i]
            n += 1
    uniforms_into(key, acceptance, day, mine[:n], 0, u[:n])
    accepted = 0
    for i in range(n):
        row, at = person[i], number[i]
        feared = risk_weight[row] * (impulse + arrest_weight * arrests[region[row]])
        feared += legal_weight * law[region[row]]
        utility = np.log(wage[rows[at]] / reservation_wage[row]) - feared
        if u[i] < 1.0 / (1.0 + np.exp(-utility / scale)):
            person[accepted], number[accepted], mine[accepted] = row, at, mine[i]
            accepted += 1
    queue = u[:accepted]
    uniforms_into(key, queueing, day, mine[:accepted], 2, queue)
    person, number = person[:accepted], number[:accepted]
    taken = _within_need(number, queue, need, cards)
    return person[taken], rows[number[taken]]


@compiled(
    "Tuple((u8[::1],i8[::1],i8[::1],i8[::1],i8[::1],b1[::1]))(u8,i8,i8,i8,i8,i8[::1],i8[::1],f8[::1],f8,f8,"
    "u8[::1],u1[::1],i4[::1],i4[::1],i4[::1])"
)
def attempts(
    key: np.uint64,
    opening: int,
    flags: int,
    acceptance: int,
    day: int,
    rows: np.ndarray,
    met: np.ndarray,
    edges: np.ndarray,
    existing_share: float,
    away_days: float,
    keys: np.ndarray,
    region: np.ndarray,
    cards: np.ndarray,
    last_opened: np.ndarray,
    free_from: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Each person (rows, n) tries to open a few accounts for the recruiter met (n), and then stays away.

    ``edges``: running sums of the shares of 1, 2, .. accounts.  ``cards``, ``last_opened`` and ``free_from``
    (persons) are changed in place.  Returns, by try: key of the card, number of the person today, row of the
    person, row of the recruiter, region (all but the key int64), and whether the account exists already
    (bool).
    """
    wanted = np.empty(rows.size, dtype=np.int64)
    for i in range(rows.size):
        u = uniform_at(key, opening, day, keys[rows[i]], 0)
        wanted[i] = 1 + first_above(u, edges, 0, edges.size)
    total = wanted.sum()
    card = np.empty(total, dtype=np.uint64)
    visit = np.empty(total, dtype=np.int64)
    person = np.empty(total, dtype=np.int64)
    recruiter = np.empty(total, dtype=np.int64)
    place = np.empty(total, dtype=np.int64)
    existing = np.empty(total, dtype=np.bool_)
    at = 0
    for i in range(rows.size):
        row = rows[i]
        for number in range(wanted[i]):
            card[at] = child_key(keys[row], np.uint64(cards[row] + number))
            visit[at], person[at], recruiter[at], place[at] = i, row, met[i], region[row]
            existing[at] = uniform_at(key, flags, day, card[at], 7) < existing_share
            at += 1
        cards[row] += wanted[i]
        last_opened[row] = day
        away = np.rint(away_days * -np.log(uniform_at(key, acceptance, day, keys[row], 1)))
        free_from[row] = day + int(min(max(away, 1.0), 1e6))
    return card, visit, person, recruiter, place, existing


@compiled(
    "Tuple((u8[::1],i8[::1],i8[::1],i8[::1]))(u8,i8,i8,i8,f8,i8[::1],u8[::1],i4[::1],u1[::1],i8[::1],f8[::1],"
    "i8[::1],i8[::1],i8[::1])"
)
def insider_openings(
    key: np.uint64,
    process: int,
    queueing: int,
    day: int,
    mean: float,
    compromised: np.ndarray,
    keys: np.ndarray,
    suspended_until: np.ndarray,
    region: np.ndarray,
    rows: np.ndarray,
    edges: np.ndarray,
    first: np.ndarray,
    needed: np.ndarray,
    got: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Accounts opened at compromised outlets (k) that are not suspended, ``mean`` at each, for recruiters of
    the region who still need sets.

    ``keys`` (k); ``suspended_until`` and ``region`` by outlet; recruiters as in :func:`recruited`.  Returns,
    by account: key of the card, outlet, region, row of the recruiter (all but the key int64).
    """
    # Most outlets open none: up to exp(-mean) the inversion ends where it begins.
    none = np.exp(-mean) if mean <= POISSON_INVERSION_LIMIT else 0.0
    count = np.zeros(compromised.size, dtype=np.int64)
    for i in range(compromised.size):
        if uniform_at(key, process, day, keys[i], 6) > none and suspended_until[compromised[i]] <= day:
            count[i] = poisson_at(key, process, day, keys[i], 6, mean)
    total = count.sum()
    card = np.empty(total, dtype=np.uint64)
    where = np.empty(total, dtype=np.int64)
    place = np.empty(total, dtype=np.int64)
    number = np.empty(total, dtype=np.int64)
    queue = np.empty(total)
    n = 0
    for i in range(compromised.size):
        for j in range(count[i]):
            outlet = compromised[i]
            card[n] = child_key(keys[i], np.uint64((day << 32) + j))
            at = _meet(uniform_at(key, process, day, card[n], 7), region[outlet], edges, first)
            if at >= 0:
                where[n], place[n], number[n] = outlet, region[outlet], at
                queue[n] = uniform_at(key, queueing, day, card[n], 3)
                n += 1
    taken = _within_need(number[:n], queue[:n], needed[rows] - got[rows], 1.0)
    return card[:n][taken], where[:n][taken], place[:n][taken], rows[number[:n][taken]]
