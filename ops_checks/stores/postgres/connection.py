"""Connect to a queue in PostgreSQL, and translate the errors of the driver (SAFETY "PostgreSQL")."""

from __future__ import annotations

import select
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import psycopg

from ops_checks.errors import InputError, OpsError
from ops_checks.sanitize import visible
from ops_checks.stores.postgres.catalog import QUEUE, look_up, must_be_queue_table, not_found
from ops_checks.stores.postgres.location import unreadable
from ops_checks.stores.tables import TABLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType

    from ops_checks.stores.postgres.catalog import Table
    from ops_checks.stores.postgres.location import ServerLocation

#: Servers that their makers no longer mend are refused: what is relied on here is promised from this one on.
_OLDEST = 130000
_CONNECT_TIMEOUT_S = 10
#: After so many seconds of silence the other host is asked whether it is still there.
_SILENT_S = 30
#: The longest statement, and the longest silence inside a transaction, in milliseconds: a reader may be held up by who
#: reads its output; a writer that has gone must not keep its locks.
_READING_MS = (600_000, 600_000)
WRITING_MS = (60_000, 120_000)
#: What is reported as written is on the server's disk, whatever its administrator prefers for others.
_DURABLE = (
    "set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' "
    "ELSE current_setting('synchronous_commit') END, true)"
)
#: Rows fetched at a time.
_BATCH = 500


class Session:
    """One connection to the server of a queue, on which one transaction after the other is begun.

    Values stand as `?` in a statement, as in every other database here.
    """

    def __init__(self, location: ServerLocation, timeout_s: float) -> None:
        self.name = str(location)
        self._timeout_s = timeout_s
        self.schema = location.schema
        self._connection = connect(location)
        self._tables: dict[str, Table | None] = {}
        try:
            self._must_be_known()
        except BaseException:  # KeyboardInterrupt too: nobody else closes it then
            self.close()
            raise

    @property
    def driver(self) -> psycopg.Connection[Any]:
        """The driver's connection."""
        return self._connection

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> psycopg.Cursor[Any]:
        """Carry out a statement. Raises the driver's errors."""
        return self._connection.execute(marked(sql), parameters or None)

    def stream(self, sql: str, parameters: Sequence[Any] = ()) -> Iterator[Any]:
        """Stream the rows of a query in little memory. Raises the driver's errors."""
        for rows in self.batches(sql, parameters):
            yield from rows

    def batches(self, sql: str, parameters: Sequence[Any] = (), *, binary: bool = False) -> Iterator[list[Any]]:
        """Stream the rows of a query in lists; `binary`: as bytes cost least. Raises the driver's errors."""
        with self._connection.cursor(_cursor_name()) as cursor:
            cursor.execute(marked(sql), parameters or None, binary=binary)
            while rows := cursor.fetchmany(_BATCH):
                yield rows

    def begin(self, *, writing: bool, snapshot: str = "", queue: bool = True) -> None:
        """Begin a transaction: one that reads sees one state of the queue from its first statement on.

        `snapshot`: the exported state that it is to see; `queue`: its tables must be there. Raises InputError for what
        is no queue, or one of which this user is shown only a part.
        """
        if writing and self._connection.info.parameter_status("in_hot_standby") == "on":
            # Told by servers from 14 on. What fails later is called read-only only, which may have other reasons.
            raise psycopg.errors.ReadOnlySqlTransaction("the server is in recovery")
        found = self._tables.get(TABLE)
        # What is made beside the queue's tables is made in their schema, where everybody else finds it too.
        schema = quoted(self.schema) if self.schema else found.schema if writing and found else None
        self._connection.execute(_beginning(self._timeout_s, schema, snapshot, writing=writing))
        if queue and not self._tables:
            self.must_be_queue()
        if writing and schema is None and (found := self._tables.get(TABLE)):
            self._connection.execute(f"SELECT {_first_in_path(found.schema)}".encode())

    def end(self) -> None:
        """Roll back what was not committed, and keep the connection."""
        if not self.closed and self._connection.info.transaction_status:
            self._connection.execute("ROLLBACK")

    def lost(self) -> bool:
        """Return whether the connection is gone, also where the server has ended it while nothing was asked of it."""
        try:
            # What the server says before it hangs up is read first, and only then its end is seen.
            while not self.closed and select.select([self._connection.pgconn.socket], [], [], 0)[0]:
                self._connection.pgconn.consume_input()
        except psycopg.Error:
            self.close()
        return self.closed

    def qualified(self, table: str) -> str:
        """Return the name of a table by which another connection finds it too."""
        return f"{quoted(self.schema)}.{table}" if self.schema else table

    @property
    def closed(self) -> bool:
        """Whether the connection is gone."""
        return self._connection.closed or self._connection.broken

    def close(self) -> None:
        """Close the connection; what was not committed is rolled back."""
        self._connection.close()

    def columns_of(self, table: str) -> set[str] | None:
        """Return the columns of a table: None where there is none of that name, none of what is no plain table."""
        if table not in self._tables:
            self._tables[table] = look_up(self._connection, table, self.schema)
        found = self._tables[table]
        if found is None:
            return None
        return set(found.columns) if found.plain else set()

    def type_of(self, table: str, column: str) -> str | None:
        """Return the type of a column as SQL names it, None for one that is not there."""
        found = self._tables.get(table)
        return None if found is None else found.columns.get(column)

    def forget(self, table: str) -> None:
        """Ask anew what a table is: it was made meanwhile."""
        self._tables.pop(table, None)

    def _must_be_known(self) -> None:
        """Raise InputError for a server that is too old."""
        version = self._connection.info.server_version
        if version < _OLDEST:
            raise InputError(
                f"{visible(self.name)}: PostgreSQL {version // 10000} is too old: expected {_OLDEST // 10000} or newer"
            )

    def must_be_queue(self) -> None:
        """Raise InputError unless the tables of a queue are there and sound, and this user is shown all of them."""
        for table in QUEUE:
            found = self._tables[table] = look_up(self._connection, table, self.schema)
            if found is None:
                raise not_found(self._connection, self.name, table, self.schema)
            must_be_queue_table(self.name, table, found)

    def fires(self) -> bool:
        """Return whether triggers of the queue's tables may write when something is written."""
        return any(found is None or found.fires for found in map(self._tables.get, QUEUE))


def connect(location: ServerLocation, timeout_s: int = _CONNECT_TIMEOUT_S) -> psycopg.Connection[Any]:
    """Return a connection to the server of a location, by libpq's conventions. Raises `psycopg.Error`, UsageError.

    A password comes from where libpq finds it; nothing of the location is shown in the server's lists.
    """
    from psycopg.conninfo import conninfo_to_dict

    try:
        given = conninfo_to_dict(location.conninfo)
    except psycopg.ProgrammingError:  # it quotes the text, in which there may be anything
        raise unreadable() from None
    settings = {
        "application_name": "ops-checks",
        "connect_timeout": timeout_s,
        "keepalives_idle": _SILENT_S,  # a host that vanishes says nothing, and would be waited for for hours
        "tcp_user_timeout": 2 * _SILENT_S * 1000,
    }
    return psycopg.connect(
        location.conninfo,
        autocommit=True,  # each transaction is begun and ended by a statement of its own
        prepare_threshold=None,  # a connection pooler may hand the next transaction to another server process
        client_encoding="utf8",  # whatever the user has set: bytes of a stream are decoded here
        **{name: value for name, value in settings.items() if name not in given},  # type: ignore[arg-type]
    )


class Translated:
    """Context manager that translates errors of the driver: to WriteError if `writing`, else to InputError."""

    def __init__(self, name: str, *, writing: bool) -> None:
        self._name = name
        self._writing = writing

    def __enter__(self) -> None:
        """Enter the block."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Raise the translated error in place of the driver's."""
        if isinstance(error, (psycopg.Error, UnicodeError)) and not isinstance(error, OpsError):
            from ops_checks.stores.postgres.causes import translate

            raise translate(self._name, error, writing=self._writing) from None


@lru_cache(maxsize=128)
def marked(sql: str) -> bytes:
    """Return a statement with the driver's marks for values."""
    return sql.replace("%", "%%").replace("?", "%s").encode()


def _cursor_name() -> str:
    return f"ops_checks_{next(_NUMBERS)}"


def _numbers() -> Iterator[int]:
    number = 0
    while True:
        number += 1
        yield number


_NUMBERS = _numbers()


@lru_cache(maxsize=8)
def _beginning(lock_timeout_s: float, schema: str | None, snapshot: str, *, writing: bool) -> bytes:
    """Return the statements that begin a transaction, with its settings; `schema` is first in its search path."""
    statement_ms, silence_ms = WRITING_MS if writing else _READING_MS
    mode = "" if writing else " ISOLATION LEVEL REPEATABLE READ READ ONLY"
    settings = {
        "statement_timeout": statement_ms,
        "lock_timeout": max(1, int(lock_timeout_s * 1000)),
        "idle_in_transaction_session_timeout": silence_ms,
    }
    set_all = "".join(f", set_config('{name}', '{value}', true)" for name, value in settings.items())
    set_all += f", {_DURABLE}" if writing else ""
    imported = f"; SET TRANSACTION SNAPSHOT {_literal(snapshot)}" if snapshot else ""
    return f"BEGIN{mode}{imported}; SELECT {_first_in_path(schema) if schema else 'NULL'}{set_all}".encode()


def _first_in_path(schema: str) -> str:
    """Return the SQL that has the tables of a schema found first; what triggers look for is found as before."""
    path = "nullif(current_setting('search_path'), '')"
    return f"set_config('search_path', concat_ws(', ', {_literal(schema)}, {path}), true)"


def _literal(text: str) -> str:
    """Return a text as SQL writes it: a list of statements takes no values."""
    from psycopg.sql import Literal

    return Literal(text).as_string(None)


def quoted(name: str) -> str:
    """Return a name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'
