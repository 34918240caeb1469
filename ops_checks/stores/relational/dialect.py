"""What differs between the databases that keep the same tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager


class Cursor(Protocol):
    """The rows that a statement returned, as tuples."""

    @property
    def rowcount(self) -> int:
        """How many rows the statement changed."""
        ...

    def fetchone(self) -> Any:  # noqa: ANN401 - whatever the database holds
        """Return the next row, None after the last one."""
        ...

    def fetchall(self) -> list[Any]:
        """Return all rows that are left."""
        ...


class Connection(Protocol):
    """An open transaction: values stand as `?` in a statement and are always bound."""

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Cursor:
        """Carry out a statement. Raises the driver's errors."""
        ...


class Dialect(Protocol):
    """A database's way to say what the others say otherwise.

    `number` and `key` declare a column of the numbers of rows, and one of ids; `integer` is a type for any whole
    number; `id_in_bytes` is the column `id` in the order of its bytes, `in_bytes` has any text compared by its bytes,
    `in_order` is the column in whose order records were saved, and `numbered` declares it where the database has none
    of itself; `items_in_order` ends a query of the items so that they come in the order in which they were added.
    """

    number: str
    key: str
    integer: str
    id_in_bytes: str
    in_bytes: str
    in_order: str
    numbered: str
    items_in_order: str

    def reading(self, name: str) -> AbstractContextManager[None]:
        """Translate the driver's errors to InputError."""
        ...

    def stream(self, connection: Any, query: str) -> Iterator[Any]:  # noqa: ANN401 - the driver's own
        """Stream the rows of a query in little memory."""
        ...

    def stored(self, connection: Any, query: str) -> Iterator[Any]:  # noqa: ANN401 - the driver's own
        """Stream the rows of a query as they are stored; what is no UTF-8 comes with surrogates."""
        ...

    def columns(self, connection: Any, table: str) -> set[str] | None:  # noqa: ANN401 - the driver's own
        """Return the columns of a table: None where there is none of that name, none of what is no plain table."""
        ...
