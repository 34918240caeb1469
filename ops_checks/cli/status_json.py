"""What `status` and `workers` tell, as published JSON. Adding a key keeps the version of a schema."""

from __future__ import annotations

from ops_checks.cli.item_json import item_json
from ops_checks.cli.queue_summary import unread_queue
from ops_checks.model import NOTHING, PRIORITIES
from ops_checks.overview import workers
from ops_checks.timestamps import start_epoch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ops_checks.context import Context
    from ops_checks.overview import Summary, Worker
    from ops_checks.timestamps import Zone

STATUS_SCHEMA = "ops-checks/status/1"
WORKERS_SCHEMA = "ops-checks/workers/1"


def status_json(found: Summary, context: Context) -> dict[str, Any]:
    """Return the number of items by status, and all items in progress with those who work on them."""
    return {
        "schema": STATUS_SCHEMA,
        **_read(context),
        "total": sum(found.counts.values()),
        "counts": found.counts,
        **_work(found, context),
    }


def workers_json(found: Summary, context: Context) -> dict[str, Any]:
    """Return who works on what: each owner, `-` for none, and the items."""
    work = _work(found, context)
    active = sum(each["owner"] != NOTHING for each in work["workers"])
    return {"schema": WORKERS_SCHEMA, **_read(context), "workers_active": active, **work}


def _read(context: Context) -> dict[str, Any]:
    return {
        "queue": context.working_store.location,
        "unread": unread_queue(context),
        "now_s": int(context.now_s),
    }


def _work(found: Summary, context: Context) -> dict[str, Any]:
    rows = [found.details[item.id] for item in found.in_progress]
    return {
        "workers": [_worker(each, context.zone) for each in workers(found.in_progress)],
        "in_progress": [item_json(row, context.now_s, context.zone) for row in rows],
    }


def _worker(group: Worker, zone: Zone) -> dict[str, Any]:
    return {
        "owner": group.owner,
        "tasks": len(group.items),
        "priorities": {name: group.count(name) for name in PRIORITIES},
        "ids": [item.id for item in group.items],
        "oldest_start": group.oldest_start,
        "oldest_start_s": start_epoch(group.oldest_start, zone),
    }
