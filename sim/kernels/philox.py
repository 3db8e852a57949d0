"""Keyed random numbers: a number belongs to a decision, not to a place in a stream.

There is no generator to advance. Each number is the value of a fixed function (Philox4x32-10 of Salmon et
al. 2011) at the address of the decision that it serves: which run (the key: seed and replicate), what for
(process), when (day), who (entity) and the how-manieth number of that decision (draw). So a number does not
depend on the order of the decisions, on threads or on who else exists, and two scenarios share every
decision that the policy leaves alone.

The address, as Philox sees it
------------------------------
====== ======================================== ==========================================
word   content                                  bounds
====== ======================================== ==========================================
key 0  seed                                     0 <= seed < 2**32
key 1  replicate                                0 <= replicate < 2**32
ctr 0  draw | cell << 16 | attempt << 26        draw < 65,536; cell < 1,024; attempt < 64
ctr 1  day | process << 16                      day < 65,536 (179 years); process < 65,536
ctr 2  entity, low half                         any 64-bit entity key
ctr 3  entity, high half
====== ======================================== ==========================================

Philox is a bijection of the counter for each key, so two addresses within these bounds never share a block.
A draw outside of the bounds is an error, never a silent wrap. *Cell* and *attempt* are used by
`sim.kernels.sampling` alone: the cell of a multinomial and the attempt of a rejection sampler have blocks
of their own, so that a sampler needs one draw number however many random numbers it uses, and can never run
into its neighbour's.

Each block holds 128 bits: the first 64 make the decision's uniform, the last 64 a second one for rejection
samplers.

Names: ``..._at`` functions are kernels for one decision and may be called from other kernels; the plural
functions are their Python faces over an array of entities.
"""

import math
import operator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.kernels import KEYS, compiled

# All arithmetic is on 64-bit lanes that hold 32-bit words: the 32 x 32 -> 64 bit product then needs no
# carry, and the compiler turns it into vector instructions. Every constant is a typed uint64, because numba
# makes a float of "uint64 + int64".
_KEY = np.dtype(np.uint64)
_WORD = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_MULTIPLIER_0 = np.uint64(0xD2511F53)
_MULTIPLIER_1 = np.uint64(0xCD9E8D57)
_WEYL_0 = np.uint64(0x9E3779B9)
_WEYL_1 = np.uint64(0xBB67AE85)

# The key of entity names: the letters "cardbrea" as one number. It is no run's seed; names are the same in
# all runs.
_NAME_KEY = np.uint64(0x6361726462726561)

_SHIFT_TO_MANTISSA = np.uint64(12)
_ONE_BITS = np.uint64(0x3FF0000000000000)
_ONE_LESS_HALF_STEP = 1.0 - 2.0**-53

# Wichura (1988), algorithm AS 241, routine PPND16: coefficients of the numerator and the denominator,
# rising powers.
_CENTRE_ABOVE = (
    3.3871328727963666080e0,
    1.3314166789178437745e2,
    1.9715909503065514427e3,
    1.3731693765509461125e4,
    4.5921953931549871457e4,
    6.7265770927008700853e4,
    3.3430575583588128105e4,
    2.5090809287301226727e3,
)
_CENTRE_BELOW = (
    1.0,
    4.2313330701600911252e1,
    6.8718700749205790830e2,
    5.3941960214247511077e3,
    2.1213794301586595867e4,
    3.9307895800092710610e4,
    2.8729085735721942674e4,
    5.2264952788528545610e3,
)
_SHOULDER_ABOVE = (
    1.42343711074968357734e0,
    4.63033784615654529590e0,
    5.76949722146069140550e0,
    3.64784832476320460504e0,
    1.27045825245236838258e0,
    2.41780725177450611770e-1,
    2.27238449892691845833e-2,
    7.74545014278341407640e-4,
)
_SHOULDER_BELOW = (
    1.0,
    2.05319162663775882187e0,
    1.67638483018380384940e0,
    6.89767334985100004550e-1,
    1.48103976427480074590e-1,
    1.51986665636164571966e-2,
    5.47593808499534494600e-4,
    1.05075007164441684324e-9,
)
_TAIL_ABOVE = (
    6.65790464350110377720e0,
    5.46378491116411436990e0,
    1.78482653991729133580e0,
    2.96560571828504891230e-1,
    2.65321895265761230930e-2,
    1.24266094738807843860e-3,
    2.71155556874348757815e-5,
    2.01033439929228813265e-7,
)
_TAIL_BELOW = (
    1.0,
    5.99832206555887937690e-1,
    1.36929880922735805310e-1,
    1.48753612908506148525e-2,
    7.86869131145613259100e-4,
    1.84631831751005468180e-5,
    1.42151175831644588870e-7,
    2.04426310338993978564e-15,
)


@compiled("UniTuple(u8,4)(u8,u8,u8,u8,u8,u8)", inline=True)
def philox4x32(
    c0: np.uint64, c1: np.uint64, c2: np.uint64, c3: np.uint64, k0: np.uint64, k1: np.uint64
) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64]:
    """Four random 32-bit words from a counter of four and a key of two: Philox4x32 with ten rounds.

    Parameters
    ----------
    c0, c1, c2, c3, k0, k1
        Words of 32 bits, each carried in a uint64; higher bits are ignored.

    Returns
    -------
    words
        Four words of 32 bits, each carried in a uint64.

    """
    c0, c1, c2, c3 = c0 & _WORD, c1 & _WORD, c2 & _WORD, c3 & _WORD
    k0, k1 = k0 & _WORD, k1 & _WORD
    for _ in range(10):
        product_0 = _MULTIPLIER_0 * c0
        product_1 = _MULTIPLIER_1 * c2
        c0 = (product_1 >> _HALF) ^ c1 ^ k0
        c1 = product_1 & _WORD
        c2 = (product_0 >> _HALF) ^ c3 ^ k1
        c3 = product_0 & _WORD
        k0 = (k0 + _WEYL_0) & _WORD
        k1 = (k1 + _WEYL_1) & _WORD
    return c0, c1, c2, c3


@compiled("UniTuple(u8,2)(u8,i8,i8,u8,i8)", inline=True)
def block_at(
    key: np.uint64, process: int, day: int, entity: np.uint64, lane: int
) -> tuple[np.uint64, np.uint64]:
    """The 128 bits of one address, as two 64-bit numbers; bounds are the caller's duty (see `lane_of`)."""
    w0, w1, w2, w3 = philox4x32(
        np.uint64(lane), np.uint64(day | (process << 16)), entity, entity >> _HALF, key, key >> _HALF
    )
    return w0 | (w1 << _HALF), w2 | (w3 << _HALF)


@compiled("i8(i8,i8,i8)", inline=True)
def lane_of(process: int, day: int, draw: int) -> int:
    """The first counter word of a decision, cell 0 and attempt 0; a ValueError outside of the bounds."""
    # Sixteen bits each; the sign of a negative number survives the shift.
    if (process | day | draw) >> 16 != 0:
        raise ValueError("process, day and draw of a random number must each lie between 0 and 65535")
    return draw


@compiled("f8(u8)", inline=True)
def unit_from_bits(bits: np.uint64) -> float:
    """A uniform number in the open interval (0, 1) from 64 random bits.

    The top 52 bits choose one of 2**52 equal cells, and the number is the cell's middle: an odd multiple of
    2**-53. So 0 and 1 never occur, the mean is exactly 1/2, and ``1 - u`` is exact and has the same
    distribution.
    """
    # Bits of a float in [1, 2): exact, and quicker on vectors than a conversion of integers.
    return np.uint64((bits >> _SHIFT_TO_MANTISSA) | _ONE_BITS).view(np.float64) - _ONE_LESS_HALF_STEP


@compiled("u8(u8,i8,i8,u8,i8)", inline=True)
def bits_at(key: np.uint64, process: int, day: int, entity: np.uint64, draw: int) -> np.uint64:
    """The 64 random bits of one decision (its uniform is made of the top 52)."""
    return block_at(key, process, day, entity, lane_of(process, day, draw))[0]


@compiled("f8(u8,i8,i8,u8,i8)", inline=True)
def uniform_at(key: np.uint64, process: int, day: int, entity: np.uint64, draw: int) -> float:
    """The uniform number of one decision, in the open interval (0, 1) (see `unit_from_bits`).

    Parameters
    ----------
    key
        The run: `pack_key` of seed and replicate.
    process, day, draw
        What for, when, and which number of the decision; each in [0, 65,536), a ValueError otherwise.
    entity
        The entity's 64-bit key, for example from `child_key`.

    """
    return unit_from_bits(block_at(key, process, day, entity, lane_of(process, day, draw))[0])


@compiled(f"void(u8,i8,i8,{KEYS},i8,f8[::1])")
def uniforms_into(
    key: np.uint64, process: int, day: int, entities: NDArray[np.uint64], draw: int, out: NDArray[np.float64]
) -> None:
    """`uniform_at` for each entity, written to `out`; a ValueError where the lengths differ."""
    if out.size != entities.size:
        raise ValueError("out and entities differ in length")
    lane = lane_of(process, day, draw)
    for i in range(entities.size):
        out[i] = unit_from_bits(block_at(key, process, day, entities[i], lane)[0])


@compiled(f"void(u8,i8,i8,{KEYS},i8,u4[::1])")
def high_words_into(
    key: np.uint64, process: int, day: int, entities: NDArray[np.uint64], draw: int, out: NDArray[np.uint32]
) -> None:
    """The high 32 bits w of the uniform u of each entity, w < u 2**32 < w + 1, written to `out`.

    Cheaper than the whole number, and enough to see which numbers lie below a small bound. A ValueError
    where the lengths differ.
    """
    if out.size != entities.size:
        raise ValueError("out and entities differ in length")
    lane = lane_of(process, day, draw)
    for i in range(entities.size):
        out[i] = np.uint32(block_at(key, process, day, entities[i], lane)[0] >> _HALF)


@compiled("u8(u8,u8)", inline=True)
def child_key(creator: np.uint64, counter: np.uint64) -> np.uint64:
    """The key of the `counter`-th entity that `creator` made: the same in every run and every scenario.

    The first 64 bits of the Philox block at counter (creator, counter) under a fixed key. The name depends
    on the creator's own history only, so an entity that appears in one scenario renames nobody else. Names
    are 64 bits wide: among a million entities two agree with probability 3e-8, among a billion with 3%.
    """
    w0, w1, _, _ = philox4x32(
        creator, creator >> _HALF, counter, counter >> _HALF, _NAME_KEY, _NAME_KEY >> _HALF
    )
    return w0 | (w1 << _HALF)


@compiled(f"void({KEYS},{KEYS},u8[::1])")
def child_keys_into(
    creators: NDArray[np.uint64], counters: NDArray[np.uint64], out: NDArray[np.uint64]
) -> None:
    """`child_key` for each pair, written to `out`; a ValueError where the lengths differ."""
    if not creators.size == counters.size == out.size:
        raise ValueError("creators, counters and out differ in length")
    for i in range(creators.size):
        out[i] = child_key(creators[i], counters[i])


@compiled("f8(f8,UniTuple(f8,8),UniTuple(f8,8))", inline=True)
def _rational(x: float, above: tuple[float, ...], below: tuple[float, ...]) -> float:
    """The ratio of two polynomials of degree 7, coefficients in rising order."""
    numerator, denominator = above[7], below[7]
    for i in range(6, -1, -1):
        numerator = numerator * x + above[i]
        denominator = denominator * x + below[i]
    return numerator / denominator


@compiled("f8(f8)")
def normal_quantile(u: float) -> float:
    """The standard normal quantile, rising with `u`: Wichura's algorithm AS 241 (PPND16), about 16 digits.

    Parameters
    ----------
    u
        A probability in the open interval (0, 1); a ValueError otherwise.

    """
    if not 0.0 < u < 1.0:
        raise ValueError("a normal quantile needs a probability between 0 and 1")
    q = u - 0.5
    if abs(q) <= 0.425:
        return q * _rational(0.180625 - q * q, _CENTRE_ABOVE, _CENTRE_BELOW)
    r = math.sqrt(-math.log(u if q < 0.0 else 1.0 - u))
    if r <= 5.0:
        tail = _rational(r - 1.6, _SHOULDER_ABOVE, _SHOULDER_BELOW)
    else:
        tail = _rational(r - 5.0, _TAIL_ABOVE, _TAIL_BELOW)
    return -tail if q < 0.0 else tail


@compiled("f8(u8,i8,i8,u8,i8)")
def normal_at(key: np.uint64, process: int, day: int, entity: np.uint64, draw: int) -> float:
    """The standard normal number of one decision: the quantile of its uniform, so the two rise together."""
    return normal_quantile(uniform_at(key, process, day, entity, draw))


@compiled(f"void(u8,i8,i8,{KEYS},i8,f8[::1])")
def normals_into(
    key: np.uint64, process: int, day: int, entities: NDArray[np.uint64], draw: int, out: NDArray[np.float64]
) -> None:
    """`normal_at` for each entity, written to `out`; a ValueError where the lengths differ."""
    uniforms_into(key, process, day, entities, draw, out)
    for i in range(out.size):
        out[i] = normal_quantile(out[i])


@compiled(f"void(u8,i8,i8,{KEYS},i8,f8[::1])")
def exponentials_into(
    key: np.uint64, process: int, day: int, entities: NDArray[np.uint64], draw: int, out: NDArray[np.float64]
) -> None:
    """An exponential number of mean 1, ``-log(u)``, for each entity, written to `out`, as `uniforms_into`."""
    uniforms_into(key, process, day, entities, draw, out)
    for i in range(out.size):
        out[i] = -math.log(out[i])


# ----------------------------------------------------------------------------------- faces for Python callers


def as_keys(values: ArrayLike) -> NDArray[np.uint64]:
    """The values as a contiguous array of 64-bit keys, shape (n,); a negative number keeps its bits.

    Raises
    ------
    TypeError
        Where the values are not integers: a float has lost the low bits of a key already.

    """
    # Nearly every array comes from a column of keys and passes at once: a day asks for more than a hundred.
    if type(values) is np.ndarray and values.dtype is _KEY and values.ndim == 1 and values.flags.c_contiguous:
        return values
    array = np.atleast_1d(np.asarray(values))
    if array.size and array.dtype.kind not in "iu":
        raise TypeError(f"entity keys must be integers (make an array of uint64), not {array.dtype}")
    return np.ascontiguousarray(array, dtype=np.uint64)


def as_run(key: int | np.uint64) -> np.uint64:
    """The key of a run as the unsigned 64-bit number that kernels expect; a TypeError for a float."""
    return key if type(key) is np.uint64 else np.uint64(operator.index(key))


def pack_key(seed: int, replicate: int) -> np.uint64:
    """The key of a run: the seed in the low 32 bits, the replicate in the high 32 bits.

    Raises
    ------
    ValueError
        Where either is outside of [0, 2**32): folding it would make two runs share their chance.

    """
    for name, value in (("seed", seed), ("replicate", replicate)):
        if not 0 <= value < 1 << 32:
            raise ValueError(f"{name} must lie between 0 and 4294967295, not {value}")
    return np.uint64((operator.index(replicate) << 32) | operator.index(seed))


def uniforms(
    key: int | np.uint64, process: int, day: int, entities: ArrayLike, draw: int
) -> NDArray[np.float64]:
    """The uniform number of each entity, in (0, 1): `uniform_at` over an array of keys, shape (n,)."""
    keys = as_keys(entities)
    out = np.empty(keys.size)
    uniforms_into(as_run(key), process, day, keys, draw, out)
    return out


def normals(
    key: int | np.uint64, process: int, day: int, entities: ArrayLike, draw: int
) -> NDArray[np.float64]:
    """The standard normal number of each entity: `normal_at` over an array of keys, shape (n,)."""
    keys = as_keys(entities)
    out = np.empty(keys.size)
    normals_into(as_run(key), process, day, keys, draw, out)
    return out


def exponentials(
    key: int | np.uint64, process: int, day: int, entities: ArrayLike, draw: int
) -> NDArray[np.float64]:
    """An exponential number of mean 1 for each entity: ``-log(u)`` over an array of keys, shape (n,)."""
    keys = as_keys(entities)
    out = np.empty(keys.size)
    exponentials_into(as_run(key), process, day, keys, draw, out)
    return out


def child_keys(creators: ArrayLike, counters: ArrayLike) -> NDArray[np.uint64]:
    """`child_key` for each pair; a single creator or counter stands for all, shape (n,)."""
    makers, counts = as_keys(creators), as_keys(counters)
    if makers.size != counts.size:
        makers, counts = map(np.ascontiguousarray, np.broadcast_arrays(makers, counts))
    out = np.empty(makers.size, dtype=np.uint64)
    child_keys_into(makers, counts, out)
    return out
