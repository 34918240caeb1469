"""`--both`, `cancel --notes`, and `undo` of single changes, as users meet them (FORMATS section 5, RECONCILE 10)."""

from __future__ import annotations

import json
import sqlite3
import stat
import threading
from typing import TYPE_CHECKING, Any

import pytest
from builders import aged, digest, execute, item, make_database, make_markdown, select
from conftest import NOW_S
from database_kinds import every_database
from hypothesis import given, settings
from hypothesis import strategies as st
from reconcile_checks import assert_published

from ops_checks.errors import ChangedError, WriteError
from ops_checks.reconcile import planning
from ops_checks.reconcile.reading import read_states
from ops_checks.stores.markdown.rewriting import MarkdownTransaction
from ops_checks.stores.sqlite.transaction import SqliteTransaction

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Told

    from ops_checks.reconcile.reading import Reading

    Run = Callable[..., Told]

QUEUE, DB = "automation/orchestrator/QUEUE.md", "automation/orchestrator/db/queue.db"
WORKING = {"owner_session": "w1", "started_at_kst": "2026-01-01 10:00"}
ITEMS = [
    item("A-1", "IN_PROGRESS", **WORKING),
    item("A-2", "PENDING"),
    item("A-3", "FAILED", **WORKING, notes="old"),
    item("A-4", "DONE", **WORKING),
]
RECORD = (
    "CREATE TABLE queue_reconcile (plan_id TEXT PRIMARY KEY, state TEXT, made_at TEXT, actor TEXT, plan_json TEXT, "
    "base_before_json TEXT, md_before TEXT, md_after TEXT); "
    "INSERT INTO queue_reconcile VALUES ('op-1', 'prepared', '', '', '', '', '', '')"
)
HELD = {"lease_owner": "w1", "lease_expires_at": NOW_S + 312}


@pytest.fixture
def project(folder: Path) -> Path:
    """Return a project whose queues agree, with a worker at A-1."""
    (folder / DB).parent.mkdir(parents=True)
    make_markdown(folder / QUEUE, ITEMS)
    make_database(folder / DB, ITEMS, {"A-1": HELD})
    (folder / "ops-checks.yaml").write_text("consistency:\n  settle: 0s\n")
    return folder


def row(project: Path, item_id: str) -> list[str]:
    """Return the document's cells of an item."""
    line = next(text for text in (project / QUEUE).read_text().splitlines() if text.startswith(f"| {item_id} |"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def stored(project: Path, item_id: str, names: str = "status, owner_session, notes, lease_owner") -> tuple[object, ...]:
    """Return columns of an item in the database."""
    [found] = select(project / DB, f"SELECT {names} FROM queue_items WHERE id = '{item_id}'")
    return tuple(found)


def edit(project: Path, old: str, new: str) -> None:
    """Change the document as a person does."""
    text = (project / QUEUE).read_text()
    assert old in text
    (project / QUEUE).write_text(text.replace(old, new))
    aged(project / QUEUE)


@every_database
@pytest.mark.parametrize(
    ("command", "item_id", "status", "note"),
    [
        ("cancel", "A-1", "BLOCKED", "cancelled_by_operator"),
        ("cancel --notes late", "A-1", "BLOCKED", "cancelled_by_operator / reason:late"),
        ("replan --notes split", "A-1", "BLOCKED", "replan:split"),
        ("replan --notes split", "A-4", "PENDING", "replan:split"),
        ("retry", "A-3", "PENDING", "old / retry_not_before="),
    ],
)
def test_both_queues_change(project: Path, run: Run, command: str, item_id: str, status: str, note: str) -> None:
    """The document takes the database's claim and the note; both queues agree afterwards on everything."""
    name, *options = command.split()
    assert run(name, "--both", "--id", item_id, *options) == (0, f"{item_id} -> {status}\n", "")
    assert row(project, item_id)[1] == stored(project, item_id)[0] == status
    assert row(project, item_id)[8].startswith(note)
    assert stored(project, item_id)[3] is None
    assert run("consistency-check", "--fields", "all").code == 0
    [(payload,)] = select(project / DB, f"SELECT payload_json FROM queue_events WHERE item_id = '{item_id}'")
    found = json.loads(payload)
    assert (found["document"]["after"]["status"], found["after"]["status"]) == (status, status)
    assert "lease_owner" in found["before"]
    assert select(project / DB, "SELECT * FROM queue_reconcile") == []


@every_database
@pytest.mark.parametrize(
    ("change", "command", "told"),
    [
        ("DELETE FROM queue_items WHERE id = 'A-2'", "cancel --id A-2", f"{DB}: no item A-2, which {QUEUE} has"),
        (("| A-2 |", "| B-2 |"), "cancel --id A-2", f"{QUEUE}: no item A-2, which {DB} has"),
        ("SELECT 1", "cancel --id X", f"no item X in {QUEUE} and {DB}"),
        (
            ("| A-1 | IN_PROGRESS |", "| A-1 | DONE |"),
            "cancel --id A-1",
            "A-1: is DONE in the document and IN_PROGRESS in the database: only an item that is not terminal",
        ),
        ("SELECT 1", "cancel --id A-4", "A-4: is DONE: only an item that is not terminal can be cancelled"),
        (
            ("| A-1 | IN_PROGRESS |", "| A-1 | BLOCKED |"),
            "replan --id A-1 --notes n",
            "A-1: the document says BLOCKED w1 2026-01-01 10:00, the database IN_PROGRESS w1 2026-01-01 10:00, and",
        ),
        ("SELECT 1", "retry --id A-1", "A-1: is IN_PROGRESS and its lease runs for another"),
    ],
)
@pytest.mark.parametrize("has_base", [False, True])
def test_refused(
    project: Path, run: Run, change: str | tuple[str, str], command: str, told: str, *, has_base: bool
) -> None:
    """What one side lacks, what ended, and a claim that nobody agreed on is refused; nothing is changed."""
    if has_base:
        run("baseline")
    if isinstance(change, str):
        execute(project / DB, change)
    else:
        edit(project, *change)
    before = digest(project)
    name, *rest = command.split()
    answer = run(name, "--both", *rest)
    assert (answer.code, answer.out) == (5, "")
    assert answer.err.startswith(f"error: {told}")
    assert {path: data for path, data in digest(project).items() if not path.endswith(".lock")} == {
        path: data for path, data in before.items() if not path.endswith(".lock")
    }


@every_database
def test_the_agreed_claim_may_be_left_behind(project: Path, run: Run) -> None:
    """A worker picked what the document still has as it was agreed: both get the change (with and without a base)."""
    execute(project / DB, "UPDATE queue_items SET status = 'IN_PROGRESS', owner_session = 'w2' WHERE id = 'A-2'")
    assert run("cancel", "--both", "--id", "A-2").code == 0
    assert row(project, "A-2")[1:6:4] == ["BLOCKED", "w2"]
    assert run("consistency-check", "--fields", "all").code == 0
    run("baseline")
    execute(project / DB, "UPDATE queue_items SET status = 'FAILED' WHERE id = 'A-1'")
    assert run("retry", "--both", "--id", "A-1").code == 0
    assert run("consistency-check", "--fields", "all").code == 0


@every_database
def test_the_base_goes_along(project: Path, run: Run) -> None:
    """What both queues say after the change is agreed: a person who takes it back has moved (rule B3)."""
    run("baseline")
    run("cancel", "--both", "--id", "A-1")
    edit(project, "| A-1 | BLOCKED |", "| A-1 | IN_PROGRESS |")
    told = run("drift", "--no-blame")
    assert "- needs A-1 claim " in told.out or "- to_db A-1 claim BLOCKED -> IN_PROGRESS" in told.out
    assert "to_md A-1 claim" not in told.out


@every_database
def test_cancelled_is_cancelled(project: Path, run: Run) -> None:
    """Cancelling again prints the same line and writes nothing, but a new reason."""
    for _ in range(2):
        assert run("cancel", "--both", "--id", "A-1", "--notes", "a / b").code == 0
        assert run("cancel", "--both", "--id", "A-1") == (0, "A-1 -> BLOCKED\n", "")
    assert stored(project, "A-1")[2] == "cancelled_by_operator | reason:a / b"
    assert len(select(project / DB, "SELECT * FROM queue_events")) == 1
    run("cancel", "--both", "--id", "A-1", "--notes", "c")
    assert row(project, "A-1")[8] == "cancelled_by_operator / reason:a / b / reason:c"
    assert run("consistency-check", "--fields", "all").code == 0


@every_database
def test_who_cancelled_one_side_cancels_the_other(project: Path, run: Run) -> None:
    """The note of a one-sided change names --both, and that brings the other side along."""
    run("baseline")
    note = f"note: {QUEUE}: still says IN_PROGRESS for A-1: --both changes both at once\n"
    assert run("--db", DB, "cancel", "--id", "A-1") == (0, "A-1 -> BLOCKED\n", note)
    assert run("cancel", "--both", "--id", "A-1") == (0, "A-1 -> BLOCKED\n", "")
    assert run("consistency-check", "--fields", "all").code == 0


@every_database
def test_a_note_says_who_holds_the_item(project: Path, run: Run) -> None:
    """The document alone was changed: the worker goes on, and who it is and for how long is said."""
    told = run("cancel", "--id", "A-1")
    assert told.err.startswith(f"note: {DB}: still says IN_PROGRESS for A-1, and w1 holds it for another 313 s: --both")
    execute(project / DB, "UPDATE queue_items SET lease_expires_at = 1 WHERE id = 'A-1'")
    assert run("replan", "--id", "A-1", "--notes", "x").err == (
        f"note: {DB}: still says IN_PROGRESS for A-1: --both changes both at once\n"
    )


def test_a_note_says_why_the_other_queue_was_not_compared(project: Path, run: Run) -> None:
    """The document is changed all the same."""
    (project / DB).write_bytes(b"no database")
    told = run("cancel", "--id", "A-2")
    assert (told.code, told.out) == (0, "A-2 -> BLOCKED\n")
    assert told.err.startswith(f"note: the other queue was not compared: {DB}: is plain text, not the database")


@every_database
def test_operate_on(project: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The policy's default comes after what the command line names, and before the source of truth."""
    policy = project / "ops-checks.yaml"
    policy.write_text("operate_on: both\nsource_of_truth: db\n")
    assert run("cancel", "--id", "A-1") == (0, "A-1 -> BLOCKED\n", "")
    assert row(project, "A-1")[1] == stored(project, "A-1")[0] == "BLOCKED"
    assert run("--db", DB, "cancel", "--id", "A-2").code == 0
    assert (row(project, "A-2")[1], stored(project, "A-2")[0]) == ("PENDING", "BLOCKED")
    assert run("--queue", QUEUE, "replan", "--id", "A-4", "--notes", "n").code == 5
    for word in ("md", "markdown"):
        policy.write_text(f"operate_on: {word}\n")
        run("replan", "--id", "A-4", "--notes", word)
        assert row(project, "A-4")[8].endswith(f"replan:{word}")
    policy.write_text("operate_on: db\n")
    run("cancel", "--id", "A-4")
    assert stored(project, "A-4")[0] == "DONE"
    monkeypatch.setenv("ORCH_QUEUE_MD_READ_ONLY", "1")
    assert run("cancel", "--both", "--id", "A-2").code == 5


@every_database
def test_dry_run(project: Path, run: Run) -> None:
    """The cells of both sides that would change are shown, and nothing is written."""
    before = digest(project)
    assert run("cancel", "--both", "--id", "A-1", "--dry-run") == (
        0,
        "A-1 -> BLOCKED\n"
        "- db status: IN_PROGRESS -> BLOCKED\n"
        "- db notes: - -> cancelled_by_operator\n"
        "- db lease_owner: w1 -> -\n"
        f"- db lease_expires_at: {HELD['lease_expires_at']} -> -\n"
        "- md status: IN_PROGRESS -> BLOCKED\n"
        "- md notes: - -> cancelled_by_operator\n",
        "dry run: nothing was written\n",
    )
    assert digest(project) == before


@every_database
def test_the_document_cannot_be_written(project: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the database is as it was, and nothing is left to resume."""

    def fails(*_: object) -> None:
        raise WriteError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(MarkdownTransaction, "write", fails)
        assert run("cancel", "--both", "--id", "A-1") == (3, "", "error: the disk is full\n")
    assert stored(project, "A-1")[0] == "IN_PROGRESS"
    assert run("reconcile", "resume").out == "nothing to resume\n"


@every_database
def test_a_worker_comes_between(project: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was decided on is compared once more before anything is written: a row that changed is decided again."""
    begin = SqliteTransaction.begin_exclusive
    moves = iter(
        ["UPDATE queue_items SET status = 'DONE', lease_owner = NULL, lease_expires_at = NULL WHERE id = 'A-1'"]
    )

    def after_a_worker(transaction: SqliteTransaction) -> None:
        for move in moves:
            execute(project / DB, move)
        begin(transaction)

    monkeypatch.setattr(SqliteTransaction, "begin_exclusive", after_a_worker)
    told = run("cancel", "--both", "--id", "A-1")
    assert (told.code, told.err) == (5, "error: A-1: is DONE: only an item that is not terminal can be cancelled\n")
    assert row(project, "A-1")[1] == "IN_PROGRESS"
    assert run("reconcile", "resume").out == "nothing to resume\n"


def half_written(project: Path, run: Run, monkeypatch: pytest.MonkeyPatch, *command: str) -> str:
    """Run a command whose commit fails once the document is written; return what it says."""
    commits = SqliteTransaction.commit
    written: list[bool] = []
    write = MarkdownTransaction.write

    def remembers(self: MarkdownTransaction, *args: object) -> None:
        write(self, *args)  # type: ignore[arg-type]
        written.append(True)

    def fails(self: SqliteTransaction) -> None:
        if written:
            raise WriteError("the disk failed")
        commits(self)

    with monkeypatch.context() as patch:
        patch.setattr(MarkdownTransaction, "write", remembers)
        patch.setattr(SqliteTransaction, "commit", fails)
        told = run(*command)
    assert told.code == 3
    return told.err


@every_database
def test_an_interrupted_change_is_finished(project: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The document is written and the database is not: that is said, other --both wait, and resume finishes it."""
    run("baseline")
    told = half_written(project, run, monkeypatch, "cancel", "--both", "--id", "A-1")
    assert told == (
        f"error: {QUEUE}: is written, the database is not (the disk failed): run `ops-checks reconcile resume`\n"
    )
    assert (row(project, "A-1")[1], stored(project, "A-1")[0]) == ("BLOCKED", "IN_PROGRESS")
    assert "was interrupted: run `ops-checks reconcile resume` first" in run("cancel", "--both", "--id", "A-2").err
    assert "was interrupted: ops-checks reconcile resume finishes it" in run("drift").out
    resumed = run("reconcile", "resume")
    assert resumed.code == 0
    assert "already=2 applied=2 stale=0" in resumed.out
    assert stored(project, "A-1") == ("BLOCKED", "w1", "cancelled_by_operator", None)
    assert run("drift").code == 0
    assert run("undo", "--id", "A-1").code == 0
    assert row(project, "A-1")[1] == "IN_PROGRESS"


@every_database
@pytest.mark.parametrize(
    ("item_id", "command", "move"),
    [
        ("A-1", "cancel", "UPDATE queue_items SET status = 'DONE' WHERE id = 'A-1'"),
        ("A-3", "retry", "UPDATE queue_items SET attempt_count = 2 WHERE id = 'A-3'"),
        ("A-3", "retry", f"UPDATE queue_items SET lease_owner = 'w2', lease_expires_at = {2**33} WHERE id = 'A-3'"),
        ("A-1", "cancel", "DELETE FROM queue_items WHERE id = 'A-1'"),
    ],
)
def test_what_changed_since_is_stale(
    project: Path, run: Run, monkeypatch: pytest.MonkeyPatch, item_id: str, command: str, move: str
) -> None:
    """A worker who went on is not overwritten by resume; what is left is drift, and no record."""
    half_written(project, run, monkeypatch, command, "--both", "--id", item_id)
    execute(project / DB, move)
    before = select(project / DB, "SELECT * FROM queue_items")
    resumed = run("reconcile", "resume")
    assert resumed.code == 5
    assert f"- stale {item_id} claim" in resumed.out
    assert select(project / DB, "SELECT * FROM queue_items") == before
    assert run("reconcile", "resume").out == "nothing to resume\n"


@every_database
@pytest.mark.parametrize("written", [False, True])
def test_a_disk_that_fails_at_the_document(
    project: Path, run: Run, monkeypatch: pytest.MonkeyPatch, *, written: bool
) -> None:
    """Whether it has its new content by then is looked at: if so the record stays, and resume finishes the change."""
    write = MarkdownTransaction.write

    def fails(self: MarkdownTransaction, *args: Any) -> None:
        if written:
            write(self, *args)
        raise WriteError("the disk failed")

    with monkeypatch.context() as patch:
        patch.setattr(MarkdownTransaction, "write", fails)
        told = run("cancel", "--both", "--id", "A-1")
    assert (told.code, "reconcile resume" in told.err) == (3, written)
    assert (row(project, "A-1")[1] == "BLOCKED") is written
    assert run("reconcile", "resume").out.startswith("resumed" if written else "nothing to resume")
    assert stored(project, "A-1")[0] == ("BLOCKED" if written else "IN_PROGRESS")


@every_database
def test_the_driver_fails_at_the_commit(project: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own error is one like any other: a plan whose document is written keeps its record."""
    run("baseline")
    execute(project / DB, "UPDATE queue_items SET priority = 'P0' WHERE id = 'A-2'")
    run("reconcile", "plan", "-o", "plan.json")
    commits, written = SqliteTransaction.commit, MarkdownTransaction.write
    done: list[bool] = []

    def writes(self: MarkdownTransaction, *args: Any) -> None:
        written(self, *args)
        done.append(True)

    def fails(self: SqliteTransaction) -> None:
        if done:
            raise sqlite3.OperationalError("disk I/O error")
        commits(self)

    with monkeypatch.context() as patch:
        patch.setattr(MarkdownTransaction, "write", writes)
        patch.setattr(SqliteTransaction, "commit", fails)
        told = run("reconcile", "apply", "plan.json")
    assert told.code == 3
    assert "is written, the database is not (disk I/O error): run `ops-checks reconcile resume`" in told.err
    assert run("reconcile", "resume").code == 0
    assert run("drift").code == 0


@every_database
def test_ctrl_c_while_the_document_is_written(project: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can tell then whether it is: the record stays, and resume finds out."""
    write = MarkdownTransaction.write

    def interrupted(self: MarkdownTransaction, *args: Any) -> None:
        write(self, *args)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(MarkdownTransaction, "write", interrupted)
        assert run("cancel", "--both", "--id", "A-1").code == 130
    assert (row(project, "A-1")[1], stored(project, "A-1")[0]) == ("BLOCKED", "IN_PROGRESS")
    assert run("reconcile", "resume").code == 0
    assert stored(project, "A-1")[0] == "BLOCKED"


@every_database
def test_a_damaged_record(project: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is one line, and nothing is written."""
    half_written(project, run, monkeypatch, "cancel", "--both", "--id", "A-1")
    execute(project / DB, "UPDATE queue_reconcile SET plan_json = replace(plan_json, 'IN_PROGRESS\",', '1\",7,')")
    told = run("reconcile", "resume")
    assert told.code == 3
    assert told.err.count("\n") == 1
    assert "is damaged: restore the database from a copy" in told.err


@every_database
@pytest.mark.parametrize("both", [False, True])
def test_undo_of_the_newest_change(project: Path, run: Run, *, both: bool) -> None:
    """It is taken back in the queues that it was made in, without the lease; and an undo can be undone."""
    run("baseline")
    before = (project / QUEUE).read_bytes()
    where = ["--both"] if both else ["--db", DB]
    run("cancel", *where, "--id", "A-1", "--notes", "late")
    changed = (project / QUEUE).read_bytes()
    told = run("undo", "--id", "A-1")
    assert told.code == 0
    assert told.out.startswith("undone op-")
    assert told.out.endswith(" A-1 -> IN_PROGRESS\n")
    assert told.err == "note: A-1: the lease of w1 is not given back\n"
    assert stored(project, "A-1") == ("IN_PROGRESS", "w1", "", None)
    assert (project / QUEUE).read_bytes() == before
    assert run("drift").out == "drift ok total=4 base=b-1\n"
    assert run("undo", "--id", "A-1").code == 0
    assert stored(project, "A-1")[0] == "BLOCKED"
    assert (project / QUEUE).read_bytes() == changed


@every_database
def test_undo_of_an_operation(project: Path, run: Run) -> None:
    """All that one command changed, item by item: what somebody changed since stays, and is named."""
    run("cancel", "--both", "--id", "A-1", "--id", "A-2", "--actor", "kim")
    listed = run("undo")
    assert listed.code == 4
    line = listed.err.splitlines()[1].split()
    assert (line[1:3], line[3:6]) == (["2", "items"], ["cancelled", "by", "kim,"])
    run("replan", "--both", "--id", "A-2", "--notes", "n")
    told = run("undo", "--operation", line[0])
    assert (told.code, told.out) == (5, f"undone {line[0]} A-1 -> IN_PROGRESS\n")
    assert "error: A-2: was changed since, replan by " in told.err
    assert row(project, "A-2")[1] == "PENDING"
    assert run("undo", "--operation", "op-0").code == 5


@every_database
@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("UPDATE queue_items SET notes = 'mine' WHERE id = 'A-1'", "A-1: its notes in the database changed since"),
        (("cancelled_by_operator", "mine"), "A-1: its notes in the document changed since"),
        (("| A-1 | BLOCKED |", "| A-1 | DONE |"), "A-1: its claim in the document changed since"),
        (
            "INSERT INTO queue_events (item_id, event_type, payload_json, created_at) "
            "VALUES ('A-1', 'picked', '{\"actor\": \"w2\"}', '2026-01-01 12:00')",
            "A-1: its newest change is none that an operator made: picked by w2, 2026-01-01 12:00 (event 2): a",
        ),
        (f"UPDATE queue_items SET lease_owner='w9', lease_expires_at={2**33} WHERE id = 'A-1'", "A-1: is held by w9"),
        ("DELETE FROM queue_items WHERE id = 'A-1'", f"{DB}: no item A-1"),
        ("UPDATE queue_events SET payload_json = '{}'", "A-1: its newest change is none that an operator made"),
        (
            "UPDATE queue_events SET payload_json = replace(payload_json, 'IN_PROGRESS', 'NONE')",
            "A-1: its newest change is none that an operator made",
        ),
        ("DELETE FROM queue_events", "A-1: has no event that could be taken back: a change of the document alone"),
    ],
)
def test_undo_is_refused(project: Path, run: Run, change: str | tuple[str, str], told: str) -> None:
    """Where somebody changed the item since, or no event keeps what was before, nothing is taken back."""
    run("cancel", "--both", "--id", "A-1")
    if isinstance(change, str):
        execute(project / DB, change)
    else:
        edit(project, *change)
    before = digest(project)
    answer = run("undo", "--id", "A-1")
    assert (answer.code, answer.out) == (5, "")
    assert answer.err.startswith(f"error: {told}")
    assert digest(project) == before


@every_database
def test_undo_as_json(project: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was taken back and what was refused is published as for a plan, with the exit code of the lines."""
    run("cancel", "--both", "--id", "A-1", "--id", "A-2")
    operation = run("undo").err.splitlines()[1].split()[0]
    run("--db", DB, "replan", "--id", "A-2", "--notes", "n")
    told = run("undo", "--operation", operation, "-f", "json")
    found = assert_published(json.loads(told.out))
    assert (told.code, found["operation"], found["plan_id"]) == (5, "undone", operation)
    units = [(item_id, unit, to) for item_id in ("A-1", "A-2") for to in ("db", "md") for unit in ("claim", "notes")]
    listed = [(each["id"], each["unit"], each["to"]) for name in ("applied", "refused") for each in found[name]]
    assert listed == units
    told = half_written(project, run, monkeypatch, "cancel", "--both", "--id", "A-1")
    assert "reconcile resume" in told
    resumed = assert_published(json.loads(run("reconcile", "resume", "-f", "json").out))
    assert (resumed["operation"], len(resumed["already"]), len(resumed["applied"])) == ("resumed", 2, 2)
    assert resumed["plan_id"].startswith("op-")


@every_database
def test_undo_gives_attempts_back(project: Path, run: Run) -> None:
    """A retry that is taken back was no attempt; one that was used since is not taken back."""
    run("--db", DB, "retry", "--id", "A-3")
    assert stored(project, "A-3", "status, attempt_count") == ("PENDING", 1)
    run("undo", "--id", "A-3")
    assert stored(project, "A-3", "status, attempt_count, notes") == ("FAILED", 0, "old")
    run("--db", DB, "retry", "--id", "A-3")
    execute(project / DB, "UPDATE queue_items SET attempt_count = 2")
    assert "A-3: was tried again since" in run("undo", "--id", "A-3").err


@every_database
def test_a_change_by_a_plan_names_the_plan(project: Path, run: Run) -> None:
    """What a plan did is taken back with the plan."""
    run("baseline")
    edit(project, "| A-2 | PENDING | P1 |", "| A-2 | PENDING | P0 |")
    run("reconcile", "plan", "-o", "plan.json")
    run("reconcile", "apply", "plan.json")
    plan_id = json.loads((project / "plan.json").read_text())["plan_id"]
    assert f"of the plan {plan_id}: ops-checks undo --plan {plan_id}\n" in run("undo", "--id", "A-2").err
    assert run("undo", "--operation", plan_id) == (0, f"undone {plan_id} to_md=0 to_db=1 refused=0\n", "")


STEPS = st.sampled_from(["cancel", "replan", "retry", "undo", "work", "edit"])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(STEPS, st.sampled_from(["A-1", "A-2", "A-3"])), max_size=8))
def test_both_queues_stay_in_agreement(tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str]]) -> None:
    """Whatever is done to both, and taken back, in between others' moves on either side: what agreed agrees."""
    from ops_checks.cli import main

    folder = tmp_path_factory.mktemp("both")
    make_markdown(folder / "Q.md", ITEMS)
    make_database(folder / "q.db", ITEMS)
    where = ["--queue", str(folder / "Q.md"), "--db", str(folder / "q.db")]
    main([*where, "baseline"])
    for number, (step, item_id) in enumerate(steps):
        if step == "work":
            execute(folder / "q.db", f"UPDATE queue_items SET notes = notes || ' | w{number}' WHERE id = '{item_id}'")
            text = (folder / "Q.md").read_text()
            line = next(each for each in text.splitlines() if each.startswith(f"| {item_id} |"))
            (folder / "Q.md").write_text(text.replace(line, line.removesuffix(" |") + f" / w{number} |"))
        elif step == "edit":
            text = (folder / "Q.md").read_text()
            (folder / "Q.md").write_text(text + "\nMore prose.\n")
        else:
            more = ["--notes", "n"] if step == "replan" else []
            both = [] if step == "undo" else ["--both"]
            assert main([*where, step, *both, "--id", item_id, *more]) in (0, 5)
    assert main([*where, "consistency-check", "--fields", "all"]) == 0
    assert main([*where, "reconcile", "resume"]) == 0


@every_database
def test_the_lock_of_the_document_is_respected(project: Path, run: Run) -> None:
    """Whoever holds the document's lock keeps --both waiting, and then it changes neither queue."""
    before = select(project / DB, "SELECT * FROM queue_items")
    with MarkdownTransaction(str(project / QUEUE), 1):
        told = run("cancel", "--both", "--id", "A-1", "--lock-timeout", "0.05")
    assert told.code == 3
    assert select(project / DB, "SELECT * FROM queue_items") == before


def test_modes_stay(project: Path, run: Run) -> None:
    """The document keeps its mode."""
    (project / QUEUE).chmod(0o640)
    run("cancel", "--both", "--id", "A-1")
    assert stat.S_IMODE((project / QUEUE).stat().st_mode) == 0o640


def test_changed_error_is_a_write_error() -> None:
    """A change that is decided again is told as not written when the time is up."""
    assert issubclass(ChangedError, WriteError)


@every_database
def test_what_is_being_written_was_not_interrupted(project: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """`drift` waits for a change that another program is just writing to both queues; its record is no interruption."""
    run("baseline")
    execute(project / DB, RECORD)
    seen, taken = threading.Event(), threading.Event()

    def writes() -> None:
        with MarkdownTransaction(str(project / QUEUE), 10):
            taken.set()
            assert seen.wait(60)
            execute(project / DB, "DELETE FROM queue_reconcile")

    def reads(*args: Any, **options: Any) -> Reading:
        found = read_states(*args, **options)
        seen.set()
        return found

    monkeypatch.setattr(planning, "read_states", reads)
    writer = threading.Thread(target=writes)
    writer.start()
    assert taken.wait(60)
    assert run("drift").out == "drift ok total=4 base=b-1\n"
    writer.join()
