"""The rules on the rows of one queue: what each finds, and what it leaves alone."""

from __future__ import annotations

from collections import Counter

import pytest
from builders import item
from hypothesis import given
from hypothesis import strategies as st

from ops_checks.findings import Place
from ops_checks.model import STATUSES, Item
from ops_checks.rules.queue.judgement import judge_rows
from ops_checks.rules.queue.rows import RowSettings
from ops_checks.rules.queue.rules import BY_ID, ROW_CHECKS
from ops_checks.timestamps import start_epoch

NOW = "2026-02-03 12:00"
NOW_S = start_epoch(NOW, 540) or 0
SETTINGS = RowSettings(NOW_S, 540, most_in_progress=2, most_minutes=60)


def found(rule: str, *items: Item, **settings: object) -> list[tuple[str | None, str, str | None]]:
    """Return item, message and reason of what a rule finds."""
    changed = RowSettings(**{name: getattr(SETTINGS, name) for name in RowSettings.__struct_fields__} | settings)
    judged = judge_rows(enumerate(items, 7), lambda number, _: Place("Q.md", number), [BY_ID[rule]], changed)
    assert judged.items == len(items)
    assert judged.counts == {rule: len(judged.findings[rule])}
    return [(each.item, each.message, each.reason) for each in judged.findings[rule]]


BUSY = {"status": "IN_PROGRESS", "owner_session": "w1", "started_at_kst": "2026-02-03 11:00"}


@pytest.mark.parametrize("owner", ["-", "", "  ", " - "])
def test_an_item_in_progress_has_an_owner(owner: str) -> None:
    """Nothing, however it is spelled, is no owner."""
    assert found("in-progress-has-owner", item("A-1", "IN_PROGRESS", owner_session=owner)) == [
        ("A-1", "A-1 is in progress and has no owner", None)
    ]


@pytest.mark.parametrize("status", STATUSES)
def test_who_has_an_owner_or_needs_none_is_left_alone(status: str) -> None:
    """Only what is in progress needs one."""
    assert found("in-progress-has-owner", item("A-1", status, owner_session="w1")) == []
    expected = 1 if status == "IN_PROGRESS" else 0
    assert len(found("in-progress-has-owner", item("A-1", status))) == expected


@pytest.mark.parametrize(
    ("status", "notes", "is_found"),
    [
        ("BLOCKED", "", True),
        ("BLOCKED", "-", True),
        ("BLOCKED", "  ", True),
        ("BLOCKED", "cancelled_by_operator", False),
        ("FAILED", "", False),
        ("PENDING", "", False),
    ],
)
def test_a_blocked_item_says_why(status: str, notes: str, *, is_found: bool) -> None:
    """What nobody wrote down, nobody knows next week."""
    expected = [("A-1", "A-1 is blocked and its notes say nothing", None)] if is_found else []
    assert found("blocked-has-reason", item("A-1", status, notes=notes)) == expected


@pytest.mark.parametrize(
    ("due", "told"),
    [
        ("-", None),
        ("", None),
        ("2026-02-03 12:00", None),  # the minute it is due in is not over when it begins
        ("2026-02-04 00:00", None),
        ("2026-02-03 11:57", ("A-1 was due 2026-02-03 11:57, 3m ago", None)),
        ("2026-01-03 12:00", ("A-1 was due 2026-01-03 12:00, 31d ago", None)),
        ("tomorrow", ("A-1 is due tomorrow", "its due time cannot be read: expected YYYY-MM-DD HH:MM")),
        ("2026-02-30 10:00", ("A-1 is due 2026-02-30 10:00", "its due time cannot be read: expected YYYY-MM-DD HH:MM")),
    ],
)
def test_an_open_item_is_not_past_its_due_time(due: str, told: tuple[str, str | None] | None) -> None:
    """A due time that cannot be read may have passed, so that it counts, and says why."""
    expected = [("A-1", *told)] if told else []
    for status in ("PENDING", "IN_PROGRESS", "BLOCKED"):
        assert found("due-date-passed", item("A-1", status, due_at_kst=due)) == expected
    for status in ("DONE", "FAILED"):
        assert found("due-date-passed", item("A-1", status, due_at_kst=due)) == []


def test_times_are_those_of_the_queue_s_zone() -> None:
    """Noon in the queue's zone is another moment elsewhere."""
    late = item("A-1", due_at_kst="2026-02-03 11:00")
    assert len(found("due-date-passed", late)) == 1
    assert found("due-date-passed", late, zone=0) == []


@pytest.mark.parametrize(
    ("start", "told"),
    [
        ("-", None),
        (NOW, None),
        ("2026-02-03 12:05", None),  # clocks differ by as much
        ("2026-02-03 12:06", ("A-1 starts 2026-02-03 12:06, 6m ahead", None)),
        ("2027-02-03 12:00", ("A-1 starts 2027-02-03 12:00, 365d ahead", None)),
        ("soon", ("A-1 starts soon", "its start cannot be read: expected YYYY-MM-DD HH:MM")),
    ],
)
def test_nothing_starts_ahead(start: str, told: tuple[str, str | None] | None) -> None:
    """A start ahead of the clock, of whatever status, is a wrong clock, a wrong zone or a typing error."""
    for status in STATUSES:
        assert found("no-start-in-future", item("A-1", status, started_at_kst=start)) == (
            [("A-1", *told)] if told else []
        )


def test_an_owner_has_no_more_in_progress_than_allowed() -> None:
    """One finding an owner, which names the items; the owner of nothing is none."""
    busy = [item(f"A-{number}", **BUSY) for number in range(3)]
    others = [item(f"B-{number}", "IN_PROGRESS") for number in range(5)]
    waiting = [item(f"C-{number}", owner_session="w1") for number in range(5)]
    told = "w1 has 3 items in progress, more than 2: A-0, A-1, A-2"
    assert found("wip-limit", *busy, *others, *waiting) == [(None, told, None)]
    assert found("wip-limit", *busy[1:], *others) == []
    many = [item(f"A-{number}", **BUSY) for number in range(12)]
    ((_, message, _),) = found("wip-limit", *many)
    assert message.endswith(": A-0, A-1, A-2, A-3, A-4, A-5, A-6, A-7, A-8, A-9 and 2 more")


def test_two_owners_are_two_findings() -> None:
    """What is known of one owner is not known of the other: their fingerprints differ, and name no item."""
    items = [item(f"A-{number}", "IN_PROGRESS", owner_session=f"w{number % 2}") for number in range(6)]
    judged = judge_rows(enumerate(items, 7), lambda number, _: Place("Q.md", number), [BY_ID["wip-limit"]], SETTINGS)
    first, second = judged.findings["wip-limit"]
    assert (first.owner, first.value, first.places) == ("w0", 3, (Place("Q.md", 7),))
    assert (second.owner, second.value, second.places) == ("w1", 3, (Place("Q.md", 8),))
    assert first.fingerprint != second.fingerprint


P0, P2 = item("A-1", priority="P0"), item("B-1", "IN_PROGRESS", "P2", owner_session="w1")


@pytest.mark.parametrize(
    ("waits", "told"),
    [
        ({"A-1": NOW_S - 3600}, None),
        (
            {"A-1": NOW_S - 3601},
            ("A-1 has waited for 60m, more than 60m; P2 in progress meanwhile: B-1", None),
        ),
        (
            {"A-1": None},
            ("A-1 waits; P2 in progress meanwhile: B-1", "its created_at cannot be read: expected YYYY-MM-DD HH:MM"),
        ),
    ],
)
def test_no_p2_is_in_progress_while_a_p0_waits(
    waits: dict[str, float | None], told: tuple[str, str | None] | None
) -> None:
    """A P0 may wait as long as allowed, and one of which nobody can tell may have waited longer."""
    assert found("priority-inversion", P0, P2, waits=waits) == ([("A-1", *told)] if told else [])
    for busy in (item("B-1", "PENDING", "P2"), item("B-1", "IN_PROGRESS", "P1"), item("B-1", "BLOCKED", "P2")):
        assert found("priority-inversion", P0, busy, waits=waits) == []
    for waiting in (item("A-1", priority="P1"), item("A-1", "IN_PROGRESS", "P0")):
        assert found("priority-inversion", waiting, P2, waits=waits) == []


CELLS = st.sampled_from(["-", "", "w1", "w2", "2026-02-03 11:00", "2026-02-03 13:00", "nonsense"])
ROWS = st.lists(
    st.builds(
        lambda status, priority, owner, start, due, notes: item(
            status=status, priority=priority, owner_session=owner, started_at_kst=start, due_at_kst=due, notes=notes
        ),
        *(st.sampled_from(STATUSES), st.sampled_from(["P0", "P1", "P2"]), CELLS, CELLS, CELLS, CELLS),
    ),
    max_size=12,
)


@given(rows=ROWS, keep=st.sampled_from([None, 0, 1, 3]))
def test_one_pass_finds_what_each_rule_finds_alone(rows: list[Item], keep: int | None) -> None:
    """Rules that are judged together find what each finds by itself, and a bound cuts what is kept, not what counts."""
    named = [each.with_cells([("id", f"A-{number}")]) for number, each in enumerate(rows)]

    def judged(checks: list[object], most: int | None) -> tuple[dict[str, int], dict[str, list[object]]]:
        result = judge_rows(enumerate(named, 7), lambda number, _: Place("Q.md", number), checks, SETTINGS, most)  # type: ignore[arg-type]
        return result.counts, result.findings  # type: ignore[return-value]

    counts, findings = judged(list(ROW_CHECKS), keep)
    for check in ROW_CHECKS:
        alone, all_of_it = judged([check], 0)
        assert counts[check.rule.id] == alone[check.rule.id] == len(all_of_it[check.rule.id])
        assert findings[check.rule.id] == all_of_it[check.rule.id][: keep or (None if keep == 0 else 50)]
        prints = Counter(each.fingerprint for each in all_of_it[check.rule.id])  # type: ignore[attr-defined]
        assert set(prints.values()) <= {1}
