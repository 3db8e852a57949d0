"""What `sweep` and `attribute` do: plan, say what it takes, make the runs, tell."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.console import COMPILING, INTERRUPTED, Options, StopError, complain
from sim.draws.wish import DrawsWish
from sim.errors import Fault, InputError

if TYPE_CHECKING:
    from sim.experiment import Experiment
    from sim.observe.parts import Shard, SweepFolder
    from sim.study.cluster import Cluster
    from sim.study.sweep import Cost, Sweep
    from sim.views.progress import Display


@dataclass(frozen=True)
class SweepOptions:
    """The options of the command; None where the experiment's own value holds."""

    jobs: int | None
    out: Path | None
    resume: bool
    expand: bool
    quiet: bool
    json: bool
    dry_run: bool
    scale: int | None = None
    replicates: int | None = None
    draws: DrawsWish | None = None
    seed: int | None = None
    rerun_failed: bool = False
    mixed: bool = False
    plan: bool = False
    shard: str = ""
    cluster: str | None = None
    again: str = "--resume"
    """What goes on with a command that was interrupted."""


def sweep(name: str, options: SweepOptions) -> None:
    """Plan an experiment's runs, or find the plan there is, and make those that are missing."""
    from sim.experiment import read_experiment

    experiment, home = read_experiment(name)
    asked = planned(experiment, home, options)
    folder = folder_of(asked, options)
    if (interrupted := carried_out(name, asked, folder, options)) is not None:
        _tell(asked, folder, options)
        end(folder, interrupted)


def planned(
    experiment: Experiment,
    home: Path,
    options: SweepOptions,
    worlds: Sequence[Mapping[str, float]] | None = None,
) -> Sweep:
    """The sweep of an experiment, with what the options override; ``worlds`` as in `points_of`."""
    from sim.draws.plausible import attached, number_of
    from sim.experiment.points import points_of
    from sim.study.sweep import Sweep

    wish = options.draws or experiment.draws_wish
    points = points_of(experiment, home, options.scale, worlds)
    scenarios = attached([point.scenario for point in points], wish)
    return Sweep(
        experiment=experiment,
        points=tuple(replace(point, scenario=it) for point, it in zip(points, scenarios, strict=True)),
        replicates=options.replicates or experiment.replicates,
        draws=number_of(scenarios, wish),
        seed=experiment.seed if options.seed is None else options.seed,
        wish=wish,
    )


def folder_of(asked: Sweep, options: SweepOptions) -> SweepFolder:
    """Where the sweep's runs are kept."""
    from sim.observe.parts import SweepFolder

    return SweepFolder(options.out or Path("results") / asked.experiment.name, _shard(options.shard))


def attribute(
    names: tuple[str, str],
    groups: tuple[str, ...],
    orders: int,
    rivals: tuple[str, ...],
    common: Options,
    options: SweepOptions,
) -> None:
    """Run every combination of groups of a scenario's measures and share its effect out over them, in each
    structure that is asked for.
    """
    from sim.study import attribution as study
    from sim.study.checks import check_comparable

    scenario, baseline = common.load(names)
    check_comparable([scenario], baseline)
    found = study.groups_of(scenario, baseline, groups)
    chosen = study.orders([group.name for group in found], orders, common.seed)
    worlds = study.worlds_of(scenario, baseline, found, chosen, rivals, common.draws)
    draws = common.draws_for([world for those in worlds.values() for world in those.values()])
    asked = study.as_sweep(scenario, found, worlds, common.replicates, draws, common.seed)
    folder = folder_of(asked, options)
    if (interrupted := carried_out(scenario.name, asked, folder, options)) is not None:
        _tell_attribution(study.table(folder, asked, found, worlds, chosen), folder, options)
        end(folder, interrupted)


def _tell_attribution(table: Any, folder: SweepFolder, options: SweepOptions) -> None:
    from sim.console import save
    from sim.views import tables as view
    from sim.views.sweeps import ONE_STRUCTURE, attribution_tables

    file = folder.path / "attribution.csv"
    if len(table):
        save(table, file)
    if options.quiet:
        return
    if options.json:
        print(view.as_json({"folder": str(folder.path), "rows": view.records(table)}))
    elif len(table):
        for shown in attribution_tables(table):
            view.show(shown)
            print()
        if len(set(table["structure"])) == 1:
            print(ONE_STRUCTURE)
        print(f"wrote {file}")
    else:
        print("no pair of runs is complete yet")


def carried_out(name: str, asked: Sweep, folder: SweepFolder, options: SweepOptions) -> bool | None:
    """State, then make, what a sweep lacks; whether it was interrupted, None where only a plan is wanted."""
    from sim.draws.plausible import in_words, notes_of
    from sim.study.cluster import ClusterLostError
    from sim.views.progress import Display

    display = Display(quiet=options.quiet)
    worlds = [point.scenario for point in asked.points]
    for note in notes_of(worlds):
        display.say(f"note: {note}")
    if words := in_words(worlds, asked.draws, asked.replicates):
        display.say(words)
    try:
        with _cluster(options, display) as cluster:
            saved = _state(name, asked, folder, options, display, cluster)
            if options.dry_run:
                return None
            interrupted = _make(asked, folder, options, display, cluster)
            if saved and not (interrupted or options.plan):
                display.say(saved.replace(" are ", " were "))
            return interrupted
    except ClusterLostError:
        kept = f"what is finished is kept; go on with {options.again}"
        complain(f"the scheduler {options.cluster} has gone: {kept}")
        raise StopError(1) from None


def _cluster(options: SweepOptions, display: Display) -> AbstractContextManager[Cluster | None]:
    """The cluster that is asked for, checked; None where the runs are made here."""
    from sim.study.cluster import connected

    if options.cluster is None:
        return nullcontext()
    if options.jobs is not None:
        mend = "Leave --jobs out: as many runs are made at once as the cluster has workers."
        raise InputError([Fault("--cluster", None, "", "does not go with --jobs", mend)])
    return connected(options.cluster, display.say)


def _shard(text: str) -> Shard | None:
    """A share such as 2/8. Raises `InputError`."""
    from sim.observe.parts import Shard

    if not text:
        return None
    number, _, count = text.partition("/")
    digits = all(part.isascii() and part.isdigit() for part in (number, count)) and len(text) < 12
    if digits and 1 <= int(number) <= int(count):
        return Shard(int(number), int(count))
    raise InputError([Fault("--shard", None, "", "must be I/N with I from 1 to N", "Write --shard 2/8.")])


def collect(target: Path, sources: Sequence[Path], quiet: bool) -> None:
    """Bring what copies of a sweep have made into one folder."""
    from sim.observe.parts import SweepFolder, missing

    folder = SweepFolder(target)
    folder.about()
    for source in sources:
        other = SweepFolder(source)
        other.about()
        taken = folder.collect(other)
        if not quiet:
            print(f"{source}: {taken} batches taken over")
    left = missing(folder.batches(), folder.done())
    if not quiet:
        print(f"{target}: {'complete' if not left else f'{len(left)} batches are missing'}")


def _state(
    name: str,
    asked: Sweep,
    folder: SweepFolder,
    options: SweepOptions,
    display: Display,
    cluster: Cluster | None,
) -> str:
    """Say what is to be done and what it takes, before the first run; refuse what breaks the budget.

    Returns what forks save of it, in words.
    """
    from sim.observe.parts import missing
    from sim.study.compiling import warm_up
    from sim.study.sweep import expected, over_budget, planned

    done = folder.done() if folder.exists else {}
    batches = folder.batches() if folder.exists else []
    there = {run for batch in batches if batch.name in done for run in batch.runs}
    left = [run for batch in missing(batches, done) for run in batch.runs]
    waiting = dict.fromkeys([*left, *(run for run in asked.wanted() if run not in there)])
    warm_up(lambda: display.say(COMPILING))
    jobs = options.jobs or os.cpu_count() or 1
    hands = jobs if cluster is None else cluster.workers()
    kind = "processes" if cluster is None else "workers as fast as this one"
    plan = planned(asked, waiting, max(hands, 1))
    cost = expected(asked, len(waiting), plan.saved, hands)
    display.say(_sentence(asked, len(there), cost, f"{hands} {kind}"))
    if plan.sentence:
        display.say(plan.sentence)
    faults = over_budget(asked.experiment, cost, name)
    if faults:
        raise InputError(faults)
    return plan.sentence


def _sentence(asked: Sweep, there: int, cost: Cost, hands: str) -> str:
    from sim.views.progress import duration

    size = f"{cost.bytes / 1e6:.1f} MB" if cost.bytes < 1e9 else f"{cost.bytes / 1e9:.1f} GB"
    had = f", {there} runs are there" if there else ""
    return (
        f"{asked.experiment.name}: {len(asked.points)} points, {asked.replicates} replicates each{had}; "
        f"{cost.runs} runs to make: about {duration(cost.seconds)} with {hands}, {size} of disk"
    )


def _make(
    asked: Sweep, folder: SweepFolder, options: SweepOptions, display: Display, cluster: Cluster | None
) -> bool:
    from sim.study import sweep as study

    if folder.shard is not None and not folder.exists:
        what, mend = "holds no plan to share out", "Write it first, once, with --plan."
        raise InputError([Fault(str(folder.path), None, "", what, mend)])
    go_on = options.resume or folder.shard is not None
    study.begin(folder, asked, resume=go_on, expand=options.expand, mixed=options.mixed)
    if options.rerun_failed:
        display.say(f"{study.plan_failed_again(folder)} failed runs are tried again")
    if options.plan:
        return False
    display.begin()
    try:
        return study.work(folder, asked, jobs=options.jobs, cluster=cluster, progress=display)
    finally:
        display.close()


def _tell(asked: Sweep, folder: SweepFolder, options: SweepOptions) -> None:
    """The table of policies: what each sets, its runs, an outcome over a window, the paired effect."""
    from sim.console_views import sweep_picture
    from sim.study.sweep_tables import outcome_of, policy_table, window_of
    from sim.views import tables as view
    from sim.views.sweeps import sweep_table

    picture = sweep_picture(folder.path) if folder.parts() else None
    if options.quiet:
        return
    rows, window, outcome = policy_table(folder, asked), window_of(asked), outcome_of(asked)
    if options.json:
        content = {"folder": str(folder.path), "outcome": outcome, "window": window.name}
        print(view.as_json(content | {"rows": view.records(rows)}))
        return
    view.show(sweep_table(rows, window, outcome))
    drawn = f", {picture.name}" if picture is not None else ""
    print(f"\nwrote {folder.path}/: design.csv, parts/ (every run), log.jsonl, sweep.json{drawn}")


def end(folder: SweepFolder, interrupted: bool, again: str = SweepOptions.again) -> None:
    """Name the runs that failed, and leave with the exit code for what is missing."""
    from sim.study.sweep import failures

    broken: list[Any] = failures(folder)
    for one in broken[:20]:
        complain(f"FAILED after {one.tries} tries: {one.scenario}, replicate {one.replicate}: {one.error}")
    if interrupted:
        complain(f"interrupted: what is finished is kept; go on with {again}")
        raise StopError(INTERRUPTED)
    if broken:
        complain(f"{len(broken)} runs failed; try them again with --resume --rerun-failed")
        raise StopError(1)
