"""A policy's text as plain values with their positions, and what is wrong with it."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import NamedTuple

from msgspec import Struct, field

from ops_checks.policy.scalars import UNKNOWN

#: Keys and list indexes from the top of the document to a value.
Path = tuple[str | int, ...]

MAX_DEPTH = 50
#: The most values that are read: about half a second of parsing; a policy with 900 waivers fits.
MAX_VALUES = 10_000
#: In characters, apart from comments.
MAX_CONTENT = 300_000

_LINE = re.compile(r"\r\n|\n|\r")


class Offsets(NamedTuple):
    """The offsets of a value and of its key in the text, from 0; a value without a key has its own for both."""

    value: int
    key: int


class Problem(NamedTuple):
    """A defect of a policy: its offset in the text, from 0, the path of the value or key, and the message."""

    offset: int
    path: Path
    message: str


class YamlDocument(Struct):
    """One YAML document: its value, the offsets of every value in it by path, and its problems as YAML.

    `value` is UNKNOWN, or contains it, where the text could not be read.
    """

    text: str
    value: object = UNKNOWN
    offsets: dict[Path, Offsets] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    _lines: list[int] = field(default_factory=list)

    def line_column(self, offset: int) -> tuple[int, int]:
        """Return line and column of an offset, both from 1."""
        if not self._lines:
            self._lines = [0, *(match.end() for match in _LINE.finditer(self.text))]
        line = bisect_right(self._lines, offset)
        return line, offset - self._lines[line - 1] + 1
