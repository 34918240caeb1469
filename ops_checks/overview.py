"""Summarise a queue by status and by owner (OPS_COMMANDS `status`, `workers`), and tell the times of an item."""

from __future__ import annotations

from ops_checks.model import NOTHING, PRIORITIES, STATUSES, id_order
from ops_checks.timestamps import expiry_defect, start_epoch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ops_checks.model import Item
    from ops_checks.stores.details import Details
    from ops_checks.timestamps import Zone

#: The start of an item without a valid one, sorted last.
_UNKNOWN = float("inf")
_NOT_BEFORE = " / retry_not_before="
_MOST_DIGITS = 15


class Summary:
    """`counts` of items by status, and the IN_PROGRESS items in the order of triage.

    `details` of the latter by id: what their store knows of them besides, where that was read.
    """

    __slots__ = ("counts", "details", "in_progress")

    def __init__(self, counts: dict[str, int], in_progress: list[Item]) -> None:
        self.counts = counts
        self.in_progress = in_progress
        self.details: Mapping[str, Details] = {}


class Worker:
    """The items in progress of one owner, in the order of triage, and the oldest valid start (`-` if there is none)."""

    __slots__ = ("items", "oldest_start", "owner")

    def __init__(self, owner: str, items: list[Item]) -> None:
        self.owner = owner
        self.items = items
        starts = [(start, item.started_at_kst) for item in items if (start := _start(item)) != _UNKNOWN]
        self.oldest_start = min(starts)[1] if starts else NOTHING

    def count(self, priority: str) -> int:
        """Return how many of the items have a priority."""
        return sum(item.priority == priority for item in self.items)


def summarise(numbered: Iterable[tuple[int, Item]]) -> Summary:
    """Count items by status and collect those in progress, from the stream of a snapshot, in one pass."""
    counts = dict.fromkeys(STATUSES, 0)
    in_progress = []
    for _, item in numbered:
        status = item[1]
        counts[status] += 1
        if status == "IN_PROGRESS":
            in_progress.append(item)
    return Summary(counts, sorted(in_progress, key=triage_order))


def summarise_details(rows: Iterable[Details]) -> Summary:
    """Summarise what a store knows of its items, and keep it of those in progress, in one pass."""
    kept: dict[str, Details] = {}

    def numbered() -> Iterator[tuple[int, Item]]:
        for row in rows:
            if row.item.status == "IN_PROGRESS":
                kept[row.item.id] = row
            yield row.number, row.item

    found = summarise(numbered())
    found.details = kept
    return found


def workers(in_progress: Iterable[Item]) -> list[Worker]:
    """Group items in progress by owner: most items first, then by name; items without an owner last."""
    groups: dict[str, list[Item]] = {}
    for item in in_progress:
        groups.setdefault(item.owner_session, []).append(item)
    found = [Worker(owner, items) for owner, items in groups.items()]
    return sorted(found, key=lambda worker: (worker.owner == NOTHING, -len(worker.items), worker.owner))


def triage_order(item: Item) -> tuple[int, float, tuple[str, int, str]]:
    """Return the sort key of triage: highest priority, then oldest start, then id (FORMATS section 6)."""
    return (PRIORITIES.index(item.priority), _start(item), id_order(item.id))


def age_s(row: Details, now_s: float, zone: Zone) -> float | None:
    """Return the seconds since an item was started, or made if it was not; None where no time can be read."""
    start = start_epoch(row.item.started_at_kst, zone)
    if start is None and isinstance(row.created_at, str):
        start = start_epoch(row.created_at, zone)
    return None if start is None else now_s - start


def has_lease(row: Details) -> bool:
    """Return whether anything says that somebody holds an item."""
    return (row.lease_owner, row.lease_expires_at) != (None, None)


def lease_left_s(row: Details, now_s: float) -> float | None:
    """Return the seconds that a lease has left, negative for one that has ended; None if nobody can tell.

    `now_s` is our time in epoch seconds: a store with a clock of its own judges by that (FORMATS section 5).
    """
    expires_at, now_s = row.lease_expires_at, now_s + row.clock_ahead_s
    if expiry_defect(expires_at, now_s) or not isinstance(expires_at, int | float):
        return None
    return expires_at - now_s


def retry_not_before(notes: str, now_s: float) -> int | None:
    """Return when an item may be tried again, epoch seconds, by its newest note of a retry; None if that has passed."""
    if _NOT_BEFORE[3:] not in notes:
        return None
    _, found, after = f" / {notes.replace('|', '/')}".rpartition(_NOT_BEFORE)
    digits = after.split(" ", 1)[0]
    if not (found and digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS):
        return None
    return int(digits) if int(digits) > now_s else None


def _start(item: Item) -> float:
    start = start_epoch(item.started_at_kst, 0)  # only compared with each other: the zone does not matter
    return _UNKNOWN if start is None else start
