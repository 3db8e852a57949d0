"""What the pages promise: their examples run, their links lead somewhere, and what they name exists."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from doc_pages import EXECUTED, LANGUAGES, LINK, SPAN, blocks, prose

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
WITH_PYTHON = [ROOT / "README.md", ROOT / "docs" / "extending.md"]
DRAWN_LATER = ROOT / "docs" / "forecast.png"


def command_lines(page: Path) -> Iterator[list[str]]:
    """Every cardbreak command line of a page, in words, without comments and without what follows > or |."""
    lines = [line for block in blocks(page) if block.language == "bash" for line in block.text.splitlines()]
    for line in [*lines, *SPAN.findall(prose(page))]:
        words = shlex.split(line, comments=True) if line.lstrip().startswith(("cardbreak", ".venv")) else []
        if words and Path(words[0]).name == "cardbreak":
            yield [word for word in words[1:] if word not in {">", "|", "&&"}]


def names(pages: list[Path]) -> list[str]:
    return [str(page.relative_to(ROOT)) for page in pages]


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def commands() -> dict[str, Any]:
    """The commands of the command line, by name."""
    from sim.cli import app

    group: Any = typer.main.get_command(app)
    return dict(group.commands)


@pytest.mark.parametrize("page", PAGES, ids=names(PAGES))
def test_every_block_says_its_language(page: Path) -> None:
    assert [block.text for block in blocks(page) if block.language not in LANGUAGES] == []


@pytest.mark.parametrize("page", WITH_PYTHON, ids=names(WITH_PYTHON))
def test_the_python_of_a_page_runs(page: Path, tmp_path: Path) -> None:
    """All blocks of a page, one after the other, as a reader would; warnings are errors."""
    for block in blocks(page):
        if block.language == "bash" and block.before == EXECUTED:
            for line in block.text.splitlines():
                run(sys.executable, "-m", "sim.cli", *shlex.split(line)[1:], cwd=tmp_path)
    script = tmp_path / "page.py"
    script.write_text("\n\n".join(block.text for block in blocks(page) if block.language == "python"))
    assert run(sys.executable, "-W", "error", script, cwd=tmp_path)


def test_the_gang_of_the_readme_fits_into_twenty_lines() -> None:
    text = next(block.text for block in blocks(ROOT / "README.md") if block.language == "python")
    until = text.index("model.run_model()")
    assert len([line for line in text[:until].splitlines() if line.strip()]) <= 20


@pytest.mark.parametrize("page", PAGES, ids=names(PAGES))
def test_the_scenarios_of_a_page_load(page: Path, tmp_path: Path) -> None:
    from sim.experiment import read_experiment
    from sim.experiment.points import points_of
    from sim.scenario import load

    for block in blocks(page):
        if block.language == "yaml":
            name = re.search(r"^name: (\S+)$", block.text, re.MULTILINE)
            assert name is not None
            file = tmp_path / f"{name[1]}.yaml"
            file.write_text(block.text)
            if re.search(r"^scenarios:", block.text, re.MULTILINE):
                assert len(points_of(*read_experiment(file))) > 1
                continue
            scenario = load(str(file))
            assert scenario.name == name[1]
            assert scenario.to_dict() != load("baseline").to_dict()


@pytest.mark.parametrize("page", PAGES, ids=names(PAGES))
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    later = []
    for target in LINK.findall(prose(page)):
        if target.startswith(("http://", "https://")):
            continue
        path, _, heading = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if file == DRAWN_LATER and not file.exists():
            later.append(target)
            continue
        assert file.exists(), f"{target} is no file"
        assert not heading or heading in headings(file), f"{target} is no heading"
    if later:
        pytest.skip(f"not drawn yet: {', '.join(later)}")


def headings(page: Path) -> set[str]:
    """The headings of a page as links name them."""
    found = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", text.lower()).strip().replace(" ", "-") for text in found}


@pytest.mark.parametrize("page", PAGES, ids=names(PAGES))
def test_every_command_and_option_exists(page: Path, commands: dict[str, Any]) -> None:
    for command, *words in command_lines(page):
        assert command in commands, f"cardbreak {command}"
        known = {option for parameter in commands[command].params for option in parameter.opts}
        named = {word.split("=")[0] for word in words if word.startswith("--")}
        assert named <= known, f"cardbreak {command}: {named - known}"


def test_the_options_that_the_readme_names_exist(commands: dict[str, Any]) -> None:
    named = {span.split()[0] for span in SPAN.findall(prose(ROOT / "README.md")) if span.startswith("--")}
    known = {option for one in commands.values() for parameter in one.params for option in parameter.opts}
    assert named - {"--help"} <= known


def test_the_readme_names_every_command_and_shipped_scenario(commands: dict[str, Any]) -> None:
    from sim.scenario import shipped_scenarios

    text = (ROOT / "README.md").read_text()
    used = {words[0] for words in command_lines(ROOT / "README.md")}
    assert used == set(commands)
    assert [name for name in shipped_scenarios() if f"| `{name}` |" not in text] == []


@pytest.mark.parametrize("page", PAGES, ids=names(PAGES))
def test_every_make_target_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    code = [*SPAN.findall(prose(page)), *(b.text for b in blocks(page) if b.language == "bash")]
    named = {target for text in code for target in re.findall(r"(?:^|&& )make ([a-z-]+)", text, re.MULTILINE)}
    assert named <= targets


@pytest.mark.parametrize("page", PAGES, ids=names(PAGES))
def test_every_file_named_in_code_exists(page: Path) -> None:
    spans = [
        span for span in SPAN.findall(prose(page)) if re.match(r"(sim|tests|scenarios|requirements)/", span)
    ]
    assert [span for span in spans if not (ROOT / span).exists()] == []


def test_the_model_page_lists_the_phases_of_the_day() -> None:
    import sim

    model = sim.FraudSupplyChain(sim.load("baseline", sets=["scale=100000", "end=2018-01-31"]))
    rows = re.findall(r"^\| (\d+) \| ([a-z ]+) \|", (ROOT / "docs" / "model.md").read_text(), re.MULTILINE)
    assert [(int(number), name) for number, name in rows] == [(n, name) for n, name, _ in model.phases]


def test_the_model_page_says_where_each_equation_stands() -> None:
    page = (ROOT / "docs" / "model.md").read_text()
    rows = re.findall(r"^\| (4\.\d+) \| [^|]+ \| `([^`]+)` \| `([^`]+)` \|$", page, re.MULTILINE)
    assert [number for number, _, _ in rows] == [f"4.{k}" for k in range(1, 17)]
    missing = [
        (number, module, name)
        for number, module, name in rows
        if not re.search(rf"^\s*(def|class) {name}\b", (ROOT / module).read_text(), re.MULTILINE)
    ]
    assert missing == []


def test_the_model_page_has_a_row_for_every_measure() -> None:
    from sim.interventions import MEASURES

    rows = re.findall(r"^\| \w+ \| `(\w+)`", (ROOT / "docs" / "model.md").read_text(), re.MULTILINE)
    assert set(rows) == set(MEASURES)


def test_the_pages_name_every_pattern() -> None:
    from sim.study.patterns import definitions

    for page in (ROOT / "README.md", ROOT / "docs" / "model.md"):
        named = set(re.findall(r"^(?:\| )?(P\d+)", page.read_text(), re.MULTILINE))
        assert {identifier for identifier, _ in definitions()} <= named


def test_parameters_named_on_the_pages_exist() -> None:
    import sim

    parameters = sim.load("baseline").parameters
    groups = {path.stem for path in (ROOT / "scenarios" / "parameters").glob("*.yaml")}
    named = {span for page in PAGES for span in SPAN.findall(prose(page)) if span.split(".")[0] in groups}
    dotted = {span for span in named if re.fullmatch(r"[a-z]+\.[a-z_]+", span)}
    assert [name for name in sorted(dotted) if parameters[name] is None] == []


def test_facts_named_in_the_readme_exist() -> None:
    facts = (ROOT / "scenarios" / "evidence" / "facts.csv").read_text()
    named = re.findall(r"\bF\d{3}\b", (ROOT / "README.md").read_text())
    assert named
    assert [fact for fact in named if f"\n{fact}," not in facts] == []
