"""Find the lines of a Markdown document in blocks that cannot contain a table (CommonMark, GFM)."""

from __future__ import annotations

from itertools import repeat

from ops_checks.stores.markdown.block_starts import BLANK, CODE_INDENT, indent_of, is_plain, opens
from ops_checks.stores.markdown.open_blocks import OpenBlocks

#: So many different short lines are remembered, with the blocks that each is in and leaves open: of millions of lines
#: that are not plain text, most are the same.
_MOST_KNOWN = 1 << 12
_SHORT = 32
_SHALLOW = 8


class Blocks:
    """The blocks of a document, line by line."""

    def __init__(self) -> None:
        self._text = OpenBlocks(paragraph=True)
        self._states: dict[object, OpenBlocks] = {}
        #: By the open blocks and a line: what `enter` returns, and the open blocks then. None of these changes.
        self._known: dict[tuple[OpenBlocks, str], tuple[bool, OpenBlocks]] = {}
        self._shared = True
        self._now = OpenBlocks()

    @property
    def deep(self) -> bool:
        """Whether the line is text only because it continues a paragraph: it is indented like code."""
        return self._now.deep

    @property
    def at_top(self) -> bool:
        """Whether the line is in no list item and no quote."""
        return not self._now.containers

    @property
    def in_code(self) -> bool:
        """Whether the line stands in a fenced code block, or in an HTML block of code."""
        return self._now.in_code

    def enter(self, text: str) -> bool:
        """Process the next line; return whether it belongs to a block in which there is no table."""
        now = self._now
        if is_plain(text) and (now is self._text or not (now.containers or now.is_raw)):
            self._now, self._shared = self._text, True
            return False
        known = self._known.get((now, text)) if self._shared else None
        if known is None:
            return self._enter(text)
        belongs, self._now = known
        return belongs

    def _enter(self, text: str) -> bool:
        before = self._now
        after = before.copy() if self._shared else before
        belongs = after.enter(text)
        room = max(len(self._known), len(self._states)) < _MOST_KNOWN
        few = room and len(after.containers) < _SHALLOW
        if few:
            after = self._states.setdefault(after.content(), after)
            if self._shared and len(text) < _SHORT:
                self._known[before, text] = belongs, after
        self._now, self._shared = after, few
        return belongs

    def table_end(self, lines: list[str], start: int) -> int:
        """Return the index of the first line, from `start` on, that ends the open table; `len(lines)` if none does."""
        rest = lines[start:] if start else lines
        containers = self._now.containers
        if not containers and all(map(str.startswith, rest, repeat("|"))):  # as in all of a table but its last chunk
            return len(lines)
        base = sum(containers)  # no quote contains the table
        known: dict[str, bool] = {}  # of a million lines that are no rows, most are the same
        end = next((at for at, line in enumerate(rest, start) if _known_to_end(line, base, known)), len(lines))
        if end < len(lines):
            self._now, self._shared = self._now.copy(paragraph=False), False
        return end


def _known_to_end(line: str, base: int, known: dict[str, bool]) -> bool:
    ends = known.get(line)
    if ends is None:
        ends = known[line] = _ends_table(line, base)
    return ends


def _ends_table(line: str, base: int) -> bool:
    """Return whether a line after a table's row ends the table: blank, or the start of a block (GFM 4.10)."""
    if not base and line and is_plain(line):
        return False
    indent = indent_of(line) - base
    body = line.strip(BLANK)
    return not body or not 0 <= indent < CODE_INDENT or opens(body)
