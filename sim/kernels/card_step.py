"""The daily card step: every live card meets all hazards at once, with one draw.

Hazards compete (equation 4.16).  Each cause i has a rate r_i = -log(1 - h_i); a card is removed with
probability 1 - exp(-sum r), and the cause is i with probability r_i / sum r.  One uniform number settles
both, so the order of the measures cannot matter and a hazard of zero changes nothing.

Cards are stepped in chunks of a fixed size, so the result does not depend on the number of threads.
"""

import numpy as np
from numba import njit, prange

from sim.kernels.philox import uniform_at

CHUNK = 65_536
"""Cards in a chunk: fixed, whatever the number of threads."""

SIGNATURE = (
    "void(u8,i8,i8,u8[::1],u1[::1],u1[::1],u1[::1],u1[::1],u1[::1],i8[::1],i4[::1],u2[::1],i8,i8,"
    "f8[:,::1],f8[::1],f8[:,:,:,::1],f8[:,:,::1],u1[::1])"
)


@njit("f8(f8[::1],i8,f8,f8,f8)", cache=True, error_model="numpy", forceinline=True)
def use_rate(detection: np.ndarray, uses_today: int, amount: float, new: float, awakened: float) -> float:
    """Rate of detection for each use (equation 4.12), so that q = 1 - exp(-rate).

    ``detection`` holds a0, a1, v0, a2, m0, a3, a4: base, excess uses over v0, amount over m0 (fen), a newly
    opened card, a card awakened after lying idle.
    """
    excess = max(uses_today - detection[2], 0.0)
    amounts = detection[3] * np.log1p(amount / detection[4])
    rate: float = (
        detection[0] + detection[1] * excess + amounts + detection[5] * new + detection[6] * awakened
    )
    return rate


@njit("i8(f8,f8,f8[:],f8[:])", cache=True, error_model="numpy")
def _cause(point: float, detected: float, cleanup: np.ndarray, own: np.ndarray) -> int:
    """The cause whose interval of the summed rates holds ``point``; a cause of rate 0 is never chosen."""
    last, passed = 0, detected
    if point < passed:
        return 0
    for c in range(cleanup.size + own.size):
        rate = cleanup[c] if c < cleanup.size else own[c - cleanup.size]
        passed += rate
        if rate > 0.0:
            last = c + 1
            if point < passed:
                break
    return last


@njit(SIGNATURE, cache=True, error_model="numpy", parallel=True)
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
        for i in range(chunk * CHUNK, min(n, (chunk + 1) * CHUNK)):
            removed[i] = 0
            s = status[i]
            if s >= ended:
                continue
            k, f, g = kind[i], flags[i] & 15, region[i]
            detected = 0.0
            if uses_today[i] > 0:
                new = 1.0 if day - opened[i] <= new_days else 0.0
                awakened = 1.0 if (flags[i] & 1) != 0 and uses[i] <= uses_today[i] else 0.0
                each = use_rate(detection[k], uses_today[i], amount[i] / uses_today[i], new, awakened)
                detected = each * uses_today[i] * use_factor[g]
            total = detected
            for c in range(cleanup.shape[0]):
                total += cleanup[c, k, f, g]
            for c in range(own.shape[0]):
                total += own[c, s, k]
            if total <= 0.0:
                continue
            u = uniform_at(key, process, day, keys[i], 0)
            gone = -np.expm1(-total)
            if u < gone:
                # Given removal, u / gone is uniform again: the same draw settles the cause.
                removed[i] = 1 + _cause(u / gone * total, detected, cleanup[:, k, f, g], own[:, s, k])
