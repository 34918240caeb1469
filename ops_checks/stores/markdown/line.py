"""One line of a Markdown document, read from its beginning by column (CommonMark 2.2, 5.1, 5.2)."""

from __future__ import annotations

from ops_checks.stores.markdown.block_starts import (
    BLANK,
    BULLETS,
    CODE_INDENT,
    DIGITS,
    LEAST_MARKS,
    LONGEST_MARKER,
    TAB,
    marker_width,
)

#: So many quote marks are skipped at once where a line goes on with nothing else.
_MANY = 16
_MANY_QUOTES = (">" * _MANY, "> " * _MANY)
_AFTER_QUOTE = ">" + BLANK
_ENDS = (".", ")")  # of a number in a list
_MOST_SPACES = 4  # after a list marker, before they count as the indent of code


class Line:
    """What is left of a line: `text[at:end]` begins in column `start`, and the block that it is in, in `column`.

    Columns count from 0, a tab up to the next multiple of 4. Nothing is copied: a line may have a million markers.
    """

    __slots__ = ("_tails", "at", "column", "end", "start", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.end = len(text.rstrip(BLANK))
        self.at = self.start = self.column = 0
        self._tails: dict[str, int] = {}
        if text[:1] in BLANK:
            self._skip_blanks(0)

    @property
    def is_blank(self) -> bool:
        """Whether nothing is left."""
        return self.at >= self.end

    @property
    def indent(self) -> int:
        """The columns between the block and what is left."""
        return self.start - self.column

    @property
    def rest(self) -> str:
        """What is left, trimmed."""
        return self.text[self.at : self.end]

    def skip_quotes(self, most: int) -> int:
        """Skip quote marks, `most` at most, each with the column of blank behind it; return how many there were."""
        text, at, count = self.text, self.at, 0
        if self.start - self.column >= CODE_INDENT:
            return 0
        if text[at : at + 2] == "> " and at + 2 < self.end and text[at + 2] not in _AFTER_QUOTE:
            self.at = at + 2  # nearly all of them are like this
            self.column = self.start = self.start + 2
            return 1
        while count < most and text[self.at : self.at + 1] == ">" and self.start - self.column < CODE_INDENT:
            marks, run = 1, ">"
            if count + _MANY <= most and text.startswith(_MANY_QUOTES, self.at):
                marks, run = _MANY, ">" * _MANY if text[self.at + 1] == ">" else "> " * _MANY
            count += marks
            self.column = self.start = self.start + len(run)
            self._skip_blanks(self.at + len(run))
            self.column += run[-1] == ">" and self.start > self.column
        return count

    def skip_marker(self, *, interrupts: bool) -> int:
        """Skip a list marker; return the columns from the block to its item's content, 0 if none is next.

        `interrupts`: the line continues a paragraph (see `marker_width`).
        """
        text, at, indent = self.text, self.at, self.start - self.column
        width = 1 if text[at] in BULLETS else 2 if text[at] in DIGITS and text[at + 1 : at + 2] in _ENDS else 0
        content = at + width + 1
        if width and text[content - 1 : content] == " " and content < self.end and text[content] not in BLANK:
            if interrupts and width > 1 and text[at] != "1":
                return 0
            self.at = content  # nearly all of them are like this
            self.column = self.start = self.start + width + 1
            return indent + width + 1
        width = marker_width(text[at : min(self.end, at + LONGEST_MARKER + 1)], interrupts=interrupts)
        if not width:
            return 0
        self.column = self.start = self.start + width
        self._skip_blanks(at + width)
        spaces = self.start - self.column
        padding = spaces if spaces <= _MOST_SPACES and self.at < self.end else 1
        self.column += padding
        return indent + width + padding

    def is_rule(self) -> bool:
        """Return whether what is left is a thematic break: three or more of one mark, and blanks between them."""
        mark = self.text[self.at]
        if mark not in "-_*":
            return False
        if mark not in self._tails:  # looked for once: a line of markers asks at each of them
            self._tails[mark] = len(self.text[: self.end].rstrip(mark + " \t"))
        return self.at >= self._tails[mark] and self.text.count(mark, self.at) >= LEAST_MARKS

    def _skip_blanks(self, at: int) -> None:
        """Go on to the first character from `at` on, in column `start`, that is no blank."""
        text = self.text
        while (char := text[at : at + 1]) == " " or char == "\t":
            self.start += 1 if char == " " else TAB - self.start % TAB
            at += 1
        self.at = at
