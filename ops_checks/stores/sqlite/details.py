"""Stream the rows of a queue database with lease, attempts, times and last error."""

from __future__ import annotations

from ops_checks.errors import InputError
from ops_checks.model import FIELDS, MAX_DEFECTS, Item
from ops_checks.stores.cells import as_item, joined, row_defect
from ops_checks.stores.details import COLUMNS, Details
from ops_checks.stores.sqlite.connection import Translated, columns_of
from ops_checks.stores.tables import TABLE, where

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from typing import Any

_BATCH = 64
_CELLS = len(FIELDS)


def detail_columns(connection: sqlite3.Connection) -> str:
    """Return the terms of a SELECT: the nine cells, then COLUMNS; null for one that an older database lacks.

    A text comes as bytes, for it may be no UTF-8, and bytes as SQL writes them.
    """
    present = columns_of(connection, TABLE)
    more = (
        f"CASE typeof({name}) WHEN 'text' THEN CAST({name} AS BLOB) WHEN 'blob' THEN quote({name}) ELSE {name} END"
        if name in present
        else "NULL"
        for name in COLUMNS
    )
    return ", ".join((*FIELDS, *more))


def read_details(connection: sqlite3.Connection, path: str, query: str, *values: str) -> Iterator[Details]:
    """Stream the rows of a query for `detail_columns`. Raises InputError at the end with the first defects."""
    first = 1
    defects: list[str] = []
    with Translated(path, writing=False):
        cursor = connection.execute(query, values)
        while len(defects) < MAX_DEFECTS and (rows := cursor.fetchmany(_BATCH)):
            cells: list[Any] = [row[:_CELLS] for row in rows]
            if joined(cells) is None:
                found = ((row[0], row_defect(row)) for row in cells)
                defects += [f"{where(path, item_id)}: {defect}" for item_id, defect in found if defect]
                cells = [] if defects else list(map(as_item, cells))
            if not defects:
                yield from _numbered(first, cells, rows)
            first += len(rows)
    if defects:
        raise InputError(defects[0], tuple(defects[1:MAX_DEFECTS]))


def _numbered(first: int, cells: list[Any], rows: list[tuple[Any, ...]]) -> Iterator[Details]:
    make, item_of = Details.from_values, Item.from_cells
    for number, (cell, row) in enumerate(zip(cells, rows, strict=True), first):
        yield make((number, item_of(cell), *row[_CELLS:]))
