"""Validate the cells of database rows, and convert them to items and to rows of Markdown."""

from __future__ import annotations

from operator import itemgetter

from ops_checks.model import DASHED, FIELDS, NOTHING, PRIORITIES, STATUSES, Item

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

STATUS_NAMES = frozenset(STATUSES)
PRIORITY_NAMES = frozenset(PRIORITIES)
_STATUS, _PRIORITY = map(itemgetter, (1, 2))
_NEVER_EMPTY = tuple(itemgetter(FIELDS.index(name)) for name in ("id", *DASHED))
_DASHED = tuple(map(FIELDS.index, DASHED))
#: The pipes of a joined row whose cells contain none.
_PIPES = len(FIELDS) - 1


def joined(rows: list[tuple[Any, ...]]) -> list[str] | None:
    """Return the cells of each row joined by ` | `, or None unless all rows surely are valid without conversion.

    Validates all rows at once: a comparison of a million rows allows nothing slower.
    """
    try:
        lines = list(map(" | ".join, rows))
    except TypeError:  # a null, a number
        return None
    valid = set(map(_STATUS, rows)) <= STATUS_NAMES and set(map(_PRIORITY, rows)) <= PRIORITY_NAMES
    return lines if valid and all(all(map(cell, rows)) for cell in _NEVER_EMPTY) else None


def as_rows(rows: Iterable[tuple[Any, ...]], lines: list[str]) -> list[str]:
    """Return valid rows as rows of Markdown; `lines` are their joined cells."""
    from ops_checks.stores.markdown.table import render_row  # most commands read a database only, and render no row

    text = "".join(lines)
    if "\n" in text or "\r" in text:
        return [render_row(cells) for cells in rows]
    return [
        f"| {line} |" if line.count("|") == _PIPES else render_row(cells)
        for line, cells in zip(lines, rows, strict=True)
    ]


def as_item(cells: tuple[Any, ...] | list[Any]) -> Item:
    """Return a valid row as an item; a null or empty owner, start or due becomes `-`."""
    row = list(cells)
    for index in _DASHED:
        row[index] = row[index] or NOTHING
    return Item.from_cells(row)


def row_defect(cells: tuple[Any, ...] | list[Any]) -> str | None:
    """Return what is wrong with the cells of a row, and what was expected; None if they are valid."""
    for name, cell in zip(FIELDS, cells, strict=True):
        if not isinstance(cell, str) and not (cell is None and name in DASHED):
            found = "null" if cell is None else type(cell).__name__
            return f"{name} is {found}: expected text"
    if not cells[0]:
        return "the id is empty: expected one such as ORCH-001"
    if cells[1] not in STATUS_NAMES:
        return f"status {cells[1]!a}: expected one of {', '.join(STATUSES)}"
    if cells[2] not in PRIORITY_NAMES:
        return f"priority {cells[2]!a}: expected one of {', '.join(PRIORITIES)}"
    return None
