"""Scenario discovery: known boxes are found, noise is called luck, and the rest is said in plain words."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fake_sweeps import BASE, knowledge, write_sweep

from sim.console_discover import DiscoverOptions
from sim.console_discover import discover as command
from sim.errors import InputError
from sim.study import ema, luck
from sim.study.discovery import (
    SHUFFLES,
    Found,
    boxes_table,
    changes,
    choose,
    discover,
    half_of_median,
    target_of,
)
from sim.study.states import Coordinates, Reading, chosen, coordinates, read
from sim.views.discovery import LUCKY, sentences

NAMES = {0: "openers.arrest_weight", 1: "market.sharpness"}


def names(parameters: int) -> dict[int, str]:
    return {k: NAMES.get(k, f"made.up_{k}") for k in range(parameters)}


def in_box(values: np.ndarray) -> bool:
    return bool(values[0] < 0.5 and values[1] > 0.4)


def boxed(policy: str, values: np.ndarray, replicate: int) -> float:
    """The policy halves the cases, but within the box it takes a tenth only."""
    base = 1000.0 + 50 * replicate
    return base if policy == BASE else base * (0.9 if in_box(values) else 0.5)


def reading(path: Path, known: np.ndarray, cases: Any, **options: Any) -> Reading:
    return read(write_sweep(path, known, cases, names=names(known.shape[1]), **options))


def found(asked: Reading, target: float | None = -0.2) -> tuple[Found, Coordinates]:
    (policy,) = chosen(asked, "")
    places = coordinates(asked, policy, {})
    return discover(asked, policy, places, target), places


def test_a_known_box_is_found_and_told(tmp_path: Path) -> None:
    known = knowledge(120, 6)
    one, places = found(reading(tmp_path, known, boxed))
    true = np.array([in_box(values) for values in known])
    assert (one.points, one.failures) == (120, true.sum())
    assert one.box is not None
    assert one.verdict == "more than luck"
    limits = {(limit.parameter, limit.side): limit for limit in one.box.limits}
    assert limits.keys() == {("openers.arrest_weight", "<"), ("market.sharpness", ">")}
    assert limits["openers.arrest_weight", "<"].value == pytest.approx(0.5, abs=0.05)
    assert limits["market.sharpness", ">"].value == pytest.approx(0.4, abs=0.05)
    assert all(limit.quasi_p < 0.05 for limit in one.box.limits)
    assert min(one.box.coverage, one.box.density) > 0.9
    (text,) = sentences(boxes_table([one], {one.policy: places}), "lower")
    assert "policy fails (declines by less than 20%) where openers.arrest_weight < 0.5" in text
    assert "(density: " in text
    assert f"0 of {SHUFFLES} shuffles" in text


def test_the_shares_of_a_box_are_those_of_the_points_in_it(tmp_path: Path) -> None:
    one, places = found(reading(tmp_path, knowledge(60, 4), boxed))
    assert one.box is not None
    for box in one.path:
        inside = np.ones(one.points, dtype=bool)
        for limit in box.limits:
            values = places.values[limit.parameter].to_numpy()
            inside &= values < limit.value if limit.side == "<" else values > limit.value
        fails = one.states["fails"].to_numpy()
        assert (box.points, box.failures) == (inside.sum(), (inside & fails).sum())
        assert box.coverage == pytest.approx((inside & fails).sum() / fails.sum())
        assert box.density == pytest.approx((inside & fails).sum() / inside.sum())


def test_noise_is_called_luck_about_as_often_as_promised() -> None:
    """Of 30 boxes by luck at most 5 may pass as more (binomial, 5% each: more is seen once in 300 times)."""
    random = np.random.default_rng(7)
    search = luck.Search(0.08, 4)
    passed = 0
    for seed in range(30):
        as_good = luck.as_good(random.random((50, 8)), random.random(50) < 0.3, search, 60, seed)
        passed += (1 + as_good) / 61 <= 0.05
    assert passed <= 5


def test_pure_noise_is_told_as_luck(tmp_path: Path) -> None:
    blind = {values.tobytes(): k for k, values in enumerate(knowledge(64, 12))}
    fails = np.random.default_rng(3).random(64) < 0.3

    def cases(policy: str, values: np.ndarray, replicate: int) -> float:
        return 1000.0 if policy == BASE or fails[blind[values.tobytes()]] else 500.0

    one, places = found(reading(tmp_path, knowledge(64, 12), cases))
    assert one.box is not None
    assert one.verdict == LUCKY
    assert one.as_good > SHUFFLES / 20
    (text,) = sentences(boxes_table([one], {one.policy: places}), "lower")
    assert f"where it declines by less than 20% could be luck. {one.as_good} of {SHUFFLES} shuffles" in text


@pytest.mark.parametrize("digits", [1, 2, 12])
def test_the_check_against_luck_peels_as_the_workbench_does(digits: int) -> None:
    """Also where many points share a value."""
    for seed in range(3):
        random = np.random.default_rng(seed)
        places = random.random((50, 5)).round(digits)
        fails = (places[:, 0] < 0.5) ^ (random.random(50) < 0.3)
        theirs = ema.boxes(pd.DataFrame(places, columns=list("abcde")), fails, 0.1)
        ours = luck.peeled(places, fails, 0.1)
        # What the workbench does after peeling is pasting: its boxes grow again.
        peeling = [box for k, box in enumerate(theirs) if k == 0 or box.points < theirs[k - 1].points]
        assert [(box.points, box.failures, box.restricted) for box in peeling] == ours


def test_the_workbench_finds_the_same_boxes_again() -> None:
    random = np.random.default_rng(1)
    places = pd.DataFrame(random.random((40, 4)), columns=list("abcd"))
    fails = random.random(40) < 0.4
    assert ema.boxes(places, fails, 0.1) == ema.boxes(places, fails, 0.1)


def limits(*names: str) -> tuple[ema.Limit, ...]:
    return tuple(ema.Limit(name, "<", 0.5, 0.01) for name in names)


def test_of_boxes_that_are_nearly_as_good_the_plainest_is_told() -> None:
    whole = ema.Box(100, 30, 1.0, 0.3, ())
    plain = ema.Box(40, 28, 28 / 30, 0.70, limits("a"))
    plainer = ema.Box(41, 28, 28 / 30, 28 / 41, limits("a"))
    finest = ema.Box(36, 27, 0.9, 0.75, limits("a", "b"))
    unreadable = ema.Box(30, 30, 1.0, 1.0, limits(*"abcde"))
    assert finest.product > plain.product > plainer.product > 0.9 * finest.product
    assert choose([whole, plainer, plain, finest, unreadable]) == plain
    assert choose([whole, finest, unreadable]) == finest
    assert choose([whole, unreadable]) == whole


@pytest.mark.parametrize(
    ("fails", "points", "verdict"),
    [
        (0, 30, "never fails here"),
        (30, 30, "fails everywhere here"),
        (8, 16, "too few points for a box: 16, and 20 are needed"),
        (4, 30, "fails at 4 points only: too few for a box"),
        (27, 30, "fails at all points but 3: too few others for a box"),
    ],
)
def test_where_there_is_no_box_plain_words_say_why(
    tmp_path: Path, fails: int, points: int, verdict: str
) -> None:
    known = np.arange(points)[:, None] + 0.5
    one, places = found(
        reading(tmp_path, known, lambda p, v, r: 1000.0 if p == BASE or v[0] < fails else 500.0)
    )
    assert (one.verdict, one.failures, one.box) == (verdict, fails, None)
    (text,) = sentences(boxes_table([one], {one.policy: places}), "lower")
    assert text == f"policy declines by less than 20% at {fails} of {points} points: {verdict}."


def test_a_change_is_that_of_means_over_whole_pairs(tmp_path: Path) -> None:
    """Baseline 100 and 300, policy 50 and 250 at the only point: -100 of 400."""
    values = {(BASE, 0): 100.0, (BASE, 1): 300.0, ("policy", 0): 50.0, ("policy", 1): 250.0}
    asked = reading(tmp_path / "whole", np.array([[0.5]]), lambda p, _, r: values[p, r])
    (policy,) = chosen(asked, "")
    assert changes(asked, policy).to_dict() == {(0, 0): pytest.approx(-0.25)}
    part = reading(tmp_path / "part", np.array([[0.5]]), lambda p, _, r: values[p, r], made=0.75)
    assert changes(part, policy).to_dict() == {(0, 0): pytest.approx(-0.5)}
    assert part.counts == {"done": 3, "failed": 0, "waiting": 1}


def test_points_at_which_chance_leaves_the_target_open_are_counted(tmp_path: Path) -> None:
    """Less 20% of the baseline the policy is 10 above in both replicates, or 10 above and 10 below."""
    known = np.array([[0.0], [1.0]])

    def cases(policy: str, values: np.ndarray, replicate: int) -> float:
        return 1000.0 if policy == BASE else 800.0 + 10.0 * (1 if values[0] == 0 or replicate else -1)

    one, _ = found(reading(tmp_path / "two", known, cases))
    assert one.unsure == 1
    alone, places = found(reading(tmp_path / "one", known, cases, replicates=1))
    assert alone.unsure is None
    assert "chance cannot be told" in sentences(boxes_table([alone], {"policy": places}), "lower")[0]


def test_targets_are_read_and_refused() -> None:
    assert target_of("", "lower") is None
    assert target_of("-20%", "lower") == -0.2
    assert target_of("0%", "lower") == target_of("0%", "higher") == 0.0
    assert target_of("150%", "higher") == 1.5
    for text, better in (
        ("20%", "lower"),
        ("-20%", "higher"),
        ("-20", "lower"),
        ("nan%", "lower"),
        ("-101%", "lower"),
    ):
        with pytest.raises(InputError):
            target_of(text, better)


def test_without_a_target_half_of_the_median_is_asked_for_and_never_a_change_for_the_worse() -> None:
    assert half_of_median(pd.Series([-0.1, -0.4, -0.5]), "lower") == -0.2
    assert half_of_median(pd.Series([0.1, 0.4, -0.5]), "lower") == 0.0
    assert half_of_median(pd.Series([0.1, 0.4, 0.5]), "higher") == 0.2


def test_what_changes_nothing_fails_though_any_change_is_enough(tmp_path: Path) -> None:
    known = np.arange(3)[:, None] + 0.0
    one, places = found(
        reading(tmp_path, known, lambda p, v, r: 9.0 if p == BASE else 8.0 + v[0]), target=0.0
    )
    assert one.states["fails"].tolist() == [False, True, True]
    assert (
        "policy does not decline at 2 of 3 points"
        in sentences(boxes_table([one], {"policy": places}), "lower")[0]
    )


def test_a_policy_is_named_by_scenario_point_label_or_levers(tmp_path: Path) -> None:
    asked = reading(tmp_path, knowledge(2, 1), lambda p, v, r: 1.0, policies=("one/1", "one/2.50", "other/1"))
    labels = ["one: dose 1", "one: dose 2.5", "other: dose 1"]
    assert [policy.label for policy in chosen(asked, "")] == labels
    assert [policy.label for policy in chosen(asked, "one")] == labels[:2]
    assert [policy.label for policy in chosen(asked, "dose=1.0")] == [labels[0], labels[2]]
    assert [policy.label for policy in chosen(asked, "other: dose 1")] == labels[2:]
    assert [policy.label for policy in chosen(asked, "one/2.50-1")] == labels[1:2]
    with pytest.raises(InputError, match="no policy"):
        chosen(asked, "dose=3")


def test_a_last_digit_that_was_lost_parts_no_pair(tmp_path: Path) -> None:
    folder = write_sweep(tmp_path, np.array([[0.1 + 0.2], [0.9]]), lambda p, v, r: 1.0 + len(p))
    design = tmp_path / "design.csv"
    design.write_text(design.read_text().replace("0.30000000000000004", "0.3", 1))
    asked = read(folder)
    assert asked.knowledge["made.up_0"].tolist() == [0.3, 0.9]
    assert len(changes(asked, chosen(asked, "")[0])) == 2


def test_draws_are_coordinates_as_the_model_drew_them(tmp_path: Path) -> None:
    from sim.experiment import read_experiment
    from sim.experiment.points import points_of
    from sim.observe.parts import SweepFolder
    from sim.study.states import scenarios_of
    from sim.study.sweep import Sweep

    (tmp_path / "mine.yaml").write_text(
        "scenarios: [card-broken-2020]\nbaseline: baseline\nend: 2021-01-31\nreplicates: 3\ndraws: prior:3\n"
    )
    experiment, home = read_experiment(tmp_path / "mine.yaml")
    sweep = Sweep(experiment, tuple(points_of(experiment, home, 5000)), 3, 3, 4)
    folder = SweepFolder(tmp_path / "sweep")
    folder.begin(sweep.about(), sweep.design())
    folder.add_plan(sweep.wanted())
    for batch in folder.batches():
        label = {"month": pd.Timestamp(2021, 1, 1), "region": "CN", "cases_registered": 1.0}
        folder.write(batch.name, pd.DataFrame([vars(run) | label for run in batch.runs]), [], len(batch.runs))
    asked = read(folder)
    (policy,) = chosen(asked, "")
    places = coordinates(asked, policy, scenarios_of(folder, asked, home))
    world = sweep.points[1].scenario
    name = "interventions.blacklist_sharing.start"
    (sharing,) = [measure for measure in world.interventions if measure.id == "blacklist_sharing"]
    for draw in (1, 2, 3):
        row = places.values.loc[(0, draw)]
        drawn = world.parameters.draw(draw, 4)
        assert row["openers.arrest_weight"] == drawn["openers.arrest_weight"]
        assert places.plain(name, row[name]) == sharing.at_draw(draw, 4).start.isoformat()
    about = folder.about() | {"points": {point.name: "another" for point in sweep.points}}
    folder.begin(about, sweep.design())
    with pytest.raises(InputError, match="made with other scenario or parameter files"):
        scenarios_of(folder, asked, home)


def tell(folder: Path, **options: Any) -> None:
    asked: dict[str, Any] = {
        "out": None,
        "target": "",
        "policy": "",
        "outcome": "",
        "quiet": False,
        "json": False,
    }
    command(str(folder), DiscoverOptions(**{**asked, **options}))


def test_the_command_writes_what_it_tells_and_nothing_stale(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_sweep(tmp_path, knowledge(60, 3), boxed, names=names(3), made=0.99)
    files = [tmp_path / name for name in ("boxes.csv", "regret.csv", "discover.png")]
    tell(tmp_path)
    told = capsys.readouterr()
    assert "made-up: 238 of 240 runs; 1 policy at 60 points of knowledge" in told.err
    assert "policy fails (declines by less than 25%) where openers.arrest_weight < " in told.out
    assert "half of its own median change" in told.out
    assert "least regret at worst" in told.out
    before = [file.read_bytes() for file in files]
    assert before[2].startswith(b"\x89PNG")
    tell(tmp_path, json=True, policy="policy")
    content = json.loads(capsys.readouterr().out)
    assert {row["parameter"] for row in content["boxes"]} == set(NAMES.values())
    assert [file.read_bytes() for file in files] == before
    tell(tmp_path, target="-99%", quiet=True)
    assert [file.exists() for file in files] == [True, True, False]
    assert capsys.readouterr().out == ""


def test_a_sweep_without_a_baseline_has_regret_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_sweep(tmp_path, knowledge(4, 1), lambda p, v, r: float(len(p)), ("a/1", "a/20"), baseline=False)
    tell(tmp_path)
    assert "has no baseline" in capsys.readouterr().out
    assert not (tmp_path / "boxes.csv").exists()
    assert pd.read_csv(tmp_path / "regret.csv")["mean"].tolist() == [0.0, 1.0]


def test_what_has_nothing_to_discover_is_refused(tmp_path: Path) -> None:
    write_sweep(tmp_path / "sure", np.empty((1, 0)), lambda p, v, r: 1.0)
    with pytest.raises(InputError, match="varies nothing that is not known"):
        tell(tmp_path / "sure")
    write_sweep(tmp_path / "begun", knowledge(4, 1), lambda p, v, r: 1.0, made=0.0)
    with pytest.raises(InputError, match="has no finished run yet"):
        tell(tmp_path / "begun")


def test_an_outcome_that_is_neither_good_nor_bad_or_not_there_is_refused(tmp_path: Path) -> None:
    folder = write_sweep(tmp_path, knowledge(2, 1), lambda p, v, r: 1.0)
    for outcome, why in (("price_gang_yuan", "neither good nor bad"), ("losses_yuan", "was not kept")):
        with pytest.raises(InputError, match=why):
            read(folder, outcome)


@pytest.mark.parametrize("content", ["", "scenario\n", "scenario,origin,knowledge.a\nx,y,much\n", "\0"])
def test_a_broken_design_is_refused(tmp_path: Path, content: str) -> None:
    folder = write_sweep(tmp_path, knowledge(2, 1), lambda p, v, r: 1.0)
    (tmp_path / "design.csv").write_text(content)
    with pytest.raises(InputError, match=r"design\.csv: is no table of points"):
        read(folder)


def test_without_the_library_one_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"EMA workbench, which is not installed\. Run `make setup-studies`"):
        ema.installed()
