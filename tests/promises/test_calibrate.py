"""What a calibration promises, on a bank whose runs are made up by a formula instead of simulated."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sim import console_calibrate
from sim.calibration import calibrate as study
from sim.calibration.bank import OUTCOMES, point_values, prior_points, start_points
from sim.calibration.bank_folder import Bank, Wave, opened, scouts_of
from sim.calibration.reproduction import compared, earlier
from sim.calibration.targets import Target
from sim.cli import guarded
from sim.console import INTERRUPTED, StopError
from sim.console_sweep import SweepOptions
from sim.errors import InputError
from sim.scenario import load
from sim.study import sweep as sweeps
from sim.study.variants import under
from sim.views.calibration import reproduction_lines

MONTHS = pd.date_range("2020-01-01", "2021-12-01", freq="MS")
PLAN = study.Plan(prior=300, start=40, matching=30, matching_waves=1, generation=60, generations=2)
CHANCE = 0.05


def target(name: str, month: str, value: float, known: date) -> Target:
    """A target on the level of a month."""
    return Target.model_validate(
        {
            "id": name,
            "title": name,
            "role": "fit",
            "quantity": {"of": ["cases_registered"], "months": (month, month)},
            "value": value,
            "band": (0.8 * value, 1.25 * value),
            "scale": "log",
            "error": 0.05,
            "grade": "A",
            "known": known,
            "evidence": ["F001"],
        }
    )


QUESTION = study.Question(
    "made-up",
    (
        target("T1", "2020-02", 100_000.0, date(2020, 3, 1)),
        target("T2", "2021-11", 60_000.0, date(2021, 12, 1)),
    ),
)


def begun(folder: Path) -> Bank:
    bank = Bank(folder / "bank", load("card-broken-2020", sets=["scale=5000"]), 1)
    bank.begin()
    return bank


@pytest.fixture
def bank(tmp_path: Path) -> Bank:
    """A bank that was begun."""
    return begun(tmp_path)


@pytest.fixture(scope="module")
def full_bank(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    """A bank with all waves of the plan; look, and add no wave."""
    bank = begun(tmp_path_factory.mktemp("full"))
    carried_out(bank)
    return bank


def made_up(wave: Wave) -> pd.DataFrame:
    """Runs by formula: the first parameter sets the level, the second the course over two years."""
    points = wave.points.to_numpy()
    luck = np.random.default_rng(100 + wave.number).standard_normal(len(points))
    course = np.linspace(0.0, 1.0, len(MONTHS))
    rows = []
    for number, point in enumerate(points):
        level = np.log(100_000) + 2.0 * (point[0] - 0.7) + CHANCE * luck[number]
        cases = np.exp(level - 2.0 * point[1] * course)
        rows.append(
            pd.DataFrame(
                {"scenario": "card-broken-2020", "draw": number + 1, "replicate": number, "month": MONTHS}
                | {"region": "CN"}
                | {name: cases if name == "cases_registered" else 0.0 for name in OUTCOMES}
            )
        )
    return pd.concat(rows, ignore_index=True)


def run(bank: Bank, wave: Wave) -> None:
    """Put made-up runs where the sweep of a wave would put its own."""
    if not wave.folder.exists:
        sweeps.begin(wave.folder, bank.sweep(wave), resume=True, expand=False, mixed=False)
        frame = made_up(wave)
        for batch in wave.folder.batches():
            numbers = {one.replicate for one in batch.runs}
            part = frame[frame["replicate"].isin(numbers)]
            wave.folder.write(batch.name, part, [], len(numbers))


def carried_out(bank: Bank, plan: study.Plan = PLAN) -> list[Wave]:
    """All waves of a plan, those that were there and those that were not."""
    waves: list[Wave] = []
    for there, (kind, count) in zip(study.there(bank, plan, QUESTION), plan.kinds(), strict=True):
        wave = there or study.planned(bank, kind, count, QUESTION)
        run(bank, wave)
        waves.append(wave)
    return waves


def kinds(waves: Sequence[Wave]) -> list[str]:
    return [wave.kind for wave in waves]


def test_it_finds_what_made_the_record(full_bank: Bank) -> None:
    """Plausible draws agree with both targets, lie near the true point, and know nothing of the rest."""
    waves = carried_out(full_bank)
    assert kinds(waves) == ["prior", "start", "chance", "matching", "posterior", "posterior"]
    found = study.result(full_bank, waves, QUESTION)
    table = study.parameters_table(found, full_bank)
    first, second, third = (table.iloc[place] for place in (0, 1, 2))
    course = np.linspace(0.0, 1.0, len(MONTHS))
    true_second = np.log(100 / 60) / 2.0 / (course[22] - course[1])
    assert first["median_share"] == pytest.approx(0.7 + true_second * course[1], abs=0.03)
    assert second["median_share"] == pytest.approx(true_second, abs=0.04)
    assert max(first["width"], second["width"]) < 0.35
    assert third["width"] > 0.7
    assert first["draws"] == len(found.plausible) > 60
    rows = study.targets_table(found, QUESTION, None).set_index("id")
    assert rows["again"].isna().all()
    assert (rows["near"] == 1.0).all()
    assert (rows["in_band"] > rows["prior_in_band"]).all()
    by_kind = found.waves.groupby("kind")[["runs", "plausible"]].sum()
    rate = by_kind["plausible"] / by_kind["runs"]
    assert rate["posterior"] > 3 * rate["prior"]
    assert rate["chance"] == pytest.approx(0.0)  # the point values lie elsewhere in this world


def test_a_bank_goes_on_and_serves_other_questions(full_bank: Bank) -> None:
    """Waves that are there are not planned again; another question shares those that no target touched."""
    waves = carried_out(full_bank)
    before = [wave.points.to_numpy() for wave in waves]
    again = carried_out(full_bank)
    assert [wave.number for wave in again] == [wave.number for wave in waves]
    assert all(np.array_equal(a, b.points.to_numpy()) for a, b in zip(before, again, strict=True))
    other = study.Question("made-up, known by 2020-12-31", QUESTION.targets[:1])
    there = study.there(full_bank, PLAN, other)
    assert [wave.kind if wave else None for wave in there] == ["prior", "start", "chance", None, None, None]
    more = study.Plan(**{**vars(PLAN), "generations": 3})
    assert [wave is None for wave in study.there(full_bank, more, QUESTION)] == [False] * 6 + [True]


def test_draws_are_the_points_of_plausible_runs(full_bank: Bank) -> None:
    """A draw's values are those of its own run's point, and none comes from the waves at the point values."""
    waves = carried_out(full_bank)
    found = study.result(full_bank, waves, QUESTION)
    draws = found.draws(full_bank, "test")
    name = full_bank.names[0]
    passport = full_bank.scenario.parameters.passport(name)
    shares = found.library.shares[found.plausible, 0]
    assert [row[0] for row in draws.values] == [passport.at(float(share)) for share in shares]
    assert not set(found.library.wave[found.plausible]) & {1, 2}


def test_draws_are_run_again_by_a_chance_that_did_not_pick_them(full_bank: Bank, tmp_path: Path) -> None:
    """The same points, other runs; they are no wave, are planned once, and the verdicts are theirs."""
    waves = carried_out(full_bank)
    found = study.result(full_bank, waves, QUESTION)
    wave = study.run_again(full_bank, found, QUESTION, tmp_path)
    run(full_bank, wave)
    assert [one.number for one in full_bank.waves()] == [one.number for one in waves]
    assert study.run_again(full_bank, found, QUESTION, tmp_path).path == wave.path
    again, own = full_bank.library([wave], QUESTION.targets), found.library.only(found.plausible)
    assert np.array_equal(again.shares, own.shares[: study.MOST_AGAIN])
    assert not (again.values["T1"].to_numpy() == own.values["T1"].to_numpy()[: len(again)]).any()
    rows = study.targets_table(found, QUESTION, again).set_index("id")
    low, high = QUESTION.targets[0].band
    assert rows.loc["T1", "again"] == pytest.approx(again.values["T1"].between(low, high).mean())
    assert 0.5 < rows.loc["T1", "again"] <= 1.0


def test_first_waves_are_what_they_say() -> None:
    """A larger first wave begins with a smaller one; the start wave lies between point values and prior."""
    parameters = load("card-broken-2020").parameters
    names = parameters.uncertain
    assert np.array_equal(prior_points(names, 64, 1)[:20], prior_points(names, 20, 1))
    here = point_values(names, parameters)
    values = [parameters.passport(name).at(float(share)) for name, share in zip(names, here, strict=True)]
    assert values == pytest.approx([parameters.passport(name).value for name in names], rel=1e-6)
    away = np.abs(start_points(names, 200, 1, parameters) - here).max(axis=1)
    assert away.min() < 0.05
    assert away.max() > 0.8


def test_a_bank_of_something_else_is_refused(bank: Bank) -> None:
    """Another scale, another seed, torn files: one clear line each."""
    other = Bank(bank.path, load("card-broken-2020", sets=["scale=1000"]), 1)
    with pytest.raises(InputError, match="begun with another"):
        other.begin()
    with pytest.raises(InputError, match="begun with another seed"):
        Bank(bank.path, bank.scenario, 2).begin()
    wave = bank.add("prior", "made-up", prior_points(bank.names, 5, 1), {})
    (wave.path / "points.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(InputError, match="torn"):
        bank.sweep(bank.waves()[0])
    (wave.path / "wave.json").write_text(json.dumps({"kind": "other", "label": "x"}))
    with pytest.raises(InputError, match="what its wave is"):
        bank.waves()
    (bank.path / "bank.json").write_text("{")
    with pytest.raises(InputError, match="not readable"):
        bank.begin()


def test_the_yardstick_is_the_main_model(tmp_path: Path) -> None:
    """A rival's runs are its own, and chance is measured in the main model."""
    rival = under(load("card-broken-2020", sets=["scale=5000"]), "no-card-effect")
    bank = Bank(tmp_path / "rival", rival, 1)
    bank.begin()
    points = prior_points(bank.names, 4, 1)
    worlds = [
        bank.sweep(bank.add(kind, "made-up", points, {})).points[0].scenario for kind in ("prior", "chance")
    ]
    assert [world.rival for world in worlds] == ["no-card-effect", "none"]
    assert opened(bank.path).scenario == rival


def test_scouts_are_of_the_same_world(bank: Bank, tmp_path: Path) -> None:
    """Only the scale of a bank that helps to learn may differ."""
    run(bank, bank.add("prior", "made-up", prior_points(bank.names, 8, 1), {}))
    finer = Bank(tmp_path / "finer", load("card-broken-2020", sets=["scale=100"]), 1)
    assert len(scouts_of(bank.path, finer, QUESTION.fitted)) == 8
    other = Bank(tmp_path / "other", load("baseline", sets=["scale=100"]), 1)
    with pytest.raises(InputError, match="another world"):
        scouts_of(bank.path, other, QUESTION.fitted)


def test_points_outside_of_the_prior_are_refused(bank: Bank) -> None:
    """A share is a quantile: from 0 to 1."""
    points = prior_points(bank.names, 5, 1)
    points[2, 3] = 1.5
    bank.add("prior", "made-up", points, {})
    with pytest.raises(InputError, match="between 0 and 1"):
        bank.sweep(bank.waves()[0])


def test_reproduction_tells_clear_differences_from_chance(tmp_path: Path) -> None:
    """The same tables differ in nothing; a median that moved by half the prior stands out, and alone."""
    medians = pd.DataFrame(
        {"parameter": ["a", "b"], "median_share": [0.5, 0.65], "width": [0.9, 0.5], "draws": [200, 200]}
    )
    shares = pd.DataFrame({"id": ["C1", "C2", "C3"], "title": "", "again": [0.9, 0.2, np.nan]})
    medians.to_csv(tmp_path / "parameters.csv", index=False)
    shares.to_csv(tmp_path / "targets.csv", index=False)
    before = earlier(tmp_path)
    same = compared(medians, shares, before)
    assert (same.parameters["z"] == 0.0).all()
    assert same.parameters["shifted"].tolist() == [False, True]
    assert same.parameters.loc[1, "same_side"]
    assert same.targets[["id", "same"]].to_numpy().tolist() == [["C1", True], ["C2", True]]
    moved = compared(medians.assign(median_share=[0.52, 0.1]), shares.assign(again=[0.4, 0.3, 1]), before)
    first, second = moved.parameters["z"]
    assert abs(first) < 2 < 5 < abs(second)
    assert not moved.parameters.loc[1, "same_side"]
    assert moved.targets["same"].tolist() == [False, True]
    said = list(reproduction_lines(moved))
    assert said[1:4] == [
        "- 0 of 1 parameters that were shifted lie on the same side of the prior's middle",
        "- 1 of 2 targets are in their band in most runs again, or not, as before",
        "    C1, : 40% of draws in the band, before 90%",
    ]


@pytest.mark.parametrize("name", ["parameters.csv", "targets.csv"])
def test_what_is_no_calibration_is_refused_before_the_first_run(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong --against costs no hours: it is read before anything is made."""
    for file in ("parameters.csv", "targets.csv"):
        (tmp_path / file).write_text("parameter,id,median_share,width,draws,again\na,C1,0.5,0.9,9,0.1\n")
    earlier(tmp_path)
    (tmp_path / name).write_text("parameter,median_share\n")
    with pytest.raises(InputError, match=rf"{name}: is no table of a calibration"):
        earlier(tmp_path)
    (tmp_path / name).unlink()
    words = ["cardbreak", "calibrate", "--bank", str(tmp_path / "bank"), "--against", str(tmp_path)]
    monkeypatch.setattr("sys.argv", words)
    assert guarded() == 2
    assert not (tmp_path / "bank").exists()


def test_the_command_that_is_kept_names_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """What decides the draws is kept; where banks lie and how the work is spread is not."""
    given = "calibrate --bank a/b --scouts=/c/coarse --scale 50 --jobs 2 --quiet --known-by=2021-06-17"
    monkeypatch.setattr("sys.argv", ["cardbreak", *given.split()])
    kept = "cardbreak calibrate --scouts coarse --scale 50 --known-by=2021-06-17"
    assert console_calibrate._command() == kept


def test_an_interruption_says_how_to_go_on(
    bank: Bank, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command has no --resume: the same words go on."""
    wave = bank.add("prior", "made-up", prior_points(bank.names, 4, 1), {})
    sweeps.begin(wave.folder, bank.sweep(wave), resume=True, expand=False, mixed=False)
    monkeypatch.setattr(console_calibrate, "carried_out", lambda *_: True)
    options = SweepOptions(
        jobs=1, out=None, resume=False, expand=False, quiet=True, json=False, dry_run=False
    )
    with pytest.raises(StopError) as stop:
        console_calibrate._run(bank, wave, options)
    assert stop.value.code == INTERRUPTED
    said = capsys.readouterr().err
    assert "go on with the same command" in said
    assert "--resume" not in said
