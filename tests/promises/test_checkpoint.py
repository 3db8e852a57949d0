"""Promises about a model's state: nothing of it can be forgotten, and a file of it goes on anywhere."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from itertools import pairwise
from pathlib import Path
from types import MethodType
from typing import Any

import numpy as np
import pytest

import sim
from sim.agents.gang import Gang
from sim.bench.bits import fingerprint
from sim.errors import InputError
from sim.model import FraudSupplyChain
from sim.scenario import Scenario, load
from sim.state.capture import StateError, attributes, objects, state_of, take_over

START, END = date(2020, 8, 25), date(2020, 12, 20)
FORK = (date(2020, 10, 10) - START).days


def scenario(name: str, *sets: str, start: date = START, end: date = END) -> Scenario:
    return load(name, sets=["scale=3000", *sets], start=start, end=end)


@pytest.fixture(scope="module")
def lived() -> tuple[FraudSupplyChain, FraudSupplyChain]:
    """A model of the whole operation on its first day, and after a year of it in the middle of a month."""
    whole = scenario("card-broken-2020", start=date(2020, 11, 15), end=date(2022, 1, 31))
    first, later = FraudSupplyChain(whole), FraudSupplyChain(whole)
    later.run_model(until=385)
    return first, later


def equal(ours: Any, theirs: Any) -> bool:
    """Whether two values are the same, arrays by kind, shape and bits."""
    if isinstance(ours, np.ndarray):
        alike = isinstance(theirs, np.ndarray) and (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
        return alike and ours.tobytes() == theirs.tobytes()
    if isinstance(ours, Mapping):
        return ours.keys() == theirs.keys() and all(equal(ours[key], theirs[key]) for key in ours)
    if isinstance(ours, list | tuple):
        return len(ours) == len(theirs) and all(map(equal, ours, theirs))
    return callable(ours) or hasattr(ours, "__dict__") or bool(ours == theirs)


def test_what_a_class_leaves_out_never_changes(lived: tuple[FraudSupplyChain, FraudSupplyChain]) -> None:
    """All else is state: whatever is `given` is after a year what it was on the first day."""
    then, now = (dict(objects(model)) for model in lived)
    assert then.keys() == now.keys()
    named = 0
    for path, thing in now.items():
        for name in getattr(thing, "given", ()):
            assert equal(vars(then[path])[name], vars(thing)[name]), f"{path}.{name}"
            named += 1
        for name in (*getattr(thing, "remade", ()), *getattr(thing, "grows", ())):
            assert name in vars(thing), f"{path}.{name}"
    assert named > 50


def test_arrays_keep_their_kind_and_those_that_do_not_grow_their_length(
    lived: tuple[FraudSupplyChain, FraudSupplyChain],
) -> None:
    then, now = (dict(objects(model)) for model in lived)
    for path, thing in now.items():
        before = attributes(then[path])
        assert before.keys() == attributes(thing).keys()
        for name, value in attributes(thing).items():
            if isinstance(value, np.ndarray):
                first = name in getattr(thing, "grows", ())
                assert value.dtype == before[name].dtype, f"{path}.{name}"
                assert value.shape[first:] == before[name].shape[first:], f"{path}.{name}"


def test_every_object_that_acts_in_a_day_is_found(lived: tuple[FraudSupplyChain, FraudSupplyChain]) -> None:
    for model in lived:
        found = {id(thing) for _, thing in objects(model)}
        for _, name, phase in model.phases:
            assert isinstance(phase, MethodType)
            assert id(phase.__self__) in found, name


def arrays(value: Any) -> Iterator[np.ndarray]:
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from arrays(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from arrays(item)


def test_no_two_arrays_of_a_state_share_memory(lived: tuple[FraudSupplyChain, FraudSupplyChain]) -> None:
    """A copy of each is as good as the whole: none is a part of another."""
    for model in lived:
        each = {id(array): array for array in arrays(state_of(model)) if array.nbytes}
        bounds = sorted(np.lib.array_utils.byte_bounds(array) for array in each.values())
        assert all(end <= start for (_, end), (start, _) in pairwise(bounds))


def test_a_new_attribute_belongs_to_the_state_and_one_that_cannot_is_named() -> None:
    model = FraudSupplyChain(scenario("baseline"))
    model.audit.looked_at = [3, (4.0, {"a": np.arange(2)})]  # type: ignore[attr-defined]
    assert state_of(model)["audit"]["looked_at"] == [3, (4.0, {"a": pytest.approx([0, 1])})]
    model.audit.looked_at = [{"why": object()}]  # type: ignore[attr-defined]
    with pytest.raises(StateError, match=r"audit.looked_at\['why'\] is a object, which is no plain data"):
        state_of(model)


class Moody(Gang):
    """A gang with an attribute of its own, which no table holds."""

    def __init__(self, *rows: Any) -> None:
        super().__init__(*rows)
        self.mood = 1.0


def test_agents_with_attributes_of_their_own_are_refused_by_name(tmp_path: Path) -> None:
    model = FraudSupplyChain(scenario("baseline"), agent_classes={"gang": Moody})
    with pytest.raises(ValueError, match="gangs keep attributes of their own: mood"):
        sim.checkpoint(model, tmp_path / "moody")


def test_two_models_share_nothing_after_a_fork() -> None:
    """The fork runs to its end, and the stem is what it was; the agents are the same, in the same order."""
    stem, alone = (FraudSupplyChain(scenario("baseline")) for _ in range(2))
    fork, straight = (FraudSupplyChain(scenario("card-cleanup")) for _ in range(2))
    for model in (stem, alone):
        model.run_model(until=FORK)
    take_over(fork, state_of(stem))
    for model in (fork, straight):
        model.run_model()
    assert fingerprint(stem) == fingerprint(alone)
    assert fingerprint(fork) == fingerprint(straight)
    numbers = [[(type(agent).__name__, agent.unique_id) for agent in m.agents] for m in (fork, straight)]
    assert numbers[0] == numbers[1]
    assert equal({**state_of(fork)}, {**state_of(straight)})
    with pytest.raises(StateError, match="has gone on to day"):
        take_over(fork, state_of(stem))


ELSEWHERE = """
import sys, sim
from sim.bench.bits import fingerprint
path, name = sys.argv[1:]
scenario = sim.load(name, sets=["scale=3000"], start="2020-08-25", end="2020-12-20")
model = sim.resume(path, scenario)
model.run_model()
print(fingerprint(model))
"""


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of the baseline at the operation's first day."""
    path = tmp_path_factory.mktemp("kept") / "before.checkpoint"
    model = FraudSupplyChain(scenario("baseline"), seed=3, replicate=1, draw=2)
    model.run_model(until=FORK)
    sim.checkpoint(model, path)
    return path


def test_a_checkpoint_goes_on_in_another_process_under_another_policy(kept: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, str(kept), "card-cleanup"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    straight = FraudSupplyChain(scenario("card-cleanup"), seed=3, replicate=1, draw=2)
    straight.run_model()
    assert done.stdout.strip() == fingerprint(straight), done.stderr


def test_a_checkpoint_of_a_resumed_model_is_the_same_file(kept: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    sim.checkpoint(sim.resume(kept, scenario("baseline")), again)
    with zipfile.ZipFile(kept) as one, zipfile.ZipFile(again) as other:
        assert [one.read(name) for name in one.namelist()] == [other.read(name) for name in other.namelist()]


def refused(path: Path, asked: Scenario) -> str:
    with pytest.raises(InputError) as problem:
        sim.resume(path, asked)
    (line,) = str(problem.value).splitlines()
    return line


def test_another_history_is_refused_with_what_differs(kept: Path) -> None:
    words = refused(kept, scenario("card-broken-2020"))
    assert (
        "does not share the history of card-broken-2020 until 2020-10-10: they differ in pilot_campaign"
        in words
    )
    assert "they differ in parameters." in refused(
        kept, scenario("baseline", "parameters.market.sharpness=2.5")
    )
    assert "they differ in scale." in refused(kept, scenario("baseline", "scale=2000"))
    assert "after the end" in refused(kept, scenario("baseline", end=date(2020, 9, 30)))


def rewritten(
    kept: Path, path: Path, change: Callable[[dict[str, Any], bytearray], None], **how: Any
) -> Path:
    """The checkpoint with its content changed by somebody who knows the format."""
    with zipfile.ZipFile(kept) as archive:
        content, memory = json.loads(archive.read("checkpoint.json")), bytearray(archive.read("arrays.bin"))
    change(content, memory)
    with zipfile.ZipFile(path, "w", **how) as archive:
        archive.writestr("checkpoint.json", json.dumps(content))
        archive.writestr("arrays.bin", bytes(memory))
    return path


def poked(where: str, name: str, value: int, add: int = 0) -> Callable[[dict[str, Any], bytearray], None]:
    """Another first number of a column or an array: `value`, and `add` times the old one."""

    def change(content: dict[str, Any], memory: bytearray) -> None:
        part = content["state"][where]
        _, dtype, _, offset = part["contents"][name] if "contents" in part else part[name]
        number = np.frombuffer(memory, dtype, 1, offset)
        number[0] = value + add * int(number[0])

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (poked("accounts", "gang", 2**30), "accounts.gang points outside"),
        (poked("accounts", "region_open", 200), "accounts.region_open points outside"),
        (poked("sims", "status", 3), "cards of kind"),
        (poked("gangs", "cash", 10**15), "money: gangs' cash broken"),
        (poked("gangs", "alive", 1, -1), "agents are not those alive"),
        (poked("outlets", "insiders", -5), "outlets.insiders points outside"),
        (lambda c, _: c["state"].pop("audit"), "audit is in one of two models only"),
        (lambda c, _: c["state"]["audit"].pop("days"), "audit has other attributes: days"),
        (lambda c, _: c["state"]["audit"].update(days="many"), "audit.days is of another kind"),
        (
            lambda c, _: c["state"]["banks"].update(effort=["array", "<f8", [3], 0]),
            "banks.effort is of another",
        ),
        (lambda c, _: c["state"]["banks"].update(effort=["array", "<f8", [10**12], 0]), "damaged"),
        (lambda c, _: c["state"]["banks"].update(effort=["array", "|O8", [3], 0]), "damaged"),
        (lambda c, _: c["state"]["banks"].update(effort=["evil", 1]), "damaged"),
        (lambda c, _: c["state"][""].update(day=9), "its day is 9, not 46"),
        (lambda c, _: c.update(state=[1, 2]), "damaged"),
        (lambda c, _: c.update(seed="x"), "damaged"),
        (lambda c, _: c.update(seed=-1), "damaged"),
        (lambda c, _: c.update(past=3), "damaged"),
        (lambda c, _: c.update(format_version=7), "format version 7, not 1"),
        (lambda c, _: c.update(cardbreak="9.9"), "is of cardbreak '9.9'"),
        (lambda c, _: c.update(format="other"), "no checkpoint"),
    ],
)
def test_a_checkpoint_that_a_model_could_not_bear_is_one_clear_line(
    kept: Path, tmp_path: Path, change: Callable[[dict[str, Any], bytearray], None], words: str
) -> None:
    assert words in refused(rewritten(kept, tmp_path / "changed", change), scenario("baseline"))


def test_files_that_are_none_are_one_clear_line(kept: Path, tmp_path: Path) -> None:
    asked, path, whole = scenario("baseline"), tmp_path / "file", kept.read_bytes()
    for content in (b"", b"no zip", whole[:-1], whole[: len(whole) // 2], whole[100:]):
        path.write_bytes(content)
        assert "no checkpoint of cardbreak, or damaged" in refused(path, asked)
    assert "cannot be read" in refused(tmp_path / "nowhere", asked)
    assert "cannot be read" in refused(tmp_path, asked)
    packed = rewritten(kept, path, lambda *_: None, compression=zipfile.ZIP_DEFLATED)
    assert "no checkpoint" in refused(packed, asked)
    np.savez(tmp_path / "other.npz", a=np.arange(3))
    assert "no checkpoint" in refused(tmp_path / "other.npz", asked)


def test_a_flipped_byte_never_goes_on_as_another_run(kept: Path, tmp_path: Path) -> None:
    """Most flips break the archive; those that do not change what is in it, or are refused."""
    whole, path, asked = kept.read_bytes(), tmp_path / "flipped", scenario("baseline")
    random = np.random.Generator(np.random.PCG64(6))
    for at in random.integers(0, len(whole), 12).tolist():
        flipped = bytearray(whole)
        flipped[at] ^= 1 << int(random.integers(8))
        path.write_bytes(flipped)
        assert "no checkpoint" in refused(path, asked)


def test_a_place_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    model = FraudSupplyChain(scenario("baseline"))
    with pytest.raises(InputError, match="cannot be written"):
        sim.checkpoint(model, tmp_path / "no" / "folder")
    assert list(tmp_path.iterdir()) == []
