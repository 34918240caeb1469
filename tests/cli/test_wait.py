"""`wait` as a script meets it: exit code, stdout, stderr to the byte."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from builders import aged, digest, execute, item, make_database, make_markdown
from database_kinds import every_database
from postgres_queues import make_queue

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Told
    from database_kinds import InFile
    from postgres_server import OwnServer

    Run = Callable[..., Told]

ITEMS = [
    item("A-1", "IN_PROGRESS", owner_session="worker:core-1", started_at_kst="2026-01-01 10:00"),
    item("A-2", "FAILED"),
    item("A-3", "DONE"),
    item("A-4", "BLOCKED", notes="cancelled_by_operator"),
]
READ_MD, READ_DB = "note: Q.md was read, q.db was not\n", "note: q.db was read, Q.md was not\n"
MORE = "give --timeout more, or find out why\n"
HELP = ": see `ops-checks wait --help`\n"


@pytest.fixture
def queues(folder: Path, monkeypatch: pytest.MonkeyPatch, database_kind: InFile) -> Path:
    """Return a folder with a document and a database that differ in A-2."""
    make_markdown(folder / "Q.md", ITEMS)
    make_database(folder / "q.db", [each if each.id != "A-2" else item("A-2", "DONE") for each in ITEMS])
    monkeypatch.setenv("ORCH_QUEUE_MD", "Q.md")
    monkeypatch.setenv("ORCH_DB_PATH", database_kind.there("q.db"))
    return folder


TABLE: dict[str, tuple[int, str, str]] = {
    # it holds
    "--id A-3 --for DONE": (0, "waited 0s A-3=DONE\n", READ_MD),
    "--id A-3 --for DONE --timeout 7d": (0, "waited 0s A-3=DONE\n", READ_MD),
    "--id A-3 --id A-2 --id A-3 --for DONE --db q.db": (0, "waited 0s A-3=DONE A-2=DONE\n", READ_DB),
    "--for-status FAILED=0 --db q.db": (0, "waited 0s FAILED=0\n", READ_DB),
    "--for-status FAILED=1 --for-status PENDING=00 --for-status FAILED=1": (
        0,
        "waited 0s FAILED=1 PENDING=0\n",
        READ_MD,
    ),
    "--for consistent --policy settled.yaml": (0, "waited 0s consistent\n", ""),
    "--for consistent --for DONE --id A-3 --for-status DONE=1 --policy settled.yaml": (
        0,
        "waited 0s A-3=DONE DONE=1 consistent\n",
        "",
    ),
    # it cannot come
    "--id A-2 --for DONE --timeout 7d": (
        1,
        "",
        f"{READ_MD}error: Q.md: A-2 is FAILED: DONE can only come after a `retry`\n",
    ),
    "--id A-1 --id A-4 --for DONE --db q.db": (
        1,
        "",
        f"{READ_DB}error: q.db: A-4 is BLOCKED, cancelled by an operator: DONE can only come after a `replan`\n",
    ),
    # time-out
    "--id A-1 --for DONE --timeout 0s": (
        124,
        "",
        f"{READ_MD}error: Q.md: timed out after 0s: A-1 is IN_PROGRESS (worker:core-1): {MORE}",
    ),
    "--id A-4 --for PENDING --timeout 0d": (
        124,
        "",
        f"{READ_MD}error: Q.md: timed out after 0s: A-4 is BLOCKED: {MORE}",
    ),
    "--for-status FAILED=0 --timeout 0s": (
        124,
        "",
        f"{READ_MD}error: Q.md: timed out after 0s: FAILED=1, not 0: {MORE}",
    ),
    "--for consistent --timeout 0s": (
        124,
        "",
        "error: Q.md, q.db: timed out after 0s: consistency mismatch missing_in_db=0 missing_in_md=0 "
        f"field_mismatch=1: {MORE}",
    ),
    # what cannot be read
    "--id A-1 --for DONE --queue no.md --timeout 0s": (
        3,
        "",
        "error: no.md: no such queue: name a Markdown file with --queue, or run `ops-checks init`, with `--from PATH` "
        "if the other side has rows\n",
    ),
    "--for-status DONE=1 --db text --timeout 0s": (
        3,
        "",
        "error: text: is plain text, not the database: name the database itself\n",
    ),
    # usage
    "": (4, "", f"error: name what to wait for with --for or --for-status{HELP}"),
    "--timeout 1s": (4, "", f"error: name what to wait for with --for or --for-status{HELP}"),
    "--id A-1": (4, "", f"error: --id needs --for and a status{HELP}"),
    "--id A-1 --for-status DONE=1": (4, "", f"error: --id needs --for and a status{HELP}"),
    "--id A-1 --for consistent": (4, "", f"error: --id needs --for and a status{HELP}"),
    "--for DONE": (4, "", f"error: --for and a status need --id{HELP}"),
    "--id A-1 --for DONE --for FAILED": (
        4,
        "",
        "error: --for DONE and --for FAILED: no item has both, and all is waited for: give one\n",
    ),
    "--for-status DONE=1 --for-status DONE=2": (4, "", "error: --for-status DONE=1 and DONE=2: give one of them\n"),
    "--id A-1 --for done": (
        4,
        "",
        "error: argument --for: found 'done': expected one of PENDING, IN_PROGRESS, BLOCKED, FAILED, DONE, or "
        f"consistent{HELP[:-1]}; did you mean DONE?\n",
    ),
    "--for-status FAILED<=0": (
        4,
        "",
        "error: argument --for-status: found 'FAILED<=0': expected STATUS=N, such as FAILED=0, with one of PENDING, "
        f"IN_PROGRESS, BLOCKED, FAILED, DONE{HELP[:-1]}; did you mean FAILED?\n",
    ),
    "--for-status FAILED=-1": (
        4,
        "",
        f"error: argument --for-status: expected a whole number from 0, found '-1'{HELP}",
    ),
    "--for consistent --timeout 10": (
        4,
        "",
        f"error: argument --timeout: expected a time span such as 90s, 15m, 2h or 7d, found '10'{HELP}",
    ),
    "--for consistent --timeout 1m --timeout 2m": (
        4,
        "",
        f"error: argument --timeout: given twice, as 60 and as 120: give it once{HELP}",
    ),
    "--for consistent --policy none.yaml": (
        4,
        "",
        "error: none.yaml: no such policy: name a YAML file with --policy\n",
    ),
    # an item that never was there
    "--id A-9 --for DONE": (5, "", f"{READ_MD}error: Q.md: no item A-9: name an item that is there\n"),
    "--id A-9 --id A-3 --for DONE --db q.db": (
        5,
        "",
        f"{READ_DB}error: q.db: no item A-9: name an item that is there\n",
    ),
}


@every_database
@pytest.mark.parametrize("line", TABLE)
def test_wait(queues: Path, run: Run, line: str) -> None:
    """Each way in which a wait ends has its exit code and its line, and nothing is written."""
    (queues / "settled.yaml").write_text("consistency: {fields: [priority], settle: 0s}\n")
    (queues / "text").write_text("text\n" * 1000)
    aged(queues / "text")
    before = digest(queues)
    assert run("wait", *line.split()) == TABLE[line]
    assert digest(queues) == before


@every_database
def test_what_stands_is_only_text(folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a terminal nor a runner obeys what an item or an argument says."""
    hostile = "\x1b]52;c;x\x07\u202e##[error]x"
    make_markdown(folder / "Q.md", [item(f"A{hostile}", "IN_PROGRESS", owner_session=hostile)])
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    for status, code in (("DONE", 124), ("IN_PROGRESS", 0)):
        told = run("wait", "--queue", "Q.md", "--id", f"A{hostile}", "--for", status, "--timeout", "0s")
        assert told.code == code
        assert all(line.isprintable() and "##[" not in line for line in (told.out + told.err).split("\n"))


@every_database
@pytest.mark.parametrize("side", ["Q.md", "q.db"])
def test_commands_end_a_wait(queues: Path, run: Run, monkeypatch: pytest.MonkeyPatch, side: str) -> None:
    """A wait sees what the commands of this program do: a replan brings the status, a cancel ends it."""
    where = ("--queue", "Q.md") if side == "Q.md" else ("--db", "q.db")
    commands = [("replan", "--id", "A-1", "--notes", "x"), ("cancel", "--id", "A-1")]
    now_s = [0.0]

    def pause(seconds: float) -> None:
        if seconds >= 0.5:
            now_s[0] += seconds
            for command in commands[:1]:  # what a server announces may arrive a pause later
                assert run(*command, *where).code == 0
            del commands[:1]

    monkeypatch.setattr("time.sleep", pause)
    monkeypatch.setattr("ops_checks.cli.commands.wait.time.monotonic", lambda: now_s[0])
    told = run("wait", *where, "--id", "A-1", "--for", "BLOCKED")
    assert told.code == 0
    assert told.out.endswith("s A-1=BLOCKED\n")
    told = run("wait", *where, "--id", "A-1", "--for", "DONE")
    assert (told.code, told.out) == (1, "")
    assert "A-1 is BLOCKED, cancelled by an operator" in told.err
    assert queues


#: Runs the program, and says each time when it begins to wait.
_TELL_WHEN_WAITING = """
import sys, time
from ops_checks.cli import console
real = time.sleep
def told(seconds):
    if seconds >= 0.5:
        print("waiting", file=sys.stderr, flush=True)
    real(seconds)
time.sleep = told
console()
"""


def waiting(*argv: str) -> subprocess.Popen[bytes]:
    """Return a process that waits, after it has begun to."""
    process = subprocess.Popen(
        [sys.executable, "-c", _TELL_WHEN_WAITING, "wait", *argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stderr
    assert process.stderr.readline() == b"waiting\n"
    return process


def _move(side: str) -> None:
    """Let another program finish A-1."""
    if side == "Q.md":
        text = Path("Q.md").read_text().replace("IN_PROGRESS", "DONE")
        Path("Q.md").write_text(text)  # in place, as an editor may
        return
    with closing(sqlite3.connect("q.db")) as connection, connection:
        connection.execute("UPDATE queue_items SET status = 'DONE' WHERE id = 'A-1'")


@pytest.mark.parametrize("side", ["Q.md", "q.db", "wal.db"])
def test_another_process_ends_a_wait(queues: Path, side: str) -> None:
    """What another process writes is seen by one that waits."""
    if side == "wal.db":
        execute("q.db", "PRAGMA journal_mode = WAL")
    where = ("--queue", "Q.md") if side == "Q.md" else ("--db", "q.db")
    with waiting(*where, "--id", "A-1", "--for", "DONE", "--timeout", "5m") as process:
        _move(side)
        out, _ = process.communicate(timeout=50)
    assert process.returncode == 0
    assert (out[:7], out[-9:]) == (b"waited ", b"A-1=DONE\n")
    assert queues


@pytest.mark.usefixtures("folder")
def test_a_server_that_comes_back(own_postgres: OwnServer) -> None:
    """A wait goes on when its server is there again, and sees what another program wrote."""
    served = make_queue(own_postgres.admin, "served", ITEMS)
    where = ("--db", served.location(), "--lock-timeout", "600")
    with waiting(*where, "--id", "A-1", "--for", "DONE", "--timeout", "5m") as process:
        own_postgres.restart()
        served.execute("UPDATE queue_items SET status = 'DONE' WHERE id = 'A-1'")
        out, err = process.communicate(timeout=50)
    assert (process.returncode, out[-9:], b"Traceback" in err) == (0, b"A-1=DONE\n", False)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("what", [("--id", "A-1", "--for", "DONE"), ("--for", "consistent")])
def test_ctrl_c_ends_a_wait(queues: Path, number: int, what: tuple[str, ...]) -> None:
    """Ctrl-C ends a wait at once, with exit 130 and one line."""
    before = digest(queues)
    with waiting(*what, "--timeout", "7d") as process:
        process.send_signal(number)
        out, err = process.communicate(timeout=50)
    assert (process.returncode, out) == (130, b"")
    assert err.replace(b"waiting\n", b"") == b"error: interrupted\n"
    assert digest(queues) == before


@every_database
def test_a_wait_costs_next_to_nothing(queues: Path) -> None:
    """While nothing changes a question makes no more system calls than looking at two files takes."""
    assert queues
    from ops_checks.stores.registry import MARKDOWN, SQLITE

    calls: list[str] = []
    sys.addaudithook(lambda name, _: calls.append(name) if name.startswith(("open", "sqlite3.connect")) else None)
    with MARKDOWN.open("Q.md").watch() as md, SQLITE.open("q.db").watch() as db:
        first = md.version(), db.version()
        calls.clear()
        assert all((md.version(), db.version()) == first for _ in range(100))
        opened = list(calls)
    assert opened == []
