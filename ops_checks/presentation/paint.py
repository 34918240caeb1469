"""Colours of a terminal: surround this program's own words, and texts that were made visible before."""

from __future__ import annotations

import re

from ops_checks.presentation.widths import display_width

BOLD, DIM, RED, GREEN, YELLOW = 1, 2, 31, 32, 33


_PAINT = re.compile("\x1b\\[[0-9;]*m")


def painted_width(text: str) -> int:
    """Return the columns that a visible text takes on a terminal, painted or not."""
    return display_width(_PAINT.sub("", text))


class Paint:
    """Colours a text if it is on, else leaves it as it is."""

    __slots__ = ("on",)

    def __init__(self, *, on: bool) -> None:
        self.on = on

    def __call__(self, text: str, *codes: int) -> str:
        """Return a text between the sequences of some codes."""
        return f"\x1b[{';'.join(map(str, codes))}m{text}\x1b[0m" if self.on else text
