"""The types that a store and the transitions exchange when one item changes."""

from __future__ import annotations

from ops_checks.errors import RefusedError, RefusedTogetherError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeVar

    from ops_checks.model import Item

    #: Pure: from an item and its lease and attempts (None in Markdown) to a change.
    #: Raises RefusedError if a rule forbids it. A store may call it again on a newer row.
    Decide = Callable[[Item, "Reliability | None"], "Change"]

    #: What a column of a database may hold, whatever its declaration says.
    Stored = str | int | float | bytes | None

    Decided = TypeVar("Decided")
else:
    Decide = object


#: The columns of lease and attempts, absent from databases that are older than the reliability layer.
RELIABILITY = ("lease_owner", "lease_expires_at", "attempt_count", "max_attempts")


class Reliability:
    """Lease and attempts of one database item (FORMATS section 2); a Markdown item has none.

    Each is what the database holds, which may be none of what was meant: a change that only clears a lease need not
    understand it. `lease_expires_at` should be epoch seconds. `absent` names the columns that an older database lacks,
    `place` is where a person finds the row. `now_s` is the store's own time in epoch seconds, by which its leases are
    judged; None where it has no clock but this machine's.
    """

    __slots__ = (*RELIABILITY, "absent", "now_s", "place")

    def __init__(
        self,
        *,
        lease_owner: Stored,
        lease_expires_at: Stored,
        attempt_count: Stored,
        max_attempts: Stored,
        absent: tuple[str, ...] = (),
        place: str = "",
        now_s: float | None = None,
    ) -> None:
        self.lease_owner = lease_owner
        self.lease_expires_at = lease_expires_at
        self.attempt_count = attempt_count
        self.max_attempts = max_attempts
        self.absent = absent
        self.place = place
        self.now_s = now_s


class Change:
    """One transition of an item, from `before` to `after`, with the columns and the event of a database.

    `event` and `payload` (JSON text) describe it in `queue_events`; `changed_at` is its queue time;
    `attempt_count` is the new count, or None to keep the old one; `clears_lease`: nobody holds the item any more.
    `new_notes` are the parts that the item's notes end with after it. `document` is the change of the document that is
    made together with it. A store adds to `notes` and `warnings` what a user should know of the way it was written.
    """

    __slots__ = (
        "after",
        "attempt_count",
        "before",
        "changed_at",
        "clears_lease",
        "document",
        "event",
        "new_notes",
        "notes",
        "payload",
        "warnings",
    )

    def __init__(
        self,
        *,
        before: Item,
        after: Item,
        event: str,
        payload: str,
        changed_at: str,
        attempt_count: int | None = None,
        clears_lease: bool = True,
        new_notes: tuple[str, ...] = (),
    ) -> None:
        self.clears_lease = clears_lease
        self.new_notes = new_notes
        self.document: Change | None = None
        self.before = before
        self.after = after
        self.event = event
        self.payload = payload
        self.changed_at = changed_at
        self.attempt_count = attempt_count
        self.notes: list[str] = []
        self.warnings: list[str] = []

    @property
    def empty(self) -> bool:
        """Whether there is nothing to write: the item is as it is to be."""
        return self.before == self.after and not self.clears_lease and self.attempt_count is None


def all_decided(ids: Sequence[str], decided: Callable[[str], Decided]) -> list[Decided]:
    """Return what `decided` returns for each id.

    Raises RefusedTogetherError with every refusal if there is one; for an only id the refusal itself.
    """
    if len(ids) == 1:
        return [decided(ids[0])]
    found: list[Decided] = []
    refused: dict[str, RefusedError] = {}
    for item_id in ids:
        try:
            found.append(decided(item_id))
        except RefusedError as error:
            refused[item_id] = error
    if refused:
        raise RefusedTogetherError(refused, len(ids))
    return found
