"""Keyed counts: Poisson, binomial and multinomial numbers and choices, functions of a decision's address.

All samplers are exact (no normal approximation at any size) and take their chance from
`sim.kernels.philox`: the same address and the same parameters give the same count. Small means invert the
distribution function with the decision's one uniform, so a count never falls when its mean or probability
rises: two scenarios that differ a little stay coupled. Large means use Hoermann's transformed rejection,
whose first attempt is driven by the *same* uniform and rises with it; 77 to 89 of 100 first attempts
are accepted, so the coupling is close there, though not perfect.

=========== ========================================= ==================================================
sampler     inversion (one uniform)                   rejection (an own block for each attempt)
=========== ========================================= ==================================================
Poisson     mean <= 64                                PTRS, Hoermann (1993a)
binomial    n * min(p, 1 - p) < 30                    BTRS, Hoermann (1993b), n up to 2**53
multinomial a chain of binomials, cell by cell, each with blocks of its own; up to 1,024 cells
=========== ========================================= ==================================================

Rejection compares logarithms of probabilities. They are computed by Loader's saddle-point form (2000),
which keeps its digits where a difference of log-gammas has lost them (n of 10**11). Every sampler uses one
draw number of its address; see `sim.kernels.philox` for the blocks behind it.
"""

import math
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.kernels import COUNTS, FLOATS, KEYS, compiled
from sim.kernels.philox import as_keys, as_run, block_at, lane_of, uniform_at, unit_from_bits

_Number = TypeVar("_Number", np.int64, np.float64)

LIMIT_CELLS = 1 << 10
LIMIT_COUNT = 1 << 53
POISSON_INVERSION_LIMIT = 64.0
BINOMIAL_INVERSION_LIMIT = 30.0

# exp(-700) is the smallest start of a search that is still a normal float.
_SEARCH_LIMIT = 700.0
_CELL_STEP = 1 << 16
_ATTEMPT_STEP = 1 << 26
# At most a quarter of the attempts is rejected, so 64 in a row have a probability below 1e-38: the mean or
# the mode, which is then returned, is no approximation to speak of.
_ATTEMPTS = 64
_HALF_LOG_TWO_PI = 0.5 * math.log(2.0 * math.pi)


# -------------------------------------------------------------------------------------------------- inversion


@compiled("i8(f8,f8)")
def poisson_inverse(u: float, lam: float) -> int:
    """The Poisson quantile, by search from 0: the least k with P(X <= k) >= u; it rises with `u` and `lam`.

    Probabilities are summed in floats: within about 1e-13 of ``u = 1`` the sum's rounding decides.

    Parameters
    ----------
    u
        A uniform number in (0, 1).
    lam
        The mean, 0 to 700; a ValueError otherwise (the time taken is proportional to the mean).

    """
    if not 0.0 <= lam <= _SEARCH_LIMIT:
        raise ValueError("the search for a Poisson quantile needs a mean between 0 and 700")
    k = 0
    mass = math.exp(-lam)
    below = mass
    # Where the mass no longer changes the sum, the far tail is beyond a float's reach: stop there.
    while u > below and (k <= lam or below + mass > below):
        k += 1
        mass *= lam / k
        below += mass
    return k


@compiled("void(i8,f8)", inline=True)
def _check_binomial(n: int, p: float) -> None:
    """Refuse what is no binomial distribution, NaN included."""
    if not (0 <= n <= LIMIT_COUNT and 0.0 <= p <= 1.0):
        raise ValueError("a binomial number needs n between 0 and 2**53 and p between 0 and 1")


@compiled("i8(f8,i8,f8)")
def _binomial_search(u: float, n: int, p: float) -> int:
    """The binomial quantile by search from 0, for p <= 1/2 and n p <= 350."""
    ratio = p / (1.0 - p)
    k = 0
    mass = math.exp(n * math.log1p(-p))
    below = mass
    while u > below and k < n and (k <= n * p or below + mass > below):
        k += 1
        mass *= ratio * (n - k + 1) / k
        below += mass
    return k


@compiled("i8(f8,i8,f8)")
def binomial_inverse(u: float, n: int, p: float) -> int:
    """The binomial quantile: the least k with P(X <= k) >= u; it rises with `u`, `n` and `p`.

    For p > 1/2 the failures are searched with ``1 - u``, which gives the same quantile in fewer steps.
    Within about 1e-13 of the far end of `u` the rounding of the sum decides.

    Parameters
    ----------
    u
        A uniform number in (0, 1).
    n, p
        Trials (0 to 2**53) and the probability of each in [0, 1]; ``n * min(p, 1 - p)`` at most 350; a
        ValueError otherwise (the time taken is proportional to it).

    """
    _check_binomial(n, p)
    if n * min(p, 1.0 - p) > 0.5 * _SEARCH_LIMIT:
        raise ValueError("the search for a binomial quantile needs n * min(p, 1 - p) of at most 350")
    if p <= 0.5:
        return _binomial_search(u, n, p)
    return n - _binomial_search(1.0 - u, n, 1.0 - p)


# -------------------------------------------------------------------------------- logarithms of probabilities


@compiled("f8(f8)")
def _stirling_rest(n: float) -> float:
    """``log(n!)`` less Stirling's formula, for n >= 1 (Loader's stirlerr)."""
    if n < 16.0:
        return math.lgamma(n + 1.0) - (n + 0.5) * math.log(n) + n - _HALF_LOG_TWO_PI
    s = 1.0 / (n * n)
    return (1.0 / 12.0 - s * (1.0 / 360.0 - s * (1.0 / 1260.0 - s * (1.0 / 1680.0 - s / 1188.0)))) / n


@compiled("f8(f8,f8)")
def _deviance(x: float, mean: float) -> float:
    """``x log(x / mean) + mean - x`` for x > 0, without cancellation near the mean (Loader's bd0)."""
    gap = x - mean
    if abs(gap) >= 0.1 * (x + mean):
        return x * math.log(x / mean) - gap
    v = gap / (x + mean)
    total = gap * v
    term = 2.0 * x * v
    for j in range(1, 1000):
        term *= v * v
        longer = total + term / (2 * j + 1)
        if longer == total:
            break
        total = longer
    return total


@compiled("f8(f8,f8)")
def log_poisson_pmf(k: float, lam: float) -> float:
    """The logarithm of a Poisson probability, for lam > 0 and a whole k >= 0, to about 1e-12 at any size."""
    if k == 0.0:
        return -lam
    return -_stirling_rest(k) - _deviance(k, lam) - _HALF_LOG_TWO_PI - 0.5 * math.log(k)


@compiled("f8(f8,f8,f8)")
def log_binomial_pmf(k: float, n: float, p: float) -> float:
    """The logarithm of a binomial probability, for 0 < p < 1 and a whole k in [0, n], at any size of n."""
    if k == 0.0:
        return n * math.log1p(-p)
    if k == n:
        return n * math.log(p)
    rest = n - k
    return (
        _stirling_rest(n)
        - _stirling_rest(k)
        - _stirling_rest(rest)
        - _deviance(k, n * p)
        - _deviance(rest, n * (1.0 - p))
        - _HALF_LOG_TWO_PI
        + 0.5 * math.log(n / (k * rest))
    )


# -------------------------------------------------------------------------------------------------- rejection


@compiled("i8(u8,i8,i8,u8,i8,f8)")
def _poisson_rejection(
    key: np.uint64, process: int, day: int, entity: np.uint64, lane: int, lam: float
) -> int:
    """Hoermann's PTRS for a mean of 10 and more; attempt t uses the block of lane + t * 2**26."""
    b = 0.931 + 2.53 * math.sqrt(lam)
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    squeeze = 0.9277 - 3.6224 / (b - 2.0)
    for attempt in range(_ATTEMPTS):
        first, second = block_at(key, process, day, entity, lane + attempt * _ATTEMPT_STEP)
        u = unit_from_bits(first) - 0.5
        v = unit_from_bits(second)
        edge = 0.5 - abs(u)
        k = np.floor((2.0 * a / edge + b) * u + lam + 0.43)
        if edge >= 0.07 and v <= squeeze:
            return int(k)
        if k < 0.0 or (edge < 0.013 and v > edge):
            continue
        if math.log(v * inverse_alpha / (a / (edge * edge) + b)) <= log_poisson_pmf(k, lam):
            return int(k)
    return int(lam)


@compiled("i8(u8,i8,i8,u8,i8,i8,f8,f8)")
def _binomial_rejection(
    key: np.uint64, process: int, day: int, entity: np.uint64, lane: int, n: int, p: float, sign: float
) -> int:
    """Hoermann's BTRS for p <= 1/2 and n p >= 10; attempt t uses the block of lane + t * 2**26.

    The count rises with the uniform for a sign of 1 and falls for -1 (where failures are counted).
    """
    trials = float(n)
    spread = math.sqrt(trials * p * (1.0 - p))
    b = 1.15 + 2.53 * spread
    a = -0.0873 + 0.0248 * b + 0.01 * p
    centre = trials * p + 0.5
    alpha = (2.83 + 5.1 / b) * spread
    squeeze = 0.92 - 4.2 / b
    mode = float(math.floor((trials + 1.0) * p))
    for attempt in range(_ATTEMPTS):
        first, second = block_at(key, process, day, entity, lane + attempt * _ATTEMPT_STEP)
        u = sign * (unit_from_bits(first) - 0.5)
        v = unit_from_bits(second)
        edge = 0.5 - abs(u)
        k = np.floor((2.0 * a / edge + b) * u + centre)
        if edge >= 0.07 and v <= squeeze:
            return int(k)
        if k < 0.0 or k > trials:
            continue
        height = log_binomial_pmf(k, trials, p) - log_binomial_pmf(mode, trials, p)
        if math.log(v * alpha / (a / (edge * edge) + b)) <= height:
            return int(k)
    return int(mode)


# --------------------------------------------------------------------------------------------- keyed samplers


@compiled("i8(u8,i8,i8,u8,i8,f8)")
def poisson_at(key: np.uint64, process: int, day: int, entity: np.uint64, draw: int, lam: float) -> int:
    """The Poisson number of one decision with mean `lam`.

    Inversion up to a mean of 64, rejection above; a ValueError for a mean that is negative, NaN or above
    2**53, and for an address out of bounds.
    """
    if lam <= POISSON_INVERSION_LIMIT:
        return poisson_inverse(uniform_at(key, process, day, entity, draw), lam)
    if not lam <= LIMIT_COUNT:
        raise ValueError("a Poisson number needs a mean between 0 and 2**53")
    return _poisson_rejection(key, process, day, entity, lane_of(process, day, draw), lam)


@compiled("i8(u8,i8,i8,u8,i8,i8,f8)")
def _binomial_in_lane(
    key: np.uint64, process: int, day: int, entity: np.uint64, lane: int, n: int, p: float
) -> int:
    """The binomial number of a lane (a draw and, in a multinomial, a cell) that was checked."""
    _check_binomial(n, p)
    if n == 0 or p == 0.0:
        return 0
    if p == 1.0:
        return n
    if n * min(p, 1.0 - p) < BINOMIAL_INVERSION_LIMIT:
        return binomial_inverse(unit_from_bits(block_at(key, process, day, entity, lane)[0]), n, p)
    if p <= 0.5:
        return _binomial_rejection(key, process, day, entity, lane, n, p, 1.0)
    return n - _binomial_rejection(key, process, day, entity, lane, n, 1.0 - p, -1.0)


@compiled("i8(u8,i8,i8,u8,i8,i8,f8)")
def binomial_at(
    key: np.uint64, process: int, day: int, entity: np.uint64, draw: int, n: int, p: float
) -> int:
    """The binomial number of one decision: successes in `n` trials of probability `p`.

    Inversion below ``n * min(p, 1 - p) = 30``, rejection above. Exact at the edges: n = 0 and p = 0 give 0,
    p = 1 gives n. A ValueError for n outside of [0, 2**53], p outside of [0, 1] or NaN, and an address out
    of bounds.
    """
    return _binomial_in_lane(key, process, day, entity, lane_of(process, day, draw), n, p)


@compiled("i8(u8,i8,i8,u8,i8,f8)", inline=True)
def rounded_at(key: np.uint64, process: int, day: int, entity: np.uint64, draw: int, value: float) -> int:
    """A whole number around `value` (0 or more), right in expectation: the uniform settles the fraction."""
    whole = math.floor(value)
    return whole + (uniform_at(key, process, day, entity, draw) < value - whole)


@compiled(f"f8[::1]({FLOATS})")
def _sums_from_the_end(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """The weight of each cell and all after it, shape (k + 1,); a ValueError for a weight below 0 or NaN.

    Summed from the end and not by subtraction, so that the last cells' shares keep their digits.
    """
    sums = np.zeros(weights.size + 1)
    for i in range(weights.size - 1, -1, -1):
        if not 0.0 <= weights[i] < np.inf:
            raise ValueError("a weight of a multinomial must be finite and not negative")
        sums[i] = sums[i + 1] + weights[i]
    return sums


@compiled(f"void(u8,i8,i8,u8,i8,i8,{FLOATS},i8[::1])")
def multinomial_at(
    key: np.uint64,
    process: int,
    day: int,
    entity: np.uint64,
    draw: int,
    n: int,
    probs: NDArray[np.float64],
    out: NDArray[np.int64],
) -> None:
    """Share `n` over cells: cell i is a binomial share of what the cells before it left; the sum is n.

    Each cell has blocks of its own, so one draw number serves the whole multinomial.

    Parameters
    ----------
    probs
        Weights of the cells, shape (k,), k <= 1,024, none negative; they need not sum to 1. A ValueError
        otherwise, and where n > 0 is to be shared over weights that are all zero.
    out
        The counts, shape (k,), written; a ValueError where its length differs.

    """
    cells = probs.size
    if out.size != cells or cells > LIMIT_CELLS:
        raise ValueError("a multinomial needs as many counts as weights, at most 1024")
    lane = lane_of(process, day, draw)
    ahead = _sums_from_the_end(probs)
    if n < 0 or (n > 0 and ahead[0] == 0.0):
        raise ValueError("a multinomial needs n >= 0, and a positive weight where n > 0")
    left = n
    for i in range(cells):
        share = 0.0 if left == 0 or probs[i] == 0.0 else probs[i] / ahead[i]
        out[i] = _binomial_in_lane(key, process, day, entity, lane + i * _CELL_STEP, left, share)
        left -= out[i]


@compiled(f"i8(f8,{FLOATS})")
def categorical_at(u: float, cumulative: NDArray[np.float64]) -> int:
    """The choice among cells that a uniform number makes, by bisection of the running sums.

    The least i with ``cumulative[i] > u * cumulative[-1]``. It rises with `u`, and a cell of no weight is
    never chosen.

    Parameters
    ----------
    u
        A uniform number in (0, 1).
    cumulative
        Running sums of the weights, shape (k,), not falling; the last is the total and need not be 1. A
        ValueError where it is empty or its total is not positive.

    """
    if cumulative.size == 0 or not cumulative[-1] > 0.0:
        raise ValueError("a choice needs at least one cell and a positive total weight")
    total = cumulative[-1]
    target = u * total
    low, high = 0, cumulative.size - 1
    while low < high:
        middle = (low + high) // 2
        # The second half keeps a product rounded up to the total from choosing an empty last cell.
        if cumulative[middle] <= target and cumulative[middle] < total:
            low = middle + 1
        else:
            high = middle
    return low


@compiled(f"void(u8,i8,i8,{KEYS},i8,{FLOATS},i8[::1])")
def poissons_into(
    key: np.uint64,
    process: int,
    day: int,
    entities: NDArray[np.uint64],
    draw: int,
    lams: NDArray[np.float64],
    out: NDArray[np.int64],
) -> None:
    """`poisson_at` for each entity and mean, written to `out`; a ValueError where the lengths differ."""
    if not entities.size == lams.size == out.size:
        raise ValueError("entities, means and counts differ in length")
    for i in range(entities.size):
        out[i] = poisson_at(key, process, day, entities[i], draw, lams[i])


@compiled(f"void(u8,i8,i8,{KEYS},i8,{COUNTS},{FLOATS},i8[::1])")
def binomials_into(
    key: np.uint64,
    process: int,
    day: int,
    entities: NDArray[np.uint64],
    draw: int,
    ns: NDArray[np.int64],
    ps: NDArray[np.float64],
    out: NDArray[np.int64],
) -> None:
    """`binomial_at` for each entity, n and p, written to `out`; a ValueError where the lengths differ."""
    if not entities.size == ns.size == ps.size == out.size:
        raise ValueError("entities, trials, probabilities and counts differ in length")
    for i in range(entities.size):
        out[i] = binomial_at(key, process, day, entities[i], draw, ns[i], ps[i])


@compiled(f"void(u8,i8,i8,{KEYS},i8,{FLOATS},i8[::1])")
def rounded_into(
    key: np.uint64,
    process: int,
    day: int,
    entities: NDArray[np.uint64],
    draw: int,
    values: NDArray[np.float64],
    out: NDArray[np.int64],
) -> None:
    """`rounded_at` for each entity and value, written to `out`; a ValueError where the lengths differ."""
    if not entities.size == values.size == out.size:
        raise ValueError("entities, values and counts differ in length")
    for i in range(entities.size):
        out[i] = rounded_at(key, process, day, entities[i], draw, values[i])


# ----------------------------------------------------------------------------------- faces for Python callers


def poissons(
    key: int | np.uint64, process: int, day: int, entities: ArrayLike, draw: int, lams: ArrayLike
) -> NDArray[np.int64]:
    """The Poisson number of each entity: `poisson_at`, shape (n,); one mean may stand for all entities."""
    keys = as_keys(entities)
    out = np.empty(keys.size, dtype=np.int64)
    poissons_into(as_run(key), process, day, keys, draw, _spread(lams, np.float64, keys.size), out)
    return out


def binomials(
    key: int | np.uint64, process: int, day: int, entities: ArrayLike, draw: int, ns: ArrayLike, ps: ArrayLike
) -> NDArray[np.int64]:
    """The binomial number of each entity: `binomial_at`, shape (n,); one `n` or `p` may stand for all.

    Raises
    ------
    TypeError
        Where the trials are not integers: how to round them is the caller's choice.

    """
    keys = as_keys(entities)
    ns = np.asarray(ns)
    if ns.dtype.kind not in "iu":
        raise TypeError(f"the trials of a binomial must be integers, not {ns.dtype}")
    trials = _spread(ns, np.int64, keys.size)
    out = np.empty(keys.size, dtype=np.int64)
    binomials_into(as_run(key), process, day, keys, draw, trials, _spread(ps, np.float64, keys.size), out)
    return out


def rounded(
    key: int | np.uint64, process: int, day: int, entities: ArrayLike, draw: int, values: ArrayLike
) -> NDArray[np.int64]:
    """A whole number around each value, right in expectation (see `rounded_into`), shape (n,)."""
    keys = as_keys(entities)
    out = np.empty(keys.size, dtype=np.int64)
    rounded_into(as_run(key), process, day, keys, draw, _spread(values, np.float64, keys.size), out)
    return out


def _spread(values: ArrayLike, kind: type[_Number], size: int) -> NDArray[_Number]:
    """The values as a contiguous array of one type and size; a single value is repeated."""
    given = np.asarray(values, dtype=kind)
    if given.shape == (size,) and given.flags.c_contiguous:
        return given
    return np.ascontiguousarray(np.broadcast_to(given, (size,)))
