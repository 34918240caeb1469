"""The lines that the specification gives, to the byte (OPS_COMMANDS, FORMATS section 6)."""

from __future__ import annotations

import pytest
from builders import item

from ops_checks.cli.lines import consistency_lines, distinguished, number, status_lines, workers_lines
from ops_checks.findings import Finding
from ops_checks.overview import summarise, workers
from ops_checks.rules.drift.drift import Drift
from ops_checks.rules.drift.rules import DRIFT_RULES


def running(number_of: int, priority: str = "P1", owner: str = "s1") -> object:
    """Return a numbered item in progress."""
    return number_of, item(
        f"ORCH-{number_of}", "IN_PROGRESS", priority, owner_session=owner, started_at_kst="2026-01-01 10:00"
    )


def test_status_of_an_empty_queue() -> None:
    """Nothing in progress is said in words."""
    assert list(status_lines(summarise([]))) == [
        "summary PENDING=0 IN_PROGRESS=0 BLOCKED=0 FAILED=0 DONE=0",
        "top_in_progress: none",
    ]


def test_status_shows_the_first_five() -> None:
    """At most five items in progress are shown, all are counted."""
    summary = summarise([(0, item("A-1")), (0, item("A-2", "FAILED")), *(running(n) for n in range(101, 108))])
    assert list(status_lines(summary)) == [
        "summary PENDING=1 IN_PROGRESS=7 BLOCKED=0 FAILED=1 DONE=0",
        "top_in_progress:",
        *(f"- ORCH-{n} (P1) owner=s1 started=2026-01-01 10:00" for n in range(101, 106)),
    ]


def test_workers() -> None:
    """Workers are counted and listed; nobody is listed and not counted."""
    items = [running(102, "P0"), running(107, "P2"), running(103, owner="-")]
    summary = summarise(items)
    assert list(workers_lines(workers(summary.in_progress), len(summary.in_progress))) == [
        "workers_active=1 in_progress=3",
        "- s1 tasks=2 p0=1 p1=0 p2=1 ids=ORCH-102,ORCH-107 oldest_start=2026-01-01 10:00",
        "- - tasks=1 p0=0 p1=1 p2=0 ids=ORCH-103 oldest_start=2026-01-01 10:00",
    ]
    assert list(workers_lines([], 0)) == ["workers_active=0 in_progress=0", "workers: none"]


def test_consistency_ok() -> None:
    """Agreement says of how many items."""
    assert list(consistency_lines(Drift({}, {}, total=30))) == ["consistency ok total=30"]


def test_consistency_mismatch() -> None:
    """Drift is one line of counts and one line for each finding that was kept, then how many more."""
    drift = Drift({}, {rule.id: [] for rule in DRIFT_RULES}, total=5)
    drift.counts |= {"missing-in-db": 1, "missing-in-md": 1, "field-mismatch": 4}
    drift.findings["missing-in-db"].append(Finding("missing-in-db", "", "ORCH-110"))
    drift.findings["missing-in-md"].append(Finding("missing-in-md", "", "ORCH-090"))
    drift.findings["field-mismatch"].append(Finding("field-mismatch", "", "ORCH-102", "status", "IN_PROGRESS", "DONE"))
    assert list(consistency_lines(drift)) == [
        "consistency mismatch missing_in_db=1 missing_in_md=1 field_mismatch=4",
        "- missing_in_db ORCH-110",
        "- missing_in_md ORCH-090",
        "- mismatch ORCH-102:status:md=IN_PROGRESS db=DONE",
        "- mismatch: 3 more (--max-details 0 shows all)",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (0, "0"), (300.0, "300"), (12.5, "12.5"), (0.1, "0.1"), (1e15, "1000000000000000")],
)
def test_number(value: float | None, text: str) -> None:
    """A number is as short as it is exact."""
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "limit", "unit", "text"),
    [
        (0.5, 0.2, "ratio", "0.5000 exceeds 0.2000"),
        (0.20001, 0.2, "ratio", "0.20001 exceeds 0.20000"),
        (0.1, 0.2, "ratio", "0.1000 falls below 0.2000"),
        (222.2222222, 100, "%", "222.22 exceeds 100"),
        (100.0001111, 100, "%", "100.0001 exceeds 100"),
        (1569.4, 1000, "ms", "1569.4 exceeds 1000"),
        (3, 0, "items", "3 exceeds 0"),
        (5, 10**400, "count", f"5 falls below {10**400}"),
    ],
)
def test_a_value_beyond_its_limit(value: float, limit: float, unit: str, text: str) -> None:
    """Few digits, and as many as it takes that the two differ."""
    assert distinguished(value, limit, unit) == text
