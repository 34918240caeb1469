"""Which runs of a log count."""

from __future__ import annotations

from msgspec import Struct

#: 2001-01-01 in UTC, in milliseconds: no log is older, and what counts seconds today is far below.
_EARLIEST_MS = 978_307_200_000
#: Milliseconds that a time may lie ahead: clocks differ by less.
_MOST_AHEAD_MS = 86_400_000


class RunFilter(Struct, frozen=True):
    """Which runs count: `since_ms` bounds ends and unfinished starts, `commands` names those whose latency counts.

    `since_ms` is in epoch milliseconds, inclusive; None stands for no bound and for all commands. `details`: also
    collect the slowest, failed and unfinished runs and the time range; reading is faster without. `valid_ms` are the
    least and the greatest time that a record may have, epoch milliseconds; None for any.
    """

    since_ms: int | None = None
    commands: frozenset[str] | None = None
    details: bool = True
    valid_ms: tuple[int, int] | None = None


def valid_times(now_s: float) -> tuple[int, int]:
    """Return the least and the greatest time that a record may have at `now_s` (epoch seconds), in milliseconds."""
    return _EARLIEST_MS, int(now_s * 1000) + _MOST_AHEAD_MS
