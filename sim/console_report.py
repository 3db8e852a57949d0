"""What `report` does, and how the commands that make results end with a page of them."""

from __future__ import annotations

from pathlib import Path

from sim.console import complain


def report(folder: Path, lang: str, out: Path | None, force: bool, quiet: bool) -> None:
    """Write the page of a results folder. Raises `InputError` for a folder or a file that is wrong."""
    from sim.observe.store import refusal
    from sim.report.page import name_of, page

    path = out or folder / name_of(lang)
    if path.suffix.lower() not in (".html", ".htm"):
        raise refusal(path, "does not end in .html", "Give a file name that does.")
    if path.exists() and not force:
        raise refusal(path, "exists", "Give another --out, or replace it with --force.")
    _write(path, page(folder, lang))
    if not quiet:
        print(f"wrote {path}")


def report_of(folder: Path) -> Path | None:
    """The page of results that were just made, in their folder; what goes wrong must not cost the results."""
    from sim.report.page import name_of, page
    from sim.study.one_run import one_line

    path = folder / name_of("en")
    try:
        _write(path, page(folder))
    except Exception as problem:
        complain(f"the report {path.name} could not be made: {one_line(problem)}")
        return None
    return path


def _write(path: Path, html: bytes) -> None:
    from sim.observe.store import atomically, refusal

    try:
        atomically(path, lambda file: file.write(html))
    except OSError as problem:
        raise refusal(path, f"cannot be written ({problem.strerror})", "Give another --out.") from problem
