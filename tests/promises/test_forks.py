"""Promises about forks: a forked run is the straight run bit for bit, and what is shared is planned well."""

from __future__ import annotations

import math
from datetime import date
from typing import Any

import pandas as pd
import pytest
from fake_results import FakeModel, FakeScenario
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.interventions import MEASURES
from sim.interventions.base import Window
from sim.interventions.public import Publicity
from sim.policy import Policy
from sim.scenario import Scenario, load
from sim.scenario.folders import shipped_folder
from sim.state.history import Event, Histories, History
from sim.study import plan as planning
from sim.study.one_run import Job, Run, Settings, Task, simulate, simulate_together
from sim.study.plan import LEAST_SHARED, Branch, branches_of, plan, trees

START, END = date(2020, 8, 25), date(2020, 11, 10)
SHIPPED = sorted(path.stem for path in shipped_folder().glob("*.yaml"))
OPERATION = date(2020, 10, 10)


def scenario(name: str, *sets: str, start: date = START, end: date = END) -> Scenario:
    return load(name, sets=["scale=3000", *sets], start=start, end=end)


def assert_same(forked: Run, straight: Run) -> None:
    assert (forked.error, straight.error) == ("", "")
    for name in ("monthly", "weekly", "deeds"):
        pd.testing.assert_frame_equal(getattr(forked, name), getattr(straight, name), check_exact=True)
    assert forked.counts == straight.counts


def assert_forks_equal_straight_runs(job: Job, how: Settings, least_saved: float) -> None:
    forked = {run.scenario: run for run in simulate_together(job, how)}
    assert forked.keys() == {task.scenario.name for task in job}
    for task in job:
        assert_same(forked[task.scenario.name], simulate(task, how))
    branches = [one for root in trees(job, how.seed) for one in branches_of(root)]
    own = sum(one.days - one.since for one in branches)
    assert own < (1.0 - least_saved) * sum(one.days for one in branches)


def test_every_shipped_scenario_forked_is_itself() -> None:
    """All in one job: those without the co-measures of the baseline share a history among themselves."""
    job = tuple(Task(scenario(name), 0, 0) for name in SHIPPED)
    watch = tuple(scenario("card-broken-2020").interventions)
    assert_forks_equal_straight_runs(job, Settings(seed=5, watch=watch), 0.4)


def test_dates_that_are_drawn_part_runs_where_they_fall() -> None:
    names = ("baseline", "institution-inspection", "blacklist-sharing", "police-bank-link", "transfer-limits")
    lasting = {"start": date(2020, 10, 15), "end": date(2021, 3, 31)}
    job = tuple(Task(scenario(name, **lasting), 1, 3) for name in names)
    (root,) = trees(job, 2)
    window = Window(lasting["start"], job[0].scenario.days, ())
    drawn = {m.at_draw(3, 2).span(window)[0] for task in job for m in task.scenario.interventions}
    written = {m.span(window)[0] for task in job for m in task.scenario.interventions}
    starts = {one.since for one in branches_of(root)} - {0, root.days}
    assert len(starts) == 3
    assert starts <= drawn - written
    assert_forks_equal_straight_runs(job, Settings(seed=2), 0.3)


def test_switches_rivals_ends_and_doses_are_forked_too() -> None:
    base, late = "card-cleanup", "adaptation.since=2020-10-05"
    variants = {
        "whole": scenario(base),
        "half": scenario(base, "interventions.account_cleanup-dormant.coverage=0.5"),
        "no-fallback": scenario(base, late, "adaptation.fallback=false"),
        "nothing-moves": scenario(base, late, "rival=no-adaptation"),
        "shorter": scenario(base, end=date(2020, 11, 3)),
        "again": scenario(base),
        "other-world": scenario(base, "rival=no-card-effect"),
    }
    job = tuple(Task(one.with_(name=name), 0, 0) for name, one in variants.items())
    assert len(trees(job, 1)) == 2
    assert_forks_equal_straight_runs(job, Settings(), 0.3)


@pytest.mark.parametrize("kind", MEASURES)
def test_a_measure_writes_nothing_before_its_span(kind: str) -> None:
    """Forks rest on it: until the first day of its span the policy is neutral, and no order is given."""
    (measure,) = [m for m in scenario_with(kind).interventions if m.measure == kind][:1]
    window = Window(date(2018, 1, 1), 2000, ("a", "b"))
    first, _ = measure.span(window)
    assert first <= window.number(measure.start)
    for day in (0, first - 400, first - 1):
        policy = Policy(2)
        if measure.span(window)[0] <= day:
            measure.act(day, window, policy)
        assert_neutral(policy)


def scenario_with(kind: str) -> Scenario:
    return next(one for one in map(load, SHIPPED) if any(m.measure == kind for m in one.interventions))


def assert_neutral(policy: Policy) -> None:
    for name, value in vars(Policy(policy.regions)).items():
        mine = getattr(policy, name)
        assert (mine == value).all() if hasattr(value, "shape") else mine == value


class BreaksLate(Publicity):
    """A measure that breaks the run in the middle of its time."""

    def act(self, day: int, window: Window, policy: Policy) -> None:
        if day >= window.number(date(2020, 10, 20)):
            raise RuntimeError("out of paper")
        super().act(day, window, policy)


def broken(name: str, start: str) -> Scenario:
    base = scenario("baseline")
    fields = {
        "measure": "publicity",
        "id": "breaks",
        "start": date.fromisoformat(start),
        "end": END,
        "messages": 9,
    }
    return base.with_(name=name, interventions=(*base.interventions, BreaksLate.model_validate(fields)))


def test_a_branch_that_raises_loses_no_other() -> None:
    job = tuple(
        Task(one, 0, 0) for one in (scenario("baseline"), broken("b", "2020-10-01"), scenario("card-cleanup"))
    )
    runs = {run.scenario: run for run in simulate_together(job, Settings())}
    assert runs["b"].error == "RuntimeError: out of paper"
    for name in ("baseline", "card-cleanup"):
        assert_same(runs[name], simulate(next(t for t in job if t.scenario.name == name), Settings()))


def test_those_that_wait_for_a_stem_that_raises_are_made_straight() -> None:
    """Two share a measure that breaks before they part: both fail, each with its error."""
    one, two = broken("one", "2020-10-01"), broken("two", "2020-10-01")
    late = scenario("publicity", "interventions.publicity.start=2020-11-01").measure("publicity")
    job = (Task(one, 0, 0), Task(two.with_(interventions=(*two.interventions, late)), 0, 0))
    (root,) = trees(job, 1)
    assert [branch.since for branch in root.branches] == [(date(2020, 11, 1) - START).days]
    runs = {run.scenario: run.error for run in simulate_together(job, Settings())}
    assert runs == dict.fromkeys(("one", "two"), "RuntimeError: out of paper")


def test_progress_of_a_job_rises_by_its_days_to_its_runs() -> None:
    job = tuple(Task(scenario(name), 0, 0) for name in ("baseline", "card-cleanup", "opening-suspension"))
    told: list[float] = []
    runs = list(simulate_together(job, Settings(), told.append))
    assert len(runs) == 3
    assert told == sorted(told)
    assert told[-1] == pytest.approx(3.0)
    assert all(run.seconds > 0.0 for run in runs)


DAYS = 400
steps = st.lists(
    st.tuples(st.integers(0, DAYS - 2), st.sampled_from("abc")), max_size=4, unique_by=lambda e: e[0]
)


def history(events: list[tuple[int, str]]) -> History:
    rising = [Event(day, 0, what, what) for day, what in sorted(events)]
    return History((("start", ""),), (*rising, Event(DAYS - 1, 9, str(DAYS), "end")), DAYS)


@given(st.lists(steps, min_size=1, max_size=12))
@settings(max_examples=150, deadline=None)
def test_a_tree_simulates_each_shared_day_once(many: list[list[tuple[int, str]]]) -> None:
    """Every run stands in the forest once; it parts from its stem on the last day that they share; no more
    stems wait than log2 of the runs; and in all as many days are simulated as there are different ones.
    """
    histories = {f"run{k}": history(events) for k, events in enumerate(many)}
    job: Any = tuple(Task(FakeScenario(name), 0, 0) for name in histories)  # type: ignore[arg-type]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planning, "_known", lambda tasks, _: [(t, histories[t.scenario.name]) for t in tasks])
        roots = trees(job, 1)
    found = [one for root in roots for one in branches_of(root)]
    assert sorted(one.task.scenario.name for one in found) == sorted(histories)
    for root in roots:
        assert root.since == 0
        assert_parts_where_it_differs(root, histories)
        assert depth(root) <= math.log2(len(list(branches_of(root))))
    shared = different_days(list(histories.values()))
    assert sum(one.days - one.since for one in found) == shared


def assert_parts_where_it_differs(stem: Branch, histories: dict[str, History]) -> None:
    assert [b.since for b in stem.branches] == sorted(b.since for b in stem.branches)
    for branch in stem.branches:
        ours, theirs = histories[stem.task.scenario.name], histories[branch.task.scenario.name]
        assert branch.since == ours.shared(theirs) >= LEAST_SHARED
        assert_parts_where_it_differs(branch, histories)


def depth(branch: Branch) -> int:
    return max((1 + depth(one) for one in branch.branches), default=0)


def different_days(histories: list[History]) -> int:
    """Days that must be simulated: of each run those that none before it has, if these are few enough."""
    days = 0
    for k, one in enumerate(histories):
        best = max((one.shared(other) for other in histories[:k]), default=0)
        days += one.days - (best if best >= LEAST_SHARED else 0)
    return days


def pairs(replicates: int, *names: str) -> list[Task]:
    loaded = [scenario(name) for name in names]
    return [Task(one, replicate, 0) for replicate in range(replicates) for one in loaded]


def test_jobs_are_as_large_as_lets_all_workers_be_done_sooner() -> None:
    tasks = pairs(4, "baseline", "card-cleanup")
    for workers, sizes in ((1, [2] * 4), (2, [2] * 4), (8, [1] * 8)):
        made = plan(tasks, Settings(), workers)
        assert [len(job) for job in made.jobs] == sizes
        assert sorted(id(task) for job in made.jobs for task in job) == sorted(map(id, tasks))
    assert plan(tasks[:2], Settings(), 2).jobs == ((tasks[0],), (tasks[1],))
    assert plan([], Settings(), 2).jobs == ()


def test_no_job_joins_what_shares_nothing() -> None:
    """Other replicates, draws, parameters, scales and first days."""
    one = scenario("baseline")
    others = [
        scenario("baseline", "parameters.market.sharpness=2.5"),
        scenario("baseline", "scale=2500"),
        scenario("baseline", start=date(2020, 8, 24)),
        scenario("baseline", "rival=no-awareness-effect"),
    ]
    tasks = [Task(one, 0, 0), Task(one, 1, 0), Task(one, 0, 1), *(Task(other, 0, 0) for other in others)]
    made = plan(tasks, Settings(), 1)
    assert made.jobs == tuple((task,) for task in tasks)
    assert (made.saved, made.sentence) == (0.0, "")


def test_a_parameter_that_is_set_to_its_value_is_another_history_in_a_draw() -> None:
    """A draw leaves alone what the scenario has set."""
    plain = scenario("baseline")
    known = scenario(
        "baseline", f"parameters.market.sharpness={plain.parameters.number('market.sharpness')!r}"
    )
    of = Histories(1).of
    assert known.parameters == plain.parameters
    assert of(plain, 0, 2).shared(of(known, 0, 2)) == 0


def test_models_of_the_users_own_are_run_one_by_one() -> None:
    tasks: list[Any] = [Task(FakeScenario(name), 0, 0) for name in "ab"]  # type: ignore[arg-type]
    assert plan(tasks, Settings(model=FakeModel), 1).jobs == ((tasks[0],), (tasks[1],))


def test_what_forks_save_is_told_beforehand() -> None:
    made = plan(pairs(2, "baseline", "card-cleanup"), Settings(), 1)
    shared = 2 * (OPERATION - START).days
    assert (made.days - made.simulated, made.days) == (shared, 4 * ((END - START).days + 1))
    assert made.sentence == (
        f"forks: {shared / 30.44:.0f} of {made.days / 30.44:.0f} run-months are shared with another run "
        f"({shared / made.days:.0%} of the simulated days)"
    )
