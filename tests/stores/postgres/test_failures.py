"""What can go wrong with a server: one line, the right exit code, nothing half done (FORMATS section 7)."""

from __future__ import annotations

import contextlib
import os
import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from builders import item, make_markdown
from postgres_queues import SCHEMA, PgQueue, make_queue
from postgres_server import Database

from ops_checks.errors import InputError, WriteError
from ops_checks.stores.postgres import connection
from ops_checks.stores.postgres.causes import translate
from ops_checks.transitions import Stamp, cancel, replan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Told
    from postgres_server import OwnServer, Server, Servers

    from ops_checks.model import Item
    from ops_checks.stores.changes import Change, Reliability

    Make = Callable[..., PgQueue]
    Run = Callable[..., Told]

STAMP = Stamp(actor="tester", now_s=1_767_279_600, tz_minutes=540)
ITEMS = [item("A-1", "IN_PROGRESS", owner_session="s1", started_at_kst="2026-01-01 10:00"), item("A-2", "FAILED")]
READING = [
    ["list"],
    ["consistency-check", "--queue", "QUEUE.md"],
    ["status"],
    ["show", "A-1"],
    ["drift", "--queue", "QUEUE.md"],
]
CHANGE = ["cancel", "--id", "A-1"]
WRITING = [
    CHANGE,
    ["retry", "--status", "FAILED"],
    ["baseline", "--queue", "QUEUE.md"],
    [*CHANGE, "--both", "--queue", "QUEUE.md"],
]


@pytest.fixture
def at(folder: Path) -> None:
    """Work beside a document with the same items."""
    make_markdown(folder / "QUEUE.md", ITEMS)
    (folder / "ops-checks.yaml").write_text("consistency:\n  settle: 0s\n")


def assert_error(told: Told, words: str, code: int = 3) -> None:
    """Assert that a command ended in one line that says so, without what a connection is made of."""
    assert (told.code, told.out) == (code, "")
    lines = [line for line in told.err.splitlines() if not line.startswith("note: ")]
    assert len(lines) == 1, told.err
    assert lines[0].startswith("error: ")
    assert re.search(words, lines[0]), lines[0]
    assert not re.search(r"Traceback|host=|user=|@|PGSQL|port \d|\.s\.", lines[0])


@pytest.mark.usefixtures("at")
@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("postgresql:///x?host=/nowhere", "^error: postgresql:x: the server cannot be reached"),
        ("postgresql://127.0.0.1:1/x?user=bob", "^error: postgresql:x: the server cannot be reached .*refused"),
        ("postgresql://127.0.0.1:1,127.0.0.1:2/x", "the server cannot be reached"),
        ("postgresql://bob@nowhere.invalid/x", "the server cannot be reached"),
        ("service=nothere", "no such service"),
    ],
)
def test_a_server_that_is_not_there(run: Run, location: str, words: str) -> None:
    """Named by its database or service; who reads and who writes is told the same."""
    for argv in (*READING[:2], *WRITING[:2]):
        assert_error(run(*argv, "--db", location), words)


@pytest.mark.usefixtures("at")
def test_what_is_not_on_the_server(run: Run, pg_queue: Make, postgres: Server) -> None:
    """Another database, role, schema; tables that are elsewhere are named."""
    queue = pg_queue(ITEMS)
    for location, words in (
        (queue.location(dbname="nothere"), "postgresql:nothere .*no such database"),
        (queue.location(user="nobody_of_that_name"), "refuses this user .*role … does not exist"),
        (queue.database.location() + "&schema=nothere", "no table queue_items in the schema nothere"),
        (queue.database.location(), r"no table queue_items on the search path \(there is one in .*queue_\d"),
        (postgres.admin.location(), "no table queue_items on the search path: .*ops-checks init"),
    ):
        for argv in (READING[1], CHANGE):
            assert_error(run(*argv, "--db", location), words)


@pytest.mark.usefixtures("at")
def test_rights(run: Run, pg_queue: Make, postgres: Server) -> None:
    """SELECT alone reads everything; a change says which right is missing, and nothing has changed."""
    _, *_, queue = [pg_queue(ITEMS) for _ in range(9)]  # beside many others
    with postgres.role() as role:
        where = ["--db", queue.location(user=role)]
        tables = "queue_items", "queue_events"
        assert_error(run("list", *where), f"may not use the schema {queue.schema}: ask for `GRANT USAGE")
        queue.execute(f"GRANT USAGE ON SCHEMA {queue.schema} TO {role}")
        for table in tables:
            assert_error(run("list", *where), f"may not read {table}: ask its owner for `GRANT SELECT ON {table}`")
            queue.execute(f"GRANT SELECT ON {table} TO {role}")
        for argv in READING:
            assert run(*argv, *where).code == 0, argv
        before = queue.contents()
        assert_error(run(*CHANGE, *where), "lacks a right .permission denied for table queue_items.: it needs")
        for argv in WRITING[2:]:
            assert_error(run(*argv, *where), "this user lacks UPDATE on queue_items and INSERT on queue_events", 5)
        assert run(*CHANGE, "--dry-run", *where).code == 0
        queue.execute(f"GRANT UPDATE ON queue_items TO {role}")
        assert_error(run(*CHANGE, *where), "lacks a right .permission denied for table queue_events.: it needs")
        assert queue.contents() == before
        queue.execute(f"GRANT INSERT ON queue_events TO {role}")
        assert run(*CHANGE, *where).code == 0
        queue.execute(f"DROP OWNED BY {role}")


@pytest.mark.usefixtures("at")
@pytest.mark.parametrize("table", ["queue_items", "queue_events"])
def test_rows_that_are_hidden_are_no_queue(run: Run, pg_queue: Make, postgres: Server, table: str) -> None:
    """Row security shows a part: for whom it applies there is no verdict, whoever connects in whatever role."""
    queue = pg_queue(ITEMS)
    with postgres.role() as role, postgres.role("LOGIN BYPASSRLS") as trusted:
        for name in (role, trusted):
            queue.execute(f"GRANT USAGE ON SCHEMA {queue.schema} TO {name}")
            queue.execute(f"GRANT SELECT, INSERT, UPDATE ON queue_items, queue_events TO {name}")
        queue.execute(f"CREATE POLICY p ON {table} USING (true)")
        assert run("list", "--db", queue.location(user=role)).code == 0
        queue.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        words = f"row security of {table} may hide rows from this user"
        for location in (queue.location(user=role), queue.location(options=f"-crole={role}")):
            for argv in (*READING[:2], CHANGE):
                assert_error(run(*argv, "--db", location), words)
        for location in (queue.location(), queue.location(user=trusted)):
            assert run("consistency-check", "--queue", "QUEUE.md", "--db", location).code == 0
        queue.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY; DROP OWNED BY {role}, {trusted}")


@pytest.mark.usefixtures("at")
@pytest.mark.parametrize(
    ("setting", "words", "code"),
    [
        ("default_transaction_read_only=on", "not written, because this connection only reads", 3),
        ("statement_timeout=1", None, 0),
        ("lock_timeout=1", None, 0),
        ("search_path=", None, 0),
        ("row_security=off", None, 0),
        ("client_encoding=LATIN1", None, 0),
        ("standard_conforming_strings=off", None, 0),
        ("default_transaction_isolation=serializable", None, 0),
        ("DateStyle=German", None, 0),
        ("bytea_output=escape", None, 0),
        ("extra_float_digits=0", None, 0),
    ],
)
def test_settings_of_the_role(run: Run, pg_queue: Make, setting: str, words: str | None, code: int) -> None:
    """What a role or a database has set does not change what is read or written."""
    queue = pg_queue(ITEMS)
    make_markdown_of(queue)
    where = ["--db", queue.location(options=f"-c{setting}")]
    for argv in READING:
        assert run(*argv, *where).code == 0
    told = run("replan", "--id", "A-2", "--notes", "é | 한", *where)
    if words is None:
        assert (told.code, queue.store().get("A-2").notes) == (0, "é | 한\\ü | replan:é | 한")
    else:
        assert_error(told, words, code)


def make_markdown_of(queue: PgQueue) -> None:
    """Give both sides an item with letters that encodings write differently."""
    queue.execute("UPDATE queue_items SET notes = %s WHERE id = 'A-2'", "é | 한\\ü")
    make_markdown(Path("QUEUE.md"), [ITEMS[0], ITEMS[1].with_cells([("notes", "é | 한\\ü")])])


@pytest.fixture(scope="module")
def odd(postgres: Server) -> Iterator[Callable[[str], PgQueue]]:
    """Return a function that makes a queue in a database of another encoding."""
    with contextlib.ExitStack() as stack:

        def make(encoding: str) -> PgQueue:
            name = f"ops_checks_{encoding.lower()}_{os.getpid()}"
            options = f"ENCODING {encoding} TEMPLATE template0 LOCALE 'C' LOCALE_PROVIDER libc"
            if postgres.admin.execute("SHOW server_version_num") < [("150000",)]:
                options = f"ENCODING {encoding} TEMPLATE template0 LOCALE 'C'"
            postgres.admin.execute(f"CREATE DATABASE {name} {options}")
            stack.callback(postgres.admin.execute, f"DROP DATABASE {name} WITH (FORCE)")
            database = type(postgres.admin)(name, postgres.admin.parameters())
            return make_queue(database, "q", ITEMS)

        yield make


@pytest.mark.usefixtures("at")
def test_a_database_of_another_encoding(run: Run, odd: Callable[[str], PgQueue]) -> None:
    """What it can hold is read and written; what it cannot is an error, and nothing is written."""
    queue = odd("LATIN1")
    where = ["--db", queue.location()]
    assert run("replan", "--id", "A-2", "--notes", "é", *where).code == 0
    assert queue.store().get("A-2").notes == "replan:é"
    assert run("list", *where).code == 0
    before = queue.contents()
    assert_error(run("replan", "--id", "A-2", "--notes", "한", *where), "nothing was written, .*encoding")
    with pytest.raises(InputError, match="encoding"):
        queue.store().get("한")
    assert queue.contents() == before


@pytest.mark.usefixtures("at")
def test_bytes_that_are_no_text(run: Run, odd: Callable[[str], PgQueue]) -> None:
    """A database that does not look at what it holds: bytes that are no UTF-8 are an error for who reads them."""
    queue = odd("SQL_ASCII")
    where = ["--db", queue.location()]
    assert run("consistency-check", "--queue", "QUEUE.md", *where).code == 0
    queue.execute(r"UPDATE queue_items SET notes = convert_from('\xff', 'SQL_ASCII') WHERE id = 'A-2'")
    for argv in (*READING[:2], ["replan", "--id", "A-2", "--notes", "x"]):
        assert_error(run(*argv, *where), "encoding")


def test_a_server_that_is_too_old(run: Run, pg_queue: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused with both versions, before anything is asked of it."""
    monkeypatch.setattr(connection, "_OLDEST", 990000)
    for argv in (["list"], CHANGE):
        assert_error(run(*argv, "--db", pg_queue().location()), r"PostgreSQL \d+ is too old: expected 99 or newer")


def test_a_statement_that_takes_too_long(pg_queue: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A trigger that does not end is ended, and nothing is written."""
    queue = pg_queue(ITEMS)
    queue.execute(
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM pg_sleep(60); RETURN NEW; END$$; "
        "CREATE TRIGGER t BEFORE UPDATE ON queue_items FOR EACH ROW EXECUTE FUNCTION f()"
    )
    before = queue.contents()
    monkeypatch.setattr(connection, "WRITING_MS", (50, 60_000))
    with pytest.raises(WriteError, match="nothing was written, because a statement took too long"):
        queue.store().change("A-1", cancel(STAMP))
    assert queue.contents() == before


@pytest.mark.parametrize("when", ["before", "decided", "streaming", "between"])
def test_a_connection_that_is_ended(pg_queue: Make, when: str) -> None:
    """By an operator, in any place before the commit: an error that says that nothing was written, and nothing is."""
    queue = pg_queue([item(f"A-{number:05}") for number in range(3)])
    before = queue.contents()[:3]
    end = lambda: queue.database.terminate_backends("application_name = 'ops-checks'")  # noqa: E731
    store = queue.store(lock_timeout_s=5)
    if when == "before":
        with store.series() as series:
            series.change("A-00000", replan(STAMP, "x"))
            end()
            series.change("A-00001", replan(STAMP, "x"))
            assert [each.notes for each in store][:2] == ["replan:x"] * 2
    elif when == "streaming":
        queue.execute(
            "INSERT INTO queue_items SELECT 'B-' || n, 'DONE', 'P1', repeat('x', 999), '', '-', '-', '-', '', '', '' "
            "FROM generate_series(1, 9999) n"
        )
        with store.snapshot() as view, pytest.raises(InputError, match="the server ended the connection"):
            list(end() for _, each in view.items() if each.id == "A-00002")  # noqa: C400 - read to its end
    elif when == "between":
        with pytest.raises(WriteError, match="nothing was written"), store.transaction() as transaction:  # noqa: PT012
            found = transaction.snapshot().find("A-00000")
            assert found is not None
            transaction.change(cancel(STAMP)(*found))
            end()
            transaction.commit()
        assert queue.contents()[:3] == before
    else:

        def decide(each: Item, reliability: Reliability | None) -> Change:
            end()
            return cancel(STAMP)(each, reliability)

        with pytest.raises(WriteError, match="nothing was written, because the server ended the connection"):
            store.change("A-00000", decide)
        assert queue.contents()[:3] == before


def test_a_state_that_ends_before_it_is_shared(pg_queue: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Items stream by a second connection to the state of the first: where that was ended, it is the cause."""
    queue = pg_queue(ITEMS)
    begin = connection.Session.begin

    def ended_before(self: connection.Session, *, writing: bool, snapshot: str = "", queue: bool = True) -> None:
        if snapshot:
            database.terminate_backends("application_name = 'ops-checks' AND state = 'idle in transaction'")
        begin(self, writing=writing, snapshot=snapshot, queue=queue)

    database = queue.database
    monkeypatch.setattr(connection.Session, "begin", ended_before)
    with queue.store().snapshot() as view, pytest.raises(InputError, match="the server ended the connection"):
        list(view.items())


@pytest.fixture(scope="module")
def walled(own_servers: Servers) -> Iterator[tuple[OwnServer, Database]]:
    """Return a server that lets nobody but its owner in without a password, and a queue on it."""
    with own_servers.server() as server, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
        free.close()
        server.admin.execute("CREATE ROLE bob LOGIN PASSWORD 's3cr3t'")
        server.admin.execute(SCHEMA + "; GRANT SELECT ON queue_items, queue_events TO bob")
        server.admit("local all postgres trust", "local all bob scram-sha-256", "hostssl all all all scram-sha-256")
        connections = {"max_connections": "6", "superuser_reserved_connections": "0"}
        server.configure(listen_addresses="127.0.0.1", port=port, synchronous_commit="on", **connections)
        server.admin = Database("postgres", server.admin.parameters(port=port))
        server.restart("fast")
        yield server, server.admin


@pytest.mark.usefixtures("at")
def test_a_password_file(
    run: Run, walled: tuple[OwnServer, Database], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A password comes from where libpq finds it; a file that libpq ignores is named, with what to do."""
    database = walled[1]
    where = ["--db", database.location(user="bob")]
    file = tmp_path / "passwords"
    monkeypatch.setenv("PGPASSFILE", str(file))
    assert_error(run("list", *where), "the server refuses this user .*: check the user's name and the password")
    file.write_text("*:*:*:bob:wrong\n")
    file.chmod(0o600)
    assert_error(run("list", *where), "the server refuses this user")
    file.write_text("*:*:*:bob:s3cr3t\n")
    assert run("list", *where).code == 0
    file.chmod(0o644)
    told = run("list", *where)
    assert told.code == 3
    assert told.err.endswith(f"libpq ignores {file}, because others may read it: `chmod 600` it\n")


@pytest.mark.usefixtures("at")
def test_a_server_that_lets_nobody_in(run: Run, walled: tuple[OwnServer, Database]) -> None:
    """Encryption that only one side wants, and an address that no rule names."""
    database = walled[1]
    tls = database.location(host="127.0.0.1", user="bob", sslmode="require")
    assert_error(run("list", "--db", tls), "no encrypted connection .*SSL")
    plain = database.location(host="127.0.0.1", user="bob", sslmode="disable")
    assert_error(run("list", "--db", plain), "not let in from here .*pg_hba.conf")


@pytest.mark.usefixtures("at")
def test_a_server_that_is_full(run: Run, walled: tuple[OwnServer, Database]) -> None:
    """Too many connections: who reads and who writes may come back later."""
    database = walled[1]
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(psycopg.OperationalError):
            for _ in range(99):
                stack.enter_context(database.connect())
        for argv in (["list"], CHANGE):
            assert_error(run(*argv, "--db", database.location()), "takes no more connections .*too many")


@pytest.mark.usefixtures("at")
def test_a_server_that_is_stopped_and_comes_back(run: Run, walled: tuple[OwnServer, Database]) -> None:
    """A crash in the middle of a decision leaves nothing; what was written before is there afterwards."""
    server, database = walled
    queue = make_queue(database, "crash", ITEMS)
    where = ["--db", queue.location()]
    queue.store(lock_timeout_s=9).change("A-2", replan(STAMP, "x"))

    def decide(each: Item, reliability: Reliability | None) -> Change:
        server.stop()
        return cancel(STAMP)(each, reliability)

    with pytest.raises(WriteError, match="nothing was written"):
        queue.store().change("A-1", decide)
    for argv in (["list"], CHANGE):
        assert_error(run(*argv, *where), "the server cannot be reached")
    server.start()
    assert [(each.status, each.notes) for each in queue.store()] == [("IN_PROGRESS", ""), ("PENDING", "replan:x")]
    assert run(*CHANGE, *where).code == 0


def test_what_the_server_says_in_another_language(pg_queue: Make) -> None:
    """Its words are shown as they are; what happened is known by its code."""
    queue = pg_queue(ITEMS)

    class Diagnosed(psycopg.Error):
        sqlstate = "42501"

    found = translate("q", Diagnosed("FEHLER:  keine Berechtigung für Tabelle »x«"), writing=True)
    assert "this user lacks a right" in str(found)
    named = psycopg.OperationalError("connection failed: FATAL:  Rolle »bob« existiert nicht")
    assert "bob" not in str(translate("q", named, writing=False))
    assert list(queue.store()) == ITEMS
