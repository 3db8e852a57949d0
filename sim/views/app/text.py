"""Numbers, months and shapes as text: short numbers in the reader's language, and pieces of SVG."""

from __future__ import annotations

import html
import math
from datetime import date

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
STEPS = {
    "en": ((1e9, " bn"), (1e6, " m"), (1e3, "k")),
    "zh": ((1e8, "亿"), (1e4, "万")),
}
NOTHING = "–"
MANY_TIMES = 400.0
"""From so many per cent more on a difference is told as so many times."""

COLOURS = {"left": "#0b5fa5", "right": "#b8420f"}
"""Blue and vermilion, which every kind of colour vision tells apart; each world has its letter beside."""

LETTERS = {"left": "A", "right": "B"}
INK, SOFT, LINE, PAPER = "#1d2733", "#4a5866", "#d5dbe1", "#ffffff"


def short(value: float, lang: str) -> str:
    """A number in two or three figures: 81k, 1.2 m; 8.1万. A dash where there is none."""
    if math.isnan(value):
        return NOTHING
    if value < 0:
        return f"−{short(-value, lang)}"
    for size, word in STEPS[lang]:
        if value >= size * 0.9995:
            return f"{_figures(value / size)}{word}"
    return _figures(value)


def _figures(value: float) -> str:
    if value >= 9.95 or value == 0:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 0.95 else f"{value:.2g}"


def share(value: float) -> str:
    """A share in per cent."""
    return NOTHING if math.isnan(value) else f"{value * 100:.0f}%"


def change(ours: float, theirs: float) -> str:
    """What world B has more or less than A, in per cent with a sign and an arrow; empty where it is the same.

    Of a count from nothing there is no share: the arrow alone.
    """
    if math.isnan(ours) or math.isnan(theirs) or ours == theirs:
        return ""
    arrow = "▲" if ours > theirs else "▼"
    if not theirs:
        return arrow
    points = (ours / theirs - 1.0) * 100.0
    if abs(points) < 0.5:
        return ""
    if points >= MANY_TIMES:
        return f"{arrow} ×{points / 100.0 + 1.0:.0f}"
    return f"{arrow} {'+' if points > 0 else '−'}{abs(points):.0f}%"


def month_name(month: date, lang: str) -> str:
    """A month as a reader writes it."""
    return f"{month.year}年{month.month}月" if lang == "zh" else f"{MONTHS[month.month - 1]} {month.year}"


def escaped(text: str) -> str:
    """Text for HTML and SVG."""
    return html.escape(text, quote=True)


def label(
    x: float,
    y: float,
    text: str,
    *,
    size: float = 11,
    anchor: str = "start",
    colour: str = INK,
    bold: bool = False,
) -> str:
    """A text in a picture; ``anchor`` is start, middle or end."""
    weight = ' font-weight="700"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" text-anchor="{anchor}" fill="{colour}"{weight}>'
        f"{escaped(text)}</text>"
    )


def picture(width: float, height: float, alt: str, parts: list[str], name: str) -> str:
    """A whole picture: scales with its place, and says in words what it shows."""
    return (
        f'<svg class="{name}" viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escaped(alt)}" '
        f'xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg>'
    )
