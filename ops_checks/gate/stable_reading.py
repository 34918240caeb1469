"""Read stores that other programs write to: only what was there at one moment counts."""

from __future__ import annotations

import time

from ops_checks.errors import ChangingError, InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypeVar

    from ops_checks.rules.drift.comparison import Comparison
    from ops_checks.rules.drift.drift import Drift
    from ops_checks.stores.protocol import Snapshot, Store

    Result = TypeVar("Result")

#: Pauses before each reading of inputs that change while they are read: enough for a writer to finish.
_PAUSES_S = (0.0, 0.02, 0.05, 0.1, 0.2)

#: A program that writes to both queues is between its two writes for a moment: drift is given as long to go away.
_SETTLE_S = 0.05


def read_stable(store: Store, read: Callable[[Snapshot], Result]) -> Result:
    """Return what `read` returns for a snapshot of the store; read again if the store changed meanwhile.

    Raises ChangingError if it changes every time, and what `read` raises.
    """
    for pause_s in _PAUSES_S:
        time.sleep(pause_s)
        try:
            with store.snapshot() as snapshot:
                return read(snapshot)
        except ChangingError:
            continue
    raise ChangingError(f"{store.location}: changing while read: run the command again when fewer programs write")


def must_be_read_whole(snapshot: Snapshot) -> None:
    """Raise InputError for what looks like an item and was not read: a verdict would be about the others alone.

    Call it only after the items were read.
    """
    unread = snapshot.remarks()
    if unread:
        raise InputError(unread[0], tuple(unread[1:]))


def compare(
    md: Store,
    db: Store,
    *,
    fields: Iterable[str] | None = None,
    ignore_statuses: frozenset[str] = frozenset(),
    keep: int | None = None,
    on_read: Callable[[Snapshot, Snapshot, Drift], None] | None = None,
) -> Drift:
    """Compare the two queues as they were at one moment (OPS_COMMANDS `consistency-check`).

    The result is true only if they agree. `fields` default to those of FORMATS section 6; at most `keep` findings a
    rule are kept (0: all). `on_read` is called at the end of each reading with both snapshots and what was found.
    Agreement counts when the file stood still until the end, for then it is what the database's snapshot met.
    Drift counts when nothing at all changed meanwhile and for a moment after, or when a second reading of the same
    file finds the same drift; otherwise it may be the trace of a writer between its two writes. Raises
    ChangingError if no reading is quiet enough, InputError for what cannot be read, UsageError for an unknown field.
    """
    from ops_checks.rules.drift.comparison import Comparison

    fields = None if fields is None else tuple(fields)
    before: tuple[str, int] | None = None
    for pause_s in _PAUSES_S:
        time.sleep(pause_s)
        try:
            with md.snapshot() as left, db.snapshot() as right:
                comparison = Comparison(left, right, fields=fields, ignore_statuses=ignore_statuses, keep=keep)
                drift = _run(comparison, left, right)
                must_be_read_whole(left)
                must_be_read_whole(right)
                if on_read:
                    on_read(left, right, drift)
                if not drift.ok:
                    time.sleep(_SETTLE_S)
                same_file, seen = not left.changed(), (left.state(), drift.digest)
                if same_file and (drift.ok or seen == before or not right.changed()):
                    return drift
                before = seen
        except ChangingError:
            before = None
    raise ChangingError(
        f"{md.location}, {db.location}: changing while read: run the command again when fewer programs write"
    )


def _run(comparison: Comparison, left: Snapshot, right: Snapshot) -> Drift:
    """Run a comparison; where a row is malformed or has no partner, let the whole store find out why."""
    try:
        drift = comparison.run()
    except ChangingError:
        raise
    except InputError:
        left.check()
        raise
    if right.may_hold(comparison.unmatched()):  # a row that stands twice, then, and its twin had the partner
        left.check()
    return drift
