"""What `report` does, and how the commands that make results end with a page of them."""

from __future__ import annotations

from pathlib import Path

from sim.console import complain


def report(folder: Path, lang: str, out: Path | None, force: bool, quiet: bool) -> None:
    """Write the page of a results folder. Raises `InputError` for a folder or a file that is wrong."""
    from sim.observe.store import refusal, refuse_existing, write_whole
    from sim.report.page import name_of, page

    path = out or folder / name_of(lang)
    if path.suffix.lower() not in (".html", ".htm"):
        raise refusal(path, "does not end in .html", "Give a file name that does.")
    refuse_existing(path, force)
    html = page(folder, lang)
    write_whole(path, lambda file: file.write(html))
    if not quiet:
        print(f"wrote {path}")


def report_of(folder: Path) -> Path | None:
    """The page of results that were just made, in their folder; what goes wrong must not cost the results."""
    from sim.observe.store import write_whole
    from sim.report.page import name_of, page
    from sim.study.one_run import one_line

    path = folder / name_of("en")
    try:
        html = page(folder)
        write_whole(path, lambda file: file.write(html))
    except Exception as problem:
        complain(f"the report {path.name} could not be made: {one_line(problem)}")
        return None
    return path
