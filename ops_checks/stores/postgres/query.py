"""Run a statement of somebody else's on a server: it reads, within limits, and can do nothing else.

The transaction only reads, and its connection is closed after it. Both end a write; what a function does besides, such
as wait, hold a lock of a session or write a file, only its being declared VOLATILE tells.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import psycopg

from ops_checks.errors import InputError, LimitError, StatementError
from ops_checks.sanitize import visible
from ops_checks.stores.postgres.connection import Translated, quoted
from ops_checks.stores.query import Answer
from ops_checks.stores.statement import POSTGRES, read_statement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ops_checks.stores.postgres.connection import Session
    from ops_checks.stores.query import Limits, Values
    from ops_checks.stores.statement import Statement

_CURSOR = "ops_checks_rule"
_BATCH = 100
#: Names of functions of which one may do more than read; of those named here everybody knows that they do not.
_VOLATILE = (
    "SELECT DISTINCT proname::text FROM pg_catalog.pg_proc WHERE provolatile = 'v' AND proname = ANY (?::name[])"
)
_HARMLESS = frozenset(
    {"clock_timestamp", "gen_random_uuid", "random", "random_normal", "timeofday", "uuidv4", "uuidv7"}
)
#: Classes of errors that are about a statement (manual, appendix A): it does not parse, does not fit the tables, would
#: write, holds what is no number or time, is too complex.
_OF_STATEMENT = ("0A", "22", "25", "26", "2F", "34", "3D", "3F", "42", "54")
_OF_FUNCTIONS = ("21", "38", "39", "P0")
_NO_RIGHT = "42501"
_MISSING = ("42P01", "42703", "3F000")


def run_query(session: Session, text: str, values: Values, limits: Limits) -> Answer:
    """Return what a statement reads, in the session's transaction; its rows are to be read before that ends.

    Raises StatementError, LimitError, and InputError for what fails or cannot be read.
    """
    rows = _Query(session, read_statement(text, POSTGRES, values), limits).run()
    columns = next(rows)
    return Answer(tuple(str(each) for each in columns), rows)


class _Query:
    """One statement at work."""

    def __init__(self, session: Session, statement: Statement, limits: Limits) -> None:
        self._session = session
        self._statement = statement
        self._limits = limits
        self._until = time.monotonic() + limits.seconds

    def run(self) -> Iterator[tuple[object, ...]]:
        """Yield the names of the columns, then the rows, whose values are texts or None."""
        with Translated(self._session.name, writing=False):
            self._must_only_read()
            with self._cursor() as cursor:  # as it was given, so that the server says where it goes wrong
                self._declare(cursor, self._statement.text)
                columns = tuple(column.name for column in cursor.description or ())
            if not columns:
                raise StatementError("returns no column: expected an item's id in the first")
            yield columns
            with self._cursor() as cursor:
                self._declare(cursor, self._cut(len(columns)))
                yield from self._rows(cursor)

    def _cursor(self) -> psycopg.ServerCursor[tuple[object, ...]]:
        return self._session.driver.cursor(_CURSOR, scrollable=False)

    def _must_only_read(self) -> None:
        """Raise StatementError for a statement that calls a function of which the server does not know that."""
        # What a backslash in a string means decides where the string ends, here as on the server.
        self._session.execute("SELECT set_config('standard_conforming_strings', 'on', true)")
        found = {name for (name,) in self._session.execute(_VOLATILE, (sorted(self._statement.called),)).fetchall()}
        for name in sorted(found - _HARMLESS):
            line = self._statement.line_of(name)
            raise StatementError(f"{visible(name)}() may do more than read, for it is volatile: take it out", line)

    def _declare(self, cursor: psycopg.ServerCursor[tuple[object, ...]], text: str) -> None:
        """Have the server understand a statement, one by the extended protocol. Raises StatementError, LimitError."""
        self._bound()
        try:
            cursor.execute(text.encode())
        except psycopg.Error as error:
            said = self._said(error, _OF_STATEMENT)
            given = text is self._statement.text
            raise StatementError(
                f"{said} (PostgreSQL)", self._line(error) if given else None, missing=error.sqlstate in _MISSING
            ) from error

    def _line(self, error: psycopg.Error) -> int | None:
        place = int(error.diag.statement_position or 0)
        prefix = len(f"DECLARE {quoted(_CURSOR)} NO SCROLL CURSOR FOR ")
        return self._statement.text.count("\n", 0, max(0, place - 1 - prefix)) + 1 if place else None

    def _cut(self, columns: int) -> str:
        """Return the statement as its first columns in text, cut: one value may be larger than our memory."""
        names = [f"c{number}" for number in range(columns)]
        shown = ", ".join(f"left({name}::text, {self._limits.text + 1})" for name in names[: self._limits.columns])
        return f"SELECT {shown} FROM (\n{self._statement.text}\n) AS rule ({', '.join(names)})"

    def _rows(self, cursor: psycopg.ServerCursor[tuple[object, ...]]) -> Iterator[tuple[object, ...]]:
        """Yield the rows. Raises LimitError, and InputError where the statement fails on what it reads."""
        count = 0
        while rows := self._fetched(cursor):
            count += len(rows)
            if count > self._limits.rows:
                raise LimitError(f"returns more than {self._limits.rows} rows: ask for less")
            yield from rows

    def _fetched(self, cursor: psycopg.ServerCursor[tuple[object, ...]]) -> list[tuple[object, ...]]:
        self._bound()
        try:
            return cursor.fetchmany(_BATCH)
        except psycopg.Error as error:
            said = self._said(error, (*_OF_STATEMENT, *_OF_FUNCTIONS))
            raise InputError(f"failed: {said}: mend the statement or the rows") from error

    def _said(self, error: psycopg.Error, classes: tuple[str, ...]) -> str:
        """Return what the server says of a statement. Raises LimitError, and the error if it is of no such class."""
        if isinstance(error, psycopg.errors.QueryCanceled):
            raise self._too_slow() from error
        code = error.sqlstate or ""
        if code == _NO_RIGHT or not code.startswith(classes):
            raise error
        return visible(error.diag.message_primary or str(error))

    def _bound(self) -> None:
        """Let the next step end in time, whatever the statement has set meanwhile. Raises LimitError."""
        left_ms = int((self._until - time.monotonic()) * 1000)
        if left_ms <= 0:
            raise self._too_slow()
        self._session.execute(f"SET LOCAL statement_timeout = {left_ms}")

    def _too_slow(self) -> LimitError:
        return LimitError(f"takes more than {self._limits.seconds:g} s: ask for less")
