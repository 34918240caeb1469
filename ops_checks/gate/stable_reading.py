"""Read stores that other programs write to: only what was there at one moment counts."""

from __future__ import annotations

import time

from ops_checks.errors import ChangingError, InputError
from ops_checks.sanitize import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable
    from typing import TypeVar

    from ops_checks.policy.model import ConsistencyPolicy
    from ops_checks.rules.drift.comparison import Comparison
    from ops_checks.rules.drift.drift import Drift
    from ops_checks.rules.drift.view import View
    from ops_checks.stores.protocol import Snapshot, Store

    Result = TypeVar("Result")

#: Pauses before each reading of inputs that change while they are read: enough for a writer to finish.
_PAUSES_S = (0.0, 0.02, 0.05, 0.1, 0.2)

#: A program that writes to both queues is between its two writes for a moment: drift is given as long to go away.
DEFAULT_SETTLE_S = 2.0
#: How often items that differ are read again while they move, and how many of them are named.
_MOST_READINGS = 5
_NAMED = 10
#: Pauses before what differs is looked at once more: of no one length, or a regular writer would be met each time.
_CONFIRMING_S = (0.031, 0.073, 0.127)


def read_stable(store: Store, read: Callable[[Snapshot], Result]) -> Result:
    """Return what `read` returns for a snapshot of the store; read again if the store changed meanwhile.

    Raises ChangingError if it changes every time, and what `read` raises.
    """

    def read_once() -> Result:
        with store.snapshot() as snapshot:
            return read(snapshot)

    return read_again(read_once, store.location)


def read_again(read: Callable[[], Result], location: str) -> Result:
    """Return what `read` returns; call it again as long as what it reads changes. Raises as `read_stable` does."""
    for pause_s in _PAUSES_S:
        time.sleep(pause_s)
        try:
            return read()
        except ChangingError:
            continue
    raise ChangingError(f"{location}: changing while read: run the command again when fewer programs write")


def must_be_read_whole(snapshot: Snapshot) -> None:
    """Raise InputError for what looks like an item and was not read: a verdict would be about the others alone.

    Call it only after the items were read.
    """
    unread = snapshot.remarks()
    if unread:
        raise InputError(unread[0], tuple(unread[1:]))


def compare(  # noqa: PLR0913 - by name
    md: Store,
    db: Store,
    *,
    fields: Iterable[str] | None = None,
    ignore_statuses: frozenset[str] = frozenset(),
    keep: int | None = None,
    as_rendered: bool = False,
    settle_s: float = DEFAULT_SETTLE_S,
    keep_pairs: bool = False,
    is_view: bool = False,
    is_recorded: bool = False,
    on_read: Callable[[Snapshot, Snapshot, Drift], object] | None = None,
) -> Drift:
    """Compare the two queues as they were at one moment (OPS_COMMANDS `consistency-check`).

    The result is true only if they agree. `fields` default to those of FORMATS section 6; at most `keep` findings a
    rule are kept (0: all); `as_rendered`: text as older tools wrote it into the document counts as equal. `on_read`
    is called at the end of each reading with both snapshots and what was found, with both sides of each item that
    differs if `keep_pairs`. `is_view`: the document is a view of the database, whose edits count by themselves;
    `is_recorded`: the database is a snapshot, so that what the document adds is no drift.
    Agreement counts when the file stood still until the end, for then it is what the database's snapshot met.
    Drift counts at once when neither store was written to within the last `settle_s` seconds: otherwise it may be
    the trace of a program between its two writes. Then the items that differ are read again after `settle_s`, and
    count if both their sides read the same twice; those that still move after five readings count as well, and are
    named. Raises ChangingError if no reading is quiet enough, InputError for what cannot be read, UsageError for an
    unknown field.
    """
    from functools import partial  # whose import takes a tenth of `status`, which only reads

    from ops_checks.rules.drift.comparison import Comparison

    compared = partial(
        Comparison,
        fields=None if fields is None else tuple(fields),
        ignore_statuses=ignore_statuses,
        keep=keep,
        as_rendered=as_rendered,
        keep_pairs=keep_pairs,
    )
    read = partial(_read, md, db, compared, on_read, partial(_view_of, is_view=is_view, is_recorded=is_recorded))
    for pause_s in _PAUSES_S:
        time.sleep(pause_s)
        quiet = is_quiet((md, db), settle_s)
        try:
            drift, stands = read(None, note_items=not quiet)
        except ChangingError:
            continue
        if drift.ok:
            if stands:
                return drift
        elif not quiet:
            return _settled(drift, read, settle_s, lambda: is_quiet((md, db), settle_s))
        elif is_quiet((md, db), settle_s):
            return drift
    raise ChangingError(
        f"{md.location}, {db.location}: changing while read: run the command again when fewer programs write"
    )


def compare_by(
    rules: ConsistencyPolicy,
    md: Store,
    db: Store,
    *,
    keep: int | None = None,
    settle_s: float | None = None,
    is_view: bool = False,
    is_recorded: bool = False,
    on_read: Callable[[Snapshot, Snapshot, Drift], object] | None = None,
) -> Drift:
    """Compare the two queues as a policy says: see `compare`. `settle_s` None: as the policy says, too."""
    return compare(
        md,
        db,
        fields=rules.fields,
        ignore_statuses=rules.ignore_statuses,
        keep=keep,
        as_rendered=rules.as_rendered,
        settle_s=rules.settle_s if settle_s is None else settle_s,
        is_view=is_view,
        is_recorded=is_recorded,
        on_read=on_read,
    )


def _read(
    md: Store,
    db: Store,
    compared: Callable[..., Comparison],
    on_read: Callable[[Snapshot, Snapshot, Drift], object] | None,
    view_of: Callable[[Snapshot], View | None],
    only: Container[str] | None,
    *,
    note_items: bool,
) -> tuple[Drift, bool]:
    """Return the drift of one reading of both stores, and whether the first one stood still until its end."""
    with md.snapshot() as left, db.snapshot() as right:
        comparison = compared(left, right, only=only, note_items=note_items, view=view_of(right))
        drift = run_comparison(comparison, left, right)
        must_be_read_whole(left)
        must_be_read_whole(right)
        if on_read:
            on_read(left, right, drift)
        return drift, not left.changed()


def is_quiet(stores: Iterable[Store], settle_s: float) -> bool:
    """Return whether no store was written to within the last `settle_s` seconds; of 0 seconds, none was."""
    now_s = time.time()
    writes = [store.last_write_s() for store in stores] if settle_s else []
    return not any(written is not None and abs(now_s - written) < settle_s for written in writes)


def _settled(
    first: Drift, read: Callable[..., tuple[Drift, bool]], settle_s: float, quiet: Callable[[], bool]
) -> Drift:
    """Read the items with drift again until both sides of each read the same twice; what agrees meanwhile is none.

    Items that begin to differ later are not followed: they were in agreement when the check began. Raises
    ChangingError if no reading succeeds.
    """
    drift, moving, seen = None, first.items, first.items
    waited_s = 0.0
    for _ in range(_MOST_READINGS):
        time.sleep(settle_s)
        waited_s += settle_s
        try:
            drift, _ = read(seen, note_items=True)
        except ChangingError:
            continue
        moving = {item: state for item, state in drift.items.items() if item in moving and moving[item] != state}
        seen = drift.items
        if not moving:
            break
    if drift is None:
        raise ChangingError(f"changing while read, for {waited_s:g} s: run the command again when fewer programs write")
    drift = _confirmed(drift, read, quiet)
    drift.notes.append(
        f"waited {waited_s:g} s for programs that write to the queues: {len(first.items)} of the items differed at "
        f"first, {len(drift.items)} do now"
    )
    if moving:
        more = f" and {len(moving) - _NAMED} more" if len(moving) > _NAMED else ""
        drift.notes.append(f"still moving after {waited_s:g} s: {', '.join(map(visible, list(moving)[:_NAMED]))}{more}")
    return drift


def _confirmed(drift: Drift, read: Callable[..., tuple[Drift, bool]], quiet: Callable[[], bool]) -> Drift:
    """Return the drift of items that differ in further readings too, while programs go on writing.

    A program that changes the same items over and over may be met between its two writes more than once, and read the
    same each time; drift that is there never agrees.
    """
    for pause_s in _CONFIRMING_S:
        if drift.ok or quiet():
            break
        time.sleep(pause_s)
        try:
            again, _ = read(drift.items, note_items=True)
        except ChangingError:
            continue
        drift = again
    return drift


def _view_of(snapshot: Snapshot, *, is_view: bool, is_recorded: bool) -> View | None:
    """Return what tells by the agreement in a database what a difference is, None where two sides tell all of it."""
    if not (is_view or is_recorded):
        return None
    from ops_checks.rules.drift.recorded import AgainstSnapshot
    from ops_checks.rules.drift.view import View
    from ops_checks.stores.transaction_protocol import DatabaseSnapshot

    if not isinstance(snapshot, DatabaseSnapshot):
        return View(None)
    agreement = snapshot.agreement()
    return AgainstSnapshot(agreement, snapshot.gone(), is_view=is_view) if is_recorded else View(agreement)


def run_comparison(comparison: Comparison, left: Snapshot, right: Snapshot) -> Drift:
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
