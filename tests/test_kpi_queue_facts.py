from __future__ import annotations

from typing import Any

import pytest

from ops_checks.checks.queue_facts import QueueFacts, queue_facts
from ops_checks.clock import queue_time
from ops_checks.findings import Place
from ops_checks.model import Item

NOW = 1_767_229_200  # 2026-01-01 10:00 in UTC+9
KST = 540


def item(number: int, status: str, start: str = "-") -> Item:
    """Return an item of a status and a start."""
    return Item([f"ORCH-{number}", status, "P1", "task", "done when", "s1", start, "-", ""])


def place(number: int, item_id: str) -> Place:
    """Return the place of a row."""
    return Place("QUEUE.md", number, key=item_id)


def facts(*items: Item, now_s: float = NOW, stale_minutes: float = 60, **more: Any) -> QueueFacts:
    """Return the facts of a queue whose rows start at line 10."""
    return queue_facts(enumerate(items, 10), place, now_s=now_s, tz_minutes=KST, stale_minutes=stale_minutes, **more)


@pytest.mark.parametrize(
    ("now_s", "stale"), [(NOW - 1, 0), (NOW, 0), (NOW + 0.001, 1), (NOW + 1, 1), (NOW - 10**6, 0), (NOW + 10**9, 1)]
)
def test_stale_boundary(now_s: float, stale: int) -> None:
    """Stale is a start more than the minutes back, not just as many; a start in the future is fresh."""
    assert facts(item(1, "IN_PROGRESS", "2026-01-01 09:00"), now_s=now_s).stale_count == stale


def test_stale_zone() -> None:
    """A start is read in the queue's zone."""
    started = item(1, "IN_PROGRESS", queue_time(NOW - 3601, KST))
    assert facts(started, now_s=NOW + 60).stale_count == 1
    assert queue_facts([(1, started)], place, now_s=NOW + 60, tz_minutes=0, stale_minutes=60).stale_count == 0


@pytest.mark.parametrize(
    ("start", "reason"),
    [
        ("-", "no start: cannot be shown to be fresh"),
        ("", "no start: cannot be shown to be fresh"),
        ("yesterday", "a start that is no time: cannot be shown to be fresh"),
        ("2026-01-01 9:00", "a start that is no time: cannot be shown to be fresh"),
        ("2026-01-01 08:29", "in progress since 2026-01-01 08:29, 91 minutes"),
    ],
)
def test_stale_reason(start: str, reason: str) -> None:
    """An item without a readable start counts as stale, and each stale item says why and where."""
    (stale,) = facts(item(7, "IN_PROGRESS", start)).stale
    assert (stale.item, stale.reason, stale.place) == ("ORCH-7", reason, Place("QUEUE.md", 10, key="ORCH-7"))
    assert stale.minutes == (91 if "91" in reason else None)


@pytest.mark.parametrize("status", ["PENDING", "BLOCKED", "FAILED", "DONE"])
def test_only_in_progress(status: str) -> None:
    """No other status is stale, whatever its start."""
    assert facts(item(1, status, "2020-01-01 00:00"), item(2, status)).stale_count == 0


def test_counts() -> None:
    """Every status is counted, also those without items."""
    found = facts(item(1, "DONE"), item(2, "DONE"), item(3, "BLOCKED"), retry_count=4)
    assert found.counts == {"PENDING": 0, "IN_PROGRESS": 0, "BLOCKED": 1, "FAILED": 0, "DONE": 2}
    assert (found.items, found.retry_count) == (3, 4)
    assert facts().items == 0


def test_worst_twenty() -> None:
    """Of many stale items the longest in progress are kept, in that order; those without a start come last."""
    many = [item(number, "IN_PROGRESS", queue_time(NOW - 7200 - number * 60, KST)) for number in range(500)]
    found = facts(item(900, "IN_PROGRESS"), *many)
    assert found.stale_count == 501
    assert [stale.item for stale in found.stale] == [f"ORCH-{number}" for number in range(499, 479, -1)]
    assert [stale.item for stale in facts(item(900, "IN_PROGRESS"), many[0]).stale] == ["ORCH-0", "ORCH-900"]


@pytest.mark.parametrize(
    ("items", "since", "minutes"),
    [
        ([], None, 0.0),
        ([item(1, "DONE")], NOW - 60, 0.0),
        ([item(1, "PENDING")], None, None),
        ([item(1, "PENDING")], NOW - 90, 1.5),
        ([item(1, "PENDING")], NOW + 90, 0.0),
        ([item(1, "PENDING", "2026-01-01 09:00"), item(2, "PENDING", "2026-01-01 09:30")], None, 60.0),
        ([item(1, "PENDING", "2026-01-01 09:00")], NOW - 7200, 120.0),
        ([item(1, "PENDING", "soon")], None, None),
    ],
)
def test_oldest_pending(items: list[Item], since: float | None, minutes: float | None) -> None:
    """The longest wait is 0 when nothing waits, and unknown when nothing tells since when."""
    assert facts(*items, pending_since_s=since).oldest_pending_minutes == minutes
