"""Whatever a scenario file holds, the answer is a scenario or an error that names file and line, at once."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scenario_folder import BASE, write_folder

from sim.errors import Fault, InputError
from sim.scenario import folders, load

SECONDS = 2.0
MEASURE = (
    "name: x\nextends: base.yaml\ninterventions:\n  - measure: account_cleanup\n    criterion: multi_card\n"
)
DATED = MEASURE + "    start: 2020-12-01\n    end: 2021-09-30\n    accounts: 5\n"  # lines 4 to 8

# name of the case: (content, line of the first fault, its key, words it must hold)
BAD: dict[str, tuple[str | bytes, int, str, str]] = {
    "unknown switch": (
        "extends: base.yaml\nadaptation:\n  hording: false\n", 3, "adaptation.hording", "mean 'hoarding'?",
    ),
    "switch that is neither true nor false": (
        "extends: base.yaml\nadaptation:\n  hoarding: off\n", 3, "adaptation.hoarding", "true or false",
    ),
    "unknown rival": ("extends: base.yaml\nrival: no-cards\n", 2, "rival", "no-card-effect"),
    "uncertain field that is none": (
        DATED + "    uncertain:\n      - {field: acounts, low: 1, high: 2}\n", 4,
        "interventions[0]", "acounts",
    ),
    "uncertain date for a number": (
        DATED + "    uncertain:\n      - {field: accounts, low: 2020-12-01, high: 2021-01-01}\n", 4,
        "interventions[0]", "numbers for a number",
    ),
    "uncertain bounds that fall": (
        DATED + "    uncertain:\n      - {field: accounts, low: 9, high: 2}\n", 10,
        "interventions[0].uncertain[0]", "rising",
    ),
    "uncertain start after the end": (
        DATED + "    uncertain:\n      - {field: start, low: 2020-12-01, high: 2022-01-01}\n", 4,
        "interventions[0]", "lies before start",
    ),
    "unknown key": ("name: x\nextends: base.yaml\nscael: 3\n", 3, "scael", "Did you mean 'scale'?"),
    "duplicate key": (
        "name: x\nscale: 3\nextends: base.yaml\nscale: 4\n", 4, "scale", "twice, first on line 2",
    ),
    "duplicate nested key": (DATED + "    accounts: 6\n", 9, "interventions[0].accounts", "twice"),
    "text for a number": ("extends: base.yaml\nscale: many\n", 2, "scale", "whole number, got 'many'"),
    "quoted number": ('extends: base.yaml\nscale: "100"\n', 2, "scale", "whole number, got '100'"),
    "yes for a number": ("extends: base.yaml\nscale: yes\n", 2, "scale", "whole number, got 'yes'"),
    "true for a number": ("extends: base.yaml\nscale: true\n", 2, "scale", "whole number, got true"),
    "broken number": ("extends: base.yaml\nscale: 3.5\n", 2, "scale", "whole number, got 3.5"),
    "no number": ("extends: base.yaml\nscale:\n", 2, "scale", "whole number, got nothing"),
    "zero scale": ("extends: base.yaml\nscale: 0\n", 2, "scale", "must be 1 or more, got 0"),
    "huge scale": ("extends: base.yaml\nscale: 1000000\n", 2, "scale", "must be 100000 or less"),
    "not a number": ("extends: base.yaml\n\nscale: .nan\n", 3, "scale", "finite"),
    "infinity": ("extends: base.yaml\nscale: .inf\n", 2, "scale", "finite"),
    "minus infinity": (DATED + "    coverage: -.INF\n", 9, "interventions[0].coverage", "finite"),
    "1e400": (DATED + "    coverage: 1e400\n", 9, "interventions[0].coverage", "too large"),
    "huge integer": (DATED.replace(": 5", ": " + "9" * 30), 8, "interventions[0].accounts", "10^18"),
    "endless integer": (DATED.replace(": 5", ": " + "9" * 9000), 8, "interventions[0].accounts", "10^18"),
    "hexadecimal flood": (DATED.replace(": 5", ": 0x" + "f" * 9000), 8, "interventions[0].accounts", "10^18"),
    "impossible date": ("extends: base.yaml\nend: 2021-02-30\n", 2, "end", "calendar date, got '2021-02-30'"),
    "impossible quoted date": ('extends: base.yaml\nend: "2021-13-01"\n', 2, "end", "calendar date"),
    "date with a time": ("extends: base.yaml\nend: 2021-02-01T10:00:00\n", 2, "end", "calendar date"),
    "date as a number": ("extends: base.yaml\nend: 20210201\n", 2, "end", "calendar date, got 20210201"),
    "short date": ("extends: base.yaml\nend: 2021-2-1\n", 2, "end", "calendar date"),
    "date of another age": ("extends: base.yaml\nend: 9999-12-31\n", 2, "end", "2100-12-31 or less"),
    "end before start": ("start: 2020-01-01\nend: 2019-01-01\n", 2, "end", "lies before start 2020-01-01"),
    "end before the base's start": ("extends: base.yaml\nend: 2017-01-01\n", 2, "end", "lies before"),
    "measure ends before it starts": (
        DATED.replace("2021-09", "2019-09"), 7, "interventions[0].end", "before",
    ),
    "announced after the start": (
        DATED + "    announced: 2021-01-01\n", 9, "interventions[0].announced", "after",
    ),
    "impossible date of a measure": (DATED.replace("09-30", "09-31"), 7, "interventions[0].end", "calendar"),
    "negative dose": (DATED.replace(": 5", ": -3"), 8, "interventions[0].accounts", "0 or more, got -3"),
    "dose as text": (DATED.replace(": 5", ": lots"), 8, "interventions[0].accounts", "whole number"),
    "dose as a list": (DATED.replace(": 5", ": [5]"), 8, "interventions[0].accounts", "got a list"),
    "coverage above one": (
        DATED + "    coverage: 1.5\n", 9, "interventions[0].coverage", "1 or less, got 1.5",
    ),
    "negative ramp": (DATED + "    ramp_days: -1\n", 9, "interventions[0].ramp_days", "0 or more"),
    "no dose": (DATED.replace("    accounts: 5\n", ""), 4, "interventions[0]", "dose"),
    "no start": (DATED.replace("    start: 2020-12-01\n", ""), 4, "interventions[0].start", "missing"),
    "unknown criterion": (
        DATED.replace("multi_card", "multi"), 5, "interventions[0].criterion", "'multi_card'?",
    ),
    "unknown field": (DATED + "    dose: 5\n", 9, "interventions[0].dose", "not a known key"),
    "unknown measure": (
        DATED.replace("account_cl", "acount_cl"), 4, "interventions[0].measure", "'account_cleanup'?",
    ),
    "no measure": (
        "extends: base.yaml\ninterventions:\n  - start: 2020-01-01\n", 3, "interventions[0].measure",
        "missing",
    ),
    "measure is a number": (
        "extends: base.yaml\ninterventions:\n  - measure: 5\n", 3, "interventions[0].measure", "5",
    ),
    "item is text": ("extends: base.yaml\ninterventions:\n  - cleanup\n", 3, "interventions[0]", "mapping"),
    "interventions are a mapping": (
        "extends: base.yaml\ninterventions:\n  a: 1\n", 2, "interventions", "list",
    ),
    "two with one id": (DATED + DATED.partition("interventions:\n")[2], 9, "interventions[1]", "same id"),
    "id that is no name": (DATED + "    id: a b\n", 9, "interventions[0].id", "plain name"),
    "unknown region": (DATED + "    regions: [GD, GZZ]\n", 9, "interventions[0].regions[1]", "no region"),
    "region in a line of its own": (
        DATED + "    regions:\n      - GD\n      - XX\n", 11, "interventions[0].regions[1]", "no",
    ),
    "region twice": (DATED + "    regions: [GD, GD]\n", 9, "interventions[0].regions[1]", "twice"),
    "no regions": (DATED + "    regions: []\n", 9, "interventions[0].regions", "empty list"),
    "regions as text": (DATED + "    regions: GD\n", 9, "interventions[0].regions", "list of region codes"),
    "unknown evidence": (
        DATED + "    evidence: [F001, F334]\n", 9, "interventions[0].evidence[1]", "'F333'?",
    ),
    "evidence as text": (DATED + "    evidence: F001\n", 9, "interventions[0].evidence", "must be a list"),
    "no start and end": ("name: x\n", 1, "start", "is missing"),
    "name with a path": ("name: ../x\nextends: base.yaml\n", 1, "name", "plain name"),
    "name is empty": ("name: ''\nextends: base.yaml\n", 1, "name", "plain name"),
    "title is a number": ("extends: base.yaml\ntitle: 5\n", 2, "title", "must be text"),
    "without an unknown measure": (
        "extends: base.yaml\nwithout: [warning_lines]\n", 2, "without[0]", "'warning_line'?",
    ),
    "without a base": (
        "start: 2018-01-01\nend: 2019-01-01\nwithout: [a]\n", 3, "without", "nothing to take away",
    ),
    "without is text": ("extends: base.yaml\nwithout: warning_line\n", 2, "without", "must be a list"),
    "unknown parameter": (
        "extends: base.yaml\nparameters:\n  gangs.staf: 1\n", 3, "parameters.gangs.staf", "'gangs.staff'?",
    ),
    "parameter above its range": ("extends: base.yaml\nparameters:\n  gangs.growth_per_year: 2\n", 3,
                                  "parameters.gangs.growth_per_year", "from 0 to 1, got 2"),
    "parameter as text": ("extends: base.yaml\nparameters:\n  gangs.growth_per_year: '0.2'\n", 3,
                          "parameters.gangs.growth_per_year", "must be a number"),
    "parameter of another shape": ("extends: base.yaml\nparameters:\n  gangs.growth_per_year: [0.2]\n", 3,
                                   "parameters.gangs.growth_per_year", "must be a number, got a list"),
    "list of another length": ("extends: base.yaml\nparameters:\n  gangs.staff: [1, 2]\n", 3,
                               "parameters.gangs.staff", "3 numbers, got 2"),
    "broken person": ("extends: base.yaml\nparameters:\n  gangs.staff: [1, 2, 2.5]\n", 3,
                      "parameters.gangs.staff[2]", "whole number"),
    "unknown entry of a table": ("extends: base.yaml\nparameters:\n  gangs.shares: {page: 1}\n", 3,
                                 "parameters.gangs.shares.page", "'pages'?"),
    "parameters are a list": ("extends: base.yaml\nparameters: [1]\n", 2, "parameters", "mapping"),
    "empty file": ("", 1, "", "is empty"),
    "blank file": ("\n\n# nothing here\n", 1, "", "is empty"),
    "null": ("null\n", 1, "", "is empty"),
    "list": ("- name: x\n", 1, "", "is a list"),
    "scalar": ("\nhello\n", 2, "", "is a single value"),
    "not YAML": ("name: x\nscale: [1, 2\nend: }\n", 3, "", "not valid YAML"),
    "unclosed quote": ("name: x\ntitle: 'abc\n", 3, "", "not valid YAML"),
    "colon too many": ("name: x\ntitle: a: b: c\n", 2, "", "not valid YAML"),
    "bad indentation": ("name: x\n  scale: 1\n", 2, "", "not valid YAML"),
    "tab": ("interventions:\n\t- measure: publicity\n", 2, "", "Indent with spaces"),
    "binary": (bytes(range(256)), 2, "", "not UTF-8"),
    "picture": (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", 1, "", "not UTF-8"),
    "latin 1": ("name: x\ntitle: Zürich\n".encode("latin-1"), 2, "", "not UTF-8"),
    "UTF-16": ("name: x\n".encode("utf-16"), 1, "", "not UTF-8"),
    "NUL byte": (b"name: x\nscale: 1\x000\n", 2, "", "U+0000"),
    "escape character": (b"name: x\n\ntitle: \x1b[31mred\n", 3, "", "U+001B"),
    "alias": ("name: &a x\ntitle: *a\n", 1, "name", "anchor"),
    "alias bomb": ("a: &a [x, x, x, x]\n" + "".join(f"{c}: &{c} [*{p}, *{p}, *{p}, *{p}]\n" for p, c in
                   zip("abcdefgh", "bcdefghi", strict=True)), 1, "a", "anchor"),
    "alias to itself": ("a: &a [*a]\n", 1, "a", "anchor"),
    "merge key": ("name: x\n<<: {scale: 5}\n", 2, "", "merge key"),
    "object tag": ("name: x\ntitle: !!python/object/apply:os.system ['echo hi']\n", 2, "title", "tag"),
    "object tag at the top": ("!!python/object/apply:os.system ['echo hi']\n", 1, "", "tag"),
    "tag on a number": ("name: x\nextends: base.yaml\nscale: !!int '5'\n", 3, "scale", "tag"),
    "two documents": ("name: x\nextends: base.yaml\n---\nname: y\n", 3, "", "second document"),
    "list as a key": ("name: x\n? [a, b]\n: 1\n", 2, "", "plain name"),
    "deep list": ("name: x\ntitle: " + "[" * 50_000, 2, "", "deeper"),
    "deep mapping": ("name: x\ntitle: " + "{a: " * 20_000, 2, "", "deeper"),
    "deep blocks": ("a:\n" + "".join(" " * i + "a:\n" for i in range(1, 400)), 17, "", "deeper"),
    "huge file": ("name: x\n" + "# filler\n" * 500_000, 1, "", "larger than"),
    "many values": ("title: [" + "1," * 60_000 + "]\n", 1, "", "more than"),
    "control characters in a key": (
        '"a\\nb\\u001b[31m": 1\nextends: base.yaml\n', 1, "<key of 8 characters>", "known key",
    ),
    "circle of one": ("name: x\nextends: x.yaml\n", 2, "extends", "circle"),
    "extends upwards": ("name: x\nextends: ../secret.yaml\n", 2, "extends", "not read"),
    "extends by detour": ("name: x\nextends: parameters/../../secret.yaml\n", 2, "extends", "not read"),
    "extends an absolute path": ("name: x\nextends: /etc/passwd\n", 2, "extends", "not read"),
    "extends a home": ("name: x\nextends: ~/x.yaml\n", 2, "extends", "not read"),
    "extends a drive": ("name: x\nextends: 'C:\\x.yaml'\n", 2, "extends", "not read"),
    "extends through a link": ("name: x\nextends: link.yaml\n", 2, "extends", "not read"),
    "extends through a linked folder": ("name: x\nextends: outside/secret.yaml\n", 2, "extends", "not read"),
    "extends a folder": ("name: x\nextends: parameters\n", 2, "extends", "not a regular file"),
    "missing base": ("name: x\nextends: bas.yaml\n", 2, "extends", "Did you mean 'base.yaml'?"),
    "extends a list": ("name: x\nextends: [base.yaml]\n", 2, "extends", "must be text"),
    "extends nothing": ("name: x\nextends:\n", 2, "extends", "must be text"),
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder, made the shipped one too, with a secret beside it and links that lead there."""
    made = write_folder(tmp_path / "scenarios")
    (tmp_path / "secret.yaml").write_text("password: hunter2\n")
    (made / "link.yaml").symlink_to(tmp_path / "secret.yaml")
    (made / "outside").symlink_to(tmp_path)
    monkeypatch.setattr(folders, "shipped_folder", lambda: made)
    return made


def faults_of(path: Path | str, **options: object) -> tuple[Fault, ...]:
    """The faults of a scenario that must have some, each in one line and all at once in short time."""
    began = time.perf_counter()
    with pytest.raises(InputError) as caught:
        load(path, **options)  # type: ignore[arg-type]
    assert time.perf_counter() - began < SECONDS
    text = str(caught.value)
    assert len(text.splitlines()) == len(caught.value.faults) >= 1
    assert "hunter2" not in text
    assert all(char.isprintable() or char == "\n" for char in text)
    assert all(len(line) < 6000 for line in text.splitlines())
    return caught.value.faults


@pytest.mark.parametrize("case", BAD)
def test_bad_file_is_told_with_its_line(case: str, folder: Path) -> None:
    content, line, key, words = BAD[case]
    path = folder / "x.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    first = faults_of(path)[0]
    assert (first.file, first.line, first.key) == (str(path), line, key), str(first)
    assert words in str(first)
    assert str(first).startswith(f"{path}:{line}: ")


@pytest.mark.parametrize("case", BAD)
def test_each_bad_file_has_one_fault_a_place(case: str, folder: Path) -> None:
    path = folder / "x.yaml"
    content = BAD[case][0]
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    places = [(fault.file, fault.line, fault.key) for fault in faults_of(path)]
    assert len(places) == len(set(places)) or case == "control characters in a key"


def test_all_faults_are_told_at_once(folder: Path) -> None:
    bad = DATED.replace(": 5", ": -3").replace("2020-12-01", "2020-12-32") + "    regions: [XX]\n    foo: 1\n"
    (folder / "x.yaml").write_text(bad.replace("name: x", "nam: x") + "scale: -1\n")
    lines = [fault.line for fault in faults_of(folder / "x.yaml")]
    assert lines == [1, 6, 8, 9, 10, 11]


def test_circle_over_two_files(folder: Path) -> None:
    (folder / "x.yaml").write_text("name: x\nextends: y.yaml\n")
    (folder / "y.yaml").write_text("name: y\n\nextends: x.yaml\n")
    (fault,) = faults_of(folder / "x.yaml")
    assert (fault.line, fault.key) == (3, "extends")
    assert fault.file.endswith("y.yaml")
    assert "circle" in fault.what


def test_chain_too_deep(folder: Path) -> None:
    for number in range(20):
        (folder / f"s{number}.yaml").write_text(f"extends: s{number + 1}.yaml\n")
    (fault,) = faults_of(folder / "s0.yaml")
    assert fault.key == "extends"
    assert "deep" in fault.what


def test_fault_in_the_base_points_at_the_base(folder: Path) -> None:
    (folder / "x.yaml").write_text("name: x\nextends: base.yaml\n")
    (folder / "base.yaml").write_text(BASE.replace("freeze_factor: 2", "freeze_factor: 0.5"))
    (fault,) = faults_of(folder / "x.yaml")
    assert fault.file.endswith("base.yaml")
    assert fault.line == 9


def test_things_that_are_no_files(folder: Path) -> None:
    os.mkfifo(folder / "pipe.yaml")
    for path in (folder, folder / "pipe.yaml", Path("/dev/zero"), Path("/dev/null")):
        (fault,) = faults_of(path)
        assert (fault.file, fault.line) == (str(path), 1)
        assert "not a regular file" in fault.what


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_unreadable_file(folder: Path) -> None:
    (folder / "base.yaml").chmod(0)
    (fault,) = faults_of(folder / "base.yaml")
    assert "permission" in fault.what


def test_missing_files_name_the_nearest(folder: Path) -> None:
    assert faults_of(folder / "bsae.yaml")[0].nearest == str(folder / "base.yaml")
    assert faults_of("bas")[0].nearest == "base"
    assert faults_of("nowhere/at/all.yaml")[0].nearest is None
    assert faults_of("")[0].what
    assert faults_of("a\0b")[0].what
    assert faults_of("a" * 5000)[0].what


@pytest.mark.parametrize("content", [b"\xef\xbb\xbf" + BASE.encode(), BASE.replace("\n", "\r\n").encode()])
def test_byte_order_mark_and_windows_lines_are_fine(content: bytes, folder: Path) -> None:
    (folder / "x.yaml").write_bytes(content)
    assert load(folder / "x.yaml").measure("account_cleanup-dormant").accounts == 740_000_000  # type: ignore[attr-defined]


SETS = {
    "scale": "path=value",
    "=3": "path=value",
    "scale=": "whole number",
    "scale=x": "whole number",
    "scale=-1": "1 or more",
    "scale=[1": "not valid YAML",
    "scale=.nan": "finite",
    "scale=!!python/name:os.system": "tag",
    "scael=3": "Did you mean 'scale'?",
    "extends=base.yaml": "cannot be set",
    "start=2021-02-30": "calendar date",
    "start=2023-01-01": "before",
    "parameters=3": "cannot be set",
    "parameters.gangs.growth=1": "Did you mean 'gangs.growth_per_year'?",
    "parameters.gangs.growth_per_year=7": "from 0 to 1",
    "parameters.gangs.growth_per_year=abc": "must be a number",
    "parameters.gangs.growth_per_year.x=1": "no entry",
    "parameters.gangs.staff[7]=1": "no entry",
    "parameters.gangs.staff[1]=-1": "must lie from 0",
    "parameters.gangs.shares.page=1": "Did you mean 'pages'?",
    "interventions.warning_lin.coverage=1": "Did you mean 'warning_line'?",
    "interventions.warning_line=1": "name a field",
    "interventions.warning_line.id=x": "name a field",
    "interventions.warning_line.freeze=1": "Did you mean 'freeze_factor'?",
    "interventions.warning_line.coverage=2": "1 or less",
    "interventions.warning_line.regions=[XX]": "no region",
    "interventions.warning_line.end=2020-01-01": "before",
    "scale=" + "[" * 5000: "deeper",
    "scale=" + "1" * 50_000: "path=value",
}


@pytest.mark.parametrize("patch", SETS, ids=lambda patch: patch[:50])
def test_bad_patches_are_told_as_patches(patch: str, folder: Path) -> None:
    (fault, *_) = faults_of("base", sets=[patch])
    assert (fault.file, fault.line) == ("--set", None)
    assert SETS[patch] in str(fault)
    assert str(fault).startswith("--set: ")


@pytest.mark.parametrize(("start", "end"), [("2021-02-30", None), ("x", None), ("2011-01-01", None),
                                            (None, "2031-01-01"), ("2020-01-01", "2019-01-01")])  # fmt: skip
def test_bad_windows(start: str | None, end: str | None, folder: Path) -> None:
    assert faults_of("base", start=start, end=end)[0].file in ("--start", "--end")


PASSPORTS = {
    "unknown parameter": ("staff:\n", "staf:\n", 16, "no parameter of the model"),
    "no unit": ("  unit: persons\n", "", 16, "is missing"),
    "unknown key": ("  unit: persons\n", "  unit: persons\n  unti: x\n", 19, "Did you mean 'unit'?"),
    "value outside its range": ("value: 0.19", "value: 1.9", 2, "must lie from 0 to 1"),
    "value outside its prior": ("value: 0.19", "value: 0.5", 2, "outside its own prior"),
    "prior outside the range": ("[0.14, 0.25]", "[0.14, 2.5]", 3, "leaves the range"),
    "prior upside down": ("[0.14, 0.25]", "[0.25, 0.14]", 3, "rising"),
    "unknown prior": ("{uniform:", "{uniforn:", 3, "Did you mean 'uniform'?"),
    "prior with a number too many": ("[0.14, 0.25]", "[0.14, 0.2, 0.25]", 3, "must be 2 numbers"),
    "range upside down": (
        "range: [0, 1]\n  meaning: Growth",
        "range: [1, 0]\n  meaning: Growth",
        5,
        "rising",
    ),
    "value as text": ("value: 0.19", "value: abc", 2, "must be a number"),
    "not finite": ("value: 0.19", "value: .inf", 2, "finite"),
    "unknown evidence": ("[F001]", "[F002]", 7, "not in the evidence table"),
    "a guess with a grade": ("grade: assumed\nstaff", "grade: A\nstaff", 15, "assumed when no evidence"),
    "unknown grade": ("grade: A\n", "grade: E\n", 8, "one of the choices"),
    "broken person": ("[1, 2, 3]", "[1, 2, 3.5]", 17, "whole number"),
    "no passport": ("staff:\n", "stuff: 3\nstaff:\n", 16, "must be a passport"),
    "not YAML": ("staff:\n", "staff: [\n", 18, "not valid YAML"),
}


@pytest.mark.parametrize("case", PASSPORTS)
def test_bad_parameter_files_of_a_copied_folder(case: str, folder: Path, tmp_path: Path) -> None:
    copy = write_folder(tmp_path / "copied")
    old, new, line, words = PASSPORTS[case]
    path = copy / "parameters" / "gangs.yaml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    found = [fault for fault in faults_of(copy / "base.yaml") if fault.line == line]
    assert found
    assert found[0].file == str(path)
    assert words in str(found[0])


def test_missing_parameter_of_a_copied_folder(folder: Path, tmp_path: Path) -> None:
    copy = write_folder(tmp_path / "copied")
    (copy / "parameters" / "gangs.yaml").unlink()
    assert {fault.key for fault in faults_of(copy / "base.yaml")} == {"growth_per_year", "shares", "staff"}


def test_parameters_behind_a_link_are_not_read(folder: Path, tmp_path: Path) -> None:
    copy = write_folder(tmp_path / "copied")
    (copy / "parameters" / "more.yaml").symlink_to(tmp_path / "secret.yaml")
    (fault,) = faults_of(copy / "base.yaml")
    assert "not read" in fault.what


def loads_or_complains(path: Path) -> None:
    """Load a file that may hold anything."""
    began = time.perf_counter()
    faults: tuple[Fault, ...] = ()
    try:
        load(path)
    except InputError as error:
        faults = error.faults
    assert all(fault.file == str(path) and fault.line for fault in faults)
    assert all(len(str(fault).splitlines()) == 1 for fault in faults)
    assert time.perf_counter() - began < SECONDS


FUZZ = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@FUZZ
@given(content=st.binary(max_size=400))
def test_any_bytes(content: bytes, folder: Path) -> None:
    (folder / "x.yaml").write_bytes(content)
    loads_or_complains(folder / "x.yaml")


@FUZZ
@given(content=st.text(alphabet="ab:- \n\t[]{}'\"#&*!|>%@`?,.0123456789~<=_\\", max_size=200))
def test_any_text_of_yaml_signs(content: str, folder: Path) -> None:
    (folder / "x.yaml").write_text(content)
    loads_or_complains(folder / "x.yaml")


@FUZZ
@given(data=st.data())
def test_any_mutation_of_a_scenario(data: st.DataObject, folder: Path) -> None:
    text = data.draw(st.sampled_from([BASE, DATED]))
    for _ in range(data.draw(st.integers(1, 4))):
        at, to = sorted(data.draw(st.integers(0, len(text))) for _ in range(2))
        pieces = st.sampled_from(
            ["", text[at:to] * 2, ": ", "\n", "  ", "- ", "[", "{", "null", "-1", "1e999", "{}"]
        )
        text = text[:at] + data.draw(pieces | st.text(max_size=4)) + text[min(to, at + 30) :]
    (folder / "x.yaml").write_text(text, encoding="utf-8", errors="surrogatepass", newline="")
    loads_or_complains(folder / "x.yaml")
