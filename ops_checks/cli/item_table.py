"""Items as a table of text, one line an item, as wide as the terminal (FORMATS section 6)."""

from __future__ import annotations

import os

from ops_checks.cli.marks import NO_MARKS
from ops_checks.model import NOTHING
from ops_checks.overview import age_s, has_lease, lease_left_s, retry_not_before
from ops_checks.sanitize import visible
from ops_checks.timestamps import duration_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ops_checks.cli.marks import Marks
    from ops_checks.stores.changes import Stored
    from ops_checks.stores.details import Details
    from ops_checks.timestamps import Zone

_HEADS = ("ID", "STATUS", "P", "OWNER", "AGE", "LEASE", "RETRY", "TASK", "ERROR")
#: The columns that become narrower first, each with the least columns of the terminal that it keeps.
_ELASTIC = (("ERROR", 12), ("TASK", 16), ("OWNER", 8))
#: The columns that are left out, one after the other, where even that is too wide.
_DISPENSABLE = ("RETRY", "LEASE", "AGE", "ERROR", "OWNER", "P", "TASK", "STATUS")
_GAP = "  "
_NO_LEASE = (None, None)
_RETRY = "retry_not_before="
_MOST_CELL = 4_000  # characters measured of a cell that has to be cut


def table_lines(
    rows: Sequence[Details], *, now_s: float, zone: Zone, columns: int | None, marks: Marks = NO_MARKS
) -> Iterator[str]:
    """Yield the head and a line for each item, cut to `columns` of a terminal; None: as wide as the widest cells.

    The table is made column by column: a thousand lines must not take longer than reading them.
    """
    if not rows:
        yield "items: none"
        return
    table: dict[str, Sequence[str]] = {
        name: [name, *cells] for name, cells in zip(_HEADS, _cells(rows, now_s, zone), strict=True)
    }
    measured = {name: _widths(cells) for name, cells in table.items()}
    widths = {name: max(each) for name, each in measured.items()}
    if columns is not None:
        _fit(widths, columns)
        for name, width in widths.items():
            if width < max(measured[name]):
                table[name] = [cut(cell, width) for cell in table[name]]
                measured[name] = _widths(table[name])
    padded = {name: _padded(table[name], measured[name], width) for name, width in widths.items()}
    if marks.on and (columns is None or _width(widths) <= columns):
        yield from _marked(rows, padded, marks)
        return
    lines = (_GAP.join(cells).rstrip() for cells in zip(*padded.values(), strict=True))
    yield from lines if columns is None else (cut(line, columns) for line in lines)


def _marked(rows: Sequence[Details], padded: dict[str, Sequence[str]], marks: Marks) -> Iterator[str]:
    """Yield the lines with the highest priority and the age of stale work marked; their cells are visible texts."""
    for name, mark in (
        ("P", lambda text, item: marks.priority(text, item.priority)),
        ("AGE", marks.stale),
    ):
        if name in padded:
            head, *cells = padded[name]
            marked = (mark(cell.rstrip(), row.item) for cell, row in zip(cells, rows, strict=True))
            blanks = (" " * (len(cell) - len(cell.rstrip())) for cell in cells)
            padded[name] = [head, *map(str.__add__, marked, blanks)]
    yield from (marks.line(_GAP.join(cells).rstrip()) for cells in zip(*padded.values(), strict=True))


def terminal_columns(environ: Mapping[str, str]) -> int:
    """Return the width of the terminal that stdout is: `COLUMNS`, or what it says; 80 where it does not."""
    named = environ.get("COLUMNS", "")
    if named.isascii() and named.isdigit() and 0 < len(named) < 5 and int(named):  # noqa: PLR2004 - no terminal is wider
        return int(named)
    try:
        return os.get_terminal_size(1).columns or 80
    except OSError:  # closed meanwhile
        return 80


def cut(text: str, columns: int) -> str:
    """Return a visible text that takes at most `columns` on a terminal; what was cut shows as an ellipsis."""
    text = text if len(text) <= _MOST_CELL else text[:_MOST_CELL] + "…"
    if text.isascii() and len(text) <= columns:
        return text
    from ops_checks.presentation.widths import display_width

    if display_width(text) <= columns:
        return text
    room, kept = columns - 1, ""
    for char in text:
        room -= display_width(char)
        if room < 0:
            break
        kept += char
    return kept + "…" if columns > 0 else ""


def lease_text(row: Details, now_s: float) -> str:
    """Return how long a lease runs: `12m`, `ended`, `unknown` where nobody can tell, `-` for none."""
    if not has_lease(row):
        return NOTHING
    left = lease_left_s(row, now_s)
    if left is None:
        return "unknown"
    return "ended" if left < 0 else duration_text(left)


def age_text(age: float | None) -> str:
    """Return an age as a time span, `-` for none, and how far ahead one lies that has not come."""
    if age is None:
        return NOTHING
    return duration_text(age) if age >= 0 else f"in {duration_text(-age)}"


def _cells(rows: Sequence[Details], now_s: float, zone: Zone) -> Iterator[Sequence[str]]:
    """Yield the cells of each column."""
    ids, statuses, priorities, tasks, _, owners, _, _, notes = zip(*(row.item for row in rows), strict=True)
    errors = ["" if row.last_error is None else str(row.last_error) for row in rows]
    yield _shown(ids)
    yield statuses
    yield priorities
    yield _shown(owners)
    yield _ages(rows, now_s, zone)
    yield [NOTHING if row[2:4] == _NO_LEASE else lease_text(row, now_s) for row in rows]
    yield [_retry_text(each, now_s) if _RETRY in each else NOTHING for each in notes]
    yield _shown(tasks)
    yield _shown(errors)


def _ages(rows: Sequence[Details], now_s: float, zone: Zone) -> list[str]:
    """Return the ages of items; many were made, or started, in the same minute."""
    known: dict[tuple[str, Stored], str] = {}
    ages = []
    for row in rows:
        times = row.item[6], row.created_at
        age = known.get(times)
        if age is None:
            age = known[times] = age_text(age_s(row, now_s, zone))
        ages.append(age)
    return ages


def _retry_text(notes: str, now_s: float) -> str:
    due = retry_not_before(notes, now_s)
    return NOTHING if due is None else f"in {duration_text(due - now_s)}"


def _shown(cells: Sequence[str]) -> Sequence[str]:
    """Return texts made visible; nothing is `-`."""
    if not "".join(cells).isprintable():
        cells = [visible(cell) for cell in cells]
    return [cell or NOTHING for cell in cells]


def _widths(cells: Sequence[str]) -> list[int]:
    """Return the columns of the terminal that each text takes."""
    if all(map(str.isascii, cells)):
        return list(map(len, cells))
    from ops_checks.presentation.widths import display_width

    return list(map(display_width, cells))


def _padded(cells: Sequence[str], measured: Sequence[int], width: int) -> Sequence[str]:
    # A text that is padded by its length is wider by what its characters take beyond one column each.
    return [cell.ljust(width - has + len(cell)) for cell, has in zip(cells, measured, strict=True)]


def _width(widths: dict[str, int]) -> int:
    """Return the columns that a line takes."""
    return sum(widths.values()) + len(_GAP) * (len(widths) - 1)


def _fit(widths: dict[str, int], columns: int) -> None:
    """Make columns narrower, then leave out some, until a line fits."""

    def excess() -> int:
        return _width(widths) - columns

    for name, least in _ELASTIC:
        widths[name] = max(min(least, widths[name]), widths[name] - max(0, excess()))
    for name in _DISPENSABLE:
        if excess() <= 0:
            break
        del widths[name]
