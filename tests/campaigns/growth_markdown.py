"""Hostile shapes of the Markdown queue (FORMATS section 1)."""

from __future__ import annotations

from functools import partial

from tests.campaigns.growth_shape import CHECK, Shape, filled, numbered, put
from tests.campaigns.operation import COLUMNS, Operation, markdown

#: The queue of the operation: what stands above it, and its table with the prose below.
_HEALTHY = markdown(Operation().md)
_HEAD, _TABLE = _HEALTHY[: (_AT := _HEALTHY.index(b"| id | status | priority"))], _HEALTHY[_AT:]
_TOP = ("| " + " | ".join(COLUMNS) + " |\n" + "|" + "---|" * len(COLUMNS) + "\n").encode()
_STATUS = ["--queue", "QUEUE.md", "status"]
_CANCEL = ["--queue", "QUEUE.md", "cancel", "--id", "ORCH-102"]


def _above(size: int, pattern: bytes, start: bytes = b"", end: bytes = b"\n\n") -> None:
    """Write a queue below so many bytes of a pattern."""
    put("QUEUE.md", _HEAD, start, filled(size, pattern), end, _TABLE)


def _above_numbered(size: int, pattern: str) -> None:
    """Write a queue below so many bytes of lines each of which is another one."""
    put("QUEUE.md", _HEAD, numbered(size, pattern), b"\n", _TABLE)


def _below(size: int, pattern: bytes) -> None:
    put("QUEUE.md", _HEALTHY, b"\n", filled(size, pattern), b"\n")


def _rows(size: int, pattern: str) -> None:
    """Write a queue whose rows are a pattern with a number in it."""
    put("QUEUE.md", _TOP, numbered(size, pattern))


def _cell(size: int, pattern: bytes) -> None:
    """Write a queue with one huge cell."""
    put("QUEUE.md", _TABLE.replace(b"src/a.py; docs", filled(size, pattern)))


def _notes(size: int) -> None:
    put("QUEUE.md", _TABLE.replace(b"| picked |", b"| " + filled(size, b"picked / ") + b"|"))


def _stairs(size: int, mark: str) -> None:
    """Write lists that nest as deeply as the bytes allow: every line is indented further than the one before it."""
    depth = int((2 * size / len(mark)) ** 0.5)
    lines = "".join(" " * (len(mark) * level) + mark + "x\n" for level in range(depth))
    put("QUEUE.md", _HEAD, lines.encode(), b"\n", _TABLE)


def _sawtooth(size: int) -> None:
    """Write lists fifty deep, a line out of them, and again."""
    lines = "".join("  " * level + "- x\n" for level in range(60)) + "x\n\n"
    _above(size, lines.encode())


#: One line, or one after another, above the table. What stands here is no table, so the queue is read as ever.
_PROSE = {
    "a tag and blanks": (b" ", b"<a", b"x\n\n"),
    "a tag and tabs": (b"\t", b"<a ", b"<\n\n"),
    "tags and blanks": (b"<a ", b"", b"\n\n"),
    "a tag of attributes": (b' a="b"', b"<a", b"\n\n"),
    "a tag of dashes": (b"-", b"<a", b"\n\n"),
    "a tag of slashes": (b"/", b"<a ", b"\n\n"),
    "closing tags": (b"</script", b"<script>", b"\n</script>\n\n"),
    "a comment of dashes": (b"--", b"<!--", b"\n-->\n\n"),
    "lines of comments": (b"<!--\n", b"", b"-->\n\n"),
    "lines of tags": (b"<a  >\n", b"", b"\n"),
    "lines of block tags": (b"<div\n", b"", b"\n"),
    "lines of scripts": (b"<script>\n", b"", b"</script>\n\n"),
    "blank lines": (b"\n", b"", b"\n"),
    "lines of blanks": (b"   \n", b"", b"\n"),
    "a line of blanks": (b" ", b"", b"\n\n"),
    "a line of tabs": (b"\t", b"x", b"\n\n"),
    "a line of quotes": (b"> ", b"", b"x\n\n"),
    "a line of quote marks": (b">", b"", b"\n\n"),
    "a line of bullets": (b"- ", b"", b"x\n\n"),
    "a line of mixed bullets": (b"* + ", b"", b"x\n\n"),
    "a line of numbers": (b"1. ", b"", b"x\n\n"),
    "a line of quoted bullets": (b"> - ", b"", b"x\n\n"),
    "a line of bullets and blanks": (b"-    ", b"", b"x\n\n"),
    "a line of digits": (b"1", b"", b".\n\n"),
    "a line of hashes": (b"#", b"", b"\n\n"),
    "a line of stars": (b"* ", b"", b"\n\n"),
    "a line of ticks": (b"`", b"", b"x`\n\n"),
    "a line of ticks and text": (b"`a", b"```", b"\n\n"),
    "a line of pipes": (b"|", b"", b"\n\n"),
    "a line of escaped pipes": (b"\\|", b"", b"\n\n"),
    "a line of backslashes": (b"\\", b"", b"|\n\n"),
    "a wide table": (b"|-", b"", b"\n\n"),
    "lines of quotes": (b"> > > x\n", b"", b"\n"),
    "lines of deep quotes": (b"> " * 60 + b"x\n", b"", b"\n"),
    "lines of deep bullets": (b"- " * 60 + b"x\n", b"", b"\n"),
    "lines of deep quoted bullets": (b"> - " * 30 + b"x\n\n", b"", b"\n"),
    "lines of deep numbers": (b"1. " * 60 + b"x\n", b"", b"\n"),
    "lines of a pipe": (b"|\n", b"", b"\n"),
    "lines of a dash": (b"a\n-\n", b"", b"\n"),
    "lines of one bullet": (b"-\n", b"", b"\n\n"),
    "quotes and blank lines": (b"> - x\n\n", b"", b"\n"),
    "lines of fences": (b"```\n```\n", b"", b"\n"),
    "lines of longer fences": (b"````\n```\n", b"", b"````\n\n"),
    "lines of rules": (b"* * *\n", b"", b"\n"),
    "lines of underlines": (b"x\n===\n", b"", b"\n"),
    "lines of numbers": (b"1.\n2)\n", b"", b"\n\n"),
    "lines of other tables": (b"| a |\n|---|\n| b |\n", b"", b"\n"),
    "lines of headers": (b"| a |\n", b"", b"\n"),
    "lines of conflict marks": (b"=======\n", b"", b"\n"),
    "carriage returns": (b"\r", b"x", b"\n\n"),
    "lines of carriage returns": (b"\r\n", b"", b"\n"),
    "NUL bytes": (b"\0", b"x", b"\n\n"),
    "lines of prose": (b"A line of prose with `code` and a | in it.\n", b"", b"\n"),
}

SHAPES: dict[str, Shape] = {
    **{
        f"above the queue: {name}": Shape(partial(_above, pattern=pattern, start=start, end=end), _STATUS, 0)
        for name, (pattern, start, end) in _PROSE.items()
    },
    "above the queue: items of a list": Shape(partial(_above_numbered, pattern="- a%d\n"), _STATUS, 0),
    "above the queue: numbers of a list": Shape(partial(_above_numbered, pattern="- %d\n"), _STATUS, 0),
    "above the queue: quotes of a few letters": Shape(partial(_above_numbered, pattern="> a%d\n"), _STATUS, 0),
    "above the queue: deep bullets of their own": Shape(
        partial(_above_numbered, pattern="- " * 60 + "%d\n"), _STATUS, 0
    ),
    "above the queue: headers of their own": Shape(partial(_above_numbered, pattern="| a%d |\n"), _STATUS, 0),
    "above the queue: tags of their own": Shape(partial(_above_numbered, pattern="<a%d>\n"), _STATUS, 0),
    "lists in lists": Shape(partial(_stairs, mark="- "), _STATUS, 0),
    "numbers in numbers": Shape(partial(_stairs, mark="1. "), _STATUS, 0),
    "quotes in lists in lists": Shape(partial(_stairs, mark="- > "), _STATUS, 0),
    "lists in lists again and again": Shape(_sawtooth, _STATUS, 0),
    "below the queue: prose": Shape(partial(_below, pattern=b"x | y\n"), CHECK, 0),
    "below the queue: blank lines": Shape(partial(_below, pattern=b"\n"), CHECK, 0),
    "below the queue: rows": Shape(partial(_below, pattern=b"| A | DONE | P0 | t | s | - | - | - | |\n\n"), _STATUS, 0),
    "second queues": Shape(lambda size: put("QUEUE.md", filled(size, _TABLE)), CHECK, 3),
    "headers without a table": Shape(
        lambda size: put("QUEUE.md", filled(size, _TOP.splitlines()[0] + b"\n")), CHECK, 3
    ),
    "a cell of text": Shape(partial(_cell, pattern=b"a"), CHECK, 1),
    "a cell of escaped pipes": Shape(partial(_cell, pattern=b"\\|"), CHECK, 1),
    "a cell of backslashes": Shape(partial(_cell, pattern=b"\\\\ "), CHECK, 1),
    "a cell of blanks": Shape(partial(_cell, pattern=b" "), CHECK, 1),
    "a cell of pipes": Shape(partial(_cell, pattern=b"|"), CHECK, 3),
    "a cell of controls": Shape(partial(_cell, pattern="\x1b\u202e".encode()), CHECK, 1),
    "a cell, changed": Shape(partial(_cell, pattern=b"a\\|"), _CANCEL, 0),
    "notes": Shape(_notes, CHECK, 0),
    "notes, changed": Shape(_notes, _CANCEL, 0),
    "rows": Shape(
        partial(_rows, pattern="| A-%d | IN_PROGRESS | P0 | t | s | o%%d | - | - | |\n".replace("o%%d", "o")),
        _STATUS,
        0,
    ),
    "rows that the database lacks": Shape(
        partial(_rows, pattern="| A-%d | DONE | P0 | t | s | - | - | - | |\n"), CHECK, 1
    ),
    "rows without pipes around": Shape(partial(_rows, pattern="A-%d|DONE|P0|t|s|-|-|-|n\n"), CHECK, 1),
    "rows with escapes": Shape(partial(_rows, pattern="| A\\|%d | DONE | P0 | \\| | s | - | - | - | |\n"), CHECK, 1),
    "rows with a defect": Shape(partial(_rows, pattern="| A-%d | OPEN | P0 | t | s | - | - | - | |\n"), CHECK, 3),
    "rows of one cell": Shape(partial(_rows, pattern="%d\n"), CHECK, 3),
    "rows of a digit": Shape(lambda size: put("QUEUE.md", _TOP, filled(size, b"1\n")), CHECK, 3),
    "rows of a letter": Shape(lambda size: put("QUEUE.md", _TOP, filled(size, b"a\n")), CHECK, 3),
    "rows of a pipe": Shape(lambda size: put("QUEUE.md", _TOP, filled(size, b"|\n")), CHECK, 3),
    "rows with a defect, changed": Shape(partial(_rows, pattern="| %d\n"), _CANCEL, 3),
    "rows of one id": Shape(partial(_rows, pattern="| A-1 | DONE | P0 | t%d | s | - | - | - | |\n"), CHECK, 3),
    "rows of one id, changed": Shape(
        partial(_rows, pattern="| A-1 | DONE | P0 | t%d | s | - | - | - | |\n"), _CANCEL, 3
    ),
    "equal rows": Shape(partial(_rows, pattern="| A-1 | DONE | P0 | t | s | - | - | - | |%.0d\n"), CHECK, 3),
    "ids of one prefix": Shape(
        partial(_rows, pattern="| " + "A-" * 30 + "%d | DONE | P0 | t | s | - | - | - | |\n"), CHECK, 1
    ),
    "a mistyped id among many": Shape(
        partial(_rows, pattern="| ORCH-1%d | DONE | P0 | t | s | - | - | - | |\n"), _CANCEL, 5
    ),
    "a mistyped long id among many": Shape(
        partial(_rows, pattern="| " + "ORCH-" * 9 + "%d | DONE | P0 | t | s | - | - | - | |\n"),
        ["--queue", "QUEUE.md", "cancel", "--id", "ORCH-" * 9 + "x"],
        5,
    ),
    "owners": Shape(
        partial(_rows, pattern="| A-%d | IN_PROGRESS | P0 | t | s | w%%d | - | - | |\n".replace("%%d", "")),
        ["--queue", "QUEUE.md", "workers"],
        0,
    ),
    "many owners": Shape(
        lambda size: put(
            "QUEUE.md",
            _TOP,
            *(b"| A-%d | IN_PROGRESS | P0 | t | s | w%d | - | - | |\n" % (n, n) for n in range(size // 52)),
        ),
        ["--queue", "QUEUE.md", "workers"],
        0,
    ),
    "bytes that are not UTF-8": Shape(lambda size: put("QUEUE.md", _HEALTHY, filled(size, b"\xff\n")), CHECK, 3),
}
