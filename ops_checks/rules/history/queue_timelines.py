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

#: The metrics of the queue that are shown over time.
QUEUE_METRICS = ("retry_count", *_LEVELS)


def queue_timelines(counted: Sequence[CountsAt], window: Window, results: Sequence[RuleResult]) -> tuple[Timeline, ...]:
    """Return retries and the levels of the queue over time, in at most MOST_POINTS steps; none without two moments.

    A point of the retries has those of its step. Their limit is on all of a window, and stands at none.
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
    )


def _level(what: str | Count, begin: CountsAt, end: CountsAt) -> Point:
    return Point(begin.at_ms, end.counts[what], samples=sum(end.counts[status] for status in STATUSES))
