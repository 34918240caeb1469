"""Which runs of a log count."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from msgspec.structs import astuple, replace

from ops_checks.runlog.grouping import Grouping

#: 2001-01-01 in UTC, in milliseconds: no log is older, and what counts seconds today is far below.
_EARLIEST_MS = 978_307_200_000
#: Milliseconds that a time may lie ahead: clocks differ by less.
_MOST_AHEAD_MS = 86_400_000
_END = 2**63 - 1


class RunFilter(Struct, frozen=True):
    """Which runs count: `since_ms` and `until_ms` bound ends and unfinished starts, `commands` those with a latency.

    The bounds are in epoch milliseconds, the first inclusive, the second exclusive; None stands for no bound and for
    all commands. `details`: also collect the slowest, failed and unfinished runs and the time range; reading is faster
    without. `valid_ms` are the least and the greatest time that a record may have, epoch milliseconds; None for any.
    `groupings`: what runs are counted by beside that; each has a window of its own.
    """

    since_ms: int | None = None
    commands: frozenset[str] | None = None
    details: bool = True
    valid_ms: tuple[int, int] | None = None
    until_ms: int | None = None
    groupings: tuple[Grouping, ...] = ()

    @property
    def bounds(self) -> tuple[int, int] | None:
        """The first time of the window and the first one behind it, None for all of time."""
        if self.since_ms is None and self.until_ms is None:
            return None
        return -(2**63) if self.since_ms is None else self.since_ms, _END if self.until_ms is None else self.until_ms

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of a record whose texts name groups."""
        return tuple(dict.fromkeys(each.field for each in self.groupings if each.field is not None))

    def plain(self) -> tuple[object, ...]:
        """Return the filter as plain values, for `from_plain`."""
        return (*astuple(self)[:-1], tuple(map(astuple, self.groupings)))


def from_plain(values: tuple[Any, ...]) -> RunFilter:
    """Return the filter of which `plain` returned the values."""
    return replace(RunFilter(*values), groupings=tuple(Grouping(*each) for each in values[-1]))


def valid_times(now_s: float) -> tuple[int, int]:
    """Return the least and the greatest time that a record may have at `now_s` (epoch seconds), in milliseconds."""
    return _EARLIEST_MS, int(now_s * 1000) + _MOST_AHEAD_MS
