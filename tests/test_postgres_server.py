"""The servers that tests of PostgreSQL run on: databases apart, failures on demand, and nothing left behind."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import postgres_server
import psycopg
import pytest
from postgres_server import VARIABLE, named_server
from psycopg import errors

if TYPE_CHECKING:
    from postgres_server import Database, OwnServer, Server

NAMES = "SELECT datname FROM pg_database"
#: Starts a server and says where and who guards it; then it is at the mercy of its test.
STARTS_A_SERVER = """
import sys
from postgres_server import Servers
servers = Servers().__enter__()
with servers.server() as server:
    server.admin.execute("SELECT 1")
    print(servers._supervisor.pid, servers.folder, flush=True)
    sys.stdin.read()
"""


def test_databases_are_apart_and_do_not_stay(postgres: Server, pg_database: Database) -> None:
    """Each database is empty and its own; it goes although somebody is connected."""
    with postgres.database() as other, other.connect():
        other.execute("CREATE TABLE t AS SELECT 1; CREATE TABLE u AS SELECT 2")
        assert pg_database.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]
        assert {(other.name,), (pg_database.name,)} <= set(postgres.admin.execute(NAMES))
    assert (other.name,) not in postgres.admin.execute(NAMES)


def test_a_location_is_what_a_user_would_write(pg_database: Database) -> None:
    """Libpq reads a location as it stands; its pieces can be changed, and special characters are escaped."""
    with psycopg.connect(pg_database.location(application_name="a b&c")) as connection:
        row = connection.execute("SELECT current_database(), current_setting('application_name')").fetchone()
    assert row == (pg_database.name, "a b&c")
    assert pg_database.location().startswith(f"postgresql:///{pg_database.name}?")
    assert pg_database.execute("SELECT %s::text", ("%s",)) == [("%s",)]
    with pytest.raises(psycopg.OperationalError, match="no/such"):
        pg_database.connect(dbname="no/such")


def test_roles_do_not_stay(postgres: Server, pg_database: Database) -> None:
    """A role may connect and has no rights; it is gone afterwards."""
    pg_database.execute("CREATE TABLE t AS SELECT 1")
    with postgres.role() as reader, pytest.raises(errors.InsufficientPrivilege):
        pg_database.execute("SELECT * FROM t", user=reader)
    assert postgres.admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (reader,)) == []


def test_backends_are_terminated(postgres: Server, pg_database: Database) -> None:
    """Connections to this database end, those that were meant, with the error of an operator's command."""
    with postgres.database() as other, other.connect() as elsewhere, pg_database.connect() as spared:
        ended = pg_database.connect(application_name="x")
        assert pg_database.terminate_backends("application_name = 'x'") == 1
        with pytest.raises(errors.AdminShutdown), ended:
            ended.execute("SELECT 1")
        assert [each.execute("SELECT 1").fetchall() for each in (elsewhere, spared)] == [[(1,)]] * 2


def test_a_server_of_ones_own(own_postgres: OwnServer) -> None:
    """It orders text otherwise than bytes are; stopped it is gone, started again it has what it had."""
    with own_postgres.database() as database:
        database.execute("CREATE TABLE t (id text); INSERT INTO t VALUES ('B-1'), ('a-9'), ('b-1'), ('a-10')")
        order = [key for (key,) in database.execute("SELECT id FROM t ORDER BY id")]
        assert order == ["a-10", "a-9", "b-1", "B-1"]
        own_postgres.stop("fast")
        with pytest.raises(psycopg.OperationalError, match="No such file or directory"):
            database.connect()
        own_postgres.configure(max_connections="7")
        own_postgres.admit("local all postgres trust")
        own_postgres.start()
        own_postgres.restart()
        assert database.execute("SELECT current_setting('max_connections'), count(*) FROM t") == [("7", 4)]
        with pytest.raises(psycopg.OperationalError, match=r"no pg_hba.conf entry"):
            database.connect(user="kim")
    assert "shutting down" in own_postgres.log


@pytest.mark.usefixtures("own_servers")
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_server_outlives_its_starter(end: signal.Signals) -> None:
    """However the process ends that started a server, and its group with it, the server stops and its folder goes."""
    started = subprocess.Popen(
        [sys.executable, "-c", STARTS_A_SERVER],
        env={**os.environ, "PYTHONPATH": str(Path(postgres_server.__file__).parent)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    with started:
        assert started.stdout
        supervisor, folder = started.stdout.readline().split()
        servers = [int(path.read_text().split()[0]) for path in Path(folder).glob("*/data/postmaster.pid")]
        watched = [os.pidfd_open(pid) for pid in (int(supervisor), *servers)]
        os.killpg(started.pid, end)
        ended = [fd for fd in watched if select.select([fd], [], [], 30)[0]]
    for fd in watched:
        os.close(fd)
    assert (len(servers), len(ended), Path(folder).exists()) == (1, 2, False)


def test_a_server_that_is_named(postgres: Server) -> None:
    """A conninfo or a URL names a server; its password goes into the environment, not where a test would show it."""
    named, variables = named_server(f"{postgres.conninfo} password='s p'")
    assert (named.admin.parameters(), variables) == (postgres.admin.parameters(), {"PGPASSWORD": "s p"})
    named, variables = named_server("postgresql://kim@db.example:5433/ops?sslmode=require")
    assert variables == {}
    assert named.admin.location() == "postgresql:///ops?user=kim&host=db.example&port=5433&sslmode=require"


def test_why_a_server_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no program is found and no server is named, it is told what would help; a name is enough."""
    monkeypatch.setattr(postgres_server, "INSTALLED", "no/such/*")
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv(VARIABLE, raising=False)
    told = "no PostgreSQL is installed here (Debian: postgresql), and OPS_CHECKS_TEST_POSTGRES names none"
    assert postgres_server.why_missing() == told
    monkeypatch.setenv(VARIABLE, "service=ci")
    assert postgres_server.why_missing() == ""
