"""Write what becomes of items to both queues: the database in one transaction, the document in one rename."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from ops_checks.errors import ChangedError, ChangingError, RefusedError
from ops_checks.model import FIELDS, Item
from ops_checks.reconcile.agreement import agreed_row, header
from ops_checks.reconcile.application import apply_actions
from ops_checks.reconcile.decision import REMOVE
from ops_checks.reconcile.document_rows import ordinals, row_edits, rows_above
from ops_checks.reconcile.document_writing import DocumentWriting
from ops_checks.reconcile.model import DB, MD, ItemState
from ops_checks.reconcile.reading import database, read_inside
from ops_checks.reconcile.units import CLAIM, differing
from ops_checks.sanitize import plain_line, visible
from ops_checks.stores.changes import Change
from ops_checks.timestamps import queue_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ops_checks.context import Context
    from ops_checks.reconcile.application import Find, Outcome
    from ops_checks.reconcile.model import Action
    from ops_checks.reconcile.reading import Reading
    from ops_checks.stores.baseline import PlanRecord
    from ops_checks.stores.transaction_protocol import DatabaseSnapshot, DocumentTransaction, PlanRecords, Transaction

    Result = TypeVar("Result")
    #: A row that was removed, with its events, by id.
    Removed = Mapping[str, Mapping[str, Any]]


#: Before an attempt begins again: enough for most writers to finish.
_PAUSE_S = 0.01


class Written(Struct, frozen=True):
    """What was written and what was there before: `images` is the JSON of a record, `baseline` its number or None."""

    outcome: Outcome
    reading: Reading
    images: dict[str, Any]


class BothQueues:
    """Both queues, locked and in a transaction: nobody else writes until they are left, and they are committed once.

    `operation` names what is written in the events; `md_commit` is what `checked_out` returned. `document`
    knows whether the document is written.
    """

    def __init__(
        self,
        context: Context,
        text: DocumentTransaction,
        transaction: Transaction,
        *,
        operation: str,
        md_commit: str | None,
    ) -> None:
        self._context = context
        self._text = text
        self._transaction = transaction
        self._operation = operation
        self._md_commit = md_commit
        self.document = DocumentWriting(context, text)

    def write(
        self,
        actions: Iterable[Action],
        *,
        event: str = "reconciled",
        resuming: bool = False,
        undoing: bool = False,
        removed: Removed | None = None,
        base_of: Callable[[ItemState, Outcome], ItemState] = lambda state, _: state,
        keeps_base: bool = True,
        check: Callable[[Outcome], None] = lambda _: None,
    ) -> Written:
        """Write what still holds of some actions, and the base that follows; nothing is committed here.

        `base_of` returns an item with the base that it has afterwards; `keeps_base`: there is a base, or is to be.
        `check` may raise before anything is written. Raises WriteError, ChangedError, ChangingError.
        """
        with self._text.snapshot() as left, self._transaction.snapshot() as right:
            reading = read_inside(left, right)
            states = {state.id: state for state in reading.states}
            find = item_finder(reading, right)
            outcome = apply_actions(actions, find, self._context.now_s, resuming=resuming, undoing=undoing)
            check(outcome)
            images = self._images(outcome, reading, rows_above(left.items(), outcome))
            self._write_items(outcome, event, removed or {})
            if keeps_base:
                left_over = [base_of(state, outcome) for state in (states | outcome.after).values() if _differs(state)]
                new = self._transaction.new_baseline()
                baseline, _ = new.save(
                    differing={
                        state.id: agreed_row(state, reading) if _is_known(state, first=new.before is None) else None
                        for state in left_over
                    },
                    ordinals=ordinals(left.items(), outcome.applied),
                    header=header(self._context, reading, whole=not left_over, md_commit=self._md_commit),
                )
                images["baseline"] = baseline.number
            edits = row_edits(outcome.applied)
            self.document.write(left, edits)
        if edits and keeps_base and not left_over:
            with self._text.snapshot() as written:
                new.set_document(written.identity())
        return Written(outcome, reading, images)

    def finish(self, record: PlanRecord) -> None:
        """Save the record of what was written, and commit."""
        self._transaction.records().save(record)
        self._transaction.commit()

    def _images(self, outcome: Outcome, reading: Reading, above: Mapping[str, str | None]) -> dict[str, Any]:
        """Return what was there before, as JSON: rows that are removed, the rows above them, what was agreed."""
        removed = [action.id for action in outcome.applied if action.kind == REMOVE and action.to == DB]
        rows = {item_id: self._transaction.row_with_events(item_id) for item_id in removed}
        agreed = {item_id: reading.rows[item_id].cells for item_id in outcome.before if item_id in reading.rows}
        done = outcome.applied + outcome.done
        return {
            "applied": [[action.id, action.unit, action.to, action.kind] for action in done],
            "rows": {item_id: {"row": dict(row), "events": list(events)} for item_id, (row, events) in rows.items()},
            "above": dict(above),
            "base": agreed,
        }

    def _write_items(self, outcome: Outcome, event: str, removed: Removed) -> None:
        """Write the database's part: each item once, with one event."""
        stamp = self._context.stamp
        now = queue_time(stamp.now_s, stamp.tz_minutes)
        by_item: dict[str, list[Action]] = {}
        for action in outcome.applied:
            if action.to == DB:
                by_item.setdefault(action.id, []).append(action)
        for item_id, actions in by_item.items():
            before, after = outcome.before[item_id], outcome.after[item_id]
            payload = self._payload(actions, before.db, after.db)
            if before.db is None and after.db is not None:
                self._insert(after.db, removed.get(item_id), now)
                self._transaction.add_event(item_id, "added" if event == "reconciled" else event, payload, now)
            elif before.db is not None and after.db is None:
                self._transaction.delete(before.db)
            elif before.db is not None and after.db is not None:
                attempts = [action.attempt_count for action in actions if action.attempt_count is not None]
                change = Change(
                    before=before.db,
                    after=after.db,
                    event=event,
                    payload=payload,
                    changed_at=now,
                    attempt_count=attempts[0] if attempts else None,
                    clears_lease=any(action.unit == CLAIM for action in actions) and after.db.status != "IN_PROGRESS",
                )
                self._transaction.change(change)

    def _insert(self, item: Item, removed: Mapping[str, Any] | None, now: str) -> None:
        """Insert an item; one that was removed comes back with all its columns and its events."""
        cells = dict(zip(FIELDS, item, strict=True))
        if removed is None:
            self._transaction.insert({**cells, "created_at": now, "updated_at": now})
            return
        self._transaction.insert({**cells, **removed["row"], "updated_at": now})
        self._transaction.insert_events(removed["events"])

    def _payload(self, actions: Iterable[Action], before: Item | None, after: Item | None) -> str:
        """Return the payload of an event: who did what, and the item before and after (FORMATS section 5)."""
        return json.dumps(
            {
                "from": before and before.status,
                "to": after and after.status,
                "actor": plain_line(self._context.stamp.actor),
                "operation": self._operation,
                "why": sorted({f"{action.unit}:{action.why}" for action in actions}),
                "before": before and dict(zip(FIELDS, before, strict=True)),
                "after": after and dict(zip(FIELDS, after, strict=True)),
            },
            ensure_ascii=False,
        )


def item_finder(reading: Reading, database: DatabaseSnapshot) -> Find:
    """Return what finds an item as it is now; one that does not differ is equal on both sides.

    The database's side is as it is stored: a comparison has its cells on one line, and they are not to be written so.
    """
    states = {state.id: state for state in reading.states}

    def find(item_id: str) -> ItemState:
        item, lease = database.find(item_id) or (None, None)
        state = states.get(item_id)
        if state is None:
            return ItemState(item_id, None, item, item, lease)
        return state if item is None else replace(state, db=item)

    return find


def while_changing(context: Context, attempt: Callable[[], Result], *, writes: bool = True) -> Result:
    """Return what an attempt returns; begin again while other programs change the document, up to the lock timeout.

    Raises RefusedError before the first one if it writes to a database that may only be read.
    """
    if writes:
        database(context).must_be_writable()
    until = time.monotonic() + context.lock_timeout_s
    while True:
        try:
            return attempt()
        except (ChangedError, ChangingError):
            if time.monotonic() >= until:
                raise
        time.sleep(_PAUSE_S)


def must_not_be_interrupted(records: PlanRecords) -> None:
    """Raise RefusedError if a plan, or a change of both queues, was interrupted."""
    interrupted = records.prepared()
    if interrupted is not None:
        raise RefusedError(f"{visible(interrupted.plan_id)} was interrupted: run `ops-checks reconcile resume` first")


def must_write_document(context: Context, actions: Iterable[Action]) -> None:
    """Raise RefusedError if actions change a document that may only be read."""
    if context.markdown_read_only and any(action.to == MD for action in actions):
        raise RefusedError(f"{visible(context.queue)}: read-only by ORCH_QUEUE_MD_READ_ONLY, and the plan changes it")


def _is_known(state: ItemState, *, first: bool) -> bool:
    """Return whether the base is to have an item that differs. `first`: there was no base.

    An item that was never agreed stays one that was added, until both sides are equal. Before there was a base nothing
    was added: what only one side has is not agreed, or the next plan took it for new (rule B2).
    """
    return state.base is not None or (first and (state.md is None or state.db is None))


def _differs(state: ItemState) -> bool:
    if state.md is None or state.db is None:
        return True  # one that neither side has is forgotten, which the base must be told as well
    return bool(differing(state.md, state.db))
