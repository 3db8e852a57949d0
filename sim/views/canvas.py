"""What all pictures share: type, grid, colours safe for colour-blind readers, the same bytes every time.

Colours are those of Okabe and Ito. The same results give the same picture, bit for bit.
"""

from __future__ import annotations

import io
import textwrap
import warnings
from collections.abc import Callable, Sequence
from typing import Any, Literal

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

COLOURS = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
GREY = "#555555"

_STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 11.0,
    "axes.titlesize": 12.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.7,
    "lines.linewidth": 2.0,
    "text.parse_math": False,
    "svg.hashsalt": "cardbreak",
}


def blank(width: float, height: float) -> Figure:
    """An empty figure of so many inches that lays itself out."""
    figure = Figure(figsize=(width, height), layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.06))
    FigureCanvasAgg(figure)
    return figure


def foot(figure: Figure, source: str) -> None:
    """The line at the foot that says where the numbers come from."""
    figure.supxlabel(source, fontsize=9, color=GREY, x=0.005, ha="left")


def titled(figure: Figure, title: str, what: str, how: str, source: str) -> None:
    """Title, what is shown, how to read it, and where it comes from, wrapped to the figure's width."""
    width = float(figure.get_size_inches()[0])
    heading = _wrapped((title, what), int(9.2 * width))
    figure.suptitle(heading, x=0.005, ha="left", fontsize=12.5, fontweight="bold", linespacing=1.35)
    foot(figure, _wrapped((how, source), int(13.5 * width)))


def _wrapped(texts: Sequence[str], width: int) -> str:
    """Each text in lines of so many characters at most, broken at spaces."""
    return "\n".join(line for text in texts for line in textwrap.wrap(text, width, break_on_hyphens=False))


def rendered(
    draw: Callable[[], Figure], form: Literal["png", "svg"] = "png", *, letters: bool = False
) -> bytes:
    """A figure drawn in the common style, whatever the user's settings are, as the bytes of a file.

    With `letters` an SVG keeps its text as text, for a page that brings the font; else as outlines.
    """
    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        matplotlib.rcdefaults()
        for key, value in _STYLE.items():
            matplotlib.rcParams[key] = value
        matplotlib.rcParams["svg.fonttype"] = "none" if letters else "path"
        figure = draw()
        buffer = io.BytesIO()
        none = {"png": {"Software": None}, "svg": {"Date": None, "Creator": None}}
        figure.savefig(buffer, format=form, dpi=120, metadata=none[form])
    return buffer.getvalue()
