from __future__ import annotations

from typing import Any

import pytest

from ops_checks.findings import Place
from ops_checks.model import Item
from ops_checks.rules.kpi.evidence import KpiEvidence
from ops_checks.rules.kpi.queue_statistics import QueueStatistics, queue_statistics
from ops_checks.rules.registry import BY_METRIC
from ops_checks.rules.rule import Threshold, evaluate
from ops_checks.timestamps import queue_time

NOW = 1_767_229_200  # 2026-01-01 10:00 in UTC+9
KST = 540


def item(number: int, status: str, start: str = "-") -> Item:
    """Return an item of a status and a start."""
    return Item([f"ORCH-{number}", status, "P1", "task", "done when", "s1", start, "-", ""])


def place(number: int, item_id: str) -> Place:
    """Return the place of a row."""
    return Place("QUEUE.md", number, key=item_id)


def facts(*items: Item, now_s: float = NOW, stale_minutes: float = 60, **more: Any) -> QueueStatistics:
    """Return the facts of a queue whose rows start at line 10."""
    return queue_statistics(enumerate(items, 10), place, now_s=now_s, zone=KST, stale_minutes=stale_minutes, **more)


@pytest.mark.parametrize(("now_s", "stale"), [(NOW - 1, 0), (NOW, 0), (NOW + 0.001, 1), (NOW + 1, 1), (NOW + 10**9, 1)])
def test_stale_boundary(now_s: float, stale: int) -> None:
    """Stale is a start more than the minutes back, not just as many."""
    assert facts(item(1, "IN_PROGRESS", "2026-01-01 09:00"), now_s=now_s).stale.total == stale


@pytest.mark.parametrize(("ahead_s", "stale"), [(0, 0), (60, 0), (300, 0), (300.001, 1), (9 * 3600, 1), (10**9, 1)])
def test_a_start_ahead(ahead_s: float, stale: int) -> None:
    """A start more than five minutes ahead cannot be shown to be fresh, and the reason names the zone."""
    found = facts(item(1, "IN_PROGRESS", "2026-01-01 10:00"), now_s=NOW - ahead_s).stale
    assert found.total == stale
    for each in found.kept:
        assert each.value is None
        assert each.reason == (
            f"starts {int(ahead_s / 60)} minutes ahead, 2026-01-01 10:00 in UTC+09:00: cannot be shown to be fresh: "
            "check the zone (ORCH_TZ_OFFSET, or the policy's timezone)"
        )


def test_stale_zone() -> None:
    """A start is read in the queue's zone."""
    started = item(1, "IN_PROGRESS", queue_time(NOW - 3601, KST))
    assert facts(started, now_s=NOW + 60).stale.total == 1
    west = queue_statistics([(1, started)], place, now_s=NOW + 60 + KST * 60, zone=0, stale_minutes=3 * KST)
    assert west.stale.total == 0


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
    (stale,) = facts(item(7, "IN_PROGRESS", start)).stale.kept
    assert (stale.item, stale.reason, stale.place) == ("ORCH-7", reason, Place("QUEUE.md", 10, key="ORCH-7"))
    assert stale.value == (91 if "91" in reason else None)


@pytest.mark.parametrize("status", ["PENDING", "BLOCKED", "FAILED", "DONE"])
def test_only_in_progress(status: str) -> None:
    """No other status is stale, whatever its start."""
    assert facts(item(1, status, "2020-01-01 00:00"), item(2, status)).stale.total == 0


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
    assert found.stale.total == 501
    assert [stale.item for stale in found.stale.kept] == [f"ORCH-{number}" for number in range(499, 479, -1)]
    assert [stale.item for stale in facts(item(900, "IN_PROGRESS"), many[0]).stale.kept] == ["ORCH-0", "ORCH-900"]


@pytest.mark.parametrize(
    ("items", "since", "minutes"),
    [
        ([], None, 0.0),
        ([item(1, "DONE")], NOW - 60, 0.0),
        ([item(1, "PENDING")], None, None),
        ([item(1, "PENDING")], NOW - 120, 2.0),
        ([item(1, "PENDING")], NOW + 120, 0.0),
        ([item(1, "PENDING", "2026-01-01 09:00"), item(2, "PENDING", "2026-01-01 09:30")], None, 60.0),
        ([item(1, "PENDING", "2026-01-01 09:00")], NOW - 7200, 120.0),
        ([item(1, "PENDING", "soon")], None, None),
    ],
)
def test_oldest_pending(items: list[Item], since: float | None, minutes: float | None) -> None:
    """The longest wait is 0 when nothing waits, and unknown when nothing tells since when."""
    made = [] if since is None else [("ORCH-1", queue_time(since, KST))]
    assert facts(*items, pending_since=made).oldest_pending_minutes == minutes


OLD, LATE, AHEAD = queue_time(NOW - 7200, KST), queue_time(NOW - 60, KST), queue_time(NOW + 3600, KST)


@pytest.mark.parametrize(
    ("made", "limit", "verdict", "samples", "named"),
    [
        ([OLD, LATE], 60, "fail", 2, ["P-0"]),
        ([OLD, LATE], 120, "pass", 2, []),
        (["-", OLD], 60, "fail", 1, ["P-1", "P-0"]),
        ([OLD, "yesterday"], 60, "fail", 1, ["P-0", "P-1"]),
        ([LATE, "2026-02-30 10:00"], 60, "insufficient", 1, ["P-1"]),
        ([LATE, AHEAD], 60, "insufficient", 1, ["P-1"]),
        (["-"], 60, "insufficient", 0, ["P-0"]),
        ([LATE, None], 60, "insufficient", 1, []),
        ([None], 60, "insufficient", 0, []),
        ([], 60, "pass", 0, []),
    ],
)
def test_what_cannot_be_read_hides_no_wait(
    made: list[str | None], limit: float, verdict: str, samples: int, named: list[str]
) -> None:
    """A time that cannot be read hides no item that waits too long, and cannot be shown to keep the limit itself."""
    items = [Item((f"P-{number}", "PENDING", "P1", "t", "c", "-", "-", "-", "")) for number in range(len(made))]
    since = [(f"P-{number}", text) for number, text in enumerate(made) if text is not None]
    rule = BY_METRIC["oldest_pending_minutes"]
    result = evaluate(rule, KpiEvidence(None, facts(*items, pending_since=since)), Threshold(max=limit))
    assert (result.verdict, result.samples) == (verdict, samples)
    assert [finding.item for finding in result.findings] == named
    if verdict == "insufficient":
        assert f"; {len(made) - samples} more cannot be read" in result.message


def test_starts_count_only_where_no_time_of_making_is_kept() -> None:
    """One item has one wait: since it was made, or, where the store keeps no such time, since its old start."""
    again = item(1, "PENDING", "2026-01-01 09:00")
    assert list(facts(again).waits) == [60.0]
    assert list(facts(again, pending_since=[("ORCH-1", OLD)]).waits) == [120.0]
    assert facts(again, pending_since=[("ORCH-1", "x")]).waits_unread == 1


def test_the_items_behind_a_number() -> None:
    """Blocked and pending items are kept by priority, then in the queue's order; notes end with the newest."""
    urgent = Item(id="B-2", status="BLOCKED", priority="P0", task="t", success_criteria="s", notes="old | newest")
    found = facts(item(1, "BLOCKED"), urgent, item(3, "PENDING"), retries=[("ORCH-3", 4), ("ORCH-1", 1)])
    assert [(each.item, each.reason) for each in found.blocked.kept] == [("B-2", "newest"), ("ORCH-1", None)]
    assert [each.item for each in found.pending.kept] == ["ORCH-3"]
    assert [(each.item, each.value, each.reason) for each in found.retried.kept] == [
        ("ORCH-3", 4, "4 times"),
        ("ORCH-1", 1, "once"),
    ]
    assert (found.blocked.total, found.pending.total, found.retried.total) == (2, 1, 2)


def test_waits_are_all_counted() -> None:
    """The longest waits are kept with their items, and the minutes of all are counted, whatever is kept."""
    made = [(f"ORCH-{number}", queue_time(NOW - 6000 + 60 * number, KST)) for number in range(30)]
    found = facts(*(item(number, "PENDING") for number in range(30)), pending_since=made)
    assert (found.waiting.total, len(found.waiting.kept), len(found.waits)) == (30, 20, 30)
    assert (found.waiting.kept[0].item, found.waiting.kept[0].value) == ("ORCH-0", 100.0)
