"""Where items are kept: one file for each kind of store, and the protocol they share.

A store knows how to read its items as one consistent view and how to change one item safely.
It does not know the rules: they come in as `decide` (see `ops_checks.operations`).
"""

from __future__ import annotations

from ops_checks.queues.changes import Change, Decide, Reliability

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import TracebackType
    from typing import Protocol, Self

    from ops_checks.findings import Place
    from ops_checks.model import Item
    from ops_checks.queues.table import Rows

    class View(Protocol):
        """One state of a queue, held while it is read; a context manager."""

        def __enter__(self) -> Self:
            """Take hold of the state."""
            ...

        def __exit__(
            self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
        ) -> None:
            """Let go of it."""
            ...

        def items(self) -> Iterator[tuple[int, Item]]:
            """Stream the items in the queue's order, each with its number (line or row id), ids unique.

            Raises InputError for what is malformed, ChangingError if the state was torn meanwhile.
            """
            ...

        def rows(self) -> Iterator[Rows]:
            """Stream the items as rows of Markdown, as many at a time as come cheap, never none.

            Two equal rows are the same item. A row need not be well-formed nor its id unique:
            `items` tells. This is what a comparison of a million rows can afford.
            """
            ...

        def check(self) -> None:
            """Raise what `items` raises: for who only wants to know that the queue is sound."""
            ...

        def may_hold(self, ids: Iterable[str]) -> bool:
            """Tell whether the queue may have an item with one of these ids; where that costs much, it may."""
            ...

        def changed(self) -> bool:
            """Tell whether the queue has another state by now. Only after the items were read."""
            ...

        def state(self) -> str:
            """Name the state that was read, so that two looks at the same one can be told; cheap."""
            ...

        def identity(self) -> str:
            """Name the state that was read, as a report publishes it: a digest, a database's newest event."""
            ...

        def place(self, number: int, item_id: str) -> Place:
            """Return where a person finds an item."""
            ...

        def retry_count(self) -> int | None:
            """Count the `retried` events, or return None for a store that keeps none (FORMATS section 4)."""
            ...

        def newest_event(self) -> str | None:
            """Return the time of the newest event as the store writes it, or None for a store that keeps none."""
            ...

        def pending_since(self) -> str | None:
            """Return when the oldest PENDING item was made, as the store writes it; None where nothing tells."""
            ...

        def remarks(self) -> list[str]:
            """Return what a person should know of the input though it is no defect. Only after the items were read."""
            ...

    class Queue(Protocol):
        """A store of items. `path` is its name as the user wrote it, `kind` the column of a drift it fills."""

        path: str
        kind: str

        def view(self) -> View:
            """Return a consistent view of the items."""
            ...

        def change(self, item_id: str, decide: Decide) -> Change:
            """Decide on an item and write the change, inside one lock or transaction.

            Raises RefusedError for an unknown id or as `decide` does, InputError, WriteError; then
            nothing has changed.
            """
            ...

        def preview(self, item_id: str, decide: Decide) -> Change:
            """Decide as `change` does, and write nothing."""
            ...


DEFAULT_LOCK_TIMEOUT_S = 10.0


def open_queue(location: str, *, lock_timeout_s: float = DEFAULT_LOCK_TIMEOUT_S) -> Queue:
    """Return the store at a location: a database if it ends in `.db`, `.sqlite` or `.sqlite3`, else a Markdown file.

    Nothing is read yet. `lock_timeout_s` bounds the wait for other writers, in seconds.
    """
    if location.endswith((".db", ".sqlite", ".sqlite3")):
        return open_database(location, lock_timeout_s=lock_timeout_s)
    return open_markdown(location, lock_timeout_s=lock_timeout_s)


def open_markdown(
    path: str,
    *,
    lock_timeout_s: float = DEFAULT_LOCK_TIMEOUT_S,
    progress: Callable[[int, int], object] | None = None,
) -> Queue:
    """Return the Markdown queue at a path, whatever its name ends in.

    `progress` hears of each reading how many of how many bytes are read.
    """
    from ops_checks.queues.markdown import MarkdownQueue

    return MarkdownQueue(path, lock_timeout_s=lock_timeout_s, progress=progress)


def open_database(path: str, *, lock_timeout_s: float = DEFAULT_LOCK_TIMEOUT_S) -> Queue:
    """Return the SQLite queue at a path, whatever its name ends in."""
    from ops_checks.queues.sqlite import SqliteQueue

    return SqliteQueue(path, lock_timeout_s=lock_timeout_s)


__all__ = ["Change", "Decide", "Reliability", "open_database", "open_markdown", "open_queue"]
