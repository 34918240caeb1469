"""What the gate tells of its inputs, and which items it asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from builders import SCHEMA, execute, item, make_database, make_markdown
from conftest import NOW_S

from ops_checks.gate.run import run_gate
from ops_checks.settings import resolve

if TYPE_CHECKING:
    from pathlib import Path

LOG = (
    '{"event":"run_end","command":"done","exit_code":0,"trace_id":"t1","ts_epoch_ms":1767279000000}\n'
    '{"event":"run_end","command":"fail","exit_code":0,"trace_id":"t2","ts_epoch_ms":1767279002000}\n'
    '{"event":"run_end","command":"done","exit_code":0,"trace_id":"t3"}\n'
    '{"event":"run_e'
)
POLICY = "db: q.db\nlog: runs.jsonl\nkpi: {window: 7d, thresholds: {oldest_pending_minutes: {max: 60}}}\n"


def lay(folder: Path) -> None:
    """Lay down a log, a policy, and a database with three pending items."""
    (folder / "runs.jsonl").write_text(LOG)
    (folder / "ops-checks.yaml").write_text(POLICY)
    make_database(folder / "q.db", [item(f"A-{number}") for number in (1, 2, 3)])


def test_a_log_is_told_with_all_that_is_known_of_it(folder: Path) -> None:
    """Lines, newest event, time range, the line that was being written, and runs that no window can hold."""
    lay(folder)
    report = run_gate(resolve(), only="kpi")
    (log,) = (each for each in report.inputs if each.kind == "log")
    assert (log.path, log.lines, log.newest_event) == ("runs.jsonl", 3, "run_end fail t2")
    assert (log.first_ms, log.last_ms) == (1_767_279_000_000, 1_767_279_002_000)
    assert log.note == "its last line was being written, and was left out"
    assert [note for note in report.notes if note.startswith("1 run has no ts_epoch_ms")]


def test_all_items_that_wait_too_long_are_named(folder: Path) -> None:
    """Where the longest wait is limited, every pending item beyond the limit stands behind it, not only the oldest."""
    lay(folder)
    result = run_gate(resolve(), only="kpi").rule("oldest-pending-minutes")
    assert [finding.item for finding in result.findings] == ["A-1", "A-2", "A-3"]


def test_a_lease_that_nobody_understands_is_told_and_counts_for_nothing(folder: Path) -> None:
    """What a retry would refuse in an incident is told before; the verdict is that of the same queue without it."""
    lay(folder)
    running = [item(name, "IN_PROGRESS", started_at_kst="2026-01-02 00:00") for name in ("A-7", "A-8", "A-9")]
    leases = {"A-7": {"lease_expires_at": NOW_S + 60.5}, "A-8": {"lease_expires_at": NOW_S * 1000}}
    reports = []
    for number, columns in enumerate((leases, {})):
        make_database(folder / f"{number}.db", [*running, item("A-6")], columns | {"A-6": {"lease_expires_at": "old"}})
        reports.append(run_gate(resolve(db=f"{number}.db", now_s=NOW_S), only="kpi"))
    odd, plain = reports
    assert [note for note in odd.notes if note not in plain.notes] == [
        "0.db: leases of which nobody can tell when they end, so that they cannot be retried: "
        f"A-7 lease_expires_at {NOW_S + 60.5} is no whole number of epoch seconds (it looks like seconds with a "
        f"fraction), A-8 lease_expires_at {NOW_S}000 ends more than a year ahead (it looks like milliseconds): mend "
        "their writer; cancel and replan clear them"
    ]
    assert (odd.verdict, odd.exit_code) == (plain.verdict, plain.exit_code)


def test_what_the_database_says_has_its_row_in_the_document(folder: Path) -> None:
    """A finding of a KPI names the item's row in the database and in the document, its task, owner and priority.

    Where the document cannot be read, or lacks the item, the row of the database is left: its check is another one.
    """
    lay(folder)
    (folder / "ops-checks.yaml").write_text(POLICY.replace("db: q.db", "db: q.db\nqueue: Q.md").replace(
        "{oldest", "{retry_count: 0, stale_in_progress: 0, oldest"))  # fmt: skip
    items = [
        item("A-1", "IN_PROGRESS", "P2", task="old", owner_session="s1", started_at_kst="2020-01-01 00:00"),
        item("A-2", "IN_PROGRESS", "P0", task="new", owner_session="s2", started_at_kst="2026-01-01 00:00"),
        item("A-3", "IN_PROGRESS", "P0", task="lost"),
    ]
    make_database(folder / "p.db", items)
    execute(folder / "p.db", "INSERT INTO queue_events (item_id, event_type, created_at) "
            "VALUES ('A-2', 'retried', '2026-01-01 23:50')")  # fmt: skip
    make_markdown(folder / "Q.md", items[:2])

    def found(rule: str) -> list[tuple[object, ...]]:
        result = run_gate(resolve(db="p.db", now_s=NOW_S), only="kpi").rule(rule)
        return [(each.item, each.task, each.owner, each.priority, *map(str, each.places)) for each in result.findings]

    assert found("stale-in-progress") == [
        ("A-2", "new", "s2", "P0", "p.db:queue_items:A-2", "Q.md:8"),
        ("A-3", "lost", "-", "P0", "p.db:queue_items:A-3"),
        ("A-1", "old", "s1", "P2", "p.db:queue_items:A-1", "Q.md:7"),
    ]
    assert found("retry-count") == [("A-2", "new", "s2", "P0", "p.db:queue_items:A-2", "Q.md:8")]
    (folder / "Q.md").write_text("no queue")
    assert found("retry-count") == [("A-2", "new", "s2", "P0", "p.db:queue_items:A-2")]


@pytest.mark.parametrize("value", ["5", "1.5", "x'00ff'", "CAST(x'ff' AS TEXT)", "'2026-13-99'"])
def test_a_time_that_is_none_hides_nothing_else(folder: Path, value: str) -> None:
    """Whatever stands in place of a time of making or changing, everything else is read and judged."""
    lay(folder)
    table = SCHEMA[: SCHEMA.index(";") + 1].replace("created_at TEXT NOT NULL", "created_at").replace(
        "updated_at TEXT NOT NULL", "updated_at")  # fmt: skip
    execute(folder / "o.db", table + SCHEMA[SCHEMA.index("CREATE TABLE queue_events") :])
    columns = "id, status, priority, task, success_criteria, created_at, updated_at"
    execute(
        folder / "o.db", f"INSERT INTO queue_items ({columns}) VALUES ('A-1', 'PENDING', 'P0', 't', 's', {value}, 1)"
    )
    execute(folder / "o.db", f"UPDATE queue_items SET updated_at = {value}, lease_owner = {value}")
    report = run_gate(resolve(db="o.db", now_s=NOW_S), only="kpi")
    assert not report.errors
    assert report.rule("oldest-pending-minutes").verdict == "insufficient"
    assert [each.item for each in report.rule("oldest-pending-minutes").findings] == ["A-1"]
