"""Where scenario files may be read from: the user's own folder and the shipped one, nothing else.

A scenario named by the user may extend only files that lie in its own folder or that are shipped. The rule
is checked on resolved paths before a file is opened, so that neither `..` nor a symbolic link leads out.
"""

from __future__ import annotations

import os
from pathlib import Path, PureWindowsPath

from sim.errors import Fault, InputError, nearest
from sim.scenario.source import Node

SUFFIXES = (".yaml", ".yml")


def shipped_folder() -> Path:
    """The folder of the shipped scenarios: inside an installed package, else `scenarios/` of the checkout."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "_scenarios"
    return inside if inside.is_dir() else package.parent / "scenarios"


def shipped_scenarios() -> dict[str, Path]:
    """The shipped scenarios by name (`card-cleanup`), in alphabetical order."""
    return {path.stem: path for path in sorted(shipped_folder().glob("*.yaml"))}


def shipped_experiments() -> dict[str, Path]:
    """The shipped experiments by name (`lone-takedown`): worlds that patterns compare, no policies."""
    return {path.stem: path for path in sorted((shipped_folder() / "experiments").glob("*.yaml"))}


def shipped_draws() -> dict[str, Path]:
    """The shipped tables of plausible draws by structure, `main` for the main model; there may be none."""
    return {path.stem: path for path in sorted((shipped_folder() / "draws").glob("*.parquet"))}


def find(path_or_name: str | os.PathLike[str]) -> tuple[Path, str]:
    """The scenario file that a user means, and how to name it in faults.

    A bare name (`card-cleanup`) is a shipped scenario or experiment; anything else is a path, which may leave
    out nothing.

    Raises
    ------
    InputError
        There is no such file; the nearest name is given.
    """
    given = os.fspath(path_or_name)
    path = Path(given)
    if "\0" in given or not given:
        raise InputError([Fault(given, None, "", "is not the name of a file", "Name a scenario.")])
    shipped = shipped_experiments() | shipped_scenarios()
    if given in shipped:
        return _named(shipped[given])
    if os.path.lexists(path):
        return path, given
    if path.name == given and path.suffix in SUFFIXES and path.stem in shipped:
        return _named(shipped[path.stem])
    raise InputError([_missing(path, given)])


def _named(path: Path) -> tuple[Path, str]:
    """A shipped file with the shorter of its two names: seen from here, or absolute."""
    return path, display(path)


def display(path: Path) -> str:
    """A path as faults and manifests name it: relative where it lies below the current folder."""
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


def _missing(path: Path, given: str) -> Fault:
    if path.name == given and not path.suffix:
        mend = "`cardbreak list scenarios` names what is shipped; anything else needs a path."
        return Fault(given, None, "", "is not a shipped scenario", mend, nearest(given, shipped_scenarios()))
    beside = nearest(path.name, _files_in(path.parent))
    hint = str(path.parent / beside) if beside else None
    return Fault(given, None, "", "there is no such file", "Check the path.", hint)


def _files_in(folder: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in folder.iterdir() if entry.suffix in SUFFIXES)[:1000]
    except OSError:
        return []


def find_base(extends: Node, child: Path) -> Path:
    """The file that `extends` names, beside the scenario `child` or shipped.

    Raises
    ------
    InputError
        The name leads out of both folders (the file is not opened), or there is no such file.
    """
    name = str(extends.value)
    if leads_out(name):
        raise _refused(extends)
    for folder in (child.parent, shipped_folder()):
        for candidate in (folder / name, folder / f"{name}.yaml"):
            if os.path.lexists(candidate):
                if not contained(candidate, folder):
                    raise _refused(extends)
                return candidate
    names = {*_files_in(child.parent), *_files_in(shipped_folder())} - {child.name}
    raise InputError(
        [
            extends.fault(
                "there is no such scenario in this folder or shipped",
                "Name another file.",
                nearest(name, names),
            )
        ]
    )


def contained(path: Path, folder: Path) -> bool:
    """Whether `path`, with every symbolic link followed, lies in `folder`."""
    try:
        return path.resolve(strict=True).is_relative_to(folder.resolve(strict=True))
    except (OSError, RuntimeError):
        return False


def leads_out(name: str) -> bool:
    """Whether a name that a file gives is anything but the name of a file in its own folder."""
    path = PureWindowsPath(name)  # knows both kinds of separators, and drives
    return (
        not name or bool(path.anchor) or ".." in path.parts or not name.isprintable() or name.startswith("~")
    )


def _refused(extends: Node) -> InputError:
    mend = "Copy that file into this folder and name it without a path."
    return InputError([extends.fault("leads out of the scenario's own folder; the file was not read", mend)])
