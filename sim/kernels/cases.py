"""Passes of a day of business: phone cards, contacts, exposure, and the cases that would come about.

A case is an entry of parallel arrays: the gang's row, a key of its own, method, region of the victim, amount,
channel.  Sums of floats run in the order of the gangs' rows, so that they do not depend on who else exists.
"""

import math

import numpy as np

from sim.kernels import compiled
from sim.kernels.philox import child_keys_into, normal_quantile, uniforms_into
from sim.kernels.sampling import POISSON_INVERSION_LIMIT, poisson_at, poisson_inverse
from sim.kernels.tally import whole_fen

VOIP, MESSAGING, IOT, SIM = range(4)
"""Rows of the counts of contacts, by the means of contact."""

LIMB = 40
LIMB_STEP = 2.0**LIMB
"""Bits of a whole number that exact sums are made of."""

MOST_PARTIALS = 64
"""A float64 sum without rounding needs no more parts than its exponents, 2,098, hold mantissas of 53 bits."""


@compiled("i8(u1[::1],i4[::1],i4[::1],f8[::1],f8[::1],i8[:,::1],i8,i8,f8,f8)", inline=True)
def _sims_needed(
    alive: np.ndarray,
    low_until: np.ndarray,
    staff: np.ndarray,
    voip: np.ndarray,
    messaging: np.ndarray,
    active: np.ndarray,
    g: int,
    day: int,
    calls: float,
    per_sim: float,
) -> int:
    """Phone cards that gang ``g`` lacks for all its staff to call today (see `contacts`)."""
    if alive[g] != 1 or low_until[g] > day:
        return 0
    missing = staff[g] * calls - (voip[g] + messaging[g]) - active[g, 1] * per_sim
    return max(int(np.ceil(missing / per_sim)), 0)


@compiled(
    "Tuple((f8[::1],i8[::1]))(u1[::1],i4[::1],u1[::1],i4[::1],f8[::1],f8[::1],i8[:,::1],u1[::1],i4[::1],"
    "u1[::1],u1[::1],i4[::1],i8,i8,i8,i8,f8,f8,f8,b1,i8[:,::1])"
)
def contacts(
    alive: np.ndarray,
    low_until: np.ndarray,
    region: np.ndarray,
    staff: np.ndarray,
    voip: np.ndarray,
    messaging: np.ndarray,
    active: np.ndarray,
    status: np.ndarray,
    gang: np.ndarray,
    kind: np.ndarray,
    uses_today: np.ndarray,
    last_used: np.ndarray,
    active_status: int,
    stock_status: int,
    iot: int,
    day: int,
    season: float,
    calls: float,
    per_sim: float,
    phones_bind: bool,
    counts: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """People whom each gang reaches today, as far as staff and phone side go (equation 4.2), float64 (gangs).

    Columns of gangs; ``active`` (gangs, 2) holds cards in use, phone cards in the second column, and rises by
    what is taken from stock.  Then columns of phone cards: each in use is used today (``uses_today`` and
    ``last_used`` are written).  Without ``phones_bind`` the phone side sets no limit.  ``counts`` (means,
    places), added to: people reached by means and home of the gang, which uses its means in equal parts.

    Also returns the rows of the phone cards taken into use; their status is for the caller to change.
    """
    # What a gang needs is counted, with 1 added, when its first card in stock comes by.
    by_iot, need = np.zeros(alive.size, dtype=np.int64), np.zeros(alive.size, dtype=np.int64)
    taken, spare = np.empty(status.size, dtype=np.int64), 0
    for i in range(status.size):
        g = gang[i]
        in_use = status[i] == active_status
        if status[i] == stock_status:
            if need[g] == 0:
                need[g] = 1 + _sims_needed(
                    alive, low_until, staff, voip, messaging, active, g, day, calls, per_sim
                )
            if need[g] > 1:
                need[g] -= 1
                taken[spare] = i
                spare += 1
                in_use = True
        uses_today[i] = in_use
        if in_use:
            last_used[i] = day
            by_iot[g] += kind[i] == iot
    for i in taken[:spare]:
        active[gang[i], 1] += 1
    busy = np.zeros(alive.size)
    reached = np.zeros(counts.shape)
    for g in range(alive.size):
        if alive[g] != 1 or low_until[g] > day:
            continue
        by_sim = active[g, 1] * per_sim
        by_phone = by_sim + voip[g] + messaging[g]
        most = staff[g] * calls
        busy[g] = (min(most, by_phone) if phones_bind else most) * season
        if by_phone > 0.0:
            part, here, of_iot = busy[g] / by_phone, region[g], by_iot[g] * per_sim
            reached[VOIP, here] += part * voip[g]
            reached[MESSAGING, here] += part * messaging[g]
            reached[IOT, here] += part * of_iot
            reached[SIM, here] += part * (by_sim - of_iot)
    for means in range(counts.shape[0]):
        for place in range(counts.shape[1]):
            counts[means, place] += int(np.rint(reached[means, place]))
    return busy, taken[:spare]


@compiled("i8(f8[::1],i8,f8)")
def _add_part(parts: np.ndarray, n: int, x: float) -> int:
    """Add ``x`` to a sum held as ``n`` parts that rise and do not overlap; returns how many there are now.

    Shewchuk (1997), grow-expansion: nothing is rounded away.
    """
    kept = 0
    for j in range(n):
        y = parts[j]
        if abs(x) < abs(y):
            x, y = y, x
        high = x + y
        low = y - (high - x)
        if low != 0.0:
            parts[kept] = low
            kept += 1
        x = high
    if x != 0.0:
        parts[kept] = x
        kept += 1
    return kept


@compiled("f8(f8[::1],i8)")
def _rounded_once(parts: np.ndarray, n: int) -> float:
    """The sum of the first ``n`` parts, which rise and do not overlap, rounded half to even."""
    if n == 0:
        return 0.0
    n -= 1
    high, low = parts[n], 0.0
    while n > 0:
        n -= 1
        x, y = high, parts[n]
        high = x + y
        low = y - (high - x)
        if low != 0.0:
            break
    # Where what is left lies half-way, the part below decides which way to round.
    if n > 0 and ((low < 0.0 and parts[n - 1] < 0.0) or (low > 0.0 and parts[n - 1] > 0.0)):
        y = low * 2.0
        x = high + y
        if y == x - high:
            high = x
    return float(high)


@compiled("f8[::1](f8[::1],f8[:,::1])")
def exact_sums(weight: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The sum of ``weight * column`` for each column of ``values`` (n, k), exact and rounded once.

    As by ``math.fsum`` of the products, so the order of the rows does not matter.  Each product is cut into
    three whole numbers of 40 bits below the largest one's power of two, and these are summed as integers; the
    little that a product holds beyond 120 bits is added part by part.  Up to 2**23 rows.
    """
    sums, parts = np.zeros(values.shape[1]), np.empty(MOST_PARTIALS)
    for k in range(values.shape[1]):
        largest = 0.0
        for i in range(weight.size):
            largest = max(largest, abs(weight[i] * values[i, k]))
        if largest == 0.0:
            continue
        _, exponent = math.frexp(largest)
        scale = math.ldexp(1.0, LIMB - exponent)
        first, second, third, n = 0, 0, 0, 0
        for i in range(weight.size):
            x = weight[i] * values[i, k] * scale
            whole = np.trunc(x)
            first += int(whole)
            x = (x - whole) * LIMB_STEP
            whole = np.trunc(x)
            second += int(whole)
            x = (x - whole) * LIMB_STEP
            whole = np.trunc(x)
            third += int(whole)
            if x != whole:
                n = _add_part(parts, n, (x - whole) / (LIMB_STEP * LIMB_STEP))
        unit = 1.0
        for limb in (first, second, third):
            n = _add_part(parts, n, float(limb >> 32) * 2.0**32 * unit)
            n = _add_part(parts, n, float(limb & 0xFFFFFFFF) * unit)
            unit /= LIMB_STEP
        sums[k] = _rounded_once(parts, n) / scale
    return sums


@compiled(
    "Tuple((f8[:,::1],f8[::1],f8[:,::1],f8[:,::1]))(f8[::1],f8[::1],f8[::1],f8[::1],f8[::1],f8[::1],f8,f8,f8[::1])"
)
def exposure(
    share: np.ndarray,
    covered: np.ndarray,
    awareness: np.ndarray,
    beta: np.ndarray,
    success: np.ndarray,
    orders: np.ndarray,
    dissuasion: float,
    scale: float,
    making: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Who can fall victim today: what app, awareness (4.10) and dissuasion leave of adults and of success.

    By region: ``share`` of adults, share ``covered`` by the app, ``awareness``, ``orders`` that meet a case
    in the making (real ones).  By method: effect ``beta`` of awareness, ``success`` per contact, and cases in
    the ``making``, simulated, if all adults were unprotected and unaware (needed where something acts).  An
    order that meets a case stops it with probability ``dissuasion``.

    Returns the exposure (regions, methods), success by method in the nation, and cases averted in
    expectation, each cause with the others at work: by app and by orders (2, regions), and by awareness
    (regions, methods).
    """
    regions, methods = share.size, beta.size
    weight, by_awareness = np.empty((regions, methods)), np.empty((regions, methods))
    averted, national = np.zeros((2, regions)), np.zeros(methods)
    aware = np.empty(methods)
    for r in range(regions):
        met = 0.0
        for k in range(methods):
            aware[k] = math.exp(-beta[k] * awareness[r])
            weight[r, k] = share[r] * (1.0 - covered[r]) * aware[k]
            met += weight[r, k] * making[k]
        stays = 1.0
        if orders[r] > 0.0 and met > 0.0:
            stays = 1.0 + dissuasion * math.expm1(-(orders[r] / (met * scale)))
        for k in range(methods):
            weight[r, k] *= stays
            national[k] += weight[r, k]
            made = share[r] * making[k]
            averted[0, r] += made * aware[k] * stays * covered[r]
            averted[1, r] += made * aware[k] * (1.0 - covered[r]) * (1.0 - stays)
            by_awareness[r, k] = made * (1.0 - covered[r]) * stays * (1.0 - aware[k])
    return weight, success * national, averted, by_awareness


@compiled("i8(f8[::1],f8)")
def _first_above(edges: np.ndarray, u: float) -> int:
    """The first of the rising ``edges`` whose share of the last one exceeds ``u``, by bisection."""
    low, high = 0, edges.size - 1
    while low < high:
        middle = (low + high) // 2
        if edges[middle] / edges[-1] <= u:
            low = middle + 1
        else:
            high = middle
    return low


@compiled("i8(f8[::1],f8)", inline=True)
def _pick(weight: np.ndarray, u: float) -> int:
    """The cell that a uniform number chooses in proportion to the weights, as `sim.arrays.pick`."""
    total = 0.0
    for k in range(weight.size):
        total += weight[k]
    target, edge, chosen = u * total, 0.0, 0
    for k in range(weight.size - 1):
        edge += weight[k]
        chosen += edge <= target
    return chosen


@compiled(
    "Tuple((i8[::1],u8[::1],i8[::1],i8[::1],i8[::1],i8[::1],f8[::1]))(u8,i8[::1],i8,u8[::1],f8[::1],f8[::1],"
    "i8[::1],f8[:,::1],f8[:,::1],f8[::1],f8[::1],f8[::1],f8,f8,f8[:,::1])"
)
def potential_cases(
    run: np.uint64,
    processes: np.ndarray,
    day: int,
    keys: np.ndarray,
    busy: np.ndarray,
    rate: np.ndarray,
    made: np.ndarray,
    method_mix: np.ndarray,
    channel_mix: np.ndarray,
    skill: np.ndarray,
    success: np.ndarray,
    loss: np.ndarray,
    loss_sd: float,
    half_variance: float,
    weight: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Cases that would come about today with cards for all.

    Returns their gang, key, method, region, fen, the channel wished for, and numbers in (0, 1) that tell
    their places in the queue for channels.

    ``processes``: numbers of the draws for the count of cases, method, amount, region and channel.  By gang:
    ``keys``, ``busy`` (people reached) and ``rate`` (cases per person, the Poisson mean is their product),
    ``made`` (cases so far, raised), ``method_mix`` (gangs, methods), ``channel_mix`` (gangs, channels),
    ``skill``.  By method: ``success``, ``loss`` (mean, yuan).  ``weight`` (regions, methods): exposure.
    A case's amount is lognormal, 1 yuan at least.
    """
    gangs, methods, regions = keys.size, success.size, weight.shape[0]
    u = np.empty(gangs)
    uniforms_into(run, processes[0], day, keys, 0, u)
    count, n = np.zeros(gangs, dtype=np.int64), 0
    for g in range(gangs):
        mean = busy[g] * rate[g]
        if mean > POISSON_INVERSION_LIMIT:
            count[g] = poisson_at(run, processes[0], day, keys[g], 0, mean)
        elif mean != 0.0:
            count[g] = poisson_inverse(u[g], mean)
        n += count[g]
    gang, creator, number = np.empty(n, np.int64), np.empty(n, np.uint64), np.empty(n, np.uint64)
    i = 0
    for g in range(gangs):
        for _ in range(count[g]):
            gang[i], creator[i], number[i] = g, keys[g], made[g]
            made[g] += 1
            i += 1
    key, draws = np.empty(n, np.uint64), np.empty((5, n))
    child_keys_into(creator, number, key)
    for k in range(4):
        uniforms_into(run, processes[1 + k], day, key, 0, draws[k])
    uniforms_into(run, processes[4], day, key, 1, draws[4])
    method, region, amount, wish = (
        np.empty(n, np.int64),
        np.empty(n, np.int64),
        np.empty(n, np.int64),
        np.empty(n, np.int64),
    )
    chance, edges = np.empty(methods), np.empty((methods, regions))
    for k in range(methods):
        edge = 0.0
        for r in range(regions):
            edge += weight[r, k]
            edges[k, r] = edge
    for i in range(n):
        g = gang[i]
        for k in range(methods):
            chance[k] = method_mix[g, k] * success[k]
        method[i] = _pick(chance, draws[0, i])
        z = normal_quantile(draws[1, i])
        yuan = loss[method[i]] * skill[g] * math.exp(loss_sd * z - half_variance)
        amount[i] = max(whole_fen(yuan), 100)
        region[i] = _first_above(edges[method[i]], draws[2, i])
        wish[i] = _pick(channel_mix[g], draws[3, i])
    return gang, key, method, region, amount, wish, draws[4]
