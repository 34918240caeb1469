"""The protocols of a store, of its snapshots and of its events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from types import TracebackType
    from typing import Self

    from ops_checks.findings import Place
    from ops_checks.model import Item
    from ops_checks.stores.changes import Change, Decide, Reliability, Stored
    from ops_checks.stores.details import Details
    from ops_checks.stores.event import Event

    #: Comparison keys of consecutive items: the number of the first (line or row), and the key of each.
    Keys = tuple[int, list[str]]

    #: Items and events by column, as stored, in the order of items, in an item its row and then its events in theirs:
    #: the ids of items, of events (None for a row), types (of a row its status), payloads (`{}`), times, and of a row
    #: attempt_count and max_attempts.
    Recorded = tuple[tuple[object, ...], ...]


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

    def details(self) -> Iterator[Details]:
        """Stream the items as `items` does, each with what else the store knows of it."""
        ...

    def details_of(self, item_id: str) -> Details | None:
        """Return an item by its id with what `details` tells of it, or None. Raises InputError for a malformed one."""
        ...

    def keys(self) -> Iterator[Keys]:
        """Stream the comparison keys of the items in batches of one or more, for comparing a million rows.

        Each is one line. Equal keys are equal items; keys that differ may be equal items too. An item may be
        malformed, or its id a duplicate: `item` and `check` raise for those.
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


class Watch(Protocol):
    """Tells cheaply whether a store has changed; a context manager, which holds no lock between two questions."""

    def __enter__(self) -> Self:
        """Begin to watch; nothing is read yet."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Release what is held."""
        ...

    def version(self) -> object:
        """Return what equals an earlier one only if nothing was written since; what is not known equals nothing.

        Reads none of the items, waits for nobody, raises nothing.
        """
        ...


class Changeable(Protocol):
    """What changes one item safely, and knows no rules."""

    def preview(self, item_id: str, decide: Decide) -> Change:
        """Return the change that `change` would write. Raises what `change` raises."""
        ...

    def change(self, item_id: str, decide: Decide) -> Change:
        """Call `decide` on an item and write the change, inside one lock or transaction.

        Raises RefusedError for an unknown id or as `decide` does, InputError, WriteError; then nothing has changed.
        """
        ...

    def change_together(self, ids: Sequence[str], decide: Decide) -> list[Change]:
        """Change several items inside one lock or transaction: all of them, or none.

        Raises RefusedTogetherError if some are refused, and what `change` raises; then nothing has changed.
        """
        ...

    def series(self) -> AbstractContextManager[Changeable]:
        """Return what changes many items one after the other, each by itself, as `change` does, with less effort."""
        ...


class Store(Changeable, Protocol):
    """A store of items; iterating over it yields the items of one snapshot.

    `kind` is the name of its kind in the registry, `location` its path or URL as the user wrote it.
    """

    kind: str
    location: str

    def snapshot(self) -> Snapshot:
        """Return a consistent snapshot of the items; enter it before reading."""
        ...

    def watch(self) -> Watch:
        """Return what tells whether the store has changed; enter it before asking."""
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

    def scratch_copy(self, folder: str) -> Store:
        """Return a store of the same kind and content in an empty folder, while other programs may write to this one.

        Raises InputError if it cannot be copied, ChangingError if it changes while it is read.
        """
        ...
