"""The tile map: 31 regions on an even grid, each with its code, its number and a shade from light to dark."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from sim.views.app.text import LETTERS, SOFT, change, escaped, label, picture, short

SHADES = ("#f1f5fa", "#d0e1f0", "#9cc3e0", "#5d9bc9", "#2a6fa8", "#0b4579")
"""One hue from light to dark, so that it can be read in grey as well; dark tiles have white words."""

TILE = 46.0
DARK = 4


@dataclass(frozen=True)
class Place:
    """A region: its code, its name, its adults, its column and row on the grid."""

    code: str
    name: str
    adults: int
    column: int
    row: int


def places_of(table: pd.DataFrame, lang: str) -> list[Place]:
    """The regions of a table as :func:`sim.study.session.places` gives it."""
    columns = ("code", f"name_{lang}", "adults", "grid_col", "grid_row")
    rows = zip(*(table[name].tolist() for name in columns), strict=True)
    return [Place(*row) for row in rows]


def tile_map(
    rates: Mapping[str, Mapping[str, float]],
    side: str,
    places: list[Place],
    words: Mapping[str, str],
    lang: str,
) -> str:
    """An SVG of one world; ``rates`` holds a number for each side and region, shades are shared by both."""
    values = [value for one in rates.values() for value in one.values()]
    low, high = min(values), max(values)
    columns = [place.column for place in places]
    rows = [place.row for place in places]
    parts = []
    for place in places:
        value = rates[side].get(place.code, 0.0)
        shade = min(int((value - low) / max(high - low, 1e-9) * len(SHADES)), len(SHADES) - 1)
        apart = change(value, rates["left"].get(place.code, 0.0)) if side == "right" else ""
        x, y = (place.column - min(columns)) * TILE, (place.row - min(rows)) * TILE
        parts.append(_tile(x, y, place, short(value, lang), shade, apart, lang))
    width = (max(columns) - min(columns) + 1) * TILE
    height = (max(rows) - min(rows) + 1) * TILE
    parts += _legend(low, high, height, words, lang)
    world = words["world_a" if LETTERS[side] == "A" else "world_b"]
    listed = ", ".join(f"{place.name} {short(rates[side].get(place.code, 0.0), lang)}" for place in places)
    return picture(width, height + 26, words["map_alt"].format(world=world, list=listed), parts, "tiles")


def _tile(x: float, y: float, place: Place, number: str, shade: int, apart: str, lang: str) -> str:
    ink = "#ffffff" if shade >= DARK else "#1d2733"
    side = TILE - 3
    title = escaped(f"{place.name}: {number} {apart}".strip())
    name = place.name if lang == "zh" else place.code
    parts = [
        f'<g><title>{title}</title><rect x="{x:.1f}" y="{y:.1f}" width="{side}" height="{side}" rx="5" '
        f'fill="{SHADES[shade]}" stroke="#8fa3b5" stroke-width="0.6"/>',
        label(x + side / 2, y + 14, name, size=12, anchor="middle", colour=ink, bold=True),
        label(x + side / 2, y + 27, number, size=11, anchor="middle", colour=ink),
    ]
    if apart:
        parts.append(label(x + side / 2, y + 39, apart.replace(" ", ""), size=9, anchor="middle", colour=ink))
    return "".join([*parts, "</g>"])


def _legend(low: float, high: float, y: float, words: Mapping[str, str], lang: str) -> list[str]:
    """The shades with the numbers at their ends."""
    first = f"{words['few']} {short(low, lang)}"
    at = 62.0
    parts = [label(at - 6, y + 19, first, size=11, anchor="end", colour=SOFT)]
    for number, shade in enumerate(SHADES):
        parts.append(
            f'<rect x="{at + number * 22}" y="{y + 8}" width="22" height="13" fill="{shade}" '
            f'stroke="#8fa3b5" stroke-width="0.5"/>'
        )
    last = f"{short(high, lang)} {words['many']}"
    parts.append(label(at + 22 * len(SHADES) + 6, y + 19, last, size=11, colour=SOFT))
    return parts
