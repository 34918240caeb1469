"""The transitions of an item: cancel, replan, retry (OPS_COMMANDS, FORMATS section 5).

Each function returns a `decide` for a store's `change`: from an item to a change, or RefusedError. It is pure, so
a store may call it again on a newer row. Where the rules of the stores differ, its second argument selects them:
lease and attempts of a database item, None for a Markdown item.
"""

from __future__ import annotations

import math
from functools import cache, lru_cache
from operator import attrgetter

from ops_checks.errors import InputError, RefusedError, UsageError
from ops_checks.model import DB_NOTES_SEPARATOR, FIELDS, MD_NOTES_SEPARATOR, NOTHING, TERMINAL, Item
from ops_checks.sanitize import plain_line, visible
from ops_checks.stores.changes import RELIABILITY, Change, Reliability
from ops_checks.timestamps import expiry_defect, queue_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from ops_checks.stores.changes import Decide, Stored

DEFAULT_BACKOFF_S = (60, 180, 600)
_RETRYABLE = ("FAILED", "BLOCKED")
_CANCELLED = "cancelled_by_operator"
_REASON = "reason:"
#: How the parts of notes begin that other transitions append.
_OTHERS = ("replan:", "retry_requested", "retry_not_before=")
_BLANK = " \t\v\f"  # trimmed from the cells of a table
_MOST_ATTEMPTS = 1_000_000


class Stamp:
    """Actor and time of a change: `now_s` in epoch seconds, the queue's offset then in minutes east of UTC.

    `operation` is the id by which the changes of one command are found again.
    """

    __slots__ = ("actor", "now_s", "operation", "tz_minutes")

    def __init__(self, *, actor: str, now_s: float, tz_minutes: int, operation: str = "") -> None:
        self.actor = actor
        self.now_s = now_s
        self.tz_minutes = tz_minutes
        self.operation = operation


def cancel(stamp: Stamp, notes: str | None = None) -> Decide:
    """Return the transition of `cancel --id`: to BLOCKED, without a lease, owner and start kept for the audit.

    `notes` is the operator's reason. An item that is cancelled already is not changed, but for a new reason. Raises
    UsageError for a blank reason; `decide` raises RefusedError for a terminal item (DONE, FAILED).
    """
    reasons = () if notes is None else (_REASON + _text(notes, "say why the item is cancelled, or leave it out"),)

    def decide(item: Item, reliability: Reliability | None) -> Change:
        if item.status in TERMINAL:
            raise RefusedError(
                f"{visible(item.id)}: is {item.status}: only an item that is not terminal can be cancelled"
            )
        wanted = cancelled_notes(item, reliability, reasons)
        after = _moved(item, "BLOCKED", wanted, reliability)
        details = {"reason": _CANCELLED} | ({"notes": reasons[0].removeprefix(_REASON)} if reasons else {})
        change = _change(stamp, item, after, "cancelled", details, reliability, notes=(_CANCELLED, *reasons))
        change.clears_lease = bool(wanted)
        return change

    return decide


def is_cancelled(item: Item, reliability: Reliability | None) -> bool:
    """Return whether an item is cancelled and nothing has become of it since."""
    if item.status != "BLOCKED":
        return False
    if reliability is not None and (reliability.lease_owner or reliability.lease_expires_at) is not None:
        return False
    _, found, after = f" / {_one_way(item.notes)} / ".rpartition(f" / {_CANCELLED} / ")
    tail = after.removesuffix(" / ")
    others = any(part.startswith(_OTHERS) for part in tail.split(" / "))
    return bool(found) and (not tail or (tail.startswith(_REASON) and not others))


def cancelled_notes(item: Item, reliability: Reliability | None, reasons: Sequence[str]) -> Sequence[str]:
    """Return the notes that an item lacks to be cancelled for some reasons; none where it says so already."""
    if not is_cancelled(item, reliability):
        return (_CANCELLED, *reasons)
    said = f" / {_one_way(item.notes)}".endswith(f" / {_one_way(MD_NOTES_SEPARATOR.join(reasons))}")
    return () if said else reasons


def _one_way(notes: str) -> str:
    return notes.replace("|", "/")


def _text(notes: str, advice: str) -> str:
    """Return an operator's text on one line. Raises UsageError if it is blank."""
    text = plain_line(notes).strip(_BLANK)
    if not text.strip():
        raise UsageError(f"--notes is blank: {advice}")
    return text


def replan(stamp: Stamp, notes: str) -> Decide:
    """Return the transition of `replan --id --notes`: IN_PROGRESS to BLOCKED, else to PENDING without owner and start.

    `notes` is the operator's text; what ends a line for any program becomes a space. Raises UsageError if it is blank.
    """
    text = _text(notes, "say why the item is replanned")

    def decide(item: Item, reliability: Reliability | None) -> Change:
        status = "BLOCKED" if item.status == "IN_PROGRESS" else "PENDING"
        wanted = (f"replan:{text}",)
        after = _moved(item, status, wanted, reliability)
        return _change(stamp, item, after, "replan", {"notes": text}, reliability, notes=wanted)

    return decide


def retry(stamp: Stamp, backoff_s: Sequence[int] = DEFAULT_BACKOFF_S) -> Decide:
    """Return the transition of `retry --id`: back to PENDING without owner and start.

    In Markdown from FAILED and BLOCKED; in a database from FAILED, or IN_PROGRESS with an expired
    lease, while attempts are left. `backoff_s` is the wait in seconds by attempt; the last repeats.
    `decide` raises RefusedError if the item is not eligible, InputError if the database lacks
    the columns that a retry needs, or attempts that are numbers.
    """

    def decide(item: Item, reliability: Reliability | None) -> Change:
        if reliability is None:
            return _retry_in_markdown(stamp, item)
        return _retry_in_database(stamp, item, reliability, backoff_s)

    return decide


def _retry_in_markdown(stamp: Stamp, item: Item) -> Change:
    if item.status not in _RETRYABLE:
        raise RefusedError(f"{visible(item.id)}: is {item.status}: only FAILED and BLOCKED items can be retried")
    after = _moved(item, "PENDING", ("retry_requested",), None)
    return _change(stamp, item, after, "retried", {"reason": "retry_requested"}, None, notes=("retry_requested",))


def _retry_in_database(stamp: Stamp, item: Item, reliability: Reliability, backoff_s: Sequence[int]) -> Change:
    if reliability.absent:
        raise InputError(
            f"{visible(item.id)}: queue_items has no column {', '.join(reliability.absent)}: retry needs it, add it"
        )
    now_s = stamp.now_s if reliability.now_s is None else reliability.now_s
    _must_be_retryable(item, reliability, now_s)
    attempt, most = _count(reliability, "attempt_count"), _count(reliability, "max_attempts")
    if attempt >= most:
        raise RefusedError(f"{visible(item.id)}: {attempt} of {most} attempts are used up: {_to_pending(item)}")
    not_before = int(now_s) + backoff_s[min(attempt, len(backoff_s) - 1)]
    wanted = (f"retry_not_before={not_before}",)
    after = _moved(item, "PENDING", wanted, reliability)
    payload: dict[str, str | int] = {
        "reason": "retry_requested",
        "attempt": attempt + 1,
        "retry_not_before": not_before,
    }
    return _change(stamp, item, after, "retried", payload, reliability, notes=wanted, attempt_count=attempt + 1)


def _must_be_retryable(item: Item, reliability: Reliability, now_s: float) -> None:
    if item.status == "FAILED":
        return
    name = visible(item.id)
    if item.status != "IN_PROGRESS":
        raise RefusedError(
            f"{name}: is {item.status}: only FAILED items, and IN_PROGRESS ones that timed out, can be retried"
            + ("" if item.status == "PENDING" else f": {_to_pending(item)}")
        )
    expires = reliability.lease_expires_at
    if expires is None:
        raise RefusedError(f"{name}: is IN_PROGRESS without a lease, so it has not timed out: {_to_pending(item)}")
    defect = expiry_defect(expires, now_s)
    if defect or not isinstance(expires, int | float):
        raise RefusedError(f"{reliability.place or name}: lease_expires_at {defect}: {_to_pending(item)}")
    if expires >= now_s:
        left = int(expires - now_s) + 1
        raise RefusedError(
            f"{name}: is IN_PROGRESS and its lease runs for another {left} s: wait, or {_to_pending(item)}"
        )


def _to_pending(item: Item) -> str:
    """Return the way to PENDING that is open where `retry` is not: only a replan leads there from any status."""
    first = "cancel it, which clears its lease, then " if item.status == "IN_PROGRESS" else ""
    return f"{first}replan it, which makes it PENDING"


def _count(reliability: Reliability, name: str) -> int:
    count: Stored = getattr(reliability, name)
    if not isinstance(count, int) or not 0 <= count <= _MOST_ATTEMPTS:
        raise InputError(f"{reliability.place}: {name} {count!a}: expected a whole number from 0 to {_MOST_ATTEMPTS}")
    return count


def _moved(item: Item, status: str, notes: Iterable[str], reliability: Reliability | None) -> Item:
    """Return the item in a new status with notes appended as its store joins them; PENDING clears owner and start."""
    separator = MD_NOTES_SEPARATOR if reliability is None else DB_NOTES_SEPARATOR
    cells = [("status", status), ("notes", separator.join(part for part in (item.notes, *notes) if part))]
    if status == "PENDING":
        cells += [("owner_session", NOTHING), ("started_at_kst", NOTHING)]
    return item.with_cells(cells)


def _change(
    stamp: Stamp,
    before: Item,
    after: Item,
    event: str,
    details: Mapping[str, str | int],
    reliability: Reliability | None,
    *,
    notes: tuple[str, ...],
    attempt_count: int | None = None,
) -> Change:
    return Change(
        before=before,
        after=after,
        event=event,
        payload="" if reliability is None else _payload(stamp, before, after, details, reliability, attempt_count),
        changed_at=_queue_minute(stamp.now_s // 60, stamp.tz_minutes),
        attempt_count=attempt_count,
        new_notes=notes,
    )


@lru_cache(maxsize=2)
def _queue_minute(minute: float, tz_minutes: int) -> str:
    """Return the queue time of a minute since the epoch: many items are changed in one."""
    return queue_time(minute * 60, tz_minutes)


def _payload(
    stamp: Stamp,
    before: Item,
    after: Item,
    details: Mapping[str, str | int],
    reliability: Reliability,
    attempt_count: int | None,
) -> str:
    """Return the payload of the event, from which the change can be taken back; a document has no events."""
    held = held_cells(reliability)
    new: dict[str, int | None] = {"lease_owner": None, "lease_expires_at": None}
    new |= {} if attempt_count is None else {"attempt_count": attempt_count}
    payload = {
        "from": before.status,
        "to": after.status,
        "actor": plain_line(stamp.actor),
        **details,
        "operation": stamp.operation,
        "before": _cells(before) | held,
        "after": _cells(after) | held | {name: value for name, value in new.items() if name in held},
    }
    return _encoder()(payload)


@cache
def _encoder() -> Callable[[object], str]:
    """Return what writes JSON, made once: `json.dumps` makes it anew each time."""
    import json

    return json.JSONEncoder(ensure_ascii=False).encode


_held = attrgetter(*RELIABILITY)


def held_cells(reliability: Reliability) -> dict[str, str | int | float | None]:
    """Return lease and attempts for JSON, as far as the database has those columns."""
    held = dict(zip(RELIABILITY, map(_in_json, _held(reliability)), strict=True))
    for name in reliability.absent:
        del held[name]
    return held


def _cells(item: Item) -> dict[str, object]:
    return dict(zip(FIELDS, item, strict=True))


def _in_json(value: Stored) -> str | int | float | None:
    """Return a value of a database for an event: what JSON has no word for is written as SQL writes it."""
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"
    return str(value) if isinstance(value, float) and math.isinf(value) else value


#: Every transition by the name of its command. Its first argument is a Stamp, then the command's own.
TRANSITIONS: Mapping[str, Callable[..., Decide]] = {"cancel": cancel, "replan": replan, "retry": retry}
