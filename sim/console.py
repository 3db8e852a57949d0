"""What the commands do once their options are read: load, run, write, print.

The command line (`sim.cli`) knows typer and this module; this module knows the rooms of the simulator and the
standard output. Everything heavy is imported where it is used.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.draws.wish import DrawsWish, prior
from sim.errors import Fault, InputError

if TYPE_CHECKING:
    from sim.interventions.base import Measure
    from sim.scenario import Scenario
    from sim.study.adviser import Wish
    from sim.study.pattern_parts import Worlds
    from sim.study.results import Findings, Tables
    from sim.study.run_set import RunSet
    from sim.study.variants import Comparison
    from sim.views.progress import Display
    from sim.views.tables import Table

INTERRUPTED = 130
COMPILING = "compiling the kernels, once: up to a minute"
FEW = 3
"""Up to so many compared scenarios have a table of effects each; more share one."""
MANY = 12
"""The page for readers of more scenarios takes over two seconds to make, which is said."""


class StopError(Exception):
    """The command ends here, with an exit code; what there was to say has been said."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Options:
    """The options that all commands with runs share; `load` attaches the table of draws that is asked for."""

    replicates: int
    seed: int
    scale: int | None
    start: date | None
    end: date | None
    sets: Sequence[str] | None
    jobs: int | None
    threads: int
    draws: DrawsWish
    audit: str

    def load(self, names: Sequence[str]) -> list[Scenario]:
        """The scenarios as they are to run; all faults of all files at once."""
        from sim.draws.plausible import attached

        plain = _load_all(names, lambda _: {})
        ids = {measure.id for scenario in plain for measure in scenario.interventions}
        fitting = [
            _fitting(self.sets or (), {m.id for m in scenario.interventions}, ids) for scenario in plain
        ]
        scale = () if self.scale is None else (f"scale={self.scale}",)
        loaded = _load_all(
            names, lambda k: {"sets": (*fitting[k], *scale), "start": self.start, "end": self.end}
        )
        return attached(loaded, self.draws)

    def draws_for(self, scenarios: Sequence[Scenario]) -> int | None:
        """How many draws the replicates of these scenarios share out; None for the point values."""
        from sim.draws.plausible import number_of

        return number_of(scenarios, self.draws)


def _load_all(names: Sequence[str], how: Callable[[int], dict[str, Any]]) -> list[Scenario]:
    from sim.scenario import load

    loaded: list[Scenario] = []
    faults: list[Fault] = []
    for place, name in enumerate(names):
        try:
            loaded.append(load(name, **how(place)))
        except InputError as problem:
            faults += problem.faults
    if faults:
        raise InputError(faults)
    return loaded


def _fitting(sets: Sequence[str], own: set[str], anywhere: set[str]) -> list[str]:
    """The patches for a scenario: a patch of a measure goes to those that have the measure."""
    elsewhere = tuple(f"interventions.{name}." for name in anywhere - own)
    return [patch for patch in sets if not patch.startswith(elsewhere)]


def joined(scenarios: Sequence[Scenario]) -> str:
    """The scenarios' names in one, for the folder of their results."""
    return "-".join(scenario.name for scenario in scenarios)[:100]


def study(
    scenarios: Sequence[Scenario],
    asked: Comparison | None,
    options: Options,
    where: Path,
    force: bool,
    quiet: bool,
    json: bool,
    wish: Wish | None = None,
) -> None:
    """Run, write, print; what `run` and `compare` share. A wish adds replicates until it is met."""
    from sim.observe.store import ResultsFolder
    from sim.views.progress import Display

    display = Display(quiet=quiet)
    with ResultsFolder.create(where, force=force) as folder:
        advice = None
        if asked is None or wish is None:
            runs = runs_of(scenarios, options, display, asked.watched if asked is not None else ())
        else:
            from sim.console_adviser import runs_until

            runs, advice = runs_until(asked, wish, options, display)
        _require_some(runs)
        from sim.study.results import tables_of, write  # after the runs, which need not wait for it

        tables = tables_of(runs, command=["cardbreak", *sys.argv[1:]], asked=asked, advice=advice)
        files = write(folder, tables, _pictures(tables))
        if len(scenarios) > MANY:
            display.say("making the page for readers")
        files += _report(folder.path)
    if not quiet:
        _print_study(tables, files, json)
    _end(runs)


def _begin(scenarios: Sequence[Scenario], display: Display) -> None:
    """Say what there is to say before a run, start the clock."""
    for note in dict.fromkeys(note for scenario in scenarios for note in scenario.notes):
        display.say(f"note: {note}")
    display.begin()


def runs_of(
    scenarios: Sequence[Scenario],
    options: Options,
    display: Display,
    watch: Sequence[Measure] = (),
    there: RunSet | None = None,
) -> RunSet:
    """Make the runs that are asked for, or those that a smaller set lacks, and show how far they are."""
    from sim.draws.plausible import in_words
    from sim.study.runs import run_many

    draws = options.draws_for(scenarios)
    _begin(scenarios if there is None else (), display)
    if there is None and (words := in_words(scenarios, draws, options.replicates)):
        display.say(words)
    try:
        return run_many(
            scenarios,
            replicates=options.replicates,
            draws=draws,
            seed=options.seed,
            jobs=options.jobs,
            threads=options.threads,
            audit=options.audit,
            progress=display,
            watch=watch,
            compiling=lambda: display.say(COMPILING),
            there=there,
        )
    finally:
        display.close()


def _require_some(runs: RunSet) -> None:
    """End here when no run reached its last day: nothing is written then."""
    if runs.finished:
        return
    if runs.interrupted:
        complain("interrupted before the first run was finished; nothing is written")
        raise StopError(INTERRUPTED)
    for error in dict.fromkeys(run.error for run in runs.failed):
        complain(error)
    complain(f"all {len(runs.failed)} runs failed; nothing is written")
    raise StopError(1)


def _end(runs: RunSet) -> None:
    """Say what is missing, and leave with the exit code for it."""
    for lost in runs.failed:
        complain(f"FAILED: {lost.scenario}, replicate {lost.replicate}, draw {lost.draw}: {lost.error}")
    asked = len(runs.scenarios) * runs.replicates
    if runs.interrupted:
        complain(f"interrupted: {len(runs.finished)} of {asked} runs are finished and written")
        raise StopError(INTERRUPTED)
    if runs.failed:
        complain(f"{len(runs.failed)} of {asked} runs failed; the others are written")
        raise StopError(1)


def _report(where: Path) -> list[Path]:
    """The page that says what the results are, once they are written."""
    from sim.console_report import report_of

    path = report_of(where)
    return [] if path is None else [path]


def _pictures(tables: Tables) -> dict[str, bytes]:
    """The pictures by file name; one that cannot be drawn is named and must not cost the results."""
    from sim.observe.store import DISPLACEMENT_PICTURE, PICTURE
    from sim.study.one_run import one_line

    drawn: dict[str, bytes] = {}
    for name, draw in ((PICTURE, _forecast), (DISPLACEMENT_PICTURE, _displacement)):
        try:
            picture = draw(tables)
        except Exception as problem:
            complain(f"the picture {name} could not be drawn: {one_line(problem)}")
            continue
        if picture is not None:
            drawn[name] = picture
    return drawn


def _forecast(tables: Tables) -> bytes | None:
    from sim.study.compare import HEADLINE
    from sim.views.plots import forecast_picture, measures_of, source_line

    scenarios = tables.manifest["scenarios"]
    return forecast_picture(
        tables.monthly,
        measures=measures_of(scenarios, max(scenario["end"] for scenario in scenarios)),
        effects=tables.headline_effects(HEADLINE),
        source=source_line(tables.manifest),
    )


def _displacement(tables: Tables) -> bytes | None:
    from sim.views.displacement_picture import displacement_picture
    from sim.views.plots import source_line

    if tables.findings is None:
        return None
    rows = tables.in_headline(tables.findings.displacement)
    return displacement_picture(rows, source=source_line(tables.manifest))


def _print_study(tables: Tables, files: Sequence[Path], json: bool) -> None:
    from sim.observe.store import names_of
    from sim.views import tables as view

    if json:
        print(view.as_json(_as_content(tables, files)))
        return
    if tables.findings is None:
        view.show(view.summary_table(tables.summary))
    else:
        for table in _comparison_tables(tables, tables.findings):
            view.show(table)
            print()
    print(f"wrote {names_of(files)}")
    _point_to_report(files)


def _point_to_report(files: Sequence[Path]) -> None:
    """The path of the page last, for a reader to open."""
    from sim.observe.store import REPORT

    if files and files[-1].name == REPORT:
        print(f"to read: {files[-1]}")


def _as_content(tables: Tables, files: Sequence[Path]) -> dict[str, Any]:
    """Everything that was found, for `--json`."""
    from sim.views.tables import records

    found = {"manifest": tables.manifest, "files": [str(file) for file in files]}
    if tables.findings is None:
        return found | {"rows": records(tables.summary)}
    more = {
        name: records(getattr(tables.findings, name))
        for name in ("interaction", "displacement", "costs", "precision")
    }
    return found | {"rows": records(tables.findings.effects)} | more


def _comparison_tables(tables: Tables, findings: Findings) -> Iterator[Table]:
    """A table of effects for each of a few scenarios, one for all of many; then what else was found."""
    from sim.views import findings as of_findings
    from sim.views.tables import effect_tables

    window = tables.headline
    ends = (window.start.isoformat(), window.end.isoformat())
    base = str(tables.manifest["baseline"])
    bases = {entry["name"]: entry.get("baseline", base) for entry in tables.manifest["scenarios"]}
    few = findings.effects["scenario"].nunique() <= FEW
    if few:
        yield from effect_tables(findings.effects, *ends, bases)
    else:
        against = base if len(set(bases.values())) == 1 else "the baseline of each structure"
        yield of_findings.overview_table(
            findings.effects, findings.displacement, findings.costs, ends, against
        )
    yield from of_findings.interaction_tables(findings.interaction, ends)
    if len(findings.displacement):
        yield of_findings.displacement_table(findings.displacement, ends)
    yield of_findings.cost_table(findings.costs, ends, measures=few)
    if len(findings.precision):
        from sim.views.precision import precision_table

        yield precision_table(findings.precision, tables.manifest["precision"], bases)


def pattern_runs(
    results: Path | None, name: str, options: Options, display: Display
) -> tuple[str, Any, Worlds | None]:
    """A title, the rows to measure and the experiments: of a results folder, which has none, or made now."""
    if results is None:
        return _patterns_made(name, options, display)
    chosen, monthly = rows_of(results, name)
    return f"{chosen} in {results}", monthly, None


def rows_of(results: Path, name: str) -> tuple[str, Any]:
    """The scenario of a results folder that is meant, and its rows: the one named, else the only one."""
    from sim.observe.store import open_results

    monthly = open_results(results).monthly
    there = list(dict.fromkeys(monthly["scenario"]))
    chosen = name if name in there else there[0] if len(there) == 1 else None
    if chosen is None:
        what = f"holds no scenario {name}"
        raise InputError(
            [Fault(str(results), None, "", what, f"Give --scenario with one of: {', '.join(there)}.")]
        )
    return chosen, monthly[monthly["scenario"] == chosen]


def _patterns_made(name: str, options: Options, display: Display) -> tuple[str, Any, Worlds]:
    """Runs of the scenario, and few of each experiment."""
    from sim.study.pattern_parts import Worlds
    from sim.study.patterns import EXPERIMENT_REPLICATES, experiments

    loaded, *worlds = options.load([name, *experiments()])
    monthly = _all_or_exit([loaded], options, display).monthly()
    few = replace(options, replicates=min(options.replicates, EXPERIMENT_REPLICATES))
    made = _all_or_exit(worlds, few, display)
    title = f"{loaded.name}, {options.replicates} replicates; experiments, {few.replicates}"
    return title, monthly, Worlds(made.monthly(), made.weekly())


def prior_runs(name: str, options: Options, draws: int, display: Display) -> Any:
    """The monthly rows of one run at each of `draws` draws from the priors."""
    options = replace(options, replicates=draws, draws=prior(draws))
    (loaded,) = options.load([name])
    return _all_or_exit([loaded], options, display).monthly()


def _all_or_exit(scenarios: list[Scenario], options: Options, display: Display) -> RunSet:
    """Runs of which some are finished; an interruption ends the command, a failed run is only named."""
    runs = runs_of(scenarios, options, display)
    _require_some(runs)
    if runs.interrupted:
        _end(runs)
    for lost in runs.failed:
        complain(f"FAILED: {lost.scenario}, replicate {lost.replicate}, draw {lost.draw}: {lost.error}")
    return runs


def print_patterns(table: Any, title: str, json: bool) -> None:
    """Print the table of patterns and how each is measured."""
    from sim.study.patterns import definitions
    from sim.views import tables as view

    if json:
        print(view.as_json({"rows": view.records(table), "definitions": dict(definitions())}))
        return
    view.show(view.pattern_table(table, f"Observed and simulated: {title}"))
    print("\nA pattern passes when at least half of the runs are inside its band. How each is measured:")
    for name, words in definitions():
        print(f"{name}: {words}")


def story(
    names: Sequence[str],
    options: Options,
    run: tuple[int, int | None],
    subject: Mapping[str, int | None],
    quiet: bool,
    json: bool,
) -> None:
    """Tell the life of one card or gang in two scenarios, or list some worth telling where none is named.

    ``run`` holds replicate and draw, which is that of the replicate where it is None; ``subject`` the keys of
    card and gang, None for one that is not wanted.
    """
    from sim.study.checks import check_comparable
    from sim.study.compiling import warm_up
    from sim.views.progress import Display

    wanted = [(what, key) for what, key in subject.items() if key is not None]
    if len(wanted) > 1:
        raise InputError(
            [Fault("story", None, "", "tells one life at a time", "Give --card or --gang, not both.")]
        )
    ours, theirs = options.load(names)
    check_comparable([ours], theirs)
    replicate, draw = run[0], _draw_of(run, options, [ours, theirs])
    display = Display(quiet=quiet, things="days")
    _begin([ours, theirs], display)
    warm_up(lambda: display.say(COMPILING))
    from sim.study.story import candidates, tell, worlds_of  # imports the model: after the announcement

    worlds = worlds_of(ours, theirs, seed=options.seed, replicate=replicate, draw=draw)
    try:
        told = tell(worlds, *wanted[0], display) if wanted else candidates(worlds, display)
    finally:
        display.close()
    if not quiet:
        _print_story(told, (ours.name, theirs.name), json)


def _draw_of(run: tuple[int, int | None], options: Options, scenarios: Sequence[Scenario]) -> int:
    """The draw of a run, which must be one that the results of such runs can have. Raises `InputError`."""
    from sim.study.runs import draw_of

    there = options.draws_for(scenarios)
    replicate, draw = run
    if draw is not None and draw > (there or 0):
        what = f"is {draw}, and with --draws {options.draws} there " + (
            f"are {there}" if there else "is none but 0, the point values"
        )
        raise InputError([Fault("--draw", None, "", what, "Give both as in the command whose run it is.")])
    return draw_of(replicate, there) if draw is None else draw


def _print_story(told: Any, names: tuple[str, str], json: bool) -> None:
    from sim.views import story as view
    from sim.views.tables import as_json, show

    if isinstance(told, list):
        if json:
            print(as_json({"candidates": [vars(candidate) for candidate in told]}))
        elif told:
            show(view.candidate_table(told, *names))
        else:
            print("no card and no gang that is in both worlds ends differently")
    elif json:
        print(as_json(view.story_content(told)))
    else:
        print("\n".join(view.heading(told)), end="\n\n")
        show(view.story_table(told))


def save(table: Any, path: Path) -> None:
    """Write a table as CSV, whole or not at all."""
    from sim.observe.store import atomically

    text = table.to_csv(index=False, lineterminator="\n")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomically(path, lambda file: file.write(text.encode()))
    except OSError as problem:
        fault = Fault(str(path), None, "", f"cannot be written ({problem.strerror})", "Give another --save.")
        raise InputError([fault]) from problem


def complain(text: str) -> None:
    """A line on the standard error."""
    print(f"cardbreak: {text}", file=sys.stderr, flush=True)
