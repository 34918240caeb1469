"""Items as published JSON and as CSV. Adding a key keeps the version of a schema."""

from __future__ import annotations

from ops_checks.cli.csv_record import csv_record
from ops_checks.model import FIELDS
from ops_checks.overview import age_s, has_lease, lease_left_s, retry_not_before
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
    """Yield the records of a CSV (see `csv_record`), without their line ends: the head, then one for each item."""
    names = (*FIELDS, *_CSV_MORE)
    yield csv_record(names)
    for row in rows:
        known = item_json(row, now_s, zone)
        yield csv_record(known[name] for name in names)


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever a database holds
    """Return a stored value as JSON has it: an infinite number is a text."""
    return str(value) if value in (float("inf"), float("-inf")) else value
