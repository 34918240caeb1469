"""Glance at a queue for a completion: never waits long, never writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.stores.postgres.connection import Session
from ops_checks.stores.postgres.dialect import ID_IN_BYTES
from ops_checks.stores.postgres.location import server_location
from ops_checks.stores.tables import TABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ops_checks.stores.registry import Glanced

_TIMEOUT_S = 0.5
_LATER = "\U0010ffff"


def glance(location: str, prefix: str, most: int) -> Iterator[Glanced]:
    """Yield what StoreKind.glance does. Raises InputError and `psycopg.Error`."""
    session = Session(server_location(location), _TIMEOUT_S)
    try:
        session.begin(writing=False)
        query = (
            f"SELECT id, status, task, owner_session FROM {TABLE} WHERE {ID_IN_BYTES} >= ? AND {ID_IN_BYTES} < ? "
            f"ORDER BY {ID_IN_BYTES} LIMIT ?"
        )
        yield from session.execute(query, (prefix, prefix + _LATER, most)).fetchall()
    finally:
        session.close()
