"""Read all that is known of single items: both sides, their events, their runs, what can be done."""

from __future__ import annotations

from collections import deque

from ops_checks.context import BOTH_SIDES, DB_SIDE
from ops_checks.errors import InputError, OpsError, RefusedError
from ops_checks.gate.stable_reading import read_stable
from ops_checks.model import FIELDS
from ops_checks.outlooks import outlooks
from ops_checks.sanitize import visible
from ops_checks.stores.registry import is_there
from ops_checks.transitions import Stamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ops_checks.context import Context
    from ops_checks.model import Item
    from ops_checks.outlooks import Outlook
    from ops_checks.runlog.item_runs import ItemRuns
    from ops_checks.stores.changes import Change, Decide, Reliability
    from ops_checks.stores.details import Details
    from ops_checks.stores.event import Event
    from ops_checks.stores.protocol import Snapshot, Store

_NOTES = FIELDS.index("notes")


class Side:
    """One queue: the items that were asked for by id, with their newest events and the number of older ones.

    `error` is why it could not be read, None where it could; a queue that is not there has neither.
    """

    __slots__ = ("error", "events", "exists", "location", "older", "reliability", "rows")

    def __init__(self, location: str, *, exists: bool = True, error: str | None = None) -> None:
        self.location = location
        self.exists = exists
        self.error = error
        self.rows: dict[str, Details] = {}
        self.reliability: dict[str, Reliability | None] = {}
        self.events: dict[str, list[Event]] = {}
        self.older: dict[str, int] = {}


class ItemView:
    """All that is known of an item; `row` is it on the side that was asked for, else on the other one.

    `differing` are the units in which both sides differ, None where it stands on one only; `moves` the lines of
    `drift` by unit, and `remark` what is to know of them. `log_notes` say what of the run log could not be read.
    """

    __slots__ = ("differing", "item_id", "log_notes", "moves", "outlooks", "remark", "row", "runs")

    def __init__(self, item_id: str, row: Details, runs: ItemRuns, log_notes: Sequence[str]) -> None:
        self.item_id = item_id
        self.row = row
        self.runs = runs
        self.log_notes = log_notes
        self.differing: list[str] | None = None
        self.moves: Mapping[str, Sequence[str]] = {}
        self.remark: str | None = None
        self.outlooks: list[Outlook] = []


def read_sides(context: Context, ids: Sequence[str], most: int | None) -> tuple[Side, Side]:
    """Return the document and the database, with at most `most` events an item (None: all).

    Raises InputError where the queue that is worked on cannot be read; of the other one that is told in its `error`.
    """
    sides = (context.md_store, not context.works_on_db), (context.db_store, context.works_on_db)
    md, db = (_read_side(store, ids, most, must=is_worked_on) for store, is_worked_on in sides)
    return md, db


def _read_side(store: Store, ids: Sequence[str], most: int | None, *, must: bool) -> Side:
    if not must and not is_there(store.location):
        return Side(store.location, exists=False)
    try:
        return read_stable(store, lambda snapshot: _side(store, snapshot, ids, most))
    except OpsError as error:
        if must:
            raise
        return Side(store.location, error=error.message)


def _side(store: Store, snapshot: Snapshot, ids: Sequence[str], most: int | None) -> Side:
    side = Side(store.location)
    for item_id in ids:
        row = snapshot.details_of(item_id)
        if row is None:
            continue
        side.rows[item_id] = row
        side.reliability[item_id] = snapshot.reliability(item_id)
        kept: deque[Event] = deque(maxlen=most)
        total = 0
        for event in snapshot.events(item_id):
            total += 1
            kept.append(event)
        side.events[item_id], side.older[item_id] = list(kept), total - len(kept)
    return side


def view(
    context: Context,
    item_id: str,
    md: Side,
    db: Side,
    runs: ItemRuns,
    log_notes: Sequence[str],
    guard: Callable[[], None],
) -> ItemView:
    """Return all that is known of an item that at least one side has.

    `guard` raises RefusedError where nothing may be changed at all.
    """
    first, second = (db, md) if context.works_on_db else (md, db)
    found = ItemView(item_id, first.rows.get(item_id) or second.rows[item_id], runs, log_notes)
    if md.exists and db.exists and not (md.error or db.error):
        _compare(context, found, md.rows.get(item_id), db.rows.get(item_id))
    found.outlooks = _outlooks(context, _attempt(context, item_id, md, db), guard)
    return found


def _compare(context: Context, found: ItemView, md: Details | None, db: Details | None) -> None:
    """Say in which units both sides differ, and who moved last."""
    if md is not None and db is not None:
        found.differing = _differing(md.item, db.item)
        if not found.differing:
            return
    from ops_checks.reconcile.moves import moves_of

    moves = moves_of(context, [found.item_id])
    found.moves, found.remark = moves.lines.get(found.item_id, {}), moves.remark


def _differing(md: Item, db: Item) -> list[str]:
    if md[:_NOTES] == db[:_NOTES] and md.notes.replace("|", "/") == db.notes.replace("|", "/"):
        return []
    from ops_checks.reconcile.units import differing

    return differing(md, db)


def _outlooks(context: Context, attempt: Callable[[Decide], Change], guard: Callable[[], None]) -> list[Outlook]:
    """Return what the commands would make of the item, on what they change by default."""
    stamp = Stamp(actor="", now_s=context.now_s, tz_minutes=context.tz_minutes)

    def guarded(decide: Decide) -> Change:
        guard()
        return attempt(decide)

    return outlooks(stamp, context.retry_backoff_s, guarded)


def _attempt(context: Context, item_id: str, md: Side, db: Side) -> Callable[[Decide], Change]:
    if context.operate_on == BOTH_SIDES:
        from ops_checks.reconcile.both import BothStores

        stores = BothStores(context)
        return lambda decide: stores.preview(item_id, decide)
    side = db if context.operate_on == DB_SIDE else md
    row = side.rows.get(item_id)

    def attempt(decide: Decide) -> Change:
        if row is None:
            raise RefusedError(side.error or f"{visible(side.location)}: no item {visible(item_id)}")
        return decide(row.item, side.reliability[item_id])

    return attempt


def read_log(context: Context, ids: Sequence[str], most: int | None) -> tuple[dict[str, ItemRuns], list[str]]:
    """Return the runs of some items by the run log, at most `most` each (None: all), and what could not be read."""
    from ops_checks.files.safe_open import stat_regular
    from ops_checks.runlog.item_runs import ItemRuns
    from ops_checks.runlog.log_file import LOG
    from ops_checks.runlog.patterns import find_logs

    found = {item_id: ItemRuns(most) for item_id in ids}
    notes: list[str] = []
    try:
        logs = find_logs(context.logs, notes.append)
    except InputError as error:
        return found, [error.message]
    for log in logs:
        try:
            stat_regular(log, LOG)  # as long as there is none, nothing that reads one is imported
            from ops_checks.runlog.item_search import runs_of

            runs_of(log, found)
        except InputError as error:
            notes.append(error.message)
    return found, notes
