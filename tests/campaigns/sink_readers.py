"""Independent readers of the places where text goes out: a terminal, a log of GitHub's runner, a Markdown table."""

from __future__ import annotations

import re
from functools import cache
from unicodedata import category

from markdown_it import MarkdownIt

#: What .NET's TrimStart takes off, which the runner calls on every line: white space as Unicode has it.
_TRIMMED = "".join(
    chr(code)
    for code in (
        *range(0x9, 0xE),
        0x20,
        0x85,
        0xA0,
        0x1680,
        *range(0x2000, 0x200B),
        0x2028,
        0x2029,
        0x202F,
        0x205F,
        0x3000,
    )
)
_REGISTERED = {
    "error", "warning", "notice", "debug", "group", "endgroup", "add-mask", "set-env", "set-output", "save-state",
    "add-path", "add-matcher", "remove-matcher", "echo", "stop-commands", "command", "internal-set-repo-path",
}  # fmt: skip
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_ESCAPE = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|([nrt\\]))")
_NAMED = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\"}


def terminal_lines(shown: str) -> list[str]:
    """Read text as a terminal does: lines, in which no character moves the cursor or cannot be seen.

    Raises ValueError for one that does. Each line has its escapes resolved, so that it is the text meant.
    """
    lines = shown.split("\n")
    if lines.pop():
        raise ValueError("the last line has no end")
    odd = {char for line in lines if not line.isprintable() for char in line if category(char) in _INVISIBLE}
    if odd:
        raise ValueError(f"a terminal would obey, or not show, {sorted(map(ascii, odd))[:5]}")
    return [unescaped(line) for line in lines]


def unescaped(line: str) -> str:
    r"""Return a line with `\x1b`, `\u202e`, `\n` and their like as the characters they stand for."""
    return _ESCAPE.sub(lambda match: _NAMED.get(match[4]) or chr(int(match[1] or match[2] or match[3], 16)), line)


@cache
def as_shown(text: str) -> str:
    """Return a text as it must be shown: each character that cannot be seen as its escape, resolved again as a line is.

    Not the text itself, for a backslash before an escape makes it another one.
    """
    return unescaped("".join(_escaped(char) if category(char) in _INVISIBLE else char for char in text))


def _escaped(char: str) -> str:
    return repr(char)[1:-1] if ord(char) < _ASCII else char.encode("unicode_escape").decode("ascii")


_ASCII = 0x80


def runner_commands(log: str) -> list[str]:
    """Return what GitHub's runner would obey in a log, as it reads one (actions/runner, `ActionCommand.cs`).

    Its lines end at CR, LF or both. A command is `::name …::` at the start of a line after trimming, or
    `##[name …]` anywhere in one; names are those that the runner knows, in any case.
    """
    lines = re.split(r"\r\n|\n|\r", log)
    return [found for line in lines for found in (_version_2(line), _version_1(line)) if found in _REGISTERED]


def _version_2(line: str) -> str | None:
    trimmed = line.lstrip(_TRIMMED)
    end = trimmed.find("::", 2)
    return trimmed[2:end].partition(" ")[0].lower() if trimmed.startswith("::") and end >= 0 else None


def _version_1(line: str) -> str | None:
    start = line.find("##[")
    end = line.find("]", start)
    return line[start + 3 : end].partition(" ")[0].lower() if 0 <= start <= end else None


def table_rows(document: str) -> list[list[str]]:
    """Return the cells of every table row of a document, header rows too, as a Markdown parser reads them."""
    rows: list[list[str]] = []
    for token in _parser().parse(document):
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline" and token.level >= _CELL and rows:
            rows[-1].append(token.content)
        elif token.type == "table_close":
            rows.append([])
    return [row for row in rows if row]


_CELL = 4  # the level of text in a cell: table, head or body, row, cell


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark").enable("table")
