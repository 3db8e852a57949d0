"""Promises about pictures of studies: the numbers behind them are exact, the pictures say what they show."""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fake_folders import Point, results_folder, sweep_folder
from fake_results import made_up
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from sim.cli import guarded
from sim.console_views import sweep_picture
from sim.errors import InputError
from sim.observe.tidy import Folder, open_folder
from sim.study.afterwards import kind_of, paired, source_of, window_of
from sim.study.picture_tables import (
    courses,
    difference,
    dose_table,
    front_table,
    grouped,
    heat_table,
    not_beaten,
    tornado_table,
)
from sim.views.course_plots import MOST_LINES, spaghetti
from sim.views.front_plot import front_plot, spaced
from sim.views.study_plots import dose_plot, heat_map, tornado

LEVEL = 1000.0
BASE: Point = {"scenario": "baseline", "origin": "baseline"}


def grid(cleanup: Sequence[float], outlets: Sequence[float]) -> list[Point]:
    """The baseline and a policy at each pair of values."""
    policies = [
        {"scenario": f"p-{c}-{o}", "origin": "policy", "lever.cleanup": c, "lever.outlets_shut": o}
        for c in cleanup
        for o in outlets
    ]
    return [BASE, *policies]


def falls(point: Point, replicate: int) -> dict[str, float]:
    """Cleanup takes 20% off in every run; outlets take 1% off, or add 2% in the third."""
    level = LEVEL + 100 * replicate
    cleanup, outlets = point.get("lever.cleanup", 0.0), point.get("lever.outlets_shut", 0.0)
    part = 1 - 0.2 * cleanup + (0.02 if replicate == 2 else -0.01) * (outlets > 0)
    honest = {"closed_false": 50.0 * cleanup, "openings_lost_to_suspension": outlets}
    return {"cases_registered": level * part, "police_hours": 100.0 - cleanup, **honest}


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """A sweep over two levers, three replicates."""
    path = tmp_path_factory.mktemp("two") / "two"
    sweep_folder(path, grid([0.0, 1.0], [0.0, 620.0]), falls, replicates=3)
    return open_folder(path)


def _of(figure: Figure, kind: Any) -> list[Any]:
    return list(figure.findobj(kind))


def words(figure: Figure) -> list[str]:
    """Every text of a figure."""
    return [text.get_text() for text in _of(figure, Text) if text.get_text()]


def hatched(figure: Figure) -> int:
    return sum(bool(patch.get_hatch()) for patch in _of(figure, Rectangle))


def shown(folder: Folder) -> Any:
    return paired(folder, window_of(folder, None), "cases_registered")


def test_a_heat_map_holds_the_paired_relative_effect(two: Folder) -> None:
    """Means over replicates, in percent of the baseline's mean of 1,100; what is always 0 is not told."""
    table = heat_table(shown(two), "lever.cleanup", "lever.outlets_shut")
    assert (table.attrs["x"], table.attrs["y"]) == (["0", "1"], ["0", "620"])
    moved = 100 * np.array([-10.0, -11.0, 24.0]) / 1100
    expected = {(0, 0): 0.0, (0, 1): moved.mean(), (1, 0): -20.0, (1, 1): -20 + moved.mean()}
    found = {(row["x"], row["y"]): row for _, row in table.iterrows()}
    for place, mean in expected.items():
        assert found[place]["mean"] == pytest.approx(mean)
    assert {place: bool(row["told"]) for place, row in found.items()} == {
        (0, 0): False, (0, 1): False, (1, 0): True, (1, 1): True,
    }  # fmt: skip
    assert set(table["runs"]) == {3}


def test_a_heat_map_says_every_number_and_hatches_what_cannot_be_told(two: Folder) -> None:
    pairs = shown(two)
    figure = heat_map(
        heat_table(pairs, "lever.cleanup", "lever.outlets_shut"),
        pairs.subject,
        ("cleanup", "outlets_shut"),
        source_of(two),
    )
    said = words(figure)
    assert {"0%", "+0.09%", "−20%"} <= set(said)
    assert {"cleanup", "outlets shut", "620"} <= set(said)
    assert hatched(figure) == 2
    said = [" ".join(text.split()) for text in said]
    heading = "Registered cases: change in %, policy against baseline, 2021-07 to 2021-12"
    assert f"Made by hand {heading}" in said
    (notes,) = (text for text in said if "Simulation" in text)
    assert "3 pairs of runs" in notes


def test_a_tornado_has_what_moves_most_on_top(two: Folder) -> None:
    pairs = shown(two)
    table = tornado_table(pairs)
    assert list(table["factor"]) == ["cleanup", "outlets_shut"]
    assert table["swing"].to_list() == pytest.approx([-20.0, 100 * 1.0 / 1100])
    assert list(table["told"]) == [True, False]
    assert list(table["high_at"]) == ["1", "620"]
    figure = tornado(table, pairs.subject, "")
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["cleanup", "outlets shut"]
    assert hatched(figure) == 1
    assert any(text.startswith("−20 points") for text in words(figure))


def test_parameters_that_nobody_knows_are_compared_by_thirds_of_points(tmp_path: Path) -> None:
    """Nine points: x halves what policy does in its highest third, y is chance. One pair a point."""
    known = [{"knowledge.market.x": k / 10, "knowledge.market.y": (k * 4 % 9) / 10} for k in range(9)]
    points = [{**BASE, "scenario": f"b{k}", **at} for k, at in enumerate(known)]
    points += [{"scenario": f"p{k}", "origin": "policy", **at} for k, at in enumerate(known)]

    def values(point: Point, replicate: int) -> dict[str, float]:
        k = round(point["knowledge.market.x"] * 10)
        effect = (-0.1 if k > 5 else -0.2) + 0.001 * (k % 3)
        return {"cases_registered": LEVEL * (1 + k) * (1 + effect * (point["origin"] == "policy"))}

    sweep_folder(tmp_path / "s", points, values)
    folder = open_folder(tmp_path / "s")
    assert kind_of(folder) == "tornado"
    first, second = tornado_table(shown(folder)).to_dict("records")
    assert (first["factor"], first["kind"], first["told"]) == ("market.x", "knowledge", True)
    assert first["swing"] == pytest.approx(10.0)
    assert (first["low_at"], first["high_at"]) == ("0 to 0.2", "0.6 to 0.8")
    assert first["low_mean"] == pytest.approx(-19.9)
    assert (second["factor"], second["told"]) == ("market.y", False)


def test_the_difference_of_two_samples_is_welchs() -> None:
    low, high = np.array([1.0, 2.0, 3.0]), np.array([4.0, 6.0, 8.0, 10.0])
    at = difference(low, high)
    parts = np.array([1.0 / 3, (20.0 / 3) / 4])
    freedom = parts.sum() ** 2 / (parts[0] ** 2 / 2 + parts[1] ** 2 / 3)
    from scipy.stats import t

    assert at.mean == 5.0
    assert at.high - at.mean == pytest.approx(t.ppf(0.95, freedom) * math.sqrt(parts.sum()))
    assert math.isnan(difference(low[:1], high).low)
    assert not difference(low[:1], high).told


def test_levers_of_a_space_filling_design_are_compared_as_samples(tmp_path: Path) -> None:
    """The other lever differs between the two ends, so chance within pairs alone would say too much."""
    cleanup = [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]
    other = [0.1, 0.9, 0.5, 0.2, 0.7, 0.95]
    policies = [
        {"scenario": f"p{k}", "origin": "policy", "lever.cleanup": c, "lever.other": o}
        for k, (c, o) in enumerate(zip(cleanup, other, strict=True))
    ]

    def values(point: Point, replicate: int) -> dict[str, float]:
        return {"cases_registered": LEVEL * (1 - 0.3 * point.get("lever.other", 0.0))}

    sweep_folder(tmp_path / "s", [BASE, *policies], values, replicates=3)
    table = tornado_table(shown(open_folder(tmp_path / "s"))).set_index("factor")
    assert table.loc["cleanup", "swing"] == pytest.approx(-3.5)
    assert not table.loc["cleanup", "told"]


def test_a_dose_names_each_value_and_is_hollow_where_nothing_can_be_told(two: Folder) -> None:
    pairs = shown(two)
    figure = dose_plot(dose_table(pairs, "lever.cleanup"), pairs.subject, "cleanup", "")
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "1"]
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    assert [dot.get_markerfacecolor() == "white" for dot in dots] == [True, False]
    assert "−20%" in words(figure)


def test_where_nothing_is_compared_the_outcome_itself_is_shown(tmp_path: Path) -> None:
    sweep_folder(tmp_path / "s", grid([0.0, 1.0], [0.0])[1:], falls, replicates=2, baseline=None)
    folder = open_folder(tmp_path / "s")
    pairs = shown(folder)
    assert pairs.subject.baseline is None
    table = dose_table(pairs, "lever.cleanup")
    assert table["mean"].to_list() == pytest.approx([6 * 1050.0, 6 * 840.0])
    figure = dose_plot(table, pairs.subject, "cleanup", "")
    assert "5,040" in words(figure)
    with pytest.raises(InputError, match="no baseline"):
        front_table(folder, window_of(folder, None), "cases_registered")


def test_a_front_weighs_gain_against_each_cost(two: Folder) -> None:
    window = window_of(two, None)
    table = front_table(two, window, "cases_registered").set_index("policy")
    assert list(table.index) == [
        "baseline",
        *(f"cleanup {c}, outlets shut {o}" for c in (0, 1) for o in (0, 620)),
    ]
    best = table.loc["cleanup 1, outlets shut 0"]
    assert best["gain"] == pytest.approx(0.2 * 6 * 1100)
    assert (best["harm"], best["hours"]) == (300.0, -6.0)
    assert table["harm_front"].to_list() == [True, True, False, True, False]
    assert table["hours_front"].to_list() == [False, False, False, True, False]
    assert table["harm_share"].isna().all()  # three pairs are too few to say
    figure = front_plot(table.reset_index(), "cases_registered", window, "", "")
    for axes, blue in zip(figure.axes, (3, 1), strict=True):
        named = [text.get_text() for text in axes.texts]
        assert sorted(named) == sorted(table.index)
        (front,) = (line for line in axes.lines if line.get_gid() == "front")
        assert len(np.asarray(front.get_xdata())) == blue


def test_the_share_on_the_front_is_that_of_resampled_pairs(tmp_path: Path) -> None:
    """A policy that is worse than nothing in every pair is never there, one better in all always."""
    frame = made_up({"baseline": 1.0, "good": 0.8, "bad": 1.1}, 6, regions=("CN",))
    frame["police_hours"] = frame["scenario"].map({"baseline": 5.0, "good": 5.0, "bad": 6.0})
    folder = open_folder(results_folder(tmp_path / "r", frame, "baseline"))
    table = front_table(folder, window_of(folder, None), "cases_registered").set_index("policy")
    assert table["hours_share"].to_dict() == {"baseline": 0.0, "good": 1.0, "bad": 0.0}


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=12))
def test_the_front_is_what_no_other_beats(points: list[tuple[int, int]]) -> None:
    gain, cost = (np.array(values, dtype=float) for values in zip(*points, strict=True))
    beaten = [any(g2 >= g and c2 <= c and (g2 > g or c2 < c) for g2, c2 in points) for g, c in points]
    assert not_beaten(gain, cost).tolist() == [not one for one in beaten]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=18))
def test_labels_at_the_side_keep_their_distance(wanted: list[float]) -> None:
    step = 1 / 18
    heights = spaced(sorted(wanted), step)
    assert all(second - first > step - 1e-9 for first, second in itertools.pairwise(heights))
    assert heights[0] >= -1e-9
    assert heights[-1] <= 1 + 1e-9


def test_many_runs_are_thinned_out_and_the_bands_hold_all(tmp_path: Path) -> None:
    """450 runs at 1 to 450: 150 lines, and a median over all of them."""
    frame = made_up({"many": 1.0}, 1, regions=("CN",), start="2021-01-01", end="2021-03-31")
    frames = [frame.assign(replicate=k, cases_true=1.0 + k) for k in range(450)]
    folder = open_folder(results_folder(tmp_path / "r", pd.concat(frames), None))
    figure = spaghetti(*courses(folder, "cases_true"), "cases_true", "", "")
    lines = figure.axes[0].lines
    thin = [line for line in lines if line.get_gid() == "run"]
    assert len(thin) == 150 <= MOST_LINES
    (median,) = (line for line in lines if line.get_label() == "many")
    assert np.asarray(median.get_ydata()).tolist() == [225.5] * 3
    assert len(figure.axes[0].collections) == 2
    assert any("150 of 450 drawn" in text for text in words(figure))


def test_courses_have_a_panel_for_each_scenario_or_value_with_the_baseline_in_each(two: Folder) -> None:
    for by, titles in (
        (None, ["baseline (3 runs)", "policy (12 runs)"]),
        ("lever.cleanup", ["baseline (3 runs)", "cleanup 0 (6 runs)", "cleanup 1 (6 runs)"]),
    ):
        figure = spaghetti(*courses(two, "cases_registered", by), "cases_registered", "", "")
        drawn = [axes for axes in figure.axes if axes.get_title(loc="left") or axes.get_title()]
        assert [axes.get_title() or axes.get_title(loc="left") for axes in drawn] == titles
        dashed = [sum(line.get_color() == "black" for line in axes.lines) for axes in drawn]
        assert dashed == [0, *[1] * (len(drawn) - 1)]


def test_many_values_are_grouped_and_few_are_not() -> None:
    few, names = grouped(pd.Series([5000.0, 0.0, 0.5, 0.0]))
    assert (few.tolist(), names) == ([2, 0, 1, 0], ["0", "0.5", "5,000"])
    many, names = grouped(pd.Series(np.arange(12.0).repeat(2)))
    assert many.value_counts().tolist() == [6, 6, 6, 6]
    assert names == ["0 to 2", "3 to 5", "6 to 8", "9 to 11"]
    texts, names = grouped(pd.Series(["random", "worst", "random"]))
    assert (texts.tolist(), names) == ([0, 1, 0], ["random", "worst"])


Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def cardbreak(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run the command line here; the exit code, the output and the complaints."""

    def run(*options: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["cardbreak", *map(str, options)])
        code = guarded()
        return code, *capsys.readouterr()

    return run


def test_plot_takes_what_fits_and_overwrites_only_when_told(two: Folder, cardbreak: Command) -> None:
    picture = two.path / "heatmap.png"
    assert cardbreak("plot", two.path) == (0, f"wrote {picture}\n", "")
    first = picture.read_bytes()
    assert first.startswith(b"\x89PNG")
    code, _, said = cardbreak("plot", two.path)
    assert (code, "replace it with --force" in said) == (2, True)
    assert cardbreak("plot", two.path, "--force", "--quiet") == (0, "", "")
    assert picture.read_bytes() == first


def test_a_picture_can_be_drawn_as_svg_with_the_same_bytes(
    two: Folder, cardbreak: Command, tmp_path: Path
) -> None:
    for name in ("a.svg", "b.svg"):
        assert cardbreak("plot", two.path, "--kind", "front", "--out", tmp_path / name)[0] == 0
    assert b"<svg" in (tmp_path / "a.svg").read_bytes()
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--kind", "hetmap"], "--kind: .*Did you mean 'heatmap'?"),
        (["--outcome", "cases_registred"], "--outcome: .*Did you mean 'cases_registered'?"),
        (["--window", "2021H2"], "--window: .*Did you mean '2021-H2'?"),
        (["--x", "outlet_shut"], "--x or --y: .*Did you mean 'outlets_shut'?"),
        (["--x", "cleanup", "--y", "cleanup"], "a heat map takes two levers"),
        (["--scenario", "polici"], "holds no run to show of 'polici'. Give --scenario with one of: policy"),
        (["--out", "picture.pdf"], "neither .png nor .svg"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    two: Folder, cardbreak: Command, options: list[str], said: str
) -> None:
    code, _, complaint = cardbreak("plot", two.path, "--force", *options)
    assert code == 2
    assert len(complaint.splitlines()) == 1
    assert pd.Series([complaint]).str.contains(said.rstrip("?")).all(), complaint


def test_a_folder_that_is_none_and_a_sweep_that_is_not_ours_are_refused(
    tmp_path: Path, cardbreak: Command
) -> None:
    assert cardbreak("plot", tmp_path)[0] == 2
    sweep_folder(tmp_path / "s", grid([0.0, 1.0], [0.0]), falls, about={"experiment": {"name": ["x"]}})
    code, _, said = cardbreak("plot", tmp_path / "s")
    assert (code, "sweep.json: holds no experiment" in said) == (2, True)


def test_export_writes_the_nations_rows_once(two: Folder, cardbreak: Command) -> None:
    table = two.path / "tidy.csv"
    code, out, _ = cardbreak("export", two.path, "--outcome", "cases_registered")
    assert (code, out) == (0, f"wrote {table}: {15 * 6} rows\n")
    assert len(pd.read_csv(table)) == 15 * 6
    assert cardbreak("export", two.path)[0] == 2
    assert cardbreak("export", two.path, "--force", "--quiet", "--region", "all") == (0, "", "")
    assert len(pd.read_csv(table)) == 15 * 6 * 4
    code, _, said = cardbreak("export", two.path, "--force", "--outcome", "police_hour")
    assert (code, "Did you mean 'police_hours'?" in said) == (2, True)


def test_a_sweep_whose_picture_cannot_be_drawn_keeps_its_results(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = sweep_folder(tmp_path / "s", grid([0.0, 1.0], [0.0]), falls)
    assert sweep_picture(folder.path) == folder.path / "sweep.png"
    (folder.path / "design.csv").write_bytes(b"")
    assert sweep_picture(folder.path) is None
    assert "could not be drawn" in capsys.readouterr().err
