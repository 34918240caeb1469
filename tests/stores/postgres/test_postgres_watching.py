"""Watching a queue on a server: what is announced is noticed at once, all else when the server is asked."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from postgres_fixtures import startable
from postgres_proxy import Proxy

import ops_checks
from ops_checks.cli import main
from ops_checks.stores.postgres import watch as watching
from ops_checks.stores.registry import open_queue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Told
    from postgres_server import Database, OwnServer, Servers

    from ops_checks.stores.protocol import Watch

SCHEMA = Path(ops_checks.__file__).parent / "stores/postgres/schema.sql"
ROWS = (
    "INSERT INTO queue_items (id, status, priority, task, success_criteria, created_at, updated_at) "
    "SELECT 'A-' || n, 'BLOCKED', 'P1', 'task', 'done', '2026-01-01 00:00', '2026-01-01 00:00' "
    "FROM generate_series(1, 3) AS n"
)
PATIENCE_S = 30


@pytest.fixture(scope="module")
def server(own_servers: Servers) -> Iterator[OwnServer]:
    """Return a server that may be stopped."""
    with startable(), own_servers.server(synchronous_commit="on") as server:
        yield server


@pytest.fixture
def database(server: OwnServer) -> Iterator[Database]:
    """Return a queue of three items."""
    with server.database() as database:
        database.execute(SCHEMA.read_text() + ROWS)
        yield database


def must_change(watch: Watch, seen: object) -> object:
    """Wait until a watch has another version, and return that."""
    until = time.monotonic() + PATIENCE_S
    while (now := watch.version()) == seen:
        assert time.monotonic() < until
    return now


def replan(database: Database, item: str) -> None:
    """Change an item as the program does, which announces it."""
    assert main(["--db", database.location(), "replan", "--id", item, "--notes", "x", "-q"]) == 0


def test_what_is_announced_is_noticed_without_asking(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """The notification of an event comes with its commit."""
    monkeypatch.setattr(watching, "_POLL_S", 3600)
    with open_queue(database.location()).watch() as watch:
        seen = watch.version()
        assert watch.version() == seen
        replan(database, "A-1")
        must_change(watch, seen)


def test_what_nobody_announces_is_noticed_when_the_server_is_asked(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also the second change of a session that stays, of which the server's own counts tell seconds later."""
    monkeypatch.setattr(watching, "_POLL_S", 0)
    with open_queue(database.location()).watch() as watch, database.connect() as other:
        seen = watch.version()
        for number in range(3):
            other.execute("UPDATE queue_items SET notes = %s WHERE id = 'A-2'", (str(number),))
            before, seen = seen, watch.version()
            assert seen != before
        other.execute("DELETE FROM queue_items WHERE id = 'A-3'")
        assert watch.version() != seen


@pytest.mark.parametrize("ending", ["terminated", "restarted"])
def test_a_watch_outlives_its_connection(
    ending: str, server: OwnServer, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It connects again, says that it may have missed something, and notices what comes."""
    monkeypatch.setattr(watching, "_POLL_S", 0)
    with open_queue(database.location()).watch() as watch:
        seen = watch.version()
        if ending == "terminated":
            assert database.terminate_backends() == 1
        else:
            server.restart()
        seen = must_change(watch, seen)
        while (now := watch.version()) != seen:
            seen = now
        replan(database, "A-1")
        must_change(watch, seen)


@pytest.mark.parametrize("disturbed", ["not", "terminated", "restarted"])
@pytest.mark.parametrize("way", ["command", "statement"])
def test_a_wait_ends_at_the_first_look_after_what_it_waits_for(
    disturbed: str,
    way: str,
    server: OwnServer,
    database: Database,
    run: Callable[..., Told],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever brings it, and whatever becomes of the connection meanwhile; a statement is noticed within a second."""

    def disturb() -> None:
        if disturbed == "terminated":
            database.terminate_backends()
        elif disturbed == "restarted":
            server.restart()

    def bring() -> None:
        if way == "command":
            replan(database, "A-1")
        else:
            database.execute("UPDATE queue_items SET status = 'PENDING' WHERE id = 'A-1'")

    steps = [disturb, bring]
    now_s = [0.0]

    def pause(seconds: float) -> None:
        if seconds >= 0.5:
            now_s[0] += seconds
            if steps:
                steps.pop(0)()

    monkeypatch.setattr("time.sleep", pause)
    monkeypatch.setattr("ops_checks.cli.commands.wait.time.monotonic", lambda: now_s[0])
    told = run("--db", database.location(), "wait", "--id", "A-1", "--for", "PENDING", "--timeout", "60s")
    assert (told.code, told.out.split()[-1:], steps) == (0, ["A-1=PENDING"], []), told
    assert now_s[0] <= 2.5


def test_where_nothing_can_be_listened_to_the_server_is_asked(
    server: OwnServer, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a standby and through some poolers: a queue that stands still does not seem to change for ever."""
    monkeypatch.setattr(watching, "_POLL_S", 0)
    with Proxy(str(server.admin.parameters()["host"])) as proxy:
        proxy.tell(deny="LISTEN")
        with open_queue(database.location(host=proxy.folder)).watch() as watch:
            seen = watch.version()
            assert watch.version() == seen
            replan(database, "A-1")
            must_change(watch, seen)
