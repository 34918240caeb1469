"""The rules of the group `history`: the law of each, and everything a report shows of it. The one table of them."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from ops_checks.findings import HISTORY
from ops_checks.rules.counting import counting_rule
from ops_checks.rules.history import counts, order

if TYPE_CHECKING:
    from collections.abc import Callable

    from ops_checks.rules.history.history import Broken, History
    from ops_checks.rules.rule import Rule

    #: From the history of one item to what is out about it, or None.
    Law = Callable[[History], Broken | None]


class HistoryCheck(NamedTuple):
    """A rule on histories with its law, and the columns of an item that it needs; older databases lack some."""

    rule: Rule
    law: Law
    column: str | None = None
    of_orphans: bool = False


def _check(
    *,
    id: str,  # noqa: A002 - the rule's own word
    title: str,
    help: str,  # noqa: A002 - the rule's own word
    counted: str,
    law: Law,
    severity: str = "error",
    column: str | None = None,
    of_orphans: bool = False,
) -> HistoryCheck:
    """Return the check of a rule. `counted` is what its message counts; `of_orphans`: events without an item too."""
    rule = counting_rule(
        id=id,
        group=HISTORY.id,
        title=title,
        help=help,
        counted=counted,
        samples=attrgetter("histories"),
        empty="there is nothing to judge: queue_events holds no event",
        severity=severity,
        summary=f"{counted[0].upper()}{counted[1:]}. Default: `{severity}`.",
        examples=("off",),
    )
    return HistoryCheck(rule, law, column, of_orphans)


#: Every rule on histories, in the order of a report (RECONCILE section 16.3).
HISTORY_CHECKS = (
    _check(
        id="picked-twice",
        title="Items picked twice",
        help="An item was picked more often than it was put back: two workers took it at once, or an import or SQL by "
        "hand made it PENDING without an event. See whose work counts before either is deployed.",
        counted="items that were picked more often than they were put back",
        law=counts.picked_twice,
    ),
    _check(
        id="retried-beyond-max",
        title="Retries beyond the attempts",
        help="An item was retried more often than max_attempts allows: two programs retried it at once, or SQL by hand "
        "raised and lowered max_attempts. Find out which.",
        counted="items that were retried more often than they may be",
        law=counts.retried_beyond_max,
        column="max_attempts",
    ),
    _check(
        id="attempts-lost",
        title="Attempts that were not counted",
        help="attempt_count is less than the retries: two programs wrote it at once, or an import or SQL by hand put "
        "an older row back. The item may be retried more often than it should.",
        counted="items with fewer attempts than retries",
        law=counts.attempts_lost,
        column="attempt_count",
    ),
    _check(
        id="retried-without-cause",
        title="Retries without a cause",
        help="An item was retried more often than it was picked or failed: an event got lost, SQL by hand made it "
        "FAILED, or somebody retried what nobody had tried.",
        counted="items that were retried more often than they were picked or failed",
        law=counts.retried_without_cause,
    ),
    _check(
        id="added-twice",
        title="Items added twice",
        help="Two tasks were added under one id, or one was taken out by SQL by hand and added again: the events are "
        "of both. Find out which task the row is.",
        counted="items that were added more than once",
        law=counts.added_twice,
    ),
    _check(
        id="lease-of-another",
        title="Leases of another worker",
        help="A worker renewed or released a lease that another one had acquired: two work on the item, or share a "
        "name. See whose work counts.",
        counted="items with a lease that another worker renewed or released",
        law=order.lease_of_another,
    ),
    _check(
        id="ended-twice",
        title="Items that ended twice",
        help="An item was done, failed or skipped more often than it was put back. See which end is true.",
        counted="items that ended more often than they were put back",
        law=counts.ended_twice,
        severity="warning",
    ),
    _check(
        id="ended-after-cancelled",
        title="Items that ended after an operator's decision",
        help="A worker never learned that an operator cancelled or replanned its item, or overwrote that. Ask the "
        "operator, then cancel or replan the item again.",
        counted="items that ended after they were cancelled or replanned",
        law=order.ended_after_cancelled,
        severity="warning",
    ),
    _check(
        id="ended-without-picked",
        title="Items that ended without a pick",
        help="An item ended that nobody picked: by hand, or a worker was killed before it could write its event.",
        counted="items that ended and were never picked",
        law=counts.ended_without_picked,
        severity="warning",
    ),
    _check(
        id="changed-without-event",
        title="Statuses without an event",
        help="The row has another status than its newest event tells of: an import or SQL by hand changed it, or an "
        "event got lost. Find out who changed it.",
        counted="items whose status no event tells of",
        law=order.changed_without_event,
        severity="warning",
    ),
    _check(
        id="orphan-events",
        title="Events without an item",
        help="Events of an item that is not in the database: SQL by hand took its row out, or changed its id.",
        counted="items that have events and no row",
        law=counts.orphan_events,
        severity="warning",
        of_orphans=True,
    ),
    _check(
        id="payload-unreadable",
        title="Events that cannot be read",
        help="An event's payload is no JSON object, so that nothing it says counts. Mend its writer.",
        counted="items with events whose payload is no JSON object",
        law=counts.payload_unreadable,
        severity="warning",
        of_orphans=True,
    ),
)

HISTORY_RULES = tuple(check.rule for check in HISTORY_CHECKS)
