"""Languages: the words that readers see, kept beside each other in every language that is spoken here.

A room of words is a shipped file `sim/views/words/ROOM.yaml`: under each key the text in each language. A
test keeps every key in every language.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from sim.scenario.source import read

LANGUAGES = ("en", "zh")
WORDS = Path(__file__).resolve().parent / "words"


@cache
def words(room: str, lang: str) -> Mapping[str, str]:
    """The words of a room in a language, by key. Raises KeyError for a language that a key does not have."""
    entries = read(WORDS / f"{room}.yaml", f"words/{room}.yaml").plain()
    return MappingProxyType({key: text[lang] for key, text in entries.items()})
