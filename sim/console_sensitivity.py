"""What `sensitivity` does: lay out the design, make its runs as a sweep, say what the outcome hangs on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.console import complain, save
from sim.console_sweep import SweepOptions, carried_out, end, folder_of, planned
from sim.errors import Fault, InputError

if TYPE_CHECKING:
    from sim.observe.parts import SweepFolder
    from sim.study.sensitivity import Answer, Study
    from sim.study.sweep import Sweep
    from sim.study.windows import Window
    from sim.views.tables import Table

TABLE, PICTURE = "sensitivity.csv", "sensitivity.png"
SPLIT_TABLE, SPLIT_PICTURE = "split.csv", "split.png"


@dataclass(frozen=True)
class Question:
    """What is asked: the method and its size, which parameters, of which outcome."""

    method: str
    trajectories: int
    points: int
    every: bool
    of: str | None
    outcome: str
    window: str


def sensitivity(name: str, question: Question, options: SweepOptions) -> None:
    """Answer the question for an experiment, or for a sweep's folder where its variance is to be split."""
    from sim.observe.parts import SweepFolder

    if question.method != "split":
        _indices(name, question, options)
    elif (folder := SweepFolder(Path(name))).exists:
        _tell_split(folder, question, options)
    else:
        _split(name, question, options)


def _indices(name: str, question: Question, options: SweepOptions) -> None:
    from sim.experiment import read_experiment
    from sim.study.sensitivity import Study, design_of, unknowns, varied
    from sim.study.sweep_tables import kept_outcome
    from sim.views.progress import Display

    experiment, home = read_experiment(name)
    outcome = kept_outcome(question.outcome, experiment)
    names, parameters = unknowns(experiment, home, question.every)
    seed = experiment.seed if options.seed is None else options.seed
    blocks = question.trajectories if question.method == "morris" else question.points
    design = design_of(question.method, names, blocks, seed)  # type: ignore[arg-type]
    display = Display(quiet=options.quiet)
    if experiment.levers is not None:
        display.say("note: levers are left out, the scenarios are as their files have them")
    worlds = design.worlds(parameters)
    asked = planned(varied(experiment, design, question.every), home, options, worlds)
    study = Study(asked, design, worlds)
    of, window = _of(question.of, study), _window(question.window, asked)
    folder = folder_of(asked, options)
    if (interrupted := carried_out(name, asked, folder, options)) is not None:
        from sim.study.sensitivity import answers
        from sim.study.sweep_tables import values_of

        found = answers(study, values_of(folder.monthly(), outcome, window), of)  # type: ignore[arg-type]
        _tell_indices(found, study, (outcome, window), folder, options)
        end(folder, interrupted)


def _of(asked: str | None, study: Study) -> str:
    """What is analysed: the effect where there is one. Raises `InputError` where it is asked for and not."""
    there = study.baseline is not None and study.policies() != [study.baseline]
    if asked == "effect" and not there:
        what, mend = "needs a baseline and a scenario beside it", "Give --of level, or name them in the file."
        raise InputError([Fault("--of effect", None, "", what, mend)])
    return asked or ("effect" if there else "level")


def _window(name: str, asked: Sweep) -> Window:
    """The window asked for, else the experiment's. Raises `InputError` for one that the runs do not cover."""
    from sim.study.sweep_tables import window_between

    names = [name] if name else asked.experiment.windows
    scenario = asked.points[0].scenario
    experiment = asked.experiment.model_copy(update={"windows": names})
    return window_between(experiment, scenario.start, scenario.end)


def _tell_indices(
    found: Sequence[Answer],
    study: Study,
    about: tuple[str, Window],
    folder: SweepFolder,
    options: SweepOptions,
) -> None:
    from sim.study.sensitivity import as_frame
    from sim.views.sensitivity import indices_notes, indices_table

    method, blocks = study.design.method, study.design.kind
    frame = as_frame(found, study, *about)
    for scenario in study.policies():
        if scenario not in {one.scenario for one in found}:
            complain(f"{scenario}: fewer than two {blocks} are whole yet")
    for one in found:
        if (one.blocks, one.replicates) != (one.blocks_asked, one.replicates_asked):
            complain(
                f"{one.scenario}: {one.blocks} of {one.blocks_asked} {blocks} and {one.replicates} of "
                f"{one.replicates_asked} replicates are whole; the rest is left out"
            )
    if frame.empty:
        return

    def draw() -> bytes:
        from sim.views.sensitivity_plots import indices_picture

        return indices_picture(frame, method, _source(study.sweep.seed))

    files = _written(frame, draw, folder.path, (TABLE, PICTURE))
    tables = [indices_table(rows, method) for _, rows in frame.groupby("scenario", sort=False)]
    _print(frame, tables, indices_notes(frame, method), files, options)


def _split(name: str, question: Question, options: SweepOptions) -> None:
    """Make the runs of the experiment as `sweep` does, in the same folder, and split their variance."""
    from sim.experiment import read_experiment
    from sim.study.sweep_tables import kept_outcome

    experiment, home = read_experiment(name)
    kept_outcome(question.outcome, experiment)
    asked = planned(experiment, home, options)
    _window(question.window, asked)
    folder = folder_of(asked, options)
    if (interrupted := carried_out(name, asked, folder, options)) is not None:
        _tell_split(folder, question, options)
        end(folder, interrupted)


def _tell_split(folder: SweepFolder, question: Question, options: SweepOptions) -> None:
    """Split the variance of what a sweep's folder holds, whatever made it."""
    from sim.study.split import as_frame, is_sample, splits
    from sim.study.states import read
    from sim.views.sensitivity import split_table

    reading = read(folder, question.outcome, question.window, judged=False)
    found = splits(reading)
    frame = as_frame(found, reading)
    if frame.empty:
        complain("there is nothing to split: no two finished runs that differ in one thing only")
        return
    if found[0].left_out:
        complain(f"{found[0].left_out} finished runs are left out: their counterparts are missing")

    if not is_sample(reading.knowledge):
        complain(
            "note: worlds repeat values of parameters, as in a screening: they are no sample of the priors"
        )

    def draw() -> bytes:
        from sim.views.sensitivity_plots import split_picture

        return split_picture(frame, _source(reading.seed, "draws" if reading.draws else "priors"))

    files = _written(frame, draw, folder.path, (SPLIT_TABLE, SPLIT_PICTURE))
    _print(frame, [split_table(frame)], (), files, options)


def _source(seed: int, of: str = "priors") -> str:
    from sim.study.results import versions

    version = versions()["cardbreak"]
    return f"Simulation, cardbreak {version}, seed {seed}: a statement about the model and its {of}."


def _written(frame: Any, draw: Callable[[], bytes], folder: Path, names: tuple[str, str]) -> list[Path]:
    """The table and its picture, as files; a picture that cannot be drawn must not cost the table."""
    from sim.observe.store import atomically
    from sim.study.one_run import one_line

    table, picture = (folder / name for name in names)
    save(frame, table)
    try:
        drawn = draw()
    except Exception as problem:
        complain(f"the picture {picture.name} could not be drawn: {one_line(problem)}")
        return [table]
    atomically(picture, lambda file: file.write(drawn))
    return [table, picture]


def _print(
    frame: Any, tables: Sequence[Table], notes: Sequence[str], files: Sequence[Path], options: SweepOptions
) -> None:
    from sim.observe.store import names_of
    from sim.views import tables as view

    if options.quiet:
        return
    if options.json:
        print(view.as_json({"files": [str(file) for file in files], "rows": view.records(frame)}))
        return
    for table in tables:
        view.show(table)
        print()
    for note in notes:
        print(note)
    print(f"wrote {names_of(files)}")
