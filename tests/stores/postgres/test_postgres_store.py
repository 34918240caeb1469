"""The PostgreSQL store: what is no queue, what triggers do, and who comes first (FORMATS section 2, SAFETY)."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from builders import RELIABILITY, execute, item, make_database
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from postgres_queues import SCHEMA

from ops_checks.cli.item_json import item_json
from ops_checks.cli.item_table import lease_text
from ops_checks.errors import InputError, LockedError, RefusedError, WriteError
from ops_checks.model import FIELDS
from ops_checks.overview import lease_left_s
from ops_checks.stores.registry import POSTGRES, SQLITE
from ops_checks.transitions import Stamp, cancel, replan, retry

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from postgres_queues import PgQueue

    from ops_checks.model import Item
    from ops_checks.stores.changes import Change, Reliability

    Make = Callable[..., PgQueue]

NOW_S = 1_767_279_600
ITEMS = [item("A-1", "IN_PROGRESS", "P0", owner_session="s1", started_at_kst="2026-01-01 10:00"), item("A-2", "FAILED")]


def stamp(operation: str = "") -> Stamp:
    """Return who changes an item, and when."""
    return Stamp(actor="tester", now_s=NOW_S, tz_minutes=540, operation=operation)


def test_a_change_writes_its_event_with_it(pg_queue: Make) -> None:
    """Row and event are written together: lease cleared, attempts counted, the operation beside the payload."""
    queue = pg_queue()
    queue.add(ITEMS, {"A-1": {"lease_owner": "s1", "lease_expires_at": NOW_S - 1, "attempt_count": 1}})
    before = queue.execute("SELECT * FROM queue_items WHERE id = 'A-2'")
    queue.store().change("A-1", retry(stamp("op-1"), (60, 180)))
    columns = "status, lease_owner, lease_expires_at, attempt_count, updated_at, created_at"
    assert queue.execute(f"SELECT {columns} FROM queue_items WHERE id = 'A-1'") == [
        ("PENDING", None, None, 2, "2026-01-02 00:00", "2026-01-01 00:00")
    ]
    assert queue.execute("SELECT * FROM queue_items WHERE id = 'A-2'") == before
    [(told, item_id, payload, created_at, operation)] = queue.execute(
        "SELECT event_type, item_id, payload_json, created_at, operation_id FROM queue_events"
    )
    assert (told, item_id, created_at, operation) == ("retried", "A-1", "2026-01-02 00:00", "op-1")
    assert json.loads(payload).items() >= {"from": "IN_PROGRESS", "to": "PENDING", "attempt": 2}.items()


def test_an_operation_changes_an_item_once(pg_queue: Make) -> None:
    """What was written already is not written again under the same id; changes without an id are many."""
    queue = pg_queue(ITEMS)
    store = queue.store()
    store.change_together(["A-1", "A-2"], replan(stamp("op-1"), "x"))
    before = queue.contents()
    with pytest.raises(WriteError, match="not written"):
        store.change("A-1", replan(stamp("op-1"), "x"))
    assert queue.contents() == before
    for _ in range(2):
        store.change("A-1", replan(stamp(), "x"))
    assert len(store.events("A-1")) == 3


FUNCTION = "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN {} END$$; "
UPDATED = "CREATE TRIGGER t {} UPDATE ON queue_items FOR EACH ROW EXECUTE FUNCTION f()"
INSERTED = "CREATE TRIGGER t {} INSERT ON queue_events FOR EACH ROW EXECUTE FUNCTION f()"
LATER = (
    "CREATE CONSTRAINT TRIGGER t AFTER UPDATE ON queue_items DEFERRABLE INITIALLY DEFERRED "
    "FOR EACH ROW EXECUTE FUNCTION f()"
)
DONE = "UPDATE queue_items SET status = 'DONE' WHERE id = NEW.id AND status <> 'DONE'; RETURN NEW;"
OTHERS = "IF pg_trigger_depth() < 2 THEN UPDATE queue_items SET notes = 'x' WHERE id <> NEW.id; END IF; RETURN NEW;"


@pytest.mark.parametrize(
    "sql",
    [
        FUNCTION.format("NEW.status := OLD.status; RETURN NEW;") + UPDATED.format("BEFORE"),
        FUNCTION.format("NEW.task := 'forged'; RETURN NEW;") + UPDATED.format("BEFORE"),
        FUNCTION.format("NEW.lease_owner := 'x'; RETURN NEW;") + UPDATED.format("BEFORE"),
        FUNCTION.format("NEW.updated_at := 'x'; RETURN NEW;") + UPDATED.format("BEFORE"),
        FUNCTION.format("RETURN NULL;") + UPDATED.format("BEFORE"),
        FUNCTION.format("DELETE FROM queue_items WHERE id = NEW.id; RETURN NEW;") + UPDATED.format("AFTER"),
        FUNCTION.format(OTHERS) + UPDATED.format("AFTER"),
        FUNCTION.format("DELETE FROM queue_items WHERE id = 'A-2'; RETURN NEW;") + UPDATED.format("AFTER"),
        FUNCTION.format("INSERT INTO queue_events (event_type) VALUES ('x'); RETURN NEW;") + UPDATED.format("AFTER"),
        FUNCTION.format("RETURN NULL;") + INSERTED.format("BEFORE"),
        FUNCTION.format("NEW.payload_json := '{}'; RETURN NEW;") + INSERTED.format("BEFORE"),
        FUNCTION.format("NEW.created_at := 'x'; RETURN NEW;") + INSERTED.format("BEFORE"),
        FUNCTION.format("DELETE FROM queue_events; RETURN NEW;") + INSERTED.format("AFTER"),
        FUNCTION.format(DONE) + LATER,
        FUNCTION.format("DELETE FROM queue_events; RETURN NEW;") + LATER,
        FUNCTION.format("RAISE EXCEPTION E'a\\nb'; RETURN NEW;") + LATER,
        "CREATE RULE r AS ON UPDATE TO queue_items DO INSTEAD NOTHING",
        "CREATE RULE r AS ON INSERT TO queue_events DO INSTEAD NOTHING",
        "CREATE RULE r AS ON UPDATE TO queue_items DO ALSO DELETE FROM queue_events",
        "ALTER TABLE queue_items ADD CHECK (status <> 'BLOCKED') NOT VALID",
        "ALTER TABLE queue_items ALTER updated_at TYPE varchar(3) USING 'x'",
        "ALTER TABLE queue_events ADD COLUMN more int NOT NULL DEFAULT 1; "
        "ALTER TABLE queue_events ALTER more DROP DEFAULT",
    ],
)
def test_what_is_not_written_as_it_was_decided_is_not_written(pg_queue: Make, sql: str) -> None:
    """A trigger, a rule or a constraint that changes, undoes or forbids a write: one line, and nothing has changed."""
    queue = pg_queue(ITEMS)
    queue.store().change("A-2", replan(stamp(), "x"))
    queue.execute(sql)
    before = queue.contents()
    for change in (lambda: queue.store().change("A-1", cancel(stamp())), lambda: in_transaction(queue)):
        with pytest.raises(WriteError, match="written") as raised:
            change()
        assert "\n" not in str(raised.value)
        assert queue.contents() == before


def in_transaction(queue: PgQueue) -> None:
    """Make a change as a plan does."""
    with queue.store().transaction() as transaction:
        found = transaction.snapshot().find("A-1")
        assert found is not None
        transaction.change(cancel(stamp())(*found))
        transaction.commit()


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE audit (id text);"
        + FUNCTION.format("INSERT INTO audit VALUES (NEW.id); RETURN NEW;")
        + UPDATED.format("AFTER"),
        "ALTER TABLE queue_items ADD COLUMN seen int;"
        + FUNCTION.format("NEW.seen := 1; RETURN NEW;")
        + UPDATED.format("BEFORE"),
        # Which is true only once the event is there.
        FUNCTION.format(
            "IF NOT EXISTS (SELECT FROM queue_events WHERE item_id = NEW.id) THEN RAISE 'no event'; END IF; RETURN NEW;"
        )
        + LATER,
        "CREATE RULE r AS ON UPDATE TO queue_items DO ALSO SELECT 1",
        "ALTER TABLE queue_items ADD COLUMN g text GENERATED ALWAYS AS (status || '!') STORED, "
        'ADD COLUMN more jsonb NOT NULL DEFAULT \'{"a": [1]}\', ADD COLUMN "Od d" int, '
        "ADD COLUMN at timestamptz DEFAULT now(), ADD COLUMN cost numeric(9, 3) DEFAULT 1.5, ADD COLUMN tags text[]",
        "ALTER TABLE queue_events DROP COLUMN operation_id",
        "DROP INDEX idx_queue_events_operation",
        "ALTER TABLE queue_items ALTER status TYPE varchar(20), ALTER max_attempts TYPE smallint",
    ],
)
def test_what_a_team_adds_does_not_stand_in_the_way(pg_queue: Make, sql: str) -> None:
    """Tables of their own, more columns, no operations: items and events are read, changed and taken back."""
    queue = pg_queue(ITEMS)
    queue.execute(sql)
    store = queue.store()
    store.change("A-1", cancel(stamp("op-1")))
    store.change_together(["A-1", "A-2"], replan(stamp("op-2"), "x"))
    assert [each.status for each in store] == ["PENDING", "PENDING"]
    assert [event.event_type for event in store.events("A-1")] == ["cancelled", "replan"]
    in_transaction(queue)
    with store.transaction() as transaction:
        row, events = transaction.row_with_events("A-1")
        transaction.delete(transaction.snapshot().get("A-1"))
        transaction.insert(row)
        transaction.insert_events(events)
        assert transaction.row_with_events("A-1") == (row, events)
        assert json.loads(json.dumps([dict(row), *map(dict, events)])) == [row, *events]
        transaction.commit()


def test_a_trigger_finds_what_it_found_without_us(pg_queue: Make) -> None:
    """The schema of the queue comes first on the search path; the rest of it stays."""
    other, queue = pg_queue(), pg_queue(ITEMS)
    other.execute("CREATE TABLE audit (id text)")
    queue.execute(FUNCTION.format("INSERT INTO audit VALUES (NEW.id); RETURN NEW;") + UPDATED.format("AFTER"))
    store = queue.store(options=f"-csearch_path={other.schema}")
    store.change("A-1", cancel(stamp()))
    assert other.execute("SELECT id FROM audit") == [("A-1",)]


OLD = ", ".join(f"DROP COLUMN {name}" for name in RELIABILITY)
TYPED = "ALTER TABLE {0} ALTER {1} DROP DEFAULT, ALTER {1} TYPE {2} USING NULL"


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("DROP TABLE queue_events", "no table queue_events in the schema"),
        ("ALTER TABLE queue_items DROP COLUMN task", "queue_items has no column task"),
        (
            "ALTER TABLE queue_items DROP COLUMN task, ADD COLUMN task text GENERATED ALWAYS AS ('x') STORED",
            "queue_items has no column task",
        ),
        ("ALTER TABLE queue_events DROP COLUMN payload_json", "queue_events has no column payload_json"),
        ("ALTER TABLE queue_items RENAME TO x; CREATE VIEW queue_items AS TABLE x", "queue_items is a view"),
        (
            "ALTER TABLE queue_items RENAME TO x; CREATE MATERIALIZED VIEW queue_items AS TABLE x",
            "queue_items is a materialized view",
        ),
        ("DROP TABLE queue_events; CREATE SEQUENCE queue_events", "queue_events is a sequence"),
        ("CREATE TABLE x () INHERITS (queue_items)", "other tables inherit from queue_items"),
        (
            "ALTER TABLE queue_items DROP CONSTRAINT queue_items_pkey CASCADE",
            "the primary key of queue_items is not id",
        ),
        (
            "ALTER TABLE queue_items DROP CONSTRAINT queue_items_pkey CASCADE, ADD PRIMARY KEY (id, status)",
            "the primary key of queue_items is not id",
        ),
        ("ALTER TABLE queue_items ALTER task TYPE integer USING 1", "queue_items.task is integer: expected text"),
        ("ALTER TABLE queue_items ALTER notes TYPE char(9)", "expected text"),
        ("CREATE TYPE s AS ENUM ('DONE'); ALTER TABLE queue_items ALTER status TYPE s USING 'DONE'", "expected text"),
        ("ALTER TABLE queue_items ALTER updated_at TYPE timestamptz USING now()", "timestamp with time zone"),
        ("ALTER TABLE queue_events ALTER payload_json TYPE jsonb USING '{}'", "payload_json is jsonb: expected text"),
        (
            "ALTER TABLE queue_events DROP COLUMN event_id, ADD COLUMN event_id uuid PRIMARY KEY",
            "queue_events.event_id is uuid: expected bigint",
        ),
    ],
)
def test_another_schema_is_an_error(pg_queue: Make, sql: str, message: str) -> None:
    """Tables that are not those of FORMATS section 2 are told by one line, for who reads and for who writes."""
    queue = pg_queue()
    queue.execute(sql)
    store = queue.store()
    for use in (lambda: list(store), lambda: store.change("A-1", cancel(stamp())), store.transaction().__enter__):
        with pytest.raises(InputError, match=message):
            use()


def test_a_table_from_before_the_reliability_layer(pg_queue: Make) -> None:
    """It is read, cancelled and replanned; a retry says what is missing."""
    queue = pg_queue(ITEMS)
    queue.execute(f"ALTER TABLE queue_items {OLD}")
    store = queue.store()
    assert list(store) == ITEMS
    with store.snapshot() as view:
        assert view.absent_counts() == ("attempt_count", "max_attempts")
        assert [each.item for each in view.details()] == ITEMS
        assert list(view.leases_beyond(0)) == []
        assert len(list(view.recorded())) > 0
    store.change("A-1", cancel(stamp()))
    before = queue.contents()
    with pytest.raises(InputError, match=r"A-2: queue_items has no column .*attempt_count.*: retry needs it, add it"):
        store.change("A-2", retry(stamp()))
    assert queue.contents() == before


def test_a_partitioned_table_is_a_table(pg_queue: Make) -> None:
    """Its rows come in one order, and a change is one, triggers of a part of it included."""
    queue = pg_queue()
    queue.execute(
        "ALTER TABLE queue_items RENAME TO x; CREATE TABLE queue_items (LIKE x INCLUDING DEFAULTS, PRIMARY KEY (id)) "
        "PARTITION BY HASH (id); CREATE TABLE p0 PARTITION OF queue_items FOR VALUES WITH (MODULUS 2, REMAINDER 0); "
        "CREATE TABLE p1 PARTITION OF queue_items FOR VALUES WITH (MODULUS 2, REMAINDER 1); "
        "ALTER TABLE queue_events DROP CONSTRAINT queue_events_item_id_fkey"
    )
    items = [item(f"A-{number}") for number in range(9)]
    queue.add(items)
    store = queue.store()
    store.change("A-3", replan(stamp(), "x"))
    assert [each.id for each in store] == [each.id for each in items]
    queue.execute(FUNCTION.format("UPDATE p0 SET notes = 'x'; UPDATE p1 SET notes = 'x'; RETURN NEW;"))
    queue.execute("CREATE TRIGGER t AFTER INSERT ON queue_events FOR EACH ROW EXECUTE FUNCTION f()")
    before = queue.contents()
    with pytest.raises(WriteError, match="did not read back"):
        store.change("A-3", replan(stamp(), "y"))
    assert queue.contents() == before


@pytest.mark.parametrize("kind", ["numeric", "double precision", "integer", "timestamptz", "text"])
def test_a_lease_of_any_type_is_cleared(pg_queue: Make, kind: str) -> None:
    """A change that only clears a lease need not understand it; one that must says what it is."""
    queue = pg_queue(ITEMS)
    value = {"timestamptz": "now()", "text": "'x'"}.get(kind, "1")
    queue.execute(
        f"ALTER TABLE queue_items ALTER lease_expires_at TYPE {kind} USING {value}; "
        "UPDATE queue_items SET lease_owner = 'x'"
    )
    store = queue.store()
    if kind in ("timestamptz", "text"):
        with pytest.raises(RefusedError, match="lease_expires_at"):
            store.change("A-1", retry(stamp()))
        with store.snapshot() as view:
            assert [item_id for item_id, _ in view.leases_beyond(1)] == ["A-1"]
    store.change("A-1", cancel(stamp()))
    assert queue.execute("SELECT lease_owner, lease_expires_at FROM queue_items WHERE id = 'A-1'") == [(None, None)]


@pytest.mark.parametrize("collation", ["", 'COLLATE "en-x-icu"', 'COLLATE "und-x-icu"'])
def test_ids_are_in_the_order_of_their_bytes(pg_queue: Make, collation: str) -> None:
    """However a table or a database orders text: a comparison of both queues, an agreement, what is due by id."""
    ids = ["a-10", "B-1", "a-9", "b-1", "_", "A-9", "é"]
    queue = pg_queue(tables=SCHEMA.replace('COLLATE "C"', collation))
    queue.add([item(item_id, "IN_PROGRESS") for item_id in ids])
    queue.execute("UPDATE queue_items SET lease_expires_at = 9")
    in_order = sorted(ids, key=str.encode)
    store = queue.store()
    assert [each.id for each in store] == in_order
    with store.snapshot() as view:
        assert [each.item.id for each in view.details()] == in_order
        assert [item_id for item_id, _ in view.leases_beyond(1)] == in_order
        assert [str(row, "utf-8") for batch in view.recorded() for row in batch[0]] == in_order
    with store.transaction() as transaction:
        header = {"made_at": "2026", "actor": "me", "md_path": "Q", "md_digest": "d", "md_commit": None, "items": 7}
        _, counts = transaction.new_baseline().save(
            differing={}, ordinals=[(item_id, 0) for item_id in ids], header={**header, "tool": "t", "whole": True}
        )
        assert (counts.agreed, counts.gone) == (7, 0)


def test_two_schemas_are_two_queues(pg_queue: Make) -> None:
    """Each is changed and agreed on in its own schema, whatever the search path holds; nothing else is made."""
    one, two = pg_queue(ITEMS), pg_queue([ITEMS[1]])
    store = one.store(options=f"-csearch_path={two.schema}")
    assert list(store) == ITEMS
    store.change("A-2", replan(stamp(), "x"))
    assert two.store().events("A-2") == []
    with store.transaction() as transaction:
        transaction.records().probe()
        transaction.commit()
    made = "SELECT schemaname FROM pg_tables WHERE tablename = 'queue_reconcile' AND schemaname IN (%s, %s)"
    assert one.execute(made, one.schema, two.schema) == [(one.schema,)]
    one.execute("DROP TABLE queue_events")
    with pytest.raises(InputError, match=f"no table queue_events in the schema {one.schema} "):
        list(one.store(options=f"-csearch_path={two.schema}"))


def test_what_is_made_is_made_beside_the_queue(pg_queue: Make) -> None:
    """Without a schema in the location, tables that are found on the search path get their company in their schema."""
    empty, queue = pg_queue(), pg_queue(ITEMS)
    empty.execute("DROP TABLE queue_items, queue_events")
    path = f"-csearch_path={empty.schema},{queue.schema}"
    with POSTGRES.open(queue.database.location(options=path)).transaction() as transaction:
        transaction.records().probe()
        transaction.commit()
    assert queue.execute(
        "SELECT schemaname FROM pg_tables WHERE tablename = 'queue_reconcile' AND schemaname = %s", queue.schema
    ) == [(queue.schema,)]


def test_a_lost_race_decides_again(pg_queue: Make) -> None:
    """Where the server gives up a transaction because of another, the decision is made on the new row."""
    queue = pg_queue(ITEMS)
    seen: list[str] = []

    def decide(each: Item, reliability: Reliability | None) -> Change:
        seen.append(each.status)
        if len(seen) == 1:
            queue.store(options="").change("A-2", replan(stamp(), "first"))
        return replan(stamp(), "second")(each, reliability)

    # The decision on A-1 is of a snapshot in which A-2 still is another: serializable transactions notice.
    serializable = "-cdefault_transaction_isolation=serializable"

    store = queue.store(lock_timeout_s=5, options=serializable)
    store.change_together(["A-1"], decide)
    assert len(store.events("A-1")) == 1
    seen.clear()

    def on_the_same(each: Item, reliability: Reliability | None) -> Change:
        seen.append(each.status)
        return replan(stamp(), "x")(each, reliability)

    holder = queue.connect()
    holder.execute("BEGIN; UPDATE queue_items SET status = 'BLOCKED' WHERE id = 'A-2'")
    waits = threading.Thread(target=lambda: store.change("A-2", on_the_same))
    waits.start()
    until_waiting(queue)
    holder.execute("COMMIT")
    holder.close()
    waits.join()
    assert seen == ["BLOCKED"]
    assert [each.notes for each in store] == ["replan:second", "replan:first | replan:x"]


def until_waiting(queue: PgQueue) -> None:
    """Return once somebody waits for a lock of the queue's database."""
    waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    until = time.monotonic() + 60
    while not queue.execute(waiting):
        assert time.monotonic() < until


def test_several_are_locked_in_one_order(pg_queue: Make) -> None:
    """Two who change the same items in opposite order wait for each other, and nobody ends in a deadlock."""
    items = [item(f"A-{number}") for number in range(5)]
    queue = pg_queue(items)
    ids = [each.id for each in items]
    errors: list[BaseException] = []

    def change(order: list[str], name: str) -> None:
        try:
            store = queue.store(lock_timeout_s=30)
            for _ in range(5):
                store.change_together(order, replan(stamp(), name))
        except BaseException as error:  # noqa: BLE001 - told below
            errors.append(error)

    threads = [threading.Thread(target=change, args=(ids[::step], str(step))) for step in (1, -1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert [len(each.notes.split(" | ")) for each in queue.store()] == [10] * 5
    assert queue.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == [(0,)]


def test_a_lease_is_judged_by_the_clock_of_the_server(pg_queue: Make) -> None:
    """Whoever asks may have another time: what ended or holds on the server has, or does."""
    queue = pg_queue(ITEMS)
    queue.execute("UPDATE queue_items SET lease_owner = 's1', lease_expires_at = extract(epoch FROM now()) + 600")
    far = Stamp(actor="tester", now_s=NOW_S * 2, tz_minutes=540)
    with pytest.raises(RefusedError, match="A-1"):
        queue.store().change("A-1", retry(far))
    queue.execute("UPDATE queue_items SET lease_expires_at = extract(epoch FROM now()) - 600")
    early = Stamp(actor="tester", now_s=1_000_000, tz_minutes=540)
    assert queue.store().change("A-1", retry(early)).after.status == "PENDING"


def test_what_a_lease_has_left_is_shown_by_the_clock_of_the_server(
    pg_queue: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where what was read is shown later: what our clock and that of the server differ by is kept with it."""
    queue = pg_queue(ITEMS)
    queue.execute("UPDATE queue_items SET lease_owner = 's1', lease_expires_at = extract(epoch FROM now()) + 600")
    monkeypatch.setattr(time, "time", lambda: float(NOW_S))
    with queue.store().snapshot() as snapshot:
        rows = [*snapshot.details(), snapshot.details_of("A-1")]
    assert {lease_text(row, NOW_S + 150) for row in rows if row is not None} == {"7m"}
    assert lease_left_s(rows[0], NOW_S + 700) == pytest.approx(-100, abs=30)
    assert item_json(rows[0], NOW_S, 540)["lease_left_s"] == pytest.approx(600, abs=30)


@pytest.mark.parametrize("lock", ["SELECT FROM queue_items WHERE id = 'A-1' FOR UPDATE", "LOCK TABLE queue_items"])
def test_what_others_hold_is_waited_for_and_then_told(pg_queue: Make, lock: str) -> None:
    """The wait is bounded, the error names the option, nothing is written; readers wait for a whole table only."""
    queue = pg_queue(ITEMS)
    before = queue.contents()
    with queue.connect() as holder:
        holder.execute(f"BEGIN; {lock}")
        store = queue.store(lock_timeout_s=0.05)
        with pytest.raises(WriteError, match="--lock-timeout"):
            store.change("A-1", cancel(stamp()))
        if "TABLE" in lock:
            with pytest.raises(LockedError, match="--lock-timeout"):
                list(store)
        else:
            assert list(store) == ITEMS
    assert queue.contents() == before


cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5) | st.sampled_from(
    [
        "",
        "\\N",
        "\\.",
        "a\tb",
        "a\nb",
        "\r",
        "\\",
        "\\\\N",
        "a | b",
        "| |",
        " x ",
        "\x1b",
        "\x85\u2028",
        "%s ?",
        "-",
        "\b\f\v",
    ]
)
ROWS = st.lists(
    st.builds(
        lambda status, priority, texts, dashed: (status, priority, *texts[:2], *dashed, texts[2]),
        st.sampled_from(["PENDING", "DONE", "x", ""]) | st.sampled_from(["IN_PROGRESS", "FAILED"]),
        st.sampled_from(["P0", "P1", "P2", "P3"]),
        st.tuples(cells, cells, st.none() | cells),
        st.tuples(*[st.none() | cells] * 3),
    ),
    max_size=80,
)


@given(rows=ROWS, sound=st.booleans())
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_is_read_is_what_sqlite_reads(loose: PgQueue, tmp_path: Path, rows: list[Any], *, sound: bool) -> None:
    """Whatever rows hold, both databases give the same items, rows, details and records, or the same defects."""
    if sound:
        rows = [("PENDING", "P1", *row[2:-1], row[-1] or "") for row in rows]
    loose.execute("TRUNCATE queue_items, queue_events")
    numbered = [(f"A-{number:03}", *row) for number, row in enumerate(rows)]
    loose.add(numbered)
    path = tmp_path / "q.db"
    path.unlink(missing_ok=True)
    make_database(path, [])
    execute(
        path,
        "DROP TABLE queue_items; CREATE TABLE queue_items (id TEXT PRIMARY KEY, "
        + ", ".join(f"{name} TEXT" for name in (*FIELDS[1:], "created_at", "updated_at", "lease_owner", "last_error"))
        + ", lease_expires_at INTEGER, attempt_count INTEGER DEFAULT 0, max_attempts INTEGER DEFAULT 3)",
    )
    insert(path, numbered)
    stores = (loose.store(), SQLITE.open(str(path)))
    found = []
    for store in stores:
        told: list[Any] = []
        with store.snapshot() as view:
            for read in (view.items, view.keys, view.details, view.items_by_creation, view.recorded):
                try:
                    got = list(read())
                except InputError as error:
                    got = [text.replace(str(store.location), "") for text in (error.message, *error.details)]
                else:
                    got = flat(read.__name__, got)
                told.append(got)
            for item_id, *_ in numbered[:3]:
                try:
                    told.append((view.find(item_id) or [None])[0])
                except InputError as error:
                    told.append(error.message.replace(str(store.location), ""))
        found.append(told)
    assert found[0] == found[1]


def flat(name: str, got: list[Any]) -> list[Any]:
    """Return what was read without how it came in batches."""
    if name == "details":
        return [(row.number, row.item) for row in got]
    if name == "keys":
        return [(first + place, key.strip()) for first, keys in got for place, key in enumerate(keys)]
    if name == "recorded":
        return sorted((row for batch in got for row in zip(*batch, strict=True)), key=repr)
    return got


def insert(path: Path, rows: list[Any]) -> None:
    """Insert rows into a SQLite file as they are."""
    with closing(sqlite3.connect(path)) as connection, connection:
        marks = ", ".join("?" * (len(FIELDS) + 2))
        connection.executemany(
            f"INSERT INTO queue_items ({', '.join(FIELDS)}, created_at, updated_at) VALUES ({marks})",
            [(*row, "2026-01-01 00:00", "2026-01-01 00:00") for row in rows],
        )


@pytest.fixture(scope="module")
def loose(pg_queue: Make) -> PgQueue:
    """Return a queue whose columns hold what they should not."""
    queue = pg_queue()
    queue.execute("; ".join(f"ALTER TABLE queue_items ALTER {name} DROP NOT NULL" for name in FIELDS[1:]))
    return queue


def test_every_malformed_row_is_told_up_to_twenty(loose: PgQueue) -> None:
    """The first twenty defects are told, wherever they are, and no item is returned after the first."""
    loose.execute("TRUNCATE queue_items, queue_events")
    rows = [list(item(f"A-{number:04}")) for number in range(300)]
    for row in rows[100::3]:
        row[1] = "odd"
    loose.add(rows)
    with pytest.raises(InputError) as raised:
        list(loose.store())
    told = [raised.value.message, *raised.value.details]
    assert len(told) == 20
    assert all("status 'odd': expected one of" in line for line in told)
    assert "A-0100" in told[0]


def test_a_preview_writes_nothing(pg_queue: Make) -> None:
    """A preview decides on what a change would, and writes nothing."""
    queue = pg_queue(ITEMS)
    before = queue.contents()
    assert queue.store().preview("A-1", cancel(stamp())).after.status == "BLOCKED"
    assert queue.contents() == before
