"""A SQLite file that holds a queue: opened with care, checked before it is trusted (SAFETY "SQLite").

No rule and no row is known here; every failure of the driver becomes an error a person can act on.
"""

from __future__ import annotations

import os
import sqlite3
import stat

from ops_checks.errors import InputError, OpsError, WriteError
from ops_checks.files.safe_open import FileKind, stat_regular
from ops_checks.model import FIELDS
from ops_checks.sanitize import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

DATABASE = FileKind("database", "name a SQLite database with --db, or run `ops-checks init`")
TABLE = "queue_items"
EVENTS = "queue_events"
ITEM_COLUMNS = frozenset({*FIELDS, "created_at", "updated_at"})
EVENT_COLUMNS = frozenset({"event_id", "item_id", "event_type", "payload_json", "created_at"})
_KEYS = {TABLE: "id", EVENTS: "event_id"}
_WRITES = (sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE)
#: How many virtual machine steps one change may take: a trigger that runs away is stopped.
_STEPS = 50_000_000
_STEPS_A_CALL = 1_000_000


def connect(path: str, timeout_s: float) -> sqlite3.Connection:
    """Open an existing database file, with everything off that a hostile one could use."""
    stat_regular(path, DATABASE)  # never opened as a file: closing that would drop SQLite's locks
    _must_have_files_of_its_own(path)
    uri = "file:" + _quoted(os.path.abspath(path)) + "?mode=rw"  # a file that may only be read is opened so by SQLite
    connection = sqlite3.connect(uri, uri=True, timeout=timeout_s, isolation_level=None)
    # EXTRA: a commit is the removal of the rollback journal, and only then on disk when the folder is too.
    for pragma in (
        "trusted_schema = OFF",
        "cell_size_check = ON",
        "mmap_size = 0",
        "foreign_keys = ON",
        "synchronous = EXTRA",
    ):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _quoted(path: str) -> str:
    """Quote what would end or extend the path of a URI: a `?` in a file's name must not become an option."""
    return os.fsencode(path).decode("latin-1").translate(_URI_ESCAPES)


#: Every byte that is no plain letter, digit or separator, percent-encoded (`urllib` costs more start-up than this).
_URI_ESCAPES = {byte: f"%{byte:02X}" for byte in range(256) if not (chr(byte).isascii() and chr(byte).isalnum())}
del _URI_ESCAPES[ord("/")]


def _must_have_files_of_its_own(path: str) -> None:
    """Raise InputError if a file in the place of SQLite's journal has another name too: it would be written over.

    Symlinks there SQLite does not follow.
    """
    for suffix in ("-wal", "-shm", "-journal"):
        beside = os.path.realpath(path) + suffix
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
    """Raise WriteError for a file with several hard links: by another of its names its journal is not found."""
    names = stat_regular(path, DATABASE).st_nlink
    if names > 1:
        raise WriteError(
            f"{visible(path)}: not written, because the file has {names} hard links and SQLite keeps its journal "
            "beside only one of them; use a symlink in place of the others"
        )


def commit(connection: sqlite3.Connection, path: str) -> None:
    """Commit. Where SQLite has given the transaction up itself, it may have done so on either side of the commit."""
    try:
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        if connection.in_transaction:  # busy, say: it is rolled back
            raise
        raise WriteError(
            f"{visible(path)}: the change may have been written, or not ({visible(str(error))}): "
            "check the disk, then look at the item"
        ) from error


def deny_triggers(action: int, table: str | None, _column: str | None, _base: str | None, trigger: str | None) -> int:
    """Let no trigger of the database write to the queue's tables: nobody would see what it does to other items."""
    meddles = trigger is not None and action in _WRITES and str(table).lower() in _KEYS
    return sqlite3.SQLITE_DENY if meddles else sqlite3.SQLITE_OK


def check_health(connection: sqlite3.Connection, path: str) -> None:
    """Raise InputError if the file's pages do not hold together: rows could be missing without a word."""
    rows = connection.execute("PRAGMA quick_check(1)").fetchall()
    if rows != [("ok",)]:
        found = visible(str(rows[0][0]).replace("\n", " ")) if rows else "no answer"
        raise InputError(f"{visible(path)}: the database is damaged ({found}): restore it from a copy")


def check_table(connection: sqlite3.Connection, path: str, table: str, columns: frozenset[str]) -> None:
    """Raise InputError unless a table of the queue is a plain table with the columns of FORMATS section 2."""
    found = connection.execute("SELECT type FROM pragma_table_list(?) WHERE schema = 'main'", (table,)).fetchall()
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


def columns_of(connection: sqlite3.Connection, table: str) -> set[str]:
    """Return the names of a table's stored columns; hidden and generated ones hold nothing of their own."""
    rows = connection.execute("SELECT lower(name) FROM pragma_table_xinfo(?) WHERE hidden = 0", (table,))
    return {name for (name,) in rows}


def data_version(connection: sqlite3.Connection) -> int:
    """Return a number that changes with every commit of another connection."""
    return int(connection.execute("PRAGMA data_version").fetchone()[0])


def stop_runaways(connection: sqlite3.Connection) -> None:
    """Stop a statement that takes more steps than any change of one item does."""
    calls = iter(range(_STEPS // _STEPS_A_CALL))
    connection.set_progress_handler(lambda: next(calls, None) is None, _STEPS_A_CALL)


class Translated:
    """Turn what the driver raises into errors a person can act on; a corrupt file raises more than `sqlite3.Error`."""

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
            raise _translate(self._path, str(error) or "no memory for it", writing=self._writing) from error


#: A damaged header makes SQLite ask for memory beyond all bounds, and that comes without a word.
_DRIVER_ERRORS = (sqlite3.Error, UnicodeError, OverflowError, ValueError, MemoryError)


def _translate(path: str, reason: str, *, writing: bool) -> OpsError:
    kind = WriteError if writing else InputError
    reason = visible(reason.replace("\n", " "))
    if "locked" in reason:
        return kind(
            f"{visible(path)}: another program holds the database: wait for it, or give --lock-timeout more seconds"
        )
    if "readonly" in reason or "read-only" in reason:
        return kind(f"{visible(path)}: may only be read by this user: ask its owner")
    if "not authorized" in reason:
        return kind(
            f"{visible(path)}: not written, because a trigger would write to {TABLE} or {EVENTS} as well: "
            "look at the triggers of these tables"
        )
    if "unable to open" in reason:
        return kind(f"{visible(path)}: cannot be opened: check its permissions and its folder's")
    return kind(f"{visible(path)}: {'nothing was written' if writing else 'cannot be read'} ({reason}): check the file")


def where(path: str, item_id: object) -> str:
    """Return a row as a message names it: file, table, id."""
    shown = visible(item_id) if isinstance(item_id, str) else ascii(item_id)
    return f"{visible(path)}:{TABLE}:{shown}"
