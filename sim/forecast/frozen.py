"""Frozen forecasts: written once, with a hash, so that nobody can better them afterwards without a trace.

A frozen forecast is two files: `DATE.csv` with the bands, a row for each month and quantity, and `DATE.json`
that says which day it knows, when and with what it was made, and the SHA-256 of the first.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pandas as pd

from sim.errors import escaped
from sim.forecast.ensemble import QUANTILES
from sim.observe.store import atomically, check_file, file_hash, refusal
from sim.study.results import versions

if TYPE_CHECKING:
    from sim.forecast.backtest import Backtest
    from sim.study.sweep import Sweep

COLUMNS = ("month", "quantity", *QUANTILES, "p_fall")
FORMAT, FORMAT_VERSION = "cardbreak-frozen-forecast", 1
MOST_BYTES = 4 * 2**20
_NAME = re.compile(r"\d{4}-\d{2}-\d{2}\.(csv|json)")


def write(folder: Path, made: Backtest, asked: Sweep) -> Path:
    """Write the two files of an origin's forecast; the first is returned."""
    folder.mkdir(parents=True, exist_ok=True)
    bands = made.forecast.bands.rename(columns={"statistic": "quantity"})[list(COLUMNS)]
    path = folder / f"{made.origin.day}.csv"
    text = bands.to_csv(index=False, lineterminator="\n", float_format="%.6g", date_format="%Y-%m-%d")
    atomically(path, lambda file: file.write(text.encode()))
    content = json.dumps(_about(made, asked, file_hash(path)), indent=1, ensure_ascii=True) + "\n"
    atomically(path.with_suffix(".json"), lambda file: file.write(content.encode()))
    return path


def _about(made: Backtest, asked: Sweep, sha256: str) -> dict[str, Any]:
    origin = made.origin
    worlds = {world.name: world for world in origin.worlds}
    weights = made.forecast.structures.set_index("structure")["weight"]
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "origin": origin.day.isoformat(),
        "frozen": datetime.now(UTC).date().isoformat(),
        "command": ["cardbreak", *sys.argv[1:]],
        "versions": versions(),
        "seed": asked.seed,
        "replicates": asked.replicates,
        "draws": None if asked.draws is None else _draws(made, asked.draws),
        "scale": origin.worlds[0].scale,
        "structures": {
            name: {"scenario": world.hash(), "rival": world.rival, "weight": float(weights.get(name, 0.0))}
            for name, world in worlds.items()
        },
        "schedule": [list(row) for row in origin.changes.itertuples(index=False)],
        "sha256": sha256,
    }


def _draws(made: Backtest, count: int) -> dict[str, Any]:
    table = made.origin.draws
    if table is None:
        return {"count": count, "source": "priors"}
    known_by = None if table.known_by is None else table.known_by.isoformat()
    return {"count": count, "source": table.source, "known_by": known_by, "digest": table.digest}


def freeze(made: Path, into: Path, *, force: bool = False) -> list[Path]:
    """Copy frozen forecasts into a folder that keeps them. Raises `InputError`.

    Refuses, before anything is copied, where the source was touched, and where the folder has a forecast of
    the same origin already, unless forced.
    """
    files = sorted(path for path in made.iterdir() if _NAME.fullmatch(path.name)) if made.is_dir() else []
    if not files:
        raise refusal(made, "holds no forecast", "Make the runs first.")
    for wrong in touched(made):
        raise refusal(made, wrong, "Make the back-test again.")
    for path in files:
        if (into / path.name).exists() and not force:
            what = f"holds a frozen forecast of {path.stem} already"
            raise refusal(into, what, "A frozen forecast is to stay; --force replaces it all the same.")
    try:
        into.mkdir(parents=True, exist_ok=True)
        for path in files:
            content = path.read_bytes()
            atomically(into / path.name, partial(_fill, content))
    except OSError as problem:
        raise refusal(into, f"cannot be written ({problem.strerror})", "Give another folder.") from problem
    return [into / path.name for path in files if path.suffix == ".csv"]


def _fill(content: bytes, file: IO[bytes]) -> None:
    file.write(content)


def touched(folder: Path) -> list[str]:
    """What is wrong with the frozen forecasts of a folder, in words; nothing where all are as they were."""
    return list(_touched(folder)) if folder.is_dir() else []


def _touched(folder: Path) -> Iterator[str]:
    names = {path.name for path in folder.iterdir() if _NAME.fullmatch(path.name)}
    for stem in sorted({Path(name).stem for name in names}):
        csv, about = f"{stem}.csv", f"{stem}.json"
        if {csv, about} - names:
            yield f"{(csv if csv not in names else about)} is missing"
            continue
        said = _said(folder / about)
        if said.get("origin") != stem or said.get("format") != FORMAT:
            yield f"{about} is not the description of a forecast of {stem}"
        elif file_hash(folder / csv) != said.get("sha256"):
            yield f"{csv} is not what was frozen on {escaped(str(said.get('frozen'))[:20])}"


def _said(path: Path) -> dict[str, Any]:
    """The description of a frozen forecast; empty where it is none."""
    check_file(path, MOST_BYTES)
    try:
        found = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def listed(folder: Path) -> pd.DataFrame:
    """The frozen forecasts of a folder: origin, frozen, draws, sha256."""
    rows = []
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else []:
        if _NAME.fullmatch(path.name):
            said = _said(path)
            draws = said.get("draws") or {}
            source = draws.get("source", "point values") if isinstance(draws, dict) else ""
            shown = [path.stem, said.get("frozen", ""), source, said.get("sha256", "")]
            rows.append([escaped(str(text)[:100]) for text in shown])
    return pd.DataFrame(rows, columns=["origin", "frozen", "draws", "sha256"])
