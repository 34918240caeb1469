"""Aggregate the columns of lines into statistics: the inner loop over a part of one log (FORMATS section 4).

A log has millions of runs, so a block's are processed at once, and a run by itself only when it may be among the few
that are kept with their line: then its line is decoded once more.
"""

from __future__ import annotations

from array import array
from collections import deque
from heapq import nsmallest
from itertools import islice
from math import isnan
from typing import TYPE_CHECKING

from msgspec import UNSET, Struct, field
from msgspec.structs import replace

from ops_checks.runlog.decoder import EMPTY, RunEnd, decode_line
from ops_checks.runlog.group_aggregator import GroupAggregator, within
from ops_checks.runlog.percentiles import Durations
from ops_checks.runlog.stats import KEPT, Defect, LogRead, Run, RunStats, close_latest, keep_slowest, trace_fingerprints
from ops_checks.runlog.times import TimeRange

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from collections.abc import Set as AbstractSet

    from ops_checks.runlog.columns import Columns, PairedRun
    from ops_checks.runlog.filter import RunFilter
    from ops_checks.runlog.repeats import Repeats


#: So many durations are counted by whole milliseconds; the longer ones are few.
_COUNTED_MS = 8192


class Aggregator:
    """Aggregate the lines of a part of one log, block by block; lines count from 1 in the part."""

    def __init__(self, path: str, run_filter: RunFilter, repeats: Repeats) -> None:
        self._path = path
        self._bounds = run_filter.bounds
        self._commands = run_filter.commands
        self._stats = RunStats(detailed=run_filter.details)
        self._durations = Durations()
        #: How many durations there are by whole milliseconds, where all count; a scanner adds to them.
        self.counts = array("I", bytes(4 * _COUNTED_MS)) if self._bounds is None and self._commands is None else None
        self._groups = [GroupAggregator(path, each, run_filter.commands) for each in run_filter.groupings]
        self._floor = -1.0
        self._failed: deque[tuple[int, bytes]] = deque(maxlen=KEPT)
        self._latest_failed: tuple[Columns, Sequence[int], int] | None = None
        self._pairs = RunPairs()
        self._times = TimeRange()
        self._repeats = repeats
        self._repeated = self._outside = 0

    def add(self, columns: Columns) -> None:
        """Add consecutive lines."""
        stats = self._stats
        if stats.detailed:
            self._times.update(columns.span, columns.newest)
            self._pairs.update(columns.runs, stats.lines + 1)
        self._add_defects(columns)
        once = self._once(columns, self._repeats.find(columns))
        for groups in self._groups:
            groups.add(columns, once)
        counted = self._counted(columns, once)
        stats.runs += len(counted)
        self._count_outcomes(columns, counted)
        self._measure(columns, counted)
        stats.lines += columns.lines

    @property
    def lines(self) -> int:
        """How many lines were added so far."""
        return self._stats.lines

    @property
    def open_runs(self) -> int:
        """How many trace ids have a start without an end so far."""
        return len(self._pairs.opened)

    def needs_reasons(self) -> bool:
        """Return whether the next malformed line is one of those that are told with their reason."""
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
        """Return the statistics of all added lines; `torn_tail`: bytes without a line break followed them."""
        stats, times, pairs = self._stats, self._times, self._pairs
        stats.durations = self._durations
        if self.counts is not None:
            self._durations.counts.update({float(ms): count for ms, count in enumerate(self.counts) if count})
        self._take_failed()
        stats.failures = tuple(self._run(line, text) for line, text in self._failed)
        stats.unpaired = pairs.unpaired
        stats.early_ends = pairs.early_ends
        traces = list(pairs.opened)
        stats.open_runs = {
            fingerprint: [Run(self._path, line, trace=trace) for line in pairs.opened.pop(trace)]
            for fingerprint, trace in zip(trace_fingerprints(traces), traces, strict=True)
        }
        log = LogRead(self._path, stats.lines, stats.malformed, torn_tail, times.first, times.last, times.newest())
        left_out = {"outside": self._outside, "undated": stats.undated, "repeated": self._repeated}
        stats.logs = (replace(log, runs=stats.runs, **left_out),)
        stats.groups = tuple(each.finish() for each in self._groups)
        return stats

    def _add_defects(self, columns: Columns) -> None:
        stats = self._stats
        stats.malformed += len(columns.malformed)
        told = islice(columns.malformed, KEPT - len(stats.defects))
        found = (Defect(self._path, stats.lines + 1 + number, row.reason, row.advice) for number, row in told)
        stats.defects = (*stats.defects, *found)

    def _once(self, columns: Columns, repeated: AbstractSet[int]) -> Sequence[int]:
        """Return the positions of the ends that stand there for the first time. Count the others apart."""
        positions: Sequence[int] = range(len(columns.times))
        if not repeated:
            return positions
        self._repeated += len(repeated)
        return [position for position in positions if position not in repeated]

    def _counted(self, columns: Columns, positions: Sequence[int]) -> Sequence[int]:
        """Return those of some positions whose ends lie in the window. Count the others apart."""
        if self._bounds is None:
            return positions
        found = within(columns, positions, *self._bounds)
        undated = 0 if columns.timed else sum(columns.times[position] is None for position in positions)
        self._stats.undated += undated
        self._outside += len(positions) - undated - len(found)
        return found

    def _count_outcomes(self, columns: Columns, counted: Sequence[int]) -> None:
        """Count the ends of `done` and `fail` that exited with 0, and keep the last failures."""
        stats, groups = self._stats, columns.group_of
        if len(counted) < len(groups):
            groups = "".join([groups[position] for position in counted])
        for number, (command, exit_code) in enumerate(columns.groups):
            if exit_code == 0 and command == "done":
                stats.done += groups.count(chr(number))
            elif exit_code == 0 and command == "fail":
                stats.failed += groups.count(chr(number))
                if stats.detailed:
                    self._keep_failed(columns, [counted[at] for at in _last(groups, chr(number))])

    def _keep_failed(self, columns: Columns, failed: Sequence[int]) -> None:
        """Keep the last failures; their text is only taken where the next lines have not as many of their own."""
        if len(failed) < KEPT:  # of an earlier block some are still among the last
            self._take_failed()
        self._latest_failed = columns, failed, self._stats.lines + 1

    def _take_failed(self) -> None:
        if self._latest_failed:
            columns, failed, first = self._latest_failed
            self._failed.extend((first + columns.numbers[position], columns.text(position)) for position in failed)
        self._latest_failed = None

    def _measure(self, columns: Columns, counted: Sequence[int]) -> None:
        rest = columns.rest
        if rest is not None and len(counted) < len(columns.durations):
            self._take_back(columns.durations)
            rest = None
        if self._commands is not None:
            wanted = {chr(number) for number, (command, _) in enumerate(columns.groups) if command in self._commands}
            counted = [position for position in counted if columns.group_of[position] in wanted]
        if rest is not None and not self._stats.detailed:
            self._durations.add(rest)
            return
        durations = _chosen(columns.durations, counted)
        if not columns.measured:
            counted = [position for position, ms in zip(counted, durations, strict=True) if not isnan(ms)]
            durations = _chosen(columns.durations, counted)
        self._durations.add(durations if rest is None else rest)
        if self._stats.detailed and durations and max(durations) > self._floor:
            slow = [position for position, ms in zip(counted, durations, strict=True) if ms > self._floor]
            self._keep_slowest(columns, slow)

    def _take_back(self, durations: Iterable[float]) -> None:
        """Count durations no more that the scanner counted: not all of these ends count."""
        for ms in durations:
            if self.counts is not None and ms < _COUNTED_MS and ms.is_integer():
                self.counts[int(ms)] -= 1

    def _keep_slowest(self, columns: Columns, counted: Iterable[int]) -> None:
        durations = columns.durations
        slow = nsmallest(KEPT, counted, key=lambda position: -durations[position])
        found = [self._run(self._line(columns, position), columns.text(position)) for position in slow]
        slowest = keep_slowest((*self._stats.slowest, *found))
        self._stats.slowest = slowest
        if len(slowest) == KEPT:
            self._floor = slowest[-1].duration_ms or 0.0

    def _line(self, columns: Columns, position: int) -> int:
        return self._stats.lines + 1 + columns.numbers[position]

    def _run(self, line: int, text: bytes) -> Run:
        end = decode_line(text)
        assert isinstance(end, RunEnd)  # noqa: S101 - it was one when its columns were made
        return Run(
            path=self._path,
            line=line,
            command=end.command,
            duration_ms=None if end.duration_ms is UNSET else end.duration_ms,
            trace=end.trace_id or None,
            item=end.item_id or None,
        )


def _chosen(column: Sequence[float], positions: Sequence[int]) -> Sequence[float]:
    return column if len(positions) == len(column) else [column[position] for position in positions]


def _last(groups: str, group: str) -> list[int]:
    """Return where the last KEPT ends of a group stand, in order."""
    found: list[int] = []
    at = len(groups)
    while len(found) < KEPT and (at := groups.rfind(group, 0, at)) >= 0:
        found.append(at)
    return found[::-1]


class RunPairs(Struct):
    """The open starts (trace id to the lines of its starts), and the ends without an earlier start."""

    opened: dict[str, list[int]] = field(default_factory=dict)
    early_ends: array[int] = field(default_factory=lambda: array("q"))
    unpaired: int = 0

    def update(self, runs: Iterable[PairedRun], first: int) -> None:
        """Add starts and ends in the order of the log; `first` is the line that their numbers count from."""
        early = []
        for number, is_start, trace in runs:
            if trace is None:
                self.unpaired += is_start
            elif is_start:
                self.opened.setdefault(trace, []).append(first + number)
            elif not close_latest(self.opened, trace):
                early.append(trace)
        self.early_ends.extend(trace_fingerprints(early))
