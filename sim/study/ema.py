"""The EMA workbench, behind one door: boxes that PRIM (patient rule induction) finds among points.

PRIM begins with all points and peels off, thin slice by thin slice, what fails least, then pastes back what
it took too much of; each step leaves a box. The library is in the extra `discover`, takes seconds to import
and is imported when a box is asked for. Nothing of it leaves this module but plain values.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sim.errors import Fault, InputError

NOISE: tuple[tuple[str, type[Warning]], ...] = (
    ("ipyparallel not installed", UserWarning),
    ("altair based interactive inspection", ImportWarning),
    ("The inplace keyword in DataFrame.drop is deprecated", Warning),
)
"""What the library warns of and no user can mend: parts of it that are not used here."""

ANY = 1e-9
"""Density that the last box must have: any, because the box is chosen here and not by the library."""


@dataclass(frozen=True)
class Limit:
    """One side of a box: the parameter lies below or above `value`.

    ``quasi_p`` is the chance of so high a density, were the limit lifted and the box's points taken blindly
    from the wider box; it does not know that the limit was searched for.
    """

    parameter: str
    side: str
    value: float
    quasi_p: float


@dataclass(frozen=True)
class Box:
    """A box: how many of the points lie in it, how many of these fail, and its limits.

    ``coverage`` is its share of all failures, ``density`` the share of its points that fail.
    """

    points: int
    failures: int
    coverage: float
    density: float
    limits: tuple[Limit, ...]

    @property
    def restricted(self) -> int:
        """How many parameters it limits."""
        return len({limit.parameter for limit in self.limits})

    @property
    def product(self) -> float:
        """Coverage times density: 1 for a box that holds all failures and nothing else."""
        return self.coverage * self.density


def boxes(places: pd.DataFrame, fails: np.ndarray, least: float) -> list[Box]:
    """The boxes on PRIM's way from all points to the smallest box, which holds a share `least` of them.

    ``places``: float64 (points, parameters); ``fails``: bool (points), neither all nor none. Raises
    `InputError` where the library is not installed.
    """
    with warnings.catch_warnings():
        for message, kind in NOISE:
            warnings.filterwarnings("ignore", message=message, category=kind)
        prim = _library()
        found = prim.Prim(places.astype("float64"), fails.astype(int), threshold=ANY, mass_min=least)
        box = found.find_box()
    whole = box.box_lims[0]
    rows = box.peeling_trajectory.to_dict("records")
    return [
        Box(int(row["n"]), int(row["k"]), float(row["coverage"]), float(row["density"]), tuple(limits))
        for row, limits in zip(
            rows,
            (_limits(lims, whole, qp) for lims, qp in zip(box.box_lims, box.qp, strict=True)),
            strict=True,
        )
    ]


def _limits(box: pd.DataFrame, whole: pd.DataFrame, quasi_p: dict[str, Sequence[float]]) -> Iterator[Limit]:
    for name in whole.columns:
        for end, side in enumerate((">", "<")):
            if box[name].iloc[end] != whole[name].iloc[end]:
                yield Limit(str(name), side, float(box[name].iloc[end]), float(quasi_p[name][end]))


def installed() -> None:
    """Do nothing where the library is installed; else raise `InputError`, before anything is computed."""
    import importlib.util

    if importlib.util.find_spec("ema_workbench") is None:
        what = "needs the EMA workbench, which is not installed"
        raise InputError([Fault("discover", None, "", what, "Run `make setup-studies`.")])


def _library() -> Any:
    installed()
    from ema_workbench.analysis import prim

    return prim
