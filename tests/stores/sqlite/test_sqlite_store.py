"""The SQLite store: one transaction, compare-and-set, an event, and no trust in the file (FORMATS section 2)."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from builders import (
    RELIABILITY,
    SCHEMA,
    digest,
    execute,
    item,
    make_database,
    make_old_database,
    select,
)
from hypothesis import given
from hypothesis import strategies as st

from ops_checks.errors import InputError, OpsError, RefusedError, WriteError
from ops_checks.model import FIELDS
from ops_checks.stores.cells import as_item, as_rows, joined, row_defect
from ops_checks.stores.markdown.table import parse_row, render_row
from ops_checks.stores.registry import SQLITE
from ops_checks.stores.sqlite.connection import commit
from ops_checks.transitions import Stamp, cancel, replan, retry

if TYPE_CHECKING:
    from pathlib import Path

    from ops_checks.model import Item
    from ops_checks.stores.changes import Change, Decide, Reliability
    from ops_checks.stores.protocol import Store

NOW_S = 1_767_279_600
STAMP = Stamp(actor="tester", now_s=NOW_S, tz_minutes=540)
ITEMS = [item("A-1", "IN_PROGRESS", "P0", owner_session="s1", started_at_kst="2026-01-01 10:00"), item("A-2", "FAILED")]
LEASE = {"lease_owner": "s1", "lease_expires_at": NOW_S - 1, "attempt_count": 1, "max_attempts": 3}


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Return the path of a database with two items, one of them leased."""
    make_database(tmp_path / "q.db", ITEMS, {"A-1": LEASE})
    return tmp_path / "q.db"


def queue_at(path: Path | str) -> Store:
    """Return the database as a queue."""
    return SQLITE.open(str(path), lock_timeout_s=0.2)


def items_of(path: Path | str) -> list[Item]:
    """Return the items of a database."""
    with queue_at(path).snapshot() as view:
        return [each for _, each in view.items()]


@pytest.mark.parametrize(
    ("decide", "item_id", "event", "payload", "count"),
    [
        (
            cancel(STAMP),
            "A-1",
            "cancelled",
            {"from": "IN_PROGRESS", "to": "BLOCKED", "actor": "tester", "reason": "cancelled_by_operator"},
            1,
        ),
        (
            replan(STAMP, "한 | 국\n"),
            "A-1",
            "replan",
            {"from": "IN_PROGRESS", "to": "BLOCKED", "actor": "tester", "notes": "한 | 국"},
            1,
        ),
        (
            retry(STAMP, (60, 180)),
            "A-1",
            "retried",
            {
                "from": "IN_PROGRESS",
                "to": "PENDING",
                "actor": "tester",
                "reason": "retry_requested",
                "attempt": 2,
                "retry_not_before": NOW_S + 180,
            },
            2,
        ),
    ],
)
def test_a_change_writes_its_event_with_it(
    database: Path, decide: Decide, item_id: str, event: str, payload: dict[str, Any], count: int
) -> None:
    """Row and event are written together: the lease cleared, the attempts and the time of the change set."""
    queue_at(database).change(item_id, decide)
    columns = "status, lease_owner, lease_expires_at, attempt_count, updated_at, created_at"
    assert select(database, f"SELECT {columns} FROM queue_items WHERE id = ?", item_id) == [
        (payload["to"], None, None, count, "2026-01-02 00:00", "2026-01-01 00:00")
    ]
    ((told, item_of, text, when),) = select(
        database, "SELECT event_type, item_id, payload_json, created_at FROM queue_events"
    )
    assert (told, item_of, when) == (event, item_id, "2026-01-02 00:00")
    assert json.loads(text) | payload == json.loads(text)


def test_a_change_touches_one_row(database: Path) -> None:
    """Every other row stays in every column, and so do the columns that the rule does not name."""
    query = "SELECT * FROM queue_items WHERE id = 'A-2'"
    before = select(database, query)
    kept = "SELECT idempotency_key, last_error, max_attempts, due_at_kst, task FROM queue_items WHERE id = 'A-1'"
    kept_before = select(database, kept)
    queue_at(database).change("A-1", cancel(STAMP))
    assert select(database, query) == before
    assert select(database, kept) == kept_before


def test_each_operation_is_one_event(database: Path) -> None:
    """Refusals and previews leave no event; each change leaves exactly one."""
    queue = queue_at(database)
    queue.preview("A-1", cancel(STAMP))
    with pytest.raises(RefusedError):
        queue.change("A-2", cancel(STAMP))
    queue.change("A-1", cancel(STAMP))
    queue.change("A-1", replan(STAMP, "x"))
    queue.change("A-2", retry(STAMP))
    assert select(database, "SELECT event_type FROM queue_events ORDER BY event_id") == [
        ("cancelled",),
        ("replan",),
        ("retried",),
    ]
    with queue.snapshot() as view:
        assert (view.retry_count(), view.newest_event()) == (1, "2026-01-02 00:00")


@pytest.mark.parametrize(
    "trigger",
    [
        "CREATE TRIGGER t AFTER UPDATE ON queue_items BEGIN UPDATE queue_items SET status = OLD.status; END",
        "CREATE TRIGGER t AFTER UPDATE ON queue_items BEGIN DELETE FROM queue_items WHERE id = OLD.id; END",
        "CREATE TRIGGER t AFTER INSERT ON queue_events BEGIN DELETE FROM queue_events; END",
        "CREATE TRIGGER t AFTER INSERT ON queue_events BEGIN UPDATE queue_events SET event_type = 'x'; END",
        "CREATE TRIGGER t AFTER INSERT ON queue_events BEGIN UPDATE queue_items SET notes = ''; END",
        "CREATE TRIGGER t BEFORE UPDATE ON queue_items BEGIN SELECT RAISE(IGNORE); END",
        "CREATE TRIGGER t BEFORE UPDATE ON queue_items BEGIN SELECT RAISE(ABORT, 'no'); END",
        "CREATE TRIGGER t BEFORE INSERT ON queue_events BEGIN SELECT RAISE(ROLLBACK, 'no'); END",
        "CREATE TRIGGER t BEFORE INSERT ON queue_events BEGIN SELECT RAISE(IGNORE); END",
    ],
)
def test_a_trigger_that_undoes_the_change_is_found_out(database: Path, trigger: str) -> None:
    """A change that does not read back as it was made is an error, and nothing of it stays."""
    execute(database, trigger)
    before = digest(database.parent)
    with pytest.raises(WriteError):
        queue_at(database).change("A-1", cancel(STAMP))
    assert digest(database.parent) == before


@pytest.mark.parametrize(
    "trigger",
    [
        "CREATE TRIGGER t AFTER UPDATE ON queue_items BEGIN UPDATE queue_items SET notes = '' WHERE id = 'A-2'; END",
        "CREATE TRIGGER t AFTER UPDATE ON queue_items BEGIN DELETE FROM Queue_Items WHERE id = 'A-2'; END",
        "CREATE TRIGGER t AFTER UPDATE ON queue_items BEGIN INSERT INTO queue_events (event_type) VALUES ('x'); END",
        "CREATE TRIGGER t AFTER INSERT ON queue_events BEGIN DELETE FROM queue_events WHERE item_id = 'A-2'; END",
    ],
)
def test_a_trigger_may_not_touch_other_items(database: Path, trigger: str) -> None:
    """A trigger that would write to the queue's tables is not let to, and the change is not made."""
    execute(database, trigger)
    before = digest(database.parent)
    with pytest.raises(WriteError, match="look at the triggers"):
        queue_at(database).change("A-1", cancel(STAMP))
    assert digest(database.parent) == before


def test_a_trigger_may_keep_a_table_of_its_own(database: Path) -> None:
    """A trigger that writes elsewhere, for an audit say, does not stand in the way."""
    execute(database, "CREATE TABLE audit (id TEXT)")
    execute(database, "CREATE TRIGGER t AFTER UPDATE ON queue_items BEGIN INSERT INTO audit VALUES (NEW.id); END")
    queue_at(database).change("A-1", cancel(STAMP))
    assert select(database, "SELECT id FROM audit") == [("A-1",)]


def test_hard_links_are_refused(database: Path) -> None:
    """A database with several names is read but not written: by the other name its journal would not be found."""
    os.link(database, database.with_name("other.db"))
    before = digest(database.parent)
    with pytest.raises(WriteError, match="2 hard links"):
        queue_at(database).change("A-1", cancel(STAMP))
    assert digest(database.parent) == before
    assert [each.id for each in items_of(database)] == ["A-1", "A-2"]


def test_a_runaway_trigger_is_stopped(database: Path) -> None:
    """A trigger that never ends is interrupted, and nothing of the change stays."""
    loop = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c"
    execute(database, f"CREATE TRIGGER t AFTER UPDATE ON queue_items BEGIN SELECT ({loop}); END")
    before = digest(database.parent)
    with pytest.raises(WriteError, match="interrupted"):
        queue_at(database).change("A-1", cancel(STAMP))
    assert digest(database.parent) == before


def test_nulls_and_empty_texts_are_nothing(tmp_path: Path) -> None:
    """A null or empty owner, start or due is read as `-`, and a change of such a row is made."""
    loose = SCHEMA.replace("TEXT NOT NULL DEFAULT '-'", "TEXT")
    with closing(sqlite3.connect(tmp_path / "q.db")) as connection, connection:
        connection.executescript(loose)
        connection.execute(
            "INSERT INTO queue_items (id, status, priority, task, success_criteria, due_at_kst, created_at, updated_at)"
            " VALUES ('A-1', 'BLOCKED', 'P1', 'task', 'done', '', '', '')"
        )
    assert items_of(tmp_path / "q.db") == [item("A-1", "BLOCKED")]
    queue_at(tmp_path / "q.db").change("A-1", replan(STAMP, "x"))
    assert items_of(tmp_path / "q.db") == [item("A-1", "PENDING", notes="replan:x")]


@pytest.mark.parametrize(
    ("decide", "changes"), [(cancel(STAMP), "BLOCKED"), (replan(STAMP, "x"), "BLOCKED"), (retry(STAMP), None)]
)
@pytest.mark.parametrize("absent", [RELIABILITY, ("lease_expires_at",), ("attempt_count", "max_attempts")])
def test_a_database_from_before_the_reliability_layer(
    tmp_path: Path, decide: Decide, changes: str | None, absent: tuple[str, ...]
) -> None:
    """Reading and what needs no lease work without the last columns; a retry names the columns that it needs."""
    path = make_old_database(tmp_path / "q.db", ITEMS, absent)
    assert items_of(path) == ITEMS
    if changes:
        assert queue_at(path).change("A-1", decide).after.status == changes
        return
    before = digest(tmp_path)
    needed = ", ".join(name for name in absent if name not in ("idempotency_key", "last_error"))
    with pytest.raises(InputError, match=f"queue_items has no column {needed}: retry needs it"):
        queue_at(path).change("A-2", decide)
    assert digest(tmp_path) == before


OTHER_SCHEMAS = pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("DROP TABLE queue_items", "no table queue_items"),
        ("ALTER TABLE queue_items RENAME TO x; CREATE VIEW queue_items AS SELECT * FROM x", "queue_items is a view"),
        ("DROP TABLE queue_items; CREATE TABLE queue_items (id)", "queue_items has no column created_at, due_at_kst"),
        ("ALTER TABLE queue_items DROP COLUMN notes", "queue_items has no column notes"),
        ("DROP TABLE queue_items; CREATE VIRTUAL TABLE queue_items USING fts5(id, status)", "queue_items is a virtual"),
        (
            "PRAGMA writable_schema = ON; UPDATE sqlite_master SET rootpage = 999 WHERE name = 'queue_items'",
            "damaged|malformed",
        ),
        (
            "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = 'CREATE' WHERE name = 'queue_items'",
            "malformed",
        ),
    ],
)


@OTHER_SCHEMAS
def test_another_schema_is_an_error(database: Path, sql: str, message: str) -> None:
    """A missing table or column, a view in its place, a broken schema: reading and changing say which."""
    execute(database, sql)
    before = digest(database.parent)
    with pytest.raises(InputError, match=message):
        items_of(database)
    with pytest.raises(OpsError, match=message):
        queue_at(database).change("A-1", cancel(STAMP))
    assert digest(database.parent) == before


def test_a_schema_that_is_not_utf_8(database: Path) -> None:
    """What somebody wrote into the schema in another encoding keeps no item from being changed."""
    execute(database, "CREATE TABLE other (a /* XXXX */)")
    database.write_bytes(database.read_bytes().replace(b"XXXX", b"caf\xe9"))
    assert queue_at(database).change("A-1", cancel(STAMP)).after.status == "BLOCKED"


@OTHER_SCHEMAS
def test_a_schema_that_changes_is_looked_at_again(database: Path, sql: str, message: str) -> None:
    """A store that has changed an item before trusts no schema but the one that it has seen."""
    queue = queue_at(database)
    queue.change("A-1", cancel(STAMP))
    execute(database, sql)
    before = digest(database.parent)
    with pytest.raises(OpsError, match=message):
        queue.change("A-2", cancel(STAMP))
    assert digest(database.parent) == before


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("DROP TABLE queue_events", "no table queue_events"),
        ("DROP TABLE queue_events; CREATE VIEW queue_events AS SELECT * FROM queue_items", "queue_events is a view"),
        ("ALTER TABLE queue_events DROP COLUMN payload_json", "queue_events has no column payload_json"),
    ],
)
def test_items_are_read_without_events_but_not_changed(database: Path, sql: str, message: str) -> None:
    """Without a sound event table the items are read, and no change is made that it could not tell."""
    execute(database, sql)
    before = digest(database.parent)
    assert items_of(database) == ITEMS
    with pytest.raises(InputError, match=message):
        queue_at(database).change("A-1", cancel(STAMP))
    assert digest(database.parent) == before


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("attempt_count", "many", "attempt_count 'many': expected a whole number from 0 to 1000000"),
        ("attempt_count", -1, "attempt_count -1: expected"),
        ("attempt_count", 1.5, "attempt_count 1.5: expected"),
        ("attempt_count", 2**62, "attempt_count 4611686018427387904: expected"),
        ("max_attempts", b"\x00", r"max_attempts b'\\x00': expected"),
        ("max_attempts", -3, "max_attempts -3: expected"),
        ("lease_expires_at", "soon", "lease_expires_at 'soon' is no whole number of epoch seconds"),
        ("lease_expires_at", float("inf"), "lease_expires_at inf is no whole number of epoch seconds"),
        ("lease_expires_at", b"1", "lease_expires_at b'1' is no whole number of epoch seconds"),
        ("lease_expires_at", NOW_S * 1000, "lease_expires_at .* .it looks like milliseconds"),
    ],
)
def test_a_lease_or_count_that_is_none(database: Path, column: str, value: object, message: str) -> None:
    """A lease that is no number and attempts that are no sane integers stop a retry, and say which row."""
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(f"UPDATE queue_items SET {column} = ? WHERE id = 'A-1'", (value,))
    before = digest(database.parent)
    with pytest.raises((InputError, RefusedError), match=rf"q\.db:queue_items:A-1: {message}"):
        queue_at(database).change("A-1", retry(STAMP))
    assert digest(database.parent) == before


@pytest.mark.parametrize("kind", ["TEXT", "INTEGER", "REAL", "BLOB", "NUMERIC", "TEXT COLLATE NOCASE", ""])
@pytest.mark.parametrize(
    "value",
    ["NULL", "1764040000.5", "1764040000123", "'soon'", "'7'", "''", "-5", "9e999", "x''", "x'00ff'",
     "CAST(x'ff' AS TEXT)", "'a' || char(0) || 'b'", "9007199254740993", "0.1"],
)  # fmt: skip
@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16le"])
def test_whatever_a_column_holds_that_is_only_cleared_a_cancel_works(
    tmp_path: Path, kind: str, value: str, encoding: str
) -> None:
    """Lease, attempts, and the cells that a cancel carries over need not be understood: they stay, or are cleared."""
    path, odd = str(tmp_path / "q.db"), ("lease_owner", "lease_expires_at", "attempt_count", "max_attempts")
    columns = [f"{name} {kind}" for name in (*odd, "priority", "started_at_kst", "created_at", "updated_at")]
    others = [f"{name} TEXT" for name in FIELDS[1:] if name not in {"priority", "started_at_kst"}]
    execute(path, f"PRAGMA encoding = '{encoding}'; CREATE TABLE queue_items (id TEXT PRIMARY KEY NOT NULL, "
            f"{', '.join((*others, *columns))}); {SCHEMA[SCHEMA.index('CREATE TABLE queue_events') :]}")  # fmt: skip
    names = [*odd, "created_at", "updated_at"]
    before_notes = "old" if value != "NULL" else None  # no notes are none
    names += [] if value == "CAST(x'ff' AS TEXT)" else ["priority", "started_at_kst"]  # no text is in no document
    execute(path, "INSERT INTO queue_items (id, status, notes) VALUES ('A-1', 'IN_PROGRESS', NULL)")
    execute(path, f"UPDATE queue_items SET notes = {'NULL' if before_notes is None else repr(before_notes)}")
    execute(path, f"UPDATE queue_items SET {', '.join(f'{name} = {value}' for name in names)}")
    kept = "SELECT typeof(c), hex(c) FROM (SELECT priority c FROM queue_items UNION ALL SELECT attempt_count c FROM q)"
    kept = kept.replace("FROM q)", "FROM queue_items)")
    before = select(path, kept)
    queue_at(path).change("A-1", cancel(STAMP))
    assert select(path, kept) == before
    columns_now = "status, notes, lease_owner, lease_expires_at"
    assert select(path, f"SELECT {columns_now} FROM queue_items") == [
        ("BLOCKED", f"{'' if before_notes is None else 'old | '}cancelled_by_operator", None, None)
    ]
    ((text,),) = select(path, "SELECT payload_json FROM queue_events")
    assert {"lease_owner", "lease_expires_at", *FIELDS} <= json.loads(str(text))["before"].keys()


@pytest.mark.parametrize("value", ["x'00'", "CAST(x'ff' AS TEXT)"])
def test_notes_that_are_no_text_are_not_appended_to(database: Path, value: str) -> None:
    """What a change works on it must understand."""
    execute(database, f"UPDATE queue_items SET notes = {value} WHERE id = 'A-1'")
    before = digest(database.parent)
    with pytest.raises(OpsError):
        queue_at(database).change("A-1", cancel(STAMP))
    assert digest(database.parent) == before


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("status", "Done", "A-2: status 'Done': expected one of PENDING, IN_PROGRESS, BLOCKED, FAILED, DONE"),
        ("priority", "", "A-2: priority '': expected one of P0, P1, P2"),
        ("task", b"\xff", "A-2: task is bytes: expected text"),
        ("id", "", "queue_items:: the id is empty"),
        ("id", b"\x01", r"queue_items:b'\\x01': id is bytes: expected text"),
    ],
)
def test_a_row_that_is_no_item(database: Path, column: str, value: object, message: str) -> None:
    """A status or priority outside the lists, and what is no text, are told with table and key."""
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(f"UPDATE queue_items SET {column} = ? WHERE id = 'A-2'", (value,))
    with pytest.raises(InputError, match=message):
        items_of(database)


def test_every_malformed_row_is_told(tmp_path: Path) -> None:
    """All malformed rows are told, up to twenty."""
    path = make_database(tmp_path / "q.db", [item(f"A-{number:02}") for number in range(30)])
    execute(path, "UPDATE queue_items SET status = 'x'")
    with pytest.raises(InputError) as caught:
        items_of(path)
    assert "A-00" in caught.value.message
    assert len(caught.value.details) == 19


def test_text_that_is_not_utf_8_is_an_error(database: Path) -> None:
    """Bytes that are no UTF-8 in a text column are told, not read as something else."""
    execute(database, "UPDATE queue_items SET task = CAST(x'ff' AS TEXT)")
    with pytest.raises(InputError, match="cannot be read"):
        items_of(database)


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\0", b"SQLite format 3\0" + b"\xff" * 4080])
def test_a_file_that_is_no_database(tmp_path: Path, content: bytes) -> None:
    """An empty file and a file of something else are errors, and are not made into a database."""
    (tmp_path / "q.db").write_bytes(content)
    before = digest(tmp_path)
    with pytest.raises(InputError):
        items_of(tmp_path / "q.db")
    with pytest.raises(OpsError):
        queue_at(tmp_path / "q.db").change("A-1", cancel(STAMP))
    assert digest(tmp_path) == before


@pytest.mark.parametrize(
    "name", ["q?mode=memory.db", "q#x.db", "q%41.db", "한 국.db", "q\udcff.db", " q.db", "q;&=.db"]
)
def test_a_name_is_only_a_name(tmp_path: Path, name: str) -> None:
    """What stands in a file's name is no option of the driver's."""
    make_database(tmp_path / "q.db", ITEMS)
    (tmp_path / "q.db").rename(tmp_path / name)
    queue_at(tmp_path / name).change("A-1", cancel(STAMP))
    assert items_of(tmp_path / name)[0].status == "BLOCKED"
    assert os.listdir(tmp_path) == [name]


def test_a_relative_path_is_of_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path is taken from the current folder, also if it looks like a URI or an option."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file:q.db").write_bytes(b"")
    with pytest.raises(InputError, match="no table queue_items"):
        items_of("file:q.db")


def test_rows_come_in_the_order_of_addition_and_without_rowids_by_id(tmp_path: Path) -> None:
    """A table without row ids has no order of addition: its items come by id."""
    schema = SCHEMA.replace(
        "last_error TEXT NOT NULL DEFAULT ''\n)", "last_error TEXT NOT NULL DEFAULT ''\n) WITHOUT ROWID"
    )
    assert schema != SCHEMA
    with closing(sqlite3.connect(tmp_path / "q.db")) as connection, connection:
        connection.executescript(schema)
        for name in ("B-1", "A-1"):
            connection.execute(
                "INSERT INTO queue_items (id, status, priority, task, success_criteria, created_at, updated_at)"
                " VALUES (?, 'PENDING', 'P1', 'task', 'done', '', '')",
                (name,),
            )
    assert [each.id for each in items_of(tmp_path / "q.db")] == ["A-1", "B-1"]
    assert queue_at(tmp_path / "q.db").change("B-1", cancel(STAMP)).after.status == "BLOCKED"


def test_a_view_is_one_state(database: Path) -> None:
    """What other programs commit while a view is read is not in it."""
    execute(database, "PRAGMA journal_mode = WAL")
    with queue_at(database).snapshot() as view:
        stream = view.items()
        first = next(stream)
        execute(database, "UPDATE queue_items SET status = 'DONE'")
        assert [first[1], *(each for _, each in stream)] == ITEMS
        assert view.changed()


@pytest.mark.parametrize("step", range(3))
def test_a_view_does_not_write(database: Path, step: int) -> None:
    """A view's connection refuses to write."""
    with queue_at(database).snapshot() as view, pytest.raises(sqlite3.OperationalError, match="readonly"):
        view._connection.execute(["DELETE FROM queue_items", "DROP TABLE queue_events", "CREATE TABLE x (y)"][step])


def test_rows_that_went_missing_without_a_word_are_noticed(database: Path) -> None:
    """A page that holds fewer rows than it should reads well; the database is checked before it is trusted."""
    ((page,),) = select(database, "SELECT rootpage FROM sqlite_master WHERE name = 'queue_items'")
    ((size,),) = select(database, "PRAGMA page_size")
    content = bytearray(database.read_bytes())
    count = (page - 1) * size + 3  # where a page keeps how many rows it holds, big-endian (file format, 1.6)
    assert content[count : count + 2] == b"\x00\x02"
    content[count + 1] = 1
    database.write_bytes(content)
    assert len(select(database, "SELECT task FROM queue_items NOT INDEXED")) == 1
    with pytest.raises(InputError, match="the database is damaged"):
        items_of(database)
    with pytest.raises(InputError, match="the database is damaged"):
        queue_at(database).change("A-1", cancel(STAMP))


@pytest.fixture(scope="module")
def sound_bytes(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return the bytes of a sound database of several pages."""
    path = tmp_path_factory.mktemp("sound") / "q.db"
    make_database(path, [item(f"A-{number}", task="t" * 300) for number in range(1, 30)])
    return path.read_bytes()


corruptions = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 2**20), st.binary(min_size=1, max_size=8)), min_size=1, max_size=4
)


@given(corruptions, st.one_of(st.none(), st.integers(0, 2**16)))
def test_any_bytes_end_in_items_or_one_error(
    tmp_path_factory: pytest.TempPathFactory,
    sound_bytes: bytes,
    corrupted: list[tuple[int, int, bytes]],
    cut: int | None,
) -> None:
    """A database with bytes changed, in its head or anywhere, or cut short, ends in a result or an OpsError."""
    path = tmp_path_factory.getbasetemp() / "any.db"
    content = bytearray(sound_bytes)
    for anywhere, position, data in corrupted:
        start = position % (len(content) if anywhere else 100)
        content[start : start + len(data)] = data
    content = content if cut is None else content[: cut % (len(content) + 1)]
    for name in ("any.db-journal", "any.db-wal", "any.db-shm"):
        path.with_name(name).unlink(missing_ok=True)
    path.write_bytes(content)
    messages = [told(path, change) for change in (False, True)]
    assert all(message is None or "\n" not in message for message in messages)


def told(path: Path, change: bool) -> str | None:  # noqa: FBT001 - a column
    """Read or change a database, and return the error's message, if any."""
    try:
        if change:
            queue_at(path).change("A-7", cancel(STAMP))
        else:
            items_of(path)
    except OpsError as error:
        return error.message
    return None


def test_a_commit_that_failed_half_way_is_not_called_unwritten(tmp_path: Path) -> None:
    """Where SQLite itself gave the transaction up, the message says that nobody knows."""
    told = pytest.raises(WriteError, match=r"may have been written, or not .*look at the item")
    with closing(sqlite3.connect(tmp_path / "q.db", isolation_level=None)) as connection, told:
        commit(connection, "q.db")


def test_a_reader_that_stays_keeps_a_rollback_journal_from_its_commit(database: Path) -> None:
    """A commit that is not let through is given up, and said to be."""
    with closing(sqlite3.connect(database, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM queue_items").fetchall()
        with pytest.raises(WriteError, match=rf"locked by process {os.getpid()} \("):
            queue_at(database).change("A-1", cancel(STAMP))
    assert items_of(database) == ITEMS


@pytest.mark.parametrize("suffix", ["-wal", "-shm", "-journal"])
def test_a_hard_link_in_the_journals_place_is_not_written_over(database: Path, tmp_path: Path, suffix: str) -> None:
    """Somebody else's file under the name of SQLite's journal stays as it is; neither reading nor writing begins."""
    (tmp_path / "precious").write_bytes(b"precious")
    os.link(tmp_path / "precious", f"{database}{suffix}")
    before = digest(tmp_path)
    for attempt in (items_of, lambda path: queue_at(path).change("A-1", cancel(STAMP))):
        with pytest.raises(InputError, match=f"q.db{suffix}: has 2 hard links"):
            attempt(database)
    assert digest(tmp_path) == before


@pytest.mark.parametrize("suffix", ["-wal", "-journal"])
def test_a_symlink_in_the_journals_place_is_not_followed(database: Path, tmp_path: Path, suffix: str) -> None:
    """SQLite does not follow a symlink under the name of its journal, and the error is one of ours."""
    (tmp_path / "precious").write_bytes(b"precious")
    os.symlink(tmp_path / "precious", f"{database}{suffix}")
    with pytest.raises(OpsError):
        queue_at(database).change("A-1", cancel(STAMP))
    assert (tmp_path / "precious").read_bytes() == b"precious"


@pytest.mark.parametrize("mode", ["WAL", "DELETE"])
def test_nobody_writes_between_the_decision_and_the_change(database: Path, mode: str) -> None:
    """The decision is made while the write lock is held already, not on a state that another may still change."""
    execute(database, f"PRAGMA journal_mode = {mode}")

    def decide(each: Item, reliability: Reliability | None) -> Change:
        other = sqlite3.connect(database, timeout=0, isolation_level=None)
        with closing(other), pytest.raises(sqlite3.OperationalError, match="database is locked"):
            other.execute("BEGIN IMMEDIATE")
        return cancel(STAMP)(each, reliability)

    assert SQLITE.open(str(database)).change("A-1", decide).after.status == "BLOCKED"


_CELL = st.sampled_from(["", "x", " x ", "a|b", "a\\|b", "x\\", "a\nb", "a\rb", "한", "\x00", None, 5, b"x"])
_ROW = st.tuples(
    st.sampled_from(["A-1", "a|b", "", None]),
    st.sampled_from(["DONE", "DONE", "done"]),
    st.sampled_from(["P0", "P0", "P3", None]),
    *[_CELL] * 6,
)


@given(st.lists(_ROW, max_size=4))
def test_rows_looked_at_all_at_once_are_those_looked_at_one_by_one(rows: list[tuple[Any, ...]]) -> None:
    """Joined cells are given for sound rows only, and make the same rows of Markdown as each item does."""
    lines = joined(rows)
    if lines is not None:
        assert not any(map(row_defect, rows))
        assert [as_item(cells) for cells in rows] == rows
        assert list(map(parse_row, as_rows(rows, lines))) == [parse_row(render_row(cells)) for cells in rows]


def test_usual_rows_are_joined_all_at_once() -> None:
    """Sound rows are joined, also with a pipe in a cell; nulls and the like leave it to what looks at each."""
    usual = tuple(item("A-1", task="a | b"))
    assert joined([usual, usual]) == [" | ".join(usual)] * 2
    for name, value in (("task", None), ("task", b"x"), ("notes", 5), ("owner_session", ""), ("status", "OPEN")):
        odd = [value if field == name else cell for field, cell in zip(FIELDS, usual, strict=True)]
        assert joined([usual, tuple(odd)]) is None
