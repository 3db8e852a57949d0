"""What the repository promises about itself: it stands alone, names no machine, and its evidence adds up."""

from __future__ import annotations

import csv
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EVIDENCE = ROOT / "scenarios" / "evidence"
CENSUS_WITHOUT_SERVICEMEN = 1_409_778_724

# Put together here, so that this file does not hold what it forbids.
REGISTRIES = [".".join(parts) for parts in (("pypi", "org"), ("files", "pythonhosted", "org"))]
REGISTRIES += [".".join(parts) for parts in (("deb", "debian", "org"), ("registry", "npmjs", "org"))]
MACHINE_PATHS = ["/" + folder + "/" for folder in ("work", "root")]


def tracked_files() -> list[Path]:
    """Every file under version control, or every file of an unpacked archive outside it."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a checkout: there is no list of tracked files")
    paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    return [path for path in paths if path.is_file()]


def read_rows(name: str) -> list[dict[str, str]]:
    with (EVIDENCE / name).open(encoding="utf-8", newline="") as table:
        return list(csv.DictReader(table))


@pytest.mark.parametrize("forbidden", REGISTRIES + MACHINE_PATHS)
def test_no_tracked_file_names_a_registry_or_a_machine(forbidden: str) -> None:
    needle = forbidden.encode()
    guilty = [str(path.relative_to(ROOT)) for path in tracked_files() if needle in path.read_bytes()]
    assert guilty == []


def test_no_pickles() -> None:
    suffixes = {".pkl", ".pickle", ".dill", ".joblib"}
    assert [path.name for path in tracked_files() if path.suffix in suffixes] == []


def test_no_module_is_longer_than_five_hundred_lines() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in ROOT.glob("sim/**/*.py")
    }
    assert {name: lines for name, lines in lengths.items() if lines > 500} == {}


def test_every_lock_entry_is_pinned_and_hashed() -> None:
    for lock in sorted((ROOT / "requirements").glob("*.txt")):
        joined = lock.read_text().replace("\\\n", " ")
        entries = [line for line in joined.splitlines() if line.strip() and not line.startswith("#")]
        assert entries
        assert [
            entry.split()[0] for entry in entries if "==" not in entry or "--hash=sha256:" not in entry
        ] == []


def test_facts_have_unique_ids_and_known_grades() -> None:
    facts = read_rows("facts.csv")
    ids = [fact["id"] for fact in facts]
    assert len(ids) == len(set(ids)) == 320
    assert {fact["quality"] for fact in facts} == {"A", "B", "C", "D"}


def test_every_fact_with_a_unit_has_a_value() -> None:
    valueless = [
        fact["id"]
        for fact in read_rows("facts.csv")
        if fact["unit"] != "qualitative"
        and not any(fact[f"value_{kind}"] for kind in ("low", "best", "high"))
    ]
    assert valueless == []


def test_regions_are_the_census() -> None:
    regions = read_rows("regions.csv")
    assert len(regions) == len({region["code"] for region in regions}) == 31
    assert sum(int(region["population_2020"]) for region in regions) == CENSUS_WITHOUT_SERVICEMEN
    assert len({(region["grid_col"], region["grid_row"]) for region in regions}) == 31


def test_adult_shares_agree_with_the_printed_shares() -> None:
    for region in read_rows("regions.csv"):
        adults = float(region["adult_share_estimate"])
        assert 70 < adults < 95
        assert region["adult_share_basis"] in {"census", "estimate"}
        if region["share_0_14"]:
            assert adults == pytest.approx(100 - float(region["share_0_14"]), abs=0.02)
