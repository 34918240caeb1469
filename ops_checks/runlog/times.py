"""The times of a run log: the range that records cover, and what is no time (FORMATS section 4)."""

from __future__ import annotations

from msgspec import Struct

from ops_checks.runlog.decoder import Malformed, Record, RunEnd, RunStart, decode_line

#: Units that writers take for milliseconds, and how many of each are a millisecond.
_UNITS = (("seconds", 1e-3), ("microseconds", 1e3), ("nanoseconds", 1e6))


def time_defect(ms: int, least: int, greatest: int) -> str | None:
    """Return what is wrong with a time that is not in `least` to `greatest`, None for one that is."""
    if least <= ms <= greatest:
        return None
    unit = next((name for name, size in _UNITS if least <= ms / size <= greatest), None)
    if unit:
        return f"`ts_epoch_ms`: looks like {unit}, expected milliseconds"
    what = "before 2001" if ms < least else "more than a day ahead"
    return f"`ts_epoch_ms`: {what}, expected milliseconds since 1970"


class TimeRange(Struct):
    """The time range of the records in epoch milliseconds, and the line of the newest one."""

    first: int | None = None
    last: int | None = None
    line: bytes = b""

    def update(self, span: tuple[int, int] | None, newest: bytes) -> None:
        """Add the time range of consecutive lines, and the first one that has the latter time."""
        if span is None:
            return
        first, last = span
        if self.first is None or first < self.first:
            self.first = first
        if self.last is None or last > self.last:
            self.last = last
            self.line = newest

    def newest(self) -> str | None:
        """Return the name of the newest record, None without any."""
        row = decode_line(self.line)
        return None if isinstance(row, Malformed) else _event_name(row)


def _event_name(row: RunStart | RunEnd | Record) -> str:
    event = row.event if isinstance(row, Record) else "run_end" if isinstance(row, RunEnd) else "run_start"
    return " ".join(filter(None, (event, row.command or None, row.trace_id or None)))
