"""Rows into statistics: the inner loop over a part of one log (FORMATS section 4).

A million runs pass here, so rows are taken a block at a time, and a run is looked at by itself
only when it may be among the few that are kept with their place.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any

from msgspec import UNSET, Struct, field

from ops_checks.runlog.durations import Durations
from ops_checks.runlog.records import Malformed, Record, RunEnd, RunStart
from ops_checks.runlog.stats import KEPT, Defect, LogRead, Run, RunStats, end_latest, mark, slowest_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from msgspec import UnsetType

    from ops_checks.runlog.records import Row
    from ops_checks.runlog.selection import Selection


class Tally:
    """The statistics of a part of one log, growing block by block; lines count from 1 in the part."""

    def __init__(self, path: str, selection: Selection) -> None:
        self._path = path
        self._since_ms = selection.since_ms
        self._commands = selection.commands
        self._stats = RunStats(detailed=selection.details)
        self._durations = Durations()
        self._floor = -1.0
        self._failed_blocks: list[tuple[int, int, Sequence[Row]]] = []
        self._pairs = _Pairs()
        self._times = _Times()

    def add(self, rows: Sequence[Row], *, only_runs: bool = False) -> None:
        """Take in what stands on lines one after the other; `only_runs`: surely nothing but starts and ends."""
        ends = [row for row in rows if type(row) is RunEnd]
        if self._stats.detailed:
            self._add_details(rows, ends)
        if not only_runs:
            self._add_defects(rows)
        if self._since_ms is not None:
            self._stats.undated += sum(end.ts_epoch_ms is UNSET for end in ends)
            ends = [end for end in ends if self._in_window(end)]
        self._stats.runs += len(ends)
        self._count_outcomes(ends, rows)
        self._measure(ends, rows)
        self._stats.lines += len(rows)

    def finish(self, *, torn_tail: bool) -> RunStats:
        """Return the statistics of all that was taken in."""
        stats, times, pairs = self._stats, self._times, self._pairs
        stats.durations = self._durations
        stats.failures = self._failures()
        stats.unpaired = pairs.unpaired
        stats.early_ends = pairs.early_ends
        stats.open_runs = {
            mark(trace): tuple(Run(self._path, line, trace=trace) for line in lines)
            for trace, lines in pairs.opened.items()
        }
        log = LogRead(self._path, stats.lines, stats.malformed, torn_tail, times.first, times.last, times.newest)
        stats.logs = (log,)
        return stats

    def _in_window(self, row: RunEnd | RunStart) -> bool:
        ms = row.ts_epoch_ms
        return self._since_ms is None or (ms is not UNSET and ms >= self._since_ms)

    def _add_details(self, rows: Sequence[Row], ends: Sequence[RunEnd]) -> None:
        self._times.see([row for row in rows if not isinstance(row, Malformed)])
        starts = [row for row in rows if type(row) is RunStart]
        if self._since_ms is not None:
            starts = [start for start in starts if self._in_window(start)]
            # What ended before the window ended nothing in it.
            ends = [end for end in ends if end.ts_epoch_ms is UNSET or self._in_window(end)]
        self._pairs.see(starts, ends, rows, self._stats.lines)

    def _add_defects(self, rows: Sequence[Row]) -> None:
        malformed = [row for row in rows if type(row) is Malformed]
        if malformed:
            stats = self._stats
            stats.malformed += len(malformed)
            found = [
                Defect(self._path, stats.lines + index, row.reason)
                for index, row in enumerate(rows, 1)
                if type(row) is Malformed
            ]
            stats.defects = (*stats.defects, *found)[:KEPT]

    def _count_outcomes(self, ends: Sequence[RunEnd], rows: Sequence[Row]) -> None:
        commands = [end.command for end in ends if end.exit_code == 0]
        failed = commands.count("fail")
        self._stats.done += commands.count("done")
        self._stats.failed += failed
        if failed and self._stats.detailed:
            self._failed_blocks.append((failed, self._stats.lines, rows))
            while sum(count for count, *_ in self._failed_blocks[1:]) >= KEPT:
                del self._failed_blocks[0]

    def _failures(self) -> tuple[Run, ...]:
        """Return the last failed outcomes; their blocks were held for this, because naming each one costs too much."""
        return tuple(
            self._run(line, row)
            for _, before, rows in self._failed_blocks
            for line, row in enumerate(rows, before + 1)
            if type(row) is RunEnd and row.exit_code == 0 and row.command == "fail" and self._in_window(row)
        )[-KEPT:]

    def _measure(self, ends: Sequence[RunEnd], rows: Sequence[Row]) -> None:
        if self._commands is not None:
            ends = [end for end in ends if end.command in self._commands]
        durations = [ms for end in ends if (ms := end.duration_ms) is not UNSET]
        self._durations.add(durations)
        if self._stats.detailed and durations and max(durations) > self._floor:
            slow = [end for end in ends if end.duration_ms is not UNSET and end.duration_ms > self._floor]
            worst = slowest_of(self._stats.slowest + self._runs(slow, rows))
            self._stats.slowest = worst
            if len(worst) == KEPT:
                self._floor = worst[-1].duration_ms or 0.0

    def _runs(self, chosen: Sequence[RunEnd], rows: Sequence[Row]) -> tuple[Run, ...]:
        """Return ends with their places; both sequences are in the order of the log."""
        left = iter(enumerate(rows, self._stats.lines + 1))
        return tuple(self._run(next(line for line, row in left if row is end), end) for end in chosen)

    def _run(self, line: int, end: RunEnd) -> Run:
        return Run(
            path=self._path,
            line=line,
            command=end.command,
            duration_ms=None if end.duration_ms is UNSET else end.duration_ms,
            trace=end.trace_id or None,
            item=end.item_id or None,
            ms=None if end.ts_epoch_ms is UNSET else end.ts_epoch_ms,
        )


class _Pairs(Struct):
    """Which starts have not ended yet: trace id to the lines of its starts, and the ends that came first."""

    opened: dict[str, tuple[int, ...]] = field(default_factory=dict)
    early_ends: array[int] = field(default_factory=lambda: array("q"))
    unpaired: int = 0

    def see(self, starts: Sequence[RunStart], ends: Sequence[RunEnd], rows: Sequence[Row], before: int) -> None:
        """Take in the starts and ends of a block, whose rows stand after so many lines."""
        opened, closed = {start.trace_id for start in starts}, {end.trace_id for end in ends}
        left = opened - closed
        # Nearly all runs start and end within a block, once: two differences of sets leave the few that do not.
        once = len(opened) == len(starts) and len(closed) == len(ends) and UNSET not in opened
        if once and self.opened.keys().isdisjoint(opened) and _start_first(starts, ends, rows, len(left)):
            if left:
                self._start([start for start in starts if start.trace_id in left], rows, before)
            self._end(closed - opened)
            return
        chosen = {*map(id, starts), *map(id, ends)}
        for line, row in enumerate(rows, before + 1):
            if type(row) is RunEnd and id(row) in chosen:
                self._end((row.trace_id,))
            elif type(row) is RunStart and id(row) in chosen:
                self._open(row.trace_id, line)

    def _start(self, starts: Sequence[RunStart], rows: Sequence[Row], before: int) -> None:
        numbered = iter(enumerate(rows, before + 1))
        for start in starts:
            self._open(start.trace_id, next(line for line, row in numbered if row is start))

    def _open(self, trace: str | UnsetType, line: int) -> None:
        if trace is UNSET:
            self.unpaired += 1
        else:
            self.opened[trace] = (*self.opened.get(trace, ()), line)

    def _end(self, traces: Iterable[str | UnsetType]) -> None:
        for trace in traces:
            if trace is not UNSET and not end_latest(self.opened, trace):
                self.early_ends.append(mark(trace))


def _start_first(starts: Sequence[RunStart], ends: Sequence[RunEnd], rows: Sequence[Row], left: int) -> bool:
    """Tell whether all runs of a block that start and end in it start first: only `left` trace ids start last."""
    both: Sequence[Any] = rows
    if len(starts) + len(ends) < len(rows):
        chosen = {*map(id, starts), *map(id, ends)}
        both = [row for row in rows if id(row) in chosen]
    last = dict(zip([row.trace_id for row in both], map(type, both), strict=True))
    return list(last.values()).count(RunStart) == left


class _Times(Struct):
    """The time range of the records, epoch milliseconds, and the name of the newest one."""

    first: int | None = None
    last: int | None = None
    newest: str | None = None

    def see(self, rows: Sequence[RunStart | RunEnd | Record]) -> None:
        times = [row.ts_epoch_ms for row in rows if row.ts_epoch_ms is not UNSET]
        if not times:
            return
        first, last = min(times), max(times)
        if self.first is None or first < self.first:
            self.first = first
        if self.last is None or last > self.last:
            self.last = last
            self.newest = _name(next(row for row in rows if row.ts_epoch_ms == last))


def _name(row: RunStart | RunEnd | Record) -> str:
    event = row.event if isinstance(row, Record) else "run_end" if isinstance(row, RunEnd) else "run_start"
    return " ".join(filter(None, (event, row.command or None, row.trace_id or None)))
