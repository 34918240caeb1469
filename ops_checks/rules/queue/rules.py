"""The rules of the group `queue`, on the rows of one queue: off until a policy names them. The one table of them."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from ops_checks.findings import QUEUE
from ops_checks.rules.counting import counting_rule
from ops_checks.rules.queue.rows import (
    in_progress_by_owner,
    less_urgent_first,
    past_due,
    row_by_row,
    starts_ahead,
    without_owner,
    without_reason,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from ops_checks.rules.queue.rows import RowLaw, RowSettings
    from ops_checks.rules.rule import Rule


class RowCheck(NamedTuple):
    """A rule on rows, and what makes its law.

    `setting` is the key of a policy's entry that sets its number, and `field` that of RowSettings which has it;
    `of_database`: it needs what a document does not say.
    """

    rule: Rule
    law: Callable[[RowSettings], RowLaw]
    setting: str = ""
    field: str = ""
    of_database: bool = False


def _rule(
    *,
    id: str,  # noqa: A002 - the rule's own word
    title: str,
    help: str,  # noqa: A002 - the rule's own word
    counted: str,
) -> Rule:
    return counting_rule(
        id=id,
        group=QUEUE.id,
        title=title,
        help=help,
        counted=counted,
        samples=attrgetter("items"),
        summary=f"{counted[0].upper()}{counted[1:]}.",
    )


#: Holds if the document could be read at all: then its rows are whole, its ids unique, its values known. A document
#: that is not is an error with all its defects (FORMATS section 1), and so this rule never fails.
WELL_FORMED = _rule(
    id="well-formed",
    title="The document is well-formed",
    help="Mend the lines that are named.",
    counted="defects of the document",
)

#: Every rule that a policy can name, in the order of a report.
ROW_CHECKS = (
    RowCheck(
        _rule(
            id="in-progress-has-owner",
            title="Items in progress without an owner",
            help="Nobody can be asked about it. Find out who works on it, or replan it.",
            counted="items in progress that have no owner",
        ),
        row_by_row(without_owner),
    ),
    RowCheck(
        _rule(
            id="blocked-has-reason",
            title="Blocked items without a reason",
            help="Whoever blocked it knows why: have it written into the notes, or retry or replan the item.",
            counted="blocked items whose notes say nothing",
        ),
        row_by_row(without_reason),
    ),
    RowCheck(
        _rule(
            id="due-date-passed",
            title="Open items past their due time",
            help="Finish it, cancel it, or agree on another due time.",
            counted="open items whose due time has passed or cannot be read",
        ),
        row_by_row(past_due),
    ),
    RowCheck(
        _rule(
            id="wip-limit",
            title="Owners with too many items in progress",
            help="Finish or replan some before others are picked.",
            counted="owners with more items in progress than allowed",
        ),
        in_progress_by_owner,
        setting="max",
        field="most_in_progress",
    ),
    RowCheck(
        _rule(
            id="no-start-in-future",
            title="Items that start in the future",
            help="A start ahead of the clock is a wrong clock, a wrong zone or a typing error. Mend its writer.",
            counted="items whose start lies ahead or cannot be read",
        ),
        row_by_row(starts_ahead),
    ),
    RowCheck(
        _rule(
            id="priority-inversion",
            title="P2 in progress while a P0 waits",
            help="See why nobody picks the P0: is every worker busy, or is something in its way?",
            counted="P0 items that wait for longer than allowed while a P2 is in progress",
        ),
        less_urgent_first,
        setting="minutes",
        field="most_minutes",
        of_database=True,
    ),
)

#: The checks by the id of their rule, as a policy names them.
BY_ID = {check.rule.id: check for check in ROW_CHECKS}

#: Every rule on rows, in the order of a report.
ROW_RULES = (WELL_FORMED, *(check.rule for check in ROW_CHECKS))
