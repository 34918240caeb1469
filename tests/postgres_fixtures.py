"""Fixtures of a real PostgreSQL: a server that the tests of one process share, and servers to stop and start."""

from __future__ import annotations

import contextlib
import itertools
import os
from typing import TYPE_CHECKING

import parts
import pytest
from postgres_queues import make_queue
from postgres_server import VARIABLE, MissingServerError, Servers, named_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from postgres_queues import PgQueue
    from postgres_server import Database, OwnServer, Server

    from ops_checks.model import Item


@pytest.fixture(scope="session")
def own_servers(request: pytest.FixtureRequest) -> Iterator[Servers]:
    """Return what makes servers of our own, whatever server is named; skip where none can be started."""
    parts.need(request.config, "postgres")
    with startable(), Servers() as servers:
        servers.template()
        yield servers


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Return the server of this run: the one that OPS_CHECKS_TEST_POSTGRES names, or one of our own.

    What the machine has set for libpq does not count, unless a server is named, which may need it.
    """
    parts.need(request.config, "postgres")
    with pytest.MonkeyPatch.context() as environment:
        if named := os.environ.get(VARIABLE):
            server, variables = named_server(named)
            for name, value in variables.items():
                environment.setenv(name, value)
            yield server
        else:
            forget_libpq(environment)
            with startable(), request.getfixturevalue("own_servers").server() as server:
                yield server


@pytest.fixture
def pg_database(postgres: Server) -> Iterator[Database]:
    """Return an empty database of the run's server; it is gone after the test."""
    with postgres.database() as database:
        yield database


@pytest.fixture(scope="session")
def pg_shared(postgres: Server) -> Iterator[Database]:
    """Return a database of the run's server for all tests of this process, each in a schema of its own."""
    with postgres.database() as database:
        yield database


@pytest.fixture(scope="session")
def pg_queue(pg_shared: Database) -> Callable[..., PgQueue]:
    """Return a function that makes a queue in a new schema; see `make_queue`."""
    numbers = itertools.count(1)

    def make(items: Iterable[Item] = (), **options: str) -> PgQueue:
        return make_queue(pg_shared, f"queue_{next(numbers)}", items, **options)

    return make


@pytest.fixture
def own_postgres(own_servers: Servers, monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnServer]:
    """Return a server of the test's own, to stop, start and configure."""
    forget_libpq(monkeypatch)
    with startable(), own_servers.server() as server:
        yield server


@contextlib.contextmanager
def startable() -> Iterator[None]:
    """Skip where a server cannot be started: then the part is missing, whatever is installed."""
    try:
        yield
    except MissingServerError as error:
        parts.missing("postgres", str(error))


def forget_libpq(environment: pytest.MonkeyPatch) -> None:
    """Take out of the environment what libpq reads there."""
    for name in [name for name in os.environ if name.startswith("PG")]:
        environment.delenv(name)
