"""Tell cheaply whether a queue has changed: by what is announced, and by the server's own counts where nothing is."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

import psycopg

from ops_checks.errors import OpsError
from ops_checks.stores.postgres.connection import Session
from ops_checks.stores.postgres.writing import CHANNEL
from ops_checks.stores.tables import EVENTS, TABLE

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, Self

    from ops_checks.stores.postgres.location import ServerLocation

#: How often the server is asked: other programs need not announce what they write.
_POLL_S = 1.0
_CONNECT_S = 2.0
#: A session that is kept open tells the server's counts up to ten seconds late, and a standby has none: a table of at
#: most so many bytes is looked at itself, which takes some milliseconds.
_SMALL = 8_000_000
_STATE = f"""
SELECT (SELECT max(event_id) FROM {EVENTS}),
  CASE WHEN pg_relation_size('{TABLE}'::regclass) <= {_SMALL}
    THEN (SELECT ARRAY[count(*), sum(xmin::text::bigint)] FROM {TABLE}) END,
  sum(pg_stat_get_tuples_inserted(c) + pg_stat_get_tuples_updated(c) + pg_stat_get_tuples_deleted(c))
FROM unnest(ARRAY['{TABLE}'::regclass, '{EVENTS}'::regclass]) AS c
"""


def activity(session: Session) -> tuple[Any, ...]:
    """Return what is another after each write; in a large table up to ten seconds after one without an event.

    Raises `psycopg.Error`, InputError.
    """
    session.begin(writing=False)
    try:
        return tuple(session.execute(_STATE).fetchone() or ())
    finally:
        session.end()


class PostgresWatch:
    """Watches the tables of a location through one connection, outside of any transaction."""

    def __init__(self, location: ServerLocation) -> None:
        self._location = location
        self._session: Session | None = None
        self._announced = 0
        self._state: Any = None
        self._asked_s = -_POLL_S

    def __enter__(self) -> Self:
        """Begin to watch."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        self._close()

    def version(self) -> object:
        """Return what equals an earlier one only if nothing was written since, as far as the server has told.

        What nobody announced is noticed about a second later. What equals nothing while the server cannot be asked.
        """
        now_s = time.monotonic()
        try:
            announced = self._heard()
            if announced or now_s - self._asked_s >= _POLL_S:
                self._asked_s = now_s
                self._state = self._ask()
        except (psycopg.Error, OpsError):
            self._close()
            self._state = object()
        return (self._announced, self._state)

    def _heard(self) -> bool:
        """Return whether a change was announced since the last question."""
        if self._session is None:
            return False
        libpq = self._session.driver.pgconn
        libpq.consume_input()
        heard = False
        while libpq.notifies() is not None:
            heard = True
        self._announced += heard
        return heard

    def _ask(self) -> Any:  # noqa: ANN401 - as the server returns it
        if self._session is None:
            self._session = Session(self._location, _CONNECT_S)
            with suppress(psycopg.errors.Error):  # on a standby, or through a pooler: then it is only asked
                self._session.execute(f"LISTEN {CHANNEL}")
            self._announced += 1
        return activity(self._session)

    def _close(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None
