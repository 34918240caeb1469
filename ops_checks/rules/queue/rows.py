"""What each rule of the group `queue` finds in the rows of one queue, in one pass over them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from ops_checks.model import NOTHING
from ops_checks.timestamps import MOST_AHEAD_S, duration_text, start_epoch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ops_checks.model import Item
    from ops_checks.timestamps import Zone

    #: From a row to what is out about it by itself, or None.
    OfRow = Callable[["Row", "RowSettings"], "Broken | None"]

_IN_PROGRESS = "IN_PROGRESS"
_OPEN = ("PENDING", _IN_PROGRESS, "BLOCKED")
_EXPECTED = "expected YYYY-MM-DD HH:MM"
_NAMED = 10  # items that the finding on an owner names


class RowSettings(Struct, frozen=True):
    """What the rules on rows go by: the time, the zone, and what the policy sets.

    So many items an owner may have in progress, and so many minutes a P0 may wait. `waits`: since when the PENDING
    items wait, in epoch seconds by id; None for one of which nobody can tell.
    """

    now_s: float = 0
    zone: Zone = 0
    most_in_progress: int = 3
    most_minutes: int = 60
    waits: Mapping[str, float | None] = {}


class Row(NamedTuple):
    """An item with its number in the store: a line, or a row id."""

    number: int
    item: Item


class Broken(NamedTuple):
    """What is out about a row: a message, why it counts where the rule does not imply that, and a number.

    `owner`: it is about an owner, of whose items the row is the first.
    """

    row: Row
    message: str
    reason: str | None = None
    value: float | None = None
    owner: str | None = None


class RowLaw(NamedTuple):
    """One rule at work: `of` is shown each row once and finds what is out about it, `at_end` about all together."""

    of: Callable[[Row], Broken | None]
    at_end: Callable[[], Iterator[Broken]] = lambda: iter(())


def row_by_row(find: OfRow) -> Callable[[RowSettings], RowLaw]:
    """Return what makes the law of a rule that needs no more than one row at a time."""
    return lambda settings: RowLaw(lambda row: find(row, settings))


def without_owner(row: Row, _settings: RowSettings) -> Broken | None:
    """Return what is out about an item in progress that nobody has."""
    if row.item.status == _IN_PROGRESS and _is_blank(row.item.owner_session):
        return _broken(row, "is in progress and has no owner")
    return None


def without_reason(row: Row, _settings: RowSettings) -> Broken | None:
    """Return what is out about a blocked item whose notes say nothing."""
    if row.item.status == "BLOCKED" and _is_blank(row.item.notes):
        return _broken(row, "is blocked and its notes say nothing")
    return None


def past_due(row: Row, settings: RowSettings) -> Broken | None:
    """Return what is out about an open item whose due time has passed; one that cannot be read may have."""
    due = row.item.due_at_kst
    if row.item.status not in _OPEN or _is_blank(due):
        return None
    due_s = start_epoch(due, settings.zone)
    if due_s is None:
        return _broken(row, f"is due {due}", f"its due time cannot be read: {_EXPECTED}")
    late_s = settings.now_s - due_s
    return _broken(row, f"was due {due}, {duration_text(late_s)} ago") if late_s > 0 else None


def starts_ahead(row: Row, settings: RowSettings) -> Broken | None:
    """Return what is out about an item whose start lies ahead by more than clocks differ, or cannot be read."""
    start = row.item.started_at_kst
    if _is_blank(start):
        return None
    start_s = start_epoch(start, settings.zone)
    if start_s is None:
        return _broken(row, f"starts {start}", f"its start cannot be read: {_EXPECTED}")
    ahead_s = start_s - settings.now_s
    return _broken(row, f"starts {start}, {duration_text(ahead_s)} ahead") if ahead_s > MOST_AHEAD_S else None


def in_progress_by_owner(settings: RowSettings) -> RowLaw:
    """Return the law that no owner has more items in progress than allowed: one finding an owner, by their first item.

    An item without an owner is in nobody's hands and counts for none.
    """
    counts: dict[str, int] = {}
    named: dict[str, list[Row]] = {}

    def of(row: Row) -> None:
        owner = row.item.owner_session
        if row.item.status == _IN_PROGRESS and not _is_blank(owner):
            counts[owner] = counts.get(owner, 0) + 1
            rows = named.setdefault(owner, [])
            if len(rows) < _NAMED:
                rows.append(row)

    def at_end() -> Iterator[Broken]:
        for owner, count in counts.items():
            if count > settings.most_in_progress:
                message = f"{owner} has {count} items in progress, more than {settings.most_in_progress}"
                yield Broken(named[owner][0], f"{message}: {_ids(named[owner], count)}", value=count, owner=owner)

    return RowLaw(of, at_end)


def less_urgent_first(settings: RowSettings) -> RowLaw:
    """Return the law that no P2 is in progress while a P0 has waited longer than allowed: one finding a waiting P0.

    A P0 of which nobody can tell how long it has waited counts, and the finding says so.
    """
    waiting: list[Row] = []
    busy: list[Row] = []

    def of(row: Row) -> None:
        item = row.item
        if item.status == "PENDING" and item.priority == "P0" and _may_have_waited(item, settings):
            waiting.append(row)
        elif item.status == _IN_PROGRESS and item.priority == "P2":
            busy.append(row)

    def at_end() -> Iterator[Broken]:
        if busy:
            what = f"P2 in progress meanwhile: {_ids(busy[:_NAMED], len(busy))}"
            yield from (_waits(row, settings, what) for row in waiting)

    return RowLaw(of, at_end)


def _may_have_waited(item: Item, settings: RowSettings) -> bool:
    since_s = settings.waits.get(item.id)
    return since_s is None or settings.now_s - since_s > settings.most_minutes * 60


def _waits(row: Row, settings: RowSettings, what: str) -> Broken:
    since_s = settings.waits.get(row.item.id)
    if since_s is None:
        return _broken(row, f"waits; {what}", f"its created_at cannot be read: {_EXPECTED}")
    waited_s = settings.now_s - since_s
    message = f"has waited for {duration_text(waited_s)}, more than {settings.most_minutes}m; {what}"
    return _broken(row, message)._replace(value=waited_s // 60)


def _is_blank(text: str) -> bool:
    return text.strip() in {"", NOTHING}


def _ids(rows: list[Row], count: int) -> str:
    more = f" and {count - len(rows)} more" if count > len(rows) else ""
    return ", ".join(row.item.id for row in rows) + more


def _broken(row: Row, what: str, reason: str | None = None) -> Broken:
    return Broken(row, f"{row.item.id} {what}", reason)
