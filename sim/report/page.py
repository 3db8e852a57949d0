"""From a results folder to the page: one HTML file that opens from disk and needs nothing else.

The page has no script and loads nothing: styles and pictures stand in it, fonts are the reader's own. The
template escapes every text; a link is one only if it leads into the page or to a source by http or https.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from sim.observe.store import REPORT
from sim.report.answer import answer
from sim.report.origins import origins
from sim.report.reading import Material, material
from sim.report.sections import found, numbers
from sim.report.speech import Speech

MOST_PAGE_BYTES = 32 * 2**20
"""A larger page is refused: no browser opens it gladly, and no memo takes it."""

HERE = Path(__file__).parent


def name_of(lang: str) -> str:
    """The file name of a report in a language."""
    return REPORT if lang == "en" else f"report.{lang}.html"


def page(folder: Path, lang: str = "en") -> bytes:
    """The report of a results folder in a language, as the bytes of an HTML file.

    Raises `InputError` where the folder is not one of `run`, `compare` or `forecast`, or not whole.
    """
    return rendered(material(folder), Speech(lang))


def rendered(found_there: Material, speech: Speech) -> bytes:
    """The page of what a folder holds. Raises `InputError` where it would be too large."""
    from sim.observe.store import refusal

    first = answer(found_there, speech)
    sections = [*found(found_there, speech), *origins(found_there, speech), numbers(found_there, speech)]
    content: dict[str, Any] = {
        "speech": speech,
        "answer": first,
        "sections": sections,
        "style": Markup((HERE / "style.css").read_text(encoding="utf-8")),
    }
    html = _environment().get_template("page.html.j2").render(content).encode("utf-8", "backslashreplace")
    if len(html) > MOST_PAGE_BYTES:
        what = f"would make a report larger than {MOST_PAGE_BYTES // 2**20} MB"
        raise refusal(found_there.path, what, "Compare fewer scenarios, or a shorter window.")
    return html


def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
