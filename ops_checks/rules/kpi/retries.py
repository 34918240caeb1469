"""The retries that lie in the window of the KPIs (FORMATS section 4)."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from msgspec import Struct, field

from ops_checks.timestamps import last_second, start_epoch

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ops_checks.timestamps import Zone

    #: The item of `retried` events, their time as the store has it, and how many they are.
    RetryTime = tuple[str, object, int]
    Bounds = tuple[float | None, float | None]


class Retries(Struct, frozen=True):
    """Retried items, the most retried first, with their retries in the window.

    `outside` is how many retries lie outside of it; of `unread` nobody can tell.
    """

    by_item: tuple[tuple[str, int], ...] = ()
    count: int = 0
    outside: int = 0
    unread: int = 0


class _Counts(Struct):
    by_item: Counter[str] = field(default_factory=Counter)
    outside: int = 0
    unread: int = 0


def windowed_retries(
    events: Iterable[RetryTime], *, window: Bounds, valid_s: tuple[float, float], zone: Zone
) -> Retries:
    """Return the retries in a window (epoch seconds): from when on, and before when; None stands for no bound.

    A time is a minute, by the queue's clock: it counts if any second of it may lie in the window, where the clock went
    back that of the later one too. Times outside of `valid_s` are none.
    """
    since_s, until_s = window
    found = _Counts()
    for item_id, text, count in events:
        at = start_epoch(text, zone) if isinstance(text, str) else None
        if at is None or not valid_s[0] <= at <= valid_s[1]:
            found.unread += count
        elif (since_s is None or last_second(at, zone) + 1 > since_s) and (until_s is None or at < until_s):
            found.by_item[item_id] += count
        else:
            found.outside += count
    by_item = sorted(found.by_item.items(), key=lambda each: (-each[1], each[0]))
    return Retries(tuple(by_item), found.by_item.total(), found.outside, found.unread)
