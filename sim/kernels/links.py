"""Who knows whom: buyers' contacts among dealers, lost and found (equations 4.7 and 4.15).

Contacts are int32 (buyers, places): row numbers of dealers from the left on, -1 for places that are empty.
``alive`` is 1 for a dealer who is at large, ``tier`` whom it sells to (both by dealer); a *pool* is the rows
of the living dealers of one tier.  A buyer's numbers have the address of its decision: process, day, key, and
the draws from ``draw`` on.
"""

import numpy as np

from sim.kernels import compiled
from sim.kernels.philox import uniform_at
from sim.kernels.sampling import categorical_at, poisson_at

CLOSURE_DRAW = 300
"""Draws from here on settle triadic closure: four for each place, behind those of the rewiring itself."""


@compiled("Tuple((i8[::1],f8[::1]))(u1[::1],u1[::1],i8,f8[::1])")
def _pool(
    alive: np.ndarray, tier: np.ndarray, wanted: int, fitness: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The pool of a tier, int64 (k), and the running sums of its fitness, float64 (k)."""
    pool = np.empty(alive.size, np.int64)
    edges = np.empty(alive.size, np.float64)
    n, total = 0, 0.0
    for row in range(alive.size):
        if alive[row] == 1 and tier[row] == wanted:
            total += fitness[row]
            pool[n], edges[n] = row, total
            n += 1
    return pool[:n], edges[:n]


@compiled("Tuple((i8[::1],i4[::1]))(i4[:,::1],u1[::1],u1[::1])")
def known_by(contacts: np.ndarray, buying: np.ndarray, asked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The living buyers who know each dealer that is ``asked`` for (1, by dealer).

    Returns where a dealer's buyers begin, int64 (dealers + 1), and the rows of the buyers, int32 (links), by
    dealer, then by row and place.
    """
    dealer, buyer = np.empty(contacts.size, np.int32), np.empty(contacts.size, np.int32)
    n = 0
    for row in range(buying.size):
        if buying[row] == 1:
            for place in range(contacts.shape[1]):
                known = contacts[row, place]
                if known < 0:
                    break
                if asked[known] == 1:
                    dealer[n], buyer[n] = known, row
                    n += 1
    first = np.zeros(asked.size + 1, np.int64)
    for i in range(n):
        first[dealer[i] + 1] += 1
    for row in range(asked.size):
        first[row + 1] += first[row]
    at, by_dealer = first.copy(), np.empty(n, np.int32)
    for i in range(n):
        by_dealer[at[dealer[i]]] = buyer[i]
        at[dealer[i]] += 1
    return first, by_dealer


@compiled("i8(i4[:,::1],i8,u1[::1],f8)")
def _living_contact(contacts: np.ndarray, row: int, alive: np.ndarray, u: float) -> int:
    """One of a buyer's living contacts, all alike; -1 for who has none."""
    living = 0
    for known in contacts[row]:
        if known >= 0 and alive[known] == 1:
            living += 1
    passed = 0
    for known in contacts[row]:
        if known >= 0 and alive[known] == 1:
            passed += 1
            if passed > u * living:
                return int(known)
    return -1


@compiled("void(u8,i8,i8,i8,i8[::1],u8[::1],i4[:,::1],u1[::1],u1[::1],u1[::1],f8[::1],i8,f8,f8)")
def rewire(
    run: np.uint64,
    process: int,
    day: int,
    draw: int,
    rows: np.ndarray,
    keys: np.ndarray,
    contacts: np.ndarray,
    buying: np.ndarray,
    alive: np.ndarray,
    tier: np.ndarray,
    fitness: np.ndarray,
    wanted: int,
    chance: float,
    triadic: float,
) -> None:
    """Replace lost contacts of living buyers, each with a ``chance`` (equation 4.15).

    A share ``triadic`` is found by closure: somebody whom another buyer of a common contact knows.  The rest,
    and those of buyers without a living contact, are found by attachment: dealers of the ``wanted`` tier in
    proportion to their ``fitness`` (dealers).  Everybody looks at the contacts as they were before.

    ``rows`` (n): buyers; ``keys``, ``buying`` (1 for alive) and ``contacts`` (changed in place): by buyer.
    """
    places = contacts.shape[1]
    lost = np.empty(rows.size * places, np.int64)
    n = 0
    for row in rows:
        for place in range(places):
            known = contacts[row, place]
            gone = known >= 0 and alive[known] == 0
            if gone and uniform_at(run, process, day, keys[row], draw + 2 * place) < chance:
                lost[n] = row * places + place
                n += 1
    if n == 0:
        return
    pool, edges = _pool(alive, tier, wanted, fitness)
    if pool.size == 0:
        return
    shared, asked, ask = np.empty(n, np.int64), np.zeros(alive.size, np.uint8), False
    for i in range(n):
        row, closure = lost[i] // places, CLOSURE_DRAW + draw + 4 * (lost[i] % places)
        shared[i] = -1
        if uniform_at(run, process, day, keys[row], closure + 3) < triadic:
            u = uniform_at(run, process, day, keys[row], closure)
            shared[i] = _living_contact(contacts, row, alive, u)
            if shared[i] >= 0:
                asked[shared[i]], ask = 1, True
    first, buyer = np.empty(0, np.int64), np.empty(0, np.int32)
    if ask:
        first, buyer = known_by(contacts, buying, asked)
    found = np.empty(n, np.int64)
    for i in range(n):
        row, place = lost[i] // places, lost[i] % places
        if shared[i] >= 0:
            closure = CLOSURE_DRAW + draw + 4 * place
            begins, ends = first[shared[i]], first[shared[i] + 1]
            u = uniform_at(run, process, day, keys[row], closure + 1)
            other = buyer[begins + int(u * (ends - begins))]
            u = uniform_at(run, process, day, keys[row], closure + 2)
            found[i] = _living_contact(contacts, other, alive, u)
        else:
            u = uniform_at(run, process, day, keys[row], draw + 2 * place + 1)
            found[i] = pool[categorical_at(u, edges)]
    for i in range(n):
        contacts[lost[i] // places, lost[i] % places] = found[i]


@compiled("void(u8,i8,i8,i8,i8[::1],u8[::1],i8[:],i4[:,::1],u1[::1],u1[::1],i8[:],i8,f8)")
def look_around(
    run: np.uint64,
    process: int,
    day: int,
    draw: int,
    rows: np.ndarray,
    keys: np.ndarray,
    order: np.ndarray,
    contacts: np.ndarray,
    alive: np.ndarray,
    tier: np.ndarray,
    stock: np.ndarray,
    wanted: int,
    chance: float,
) -> None:
    """Buyers with an open order: with a ``chance`` one contact gives way to a dealer who has cards (4.7).

    ``rows`` (n): buyers; ``keys``, ``order`` (sets) and ``contacts`` (changed in place): by buyer; ``stock``
    (dealers): sets, by which dealers of the ``wanted`` tier are found.
    """
    pool, edges = np.empty(0, np.int64), np.empty(0, np.float64)
    for row in rows:
        if order[row] <= 0 or uniform_at(run, process, day, keys[row], draw) >= chance:
            continue
        if edges.size == 0:
            pool, edges = _pool(alive, tier, wanted, stock.astype(np.float64))
            if edges.size == 0 or edges[-1] == 0.0:
                return
        count = 0
        for known in contacts[row]:
            count += known >= 0
        place = int(uniform_at(run, process, day, keys[row], draw + 2) * max(count, 1))
        contacts[row, place] = pool[categorical_at(uniform_at(run, process, day, keys[row], draw + 1), edges)]


@compiled("void(u8,i8,u8[::1],u1[::1],u1[::1],f8[::1],i8,f8,i4[:,::1])")
def first_contacts(
    run: np.uint64,
    process: int,
    keys: np.ndarray,
    alive: np.ndarray,
    tier: np.ndarray,
    fitness: np.ndarray,
    wanted: int,
    mean: float,
    contacts: np.ndarray,
) -> None:
    """Whom newcomers know: one and a Poisson number of dealers of a tier, in proportion to their fitness.

    ``keys`` (n): of the newcomers; ``mean``: of their contacts, at least 1; ``contacts`` (n, places, output).
    """
    contacts[:] = -1
    pool, edges = _pool(alive, tier, wanted, fitness)
    if pool.size == 0:
        return
    for i in range(keys.size):
        count = min(1 + poisson_at(run, process, 0, keys[i], 0, mean - 1.0), contacts.shape[1])
        for place in range(count):
            u = uniform_at(run, process, 0, keys[i], 1 + place)
            contacts[i, place] = pool[categorical_at(u, edges)]


@compiled("void(i4[:,::1],u1[::1],i8[::1])")
def add_known(contacts: np.ndarray, counts: np.ndarray, degree: np.ndarray) -> None:
    """Add to the ``degree`` of each dealer, in place, how many of the buyers that count know it."""
    for row in range(counts.size):
        if counts[row] == 1:
            for place in range(contacts.shape[1]):
                if contacts[row, place] < 0:
                    break
                degree[contacts[row, place]] += 1
