"""The columns of a database that a change of an item writes."""

from __future__ import annotations

from ops_checks.model import FIELDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ops_checks.stores.changes import Change


def new_columns(change: Change, absent: tuple[str, ...]) -> dict[str, str | int | None]:
    """Return the columns that a change writes, by name: cells that differ, time, lease, attempts.

    `absent` names columns of lease and attempts that an older database lacks.
    """
    pairs = zip(FIELDS, change.before, change.after, strict=True)
    columns: dict[str, str | int | None] = {name: new for name, old, new in pairs if old != new}
    columns["updated_at"] = change.changed_at
    if change.clears_lease:
        columns |= {name: None for name in ("lease_owner", "lease_expires_at") if name not in absent}
    if change.attempt_count is not None:
        columns["attempt_count"] = change.attempt_count
    return columns
