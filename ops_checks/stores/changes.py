"""The types that a store and the transitions exchange when one item changes."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ops_checks.model import Item

    #: Pure: from an item and its lease and attempts (None in Markdown) to a change.
    #: Raises RefusedError if a rule forbids it. A store may call it again on a newer row.
    Decide = Callable[[Item, "Reliability | None"], "Change"]
else:
    Decide = object


class Reliability:
    """Lease and attempts of one database item (FORMATS section 2); a Markdown item has none.

    `lease_expires_at` is epoch seconds. `absent` names the columns that an older database lacks.
    """

    __slots__ = ("absent", "attempt_count", "lease_expires_at", "lease_owner", "max_attempts")

    def __init__(
        self,
        *,
        lease_owner: str | None,
        lease_expires_at: int | None,
        attempt_count: int,
        max_attempts: int,
        absent: tuple[str, ...] = (),
    ) -> None:
        self.lease_owner = lease_owner
        self.lease_expires_at = lease_expires_at
        self.attempt_count = attempt_count
        self.max_attempts = max_attempts
        self.absent = absent


class Change:
    """One transition of an item, from `before` to `after`, with the columns and the event of a database.

    `event` and `payload` (JSON text) describe it in `queue_events`; `changed_at` is its queue time;
    `attempt_count` is the new count, or None to keep the old one; every change clears the lease. A store adds to
    `notes` and `warnings` what its user should know of the way it was written.
    """

    __slots__ = ("after", "attempt_count", "before", "changed_at", "event", "notes", "payload", "warnings")

    def __init__(
        self,
        *,
        before: Item,
        after: Item,
        event: str,
        payload: str,
        changed_at: str,
        attempt_count: int | None = None,
    ) -> None:
        self.before = before
        self.after = after
        self.event = event
        self.payload = payload
        self.changed_at = changed_at
        self.attempt_count = attempt_count
        self.notes: list[str] = []
        self.warnings: list[str] = []
