"""Bad input, each case: its exit code, one `error:` line, nothing on stdout, and nothing changed on disk."""

from __future__ import annotations

import os
import shlex
import sqlite3
import sys
import tempfile
import warnings
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from builders import (
    HEAD,
    RELIABILITY,
    digest,
    document,
    execute,
    item,
    make_database,
    make_markdown,
    make_old_database,
    select,
    table,
)
from conftest import NOW_S

from ops_checks.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Told

    Run = Callable[..., Told]
    Break = Callable[[Path], object]

ITEMS = [item("A-1", "IN_PROGRESS", "P0", owner_session="s1"), item("A-2", "FAILED"), item("A-3", "DONE")]
LEASE = {"A-1": {"lease_owner": "s1", "lease_expires_at": NOW_S - 60}}
ROW = "| A-1 | PENDING | P0 | t | s | - | - | - |  |"
READ_MD = ["status --queue Q.md", "workers --queue Q.md", "consistency-check --queue Q.md --db q.db"]
WRITE_MD = ["cancel --queue Q.md --id A-1", "retry --queue Q.md --id A-2", "replan --queue Q.md --id A-1 --notes n"]
READ_DB = [line.replace("--queue Q.md", "--db q.db") for line in READ_MD[:2]] + READ_MD[2:]
WRITE_DB = [line.replace("--queue Q.md", "--db q.db") for line in WRITE_MD]
DRY = [f"{line} --dry-run" for line in (WRITE_MD[0], WRITE_DB[0])]


class Case(NamedTuple):
    """How an input is broken, which commands meet it, and how the error begins; `details` lines follow it."""

    name: str
    broken: Break
    lines: list[str]
    error: str
    code: int = 3
    details: int = 0


def markdown(content: str | bytes) -> Break:
    """Return what replaces the Markdown queue."""
    return lambda folder: (folder / "Q.md").write_bytes(content if isinstance(content, bytes) else content.encode())


def sql(script: str) -> Break:
    """Return what runs SQL on the database."""
    return lambda folder: execute(folder / "q.db", script)


def replaced(name: str, make: Callable[[Path], object]) -> Break:
    """Return what puts something else in the place of a file."""

    def replace(folder: Path) -> None:
        (folder / name).unlink()
        make(folder / name)

    return replace


def value(column: str, of: object, item_id: str = "A-1") -> Break:
    """Return what sets one column of an item."""

    def put(folder: Path) -> None:
        with closing(sqlite3.connect(folder / "q.db")) as connection, connection:
            connection.execute(f"UPDATE queue_items SET {column} = ? WHERE id = ?", (of, item_id))

    return put


def old(folder: Path) -> None:
    """Put a database from before the reliability layer in place of the database."""
    (folder / "q.db").unlink()
    make_old_database(folder / "q.db", ITEMS, RELIABILITY)


def truncate(folder: Path) -> None:
    """Cut the database short."""
    os.truncate(folder / "q.db", 5000)


MD = [*READ_MD, *WRITE_MD, DRY[0]]
DB = [*READ_DB, *WRITE_DB, DRY[1]]
NINE = "expected 9 cells, found"
STATUSES = "expected one of PENDING, IN_PROGRESS, BLOCKED, FAILED, DONE"
CASES = [
    Case("missing queue", replaced("Q.md", lambda _: None), MD, "Q.md: no such queue"),
    Case("missing database", replaced("q.db", lambda _: None), DB, "q.db: no such database"),
    Case(
        "queue in no folder",
        lambda _: None,
        ["status --queue no/Q.md", "cancel --queue no/Q.md --id A-1"],
        "no/Q.md: no ",
    ),
    Case(
        "database in no folder", lambda _: None, ["status --db no/q.db", "cancel --db no/q.db --id A-1"], "no/q.db: no "
    ),
    Case("queue is a folder", replaced("Q.md", os.mkdir), MD, "Q.md: is a directory"),
    Case("database is a folder", replaced("q.db", os.mkdir), DB, "q.db: is a directory"),
    Case("queue is a FIFO", replaced("Q.md", os.mkfifo), MD, "Q.md: is a FIFO"),
    Case("database is a FIFO", replaced("q.db", os.mkfifo), DB, "q.db: is a FIFO"),
    Case("queue is a device", lambda _: None, ["status --queue /dev/zero"], "/dev/zero: is a device"),
    Case("database is a device", lambda _: None, ["status --db /dev/zero"], "/dev/zero: is a device"),
    Case("queue is a dangling link", replaced("Q.md", lambda path: path.symlink_to("no")), MD, "Q.md: no such queue"),
    Case(
        "database is a dangling link",
        replaced("q.db", lambda path: path.symlink_to("no")),
        DB,
        "q.db: no such database",
    ),
    Case("queue is a link to itself", replaced("Q.md", lambda path: path.symlink_to("Q.md")), MD, "Q.md: "),
    Case(
        "a path that is too long", lambda _: None, [f"status --queue {'x' * 5000}", f"status --db {'x' * 5000}"], "xxx"
    ),
    Case(
        "a path with control characters",
        lambda _: None,
        ["status --queue '\x1b]0;x\x07\n'"],
        r"\x1b]0;x\x07\n: no such",
    ),
    Case("empty queue", markdown(""), MD, "Q.md: no queue table, because the file is empty: "),
    Case("no table", markdown("# Queue\n\ntext\n"), MD, "Q.md: no queue table"),
    Case("another header", markdown(table(ROW).replace("notes", "note")), MD, "Q.md: no queue table"),
    Case("no delimiter row", markdown(f"{HEAD}\n{ROW}\n"), MD, "Q.md:1: expected a delimiter row of 9 columns"),
    Case("table in a fence", markdown(f"```\n{table(ROW)}```\n"), MD, "Q.md: no queue table"),
    Case("table in a quote", markdown("> " + table(ROW).replace("\n", "\n> ")), MD, "Q.md: no queue table"),
    Case(
        "two tables", markdown(table(ROW) + "\n" + table()), MD, "Q.md:5: a second queue table; the first is in line 1"
    ),
    Case("eight cells", markdown(table(ROW, "| A-2 | DONE |")), MD, f"Q.md:4: {NINE} 2"),
    Case("an unescaped pipe", markdown(table(ROW.replace(" t ", " a | b "))), MD, f"Q.md:3: {NINE} 10"),
    Case("text under the table", markdown(table(ROW) + "text\n"), MD, f"Q.md:4: {NINE} 1"),
    Case("duplicate id", markdown(table(ROW, ROW)), MD, "Q.md:4: duplicate id A-1, first in line 3"),
    Case("empty id", markdown(table(ROW.replace("A-1", ""))), MD, "Q.md:3: the id is empty"),
    Case("status", markdown(table(ROW.replace("PENDING", "Pending"))), MD, f"Q.md:3: status 'Pending': {STATUSES}"),
    Case("priority", markdown(table(ROW.replace("P0", "P9"))), MD, "Q.md:3: priority 'P9': expected one of P0, P1, P2"),
    Case("hostile status", markdown(table(ROW.replace("PENDING", "\x1b[0m"))), MD, r"Q.md:3: status '\x1b[0m': "),
    Case("two defects", markdown(table(ROW, ROW, "| x |")), MD, "Q.md:4: duplicate id A-1", details=1),
    Case("thirty defects", markdown(table(*["|"] * 30)), MD, f"Q.md:3: {NINE} 0", details=20),
    Case("not UTF-8", markdown(document(ITEMS).encode() + b"\xff"), MD, "Q.md:12: not UTF-8: save the file as UTF-8"),
    Case("UTF-16", markdown(document(ITEMS).encode("utf-16")), MD, "Q.md: is UTF-16 text"),
    Case(
        "a lone carriage return", markdown(table(ROW.replace(" t ", " a\rb "))), MD, "Q.md:3: a carriage return inside"
    ),
    Case("a line without end", markdown(b"x" * (17 << 20)), MD[:1] + MD[3:4], "Q.md:1: a line of more than 16 MB"),
    Case("empty database", replaced("q.db", lambda path: path.write_bytes(b"")), DB, "q.db: no table queue_items"),
    Case("no database", replaced("q.db", lambda path: path.write_text("# Queue\n" * 99)), DB, "q.db: "),
    Case("truncated database", truncate, DB, "q.db: "),
    Case("no tables", sql("DROP TABLE queue_events; DROP TABLE queue_items"), DB, "q.db: no table queue_items"),
    Case("no events", sql("DROP TABLE queue_events"), [*WRITE_DB, DRY[1]], "q.db: no table queue_events"),
    Case("no column", sql("ALTER TABLE queue_items DROP COLUMN notes"), DB, "q.db: queue_items has no column notes"),
    Case(
        "old database",
        old,
        ["retry --db q.db --id A-2"],
        "A-2: queue_items has no column lease_owner, lease_expires_at, ",
    ),
    Case(
        "a view",
        sql("ALTER TABLE queue_items RENAME TO x; CREATE VIEW queue_items AS SELECT * FROM x"),
        DB,
        "q.db: queue_items is a view: expected a table",
    ),
    Case(
        "another key",
        sql(
            "DROP TABLE queue_items; CREATE TABLE queue_items AS SELECT 1 AS id, '' AS status, '' AS priority,"
            " '' AS task, '' AS success_criteria, '' AS owner_session, '' AS started_at_kst, '' AS due_at_kst,"
            " '' AS notes, '' AS created_at, '' AS updated_at"
        ),
        DB,
        "q.db: the primary key of queue_items is not id",
    ),
    Case(
        "db status",
        value("status", "LATER"),
        [*READ_DB, *WRITE_DB[::2], DRY[1]],
        f"q.db:queue_items:A-1: status 'LATER': {STATUSES}",
    ),
    Case("db bytes", value("task", b"\xff", "A-3"), READ_DB, "q.db:queue_items:A-3: task is bytes: expected text"),
    Case("db not UTF-8", sql("UPDATE queue_items SET task = CAST(x'ff' AS TEXT)"), DB, "q.db: "),
    Case(
        "attempts",
        value("attempt_count", "many"),
        ["retry --db q.db --id A-1"],
        "q.db:queue_items:A-1: attempt_count 'many'",
    ),
    Case(
        "attempts below zero",
        value("attempt_count", -1),
        ["retry --db q.db --id A-1"],
        "q.db:queue_items:A-1: attempt_count -1: expected",
    ),
    Case(
        "attempts beyond reason",
        value("max_attempts", 2**62, "A-2"),
        WRITE_DB[1:2],
        "q.db:queue_items:A-2: max_attempts 46",
    ),
    Case(
        "lease",
        value("lease_expires_at", "soon"),
        ["retry --db q.db --id A-1"],
        "q.db:queue_items:A-1: lease_expires_at 'soon' is no whole number of epoch seconds",
        5,
    ),
    Case(
        "unknown id", lambda _: None, [line.replace("A-", "B-") for line in WRITE_MD + DRY[:1]], "Q.md: no item B-", 5
    ),
    Case(
        "unknown db id",
        lambda _: None,
        [line.replace("A-", "B-") for line in WRITE_DB + DRY[1:]],
        "q.db: no item B-",
        5,
    ),
    Case("terminal", lambda _: None, [f"cancel --queue Q.md --id {n}" for n in ("A-2", "A-3")], "A-", 5),
    Case("terminal in the database", lambda _: None, [f"cancel --db q.db --id {n}" for n in ("A-2", "A-3")], "A-", 5),
    Case("not eligible", lambda _: None, ["retry --queue Q.md --id A-1", "retry --db q.db --id A-3"], "A-", 5),
    Case(
        "lease runs",
        value("lease_expires_at", NOW_S + 9),
        ["retry --db q.db --id A-1"],
        "A-1: is IN_PROGRESS and its lease",
        5,
    ),
    Case(
        "no lease",
        value("lease_expires_at", None),
        ["retry --db q.db --id A-1"],
        "A-1: is IN_PROGRESS without a lease",
        5,
    ),
    Case("used up", value("attempt_count", 3, "A-2"), WRITE_DB[1:2], "A-2: 3 of 3 attempts are used up", 5),
    Case(
        "blank notes",
        lambda _: None,
        [f"replan {b} --id A-1 --notes ' \n'" for b in ("--queue Q.md", "--db q.db")],
        "--notes",
        4,
    ),
    Case(
        "hard links",
        lambda folder: os.link(folder / "Q.md", folder / "other"),
        WRITE_MD,
        "Q.md: not written, because the file has 2",
    ),
    Case("lock is a folder", lambda folder: (folder / "Q.md.lock").mkdir(), WRITE_MD, ""),
    Case("lock is a link", lambda folder: (folder / "Q.md.lock").symlink_to("no"), WRITE_MD, ""),
]


@pytest.fixture
def sound(folder: Path) -> Path:
    """Return a folder with sound queues, `Q.md` and `q.db`."""
    make_markdown(folder / "Q.md", ITEMS)
    make_database(folder / "q.db", ITEMS, LEASE)
    return folder


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bad_input(sound: Path, run: Run, case: Case) -> None:
    """The error names the input and what was expected, in one line that no terminal obeys."""
    case.broken(sound)
    before = digest(sound)
    for line in case.lines:
        told = run(*shlex.split(line))
        first, *details = told.err.splitlines()
        assert (told.code, told.out) == (case.code, ""), line
        assert first.startswith(f"error: {case.error}"), line
        assert (len(details), told.err.count("error:")) == (case.details, 1), line
        assert all(detail.startswith("  ") for detail in details), line
        assert told.err.replace("\n", "").isprintable(), line
        assert "Traceback" not in told.err, line
        assert digest(sound) == before, line


_PIPE_NOTE = (
    "note: Q.md: the notes hold a pipe, written \\|: programs that split rows at every pipe will refuse this row\n"
)


@pytest.mark.parametrize(
    "notes",
    [
        "a | b",
        "| x | DONE | P0 |",
        "a\nb",
        "a\r\nb\rc",
        "\x1b[31m\x00\x07",
        "\\",
        "\\|",
        "`a | b`",
        "\u2028\x85\u202e.",
        "<!--",
        "```",
    ],
)
def test_hostile_notes_are_only_notes(sound: Path, run: Run, notes: str) -> None:
    """Notes come back equal (what ends a line as a space), on both backends, and make no row and no column.

    Of a pipe in the document the person is told: programs that know no escapes will refuse the row.
    """
    for backend in (["--queue", "Q.md"], ["--db", "q.db"]):
        told = _PIPE_NOTE if "|" in notes and "--queue" in backend else ""
        assert run(*backend, "replan", "--id", "A-1", "--notes", notes) == (0, "A-1 -> BLOCKED\n", told)
        assert run(*backend, "replan", "--id", "A-2", "--notes", notes) == (0, "A-2 -> PENDING\n", told)
    expected = " ".join(notes.splitlines()).strip(" ")
    assert select("q.db", "SELECT notes FROM queue_items WHERE id = 'A-1'") == [(f"replan:{expected}",)]
    command = ["consistency-check", "--queue", "Q.md", "--db", "q.db", "--fields", "all", "--max-details", "0"]
    assert run(*command) == (0, "consistency ok total=3\n", "")
    assert (sound / "Q.md").read_bytes().count(b"\n") == document(ITEMS).count("\n")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_a_user_who_may_only_read(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading works without the permission to write; a change is an error that says so, and changes nothing."""
    reading, writing = [*READ_MD, *READ_DB], [*WRITE_MD, *WRITE_DB]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        monkeypatch.chdir(folder)
        for line in reading + writing:
            run(*shlex.split(line))  # what is imported now needs no permission later
        make_markdown(folder / "Q.md", ITEMS)
        make_database(folder / "q.db", ITEMS, LEASE)
        before = digest(folder)
        for line in reading:
            code, told = _as_nobody(shlex.split(line))
            assert (code, "error" in told) == (0, False), told
        for line in writing:
            code, told = _as_nobody(shlex.split(line))
            assert (code, told[:7], told.count("\n")) == (3, "error: ", 1), told
            assert "permissions" in told or "may not be read" in told or "may only read it" in told, told
        assert digest(folder) == before
        monkeypatch.undo()


def _as_nobody(argv: list[str]) -> tuple[int, str]:
    """Run a command in a process of a user who owns nothing, and return its exit code and what it says."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # newer Pythons warn of a fork beside threads
        child = os.fork()
    if child == 0:
        code = 99
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            sys.stdout = sys.stderr = os.fdopen(writing, "w")
            code = main(argv)
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        told = pipe.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), told
