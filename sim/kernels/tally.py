"""Counting by place, rows that change from one status to another, money in whole fen: what many ask for.

A place number outside of the table is an IndexError, a negative one too.
"""

import numpy as np
from numpy.typing import NDArray

from sim.kernels import compiled

# Place numbers come as bytes from columns and as int64 from computations; both in any layout.
_BYTES = "Array(u1,1,'A',readonly=True)"
_WHOLE = "Array(i8,1,'A',readonly=True)"


@compiled("i8(f8)", inline=True)
def whole_fen(yuan: float) -> int:
    """Money in whole fen, as `sim.arrays.fen` has it."""
    return int(np.rint(yuan * 100.0))


@compiled([f"void(i8[::1],{places})" for places in (_BYTES, _WHOLE)])
def tally_into(totals: NDArray[np.int64], place: NDArray[np.integer]) -> None:
    """Add 1 to ``totals`` (k) for each entry of ``place`` (n, uint8 or int64)."""
    for i in range(place.size):
        if not 0 <= place[i] < totals.size:
            raise IndexError("a place is not in the table")
        totals[place[i]] += 1


@compiled([f"void(i8[::1],{places},{_WHOLE})" for places in (_BYTES, _WHOLE)])
def tally_amounts_into(
    totals: NDArray[np.int64], place: NDArray[np.integer], amount: NDArray[np.int64]
) -> None:
    """Add each amount (n) to ``totals`` (k) at its place (n, uint8 or int64); lengths must agree."""
    if amount.size != place.size:
        raise ValueError("places and amounts differ in length")
    for i in range(place.size):
        if not 0 <= place[i] < totals.size:
            raise IndexError("a place is not in the table")
        totals[place[i]] += amount[i]


@compiled(f"void({_WHOLE},u1[::1],u1[::1],i4[::1],i8[:,:,::1],i8,i8)")
def move_rows(
    rows: NDArray[np.int64],
    kind: NDArray[np.uint8],
    status: NDArray[np.uint8],
    moved: NDArray[np.int32],
    transitions: NDArray[np.int64],
    after: int,
    day: int,
) -> None:
    """Give rows (n) the status ``after`` on ``day`` and count each transition.

    ``kind``, ``status`` and ``moved`` (day of the last change) are columns of equal length, ``transitions``
    counts by kind, status before and status after.
    """
    for row in rows:
        if not 0 <= row < status.size:
            raise IndexError("a row is not in the table")
        transitions[kind[row], status[row], after] += 1
        status[row] = after
        moved[row] = day
