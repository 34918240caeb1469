"""What the events of a database tell of the past: the queue over time, and who held what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.report.background import Background
from ops_checks.rules.history.grouping import grouped
from ops_checks.rules.history.lanes import WorkerLanes
from ops_checks.rules.history.moments import Moments
from ops_checks.rules.history.queue_timelines import queue_timelines
from ops_checks.rules.history.states import QueueStates
from ops_checks.runlog.filter import valid_times
from ops_checks.timestamps import queue_time

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ops_checks.context import Context
    from ops_checks.report.model import RuleResult
    from ops_checks.rules.kpi.timelines import Window
    from ops_checks.stores.transaction_protocol import Database

#: What is shown of who held what where there is no window.
_LANES_MS = 86_400_000
_MINUTE_MS = 60_000


def read_events(
    store: Database, context: Context, window: Window, since_ms: int, results: Sequence[RuleResult]
) -> Background:
    """Return what the events of a database tell, in one streamed reading.

    The queue is shown from `since_ms` (epoch milliseconds) on, with what the results demand of it, and what was held in
    the window. Raises InputError for what cannot be read.
    """
    now_ms = int(context.now_s * 1000)
    start, end = window
    moments = Moments(least_ms=valid_times(context.now_s)[0], now_ms=now_ms, zone=context.zone)
    stale_ms = context.policy.kpi.stale_minutes * _MINUTE_MS
    states = QueueStates(since_ms=since_ms, now_ms=now_ms, stale_ms=stale_ms, zone=context.zone)
    lanes = WorkerLanes(now_ms - _LANES_MS if start is None else start, now_ms if end is None else end)
    with store.snapshot() as snapshot:
        for group in grouped(snapshot.recorded()):
            if group.item is not None:
                history = group.history()
                told = list(moments.of(history.events))
                states.add(history.row, told)
                lanes.add(group.item, history.row, told)
    shown, more = lanes.lanes()
    since = queue_time(lanes.since_ms / 1000, context.zone)
    notes = (*_of_times(moments), *_of_states(states), *_of_lanes(lanes, since))
    return Background(
        timelines=queue_timelines(states.counts(), window, results),
        states=states.moments(),
        lanes=shown,
        more_lanes=more,
        notes=tuple(f"{what}: {count}" for what, count in notes if count),
    )


def _of_times(moments: Moments) -> Iterator[tuple[str, int]]:
    yield "events without a readable time, taken to be of the time of the one before", moments.undated
    yield "events that claim to be earlier than the one before, taken to be of its time", moments.earlier


def _of_states(states: QueueStates) -> Iterator[tuple[str, int]]:
    yield "items of which no event tells a status, counted all the time as they are now", states.without
    yield "items whose events do not begin with their being added, counted from their first event on", states.midway
    yield (
        "items that have another status now than their newest event tells, counted with it from now on",
        (states.otherwise),
    )
    yield "items that have events and are no more, counted nowhere", states.gone
    yield "items in progress of which no event tells since when, never counted as stale over time", states.unstarted
    yield (
        "items that are or were pending whose row does not say when they were created, never counted as waiting",
        states.unmade,
    )


def _of_lanes(lanes: WorkerLanes, since: str) -> Iterator[tuple[str, int]]:
    yield f"items that were held before {since} already, shown from then on", lanes.cut
    yield f"items held since {since} of which no event says by whom, not shown", lanes.nameless
    yield f"items held since {since} by too many more owners, not shown", lanes.unfollowed
