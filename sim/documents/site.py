"""The pages of the documentation site, laid out for Sphinx: written by hand, and read off the code.

The layout is that of the repository, so a link between two pages leads to the same place here and where the
repository is shown. A page that is linked is taken along, a linked file too; a linked folder becomes its
README or a page that shows its files. Run by `make docs` as ``python -m sim.documents.site FOLDER``.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from posixpath import dirname, relpath

from sim.documents import command_pages, measure_cards, passports, words
from sim.documents.page import block, joined
from sim.errors import Fault, InputError

ROOT = words.ROOT.parent
SETTINGS = ROOT / "docs" / "conf.py"
FRONT = "README.md"
LINK = re.compile(r"(!?\[[^\]]*\]\()([^)\s]+)(\))")
FENCED = re.compile(r"^(```.*?^```$)", re.MULTILINE | re.DOTALL)
MEASURE_INDEX, PARAMETER_INDEX = "generated/measures/index.md", "generated/parameters/index.md"
FOLDERS = {"scenarios/parameters": PARAMETER_INDEX}
"""Folders that a generated page shows better than their files would."""

CHAPTERS: Mapping[str, tuple[str, ...]] = {
    "Learning": ("docs/tutorials/", "docs/app.md"),
    "The model": ("docs/model.md", "generated/odd.md", MEASURE_INDEX, PARAMETER_INDEX),
    "Working with it": ("docs/studies.md", "docs/extending.md", "generated/commands.md"),
    "Judging it": ("docs/limits.md", "docs/validation.md", "docs/performance.md"),
    "More": ("",),
}
"""The table of contents: pages, or beginnings of their paths; a page stands where it is named first."""


def site() -> tuple[dict[str, str], list[str]]:
    """Every page by its path in the site, and the files that pages link to, by their path in the repository.

    Raises
    ------
    InputError
        A link of a page written by hand leads to nothing, or out of the repository.
    """
    pages = dict(generated())
    waiting = [FRONT, "CHANGELOG.md", *sorted(_name(path) for path in (ROOT / "docs").rglob("*.md"))]
    files = []
    for name in waiting:  # grows meanwhile
        text, linked = rewritten(name)
        pages[_page(name)] = text
        for other in linked:
            if other.endswith(".md"):
                waiting += [other] if other not in waiting else []
            elif (ROOT / other).is_dir():
                pages.setdefault(_page(other), listing(other))
            else:
                files.append(other)
    for index in (MEASURE_INDEX, PARAMETER_INDEX):
        pages[index] = joined(pages[index], _tree("", _beside(index, pages), index))
    pages["index.md"] = joined(pages["index.md"], contents(pages))
    return pages, sorted(set(files))


def generated() -> dict[str, str]:
    """The pages that are read off the code and the shipped scenarios."""
    from sim.documents.odd import sheet
    from sim.documents.odd_page import page
    from sim.interventions import MEASURES
    from sim.model import FraudSupplyChain
    from sim.scenario import load

    scenario = load(measure_cards.OPERATION)
    found = {
        "generated/odd.md": page(sheet(FraudSupplyChain(scenario))),
        "generated/commands.md": command_pages.page(),
        MEASURE_INDEX: measure_cards.overview(),
        PARAMETER_INDEX: passports.overview(scenario),
    }
    for name in MEASURES:
        found[f"generated/measures/{name}.md"] = measure_cards.card(name)
    for group, known in passports.groups(scenario).items():
        found[f"generated/parameters/{group}.md"] = passports.page(group, known)
    return found


def rewritten(name: str) -> tuple[str, list[str]]:
    """A page of the repository with its links as the site has them, and what it links to, by path."""
    linked: list[str] = []

    def link(match: re.Match[str]) -> str:
        target, _, heading = match[2].partition("#")
        if not target or "://" in target:
            return match[0]
        wanted = ((ROOT / name).parent / target).resolve()
        if not wanted.exists() or not wanted.is_relative_to(ROOT):
            raise InputError([Fault(name, None, match[2], "leads to nothing", "Mend the link.")])
        readme = wanted / "README.md"
        there = _name(readme if readme.exists() else wanted)
        linked.append(there)
        to = relpath(_page(there), dirname(_page(name)) or ".")
        return match[1] + to + (f"#{heading}" if heading else "") + match[3]

    pieces = FENCED.split((ROOT / name).read_text(encoding="utf-8"))
    return "".join(piece if piece.startswith("```") else LINK.sub(link, piece) for piece in pieces), linked


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _page(name: str) -> str:
    """Where the site has a page, file or folder of the repository."""
    if name == FRONT:
        return "index.md"
    return FOLDERS.get(name, f"{name}/index.md") if (ROOT / name).is_dir() else name


def listing(folder: str) -> str:
    """A page that shows the YAML files of a folder."""
    shown = [
        joined(f"## {path.name}", block("yaml", path.read_text(encoding="utf-8")))
        for path in sorted((ROOT / folder).glob("*.yaml"))
    ]
    return joined(f"# {folder}", "The files of this folder, as they are shipped.", *shown)


def contents(pages: Iterable[str]) -> str:
    """The table of contents, which the sidebar shows: every page but those below an index of their own."""
    inner = {name for index in (MEASURE_INDEX, PARAMETER_INDEX) for name in _beside(index, pages)}
    left = [name for name in sorted(pages) if name != "index.md" and name not in inner]
    trees = []
    for chapter, beginnings in CHAPTERS.items():
        mine = [name for beginning in beginnings for name in left if name.startswith(beginning)]
        left = [name for name in left if name not in mine]
        trees.append(_tree(chapter, mine, "index.md"))
    return joined(*trees)


def _beside(index: str, pages: Iterable[str]) -> list[str]:
    return [name for name in pages if dirname(name) == dirname(index) and name != index]


def _tree(caption: str, names: Iterable[str], page: str) -> str:
    entries = [relpath(name, dirname(page) or ".").removesuffix(".md") for name in names]
    heading = f":caption: {caption}\n" if caption else ""
    text = f":hidden:\n{heading}:maxdepth: 1\n\n" + "\n".join(entries)
    return block("{toctree}", text) if entries else ""


def lay_out(target: Path) -> None:
    """Write the pages, what they link to and the settings into a folder.

    Raises
    ------
    InputError
        The folder holds something else; or a link is wrong.
    """
    if target.exists() and not (target / SETTINGS.name).exists():
        fault = Fault(str(target), None, "", "holds something else", "Name a folder that is not there yet.")
        raise InputError([fault])
    pages, files = site()
    shutil.rmtree(target, ignore_errors=True)
    for name, text in pages.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for name in files:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target / name)
    shutil.copyfile(SETTINGS, target / SETTINGS.name)


if __name__ == "__main__":
    try:
        lay_out(Path(sys.argv[1]))
    except InputError as problem:
        sys.exit(str(problem))
