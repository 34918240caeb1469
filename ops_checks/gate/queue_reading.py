"""Read what the KPIs of the queue are measured from: its items, their waits, and the retries in a window."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from ops_checks.rules.kpi.queue_statistics import queue_statistics
from ops_checks.rules.kpi.retries import Retries, windowed_retries
from ops_checks.rules.waivers import offered
from ops_checks.runlog.filter import valid_times
from ops_checks.timestamps import start_epoch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ops_checks.context import Context
    from ops_checks.policy.window import Window
    from ops_checks.rules.kpi.queue_statistics import QueueStatistics
    from ops_checks.stores.protocol import Snapshot
    from ops_checks.timestamps import Zone


def read_queue(context: Context, snapshot: Snapshot, most: int) -> QueueStatistics:
    """Return the statistics of a queue, with at most `most` items behind each number.

    Those behind a number that no rule limits are not asked for. Raises InputError.
    """
    limited = context.policy.kpi.thresholds
    all_waits = "oldest_pending_minutes" in limited
    pending_since = snapshot.pending_since()
    retries = _retries(context, snapshot)
    return queue_statistics(
        snapshot.items(),
        snapshot.place,
        now_s=context.now_s,
        zone=context.zone,
        stale_minutes=context.policy.kpi.stale_minutes,
        retry_count=None if retries is None else retries.count,
        retries=retries.by_item if retries else (),
        retries_outside=retries.outside if retries else 0,
        retries_unread=retries.unread if retries else 0,
        pending_since=pending_since if all_waits else _first_dated(pending_since, context.zone),
        all_waits=all_waits,
        offered=offered(context.policy.waivers) | (context.known.items if context.known else frozenset()),
        get=snapshot.get,
        most=most,
    )


def _retries(context: Context, snapshot: Snapshot) -> Retries | None:
    """Return the retries in the context's window, as `retries_within` does; without a window they are all there are."""
    if context.window.bounded:
        return retries_within(context, snapshot, context.window)
    count = snapshot.retry_count()
    if count is None:
        return None
    limited = "retry_count" in context.policy.kpi.thresholds
    return Retries(tuple(islice(snapshot.retries(), None if limited else 0)), count)


def retries_within(context: Context, snapshot: Snapshot, window: Window) -> Retries | None:
    """Return the retries in any window, None for a store that keeps no events."""
    if snapshot.retry_count() is None:
        return None
    least, greatest = valid_times(context.now_s)
    return windowed_retries(
        snapshot.retry_times(),
        window=window,
        valid_s=(least / 1000, greatest / 1000),
        zone=context.zone,
    )


def _first_dated(pending_since: Iterable[tuple[str, str]], zone: Zone) -> Iterator[tuple[str, str]]:
    """Yield ids and times up to the first that can be read: that one is the oldest."""
    for item_id, text in pending_since:
        yield item_id, text
        if start_epoch(text, zone) is not None:
            return
