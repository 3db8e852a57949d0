"""What tells newcomers apart, by their own keys."""

import math

import numpy as np

from sim.kernels import compiled
from sim.kernels.philox import normal_at, uniform_at


@compiled("void(u8,i8,u8[::1],f8,f8[::1],f8[::1],f8[::1],i4[::1],f8[::1],f8[:,::1],u1[::1])")
def gang_traits(
    run: np.uint64,
    process: int,
    keys: np.ndarray,
    staff_mean: float,
    staff_log: np.ndarray,
    skill_log: np.ndarray,
    log_weight: np.ndarray,
    staff: np.ndarray,
    skill: np.ndarray,
    methods: np.ndarray,
    weekday: np.ndarray,
) -> None:
    """Staff, skill, mix of methods and weekday of gangs.

    ``keys`` (n).  Staff is ``staff_mean`` times a lognormal factor with mean 1, at least 1; skill is such a
    factor; ``staff_log`` and ``skill_log`` hold the standard deviation of a factor's logarithm, and half its
    square.  The mix is a softmax of normal numbers around ``log_weight`` (methods).  ``staff``, ``skill``,
    ``methods`` (n, methods) and ``weekday`` are outputs.
    """
    for i in range(keys.size):
        size = math.exp(staff_log[0] * normal_at(run, process, 0, keys[i], 0) - staff_log[1])
        staff[i] = max(int(np.rint(staff_mean * size)), 1)
        skill[i] = math.exp(skill_log[0] * normal_at(run, process, 0, keys[i], 1) - skill_log[1])
        most = -np.inf
        for k in range(log_weight.size):
            methods[i, k] = normal_at(run, process, 0, keys[i], 3 + k) + log_weight[k]
            most = max(most, methods[i, k])
        total = 0.0
        for k in range(log_weight.size):
            methods[i, k] = math.exp(methods[i, k] - most)
            total += methods[i, k]
        for k in range(log_weight.size):
            methods[i, k] /= total
        weekday[i] = int(uniform_at(run, process, 0, keys[i], 20) * 7.0)
