"""What every store offers, whatever it keeps its items in."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import TracebackType
    from typing import Self

    from ops_checks.findings import Place
    from ops_checks.model import Item
    from ops_checks.stores.changes import Change, Decide, Reliability

    #: Comparison keys of items that follow each other: the number of the first, and the key of each.
    Keys = tuple[int, list[str]]


class Event(NamedTuple):
    """One event of an item (FORMATS section 2): its id, type, payload (JSON text) and queue time."""

    event_id: int
    event_type: str
    payload: str
    created_at: str


class Snapshot(Protocol):
    """One state of a store, held while it is read; a context manager."""

    def __enter__(self) -> Self:
        """Begin to read the state."""
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
        """Stream the comparison keys of the items, as many at a time as come cheap, never none.

        Two equal keys are the same item; two that differ may still be. A key need not be that of a well-formed
        item nor its id unique: `item` and `check` find out. This is what a comparison of a million rows can afford.
        """
        ...

    def item_id(self, number: int, key: str) -> str:
        """Return the id of the item of a key. Raises InputError, with its place, if it is malformed."""
        ...

    def item(self, number: int, key: str) -> Item:
        """Return the item of a key. Raises InputError, with its place, if it is malformed."""
        ...

    def reliability(self, item_id: str) -> Reliability | None:
        """Return lease and attempts of an item, or None for a store that keeps none."""
        ...

    def check(self) -> None:
        """Raise what `items` raises, and return nothing."""
        ...

    def may_hold(self, ids: Iterable[str]) -> bool:
        """Return whether the store may have an item with one of these ids; where that costs much, True."""
        ...

    def changed(self) -> bool:
        """Return whether the store has another state by now. Only after the items were read."""
        ...

    def state(self) -> str:
        """Return a cheap name of the state that was read: the same state has the same name."""
        ...

    def identity(self) -> str:
        """Return the name of the state as a report publishes it: a digest, a database's newest event."""
        ...

    def place(self, number: int, item_id: str) -> Place:
        """Return where a person finds an item."""
        ...

    def events(self, item_id: str) -> Iterator[Event]:
        """Stream the events of an item, oldest first; none for a store that keeps none."""
        ...

    def retries(self) -> Iterator[tuple[str, int]]:
        """Stream the retried items, each with its number of `retried` events, the most retried first.

        Nothing for a store that keeps no events (FORMATS section 4).
        """
        ...

    def retry_count(self) -> int | None:
        """Return the number of `retried` events, or None for a store that keeps none (FORMATS section 4)."""
        ...

    def newest_event(self) -> str | None:
        """Return the time of the newest event as the store writes it, or None for a store that keeps none."""
        ...

    def pending_since(self) -> Iterator[tuple[str, str]]:
        """Stream id and time of making (as the store writes it) of the PENDING items, oldest first.

        Nothing for a store that keeps no such time.
        """
        ...

    def remarks(self) -> list[str]:
        """Return remarks on the input that are no defects. Only after the items were read."""
        ...


class Store(Protocol):
    """A store of items; iterating over it gives them.

    `kind` is the name of its kind in the registry, `location` its path or URL as the user wrote it.
    """

    kind: str
    location: str

    def snapshot(self) -> Snapshot:
        """Return a consistent snapshot of the items, to be entered."""
        ...

    def __iter__(self) -> Iterator[Item]:
        """Stream the items of one snapshot. Raises what its `items` raises."""
        ...

    def get(self, item_id: str) -> Item | None:
        """Return an item by its id, None if there is none. Raises InputError for a malformed store."""
        ...

    def events(self, item_id: str) -> list[Event]:
        """Return the events of an item, oldest first; empty for a store that keeps none. Raises InputError."""
        ...

    def change(self, item_id: str, decide: Decide) -> Change:
        """Decide on an item and write the change, inside one lock or transaction.

        Raises RefusedError for an unknown id or as `decide` does, InputError, WriteError; then nothing has changed.
        """
        ...

    def preview(self, item_id: str, decide: Decide) -> Change:
        """Decide as `change` does, and write nothing."""
        ...

    def scratch_copy(self, folder: str) -> Store:
        """Return a store of the same kind and content in an empty folder, while other programs may write to this one.

        Raises InputError for what cannot be copied, ChangingError if it does not stand still.
        """
        ...
