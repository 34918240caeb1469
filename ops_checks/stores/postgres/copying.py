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

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ops_checks.stores.postgres.connection import Session

#: Rows handed on at a time: few, so that most batches contain no row that must be looked at alone.
BATCH = 64
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}
_NULL = r"\N"


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


def cells_of(lines: str) -> list[tuple[str | None, ...]]:
    """Return the cells of a batch of lines: text, None for null."""
    rows = lines.split("\n")
    rows.pop()  # the text ends with the end of a line
    if "\\" not in lines:
        return [tuple(row.split("\t")) for row in rows]
    return [tuple(map(_cell, row.split("\t"))) for row in rows]


def _cell(text: str) -> str | None:
    if "\\" not in text:
        return text
    return None if text == _NULL else _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]), text)
