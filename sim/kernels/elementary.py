"""Exponentials, logarithms and powers of arrays, the same on every processor.

NumPy has fast ones of its own on some processors, which differ from the C library's in the last bit, and one
bit can decide whether somebody opens an account. Here each number goes through the C library.
"""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sim.kernels import FLOATS, compiled

Floats = NDArray[np.float64]


def exp(values: Floats) -> Floats:
    """E to the power of each value, float64 of the same shape."""
    return _through(_exp, values)


def expm1(values: Floats) -> Floats:
    """The same less one, exact near 0."""
    return _through(_expm1, values)


def log(values: Floats) -> Floats:
    """The natural logarithm of each value, float64 of the same shape."""
    return _through(_log, values)


def power(values: Floats, exponent: float) -> Floats:
    """Each value to a power, float64 of the same shape."""
    found = np.ascontiguousarray(values, dtype=np.float64).copy()
    _power(found.reshape(-1), exponent)
    return found


def _through(kernel: Callable[[Floats, Floats], None], values: Floats) -> Floats:
    given = np.ascontiguousarray(values, dtype=np.float64)
    found = np.empty_like(given)
    kernel(given.reshape(-1), found.reshape(-1))
    return found


@compiled(f"void({FLOATS},f8[::1])")
def _exp(values: Floats, found: Floats) -> None:
    for i in range(values.size):
        found[i] = math.exp(values[i])


@compiled(f"void({FLOATS},f8[::1])")
def _expm1(values: Floats, found: Floats) -> None:
    for i in range(values.size):
        found[i] = math.expm1(values[i])


@compiled(f"void({FLOATS},f8[::1])")
def _log(values: Floats, found: Floats) -> None:
    for i in range(values.size):
        found[i] = math.log(values[i])


@compiled("void(f8[::1],f8)")
def _power(values: Floats, exponent: float) -> None:
    for i in range(values.size):
        values[i] = values[i] ** exponent
