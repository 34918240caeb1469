"""Collect the inputs, run the checks: the one entrance for the command line, pytest and Python code."""

from __future__ import annotations

import time

from ops_checks.errors import ChangingError, InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypeVar

    from ops_checks.checks.consistency import Comparison, Drift
    from ops_checks.queues import Queue, View

    Result = TypeVar("Result")

#: Pauses before each look at inputs that change while they are read: enough for a writer to finish.
_PAUSES_S = (0.0, 0.02, 0.05, 0.1, 0.2)

#: A program that writes to both queues is between its two writes for a moment: drift is given as long to go away.
_SETTLE_S = 0.05


def look(queue: Queue, take: Callable[[View], Result]) -> Result:
    """Return what `take` makes of a view of the queue; look again if the queue changed while it was read.

    Raises ChangingError if it changes every time, and what `take` raises.
    """
    for pause_s in _PAUSES_S:
        time.sleep(pause_s)
        try:
            with queue.view() as view:
                return take(view)
        except ChangingError:
            continue
    raise ChangingError(f"{queue.path}: changing while read: run the command again when fewer programs write")


def compare(
    md: Queue,
    db: Queue,
    *,
    fields: Iterable[str] | None = None,
    ignore_statuses: frozenset[str] = frozenset(),
    keep: int | None = None,
    on_look: Callable[[View, View, int, int], None] | None = None,
) -> Drift:
    """Compare the two queues as they were at one moment (OPS_COMMANDS `consistency-check`).

    `fields` default to those of FORMATS section 6; at most `keep` findings a rule are kept (0: all).
    `on_look` is called at the end of each look with both views and their numbers of items.
    Agreement counts when the file stood still until the end, for then it is what the database's
    snapshot met. Drift counts when nothing at all changed meanwhile and for a moment after, or when
    a second look at the same file finds the same drift; otherwise it may be the trace of a writer
    between its two writes. Raises ChangingError if no look is quiet enough, InputError for what
    cannot be read.
    """
    from ops_checks.checks.consistency import DEFAULT_FIELDS, DEFAULT_KEEP, Comparison

    before: tuple[str, str] | None = None
    for pause_s in _PAUSES_S:
        time.sleep(pause_s)
        try:
            with md.view() as left, db.view() as right:
                comparison = Comparison(
                    left.place,
                    right.place,
                    fields=DEFAULT_FIELDS if fields is None else fields,
                    ignore_statuses=ignore_statuses,
                    keep=DEFAULT_KEEP if keep is None else keep,
                )
                drift = _run(comparison, left, right)
                drift.remarks = left.remarks()
                if on_look:
                    on_look(left, right, drift.total, drift.total_db)
                if not drift.clean:
                    time.sleep(_SETTLE_S)
                same_file, seen = not left.changed(), (left.state(), drift.digest)
                if same_file and (drift.clean or seen == before or not right.changed()):
                    return drift
                before = seen
        except ChangingError:
            before = None
    raise ChangingError(f"{md.path}, {db.path}: changing while read: run the command again when fewer programs write")


def _run(comparison: Comparison, left: View, right: View) -> Drift:
    """Run a comparison; where a row is malformed or has no partner, let the whole queue say what is wrong with it."""
    try:
        drift = comparison.run(left.rows(), right.rows())
    except ChangingError:
        raise
    except InputError:
        left.check()
        raise
    if right.may_hold(comparison.unmatched()):  # a row that stands twice, then, and its twin had the partner
        left.check()
    return drift
