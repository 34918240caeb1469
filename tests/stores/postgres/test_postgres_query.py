"""A statement of somebody else's on a server: it reads, within limits, and can do nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from builders import item

from ops_checks.errors import InputError, LimitError, LockedError, StatementError
from ops_checks.stores.query import Limits

if TYPE_CHECKING:
    from collections.abc import Callable

    from postgres_queues import PgQueue

    Make = Callable[..., PgQueue]

VALUES = {"now": "2026-01-02 00:00", "now_s": 1_767_279_600, "tz_minutes": -540}
LIMITS = Limits(seconds=10)
SHORT = Limits(seconds=0.5, rows=1000)
ENDLESS = "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT {} FROM r"
ADVISORY = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"

#: What is refused before it runs, and what is said of it.
REFUSED = {
    "SELECT id FROM queue_items FOR UPDATE": "in a read-only transaction",
    "SELECT id FROM queue_items FOR SHARE": "in a read-only transaction",
    "WITH x AS (DELETE FROM queue_items RETURNING id) SELECT id FROM x": "must not contain data-modifying statements",
    "SELECT * INTO stolen FROM queue_items": "INTO is not allowed",
    "SELECT 1; COMMIT": "more than one statement",
    "COPY (SELECT 1) TO PROGRAM 'x'": "begins with COPY",
    "LISTEN a": "begins with LISTEN",
    "NOTIFY a": "begins with NOTIFY",
    "DO $$ BEGIN END $$": "begins with DO",
    "SET TRANSACTION READ WRITE": "begins with SET",
    "TABLE queue_items": "begins with TABLE",
    'SELECT U&"pg\\005fsleep"(5)': "write it plainly",
    "SELECT FROM queue_items": "returns no column",
    "SELECT dblink('x', 'y')": "function dblink(unknown, unknown) does not exist",
    "SELECT " + " + ".join(["1"] * 12000): "stack depth limit exceeded",
    **{
        f"SELECT {call}": "() may do more than read, for it is volatile"
        for call in (
            "nextval('numbers')",
            "setval('numbers', 5)",
            "set_config('transaction_read_only', 'off', true)",
            "pg_sleep(5)",
            'pg_catalog /* x */ . "pg_sleep" -- y\n(5)',
            "lo_create(0)",
            "lo_import('/etc/passwd')",
            "pg_advisory_lock(1)",
            "pg_try_advisory_xact_lock(1)",
            "pg_notify('a', 'b')",
            "query_to_xml('SELECT pg_sleep(5)', true, true, '')",
            "pg_terminate_backend(1)",
            "pg_read_file('/etc/passwd')",
            "pg_export_snapshot()",
            "theirs(1)",
        )
    },
}


@pytest.fixture
def queue(pg_queue: Make) -> PgQueue:
    """Return a queue with a sequence, a function and a table beside it."""
    queue = pg_queue([item(f"ORCH-{number}") for number in range(30)])
    queue.execute("CREATE FUNCTION theirs(int) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE SEQUENCE numbers")
    queue.execute("CREATE FUNCTION pure(int) RETURNS int LANGUAGE sql STABLE AS 'SELECT 7'")
    return queue


def ask(queue: PgQueue, statement: str, limits: Limits = LIMITS) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    """Return the columns and rows of an answer."""
    with queue.store().snapshot() as snapshot:
        answer = snapshot.query(statement, VALUES, limits)
        return answer.columns, list(answer.rows)


@pytest.mark.parametrize(
    ("statement", "rows"),
    [
        ("SELECT id, task FROM queue_items WHERE id LIKE 'ORCH-1%' ORDER BY id DESC LIMIT 1;", [("ORCH-19", "task")]),
        ("SELECT :now::timestamp, 1-:tz_minutes, :now_s, '%s'", [("2026-01-02 00:00:00", "541", "1767279600", "%s")]),
        ("(SELECT 1) UNION (SELECT 2) ORDER BY 1 -- the end", [("1",), ("2",)]),
        ("SELECT E'\\'; SELECT 2 --', $a$ ; $b$ $a$, '\\'", [("'; SELECT 2 --", " ; $b$ ", "\\")]),
        ("SELECT ROW(1, 'x'), ARRAY[1], NULL, '\\x00'::bytea, true", [("(1,x)", "{1}", None, "\\x00", "true")]),
        ("SELECT 'infinity'::timestamp, '9999-12-31'::date + 300000", [("infinity", "10821-05-15")]),
        ("SELECT '{\"a\": 1}'::jsonb ? 'a', pure(1), random() < 2", [("true", "7", "true")]),
        ("SELECT 1, 2, 3, 4, 5, 6, 7, 8, 9, 10", [tuple("123456789")]),
        ("SELECT length(a.l) FROM (SELECT left(repeat('x', 5000), 9) AS l) AS a", [("9",)]),
    ],
)  # fmt: skip
def test_it_reads(queue, statement, rows):
    """Every value as the server writes it; the first columns of a row are kept."""
    assert ask(queue, statement)[1] == rows


@pytest.mark.parametrize("statement", REFUSED)
def test_what_may_do_more_than_read_is_refused(queue, statement):
    """Before it runs, and whatever it is written as; nothing is changed, and no lock is left."""
    before = (queue.contents(), queue.execute("SELECT last_value FROM numbers"))
    with pytest.raises(StatementError) as raised:
        ask(queue, statement)
    assert REFUSED[statement] in raised.value.message
    assert (queue.contents(), queue.execute("SELECT last_value FROM numbers")) == before
    assert queue.execute(ADVISORY) == [(0,)]


@pytest.mark.parametrize(
    ("statement", "says", "error"),
    [
        (ENDLESS.format("n"), "returns more than 1000 rows", LimitError),
        (ENDLESS.format("max(n)"), "takes more than 0.5 s", LimitError),
        ("SELECT count(*) FROM generate_series(1, 100000000) a", "takes more than 0.5 s", LimitError),
        ("SELECT 1 / (length(id) - 6) FROM queue_items", "failed: division by zero", InputError),
        ("SELECT task::int FROM queue_items", "failed: invalid input syntax", InputError),
    ],
)
def test_what_takes_too_much_or_fails_is_an_error(queue, statement, says, error):
    """And never an answer that is cut."""
    with pytest.raises(error) as raised:
        ask(queue, statement, SHORT)
    assert says in raised.value.message


@pytest.mark.parametrize(
    ("statement", "says", "line", "missing"),
    [
        ("SELECT id\nFROM queue_items\nWHERE prioritty = 'P0'", 'column "prioritty" does not exist', 3, True),
        ("SELECT id\nFROM queue_itemz", 'relation "queue_itemz" does not exist', 2, True),
        ("SELECT id\nFORM queue_items x", 'syntax error at or near "queue_items"', 2, False),
        ("SELECT 1,\n lease_expires_at = status FROM queue_items", "operator does not exist", 2, False),
        ("SELECT id FROM queue_items\nWHERE lease_expires_at = 'soon'", "invalid input syntax", 2, False),
        ("SELECT 'a',\n pg_sleep(1)", "pg_sleep() may do more", 2, False),
    ],
)
def test_a_mistake_is_told_with_its_line(queue, statement, says, line, missing):
    """As the server has it."""
    with pytest.raises(StatementError) as raised:
        ask(queue, statement)
    assert says in raised.value.message
    assert (raised.value.line, raised.value.missing) == (line, missing)


def test_a_large_value_is_cut_by_the_server(queue):
    """One character more than is shown tells that it is."""
    [[value]] = ask(queue, "SELECT repeat('x', 10000000)")[1]
    assert value == "x" * 1001


def test_it_is_not_blocked_for_ever(queue):
    """A table that somebody holds is waited for as long as is usual."""
    with queue.connect() as holder, queue.store().snapshot() as snapshot:
        queue.execute("CREATE TABLE held (id text)")
        holder.execute("BEGIN; LOCK TABLE held IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(LockedError, match="locked by another program"):
            snapshot.query("SELECT id FROM held", VALUES, LIMITS)


def test_it_blocks_no_writer(queue):
    """While its rows are read, others change the items."""
    with queue.store().snapshot() as snapshot:
        rows = snapshot.query("SELECT id FROM queue_items", VALUES, LIMITS).rows
        next(rows)
        with queue.connect() as writer:
            writer.execute("SET lock_timeout = '2s'")
            writer.execute("UPDATE queue_items SET status = 'DONE'")
        assert len(list(rows)) == 29


def test_it_may_not_read_what_its_user_may_not(queue):
    """That is no mistake in the statement."""
    queue.execute("CREATE ROLE nobody_much NOLOGIN; CREATE TABLE hidden (id text)")
    try:
        queue.execute(f"GRANT USAGE ON SCHEMA {queue.schema} TO nobody_much")
        queue.execute("GRANT SELECT ON queue_items, queue_events TO nobody_much")
        view = queue.store(options="-crole=nobody_much").snapshot()
        with view as snapshot, pytest.raises(InputError, match="lacks a right"):
            snapshot.query("SELECT id FROM hidden", VALUES, LIMITS)
    finally:
        queue.execute("DROP OWNED BY nobody_much; DROP ROLE nobody_much")
