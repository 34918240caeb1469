"""Read the text of a cell as Markdown does, to find out whether two texts are the same to it (FORMATS section 1).

A formatter escapes what Markdown could take for markup, and takes out escapes that it need not have. Neither changes
what is read. CommonMark 0.31 and GFM: a backslash escapes ASCII punctuation and nothing else, and in a code span not
even that; `&amp;` is a character; what is left of `*`, `_`, `[`, `<` is markup, or a character where it is none.
"""

from __future__ import annotations

import re
import sys
from bisect import bisect_right
from unicodedata import category

from msgspec import Struct

from ops_checks.rules.drift.same_text import MOST

_PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
_ESCAPE = re.compile(r"\\([" + re.escape(_PUNCTUATION) + "])")
_ENTITY = re.compile(r"&(?:#([0-9]{1,7})|#[xX]([0-9a-fA-F]{1,6})|([A-Za-z][A-Za-z0-9]{0,31}));")
_TICKS = re.compile(r"`+")
_ATTRIBUTE = r"[ \t]+[A-Za-z_:][\w:.-]*(?:[ \t]*=[ \t]*(?:[^\s\"'=<>`]+|'[^']*'|\"[^\"]*\"))?"
#: Raw HTML, and autolinks.
_RAW = re.compile(
    rf"<(?:[A-Za-z][A-Za-z0-9-]*(?:{_ATTRIBUTE})*[ \t]*/?|/[A-Za-z][A-Za-z0-9-]*[ \t]*|!--.*?--|\?.*?\?|![A-Za-z][^>]*"
    r"|!\[CDATA\[.*?\]\]|[A-Za-z][A-Za-z0-9+.-]{1,31}:[^\s<>]*|[\w.!#$%&'*+/=?^`{|}~-]+@[A-Za-z0-9.-]+)>",
    re.ASCII,
)
#: Where a link leads, behind its text: a target and perhaps a title.
_NESTED = r"\\.|[^\s()\\]|\((?:\\.|[^\s()\\])*\)"
_TITLE = r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|\((?:\\.|[^()\\])*\)"
_TAIL = re.compile(rf"\([ \t]*(?:<(?:\\.|[^<>\\])*>|(?!<)(?:{_NESTED})*)(?:[ \t]+(?:{_TITLE}))?[ \t]*\)")
#: A link that is written as it is, and what behind it is no part of it, escaped or not.
_BARE = re.compile(r"(?:https?://|ftp://|www\.)[^\s<]+", re.IGNORECASE)
_BEHIND = re.compile(r"(?:\\?[?!.,:;*_~'\"`]|\\)+$")
_BEFORE = " \t*_~("
_RUN = re.compile(r"\*+|_+|~+")
_SURROGATES = range(0xD800, 0xE000)
#: The longest run of tildes that strikes text through.
_STRIKE = 2


class _Run(Struct):
    """A run of `size` characters `*`, `_` or `~`, which is piece number `at` of a text.

    `opens`, `closes`: it may begin or end an emphasis. `left` characters of it do neither so far; `closing` ones
    before them and `opening` ones behind them do.
    """

    at: int
    char: str
    size: int
    opens: bool
    closes: bool
    left: int
    closing: int = 0
    opening: int = 0


def read_key(text: str) -> object:
    """Return what is equal for two texts wherever `same_text` says that they are the same."""
    return tuple(as_read(text)) if len(text) <= MOST else text


def as_read(text: str) -> list[str]:
    """Return what Markdown reads in a text: its characters, and each piece of markup as a text of several."""
    return _Reader(text).read()


class _Reader:
    """Reads one text. Each piece of it is what one construct is read as; a run of emphasis is known at the end."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._pieces: list[list[str]] = []
        self._runs: list[_Run] = []
        self._brackets: list[int] = []
        self._bangs: set[int] = set()
        self._ticks: dict[int, list[int]] = {}
        for run in _TICKS.finditer(text):
            self._ticks.setdefault(len(run[0]), []).append(run.start())

    def read(self) -> list[str]:
        """Return what is read, in order."""
        at, text = 0, self._text
        constructs = {"\\": self._escape, "&": self._entity, "`": self._code, "<": self._raw, "]": self._link}
        constructs |= dict.fromkeys("*_~", self._run) | dict.fromkeys("hHfFwW", self._bare_link)
        while at < len(text):
            char = text[at]
            if char == "[":
                self._brackets.append(len(self._pieces))
            elif char == "!":
                self._bangs.add(len(self._pieces))
            read = constructs.get(char)
            end = read(at) if read else None
            if end is None:
                self._pieces.append([char])
                end = at + 1
            at = end
        self._emphasize(0)
        return [token for piece in self._pieces for token in piece]

    def _escape(self, at: int) -> int | None:
        found = _ESCAPE.match(self._text, at)
        return self._add(found, [found[1]]) if found else None

    def _entity(self, at: int) -> int | None:
        found = _ENTITY.match(self._text, at)
        char = _character(found) if found else None
        return self._add(found, list(char)) if found and char else None

    def _raw(self, at: int) -> int | None:
        found = _RAW.match(self._text, at)
        return self._add(found, [found[0]]) if found else None

    def _bare_link(self, at: int) -> int | None:
        """Read a link of GFM that is written as it is: there is no emphasis in it."""
        found = _BARE.match(self._text, at)
        if not found or (at and self._text[at - 1] not in _BEFORE):
            return None
        link = _BEHIND.sub("", found[0])
        while link.endswith(")") and link.count(")") > link.count("("):
            link = _BEHIND.sub("", link[:-1])
        self._pieces.append(list(link))
        return at + len(link)

    def _code(self, at: int) -> int:
        """Read a code span, up to a run of as many backticks; without one the run is text."""
        run = _TICKS.match(self._text, at)
        size = len(run[0]) if run else 1
        starts = self._ticks.get(size, [])
        after = bisect_right(starts, at)
        if after == len(starts):
            self._pieces.append(["`"] * size)
            return at + size
        code = self._text[at + size : starts[after]]
        if code[0] == code[-1] == " " and code.strip(" "):
            code = code[1:-1]
        self._pieces.append([f"code {code}"])
        return starts[after] + size

    def _link(self, at: int) -> int | None:
        """Read the end of a link's text and where it leads; a bracket without either is text."""
        if not self._brackets:
            return None
        opener = self._brackets.pop()
        tail = _TAIL.match(self._text, at + 1)
        if not tail:
            return None
        self._emphasize(opener)
        self._pieces[opener] = ["[ opens"]
        if opener - 1 in self._bangs:
            self._pieces[opener - 1] = ["! opens"]
        leads = _ENTITY.sub(lambda each: _character(each) or each[0], _ESCAPE.sub(r"\1", tail[0]))
        return self._add(tail, [f"] closes {leads}"])

    def _run(self, at: int) -> int:
        found = _RUN.match(self._text, at)
        run = found[0] if found else self._text[at]
        end = at + len(run)
        before, after = self._text[at - 1 : at] or " ", self._text[end : end + 1] or " "
        left = not after.isspace() and (not _is_punctuation(after) or before.isspace() or _is_punctuation(before))
        right = not before.isspace() and (not _is_punctuation(before) or after.isspace() or _is_punctuation(after))
        opens, closes = left, right
        if run[0] == "_":
            opens = left and (not right or _is_punctuation(before))
            closes = right and (not left or _is_punctuation(after))
        self._runs.append(_Run(len(self._pieces), run[0], len(run), opens, closes, len(run)))
        self._pieces.append([])
        return end

    def _add(self, found: re.Match[str], tokens: list[str]) -> int:
        self._pieces.append(tokens)
        return found.end()

    def _emphasize(self, start: int) -> None:
        """Pair the runs from a piece on, and put what they are in their places."""
        inner = [run for run in self._runs if run.at >= start]
        self._runs = [run for run in self._runs if run.at < start]
        _pair(list(inner))
        for run in inner:
            closing, opening = [f"{run.char} closes"] * run.closing, [f"{run.char} opens"] * run.opening
            self._pieces[run.at] = [*closing, *run.char * run.left, *opening]


def _pair(stack: list[_Run]) -> None:
    """Pair the runs that begin an emphasis with those that end it (CommonMark, "process emphasis")."""
    bottoms: dict[tuple[str, bool, int], int] = {}
    at = 0
    while at < len(stack):
        closer = stack[at]
        key = (closer.char, closer.opens, closer.size % 3)
        opener = _opener(stack, at, bottoms.get(key, -1)) if closer.closes else None
        if opener is None:
            if closer.closes and at:
                bottoms[key] = stack[at - 1].at
            at += 1
            continue
        first = stack[opener]
        size = closer.size if closer.char == "~" else min(2, first.left, closer.left)
        first.left, first.opening = first.left - size, first.opening + size
        closer.left, closer.closing = closer.left - size, closer.closing + size
        keep = opener + (first.left > 0)
        del stack[keep:at]
        at = keep + (closer.left == 0)


def _opener(stack: list[_Run], at: int, bottom: int) -> int | None:
    """Return the index of the run that the one at an index ends, None if there is none above a bottom."""
    closer = stack[at]
    for index in range(at - 1, -1, -1):
        run = stack[index]
        if run.at <= bottom:
            return None
        if not run.opens or not run.left or run.char != closer.char:
            continue
        if run.char == "~":
            if run.size == closer.size <= _STRIKE:
                return index
            continue
        both = run.closes or closer.opens
        if not both or (run.size + closer.size) % 3 or not (run.size % 3 or closer.size % 3):
            return index
    return None


def _character(found: re.Match[str]) -> str | None:
    """Return the text of a character reference, None if there is none of that name."""
    decimal, hexadecimal, name = found.groups()
    if name:
        from html.entities import html5  # two thousand names, which few texts need

        return html5.get(f"{name};")
    code = int(decimal) if decimal else int(hexadecimal, 16)
    return chr(code) if 0 < code <= sys.maxunicode and code not in _SURROGATES else "\ufffd"


def _is_punctuation(char: str) -> bool:
    return category(char)[0] in "PS"
