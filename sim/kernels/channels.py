"""How a day's cases find a channel: on cards, on own accounts, in pools; the uses of cards that they take.

Cases are parallel arrays (see `sim.kernels.cases`).
"""

import numpy as np

from sim.kernels import compiled
from sim.kernels.chain import assign_uses, capacity


@compiled("i8[::1](u1[::1],i4[::1],u2[::1],i8,i8,i8,i8,i8[::1],i4[::1],f8[::1],f8,f8)")
def _rooms(
    status: np.ndarray,
    gang: np.ndarray,
    uses: np.ndarray,
    active: int,
    stock: int,
    per_day: int,
    uses_per_case: int,
    cap: np.ndarray,
    staff: np.ndarray,
    own_left: np.ndarray,
    own_rate: float,
    own_store: float,
) -> np.ndarray:
    """Cases that each gang's cards can carry today, int64 (gangs); room on accounts of its members grows.

    Columns of cards up to ``uses`` (see `capacity`), of gangs from ``cap`` on.  ``own_left``, in cases, rises
    by ``own_rate`` a day and person, up to ``own_store`` days of it and one case at least.
    """
    by_cards = np.zeros(cap.size, dtype=np.int64)
    capacity(status, gang, uses, active, stock, cap, per_day, by_cards)
    for g in range(cap.size):
        by_cards[g] //= uses_per_case
        rate = staff[g] * own_rate
        own_left[g] = min(own_left[g] + rate, max(rate * own_store, 1.0))
    return by_cards


@compiled("b1(i8,i8,i8,i8,i8[::1],f8[::1],i8[::1])", inline=True)
def _finds_room(
    channel: int,
    gang: int,
    bought: int,
    own: int,
    by_cards: np.ndarray,
    own_left: np.ndarray,
    pool: np.ndarray,
) -> bool:
    """Take a case's room on a channel, if there is any."""
    if channel == own:
        found = bool(own_left[gang] >= 1.0)
        own_left[gang] -= found
    elif channel == bought:
        found = bool(by_cards[gang] > 0)
        by_cards[gang] -= found
    else:
        found = bool(pool[channel] > 0)
        pool[channel] -= found
    return found


@compiled("i8[::1](i8[::1],i8[::1],i8[::1],i8[::1],i8,i8,i8,i8[::1],f8[::1],i8[::1])")
def _find_channels(
    queue: np.ndarray,
    gang: np.ndarray,
    wish: np.ndarray,
    fallbacks: np.ndarray,
    bought: int,
    own: int,
    lost: int,
    by_cards: np.ndarray,
    own_left: np.ndarray,
    pool: np.ndarray,
) -> np.ndarray:
    """Channel of each case: the one it wishes for if there is room, else the first of ``fallbacks`` that has
    room, else ``lost``.

    ``queue`` (n): the order in which cases ask; all wishes come before any fallback.  Room in cases, lowered
    in place: ``by_cards`` and ``own_left`` (gangs) for the channels ``bought`` and ``own``, ``pool``
    (channels) for the others.
    """
    channel = np.empty(wish.size, dtype=np.int64)
    for i in queue:
        found = _finds_room(wish[i], gang[i], bought, own, by_cards, own_left, pool)
        channel[i] = wish[i] if found else lost
    for i in queue:
        if channel[i] != lost:
            continue
        for kind in fallbacks:
            if _finds_room(kind, gang[i], bought, own, by_cards, own_left, pool):
                channel[i] = kind
                break
    return channel


@compiled("void(i8[::1],i8[::1],i8[::1],i8[::1],i8,i8,f8,f8[:,::1],f8[::1],i8[:,::1])")
def _remember(
    gang: np.ndarray,
    region: np.ndarray,
    wish: np.ndarray,
    channel: np.ndarray,
    bought: int,
    lost: int,
    uses_per_case: float,
    tried: np.ndarray,
    wanted_uses: np.ndarray,
    counts: np.ndarray,
) -> None:
    """What gangs learn from and what is counted: all cases (n), also those that found no channel.

    ``tried`` (gangs, channels): cases tried, by the channel found and by the one wished in vain;
    ``wanted_uses`` (gangs): uses of cards wished for; ``counts`` (channels + 1, places): cases by channel, in
    the last row those lost.  All are added to.
    """
    for i in range(gang.size):
        g, found = gang[i], channel[i]
        tried[g, wish[i]] += 1.0
        if found != wish[i] and found != lost:
            tried[g, found] += 1.0
        if wish[i] == bought:
            wanted_uses[g] += uses_per_case
        counts[found if found != lost else counts.shape[0] - 1, region[i]] += 1


@compiled(
    "i8[::1](i8[::1],i8[::1],i8[::1],i8[::1],i8[::1],i8,i8,i8,i8,u1[::1],i4[::1],u2[::1],i8,i8,i8,i8,i8[::1],"
    "i4[::1],f8[::1],f8[:,::1],f8[::1],f8,f8,i8[::1],i8[:,::1])"
)
def carry(
    queue: np.ndarray,
    case_gang: np.ndarray,
    region: np.ndarray,
    wish: np.ndarray,
    fallbacks: np.ndarray,
    bought: int,
    own: int,
    lost: int,
    without: int,
    status: np.ndarray,
    gang: np.ndarray,
    uses: np.ndarray,
    active: int,
    stock: int,
    per_day: int,
    uses_per_case: int,
    cap: np.ndarray,
    staff: np.ndarray,
    own_left: np.ndarray,
    tried: np.ndarray,
    wanted_uses: np.ndarray,
    own_rate: float,
    own_store: float,
    pool: np.ndarray,
    counts: np.ndarray,
) -> np.ndarray:
    """Find a channel for each of today's potential cases, remember and count: `_rooms`, `_find_channels`,
    `_remember`.  Cases that find none get the channel ``without``, which may be ``lost``.
    """
    by_cards = _rooms(
        status, gang, uses, active, stock, per_day, uses_per_case, cap, staff, own_left, own_rate, own_store
    )
    channel = _find_channels(queue, case_gang, wish, fallbacks, bought, own, lost, by_cards, own_left, pool)
    for i in range(channel.size):
        if channel[i] == lost:
            channel[i] = without
    _remember(case_gang, region, wish, channel, bought, lost, uses_per_case, tried, wanted_uses, counts)
    return channel


@compiled(
    "Tuple((i8[::1],i8))(i8[::1],i8[::1],i8[::1],i8,i8,u1[::1],i4[::1],u2[::1],u1[::1],i4[::1],i8[::1],i8[::1],"
    "i8,i8,i8,i8,i8[::1])"
)
def use_cards(
    case_gang: np.ndarray,
    channel: np.ndarray,
    fen: np.ndarray,
    bought: int,
    uses_per_case: int,
    status: np.ndarray,
    gang: np.ndarray,
    uses: np.ndarray,
    uses_today: np.ndarray,
    last_used: np.ndarray,
    flow: np.ndarray,
    balance: np.ndarray,
    active: int,
    stock: int,
    per_day: int,
    day: int,
    cap: np.ndarray,
) -> tuple[np.ndarray, int]:
    """Put the uses of today's cases on bought accounts on the gangs' cards, those in use first.

    By case: its gang, ``channel`` and ``fen``; a gang's uses share its money equally.  Columns of cards from
    ``status`` to ``balance`` (today's money), written from ``uses`` on; ``cap`` by gang.  Returns the rows of
    cards taken into use, and how many uses found no card.
    """
    need, each = np.zeros(cap.size, dtype=np.int64), np.zeros(cap.size, dtype=np.int64)
    for i in range(case_gang.size):
        if channel[i] == bought:
            need[case_gang[i]] += uses_per_case
            each[case_gang[i]] += fen[i]
    for g in range(cap.size):
        each[g] //= max(need[g], 1)
    activated = np.zeros(status.size, dtype=np.uint8)
    for i in range(status.size):
        uses_today[i] = 0
        balance[i] = 0
    for phase in range(2):
        assign_uses(
            status,
            gang,
            uses,
            uses_today,
            flow,
            balance,
            active,
            stock,
            per_day,
            cap,
            phase,
            need,
            each,
            activated,
        )
    rows, taken, missing = np.empty(status.size, dtype=np.int64), 0, 0
    for i in range(status.size):
        if uses_today[i] > 0:
            last_used[i] = day
            if activated[i]:
                rows[taken] = i
                taken += 1
    for g in range(cap.size):
        missing += need[g]
    return rows[:taken], missing


@compiled("i8[::1](f8[::1],f8[::1],f8)")
def pool_room(daily: np.ndarray, stored: np.ndarray, days: float) -> np.ndarray:
    """Whole cases that each pool can carry today, int64 (channels).

    ``stored`` (channels), in cases, rises by a ``daily`` capacity, up to that of some ``days`` and one case.
    """
    room = np.empty(daily.size, dtype=np.int64)
    for k in range(daily.size):
        stored[k] = min(stored[k] + daily[k], daily[k] * days + 1.0)
        room[k] = int(np.floor(stored[k]))
    return room


@compiled("void(f8[::1],i8[::1],f8[::1],f8[::1],f8)")
def pool_use(daily: np.ndarray, taken: np.ndarray, stored: np.ndarray, used: np.ndarray, days: float) -> None:
    """Take cases out of the store; the share of a ``daily`` capacity in ``used`` is a mean over ``days``."""
    for k in range(daily.size):
        stored[k] -= taken[k]
        share = taken[k] / daily[k] if daily[k] > 0.0 else 0.0
        used[k] += (share - used[k]) / days


@compiled("void(f8[::1],f8[::1],f8[::1],f8[::1],f8[::1],f8[::1],b1[::1])")
def pool_growth(
    capacity: np.ndarray,
    most: np.ndarray,
    growth: np.ndarray,
    cut: np.ndarray,
    used: np.ndarray,
    decline: np.ndarray,
    moves: np.ndarray,
) -> None:
    """A day of dK/dt = K (g c u (1 - K/Kmax) - d) for each channel that ``moves``, rates a year (4.14)."""
    for k in range(capacity.size):
        if moves[k]:
            change = growth[k] * cut[k] * used[k] * (1.0 - capacity[k] / most[k]) - decline[k]
            capacity[k] *= 1.0 + change / 365.25
