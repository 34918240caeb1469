"""The queue database: read in one transaction, changed by compare-and-set (FORMATS section 2, SAFETY "SQLite")."""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import contextmanager

from ops_checks.errors import InputError, OpsError, RefusedError, WriteError
from ops_checks.model import DASHED, FIELDS, NOTHING, PRIORITIES, STATUSES, Item
from ops_checks.queues.changes import Reliability
from ops_checks.queues.table import MAX_DEFECTS, render_row
from ops_checks.text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Any, Self

    from ops_checks.findings import Place
    from ops_checks.queues.changes import Change, Decide

_TABLE = "queue_items"
_EVENTS = "queue_events"
_RELIABILITY = ("lease_owner", "lease_expires_at", "attempt_count", "max_attempts")
_KEYS = {_TABLE: "id", _EVENTS: "event_id"}
_WRITES = (sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE)
_ITEM_COLUMNS = frozenset({*FIELDS, "created_at", "updated_at"})
_EVENT_COLUMNS = frozenset({"event_id", "item_id", "event_type", "payload_json", "created_at"})
_PIPES = len(FIELDS) + 1
_CELLS = ", ".join(FIELDS)
_STATUSES = frozenset(STATUSES)
_PRIORITIES = frozenset(PRIORITIES)
_MOST_ATTEMPTS = 1_000_000
#: How many virtual machine steps one change may take: a trigger that runs away is stopped.
_STEPS = 50_000_000
_STEPS_A_CALL = 1_000_000


class SqliteQueue:
    """The queue in a SQLite file at `path`; `lock_timeout_s` bounds the wait for other writers."""

    kind = "db"

    def __init__(self, path: str, *, lock_timeout_s: float) -> None:
        self.path = path
        self._lock_timeout_s = lock_timeout_s
        self._sound = False

    def view(self) -> SqliteView:
        """Return a view of the database as it is when the view is entered."""
        return SqliteView(self.path, self._lock_timeout_s)

    def preview(self, item_id: str, decide: Decide) -> Change:
        """Decide on an item and write nothing. Raises what `change` raises."""
        with self._transaction("BEGIN", writing=False) as connection:
            return decide(*self._read(connection, item_id))

    def change(self, item_id: str, decide: Decide) -> Change:
        """Decide on an item inside a write transaction, and write the change and its event with it.

        Raises RefusedError (unknown id, or as `decide`), InputError (missing, malformed, another
        schema), WriteError (lock not had in time, disk, a trigger that undoes the change). Then
        nothing has changed.
        """
        with self._transaction("BEGIN IMMEDIATE", writing=True) as connection:
            item, reliability = self._read(connection, item_id)
            change = decide(item, reliability)
            self._write(connection, change, reliability)
            return change

    @contextmanager
    def _transaction(self, begin: str, *, writing: bool) -> Iterator[sqlite3.Connection]:
        with _translated(self.path, writing=writing):
            connection = _connect(self.path, self._lock_timeout_s)
            try:
                if writing:
                    _must_have_one_name(self.path)
                    connection.set_authorizer(_deny_triggers)
                else:
                    connection.execute("PRAGMA query_only = ON")
                if not self._sound:  # once for each queue that was opened: it reads the whole file
                    _check_health(connection, self.path)
                    self._sound = True
                _stop_runaways(connection)
                connection.execute(begin)
                _check_table(connection, self.path, _TABLE, _ITEM_COLUMNS)
                _check_table(connection, self.path, _EVENTS, _EVENT_COLUMNS)
                yield connection
                _commit(connection, self.path)
            finally:
                connection.close()  # what was not committed is rolled back

    def _read(self, connection: sqlite3.Connection, item_id: str) -> tuple[Item, Reliability]:
        present = _columns(connection, _TABLE)
        absent = tuple(name for name in _RELIABILITY if name not in present)
        extra = ", ".join("NULL" if name in absent else name for name in _RELIABILITY)
        query = f"SELECT {_CELLS}, {extra} FROM {_TABLE} WHERE id = ?"  # noqa: S608 - names from our own list
        rows = connection.execute(query, (item_id,)).fetchall()
        if not rows:
            raise RefusedError(f"{visible(self.path)}: no item {visible(item_id)}: see the ids in {_TABLE}")
        cells, lease = rows[0][: len(FIELDS)], rows[0][len(FIELDS) :]
        defect = _row_defect(cells) or _reliability_defect(lease, absent)
        if defect:
            raise InputError(f"{_where(self.path, item_id)}: {defect}")
        owner, expires, attempts, most = lease
        return _item(cells), Reliability(
            lease_owner=owner,
            lease_expires_at=expires,
            attempt_count=attempts or 0,
            max_attempts=most or 0,
            absent=absent,
        )

    def _write(self, connection: sqlite3.Connection, change: Change, reliability: Reliability) -> None:
        columns = _new_columns(change, reliability)
        seen = {name: value for name, value in zip(FIELDS, change.before, strict=True) if name not in DASHED}
        seen |= {name: getattr(reliability, name) for name in _RELIABILITY if name not in reliability.absent}
        sets = ", ".join(f"{name} = ?" for name in columns)
        same = " AND ".join(f"{name} IS ?" for name in seen)
        statement = f"UPDATE {_TABLE} SET {sets} WHERE {same}"  # noqa: S608 - names from our own list
        updated = connection.execute(statement, (*columns.values(), *seen.values())).rowcount
        event = connection.execute(
            f"INSERT INTO {_EVENTS} (item_id, event_type, payload_json, created_at) VALUES (?, ?, ?, ?)",  # noqa: S608
            (change.before.id, change.event, change.payload, change.changed_at),
        ).lastrowid
        names = ", ".join(columns)
        after = connection.execute(f"SELECT {names} FROM {_TABLE} WHERE id = ?", (change.before.id,)).fetchall()  # noqa: S608
        logged = connection.execute(
            f"SELECT item_id, event_type, payload_json FROM {_EVENTS} WHERE event_id = ?",  # noqa: S608
            (event,),
        ).fetchall()
        if (updated, after, logged) != (
            1,
            [tuple(columns.values())],
            [(change.before.id, change.event, change.payload)],
        ):
            raise WriteError(
                f"{_where(self.path, change.before.id)}: not written, because the change did not read back as it was "
                "made: look for a trigger on the queue's tables"
            )


def _new_columns(change: Change, reliability: Reliability) -> dict[str, str | int | None]:
    """Return what a change writes: the cells that differ, the time, the lease, the attempts."""
    pairs = zip(FIELDS, change.before, change.after, strict=True)
    columns: dict[str, str | int | None] = {name: new for name, old, new in pairs if old != new}
    columns["updated_at"] = change.changed_at
    columns |= {name: None for name in ("lease_owner", "lease_expires_at") if name not in reliability.absent}
    if change.attempt_count is not None:
        columns["attempt_count"] = change.attempt_count
    return columns


class SqliteView:
    """One state of the database: what was committed when the view was entered."""

    def __init__(self, path: str, timeout_s: float) -> None:
        self._path = path
        self._timeout_s = timeout_s
        self._version = 0
        self._connection: sqlite3.Connection

    def __enter__(self) -> Self:
        """Open the database and begin to read. Raises InputError for anything but a sound queue database."""
        with _translated(self._path, writing=False):
            self._connection = _connect(self._path, self._timeout_s)
            try:
                self._connection.execute("PRAGMA query_only = ON")
                # Between this version and BEGIN another program may commit: then `changed` says yes, once too often.
                self._version = _data_version(self._connection)
                self._connection.execute("BEGIN")
                _check_health(self._connection, self._path)
                _check_table(self._connection, self._path, _TABLE, _ITEM_COLUMNS)
            except BaseException:
                self._connection.close()
                raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the read and close the database."""
        self._connection.close()

    def items(self) -> Iterator[tuple[int, Item]]:
        """Stream row id and item, in the order in which rows were added. Raises InputError with all defects."""
        for number, cells in self._cells():
            yield number, Item(cells)

    def rows(self) -> Iterator[tuple[int, str]]:
        """Stream row id and item as the row that Markdown would hold. Raises what `items` raises."""
        for number, cells in self._cells():
            row = "| " + " | ".join(cells) + " |"
            plain = row.count("|") == _PIPES and "\n" not in row and "\r" not in row
            yield number, row if plain else render_row(cells)

    def _cells(self) -> Iterator[tuple[int, tuple[str, ...]]]:
        defects: list[str] = []
        with _translated(self._path, writing=False):
            for row in self._connection.execute(self._query()):
                cells = row[1:]
                if not _is_sound(cells):
                    defect = _row_defect(cells)
                    if defect:
                        defects.append(f"{_where(self._path, cells[0])}: {defect}")
                        if len(defects) == MAX_DEFECTS:
                            break
                        continue
                    cells = _item(cells)
                if not defects:
                    yield row[0], cells
        if defects:
            raise InputError(defects[0], tuple(defects[1:]))

    def changed(self) -> bool:
        """Tell whether another program has committed since the view was entered."""
        with _translated(self._path, writing=False):
            self._connection.execute("COMMIT")
            changed = _data_version(self._connection) != self._version
            self._connection.execute("BEGIN")
        return changed

    def state(self) -> str:
        """Name the state by the database's data version, which counts the commits that this connection saw."""
        return f"data_version={self._version}"

    def identity(self) -> str:
        """Name the state by its newest event and its last change of an item."""
        event = self._one(f"SELECT max(event_id) FROM {_EVENTS}", _EVENTS)  # noqa: S608 - names from our own list
        updated = self._one(f"SELECT max(updated_at) FROM {_TABLE}", _TABLE)  # noqa: S608
        return f"event_id={event or 0} updated_at={updated or NOTHING}"

    def place(self, number: int, item_id: str) -> Place:  # noqa: ARG002 - a key needs no number
        """Return the table and key of an item."""
        from ops_checks.findings import Place

        return Place(self._path, table=_TABLE, key=item_id)

    def retry_count(self) -> int | None:
        """Count the `retried` events."""
        return int(self._one(f"SELECT count(*) FROM {_EVENTS} WHERE event_type = 'retried'", _EVENTS))  # noqa: S608

    def newest_event(self) -> str | None:
        """Return the time of the newest event, or None if there is none."""
        query = f"SELECT created_at FROM {_EVENTS} ORDER BY event_id DESC LIMIT 1"  # noqa: S608
        return _text_or_none(self._one(query, _EVENTS))

    def pending_since(self) -> str | None:
        """Return when the oldest PENDING item was made, or None if none is pending."""
        query = f"SELECT min(created_at) FROM {_TABLE} WHERE status = 'PENDING'"  # noqa: S608
        return _text_or_none(self._one(query, _TABLE))

    def _one(self, query: str, table: str) -> Any:  # noqa: ANN401 - whatever the database holds
        with _translated(self._path, writing=False):
            _check_table(self._connection, self._path, table, _ITEM_COLUMNS if table == _TABLE else _EVENT_COLUMNS)
            row = self._connection.execute(query).fetchone()
            return row[0] if row else None

    def remarks(self) -> list[str]:
        """Return nothing: a database has no lines to overlook."""
        return []

    def _query(self) -> str:
        # A table WITHOUT ROWID has no order of addition; its key's order is the only one there is.
        rowid = self._connection.execute("SELECT wr FROM pragma_table_list(?)", (_TABLE,)).fetchone()[0] == 0
        number, order = ("rowid", "rowid") if rowid else ("0", "id")
        return f"SELECT {number}, {_CELLS} FROM {_TABLE} ORDER BY {order}"  # noqa: S608 - names from our own list


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _is_sound(cells: tuple[Any, ...]) -> bool:
    """Tell, cheaply, that a row is an item with nothing to mend."""
    try:
        "".join(cells)
    except TypeError:
        return False
    known = cells[1] in _STATUSES and cells[2] in _PRIORITIES
    return bool(known and cells[0] and cells[5] and cells[6] and cells[7])


def _item(cells: tuple[Any, ...] | list[Any]) -> Item:
    """Return a sound row as an item: a null or empty owner, start or due is `-`."""
    pairs = zip(FIELDS, cells, strict=True)
    return Item((cell or NOTHING) if name in DASHED else cell for name, cell in pairs)


def _row_defect(cells: tuple[Any, ...] | list[Any]) -> str | None:
    """Say what keeps a row from being an item, and what was expected; None if nothing does."""
    for name, cell in zip(FIELDS, cells, strict=True):
        if not isinstance(cell, str) and not (cell is None and name in DASHED):
            found = "null" if cell is None else type(cell).__name__
            return f"{name} is {found}: expected text"
    if not cells[0]:
        return "the id is empty: expected one such as ORCH-001"
    if cells[1] not in _STATUSES:
        return f"status {cells[1]!a}: expected one of {', '.join(STATUSES)}"
    if cells[2] not in _PRIORITIES:
        return f"priority {cells[2]!a}: expected one of {', '.join(PRIORITIES)}"
    return None


def _reliability_defect(lease: tuple[Any, ...], absent: tuple[str, ...]) -> str | None:
    owner, expires, attempts, most = lease
    if not isinstance(owner, str | None):
        return f"lease_owner is {type(owner).__name__}: expected text or null"
    if not isinstance(expires, int | None):
        return f"lease_expires_at {expires!a}: expected epoch seconds or null"
    for name, count in (("attempt_count", attempts), ("max_attempts", most)):
        if name not in absent and not (isinstance(count, int) and 0 <= count <= _MOST_ATTEMPTS):
            return f"{name} {count!a}: expected a whole number from 0 to {_MOST_ATTEMPTS}"
    return None


def _where(path: str, item_id: object) -> str:
    shown = visible(item_id) if isinstance(item_id, str) else ascii(item_id)
    return f"{visible(path)}:{_TABLE}:{shown}"


def _connect(path: str, timeout_s: float) -> sqlite3.Connection:
    """Open an existing database file, with everything off that a hostile one could use."""
    _must_be_regular(path)
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


def _file(path: str) -> os.stat_result:
    """Return the state of a database file, which may not be there. Raises InputError."""
    try:
        return os.stat(path)
    except FileNotFoundError as error:
        raise InputError(f"{visible(path)}: no such database: name one with --db, or run `ops-checks init`") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"{visible(path)}: cannot be opened ({reason}): check the path and its permissions") from error


def _must_be_regular(path: str) -> None:
    if not stat.S_ISREG(_file(path).st_mode):
        raise InputError(f"{visible(path)}: is no regular file: name a SQLite database with --db")


def _must_have_files_of_its_own(path: str) -> None:
    """Raise InputError if what stands where SQLite keeps its journal is another file too: it would be written over.

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


def _commit(connection: sqlite3.Connection, path: str) -> None:
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


def _must_have_one_name(path: str) -> None:
    """Raise WriteError for a file with several hard links: by another of its names its journal is not found."""
    names = _file(path).st_nlink
    if names > 1:
        raise WriteError(
            f"{visible(path)}: not written, because the file has {names} hard links and SQLite keeps its journal "
            "beside only one of them; use a symlink in place of the others"
        )


def _deny_triggers(action: int, table: str | None, _column: str | None, _base: str | None, trigger: str | None) -> int:
    """Let no trigger of the database write to the queue's tables: nobody would see what it does to other items."""
    meddles = trigger is not None and action in _WRITES and str(table).lower() in _KEYS
    return sqlite3.SQLITE_DENY if meddles else sqlite3.SQLITE_OK


def _check_health(connection: sqlite3.Connection, path: str) -> None:
    """Raise InputError if the file's pages do not hold together: rows could be missing without a word."""
    rows = connection.execute("PRAGMA quick_check(1)").fetchall()
    if rows != [("ok",)]:
        found = visible(str(rows[0][0]).replace("\n", " ")) if rows else "no answer"
        raise InputError(f"{visible(path)}: the database is damaged ({found}): restore it from a copy")


def _check_table(connection: sqlite3.Connection, path: str, table: str, columns: frozenset[str]) -> None:
    """Raise InputError unless a table of the queue is a plain table with the columns of FORMATS section 2."""
    found = connection.execute("SELECT type FROM pragma_table_list(?) WHERE schema = 'main'", (table,)).fetchall()
    if not found:
        raise InputError(f"{visible(path)}: no table {table}: name a queue database with --db")
    if found != [("table",)]:
        raise InputError(f"{visible(path)}: {table} is a {found[0][0]}: expected a table")
    missing = sorted(columns - _columns(connection, table))
    if missing:
        raise InputError(f"{visible(path)}: {table} has no column {', '.join(missing)}: expected the queue's schema")
    keys = connection.execute("SELECT lower(name) FROM pragma_table_info(?) WHERE pk > 0", (table,)).fetchall()
    if keys != [(_KEYS[table],)]:
        raise InputError(
            f"{visible(path)}: the primary key of {table} is not {_KEYS[table]}: expected the queue's schema"
        )


def _columns(connection: sqlite3.Connection, table: str) -> set[str]:
    """Return the names of a table's stored columns; hidden and generated ones hold nothing of their own."""
    rows = connection.execute("SELECT lower(name) FROM pragma_table_xinfo(?) WHERE hidden = 0", (table,))
    return {name for (name,) in rows}


def _data_version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA data_version").fetchone()[0])


def _stop_runaways(connection: sqlite3.Connection) -> None:
    calls = iter(range(_STEPS // _STEPS_A_CALL))
    connection.set_progress_handler(lambda: next(calls, None) is None, _STEPS_A_CALL)


@contextmanager
def _translated(path: str, *, writing: bool) -> Iterator[None]:
    """Turn what the driver raises into errors a person can act on; a corrupt file raises more than `sqlite3.Error`."""
    try:
        yield
    except OpsError:
        raise
    except (sqlite3.Error, UnicodeError, OverflowError, ValueError, MemoryError) as error:
        # A damaged header makes SQLite ask for memory beyond all bounds, and that comes without a word.
        raise _translate(path, str(error) or "no memory for it", writing=writing) from error


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
            f"{visible(path)}: not written, because a trigger would write to {_TABLE} or {_EVENTS} as well: "
            "look at the triggers of these tables"
        )
    if "unable to open" in reason:
        return kind(f"{visible(path)}: cannot be opened: check its permissions and its folder's")
    return kind(f"{visible(path)}: {'nothing was written' if writing else 'cannot be read'} ({reason}): check the file")
