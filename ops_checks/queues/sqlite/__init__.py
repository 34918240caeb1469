"""The queue database: read in one transaction, changed by compare-and-set (FORMATS section 2, SAFETY "SQLite")."""

from __future__ import annotations

from ops_checks.errors import InputError, RefusedError, WriteError
from ops_checks.model import DASHED, FIELDS, Item
from ops_checks.queues.changes import Reliability
from ops_checks.queues.sqlite.file import (
    EVENT_COLUMNS,
    EVENTS,
    ITEM_COLUMNS,
    TABLE,
    Translated,
    check_health,
    check_table,
    columns_of,
    commit,
    connect,
    deny_triggers,
    must_have_one_name,
    stop_runaways,
    where,
)
from ops_checks.queues.sqlite.rows import as_item, reliability_defect, row_defect
from ops_checks.queues.sqlite.view import SqliteView
from ops_checks.text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from ops_checks.queues.changes import Change, Decide

_RELIABILITY = ("lease_owner", "lease_expires_at", "attempt_count", "max_attempts")
_CELLS = ", ".join(FIELDS)


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
        return self._within("BEGIN", lambda connection: decide(*self._read(connection, item_id)), writing=False)

    def change(self, item_id: str, decide: Decide) -> Change:
        """Decide on an item inside a write transaction, and write the change and its event with it.

        Raises RefusedError (unknown id, or as `decide`), InputError (missing, malformed, another
        schema), WriteError (lock not had in time, disk, a trigger that undoes the change). Then
        nothing has changed.
        """

        def work(connection: sqlite3.Connection) -> Change:
            item, reliability = self._read(connection, item_id)
            change = decide(item, reliability)
            self._write(connection, change, reliability)
            return change

        return self._within("BEGIN IMMEDIATE", work, writing=True)

    def _within(self, begin: str, work: Callable[[sqlite3.Connection], Change], *, writing: bool) -> Change:
        """Do work on the tables of a sound queue inside a transaction, and commit it."""
        with Translated(self.path, writing=writing):
            connection = connect(self.path, self._lock_timeout_s)
            try:
                if writing:
                    must_have_one_name(self.path)
                    connection.set_authorizer(deny_triggers)
                else:
                    connection.execute("PRAGMA query_only = ON")
                if not self._sound:  # once for each queue that was opened: it reads the whole file
                    check_health(connection, self.path)
                    self._sound = True
                stop_runaways(connection)
                connection.execute(begin)
                check_table(connection, self.path, TABLE, ITEM_COLUMNS)
                check_table(connection, self.path, EVENTS, EVENT_COLUMNS)
                change = work(connection)
                commit(connection, self.path)
                return change
            finally:
                connection.close()  # what was not committed is rolled back

    def _read(self, connection: sqlite3.Connection, item_id: str) -> tuple[Item, Reliability]:
        present = columns_of(connection, TABLE)
        absent = tuple(name for name in _RELIABILITY if name not in present)
        extra = ", ".join("NULL" if name in absent else name for name in _RELIABILITY)
        query = f"SELECT {_CELLS}, {extra} FROM {TABLE} WHERE id = ?"
        rows = connection.execute(query, (item_id,)).fetchall()
        if not rows:
            raise RefusedError(f"{visible(self.path)}: no item {visible(item_id)}: see the ids in {TABLE}")
        cells, lease = rows[0][: len(FIELDS)], rows[0][len(FIELDS) :]
        defect = row_defect(cells) or reliability_defect(lease, absent)
        if defect:
            raise InputError(f"{where(self.path, item_id)}: {defect}")
        owner, expires, attempts, most = lease
        return as_item(cells), Reliability(
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
        statement = f"UPDATE {TABLE} SET {sets} WHERE {same}"
        updated = connection.execute(statement, (*columns.values(), *seen.values())).rowcount
        event = connection.execute(
            f"INSERT INTO {EVENTS} (item_id, event_type, payload_json, created_at) VALUES (?, ?, ?, ?)",
            (change.before.id, change.event, change.payload, change.changed_at),
        ).lastrowid
        names = ", ".join(columns)
        after = connection.execute(f"SELECT {names} FROM {TABLE} WHERE id = ?", (change.before.id,)).fetchall()
        logged = connection.execute(
            f"SELECT item_id, event_type, payload_json FROM {EVENTS} WHERE event_id = ?",
            (event,),
        ).fetchall()
        if (updated, after, logged) != (
            1,
            [tuple(columns.values())],
            [(change.before.id, change.event, change.payload)],
        ):
            raise WriteError(
                f"{where(self.path, change.before.id)}: not written, because the change did not read back as it was "
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
