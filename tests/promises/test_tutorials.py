"""What the tutorials promise: every one runs as it stands, in an empty folder."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import pytest
from doc_pages import EXECUTED, blocks

TUTORIALS = sorted((Path(__file__).resolve().parents[2] / "docs" / "tutorials").glob("*.md"))


@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_a_tutorial_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its files are written, its commands and its Python are run, in the order of the page."""
    from sim.cli import guarded
    from sim.interventions import MEASURES

    monkeypatch.chdir(tmp_path)
    known = dict(MEASURES)
    names: dict[str, object] = {"__name__": "tutorial"}
    ran = 0
    try:
        for block in blocks(page):
            if block.language == "yaml":
                name = re.search(r"^name: (\S+)$", block.text, re.MULTILINE)
                assert name is not None
                Path(f"{name[1]}.yaml").write_text(block.text)
            elif block.language == "python":
                exec(compile(block.text, str(page), "exec", dont_inherit=True), names)
                ran += 1
            elif block.before == EXECUTED:
                for line in filter(
                    None, (shlex.split(each, comments=True) for each in block.text.splitlines())
                ):
                    monkeypatch.setattr(sys, "argv", line)
                    assert guarded() == 0, line
                    ran += 1
    finally:
        MEASURES.clear()
        MEASURES.update(known)
    assert ran >= 3


def test_there_is_a_tutorial_for_each_kind_of_reader() -> None:
    assert len(TUTORIALS) == 6
