"""What draws promise a study: row k is draw k for every scenario, and which draws they are is never lost."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fake_draws import NAMES, table, write_table

from sim.console_sweep import SweepOptions, planned
from sim.draws import plausible
from sim.draws.file import About, write_draws
from sim.draws.plausible import attached, drawn_from, in_words, knowing, notes_of, number_of
from sim.draws.wish import PLAUSIBLE, POINT_VALUES, DrawsWish, asked, prior, read_wish
from sim.errors import InputError
from sim.experiment import read_experiment
from sim.forecast.study import structures_of
from sim.observe.parts import SweepFolder
from sim.scenario import Scenario, load
from sim.study.adviser import wish_of
from sim.study.api import compare, run
from sim.study.one_run import Run, Settings, Task, simulate, simulate_together
from sim.study.plan import branches_of, trees
from sim.study.states import chosen, coordinates, read, scenarios_of
from sim.study.sweep import Sweep, begin
from sim.study.variants import comparison
from sim.views.forecast_tables import caveats

SHIPPED, RIVAL = table(5), table(3, seed=2)


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of shipped tables: five draws for the main model, three for a rival."""
    folder = tmp_path / "draws"
    write_table(folder / "main.parquet", SHIPPED)
    write_table(folder / "no-adaptation.parquet", RIVAL, "no-adaptation")
    monkeypatch.setattr(plausible, "shipped_draws", lambda: {path.stem: path for path in folder.iterdir()})
    return folder


@pytest.fixture
def none_shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package without shipped tables."""
    monkeypatch.setattr(plausible, "shipped_draws", dict)


def scenario(name: str = "baseline", *sets: str, end: str = "2018-02-28") -> Scenario:
    return load(name, sets=["scale=5000", *sets], end=end)


def assert_same(one: Run, other: Run) -> None:
    assert (one.error, other.error) == ("", "")
    for name in ("monthly", "weekly", "deeds"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name), check_exact=True)


# What is asked for.


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("none", POINT_VALUES),
        ("plausible", PLAUSIBLE),
        ("20", DrawsWish("plausible", 20)),
        ("prior:20", prior(20)),
        ("mine.parquet", DrawsWish("file", None, "mine.parquet")),
        ("a folder/mine.parquet:20", DrawsWish("file", 20, "a folder/mine.parquet")),
        ("prior:9.parquet", DrawsWish("file", None, "prior:9.parquet")),
    ],
)
def test_a_wish_is_read_as_it_is_written(text: str, wish: DrawsWish) -> None:
    assert read_wish(text) == wish
    assert str(wish) == text


@pytest.mark.parametrize(
    "text",
    ["", "0", "-1", "1.5", "１", "1234567890", "some", "prior", "prior:", "prior:0", "prior:x", "mine.csv",
     "mine.parquet:", "mine.parquet:0", "mine.parquet:x", "mine\n.parquet", ":3"],
)  # fmt: skip
def test_what_is_no_wish_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"must be 'none', .*prior:N, or FILE\.parquet"):
        read_wish(text)
    with pytest.raises(InputError):
        asked(text)


def test_an_experiment_file_asks_for_draws(tmp_path: Path) -> None:
    def read_with(line: str) -> DrawsWish:
        (tmp_path / "mine.yaml").write_text(f"scenarios: [baseline]\n{line}\n")
        return read_experiment(tmp_path / "mine.yaml")[0].draws_wish

    assert read_with("") == POINT_VALUES
    assert read_with("draws: 7") == DrawsWish("plausible", 7)
    assert read_with("draws: prior:7") == prior(7)
    assert read_with("draws: plausible") == PLAUSIBLE
    for wrong in ("0", "1_000_001", "true", "1.5", "prior:0", "mine.parquet", "[1]", "prior:9_000"):
        with pytest.raises(InputError, match=r"mine\.yaml:2: draws: ") as caught:
            read_with(f"draws: {wrong}")
        assert len(str(caught.value).splitlines()) == 1


# What scenarios get.


def test_draw_k_is_row_k_round_and_round(shipped: Path) -> None:
    (world,) = attached([scenario()], PLAUSIBLE)
    assert number_of([world], PLAUSIBLE) == 5
    for draw in (1, 2, 5, 6, 13):
        drawn = world.parameters.draw(draw, 1)
        assert [drawn[name] for name in NAMES] == SHIPPED.values[(draw - 1) % 5].tolist()
        other = scenario().parameters.draw(draw, 1)
        outside = [name for name in world.parameters.uncertain if name not in NAMES]
        assert all(drawn[name] == other[name] for name in outside)
    assert world.parameters.draw(0, 1) == world.parameters


def test_what_a_scenario_sets_is_kept(shipped: Path) -> None:
    (world,) = attached([scenario("baseline", "parameters.market.sharpness=0.7")], PLAUSIBLE)
    for draw in (1, 2, 3):
        drawn = world.parameters.draw(draw, 1)
        assert drawn["market.sharpness"] == 0.7
        assert drawn["insiders.agents"] == SHIPPED.row(draw)["insiders.agents"]


@pytest.mark.parametrize("wish", [POINT_VALUES, prior(3)], ids=str)
def test_no_table_is_attached_where_none_is_asked_for(shipped: Path, wish: DrawsWish) -> None:
    plain = scenario()
    assert attached([plain], wish)[0] is plain
    (had,) = attached([plain], PLAUSIBLE)
    assert had.hash() != plain.hash()
    assert attached([had], wish)[0].hash() == plain.hash()
    assert number_of([plain], wish) == wish.number


def test_the_first_draws_are_those_of_the_whole_table(shipped: Path) -> None:
    """So that a sweep can be widened from few draws to many: its points stay what they are."""
    few, whole = DrawsWish("plausible", 2), attached([scenario()], PLAUSIBLE)
    assert [one.hash() for one in attached([scenario()], few)] == [one.hash() for one in whole]
    assert number_of(whole, few) == 2


def test_more_draws_than_there_are_is_a_fault_that_says_how_many(shipped: Path) -> None:
    file = shipped / "no-adaptation.parquet"
    for wish, words in (
        ("6", "asks for 6 draws, and .*main.parquet has 5"),
        (f"{file}:4", "4 draws, .* has 3"),
    ):
        with pytest.raises(InputError, match=words) as caught:
            attached([scenario()], read_wish(wish))
        assert len(str(caught.value).splitlines()) == 1


def test_where_none_are_shipped_point_values_stand_in_and_a_note_says_so(none_shipped: None) -> None:
    (world,) = attached([scenario()], PLAUSIBLE)
    assert world.parameters.draws is None
    assert number_of([world], PLAUSIBLE) is None
    assert notes_of([world, world]) == [
        "draws: no plausible draws are shipped, so parameters stand at their point values"
    ]
    assert attached([world], POINT_VALUES)[0].notes == scenario().notes
    with pytest.raises(InputError, match=r"none are shipped.*prior:3"):
        attached([scenario()], DrawsWish("plausible", 3))


def test_a_rival_has_its_own_table_or_that_of_the_main_model_and_says_so(shipped: Path) -> None:
    base = scenario()
    found = comparison(
        [base.with_(name="other")], base, rivals=["no-adaptation", "no-card-effect"], draws=PLAUSIBLE
    )
    worlds = {one.name: one for one in attached(found.scenarios[:2], PLAUSIBLE)}
    worlds |= {one.name: one for one in found.scenarios[2:]}
    tables = {name: world.parameters.draws for name, world in worlds.items()}
    assert tables["baseline"] == tables["other"] == tables["baseline-no-card-effect"] == SHIPPED
    assert tables["baseline-no-adaptation"] == tables["other-no-adaptation"] == RIVAL
    assert notes_of([worlds["other-no-adaptation"]]) == []
    assert notes_of([worlds["baseline-no-card-effect"], worlds["other-no-card-effect"]]) == [
        "draws: those of the main model stand in for no-card-effect, which has none of its own here"
    ]
    assert number_of(list(worlds.values()), PLAUSIBLE) == 3  # no draw under two numbers
    ahead = structures_of(scenario(end="2018-06-30"), date(2018, 3, 10), 2, ["no-adaptation"], PLAUSIBLE)
    assert ahead[1].parameters.draws == RIVAL


def test_a_table_that_does_not_fit_the_scenarios_own_parameters_is_refused(tmp_path: Path) -> None:
    """Ranges are those of the parameters beside the scenario, not those shipped."""
    folder = tmp_path / "parameters"
    folder.mkdir()
    from sim.scenario.folders import shipped_folder

    for file in (shipped_folder() / "parameters").glob("*.yaml"):
        (folder / file.name).write_text(file.read_text())
    text = (folder / "insiders.yaml").read_text()
    assert "loguniform: [700, 6000]" in text
    (folder / "insiders.yaml").write_text(text.replace("loguniform: [700, 6000]", "loguniform: [2000, 2001]"))
    (tmp_path / "mine.yaml").write_text("extends: baseline.yaml\n")
    path = write_table(tmp_path / "mine.parquet", table(4))
    wish = read_wish(str(path))
    assert attached([load("baseline")], wish)[0].parameters.draws == table(4)
    with pytest.raises(InputError, match=r"insiders\.agents outside of its range, 2000 to 2001"):
        attached([load("baseline"), load(tmp_path / "mine.yaml")], wish)


# What runs make of it.


def test_a_run_at_a_draw_is_the_run_with_these_values_bit_for_bit(shipped: Path) -> None:
    plain = scenario()
    (world,) = attached([plain], PLAUSIBLE)
    set_ = plain.with_(parameters=plain.parameters.with_(SHIPPED.row(3)))
    drawn = simulate(Task(world, 0, 3), Settings())
    assert_same(drawn, simulate(Task(set_, 0, 3), Settings()))
    assert drawn.monthly is not None
    assert not drawn.monthly.equals(simulate(Task(plain, 0, 3), Settings()).monthly)


def test_forked_runs_are_straight_runs_with_a_table_too(shipped: Path) -> None:
    window = {"start": "2020-08-25", "end": "2020-11-10"}
    names = ("baseline", "card-cleanup", "opening-suspension", "publicity")
    worlds = attached([load(name, sets=["scale=5000"], **window) for name in names], PLAUSIBLE)  # type: ignore[arg-type]
    job = tuple(Task(world, 1, 2) for world in worlds)
    branches = [one for root in trees(job, 5) for one in branches_of(root)]
    assert sum(one.days - one.since for one in branches) < 0.8 * sum(one.days for one in branches)
    forked = {run.scenario: run for run in simulate_together(job, Settings(seed=5))}
    for task in job:
        assert_same(forked[task.scenario.name], simulate(task, Settings(seed=5)))


def test_python_takes_the_same_draws_by_default(shipped: Path) -> None:
    short = scenario()
    found = run(short, replicates=3, jobs=1)
    (entry,) = found.manifest["draws_from"]
    assert entry == {"source": "made up", "known_by": "2019-02-10", "draws": 5, "digest": SHIPPED.digest}
    assert found.manifest["draws"] == 5
    assert [one["draw"] for one in found.manifest["runs"]] == [1, 2, 3]
    file = run(short, replicates=3, jobs=1, draws=str(shipped / "main.parquet"))
    assert file.manifest["fingerprint"] == found.manifest["fingerprint"]
    priors = run(short, replicates=3, jobs=1, draws="prior:5")
    assert priors.manifest["draws_from"] == [{"source": "priors"}]
    assert priors.manifest["fingerprint"] != found.manifest["fingerprint"]
    points = run(short, replicates=3, jobs=1, draws=None)
    assert (points.manifest["draws"], points.manifest["draws_from"]) == (None, [])


def test_both_runs_of_a_pair_take_the_same_draw(shipped: Path) -> None:
    base = scenario()
    twin = base.with_(name="twin")
    found = compare(twin, baseline=base, rivals=["no-adaptation"], replicates=4, jobs=1)
    assert found.manifest["draws"] == 3
    assert [one["digest"] for one in found.manifest["draws_from"]] == [SHIPPED.digest, RIVAL.digest]
    draws = {one["scenario"]: [] for one in found.manifest["runs"]}  # type: ignore[var-annotated]
    for one in found.manifest["runs"]:
        draws[one["scenario"]].append(one["draw"])
    assert len(draws) == 4
    assert set(map(tuple, draws.values())) == {(1, 2, 3, 1)}
    effects = found.effects
    assert effects is not None
    assert (effects.loc[effects["unit"] != "ratio", "effect"] == 0.0).all()
    assert set(effects["draws"]) == {3}
    assert set(effects.loc[effects["unit"] != "ratio", "interval"]) == {"mean over draws and chance"}


def test_a_pair_more_than_the_table_has_draws_is_not_added() -> None:
    assert wish_of("2%", 200, 20, 120, 120).most == 120
    with pytest.raises(InputError, match="Give --draws prior:200, for the table has 12, one for each"):
        wish_of("2%", 200, 20, 12, 12)
    with pytest.raises(InputError, match="Give --draws 200, one for each"):
        wish_of("2%", 200, 20, 12, 240)


# What results say.


def test_where_draws_come_from_is_said_in_words(shipped: Path) -> None:
    (world,) = attached([scenario()], PLAUSIBLE)
    assert drawn_from([world], None) == []
    assert in_words([world], None, 20) == ""
    assert in_words([world], 5, 20) == "parameters: 5 draws of a table of 5 (made up)"
    assert in_words([scenario()], 30, 20) == "parameters: 20 draws of the priors"


@pytest.mark.parametrize(
    ("origin", "words"),
    [
        (date(2019, 2, 10), "knows the record up to 2019-02-10."),
        (date(2019, 2, 9), "knows the record up to 2019-02-10, later than the origin"),
    ],
)
def test_a_forecast_says_what_its_draws_know(shipped: Path, origin: date, words: str) -> None:
    bands = pd.DataFrame({"knowledge": [0.5]})
    (world,) = attached([scenario()], PLAUSIBLE)
    first, *_ = caveats(bands, drawn_from([world], 5), origin)
    assert words in first
    assert "table of 5 (made up)" in first
    (blind,) = [one | {"known_by": None} for one in drawn_from([world], 5)]
    assert "was not held against the record" in next(caveats(bands, [blind], origin))
    assert "from the priors" in next(caveats(bands, [{"source": "priors"}], origin))
    assert "point values" in next(caveats(bands, [], origin))


def test_a_forecaster_of_the_past_has_the_draws_of_his_day(shipped: Path) -> None:
    """The newest table of the main model that knows nothing later, or a clear refusal."""
    world, later, day = scenario(), table(4, seed=3), date(2019, 2, 10)
    about = About("cardbreak calibrate", "baseline", known_by=date(2020, 1, 1), source="later")
    write_draws(shipped / "as-known-2020-01-01.parquet", later, about)
    assert knowing(world, day, PLAUSIBLE) == knowing(world, date(2019, 12, 31), PLAUSIBLE) == SHIPPED
    assert knowing(world, date(2020, 1, 1), PLAUSIBLE) == later
    assert knowing(world, day, POINT_VALUES) is None
    with pytest.raises(InputError, match="before what any shipped draws know"):
        knowing(world, date(2019, 2, 9), PLAUSIBLE)
    with pytest.raises(InputError, match="asks for 5 draws, and 4 are shipped"):
        knowing(world, date(2020, 1, 1), DrawsWish("plausible", 5))
    wish = DrawsWish("file", None, str(shipped / "as-known-2020-01-01.parquet"))
    (own,) = attached([world], wish)
    assert knowing(own, date(2020, 1, 1), wish) == later
    with pytest.raises(InputError, match="know the record up to 2020-01-01, which on 2019-12-31 nobody did"):
        knowing(own, date(2019, 12, 31), wish)


# What sweeps make of it.

OPTIONS: dict[str, Any] = {
    "jobs": 1, "out": None, "resume": False, "expand": False, "quiet": True, "json": False, "dry_run": False,
}  # fmt: skip
EXPERIMENT = """\
scenarios: [card-broken-2020]
baseline: baseline
scale: 5000
end: 2021-01-31
replicates: 3
draws: 3
knowledge: {points: 2, of: [market.sharpness]}
"""


def a_sweep(home: Path, draws: str | None = None) -> Sweep:
    (home / "asked.yaml").write_text(EXPERIMENT)
    experiment, folder = read_experiment(home / "asked.yaml")
    return planned(
        experiment, folder, SweepOptions(**OPTIONS, draws=None if draws is None else read_wish(draws))
    )


def test_the_points_of_a_sweep_take_draws_and_keep_what_they_set(shipped: Path, tmp_path: Path) -> None:
    asked_for = a_sweep(tmp_path)
    assert (asked_for.draws, len(asked_for.points)) == (3, 4)
    for point in asked_for.points:
        drawn = point.scenario.parameters.draw(2, asked_for.seed)
        assert drawn["market.sharpness"] == point.knowledge["market.sharpness"]
        assert drawn["insiders.agents"] == SHIPPED.row(2)["insiders.agents"]
    about = asked_for.about()
    assert (about["draws_asked"], about["draws_from"][0]["digest"]) == ("3", SHIPPED.digest)
    assert a_sweep(tmp_path, "none").draws is None
    assert a_sweep(tmp_path, "prior:2").about()["draws_from"] == [{"source": "priors"}]


def test_a_sweep_does_not_go_on_with_another_table(shipped: Path, tmp_path: Path) -> None:
    folder = SweepFolder(tmp_path / "sweep")
    begin(folder, a_sweep(tmp_path), resume=False, expand=False, mixed=False)
    begin(folder, a_sweep(tmp_path), resume=True, expand=False, mixed=False)
    begin(folder, a_sweep(tmp_path, "5"), resume=False, expand=True, mixed=False)  # more of the same
    write_table(shipped / "main.parquet", table(5, seed=3))
    for wish in (None, "5", "plausible", "prior:3", "none", str(shipped / "no-adaptation.parquet")):
        for how in ({"resume": True, "expand": False}, {"resume": False, "expand": True}):
            with pytest.raises(InputError, match=r"4 of its points changed .*table of draws"):
                begin(folder, a_sweep(tmp_path, wish), mixed=False, **how)
    other = SweepFolder(tmp_path / "other")
    begin(other, a_sweep(tmp_path), resume=False, expand=False, mixed=False)
    same = SweepFolder(tmp_path / "same")
    write_table(shipped / "main.parquet", SHIPPED)
    begin(same, a_sweep(tmp_path), resume=False, expand=False, mixed=False)
    assert folder.collect(same) == 0
    with pytest.raises(InputError, match="other scenario or parameter files or draws"):
        folder.collect(other)


@pytest.mark.parametrize("wish", ["3", "file", "prior:3"])
def test_values_of_draws_are_found_again(shipped: Path, tmp_path: Path, wish: str) -> None:
    file = shipped / "main.parquet"
    made = a_sweep(tmp_path, f"{file}:3" if wish == "file" else wish)
    folder = SweepFolder(tmp_path / "sweep")
    begin(folder, made, resume=False, expand=False, mixed=False)
    for batch in folder.batches():
        label = {"month": pd.Timestamp(2021, 1, 1), "region": "CN", "cases_registered": 1.0}
        folder.write(batch.name, pd.DataFrame([vars(one) | label for one in batch.runs]), [], len(batch.runs))
    reading = read(folder)
    (policy,) = chosen(reading, "")
    places = coordinates(reading, policy, scenarios_of(folder, reading, tmp_path))
    world = made.points[0].scenario.parameters
    for draw in (1, 2, 3):
        expected = world.draw(draw, made.seed)["insiders.agents"]
        assert set(places.values.xs(draw, level="draw")["insiders.agents"]) == {expected}
    in_table = set(SHIPPED.values[:3, NAMES.index("insiders.agents")])
    assert (set(places.values["insiders.agents"]) == in_table) == (wish != "prior:3")
    if wish != "prior:3":
        write_table(file, table(5, seed=3))
        with pytest.raises(InputError, match="made with other scenario or parameter files or draws"):
            scenarios_of(folder, reading, tmp_path)
    about = json.loads((tmp_path / "sweep" / "sweep.json").read_text())
    (tmp_path / "sweep" / "sweep.json").write_text(json.dumps(about | {"draws_asked": ["x"]}))
    with pytest.raises(InputError, match="draws: must be"):
        scenarios_of(folder, reading, tmp_path)


def test_a_table_is_never_changed() -> None:
    made = table(3)
    with pytest.raises(ValueError, match="read-only"):
        made.values[0, 0] = 1.0
    assert made.first(2).known_by == made.known_by
    np.testing.assert_array_equal(made.first(2).values, made.values[:2])
