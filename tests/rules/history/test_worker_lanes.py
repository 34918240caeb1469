"""Who held what when: from status and lease events of any writer, cut to the time that is shown, never too many."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from event_histories import Case, case, history

from ops_checks.report.background import Lane, Span
from ops_checks.rules.history.lanes import MOST_LANES, MOST_SPANS, NAME, WorkerLanes
from ops_checks.rules.history.moments import Moments
from ops_checks.timestamps import queue_time, start_epoch

if TYPE_CHECKING:
    from collections.abc import Mapping

KST = 540


def at(text: str) -> int:
    """Return a time of the day in epoch milliseconds."""
    second = start_epoch(f"2026-01-01 {text}", KST)
    assert second is not None
    return second * 1000


SINCE, UNTIL, NOW = at("08:00"), at("11:30"), at("12:00")
A, B = {"owner_session": "a"}, {"actor": "b"}


def lanes(cases: Mapping[str, Case]) -> WorkerLanes:
    """Return what is collected of items."""
    moments = Moments(least_ms=0, now_ms=NOW, zone=KST)
    found = WorkerLanes(SINCE, UNTIL)
    for name, each in cases.items():
        told = history(each)
        found.add(name, told.row, list(moments.of(told.events)))
    return found


def worked(*events: tuple[str, object, str], status: str | None = "DONE") -> Case:
    """Return an item with events of a day."""
    return case(*((name, payload, f"2026-01-01 {time}") for name, payload, time in events), status=status)


def held(case_: Case) -> list[tuple[str, str, str | None]]:
    """Return owner, start and end of what was held of an item, as times of the day."""
    found, _ = lanes({"X": case_}).lanes()
    spans = [(lane.owner, span) for lane in found for span in lane.spans]
    assert all(span.item == "X" for _, span in spans)
    ordered = sorted(spans, key=lambda each: each[1].start_ms)
    return [(owner, _day(span.start_ms), None if span.end_ms is None else _day(span.end_ms)) for owner, span in ordered]


def _day(ms: int) -> str:
    return queue_time(ms / 1000, KST)[11:]


@pytest.mark.parametrize(
    ("found", "spans"),
    [
        (worked(("picked", A, "10:00"), ("done", A, "10:30")), [("a", "10:00", "10:30")]),
        (worked(("picked", A, "10:00"), status="IN_PROGRESS"), [("a", "10:00", None)]),
        (worked(("picked", A, "10:00"), ("lease_renewed", A, "11:00")), [("a", "10:00", "11:00")]),  # lost its end
        (
            worked(("picked", {}, "10:00"), ("lease_acquired", A, "10:01"), ("failed", {}, "10:30")),
            [("a", "10:00", "10:30")],  # the lease says who
        ),
        (
            worked(("lease_acquired", A, "10:00"), ("picked", A, "10:01"), ("done", A, "10:02")),
            [("a", "10:00", "10:02")],
        ),
        (worked(("lease_acquired", A, "10:00"), ("lease_released", A, "10:02")), [("a", "10:00", "10:02")]),
        (
            worked(("picked", A, "10:00"), ("done", A, "10:02"), ("lease_released", A, "10:03")),
            [("a", "10:00", "10:02")],
        ),
        (
            worked(("picked", A, "10:00"), ("retried", {}, "10:20"), ("picked", B, "10:30"), ("done", B, "10:40")),
            [("a", "10:00", "10:20"), ("b", "10:30", "10:40")],
        ),
        (  # taken over without a word
            worked(("picked", A, "10:00"), ("lease_acquired", B, "10:20"), ("done", B, "10:40")),
            [("a", "10:00", "10:20"), ("b", "10:20", "10:40")],
        ),
        (worked(("picked", A, "10:00"), ("cancelled", {"to": "BLOCKED"}, "10:10")), [("a", "10:00", "10:10")]),
        (worked(("picked", A, "10:10"), ("done", A, "10:00")), [("a", "10:10", "10:10")]),  # a clock that goes back
        (worked(("picked", A, "06:00"), ("done", A, "07:00")), []),  # before the time that is shown
        (worked(("picked", A, "11:40"), ("done", A, "11:50")), []),  # behind it
        (worked(("picked", A, "11:20"), ("done", A, "11:50")), [("a", "11:20", "11:50")]),
        (worked(("picked", A, "06:00"), ("done", A, "09:00")), [("a", "08:00", "09:00")]),
        (worked(("picked", A, "06:00"), status="IN_PROGRESS"), [("a", "08:00", None)]),
        (worked(("picked", A, "soon"), ("done", A, "later")), []),  # nobody knows when
        (worked(("picked", A, "10:00"), status=None), [("a", "10:00", "10:00")]),  # the item is no more
        (worked(("added", B, "10:00"), ("guardrail", B, "10:01"), status="PENDING"), []),
        (case(status="IN_PROGRESS"), []),
    ],
)
def test_what_is_held(found, spans):
    """Work begins with a status or a lease and ends with either."""
    assert held(found) == spans


def test_what_is_not_shown_is_counted():
    """A reader learns of spans without a name, and of those that began before the time that is shown."""
    found = lanes(
        {
            "no name": worked(("picked", {}, "10:00"), ("done", {}, "10:30")),
            "no event": case(status="IN_PROGRESS"),
            "old": worked(("picked", A, "06:00"), status="IN_PROGRESS"),
            "older": worked(("picked", {}, "06:00"), ("done", {}, "07:00")),
            "nobody's": worked(("picked", {}, "10:00"), status="IN_PROGRESS"),
        }
    )
    assert (found.nameless, found.cut, found.unfollowed) == (3, 1, 0)
    assert found.lanes() == ((Lane("a", (Span("old", SINCE, None),)),), 0)


def test_the_lanes_are_few():
    """Of many owners those are shown that hold something or did last, and of many spans the latest; all are counted."""
    busy = {f"B-{number:03}": worked(("picked", A, "09:00"), ("done", A, "10:02")) for number in range(80)}
    busy["B-held"] = worked(("picked", A, "08:30"), status="IN_PROGRESS")
    others = {
        f"O-{number:04}": worked(("picked", {"actor": f"w{number:04}"}, "09:00"), ("done", {}, "09:30"))
        for number in range(1200)
    }
    found = lanes(busy | others)
    shown, more = found.lanes()
    assert len(shown) == MOST_LANES
    assert more + found.unfollowed == 1201 - MOST_LANES
    assert (shown[0].owner, len(shown[0].spans), shown[0].more) == ("a", MOST_SPANS, 81 - MOST_SPANS)
    assert shown[0].spans[0] == Span("B-held", at("08:30"), None)  # what is held still is never left out
    assert [lane.owner for lane in shown[1:3]] == ["w0000", "w0001"]


def test_long_names_are_cut():
    """A cell of megabytes is no page of megabytes."""
    [lane], _ = lanes({"X" * 9999: worked(("picked", {"actor": "y" * 9999}, "09:00"))}).lanes()
    assert (len(lane.owner), len(lane.spans[0].item)) == (NAME, NAME)
