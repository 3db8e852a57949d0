"""What files of draws promise: they come back as they were, say how they came about, are never believed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fake_draws import KNOWN_BY, NAMES, table, write_table

from sim.draws import file as draws_file
from sim.draws.file import About, open_draws, read_draws, write_draws
from sim.errors import InputError
from sim.scenario.draws import Draws
from sim.scenario.folders import shipped_draws


def test_a_table_comes_back_as_it_was(tmp_path: Path) -> None:
    made = table(7)
    path = write_table(tmp_path / "mine.parquet", made, "no-adaptation")
    found = read_draws(path)
    assert found == made
    assert (found.names, found.source, found.known_by) == (NAMES, "made up", KNOWN_BY)
    np.testing.assert_array_equal(found.values, made.values)
    _, about = open_draws(path)
    assert about == About(
        "cardbreak calibrate", "card-broken-2020", "no-adaptation", KNOWN_BY, "made up", {"size": 3}
    )


def test_any_tool_can_read_the_file(tmp_path: Path) -> None:
    made = table(5)
    found = pq.read_table(write_table(tmp_path / "mine.parquet", made))
    assert found.column_names == list(NAMES)
    assert {str(kind) for kind in found.schema.types} == {"double"}
    np.testing.assert_array_equal(found.to_pandas().to_numpy(), made.values)
    said = json.loads(found.schema.metadata[b"cardbreak"])
    assert (said["format"], said["format_version"], said["known_by"]) == ("cardbreak-draws", 1, "2019-02-10")


def test_the_same_table_gives_the_same_bytes(tmp_path: Path) -> None:
    one, other = (write_table(tmp_path / name, table(9)) for name in ("one.parquet", "other.parquet"))
    assert one.read_bytes() == other.read_bytes()
    assert write_table(other, table(9, seed=2)).read_bytes() != one.read_bytes()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["one.parquet", "other.parquet"]


@pytest.mark.parametrize(
    ("draws", "about"),
    [
        (table(2), About("", "", "no-such-structure")),
        (table(2), About("", "", source="x" * 201)),
        (table(2), About("", "", source="two\nlines")),
        (Draws(NAMES[:1], np.array([[np.nan]])), About("", "")),
        (Draws((NAMES[0], NAMES[0]), np.ones((1, 2))), About("", "")),
    ],
    ids=["structure", "long", "lines", "not a number", "twice"],
)
def test_what_could_not_be_read_is_not_written(tmp_path: Path, draws: Draws, about: About) -> None:
    with pytest.raises(ValueError, match="a table of draws"):
        write_draws(tmp_path / "mine.parquet", draws, about)
    assert not list(tmp_path.iterdir())


Tamper = Callable[[dict[str, Any], dict[str, Any]], Any]


def set_column(name: str, values: Any) -> Tamper:
    return lambda columns, _: columns.update({name: values})


def say(name: str, value: Any) -> Tamper:
    return lambda _, said: said.update({name: value})


@pytest.mark.parametrize(
    ("tamper", "words"),
    [
        (set_column("market.sharpnes", [1.0, 1.0]), "market.sharpnes', which is no parameter.*Did you"),
        (set_column("calendar.month", [1.0, 1.0]), "no parameter with a prior"),
        (set_column("market.sharpness", [0.5, -4.0]), "a value of market.sharpness outside of its range"),
        (set_column("market.sharpness", [0.5, 1e300]), "outside of its range"),
        (set_column("market.sharpness", [0.5, np.nan]), "outside of its range"),
        (set_column("market.sharpness", [0.5, np.inf]), "outside of its range"),
        (set_column("market.sharpness", [0.5, None]), "lacks values"),
        (set_column("market.sharpness", [1, 2]), "not of numbers"),
        (set_column("market.sharpness", ["1", "2"]), "not of numbers"),
        (set_column("insiders.agents", [1000.0, 1000.5]), "insiders.agents that is no whole number"),
        (lambda columns, _: [columns.update({name: [] for name in columns})], "holds no draw|not of numbers"),
        (lambda columns, _: columns.clear(), "holds no draw"),
        (lambda columns, _: columns.update({f"x{k}": [1.0, 1.0] for k in range(1001)}), "more than 1,000"),
        (say("format", "another"), "no table of draws"),
        (say("format_version", 2), "format version 1"),
        (say("structure", "no-such"), "structure that there is not"),
        (say("structure", ["none"]), "structure that there is not"),
        (say("known_by", "soon"), "how it was made"),
        (say("source", "x" * 300), "how it was made"),
        (say("source", 3), "how it was made"),
        (say("more", 3), "how it was made"),
        (lambda _, said: said.clear(), "how it was made"),
    ],
)  # fmt: skip
def test_a_tampered_table_is_refused_in_one_line(tmp_path: Path, tamper: Tamper, words: str) -> None:
    path = write_table(tmp_path / "mine.parquet", table(2))
    whole = pq.read_table(path)
    columns = {name: whole[name].to_pylist() for name in whole.column_names}
    said = json.loads(whole.schema.metadata[b"cardbreak"])
    tamper(columns, said)
    other = pa.table(columns).replace_schema_metadata({b"cardbreak": json.dumps(said).encode()})
    pq.write_table(other, path)
    with pytest.raises(InputError, match=words) as caught:
        read_draws(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is torn"),
        (b"PAR1 and nothing more PAR1", "is torn"),
        (None, "is missing"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "mine.parquet"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=words):
        read_draws(path)
    with pytest.raises(InputError, match="not a regular file"):
        read_draws(tmp_path)
    pq.write_table(pa.table({NAMES[0]: [0.1]}), path)
    with pytest.raises(InputError, match="no table of draws of cardbreak"):
        read_draws(path)


def test_a_table_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_table(tmp_path / "mine.parquet", table(9))
    monkeypatch.setattr(draws_file, "MOST_VALUES", len(NAMES) * 9 - 1)
    with pytest.raises(InputError, match="holds more than"):
        read_draws(path)
    monkeypatch.setattr(draws_file, "MOST_BYTES", 100)
    with pytest.raises(InputError, match="is larger than"):
        read_draws(path)


def test_a_torn_file_is_refused_and_a_bent_one_never_breaks_out(tmp_path: Path) -> None:
    """Whatever is cut off or changed: a table that is right in itself, or one line."""
    path = write_table(tmp_path / "mine.parquet", table(3))
    whole = path.read_bytes()
    random = np.random.default_rng(4)
    for cut in random.integers(0, len(whole), 60):
        path.write_bytes(whole[:cut])
        with pytest.raises(InputError):
            read_draws(path)
    refused = 0
    for _ in range(300):
        bent = bytearray(whole)
        bent[random.integers(len(whole))] ^= 1 << int(random.integers(8))
        path.write_bytes(bytes(bent))
        try:
            assert read_draws(path).values.shape == (3, len(NAMES))
        except InputError:
            refused += 1
    assert refused > 50


@pytest.mark.parametrize("name", sorted(shipped_draws()))
def test_a_shipped_table_says_up_to_which_day_it_knows_the_record(name: str) -> None:
    table, about = open_draws(shipped_draws()[name])
    assert table.known_by is not None
    assert f"{len(table)} plausible draws" in about.source
