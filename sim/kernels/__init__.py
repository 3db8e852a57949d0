"""Compiled inner loops: arrays and numbers in, arrays and numbers out, nothing of the model known.

Every kernel is compiled by numba for one fixed signature (`compiled`), so that the machine code exists
once, is cached on disk, and an argument of a wrong kind is refused instead of silently compiled for anew.
The house rules of this room: no relaxed floating point, no reduction over threads (a sum must not depend on
who summed first), and no 64-bit key that travels as a signed number.

One trap of the cache is worth knowing: numba marks a cached kernel as stale only when *its own* file
changes. After an edit of `philox.py` or `sampling.py`, delete the `__pycache__` folders of the kernels that
call them.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

# Arguments that a kernel only reads, in numba's notation: contiguous, and frozen arrays are welcome.
KEYS = "Array(u8,1,'C',readonly=True)"
COUNTS = "Array(i8,1,'C',readonly=True)"
FLOATS = "Array(f8,1,'C',readonly=True)"

_Function = TypeVar("_Function", bound=Callable[..., object])

_to_tell: list[Callable[[], None]] = []


def when_compiling(tell: Callable[[], None]) -> None:
    """Call `tell`, once, when a kernel is not found in the cache: then compiling takes its time."""
    _to_tell[:] = [tell]


def compiled(signature: str | list[str], *, inline: bool = False) -> Callable[[_Function], _Function]:
    """Compile a function for its signature, with the options that every kernel of the model shares.

    Parameters
    ----------
    signature
        numba's notation, for example ``"f8(u8,i8)"``; `KEYS`, `COUNTS` and `FLOATS` for arrays that are
        only read.  A list where an argument comes as arrays of several types.
    inline
        Whether the body is always merged into its callers (for short functions in the innermost loops).

    Returns
    -------
    decorator
        It keeps the annotated type of the function, which numba's own decorator loses.

    """
    # No kernel is called from C: without that entry an eighth of the compiling is saved.
    options: dict[str, Any] = {"error_model": "numpy", "forceinline": inline, "no_cfunc_wrapper": True}
    decorate = njit(signature, cache=True, **options)

    def kernel(function: _Function) -> _Function:
        made = decorate(function)
        if _to_tell and made.stats.cache_misses:
            _to_tell.pop()()
        return cast("_Function", made)

    return kernel
