"""The weekly decisions of gangs, row by row; where their numbers come from stands with `GangRules`.

Columns are those of the table of gangs, changed in place for the ``rows`` (int64, n) that decide; columns of
two are by goods (sets, phone cards).
"""

import math

import numpy as np

from sim.kernels import FLOATS, KEYS, compiled
from sim.kernels.decisions import ROWS, expected_uses, hear
from sim.kernels.philox import uniform_at
from sim.kernels.sampling import rounded_at


@compiled("f8(f8[::1])", inline=True)
def _sum_by_pairs(values: np.ndarray) -> float:
    """The sum of some numbers, pair by pair (as numpy adds eight of them); ``values`` are used up."""
    n = values.size
    while n > 1:
        for i in range(n // 2):
            values[i] = values[2 * i] + values[2 * i + 1]
        if n % 2:
            values[n // 2] = values[n - 1]
        n = (n + 1) // 2
    total: float = values[0]
    return total


@compiled(
    f"void({ROWS},f8[:,::1],f8[:,::1],f8[::1],f8[:,::1],f8[:,::1],f8[::1],i8[::1],f8[::1],{FLOATS},{FLOATS},"
    "i8,i8,f8,f8,f8,f8,f8,f8,f8,f8,b1,b1)"
)
def learn_channels(
    rows: np.ndarray,
    tried: np.ndarray,
    earned: np.ndarray,
    experience: np.ndarray,
    attraction: np.ndarray,
    mix: np.ndarray,
    skill: np.ndarray,
    use_cap: np.ndarray,
    price_seen: np.ndarray,
    freeze_factor: np.ndarray,
    fees: np.ndarray,
    bought: int,
    unknown: int,
    phi: float,
    rho: float,
    delta: float,
    sensitivity: float,
    uses_per_case: float,
    take_yuan: float,
    frozen_share: float,
    detection: float,
    unknown_is_there: bool,
    chooses: bool,
) -> None:
    """Experience-weighted learning over channels and choice by softmax (equation 4.5).

    The payoff of a channel is per yuan of take: what was earned where it was tried, else ``delta`` of what it
    promises by its posted price.  Channel ``bought`` costs cards, ``unknown`` promises nothing before it is
    there.  ``freeze_factor`` and ``fees``: float64 (channels).
    """
    channels = tried.shape[1]
    raised = np.empty(channels)
    for r in rows:
        before = experience[r]
        after = rho * before + 1.0
        sets = uses_per_case / expected_uses(detection, use_cap[r])
        best = -np.inf
        for k in range(channels):
            if tried[r, k] > 0.0:
                payoff = earned[r, k] / tried[r, k]
            else:
                promised = 1.0 - min(frozen_share * freeze_factor[k], 1.0) - fees[k]
                if k == bought:
                    promised -= price_seen[r] * sets / (take_yuan * skill[r])
                if k == unknown:
                    promised *= 1.0 if unknown_is_there else 0.0
                payoff = delta * promised
            attraction[r, k] = (phi * before * attraction[r, k] + payoff) / after
            best = max(best, sensitivity * attraction[r, k])
            tried[r, k] = 0.0
            earned[r, k] = 0.0
        experience[r] = after
        if chooses:
            for k in range(channels):
                raised[k] = math.exp(sensitivity * attraction[r, k] - best)
                mix[r, k] = raised[k]
            total = _sum_by_pairs(raised)
            for k in range(channels):
                mix[r, k] /= total


@compiled(f"void({ROWS},i8[::1],f8[::1],f8[::1],f8,f8,f8,i8,i8)")
def move_caps(
    rows: np.ndarray,
    use_cap: np.ndarray,
    price_seen: np.ndarray,
    skill: np.ndarray,
    uses_per_case: float,
    take_yuan: float,
    detection: float,
    lowest: int,
    highest: int,
) -> None:
    """The use cap rises by one while one more use saves more than it risks, else falls (equation 4.6)."""
    for r in rows:
        saved = price_seen[r] / expected_uses(detection, use_cap[r])
        at_risk = take_yuan * skill[r] / uses_per_case
        step = 1 if (1.0 - detection) * saved - detection * at_risk >= 0.0 else -1
        use_cap[r] = min(max(use_cap[r] + step, lowest), highest)


@compiled("f8(f8,f8,f8,f8,f8,f8)", inline=True)
def _grown(
    column: float, capacity: float, missing: float, start: float, weeks: float, decline: float
) -> float:
    """A means of contact without cards closes part of what is missing, and declines when not needed."""
    floor = start * capacity
    grown = column + missing / weeks - decline * max(column - floor, 0.0)
    return min(max(grown, floor), capacity)


@compiled(
    f"void({ROWS},u8,i8,i8,i8,{KEYS},u1[::1],i4[::1],f8[::1],f8[::1],i8[::1],f8[::1],f8[::1],f8[::1],f8[:,::1],"
    "i8[:,::1],f8[:,::1],f8[:,::1],i8[:,::1],i8[:,::1],i8[:,::1],f8,f8,f8,f8,f8,f8,f8,f8,f8,f8,f8,b1,b1,f8,f8,f8,"
    "f8,f8,f8,f8,i8[::1],i8[::1])"
)
def order_cards(
    rows: np.ndarray,
    key: np.uint64,
    stock_level: int,
    rounding: int,
    day: int,
    keys: np.ndarray,
    region: np.ndarray,
    staff: np.ndarray,
    skill: np.ndarray,
    cover: np.ndarray,
    use_cap: np.ndarray,
    wanted_uses: np.ndarray,
    voip: np.ndarray,
    messaging: np.ndarray,
    need: np.ndarray,
    order: np.ndarray,
    fresh_need: np.ndarray,
    bid: np.ndarray,
    in_stock: np.ndarray,
    under_way: np.ndarray,
    active: np.ndarray,
    take_yuan: float,
    kept: float,
    detection: float,
    uses_per_case: float,
    memory: float,
    safety: float,
    raised_cover: float,
    unplaced: float,
    value_share: float,
    calls: float,
    calls_per_sim: float,
    voip_grows: bool,
    messaging_grows: bool,
    voip_start: float,
    messaging_start: float,
    voip_weeks: float,
    messaging_weeks: float,
    decline: float,
    sim_loss: float,
    sim_value: float,
    orders: np.ndarray,
    sets_needed: np.ndarray,
) -> None:
    """Order up to the cover of what is needed, and bid up to a share of a card's value (4.7, 4.8).

    Sets are needed for the uses that the week's cases called for (``wanted_uses``, set to 0), as remembered;
    phone cards for the contacts that ``staff`` can make (``calls`` each) and no other means carries, plus
    those lost in a week (``sim_loss``).  ``voip`` and ``messaging`` (contacts a day without a card) begin at
    a share of what the staff can do and close the gap in so many weeks.

    ``take_yuan``: of a case, by a gang of skill 1, ``kept`` the share not frozen; ``raised_cover``: factor on
    the cover.  ``orders`` and ``sets_needed`` (places, added to): sets newly on order, and whole sets around
    the week's need.
    """
    for r in rows:
        take = take_yuan * skill[r] * kept
        uses = expected_uses(detection, use_cap[r])
        sets = wanted_uses[r] / uses
        wanted_uses[r] = 0.0
        need[r, 0] += memory * (sets - need[r, 0])
        level = safety + need[r, 0] * cover[r] * raised_cover
        target = rounded_at(key, stock_level, 0, keys[r], 0, level)
        gap = max(target - (in_stock[r, 0] + under_way[r, 0]), 0)
        orders[region[r]] += max(gap - order[r, 0], 0)
        sets_needed[region[r]] += rounded_at(key, rounding, day, keys[r], 0, sets)
        order[r, 0] = gap
        fresh_need[r, 0] = unplaced * fresh_need[r, 0] + sets
        bid[r, 0] = value_share * uses * take / uses_per_case

        capacity = staff[r] * calls
        in_use = active[r, 1]
        missing = max(capacity - (voip[r] + messaging[r]) - in_use * calls_per_sim, 0.0)
        if voip_grows:
            voip[r] = _grown(voip[r], capacity, missing, voip_start, voip_weeks, decline)
        if messaging_grows:
            messaging[r] = _grown(messaging[r], capacity, missing, messaging_start, messaging_weeks, decline)
        want = np.ceil(max(capacity - voip[r] - messaging[r], 0.0) / calls_per_sim)
        lost = want * sim_loss
        goal = want + np.ceil(lost * cover[r] * raised_cover)
        order[r, 1] = np.int64(max(goal - (in_stock[r, 1] + under_way[r, 1]) - in_use, 0.0))
        fresh_need[r, 1] = unplaced * fresh_need[r, 1] + lost
        bid[r, 1] = sim_value * take


@compiled(
    f"void({ROWS},u8,i8,i8,i8,{KEYS},u1[::1],i4[::1],f8[:,::1],i4[::1],i4[::1],{FLOATS},f8,f8,b1,f8,i8,b1,f8,"
    "f8,i8,i8,i8,i8[::1])"
)
def fear_arrest(
    rows: np.ndarray,
    key: np.uint64,
    lying_low: int,
    relocation: int,
    day: int,
    keys: np.ndarray,
    region: np.ndarray,
    staff: np.ndarray,
    risk_seen: np.ndarray,
    low_until: np.ndarray,
    transit_days: np.ndarray,
    removal: np.ndarray,
    peers: float,
    decay: float,
    lies_low: bool,
    low_weight: float,
    low_days: int,
    moves: bool,
    move_weight: float,
    open_border: float,
    move_days: int,
    abroad: int,
    transit_abroad: int,
    moved: np.ndarray,
) -> None:
    """Gangs hear what befell their peers; they lie low (4.9) or, at home, move abroad by it (4.4).

    ``removal``: share of peers removed in the week by place; ``open_border``: share of moves that the border
    lets pass.  ``moved`` (places, added to): gangs that moved, by the home they left.
    """
    for r in rows:
        belief = hear(risk_seen, r, removal[region[r]], peers, decay)
        if lies_low and uniform_at(key, lying_low, day, keys[r], 0) < -math.expm1(-low_weight * belief):
            low_until[r] = day + low_days
        if not moves or region[r] == abroad or staff[r] <= 0:
            continue
        chance = -math.expm1(-move_weight * belief) * open_border
        if uniform_at(key, relocation, day, keys[r], 0) < chance:
            moved[region[r]] += 1
            region[r] = abroad
            transit_days[r] = transit_abroad
            low_until[r] = max(low_until[r], day + move_days)
