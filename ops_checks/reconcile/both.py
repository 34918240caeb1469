"""Change items in both queues or in neither (FORMATS section 5 `--both`, RECONCILE section 9).

The order is that of an application: a record that it was begun, then the database without its commit, the document,
the commit. What is interrupted between them is finished by `reconcile resume`. The event keeps all that is needed to
take the change back, so that no record stays of one that is done.
"""

from __future__ import annotations

import json
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING

from msgspec import Struct

from ops_checks.errors import ChangedError, RefusedError
from ops_checks.model import DASHED, FIELDS, MD_NOTES_SEPARATOR, NOTHING, TERMINAL, Item
from ops_checks.reconcile.agreement import checked_out
from ops_checks.reconcile.both_writing import rows_of, write_database
from ops_checks.reconcile.document_writing import DocumentWriting
from ops_checks.reconcile.model import BaseRow
from ops_checks.reconcile.operation_record import record_text
from ops_checks.reconcile.reading import database, document
from ops_checks.reconcile.units import CLAIM, UNCLAIMED, UNITS, same, value
from ops_checks.reconcile.writing import must_not_be_interrupted, while_changing
from ops_checks.sanitize import visible
from ops_checks.stores.baseline import PREPARED, PlanRecord
from ops_checks.stores.changes import RELIABILITY, Change, all_decided
from ops_checks.stores.markdown.rewriting import row_edits
from ops_checks.stores.markdown.writing import pipe_notes
from ops_checks.stores.unknown_item import ids_in, meant_items
from ops_checks.timestamps import queue_time
from ops_checks.transitions import cancelled_notes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from ops_checks.context import Context
    from ops_checks.stores.changes import Decide, Reliability
    from ops_checks.stores.protocol import Snapshot
    from ops_checks.stores.transaction_protocol import DatabaseSnapshot, DocumentTransaction, Transaction

    #: From the database's change, the document's row and what was agreed on it to what becomes of the row.
    Follow = Callable[[Change, Item, BaseRow | None], Item]


class _Seen(Struct, frozen=True):
    """What a decision was made on, and the decision."""

    change: Change
    lease: Reliability

    @property
    def document(self) -> Change:
        """The document's change."""
        if self.change.document is None:
            raise AttributeError("the change is of one queue")
        return self.change.document

    @property
    def empty(self) -> bool:
        """Whether there is nothing to write."""
        return self.change.empty and self.document.empty


def follow(change: Change, md: Item, base: BaseRow | None) -> Item:
    """Return the document's row with the claim that the database gets, and the note.

    Raises RefusedError for a row whose claim is neither the database's nor the agreed one (where none was agreed:
    of nobody), and for a terminal one that is to be cancelled.
    """
    db = change.before
    if change.event == "cancelled" and md.status in TERMINAL:
        raise RefusedError(
            f"{visible(md.id)}: is {md.status} in the document and {db.status} in the database: only an item that is "
            "not terminal can be cancelled"
        )
    agreed = None if base is None else base.value(CLAIM)
    as_agreed = value(md, CLAIM) == UNCLAIMED if base is None or agreed is None else base.agrees(md, CLAIM)
    if not (same(md, db, CLAIM) or as_agreed):
        raise RefusedError(
            f"{visible(md.id)}: the document says {_claim(md)}, the database {_claim(db)}, and the document's is not "
            "the one that both agreed on last: see `ops-checks drift`"
        )
    new = [] if same(md, change.after, CLAIM) else _claim_cells(change.after)
    notes = cancelled_notes(md, None, change.new_notes[1:]) if change.event == "cancelled" else change.new_notes
    new.append(("notes", MD_NOTES_SEPARATOR.join(part for part in (md.notes, *notes) if part)))
    return md.with_cells(new)


def _claim(item: Item) -> str:
    return " ".join(visible(text) for text in value(item, CLAIM))


def _claim_cells(item: Item) -> list[tuple[str, str]]:
    named = [(name, item[FIELDS.index(name)]) for name in UNITS[CLAIM]]
    return [(name, text or NOTHING if name in DASHED else text) for name, text in named]


class BothStores:
    """Both queues of a context, for changing items in both or in neither; it changes as a store does.

    `follow_by` says what becomes of the document's row; `check` may refuse an item by what the database says.
    """

    def __init__(
        self,
        context: Context,
        follow_by: Follow = follow,
        check: Callable[[DatabaseSnapshot, str], None] = lambda _snapshot, _item_id: None,
    ) -> None:
        self._context = context
        self._follow = follow_by
        self._check = check
        self._md_commit: str | None = None

    def preview(self, item_id: str, decide: Decide) -> Change:
        """Return the change that `change` would write. Raises what `change` raises."""
        with document(self._context).snapshot() as left, database(self._context).snapshot() as right:
            return self._decided(item_id, left.get(item_id), decide, right).change

    def change(self, item_id: str, decide: Decide) -> Change:
        """Call the database's `decide` on an item and write the change to both queues, the database's with its event.

        Returns the database's change with the document's. Raises RefusedError (an item that one side lacks, a claim
        that nobody agreed on, or as `decide`), InputError, WriteError; then neither queue was changed, unless the
        error says so.
        """
        return self.change_together([item_id], decide)[0]

    def change_together(self, ids: Sequence[str], decide: Decide) -> list[Change]:
        """Change several items in both queues: all of them, or none. Raises RefusedTogetherError, as `change`."""
        if self._md_commit is None:  # asked for once, however many items are changed one after the other
            self._md_commit = checked_out(self._context)
        return while_changing(self._context, lambda: self._attempt(ids, decide))

    def series(self) -> AbstractContextManager[BothStores]:
        """Return the stores themselves: between two changes nothing is kept."""
        return nullcontext(self)

    def _decided(self, item_id: str, md: Item | None, decide: Decide, right: DatabaseSnapshot) -> _Seen:
        found = right.find(item_id)
        if md is None or found is None:
            raise self._missing(item_id, md, found, right)
        self._check(right, item_id)
        agreement = right.agreement()
        rows = agreement.rows([item_id]) if agreement.baseline() is not None else {}
        base = BaseRow(dict(zip(FIELDS, rows[item_id].cells, strict=True))) if rows else None
        change = decide(*found)
        after = self._follow(change, md, base)
        change.document = Change(
            before=md, after=after, event="", payload="", changed_at=change.changed_at, clears_lease=False
        )
        change.notes += pipe_notes(self._context.queue, change.document)
        change.payload = _with_document(change.payload, md, after)
        return _Seen(change, found[1])

    def _missing(self, item_id: str, md: Item | None, found: object, right: DatabaseSnapshot) -> RefusedError:
        if md is None and found is None:
            both = f"{visible(self._context.queue)} and {visible(self._context.db)}"
            return RefusedError(f"no item {visible(item_id)} in {both}{meant_items([item_id], lambda: ids_in(right))}")
        lacking, other = (
            (self._context.queue, self._context.db) if md is None else (self._context.db, self._context.queue)
        )
        advice = f"which {visible(other)} has: see `ops-checks drift`"
        return RefusedError(f"{visible(lacking)}: no item {visible(item_id)}, {advice}")

    def _attempt(self, ids: Sequence[str], decide: Decide) -> list[Change]:
        with document(self._context).rewriting() as text, database(self._context).transaction() as transaction:
            with text.snapshot() as left:
                rows, right = rows_of(left, ids), transaction.snapshot()
                every = all_decided(ids, lambda item_id: self._decided(item_id, rows.get(item_id), decide, right))
                changes = [seen.change for seen in every]
                seen = [seen for seen in every if not seen.empty]
                if not seen:
                    return changes
                must_not_be_interrupted(transaction.records())
                transaction.records().save(self._record(seen))
                transaction.commit()
                _Writing(self._context, text, transaction, seen, self._md_commit).write(left)
            changes[0].notes += text.settle()
            return changes

    def _record(self, seen: Sequence[_Seen]) -> PlanRecord:
        stamp = self._context.stamp
        made_at = queue_time(stamp.now_s, stamp.tz_minutes)
        text = record_text([(each.change, each.document, each.lease) for each in seen])
        return PlanRecord(self._context.operation, PREPARED, made_at, stamp.actor, text, "{}", "", "")


class _Writing:
    """The second half of a change: both queues are written, or the record that it was begun is taken back."""

    def __init__(
        self,
        context: Context,
        text: DocumentTransaction,
        transaction: Transaction,
        seen: Sequence[_Seen],
        md_commit: str | None,
    ) -> None:
        self._context = context
        self._md_commit = md_commit
        self._document = DocumentWriting(context, text)
        self._transaction = transaction
        self._seen = seen

    def write(self, left: Snapshot) -> None:
        """Write both queues over what a snapshot of the document read, and commit."""
        try:
            with self._document.half_told():
                self._transaction.begin_exclusive()
                for seen in self._seen:
                    self._must_be_as_seen(seen)
                    write_database(self._context, self._transaction, seen.change, seen.document.after, self._md_commit)
                self._transaction.records().delete(self._context.operation)
                self._document.write(left, row_edits(seen.document for seen in self._seen))
                self._transaction.commit()
        except BaseException:
            if not self._document.written:
                self._withdraw()
            raise

    def _must_be_as_seen(self, seen: _Seen) -> None:
        """Raise ChangedError where an item is another one since the decision: it is decided again."""
        item_id = seen.change.before.id
        found = self._transaction.snapshot().find(item_id)
        if found is None or (found[0], _held(found[1])) != (seen.change.before, _held(seen.lease)):
            raise ChangedError(f"{visible(self._context.db)}: {visible(item_id)} changed meanwhile: run this again")

    def _withdraw(self) -> None:
        """Delete the record of a change of which nothing was written."""
        with suppress(Exception):  # then `reconcile resume` says that nothing of it holds, or finishes it
            self._transaction.begin_exclusive()
            self._transaction.records().delete(self._context.operation)
            self._transaction.commit()


def _held(reliability: Reliability) -> tuple[object, ...]:
    return tuple(getattr(reliability, name) for name in RELIABILITY)


def _with_document(payload: str, before: Item, after: Item) -> str:
    """Return the payload of an event with the document's row before and after."""
    rows = {"before": dict(zip(FIELDS, before, strict=True)), "after": dict(zip(FIELDS, after, strict=True))}
    return json.dumps({**json.loads(payload), "document": rows}, ensure_ascii=False)
