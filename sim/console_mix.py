"""What `mix` does: state the question and what it takes, screen, race, confirm, tell."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.console import COMPILING, Options, save
from sim.console_sweep import SweepOptions, end
from sim.errors import Fault, InputError, shown

if TYPE_CHECKING:
    import pandas as pd

    from sim.observe.parts import SweepFolder
    from sim.study.mix import Found, Pair, Question
    from sim.study.mixes import Bill, Mixes
    from sim.study.sweep import Sweep
    from sim.study.windows import Window
    from sim.views.progress import Display


@dataclass(frozen=True)
class Asked:
    """The question as it is typed: shares such as 20% or 0.2, groups, doses, unit costs."""

    target: str
    sure: str
    groups: tuple[str, ...]
    doses: str
    prices: tuple[str, ...]
    confirm: int
    most_runs: int | None

    def question(self, screen: int) -> Question:
        """The question in numbers. Raises `InputError`."""
        from sim.study.mix import Question

        target, sure = _share("--target", self.target), _share("--probability", self.sure)
        return Question(target, sure, screen, self.confirm, self.most_runs)


def _share(option: str, text: str) -> float:
    """A share between 0 and 1 from text such as 20% or 0.2."""
    number, percent, rest = text.partition("%")
    try:
        value = float(number) / (100.0 if percent else 1.0)
    except ValueError:
        value = -1.0
    if rest or not 0.0 < value < 1.0:
        what = f"must lie between 0 and 100%, got {shown(text)}"
        raise InputError([Fault(option, None, "", what, f"Write {option} 20%.")])
    return value


@dataclass(frozen=True)
class _Study:
    """A search under way: what is asked, where its runs lie, how to make them."""

    question: Question
    mixes: Mixes
    bill: Bill
    window: Window
    sweep: Sweep
    folder: SweepFolder
    options: SweepOptions
    display: Display

    def make(self, wanted: Sequence[Pair], purpose: str) -> pd.DataFrame | None:
        """Make those of the runs that are not there yet; the table of all pairs, None if interrupted."""
        from sim.observe.parts import RunId
        from sim.study import sweep as study
        from sim.study.mixes import pairs_of
        from sim.study.runs import draw_of

        worlds = self.mixes.worlds
        draws = self.sweep.draws
        runs = [RunId(worlds[mix].name, draw_of(number, draws), number) for mix, number in wanted]
        study.plan_more(self.folder, runs)
        if left := len(_missing(self.folder)):
            self.display.say(f"{purpose}: {left} runs to make")
        self.display.begin()
        try:
            if study.work(self.folder, self.sweep, jobs=self.options.jobs, progress=self.display):
                return None
        finally:
            self.display.close()
        monthly = self.folder.monthly()
        if monthly.empty:
            end(self.folder, False)  # every run failed: says why, and leaves
        return pairs_of(monthly, self.mixes, self.bill, self.window, self.question.target)


def _missing(folder: SweepFolder) -> list[Any]:
    from sim.observe.parts import missing

    return [run for batch in missing(folder.batches(), folder.done()) for run in batch.runs]


def mix(names: tuple[str, str], asked: Asked, common: Options, options: SweepOptions) -> None:
    """Search the mixes of a scenario's measures for the cheapest that reaches a target."""
    from sim.observe.parts import SweepFolder
    from sim.study.attribution import groups_of
    from sim.study.checks import check_comparable
    from sim.study.mix import search
    from sim.study.mixes import bill_of, mixes_of
    from sim.study.sweep import begin
    from sim.study.variants import check_doses, read_doses
    from sim.views.progress import Display

    question = asked.question(common.replicates)
    levels = read_doses(asked.doses)
    check_doses(levels)
    scenario, baseline, window = _loaded(names, common)
    check_comparable([scenario], baseline)
    bill = bill_of(scenario, baseline, asked.prices)
    mixes = mixes_of(scenario, baseline, groups_of(scenario, baseline, asked.groups), levels)
    sweep = mixes.as_sweep(question.screen, common.draws_for([scenario, baseline]), common.seed)
    folder = SweepFolder(options.out or Path("results") / sweep.experiment.name)
    work = _Study(question, mixes, bill, window, sweep, folder, options, Display(quiet=options.quiet))
    _state(work)
    if options.dry_run:
        return
    begin(folder, sweep, resume=options.resume, expand=options.resume, mixed=False)
    found = search(mixes.names, question, work.make)
    if found is not None:
        _tell(work, found)
    end(folder, found is None)


def _loaded(names: tuple[str, str], common: Options) -> tuple[Any, Any, Window]:
    """The scenario, its baseline, and the window of comparisons, with which the runs end."""
    from sim.study.windows import effect_windows, headline

    scenario, _ = common.load(names)
    window = headline(effect_windows(scenario.start, scenario.end))
    scenario, baseline = replace(common, end=window.end).load(names)
    return scenario, baseline, window


def _state(work: _Study) -> None:
    """Say what is asked and what it takes, before the first run; refuse what the runs allowed cannot do."""
    from sim.study.compiling import warm_up
    from sim.study.race import least_pairs
    from sim.study.sweep import expected, planned
    from sim.views.progress import duration

    question, count, say = work.question, len(work.mixes.names), work.display.say
    least, most = question.least_runs(count), question.all_runs(count)
    if question.most_runs is not None and question.most_runs < least:
        what = f"is {question.most_runs}, and screening {count} mixes and confirming one takes {least}"
        mend = "Allow more runs, join groups, or take fewer --replicates."
        raise InputError([Fault("--most-runs", None, "", what, mend)])
    most = min(most, question.most_runs or most)
    warm_up(lambda: say(COMPILING))
    jobs = work.options.jobs or os.cpu_count() or 1
    plan = planned(work.sweep, work.sweep.wanted(), jobs)
    each = expected(work.sweep, least, plan.saved, jobs).seconds / least
    here = len({run for batch in work.folder.batches() for run in batch.runs} - set(_missing(work.folder)))
    had = f" ({here} are there)" if here else ""
    say(f"Which is the cheapest mix with {question.words()} over {work.window.start} to {work.window.end}?")
    say(
        f"{count} mixes of {len(work.mixes.groups)} groups: {least} runs{had} to screen them and to confirm "
        f"one, about {duration(each * least)} with {jobs} processes; for those in question more, at most "
        f"{most} runs, {duration(each * most)}"
    )
    if plan.sentence:
        say(f"screening, {plan.sentence}")
    if work.sweep.draws is None:
        say("parameters at their point values: probability is over chance alone, not over what is unknown")
    if question.confirm < (few := least_pairs(question.sure)):
        say(f"note: {question.confirm} fresh pairs can never tell that the target is reached; {few} can")
    if not work.bill.known:
        say(f"note: unit costs not given: {', '.join(work.bill.unknown)}; police hours stand for cost")


def _tell(work: _Study, found: Found) -> None:
    from sim.observe.store import atomically
    from sim.study.mix_tables import answer, confirmed_rows, mix_rows
    from sim.views import tables as view
    from sim.views.mixes import confirmed_table, front_table

    folder, priced = work.folder, work.bill.known
    rows, confirmed = mix_rows(found, work.mixes), confirmed_rows(found, work.mixes)
    front = rows[rows["front"]].sort_values("yuan" if priced else "police_hours", kind="stable")
    words = answer(found, work.bill)
    for name, table in (("mixes", rows), ("front", front), ("confirmed", confirmed)):
        save(table, folder.path / f"{name}.csv")
    atomically(folder.path / "answer.txt", lambda file: file.write(f"{words}\n".encode()))
    _draw(work, rows, front, [one.mix for one in found.confirmed])
    if work.options.quiet:
        return
    if work.options.json:
        content = {"folder": str(folder.path), "question": vars(work.question), "answer": words}
        tables = {"rows": rows, "front": front, "confirmed": confirmed}
        print(view.as_json(content | {name: view.records(table) for name, table in tables.items()}))
        return
    span = f"cases {work.window.start} to {work.window.end}, the rest up to its end"
    view.show(front_table(front, priced, span))
    print()
    if len(confirmed):
        view.show(confirmed_table(confirmed, priced))
        print()
    if not priced:
        least = ", or ".join(rows.loc[rows["minimal"], "mix"]) or "none"
        print(f"Mixes that reached the target while choosing and of which no dose can be lowered: {least}.")
    print(words)
    files = "answer.txt, mixes.csv, front.csv, confirmed.csv, front.png, parts/ (every run)"
    print(f"\nwrote {folder.path}/: {files}")


def _draw(work: _Study, rows: pd.DataFrame, front: pd.DataFrame, tried: Sequence[str]) -> None:
    """Draw the front beside its tables."""
    from sim.observe.store import atomically
    from sim.study.results import versions
    from sim.views.mix_picture import mix_picture

    scenario, sweep = work.mixes.scenario, work.sweep
    unknown = "a draw of the parameters each" if sweep.draws else "parameters at their defaults"
    source = (
        f"Simulation, cardbreak {versions()['cardbreak']}, seed {sweep.seed}, scale {scenario.scale}, "
        f"{sweep.replicates} pairs, {unknown}. Means with 90% intervals."
    )
    picture = mix_picture(
        rows,
        front,
        priced=work.bill.known,
        target=work.question.target * float(rows["baseline"].mean()),
        tried=tried,
        source=source,
    )
    atomically(work.folder.path / "front.png", lambda file: file.write(picture))
