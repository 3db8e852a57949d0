"""Passes over the money of cases: the race of freeze and layering, what is settled today, reports' delays.

Cases are parallel arrays (see `sim.kernels.cases`).  All waits are exponential, ``-log(u)`` times a mean.
"""

import math

import numpy as np

from sim.kernels import compiled
from sim.kernels.decisions import expected_uses
from sim.kernels.philox import uniform_at, uniforms_into

DUE, SINCE, GANG, REGION, CHANNEL, FEN, STOPPED = range(7)
"""Columns of money in flight: the day on which it is settled, the day of its case, and 1 if it is frozen."""

LONGEST = 3650.0
"""Days in flight at most."""

SAID, WRITTEN, BY, PLACE, ON = range(5)
"""Columns of files: days of report and registration (-1: not accepted), gang, region, channel of the case."""

FROZEN, RETURNED, FEES, TO_GANGS, OUTSIDE = range(5)
"""Places in the sums of money settled today."""

VICTIM_DRAW, POLICE_DRAW = 20, 21
"""Draws of the race after those of the hops, which are 1, 2, .."""


@compiled("f8(u8,i8,i8,u8,i8)", inline=True)
def _exponential_at(run: np.uint64, process: int, day: int, key: np.uint64, draw: int) -> float:
    """The exponential number of mean 1 of one decision."""
    return -math.log(uniform_at(run, process, day, key, draw))


@compiled(
    "Tuple((f8[::1],f8[::1],f8[:,::1]))(u8,i8,i8,i8,u8[::1],i8[::1],i8[::1],i8[::1],b1[::1],f8[::1],b1[::1],"
    "i8,f8,f8,f8,f8[::1],f8[::1],f8[::1],f8[::1])"
)
def race(
    run: np.uint64,
    process: int,
    link_process: int,
    day: int,
    key: np.ndarray,
    region: np.ndarray,
    channel: np.ndarray,
    fen: np.ndarray,
    reported: np.ndarray,
    speed: np.ndarray,
    on_accounts: np.ndarray,
    hops: int,
    layering_days: float,
    victim_delay: float,
    police_delay: float,
    layering_factor: np.ndarray,
    freeze_factor: np.ndarray,
    link_share: np.ndarray,
    link_delay: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Days until each case's money has passed all hops, and until it is stopped (equation 4.13).

    Columns of cases from ``key`` to ``reported``; money that nobody reports is never stopped (infinity).
    ``speed`` (channels): factor on the rate of a freeze; ``on_accounts`` (channels): whether the money goes
    from bank account to bank account, where ``layering_factor`` slows it.  By region: that factor,
    ``freeze_factor`` on the police's rate, the share of cases with a link of ``link_delay`` days at most.

    Also returns yuan (2, regions) that would have escaped without the faster freeze and the link, and without
    the slower layering.
    """
    n = key.size
    passed, stopped = np.empty(n), np.empty(n)
    saved = np.zeros((2, freeze_factor.size))
    each = layering_days / hops
    for i in range(n):
        here, on = region[i], channel[i]
        total = 0.0
        for hop in range(hops):
            total += _exponential_at(run, process, day, key[i], 1 + hop)
        layered = each * total
        passed[i] = layered * (layering_factor[here] if on_accounts[on] else 1.0)
        stopped[i] = np.inf
        if not reported[i]:
            continue
        delay = police_delay / freeze_factor[here]
        if link_share[here] > 0.0 and uniform_at(run, link_process, day, key[i], 0) < link_share[here]:
            delay = min(delay, link_delay[here])
        victim = victim_delay * _exponential_at(run, process, day, key[i], VICTIM_DRAW)
        police = _exponential_at(run, process, day, key[i], POLICE_DRAW)
        stopped[i] = (victim + delay * police) / speed[on]
        if stopped[i] < passed[i]:
            if (victim + police_delay * police) / speed[on] >= passed[i]:
                saved[0, here] += fen[i] / 100.0
            if stopped[i] >= layered:
                saved[1, here] += fen[i] / 100.0
    return passed, stopped, saved


@compiled("b1[::1](u8,i8,i8,u8[::1],i8[::1],f8[::1],f8[::1],f8,f8,f8,f8)")
def who_reports(
    run: np.uint64,
    process: int,
    day: int,
    key: np.ndarray,
    region: np.ndarray,
    awareness: np.ndarray,
    lift: np.ndarray,
    share: float,
    rise: float,
    shock: float,
    most: float,
) -> np.ndarray:
    """Mask of the cases (``key``, ``region``) whose victims report (equation 4.11).

    The ``share`` rises with ``awareness`` and the ``lift`` of measures, both by region, and by a shared
    ``shock``, up to ``most``.
    """
    u, reported = np.empty(key.size), np.empty(key.size, dtype=np.bool_)
    uniforms_into(run, process, day, key, 0, u)
    for i in range(key.size):
        here = region[i]
        reported[i] = u[i] < min(share * (1.0 + rise * awareness[here] + lift[here]) * shock, most)
    return reported


@compiled("f8(f8,f8,i8,i8,i8,i8,f8[::1])", inline=True)
def _lesson(
    kept: float, cards: float, fen: int, channel: int, bought: int, own: int, felt: np.ndarray
) -> float:
    """Share of a take that a gang kept, less its ``cards`` (yuan) or the felt cost of ``own`` accounts."""
    if channel == bought:
        return kept - min(cards * 100.0 / fen, 1.0)
    return kept - min(float(felt[own]), 1.0) if channel == own else kept


@compiled("void(i8[:,::1],i8,i8[:,::1],i8)", inline=True)
def _copy_row(source: np.ndarray, i: int, target: np.ndarray, j: int) -> None:
    """Write row ``i`` of a matrix to row ``j`` of another."""
    for c in range(source.shape[1]):
        target[j, c] = source[i, c]


@compiled("i8[:,::1](i8,i8[:,::1],i8[::1],i8[::1],i8[::1],i8[::1],f8[::1],f8[::1])")
def take_off(
    day: int,
    flight: np.ndarray,
    gang: np.ndarray,
    region: np.ndarray,
    channel: np.ndarray,
    fen: np.ndarray,
    passed: np.ndarray,
    stopped: np.ndarray,
) -> np.ndarray:
    """Money in flight (n, 7) and behind it that of today's cases: it is stopped or passes, as comes first."""
    n = flight.shape[0]
    rows = np.empty((n + gang.size, flight.shape[1]), dtype=np.int64)
    for i in range(n):
        _copy_row(flight, i, rows, i)
    for i in range(gang.size):
        one = rows[n + i]
        one[DUE] = day + int(min(passed[i], stopped[i], LONGEST))
        one[SINCE], one[GANG], one[REGION] = day, gang[i], region[i]
        one[CHANNEL], one[FEN], one[STOPPED] = channel[i], fen[i], stopped[i] < passed[i]
    return rows


@compiled(
    "Tuple((i8[:,::1],i8[::1],i8[::1],i8[::1],i8[::1]))(i8,i8[:,::1],u1[::1],u1[::1],i8[::1],i8[::1],f8[::1],"
    "i8[::1],f8[:,::1],f8,f8,f8,f8[::1],f8[::1],i8,i8,i8,i8[:,::1])"
)
def settle(
    day: int,
    flight: np.ndarray,
    alive: np.ndarray,
    home: np.ndarray,
    cash: np.ndarray,
    income: np.ndarray,
    price_seen: np.ndarray,
    use_cap: np.ndarray,
    earned: np.ndarray,
    detection: float,
    uses_per_case: float,
    returned: float,
    fees: np.ndarray,
    felt: np.ndarray,
    bought: int,
    own: int,
    regions: int,
    counts: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Settle what is due today: frozen money, of which victims get a share back, or a payment to the gang.

    ``flight`` (n, 7), in the order in which cases happened; of the cases of a day those frozen come first.
    Columns of gangs from ``alive`` to ``earned`` (gangs, channels); ``cash``, ``income`` and ``earned`` are
    added to.  Gangs learn the share of a take that they kept, less what the cards cost (expected uses:
    equation 4.6) or the felt cost of ``own`` accounts.  ``fees`` and ``felt`` (channels): shares of the take.
    ``counts`` (2, places), added to: fen frozen by region of the victim, fen paid out by home of the gang.

    Returns what is still in flight, cards to be frozen by gang, frozen cases by region, money by place
    (`FROZEN` to `OUTSIDE`, fen), and how many cases brought nothing and how many there were.
    """
    need, stopped = np.zeros(alive.size, dtype=np.int64), np.zeros(regions, dtype=np.int64)
    money, settled = np.zeros(5, dtype=np.int64), np.zeros(2, dtype=np.int64)
    start, left = 0, 0
    still = np.empty(flight.shape, dtype=np.int64)
    while start < flight.shape[0]:
        end, total = start, 0
        while end < flight.shape[0] and flight[end, SINCE] == flight[start, SINCE]:
            one = flight[end]
            end += 1
            if one[DUE] != day:
                _copy_row(flight, end - 1, still, left)
                left += 1
            elif one[STOPPED]:
                g, on, here, fen = one[GANG], one[CHANNEL], one[REGION], one[FEN]
                total += fen
                counts[0, here] += fen
                stopped[here] += 1
                need[g] += on == bought
                settled[0] += 1
                settled[1] += 1
                cards = price_seen[g] * uses_per_case / expected_uses(detection, use_cap[g])
                earned[g, on] += _lesson(0.0, cards, fen, on, bought, own, felt)
        money[FROZEN] += total
        money[RETURNED] += int(total * returned)
        for i in range(start, end):
            one = flight[i]
            if one[DUE] == day and not one[STOPPED]:
                g, on, fen = one[GANG], one[CHANNEL], one[FEN]
                fee = int(np.rint(fen * fees[on]))
                net = fen - fee
                money[FEES] += fee
                if alive[g] == 1:
                    money[TO_GANGS] += net
                    cash[g] += net
                    income[g] += net
                    counts[1, home[g]] += net
                else:
                    money[OUTSIDE] += net
                settled[0] += net == 0
                settled[1] += 1
                cards = price_seen[g] * uses_per_case / expected_uses(detection, use_cap[g])
                earned[g, on] += _lesson(net / fen, cards, fen, on, bought, own, felt)
        start = end
    return still[:left], need, stopped, money, settled


@compiled(
    "Tuple((i8[:,::1],u8[::1]))(u8,i8,i8,i8[:,::1],u8[::1],u8[::1],i8[::1],i8[::1],i8[::1],b1[::1],f8,f8,f8)"
)
def take_down(
    run: np.uint64,
    process: int,
    day: int,
    files: np.ndarray,
    keys: np.ndarray,
    key: np.ndarray,
    gang: np.ndarray,
    region: np.ndarray,
    channel: np.ndarray,
    reported: np.ndarray,
    report_delay: float,
    register_delay: float,
    accepted: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Files (n, 5) and their keys (n), and behind them those of today's ``reported`` cases.

    Waits are exponential with the given means, the second on top of the first; whole days are counted.  The
    police accept a share.
    """
    n = files.shape[0]
    rows, names = np.empty((n + key.size, 5), dtype=np.int64), np.empty(n + key.size, dtype=np.uint64)
    for i in range(n):
        _copy_row(files, i, rows, i)
        names[i] = keys[i]
    for i in range(key.size):
        if not reported[i]:
            continue
        wait = report_delay * _exponential_at(run, process, day, key[i], 0)
        one, names[n] = rows[n], key[i]
        one[SAID], one[WRITTEN] = day + int(wait), -1
        one[BY], one[PLACE], one[ON] = gang[i], region[i], channel[i]
        if uniform_at(run, process, day, key[i], 2) < accepted:
            one[WRITTEN] = day + int(wait + register_delay * _exponential_at(run, process, day, key[i], 1))
        n += 1
    return rows[:n], names[:n]


@compiled("Tuple((i8[:,::1],u8[::1],i8[:,::1],u8[::1]))(i8,i8[:,::1],u8[::1],i8[:,::1])")
def due_today(
    day: int, files: np.ndarray, keys: np.ndarray, counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Files (n, 5) and keys (n) that still wait; gang, region, channel (k, 3) and keys of those registered.

    ``counts`` (2, places), added to: cases reported and cases registered today, by region.
    """
    n = keys.size
    waiting, names = np.empty(files.shape, dtype=np.int64), np.empty(n, dtype=np.uint64)
    filed, filed_keys = np.empty((n, 3), dtype=np.int64), np.empty(n, dtype=np.uint64)
    left, done = 0, 0
    for i in range(n):
        one = files[i]
        if one[SAID] == day:
            counts[0, one[PLACE]] += 1
        if one[WRITTEN] == day:
            counts[1, one[PLACE]] += 1
            filed[done, 0], filed[done, 1], filed[done, 2] = one[BY], one[PLACE], one[ON]
            filed_keys[done] = keys[i]
            done += 1
        if one[SAID] > day or one[WRITTEN] > day:
            _copy_row(files, i, waiting, left)
            names[left] = keys[i]
            left += 1
    return waiting[:left], names[:left], filed[:done], filed_keys[:done]
