"""A statement of somebody else's on a database of SQLite: it reads, within limits, and can do nothing else."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from builders import RELIABILITY, execute, item, make_database
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ops_checks.errors import ChangingError, InputError, LimitError, StatementError
from ops_checks.model import FIELDS
from ops_checks.stores.query import Limits
from ops_checks.stores.registry import SQLITE
from ops_checks.stores.sqlite.query import MemoryQueue
from ops_checks.stores.sqlite.with_tables import copies
from ops_checks.stores.statement import SQLITE as SYNTAX
from ops_checks.stores.statement import read_statement

if TYPE_CHECKING:
    from pathlib import Path

    from ops_checks.stores.query import Answer

VALUES = {"now": "2026-01-02 00:00", "now_s": 1_767_279_600, "tz_minutes": 540}
NOW = VALUES["now"]
LIMITS = Limits(seconds=5)
SHORT = Limits(seconds=0.2, rows=1000)
ITEMS = [item(f"ORCH-{number}") for number in range(30)]
EXTRAS = """
CREATE VIEW open_items AS SELECT id FROM queue_items;
CREATE VIRTUAL TABLE found USING fts5(words);
INSERT INTO found VALUES ('here');
CREATE VIEW found_items AS SELECT words FROM found;
INSERT INTO queue_events (item_id, event_type, payload_json) VALUES ('ORCH-1', 'added', '{"by": "kim"}');
"""
ENDLESS = "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT {} FROM r"
#: Tables each of which uses the one before twice, and the same by one name in scopes of its own.
CHAIN = ", ".join(["a0 AS (SELECT 1)", *(f"a{n} AS (SELECT 1 FROM a{n - 1}, a{n - 1} AS b)" for n in range(1, 30))])
NESTED = "SELECT 1"
for _ in range(30):
    NESTED = f"WITH a AS ({NESTED}) SELECT 1 FROM a, a AS b"

#: What is refused before it runs, and what is said of it.
REFUSED = {
    "WITH x AS (SELECT 1) DELETE FROM queue_items": "DELETE: a rule only reads",
    "WITH x AS (SELECT 1) INSERT INTO queue_items (id) SELECT 'a' RETURNING id": "INSERT: a rule only reads",
    "WITH x AS (SELECT 1) UPDATE queue_items SET status = 'DONE' RETURNING id": "UPDATE: a rule only reads",
    "WITH x AS (SELECT 1) REPLACE INTO queue_items (id) SELECT 'a'": "a rule only reads",
    "SELECT name FROM pragma_table_info('queue_items')": "pragma_table_info is no plain table",
    "SELECT * FROM pragma_query_only(0)": "is no plain table",
    "SELECT (SELECT 1 FROM pragma_journal_mode)": "is no plain table",
    "SELECT words FROM found": "found is no plain table",
    "SELECT * FROM found_data": "found_data is no plain table",
    "SELECT words FROM found_items": "unsafe use of virtual table",
    "SELECT * FROM sqlite_temp_master": "is no plain table",
    "SELECT load_extension('x')": "load_extension() is no function that a rule may call",
    "SELECT fts3_tokenizer('simple')": "fts3_tokenizer() is no function that a rule may call",
    "SELECT optimize(words) FROM queue_items": "optimize() is no function",
    "SELECT readfile('/etc/passwd')": "no such function: readfile",
    "SELECT writefile('x', 'y')": "no such function: writefile",
    "SELECT edit('x')": "no such function: edit",
    "SELECT printf('%.*c', 2147483647, 'x')": "printf() is no function that a rule may call",
    "SELECT id FROM other.queue_items": "no such table: other.queue_items",
    "SELECT 1 + " + "(" * 900 + "1" + ")" * 900: "stack overflow",
    "SELECT " + " + ".join(["1"] * 900): "Expression tree is too large",
    "SELECT " + ", ".join(["1"] * 300): "too many columns",
    f"WITH {CHAIN} SELECT * FROM a29": "uses its WITH tables 2000 times or more",
    NESTED: "uses its WITH tables 2000 times or more",
}
#: What is stopped while it runs.
STOPPED = {
    ENDLESS.format("n"): "returns more than 1000 rows",
    ENDLESS.format("max(n)"): "takes more than 0.2 s",
    "SELECT count(*) FROM " + ", ".join(f"queue_items q{number}" for number in range(10)): "takes more than 0.2 s",
    "SELECT zeroblob(1000000000)": "meets a value of more than 500000 bytes",
    "SELECT group_concat(hex(randomblob(1000))) FROM queue_items, queue_items AS b": "meets a value of more than",
}
FAILING = {
    "SELECT abs(-9223372036854775807 - 1)": "integer overflow",
    "SELECT json_extract('{', '$')": "malformed JSON",
    "SELECT 1 LIMIT 'abc'": "datatype mismatch",
}


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Return a database with views, a virtual table and an event."""
    path = tmp_path / "q.db"
    make_database(path, ITEMS)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(EXTRAS)
    return path


def ask(path: Path, statement: str, limits: Limits = LIMITS) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    """Return the columns and rows of an answer."""
    with SQLITE.open(str(path)).snapshot() as snapshot:
        answer: Answer = snapshot.query(statement, VALUES, limits)
        return answer.columns, list(answer.rows)


@pytest.mark.parametrize(
    ("statement", "columns", "rows"),
    [
        ("SELECT id, task AS t FROM queue_items WHERE id = 'ORCH-7'", ("id", "t"), [("ORCH-7", "task")]),
        ('SELECT "id" AS "a`b""c" FROM "queue_items" WHERE "id" = \'ORCH-7\'', ('a`b"c',), [("ORCH-7",)]),
        ("SELECT count(*) AS n FROM open_items;", ("n",), [(30,)]),
        ("SELECT :now_s + 1 AS s, :now AS t, 1 -:tz_minutes AS z", ("s", "t", "z"), [(1767279601, NOW, -539)]),
        ("SELECT item_id, payload_json ->> 'by' AS by FROM queue_events", ("item_id", "by"), [("ORCH-1", "kim")]),
        ("SELECT j.value AS v FROM queue_events, json_each(payload_json) AS j", ("v",), [("kim",)]),
        ("WITH RECURSIVE r(n) AS (SELECT 1 UNION SELECT 1 + n FROM r LIMIT 2) SELECT n FROM r", ("n",), [(1,), (2,)]),
        ("SELECT count(*) AS n FROM sqlite_master WHERE name = 'queue_items'", ("n",), [(1,)]),
        ("SELECT 1, 2, 3, 4, 5, 6, 7, 8, 9, 10", (*"123456789", "10"), [tuple(range(1, 10))]),
        ("SELECT CAST(x'ff41' AS TEXT) AS t, x'00' AS b, NULL AS n", ("t", "b", "n"), [("\\xffA", b"\0", None)]),
    ],
)  # fmt: skip
def test_it_reads(database, statement, columns, rows):
    """Tables, views, texts of JSON and the schema; parameters have values; the first columns of a row are kept."""
    assert ask(database, statement) == (columns, rows)


@pytest.mark.parametrize("statement", REFUSED)
def test_what_may_do_more_than_read_is_refused(database, statement):
    """Before it runs, and whatever it is written as; nothing is changed and no file is made."""
    before = database.read_bytes()
    with pytest.raises(StatementError) as raised:
        ask(database, statement)
    assert REFUSED[statement] in raised.value.message
    assert database.read_bytes() == before
    assert [path.name for path in database.parent.iterdir()] == ["q.db"]


@pytest.mark.parametrize("statement", STOPPED)
def test_what_takes_too_much_is_stopped(database, statement):
    """In time, rows, or memory: an error, and never an answer that is cut."""
    with pytest.raises(LimitError) as raised:
        ask(database, statement, SHORT)
    assert STOPPED[statement] in raised.value.message


@pytest.mark.parametrize("statement", FAILING)
def test_what_fails_on_its_rows_says_so(database, statement):
    """It parses, so that it is no error of the policy's."""
    with pytest.raises(InputError) as raised:
        ask(database, statement)
    assert raised.value.message.startswith(f"failed: {FAILING[statement]}")


@pytest.mark.parametrize(
    ("statement", "says", "line", "missing"),
    [
        ("SELECT id\nFORM queue_items", 'near "queue_items": syntax error', 2, False),
        ("SELECT id\nFROM queue_items\nWHERE prioritty = 'P0'", "no such column: prioritty", 3, True),
        ("SELECT id\nFROM queue_itemz", "no such table: queue_itemz", 2, True),
        ("SELECT q.nope,\nid FROM queue_items q", "no such column: q.nope", 1, True),
        ("SELECT id,\nid\nFROM queue_items WHERE id id", 'near "id": syntax error', None, False),
        ("SELECT id FROM queue_items\nWHERE \"prioritty\" = 'P0'", "no such column: prioritty; a text stands", 2, True),
        ('SELECT id FROM queue_items WHERE status = "DONE"', "no such column: DONE; a text stands in single", 1, True),
        ("SELECT\nlenght(id) FROM queue_items", "no such function: lenght", 2, False),
    ],
)
def test_a_mistake_is_told_with_its_line(database, statement, says, line, missing):
    """Where the word that SQLite names stands once."""
    with pytest.raises(StatementError) as raised:
        ask(database, statement)
    assert says in raised.value.message
    assert (raised.value.line, raised.value.missing) == (line, missing)


def test_rows_at_the_bound_are_all_there(database):
    """One more is an error."""
    query = "SELECT id FROM queue_items"
    assert len(ask(database, query, Limits(rows=30))[1]) == 30
    with pytest.raises(LimitError, match="returns more than 29 rows"):
        ask(database, query, Limits(rows=29))


def test_a_table_by_the_name_of_a_harmless_one_is_none(database):
    """A virtual table of the database is not read, and a plain one is."""
    execute(database, "CREATE VIRTUAL TABLE json_each USING fts5(words); CREATE TABLE json_tree (a)")
    with pytest.raises(StatementError, match="json_each is no plain table"):
        ask(database, "SELECT * FROM json_each")
    assert ask(database, "SELECT a FROM json_tree") == (("a",), [])


def test_a_snapshot_is_as_it_was_afterwards(database):
    """What the program itself does on its connection is bound no longer, whether the statement ended well or not."""
    with SQLITE.open(str(database)).snapshot() as snapshot:
        with pytest.raises(StatementError):
            snapshot.query("SELECT * FROM found", VALUES, LIMITS)
        list(snapshot.query("SELECT id FROM queue_items", VALUES, LIMITS).rows)
        assert not snapshot.changed()
        assert [each for _, each in snapshot.items()] == ITEMS
        rows = snapshot.query("SELECT id FROM queue_items", VALUES, LIMITS).rows
        next(rows)
    del rows  # left half-way: its connection is closed before it


def test_one_state_is_read(database):
    """What others commit before the first statement is told, and after it is not seen."""
    execute(database, "PRAGMA journal_mode = WAL")  # in which a reader keeps nobody waiting
    count = "SELECT count(*) FROM queue_items"
    with SQLITE.open(str(database)).snapshot() as snapshot:
        execute(database, "DELETE FROM queue_items WHERE id = 'ORCH-1'")
        with pytest.raises(ChangingError):
            snapshot.query(count, VALUES, LIMITS)
    with SQLITE.open(str(database)).snapshot() as snapshot:
        assert list(snapshot.query(count, VALUES, LIMITS).rows) == [(29,)]
        execute(database, "DELETE FROM queue_items WHERE id = 'ORCH-2'")
        assert list(snapshot.query(count, VALUES, LIMITS).rows) == [(29,)]


def test_growth_is_seen(database, monkeypatch):
    """What is sorted is kept in memory, and counts."""
    monkeypatch.setattr("ops_checks.stores.sqlite.query._MOST_MEMORY", -1)
    with pytest.raises(LimitError, match="of memory"):
        ask(database, ENDLESS.format("n") + " ORDER BY hex(randomblob(100000))")


def test_ctrl_c_ends_it(database, monkeypatch):
    """Also where it meets the program inside of SQLite."""

    def interrupted() -> float:
        raise KeyboardInterrupt

    with SQLITE.open(str(database)).snapshot() as snapshot:
        answer = snapshot.query(ENDLESS.format("n"), VALUES, LIMITS)
        monkeypatch.setattr(time, "monotonic", interrupted)
        with pytest.raises(KeyboardInterrupt):
            list(answer.rows)
        monkeypatch.undo()


def test_a_queue_in_memory_has_the_rows_of_a_document(database):
    """With their numbers, and the columns that a document lacks as a new row has them."""
    with MemoryQueue("Q.md") as queue:
        assert queue.add(enumerate(ITEMS, 5)) == 30
        query = "SELECT id, attempt_count, lease_owner FROM queue_items WHERE id = 'ORCH-3'"
        assert list(queue.query(query, VALUES).rows) == [("ORCH-3", 0, None)]
        assert (queue.number("ORCH-3"), queue.number("X")) == (8, None)


@pytest.mark.parametrize(
    ("statement", "columns"),
    [
        ("SELECT id FROM queue_items WHERE status = 'DONE'", {"id", "status"}),
        ("SELECT count(*) FROM queue_items", {""}),
        ("SELECT * FROM queue_items", {*FIELDS, "created_at", "updated_at", *RELIABILITY}),
        ("WITH x AS (SELECT id FROM queue_items) SELECT x.id, j.value FROM x, json_each('[]') AS j", {"id"}),
        ("SELECT rowid FROM queue_items", {"rowid", ""}),
        ("SELECT 1", set()),
    ],
)  # fmt: skip
def test_what_a_statement_reads_is_known(statement, columns):
    """Without running it."""
    with MemoryQueue("") as queue:
        assert queue.reads(statement, VALUES) == {("queue_items", column) for column in columns}


@pytest.mark.parametrize(
    ("statement", "count"),
    [
        ("SELECT id FROM queue_items", 0),
        ("WITH a AS (SELECT 1) SELECT * FROM a", 1),
        ("WITH a AS (SELECT 1), b AS (SELECT a.x, a.y FROM a JOIN a AS c) SELECT b.x FROM b, b AS d", 6),
        ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n FROM r) SELECT n FROM r, r AS s", 2),
        ('WITH "A"(x) AS NOT MATERIALIZED (SELECT 1) SELECT 1 WHERE 1 IN a', 1),
        ("WITH a AS (WITH a AS (SELECT 1) SELECT 1 FROM a, a AS b) SELECT 1 FROM a, a AS b", 6),
        (f"WITH {CHAIN} SELECT * FROM a29", 99),
        (NESTED, 99),
        ("WITH " + ", ".join(f"a{n} AS (SELECT {n})" for n in range(200)) + " SELECT 1", 99),
        ("SELECT 1 " + "AS (" * 9000, 0),
    ],
)
def test_copies_of_with_tables_are_counted(statement, count):
    """Each use is one, with those in the table that is used; by the name in the narrowest scope."""
    assert copies(read_statement(statement, SYNTAX, {}).tokens, 99) == count


#: Pieces of statements, harmless and hostile, in any order.
_PIECES = (
    "SELECT FROM WHERE WITH RECURSIVE AS UNION ALL VALUES DELETE INSERT INTO UPDATE SET DROP TABLE ATTACH PRAGMA "
    "VACUUM CREATE TEMP EXPLAIN BEGIN COMMIT ROLLBACK RETURNING id * ( ) , ; = 1 'x' \"y\" x'00' -- /* */ :now ?1 "
    "queue_items queue_events open_items found found_data sqlite_master json_each pragma_table_info r r(n) n status "
    "LIMIT ORDER BY load_extension('x') writefile('x','y') zeroblob(9999999) randomblob(9) max(id) count(*) NULL IN "
    "EXISTS CASE END"
)
_WORDS = st.sampled_from(_PIECES.split())
_GRAMMAR = st.one_of(
    st.lists(_WORDS, max_size=25).map(" ".join),
    st.lists(_WORDS, max_size=20).map(lambda words: "SELECT " + " ".join(words)),
    st.lists(_WORDS, max_size=12).map(lambda words: "WITH r AS (SELECT 1 AS n) " + " ".join(words)),
    st.builds(
        lambda one, two: f"SELECT {one} FROM {two}",
        st.sampled_from(["id", "*", "max(id)", "randomblob(9)", "(SELECT 1)", "load_extension('x')"]),
        st.lists(_WORDS, max_size=6).map(lambda words: "queue_items " + " ".join(words)),
    ),
    st.builds(
        lambda statement, at, word: f"{statement[: at % len(statement)]} {word} {statement[at % len(statement) :]}",
        st.sampled_from([*REFUSED, *FAILING, ENDLESS.format("n")]).filter(lambda statement: len(statement) < 500),
        st.integers(0, 500),
        _WORDS,
    ),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(statement=_GRAMMAR)
def test_no_statement_changes_anything(database, statement):
    """It ends in an answer or an error that is known, and not a byte is another then, nor a file there."""
    before = database.read_bytes()
    said = ""
    try:
        ask(database, statement, Limits(seconds=0.2, rows=1000))
    except (StatementError, InputError) as error:
        said = error.message
    assert "\n" not in said
    assert "check the file" not in said
    assert database.read_bytes() == before
    assert [path.name for path in database.parent.iterdir()] == ["q.db"]
