"""Stream the rows of a query by COPY, which a million of them need (SAFETY "PostgreSQL").

Each row is a message of its own: taking them from libpq directly saves a third of what the driver's own loop takes.
"""

from __future__ import annotations

import re
import select
from typing import TYPE_CHECKING

from psycopg import OperationalError
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus

from ops_checks.model import DASHED, FIELDS
from ops_checks.stores.cells import PRIORITY_NAMES, STATUS_NAMES, as_rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ops_checks.stores.postgres.connection import Session

#: Rows handed on at a time: few, so that most batches contain no row that must be looked at alone.
BATCH = 64
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}
_NULL = r"\N"
_TAB, _END = "\t", "\n"
_BETWEEN = " |\n| "
_WIDTH = len(FIELDS)
_NEVER_EMPTY = tuple(map(FIELDS.index, ("id", *DASHED)))


def copied(session: Session, query: str) -> Iterator[str]:
    """Yield the rows of a query in batches of lines, with tabs between columns and escapes in them; see `cells_of`.

    The connection can do nothing else until the last batch. Raises the driver's errors, and UnicodeError.
    """
    libpq = session.driver.pgconn
    with session.driver.cursor() as cursor, cursor.copy(f"COPY ({query}) TO STDOUT".encode()):
        batch: list[Any] = []
        while True:
            size, row = libpq.get_copy_data(1)
            if size > 0:
                batch.append(row)
                if len(batch) == BATCH:
                    yield b"".join(batch).decode()
                    batch = []
            elif size == 0:
                select.select([libpq.socket], [], [])
                libpq.consume_input()
            else:
                break
        _finish(libpq, size)
        if batch:
            yield b"".join(batch).decode()


def _finish(libpq: Any, size: int) -> None:  # noqa: ANN401 - libpq's connection
    """Take the end of a copy from the server. Raises the driver's error if it is none."""
    while (result := libpq.get_result()) is not None:
        if result.status != ExecStatus.COMMAND_OK:
            raise error_from_result(result, encoding="utf-8")
    if size != -1:
        raise OperationalError("the connection is lost")


class Batch:
    """Some rows of items, the first of them the one of a `number`: their `cells` one after the other.

    `lines` are they as the server wrote them, where that has no escapes and no cell needs to be converted; else None.
    """

    __slots__ = ("cells", "lines", "number")

    def __init__(self, number: int, cells: list[Any], lines: str | None = None) -> None:
        self.number = number
        self.cells = cells
        self.lines = lines

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Return the cells of each row."""
        cells = iter(self.cells)
        return zip(*[cells] * _WIDTH, strict=True)

    def keys(self) -> list[str]:
        """Return each row as one of Markdown."""
        if self.lines is None or "|" in self.lines:
            rows = list(self.rows())
            return as_rows(rows, list(map(" | ".join, rows)))
        text = self.lines.replace(_TAB, " | ").replace(_END, _BETWEEN)
        return f"| {text}".removesuffix("| ").rstrip(_END).split(_END)


def plain(number: int, lines: str) -> Batch | None:
    """Return a batch of lines with the cells of an item, or None unless all of them surely are valid as they are.

    All rows are validated at once, column by column: a million of them allow nothing slower.
    """
    if "\\" in lines:
        return None
    cells = lines.replace(_END, _TAB).split(_TAB)
    cells.pop()  # the text ends with the end of a line
    valid = STATUS_NAMES.issuperset(cells[1::_WIDTH]) and PRIORITY_NAMES.issuperset(cells[2::_WIDTH])
    if not valid or ("" in cells and any("" in cells[column::_WIDTH] for column in _NEVER_EMPTY)):
        return None
    return Batch(number, cells, lines)


def cells_of(lines: str) -> list[tuple[str | None, ...]]:
    """Return the cells of each of a batch of lines: text, None for null."""
    return [tuple(map(_cell, row.split(_TAB))) for row in lines.split(_END)[:-1]]


def _cell(text: str) -> str | None:
    if "\\" not in text:
        return text
    return None if text == _NULL else _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]), text)
