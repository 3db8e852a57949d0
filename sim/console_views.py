"""What `export` and `plot` do: write a table or a picture of a folder of results or of a sweep."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.console import complain
from sim.errors import Fault, InputError, nearest, shown

if TYPE_CHECKING:
    from sim.observe.tidy import Folder
    from sim.study.afterwards import Pairs

KINDS = ("heatmap", "dose", "tornado", "spaghetti", "front")
SWEEP_PICTURE = "sweep.png"
ALL = "all"


@dataclass(frozen=True)
class PlotOptions:
    """What is asked of a picture; None where the default that fits the folder holds."""

    kind: str | None = None
    outcome: str | None = None
    window: str | None = None
    scenario: str | None = None
    x: str | None = None
    y: str | None = None


def export(
    where: Path, out: Path | None, outcomes: list[str] | None, region: str, force: bool, quiet: bool
) -> None:
    """Write the tidy table of a folder, for a spreadsheet or a statistics program."""
    from sim.observe.store import refuse_existing
    from sim.observe.tidy import SPREADSHEET_ROWS, tidy, write_table

    path = out or where / "tidy.csv"
    refuse_existing(path, force)
    frame = tidy(where, outcomes, None if region == ALL else region)
    write_table(frame, path)
    if path.suffix.lower() == ".csv" and len(frame) >= SPREADSHEET_ROWS:
        complain(f"{len(frame):,} rows are more than a spreadsheet opens; choose some with --outcome")
    if not quiet:
        print(f"wrote {path}: {len(frame):,} rows")


def plot(where: Path, out: Path | None, options: PlotOptions, force: bool, quiet: bool) -> None:
    """Draw a picture of a folder into a file."""
    from sim.observe.store import refusal, refuse_existing, write_whole
    from sim.observe.tidy import open_folder
    from sim.study.afterwards import kind_of

    folder = open_folder(where)
    kind = options.kind or kind_of(folder)
    if kind not in KINDS:
        raise InputError(
            [
                Fault(
                    "--kind",
                    None,
                    "",
                    f"must be one of {', '.join(KINDS)}, got {shown(kind)}",
                    "",
                    nearest(kind, KINDS),
                )
            ]
        )
    path = out or where / f"{kind}.png"
    if path.suffix.lower() not in (".png", ".svg"):
        raise refusal(path, "is neither .png nor .svg", "Give a file name that ends in one of them.")
    refuse_existing(path, force)
    picture = drawn(folder, kind, options, "svg" if path.suffix.lower() == ".svg" else "png")
    write_whole(path, lambda file: file.write(picture))
    if not quiet:
        print(f"wrote {path}")


def sweep_picture(where: Path) -> Path | None:
    """Draw the picture that fits a sweep into its folder; one that cannot be drawn is only named."""
    from sim.observe.store import atomically
    from sim.observe.tidy import open_folder
    from sim.study.afterwards import kind_of
    from sim.study.one_run import one_line

    try:
        folder = open_folder(where)
        picture = drawn(folder, kind_of(folder), PlotOptions(), "png")
        atomically(where / SWEEP_PICTURE, lambda file: file.write(picture))
    except Exception as problem:
        complain(f"the picture {SWEEP_PICTURE} could not be drawn: {one_line(problem)}")
        return None
    return where / SWEEP_PICTURE


def drawn(folder: Folder, kind: str, options: PlotOptions, form: Any) -> bytes:
    """A picture as the bytes of a file. Raises `InputError` where the folder does not have what it takes."""
    from sim.views.canvas import rendered

    return rendered(_figure(folder, kind, options), form)


def _figure(folder: Folder, kind: str, options: PlotOptions) -> Callable[[], Any]:
    """How a picture is drawn; everything that can be wrong is found before."""
    from sim.study.afterwards import outcome_of, paired, source_of, window_of

    outcome, window = outcome_of(folder, options.outcome), window_of(folder, options.window)
    source = source_of(folder)
    if kind == "front":
        return _front(folder, outcome, window, source)
    if kind == "spaghetti":
        return _spaghetti(folder, outcome, options.x, source)
    pairs = paired(folder, window, outcome, options.scenario)
    return {"heatmap": _heat_map, "dose": _dose, "tornado": _tornado}[kind](pairs, options, source)


def _front(folder: Folder, outcome: str, window: Any, source: str) -> Callable[[], Any]:
    from sim.study.afterwards import title_of
    from sim.study.picture_tables import front_table
    from sim.views.front_plot import front_plot

    table = front_table(folder, window, outcome)
    return lambda: front_plot(table, outcome, window, title_of(folder), source)


def _spaghetti(folder: Folder, outcome: str, by: str | None, source: str) -> Callable[[], Any]:
    from sim.study.afterwards import factor_of, title_of
    from sim.study.picture_tables import courses
    from sim.views.course_plots import spaghetti

    table, names = courses(folder, outcome, None if by is None else factor_of(folder.design, by))
    return lambda: spaghetti(table, names, outcome, title_of(folder), source)


def _heat_map(pairs: Pairs, options: PlotOptions, source: str) -> Callable[[], Any]:
    from sim.study.afterwards import bare
    from sim.study.picture_tables import heat_table
    from sim.views.study_plots import heat_map

    x, y = _sides(pairs, options)
    table, names = heat_table(pairs, x, y), (bare(x), bare(y))
    others = [bare(name) for name in pairs.levers if name not in (x, y)]
    subject = pairs.noted(f"Mean over {', '.join(others)}.").subject if others else pairs.subject
    return lambda: heat_map(table, subject, names, source)


def _sides(pairs: Pairs, options: PlotOptions) -> tuple[str, str]:
    """The levers along both axes: those asked for, else the first two that are varied."""
    x = None if options.x is None else pairs.factor(options.x)
    y = None if options.y is None else pairs.factor(options.y)
    left = [name for name in (*pairs.levers, *pairs.unknowns) if name not in (x, y)]
    if (x is not None and x == y) or (x is None) + (y is None) > len(left):
        what = "a heat map takes two levers that are varied"
        raise InputError([Fault("--kind heatmap", None, "", what, "Draw --kind dose or --kind tornado.")])
    return x or left.pop(0), y or left.pop(0)


def _dose(pairs: Pairs, options: PlotOptions, source: str) -> Callable[[], Any]:
    from sim.study.afterwards import bare
    from sim.study.picture_tables import dose_table
    from sim.views.study_plots import dose_plot

    first = [*pairs.levers, *pairs.unknowns][:1]
    if options.x is None and not first:
        raise InputError([Fault("--kind dose", None, "", "nothing is varied here", "Draw --kind spaghetti.")])
    x = first[0] if options.x is None else pairs.factor(options.x)
    others = [bare(name) for name in pairs.levers if name != x]
    subject = pairs.noted(f"Mean over {', '.join(others)}.").subject if others else pairs.subject
    table = dose_table(pairs, x)
    return lambda: dose_plot(table, subject, bare(x), source)


def _tornado(pairs: Pairs, options: PlotOptions, source: str) -> Callable[[], Any]:
    from sim.study.picture_tables import tornado_table
    from sim.views.study_plots import tornado

    table = tornado_table(pairs)
    if table.empty:
        raise InputError(
            [Fault("--kind tornado", None, "", "nothing is varied here", "Draw --kind spaghetti.")]
        )
    return lambda: tornado(table, pairs.subject, source)
