"""The process that makes one measurement: ``python -m sim.bench.worker JSON``.

It prints a line of JSON whenever it knows how far it is, ``{"share": 0.4}``, and a last one with what it
measured. A process of its own keeps measurements from touching one another: memory at its highest, compiled
kernels, warm caches.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

Report = Callable[[float], None]


def peak_bytes() -> int:
    """Most memory that this process ever held.

    Linux keeps it by process in ``VmHWM``; ``ru_maxrss`` would also count the process that started this one.
    """
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        highest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return highest if sys.platform == "darwin" else 1024 * highest


def tell(content: dict[str, Any]) -> None:
    """A line of JSON for the process that waits."""
    sys.stdout.write(json.dumps(content) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Make the measurement that the first argument describes: a part, what of it, and its arguments."""
    asked = json.loads(sys.argv[1])
    part, what = asked.pop("part"), asked.pop("what", "measure")
    measure: Callable[..., dict[str, Any]] = getattr(import_module(f"sim.bench.{part}"), what)
    tell(measure(**asked, report=lambda share: tell({"share": share})))


if __name__ == "__main__":
    main()
