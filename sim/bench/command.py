"""The command `cardbreak bench`: say what will be done, measure with the time left in view, tell."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sim.bench import peers, report, rounds
from sim.bench.plan import FULL, PARTS, QUICK, Plan, Task, tasks_of
from sim.bench.targets import judge
from sim.console import INTERRUPTED, StopError, complain
from sim.errors import Fault, InputError
from sim.observe.store import atomically
from sim.views import tables as view
from sim.views.progress import Display, duration

JSON_FILE, PAGE = "bench.json", "bench.md"


def bench(
    *,
    quick: bool = False,
    only: Sequence[str] = (),
    repeats: int | None = None,
    out: Path = Path("results/bench"),
    force: bool = False,
    quiet: bool = False,
    as_json: bool = False,
) -> None:
    """Measure the parts asked for, print the tables and write them; an interrupt keeps what is measured."""
    plan = QUICK if quick else FULL
    parts = tuple(part for part in PARTS if not only or part in only)
    times = repeats or plan.rounds
    _refuse_occupied(out, force)
    display = Display(quiet=quiet, things="expected seconds")
    tasks, known = tasks_of(plan, parts), report.machine()
    if not tasks:
        complain("there is nothing to measure: the programs of experiments/bench come with the source only")
        raise StopError(1)
    absent = peers.absent() if "peers" in parts else []
    _announce(display, plan, parts, times, tasks)
    display.begin()
    try:
        found = rounds.measure(tasks, times, display)
    finally:
        display.close()
    if not found.rounds:
        complain("interrupted before anything was measured; nothing is written")
        raise StopError(INTERRUPTED)
    content = report.content(found, plan, parts, times, known, absent)
    verdicts = judge(found, plan)
    shown = report.tables(found, plan, verdicts)
    lines = [report.machine_line(known), *report.notes(found, absent)]
    files = _write(out, content, [*lines, *map(report.markdown, shown)])
    if as_json and not quiet:
        print(view.as_json(content))
    elif not quiet:
        _print(lines, shown, files)
    if found.interrupted:
        complain("interrupted: what was measured by then is written")
        raise StopError(INTERRUPTED)
    if all("error" in entry for entries in found.rounds.values() for entry in entries):
        complain("nothing could be measured")
        raise StopError(1)


def _announce(display: Display, plan: Plan, parts: Sequence[str], times: int, tasks: Sequence[Task]) -> None:
    """What will be done, and how long it should take."""
    length = duration(rounds.expected_seconds(tasks, times))
    often = "once" if times == 1 else f"in {times} rounds"
    display.say(
        f"{plan.name} benchmark of {', '.join(parts)}: {len(tasks)} measurements {often}, each in a process "
        f"of its own; about {length} on an idle machine of two cores"
    )


def _refuse_occupied(out: Path, force: bool) -> None:
    """Say before anything is measured that it could not be written."""
    if out.exists() and not out.is_dir():
        raise InputError([Fault(str(out), None, "", "is no folder", "Give another --out.")])
    if (out / JSON_FILE).exists() and not force:
        fault = Fault(
            str(out), None, "", "holds a benchmark", "Give another --out, or replace it with --force."
        )
        raise InputError([fault])


def _write(out: Path, content: dict[str, Any], lines: Sequence[str]) -> list[Path]:
    """The JSON and the tables as a page, each whole or not at all."""
    pretty = json.dumps(json.loads(view.as_json(content)), ensure_ascii=False, indent=1) + "\n"
    files = {out / JSON_FILE: pretty, out / PAGE: "\n\n".join(lines) + "\n"}
    try:
        out.mkdir(parents=True, exist_ok=True)
        for path, text in files.items():
            atomically(path, lambda file, t=text: file.write(t.encode()))  # type: ignore[misc]
    except OSError as problem:
        fault = Fault(str(out), None, "", f"cannot be written ({problem.strerror})", "Give another --out.")
        raise InputError([fault]) from problem
    return list(files)


def _print(lines: Sequence[str], shown: Sequence[view.Table], files: Sequence[Path]) -> None:
    print("\n".join(lines), end="\n\n")
    for table in shown:
        view.show(table)
        print()
    print(f"wrote {', '.join(str(file) for file in files)}")
