"""What `status` and `workers` show, and in which order (OPS_COMMANDS, FORMATS section 6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from builders import item
from hypothesis import given
from hypothesis import strategies as st

from ops_checks.model import PRIORITIES, STATUSES, id_order
from ops_checks.overview import summarise, triage_order, workers

if TYPE_CHECKING:
    from ops_checks.model import Item


def running(item_id: str, priority: str = "P1", start: str = "2026-01-01 10:00", owner: str = "s1") -> Item:
    """Return an item in progress."""
    return item(item_id, "IN_PROGRESS", priority, started_at_kst=start, owner_session=owner)


def test_items_are_counted_by_status() -> None:
    """Every status is counted, also those that no item has."""
    summary = summarise(enumerate([item("A-1"), item("A-2"), item("A-3", "DONE"), running("A-4")]))
    assert summary.counts == {"PENDING": 2, "IN_PROGRESS": 1, "BLOCKED": 0, "FAILED": 0, "DONE": 1}
    assert [each.id for each in summary.in_progress] == ["A-4"]


TRIAGE = [
    running("Z-1", "P0", "2026-01-02 10:00"),
    running("A-1", "P0", "-"),
    running("A-2", "P1", "2025-12-31 23:59"),
    running("A-9", "P1", "2026-01-01 09:59"),
    running("A-3", "P1", "2026-01-01 10:00"),
    running("A-10", "P1", "2026-01-01 10:00"),
    running("B-1", "P1", "2026-01-01 10:00"),
    running("A-4", "P1", "-"),
    running("A-5", "P1", "2026-02-30 10:00"),
    running("A-6", "P1", "yesterday"),
    running("A-0", "P2", "2020-01-01 00:00"),
]


@given(st.permutations(TRIAGE))
def test_the_order_of_triage(shuffled: list[Item]) -> None:
    """Highest priority first, then the oldest start, then the id; a start that cannot be read comes last."""
    assert sorted(shuffled, key=triage_order) == TRIAGE
    assert summarise(enumerate(shuffled)).in_progress == TRIAGE


@pytest.mark.parametrize(
    "ids", [["A-9", "A-10"], ["A-9", "B-1"], ["A", "B"], ["A-x", "A-1"], ["A-²", "A-1"], ["A-1", "A-" + "9" * 5000]]
)
def test_ids_are_ordered_as_a_person_counts(ids: list[str]) -> None:
    """Digits behind the last dash count as a number; anything else is text, and no id is an error."""
    assert sorted(ids, key=id_order) in (ids, ids[::-1])
    assert sorted(["A-10", "A-9"], key=id_order) == ["A-9", "A-10"]


def test_workers_are_grouped_by_owner() -> None:
    """Who has most comes first, then by name, and nobody last; each with priorities and the really oldest start."""
    items = [
        running("A-1", "P2", "2026-01-01 10:00", "s2"),
        running("A-2", "P0", "-", "s2"),
        running("A-3", "P0", "2025-12-31 09:00", "s2"),
        running("A-4", "P1", "junk", "s1"),
        running("A-5", "P1", "2026-01-01 10:00", "a"),
        *(running(f"N-{number}", owner="-") for number in range(5)),
    ]
    grouped = workers(summarise(enumerate(items)).in_progress)
    assert [(group.owner, [each.id for each in group.items], group.oldest_start) for group in grouped] == [
        ("s2", ["A-3", "A-2", "A-1"], "2025-12-31 09:00"),
        ("a", ["A-5"], "2026-01-01 10:00"),
        ("s1", ["A-4"], "-"),
        ("-", ["N-0", "N-1", "N-2", "N-3", "N-4"], "2026-01-01 10:00"),
    ]
    assert [grouped[0].count(priority) for priority in PRIORITIES] == [2, 0, 1]


def test_nobody_at_work() -> None:
    """Without items in progress there are no workers."""
    assert workers([]) == []


@given(st.lists(st.tuples(st.sampled_from(STATUSES), st.sampled_from(["s1", "s2", "-"])), max_size=20))
def test_no_item_is_lost(drawn: list[tuple[str, str]]) -> None:
    """The counts add up to the items, and the workers' items to those in progress."""
    items = [item(f"A-{n}", status, owner_session=owner) for n, (status, owner) in enumerate(drawn)]
    summary = summarise(enumerate(items))
    assert sum(summary.counts.values()) == len(items)
    grouped = workers(summary.in_progress)
    assert sorted(each.id for group in grouped for each in group.items) == sorted(
        each.id for each in summary.in_progress
    )
    assert len({group.owner for group in grouped}) == len(grouped)
