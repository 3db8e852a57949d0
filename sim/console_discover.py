"""What `discover` does: read a sweep, look for boxes and regret, tell, and write both beside the runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.errors import Fault, InputError

if TYPE_CHECKING:
    from sim.observe.parts import SweepFolder
    from sim.study.discovery import Found
    from sim.study.states import Coordinates, Policy, Reading
    from sim.views.discovery_picture import Panel
    from sim.views.progress import Display

BOXES, REGRET, PICTURE = "boxes.csv", "regret.csv", "discover.png"


@dataclass(frozen=True)
class DiscoverOptions:
    """The options of the command."""

    out: Path | None
    target: str
    policy: str
    outcome: str
    quiet: bool
    json: bool


def discover(name: str, options: DiscoverOptions) -> None:
    """Say where each policy of a sweep fails, and what one would regret."""
    from sim.study import ema
    from sim.study.discovery import boxes_table, target_of
    from sim.study.regret import regret_table
    from sim.study.states import chosen, coordinates, read, scenarios_of
    from sim.views.discovery_picture import discovery_picture
    from sim.views.progress import Display

    ema.installed()
    folder, home = _folder(name, options.out)
    reading = read(folder, options.outcome)
    target = target_of(options.target, reading.better)
    policies = chosen(reading, options.policy)
    if reading.knowledge.columns.empty and not reading.draws:
        what = "varies nothing that is not known, so there is nothing to discover"
        mend = "Give the experiment `knowledge`, or sweep it with --draws."
        raise InputError([Fault(str(folder.path), None, "", what, mend)])
    display = Display(quiet=options.quiet, things="policies")
    display.say(_state(reading, len(policies)))
    worlds = scenarios_of(folder, reading, home) if reading.draws else {}
    places = {policy.label: coordinates(reading, policy, worlds) for policy in policies}
    found = _searched(reading, policies, places, target, display)
    boxes, regret = boxes_table(found, places), regret_table(reading)
    picture = discovery_picture(_panels(found, places), source=_source(reading))
    files = _written(folder.path, boxes, regret, picture)
    if not options.quiet:
        _tell(reading, found, boxes, regret, files, options.json)


def _folder(name: str, out: Path | None) -> tuple[SweepFolder, Path]:
    """The sweep that a folder or an experiment means, and where the experiment's own scenarios lie."""
    from sim.experiment import read_experiment
    from sim.observe.parts import SweepFolder

    for path in () if out else (Path(name), Path("results") / name):
        folder = SweepFolder(path)
        if "\0" not in name and (folder.exists or path.is_dir()):
            folder.about()
            return folder, path
    experiment, home = read_experiment(name)
    folder = SweepFolder(out or Path("results") / experiment.name)
    if not folder.exists:
        mend = f"Run `cardbreak sweep {name}` first{'' if out else ', or name the folder of the sweep'}."
        raise InputError([Fault(str(folder.path), None, "", "holds no sweep", mend)])
    return folder, home


def _state(reading: Reading, policies: int) -> str:
    """How much there is of the sweep, and what is done with it."""
    counts = reading.counts
    asked = sum(counts.values())
    part = f"all {asked} runs are there" if counts["done"] == asked else f"{counts['done']} of {asked} runs"
    lost = f", {counts['failed']} failed" if counts["failed"] else ""
    states = len(reading.states)
    many = "1 policy" if policies == 1 else f"{policies} policies"
    return (
        f"{reading.experiment.name}: {part}{lost}; {many} at {states} points of knowledge; "
        "some seconds to begin, then a second or two for each policy"
    )


def _searched(
    reading: Reading,
    policies: Sequence[Policy],
    places: Mapping[str, Coordinates],
    target: float | None,
    display: Display,
) -> list[Found]:
    """The boxes of the policies; none where there is no baseline to be better than."""
    from sim.study.discovery import discover as search

    if reading.baseline is None:
        return []
    found = []
    display.begin()
    try:
        for policy in policies:
            found.append(search(reading, policy, places[policy.label], target))
            display(len(found), len(policies))
    finally:
        display.close()
    return found


def _written(home: Path, boxes: Any, regret: Any, picture: bytes | None) -> list[Path]:
    """Write what there is; what an earlier search wrote and this one has not goes."""
    from sim.console import save
    from sim.observe.store import atomically

    files = [home / name for name in (BOXES, REGRET, PICTURE)]
    there = [len(boxes) > 0, len(regret) > 0, picture is not None]
    for file, table, made in zip(files, (boxes, regret), there, strict=False):
        if made:
            save(table, file)
    if picture is not None:
        atomically(files[2], lambda file: file.write(picture))
    for file, made in zip(files, there, strict=True):
        if not made:
            file.unlink(missing_ok=True)
    return [file for file, made in zip(files, there, strict=True) if made]


def _panels(found: Sequence[Found], places: Mapping[str, Coordinates]) -> list[Panel]:
    """What is drawn: the policies with a box, those least likely to be luck first."""
    boxed = [one for one in found if one.box is not None]
    return [_panel(one, places[one.policy]) for one in sorted(boxed, key=lambda one: one.as_good)]


def _panel(one: Found, where: Coordinates) -> Panel:
    import numpy as np

    from sim.study.discovery import MOST_LIMITED
    from sim.views.discovery_picture import Panel, Side

    assert one.box is not None
    needed = sorted(one.box.limits, key=lambda limit: limit.quasi_p)
    names = list(dict.fromkeys(limit.parameter for limit in needed))[:2]
    sides = []
    for name in names:
        ends = {limit.side: limit.value for limit in needed if limit.parameter == name}
        unit = f", {where.units[name]}" if name in where.units else ""
        values = where.values.loc[one.states.index, name].to_numpy()
        sides.append(Side(f"{name}{unit}", values, ends.get(">", -np.inf), ends.get("<", np.inf)))
    if len(sides) == 1:
        sides.append(Side("change on the baseline, %", 100.0 * one.states["change"].to_numpy()))
    return Panel(
        policy=one.policy,
        verdict=one.verdict,
        coverage=np.array([box.coverage for box in one.path]),
        density=np.array([box.density for box in one.path]),
        tellable=np.array([box.restricted <= MOST_LIMITED for box in one.path]),
        told=one.path.index(one.box),
        across=sides[0],
        up=sides[1],
        fails=one.states["fails"].to_numpy(),
    )


def _source(reading: Reading) -> str:
    return f"{reading.experiment.name}: {_about(reading)}; {reading.counts['done']} runs"


def _about(reading: Reading) -> str:
    return f"{reading.outcome}, {reading.window.start} to {reading.window.end}"


def _tell(
    reading: Reading,
    found: Sequence[Found],
    boxes: Any,
    regret: Any,
    files: Sequence[Path],
    json: bool,
) -> None:
    from sim.observe.outcomes import OUTCOMES
    from sim.views import tables as view
    from sim.views.discovery import regret_view, sentences

    notes = list(_notes(reading, found, regret))
    if json:
        content = {
            "outcome": reading.outcome,
            "window": reading.window.name,
            "runs": dict(reading.counts),
            "boxes": view.records(boxes),
            "regret": view.records(regret),
            "notes": notes,
            "files": [str(file) for file in files],
        }
        print(view.as_json(content))
        return
    print(f"Where policies fail, {_about(reading)}:\n")
    for line in sentences(boxes, reading.better):
        print(f"- {line}")
    if len(regret):
        print()
        view.show(regret_view(regret, _about(reading), OUTCOMES[reading.outcome].unit))
    print("\n" + "\n".join(notes) if notes else "")
    print(f"\nwrote {', '.join(str(file) for file in files)}" if files else "wrote nothing")


def _notes(reading: Reading, found: Sequence[Found], regret: Any) -> Iterator[str]:
    """What a reader must know beside the numbers."""
    from sim.study.discovery import LUCK

    if reading.baseline is None:
        yield "note: the experiment has no baseline, so there is no effect that could fall short of anything"
    if any(one.target.own for one in found):
        yield "note: without --target a policy fails where it does less than half of its own median change"
    boxed = sum(one.box is not None for one in found)
    if boxed > 1:
        yield f"note: {boxed} boxes were held against luck; of boxes by luck one in {1 / LUCK:.0f} passes"
    if not len(regret):
        yield "note: no regret: it needs two policies, run at the same points of knowledge"
    elif reading.runs.groupby(level=["known", "draw"]).size().max() < 2:
        yield "note: with one replicate a point, part of every regret is chance"
