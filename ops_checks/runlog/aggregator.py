"""Aggregate rows into statistics: the inner loop over a part of one log (FORMATS section 4).

A log has millions of runs, so rows are processed a block at a time, and a run by itself only when
it may be among the few that are kept with their line.
"""

from __future__ import annotations

from array import array
from itertools import islice
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from msgspec import UNSET, Struct, field
from msgspec.structs import replace

from ops_checks.runlog.decoder import EMPTY, Malformed, Record, RunEnd, RunStart
from ops_checks.runlog.percentiles import Durations
from ops_checks.runlog.repeats import Block
from ops_checks.runlog.stats import KEPT, Defect, LogRead, Run, RunStats, close_latest, keep_slowest, trace_fingerprints
from ops_checks.runlog.times import TimeRange, time_defect

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from collections.abc import Set as AbstractSet

    from msgspec import UnsetType

    from ops_checks.runlog.decoder import Row
    from ops_checks.runlog.filter import RunFilter
    from ops_checks.runlog.repeats import Repeats, Screen


_TIME, _DURATION = attrgetter("ts_epoch_ms"), attrgetter("duration_ms")


class Aggregator:
    """Aggregate the rows of a part of one log, block by block; lines count from 1 in the part."""

    def __init__(self, path: str, run_filter: RunFilter, repeats: Screen | Repeats) -> None:
        self._path = path
        self._since_ms = run_filter.since_ms
        self._commands = run_filter.commands
        self._stats = RunStats(detailed=run_filter.details)
        self._durations = Durations()
        self._floor = -1.0
        self._failed_blocks: list[tuple[int, int, Sequence[Row]]] = []
        self._pairs = _RunPairs()
        self._times = TimeRange()
        self._valid_ms = run_filter.valid_ms
        self._repeats = repeats
        self._repeated = self._outside = 0

    def add(self, rows: Sequence[Row], *, only_runs: bool = False, end: int = 0, size: int = 0) -> None:
        """Add the rows of a block of lines, which ends at the offset `end` of the part and has `size` bytes.

        `only_runs`: they are certainly nothing but starts and ends.
        """
        span = None
        if self._valid_ms is not None:
            span = _time_span(rows, only_runs=only_runs)
            if span and (span[0] < self._valid_ms[0] or span[1] > self._valid_ms[1]):
                rows, only_runs, span = [self._checked(row) for row in rows], False, None
        ends = [row for row in rows if type(row) is RunEnd]
        if self._stats.detailed:
            self._add_details(rows, ends)
        if not only_runs:
            self._add_defects(rows)
        if repeated := self._repeats.find(rows, ends, Block(end, size, span)):
            rows, ends = self._without(repeated, rows, ends)
        if self._since_ms is not None:
            ends = self._windowed(ends)
        self._stats.runs += len(ends)
        self._count_outcomes(ends, rows)
        self._measure(ends, rows)
        self._stats.lines += len(rows)

    @property
    def open_runs(self) -> int:
        """How many trace ids have a start without an end so far."""
        return len(self._pairs.opened)

    @property
    def needs_reasons(self) -> bool:
        """Whether the next malformed line is one of those that are told with their reason."""
        return len(self._stats.defects) < KEPT

    def add_empty(self, count: int) -> None:
        """Add so many empty lines."""
        stats = self._stats
        lines = range(stats.lines + 1, stats.lines + 1 + min(count, KEPT - len(stats.defects)))
        stats.defects = (*stats.defects, *(Defect(self._path, line, EMPTY) for line in lines))
        stats.malformed += count
        stats.lines += count
        self._repeats.skip(count)

    def finish(self, *, torn_tail: bool) -> RunStats:
        """Return the statistics of all added rows; `torn_tail`: bytes without a line break followed them."""
        stats, times, pairs = self._stats, self._times, self._pairs
        stats.durations = self._durations
        stats.failures = self._failures()
        stats.unpaired = pairs.unpaired
        stats.early_ends = pairs.early_ends
        traces = list(pairs.opened)
        stats.open_runs = {
            fingerprint: [Run(self._path, line, trace=trace) for line in pairs.opened.pop(trace)]
            for fingerprint, trace in zip(trace_fingerprints(traces), traces, strict=True)
        }
        log = LogRead(self._path, stats.lines, stats.malformed, torn_tail, times.first, times.last, times.newest)
        left_out = {"outside": self._outside, "undated": stats.undated, "repeated": self._repeated}
        stats.logs = (replace(log, runs=stats.runs, **left_out),)
        return stats

    def _checked(self, row: Row) -> Row:
        """Return a row, or what is wrong with its time."""
        if isinstance(row, Malformed) or row.ts_epoch_ms is UNSET or self._valid_ms is None:
            return row
        defect = time_defect(row.ts_epoch_ms, *self._valid_ms)
        return Malformed(defect) if defect else row

    def _without(
        self, repeated: AbstractSet[int], rows: Sequence[Row], ends: Sequence[RunEnd]
    ) -> tuple[list[Row], list[RunEnd]]:
        """Return rows and ends of a block without the ends at some positions, which are counted."""
        self._repeated += len(repeated)
        gone = {id(ends[position]) for position in repeated}
        left: list[Row] = [Record("run_end") if id(row) in gone else row for row in rows]
        return left, [end for end in ends if id(end) not in gone]

    def _windowed(self, ends: Sequence[RunEnd]) -> list[RunEnd]:
        """Return the ends in the window; the others are counted."""
        within = [end for end in ends if self._in_window(end)]
        undated = sum(end.ts_epoch_ms is UNSET for end in ends)
        self._stats.undated += undated
        self._outside += len(ends) - len(within) - undated
        return within

    def _in_window(self, row: RunEnd | RunStart) -> bool:
        ms = row.ts_epoch_ms
        return self._since_ms is None or (ms is not UNSET and ms >= self._since_ms)

    def _add_details(self, rows: Sequence[Row], ends: Sequence[RunEnd]) -> None:
        self._times.update([row for row in rows if not isinstance(row, Malformed)])
        starts = [row for row in rows if type(row) is RunStart]
        if self._since_ms is not None:
            starts = [start for start in starts if self._in_window(start)]
            # An end before the window ends no start in it.
            ends = [end for end in ends if end.ts_epoch_ms is UNSET or self._in_window(end)]
        self._pairs.update(starts, ends, rows, self._stats.lines)

    def _add_defects(self, rows: Sequence[Row]) -> None:
        stats = self._stats
        stats.malformed += sum(type(row) is Malformed for row in rows)
        if len(stats.defects) < KEPT:
            found = (
                Defect(self._path, line, row.reason, row.advice)
                for line, row in enumerate(rows, stats.lines + 1)
                if type(row) is Malformed
            )
            stats.defects = (*stats.defects, *islice(found, KEPT - len(stats.defects)))

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
        """Return the last failed outcomes, from the blocks kept for this: a Run for each would cost too much."""
        return tuple(
            self._run(line, row)
            for _, before, rows in self._failed_blocks
            for line, row in enumerate(rows, before + 1)
            if type(row) is RunEnd and row.exit_code == 0 and row.command == "fail" and self._in_window(row)
        )[-KEPT:]

    def _measure(self, ends: Sequence[RunEnd], rows: Sequence[Row]) -> None:
        if self._commands is not None:
            ends = [end for end in ends if end.command in self._commands]
        durations: list[Any] = list(map(_DURATION, ends))
        if UNSET in durations:
            durations = [ms for ms in durations if ms is not UNSET]
        self._durations.add(durations)
        if self._stats.detailed and durations and max(durations) > self._floor:
            slow = [end for end in ends if end.duration_ms is not UNSET and end.duration_ms > self._floor]
            slowest = keep_slowest(self._stats.slowest + self._runs(slow, rows))
            self._stats.slowest = slowest
            if len(slowest) == KEPT:
                self._floor = slowest[-1].duration_ms or 0.0

    def _runs(self, chosen: Sequence[RunEnd], rows: Sequence[Row]) -> tuple[Run, ...]:
        """Return ends as runs with their lines; both sequences are in the order of the log."""
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
        )


class _RunPairs(Struct):
    """The open starts (trace id to the lines of its starts), and the ends without an earlier start."""

    opened: dict[str, list[int]] = field(default_factory=dict)
    early_ends: array[int] = field(default_factory=lambda: array("q"))
    unpaired: int = 0

    def update(self, starts: Sequence[RunStart], ends: Sequence[RunEnd], rows: Sequence[Row], before: int) -> None:
        """Add the starts and ends of a block, before whose rows there are `before` lines."""
        opened, closed = {start.trace_id for start in starts}, {end.trace_id for end in ends}
        left = opened - closed
        # Nearly all runs start and end once and within a block: set differences leave the few that do not.
        once = len(opened) == len(starts) and len(closed) == len(ends) and UNSET not in opened
        if (
            once
            and self.opened.keys().isdisjoint(opened)
            and (not starts or _start_first(starts, ends, rows, len(left)))
        ):
            if left:
                self._open_all({id(start) for start in starts if start.trace_id in left}, rows, before)
            self._close_all(closed - opened)
            return
        chosen = {*map(id, starts), *map(id, ends)}
        for line, row in enumerate(rows, before + 1):
            if type(row) is RunEnd and id(row) in chosen:
                self._close(row.trace_id)
            elif type(row) is RunStart and id(row) in chosen:
                self._open(row.trace_id, line)

    def _open_all(self, chosen: AbstractSet[int], rows: Sequence[Row], before: int) -> None:
        for line, row in enumerate(rows, before + 1):
            if type(row) is RunStart and id(row) in chosen:
                self._open(row.trace_id, line)

    def _open(self, trace: str | UnsetType, line: int) -> None:
        if trace is UNSET:
            self.unpaired += 1
        else:
            self.opened.setdefault(trace, []).append(line)

    def _close_all(self, traces: Iterable[str | UnsetType]) -> None:
        """Close the latest start of each trace id; those without one are early ends."""
        early = [trace for trace in traces if trace is not UNSET and trace not in self.opened]
        for trace in traces:
            if trace is not UNSET and trace in self.opened:
                close_latest(self.opened, trace)
        self.early_ends.extend(trace_fingerprints(early))

    def _close(self, trace: str | UnsetType) -> None:
        if trace is not UNSET and not close_latest(self.opened, trace):
            self.early_ends.extend(trace_fingerprints((trace,)))


def _time_span(rows: Sequence[Row], *, only_runs: bool) -> tuple[int, int] | None:
    """Return the least and the greatest time of the records, None if none has a time."""
    dated: Sequence[Any] = rows if only_runs else [row for row in rows if type(row) is not Malformed]
    times = list(map(_TIME, dated))
    try:
        if UNSET not in times[:1]:
            return (min(times), max(times)) if times else None
    except TypeError:  # one of the others has no time: comparing finds out faster than a search
        pass
    times = [ms for ms in times if ms is not UNSET]
    return (min(times), max(times)) if times else None


def _start_first(starts: Sequence[RunStart], ends: Sequence[RunEnd], rows: Sequence[Row], left: int) -> bool:
    """Return whether all runs that start and end in a block start first: only `left` trace ids have a start last."""
    both: Sequence[Any] = rows
    if len(starts) + len(ends) < len(rows):
        chosen = {*map(id, starts), *map(id, ends)}
        both = [row for row in rows if id(row) in chosen]
    last = dict(zip([row.trace_id for row in both], map(type, both), strict=True))
    return list(last.values()).count(RunStart) == left
