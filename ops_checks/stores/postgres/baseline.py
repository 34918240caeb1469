"""Record an agreement in the queue's tables (RECONCILE section 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.model import DASHED, FIELDS, NOTHING
from ops_checks.stores.baseline import AgreedRow
from ops_checks.stores.postgres.dialect import ID_IN_BYTES, POSTGRES
from ops_checks.stores.relational.agreement import CELLS, COLUMNS, ROWS, NewBaseline, row_digest, values_of
from ops_checks.stores.relational.copying import lots
from ops_checks.stores.tables import EVENTS, TABLE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from typing import Any

    from ops_checks.stores.postgres.connection import Session
    from ops_checks.stores.relational.agreement import Stamp

_PLACES, _FRESH = "ops_checks_places", "ops_checks_fresh"


class PostgresBaseline(NewBaseline):
    """Records an agreement inside an open write transaction; nothing is committed here."""

    def __init__(self, session: Session, name: str) -> None:
        super().__init__(session, name, POSTGRES)
        self._session = session

    def _save_equal(self, differing: Collection[str], ordinals: Iterable[tuple[str, int]], stamp: Stamp) -> None:
        """Save every item that is equal on both sides, as a stream: a million rows in little memory."""
        self._stage(_PLACES, "item_id text, ordinal bigint", ordinals)
        columns = ", ".join(f"{name} {'bigint' if name in _NUMBERS else 'text'}" for name in COLUMNS)
        self._stage(_FRESH, columns, self._fresh(differing, stamp))
        updates = ", ".join(f"{name} = excluded.{name}" for name in COLUMNS[1:])
        names = ", ".join(COLUMNS)
        run = self._session.execute
        fresh = f"SELECT {names} FROM pg_temp.{_FRESH}"
        run(f"INSERT INTO {ROWS} ({names}) {fresh} ON CONFLICT (item_id) DO UPDATE SET {updates}")
        # As a join: a list of a million ids would be looked through for each row.
        gone = f"NOT EXISTS (SELECT FROM {TABLE} WHERE {ID_IN_BYTES} = item_id)"
        run(f"DELETE FROM {ROWS} WHERE item_id <> ALL (?) AND {gone}", (list(differing),))

    def _fresh(self, differing: Collection[str], stamp: Stamp) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a base that says something else of an item, or is older than its newest event."""
        old = ", ".join(f"b.{name}" for name in (*CELLS, "row_digest", "event_id"))
        cells = ", ".join(f"q.{name}" for name in FIELDS)
        query = (
            f"SELECT {cells}, coalesce(d.ordinal, 0), e.newest, {old} FROM {TABLE} q "
            f"LEFT JOIN pg_temp.{_PLACES} d ON d.item_id = q.{ID_IN_BYTES} "
            f"LEFT JOIN {ROWS} b ON b.item_id = q.{ID_IN_BYTES} "
            f'LEFT JOIN (SELECT item_id COLLATE "C" AS of_item, max(event_id) AS newest FROM {EVENTS} GROUP BY 1) e '
            f"ON e.of_item = q.{ID_IN_BYTES}"
        )
        for row in self._session.stream(query):
            item = tuple((cell or NOTHING) if name in DASHED else cell for name, cell in zip(FIELDS, row, strict=False))
            ordinal, newest, *agreed, event_id = row[len(FIELDS) :]
            same = [*item[1:], row_digest(*item)] == agreed and (newest or 0) <= (event_id or 0)
            if item[0] not in differing and not same:
                yield values_of(AgreedRow(item, ordinal, *stamp))

    def _stage(self, table: str, columns: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Fill a table that only this connection sees, until the end of the transaction.

        One connection cannot stream out of it and into it at once, so that rows are collected in lots.
        """
        self._session.execute(f"CREATE TEMP TABLE IF NOT EXISTS {table} ({columns}) ON COMMIT DROP")
        self._session.execute(f"DELETE FROM pg_temp.{table}")
        for lot in lots(rows):
            with (
                self._session.driver.cursor() as cursor,
                cursor.copy(f"COPY pg_temp.{table} FROM STDIN".encode()) as copy,
            ):
                for row in lot:
                    copy.write_row(row)


_NUMBERS = frozenset({"ordinal", "event_id"})
