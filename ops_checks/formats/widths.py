"""How many columns a text takes on a terminal: Korean takes two a syllable."""

from __future__ import annotations

from unicodedata import category, east_asian_width

_WIDE = {"W", "F"}
_ON_THE_ONE_BEFORE = {"Mn", "Me"}
_JAMO_JOINED = range(0x1160, 0x1200)  # vowels and finals, drawn into the syllable before them


def width(text: str) -> int:
    """Return the columns a visible text takes (Unicode Standard Annex 11; ambiguous characters count as one)."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def padded(text: str, columns: int) -> str:
    """Return the text filled with spaces up to so many columns; a longer one as it is."""
    return text + " " * (columns - width(text))


def _columns(char: str) -> int:
    if east_asian_width(char) in _WIDE:
        return 2
    return 0 if category(char) in _ON_THE_ONE_BEFORE or ord(char) in _JAMO_JOINED else 1
