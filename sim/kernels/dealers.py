"""The weekly decisions of dealers, row by row; where their numbers come from stands with `DealerRules`.

Columns are those of the table of dealers, changed in place for the ``rows`` (int64, n) that decide; columns
of two are by goods (sets, phone cards).
"""

import math

import numpy as np

from sim.kernels import FLOATS, KEYS, compiled
from sim.kernels.decisions import ROWS, hear
from sim.kernels.philox import uniform_at
from sim.kernels.sampling import rounded_at


@compiled(f"void({ROWS},u8,i8,i8,{KEYS},u1[::1],f8[:,::1],i4[::1],f8[::1],{FLOATS},f8,f8,b1,f8,f8,i8,f8)")
def weigh_dealers_risk(
    rows: np.ndarray,
    key: np.uint64,
    lying_low: int,
    day: int,
    keys: np.ndarray,
    region: np.ndarray,
    risk_seen: np.ndarray,
    low_until: np.ndarray,
    efficiency: np.ndarray,
    removal: np.ndarray,
    peers: float,
    decay: float,
    lies_low: bool,
    low_weight: float,
    impulse: float,
    low_days: int,
    learning: float,
) -> None:
    """Dealers hear what befell their peers, lie low by it and the public ``impulse`` (4.9), and learn (4.3).

    ``removal``: share of peers removed in the week by place.
    """
    for r in rows:
        belief = hear(risk_seen, r, removal[region[r]], peers, decay)
        chance = -math.expm1(-low_weight * belief - impulse)
        if lies_low and uniform_at(key, lying_low, day, keys[r], 1) < chance:
            low_until[r] = day + low_days
        efficiency[r] += learning * (1.0 - efficiency[r])


@compiled("f8(f8,f8,f8)", inline=True)
def floor(cost: float, penalty: float, risk: float) -> float:
    """Lowest ask for a set: P = c + theta (c + F), theta = q / (1 - q) (equation 4.1).

    ``cost`` c and ``penalty`` F in yuan; ``risk``: believed probability q of removal per set sold.
    """
    q = min(risk, 0.5)
    return cost + q / (1.0 - q) * (cost + penalty)


@compiled("f8(f8,f8,f8,f8)", inline=True)
def _step(demand: float, supply: float, speed: float, limit: float) -> float:
    """Weekly step of the logarithm of a price: speed (D - S) / (D + S), at most the limit (equation 4.8)."""
    total = demand + supply
    pull = (demand - supply) / total if total > 0.0 else 0.0
    return min(max(speed * pull, -limit), limit)


@compiled(
    f"void({ROWS},i8,u1[::1],f8[:,::1],f8[:,::1],f8[:,::1],f8[:,::1],i8[:,::1],f8[:,::1],f8[::1],f8[::1],"
    f"f8[:,::1],f8,f8,f8,f8,f8,{FLOATS},f8)"
)
def move_asks(
    rows: np.ndarray,
    recruiter: int,
    tier: np.ndarray,
    ask: np.ndarray,
    need: np.ndarray,
    wanted: np.ndarray,
    supplied: np.ndarray,
    stock: np.ndarray,
    cost: np.ndarray,
    wage: np.ndarray,
    penalty: np.ndarray,
    risk_seen: np.ndarray,
    memory: float,
    idle: float,
    speed: float,
    limit: float,
    turnover_floor: float,
    handling: np.ndarray,
    sim_handling: float,
) -> None:
    """Log P' = log P + speed (D - S)/(D + S) (equation 4.8), never below the floor (equation 4.1).

    ``handling`` yuan a set by tier.  Replacement costs a ``recruiter`` its wage, a seller what it last paid.
    """
    for r in rows:
        belief = risk_seen[r, 0] / (risk_seen[r, 0] + risk_seen[r, 1])
        replacement = wage[r] if tier[r] == recruiter else cost[r, 0]
        risk = belief / max(need[r, 0], turnover_floor)
        lowest = floor(replacement + handling[tier[r]], penalty[r], risk)
        for goods in range(2):
            demand = need[r, goods] + memory * (wanted[r, goods] - need[r, goods])
            supply = supplied[r, goods] + stock[r, goods] + idle
            moved = ask[r, goods] * math.exp(_step(demand, supply, speed, limit))
            ask[r, goods] = max(moved, lowest if goods == 0 else cost[r, 1] + sim_handling)


@compiled(
    f"void({ROWS},i8,u1[::1],f8[::1],f8[::1],i8[::1],f8[:,::1],f8[::1],f8[::1],i8[:,::1],f8,f8,f8,f8,f8,f8)"
)
def move_wages(
    rows: np.ndarray,
    recruiter: int,
    tier: np.ndarray,
    wage: np.ndarray,
    got: np.ndarray,
    sets_got: np.ndarray,
    need: np.ndarray,
    cover: np.ndarray,
    paid: np.ndarray,
    stock: np.ndarray,
    memory: float,
    safety: float,
    speed: float,
    limit: float,
    handling: float,
    lowest: float,
) -> None:
    """Recruiters' wages: up while fewer sets come in than they sell and lack, within what the last sale left.

    ``sets_got`` (set to 0): sets of the week; ``paid``: yuan at the last sale; ``lowest`` wage in yuan.
    """
    for r in rows:
        if tier[r] != recruiter:
            continue
        got[r] += memory * (sets_got[r] - got[r])
        sets_got[r] = 0
        lacking = (need[r, 0] * cover[r] + safety - stock[r, 0]) * memory
        desired = max(need[r, 0] + lacking, 0.0)
        most = max(paid[r] - handling, lowest)
        moved = wage[r] * math.exp(_step(desired, got[r], speed, limit))
        wage[r] = min(max(moved, lowest), most)


@compiled(
    f"void({ROWS},u8,i8,i8,i8,{KEYS},u1[::1],f8[::1],f8[::1],i4[::1],f8[:,::1],f8[:,::1],f8[:,::1],f8[:,::1],"
    "i8[:,::1],i8[::1],f8[:,::1],f8[:,::1],i8[:,::1],f8,f8,f8,f8)"
)
def order_stock(
    rows: np.ndarray,
    key: np.uint64,
    stock_level: int,
    day: int,
    recruiter: int,
    keys: np.ndarray,
    tier: np.ndarray,
    efficiency: np.ndarray,
    cover: np.ndarray,
    low_until: np.ndarray,
    need: np.ndarray,
    wanted: np.ndarray,
    supplied: np.ndarray,
    fresh_need: np.ndarray,
    order: np.ndarray,
    sets_needed: np.ndarray,
    ask: np.ndarray,
    bid: np.ndarray,
    stock: np.ndarray,
    memory: float,
    safety: float,
    unplaced: float,
    handling: float,
) -> None:
    """Base-stock orders of dealers from the remembered need (equation 4.7); the week's counts start anew.

    Sellers order (``order``), a ``recruiter`` looks for openers (``sets_needed``); who lies low does neither.
    ``handling``: yuan a set that a seller keeps of its ask when it bids.
    """
    for r in rows:
        recruits = tier[r] == recruiter
        able = 1.0 if recruits else efficiency[r]
        for goods in range(2):
            need[r, goods] += memory * (wanted[r, goods] - need[r, goods])
            level = able * (need[r, goods] * cover[r] + safety)
            target = rounded_at(key, stock_level, 0, keys[r], 1 + goods, level)
            gap = 0 if low_until[r] > day else max(target - stock[r, goods], 0)
            if goods == 0:
                sets_needed[r] = gap if recruits else 0
            order[r, goods] = 0 if recruits else gap
            fresh = unplaced * fresh_need[r, goods] + wanted[r, goods]
            fresh_need[r, goods] = 0.0 if recruits else fresh
            wanted[r, goods] = 0.0
            supplied[r, goods] = 0.0
        bid[r, 0] = max(ask[r, 0] - handling, 0.0)


@compiled("void(u1[::1],u1[::1],i4[::1],u1[::1],i8,i8,i8[::1])")
def count_by_region(
    alive: np.ndarray,
    tier: np.ndarray,
    low_until: np.ndarray,
    region: np.ndarray,
    which: int,
    day: int,
    counts: np.ndarray,
) -> None:
    """Add the dealers of tier ``which`` who are alive and lie low no longer than ``day`` to ``counts``
    (regions).
    """
    for d in range(alive.size):
        if alive[d] == 1 and tier[d] == which and low_until[d] <= day:
            counts[region[d]] += 1
