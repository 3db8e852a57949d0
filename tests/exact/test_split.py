"""The split of variance: by hand, unbiased over every sample there is, and held by its intervals."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from sim.experiment import Experiment
from sim.study.split import CHANCE, as_frame, is_sample, splits, variance_parts
from sim.study.states import Policy, Reading
from sim.study.windows import Window

PARTS = (
    "policy",
    "knowledge",
    "policy x knowledge",
    "chance",
    "policy x chance",
    "knowledge x chance",
    "residual: all three",
)


def variances(values: np.ndarray, nested: bool = False) -> dict[str, float]:
    table = variance_parts(values, nested, 1).set_index("part")["variance"]
    return {str(part): float(value) for part, value in table.items() if part != CHANCE}


def test_what_adds_up_has_no_part_together() -> None:
    """Policies 0 and 6, worlds 0, 1, 5, luck 0 and 2: variances 9, 7 and 2, nothing else."""
    policy, world, luck = np.array([0.0, 6.0]), np.array([0.0, 1.0, 5.0]), np.array([0.0, 2.0])
    values = policy[:, None, None] + world[:, None] + luck
    found = variances(values)
    expected = dict.fromkeys(PARTS, 0.0) | {"policy": 9.0, "knowledge": 7.0, "chance": 2.0}
    assert found == pytest.approx(expected, abs=1e-12)
    shares = variance_parts(values, False, 1).set_index("part")["share"]
    assert shares["policy"] == pytest.approx(0.5)
    assert shares[CHANCE] == pytest.approx(2 / 18)


def test_worlds_in_which_a_policy_works_or_not_are_policy_and_both_together() -> None:
    """Without a policy 10 everywhere, with it 10 or 4: +-1.5 around 8.5, and +-1.5 in each world."""
    values = np.array([[[10.0, 10.0], [10.0, 10.0]], [[10.0, 10.0], [4.0, 4.0]]])
    found = variances(values)
    # Means by policy 10 and 7; by world 10 and 7; the estimates for policy and world lose what both share.
    assert found["policy x knowledge"] == pytest.approx(4.5)
    assert found["knowledge"] == pytest.approx(4.5)
    assert found["policy"] == pytest.approx(2.25 - 4.5 / 2)
    assert sum(found.values()) == pytest.approx(9.0)


def hoeffding(values: np.ndarray) -> dict[str, float]:
    """The parts of a function of three factors of which every value is there, each equally likely."""
    names = dict(zip(("p", "k", "pk", "c", "pc", "kc", "pkc"), PARTS, strict=True))
    of: dict[str, np.ndarray] = {"": values.mean(keepdims=True)}
    found = {}
    for part in ("p", "k", "c", "pk", "pc", "kc", "pkc"):
        others = tuple(axis for axis, factor in enumerate("pkc") if factor not in part)
        mean = values.mean(axis=others, keepdims=True) if others else values
        of[part] = mean - sum(of[less] for less in of if set(less) < set(part))
        found[names[part]] = float((of[part] ** 2).mean())
    return found


def test_crossed_estimates_are_unbiased() -> None:
    """Mean over every sample of two worlds and two replicates from a population of three each."""
    population = np.random.default_rng(1).normal(size=(3, 3, 3)) * np.array([1.0, 2.0, 4.0])
    pairs = list(itertools.product(range(3), repeat=2))
    every = [variances(population[:, list(k)][:, :, list(c)]) for k in pairs for c in pairs]
    mean = pd.DataFrame(every).mean().to_dict()
    assert mean == pytest.approx(hoeffding(population))
    assert sum(mean.values()) == pytest.approx(float(population.var()))


def test_nested_estimates_are_unbiased() -> None:
    """The same where each world meets luck of its own: chance is all that differs within a world."""
    population = np.random.default_rng(2).normal(size=(2, 2, 2)) * np.array([1.0, 3.0])
    pairs = list(itertools.product(range(2), repeat=2))
    every = []
    for worlds in pairs:
        for luck in itertools.product(pairs, repeat=2):
            sample = np.stack([population[:, k, list(c)] for k, c in zip(worlds, luck, strict=True)], axis=1)
            every.append(variances(sample, nested=True))
    truth = hoeffding(population)
    assert pd.DataFrame(every).mean().to_dict() == pytest.approx(
        {part: truth[part] for part in PARTS[:3]}
        | {
            "chance": truth["chance"] + truth["knowledge x chance"],
            "policy x chance": truth["policy x chance"] + truth["residual: all three"],
        }
    )


def test_a_factor_that_is_absent_has_no_part() -> None:
    values = np.random.default_rng(3).normal(size=(3, 5, 4))
    assert set(variances(values[:1])) == {"knowledge", "chance", "knowledge x chance"}
    assert set(variances(values[:, :1])) == {"policy", "chance", "policy x chance"}
    alone = variance_parts(values[:, :, :1], False, 1)["part"].tolist()
    hidden = " (chance in it: one replicate)"
    assert alone == ["policy", f"knowledge{hidden}", f"policy x knowledge{hidden}"]
    assert variance_parts(values[:1, :1, :1], False, 1).empty


def test_an_estimate_below_0_is_shown_as_0_and_said_so() -> None:
    """Two policies with the same mean that do opposite things in two worlds."""
    values = np.tile(np.array([[1.0, -1.0], [-1.0, 1.0]])[:, :, None], (1, 1, 2))
    table = variance_parts(values, False, 1).set_index("part")
    assert table.loc["policy", "variance"] < 0.0
    assert table.loc["policy", "share"] == 0.0
    assert table.loc["policy", "note"] == "estimate below 0, shown as 0"
    assert table.loc["policy x knowledge", "share"] == 1.0


def test_what_never_varies_has_no_shares() -> None:
    table = variance_parts(np.full((2, 3, 2), 5.0), False, 1)
    assert table["share"].isna().all()
    assert (table["variance"] == 0.0).all()


TRUTH = dict(zip(PARTS, (1.0, 2.0, 0.5, 1.0, 0.3, 0.5, 0.7), strict=True))


def made_up(random: np.random.Generator, policies: int, worlds: int, replicates: int) -> np.ndarray:
    """A sample of a crossed table with the parts `TRUTH`."""

    def over_policies(*shape: int) -> np.ndarray:
        drawn = random.normal(size=shape)
        return (drawn - drawn.mean(axis=0)) * np.sqrt(policies / (policies - 1))

    means = np.linspace(-1.0, 1.0, policies)
    parts = {
        "policy": (means / np.sqrt((means**2).mean()))[:, None, None],
        "knowledge": random.normal(size=(1, worlds, 1)),
        "policy x knowledge": over_policies(policies, worlds, 1),
        "chance": random.normal(size=(1, 1, replicates)),
        "policy x chance": over_policies(policies, 1, replicates),
        "knowledge x chance": random.normal(size=(1, worlds, replicates)),
        "residual: all three": over_policies(policies, worlds, replicates),
    }
    shape = np.zeros((policies, worlds, replicates))
    return np.asarray(sum((np.sqrt(TRUTH[name]) * part for name, part in parts.items()), start=shape))


@pytest.mark.parametrize(("policies", "worlds", "replicates"), [(3, 32, 4), (3, 24, 2)])
def test_intervals_hold_the_truth_as_often_as_they_say(policies: int, worlds: int, replicates: int) -> None:
    """300 samples: every part's 90% interval is accepted down to the 0.1% point of a binomial with 88%.

    (88, for degrees of freedom that are estimated cost a point or two.) And they say something: where there
    are four replicates the interval of knowledge is narrower than half of the scale.
    """
    tables = [
        variance_parts(made_up(np.random.default_rng(seed), policies, worlds, replicates), False, seed)
        for seed in range(1, 301)
    ]
    rows = pd.concat(tables).set_index("part")
    total = sum(TRUTH.values())
    truth = {part: variance / total for part, variance in TRUTH.items()}
    truth[CHANCE] = sum(share for part, share in truth.items() if "chance" in part or "three" in part)
    least = binom.ppf(0.001, len(tables), 0.88)
    held = {
        part: int(rows.loc[part, "low"].le(share).mul(rows.loc[part, "high"].ge(share)).sum())
        for part, share in truth.items()
    }
    assert {part: count for part, count in held.items() if count < least} == {}
    if replicates > 2:
        assert (rows.loc["knowledge", "high"] - rows.loc["knowledge", "low"]).mean() < 0.5


def reading(policies: int, worlds: int, draws: list[int], *, baseline: bool = True) -> Reading:
    """A sweep of a baseline and other policies in some worlds, with a replicate for each of ``draws``."""
    labels = [f"policy-{policy}" for policy in range(policies)]
    pairs = [(world, draw, replicate) for world in range(worlds) for replicate, draw in enumerate(draws)]
    index = pd.MultiIndex.from_tuples(pairs, names=["known", "draw", "replicate"])
    values = np.random.default_rng(1).normal(size=(len(pairs), policies))
    made = tuple(Policy(label, label, {}, {}) for label in labels)
    return Reading(
        experiment=Experiment(name="made-up", scenarios=["card-broken-2020"]),
        outcome="cases_registered",
        window=Window("2021-H2", date(2021, 7, 1), date(2021, 12, 31)),
        policies=made,
        baseline=made[0] if baseline else None,
        runs=pd.DataFrame(values, index=index, columns=labels).sort_index(),
        knowledge=pd.DataFrame({"a": np.arange(worlds) / 10}),
        counts={},
        seed=1,
    )


def without(whole: Reading, policy: str, *runs: tuple[int, int, int]) -> Reading:
    gone = whole.runs.copy()
    gone.loc[list(runs), policy] = np.nan
    return replace(whole, runs=gone)


def test_level_and_effect_are_split_each() -> None:
    whole = reading(3, 4, [0, 0])
    level, effect = splits(whole)
    assert (level.of, level.sizes, level.nested, level.left_out) == ("level", (3, 4, 2), False, 0)
    assert (effect.of, effect.sizes) == ("effect", (2, 4, 2))
    cells = whole.runs.to_numpy().T.reshape(3, 4, 2)
    pd.testing.assert_frame_equal(level.table, variance_parts(cells, False, 115))
    pd.testing.assert_frame_equal(effect.table, variance_parts(cells[1:] - cells[0], False, 115))
    assert [one.of for one in splits(reading(3, 4, [0, 0], baseline=False))] == ["level"]
    frame = as_frame([level, effect], whole)
    assert frame.loc[0, ["of", "part", "worlds"]].tolist() == ["level", "policy", 4]


def test_draws_are_worlds_whose_replicates_are_their_own() -> None:
    whole = reading(2, 1, [1, 2, 3, 1, 2, 3, 1], baseline=False)
    (level,) = splits(whole)
    assert level.nested
    assert level.sizes == (2, 3, 2)
    assert level.left_out == 2, "the third replicate of draw 1, of both policies"
    cells = np.array(
        [[whole.runs[name].loc[0, draw].to_numpy()[:2] for draw in (1, 2, 3)] for name in whole.runs]
    )
    pd.testing.assert_frame_equal(level.table, variance_parts(cells, True, 115))


def test_runs_without_their_counterparts_are_left_out() -> None:
    whole = reading(3, 4, [0, 0])
    level, _ = splits(without(whole, "policy-1", (2, 0, 1)))
    assert level.sizes == (3, 3, 2)
    assert level.left_out == 5
    assert splits(without(whole, "policy-2", *whole.runs.index)) == []
    nested = reading(2, 1, [1, 2])
    assert splits(without(nested, "policy-0", *nested.runs.index)) == []


def test_worlds_that_repeat_values_are_no_sample() -> None:
    assert is_sample(pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [1.0, 1.0, 2.0]}))
    assert is_sample(pd.DataFrame(index=[0]))
    assert not is_sample(pd.DataFrame({"a": [1.0, 1.0, 2.0, 2.0], "b": [1.0, 2.0, 1.0, 2.0]}))
