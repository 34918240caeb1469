"""A connection that is lost at a commit: what is said of the change is true (SAFETY "PostgreSQL")."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from postgres_fixtures import startable
from postgres_proxy import CUTS, Proxy

import ops_checks
from ops_checks.stores.postgres import committing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Told
    from postgres_server import Database, OwnServer, Servers

SCHEMA = Path(ops_checks.__file__).parent / "stores/postgres/schema.sql"
ROW = (
    "INSERT INTO queue_items (id, status, priority, task, success_criteria, created_at, updated_at) "
    "VALUES ('A-1', 'BLOCKED', 'P1', 'task', 'done', '2026-01-01 00:00', '2026-01-01 00:00')"
)
MAY_BE = re.compile(r"may have been written \(operation (op-\w+)\): `ops-checks (undo --operation \1 --dry-run)` tells")


@pytest.fixture(scope="module")
def server(own_servers: Servers) -> Iterator[OwnServer]:
    """Return a server that keeps what it has committed through a crash, unless a session wants it otherwise."""
    with startable(), own_servers.server() as server:
        yield server


@pytest.fixture(scope="module")
def proxy(server: OwnServer) -> Iterator[Proxy]:
    """Return a proxy before the server."""
    with Proxy(str(server.admin.parameters()["host"])) as proxy:
        yield proxy


@pytest.fixture
def database(server: OwnServer) -> Iterator[Database]:
    """Return a queue of one item, behind no proxy."""
    with server.database() as database:
        database.execute(SCHEMA.read_text() + ROW)
        database.execute("CHECKPOINT")  # what the server has promised nobody yet
        yield database


@pytest.fixture
def replan(run: Callable[..., Told], database: Database, proxy: Proxy) -> Callable[..., Told]:
    """Return a function that replans the item through the proxy."""
    where = ("--db", database.location(host=proxy.folder))
    return lambda *timeout: run(*where, "--lock-timeout", *(timeout or (20,)), "replan", "--id", "A-1", "--notes", "x")


def notes(database: Database) -> list[tuple[str, int]]:
    """Return the notes of the item, and how many events it has: of each replan one."""
    return database.execute("SELECT notes, (SELECT count(*) FROM queue_events)::int FROM queue_items")


ONCE, NEVER = [("replan:x", 1)], [("", 0)]


@pytest.mark.parametrize("how", CUTS)
def test_what_is_said_after_a_cut_is_true(
    how: str, proxy: Proxy, database: Database, replan: Callable[..., Told]
) -> None:
    """Written, or not: also where the server gets the COMMIT long after the client was cut, or never."""
    with proxy.cutting(how, delay=0.3) as cut:
        told = replan()
    assert cut.happened
    if CUTS[how]:
        assert (told.code, told.out, told.err) == (0, "A-1 -> PENDING\n", "")
    else:
        assert (told.code, told.out) == (3, "")
        assert "nothing was written, because the connection was lost before the commit: run this again" in told.err
        assert notes(database) == NEVER
        assert replan().code == 0
    assert notes(database) == ONCE


@pytest.mark.parametrize("how", ["late", "held", "answered"])
def test_a_change_that_nobody_can_tell_of_is_told_of_later(
    how: str, proxy: Proxy, database: Database, replan: Callable[..., Told], run: Callable[..., Told]
) -> None:
    """Past the lock timeout it may have been written, and the command that is named tells whether it was."""
    with proxy.cutting(how, delay=1.7, away=60):
        told = replan(0.1)
    assert (told.code, told.out) == (3, "")
    named = MAY_BE.search(told.err)
    assert named, told.err
    later = run("--db", database.location(), *named[2].split())
    if CUTS[how]:
        assert later.out.splitlines()[0] == f"would-undo {named[1]} A-1 -> BLOCKED"
    else:
        assert later.err == f"error: {database_name(database)}: no operation {named[1]}: see `ops-checks undo`\n"
    assert (later.code, notes(database)) == ((0, ONCE) if CUTS[how] else (5, NEVER))


def database_name(database: Database) -> str:
    """Return how a database is called in messages."""
    return f"postgresql:{database.name}"


@pytest.mark.parametrize("how", ["before", "answered"])
def test_a_server_that_crashes_at_a_commit_keeps_what_is_said_to_be_written(
    how: str, server: OwnServer, proxy: Proxy, database: Database, replan: Callable[..., Told]
) -> None:
    """Also one that may answer before a commit is on its disk, as this one is set up to."""
    with proxy.cutting(how, then=server.restart):
        told = replan()
    assert (told.code, notes(database)) == ((0, ONCE) if how == "answered" else (3, NEVER))
    assert ("nothing was written" in told.err) == (how == "before")


def test_a_server_that_only_copies_another_is_not_believed(
    proxy: Proxy, database: Database, replan: Callable[..., Told], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A standby may not have got the change yet: that it is not there says nothing."""
    database.execute(
        f"CREATE SCHEMA lagging; ALTER DATABASE {database.name} SET search_path = lagging, pg_catalog, public;"
        "CREATE FUNCTION lagging.pg_is_in_recovery() RETURNS boolean LANGUAGE sql AS 'SELECT true'"
    )
    monkeypatch.setattr(committing, "_PAUSE_S", 0)
    with proxy.cutting("before"):
        told = replan(0.1)
    assert MAY_BE.search(told.err), told.err


def test_who_asks_and_gets_no_answer_does_not_wait_for_ever(
    proxy: Proxy, database: Database, replan: Callable[..., Told]
) -> None:
    """What stands between client and server may keep a connection of which the server knows nothing any more."""
    proxy.tell(mute="ROLLBACK")
    try:
        with proxy.cutting("answered"):
            told = replan(0.1)
    finally:
        proxy.tell(mute="")
    assert MAY_BE.search(told.err), told.err


def test_one_operation_changes_an_item_once(database: Database) -> None:
    """The database itself holds to it."""
    event = "INSERT INTO queue_events (item_id, operation_id) VALUES ('A-1', 'op-1')"
    database.execute(event)
    with pytest.raises(Exception, match="idx_queue_events_operation"):
        database.execute(event)
