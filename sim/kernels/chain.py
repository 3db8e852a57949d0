"""Passes over the cards of the chain: what they can give, assignment of uses, who takes which into use.

Each pass reads cards in the order of their rows, which is the order in which they were opened: first in,
first out.
"""

import numpy as np

from sim.kernels import compiled


@compiled("void(u1[::1],i4[::1],u2[::1],i8,i8,i8[::1],i8,i8[::1])")
def capacity(
    status: np.ndarray,
    gang: np.ndarray,
    uses: np.ndarray,
    active: int,
    stock: int,
    cap: np.ndarray,
    per_day: int,
    uses_left: np.ndarray,
) -> None:
    """Uses that each gang's cards can still give today: up to ``per_day`` a card and ``cap`` in its life.

    ``cap`` (gangs): use cap m by gang; ``uses_left`` (gangs, output): added to.
    """
    for i in range(status.size):
        if status[i] == active or status[i] == stock:
            g = gang[i]
            uses_left[g] += max(0, min(per_day, cap[g] - uses[i]))


@compiled("void(u1[::1],i4[::1],u2[::1],u1[::1],i8[::1],i8[::1],i8,i8,i8,i8[::1],i8,i8[::1],i8[::1],u1[::1])")
def assign_uses(
    status: np.ndarray,
    gang: np.ndarray,
    uses: np.ndarray,
    uses_today: np.ndarray,
    flow: np.ndarray,
    amount: np.ndarray,
    active: int,
    stock: int,
    per_day: int,
    cap: np.ndarray,
    phase: int,
    need: np.ndarray,
    fen_per_use: np.ndarray,
    activated: np.ndarray,
) -> None:
    """Spread the uses that each gang needs over its cards: active ones in phase 0, then stock in phase 1.

    ``need`` (gangs): uses still to be placed, lowered in place.  ``fen_per_use`` (gangs): money through each
    use, added to the card's ``flow`` and set as today's ``amount``.  ``activated`` (cards, output): 1 where a
    card of the stock is taken into use.
    """
    wanted = active if phase == 0 else stock
    for i in range(status.size):
        if status[i] != wanted:
            continue
        g = gang[i]
        take = min(min(per_day, cap[g] - uses[i]), need[g])
        if take > 0:
            need[g] -= take
            uses[i] += take
            uses_today[i] += take
            flow[i] += take * fen_per_use[g]
            amount[i] += take * fen_per_use[g]
            if phase == 1:
                activated[i] = 1


@compiled("i8[::1](u1[::1],i4[::1],i8,i8[::1])")
def take_first(status: np.ndarray, owner: np.ndarray, wanted: int, need: np.ndarray) -> np.ndarray:
    """Rows of the oldest cards in a status until each owner's ``need`` (owners, lowered in place) is met."""
    rows = np.empty(need.sum(), dtype=np.int64)
    taken = 0
    for i in range(status.size):
        if taken == rows.size:
            break
        if status[i] == wanted and need[owner[i]] > 0:
            need[owner[i]] -= 1
            rows[taken] = i
            taken += 1
    return rows[:taken]
