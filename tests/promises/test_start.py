"""How a run begins: kernels are compiled once, by one process, and that is announced in one line."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from sim import kernels
from sim.console import COMPILING

KERNEL = """
from sim.kernels import compiled

@compiled("i8(i8)")
def twice(x: int) -> int:
    return 2 * x

@compiled("i8(i8)")
def thrice(x: int) -> int:
    return 3 * x
"""


def test_compiling_is_told_once_and_only_if_a_kernel_is_not_in_the_cache(tmp_path: Path) -> None:
    file = tmp_path / "some_kernels.py"
    file.write_text(KERNEL)
    for told in (["now"], []):
        heard: list[str] = []
        kernels.when_compiling(lambda heard=heard: heard.append("now"))
        assert runpy.run_path(str(file))["twice"](4) == 8
        assert heard == told


@pytest.mark.full
def test_the_first_run_announces_the_compilation_and_the_second_does_not(tmp_path: Path) -> None:
    short = ["--scale", "5000", "--end", "2018-01-10", "--replicates", "2", "--jobs", "2", "--force"]
    for announced in (1, 0):
        made = subprocess.run(
            [sys.executable, "-m", "sim.cli", "run", "no-measures", *short, "--out", str(tmp_path / "out")],
            env=os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache")},
            capture_output=True,
            text=True,
            check=True,
        )
        assert made.stderr.splitlines().count(COMPILING) == announced
