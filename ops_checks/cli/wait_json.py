"""How a wait ended, as published JSON. Adding a key keeps the version of the schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.conditions import State

if TYPE_CHECKING:
    from typing import Any

    from ops_checks.conditions import Seen, Wanted
    from ops_checks.context import Context
    from ops_checks.gate.waiting import Waited

WAIT_SCHEMA = "ops-checks/wait/1"
#: The word for each way in which a wait ends; what has not come when it ends has not come in time.
_WORDS = {
    State.HOLDS: "holds",
    State.NOT_YET: "timed_out",
    State.CANNOT_COME: "cannot_come",
    State.UNKNOWN: "unknown_id",
}


def wait_json(waited: Waited, wanted: Wanted, context: Context) -> dict[str, Any]:
    """Return what was waited for, how that ended, and all that the last reading found of it."""
    return {
        "schema": WAIT_SCHEMA,
        "queue": context.working_store.location,
        "outcome": _WORDS[waited.outcome.state],
        "seconds": round(waited.seconds, 3),
        "wanted": {
            "ids": list(wanted.ids),
            "status": wanted.status or None,
            "counts": dict(wanted.counts),
            "consistent": wanted.consistent,
        },
        "reasons": list(waited.outcome.reasons),
        "seen": None if waited.seen is None else _seen(waited.seen, wanted),
    }


def _seen(seen: Seen, wanted: Wanted) -> dict[str, Any]:
    return {
        "items": [_item(seen, item_id) for item_id in wanted.ids],
        "counts": dict(seen.counts) if wanted.counts else None,
        "mismatches": dict(seen.mismatches) if wanted.consistent else None,
    }


def _item(seen: Seen, item_id: str) -> dict[str, Any]:
    item = seen.items.get(item_id)
    return {
        "id": item_id,
        "status": item.status if item else None,
        "owner_session": item.owner_session if item else None,
        "cancelled": item_id in seen.cancelled,
    }
