"""The weekly books of gangs and dealers, money in whole fen."""

import math

import numpy as np

from sim.kernels import compiled
from sim.kernels.philox import uniform_at
from sim.kernels.tally import whole_fen


@compiled(
    "Tuple((i8,i8[::1],i8[::1]))(u8,i8,i8,u1[::1],u1[::1],u8[::1],i4[::1],i8[::1],i8[::1],i8[::1],f8[::1],"
    "f8,f8,f8,f8,i8)"
)
def gang_books(
    run: np.uint64,
    process: int,
    day: int,
    alive: np.ndarray,
    weekday: np.ndarray,
    keys: np.ndarray,
    staff: np.ndarray,
    cash: np.ndarray,
    income: np.ndarray,
    cost: np.ndarray,
    profit: np.ndarray,
    fixed: float,
    reserve: float,
    memory: float,
    exit_speed: float,
    card_cost: int,
) -> tuple[int, np.ndarray, np.ndarray]:
    """Close the week of the gangs whose weekday it is.

    A gang pays its fixed cost as far as its cash goes and draws what exceeds its reserve; its profit is
    remembered; the more of the cost a remembered loss is, the likelier it gives up.

    Columns by gang: ``income`` and ``cost`` of cards in the week (fen, set to 0), ``cash`` (fen) and
    ``profit`` (fen a week) are changed in place.  ``fixed`` and ``reserve``: yuan for each of the staff, a
    week and in all; ``memory``: weight of the new week; ``exit_speed``: exits a week at a loss of the whole
    cost; ``card_cost``: 0 where cards cost nothing.  Returns the fen paid and drawn, the rows of the gangs
    that stay and of those that give up.
    """
    stay, leave = np.empty(alive.size, np.int64), np.empty(alive.size, np.int64)
    stayers, leavers, spent = 0, 0, 0
    for row in range(alive.size):
        if alive[row] != 1 or weekday[row] != day % 7:
            continue
        bill = whole_fen(staff[row] * fixed)
        paid = min(bill, max(cash[row], 0))
        result = float(income[row] - card_cost * cost[row] - bill)
        profit[row] += memory * (result - profit[row])
        out = paid + max(cash[row] - paid - whole_fen(staff[row] * reserve), 0)
        cash[row] -= out
        spent += out
        income[row], cost[row] = 0, 0
        loss = min(max(-profit[row] / max(bill, 1), 0.0), 1.0)
        if uniform_at(run, process, day, keys[row], 0) < -math.expm1(-exit_speed * loss):
            leave[leavers] = row
            leavers += 1
        else:
            stay[stayers] = row
            stayers += 1
    return spent, stay[:stayers], leave[:leavers]


@compiled("Tuple((i8,i8[::1]))(i8,u1[::1],u1[::1],u1[::1],i8[::1],i8,i8)")
def dealer_books(
    day: int,
    alive: np.ndarray,
    weekday: np.ndarray,
    tier: np.ndarray,
    cash: np.ndarray,
    reserve: int,
    seller: int,
) -> tuple[int, np.ndarray]:
    """Dealers whose weekday it is draw what exceeds their reserve (fen), from their ``cash`` in place.

    Returns the fen drawn, and the rows of those in the tier ``seller``.
    """
    sellers = np.empty(alive.size, np.int64)
    n, drawn = 0, 0
    for row in range(alive.size):
        if alive[row] != 1 or weekday[row] != day % 7:
            continue
        out = max(cash[row] - reserve, 0)
        cash[row] -= out
        drawn += out
        if tier[row] == seller:
            sellers[n] = row
            n += 1
    return drawn, sellers[:n]
