"""The protocols of the stores of both sides where a plan changes them at once (RECONCILE sections 3 and 9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from ops_checks.stores.protocol import Snapshot, Store

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from types import TracebackType
    from typing import Self

    from ops_checks.model import Item
    from ops_checks.stores.baseline import AgreedRow, Baseline, Counts, PlanRecord
    from ops_checks.stores.changes import Change, Reliability
    from ops_checks.stores.event import Event
    from ops_checks.stores.markdown.rewriting import RowEdits
    from ops_checks.stores.protocol import Recorded
    from ops_checks.stores.query import Answer, Limits, Values


class AgreementReader(Protocol):
    """Reads the last agreement of both queues in one state of a database (RECONCILE section 3)."""

    def baseline(self) -> Baseline | None:
        """Return the newest agreement, or None if there is none. Raises InputError for a damaged one."""
        ...

    def rows(self, ids: Iterable[str]) -> dict[str, AgreedRow]:
        """Return the agreed states of some items by id. Raises InputError for a damaged one."""
        ...

    def every_row(self) -> Iterator[AgreedRow]:
        """Stream the agreed states of all items, in the order of the document. Raises InputError for a damaged one."""
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

    def newest_event_id(self, before: str | None = None) -> int | None:
        """Return the id of the newest event, or of those before a queue time; None if there is none."""
        ...

    def content_digest(self) -> str:
        """Return the digest of the nine cells of every item, in the order of their ids."""
        ...

    def above(self, ids: Iterable[str]) -> dict[str, str | None]:
        """Return for some items the id of the agreed row above each in the document, None for the first row."""
        ...


@runtime_checkable
class DatabaseSnapshot(Snapshot, Protocol):
    """A snapshot of a store that keeps agreements."""

    def find(self, item_id: str) -> tuple[Item, Reliability] | None:
        """Return an item by its id with its lease and attempts, or None. Raises InputError for a malformed row."""
        ...

    def events_of(self, types: Sequence[str], operation: str = "", most: int = -1) -> Iterator[tuple[str, Event]]:
        """Stream events of some types, each with its item, the newest first; of an operation, those that name it."""
        ...

    def gone(self) -> Iterator[str]:
        """Stream the ids of items that have events and no row: the database had them."""
        ...

    def event_time(self, event_id: int) -> str | None:
        """Return the time of an event as stored, None if there is no such event. Raises InputError."""
        ...

    def items_by_creation(self) -> Iterator[Item]:
        """Stream the items in the order in which they were created. Raises InputError for malformed ones."""
        ...

    def agreement(self) -> AgreementReader:
        """Return what reads the last agreement of both queues in this state."""
        ...

    def recorded(self) -> Iterator[Recorded]:
        """Stream the items with their events; an item or an event is no text, and malformed, where the store's is.

        Raises InputError for a store whose events cannot be read.
        """
        ...

    def absent_counts(self) -> tuple[str, ...]:
        """Return which of attempt_count and max_attempts an older database lacks."""
        ...

    def query(self, statement: str, values: Values, limits: Limits) -> Answer:
        """Return what one statement of somebody else's reads, in the dialect of the database; it can do nothing else.

        Its rows are read before the snapshot ends. `values` are those of its parameters. Raises StatementError for what
        is no such statement, LimitError for what takes more than it may, InputError for what fails or cannot be read.
        """
        ...

    def tables(self) -> StoredTables:
        """Return what reads the rows of the queue's tables as they are stored."""
        ...


class StoredTables(Protocol):
    """Reads the rows of a queue's tables as they are stored, for a copy. Raises InputError."""

    def columns(self, table: str) -> set[str] | None:
        """Return the columns of a table: None where there is none of that name."""
        ...

    def rows(self, table: str, columns: Sequence[str]) -> Iterator[Sequence[Any]]:
        """Stream some columns of the rows of a table, in the order in which they were added."""
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

    def advance(self, row: AgreedRow, *, made_at: str) -> None:
        """Save what is agreed on one item, in the newest agreement. `made_at` is the queue time."""
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

    def probe(self) -> None:
        """Write as a record would be written, for a transaction that is not committed. Raises WriteError."""
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

    def may_be_written(self) -> bool:
        """Return whether this user has the right to write to the database."""
        ...

    def must_be_writable(self) -> None:
        """Raise RefusedError for a database that surely may only be read."""
        ...

    def transaction(self) -> Transaction:
        """Return a write transaction; enter it before anything is written."""
        ...


class NewQueue(Transaction, Protocol):
    """The transaction in which a queue is made: its tables are there, and empty."""

    def load(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Insert rows into a table; columns that are not named have their defaults, and so have rows their numbers.

        Raises InputError, which names the row, for what this kind of database cannot hold.
        """
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

    def wait_for_writers(self) -> bool:
        """Wait until no program holds the document's lock; return False if that cannot be found out in time."""
        ...

    def rewriting(self) -> DocumentTransaction:
        """Return what changes many rows at once; enter it before the rows are read."""
        ...
