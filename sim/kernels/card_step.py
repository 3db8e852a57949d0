"""The daily card step: every live card meets all hazards at once, with one draw.

Hazards compete (equation 4.16).  Each cause i has a rate r_i = -log(1 - h_i); a card is removed with
probability 1 - exp(-sum r), and the cause is i with probability r_i / sum r.  One uniform number settles
both, so the order of the measures cannot matter and a hazard of zero changes nothing.

Few cards are removed on a day, and for most the draw alone shows that they are not: 1 - exp(-r) <= r, so a
number above the largest total rate that any card of a block can have removes none.  The step therefore takes
the high words of all numbers of a block at vector speed, compares them with such a bound, and settles exactly
only the few that lie below it.  The bound is no approximation: it decides which cards are looked at, never
what happens to them.

Cards are stepped in chunks of a fixed size, so the result does not depend on the number of threads.
"""

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from sim.kernels import compiled
from sim.kernels.philox import high_words_into, uniforms_into

CHUNK = 65_536
"""Cards in a chunk (what a thread takes at once): fixed, whatever the number of threads."""

BLOCK = 2_048
"""Cards in a block: all that is noted of them stays in the nearest cache.  A multiple of 8."""

_COLUMNS = "u8[::1],u1[::1],u1[::1],u1[::1],u1[::1],u1[::1],i8[::1],i4[::1],u2[::1]"
_RATES = "i8,i8,f8[:,::1],f8[::1],f8[:,:,:,::1],f8[:,:,::1]"

_NOBODY = np.uint64(0)
_EVERYBODY = np.uint32(0xFFFFFFFF)


@compiled("f8(f8[::1],i8,f8,f8,f8)", inline=True)
def use_rate(detection: np.ndarray, uses_today: int, amount: float, new: float, awakened: float) -> float:
    """Rate of detection for each use (equation 4.12), so that q = 1 - exp(-rate).

    ``detection`` holds a0, a1, v0, a2, m0, a3, a4: base, excess uses over v0, amount over m0 (fen), a newly
    opened card, a card awakened after lying idle.
    """
    excess = max(uses_today - detection[2], 0.0)
    amounts = detection[3] * np.log1p(amount / detection[4]) if detection[3] != 0.0 else 0.0
    rate: float = (
        detection[0] + detection[1] * excess + amounts + detection[5] * new + detection[6] * awakened
    )
    return rate


@compiled("i8(f8,f8,i8,i8,i8,i8,f8[:,:,:,::1],f8[:,:,::1],b1[::1])", inline=True)
def _settle(
    u: float,
    detected: float,
    status: int,
    kind: int,
    flags: int,
    region: int,
    cleanup: np.ndarray,
    own: np.ndarray,
    at_work: NDArray[np.bool_],
) -> int:
    """0 if the draw ``u`` leaves the card where it is, else 1 + the cause that removes it (equation 4.16).

    ``at_work`` (cleanup causes): which have a rate for cards of the kind; the others add nothing.
    """
    hazards = cleanup.shape[0]
    total = detected
    for c in range(hazards):
        if at_work[c]:
            total += cleanup[c, kind, flags, region]
    for c in range(own.shape[0]):
        total += own[c, status, kind]
    if u >= total:
        return 0
    gone = -np.expm1(-total)
    if not u < gone:
        return 0
    # Given removal, u / gone is uniform again: the same draw settles the cause, the one whose interval of the
    # summed rates holds the point; a cause of rate 0 is never chosen.
    point, passed, cause = u / gone * total, detected, 0
    for c in range(hazards + own.shape[0]):
        if point < passed:
            break
        rate = cleanup[c, kind, flags, region] if c < hazards else own[c - hazards, status, kind]
        passed += rate
        if rate > 0.0:
            cause = c + 1
    return 1 + cause


@compiled("f8(i8,i8,f8[:,:,:,::1],f8[:,:,::1],b1[::1])")
def _most_at_rest(
    kind: int, ended: int, cleanup: np.ndarray, own: np.ndarray, at_work: NDArray[np.bool_]
) -> float:
    """At least the largest rate at which an unused live card of a kind is removed.

    Marks ``at_work`` (cleanup causes), see `_settle`.
    """
    met = np.zeros(cleanup.shape[2:])
    for c in range(cleanup.shape[0]):
        at_work[c] = np.any(cleanup[c, kind])
        if at_work[c]:
            met += cleanup[c, kind]
    most: float = max(met.max(), 0.0)
    of_their_own = 0.0
    for s in range(ended):
        rate = 0.0
        for c in range(own.shape[0]):
            rate += own[c, s, kind]
        of_their_own = max(of_their_own, rate)
    return most + of_their_own


@compiled("f8(f8[::1],f8)")
def _most_by_use(detection: np.ndarray, uses_today: float) -> float:
    """At least the rate of detection today of a card used so often, whatever its age and amount."""
    rate: float = detection[0] + max(detection[1], 0.0) * max(uses_today - detection[2], 0.0)
    rate += max(detection[3], 0.0) * np.log1p(2.0**63 / detection[4])
    detected: float = uses_today * max(rate + max(detection[5], 0.0) + max(detection[6], 0.0), 0.0)
    return detected


@compiled("u4(f8)")
def _word_at(bound: float) -> np.uint32:
    """The largest high word that a uniform number below ``bound`` can have, rounding allowed for."""
    scaled = bound * (1.0 + 1e-9) * 2.0**32
    return np.uint32(scaled) if scaled < 2.0**32 - 1.0 else _EVERYBODY


@compiled("UniTuple(u1,2)(u1[::1])")
def _range(values: NDArray[np.uint8]) -> tuple[np.uint8, np.uint8]:
    """The least and the largest of at least one value."""
    least, largest = values[0], values[0]
    for value in values:
        least = min(least, value)
        largest = max(largest, value)
    return least, largest


@compiled("i8(u1[::1],u1[::1],u1,u4[::1],u4[::1],u1[::1],i8[::1])")
def _likely(
    status: NDArray[np.uint8],
    uses_today: NDArray[np.uint8],
    ended: np.uint8,
    highs: NDArray[np.uint32],
    limit: NDArray[np.uint32],
    marks: NDArray[np.uint8],
    rows: NDArray[np.int64],
) -> int:
    """List the live cards of a block (m) whose high word is small enough for a removal; returns how many.

    ``limit``: the largest such word of a card by its uses today (0 to the most uses of all), not falling;
    ``marks`` (m rounded up to a multiple of 8) and ``rows`` (m) are overwritten.
    """
    m = status.size
    at_rest, by_use = limit[0], limit[-1]
    for j in range(m):
        bound = by_use if uses_today[j] > 0 else at_rest
        marks[j] = np.uint8((highs[j] <= bound) & (status[j] < ended))
    marks[m:] = 0
    found = 0
    eights = marks.view(np.uint64)
    for w in range(eights.size):
        if eights[w] != _NOBODY:
            for j in range(8 * w, 8 * w + 8):
                rows[found] = j
                found += marks[j]
    left = 0
    for j in rows[:found]:
        rows[left] = j
        left += highs[j] <= limit[uses_today[j]]
    return left


@compiled(f"void(u8,i8,i8,{_COLUMNS},{_RATES},u1[::1])")
def _step_chunk(
    key: np.uint64,
    process: int,
    day: int,
    keys: np.ndarray,
    status: np.ndarray,
    kind: np.ndarray,
    region: np.ndarray,
    flags: np.ndarray,
    uses_today: np.ndarray,
    amount: np.ndarray,
    opened: np.ndarray,
    uses: np.ndarray,
    ended: int,
    new_days: int,
    detection: np.ndarray,
    use_factor: np.ndarray,
    cleanup: np.ndarray,
    own: np.ndarray,
    removed: np.ndarray,
) -> None:
    """`card_step` for the cards of one chunk."""
    n = keys.size
    highs, marks = np.empty(BLOCK, dtype=np.uint32), np.empty(BLOCK, dtype=np.uint8)
    rows, names = np.empty(BLOCK, dtype=np.int64), np.empty(BLOCK, dtype=np.uint64)
    moved, u = np.empty(BLOCK), np.empty(BLOCK)
    removed[:] = 0
    first, last = _range(kind)
    at_work = np.zeros((detection.shape[0], cleanup.shape[0]), dtype=np.bool_)
    rest, by_amount = 0.0, False
    for k in range(first, last + 1):
        by_amount |= detection[k, 3] != 0.0
        rest = max(rest, _most_at_rest(k, ended, cleanup, own, at_work[k]))
    limit = np.empty(1 + _range(uses_today)[1], dtype=np.uint32)
    for times in range(limit.size):
        by_use = 0.0
        for k in range(first, last + 1):
            by_use = max(by_use, _most_by_use(detection[k], times))
        limit[times] = _word_at(rest + by_use * use_factor.max())
    for start in range(0, n, BLOCK):
        m = min(BLOCK, n - start)
        block = slice(start, start + m)
        high_words_into(key, process, day, keys[block], 0, highs[:m])
        marked = marks[: (m + 7) // 8 * 8]
        found = _likely(status[block], uses_today[block], np.uint8(ended), highs[:m], limit, marked, rows)
        for j in range(found):
            names[j] = keys[start + rows[j]]
            moved[j] = amount[start + rows[j]] if by_amount else 0.0
        uniforms_into(key, process, day, names[:found], 0, u[:found])
        for j in range(found):
            i = start + rows[j]
            s, k, f, g = status[i], kind[i], flags[i] & 15, region[i]
            detected = 0.0
            if uses_today[i] > 0:
                new = 1.0 if detection[k, 5] != 0.0 and day - opened[i] <= new_days else 0.0
                awakened = 1.0 if (flags[i] & 1) != 0 and uses[i] <= uses_today[i] else 0.0
                each = use_rate(detection[k], uses_today[i], moved[j] / uses_today[i], new, awakened)
                detected = each * uses_today[i] * use_factor[g]
            removed[i] = _settle(u[j], detected, s, k, f, g, cleanup, own, at_work[k])


@njit(f"void(u8,i8,i8,{_COLUMNS},{_RATES},u1[::1])", cache=True, error_model="numpy", parallel=True)
def card_step(
    key: np.uint64,
    process: int,
    day: int,
    keys: np.ndarray,
    status: np.ndarray,
    kind: np.ndarray,
    region: np.ndarray,
    flags: np.ndarray,
    uses_today: np.ndarray,
    amount: np.ndarray,
    opened: np.ndarray,
    uses: np.ndarray,
    ended: int,
    new_days: int,
    detection: np.ndarray,
    use_factor: np.ndarray,
    cleanup: np.ndarray,
    own: np.ndarray,
    removed: np.ndarray,
) -> None:
    """Settle today's removals.

    Columns of cards have n entries.  ``ended``: statuses from here on are out of use.  ``detection``: float64
    (kinds, 7), see :func:`use_rate`.  ``use_factor``: float64 (regions), on detection by use.  ``cleanup``:
    float64 (causes, kinds, 16 flag sets, regions) and ``own``: float64 (causes, statuses, kinds), rates per
    day. ``removed`` (output, uint8, n): 0 for a card that stays, else 1 + the cause, counted as detection,
    the cleanup causes, the own causes.
    """
    n = keys.size
    for chunk in prange((n + CHUNK - 1) // CHUNK):
        at = slice(chunk * CHUNK, min(n, (chunk + 1) * CHUNK))
        _step_chunk(
            key, process, day,
            keys[at], status[at], kind[at], region[at], flags[at], uses_today[at], amount[at], opened[at],
            uses[at], ended, new_days, detection, use_factor, cleanup, own, removed[at],
        )  # fmt: skip
