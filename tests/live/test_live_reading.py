"""The parts of a live view as they are read from real queues and logs."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from builders import aged, execute, item, make_database, make_markdown, table
from conftest import NOW_S

from ops_checks.errors import InputError
from ops_checks.live.model import DriftSeen, Filter
from ops_checks.live.reading import MOST_ROWS, QueueReading, read_drift, read_kpi
from ops_checks.settings import resolve

pytestmark = pytest.mark.usefixtures("folder")

ITEMS = [
    item("A-1", "IN_PROGRESS", owner_session="s1", started_at_kst="2026-01-01 10:00"),
    item("A-2"),
    item("A-3", "FAILED"),
]
AGREED = {"missing_in_db": 0, "missing_in_md": 0, "field_mismatch": 0}


def context(**named: Any) -> Any:
    """Return a context of both queues and a log."""
    return resolve({"ORCH_DB_PATH": "q.db"}, queue="Q.md", logs=("runs.jsonl",), now_s=NOW_S, **named)


def reading(**named: Any) -> QueueReading:
    """Return what reads the queue that is worked on."""
    return QueueReading(context(**named), lambda: float(NOW_S))


def lay(md: list[Any], db: list[Any] | None = None) -> None:
    """Write both queues anew, an hour ago."""
    make_markdown(Path("Q.md"), md)
    Path("q.db").unlink(missing_ok=True)
    make_database(Path("q.db"), md if db is None else db)


@pytest.mark.parametrize("named", [{}, {"db": "q.db"}], ids=["document", "database"])
def test_the_queue(named: dict[str, str]) -> None:
    """One reading counts, lists, remembers, and finds what failed and what is oldest."""
    lay(ITEMS)
    seen = reading(**named)()
    assert {status: count for status, count in seen.summary.counts.items() if count} == {
        "IN_PROGRESS": 1,
        "PENDING": 1,
        "FAILED": 1,
    }
    assert ([worker.owner for worker in seen.workers], seen.oldest) == (["s1"], ITEMS[0])
    assert ([row.item.id for row in seen.rows], seen.selected) == (["A-1", "A-3", "A-2"], 3)
    assert ([row.item.id for row in seen.failed], seen.arrived, seen.remarks) == (["A-3"], [], [])
    assert {item_id: each.status for item_id, each in seen.marks.items()} == {each.id: each.status for each in ITEMS}


def test_what_failed_since_the_reading_before() -> None:
    """It comes with its last error; what failed before the first reading did not arrive, and nothing arrives twice."""
    lay(ITEMS)
    read = reading(db="q.db")
    assert read().arrived == []
    execute("q.db", "UPDATE queue_items SET status = 'FAILED', last_error = 'boom' WHERE id = 'A-1'")
    assert [(row.item.id, row.last_error) for row in read().arrived] == [("A-1", "boom")]
    assert read().arrived == []


def test_a_reading_that_fails_forgets_nothing() -> None:
    """What failed while the queue could not be read has arrived when it can be read again."""
    lay(ITEMS)
    read = reading()
    read()
    Path("Q.md").rename("away")
    with pytest.raises(InputError, match="no such"):
        read()
    lay([item("A-1", "FAILED"), *ITEMS[1:]])
    assert [row.item.id for row in read().arrived] == ["A-1"]


def test_a_large_queue_is_listed_in_part() -> None:
    """So many items are kept as anybody looks through, and how many there are is known."""
    lay([item(f"A-{number}") for number in range(MOST_ROWS + 7)])
    read = reading()
    seen = read()
    assert (len(seen.rows), seen.selected) == (MOST_ROWS, MOST_ROWS + 7)
    read.wanted = Filter(text=f"A-{MOST_ROWS + 6}")
    assert [row.item.id for row in read().rows] == [f"A-{MOST_ROWS + 6}"]


def test_rows_that_are_none_are_told() -> None:
    """What looks like an item below the table is not read, and the view says so."""
    text = table("| A-1 | DONE | P1 | t | s | - | - | - | |") + "\n| A-2 | DONE | P1 | t | s | - | - | - | |\n"
    Path("Q.md").write_text(text)
    aged(Path("Q.md"))
    (remark,) = reading()().remarks
    assert "looks like a row of the queue" in remark


def test_agreement_and_drift() -> None:
    """Both queues are compared as `consistency-check` compares them."""
    lay(ITEMS)
    assert read_drift(context()) == DriftSeen(3, AGREED)
    lay(ITEMS, [*ITEMS[1:], item("A-4"), item("A-5")])
    assert read_drift(context()) == DriftSeen(3, {**AGREED, "missing_in_db": 1, "missing_in_md": 2})


@pytest.mark.parametrize("name", ["Q.md", "q.db"])
def test_drift_while_somebody_writes(name: str) -> None:
    """A program that wrote a moment ago may be between its two writes: the difference is not settled."""
    lay(ITEMS, ITEMS[1:])
    os.utime(name, (NOW_S, NOW_S))
    seen = read_drift(context())
    assert (seen.settled, seen.differs) == (False, None)
    lay(ITEMS)
    os.utime(name, (NOW_S, NOW_S))
    assert read_drift(context()).differs is False


@pytest.mark.parametrize("name", ["Q.md", "q.db"])
def test_one_side_only(name: str) -> None:
    """Where a queue is not there nothing is compared, which is no drift and no error."""
    lay(ITEMS)
    Path(name).unlink()
    assert read_drift(context()) == DriftSeen(why_not=f"{name} is not there")


def test_kpis() -> None:
    """They are those of `kpi`, with their limits; what cannot be read is an error."""
    lay(ITEMS)
    with pytest.raises(InputError, match=r"runs\.jsonl"):
        read_kpi(context())
    runs = [{"event": "run_end", "command": "done", "exit_code": 0, "duration_ms": 100}] * 20
    Path("runs.jsonl").write_text("".join(json.dumps(run) + "\n" for run in runs))
    seen = read_kpi(context())
    verdicts = {result.id: result.verdict for result in seen.results}
    assert verdicts == {
        "failure-rate": "pass",
        "latency-p95-ms": "pass",
        "stale-in-progress": "fail",
        "malformed-lines": "pass",
    }
    assert (seen.values["success_rate"], seen.values["stale_in_progress"]) == (1.0, 1)
