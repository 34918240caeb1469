"""Situations of the two queues: what drifts, what only looks as if it did, and what cannot be read."""

from __future__ import annotations

from tests.campaigns.changes import alone
from tests.campaigns.expected import DEFAULT_KPIS, DRIFT, GREEN, Situation, broken, differs, drift
from tests.campaigns.operation import COLUMNS, ROWS

_NBSP = "\u00a0"
_EVERY = (*DRIFT, *DEFAULT_KPIS)
_NEW = ("ORCH-110", "PENDING", "P1", "new", "done", "-", "-", "-", "")
_OTHER = {
    "status": "DONE",
    "priority": "P1",
    "task": "src/b.py; docs",
    "success_criteria": "tests pass.",
    "owner_session": "s2",
    "started_at_kst": "2026-01-01 11:31",
    "due_at_kst": "2026-01-09 11:00",
}
_TASK = {"ORCH-102": "src/a.py; docs"}


def _bytes(old: bytes, new: bytes):
    """Return a change of the queue's bytes, once; what is replaced must be there."""

    def edit(data: bytes) -> bytes:
        assert old in data, f"{old!r} is not in the queue"
        return data.replace(old, new, 1)

    return lambda op: setattr(op, "edit_md", edit)


def _whole(edit):
    return lambda op: setattr(op, "edit_md", edit)


def _task(md: str, db: object):
    """Return a change of a task on both sides."""
    return lambda op: (op.cell("md", "ORCH-102", "task", md), op.cell("db", "ORCH-102", "task", db))


def _db(name: str, value: object, item: str = "ORCH-102"):
    return lambda op: op.cell("db", item, name, value)


def _md(name: str, value: str, item: str = "ORCH-102"):
    return lambda op: op.cell("md", item, name, value)


def _sql(*statements: str):
    return lambda op: op.sql.extend(statements)


def _row(item: str) -> bytes:
    """Return how the row of an item begins."""
    return f"\n| {item} |".encode()


def _in_front(text: str):
    """Put text in front of the document."""
    return _whole(lambda data: text.encode() + data)


_TABLE = (
    "| " + " | ".join(COLUMNS) + " |\n|" + "---|" * len(COLUMNS) + "\n| X-1 | DONE | P0 | t | s | - | - | - | |\n\n"
)

_ROWS = (
    Situation("healthy", lambda _: None, GREEN),
    Situation("a row is missing in the database", lambda op: op.md.append(list(_NEW)), drift("missing-in-db", _NEW[0])),
    Situation("the first row is missing in the database", lambda op: op.db.pop(0), drift("missing-in-db", "ORCH-101")),
    Situation("a row is missing in Markdown", lambda op: op.md.pop(2), drift("missing-in-md", "ORCH-103")),
    Situation("the last row is missing in Markdown", lambda op: op.md.pop(), drift("missing-in-md", "DB-1")),
    Situation(
        "an id in small letters",
        _md("id", "orch-103", "ORCH-103"),
        drift("missing-in-db", "orch-103").with_(
            rules=(("missing-in-db", "fail"), ("missing-in-md", "fail")),
            findings=(("missing-in-db", "orch-103", None), ("missing-in-md", "ORCH-103", None)),
        ),
    ),
    Situation("rows in another order", lambda op: op.md.reverse(), GREEN),
    Situation(
        "two rows swapped their ids",
        lambda op: (
            op.cell("md", "ORCH-101", "id", "x"),
            op.cell("md", "DB-1", "id", "ORCH-101"),
            op.cell("md", "x", "id", "DB-1"),
        ),
        differs("DB-1", *_OTHER).with_(
            findings=tuple(
                ("field-mismatch", item, name)
                for item in ("DB-1", "ORCH-101")
                for name in ("status", "task", "success_criteria", "owner_session", "started_at_kst", "due_at_kst")
            )
        ),
    ),
    Situation(
        "51 rows are missing in the database: 50 are listed, one is counted",
        lambda op: op.md.extend([f"M-{number}", *_NEW[1:]] for number in range(51)),
        drift("missing-in-db", *(f"M-{number}" for number in range(50))),
    ),
    Situation(
        "a duplicate id, twice in Markdown",
        lambda op: op.md.append(list(ROWS[0])),
        broken("QUEUE.md:", "duplicate id ORCH-101"),
    ),
    Situation(
        "a duplicate id in Markdown hides a row that is missing",
        lambda op: (op.md.append(list(ROWS[0])), op.md.pop(2)),
        broken("duplicate id ORCH-101"),
    ),
    Situation(
        "a duplicate id in Markdown, the second with other cells",
        lambda op: op.md.append(["ORCH-102", *ROWS[0][1:]]),
        broken("duplicate id ORCH-102"),
    ),
    Situation(
        "a duplicate id that the database lacks",
        lambda op: op.md.extend([list(_NEW), list(_NEW)]),
        broken("duplicate id ORCH-110"),
    ),
    Situation(
        "a duplicate id in a database without a key",
        lambda op: (
            setattr(op, "schema", op.schema.replace("id TEXT PRIMARY KEY", "id TEXT")),
            op.db.append(dict(op.db[0])),
        ),
        broken("queue.db", "primary key", rules=_EVERY),
    ),
    Situation("an empty id", _md("id", "", "ORCH-103"), broken("QUEUE.md:", "id is empty")),
    Situation(
        "an empty id in the database",
        _db("id", "", "ORCH-103"),
        broken("queue.db:queue_items:", "id is empty", rules=_EVERY),
    ),
)

_FIELDS = (
    *(
        Situation(f"{name} changed in Markdown", _md(name, value), differs("ORCH-102", name))
        for name, value in _OTHER.items()
    ),
    *(
        Situation(f"{name} changed in the database", _db(name, value), differs("ORCH-102", name))
        for name, value in _OTHER.items()
    ),
    Situation(
        "every field changed",
        lambda op: [op.cell("db", "ORCH-102", *pair) for pair in _OTHER.items()],
        differs("ORCH-102", *_OTHER),
    ),
    Situation("notes changed", _db("notes", "other"), GREEN),
    Situation(
        "notes changed, all fields compared",
        lambda op: (op.cell("db", "ORCH-102", "notes", "other"), op.argv.extend(["--fields", "all"])),
        differs("ORCH-102", "notes"),
    ),
    Situation(
        "notes of an older tool: a slash for the pipe",
        lambda op: (op.cell("md", "DB-1", "notes", "a / b"), op.cell("db", "DB-1", "notes", "a | b")),
        GREEN,
    ),
    Situation(
        "only the status compared, the task changed",
        lambda op: (op.cell("md", "DB-1", "task", "x"), op.argv.extend(["--fields", "status"])),
        GREEN,
    ),
    Situation(
        "a status with a trailing no-break space",
        _md("status", "DONE" + _NBSP, "ORCH-101"),
        broken("QUEUE.md:11", "status 'DONE\\xa0'"),
    ),
    Situation(
        "a status with a trailing no-break space in the database",
        _db("status", "DONE" + _NBSP, "ORCH-101"),
        broken("queue.db:queue_items:ORCH-101", "status 'DONE\\xa0'", rules=_EVERY),
    ),
    Situation("a status in small letters", _md("status", "done", "ORCH-101"), broken("QUEUE.md:11", "status 'done'")),
    Situation(
        "a status in Cyrillic letters", _md("status", "D\u041eNE", "ORCH-101"), broken("QUEUE.md:11", "'D\\u041eNE'")
    ),
    Situation("a priority that is none", _md("priority", "P3", "ORCH-101"), broken("QUEUE.md:11", "priority 'P3'")),
    Situation(
        "a task with a trailing no-break space", _md("task", "src/a.py; docs" + _NBSP), differs("ORCH-102", "task")
    ),
    Situation("a task in another Unicode form", _task("\u1103\u1162", "\ub300"), differs("ORCH-102", "task")),
    Situation(
        "a task that differs in a zero-width space", _md("task", "src/a.py; docs\u200b"), differs("ORCH-102", "task")
    ),
    Situation("blanks around a task in the database", _db("task", " src/a.py; docs "), GREEN),
    Situation("two blanks in the middle of a task", _db("task", "src/a.py;  docs"), differs("ORCH-102", "task")),
    Situation("an owner that is null in the database", _db("owner_session", None, "ORCH-103"), GREEN),
    Situation("an owner that is empty in the database", _db("owner_session", "", "ORCH-103"), GREEN),
    Situation("an owner that is empty in Markdown", _md("owner_session", "", "ORCH-103"), GREEN),
    Situation(
        "a start that is null in the database, given in Markdown",
        _db("started_at_kst", None),
        differs("ORCH-102", "started_at_kst").with_(
            rules=(("field-mismatch", "fail"), ("stale-in-progress", "fail")),
            findings=(("field-mismatch", "ORCH-102", "started_at_kst"), ("stale-in-progress", "ORCH-102", None)),
        ),
    ),
    Situation(
        "a due date that is an integer in the database", _db("due_at_kst", 20260101), differs("ORCH-102", "due_at_kst")
    ),
    Situation("a task of a dash on one side", _task("-", ""), differs("ORCH-102", "task")),
)

_TEXTS = (
    Situation("pipes in a task", _task("a | b || c |", "a | b || c |"), GREEN),
    Situation("backslashes in a task", _task("C:\\x \\\\ y\\ z", "C:\\x \\\\ y\\ z"), GREEN),
    Situation("a line break in the database, a space in Markdown", _task("a b", "a\nb"), GREEN),
    Situation("CRLF in the database, a space in Markdown", _task("a b", "a\r\nb"), GREEN),
    Situation(
        "two line breaks in the database, one space in Markdown", _task("a b", "a\n\nb"), differs("ORCH-102", "task")
    ),
    Situation("U+2028, U+0085, VT and FF in a task", _task("a\u2028b\u0085c\vd\fe", "a\u2028b\u0085c\vd\fe"), GREEN),
    Situation("a NUL byte in a task, on both sides", _task("a\0b", "a\0b"), GREEN),
    Situation("a NUL byte in a task hides the rest", _task("a", "a\0b"), differs("ORCH-102", "task")),
    Situation("an escape sequence in a task", _task("\x1b]52;c;eA==\x07", "\x1b]52;c;eA==\x07"), GREEN),
    Situation("a row in the text of a task", _task("x | y |\\", "x | y |\\"), GREEN),
    Situation("a fence in a task", _task("```", "```"), GREEN),
    Situation("a formula and markup in a task", _task("=1+1 <b> [x](y)", "=1+1 <b> [x](y)"), GREEN),
)

_DOCUMENT = (
    Situation("CRLF line ends", _whole(lambda data: data.replace(b"\n", b"\r\n")), GREEN),
    Situation("a byte order mark", _in_front("\ufeff"), GREEN),
    Situation(
        "CRLF, and a drift",
        lambda op: (_whole(lambda data: data.replace(b"\n", b"\r\n"))(op), op.db.pop(2)),
        drift("missing-in-db", "ORCH-103"),
    ),
    Situation("no line feed at the end", _whole(lambda data: data.removesuffix(b"\n\nMore prose.\n")), GREEN),
    Situation("no outer pipes", _bytes(_row("ORCH-101"), b"\nORCH-101 |"), GREEN),
    Situation(
        "aligned columns",
        _bytes(
            b"|---|---|---|---|---|---|---|---|---|", b"| :-- | --: | :-: | - | ---------- | --- | --- | --- | --- |"
        ),
        GREEN,
    ),
    Situation(
        "a lone carriage return inside a row",
        _bytes(b"src/a.py;", b"src/a.py;\r"),
        broken("QUEUE.md:12", "carriage return"),
    ),
    Situation("bytes that are not UTF-8", _bytes(b"tests pass", b"tests \xff"), broken("QUEUE.md:12", "not UTF-8")),
    Situation(
        "half a surrogate pair as bytes",
        _bytes(b"tests pass", b"tests \xed\xa0\x80"),
        broken("QUEUE.md:12", "not UTF-8"),
    ),
    Situation("an unescaped pipe", _bytes(b"tests pass", b"tests | pass"), broken("QUEUE.md:12", "found 10")),
    Situation("eight cells", _bytes(b"| tests pass |", b"|"), broken("QUEUE.md:12", "found 8")),
    Situation(
        "text right below the table",
        alone(_bytes(b"\n\nMore prose", b"\nMore prose")),
        broken("QUEUE.md:16", "found 1"),
    ),
    Situation(
        "a blank line in the table",
        alone(_bytes(_row("DB-1"), b"\n" + _row("DB-1"))),
        broken("QUEUE.md:", "looks like a row of the queue"),
    ),
    Situation(
        "a comment in the table",
        alone(_bytes(_row("DB-1"), b"\n<!-- x -->" + _row("DB-1"))),
        broken("QUEUE.md:", "looks like a row of the queue"),
    ),
    Situation("two queue tables", _in_front(_TABLE), broken("QUEUE.md:", "a second queue table")),
    Situation("another queue table in a fence", _in_front(f"```\n{_TABLE}```\n\n"), GREEN),
    Situation("another queue table in a quote", _in_front("> " + _TABLE.replace("\n|", "\n> |")), GREEN),
    Situation(
        "another queue table in an indented block", _in_front("    " + _TABLE.replace("\n|", "\n    |") + "\n"), GREEN
    ),
    Situation("another queue table in a comment", _in_front(f"<!--\n{_TABLE}-->\n\n"), GREEN),
    Situation("the queue table in a fence that never ends", _in_front("~~~\n"), broken("QUEUE.md", "no queue table")),
    Situation("no queue table", _whole(lambda _: b"# Queue\n"), broken("QUEUE.md", "no queue table")),
    Situation("an empty file", _whole(lambda _: b""), broken("QUEUE.md", "no queue table")),
    Situation(
        "a header without its delimiter row",
        _bytes(b"|---|---|---|---|---|---|---|---|---|\n", b""),
        broken("QUEUE.md:9", "delimiter row"),
    ),
    Situation(
        "a header whose columns are in another order",
        _bytes(b"| status | priority |", b"| priority | status |"),
        broken("no queue table"),
    ),
    Situation(
        "NUL bytes in place of the file", _whole(lambda data: b"\0" * len(data)), broken("nothing but NUL bytes")
    ),
)

SITUATIONS = (*_ROWS, *_FIELDS, *_TEXTS, *_DOCUMENT)
