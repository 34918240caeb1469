"""`--all-or-nothing`, and `undo` of what was selected: on the document, the database, and both."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING

import pytest
from builders import digest, execute, item, make_database, make_markdown, select
from conftest import NOW_S
from database_kinds import every_database

from ops_checks.errors import InputError, WriteError
from ops_checks.reconcile import undo_change
from ops_checks.stores.markdown.rewriting import MarkdownTransaction
from ops_checks.stores.sqlite.series import SqliteSeries
from ops_checks.stores.sqlite.transaction import SqliteTransaction
from ops_checks.transitions import Stamp, cancel, replan

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Told

    Run = Callable[..., Told]

QUEUE, DB = "automation/orchestrator/QUEUE.md", "automation/orchestrator/db/queue.db"
WORKING = {"owner_session": "w1", "started_at_kst": "2026-01-01 10:00"}
ITEMS = [
    item("A-1", "IN_PROGRESS", **WORKING),
    item("A-2", "PENDING"),
    item("A-3", "FAILED", **WORKING),
    item("A-4", "DONE", **WORKING),
]
SIDES = {"document": (), "database": ("--db", DB), "both": ("--both",)}


@pytest.fixture
def project(folder: Path) -> Path:
    """Return a project whose queues agree."""
    (folder / DB).parent.mkdir(parents=True)
    make_markdown(folder / QUEUE, ITEMS)
    make_database(folder / DB, ITEMS)
    (folder / "ops-checks.yaml").write_text("consistency:\n  settle: 0s\n")
    return folder


def in_database() -> list[str]:
    """Return the statuses in the database."""
    return [status for (status,) in select(DB, "SELECT status FROM queue_items ORDER BY id")]


def in_document(project: Path) -> list[str]:
    """Return the statuses in the document."""
    rows = (line for line in (project / QUEUE).read_text().splitlines() if line.startswith("| A-"))
    return [line.split("|")[2].strip() for line in rows]


def errors(told: Told) -> list[str]:
    """Return what stderr says but for notes."""
    return [line for line in told.err.splitlines() if not line.startswith("note: ")]


BEFORE = ["IN_PROGRESS", "PENDING", "FAILED", "DONE"]
AFTER = ["BLOCKED", "BLOCKED", "FAILED", "DONE"]


@every_database
@pytest.mark.parametrize("side", SIDES)
def test_all(project: Path, run: Run, side: str) -> None:
    """Where every item may be changed all are, on the sides that are meant, with one event each of one operation."""
    told = run("cancel", *SIDES[side], "--id", "A-1", "--id", "A-2", "--all-or-nothing")
    assert (told.code, told.out, errors(told)) == (
        0,
        "A-1 -> BLOCKED\nA-2 -> BLOCKED\n",
        ["changed=2 refused=0"],
    )
    assert in_document(project) == (BEFORE if side == "database" else AFTER)
    assert in_database() == (BEFORE if side == "document" else AFTER)
    events = select(DB, "SELECT item_id, event_type, payload_json FROM queue_events ORDER BY event_id")
    assert [event[:2] for event in events] == (
        [] if side == "document" else [("A-1", "cancelled"), ("A-2", "cancelled")]
    )
    assert len({json.loads(event[2])["operation"] for event in events}) == bool(events)


@every_database
@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("dry_run", [False, True])
def test_nothing(project: Path, run: Run, side: str, *, dry_run: bool) -> None:
    """Where one may not be changed none is: every reason is told, and not a byte is another one."""
    before = digest(project)
    dry = ("--dry-run",) if dry_run else ()
    names = ("--id", "A-1", "--id", "A-4", "--id", "A-2", "--id", "Z-9")
    told = run("cancel", *SIDES[side], *names, "--all-or-nothing", *dry)
    assert told.code == 5
    assert [line.partition(":")[0] for line in errors(told)][:2] == ["error", "error"]
    assert "A-4" in errors(told)[0]
    assert "Z-9" in errors(told)[1]
    assert digest(project) == before
    if not dry_run:
        last = ["error: nothing was changed: 2 of 4 items refused, and it was to be all or none", "changed=0 refused=4"]
        assert (told.out, errors(told)[2:]) == ("", last)


@every_database
@pytest.mark.parametrize("side", SIDES)
def test_an_only_item_is_refused_as_ever(project: Path, run: Run, side: str) -> None:
    """Of one item the refusal is the whole error."""
    told = run("cancel", *SIDES[side], "--id", "A-4", "--all-or-nothing")
    alone = run("cancel", *SIDES[side], "--id", "A-4")
    assert (told.code, told.out, told.err) == (alone.code, alone.out, alone.err) == (5, "", alone.err)


@every_database
def test_selected(project: Path, run: Run) -> None:
    """A selection is all or nothing too."""
    told = run("--db", DB, "cancel", "--id", "A-*", "--yes", "--all-or-nothing")
    assert (told.code, told.out, errors(told)[-1]) == (5, "", "changed=0 refused=4")
    assert in_database() == BEFORE


@every_database
@pytest.mark.parametrize("together", [(), ("--all-or-nothing",)])
def test_an_only_one_that_was_selected(project: Path, run: Run, together: tuple[str, ...]) -> None:
    """A selection of one item is counted like any other."""
    told = run("--db", DB, "cancel", "--status", "DONE", "--yes", *together)
    assert (told.code, errors(told)[-1]) == (5, "changed=0 refused=1")
    assert [line.partition(":")[0] for line in errors(told)[-2:]] == ["error", "changed=0 refused=1"]


@every_database
@pytest.mark.parametrize("stale", [False, True])
@pytest.mark.parametrize("written", [False, True])
def test_an_interrupted_one_is_finished(
    project: Path, run: Run, monkeypatch: pytest.MonkeyPatch, *, stale: bool, written: bool
) -> None:
    """What was begun together is finished together; what somebody changed since is left, and the document decides.

    Once it is written, the others are finished; before that none is.
    """
    real_write, real_commit, commits = MarkdownTransaction.write, SqliteTransaction.commit, []

    def die(*arguments: object) -> None:
        if written:
            real_write(*arguments)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    def commit(transaction: SqliteTransaction) -> None:
        commits.append(0)
        if len(commits) > 1:
            raise WriteError("killed")
        real_commit(transaction)

    with monkeypatch.context() as patch:
        patch.setattr(MarkdownTransaction, "write", die)
        patch.setattr(SqliteTransaction, "commit", commit)
        assert run("cancel", "--both", "--id", "A-1", "--id", "A-2", "--all-or-nothing").code == 130
    if stale:
        execute(DB, "UPDATE queue_items SET status = 'DONE', owner_session = 'w9' WHERE id = 'A-2'")
    told = run("reconcile", "resume")
    assert told.code == (5 if stale else 0)
    finished = ["BLOCKED" if not stale or written else "IN_PROGRESS", "DONE" if stale else "BLOCKED"]
    assert in_database()[:2] == finished
    in_md = ["BLOCKED", "BLOCKED"] if written or not stale else BEFORE[:2]
    assert in_document(project)[:2] == in_md
    assert run("reconcile", "resume").out.startswith("nothing to resume")


@every_database
@pytest.mark.parametrize("side", ["database", "both"])
@pytest.mark.parametrize("together", [False, True])
def test_undo_of_what_is_selected(project: Path, run: Run, side: str, *, together: bool) -> None:
    """`undo` takes the newest change of each selected item back; it shows them first, and asks like a mutation."""
    run("cancel", *SIDES[side], "--id", "A-1", "--id", "A-2")
    options = ("--all-or-nothing",) if together else ()
    asked = run("undo", "--status", "BLOCKED", *options)
    assert (asked.code, asked.out) == (4, "")
    assert asked.err.splitlines()[-1].endswith(
        "2 items selected, and nobody can be asked here: give --yes to undo them"
    )
    dry = run("undo", "--status", "BLOCKED", "--dry-run", *options)
    assert in_database() == AFTER
    told = run("undo", "--status", "BLOCKED", "--yes", *options)
    words = [line.split() for line in told.out.splitlines()]
    assert [(line[0], *line[2:]) for line in words] == [
        ("undone", "A-1", "->", "IN_PROGRESS"),
        ("undone", "A-2", "->", "PENDING"),
    ]
    assert [line for line in dry.out.splitlines() if not line.startswith("- ")] == [
        line.replace("undone", "would-undo") for line in told.out.splitlines()
    ]
    assert (told.code, dry.code) == (0, 0)
    assert told.err.splitlines()[-1] == "changed=2 refused=0"
    assert dry.err.splitlines()[-1] == "dry run: nothing was written"
    assert in_database() == in_document(project) == BEFORE


@every_database
@pytest.mark.parametrize("side", ["database", "both"])
def test_undo_of_all_or_nothing(project: Path, run: Run, side: str) -> None:
    """One item that changed since keeps all as they are."""
    run("cancel", *SIDES[side], "--id", "A-1", "--id", "A-2")
    execute(DB, "UPDATE queue_items SET status = 'DONE' WHERE id = 'A-2'")
    before = digest(project)
    told = run("undo", "--id", "A-1", "--id", "A-2", "--all-or-nothing")
    assert (told.code, told.out, errors(told)[-1]) == (5, "", "changed=0 refused=2")
    assert "A-2: its claim in the database changed since" in told.err
    assert digest(project) == before
    apart = run("undo", "--id", "A-1", "--id", "A-2")
    assert (apart.code, in_database()[:2]) == (5, ["IN_PROGRESS", "DONE"])


@every_database
def test_undo_of_changes_of_different_sides(project: Path, run: Run) -> None:
    """What was changed in both and what was changed in one cannot be taken back in one transaction."""
    run("cancel", "--both", "--id", "A-1")
    run("--db", DB, "cancel", "--id", "A-2")
    before = digest(project)
    told = run("undo", "--id", "A-1", "--id", "A-2", "--all-or-nothing")
    assert told.code == 5
    assert "some were changed in both queues and some in the database alone: take them back apart" in told.err
    assert digest(project) == before


@every_database
@pytest.mark.parametrize("stale", [False, True])
def test_a_plan_that_would_be_undone(project: Path, run: Run, *, stale: bool) -> None:
    """`undo --plan --dry-run` says what the undo says, and writes nothing; all or nothing where that is asked for."""
    run("baseline")
    text = (project / QUEUE).read_text()
    (project / QUEUE).write_text(text.replace("| A-2 | PENDING | P1 |", "| A-2 | PENDING | P0 |"))
    os.utime(project / QUEUE, (NOW_S - 60, NOW_S - 60))
    plan = run("reconcile", "plan", "-o", "plan.json")
    assert plan.code == 1
    assert run("reconcile", "apply", "plan.json").code == 0
    if stale:
        execute(DB, "UPDATE queue_items SET priority = 'P2' WHERE id = 'A-2'")
    before = digest(project)
    dry = run("undo", "--plan", "plan.json", "--dry-run")
    whole = run("undo", "--plan", "plan.json", "--dry-run", "--all-or-nothing")
    assert digest(project) == before
    found = json.loads(run("undo", "--plan", "plan.json", "--dry-run", "-f", "json").out)
    assert (found["operation"], bool(found["refused"])) == ("would-undo", stale)
    if stale:
        assert (whole.code, whole.out) == (5, "")
        assert run("undo", "--plan", "plan.json", "--all-or-nothing").code == 5
        assert digest(project) == before
    else:
        assert whole.out == dry.out
    wet = run("undo", "--plan", "plan.json")
    assert (dry.code, dry.out) == (wet.code, wet.out.replace("undone", "would-undo"))


def test_a_series_follows_the_path(project: Path) -> None:
    """A database that was put in place of the one that is open is the one that is changed."""
    stamp = Stamp(actor="a", now_s=NOW_S, tz_minutes=540, operation="op-1")
    shutil.copy(DB, "other.db")
    with SqliteSeries(DB, lock_timeout_s=1) as series:
        series.change("A-1", cancel(stamp))
        os.rename("other.db", DB)
        series.change("A-2", cancel(stamp))
    assert in_database() == ["IN_PROGRESS", "BLOCKED", "FAILED", "DONE"]


def test_a_series_sees_another_schema(project: Path) -> None:
    """What became of the tables between two changes is known to the next one."""
    stamp = Stamp(actor="a", now_s=NOW_S, tz_minutes=540, operation="op-1")
    with SqliteSeries(DB, lock_timeout_s=1) as series:
        series.change("A-1", cancel(stamp))
        execute(DB, "ALTER TABLE queue_items DROP COLUMN lease_owner")
        series.change("A-2", cancel(stamp))
        execute(DB, "ALTER TABLE queue_events RENAME TO gone")
        with pytest.raises(Exception, match="no table queue_events"):
            series.change("A-3", cancel(stamp))
        execute(DB, "ALTER TABLE gone RENAME TO queue_events")
        with pytest.raises(Exception, match="no item"):
            series.change("A-9", cancel(stamp))
    assert in_database() == AFTER


def test_a_series_lets_others_in(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a second of changes it rests for longer than SQLite pauses before it asks for a lock again: 100 ms."""
    stamp = Stamp(actor="a", now_s=NOW_S, tz_minutes=540, operation="op-1")
    rests: list[float] = []
    monkeypatch.setattr("time.sleep", rests.append)
    ticks = iter(range(100))
    monkeypatch.setattr("time.monotonic", lambda: next(ticks) * 0.6)
    with SqliteSeries(DB, lock_timeout_s=1) as series:
        for item_id in ("A-1", "A-2", "A-3"):
            series.change(item_id, replan(stamp, "n"))
    assert rests
    assert all(rest > 0.1 for rest in rests)


def test_a_series_checks_another_file(project: Path) -> None:
    """A file is looked through once, and one that was put in its place is another file, which may be damaged."""
    stamp = Stamp(actor="a", now_s=NOW_S, tz_minutes=540, operation="op-1")
    make_database(project / "other.db", [item(f"A-{number}", task="t" * 500) for number in range(100)])
    data = bytearray((project / "other.db").read_bytes())
    data[4096 * 4 : 4096 * 4 + 64] = b"\xff" * 64
    (project / "other.db").write_bytes(data)
    with SqliteSeries(DB, lock_timeout_s=1) as series:
        series.change("A-1", cancel(stamp))
        os.rename("other.db", DB)
        with pytest.raises(InputError, match="the database is damaged"):
            series.change("A-2", cancel(stamp))


@every_database
def test_undo_reads_what_stands_beside_once(project: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many changes are taken back, git is asked once, and the document is read once."""
    run("baseline")
    run("--db", DB, "cancel", "--id", "A-1", "--id", "A-2")
    asked: list[object] = []
    monkeypatch.setattr(undo_change, "checked_out", asked.append)
    told = run("undo", "--status", "BLOCKED", "--yes")
    assert (told.code, told.err.splitlines()[-1], len(asked)) == (0, "changed=2 refused=0", 1)
    assert run("drift").out.startswith("drift ok")
