"""Open and check a SQLite queue file, and translate the errors of the driver (SAFETY "SQLite")."""

from __future__ import annotations

import os
import stat
import time

from ops_checks.errors import InputError, OpsError, WriteError
from ops_checks.files.safe_open import FileKind, stat_regular
from ops_checks.sanitize import visible
from ops_checks.stores.tables import EVENT_COLUMNS, EVENTS, ITEM_COLUMNS, TABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from types import TracebackType
    from typing import Any
else:
    import _sqlite3 as sqlite3  # `sqlite3` adapts dates too: `datetime` takes as long again

DATABASE = FileKind(
    "database",
    "name a SQLite database with --db, or run `ops-checks init`, with `--from PATH` if the other side has rows",
)
_KEYS = {TABLE: "id", EVENTS: "event_id"}
_WRITES = (sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE)
#: The most virtual machine steps of one change: a runaway trigger is stopped.
_STEPS = 50_000_000
_STEPS_A_CALL = 1_000_000
#: The part of an extended result code that is the same for every way of being busy.
_PRIMARY = 0xFF
#: When a row was made, as it is read: what is no text is no time, whatever its bytes look like.
MADE_AT = "CASE typeof(created_at) WHEN 'text' THEN created_at ELSE quote(created_at) END"
#: Pauses while another program holds a lock: from the shortest, up to so many nanoseconds longer.
_SHORTEST_PAUSE_S = 0.0002
_PAUSES_NS = 1_600_000


class WaitingConnection(sqlite3.Connection):
    """A connection that waits for other programs between statements of its own, `left_s` seconds in all.

    SQLite's own wait does not answer Ctrl-C before it ends, and asks so rarely, after a tenth of a second in the end,
    that a program which commits without a pause keeps a reader out: its gaps last for a millisecond.
    """

    left_s = 0.0
    #: The columns of tables, while nobody can have changed the schema; None where nobody saw to that.
    columns: dict[str, frozenset[str]] | None = None

    def execute(self, sql: str, parameters: Any = ()) -> sqlite3.Cursor:  # noqa: ANN401 - as sqlite3 has it
        """Carry out a statement; begin it again while another program's lock forbids it, for as long as is left."""
        while True:
            try:
                return super().execute(sql, parameters)
            except sqlite3.OperationalError as error:
                if self.left_s <= 0 or not _is_busy(error):
                    raise
            since = time.monotonic()
            time.sleep(_pause_s(since))
            self.left_s -= time.monotonic() - since


def _is_busy(error: sqlite3.OperationalError) -> bool:
    """Return whether another program's lock was in the way, so that the statement may succeed later."""
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & _PRIMARY == sqlite3.SQLITE_BUSY and code != sqlite3.SQLITE_BUSY_SNAPSHOT


def _pause_s(now_s: float) -> float:
    """Return how long to wait before asking again: not always as long, or it could miss every gap of a regular writer.

    `random` would take longer to import than the wait.
    """
    return _SHORTEST_PAUSE_S + now_s * 1e9 % _PAUSES_NS * 1e-9


def connect(path: str, timeout_s: float, *, writing: bool = False) -> WaitingConnection:
    """Open an existing database file, with the features disabled that a hostile file could use.

    `timeout_s` bounds the wait for other programs, in seconds and in all. Raises InputError, and `sqlite3.Error`.
    """
    connection = _opened(path, "rw", timeout_s)  # SQLite opens a read-only file for reading
    if writing:
        # EXTRA: a commit is the removal of the rollback journal, and only then on disk when the folder is too.
        connection.execute("PRAGMA synchronous = EXTRA")  # reads the schema: a reader need not wait for that twice
    else:
        connection.execute("PRAGMA query_only = ON")
    return connection


def connect_to_read(path: str, timeout_s: float) -> WaitingConnection:
    """Open it as `connect` does, and leave even what another program's crash left in it. Raises as `connect`."""
    return _opened(path, "ro", timeout_s)


def _opened(path: str, mode: str, timeout_s: float) -> WaitingConnection:
    must_have_no_leftovers(path)
    stat_regular(path, DATABASE)  # never opened as a file: closing that would drop SQLite's locks
    _must_have_unlinked_journals(path)
    uri = f"file:{_quoted(os.path.abspath(path))}?mode={mode}"
    connection = sqlite3.connect(uri, uri=True, timeout=0, isolation_level=None, factory=WaitingConnection)
    connection.left_s = timeout_s
    for pragma in ("trusted_schema = OFF", "cell_size_check = ON", "mmap_size = 0", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


class Soundness:
    """What was found sound: of which file the pages, which takes reading all of them, and which schema."""

    def __init__(self) -> None:
        self._file: tuple[int, int] | None = None
        self._schema: list[tuple[object, ...]] | None = None

    def check(self, connection: sqlite3.Connection, path: str) -> None:
        """Raise InputError for a damaged file, unless it was checked before; another one at the path was not."""
        state = os.stat(path)
        if self._file != (state.st_dev, state.st_ino):
            check_health(connection, path)
            self._file = (state.st_dev, state.st_ino)

    def check_tables(self, connection: sqlite3.Connection, path: str) -> None:
        """Raise InputError unless the tables of the queue are there and plain; the same schema is looked at once.

        All that makes a table one of the queue's follows from the texts of the schema.
        """
        images = ", ".join(f"CAST({name} AS BLOB)" for name in ("type", "name", "tbl_name", "sql"))  # of any encoding
        schema = connection.execute(f"SELECT {images} FROM sqlite_schema").fetchall()
        if self._schema != schema:
            check_table(connection, path, TABLE, ITEM_COLUMNS)
            check_table(connection, path, EVENTS, EVENT_COLUMNS)
            self._schema = schema


def open_queue(path: str, timeout_s: float, begin: str, soundness: Soundness, *, writing: bool) -> WaitingConnection:
    """Open a queue database and begin a transaction on its tables, both of which are there and plain.

    Raises InputError, WriteError, and `sqlite3.Error`.
    """
    connection = connect(path, timeout_s, writing=writing)
    try:
        if writing:
            must_have_one_name(path)
            connection.set_authorizer(deny_triggers)
        soundness.check(connection, path)
        connection.execute(begin)
        soundness.check_tables(connection, path)
    except BaseException:  # KeyboardInterrupt too: nobody else closes it then
        connection.close()
        raise
    return connection


def must_have_no_leftovers(path: str) -> None:
    """Raise InputError for a database that is not there while its journal is: rows may be in that."""
    if os.path.lexists(path):
        return
    for suffix in ("-wal", "-journal"):
        if os.path.exists(path + suffix):
            raise InputError(
                f"{visible(path)}: no such database, but {visible(path + suffix)} is there and may have its newest "
                "rows: put the database back beside it, and never one without the other"
            )


def _quoted(path: str) -> str:
    """Percent-encode a path for a URI: a `?` in a file's name must not begin the URI's options."""
    return os.fsencode(path).decode("latin-1").translate(_URI_ESCAPES)


#: Every byte that is no plain letter, digit or separator, percent-encoded (`urllib` costs more start-up than this).
_URI_ESCAPES = {byte: f"%{byte:02X}" for byte in range(256) if not (chr(byte).isascii() and chr(byte).isalnum())}
del _URI_ESCAPES[ord("/")]


def _must_have_unlinked_journals(path: str) -> None:
    """Raise InputError if a journal file of SQLite has several hard links: all of them would be overwritten.

    SQLite itself does not follow symlinks there.
    """
    real = os.path.realpath(path)
    for suffix in ("-wal", "-shm", "-journal"):
        beside = real + suffix
        try:
            state = os.lstat(beside)
        except OSError:  # as a rule it is not there
            continue
        if stat.S_ISREG(state.st_mode) and state.st_nlink > 1:
            raise InputError(
                f"{visible(beside)}: has {state.st_nlink} hard links, and SQLite would write over all of them: "
                "find out who made them"
            )


def must_have_one_name(path: str) -> None:
    """Raise WriteError for a file with several hard links: SQLite finds its journal by only one of the names."""
    names = stat_regular(path, DATABASE).st_nlink
    if names > 1:
        raise WriteError(
            f"{visible(path)}: not written, because the file has {names} hard links and SQLite keeps its journal "
            "beside only one of them; use a symlink in place of the others"
        )


def commit(connection: sqlite3.Connection, path: str) -> None:
    """Commit. Raises WriteError if SQLite ended the transaction by itself: it may or may not be committed."""
    try:
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        if connection.in_transaction:  # such as busy: the caller rolls it back
            raise
        raise WriteError(
            f"{visible(path)}: the change may have been written, or not ({visible(str(error))}): "
            "check the disk, then look at the item"
        ) from error


def deny_triggers(action: int, table: str | None, _column: str | None, _base: str | None, trigger: str | None) -> int:
    """Authorize every action but a trigger's write to the queue's tables, which would change other items unseen.

    An authorizer callback of `sqlite3`: returns SQLITE_OK or SQLITE_DENY.
    """
    denied = trigger is not None and action in _WRITES and str(table).lower() in _KEYS
    return sqlite3.SQLITE_DENY if denied else sqlite3.SQLITE_OK


def check_health(connection: sqlite3.Connection, path: str) -> None:
    """Raise InputError if SQLite's quick check finds damage: rows could be missing without an error."""
    rows = connection.execute("PRAGMA quick_check(1)").fetchall()
    if rows != [("ok",)]:
        found = visible(str(rows[0][0]).replace("\n", " ")) if rows else "no answer"
        raise InputError(f"{visible(path)}: the database is damaged ({found}): restore it from a copy")


def check_table(connection: sqlite3.Connection, path: str, table: str, columns: frozenset[str]) -> None:
    """Raise InputError unless a table of the queue is a plain table with the columns of FORMATS section 2."""
    found = connection.execute("SELECT type FROM pragma_table_list(?) WHERE schema = 'main'", (table,)).fetchall()
    if not found and not os.stat(path).st_size:
        raise InputError(
            f"{visible(path)}: no table {table}, because the file is empty, as a failed copy or a mistyped path leaves "
            "one: name the queue database with --db, or restore it from a copy"
        )
    if not found:
        raise InputError(f"{visible(path)}: no table {table}: name a queue database with --db")
    if found != [("table",)]:
        raise InputError(f"{visible(path)}: {table} is a {found[0][0]}: expected a table")
    missing = sorted(columns - columns_of(connection, table))
    if missing:
        raise InputError(f"{visible(path)}: {table} has no column {', '.join(missing)}: expected the queue's schema")
    keys = connection.execute("SELECT lower(name) FROM pragma_table_info(?) WHERE pk > 0", (table,)).fetchall()
    if keys != [(_KEYS[table],)]:
        raise InputError(
            f"{visible(path)}: the primary key of {table} is not {_KEYS[table]}: expected the queue's schema"
        )


def columns_of(connection: sqlite3.Connection, table: str) -> frozenset[str]:
    """Return the names, in lower case, of a table's columns, without the hidden and generated ones."""
    known = connection.columns if isinstance(connection, WaitingConnection) else None
    if known is not None and table in known:
        return known[table]
    rows = connection.execute("SELECT lower(name) FROM pragma_table_xinfo(?) WHERE hidden = 0", (table,))
    columns = frozenset(name for (name,) in rows)
    if known is not None:
        known[table] = columns
    return columns


def data_version(connection: sqlite3.Connection) -> int:
    """Return SQLite's data version, which changes with every commit of another connection."""
    return int(connection.execute("PRAGMA data_version").fetchone()[0])


def stop_runaways(connection: sqlite3.Connection) -> None:
    """Interrupt statements after more virtual machine steps than any change of one item needs."""
    calls = iter(range(_STEPS // _STEPS_A_CALL))
    connection.set_progress_handler(lambda: next(calls, None) is None, _STEPS_A_CALL)


class Translated:
    """Context manager that translates errors of the driver: to WriteError if `writing`, else to InputError.

    A corrupt file raises more than `sqlite3.Error`.
    """

    def __init__(self, path: str, *, writing: bool) -> None:
        self._path = path
        self._writing = writing

    def __enter__(self) -> None:
        """Enter the block."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Raise the translated error in place of the driver's."""
        if isinstance(error, _DRIVER_ERRORS) and not isinstance(error, OpsError):
            from ops_checks.stores.sqlite.causes import translate

            raise translate(self._path, error, writing=self._writing) from error


#: A damaged header makes SQLite allocate memory beyond all bounds: a MemoryError without a message.
_DRIVER_ERRORS = (sqlite3.Error, UnicodeError, OverflowError, ValueError, MemoryError)
