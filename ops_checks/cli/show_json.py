"""What `show` tells, as published JSON. Adding a key keeps the version of the schema."""

from __future__ import annotations

from ops_checks.cli.item_json import item_json
from ops_checks.cli.item_lines import event_json, run_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ops_checks.context import Context
    from ops_checks.reconcile.item_view import ItemView, Side
    from ops_checks.stores.details import Details

SHOW_SCHEMA = "ops-checks/show/1"


def show_json(views: Sequence[ItemView], md: Side, db: Side, context: Context) -> dict[str, Any]:
    """Return all that is known of some items, all events and runs included."""
    return {
        "schema": SHOW_SCHEMA,
        "now_s": int(context.now_s),
        "document": _side(md),
        "database": _side(db),
        "items": [_view(each, md, db, context) for each in views],
    }


def _side(side: Side) -> dict[str, Any]:
    return {"location": side.location, "exists": side.exists, "error": side.error}


def _view(found: ItemView, md: Side, db: Side, context: Context) -> dict[str, Any]:
    return {
        "id": found.item_id,
        "document": _row(md.rows.get(found.item_id), context),
        "database": _row(db.rows.get(found.item_id), context),
        "differing": found.differing,
        "moves": {unit: list(lines) for unit, lines in found.moves.items()},
        "remark": found.remark,
        "history": [event_json(event) for event in db.events.get(found.item_id, [])],
        "runs": [run_json(run) for run in found.runs.kept],
        "log_notes": list(found.log_notes),
        "next": [{"command": each.command, "to": each.to, "reason": each.reason} for each in found.outlooks],
    }


def _row(row: Details | None, context: Context) -> dict[str, Any] | None:
    return None if row is None else item_json(row, context.now_s, context.zone)
