"""The queue over time, from the events of its items: what each tells, what none tells, and never too many moments."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from event_histories import Case, case, history
from hypothesis import given
from hypothesis import strategies as st
from report_samples import rate

from ops_checks.findings import Verdict
from ops_checks.rules.history.moments import Moments
from ops_checks.rules.history.queue_timelines import queue_timelines
from ops_checks.rules.history.states import MOST_MOMENTS, Count, QueueStates
from ops_checks.rules.kpi.timelines import MOST_POINTS
from ops_checks.timestamps import queue_time, start_epoch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ops_checks.report.background import StatesAt

KST = 540
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
#: So long an item may be in progress.
STALE = 20 * MINUTE


def at(text: str) -> int:
    """Return a queue time of a day in epoch milliseconds."""
    second = start_epoch(f"2026-01-01 {text}" if len(text) == 5 else text, KST)
    assert second is not None
    return second * 1000


NOW = at("12:00")
LEAST = at("2001-01-01 09:00")


def states(*cases: Case, since: int = 0, now: int = NOW) -> tuple[QueueStates, Moments]:
    """Return what is counted of items."""
    moments = Moments(least_ms=LEAST, now_ms=now, zone=KST)
    counted = QueueStates(since_ms=since, now_ms=now, stale_ms=STALE, zone=KST)
    for each in cases:
        told = history(each)
        counted.add(told.row, list(moments.of(told.events)))
    return counted, moments


def seen(found: tuple[StatesAt, ...]) -> list[tuple[str, dict[str, int]]]:
    """Return the moments at which something is different, by their time of the day."""
    kept = [one for number, one in enumerate(found) if number == 0 or one.counts != found[number - 1].counts]
    return [(queue_time(one.at_ms / 1000, KST)[11:], one.counts) for one in kept]


WORKED = case(
    ("added", {}, "2026-01-01 10:00"),
    ("picked", {}, "2026-01-01 10:10"),
    ("lease_renewed", {}, "2026-01-01 10:15"),
    ("done", {}, "2026-01-01 10:30"),
    status="DONE",
)


@pytest.mark.parametrize(
    ("cases", "expected"),
    [
        (
            [WORKED],
            [("10:00", {}), ("10:01", {"PENDING": 1}), ("10:11", {"IN_PROGRESS": 1}), ("10:31", {"DONE": 1})],
        ),
        (  # ours say the status after it
            [
                case(
                    ("added", {}, "2026-01-01 10:00"),
                    ("cancelled", {"to": "BLOCKED"}, "2026-01-01 10:01"),
                    status="BLOCKED",
                )
            ],
            [("10:00", {}), ("10:01", {"PENDING": 1}), ("10:02", {"BLOCKED": 1})],
        ),
        (  # an item without events was always there, as far as anybody knows
            [WORKED, case(status="FAILED")],
            [
                ("10:00", {"FAILED": 1}),
                ("10:01", {"FAILED": 1, "PENDING": 1}),
                ("10:11", {"FAILED": 1, "IN_PROGRESS": 1}),
                ("10:31", {"DONE": 1, "FAILED": 1}),
            ],
        ),
        (  # an item that is no more counts nowhere
            [WORKED, WORKED._replace(row=None)],
            [("10:00", {}), ("10:01", {"PENDING": 1}), ("10:11", {"IN_PROGRESS": 1}), ("10:31", {"DONE": 1})],
        ),
        (  # the row has the last word
            [case(("added", {}, "2026-01-01 10:00"), status="DONE")],
            [("10:00", {}), ("10:01", {"PENDING": 1}), ("12:00", {"DONE": 1})],
        ),
        (  # an undated event is as old as the one before; without one, older than anything
            [case(("added", {}, "yesterday"), ("picked", {}, "2026-01-01 11:58"), ("done", {}, "?"), status="DONE")],
            [("11:58", {"PENDING": 1}), ("11:59", {"DONE": 1})],
        ),
        (  # a clock that goes back
            [case(("added", {}, "2026-01-01 11:00"), ("picked", {}, "2026-01-01 10:00"), status="IN_PROGRESS")],
            [("11:00", {}), ("11:01", {"IN_PROGRESS": 1})],
        ),
        (  # a time ahead is no time
            [case(("added", {}, "2026-01-01 11:00"), ("done", {}, "2036-01-01 11:00"), status="DONE")],
            [("11:00", {}), ("11:01", {"DONE": 1})],
        ),
        ([case(("added", {}, "2026-01-01 12:00"))], [("12:00", {"PENDING": 1})]),
        ([case(status="DONE")], []),
        ([case(("reconciled", {}, "2026-01-01 11:00"), status="DONE")], []),  # it does not say which status
        ([], []),
    ],
)
def test_the_queue_over_time(cases, expected):
    """Each event that tells a status changes the counts in the minute of it."""
    counted, _ = states(*cases)
    assert seen(counted.moments()) == expected


def test_what_is_not_known_is_counted():
    """A reader learns how many items are counted by something else than their events."""
    counted, moments = states(
        WORKED,
        *[WORKED._replace(row=None)] * 2,
        case(status="FAILED"),
        case(("picked", {}, "2026-01-01 11:00"), ("done", {}, "2026-01-01 10:00"), ("done", {}, ""), status="PENDING"),
    )
    assert (counted.without, counted.midway, counted.otherwise, counted.gone) == (1, 1, 1, 2)
    assert (moments.undated, moments.earlier) == (1, 1)


def test_what_was_before_the_time_shown_is_where_it_begins():
    """Events before the time that is shown count at its beginning."""
    counted, _ = states(WORKED, since=at("10:20"))
    assert seen(counted.moments()) == [("10:30", {"IN_PROGRESS": 1}), ("10:31", {"DONE": 1})]


@pytest.mark.parametrize("days", [0, 1, 3, 30, 400, 9000])
def test_there_are_at_most_two_hundred_moments(days):
    """Whatever the range, the moments are few, of equal distance, ascending, and the last is now."""
    first = queue_time(NOW / 1000 - days * 86_400, KST)
    counted, _ = states(case(("added", {}, first)), case(("added", {}, "2026-01-01 11:59")))
    found = counted.moments()
    distances = {other.at_ms - one.at_ms for one, other in pairwise(found[:-1])}
    assert len(found) <= MOST_MOMENTS
    assert len(distances) <= 1
    assert found[-1] == type(found[-1])(NOW, {"PENDING": 2})
    assert found[0].counts == {}


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["added", "picked", "done", "failed", "blocked", "retried", "lease_acquired"]),
        st.integers(0, 3000 * 1440),  # minutes
    ),
    max_size=6,
)
STATUS = st.sampled_from(["PENDING", "IN_PROGRESS", "DONE", "FAILED", "BLOCKED"])


@given(st.lists(st.tuples(STATUS, STEPS), max_size=12))
def test_each_moment_counts_what_the_events_tell_until_then(items):
    """At each moment the counts are those of a replay of every item's events up to then; at the end, of the rows."""
    cases = [
        case(*((name, {}, queue_time(NOW / 1000 - ago * 60, KST)) for name, ago in steps), status=status)
        for status, steps in items
    ]
    counted, _ = states(*cases)
    found = counted.moments()
    if not found:
        return
    for moment in found[:-1]:
        assert moment.counts == replayed(cases, moment.at_ms)
    assert found[-1].counts == dict(Counter(str(each.row[0]) for each in cases if each.row))


def replayed(cases: list[Case], before: int) -> dict[str, int]:
    """Return the counts before a time by a plain replay."""
    return dict(Counter(status for status, _ in told_before(cases, before)))


def told_before(cases: list[Case], before: int) -> Iterator[tuple[str, str]]:
    """Yield the status of each item before a time, by a plain replay, and when its row was created."""
    for each in cases:
        told, latest, status = history(each), 0, None
        for event in told.events:
            latest = max(latest, (start_epoch(event.created_at, KST) or 0) * 1000)
            if latest < before and event.status:
                status = event.status
        if all(event.status is None for event in told.events):
            status = str(each.row[0]) if each.row else None
        if status:
            yield status, each.row[3] if each.row else ""


def measured(*cases: Case, now: int = at("11:00")) -> dict[str, list[tuple[str, float | None]]]:
    """Return the metrics of a queue over time: the points at which each is another than before, by the time of day."""
    counted, _ = states(*cases, now=now)
    return {
        line.metric: [
            (queue_time(point.at_ms / 1000, KST)[11:], point.value)
            for number, point in enumerate(line.points)
            if number == 0 or point.value != line.points[number - 1].value
        ]
        for line in queue_timelines(counted.counts(), (None, None), [])
    }


PICKED_AT_10 = ("picked", {}, "2026-01-01 10:00")
FLAT = [("10:00", 0)]


@pytest.mark.parametrize(
    ("cases", "retries", "stale", "blocked", "pending"),
    [
        (
            [WORKED],
            FLAT,
            FLAT,
            FLAT,
            [("10:00", 1), ("10:10", 0)],
        ),
        (  # more than twenty minutes in progress, until it ends
            [case(PICKED_AT_10, ("blocked", {}, "2026-01-01 10:21"), status="BLOCKED")],
            FLAT,
            [("10:00", 0), ("10:20", 1), ("10:21", 0)],
            [("10:00", 0), ("10:21", 1)],
            FLAT,
        ),
        (  # twenty minutes are not more than that
            [case(PICKED_AT_10, ("done", {}, "2026-01-01 10:20"), status="DONE")],
            FLAT,
            FLAT,
            FLAT,
            FLAT,
        ),
        (  # nor are they now
            [
                case(PICKED_AT_10, ("done", {}, "2026-01-01 10:01"), status="DONE"),
                case(("picked", {}, "2026-01-01 10:40"), status="IN_PROGRESS"),
            ],
            FLAT,
            FLAT,
            FLAT,
            FLAT,
        ),
        (  # still in progress; the lease's events do not begin it again, another pick does
            [
                case(PICKED_AT_10, ("lease_renewed", {}, "2026-01-01 10:55"), status="IN_PROGRESS"),
                case(PICKED_AT_10, ("picked", {}, "2026-01-01 10:30"), status="IN_PROGRESS"),
            ],
            FLAT,
            [("10:00", 0), ("10:20", 2), ("10:30", 1), ("10:50", 2)],
            FLAT,
            FLAT,
        ),
        (  # the row has the last word
            [case(PICKED_AT_10, status="DONE")],
            FLAT,
            [("10:00", 0), ("10:20", 1), ("10:59", 0)],
            FLAT,
            FLAT,
        ),
        (  # a retry counts in its step, whatever became of the item; of what is PENDING already, too
            [
                case(PICKED_AT_10, ("retried", {}, "2026-01-01 10:05"), ("retried", {}, "2026-01-01 10:05")),
                case(("retried", {}, "2026-01-01 10:06"), status=None),
            ],
            [("10:00", 0), ("10:05", 2), ("10:06", 1), ("10:07", 0)],
            FLAT,
            FLAT,
            [("10:00", 0), ("10:05", 1)],
        ),
    ],
)
def test_the_metrics_of_the_queue_over_time(cases, retries, stale, blocked, pending):
    """Retries are those of a step; stale, blocked and pending items are those at its end."""
    found = measured(*cases)
    del found["oldest_pending_minutes"]
    assert found == {
        "retry_count": retries, "stale_in_progress": stale, "blocked": blocked, "pending": pending,
    }  # fmt: skip


def test_who_is_in_progress_since_nobody_knows_when_is_counted():
    """An item of which no event tells since when it is in progress is never stale, and a reader learns of it."""
    counted, _ = states(
        WORKED,
        case(status="IN_PROGRESS"),
        case(("picked", {}, "yesterday"), status="IN_PROGRESS"),
        case(("blocked", {}, "2026-01-01 10:00"), status="IN_PROGRESS"),
        case(PICKED_AT_10, status="IN_PROGRESS"),
    )
    assert counted.unstarted == 3
    assert counted.counts()[-1].counts[Count.STALE] == 1


@pytest.mark.parametrize(
    ("minutes", "step", "points"), [(0, None, 0), (1, 1, 1), (100, 1, 100), (101, 2, 51), (150, 2, 75)]
)
def test_there_are_at_most_a_hundred_points(minutes, step, points):
    """A step of the metrics is a stretch of the states or two of them, so that there are never too many points."""
    begin = NOW - minutes * MINUTE
    counted, _ = states(case(("added", {}, queue_time(begin / 1000, KST)), ("done", {}, "2026-01-01 12:00")))
    found = queue_timelines(counted.counts(), (None, None), [])
    assert {len(line.points) for line in found} == ({points} if points else set())
    assert {line.step_ms for line in found} == ({step * MINUTE} if step else set())


def test_the_metrics_have_their_limits_and_no_window():
    """What is of now has no window; the limit of the retries is on a whole window, and stands at no step."""
    counted, _ = states(WORKED)
    limits = {"retry-count": 3, "pending": 3, "oldest-pending-minutes": 60}
    results = [rate(Verdict.FAIL, id=name, limit=limit, operator="<=") for name, limit in limits.items()]
    found = queue_timelines(counted.counts(), (NOW - HOUR, NOW), results)
    assert [(line.metric, line.operator, line.limit, line.window_start_ms) for line in found] == [
        ("retry_count", None, None, NOW - HOUR),
        ("stale_in_progress", None, None, None),
        ("blocked", None, None, None),
        ("pending", "<=", 3, None),
        ("oldest_pending_minutes", "<=", 60, None),
    ]


MADE_AT_8 = "2026-01-01 08:00"


@pytest.mark.parametrize(
    ("cases", "expected"),
    [
        ([WORKED], [("10:00", None), ("10:10", 0)]),  # nobody knows since when it waited
        ([WORKED._replace(row=("DONE", 0, 3, MADE_AT_8))], [("10:00", 121), ("10:05", 126), ("10:10", 0)]),
        (  # the oldest of those that are pending, however late its event
            [
                case(("added", {}, "2026-01-01 10:00"), made="2026-01-01 09:58"),
                case(
                    ("added", {}, "2026-01-01 10:02"),
                    ("picked", {}, "2026-01-01 10:04"),
                    status="IN_PROGRESS",
                    made=MADE_AT_8,
                ),
            ],
            [("10:01", 4), ("10:02", 123), ("10:03", 124), ("10:04", 7), ("10:10", 13)],
        ),
        (  # what is pending again waits since it was created
            [
                case(
                    ("added", {}, "2026-01-01 10:00"),
                    ("picked", {}, "2026-01-01 10:03"),
                    ("retried", {}, "2026-01-01 10:05"),
                    made=MADE_AT_8,
                )
            ],
            [("10:00", 121), ("10:05", 126), ("10:10", 131)],
        ),
        (  # of one of which no event tells that it is pending
            [case(made=MADE_AT_8), case(("done", {}, "2026-01-01 10:00"), status="DONE")],
            [("10:00", 121), ("10:05", 126), ("10:10", 131)],
        ),
        (  # the row has the last word: pending only now, or no more
            [
                case(("added", {}, "2026-01-01 10:00"), status="DONE", made=MADE_AT_8),
                case(("done", {}, "2026-01-01 10:00"), made="2026-01-01 10:01"),
            ],
            [("10:00", 121), ("10:09", 130), ("10:10", 10)],
        ),
        (  # a clock that is a little ahead; one that is far ahead says nothing
            [case(("added", {}, "2026-01-01 10:00"), made="2026-01-01 10:16")],
            [("10:00", 0), ("10:05", 0), ("10:10", 0)],
        ),
        (
            [case(("added", {}, "2026-01-01 10:00"), made="2026-01-01 10:17")],
            [("10:00", None), ("10:05", None), ("10:10", None)],
        ),
    ],
)
def test_how_long_the_oldest_waited(cases, expected):
    """At the end of each step, of the items that are pending then, since their rows were created."""
    counted, _ = states(*cases, now=at("10:11"))
    (line,) = [each for each in queue_timelines(counted.counts(), (None, None), []) if each.unit == "minutes"]
    found = {queue_time(point.at_ms / 1000, KST)[11:]: point.value for point in line.points}
    assert [(time, found[time]) for time, _ in expected] == expected


def test_who_waits_since_nobody_knows_when_is_counted():
    """An item that was pending, whose row does not say when it was created, never waits, and a reader learns of it."""
    counted, _ = states(
        WORKED,
        WORKED._replace(row=("DONE", 0, 3, MADE_AT_8)),
        case(status="PENDING"),
        case(status="DONE"),
        case(("added", {}, "2026-01-01 11:00"), ("retried", {}, "2026-01-01 11:00"), made="2036-01-01 00:00"),
    )
    assert counted.unmade == 3


def test_waits_are_kept_by_changes_of_the_status():
    """However often events tell that an item is pending still, what is kept does not grow with the items."""
    counted, _ = states(
        *(
            case(
                ("added", {}, queue_time(NOW / 1000 - 86_400 * 90, KST)),
                ("replanned", {"to": "PENDING"}, queue_time(NOW / 1000 - 60 * number, KST)),
                ("replanned", {"to": "PENDING"}, queue_time(NOW / 1000 - 7 * number, KST)),
                made=MADE_AT_8,
            )
            for number in range(2_000)
        ),
        since=NOW - 60 * DAY,
    )
    assert len(counted._waits._kept) == 1


TIMES = st.one_of(st.just(""), st.integers(-6, 4000 * 1440).map(lambda ago: queue_time(NOW / 1000 - ago * 60, KST)))


@given(st.lists(st.tuples(STATUS, STEPS, TIMES), max_size=12), st.integers(0, 3000 * 1440))
def test_each_moment_has_the_oldest_that_is_pending_then(items, since_ago):
    """At each moment, in few stretches or many, the oldest is that of a replay; at the end, that of the rows."""
    cases = [
        case(*((name, {}, queue_time(NOW / 1000 - ago * 60, KST)) for name, ago in steps), status=status, made=made)
        for status, steps, made in items
    ]
    counted, _ = states(*cases, since=NOW - since_ago * MINUTE)
    found = counted.counts()
    for moment in found[:-1]:
        made = [each for status, each in told_before(cases, moment.at_ms) if status == "PENDING" and is_known(each)]
        assert moment.waiting == (len(made), min(map(at, made), default=None))
    if found:
        made = [each.row[3] for each in cases if each.row[0] == "PENDING" and is_known(each.row[3])]
        assert found[-1].waiting == (len(made), min(map(at, made), default=None))


def is_known(made: str) -> bool:
    """Return whether a time of creation says since when an item waits."""
    return made != "" and at(made) <= NOW + 5 * MINUTE


@given(st.lists(st.tuples(STATUS, STEPS), max_size=12))
def test_no_retry_is_lost_and_more_are_never_stale_than_in_progress(items):
    """All steps together have the retries from the first one on, and no moment has more stale items than any at all."""
    cases = [
        case(*((name, {}, queue_time(NOW / 1000 - ago * 60, KST)) for name, ago in steps), status=status)
        for status, steps in items
    ]
    counted, _ = states(*cases)
    found = {line.metric: line for line in queue_timelines(counted.counts(), (None, None), [])}
    if found:
        retried = sum(name == "retried" for each in cases for name, _, _ in each.events)
        assert sum(point.value or 0 for point in found["retry_count"].points) == retried
        assert len(found["retry_count"].points) <= MOST_POINTS
    for each in counted.counts():
        assert 0 <= each.counts[Count.STALE] <= each.counts["IN_PROGRESS"]
