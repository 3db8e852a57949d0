"""Make `.venv` hold exactly what the locks name, and the project itself, unless it already does.

Run by `make setup` and `make setup-dev`; it needs nothing but Python. The packages come from
`requirements/core.txt` (to run the model) or `requirements/dev.txt` (to work on it as well), each pinned and
checked against its hash. uv does the work, about three times faster than pip; where uv cannot be had, or does
not get through, pip does it. No Python is ever downloaded: the one that runs this file is used.

A stamp in `.venv` records a hash of everything an installation depends on. While it agrees, nothing is done.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "requirements"
VENV = ROOT / ".venv"
STAMP = VENV / "cardbreak-stamp.json"
PYTHON = VENV / "bin" / "python"
UV = VENV / "bin" / "uv"
OLDEST = (3, 11)


class SetupError(Exception):
    """Set-up cannot go on; the message is all that the user should see."""


def attempt(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command, keeping what it prints for the case that it fails."""
    environment = {**os.environ, "UV_PYTHON_DOWNLOADS": "never", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    return subprocess.run(
        [str(part) for part in command],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def must(what: str, *command: str | Path) -> None:
    """Run a command that has no alternative; say what failed and the end of what it printed."""
    done = attempt(*command)
    if done.returncode != 0:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        raise SetupError(f"{what} failed:\n{tail}")


def interpreter() -> str:
    """Name what an environment is tied to: a Python, and the folder that its scripts spell out."""
    return f"{sys.version} {sys.base_prefix} {VENV}"


def wanted(kind: str) -> str:
    """Return the hash of all that an installation of this kind depends on."""
    digest = hashlib.sha256(interpreter().encode())
    for path in (LOCKS / f"{kind}.txt", LOCKS / "bootstrap.txt", ROOT / "pyproject.toml", Path(__file__)):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def read_stamp() -> dict[str, str]:
    """Return the recorded hashes by kind; none where there is no environment or its stamp is unreadable."""
    try:
        stamp = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) and PYTHON.exists() else {}


def is_current(kind: str) -> bool:
    """Tell whether the environment serves this kind; one with the development tools also runs the model."""
    stamp = read_stamp()
    return any(stamp.get(held) == wanted(held) for held in {kind, "dev"})


def make_environment() -> None:
    """Make a fresh `.venv`, also with a Python that came without `ensurepip` but has pip (Debian's)."""
    shutil.rmtree(VENV, ignore_errors=True)
    if attempt(sys.executable, "-m", "venv", VENV).returncode == 0:
        return
    shutil.rmtree(VENV, ignore_errors=True)
    must("making .venv", sys.executable, "-m", "venv", "--without-pip", VENV)
    must(
        "putting pip into .venv (this Python has no ensurepip)",
        *(sys.executable, "-m", "pip", "--python", PYTHON, "install", "--quiet", "pip"),
    )


def install_with_uv(kind: str) -> bool:
    """Fetch uv with pip and let it install the lock; False where either does not get through."""
    bootstrap = LOCKS / "bootstrap.txt"
    fetch = (PYTHON, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", bootstrap)
    if attempt(*fetch).returncode != 0:
        return False
    lock = LOCKS / f"{kind}.txt"
    options = ("--python", PYTHON, "--quiet", "--compile-bytecode", "--require-hashes")
    return attempt(UV, "pip", "install", *options, "-r", lock).returncode == 0


def install_with_pip(kind: str) -> None:
    """Install the lock with pip alone, which compiles to bytecode by itself."""
    lock = LOCKS / f"{kind}.txt"
    must("installing with pip", PYTHON, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", lock)


def install(kind: str, *, use_uv: bool) -> str:
    """Install the lock and then the project, editable; return the name of the tool that did it."""
    kept = read_stamp()
    if not kept or kept.get("interpreter") != interpreter():
        make_environment()
    STAMP.unlink(missing_ok=True)
    tool = "uv" if use_uv and install_with_uv(kind) else "pip"
    if tool == "pip":
        install_with_pip(kind)
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--editable", ROOT)
    must("installing the project", PYTHON, "-m", "pip", "install", *options)
    must("compiling to bytecode", PYTHON, "-m", "compileall", "-q", ROOT / "sim")
    STAMP.write_text(json.dumps({"interpreter": interpreter(), kind: wanted(kind)}) + "\n")
    return tool


def main() -> None:
    """Bring the environment up to date, in one line of output, or in none when it already is."""
    parser = argparse.ArgumentParser(description="Bring .venv up to date with the locks.")
    parser.add_argument(
        "kind", choices=["core", "dev"], help="core runs the model, dev adds the tests and checks"
    )
    parser.add_argument("--no-uv", action="store_true", help="use pip alone")
    given = parser.parse_args()
    with Path(__file__).open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two makes at a time: the second waits and finds the work done
        if is_current(given.kind):
            return
        began = time.monotonic()
        version = ".".join(str(part) for part in sys.version_info[:3])
        print(f"Setting up .venv ({given.kind}, Python {version}) ...", end=" ", flush=True)
        tool = install(given.kind, use_uv=not given.no_uv)
        print(f"done with {tool} in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    if sys.version_info < OLDEST:
        sys.exit(
            f"cardbreak needs Python {OLDEST[0]}.{OLDEST[1]} or newer; this is {sys.version.split()[0]}."
        )
    try:
        main()
    except SetupError as error:
        sys.exit(f"failed\n{error}")
