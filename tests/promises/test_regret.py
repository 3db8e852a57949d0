"""Regret: by hand on small tables, and what must hold on any."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fake_sweeps import BASE, write_sweep
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sim.study.regret import regret_table, regrets
from sim.study.states import read


def table(losses: dict[str, list[list[float]]], better: str = "lower") -> pd.DataFrame:
    """The regret of policies whose outcome is given by state and replicate."""
    runs = {
        name: {(known, 0, k): value for known, row in enumerate(rows) for k, value in enumerate(row)}
        for name, rows in losses.items()
    }
    frame = pd.DataFrame(runs)
    frame.index.names = ["known", "draw", "replicate"]
    asked: Any = SimpleNamespace(runs=frame, better=better)
    return regret_table(asked).set_index("policy")


def test_regret_by_hand() -> None:
    """Three states, one replicate: losses a 1 5 3, b 2 2 3, c 9 9 9; best a, b, both."""
    found = table({"a": [[1.0], [5.0], [3.0]], "b": [[2.0], [2.0], [3.0]], "c": [[9.0], [9.0], [9.0]]})
    assert found["mean"].to_dict() == pytest.approx({"a": 1.0, "b": 1 / 3, "c": 7.0})
    assert found["max"].to_dict() == {"a": 3.0, "b": 1.0, "c": 8.0}
    assert found["p90"].to_dict() == pytest.approx({"a": 2.4, "b": 0.8, "c": 7.8})
    assert found["best"].to_dict() == pytest.approx({"a": 0.5, "b": 0.5, "c": 0.0})
    assert found["verdict"].to_dict() == {
        "a": "on average not told from the least",
        "b": "least regret at worst; least regret on average",
        "c": "never the best anywhere",
    }
    # The mean of 0, 3, 0 is 1, its standard error 1, Student's t with two degrees of freedom 2.92.
    assert found.loc["a", ["low", "high"]].tolist() == pytest.approx([1 - 2.91999, 1 + 2.91999], abs=1e-4)


def test_where_more_is_better_the_most_is_the_best() -> None:
    found = table({"a": [[1.0], [5.0]], "b": [[2.0], [2.0]]}, better="higher")
    assert found["mean"].to_dict() == {"a": 0.5, "b": 1.5}


def test_what_chance_cannot_tell_from_the_best_is_near_it() -> None:
    """Against a, b differs by +1 and -0.8 in two replicates, c by +10 and +10.1."""
    found = table({"a": [[10.0, 20.0]], "b": [[11.0, 19.2]], "c": [[20.0, 30.1]]})
    assert found["best"].to_dict() == {"a": 1.0, "b": 0.0, "c": 0.0}
    assert found["near_best"].to_dict() == {"a": 1.0, "b": 1.0, "c": 0.0}
    assert found.loc["a", "verdict"].startswith("the best everywhere")  # type: ignore[union-attr]
    assert found.loc["b", "verdict"] == "never the best, but not told from it at some points"
    assert found.loc["c", "verdict"] == "never the best anywhere"


@settings(max_examples=50, deadline=None)
@given(
    losses=arrays(np.float64, st.tuples(st.integers(1, 6), st.integers(2, 5)), elements=st.floats(-1e6, 1e6)),
    shift=st.floats(-1e6, 1e6),
)
def test_regret_is_never_below_nought_and_nought_for_the_best(losses: np.ndarray, shift: float) -> None:
    frame = pd.DataFrame(losses)
    found = regrets(frame)
    assert (found >= 0.0).all(axis=None)
    assert (found.min(axis=1) == 0.0).all()
    assert ((found == 0.0) == frame.eq(frame.min(axis=1), axis=0)).all(axis=None)
    assert np.allclose(regrets(frame + shift), found, atol=1e-6)


@settings(max_examples=20, deadline=None)
@given(losses=arrays(np.float64, (4, 3), elements=st.integers(0, 3).map(float)))
def test_shares_of_the_best_add_up_to_one(losses: np.ndarray) -> None:
    found = table({name: [[value] for value in losses[:, k]] for k, name in enumerate("abc")})
    assert found["best"].sum() == pytest.approx(1.0)
    assert (found["near_best"] >= found["best"] - 1e-12).all()


def test_only_states_that_every_policy_has_met_count(tmp_path: Path) -> None:
    """Of 2 policies and a baseline at 2 points the last run, of one policy, is not there."""
    folder = write_sweep(
        tmp_path,
        np.array([[0.0], [1.0]]),
        lambda policy, values, _: {BASE: 10.0, "one": 4.0, "two": 6.0 - 4.0 * values[0]}[policy],
        ("one", "two"),
        replicates=1,
        made=5 / 6,
    )
    found = regret_table(read(folder)).set_index("policy")
    assert found["states"].tolist() == [1, 1, 1]
    assert found["mean"].to_dict() == {BASE: 6.0, "one": 0.0, "two": 2.0}
