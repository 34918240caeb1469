"""Items as published JSON and as CSV. Adding a key keeps the version of a schema."""

from __future__ import annotations

from ops_checks.model import FIELDS, NOTHING
from ops_checks.overview import age_s, has_lease, lease_left_s, retry_not_before
from ops_checks.sanitize import visible
from ops_checks.stores.details import COLUMNS
from ops_checks.timestamps import start_epoch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from ops_checks.context import Context
    from ops_checks.selection import Selected
    from ops_checks.stores.details import Details
    from ops_checks.timestamps import Zone

LIST_SCHEMA = "ops-checks/list/1"
#: The first characters of a cell that a spreadsheet takes for a formula (OWASP, CSV injection), wide ones included.
_FORMULA = frozenset("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
#: What a CSV has besides the nine cells, in this order.
_CSV_MORE = ("age_s", *COLUMNS, "lease_left_s", "retry_not_before")


def list_json(selected: Selected, context: Context, read: str) -> dict[str, Any]:
    """Return what was selected: all of it, or the first `-n`; `read` is the queue that was read."""
    return {
        "schema": LIST_SCHEMA,
        "queue": read,
        "now_s": int(context.now_s),
        "total": selected.total,
        "items": [item_json(row, context.now_s, context.zone) for row in selected.rows],
    }


def item_json(row: Details, now_s: float, zone: Zone) -> dict[str, Any]:
    """Return an item: its cells as text, what its store knows besides as stored, and its times in whole seconds."""
    stored = {name: _plain(getattr(row, name)) for name in COLUMNS}
    age = age_s(row, now_s, zone)
    left = lease_left_s(row, now_s) if has_lease(row) else None
    return {
        **dict(zip(FIELDS, row.item, strict=True)),
        **stored,
        "number": row.number,
        "started_s": start_epoch(row.item.started_at_kst, zone),
        "due_s": start_epoch(row.item.due_at_kst, zone),
        "age_s": None if age is None else int(age),
        "lease_left_s": None if left is None else int(left),
        "retry_not_before": retry_not_before(row.item.notes, now_s),
    }


def csv_rows(rows: Iterable[Details], now_s: float, zone: Zone) -> Iterator[str]:
    """Yield the records of RFC 4180, without their line ends: the head, then one for each item, every cell quoted.

    A text that a spreadsheet would take for a formula gets an apostrophe before it, as OWASP advises. What cannot be
    seen is escaped, line breaks included, so that a record is one line.
    """
    names = (*FIELDS, *_CSV_MORE)
    yield csv_record(names)
    for row in rows:
        known = item_json(row, now_s, zone)
        yield csv_record(known[name] for name in names)


def csv_record(cells: Iterable[object]) -> str:
    """Return a record of RFC 4180 without its line end, safe for spreadsheets and terminals; None is an empty cell."""
    return ",".join(_quoted(_as_cell(cell)) for cell in cells)


def _as_cell(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        return str(value)  # a number is no formula
    is_formula = value != NOTHING and not _FORMULA.isdisjoint(value[:1] + value.lstrip()[:1])
    return visible(f"'{value}" if is_formula else value)


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever a database holds
    """Return a stored value as JSON has it: an infinite number is a text."""
    return str(value) if value in (float("inf"), float("-inf")) else value
