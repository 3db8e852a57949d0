"""Make an environment hold exactly what a lock names, and the project itself, unless it already does.

Run by `make setup`, `make setup-studies`, `make setup-docs`, `make demo`, `make setup-dev` and `make bench`;
it needs nothing but Python. The packages come from `requirements/core.txt` (to run the model),
`requirements/studies.txt` (also for scenario discovery and Dask clusters), `requirements/docs.txt` (also to
build the documentation), `requirements/app.txt` (to run the model and the web demo) or `requirements/dev.txt`
(to work on it all), into `.venv`, or from `requirements/bench.txt` (what the benchmark compares with), into
`.venv-bench` and without the project; each is pinned and checked against its hash. uv does the work, about
three times faster than pip; where uv cannot be had, or does not get through, pip does it. No Python is ever
downloaded: the one that runs this file is used.

The kind `browser` is the Chromium that the tests of the web demo drive: from Debian's packages, and only
where that can be had without a question. Those tests are skipped where there is none.

A stamp in the environment records a hash of everything an installation depends on. While it agrees, nothing
is done.
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
OLDEST = (3, 11)
KINDS = {
    "core": ("core", "studies", "docs", "app", "dev"),
    "studies": ("studies", "docs", "dev"),
    "docs": ("docs", "dev"),
    "app": ("app", "dev"),
    "dev": ("dev",),
}
"""Kinds of one environment, and for each the kinds that hold all of it. Their locks agree on every version,
so that one may be installed over another and both are there."""


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


class Environment:
    """A virtual environment for one kind of work, its tools and its stamp."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.folder = ROOT / (".venv-bench" if kind == "bench" else ".venv")
        self.lock = LOCKS / f"{kind}.txt"
        self.stamp = self.folder / "cardbreak-stamp.json"
        self.python = self.folder / "bin" / "python"
        self.uv = self.folder / "bin" / "uv"

    @property
    def interpreter(self) -> str:
        """What an environment is tied to: a Python, and the folder that its scripts spell out."""
        return f"{sys.version} {sys.base_prefix} {self.folder}"

    def wanted(self, kind: str) -> str:
        """The hash of all that an installation of a kind depends on."""
        digest = hashlib.sha256(self.interpreter.encode())
        for path in (LOCKS / f"{kind}.txt", LOCKS / "bootstrap.txt", ROOT / "pyproject.toml", Path(__file__)):
            digest.update(path.read_bytes())
        return digest.hexdigest()

    def read_stamp(self) -> dict[str, str]:
        """The recorded hashes by kind; none where there is no environment or its stamp is unreadable."""
        try:
            stamp = json.loads(self.stamp.read_text())
        except (OSError, ValueError):
            return {}
        return stamp if isinstance(stamp, dict) and self.python.exists() else {}

    def is_current(self) -> bool:
        """Whether nothing is to do; an environment for more also does for less."""
        stamp = self.read_stamp()
        kinds = KINDS.get(self.kind, (self.kind,))
        return any(stamp.get(held) == self.wanted(held) for held in kinds)

    def make(self) -> None:
        """Make it afresh, also with a Python that came without `ensurepip` but has pip (Debian's)."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if attempt(sys.executable, "-m", "venv", self.folder).returncode == 0:
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        must(f"making {self.folder.name}", sys.executable, "-m", "venv", "--without-pip", self.folder)
        must(
            f"putting pip into {self.folder.name} (this Python has no ensurepip)",
            *(sys.executable, "-m", "pip", "--python", self.python, "install", "--quiet", "pip"),
        )

    def install_with_uv(self) -> bool:
        """Fetch uv with pip and let it install the lock; False where either does not get through."""
        bootstrap = LOCKS / "bootstrap.txt"
        fetch = (self.python, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", bootstrap)
        if attempt(*fetch).returncode != 0:
            return False
        options = ("--python", self.python, "--quiet", "--compile-bytecode", "--require-hashes")
        return attempt(self.uv, "pip", "install", *options, "-r", self.lock).returncode == 0

    def install_with_pip(self) -> None:
        """Install the lock with pip alone, which compiles to bytecode by itself."""
        options = ("--quiet", "--require-hashes", "-r", self.lock)
        must("installing with pip", self.python, "-m", "pip", "install", *options)

    def install_project(self) -> None:
        """Install the project, editable."""
        options = ("--quiet", "--no-deps", "--no-build-isolation", "--editable", ROOT)
        must("installing the project", self.python, "-m", "pip", "install", *options)
        must("compiling to bytecode", self.python, "-m", "compileall", "-q", ROOT / "sim")

    def install(self, *, use_uv: bool) -> str:
        """Install the lock and, but for the benchmark's peers, the project; the tool that did it."""
        kept = self.read_stamp()
        if not kept or kept.get("interpreter") != self.interpreter:
            self.make()
            kept = {}
        self.stamp.unlink(missing_ok=True)
        tool = "uv" if use_uv and self.install_with_uv() else "pip"
        if tool == "pip":
            self.install_with_pip()
        if self.kind != "bench":
            self.install_project()
        held = kept | {"interpreter": self.interpreter, self.kind: self.wanted(self.kind)}
        self.stamp.write_text(json.dumps(held) + "\n")
        return tool


def browser() -> str:
    """Have a Chromium for the tests; a line on what was done, nothing where there is one already."""
    if any(shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")):
        return ""
    root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if shutil.which("apt-get") is None or (root and shutil.which("sudo") is None):
        return "No Chromium, and no way to install it: the tests of the web demo in it are skipped.\n"
    print("Installing Chromium for the tests of the web demo ...", end=" ", flush=True)
    quiet = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq")
    for step in (("update",), ("install", "--yes", "--no-install-recommends", "chromium", "fonts-noto-cjk")):
        if attempt(*root, *quiet, *step).returncode != 0:
            return "it could not be had: those tests are skipped.\n"
    return "done.\n"


def main() -> None:
    """Bring the environment up to date, in one line of output, or in none when it already is."""
    parser = argparse.ArgumentParser(description="Bring an environment up to date with its lock.")
    parser.add_argument(
        "kind",
        choices=[*KINDS, "bench", "browser"],
        help="core runs the model, studies adds discovery and clusters, docs the tools that build the "
        "documentation, app the web demo, dev all that and the tests and checks; bench is what the benchmark "
        "compares with, browser what drives the tests of the demo",
    )
    parser.add_argument("--no-uv", action="store_true", help="use pip alone")
    given = parser.parse_args()
    if given.kind == "browser":
        print(browser(), end="")
        return
    environment = Environment(given.kind)
    with Path(__file__).open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two makes at a time: the second waits and finds the work done
        if environment.is_current():
            return
        began = time.monotonic()
        version = ".".join(str(part) for part in sys.version_info[:3])
        name = environment.folder.name
        print(f"Setting up {name} ({given.kind}, Python {version}) ...", end=" ", flush=True)
        tool = environment.install(use_uv=not given.no_uv)
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
