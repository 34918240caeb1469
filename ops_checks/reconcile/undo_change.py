"""Take single changes back, as far as nobody changed the item since (RECONCILE section 10)."""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING

from ops_checks.errors import OpsError, RefusedError, about
from ops_checks.reconcile.agreement import checked_out
from ops_checks.reconcile.blame import bears_state, blame_words, database_blame
from ops_checks.reconcile.both import BothStores
from ops_checks.reconcile.both_writing import rows_of, write_database
from ops_checks.reconcile.made_change import CHANGES, UNDONE, follow_back, made_change, operation_of, take_back
from ops_checks.reconcile.model import DB
from ops_checks.reconcile.plan_file import is_plan_id
from ops_checks.reconcile.reading import database
from ops_checks.sanitize import visible
from ops_checks.stores.changes import all_decided
from ops_checks.stores.registry import is_there
from ops_checks.stores.unknown_item import ids_in, unknown_item

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from ops_checks.context import Context
    from ops_checks.model import Item
    from ops_checks.reconcile.made_change import MadeChange
    from ops_checks.reconcile.model import BaseRow
    from ops_checks.stores.changes import Change, Reliability
    from ops_checks.stores.transaction_protocol import DatabaseSnapshot


def newest_changes(
    context: Context, ids: Iterable[str], check: Callable[[Item], None] = lambda _: None
) -> tuple[dict[str, MadeChange], dict[str, RefusedError]]:
    """Return the newest changes of items, and of the others why they cannot be taken back, both by id.

    `check` may refuse an item as it is now. A change that was none of an operator's is refused, with what it was.
    """
    made: dict[str, MadeChange] = {}
    refused: dict[str, RefusedError] = {}
    with database(context).snapshot() as snapshot:
        for item_id in ids:
            try:
                made[item_id] = _newest_known(context, snapshot, item_id, check)
            except RefusedError as error:
                refused[item_id] = error
    return made, refused


def _newest_known(
    context: Context, snapshot: DatabaseSnapshot, item_id: str, check: Callable[[Item], None]
) -> MadeChange:
    item = snapshot.get(item_id)
    if item is None:
        advice = "its events go with an item"
        raise unknown_item(visible(context.db), [item_id], advice, lambda: ids_in(snapshot))
    with about(item.task):
        check(item)
        return _newest(snapshot, item_id)


def changes_of(context: Context, operation: str) -> list[MadeChange]:
    """Return the changes of an operation in the order of their ids. Raises RefusedError if there is none here."""
    with database(context).snapshot() as snapshot:
        found = [made_change(item_id, event) for item_id, event in snapshot.events_of(CHANGES, operation)]
    made = [each for each in found if each is not None and each.operation == operation]
    if not made:
        raise RefusedError(f"{visible(context.db)}: no operation {visible(operation)}: see `ops-checks undo`")
    return sorted(made, key=lambda each: each.item_id)


def must_keep_events(context: Context) -> None:
    """Raise RefusedError where there is only a document: nothing says what was changed in it last."""
    if not context.db_named and not is_there(context.db) and is_there(context.queue):
        raise RefusedError(
            f"{visible(context.queue)}: {_OF_A_DOCUMENT}: `ops-checks init --from PATH` makes the database for it"
        )


class Undoing:
    """Takes changes back, by the ids of their items, in the queues that they were made in; it changes as a store does.

    `made` are the changes by item. What somebody changed since is refused. What is agreed on with the document
    afterwards goes by its rows, and the commit that is checked out, as they are before the first change.
    """

    def __init__(self, context: Context, made: Mapping[str, MadeChange]) -> None:
        self._context = context
        self._made = made

    def preview(self, item_id: str) -> Change:
        """Return the change that `change` would write. Raises what `change` raises."""
        made = self._made[item_id]
        if made.document is not None:
            return self._both.preview(item_id, self._decide)
        with database(self._context).snapshot() as before:
            return self._decided(before, item_id)

    def change(self, item_id: str) -> Change:
        """Take a change back, and return the change that does it.

        Raises RefusedError where somebody changed the item since, or the document may only be read; InputError,
        WriteError. Then nothing was changed, unless the error says so.
        """
        return self.change_together([item_id])[0]

    def change_together(self, ids: Sequence[str]) -> list[Change]:
        """Take several changes back: all of them, or none. Raises RefusedTogetherError, and what `change` raises."""
        of_both = {self._made[item_id].document is not None for item_id in ids}
        if len(of_both) > 1:
            raise RefusedError("some were changed in both queues and some in the database alone: take them back apart")
        return self._both.change_together(ids, self._decide) if True in of_both else self._in_database(ids)

    @cached_property
    def _beside(self) -> tuple[Mapping[str, Item], str | None]:
        """The rows of the document, and the commit that is checked out."""
        return _rows(self._context, list(self._made)), checked_out(self._context)

    @cached_property
    def _both(self) -> BothStores:
        if self._context.markdown_read_only:
            raise RefusedError(
                f"{visible(self._context.queue)}: read-only by ORCH_QUEUE_MD_READ_ONLY, and both were changed"
            )
        return BothStores(self._context, self._follow, self._must_be_newest)

    def _in_database(self, ids: Sequence[str]) -> list[Change]:
        rows, md_commit = self._beside
        with database(self._context).transaction() as transaction:
            snapshot = transaction.snapshot()
            changes = all_decided(ids, lambda item_id: self._decided(snapshot, item_id))
            for change in changes:
                write_database(self._context, transaction, change, rows.get(change.before.id), md_commit)
            transaction.commit()
        return changes

    def _decided(self, snapshot: DatabaseSnapshot, item_id: str) -> Change:
        self._must_be_newest(snapshot, item_id)
        found = snapshot.find(item_id)
        if found is None:
            raise RefusedError(f"no item {visible(item_id)} any more: not taken back: {self._made[item_id].name}")
        return self._decide(*found)

    def _decide(self, item: Item, reliability: Reliability | None) -> Change:
        return take_back(self._context.stamp, self._made[item.id])(item, reliability)

    def _follow(self, change: Change, md: Item, base: BaseRow | None) -> Item:
        return follow_back(self._made[md.id])(change, md, base)

    def _must_be_newest(self, snapshot: DatabaseSnapshot, item_id: str) -> None:
        made = self._made[item_id]
        newest = _newest(snapshot, item_id)
        if newest.event.event_id != made.event.event_id:
            raise RefusedError(f"{visible(item_id)}: was changed since, {newest.name}: not taken back: {made.name}")


def _rows(context: Context, ids: Sequence[str]) -> dict[str, Item]:
    """Return rows of the document, none where it cannot be read: then nothing is agreed on."""
    with suppress(OpsError):
        if is_there(context.queue):
            with context.md_store.snapshot() as left:
                return rows_of(left, ids)
    return {}


def _newest(snapshot: DatabaseSnapshot, item_id: str) -> MadeChange:
    moves = [event for event in snapshot.events(item_id) if bears_state(event)]
    name = visible(item_id)
    if not moves:
        raise RefusedError(f"{name}: has no event that could be taken back: {_OF_A_DOCUMENT}")
    plan = operation_of(moves[-1])
    if is_plan_id(plan):
        way = "apply the plan again" if moves[-1].event_type == UNDONE else f"ops-checks undo --plan {plan}"
        raise RefusedError(f"{name}: its newest change is of the plan {plan}: {way}")
    made = made_change(item_id, moves[-1])
    if made is None:
        what = blame_words(DB, database_blame(moves[-1], None))
        raise RefusedError(f"{name}: its newest change is none that an operator made: {what}: {_OF_A_DOCUMENT}")
    return made


#: What else a person may have meant.
_OF_A_DOCUMENT = (
    "a change of the document alone has no event: git keeps the document's, and what is changed with --both can be "
    "taken back"
)
