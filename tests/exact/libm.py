"""Logarithms and exponentials as kernels take them, number by number.

NumPy has fast ones of its own for arrays on some processors, which differ from these in the last bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np


def _by_number(function: Callable[[float], float]) -> Callable[[Any], np.ndarray]:
    return np.vectorize(function, otypes=[np.float64])


log, log1p, exp, expm1 = (_by_number(f) for f in (math.log, math.log1p, math.exp, math.expm1))
