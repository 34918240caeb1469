"""The protocols of a store, of its snapshots and of its events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from types import TracebackType
    from typing import Self

    from ops_checks.findings import Place
    from ops_checks.model import Item
    from ops_checks.stores.baseline import AgreedRow, Baseline, Counts, PlanRecord
    from ops_checks.stores.changes import Change, Decide, Reliability, Stored
    from ops_checks.stores.markdown.rewriting import RowEdits

    #: Comparison keys of consecutive items: the number of the first (line or row), and the key of each.
    Keys = tuple[int, list[str]]


class Event(NamedTuple):
    """One event of an item (FORMATS section 2): its id, type, payload (JSON text) and queue time."""

    event_id: int
    event_type: str
    payload: str
    created_at: str


class Snapshot(Protocol):
    """One consistent state of a store; a context manager, entered before anything is read."""

    def __enter__(self) -> Self:
        """Open the state for reading."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Release it."""
        ...

    def items(self) -> Iterator[tuple[int, Item]]:
        """Stream the items in the store's order, each with its number (line or row id), ids unique.

        Raises InputError for what is malformed, ChangingError if the state was torn meanwhile.
        """
        ...

    def keys(self) -> Iterator[Keys]:
        """Stream the comparison keys of the items in batches of one or more, for comparing a million rows.

        Equal keys are equal items; keys that differ may be equal items too. An item may be malformed, or its id
        a duplicate: `item` and `check` raise for those.
        """
        ...

    def item_id(self, number: int, key: str) -> str:
        """Return the id of the item of a key. Raises InputError, with its location, if it is malformed."""
        ...

    def item(self, number: int, key: str) -> Item:
        """Return the item of a key. Raises InputError, with its location, if it is malformed."""
        ...

    def get(self, item_id: str) -> Item | None:
        """Return an item by its id, None if there is none. Raises InputError for a malformed store."""
        ...

    def reliability(self, item_id: str) -> Reliability | None:
        """Return lease and attempts of an item, or None for a store without them."""
        ...

    def check(self) -> None:
        """Raise what `items` raises, and return nothing."""
        ...

    def may_hold(self, ids: Iterable[str]) -> bool:
        """Return whether the store may have an item with one of these ids; True where finding out costs much."""
        ...

    def changed(self) -> bool:
        """Return whether the store has changed since the snapshot. Call it only after the items were read."""
        ...

    def state(self) -> str:
        """Return a cheap identifier of the state that was read: equal for equal states."""
        ...

    def identity(self) -> str:
        """Return the identifier of the state in a report: a digest, or a database's newest event."""
        ...

    def place(self, number: int, item_id: str) -> Place:
        """Return the location of an item."""
        ...

    def events(self, item_id: str) -> Iterator[Event]:
        """Stream the events of an item, oldest first; none for a store without events."""
        ...

    def retries(self) -> Iterator[tuple[str, int]]:
        """Stream the retried items, each with its number of `retried` events, the most retried first.

        Empty for a store without events (FORMATS section 4).
        """
        ...

    def retry_times(self) -> Iterator[tuple[str, object, int]]:
        """Stream item, time (as stored, of any type) and number of the `retried` events, those of one time together.

        Empty for a store without events.
        """
        ...

    def retry_count(self) -> int | None:
        """Return the number of `retried` events, or None for a store without events (FORMATS section 4)."""
        ...

    def newest_event(self) -> str | None:
        """Return the time of the newest event as stored, or None if there is none."""
        ...

    def pending_since(self) -> Iterator[tuple[str, str]]:
        """Stream id and creation time (as stored) of the PENDING items, oldest first.

        Empty for a store without creation times.
        """
        ...

    def leases_beyond(self, epoch_s: float) -> Iterator[tuple[str, Stored]]:
        """Stream id and end of the leases of IN_PROGRESS items that end later, or at no whole number of seconds.

        Empty for a store without leases.
        """
        ...

    def remarks(self) -> list[str]:
        """Return lines about what looks like an item and is none to the store. Call it only after the items were read.

        Warnings to who works on an item, errors to a check (FORMATS section 1).
        """
        ...


class Store(Protocol):
    """A store of items; iterating over it yields the items of one snapshot.

    `kind` is the name of its kind in the registry, `location` its path or URL as the user wrote it.
    """

    kind: str
    location: str

    def snapshot(self) -> Snapshot:
        """Return a consistent snapshot of the items; enter it before reading."""
        ...

    def __iter__(self) -> Iterator[Item]:
        """Stream the items of one snapshot. Raises what its `items` raises."""
        ...

    def get(self, item_id: str) -> Item | None:
        """Return an item by its id, None if there is none. Raises InputError for a malformed store."""
        ...

    def last_write_s(self) -> float | None:
        """Return when the store was last written to, in epoch seconds; None if that is not known, as of no store."""
        ...

    def events(self, item_id: str) -> list[Event]:
        """Return the events of an item, oldest first; empty for a store without events. Raises InputError."""
        ...

    def change(self, item_id: str, decide: Decide) -> Change:
        """Call `decide` on an item and write the change, inside one lock or transaction.

        Raises RefusedError for an unknown id or as `decide` does, InputError, WriteError; then nothing has changed.
        """
        ...

    def preview(self, item_id: str, decide: Decide) -> Change:
        """Return the change that `change` would write. Raises what `change` raises."""
        ...

    def scratch_copy(self, folder: str) -> Store:
        """Return a store of the same kind and content in an empty folder, while other programs may write to this one.

        Raises InputError if it cannot be copied, ChangingError if it changes while it is read.
        """
        ...


class AgreementReader(Protocol):
    """Reads the last agreement of both queues in one state of a database (RECONCILE section 3)."""

    def baseline(self) -> Baseline | None:
        """Return the newest agreement, or None if there is none. Raises InputError for a damaged one."""
        ...

    def rows(self, ids: Iterable[str]) -> dict[str, AgreedRow]:
        """Return the agreed states of some items by id. Raises InputError for a damaged one."""
        ...

    def counts(self) -> Counts:
        """Return the numbers of agreed items."""
        ...

    def interrupted(self) -> PlanRecord | None:
        """Return the record of the plan whose application was begun and not finished, or None."""
        ...

    def plans(self, most: int) -> list[PlanRecord]:
        """Return the records of the plans that were applied last, the newest first."""
        ...

    def updated_at(self, ids: Iterable[str]) -> dict[str, str]:
        """Return when some items were updated last, as stored; an item that is not there has none."""
        ...

    def newest_event_id(self) -> int | None:
        """Return the id of the newest event, None if there is none."""
        ...

    def content_digest(self) -> str:
        """Return the digest of the nine cells of every item, in the order of their ids."""
        ...

    def above(self, ids: Iterable[str]) -> dict[str, str | None]:
        """Return for some items the id of the agreed row above each in the document, None for the first row."""
        ...


class DatabaseSnapshot(Snapshot, Protocol):
    """A snapshot of a store that keeps agreements."""

    def find(self, item_id: str) -> tuple[Item, Reliability] | None:
        """Return an item by its id with its lease and attempts, or None. Raises InputError for a malformed row."""
        ...

    def agreement(self) -> AgreementReader:
        """Return what reads the last agreement of both queues in this state."""
        ...


class NewBaseline(Protocol):
    """Records an agreement inside a transaction."""

    before: Baseline | None

    def save(
        self,
        *,
        differing: Mapping[str, AgreedRow | None],
        ordinals: Iterable[tuple[str, int]],
        header: Mapping[str, str | int | None],
    ) -> tuple[Baseline, Counts]:
        """Save what is agreed now, and return the new baseline with the numbers of its items; see the store's own."""
        ...

    def set_document(self, md_digest: str) -> None:
        """Save the digest of the document that the new baseline is about, written since."""
        ...


class PlanRecords(Protocol):
    """The applied plans that a database remembers (RECONCILE section 3)."""

    def find(self, plan_id: str) -> PlanRecord | None:
        """Return the record of a plan, or None."""
        ...

    def prepared(self) -> PlanRecord | None:
        """Return the record of the plan whose application was interrupted, or None."""
        ...

    def save(self, record: PlanRecord) -> None:
        """Save a record in place of an older one of the same plan."""
        ...

    def delete(self, plan_id: str) -> None:
        """Delete a record of which nothing was applied."""
        ...


class Transaction(Protocol):
    """A write transaction of a database; what is not committed on leaving is rolled back."""

    def __enter__(self) -> Self:
        """Begin: nobody else writes from here on. Raises InputError, WriteError."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """End it."""
        ...

    def snapshot(self) -> DatabaseSnapshot:
        """Return a snapshot of what the transaction sees."""
        ...

    def new_baseline(self) -> NewBaseline:
        """Return what records an agreement. Raises InputError for a base that is damaged."""
        ...

    def records(self) -> PlanRecords:
        """Return the applied plans."""
        ...

    def change(self, change: Change) -> None:
        """Write a change of an item with its event, if it still is as it was seen. Raises WriteError."""
        ...

    def insert(self, row: Mapping[str, Any]) -> None:
        """Insert an item, given as its columns. Raises WriteError."""
        ...

    def delete(self, item: Item) -> None:
        """Delete an item that still is as it was seen, with its events. Raises WriteError."""
        ...

    def add_event(self, item_id: str | None, event_type: str, payload: str, created_at: str) -> None:
        """Add an event. Raises WriteError."""
        ...

    def insert_events(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Insert events that were removed with their item, as they were. Raises WriteError."""
        ...

    def row_with_events(self, item_id: str) -> tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]]:
        """Return every column of an item, and of its events the oldest first."""
        ...

    def commit(self) -> None:
        """Commit. Raises WriteError."""
        ...

    def begin_exclusive(self) -> None:
        """Begin anew, so that no reader can fail the commit; what was not committed is gone. Raises WriteError."""
        ...


@runtime_checkable
class Database(Store, Protocol):
    """A store that keeps agreements."""

    def snapshot(self) -> DatabaseSnapshot:
        """Return a consistent snapshot of the items and of what was agreed on them; enter it before reading."""
        ...

    def transaction(self) -> Transaction:
        """Return a write transaction; enter it before anything is written."""
        ...


class DocumentTransaction(Protocol):
    """The lock of a document, held while many of its rows are read and written."""

    def __enter__(self) -> Self:
        """Take the lock. Raises WriteError if it is not free in time, InputError if there is no document."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Release it."""
        ...

    def snapshot(self) -> Snapshot:
        """Return a snapshot of the document."""
        ...

    def write(self, snapshot: Any, edits: RowEdits) -> None:  # noqa: ANN401 - the store's own snapshot
        """Write edits over what an open snapshot read. Raises ChangedError, ChangingError, WriteError."""
        ...

    def settle(self) -> list[str]:
        """Return remarks once nobody writes. Raises WriteError if another program has replaced what was written."""
        ...


@runtime_checkable
class Document(Store, Protocol):
    """A store that people edit, and that programs lock while they write to it."""

    def rewriting(self) -> DocumentTransaction:
        """Return what changes many rows at once; enter it before the rows are read."""
        ...
