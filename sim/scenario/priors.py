"""Priors of uncertain parameters: a named distribution, its support, and its value at a given quantile.

A draw asks a prior for one quantile, so that the same uniform number always gives the same value and no
generator has a state. Distributions: `uniform: [low, high]`, `loguniform: [low, high]`, `triangular: [low,
mode, high]`, `normal: [mean, standard deviation]`, `lognormal: [median, standard deviation of the
logarithm]`; the last two are cut off at the range of the parameter.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from statistics import NormalDist

SHAPES: dict[str, str] = {
    "uniform": "[low, high]",
    "loguniform": "[low, high]",
    "triangular": "[low, mode, high]",
    "normal": "[mean, standard deviation]",
    "lognormal": "[median, standard deviation of the logarithm]",
}
_STANDARD = NormalDist()


@dataclass(frozen=True)
class Prior:
    """A distribution of one number.

    Parameters
    ----------
    kind
        One of `SHAPES`.
    numbers
        Its parameters, in the order of `SHAPES`.
    low, high
        Range of the parameter, which cuts normal and lognormal off.
    """

    kind: str
    numbers: tuple[float, ...]
    low: float = -math.inf
    high: float = math.inf

    @property
    def support(self) -> tuple[float, float]:
        """Smallest and largest value that a draw can give."""
        if self.kind in ("normal", "lognormal"):
            return (max(self.low, 0.0) if self.kind == "lognormal" else self.low), self.high
        return self.numbers[0], self.numbers[-1]

    def quantile(self, share: float) -> float:
        """The value below which `share` (0 to 1) of the distribution lies."""
        if self.kind == "uniform":
            low, high = self.numbers
            value = low + share * (high - low)
        elif self.kind == "loguniform":
            low, high = (math.log(number) for number in self.numbers)
            value = math.exp(low + share * (high - low))
        elif self.kind == "triangular":
            value = self._triangular(share)
        else:
            value = self._normal(share)
        low, high = self.support
        return min(max(value, low), high)  # rounding must not leave the support

    def _triangular(self, share: float) -> float:
        low, mode, high = self.numbers
        split = (mode - low) / (high - low)
        if share < split:
            return low + math.sqrt(share * (high - low) * (mode - low))
        return high - math.sqrt((1 - share) * (high - low) * (high - mode))

    def _normal(self, share: float) -> float:
        below, above = self._cut()
        inside = min(max(below + share * (above - below), 1e-300), 1 - 1e-16)
        z = _STANDARD.inv_cdf(inside)
        centre, spread = self.numbers
        return centre * math.exp(spread * z) if self.kind == "lognormal" else centre + spread * z

    def _cut(self) -> tuple[float, float]:
        """Shares of the uncut distribution below the lower and the upper end of the range."""
        return self._below(self.low), self._below(self.high)

    def _below(self, bound: float) -> float:
        centre, spread = self.numbers
        if math.isinf(bound):
            return 0.0 if bound < 0 else 1.0
        if self.kind == "lognormal":
            return _STANDARD.cdf(math.log(bound / centre) / spread) if bound > 0 else 0.0
        return _STANDARD.cdf((bound - centre) / spread)

    def complaint(self) -> str | None:
        """What is wrong with the numbers; None when nothing is."""
        if self.kind in ("uniform", "loguniform", "triangular"):
            return self._bounded_complaint()
        centre, spread = self.numbers
        if spread <= 0 or (self.kind == "lognormal" and centre <= 0):
            return "needs a standard deviation above 0" + (
                " and a median above 0" if self.kind == "lognormal" else ""
            )
        below, above = self._cut()
        return None if above - below > 1e-3 else "lies almost wholly outside the range of the parameter"

    def _bounded_complaint(self) -> str | None:
        if list(self.numbers) != sorted(self.numbers) or self.numbers[0] == self.numbers[-1]:
            return f"needs rising numbers {SHAPES[self.kind]}"
        if self.kind == "loguniform" and self.numbers[0] <= 0:
            return "needs numbers above 0"
        if self.numbers[0] < self.low or self.numbers[-1] > self.high:
            return "leaves the range of the parameter"
        return None


def uniform(seed: int, draw: int, identifier: str) -> float:
    """The uniform number in (0, 1) that decides parameter `identifier` in draw `draw`: 53 bits of a hash."""
    digest = hashlib.sha256(f"{seed}/{draw}/{identifier}".encode()).digest()
    return ((int.from_bytes(digest[:8], "big") >> 11) + 0.5) * 2.0**-53
