"""What a calibration found: waves, targets before and after, the parameters that it narrowed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sim.calibration.reproduction import CLEAR, MOST, Reproduction
from sim.study.compare import rounded
from sim.views.tables import Table, records

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 25
"""Parameters that are printed: those that were narrowed or moved most. The file has all."""


def calibration_tables(
    parameters: pd.DataFrame, targets: pd.DataFrame, waves: pd.DataFrame
) -> Iterator[Table]:
    """The tables that are printed, in order."""
    yield Table(
        ("wave", "kind", "runs", "plausible runs", "space left", "learned from", "parameters that matter"),
        [
            (
                str(row["wave"]),
                row["kind"],
                str(row["runs"]),
                str(row["plausible"]),
                _left(row["log_share_left"]),
                _count(row["learned_from"]),
                _count(row["active"]),
            )
            for row in records(waves)
        ],
        title="Waves",
        right=frozenset({"wave", "runs", "plausible runs", "learned from", "parameters that matter"}),
    )
    yield Table(
        ("id", "what", "role", "chance", "prior: near", "in band", "plausible", "run again", "verdict"),
        [
            (
                row["id"],
                row["title"],
                row["role"],
                f"{row['chance']:.1f}",
                _per_cent(row["prior_near"]),
                _per_cent(row["prior_in_band"]),
                _per_cent(row["in_band"]),
                _per_cent(row["again"]),
                _verdict(row["again"]),
            )
            for row in records(targets)
        ],
        title="Chance, in standard deviations of record and model; runs over the prior within 3 standard "
        "deviations of each target, and in its band; plausible runs in its band, and when run again",
        right=frozenset({"chance", "prior: near", "in band", "plausible", "run again"}),
    )
    moved = parameters.assign(moved=(0.9 - parameters["width"]) + (parameters["median_share"] - 0.5).abs())
    top = moved.sort_values("moved", ascending=False, kind="stable").head(SHOWN)
    yield Table(
        ("parameter", "unit", "prior", "5-95%", "plausible", "5-95% "),
        [
            (
                row["parameter"],
                row["unit"],
                rounded(row["prior_median"]),
                f"{rounded(row['prior_low'])} .. {rounded(row['prior_high'])}",
                rounded(row["median"]),
                f"{rounded(row['low'])} .. {rounded(row['high'])}",
            )
            for row in records(top)
        ],
        title=f"The {len(top)} of {len(parameters)} parameters that moved most; medians",
        right=frozenset({"prior", "plausible"}),
    )


def reproduction_lines(found: Reproduction) -> Iterator[str]:
    """How a calibration compares with an earlier one, in words."""
    both, targets = found.parameters, found.targets
    apart, other = both[both["z"].abs() > CLEAR], targets[~targets["same"]]
    shifted = both[both["shifted"]]
    yield f"against {found.folder}:"
    yield (
        f"- {int(shifted['same_side'].sum())} of {len(shifted)} parameters that were shifted lie on the same "
        "side of the prior's middle"
    )
    same = len(targets) - len(other)
    yield f"- {same} of {len(targets)} targets are in their band in most runs again, or not, as before"
    for row in records(other):
        now, before = row["again"], row["before"]
        yield f"    {row['id']}, {row['title']}: {now:.0%} of draws in the band, before {before:.0%}"
    yield (
        f"- medians differ clearly (by more than {CLEAR} standard errors, as if draws were independent) in "
        f"{len(apart)} of {len(both)} parameters"
    )
    for row in records(apart):
        now, before = row["median_share"], row["before"]
        yield f"    {row['parameter']}: median at {now:.2f} of the prior, before {before:.2f}"


def _left(logarithm: Any) -> str:
    if logarithm is None or not math.isfinite(logarithm):
        return ""
    return f"{100.0 * math.exp(logarithm):.2g}%"


def _count(number: Any) -> str:
    return "" if number is None or not math.isfinite(number) else f"{number:.0f}"


def _per_cent(share: Any) -> str:
    return "" if share is None or not math.isfinite(share) else f"{share:.0%}"


def _verdict(share: Any) -> str:
    if share is None or not math.isfinite(share):
        return "no plausible draw"
    return "passes in most" if share >= MOST else "FAILS in most"
