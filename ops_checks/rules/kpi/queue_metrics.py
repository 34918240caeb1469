"""Rules on the queue: retries, stale, blocked and pending items (FORMATS section 4)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ops_checks.findings import KPI, Finding, unlisted
from ops_checks.report.model import Metric
from ops_checks.rules.rule import Offenders, Rule, Threshold, metric_message

if TYPE_CHECKING:
    from collections.abc import Callable

    from ops_checks.rules.kpi.evidence import KpiEvidence
    from ops_checks.rules.kpi.queue_statistics import Listed, ListedItem, QueueStatistics
    from ops_checks.rules.rule import Limit


def _measure(
    name: str, unit: str, read: Callable[[QueueStatistics], tuple[float | None, int]]
) -> Callable[..., Metric]:
    """Return what measures a queue: `read` returns the value of its statistics and the number of samples."""

    def measure(evidence: KpiEvidence) -> Metric:
        value, samples = read(evidence.queue) if evidence.queue else (None, 0)
        return Metric(name, value, unit, samples)

    return measure


def _measure_oldest(evidence: KpiEvidence) -> Metric:
    name, unit, queue = "oldest_pending_minutes", "minutes", evidence.queue
    if queue is None:
        return Metric(name, None, unit, 0)
    unread = queue.waits_unread
    return Metric(name, queue.oldest_pending_minutes, unit, queue.counts.get("PENDING", 0) - unread, unread=unread)


def _measure_retries(evidence: KpiEvidence) -> Metric:
    queue = evidence.queue
    value = queue.retry_count if queue else None
    if not value and evidence.windowed and not (evidence.runs and evidence.runs.runs):
        value = None  # nothing at all is known of the window: that is no good news
    return Metric("retry_count", value, "count", value or 0, unread=queue.retries_unread if queue else 0)


def _list(read: Callable[[QueueStatistics], Listed], what: str) -> Callable[[Rule, KpiEvidence, Limit], Offenders]:
    """Return what lists the items that the statistics kept; `what` is out about each of them."""

    def offenders(rule: Rule, evidence: KpiEvidence, _limit: Limit) -> Offenders:
        if evidence.queue is None:
            return Offenders()
        listed = read(evidence.queue)
        found = tuple(_finding(rule, each, what) for each in listed.kept)
        others = tuple(unlisted(rule.id, item_id) for item_id in listed.others) if rule.counts_findings else ()
        return Offenders(found, listed.total - len(found), others)

    return offenders


def _list_above(
    read: Callable[[QueueStatistics], Listed], what: str
) -> Callable[[Rule, KpiEvidence, Limit], Offenders]:
    """Return what lists those items where there are too many; where there are too few, none of them is to blame."""
    listing = _list(read, what)

    def offenders(rule: Rule, evidence: KpiEvidence, limit: Limit) -> Offenders:
        return listing(rule, evidence, limit) if limit.operator == "<=" else Offenders()

    return offenders


def _overdue(rule: Rule, evidence: KpiEvidence, limit: Limit) -> Offenders:
    """Return the pending items that have waited longer than the limit, the longest first, then those that may have."""
    queue = evidence.queue
    if queue is None or limit.operator != "<=":
        return Offenders()
    late = [each for each in queue.waiting.kept if each.value is not None and each.value > limit.limit]
    found = tuple(_finding(rule, each, "waits to be picked") for each in (*late, *queue.undated.kept))
    late_or_unread = sum(minutes > limit.limit for minutes in queue.waits) + queue.waits_unread
    return Offenders(found, late_or_unread - len(found))


def _finding(rule: Rule, listed: ListedItem, what: str) -> Finding:
    cells = listed.cells
    return Finding(
        rule.id,
        f"{listed.item} {what}",
        listed.item,
        value=listed.value,
        reason=listed.reason,
        places=(listed.place,),
        task=cells.task if cells else None,
        owner=cells.owner_session if cells else None,
        priority=cells.priority if cells else None,
    )


_rule = partial(Rule, group=KPI.id, message=metric_message, counted=True)

#: The rules on the queue, in the order of a report.
QUEUE_RULES = (
    _rule(
        id="retry-count",
        title="Retries",
        help="How many times items were retried, by the database's events. Find out why the same items fail again "
        "before raising their attempts.",
        measure=_measure_retries,
        offenders=_list_above(lambda queue: queue.retried, "was retried"),
        summary="Retries recorded in the queue database, with a `window` those in it.",
        examples=(10, {"warn_max": 5}),
    ),
    _rule(
        id="stale-in-progress",
        of_now=True,
        title="Stale items in progress",
        help="Items in progress for longer than allowed, or with a start that cannot be read or lies ahead. Ask the "
        "owner; then cancel or retry the item.",
        measure=_measure(
            "stale_in_progress", "count", lambda queue: (queue.stale.total, queue.counts.get("IN_PROGRESS", 0))
        ),
        offenders=_list(lambda queue: queue.stale, "is stale"),
        default=Threshold(max=0),
        option="--max-stale-in-progress",
        counts_findings=True,
        summary="Items in progress for more than `stale_minutes`, or since nobody knows when. Default: `max: 0`.",
        examples=(0, {"max": 3, "severity": "warning"}),
    ),
    _rule(
        id="blocked",
        of_now=True,
        title="Blocked items",
        help="Items that wait for an operator. Read their notes, then retry or replan them.",
        measure=_measure("blocked", "count", lambda queue: (queue.counts.get("BLOCKED", 0), queue.items)),
        offenders=_list_above(lambda queue: queue.blocked, "is blocked"),
        counts_findings=True,
        summary="Blocked items.",
        examples=({"warn_max": 5},),
    ),
    _rule(
        id="pending",
        of_now=True,
        title="Pending items",
        help="Items that wait to be picked. A long queue asks for more workers or fewer tasks.",
        measure=_measure("pending", "count", lambda queue: (queue.counts.get("PENDING", 0), queue.items)),
        offenders=_list_above(lambda queue: queue.pending, "is pending"),
        counts_findings=True,
        summary="Items waiting to be picked.",
        examples=(100,),
    ),
    _rule(
        id="oldest-pending-minutes",
        of_now=True,
        title="Longest wait of a pending item",
        help="How long the oldest pending item has waited. See whether anything picks items at all.",
        measure=_measure_oldest,
        offenders=_overdue,
        unit="minutes",
        summary="Minutes that the oldest pending item has waited.",
        examples=(1440,),
    ),
)
