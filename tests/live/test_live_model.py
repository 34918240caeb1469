"""What a live view knows: from which readings what is shown, as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from builders import item

from ops_checks.errors import InputError
from ops_checks.findings import Verdict
from ops_checks.live.model import (
    DRIFT,
    KPI,
    MOST_FAILURES,
    QUEUE,
    Change,
    DriftSeen,
    Filter,
    KpiSeen,
    Mark,
    QueueSeen,
    State,
    attention,
    changes,
    has_failed,
    mark,
    oldest,
    verdict_changes,
)
from ops_checks.overview import Summary, summarise
from ops_checks.report.model import RuleResult
from ops_checks.stores.details import NOTHING_MORE, Details

if TYPE_CHECKING:
    from ops_checks.model import Item


def details(each: Item, last_error: str | None = None) -> Details:
    """Return an item with nothing known of it but its last error."""
    return Details((1, each, *NOTHING_MORE[:-1], last_error))


def seen(*items: Item, **parts: Any) -> QueueSeen:
    """Return what a reading of some items found."""
    return QueueSeen(summarise(enumerate(items)), [], None, {each.id: mark(each) for each in items}, **parts)


OLD = [item("A-1", "IN_PROGRESS", owner_session="s1"), item("A-2"), item("A-10", "FAILED")]
CHANGES: dict[str, tuple[list[Item], list[str]]] = {
    "nothing": (OLD, []),
    "another order": (OLD[::-1], []),
    "a status": ([item("A-1", "DONE", owner_session="s1"), *OLD[1:]], ["A-1"]),
    "an owner": ([item("A-1", "IN_PROGRESS", owner_session="s2"), *OLD[1:]], ["A-1"]),
    "a note": ([OLD[0], item("A-2", notes="x"), OLD[2]], ["A-2"]),
    "gone and added": ([*OLD[1:], item("A-3")], ["A-1", "A-3"]),
    "failures first, then by id": (
        [item("A-1"), item("A-2", "FAILED"), item("A-10"), item("A-9", "FAILED")],
        ["A-2", "A-9", "A-1", "A-10"],
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_changes(name: str) -> None:
    """What became of items between two readings; before the first there is nothing to compare."""
    items, ids = CHANGES[name]
    after = seen(*items)
    assert [change.item_id for change in changes(seen(*OLD), after)] == ids
    assert changes(None, after) == []


def test_a_change_has_both_marks() -> None:
    """What was and what is stand in a change, None where the item was not there."""
    added, gone = item("A-3"), mark(OLD[0])
    found = changes(seen(OLD[0]), seen(added))
    assert found == [Change("A-1", gone, None), Change("A-3", None, mark(added))]


@pytest.mark.parametrize(
    ("before", "after", "failed"),
    [
        ("IN_PROGRESS", "FAILED", True),
        ("PENDING", "FAILED", True),
        (None, "FAILED", True),
        ("FAILED", "FAILED", False),
        ("FAILED", "PENDING", False),
        ("FAILED", None, False),
        (None, "DONE", False),
    ],
)
def test_what_a_failure_is(before: str | None, after: str | None, *, failed: bool) -> None:
    """An item fails when it was not FAILED and is, also one that was not there."""
    marks = [None if status is None else Mark(status, "-", 0) for status in (before, after)]
    assert has_failed(*marks) is failed
    assert Change("A-1", *marks).fails is failed


def test_failures_the_newest_first() -> None:
    """Those that arrived come first, with when they were seen; then those that the store knows; each item once."""
    old, one, two = item("A-1", "FAILED"), item("A-2", "FAILED"), item("A-3", "FAILED")
    state = State().after(QUEUE, seen(old, failed=[details(old, "x")]), None, 10.0)
    assert [(each.item.id, each.error, each.at_s) for each in state.failures] == [("A-1", "x", None)]
    state = state.after(
        QUEUE, seen(old, one, failed=[details(old), details(one)], arrived=[details(one, "e")]), None, 20
    )
    state = state.after(QUEUE, seen(old, one, two, failed=[details(old)], arrived=[details(two)]), None, 30)
    assert [(each.item.id, each.at_s) for each in state.failures] == [("A-3", 30), ("A-2", 20), ("A-1", None)]
    again = state.after(DRIFT, DriftSeen(3), None, 40)
    assert again.failures == state.failures


def test_failures_are_not_kept_for_ever() -> None:
    """A view that stays up for days keeps the newest failures only."""
    state = State()
    for number in range(MOST_FAILURES + 5):
        state = state.after(QUEUE, seen(arrived=[details(item(f"A-{number}", "FAILED"))]), None, number)
    assert [failure.at_s for failure in state.failures][:2] == [54, 53]
    assert len(state.failures) == MOST_FAILURES


def test_an_error_stands_until_the_part_is_read() -> None:
    """The error of a part stays with what was seen last, until that part, and no other, is read again."""
    error, first = InputError("gone"), seen(item())
    state = State().after(QUEUE, first, None, 0).after(QUEUE, first, error, 1).after(KPI, KpiSeen(), None, 2)
    assert (state.queue, state.errors) == (first, {QUEUE: error})
    assert state.after(QUEUE, first, None, 3).errors == {}


@pytest.mark.parametrize(
    ("found", "differs"),
    [
        (DriftSeen(3, {"a": 0, "b": 0}), False),
        (DriftSeen(3, {"a": 0, "b": 0}, settled=False), False),
        (DriftSeen(3, {"a": 0, "b": 1}), True),
        (DriftSeen(3, {"a": 0, "b": 1}, settled=False), None),
        (DriftSeen(why_not="q.db is not there"), None),
    ],
)
def test_drift(found: DriftSeen, *, differs: bool | None) -> None:
    """Agreement counts at once, a difference when nobody is writing, and nothing where there is one side only."""
    assert found.differs is differs


def _result(rule: str, verdict: Verdict) -> RuleResult:
    return RuleResult(rule, "", "", "kpi", "error", verdict, "")


def test_verdicts_that_change() -> None:
    """Only another verdict is a change: not another value, and not what was not known before."""
    before = KpiSeen(results=[_result("a", Verdict.PASS), _result("b", Verdict.FAIL)])
    after = KpiSeen(results=[_result("a", Verdict.FAIL), _result("b", Verdict.FAIL), _result("c", Verdict.FAIL)])
    assert [result.id for result in verdict_changes(before, after)] == ["a"]
    assert verdict_changes(None, after) == []


def test_filters_by_status_in_turn() -> None:
    """Each status once, what is in progress first, and then all; the text stays."""
    found = [Filter(text="x")]
    for _ in range(6):
        found.append(found[-1].next_status)
    assert [each.status for each in found] == ["", "IN_PROGRESS", "FAILED", "BLOCKED", "PENDING", "DONE", ""]
    assert {each.text for each in found} == {"x"}


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        (Filter(), ["A-1", "A-2", "A-10"]),
        (Filter("FAILED"), ["A-10"]),
        (Filter(text="S1"), ["A-1"]),
        (Filter("FAILED", "s1"), []),
    ],
)
def test_what_a_filter_means(wanted: Filter, ids: list[str]) -> None:
    """A status exactly, and a text in any case; nothing means all."""
    selector = wanted.selector(0, 0)
    assert [each.id for each in OLD if selector.matches(details(each))] == ids


def test_the_order_of_attention() -> None:
    """What is in progress first, then what failed, each in the order of triage."""
    ids = {"A-1": "DONE", "A-2": "PENDING", "A-3": "FAILED", "A-4": "IN_PROGRESS", "A-5": "BLOCKED"}
    rows = [details(item(item_id, status)) for item_id, status in ids.items()]
    rows.append(details(item("A-6", "IN_PROGRESS", "P0")))
    assert [row.item.id for row in sorted(rows, key=attention)] == ["A-6", "A-4", "A-3", "A-5", "A-2", "A-1"]


@pytest.mark.parametrize(
    ("starts", "found"),
    [
        ([], None),
        (["-", "2026-01-01 10:00", "2026-01-01 09:00"], "A-2"),
        (["-", "text"], "A-0"),
    ],
)
def test_the_oldest(starts: list[str], found: str | None) -> None:
    """The item that was started first, whatever its priority; one without a start only if there is no other."""
    items = [
        item(f"A-{number}", "IN_PROGRESS", f"P{number % 3}", started_at_kst=start)
        for number, start in enumerate(starts)
    ]
    first = oldest(Summary({}, items))
    assert (first and first.id) == found
