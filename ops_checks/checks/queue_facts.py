"""What the KPIs ask of the queue: how many items a status has, and which have been in progress for too long."""

from __future__ import annotations

from heapq import nsmallest
from typing import TYPE_CHECKING

from msgspec import Struct, field

from ops_checks.clock import start_epoch
from ops_checks.model import NOTHING, STATUSES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ops_checks.findings import Place
    from ops_checks.model import Item

#: So many stale items are kept with their place; how many more there are is counted.
KEPT = 20

_NEVER = float("inf")
_MANY = 8 * KEPT

#: Start (epoch seconds, or _NEVER), number, id and start as written: in the order of "worst first".
_Stale = tuple[float, int, str, str]


class StaleItem(Struct, frozen=True):
    """An item in progress for too long: since `minutes`, or None where its start cannot be read; `reason` says so."""

    item: str
    minutes: float | None
    reason: str
    place: Place


class QueueFacts(Struct, frozen=True):
    """What was counted in one pass over a queue.

    `counts` holds every status; `stale` the worst stale items of `stale_count`: longest first, then
    those without a readable start; `retry_count` is None without a database, and
    `oldest_pending_minutes` where items are pending but none tells since when.
    """

    items: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    stale_count: int = 0
    stale: tuple[StaleItem, ...] = ()
    retry_count: int | None = None
    oldest_pending_minutes: float | None = None


def queue_facts(
    items: Iterable[tuple[int, Item]],
    place: Callable[[int, str], Place],
    *,
    now_s: float,
    tz_minutes: int,
    stale_minutes: float,
    retry_count: int | None = None,
    pending_since_s: float | None = None,
) -> QueueFacts:
    """Count items, each given with its number (a line, or a row), in one pass (FORMATS section 4).

    Stale is an IN_PROGRESS item whose start lies more than `stale_minutes` before `now_s` (epoch
    seconds), and one whose start cannot be read: it cannot be shown to be fresh. `place` is asked
    only for those that are kept. `pending_since_s` is the epoch second at which the oldest PENDING
    item was made, where the store knows (a database does); the table has no such column, so its
    items tell it only if they are pending again with their old start.
    """
    counts = dict.fromkeys(STATUSES, 0)
    stale: list[_Stale] = []
    stale_count = 0
    for number, item in items:
        status = item[1]
        counts[status] = counts.get(status, 0) + 1
        if status == "IN_PROGRESS":
            started = start_epoch(item[6], tz_minutes)
            if started is None or now_s - started > stale_minutes * 60:
                stale_count += 1
                stale.append((_NEVER if started is None else started, number, item[0], item[6]))
                if len(stale) > _MANY:
                    stale = nsmallest(KEPT, stale)
        elif status == "PENDING" and item[6] != NOTHING:
            started = start_epoch(item[6], tz_minutes)
            if started is not None and (pending_since_s is None or started < pending_since_s):
                pending_since_s = started
    return QueueFacts(
        items=sum(counts.values()),
        counts=counts,
        stale_count=stale_count,
        stale=tuple(_stale_item(place, now_s, found) for found in nsmallest(KEPT, stale)),
        retry_count=retry_count,
        oldest_pending_minutes=_age(now_s, pending_since_s) if counts["PENDING"] else 0.0,
    )


def _age(now_s: float, then_s: float | None) -> float | None:
    return None if then_s is None else max(0.0, (now_s - then_s) / 60)


def _stale_item(place: Callable[[int, str], Place], now_s: float, found: _Stale) -> StaleItem:
    started, number, item_id, text = found
    at = place(number, item_id)
    if started == _NEVER:
        what = "no start" if text in {"", NOTHING} else "a start that is no time"
        return StaleItem(item_id, None, f"{what}: cannot be shown to be fresh", at)
    minutes = (now_s - started) / 60
    return StaleItem(item_id, minutes, f"in progress since {text}, {int(minutes)} minutes", at)
