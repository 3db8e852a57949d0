"""What all pictures share: type, grid, colours safe for colour-blind readers, the same bytes every time.

Colours are those of Okabe and Ito. The same results give the same picture, bit for bit.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from typing import Any

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
}


def blank(width: float, height: float) -> Figure:
    """An empty figure of so many inches that lays itself out."""
    figure = Figure(figsize=(width, height), layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.06))
    FigureCanvasAgg(figure)
    return figure


def foot(figure: Figure, source: str) -> None:
    """The line at the foot that says where the numbers come from."""
    figure.supxlabel(source, fontsize=9, color=GREY, x=0.005, ha="left")


def rendered(draw: Callable[[], Figure]) -> bytes:
    """A figure drawn in the common style, whatever the user's settings are, as the bytes of a PNG file."""
    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        matplotlib.rcdefaults()
        for key, value in _STYLE.items():
            matplotlib.rcParams[key] = value
        figure = draw()
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=120, metadata={"Software": None})
    return buffer.getvalue()
