"""`baseline`, `drift`, `reconcile` and `undo` as their users meet them: lines and exit codes (RECONCILE 12, 13, 15)."""

from __future__ import annotations

import itertools
import json
import os
import sqlite3
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from builders import aged, execute, item, make_database, make_markdown, select
from database_kinds import every_database

from ops_checks.errors import WriteError
from ops_checks.stores.markdown.rewriting import MarkdownTransaction

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Told

    Run = Callable[..., Told]

QUEUE = "automation/orchestrator/QUEUE.md"
DB = "automation/orchestrator/db/queue.db"
ITEMS = [item("ORCH-1"), item("ORCH-2"), item("ORCH-3")]
_SECONDS = itertools.count(10)
POLICY = "consistency:\n  settle: 0s\n"


@pytest.fixture
def project(folder: Path) -> Path:
    """Return a project whose queues agree on three items."""
    (folder / DB).parent.mkdir(parents=True)
    make_markdown(folder / QUEUE, ITEMS)
    make_database(folder / DB, ITEMS)
    (folder / "ops-checks.yaml").write_text(POLICY)
    return folder


def _edit(project: Path, old: str, new: str) -> None:
    path = project / QUEUE
    path.write_text(path.read_text().replace(old, new))
    aged(path)


@every_database
def test_the_first_agreement(project: Path, run: Run) -> None:
    """Drift is there and no base: it is recorded, planned by name, applied, and both sides agree (section 15)."""
    execute(project / DB, "UPDATE queue_items SET priority = 'P0' WHERE id = 'ORCH-2'")
    assert run("drift") == (
        1,
        "drift unknown total=3 differ=1 base=none\n"
        "- needs ORCH-2 row no-base priority:md=P1 db=P0\n"
        "    db: updated_at 2026-01-01 00:00, no event\n"
        "    help: --prefer ORCH-2=md takes the document's, --prefer ORCH-2=db the database's\n"
        "help: ops-checks baseline records what is equal; it changes neither queue\n",
        "",
    )
    assert run("baseline") == (
        1,
        "baseline b-1 agreed=2 unagreed=1\n"
        "- needs ORCH-2 priority no-base md=P1 db=P0\n"
        "    db: updated_at 2026-01-01 00:00, no event\n"
        "    help: --prefer ORCH-2.priority=md takes the document's, --prefer ORCH-2.priority=db the database's\n",
        "",
    )
    planned = run("reconcile", "plan", "--prefer", "ORCH-2.priority=db", "-o", "plan.json")
    plan_id = json.loads((project / "plan.json").read_text())["plan_id"]
    assert planned.code == 1
    assert planned.out.splitlines()[1:] == [
        "- to_md ORCH-2 priority P1 -> P0",
        "    db: updated_at 2026-01-01 00:00, no event",
        f"plan {plan_id} actions=1 needs=0 -> plan.json",
    ]
    assert run("reconcile", "apply", "plan.json") == (
        0,
        f"applied {plan_id} to_md=1 to_db=0 stale=0 needs=0\n- applied ORCH-2 priority\nconsistency ok total=3\n",
        "",
    )
    assert run("drift") == (0, "drift ok total=3 base=b-2\n", "")
    assert run("reconcile", "apply", "plan.json") == (0, f"already applied {plan_id}\n", "")


@every_database
def test_what_moved_goes_over_and_comes_back(project: Path, run: Run) -> None:
    """One side's moves are applied to the other; undo gives both back, once."""
    assert run("baseline") == (0, "baseline b-1 agreed=3 unagreed=0\n", "")
    before = (project / QUEUE).read_bytes()
    _edit(project, "| ORCH-3 | PENDING | P1 |", "| ORCH-3 | PENDING | P0 |")
    edited = (project / QUEUE).read_bytes()
    execute(project / DB, "UPDATE queue_items SET status = 'DONE', owner_session = 'w1' WHERE id = 'ORCH-1'")
    assert run("reconcile", "plan", "-o", "plan.json").code == 1
    plan_id = json.loads((project / "plan.json").read_text())["plan_id"]
    assert run("reconcile", "apply", "plan.json").code == 0
    assert select(project / DB, "SELECT priority FROM queue_items WHERE id = 'ORCH-3'") == [("P0",)]
    assert b"| ORCH-1 | DONE | P1 | task | done | w1 |" in (project / QUEUE).read_bytes()
    assert run("undo") == (
        4,
        "",
        "error: name what to take back with --id, --operation or --plan\n"
        f"  {plan_id} done {_made_at(project)} by {_actor(project)}\n",
    )
    assert run("undo", "--plan", "plan.json") == (0, f"undone {plan_id} to_md=1 to_db=1 refused=0\n", "")
    assert (project / QUEUE).read_bytes() == edited != before
    assert select(project / DB, "SELECT priority FROM queue_items WHERE id = 'ORCH-3'") == [("P1",)]
    again = run("undo", "--plan", plan_id)
    assert (again.code, again.err) == (5, f"error: the plan {plan_id} was taken back already\n")
    assert run("reconcile", "plan").out.count("\n- to_") == 2


def _made_at(project: Path) -> str:
    [(made_at,)] = select(project / DB, "SELECT made_at FROM queue_reconcile")
    return str(made_at)


def _actor(project: Path) -> str:
    [(actor,)] = select(project / DB, "SELECT actor FROM queue_reconcile")
    return str(actor)


def _git(project: Path, *argv: str) -> None:
    who = ("-c", "user.name=Kim", "-c", "user.email=kim@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, *argv], cwd=project, check=True, capture_output=True)


def _commit(project: Path, subject: str) -> None:
    """Commit the document. It gets another time first: git takes a file of the same size and second for unchanged."""
    path = project / QUEUE
    earlier = path.stat().st_mtime - next(_SECONDS)
    os.utime(path, (earlier, earlier))
    _git(project, "commit", "-qam", subject)


@every_database
def test_an_older_checkout_takes_nothing_over(project: Path, run: Run) -> None:
    """What git shows to be older than the baseline asks; the newer version goes over by itself (rule B5)."""
    _git(project, "init", "-q")
    _git(project, "add", QUEUE)
    _git(project, "commit", "-qm", "one")
    _edit(project, "| ORCH-1 | PENDING | P1 |", "| ORCH-1 | PENDING | P0 |")
    execute(project / DB, "UPDATE queue_items SET priority = 'P0' WHERE id = 'ORCH-1'")
    _commit(project, "two")
    assert run("baseline").code == 0
    _git(project, "checkout", "-q", "HEAD~1")
    found = run("drift")
    assert found.code == 1
    assert "lineage=unknown\n- needs ORCH-1 priority lineage md=P1 db=P0\n    md: " in found.out
    assert found.err.startswith(f"note: {QUEUE}: lineage unknown: ")
    _git(project, "checkout", "-q", "-")
    _edit(project, "| ORCH-2 | PENDING | P1 |", "| ORCH-2 | PENDING | P2 |")
    found = run("drift")
    assert "lineage=ok\n- to_db ORCH-2 priority P1 -> P2\n    md: uncommitted" in found.out


@every_database
def test_what_moved_and_came_back_is_asked_about(project: Path, run: Run) -> None:
    """A unit that went away from its base in git, or in the events, and came back moved on that side too (rule B4)."""
    _git(project, "init", "-q")
    _git(project, "add", QUEUE)
    _git(project, "commit", "-qm", "one")
    assert run("baseline").code == 0
    for old, new in (("P1", "P0"), ("P0", "P1")):
        _edit(project, f"| ORCH-1 | PENDING | {old} |", f"| ORCH-1 | PENDING | {new} |")
        _commit(project, new)
    execute(project / DB, "UPDATE queue_items SET priority = 'P2' WHERE id = 'ORCH-1'")
    _edit(project, "| ORCH-2 | PENDING |", "| ORCH-2 | BLOCKED |")
    columns = "item_id, event_type, payload_json, created_at"
    execute(project / DB, f"INSERT INTO queue_events ({columns}) VALUES ('ORCH-2', 'retried', '{{}}', 'x')")
    found = run("drift", "--no-blame").out.splitlines()
    assert "- needs ORCH-1 priority there-and-back md=P1 db=P2" in found
    assert "- needs ORCH-2 claim there-and-back md=BLOCKED db=PENDING" in found


@every_database
def test_what_changed_since_the_plan_is_stale(project: Path, run: Run) -> None:
    """It is named and left alone, the rest is applied, and the exit code says so; all or nothing refuses the plan."""
    run("baseline")
    _edit(project, "| PENDING | P1 |", "| PENDING | P0 |")
    run("reconcile", "plan", "-o", "plan.json")
    execute(project / DB, "UPDATE queue_items SET priority = 'P2' WHERE id = 'ORCH-2'")
    refused = run("reconcile", "apply", "plan.json", "--all-or-nothing")
    assert (refused.code, refused.out) == (5, "")
    assert refused.err == "error: ORCH-2 priority: changed since the plan was made: plan again\n"
    assert run("reconcile", "resume") == (0, "nothing to resume\n", "")
    found = run("reconcile", "apply", "plan.json")
    assert found.code == 5
    assert found.out.splitlines()[1:] == [
        "- applied ORCH-1 priority",
        "- applied ORCH-3 priority",
        "- stale ORCH-2 priority",
        "consistency mismatch missing_in_db=0 missing_in_md=0 field_mismatch=1",
        "- mismatch ORCH-2:priority:md=P0 db=P2",
    ]


@every_database
def test_undo_leaves_what_somebody_changed_since(project: Path, run: Run) -> None:
    """A unit that moved since the plan was applied is refused by name; the others are taken back."""
    run("baseline")
    _edit(project, "| PENDING | P1 |", "| PENDING | P0 |")
    run("reconcile", "plan", "-o", "plan.json")
    run("reconcile", "apply", "plan.json")
    execute(project / DB, "UPDATE queue_items SET priority = 'P2' WHERE id = 'ORCH-2'")
    found = run("undo", "--plan", "plan.json")
    assert found.code == 5
    assert found.out.splitlines()[1:] == ["- refused ORCH-2 priority"]
    assert select(project / DB, "SELECT priority FROM queue_items ORDER BY id") == [("P1",), ("P2",), ("P1",)]


@every_database
def test_a_plan_needs_a_base_to_be_applied(project: Path, run: Run) -> None:
    """Without one it is refused; with --no-base union the first base is made of it (rule B2)."""
    _edit(project, "| ORCH-3 | PENDING | P1 | task | done | - | - | - |  |\n", "")
    assert run("reconcile", "plan", "--prefer", "ORCH-3=db", "-o", "one.json").code == 1
    refused = run("reconcile", "apply", "one.json")
    assert refused == (5, "", "error: no baseline: run `ops-checks baseline` first, which changes neither queue\n")
    assert run("reconcile", "plan", "--no-base", "union", "-o", "two.json").code == 1
    assert run("reconcile", "apply", "two.json").out.endswith("consistency ok total=3\n")
    assert run("baseline", "show").out.startswith("baseline b-1 ")


@every_database
def test_a_plan_of_another_queue(project: Path, run: Run, tmp_path_factory: pytest.TempPathFactory) -> None:
    """It is refused, whatever it says."""
    run("baseline")
    _edit(project, "| ORCH-3 | PENDING | P1 |", "| ORCH-3 | PENDING | P0 |")
    run("reconcile", "plan", "-o", "plan.json")
    execute(project / DB, "UPDATE queue_baselines SET queue_id = 'q-other'")
    plan_id = json.loads((project / "plan.json").read_text())["plan_id"]
    refused = run("reconcile", "apply", "plan.json")
    assert refused == (5, "", f"error: the plan {plan_id} is of another queue: make one of this queue\n")


@every_database
def test_a_safety_stop(project: Path, run: Run) -> None:
    """`drift` prints it last, a plan is refused; nothing is saved."""
    run("baseline")
    make_markdown(project / QUEUE, [])
    found = run("drift")
    assert found.code == 1
    assert found.out.splitlines()[-1].startswith("stop empty-md: no row at all, and 3 known items: ")
    refused = run("reconcile", "plan", "--prefer", "db", "-o", "plan.json")
    assert (refused.code, refused.out) == (5, "")
    assert refused.err.startswith(f"error: {QUEUE}: empty-md: ")
    assert not (project / "plan.json").exists()


@every_database
def test_a_plan_is_written_over_nothing_else(project: Path, run: Run) -> None:
    """Neither over an input nor over another document; an older plan is replaced."""
    run("baseline")
    _edit(project, "| ORCH-3 | PENDING | P1 |", "| ORCH-3 | PENDING | P0 |")
    queue = (project / QUEUE).read_bytes()
    assert run("reconcile", "plan", "-o", QUEUE).code == 4
    assert (project / QUEUE).read_bytes() == queue
    (project / "notes.txt").write_text("mine")
    assert run("reconcile", "plan", "-o", "notes.txt").code == 4
    for _ in range(2):
        assert run("reconcile", "plan", "-o", "plan.json").code == 1


@every_database
def test_a_damaged_base(project: Path, run: Run) -> None:
    """It is exit 3 for what relies on it; once both queues agree, `baseline` records it anew (rule B6)."""
    run("baseline")
    execute(project / DB, "UPDATE queue_baseline SET task = 'other' WHERE item_id = 'ORCH-1'")
    execute(project / DB, "UPDATE queue_items SET task = 'new' WHERE id = 'ORCH-1'")
    found = run("drift")
    assert (found.code, found.out) == (3, "")
    assert "the baseline is damaged (the row of ORCH-1 in queue_baseline)" in found.err
    execute(project / DB, "UPDATE queue_items SET task = 'task' WHERE id = 'ORCH-1'")
    assert run("baseline").code == 0
    assert run("drift").out == "drift ok total=3 base=b-2\n"


@every_database
@pytest.mark.parametrize("word", ["=md", "ORCH-1=", "both", "ORCH-1=disk"])
def test_a_preference_that_is_none(project: Path, run: Run, word: str) -> None:
    """It is a usage error that tells what is expected."""
    found = run("drift", "--prefer", word)
    assert found.code == 4
    assert "expected md, db, ID=md, ID=db or ID.UNIT=md" in found.err
    assert project.is_dir()


@every_database
def test_two_preferences_for_one_item(project: Path, run: Run) -> None:
    """They are refused: none of them would be dropped in silence."""
    found = run("drift", "--prefer", "ORCH-1=md", "--prefer", "ORCH-1=db")
    assert found == (4, "", "error: --prefer: ORCH-1 is given twice, with md and db: give one\n")
    assert project.is_dir()


def test_checks_make_no_base(project: Path, run: Run) -> None:
    """What only looks writes nothing, to neither queue."""
    before = {path: path.read_bytes() for path in (project / QUEUE, project / DB)}
    for command in (["check"], ["consistency-check"], ["drift"], ["baseline", "show"], ["reconcile", "plan"]):
        run(*command)
    assert {path: path.read_bytes() for path in before} == before
    with closing(sqlite3.connect(project / DB)) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert not {name for name in tables if "baseline" in name or "reconcile" in name}


@every_database
def test_render_follows_the_database(project: Path, run: Run) -> None:
    """Rows follow in place, missing ones are added, and no base is made; what only the document has is asked about."""
    text = (project / QUEUE).read_text()
    (project / QUEUE).write_text(text.replace("\n", "\r\n").replace("| ORCH-1 |", "|  ORCH-1  |"), newline="")
    aged(project / QUEUE)
    execute(project / DB, "UPDATE queue_items SET priority = 'P0' WHERE id = 'ORCH-1'")
    execute(project / DB, "UPDATE queue_items SET id = 'ORCH-4' WHERE id = 'ORCH-3'")
    found = run("render")
    assert found.code == 1
    assert found.out.splitlines()[1:] == [
        "- rendered ORCH-1 priority",
        "- rendered ORCH-4 row",
        "consistency mismatch missing_in_db=1 missing_in_md=0 field_mismatch=0",
        "- missing_in_db ORCH-3",
    ]
    lines = (project / QUEUE).read_bytes().decode().split("\r\n")
    assert "|  ORCH-1  | PENDING | P0 | task | done | - | - | - |  |" in lines
    assert "| ORCH-4 | PENDING | P1 | task | done | - | - | - |  |" in lines
    assert run("baseline", "show").out == "baseline none\n"


@every_database
def test_a_hand_edit_of_a_view_is_asked_about(project: Path, run: Run) -> None:
    """Nothing that a person wrote is rendered over, unless it is named."""
    run("baseline")
    _edit(project, "| ORCH-1 | PENDING | P1 |", "| ORCH-1 | PENDING | P0 |")
    assert run("render").code == 1
    assert b"| ORCH-1 | PENDING | P0 |" in (project / QUEUE).read_bytes()
    assert run("render", "--prefer", "ORCH-1=db").code == 0
    assert b"| ORCH-1 | PENDING | P1 |" in (project / QUEUE).read_bytes()
    assert run("render") == (0, "rendered nothing: total=3\n", "")


@every_database
def test_import_follows_the_document(project: Path, run: Run) -> None:
    """Only the database is written to."""
    run("baseline")
    _edit(project, "| ORCH-1 | PENDING | P1 |", "| ORCH-1 | PENDING | P0 |")
    execute(project / DB, "UPDATE queue_items SET status = 'BLOCKED' WHERE id = 'ORCH-2'")
    before = (project / QUEUE).read_bytes()
    found = run("import")
    assert (found.code, found.out.splitlines()[1:]) == (
        0,
        [
            "- imported ORCH-1 priority",
            "consistency mismatch missing_in_db=0 missing_in_md=0 field_mismatch=1",
            "- mismatch ORCH-2:status:md=PENDING db=BLOCKED",
        ],
    )
    assert (project / QUEUE).read_bytes() == before


@every_database
def test_a_view_that_may_only_be_read(project: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not rendered; a plan that would write to the document is not applied."""
    run("baseline")
    execute(project / DB, "UPDATE queue_items SET priority = 'P0' WHERE id = 'ORCH-1'")
    run("reconcile", "plan", "-o", "plan.json")
    before = (project / QUEUE).read_bytes()
    monkeypatch.setenv("ORCH_QUEUE_MD_READ_ONLY", "1")
    assert run("render") == (5, "", f"error: {QUEUE}: read-only by ORCH_QUEUE_MD_READ_ONLY\n")
    refused = run("reconcile", "apply", "plan.json")
    assert (refused.code, refused.out) == (5, "")
    assert (project / QUEUE).read_bytes() == before


def _applied(run: Run, *options: str) -> Told:
    assert run("reconcile", "plan", *options, "-o", "plan.json").code == 1
    return run("reconcile", "apply", "plan.json")


def test_a_removed_item_comes_back_with_all_it_had(project: Path, run: Run) -> None:
    """Undo puts back every column, whatever is in it, and the events, as the record has them."""
    execute(project / DB, 'ALTER TABLE queue_items ADD COLUMN "odd "" name" BLOB')
    execute(project / DB, "ALTER TABLE queue_items ADD COLUMN twice TEXT GENERATED ALWAYS AS (id || id)")
    execute(project / DB, "UPDATE queue_items SET \"odd \"\" name\" = x'00ff', last_error = 'e' WHERE id = 'ORCH-3'")
    execute(project / DB, "INSERT INTO queue_events (item_id, event_type) VALUES ('ORCH-3', 'retried')")
    run("baseline")
    names = 'id, task, created_at, attempt_count, last_error, "odd "" name", twice'
    row = select(project / DB, f"SELECT {names} FROM queue_items WHERE id = 'ORCH-3'")
    _edit(project, "| ORCH-3 | PENDING | P1 | task | done | - | - | - |  |\n", "")
    assert _applied(run, "--prefer", "ORCH-3=md").code == 0
    assert select(project / DB, "SELECT * FROM queue_items WHERE id = 'ORCH-3'") == []
    assert run("undo", "--plan", "plan.json").code == 0
    assert select(project / DB, f"SELECT {names} FROM queue_items WHERE id = 'ORCH-3'") == row
    events = select(project / DB, "SELECT event_type FROM queue_events WHERE item_id = 'ORCH-3' ORDER BY event_id")
    assert events == [("retried",), ("reconcile_undone",)]


@every_database
def test_a_record_names_no_column_of_its_own(project: Path, run: Run) -> None:
    """What a record says is text from outside: another name than a column's is refused, and nothing is written."""
    run("baseline")
    _edit(project, "| ORCH-3 | PENDING | P1 | task | done | - | - | - |  |\n", "")
    assert _applied(run, "--prefer", "ORCH-3=md").code == 0
    before = (project / QUEUE).read_bytes()
    changed = "replace(base_before_json, '\"created_at\"', '\"created_at) SELECT 1 --\"')"
    execute(project / DB, f"UPDATE queue_reconcile SET base_before_json = {changed}")
    found = run("undo", "--plan", "plan.json")
    assert (found.code, found.out) == (3, "")
    assert "queue_items has no column 'created_at) SELECT 1 --'" in found.err
    execute(project / DB, "UPDATE queue_reconcile SET base_before_json = '[]'")
    damaged = run("undo", "--plan", "plan.json")
    assert (damaged.code, damaged.err.count("is damaged: restore it from a copy")) == (3, 1)
    assert (project / QUEUE).read_bytes() == before


@every_database
def test_an_applied_plan_that_git_undid_can_still_be_taken_back(
    project: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What fails after the commit leaves the record: the plan is applied, and known."""
    run("baseline")
    _edit(project, "| ORCH-3 | PENDING | P1 |", "| ORCH-3 | PENDING | P0 |")

    def replaced(_self: MarkdownTransaction) -> list[str]:
        raise WriteError("QUEUE.md: another program has put its own version there")

    with monkeypatch.context() as patch:
        patch.setattr(MarkdownTransaction, "settle", replaced)
        assert _applied(run).code == 3
    assert select(project / DB, "SELECT state FROM queue_reconcile") == [("done",)]
    assert run("undo", "--plan", "plan.json").code == 0


@pytest.mark.parametrize("command", ["apply", "undo"])
def test_a_reader_that_stays_fails_it_before_the_document_is_touched(project: Path, run: Run, command: str) -> None:
    """With a rollback journal no commit succeeds while somebody reads; then neither queue is written (section 9)."""
    run("baseline")
    _edit(project, "| ORCH-3 | PENDING | P1 |", "| ORCH-3 | PENDING | P0 |")
    execute(project / DB, "UPDATE queue_items SET status = 'BLOCKED' WHERE id = 'ORCH-1'")
    run("reconcile", "plan", "-o", "plan.json")
    argv = ("reconcile", "apply", "plan.json")
    if command == "undo":
        assert run(*argv).code == 0
        argv = ("undo", "--plan", "plan.json")
    before = (project / QUEUE).read_bytes()
    with closing(sqlite3.connect(project / DB, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM queue_items").fetchall()
        found = run(*argv, "--lock-timeout", "0.2")
        assert (found.code, found.out) == (3, "")
        assert (project / QUEUE).read_bytes() == before
    assert run("reconcile", "resume") == (0, "nothing to resume\n", "")
    assert run(*argv).code == 0


@every_database
def test_a_read_only_document_is_not_undone(project: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """ORCH_QUEUE_MD_READ_ONLY holds for undo as well."""
    run("baseline")
    execute(project / DB, "UPDATE queue_items SET priority = 'P0' WHERE id = 'ORCH-1'")
    assert _applied(run).code == 0
    monkeypatch.setenv("ORCH_QUEUE_MD_READ_ONLY", "1")
    before = (project / QUEUE).read_bytes()
    assert run("undo", "--plan", "plan.json").code == 5
    assert (project / QUEUE).read_bytes() == before


@every_database
def test_a_row_that_a_plan_added_has_its_place(project: Path, run: Run) -> None:
    """Lost later, it is put back below its neighbour, not at the top."""
    run("baseline")
    columns = "id, status, priority, task, success_criteria, created_at, updated_at"
    for number in (4, 5):
        values = f"'ORCH-{number}', 'PENDING', 'P1', 'task', 'done', 'x', 'x'"
        execute(project / DB, f"INSERT INTO queue_items ({columns}) VALUES ({values})")
    assert _applied(run).code == 0
    before = (project / QUEUE).read_bytes()
    _edit(project, "| ORCH-4 | PENDING | P1 | task | done | - | - | - |  |\n", "")
    assert _applied(run, "--prefer", "ORCH-4=db").code == 0
    assert (project / QUEUE).read_bytes() == before


@every_database
def test_a_new_id_that_is_taken(project: Path, run: Run) -> None:
    """It is a usage error before anything is planned; one that nothing asks for is told."""
    run("baseline")
    found = run("drift", "--rekey", "ORCH-1=ORCH-2")
    assert (found.code, found.out) == (4, "")
    assert found.err == f"error: --rekey ORCH-1=ORCH-2: {QUEUE} has an item ORCH-2: choose an id that none has\n"
    _edit(project, "| ORCH-3 | PENDING | P1 |", "| ORCH-3 | PENDING | P0 |")
    assert "unused: --rekey ORCH-1=ORCH-9: nothing asks for it\n" in run("drift", "--rekey", "ORCH-1=ORCH-9").out
