"""Stream the rows of items together with their events, in bounded memory (RECONCILE section 16)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.stores.postgres.catalog import WHOLE_NUMBERS
from ops_checks.stores.postgres.connection import Translated
from ops_checks.stores.tables import EVENTS, TABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ops_checks.stores.postgres.connection import Session
    from ops_checks.stores.protocol import Recorded

_COUNTS = ("attempt_count", "max_attempts")


def recorded(session: Session, name: str) -> Iterator[Recorded]:
    """Yield rows and events as `Recorded`, texts as the bytes of their UTF-8. Raises InputError."""
    with Translated(name, writing=False):
        for rows in session.batches(_query(session), binary=True):
            yield tuple(zip(*rows, strict=True))


def _query(session: Session) -> str:
    """Return the query; the payload of a row is an empty object, as all payloads of a batch are decoded at once."""
    counts = (_number(session, name) for name in _COUNTS)
    row = (_bytes("id"), "NULL::bigint", *map(_bytes, ("status", "'{}'", "created_at")), *counts)
    texts = map(_bytes, ("event_type", "payload_json", "created_at"))
    event = (_bytes("item_id"), "event_id::bigint", *texts, "NULL", "NULL")
    return (
        f"SELECT {', '.join(row)} FROM {TABLE} UNION ALL SELECT {', '.join(event)} FROM {EVENTS} "
        "ORDER BY 1 NULLS FIRST, 2 NULLS FIRST"
    )


def _bytes(term: str) -> str:
    return f"convert_to({term}, 'UTF8')"


def _number(session: Session, column: str) -> str:
    kind = session.type_of(TABLE, column)
    if kind is None:
        return "NULL::bigint"
    return f"{column}::bigint" if kind in WHOLE_NUMBERS else f"{column}::float8::bigint"
