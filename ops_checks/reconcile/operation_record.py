"""The record of a change of both queues that was begun, and what of it holds after an interruption (RECONCILE 9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from msgspec import DecodeError, Meta, Struct, ValidationError
from msgspec.json import decode, encode

from ops_checks.errors import InputError
from ops_checks.model import FIELDS, Item
from ops_checks.reconcile.claims import attempts, is_held
from ops_checks.reconcile.units import differing, same
from ops_checks.sanitize import visible
from ops_checks.stores.changes import Change

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ops_checks.stores.baseline import PlanRecord
    from ops_checks.stores.changes import Reliability

#: The nine cells of an item.
Cells = Annotated[tuple[str, ...], Meta(min_length=len(FIELDS), max_length=len(FIELDS))]

_SCHEMA = "ops-checks/operation/1"
#: What one side says after an interruption: it is as it was before, or as it is to be, or somebody changed it.
OPEN, WRITTEN, STALE = "open", "written", "stale"


class Side(Struct, frozen=True, forbid_unknown_fields=True):
    """One side of a change: the item's nine cells before and after."""

    before: Cells
    after: Cells

    @property
    def units(self) -> list[str]:
        """The units that change."""
        return differing(Item.from_cells(self.before), Item.from_cells(self.after))

    def state(self, now: Item | None) -> str:
        """Return what the side says now."""
        before, after = Item.from_cells(self.before), Item.from_cells(self.after)
        if now is None:
            return STALE
        if all(same(now, after, unit) for unit in self.units):
            return WRITTEN
        return OPEN if all(same(now, before, unit) for unit in self.units) else STALE

    def change(self, now: Item, *, event: str, payload: str, changed_at: str) -> Change:
        """Return the change that this side makes of an item as it is now."""
        pairs = zip(FIELDS, self.before, self.after, strict=True)
        after = now.with_cells([(name, new) for name, old, new in pairs if old != new])
        return Change(before=now, after=after, event=event, payload=payload, changed_at=changed_at, clears_lease=False)


class Operation(Struct, frozen=True, forbid_unknown_fields=True):
    """A change of one item in both queues, with the database's event, lease and attempts."""

    schema: str
    document: Side
    database: Side
    event: str
    payload: str
    changed_at: str
    clears_lease: bool
    attempt_count: int | None
    attempts_before: int | None

    @property
    def item_id(self) -> str:
        """The id of the item."""
        return self.database.before[0]

    def database_state(self, now: tuple[Item, Reliability] | None, now_s: float) -> str:
        """Return what the database says now: a worker who took the item up again, or tried it again, changed it."""
        if now is None:
            return STALE
        state = self.database.state(now[0])
        retried = self.attempt_count is not None
        if state == OPEN and retried and (is_held(now[1], now_s) or attempts(now[1]) != self.attempts_before):
            return STALE
        return state

    def database_change(self, now: Item) -> Change:
        """Return the change of the database's item as it is now."""
        change = self.database.change(now, event=self.event, payload=self.payload, changed_at=self.changed_at)
        change.clears_lease, change.attempt_count = self.clears_lease, self.attempt_count
        return change

    def document_change(self, now: Item) -> Change:
        """Return the change of the document's row as it is now."""
        return self.document.change(now, event="", payload="", changed_at=self.changed_at)


def record_text(changes: Sequence[tuple[Change, Change, Reliability]]) -> str:
    """Return the JSON of the record of changes, each with that of the document and the lease it was decided on.

    One change is an object, several are a list of them.
    """
    operations = [_operation(*each) for each in changes]
    return encode(operations if len(operations) > 1 else operations[0]).decode()


def _operation(change: Change, document: Change, lease: Reliability) -> Operation:
    return Operation(
        schema=_SCHEMA,
        document=Side(tuple(document.before), tuple(document.after)),
        database=Side(tuple(change.before), tuple(change.after)),
        event=change.event,
        payload=change.payload,
        changed_at=change.changed_at,
        clears_lease=change.clears_lease,
        attempt_count=change.attempt_count,
        attempts_before=attempts(lease),
    )


def is_operation(record: PlanRecord) -> bool:
    """Return whether a record is that of changes of single items, and no plan's."""
    return _SCHEMA in record.plan_json[:100]


def parse_operations(record: PlanRecord) -> list[Operation]:
    """Return the changes of a record. Raises InputError for one that is damaged."""
    try:
        found = decode(record.plan_json, type=Operation | list[Operation])
        return found if isinstance(found, list) else [found]
    except (DecodeError, ValidationError, RecursionError) as error:
        raise InputError(
            f"the record of {visible(record.plan_id)} is damaged: restore the database from a copy"
        ) from error
