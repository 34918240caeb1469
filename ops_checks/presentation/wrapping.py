"""Wrap text at words to the columns of a terminal (Korean-aware): lines of text, and pages in Markdown."""

from __future__ import annotations

import re

from ops_checks.presentation.widths import display_width

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_FENCE = "```"
#: Lines that stay as they are: rows of tables, headings, comments.
_VERBATIM = ("|", "#", "<!--")
_MARKER = re.compile(r" *(?:[-*]|[0-9]+\.) ")


def wrapped(
    text: str, columns: int, *, first: str = "", rest: str = "", measure: Callable[[str], int] = display_width
) -> list[str]:
    """Return the lines of a text whose words are parted at spaces, each at most so many columns wide.

    `measure` returns the columns of a word. The first line begins with `first`, the others with `rest`. A word that is
    wider is not broken, so that a path can be copied; one in a script that is written without spaces is.
    """
    lines: list[str] = []
    line, room = first, columns - display_width(first)
    is_begun = False
    for word in _pieces(text, max(1, columns - display_width(rest))):
        width = measure(word)
        if is_begun and width + 1 > room:
            lines.append(line.rstrip())
            line, room, is_begun = rest, columns - display_width(rest), False
        if not (word or is_begun) and lines:
            continue  # spaces between columns, at which the line was broken
        line, room = (f"{line} {word}", room - width - 1) if is_begun else (line + word, room - width)
        is_begun = True
    return [*lines, line.rstrip()]


def _pieces(text: str, columns: int) -> Iterator[str]:
    """Yield the words of a text, those that may be broken in pieces of at most so many columns."""
    for word in text.split(" "):
        if word.isascii() or display_width(word) <= columns:
            yield word
            continue
        piece, width = "", 0
        for char in word:
            more = display_width(char)
            if piece and width + more > columns:
                yield piece
                piece, width = "", 0
            piece, width = piece + char, width + more
        yield piece


def reflowed(page: str, columns: int) -> str:
    """Return a page in Markdown whose paragraphs are wrapped anew; tables and blocks of code stay as they are."""
    return "\n".join(_reflowed(page.split("\n"), columns))


def _reflowed(lines: list[str], columns: int) -> Iterator[str]:
    words: list[str] = []
    first = rest = ""
    is_code = False
    for line in lines:  # the last one is empty
        marker = _MARKER.match(line)
        is_fence = line.lstrip().startswith(_FENCE)
        is_kept = is_code or is_fence or not line.strip() or line.startswith(_VERBATIM)
        if (is_kept or marker) and words:
            yield from wrapped(" ".join(words), columns, first=first, rest=rest)
            words, first, rest = [], "", ""
        if is_kept:
            yield line
        elif marker:
            first, rest = marker[0], " " * len(marker[0])
            words = [line[len(first) :]]
        else:
            words.append(line.strip())
        is_code ^= is_fence
