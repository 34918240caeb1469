"""A change that was made, as its event keeps it, and what takes it back (RECONCILE section 10). Pure.

A payload is text from outside: what is not understood wholly takes nothing back.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from msgspec import DecodeError, Struct
from msgspec.json import decode

from ops_checks.errors import RefusedError
from ops_checks.model import FIELDS, PRIORITIES, STATUSES, Item
from ops_checks.reconcile.blame import blame_words, database_blame
from ops_checks.reconcile.claims import attempts, holder, is_held
from ops_checks.reconcile.decision import SET
from ops_checks.reconcile.model import DB, MD, Action
from ops_checks.reconcile.units import cells, differing, same
from ops_checks.sanitize import plain_line, visible
from ops_checks.stores.changes import RELIABILITY, Change
from ops_checks.timestamps import queue_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ops_checks.reconcile.both import Follow
    from ops_checks.reconcile.model import BaseRow
    from ops_checks.stores.changes import Decide, Reliability
    from ops_checks.stores.event import Event
    from ops_checks.transitions import Stamp

#: The events of changes of single items, whose payloads hold them before and after.
CHANGES = ("cancelled", "replan", "retried", "reconcile_undone")
UNDONE = "reconcile_undone"


class _Named(Struct, frozen=True):
    """What names the operation of an event."""

    operation: str = ""


class _Rows(Struct, frozen=True):
    """An item before and after, by column: the nine cells, and in the database lease and attempts."""

    before: dict[str, str | int | float | None]
    after: dict[str, str | int | float | None]


class _Payload(_Rows, frozen=True):
    """What takes a change back. A payload has more keys than these."""

    operation: str
    document: _Rows | None = None


class MadeChange(Struct, frozen=True):
    """A change that was made: its event, its operation, and the item of both queues before and after.

    `rows` are the database's; `document` is None where the database alone was changed. `attempts` are those before and
    after; `lease_owner` held the item before and not after.
    """

    item_id: str
    event: Event
    operation: str
    rows: tuple[Item, Item]
    document: tuple[Item, Item] | None
    attempts: tuple[int | None, int | None]
    lease_owner: str | None

    @property
    def actions_back(self) -> list[Action]:
        """What taking it back does to each unit on each side, as the action of a plan."""
        sides = {DB: self.rows} | ({MD: self.document} if self.document else {})
        return [
            Action(
                id=self.item_id,
                unit=unit,
                kind=SET,
                to=side,
                before=cells(after, unit),
                after=cells(before, unit),
                why=UNDONE,
            )
            for side, (before, after) in sides.items()
            for unit in differing(before, after)
        ]

    @property
    def name(self) -> str:
        """The words for it in a message."""
        return blame_words(DB, database_blame(self.event, None))


def operation_of(event: Event) -> str:
    """Return the operation, or the plan, that an event says it is of; nothing where it says none."""
    try:
        return decode(event.payload, type=_Named).operation
    except (DecodeError, RecursionError, TypeError, ValueError):
        return ""


def made_change(item_id: str, event: Event) -> MadeChange | None:
    """Return the change of an event, None for one that does not keep all that takes it back."""
    if event.event_type not in CHANGES:
        return None
    try:
        found = decode(event.payload, type=_Payload)
    except (DecodeError, RecursionError, TypeError, ValueError):
        return None
    rows = _items(item_id, found)
    document = _items(item_id, found.document) if found.document else None
    if rows is None or (found.document and document is None):
        return None
    return MadeChange(
        item_id=item_id,
        event=event,
        operation=found.operation,
        rows=rows,
        document=document,
        attempts=(_count(found.before), _count(found.after)),
        lease_owner=_lost(found.before, found.after),
    )


def _items(item_id: str, rows: _Rows) -> tuple[Item, Item] | None:
    before, after = _item(item_id, rows.before), _item(item_id, rows.after)
    return None if before is None or after is None else (before, after)


def _item(item_id: str, row: Mapping[str, Any]) -> Item | None:
    """Return the item of a row of a payload, None for one that no queue may hold."""
    cells = [row.get(name) for name in FIELDS]
    texts = [cell for cell in cells if isinstance(cell, str)]
    if len(texts) != len(FIELDS):
        return None
    item = Item.from_cells(texts)
    sound = item.id == item_id and item.status in STATUSES and item.priority in PRIORITIES
    return item if sound else None


def _count(row: Mapping[str, Any]) -> int | None:
    count = row.get("attempt_count")
    return count if isinstance(count, int) else None


def _lost(before: Mapping[str, Any], after: Mapping[str, Any]) -> str | None:
    owner = before.get("lease_owner")
    return owner if isinstance(owner, str) and owner and not after.get("lease_owner") else None


def take_back(stamp: Stamp, made: MadeChange) -> Decide:
    """Return the transition that takes a change of the database back: the cells that it changed, and its attempts.

    A lease is not given back. `decide` raises RefusedError where somebody changed one of them since, or holds the item.
    """

    def decide(item: Item, reliability: Reliability | None) -> Change:
        _must_be_as_made(item, made.rows, made, "the database")
        if is_held(reliability, stamp.now_s) and reliability is not None:
            raise RefusedError(f"{visible(item.id)}: is held by {visible(holder(reliability) or '')}: cancel it first")
        old, new = made.attempts
        if old != new and attempts(reliability) != new:
            raise RefusedError(f"{visible(item.id)}: was tried again since: not taken back: {made.name}")
        after = _restored(item, made.rows)
        return Change(
            before=item,
            after=after,
            event=UNDONE,
            payload=_payload(stamp, made, item, after, reliability),
            changed_at=queue_time(stamp.now_s, stamp.tz_minutes),
            attempt_count=old if old != new else None,
            clears_lease=False,
        )

    return decide


def follow_back(made: MadeChange) -> Follow:
    """Return what takes the document's part of a change back. Raises RefusedError for a row that changed since."""

    def follow(_change: Change, md: Item, _base: BaseRow | None) -> Item:
        rows = made.document or (md, md)
        _must_be_as_made(md, rows, made, "the document")
        return _restored(md, rows)

    return follow


def _must_be_as_made(item: Item, rows: tuple[Item, Item], made: MadeChange, side: str) -> None:
    """Raise RefusedError if a unit that was changed is another one by now."""
    before, after = rows
    moved = [unit for unit in differing(before, after) if not same(item, after, unit)]
    if moved:
        raise RefusedError(
            f"{visible(item.id)}: its {' and '.join(moved)} in {side} changed since: not taken back: {made.name}"
        )


def _restored(item: Item, rows: tuple[Item, Item]) -> Item:
    pairs = zip(FIELDS, *rows, strict=True)
    return item.with_cells([(name, old) for name, old, new in pairs if old != new])


def _payload(stamp: Stamp, made: MadeChange, before: Item, after: Item, reliability: Reliability | None) -> str:
    """Return the payload of the event: it is a change as well, and can be taken back (FORMATS section 5)."""
    held: dict[str, object] = {}
    if reliability is not None:
        held = {name: getattr(reliability, name) for name in RELIABILITY if name not in reliability.absent}
        held = {name: value for name, value in held.items() if isinstance(value, str | int | None)}
    old, new = made.attempts
    tried = {"attempt_count": old} if old != new else {}
    return json.dumps(
        {
            "from": before.status,
            "to": after.status,
            "actor": plain_line(stamp.actor),
            "reason": f"undo of event {made.event.event_id}",
            "operation": stamp.operation,
            "undoes": made.operation,
            "before": dict(zip(FIELDS, before, strict=True)) | held,
            "after": dict(zip(FIELDS, after, strict=True)) | held | tried,
        },
        ensure_ascii=False,
    )
