"""Phone cards: how many each seller registers in its week, and what cards those are (phase 4)."""

import math

import numpy as np

from sim.kernels import FLOATS, KEYS, compiled
from sim.kernels.philox import child_key, uniform_at
from sim.kernels.sampling import binomial_at, rounded_at
from sim.kernels.tally import whole_fen

SIMS = 1
"""The column of phone cards in a table by goods."""


@compiled("f8(f8,f8)", inline=True)
def _power(base: float, exponent: float) -> float:
    """``base ** exponent``, a square root as such (exact to the last bit, and the shipped elasticity)."""
    return math.sqrt(base) if exponent == 0.5 else base**exponent


@compiled(f"i8({FLOATS},f8)", inline=True)
def _interval(edges: np.ndarray, at: float) -> int:
    """Which of a few intervals that end at ``edges`` (rising) a number falls in."""
    interval = 0
    while interval < edges.size - 1 and edges[interval] <= at:
        interval += 1
    return interval


@compiled(
    f"Tuple((i8[::1],i8[::1],i8))(u8,i8,i8,i8,u1[::1],u1[::1],u1[::1],{KEYS},u1[::1],f8[:,::1],i8[:,::1],"
    f"f8[:,::1],i8[::1],i8[:,::1],{FLOATS},f8,f8,f8,f8,f8,f8,f8)"
)
def register(
    key: np.uint64,
    process: int,
    day: int,
    tier: int,
    alive: np.ndarray,
    weekday: np.ndarray,
    tiers: np.ndarray,
    keys: np.ndarray,
    region: np.ndarray,
    ask: np.ndarray,
    order: np.ndarray,
    cost: np.ndarray,
    cash: np.ndarray,
    on_shelf: np.ndarray,
    screening: np.ndarray,
    per_week: float,
    first_price: float,
    elasticity: float,
    first_cost: float,
    sensitivity: float,
    ceiling: float,
    willing: float,
) -> tuple[np.ndarray, np.ndarray, int]:
    """Sellers (dealers of a ``tier``) whose weekday it is register the phone cards that they have on order.

    Each tries so many a week, more at a higher ask; operators refuse by their ``sensitivity`` times today's
    factor of the region (``screening``), at most ``ceiling``, and only a share of the insiders is
    ``willing`` to.  Refusals make a card dearer.  Columns of dealers; orders, costs, cash (fen) and shelves
    are changed in place.

    Returns
    -------
    rows, got, fen
        Dealers that tried (n), the cards that each got (n), and what all paid.

    """
    rows, got = np.empty(alive.size, np.int64), np.empty(alive.size, np.int64)
    n, total = 0, 0
    for d in range(alive.size):
        if alive[d] != 1 or tiers[d] != tier or weekday[d] != day % 7 or order[d, SIMS] <= 0:
            continue
        limit = per_week * _power(ask[d, SIMS] / first_price, elasticity)
        tries = min(order[d, SIMS], rounded_at(key, process, day, keys[d], 0, limit))
        refusal = min(sensitivity * screening[region[d]], ceiling)
        cards = binomial_at(key, process, day, keys[d], 1, tries, (1.0 - refusal) * willing)
        order[d, SIMS] -= cards
        on_shelf[d, SIMS] += cards
        cost[d, SIMS] = first_cost / (1.0 - refusal)
        paid = whole_fen(cost[d, SIMS]) * cards
        cash[d] -= paid
        total += paid
        rows[n], got[n] = d, cards
        n += 1
    return rows[:n], got[:n], total


@compiled(
    f"Tuple((u1[::1],i8[::1],u8[::1],i8[::1],i8[::1]))(u8,i8,i8,i8,i8,i8[::1],i8[::1],{KEYS},{FLOATS},{FLOATS},"
    "f8)"
)
def new_cards(
    key: np.uint64,
    process: int,
    day: int,
    sim: int,
    iot: int,
    rows: np.ndarray,
    got: np.ndarray,
    keys: np.ndarray,
    source_weight: np.ndarray,
    issuer_edges: np.ndarray,
    iot_share: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The phone cards that sellers (``rows``, with ``keys`` by row) got today: SIM cards, then IoT cards.

    ``source_weight``: of the sources today; ``issuer_edges``: ends of the intervals of [0, 1] that stand for
    an operator.

    Returns
    -------
    kind, dealer, card_keys, source, issuer
        Of the cards (n): ``sim`` or ``iot``, row of the dealer, key, numbers of source and operator.

    """
    source_edges = np.cumsum(source_weight) / source_weight.sum()
    total = got.sum()
    card, is_iot = np.empty(total, np.uint64), np.empty(total, np.bool_)
    i, sims = 0, 0
    for at in range(rows.size):
        for number in range(got[at]):
            card[i] = child_key(keys[rows[at]], np.uint64((day << 32) + number))
            is_iot[i] = uniform_at(key, process, day, card[i], 4) < iot_share
            sims += not is_iot[i]
            i += 1
    kind, dealer, card_keys = np.empty(total, np.uint8), np.empty(total, np.int64), np.empty_like(card)
    source, issuer = np.empty(total, np.int64), np.empty(total, np.int64)
    i, next_sim, next_iot = 0, 0, sims
    for at in range(rows.size):
        for _ in range(got[at]):
            to = next_iot if is_iot[i] else next_sim
            next_iot += is_iot[i]
            next_sim += not is_iot[i]
            kind[to] = iot if is_iot[i] else sim
            dealer[to], card_keys[to] = rows[at], card[i]
            source[to] = _interval(source_edges, uniform_at(key, process, day, card[i], 2))
            issuer[to] = _interval(issuer_edges, uniform_at(key, process, day, card[i], 3))
            i += 1
    return kind, dealer, card_keys, source, issuer
