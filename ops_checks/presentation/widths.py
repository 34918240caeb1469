"""The width of a text on a terminal, in columns: a Korean syllable takes two."""

from __future__ import annotations

from unicodedata import category, east_asian_width

_WIDE = {"W", "F"}
_COMBINING = {"Mn", "Me"}
_JOINED_JAMO = range(0x1160, 0x1200)  # vowels and finals, drawn into the syllable before them


def display_width(text: str) -> int:
    """Return the columns that a visible text takes (Unicode Standard Annex 11; ambiguous characters count as one)."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def pad(text: str, columns: int) -> str:
    """Return the text filled with spaces up to `columns`; a wider one unchanged."""
    return text + " " * (columns - display_width(text))


def _columns(char: str) -> int:
    if east_asian_width(char) in _WIDE:
        return 2
    return 0 if category(char) in _COMBINING or ord(char) in _JOINED_JAMO else 1
