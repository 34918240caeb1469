"""The width of a text on a terminal, in columns: a Korean syllable takes two."""

from __future__ import annotations

from unicodedata import category, east_asian_width

_WIDE = {"W", "F"}
_COMBINING = {"Mn", "Me"}
_JOINED_JAMO = range(0x1160, 0x1200)  # vowels and finals, drawn into the syllable before them


def display_width(text: str) -> int:
    """Return the columns that a visible text takes (Unicode Standard Annex 11; ambiguous characters count as one)."""
    return len(text) if text.isascii() else sum(map(_COLUMNS.__getitem__, text))


def pad(text: str, columns: int) -> str:
    """Return the text filled with spaces up to `columns`; a wider one unchanged."""
    return text + " " * (columns - display_width(text))


class _Columns(dict[str, int]):
    """The columns of each character that was asked for: a table of texts asks for few, and often."""

    def __missing__(self, char: str) -> int:
        """Return the columns of a character."""
        if east_asian_width(char) in _WIDE:
            columns = 2
        else:
            columns = 0 if category(char) in _COMBINING or ord(char) in _JOINED_JAMO else 1
        self[char] = columns
        return columns


_COLUMNS = _Columns()
