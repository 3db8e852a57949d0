"""What decisions share: whose day it is, what a card gives, what agents fear; and the effort of banks."""

import numpy as np

from sim.kernels import compiled

ROWS = "Array(i8,1,'C',readonly=True)"
"""The rows that decide, in numba's notation."""


@compiled("UniTuple(i8[::1],2)(u1[::1],u1[::1],u1[::1],i8)")
def due(
    alive: np.ndarray, weekday: np.ndarray, own_rule: np.ndarray, today: int
) -> tuple[np.ndarray, np.ndarray]:
    """Rows of those alive whose weekday is ``today``: by the common rule, and by a rule of their own."""
    common, n = np.empty(alive.size, np.int64), 0
    own, n_own = np.empty(alive.size, np.int64), 0
    for r in range(alive.size):
        if alive[r] == 1 and weekday[r] == today:
            if own_rule[r] == 0:
                common[n] = r
                n += 1
            else:
                own[n_own] = r
                n_own += 1
    return common[:n], own[:n_own]


@compiled("f8(f8,i8)", inline=True)
def expected_uses(detection: float, cap: int) -> float:
    """Uses that a card gives under a cap, with a chance of detection by each (equation 4.6)."""
    return float((1.0 - (1.0 - detection) ** float(cap)) / detection)


@compiled("f8(f8[:,::1],i8,f8,f8,f8)", inline=True)
def hear(seen: np.ndarray, row: int, share: float, peers: float, decay: float) -> float:
    """Beta belief with decay (equation 4.9): ``seen`` (agents, 2), removals and survivals of peers.

    ``share`` of the peers was removed this week.  Returns the believed probability of removal within a week.
    """
    seen[row, 0] = decay * seen[row, 0] + peers * share
    seen[row, 1] = decay * seen[row, 1] + peers * (1.0 - share)
    belief: float = seen[row, 0] / (seen[row, 0] + seen[row, 1])
    return belief


@compiled(f"void({ROWS},i8,f8[::1],f8[::1],i8[::1],f8)")
def move_efforts(
    rows: np.ndarray,
    day: int,
    effort: np.ndarray,
    upheld: np.ndarray,
    upheld_until: np.ndarray,
    erosion: float,
) -> None:
    """Effort of banks rises to what is upheld, and erodes towards 1 by its half-life otherwise."""
    for b in rows:
        if upheld_until[b] > day:
            effort[b] = max(effort[b], 1.0 + upheld[b])
        else:
            upheld[b] = 0.0
            effort[b] = 1.0 + (effort[b] - 1.0) * erosion


@compiled(f"void({ROWS},{ROWS},f8,i8,f8[::1],i8[::1],i2[::1])")
def hold_up(
    banks: np.ndarray,
    until: np.ndarray,
    lift: float,
    measure: int,
    upheld: np.ndarray,
    upheld_until: np.ndarray,
    raised_by: np.ndarray,
) -> None:
    """The effort of ``banks`` (n, some perhaps more than once) is to be raised by ``lift`` ``until`` a day.

    What is ``upheld`` (banks), and until when, never falls; ``raised_by`` becomes the number of the measure.
    """
    for i in range(banks.size):
        b = banks[i]
        upheld[b] = max(upheld[b], lift)
        upheld_until[b] = max(upheld_until[b], until[i])
        raised_by[b] = measure
