"""Say what the other queue still says after a change of one of them (FORMATS section 5)."""

from __future__ import annotations

import os

from ops_checks.cli.output import About
from ops_checks.context import DB_SIDE
from ops_checks.errors import OpsError
from ops_checks.model import FIELDS, NOTHING
from ops_checks.sanitize import visible
from ops_checks.stores.registry import MARKDOWN, SQLITE, is_there, is_url, store_kind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ops_checks.context import Context
    from ops_checks.model import Item
    from ops_checks.stores.protocol import Snapshot

_CLAIM = ("status", "owner_session", "started_at_kst")
#: A larger queue is not read for a note: that takes longer than the change.
_MOST_BYTES = 4_000_000
_WAIT_S = 0.2
_NAMED = 5


def other_side_notes(context: Context, changed: str, after: Sequence[Item]) -> list[str]:
    """Return a note where the other queue is there and says something else of items that were changed on one side.

    `changed` is the side that was changed, `after` the items as they are there now. What cannot be read changes
    nothing: the changes are made.
    """
    path, kind = (context.queue, MARKDOWN) if changed == DB_SIDE else (context.db, SQLITE)
    try:
        if not after or not is_there(path):
            return []
        if not is_url(path) and os.path.getsize(path) > _MOST_BYTES:
            return [f"{visible(path)}: is large and was not compared: --both changes both at once"]
        store = store_kind(path, kind).open(path, lock_timeout_s=_WAIT_S)  # a note is no reason to wait for long
        with store.snapshot() as snapshot:
            if len(after) > 1:
                return _differences(path, snapshot, {item.id: item for item in after})
            return [About(note, after[0].task) for note in _difference(context, path, snapshot, after[0])]
    except OpsError as error:
        return [f"the other queue was not compared: {error.message}"]
    except OSError:
        return []


def _differences(path: str, snapshot: Snapshot, after: Mapping[str, Item]) -> list[str]:
    """Return one note for several items, in one pass over the other queue."""
    agreeing = {item.id for _, item in snapshot.items() if item.id in after and _claim(item) == _claim(after[item.id])}
    differing = [visible(item_id) for item_id in after if item_id not in agreeing]
    if not differing:
        return []
    more = f" and {len(differing) - _NAMED} more" if len(differing) > _NAMED else ""
    names = ", ".join(differing[:_NAMED]) + more
    return [f"{visible(path)}: says something else of {names}: --both changes both at once"]


def _difference(context: Context, path: str, snapshot: Snapshot, after: Item) -> list[str]:
    item = snapshot.get(after.id)
    lease = None if item is None else snapshot.reliability(after.id)
    name = visible(after.id)
    if item is None:
        return [f"{visible(path)}: has no item {name}: see `ops-checks drift`"]
    if _claim(item) == _claim(after):
        return []
    held = ""
    if lease is not None and lease.lease_owner:
        left = _seconds_left(lease.lease_expires_at, context.now_s)
        held = f", and {visible(str(lease.lease_owner))} holds it{left}" if left is not None else ""
    return [f"{visible(path)}: still says {item.status} for {name}{held}: --both changes both at once"]


def _seconds_left(expires: object, now_s: float) -> str | None:
    """Return for how long a lease runs, None for one that is over; one that is no time counts as running."""
    if not isinstance(expires, int | float):
        return ""
    return f" for another {int(expires - now_s) + 1} s" if expires > now_s else None


def _claim(item: Item) -> list[str]:
    cells = [item[FIELDS.index(name)].strip() for name in _CLAIM]
    return [cell or NOTHING for cell in cells]
