"""The metrics of the queue over time, from what its events tell."""

from __future__ import annotations

from itertools import pairwise
from math import ceil
from typing import TYPE_CHECKING

from ops_checks.model import STATUSES
from ops_checks.report.background import Point, Timeline
from ops_checks.rules.history.states import Count
from ops_checks.rules.kpi.timelines import MOST_POINTS, timeline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ops_checks.report.model import RuleResult
    from ops_checks.rules.history.states import CountsAt
    from ops_checks.rules.kpi.timelines import Window

#: What is counted for a metric; a point has what it is at the end of its step.
_LEVELS: dict[str, str | Count] = {"stale_in_progress": Count.STALE, "blocked": "BLOCKED", "pending": "PENDING"}

_OLDEST = "oldest_pending_minutes"
_MINUTE_MS = 60_000

#: The metrics of the queue that are shown over time.
QUEUE_METRICS = ("retry_count", *_LEVELS, _OLDEST)


def queue_timelines(counted: Sequence[CountsAt], window: Window, results: Sequence[RuleResult]) -> tuple[Timeline, ...]:
    """Return retries, levels and the oldest wait of the queue over time; none without two moments.

    They have at most MOST_POINTS steps. A point of the retries has those of its step; their limit is on all of a
    window, and stands at none. The others have what is at its end.
    """
    if len(counted) < 2:  # noqa: PLR2004 - the ends of a step
        return ()
    kept = (*counted[: -1 : ceil((len(counted) - 1) / MOST_POINTS)], counted[-1])
    step = kept[1].at_ms - kept[0].at_ms
    steps = [*pairwise(kept)]
    retries = [(one.at_ms, other.counts[Count.RETRIES] - one.counts[Count.RETRIES]) for one, other in steps]
    return (
        timeline("retry_count", step, (Point(at, count, samples=count) for at, count in retries), window, ()),
        *(
            timeline(metric, step, [_level(what, *each) for each in steps], window, results)
            for metric, what in _LEVELS.items()
        ),
        timeline(_OLDEST, step, [_oldest(*each) for each in steps], window, results),
    )


def _level(what: str | Count, begin: CountsAt, end: CountsAt) -> Point:
    return Point(begin.at_ms, end.counts[what], samples=sum(end.counts[status] for status in STATUSES))


def _oldest(begin: CountsAt, end: CountsAt) -> Point:
    """Return how long the oldest pending item has waited: 0 where none is, None where nobody knows since when."""
    count, oldest_ms = end.waiting
    if oldest_ms is None:
        return Point(begin.at_ms, None if end.counts["PENDING"] else 0.0, samples=0)
    return Point(begin.at_ms, max(0.0, (end.at_ms - oldest_ms) / _MINUTE_MS), samples=count)
