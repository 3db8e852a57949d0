"""What the benchmark tells: tables for people, JSON for programs, the machine it ran on."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from sim.bench import cards, memory, peers, runs, startup, sweep
from sim.bench.plan import Plan
from sim.bench.rounds import Found
from sim.bench.targets import GB, MB, MILLION, Verdict, card_rate, judge
from sim.views.tables import Table, number

FORMAT = "cardbreak-bench"
FORMAT_VERSION = 1
PACKAGES = ("cardbreak", "numpy", "numba", "mesa", "pandas", "pyarrow")
HEADINGS = {
    "cards": "The card step alone",
    "runs": "The whole operation, five years or what was asked, day by day",
    "startup": "Start-up",
    "memory": "Memory",
    "sweep": "Many runs side by side",
}


@dataclass(frozen=True)
class Row:
    """A measured quantity: the median over the rounds, its lowest and highest, and a word beside it."""

    part: str
    what: str
    values: Sequence[float]
    median: float
    unit: str
    beside: str = ""

    @property
    def cells(self) -> tuple[str, ...]:
        """The row as text."""
        span = f"{number(min(self.values))} to {number(max(self.values))}" if len(self.values) > 1 else ""
        return (self.what, f"{number(self.median)} {self.unit}".rstrip(), span, self.beside)

    def content(self) -> dict[str, Any]:
        """The row for JSON."""
        return {
            "part": self.part,
            "what": self.what,
            "value": self.median,
            "unit": self.unit,
            "rounds": list(self.values),
            "beside": self.beside,
        }


def machine() -> dict[str, Any]:
    """What the benchmark ran on; no name and no path of the machine."""
    return {
        "processor": _processor(),
        "architecture": platform.machine(),
        "cores": os.cpu_count() or 1,
        "memory_gb": _memory(),
        "system": platform.system(),
        "python": platform.python_version(),
        "load_before": os.getloadavg()[0],
    } | {name: _version(name) for name in PACKAGES}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    """The processor's model, as the system says it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or "unknown"


def _memory() -> float:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GB
    except (OSError, ValueError):
        return math.nan


def machine_line(known: dict[str, Any]) -> str:
    """The machine in a line."""
    return (
        f"{known['processor']}, {known['cores']} cores, {known['memory_gb']:.0f} GB, {known['system']}, "
        f"Python {known['python']}, numba {known['numba']}, NumPy {known['numpy']}, Mesa {known['mesa']}; "
        f"load before: {known['load_before']:.1f}"
    )


def rows(found: Found, plan: Plan) -> list[Row]:
    """Everything measured but the peers, in the order of the plan."""
    parts = (_card_rows, _run_rows, _startup_rows, _memory_rows, _sweep_rows)
    return [row for part in parts for row in part(found, plan) if not math.isnan(row.median)]


def _row(
    part: str, what: str, found: Found, at: tuple[str, str], unit: str, scale: float, beside: str = ""
) -> Row:
    """A row of one quantity, ``at`` (task, key), in units of ``scale``."""
    values = [value / scale for value in found.all_of(*at)]
    return Row(part, what, values, found.median(*at) / scale, unit, beside)


def _threads(count: int) -> str:
    return f"{count} thread{'s' if count > 1 else ''}"


def _card_rows(found: Found, plan: Plan) -> Iterator[Row]:
    for count in plan.threads:
        at = (cards.BANDWIDTH, f"bytes_{count}")
        yield _row("cards", f"memory bandwidth, {_threads(count)}", found, at, "GB/s", GB)
    for n in plan.decks:
        for count in plan.threads:
            at = (cards.name_of(n), f"rate_{count}")
            share = found.median(*at) * cards.BYTES / found.median(cards.BANDWIDTH, f"bytes_{count}")
            beside = "" if math.isnan(share) else f"{share:.0%} of the bandwidth, {cards.BYTES} bytes a card"
            what = f"{cards.name_of(n)}, {_threads(count)}"
            yield _row("cards", what, found, at, "million card-days/s", MILLION, beside)


def _run_rows(found: Found, plan: Plan) -> Iterator[Row]:
    for scale in plan.scales:
        name = runs.name_of(scale)
        beside = (
            f"{found.median(name, 'ms_a_day'):.3g} ms a day, {found.median(name, 'cpu_seconds'):.3g} s of "
            f"processor, {found.median(name, 'peak_bytes') / MB:,.0f} MB, "
            f"{found.median(name, 'gangs'):,.0f} gangs at the end"
        )
        yield _row("runs", f"{name}, to {plan.run_end}", found, (name, "seconds"), "s", 1.0, beside)
    growth = runs.growth(found, plan.scales)
    yield Row("runs", "growth of cost from scale to scale", [growth], growth, "", "at worst; 1 is linear")


def _startup_rows(found: Found, plan: Plan) -> Iterator[Row]:
    for task, key, what, beside in (
        (startup.WARM, "help", "`--help`", ""),
        (startup.WARM, "first_day", "the first simulated day", "kernels compiled, scale 100"),
        (startup.WARM, "warm", "a small run with its files", "kernels compiled"),
        (startup.COLD, "cold", "the same with nothing compiled", "once in the life of an installation"),
        (startup.COLD, "compiling", "of which compiling", "the difference to the run after it"),
    ):
        yield _row("startup", what, found, (task, key), "s", 1.0, beside)


def _memory_rows(found: Found, plan: Plan) -> Iterator[Row]:
    at_scale = f"at scale {plan.memory_scale}"
    for years in plan.memory_years:
        name = memory.name_of(years)
        yield _row("memory", f"{name} {at_scale}", found, (name, "peak_bytes"), "MB", MB)
    for count in plan.memory_runs:
        what = f"after {count} run{'s' if count > 1 else ''} of a year in one process"
        yield _row("memory", what, found, (memory.RUNS, f"peak_{count}"), "MB", MB, at_scale)
    yield _row(
        "memory", "a tracked card", found, (memory.RUNS, "card_bytes"), "bytes", 1.0, "all its columns"
    )


def _sweep_rows(found: Found, plan: Plan) -> Iterator[Row]:
    what = f"{plan.sweep_runs} runs at scale {plan.sweep_scale}"
    yield _row("sweep", what, found, (sweep.NAME, "seconds"), "s", 1.0, f"{sweep.JOBS} processes")
    yield _row("sweep", "share of both cores at work", found, (sweep.NAME, "busy"), "%", 0.01)


def measured_table(measured: Sequence[Row]) -> Table:
    """All rows under the heading of their part."""
    cells: list[tuple[str, ...]] = []
    for part, heading in HEADINGS.items():
        there = [row for row in measured if row.part == part]
        if there:
            cells += [(heading,), *(row.cells for row in there)]
    headers = ("", "median", "rounds", "")
    return Table(headers, cells, "Measured", frozenset({"median", "rounds"}), spare=("rounds",))


def profile_table(found: Found, plan: Plan) -> Table | None:
    """Milliseconds a day by phase, a column for each scale; None where no run was measured."""
    profiles = {scale: profile for scale in plan.scales if (profile := runs.profile(found, scale))}
    if not profiles:
        return None
    phases = list(next(iter(profiles.values())))
    cells = [(phase, *(f"{profile[phase]:.3f}" for profile in profiles.values())) for phase in phases]
    cells.append(("all", *(f"{sum(profile.values()):.3f}" for profile in profiles.values())))
    headers = ("phase", *(f"scale {scale}" for scale in profiles))
    return Table(headers, cells, "Milliseconds a day by phase", frozenset(headers[1:]))


def peer_rows(found: Found, plan: Plan) -> list[dict[str, Any]]:
    """What was measured of each peer, with our ratios to it."""
    step, ours = card_rate(found, plan), peers.rate(found, peers.OURS)
    measured: list[dict[str, Any]] = []
    for peer in peers.PEERS:
        name, rate = peers.name_of(peer), peers.rate(found, peer.name)
        if math.isnan(rate):
            continue
        entry = found.rounds[name][-1]
        measured.append(
            {
                "peer": peer.name,
                "version": entry.get("version", ""),
                "agents": entry["agents"],
                "agent_steps_per_second": rate,
                "bytes_per_agent": found.median(name, "bytes_per_agent"),
                "card_step_over_it": step / rate,
                "life_cycle_over_it": ours / rate if peer.cycle else math.nan,
                "most_deviations": max(found.all_of(name, "deviations"), default=math.nan),
            }
        )
    return measured


def peer_table(found: Found, plan: Plan) -> Table | None:
    """Peers by their speed; None where none was measured."""
    measured = sorted(peer_rows(found, plan), key=lambda row: -row["agent_steps_per_second"])
    if not measured:
        return None
    cells = [
        (
            f"{row['peer']} {row['version']}".rstrip(),
            f"{row['agents']:,}",
            number(row["agent_steps_per_second"] / MILLION),
            number(row["bytes_per_agent"]),
            _times(row["card_step_over_it"]),
            _times(row["life_cycle_over_it"]),
            _agreement(row["most_deviations"]),
        )
        for row in measured
    ]
    headers = (
        "",
        "agents",
        "million agent-steps/s",
        "bytes an agent",
        "card step over it",
        "same life cycle over it",
        "counts",
    )
    return Table(headers, cells, "Peers", frozenset(headers[1:6]), spare=("bytes an agent", "agents"))


def _times(ratio: float) -> str:
    return "" if math.isnan(ratio) else f"{number(ratio)}x"


def _agreement(deviations: float) -> str:
    if math.isnan(deviations):
        return "a model of its own"
    verdict = "agree" if deviations <= peers.MOST_DEVIATIONS else "DISAGREE"
    return f"{verdict} ({deviations:.1f} sd)"


def target_table(verdicts: Sequence[Verdict]) -> Table:
    """Each target, met or missed by how much."""
    cells = [
        (
            verdict.target.what,
            _bound(verdict),
            "" if math.isnan(verdict.measured) else _amount(verdict.measured, verdict.target.unit),
            verdict.words,
        )
        for verdict in verdicts
    ]
    headers = ("target", "bound", "measured", "verdict")
    return Table(headers, cells, "Targets on two cores", frozenset({"bound", "measured"}))


def _bound(verdict: Verdict) -> str:
    target = verdict.target
    if target.unit == "yes":
        return "yes"
    return f"{'at most' if target.at_most else 'at least'} {_amount(target.bound, target.unit)}"


def _amount(value: float, unit: str) -> str:
    if unit == "yes":
        return "yes" if value >= 1.0 else "no"
    glued = "" if unit in {"x", "%", ""} else " "
    return f"{number(value)}{glued}{unit}"


def tables(found: Found, plan: Plan, verdicts: Sequence[Verdict]) -> list[Table]:
    """All tables that have something to show, the verdicts last."""
    measured = rows(found, plan)
    first = measured_table(measured) if measured else None
    shown = [first, profile_table(found, plan), peer_table(found, plan), target_table(verdicts)]
    return [table for table in shown if table is not None]


def markdown(table: Table) -> str:
    """A table for a page of documentation; a sub-heading is a row in bold."""
    empty = ("",) * (len(table.headers) - 1)
    under = tuple("---:" if header in table.right else "---" for header in table.headers)
    rows = ((f"**{row[0]}**", *empty) if len(row) == 1 else row for row in table.rows)
    lines = (f"| {' | '.join(cells)} |" for cells in (table.headers, under, *rows))
    return "\n".join((f"**{table.title}**", "", *lines))


def notes(found: Found, absent: Sequence[str]) -> list[str]:
    """What went wrong or is missing, a line each."""
    lines = [f"{name} could not be measured: {error}" for name, error in found.errors.items()]
    if wrong := peers.disagreeing(found):
        lines.append(f"counts by state differ from the exact ones by more than chance: {', '.join(wrong)}")
    if absent and not peers.PROGRAMS.exists():
        lines.append("the peers' programs (experiments/bench) come with the source only")
    elif absent:
        lines.append(f"not installed, so not measured (`make bench` installs them): {', '.join(absent)}")
    return lines


def content(
    found: Found, plan: Plan, parts: Sequence[str], rounds: int, known: dict[str, Any], absent: Sequence[str]
) -> dict[str, Any]:
    """Everything, for JSON; a value that was not measured is null."""
    verdicts = judge(found, plan)
    return {
        "format": FORMAT,
        "schema": FORMAT_VERSION,
        "machine": known,
        "plan": plan.name,
        "parts": list(parts),
        "rounds": rounds,
        "interrupted": found.interrupted,
        "results": [row.content() for row in rows(found, plan)],
        "profile_ms_a_day": {str(scale): runs.profile(found, scale) for scale in plan.scales},
        "peers": peer_rows(found, plan),
        "targets": [
            {
                "what": verdict.target.what,
                "bound": verdict.target.bound,
                "unit": verdict.target.unit,
                "at_most": verdict.target.at_most,
                "measured": verdict.measured,
                "met": verdict.met,
                "verdict": verdict.words,
            }
            for verdict in verdicts
        ],
        "missing": notes(found, absent),
        "measurements": found.rounds,
    }
