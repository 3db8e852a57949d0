"""Promises about results folders: never mixed, never half, and not trusted when they come back."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fake_results import made_up

from sim.errors import InputError
from sim.observe import parquet, store
from sim.observe.parquet import fingerprint
from sim.observe.store import ResultsFolder, open_results


@pytest.fixture
def frame() -> pd.DataFrame:
    return made_up({"baseline": 1.0, "policy": 0.8}, replicates=3, start="2020-09-01", end="2021-02-01")


def written(path: Path, frame: pd.DataFrame, **manifest: object) -> Path:
    with ResultsFolder.create(path) as folder:
        folder.write_monthly(frame)
        folder.write_table(store.SUMMARY, pd.DataFrame({"a": [1]}))
        folder.write_manifest({"seed": 1, **manifest})
    return path


def complaint(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        open_results(path)
    (line,) = str(caught.value).splitlines()
    return line


def test_what_is_written_is_read_back(tmp_path: Path, frame: pd.DataFrame) -> None:
    found = open_results(written(tmp_path / "r", frame))
    assert found.manifest["seed"] == 1
    assert fingerprint(found.monthly) == fingerprint(frame)
    assert list(found.monthly.columns[:5]) == list(parquet.LABELS)
    assert tuple(found.monthly.columns[5:]) == (*parquet.OUTCOME_ORDER, "openings_illicit")
    assert not (tmp_path / "r" / store.MARKER).exists()


def test_pandas_reads_it_in_one_line(tmp_path: Path, frame: pd.DataFrame) -> None:
    plain = pd.read_parquet(written(tmp_path / "r", frame) / store.MONTHLY)
    assert pd.api.types.is_datetime64_any_dtype(plain["month"])
    assert plain["month"].min() == pd.Timestamp(2020, 9, 1)


def test_the_same_table_gives_the_same_bytes(tmp_path: Path, frame: pd.DataFrame) -> None:
    one, two = written(tmp_path / "a", frame), written(tmp_path / "b", frame.copy())
    assert (one / store.MONTHLY).read_bytes() == (two / store.MONTHLY).read_bytes()


def test_the_fingerprint_sees_values_and_not_order(frame: pd.DataFrame) -> None:
    assert fingerprint(frame.sample(frac=1, random_state=3)) == fingerprint(frame)
    assert fingerprint(frame[frame.columns[::-1]]) == fingerprint(frame)
    changed = frame.copy()
    changed.loc[7, "gangs"] = np.nextafter(changed.loc[7, "gangs"], 0)
    assert fingerprint(changed) != fingerprint(frame)


def test_an_existing_result_is_refused(tmp_path: Path, frame: pd.DataFrame) -> None:
    path = written(tmp_path / "r", frame)
    before = (path / store.MANIFEST).read_bytes()
    with pytest.raises(InputError, match=r"already holds results.*--force"):
        ResultsFolder.create(path)
    assert (path / store.MANIFEST).read_bytes() == before
    assert not (path / store.MARKER).exists()


def test_force_leaves_nothing_of_the_old_result(tmp_path: Path, frame: pd.DataFrame) -> None:
    path = written(tmp_path / "r", frame)
    (path / "notes.txt").write_text("mine")
    with ResultsFolder.create(path, force=True) as folder:
        assert (path / store.MANIFEST).exists(), "the old result stays until there is a new one"
        folder.write_monthly(frame)
        assert not (path / store.SUMMARY).exists()
        assert not (path / store.MANIFEST).exists()
        folder.write_manifest({"seed": 2})
    assert sorted(file.name for file in path.iterdir()) == ["manifest.json", "monthly.parquet", "notes.txt"]
    assert open_results(path).manifest["seed"] == 2


def test_force_without_a_new_result_keeps_the_old_one(tmp_path: Path, frame: pd.DataFrame) -> None:
    path = written(tmp_path / "r", frame)
    with ResultsFolder.create(path, force=True):
        pass
    assert open_results(path).manifest["seed"] == 1


def test_files_of_others_are_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"name": "a web page"}')
    for force in (False, True):
        with pytest.raises(InputError):
            ResultsFolder.create(tmp_path, force=force)
    assert (tmp_path / "manifest.json").read_text() == '{"name": "a web page"}'


def test_two_commands_cannot_share_a_folder(tmp_path: Path) -> None:
    with ResultsFolder.create(tmp_path / "r"):
        with pytest.raises(InputError, match="has not finished"):
            ResultsFolder.create(tmp_path / "r")
        assert "has not finished" in complaint(tmp_path / "r")
    assert not (tmp_path / "r").exists()


def test_a_failed_write_leaves_no_file(tmp_path: Path) -> None:
    def broken(file: object) -> None:
        raise OSError("disk full")

    target = tmp_path / "x.csv"
    target.write_text("old")
    with pytest.raises(OSError, match="disk full"):
        store.atomically(target, broken)
    assert [file.name for file in tmp_path.iterdir()] == ["x.csv"]
    assert target.read_text() == "old"


def test_a_file_in_the_way_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "r").write_text("")
    with pytest.raises(InputError):
        ResultsFolder.create(tmp_path / "r")
    with pytest.raises(InputError):
        ResultsFolder.create(tmp_path / "r" / "below")
    with pytest.raises(InputError):
        ResultsFolder.create("with\0nul")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_said_so(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="cannot be written"):
        ResultsFolder.create(tmp_path / "r")


@pytest.mark.parametrize("name", [store.MANIFEST, store.MONTHLY])
@pytest.mark.parametrize(
    "content",
    [b"", b"\0" * 100, b"PAR1", b"{", b"[]", b"null", b'{"format": 3}', b"[" * 100_000, b"\xff\xfe"],
)
def test_torn_and_hostile_files_are_one_line(
    tmp_path: Path, frame: pd.DataFrame, name: str, content: bytes
) -> None:
    path = written(tmp_path / "r", frame)
    (path / name).write_bytes(content)
    assert str(path / name) in complaint(path)


def test_every_torn_length_is_one_line(tmp_path: Path, frame: pd.DataFrame) -> None:
    path = written(tmp_path / "r", frame)
    whole = (path / store.MONTHLY).read_bytes()
    for length in range(0, len(whole), max(len(whole) // 12, 1)):
        (path / store.MONTHLY).write_bytes(whole[:length])
        assert "torn" in complaint(path)


def test_flipped_bytes_are_no_traceback(tmp_path: Path, frame: pd.DataFrame) -> None:
    path = written(tmp_path / "r", frame)
    whole = (path / store.MONTHLY).read_bytes()
    rng = np.random.default_rng(1)
    for _ in range(60):
        torn = bytearray(whole)
        torn[rng.integers(len(torn))] ^= 1 << rng.integers(8)
        (path / store.MONTHLY).write_bytes(bytes(torn))
        with contextlib.suppress(InputError):
            open_results(path)


@pytest.mark.parametrize("name", [store.MANIFEST, store.MONTHLY])
def test_missing_files_and_devices_are_said_so(tmp_path: Path, frame: pd.DataFrame, name: str) -> None:
    path = written(tmp_path / "r", frame)
    (path / name).unlink()
    assert "is missing" in complaint(path)
    os.symlink("/dev/zero", path / name)
    assert "regular file" in complaint(path)
    (path / name).unlink()
    (path / name).mkdir()
    assert "regular file" in complaint(path)


def test_no_folder_at_all(tmp_path: Path) -> None:
    assert "is not a results folder" in complaint(tmp_path / "nowhere")
    (tmp_path / "file").write_text("")
    assert "is not a results folder" in complaint(tmp_path / "file")


def test_another_format_version_is_refused(tmp_path: Path, frame: pd.DataFrame) -> None:
    path = written(tmp_path / "r", frame)
    manifest = json.loads((path / store.MANIFEST).read_text())
    (path / store.MANIFEST).write_text(json.dumps(manifest | {"format_version": 99}))
    assert "format version" in complaint(path)


def test_a_huge_manifest_is_not_read(tmp_path: Path, frame: pd.DataFrame) -> None:
    path = written(tmp_path / "r", frame)
    with open(path / store.MANIFEST, "wb") as file:
        file.truncate(store.MOST_MANIFEST_BYTES + 1)
    assert "larger than" in complaint(path)


def test_a_huge_table_is_not_read(
    tmp_path: Path, frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "r", frame)
    monkeypatch.setattr(parquet, "MOST_VALUES", 100)
    assert "larger than" in complaint(path)


def rewritten(path: Path, frame: pd.DataFrame) -> Path:
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), path / store.MONTHLY)
    return path


def test_wrong_columns_and_values_are_said_so(tmp_path: Path, frame: pd.DataFrame) -> None:
    path = written(tmp_path / "r", frame)
    assert "no column replicate" in complaint(rewritten(path, frame.drop(columns="replicate")))
    assert "wrong type" in complaint(rewritten(path, frame.assign(gangs="many")))
    assert "wrong type" in complaint(rewritten(path, frame.assign(month="May")))
    assert "no rows" in complaint(rewritten(path, frame.iloc[:0].astype(frame.dtypes)))
    assert "two rows" in complaint(rewritten(path, pd.concat([frame, frame.iloc[:1]])))
    assert "not finite" in complaint(rewritten(path, frame.assign(gangs=np.inf)))
    assert "not finite" in complaint(rewritten(path, frame.assign(gangs=np.nan)))
    assert "cannot be printed" in complaint(
        rewritten(path, frame.assign(scenario="\x1b[31m" + frame["scenario"]))
    )
