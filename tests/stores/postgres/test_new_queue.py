"""A queue on a server is made as a whole or not at all, and what is there is kept (FORMATS section 2)."""

from __future__ import annotations

import multiprocessing
from typing import TYPE_CHECKING

import pytest
from builders import item

from ops_checks.errors import InputError, OpsError, WriteError
from ops_checks.model import FIELDS
from ops_checks.stores.registry import POSTGRES
from ops_checks.stores.tables import EVENTS, TABLE

if TYPE_CHECKING:
    from postgres_server import Database, Server

    from ops_checks.stores.postgres.new import NewPostgresQueue
    from ops_checks.stores.transaction_protocol import NewQueue

TABLES = ["queue_baseline", "queue_baselines", "queue_events", "queue_items", "queue_reconcile"]
COLUMNS = (*FIELDS, "created_at", "updated_at")
COUNTED = (*COLUMNS, "attempt_count")
TIMES = ("2026-01-01 00:00", "2026-01-01 00:00")


def made(location: str, fill: object = lambda _: None) -> bool:
    """Make a queue where a location leads."""
    return POSTGRES.make(("", location), fill, lock_timeout_s=20)  # type: ignore[arg-type] # a test's own


def tables(database: Database, schema: str = "public") -> list[str]:
    """Return the tables of a schema."""
    query = "SELECT tablename::text FROM pg_tables WHERE schemaname = %s ORDER BY 1"
    return [name for (name,) in database.execute(query, (schema,))]


@pytest.mark.parametrize("schema", [None, "ops", 'Queue "1"', "user"])
def test_all_tables_are_made_in_the_schema_of_choice(pg_database: Database, schema: str | None) -> None:
    """Also those of a later agreement, and the schema, so that nobody needs a right to create afterwards."""
    location = pg_database.location(**({"schema": schema} if schema else {}))
    assert made(location)
    assert tables(pg_database, schema or "public") == TABLES
    assert not made(location, pytest.fail)
    with POSTGRES.open(location).snapshot() as snapshot:
        assert list(snapshot.items()) == []


def test_what_fails_leaves_nothing(pg_database: Database) -> None:
    """Neither tables nor the schema are there when filling fails at the end."""

    def fill(new: NewQueue) -> None:
        new.load(TABLE, COLUMNS, [(*item("T-1"), *TIMES)])
        raise WriteError("no")

    with pytest.raises(WriteError, match="no"):
        made(pg_database.location(schema="ops"), fill)
    assert tables(pg_database, "ops") == []
    assert pg_database.execute("SELECT 1 FROM pg_namespace WHERE nspname = 'ops'") == []


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (
            "CREATE TABLE queue_items (id text PRIMARY KEY)",
            "queue_items is there, and no table queue_events: it is",
        ),
        ("CREATE TABLE queue_baseline (item_id text)", "queue_baseline is there, and no table queue_items"),
        ("CREATE VIEW queue_items AS SELECT 1", "queue_items is there, and no table queue_events"),
        (
            "CREATE TABLE queue_items (id text PRIMARY KEY, task text); CREATE TABLE queue_events (event_id int)",
            "queue_items has no column created_at, due_at_kst, notes, ",
        ),
        ("CREATE TABLE queue_events (event_id int); CREATE VIEW queue_items AS SELECT 1", "queue_items is a view"),
    ],
)
def test_what_is_there_and_no_queue(pg_database: Database, script: str, message: str) -> None:
    """It is told what is missing, and nothing is added to it: no migration is run unasked."""
    pg_database.execute(script)
    before = tables(pg_database)
    with pytest.raises(InputError, match=message):
        made(pg_database.location(), pytest.fail)
    assert tables(pg_database) == before


def test_an_older_queue_with_more_columns_is_kept(pg_database: Database) -> None:
    """One from before the reliability layer, with columns of somebody else's, is a queue; nothing is added to it."""
    made(pg_database.location())
    pg_database.execute(
        "ALTER TABLE queue_items DROP COLUMN lease_owner, DROP COLUMN attempt_count, ADD COLUMN team text;"
        "DROP TABLE queue_reconcile"
    )
    assert not made(pg_database.location(), pytest.fail)
    assert tables(pg_database) == [name for name in TABLES if name != "queue_reconcile"]


@pytest.mark.parametrize(
    ("table", "columns", "row", "message"),
    [
        (TABLE, COLUMNS, (*item("T-1", task="a\0b"), *TIMES), "task of T-1 in queue_items holds a NUL character"),
        (TABLE, COLUMNS, (*item("T-1", notes="\ud800"), *TIMES), "notes of T-1 in queue_items is no UTF-8"),
        (TABLE, COLUMNS, (*item("T-1"), None, "x"), "created_at of T-1 in queue_items is null"),
        (TABLE, COLUMNS, (*item("T-1"), b"x", "x"), "created_at of T-1 in queue_items is bytes, not text"),
        (
            TABLE,
            (*COLUMNS, "attempt_count"),
            (*item("T-1"), *TIMES, 1.5),
            "attempt_count of T-1 in queue_items is no w",
        ),
        (
            TABLE,
            (*COLUMNS, "attempt_count"),
            (*item("T-1"), *TIMES, 2**63),
            "attempt_count of T-1 in queue_items is no",
        ),
        (EVENTS, ("event_id", "payload_json"), (7, "\0"), "payload_json of 7 in queue_events holds a NUL"),
    ],
)
def test_what_no_column_can_hold(
    pg_database: Database, table: str, columns: tuple[str, ...], row: tuple[object, ...], message: str
) -> None:
    """It is told in one line that names the row, and nothing is made."""
    with pytest.raises(InputError, match=message):
        made(pg_database.location(), lambda new: new.load(table, columns, [row]))  # type: ignore[attr-defined]
    assert tables(pg_database) == []


def _made_in_a_process(location: str) -> bool:
    return made(location, lambda new: new.load(TABLE, COLUMNS, [(*item("T-1"), *TIMES)]))  # type: ignore[attr-defined]


def test_of_several_at_once_one_makes_it(pg_database: Database) -> None:
    """The others find it whole, and keep it."""
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        for number in range(4):
            location = pg_database.location(schema=f"ops{number}")
            assert sorted(pool.map(_made_in_a_process, [location] * 4)) == [False, False, False, True]
            assert pg_database.execute(f"SELECT count(*) FROM ops{number}.queue_items") == [(1,)]


def test_numbers_go_on_and_events_belong_to_items(pg_database: Database) -> None:
    """A new event gets a number after those that were loaded, and goes with its item; an orphan stays as it was."""

    def fill(new: NewPostgresQueue) -> None:
        new.load(TABLE, COLUMNS, [(*item("T-1"), *TIMES)])
        new.load(EVENTS, ("event_id", "item_id"), [(7, "T-1"), (9, "gone")])

    made(pg_database.location(), fill)
    [(number,)] = pg_database.execute("INSERT INTO queue_events (item_id) VALUES ('T-1') RETURNING event_id")
    assert number == 10
    pg_database.execute("DELETE FROM queue_items")
    assert pg_database.execute("SELECT event_id FROM queue_events") == [(9,)]


def test_a_user_who_may_not_create(postgres: Server, pg_database: Database) -> None:
    """It is told what would help, and nothing is made."""
    with postgres.role() as name:
        pg_database.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        for schema in ({}, {"schema": "ops"}):
            with pytest.raises(OpsError, match=r"not made \(permission denied for .*\): name a schema"):
                made(pg_database.location(user=name, **schema))
    assert tables(pg_database) == []
