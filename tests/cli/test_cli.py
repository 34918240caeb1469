"""The command line: arguments in, exit code, stdout and stderr out (OPS_COMMANDS, FORMATS sections 5 to 8)."""

from __future__ import annotations

import fcntl
import os
import re
import shlex
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from builders import digest, document, execute, item, make_database, make_markdown, select
from conftest import NOW_S

from ops_checks import __version__
from ops_checks.exit_codes import EXIT_CODES
from ops_checks.runlog import scanner
from ops_checks.stores.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from conftest import Told

    Run = Callable[..., Told]

RUNNING = {"owner_session": "s1", "started_at_kst": "2026-01-01 10:00"}
ITEMS = [
    item("ORCH-101", "PENDING", "P1", task="한국어 | task"),
    item("ORCH-102", "IN_PROGRESS", "P2", **RUNNING),
    item("ORCH-103", "FAILED", "P0", owner_session="s2", started_at_kst="2026-01-01 09:00", notes="old"),
    item("ORCH-104", "BLOCKED", "P1"),
    item("ORCH-105", "DONE", "P1"),
]
LEASES = {
    "ORCH-102": {"lease_owner": "s1", "lease_expires_at": NOW_S - 60, "attempt_count": 1},
    "ORCH-103": {"attempt_count": 2},
}
COMMANDS = ["status", "workers", "consistency-check", "kpi", "cancel", "replan", "retry"]
COMMANDS += ["check", "report", "init", "schema", "policy"]


@pytest.fixture
def queues(folder: Path) -> Path:
    """Return a folder with the same items in `Q.md` and `q.db`."""
    make_markdown(folder / "Q.md", ITEMS)
    make_database(folder / "q.db", ITEMS, LEASES)
    return folder


STATUS = """\
summary PENDING=1 IN_PROGRESS=1 BLOCKED=1 FAILED=1 DONE=1
top_in_progress:
- ORCH-102 (P2) owner=s1 started=2026-01-01 10:00
"""
WORKERS = """\
workers_active=1 in_progress=1
- s1 tasks=1 p0=0 p1=0 p2=1 ids=ORCH-102 oldest_start=2026-01-01 10:00
"""


@pytest.mark.parametrize(
    ("line", "code", "out", "err"),
    [
        ("--queue Q.md status", 0, STATUS, ""),
        ("status --queue Q.md", 0, STATUS, ""),
        ("--db q.db status", 0, STATUS, ""),
        ("status --db q.db", 0, STATUS, ""),
        ("status --db=q.db", 0, STATUS, ""),
        ("--queue Q.md status --queue Q.md", 0, STATUS, ""),
        ("--queue none.md --db q.db status", 0, STATUS, ""),
        ("--lock-timeout 1 status --queue Q.md", 0, STATUS, ""),
        ("--queue Q.md workers", 0, WORKERS, ""),
        ("workers --db q.db", 0, WORKERS, ""),
        ("consistency-check --queue-path Q.md --db-path q.db", 0, "consistency ok total=5\n", ""),
        ("--queue Q.md --db q.db consistency-check", 0, "consistency ok total=5\n", ""),
        ("consistency-check --queue Q.md --db q.db --fields all", 0, "consistency ok total=5\n", ""),
        ("--queue x --db y consistency-check --queue-path Q.md --db-path q.db", 0, "consistency ok total=5\n", ""),
        ("--queue Q.md cancel --id ORCH-102", 0, "ORCH-102 -> BLOCKED\n", ""),
        ("--queue Q.md replan --id ORCH-102 --notes why", 0, "ORCH-102 -> BLOCKED\n", ""),
        ("--queue Q.md replan --id ORCH-105 --notes why", 0, "ORCH-105 -> PENDING\n", ""),
        ("--queue Q.md retry --id ORCH-103", 0, "ORCH-103 -> PENDING\n", ""),
        ("--queue Q.md retry --id ORCH-104", 0, "ORCH-104 -> PENDING\n", ""),
        ("--db q.db cancel --id ORCH-102", 0, "ORCH-102 -> BLOCKED\n", ""),
        ("--db q.db replan --id ORCH-102 --notes why", 0, "ORCH-102 -> BLOCKED\n", ""),
        ("--db q.db replan --id ORCH-103 --notes why", 0, "ORCH-103 -> PENDING\n", ""),
        ("--db q.db retry --id ORCH-102", 0, "ORCH-102 -> PENDING\n", ""),
        ("--db q.db retry --id ORCH-103", 0, "ORCH-103 -> PENDING\n", ""),
        ("retry --id ORCH-103 --db q.db --actor me", 0, "ORCH-103 -> PENDING\n", ""),
        (
            "cancel --dry-run --id ORCH-102 --queue Q.md",
            0,
            "ORCH-102 -> BLOCKED\n- status: IN_PROGRESS -> BLOCKED\n- notes: - -> cancelled_by_operator\n",
            "dry run: nothing was written\n",
        ),
        (
            "cancel --dry-run --id ORCH-102 --db q.db",
            0,
            "ORCH-102 -> BLOCKED\n- status: IN_PROGRESS -> BLOCKED\n- notes: - -> cancelled_by_operator\n"
            "- lease_owner: s1 -> -\n- lease_expires_at: 1767279540 -> -\n",
            "dry run: nothing was written\n",
        ),
        (
            "--queue Q.md cancel --id ORCH-105",
            5,
            "",
            "error: ORCH-105: is DONE: only an item that is not terminal can be cancelled\n",
        ),
        (
            "--db q.db cancel --id ORCH-103 --dry-run",
            5,
            "",
            "error: ORCH-103: is FAILED: only an item that is not terminal can be cancelled\n",
        ),
        (
            "--queue Q.md retry --id ORCH-102",
            5,
            "",
            "error: ORCH-102: is IN_PROGRESS: only FAILED and BLOCKED items can be retried\n",
        ),
        (
            "--db q.db retry --id ORCH-104",
            5,
            "",
            "error: ORCH-104: is BLOCKED: only FAILED items, and IN_PROGRESS ones that timed out, can be retried"
            ": replan it, which makes it PENDING\n",
        ),
        ("--queue Q.md cancel --id ORCH-9", 5, "", "error: Q.md: no item ORCH-9: see the id column of the queue\n"),
        ("--db q.db cancel --id ORCH-9", 5, "", "error: q.db: no item ORCH-9: see the ids in queue_items\n"),
    ],
)
def test_commands(queues: Path, run: Run, line: str, code: int, out: str, err: str) -> None:
    """Each command ends in its exit code and its lines, to the byte; what is refused or dry changes nothing."""
    before = digest(queues)
    assert run(*shlex.split(line)) == (code, out, err)
    changes = code == 0 and "--id" in line and "--dry-run" not in line
    assert (digest(queues) != before) == changes


def test_drift(queues: Path, run: Run) -> None:
    """Drift ends in exit 1, with the counts and a line for each finding."""
    make_markdown(
        queues / "Q.md", [*ITEMS[:3], ITEMS[3].with_cells([("status", "DONE"), ("task", "a|b")]), item("X-1")]
    )
    assert run("consistency-check", "--queue", "Q.md", "--db", "q.db") == (
        1,
        "consistency mismatch missing_in_db=1 missing_in_md=1 field_mismatch=2\n"
        "- missing_in_db X-1\n"
        "- missing_in_md ORCH-105\n"
        "- mismatch ORCH-104:status:md=DONE db=BLOCKED\n"
        "- mismatch ORCH-104:task:md=a|b db=task\n",
        "",
    )
    told = run("consistency-check", "--queue", "Q.md", "--db", "q.db", "--fields", "notes,due_at_kst")
    assert told.out.splitlines()[0] == "consistency mismatch missing_in_db=1 missing_in_md=1 field_mismatch=0"


def test_notes_are_compared_only_when_named(queues: Path, run: Run) -> None:
    """Notes are left out by default: older tools could not escape a pipe."""
    execute(queues / "q.db", "UPDATE queue_items SET notes = 'other' WHERE id = 'ORCH-103'")
    base = ["consistency-check", "--queue", "Q.md", "--db", "q.db"]
    assert run(*base).code == 0
    assert run(*base, "--fields", "all").out.endswith("- mismatch ORCH-103:notes:md=old db=other\n")


def test_details_are_cut(folder: Path, run: Run) -> None:
    """Fifty lines a kind are shown and the rest counted; --max-details says otherwise, and 0 shows all."""
    make_markdown(folder / "Q.md", [item(f"A-{number}") for number in range(60)])
    make_database(folder / "q.db", [item(f"B-{number}") for number in range(55)])
    base = ["consistency-check", "--queue", "Q.md", "--db", "q.db"]
    lines = run(*base).out.splitlines()
    assert len(lines) == 1 + 50 + 1 + 50 + 1
    assert (lines[51], lines[-1]) == (
        "- missing_in_db: 10 more (--max-details 0 shows all)",
        "- missing_in_md: 5 more (--max-details 0 shows all)",
    )
    assert len(run(*base, "--max-details", "0").out.splitlines()) == 116
    assert len(run(*base, "--max-details", "1").out.splitlines()) == 5


def test_the_default_paths(folder: Path, run: Run) -> None:
    """Without a word the queue and database are where the specification says."""
    assert run("status").err.startswith("error: automation/orchestrator/QUEUE.md: no such queue")
    base = folder / "automation" / "orchestrator"
    (base / "db").mkdir(parents=True)
    make_markdown(base / "QUEUE.md", ITEMS)
    assert run("consistency-check").err.startswith("error: automation/orchestrator/db/queue.db: no such database")
    make_database(base / "db" / "queue.db", ITEMS)
    note = "note: automation/orchestrator/QUEUE.md was read, automation/orchestrator/db/queue.db was not\n"
    assert run("status") == (0, STATUS, note)
    assert run("consistency-check") == (0, "consistency ok total=5\n", "")


#: What says which of two queues was read.
READ = "note: Q.md was read, q.db was not\n"


def test_the_environment(queues: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths in the environment count below the command line, and do not choose the backend."""
    monkeypatch.setenv("ORCH_QUEUE_MD", "Q.md")
    monkeypatch.setenv("ORCH_DB_PATH", "q.db")
    execute("q.db", "DELETE FROM queue_items WHERE id = 'ORCH-102'")
    assert run("status") == (0, STATUS, READ)
    assert run("consistency-check").code == 1
    assert run("status", "--queue", "none.md").code == 3
    monkeypatch.delenv("ORCH_QUEUE_MD")
    assert run("status").err.startswith("error: automation/orchestrator/QUEUE.md")


def test_the_source_of_truth(queues: Path, run: Run) -> None:
    """A policy's source of truth chooses the backend, and then the Markdown queue is not changed."""
    (queues / "ops-checks.yaml").write_text("source_of_truth: db\nqueue: Q.md\ndb: q.db\n")
    note = "note: Q.md: still says IN_PROGRESS for ORCH-102: --both changes both at once\n"
    assert run("cancel", "--id", "ORCH-102") == (0, "ORCH-102 -> BLOCKED\n", note)
    assert select("q.db", "SELECT status FROM queue_items WHERE id = 'ORCH-102'") == [("BLOCKED",)]
    told = run("--queue", "Q.md", "cancel", "--id", "ORCH-102")
    assert told == (
        5,
        "",
        "error: Q.md: is a view of the database, by the policy: change it with --db, or both with --both\n",
    )
    assert run("--queue", "Q.md", "status") == (0, STATUS, READ)


@pytest.mark.parametrize("command", ["cancel --id ORCH-102", "retry --id ORCH-103", "replan --id ORCH-101 --notes n"])
def test_a_read_only_queue(queues: Path, run: Run, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    """ORCH_QUEUE_MD_READ_ONLY refuses changes of the Markdown queue, not of the database, and no reading."""
    monkeypatch.setenv("ORCH_QUEUE_MD_READ_ONLY", "yes")
    before = digest(queues)
    told = run("--queue", "Q.md", *shlex.split(command))
    assert told == (5, "", "error: Q.md: read-only by ORCH_QUEUE_MD_READ_ONLY: change the database with --db\n")
    assert digest(queues) == before
    assert run("--queue", "Q.md", "status").code == 0
    assert run("--db", "q.db", *shlex.split(command)).code == 0


@pytest.mark.parametrize("command", [["replan", "--id", "ORCH-101", "--notes", " "], ["retry", "--id", "ORCH-103"]])
def test_a_read_only_queue_comes_before_bad_values(
    queues: Path, run: Run, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    """What may not be changed is said first; what else is wrong, where it may."""
    monkeypatch.setenv("ORCH_RETRY_BACKOFF", "soon")
    assert run("--queue", "Q.md", *command).code == 4
    monkeypatch.setenv("ORCH_QUEUE_MD_READ_ONLY", "yes")
    before = digest(queues)
    assert run("--queue", "Q.md", *command).code == 5
    assert digest(queues) == before


@pytest.mark.parametrize(("option", "actor"), [(["--actor", "한 | \x1b"], "한 | \\u001b"), ([], "somebody")])
def test_the_actor(queues: Path, run: Run, monkeypatch: pytest.MonkeyPatch, option: list[str], actor: str) -> None:
    """Who did it stands in the event: as named, or by the login name."""
    monkeypatch.setenv("LOGNAME", "somebody")
    assert run("--db", "q.db", "cancel", "--id", "ORCH-102", *option).code == 0
    ((payload,),) = select("q.db", "SELECT payload_json FROM queue_events")
    assert f'"actor": "{actor}"' in payload


def test_the_backoff_of_the_environment(queues: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The wait before the next attempt is that of this attempt."""
    monkeypatch.setenv("ORCH_RETRY_BACKOFF", "1,2,3")
    run("--db", "q.db", "retry", "--id", "ORCH-102")
    run("--db", "q.db", "retry", "--id", "ORCH-103")
    query = (
        "SELECT notes, attempt_count, owner_session, started_at_kst FROM queue_items WHERE status = 'PENDING' AND notes"
    )
    assert select("q.db", f"{query} <> '' ORDER BY id") == [
        (f"retry_not_before={NOW_S + 2}", 2, "-", "-"),
        (f"old | retry_not_before={NOW_S + 3}", 3, "-", "-"),
    ]
    told = run("--db", "q.db", "retry", "--id", "ORCH-103")
    assert told.code == 5


def test_the_zone(queues: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Times are written in the queue's zone."""
    monkeypatch.setenv("ORCH_TZ_OFFSET", "-5.5")
    run("--db", "q.db", "cancel", "--id", "ORCH-102")
    assert select("q.db", "SELECT created_at FROM queue_events") == [("2026-01-01 09:30",)]


def test_the_same_operations_leave_the_queues_in_agreement(queues: Path, run: Run) -> None:
    """What is done on both backends leaves `consistency ok`."""
    for command in ("cancel --id ORCH-102", "replan --id ORCH-105 --notes 'a | b'", "retry --id ORCH-103"):
        for backend in (("--queue", "Q.md"), ("--db", "q.db")):
            assert run(*backend, *shlex.split(command)).code == 0
        assert run("consistency-check", "--queue", "Q.md", "--db", "q.db") == (0, "consistency ok total=5\n", "")


@pytest.mark.parametrize(
    ("argv", "error"),
    [
        ([], "the following arguments are required: COMMAND: see `ops-checks --help`"),
        (["--bogus"], None),
        (["status", "--bogus"], "unrecognized arguments: --bogus: see `ops-checks --help`"),
        (["statu"], None),
        (["status", "more"], "unrecognized arguments: more: see `ops-checks --help`"),
        (["--que", "Q.md", "status"], None),
        (["--queue"], None),
        (["--queue", "", "status"], "argument --queue: expected a path, found nothing: see `ops-checks --help`"),
        (["status", "--db", " "], "argument --db: expected a path, found nothing: see `ops-checks status --help`"),
        (["cancel"], "no item is named: give --id, or select some, as with --status: nothing never means all"),
        (["cancel", "--id", ""], "argument --id: expected a name, found nothing: see `ops-checks cancel --help`"),
        (["replan", "--id", "A"], "the following arguments are required: --notes: see `ops-checks replan --help`"),
        (
            ["--queue", "Q.md", "replan", "--id", "A", "--notes", " \n"],
            "--notes is blank: say why the item is replanned",
        ),
        (
            ["replan", "--id", "A", "--notes", "\udcff"],
            "argument --notes: is not UTF-8: see `ops-checks replan --help`",
        ),
        (["cancel", "--id", "A", "--actor", ""], None),
        (["cancel", "--id", "\udcff"], None),
        (["consistency-check", "--max-details", "-1"], None),
        (["consistency-check", "--max-details", "1.5"], None),
        (["consistency-check", "--max-details", "٣"], None),
        (["consistency-check", "--fields", "id"], None),
        (["consistency-check", "--fields", "status,,task"], None),
        (["consistency-check", "--fields", ""], None),
        (["--lock-timeout", "-1", "status"], None),
        (["--lock-timeout", "nan", "status"], None),
        (["--lock-timeout", "soon", "status"], None),
        (["\x1b[31m\n::error::x"], None),
        (["status", "a\nb\x1b\u202e"], r"unrecognized arguments: a\nb\x1b\u202e: see `ops-checks --help`"),
        (["--policy", "none.yaml", "status"], None),
    ],
)
def test_usage_errors(queues: Path, run: Run, argv: list[str], error: str | None) -> None:
    """A bad flag or value ends in exit 4 with one line that no terminal obeys, and changes nothing."""
    before = digest(queues)
    told = run(*argv)
    assert (told.code, told.out, told.err.count("\n"), told.err[:7]) == (4, "", 1, "error: ")
    assert error is None or told.err == f"error: {error}\n"
    assert told.err[:-1].isprintable()
    assert digest(queues) == before


@pytest.mark.parametrize(
    ("argv", "code", "error"),
    [
        (["status", "--queue=--"], 3, "--: no such queue"),
        (["--db=--", "status"], 3, "--: no such database"),
        (["--queue", "Q.md", "cancel", "--id=--"], 5, "Q.md: no item --"),
        (["check", "--fields=--"], 4, "argument --fields: no field '--'"),
        (["wait", "--id=--", "--for=--"], 4, "argument --for: found '--'"),
    ],
)
def test_two_dashes_as_a_value_are_one(queues: Path, run: Run, argv: list[str], code: int, error: str) -> None:
    """An option that is given as `--option=--` has that value: it is not read as if it were not given."""
    assert queues
    told = run(*argv)
    assert (told.code, told.out) == (code, "")
    assert told.err.startswith(f"error: {error}")


@pytest.mark.parametrize("name", ["ORCH_TZ_OFFSET", "ORCH_RETRY_BACKOFF", "ORCH_QUEUE_MD_READ_ONLY"])
def test_a_bad_environment_is_a_usage_error(queues: Path, run: Run, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A setting that nobody can read is told by its name, and nothing is changed."""
    monkeypatch.setenv(name, "soon")
    before = digest(queues)
    told = run("--queue", "Q.md", "retry", "--id", "ORCH-103")
    assert (told.code, told.out, told.err.startswith(f"error: {name}=soon: expected")) == (4, "", True)
    assert digest(queues) == before


def test_version(run: Run) -> None:
    """--version names the program and its version, and on a second line what reads the run log."""
    assert run("--version") == (0, f"ops-checks {__version__}\nrun log scanner: {scanner.state()}\n", "")


@pytest.mark.parametrize("argv", [[], *([name] for name in COMMANDS)])
def test_help(run: Run, argv: list[str]) -> None:
    """Every command's help shows an example of it; the exit codes stand in the program's help, and only there."""
    told = run(*argv, "--help")
    assert (told.code, told.err) == (0, "")
    shown = re.sub(r"\s+", " ", told.out)
    assert [f" {code} {code.meaning}" in shown for code in EXIT_CODES] == [not argv] * len(EXIT_CODES)
    assert ("exit codes: see `ops-checks --help`" in shown) is bool(argv)
    example = told.out.split("example:\n  ")[1].splitlines()[0]
    assert example.startswith("ops-checks")
    assert all(name in example for name in argv)
    assert all(option in told.out for option in ("--queue", "--db"))


def test_the_help_lists_every_command(run: Run) -> None:
    """The program's help names all commands."""
    assert all(f"\n    {name} " in run("--help").out for name in COMMANDS)


def test_text_is_only_text(folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands in a queue reaches no terminal as a command, and no CI system either."""
    hostile = "\x1b]52;c;x\x07\u202e\u2028##[error]x"
    make_markdown(folder / "Q.md", [item("A-1", "IN_PROGRESS", owner_session=hostile, started_at_kst="::x::")])
    for name in ("status", "workers"):
        told = run(name, "--queue", "Q.md")
        assert (told.code, all(line.isprintable() for line in told.out.split("\n"))) == (0, True)
        assert r"\x1b]52;c;x\x07\u202e\u2028##[error]x" in told.out
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert "##[" not in run("status", "--queue", "Q.md").out


def test_rows_below_the_table_are_remarked(queues: Path, run: Run) -> None:
    """A row that GFM does not read as one is a warning to an operator, and to a check an error: it is not judged."""
    text = document(ITEMS[:1]) + "\n| ORCH-7 | DONE | P0 | t | s | - | - | - |  |\n"
    (queues / "Q.md").write_text(text)
    remark = "Q.md:11: looks like a row of the queue, but the table ended above it: take out the line between\n"
    told = run("status", "--queue", "Q.md")
    assert told.out.startswith("summary PENDING=1 IN_PROGRESS=0")
    assert (told.code, told.err) == (0, f"warning: {remark}")
    cancel = ("--queue", "Q.md", "cancel", "--id")
    assert run(*cancel, "ORCH-7") == (5, "", f"error: Q.md: no item ORCH-7: see the id column of the queue\n  {remark}")
    assert run(*cancel, ITEMS[0].id) == (0, f"{ITEMS[0].id} -> BLOCKED\n", f"warning: {remark}")
    assert run("consistency-check", "--queue", "Q.md", "--db", "q.db") == (3, "", f"error: {remark}")
    (queues / "runs.jsonl").write_text("")
    assert run("kpi", "--queue", "Q.md", "--log-path", "runs.jsonl") == (3, "", f"error: {remark}")


PROGRAM = [sys.executable, "-m", "ops_checks"]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let child processes find the package that is tested."""
    import ops_checks

    monkeypatch.setenv("PYTHONPATH", os.path.dirname(os.path.dirname(ops_checks.__file__)))


@pytest.mark.parametrize("what", ["status --queue Q.md", "--help", "consistency-check --queue Q.md --db q.db"])
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.usefixtures("environment")
def test_a_full_disk_for_the_results(queues: Path, monkeypatch: pytest.MonkeyPatch, what: str, unbuffered: str) -> None:
    """Results that cannot be written end in exit 3 and one line, whenever Python hands them to the system."""
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    with open("/dev/full", "w") as full:
        done = subprocess.run([*PROGRAM, *what.split()], stdout=full, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (
        3,
        b"error: the results cannot be written (No space left on device): check the disk\n",
    )


@pytest.mark.parametrize("where", [["--queue", "Q.md"], ["--db", "q.db"]])
@pytest.mark.parametrize(("target", "why"), [("> /dev/full", True), (">&-", False)])
@pytest.mark.usefixtures("environment")
def test_a_change_whose_line_cannot_be_written(queues: Path, where: list[str], target: str, why: bool) -> None:  # noqa: FBT001 - a column
    """A change that was made is told on stderr, so that nobody makes it twice; a dry run made none."""
    failed = b"error: the results cannot be written (No space left on device): check the disk\n" * why
    for option, notes in [
        ("--dry-run", b""),
        ("", b"note: ORCH-102 -> BLOCKED: this change was made, only the output failed\n"),
    ]:
        command = f"{shlex.join([*PROGRAM, *where])} cancel --id ORCH-102 {option} {target}"
        done = subprocess.run(["sh", "-c", command], capture_output=True, check=False)
        assert (done.returncode, done.stderr.replace(b"dry run: nothing was written\n", b"")) == (3, failed + notes)
    assert "ORCH-102 | BLOCKED" in (queues / "Q.md").read_text() or select(
        "q.db", "SELECT status FROM queue_items WHERE id = 'ORCH-102'"
    ) == [("BLOCKED",)]


def test_a_lease_that_runs_out_while_the_lock_is_waited_for(
    queues: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock is read under the lock: what has timed out by then can be retried, and the event says when."""
    execute("q.db", f"UPDATE queue_items SET lease_expires_at = {NOW_S + 60} WHERE id = 'ORCH-102'")
    real = SqliteStore._read

    def later(store: SqliteStore, *args: Any) -> Any:
        monkeypatch.setattr("time.time", lambda: float(NOW_S + 120))
        return real(store, *args)

    monkeypatch.setattr(SqliteStore, "_read", later)
    assert run("--db", "q.db", "retry", "--id", "ORCH-102") == (0, "ORCH-102 -> PENDING\n", "")
    assert select("q.db", "SELECT created_at FROM queue_events") == [("2026-01-02 00:02",)]
    assert "retry_not_before=" + str(NOW_S + 120 + 180) in str(select("q.db", "SELECT notes FROM queue_items"))


@pytest.mark.parametrize(
    "what", ["status --queue Q.md", "--help", "consistency-check --queue big.md --db q.db --max-details 0"]
)
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.usefixtures("environment")
def test_a_reader_that_has_gone(queues: Path, monkeypatch: pytest.MonkeyPatch, what: str, unbuffered: str) -> None:
    """`| head -1` is no error: the exit code stays and nothing is said."""
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    make_markdown(queues / "big.md", [item(f"A-{number}") for number in range(5000)])
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([*PROGRAM, *what.split()], stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1 if "--db" in what else 0, b"")


@pytest.mark.usefixtures("environment")
def test_closed_streams(queues: Path) -> None:
    """Without stdout the results are not written, which is exit 3; without stderr the exit code still tells."""
    script = f"{shlex.join(PROGRAM)} status --queue"
    codes = [
        subprocess.run(["sh", "-c", f"{script} {rest}"], capture_output=True, check=False).returncode
        for rest in ("Q.md >&-", "Q.md 2>&-", "none.md 2>&-", "none.md 2>/dev/full")
    ]
    assert codes == [3, 0, 3, 3]


@pytest.mark.usefixtures("environment")
def test_an_output_encoding_that_knows_little(queues: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal set to ASCII makes no error of Korean text: output is UTF-8."""
    make_markdown(queues / "Q.md", [item("A-1", "IN_PROGRESS", owner_session="한국어")])
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    done = subprocess.run([*PROGRAM, "status", "--queue", "Q.md"], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert "owner=한국어" in done.stdout.decode()


def _file_lock() -> AbstractContextManager[object]:
    lock = open("Q.md.lock", "wb")  # noqa: SIM115 - closing it, which releases the lock, is the caller's
    fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def _writer() -> AbstractContextManager[object]:
    connection = sqlite3.connect("q.db", isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    return closing(connection)


@contextmanager
def _git() -> Iterator[None]:
    os.mkdir(".git")
    Path(".git/index.lock").touch()
    yield
    os.unlink(".git/index.lock")
    os.rmdir(".git")


CHANGE = "cancel --id ORCH-102 --lock-timeout 60"


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize(
    ("command", "held"),
    [
        (f"--queue Q.md {CHANGE}", _file_lock),
        (f"--queue Q.md {CHANGE}", _git),
        (f"--db q.db {CHANGE}", _writer),
        (f"--db q.db {CHANGE} --dry-run", _writer),
        ("--db q.db --lock-timeout 60 status", _writer),
        ("--queue Q.md --db q.db --lock-timeout 60 consistency-check", _writer),
    ],
)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_while_waiting_for_the_lock(
    queues: Path, command: str, held: Callable[[], AbstractContextManager[object]], number: int
) -> None:
    """Ctrl-C is answered while another program is waited for: exit 130 and one line, and nothing is changed."""
    before = digest(queues)
    with (
        held(),
        subprocess.Popen(
            [sys.executable, "-c", _TELL_WHEN_WAITING, *command.split()],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process,
    ):
        assert process.stdout
        assert process.stdout.readline() == b"waiting\n"
        process.send_signal(number)
        out, err = process.communicate(timeout=50)  # the wait itself would be longer
    assert (process.returncode, out, err) == (130, b"", b"error: interrupted\n")
    assert digest(queues) == before


#: Runs the program, and says when it has begun to wait for another program.
_TELL_WHEN_WAITING = """
import time
from ops_checks.cli import console
real = time.sleep
def told(seconds):
    if seconds:
        time.sleep = real
        print("waiting", flush=True)
    real(seconds)
time.sleep = told
console()
"""


@pytest.mark.usefixtures("environment")
def test_ctrl_c_while_the_reader_is_slow(queues: Path) -> None:
    """Ctrl-C while the results wait for a slow reader ends in exit 130 and one line as well."""
    make_markdown(queues / "big.md", [item(f"A-{number}") for number in range(5000)])
    command = [*PROGRAM, "consistency-check", "--queue", "big.md", "--db", "q.db", "--max-details", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.read(1)  # it has begun to write, and a pipe does not hold it all
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    assert (process.returncode, err) == (130, b"error: interrupted\n")


def test_a_working_folder_that_is_gone_is_an_error_not_drift(run: Run, folder: Path) -> None:
    """What nobody expected to fail ends in one line and exit code 3: exit code 1 says that the queues disagree."""
    gone = folder / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()
    told = run("init")
    assert (told.code, told.out) == (3, "")
    assert told.err.startswith("error: ")
    assert told.err.count("\n") == 1
