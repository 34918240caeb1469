"""Run a statement of somebody else's on a database of SQLite: it reads, within limits, and can do nothing else.

SQLite asks here, before a statement runs, about all that it would do (https://www.sqlite.org/c3ref/set_authorizer.html):
what is not known to be harmless is denied. What takes long is stopped by its progress handler.
"""

from __future__ import annotations

import sqlite3
import sys
import time
from contextlib import suppress
from importlib import resources
from resource import RUSAGE_SELF, getrusage
from typing import TYPE_CHECKING

from ops_checks.errors import InputError, LimitError, StatementError
from ops_checks.model import FIELDS
from ops_checks.sanitize import visible
from ops_checks.stores.query import Answer, Limits
from ops_checks.stores.sqlite.connection import Translated
from ops_checks.stores.sqlite.with_tables import copies
from ops_checks.stores.statement import SQLITE, read_statement
from ops_checks.stores.tables import TABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import TracebackType
    from typing import Any, Self

    from ops_checks.model import Item
    from ops_checks.stores.query import Values
    from ops_checks.stores.statement import Statement

#: Steps of SQLite's virtual machine between two looks at the clock: some microseconds.
_STEPS_A_CALL = 200
#: By so much the process may grow meanwhile, in bytes: a million rows are sorted in a third of it.
_MOST_MEMORY = 512 * 2**20
#: A text or a row of more bytes is an error: a function that searches one is not interrupted, and takes seconds then.
_MOST_BYTES = 500_000
_NO_MEMORY = "takes more memory than there is: ask for less"
#: So many copies of the tables of WITH clauses take some megabytes, and a moment.
_MOST_COPIES = 2000
#: What SQLite itself limits (https://www.sqlite.org/limits.html), to bound what one step can take.
_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: _MOST_BYTES,
    sqlite3.SQLITE_LIMIT_COLUMN: 200,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 200,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 100,
    sqlite3.SQLITE_LIMIT_FUNCTION_ARG: 50,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 1000,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 1,
    sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER: 0,
}
#: The functions that compute and do nothing else (https://www.sqlite.org/lang.html); `printf` may take minutes to.
_COMPUTING = (
    "-> ->> abs acos acosh asin asinh atan atan2 atanh avg ceil ceiling char coalesce concat concat_ws cos cosh count "
    "cume_dist current_date current_time current_timestamp date datetime degrees dense_rank exp first_value floor "
    "glob group_concat hex if ifnull iif instr json json_array json_array_length json_error_position "
    "json_extract json_group_array json_group_object json_insert json_object json_patch json_pretty json_quote "
    "json_remove json_replace json_set json_type json_valid jsonb jsonb_array jsonb_extract jsonb_group_array "
    "jsonb_group_object jsonb_insert jsonb_object jsonb_patch jsonb_remove jsonb_replace jsonb_set julianday lag "
    "last_value lead length like likelihood likely ln log log10 log2 lower ltrim max median min mod nth_value ntile "
    "nullif octet_length percent_rank percentile percentile_cont percentile_disc pi pow power quote radians "
    "random randomblob rank replace round row_number rtrim sign sin sinh soundex sqlite_version sqrt strftime "
    "string_agg substr substring subtype sum tan tanh time timediff total trim trunc typeof unhex unicode unistr "
    "unistr_quote unixepoch unlikely upper zeroblob"
)
_FUNCTIONS = frozenset(_COMPUTING.split())
#: Tables that are made of a text of JSON, and what tells which tables there are.
_OF_JSON = frozenset({"json_each", "json_tree"})
_READABLE = _OF_JSON | {"sqlite_master", "sqlite_schema"}
_WRITING = (
    *("INSERT", "UPDATE", "DELETE", "ATTACH", "DETACH", "PRAGMA"),
    *("TRANSACTION", "SAVEPOINT", "ANALYZE", "REINDEX"),
)
_ACTIONS = {getattr(sqlite3, f"SQLITE_{name}"): name for name in _WRITING}
#: What goes wrong with the file that is read; everything else does with the statement.
_FILE = "INTERNAL PERM BUSY LOCKED NOMEM READONLY IOERR CORRUPT FULL CANTOPEN PROTOCOL EMPTY SCHEMA NOLFS NOTADB"
_OF_FILE = frozenset(getattr(sqlite3, f"SQLITE_{name}") for name in _FILE.split())
_MISSING = ("no such table", "no such column", "no such view")
#: How SQLite names what it stumbled over.
_STUMBLED = ('near "', 'unrecognized token: "', "no such column: ", "no such table: ", "no such function: ")


def run_query(connection: sqlite3.Connection, name: str, text: str, values: Values, limits: Limits) -> Answer:
    """Return what a statement reads, on a connection in a transaction; its rows are to be read before that ends.

    `name` is the database's for people. Raises StatementError, LimitError, and InputError for what cannot be read.
    """
    rows = _run(connection, name, read_statement(text, SQLITE, values), limits)
    columns = next(rows)
    return Answer(tuple(str(each) for each in columns), rows)


def _run(
    connection: sqlite3.Connection, name: str, statement: Statement, limits: Limits
) -> Iterator[tuple[object, ...]]:
    """Yield the names of the columns, then the rows."""
    with Translated(name, writing=False), _Guard(connection, limits) as guard:
        _prepare(connection, statement, guard)
        cursor = guard.run(lambda: connection.execute(statement.text))
        yield tuple(column for column, *_ in cursor.description)
        count = 0
        while (row := guard.run(cursor.fetchone)) is not None:
            count += 1
            if count > limits.rows:
                raise LimitError(f"returns more than {limits.rows} rows: ask for less")
            yield row[: limits.columns]


def _prepare(connection: sqlite3.Connection, statement: Statement, guard: _Guard) -> None:
    """Raise StatementError for a statement that SQLite does not understand, or that would do more than read."""
    if copies(statement.tokens, _MOST_COPIES) == _MOST_COPIES:
        raise StatementError(f"uses its WITH tables {_MOST_COPIES} times or more, all in all: ask for less")
    try:
        connection.execute(f"EXPLAIN {statement.text}").fetchall()
    except MemoryError as error:
        raise LimitError(_NO_MEMORY) from error
    except sqlite3.Error as error:
        guard.raise_reason(error)
        if _code(error) in _OF_FILE:
            raise
        raise _statement_error(statement, guard.denied, str(error)) from error


def _code(error: sqlite3.Error) -> int:
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    return code & 0xFF


def _statement_error(statement: Statement, denied: str, said: str) -> StatementError:
    word = next((said.partition(begin)[2] for begin in _STUMBLED if begin in said), "")
    word = word.partition('"')[0].rpartition(".")[2]
    said += "; a text stands in single quotes" if f'"{word}"' in statement.given else ""
    message = denied or f"{visible(said)} (SQLite {sqlite3.sqlite_version})"
    return StatementError(message, statement.line_of(word) if word else None, missing=said.startswith(_MISSING))


class _Guard:
    """While it is entered, a connection can only read, and is stopped where that takes more than it may.

    `denied` says what was denied first; `noted` is what is read, as pairs of table and column.
    """

    def __init__(self, connection: sqlite3.Connection, limits: Limits) -> None:
        self.denied = ""
        self.noted: set[tuple[str, str]] = set()
        self._connection = connection
        self._limits = limits
        self._until = time.monotonic() + limits.seconds
        self._most_memory = _memory() + _MOST_MEMORY
        self._reason = ""
        self._before: dict[int, int] = {}
        self._tables: frozenset[str] = frozenset()

    def __enter__(self) -> Self:
        """Watch the connection."""
        connection = self._connection
        self._tables = _readable(connection)
        for table in _OF_JSON:  # SQLite declares them at their first use, which would be denied
            with suppress(sqlite3.Error):  # not there, or a table of the queue's own
                connection.execute(f"SELECT 1 FROM {table}('[]')").fetchall()
        self._before = {limit: connection.setlimit(limit, most) for limit, most in _LIMITS.items()}
        connection.text_factory = _shown
        connection.set_authorizer(self._authorize)
        connection.set_progress_handler(self._must_stop, _STEPS_A_CALL)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the connection as it was, unless it is closed."""
        connection = self._connection
        with suppress(sqlite3.ProgrammingError):
            connection.set_progress_handler(None, 0)
            connection.set_authorizer(None)
            connection.text_factory = str
            for limit, most in self._before.items():
                connection.setlimit(limit, most)

    def run(self, work: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever SQLite returns
        """Return what a part of the work returns. Raises LimitError, and InputError where the statement fails."""
        try:
            return work()
        except MemoryError as error:
            raise LimitError(_NO_MEMORY) from error
        except sqlite3.Error as error:
            self.raise_reason(error)
            if _code(error) == sqlite3.SQLITE_TOOBIG:
                raise LimitError(f"meets a value of more than {_MOST_BYTES} bytes: ask for less") from error
            if _code(error) in _OF_FILE:
                raise
            raise InputError(f"failed: {self.denied or visible(str(error))}: mend the statement or the rows") from error

    def raise_reason(self, error: sqlite3.Error) -> None:
        """Raise LimitError if the statement was stopped for what it took, KeyboardInterrupt if it was by Ctrl-C."""
        if self._reason:
            raise LimitError(f"{self._reason}: ask for less")
        stopped = _code(error) == sqlite3.SQLITE_INTERRUPT
        if stopped or (_code(error) == sqlite3.SQLITE_AUTH and not self.denied):  # raised inside of a callback
            raise KeyboardInterrupt from error

    def _must_stop(self) -> bool:
        if time.monotonic() > self._until:
            self._reason = f"takes more than {self._limits.seconds:g} s"
        elif _memory() > self._most_memory:
            self._reason = f"takes more than {_MOST_MEMORY >> 20} MB of memory"
        return bool(self._reason)

    def _authorize(self, action: int, one: str | None, two: str | None, *_: str | None) -> int:
        """Answer SQLite whether a statement may do what it would do."""
        if self._must_stop():  # while it is parsed, SQLite asks nothing else
            return sqlite3.SQLITE_DENY
        denied = self._denied(action, one or "", two or "")
        self.denied = self.denied or denied
        return sqlite3.SQLITE_DENY if denied else sqlite3.SQLITE_OK

    def _denied(self, action: int, one: str, two: str) -> str:
        """Return what is denied, empty for what is allowed."""
        if action in (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_RECURSIVE):
            return ""
        if action == sqlite3.SQLITE_READ:
            self.noted.add((one.lower(), two.lower()))
            known = one.lower() in self._tables
            return "" if known else f"{visible(one)} is no plain table: a rule reads those only"
        if action == sqlite3.SQLITE_FUNCTION:
            known = two.lower() in _FUNCTIONS
            return "" if known else f"{visible(two)}() is no function that a rule may call: take it out"
        if one == "sqlite_master" and action == sqlite3.SQLITE_UPDATE:  # it declares one of its own
            return "a table that SQLite makes up is no plain table: a rule reads those only"
        return f"{_ACTIONS.get(action, 'something else')}: a rule only reads"


def _readable(connection: sqlite3.Connection) -> frozenset[str]:
    """Return the names, in lower case, of what may be read: no virtual table, whatever it is called."""
    query = "SELECT lower(name), type IN ('table', 'view') FROM pragma_table_list WHERE schema = 'main'"
    found = dict(connection.execute(query))
    return frozenset(name for name, plain in found.items() if plain) | (_READABLE - found.keys())


def _memory() -> int:
    """Return the most bytes that the process has held."""
    return getrusage(RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _shown(text: bytes) -> str:
    return text.decode("utf-8", "backslashreplace")


class MemoryQueue:
    """A queue in memory, with the tables of FORMATS section 2: for a document, or for a statement alone.

    A context manager. `name` is what people know its rows by.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._connection = sqlite3.connect(":memory:", isolation_level=None)
        schema = resources.files("ops_checks.stores.sqlite").joinpath("schema.sql").read_text(encoding="utf-8")
        self._connection.executescript(schema)

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the memory back."""
        self._connection.close()

    def add(self, rows: Iterable[tuple[int, Item]]) -> int:
        """Add items, each with its number, and return how many there are."""
        names = ", ".join(("rowid", *FIELDS, "created_at", "updated_at"))
        insert = f"INSERT INTO {TABLE} ({names}) VALUES (?{', ?' * len(FIELDS)}, '', '')"
        return self._connection.executemany(insert, ((number, *item) for number, item in rows)).rowcount

    def number(self, item_id: str) -> int | None:
        """Return the number of an item, None for one that is not there."""
        row = self._connection.execute(f"SELECT rowid FROM {TABLE} WHERE id = ?", (item_id,)).fetchone()
        return None if row is None else int(row[0])

    def query(self, statement: str, values: Values, limits: Limits = Limits()) -> Answer:  # noqa: B008 - a tuple
        """Return what a statement reads, see `run_query`."""
        return run_query(self._connection, self._name, statement, values, limits)

    def reads(self, statement: str, values: Values) -> set[tuple[str, str]]:
        """Return what a statement reads of tables, as pairs of table and column, without running it.

        Raises StatementError.
        """
        with _Guard(self._connection, Limits()) as guard:
            _prepare(self._connection, read_statement(statement, SQLITE, values), guard)
        return {(table, column) for table, column in guard.noted if table not in _OF_JSON}
