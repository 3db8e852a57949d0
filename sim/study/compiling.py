"""Compiling the kernels: once, announced, and by two processes where there are two cores.

Kernels are compiled, or found in the cache, when their modules are imported, and the model imports them all.
Where the first of them is not in the cache, a second process begins at the other end of the list; whoever
comes to a module that the other has made finds it in the cache.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

FROM_THE_END = (
    "phone_cards",
    "trade",
    "books",
    "openings",
    "enforcement",
    "channels",
    "cases",
    "chain",
    "money",
    "card_step",
)
"""Kernel modules in the reverse of the order in which the model imports them, the longer half."""


def warm_up(compiling: Callable[[], None]) -> None:
    """Load the model with its kernels; `compiling` is called if they have to be compiled first."""
    from sim import kernels

    beside: list[subprocess.Popen[bytes]] = []

    def not_in_the_cache() -> None:
        compiling()
        if (os.cpu_count() or 1) > 1:
            beside.append(_second_process())

    kernels.when_compiling(not_in_the_cache)
    import sim.model  # noqa: F401

    for process in beside:  # whatever it has under way is made already
        process.terminate()
        process.wait()


def _second_process() -> subprocess.Popen[bytes]:
    """A process that compiles from the end of the list and tells nobody."""
    home = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join([home, *filter(None, [os.environ.get("PYTHONPATH")])])
    code = "; ".join(f"import sim.kernels.{name}" for name in FROM_THE_END)
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
