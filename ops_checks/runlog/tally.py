"""Records into statistics: the inner loop over a part of one log (FORMATS section 4).

A million runs pass here, so records are taken a block at a time, and a run is looked at by
itself only when it may be among the few that are kept with their place.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec import UNSET

from ops_checks.runlog.durations import Durations
from ops_checks.runlog.records import RUN_END, RUN_START
from ops_checks.runlog.stats import KEPT, Defect, LogRead, Run, RunStats, mark, slowest_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ops_checks.runlog.records import Record


@dataclass(frozen=True, slots=True)
class Selection:
    """Which runs count: ends (and unfinished starts) since an epoch millisecond, and whose commands' latency."""

    since_ms: int | None = None
    commands: frozenset[str] | None = None


class Tally:
    """The statistics of a part of one log, growing block by block; lines count from 1 in the part."""

    def __init__(self, path: str, selection: Selection) -> None:
        self._path = path
        self._since_ms = selection.since_ms
        self._commands = selection.commands
        self._stats = RunStats()
        self._durations = Durations()
        self._open: dict[str, int | tuple[int, ...]] = {}
        self._early_ends = array("q")
        self._floor = -1.0
        self._first_ms: int | None = None
        self._last_ms: int | None = None
        self._newest: str | None = None

    @property
    def lines(self) -> int:
        """How many complete lines were taken in."""
        return self._stats.lines

    def add_defect(self, reason: str) -> None:
        """Take in one line that is no record."""
        stats = self._stats
        stats.lines += 1
        stats.malformed += 1
        if len(stats.defects) < KEPT:
            stats.defects += (Defect(self._path, stats.lines, reason),)

    def add(self, records: Sequence[Record]) -> None:
        """Take in records that stand on lines one after the other."""
        before = self._stats.lines
        self._stats.lines += len(records)
        self._see_times(records)
        numbered: Iterable[tuple[int, Record]] = enumerate(records, before + 1)
        starts = [(line, record) for line, record in numbered if record.event == RUN_START]
        ends = [record for record in records if record.event == RUN_END]
        if self._since_ms is not None:
            starts = [(line, record) for line, record in starts if self._in_window(record)]
        self._open_starts(starts)
        self._close_ends(ends)
        if self._since_ms is not None:
            self._stats.undated += sum(record.ts_epoch_ms is UNSET for record in ends)
            ends = [record for record in ends if self._in_window(record)]
        self._stats.runs += len(ends)
        self._count_outcomes(ends, records, before)
        self._measure(ends, records, before)

    def finish(self, *, torn_tail: bool) -> RunStats:
        """Return the statistics of all that was taken in."""
        stats = self._stats
        stats.durations = self._durations
        stats.early_ends = self._early_ends
        stats.open_runs = {
            trace: tuple(Run(self._path, line, trace=trace) for line in ([at] if isinstance(at, int) else at))
            for trace, at in self._open.items()
        }
        log = LogRead(self._path, stats.lines, stats.malformed, torn_tail, self._first_ms, self._last_ms, self._newest)
        stats.logs = (log,)
        return stats

    def _in_window(self, record: Record) -> bool:
        ms = record.ts_epoch_ms
        return self._since_ms is None or (ms is not UNSET and ms >= self._since_ms)

    def _see_times(self, records: Sequence[Record]) -> None:
        times = [record.ts_epoch_ms for record in records if record.ts_epoch_ms is not UNSET]
        if not times:
            return
        first, last = min(times), max(times)
        if self._first_ms is None or first < self._first_ms:
            self._first_ms = first
        if self._last_ms is None or last > self._last_ms:
            self._last_ms = last
            newest = next(record for record in records if record.ts_epoch_ms == last)
            self._newest = " ".join(filter(None, (newest.event, newest.command or None, newest.trace_id or None)))

    def _open_starts(self, starts: Sequence[tuple[int, Record]]) -> None:
        opened = self._open
        for line, record in starts:
            trace = record.trace_id
            if trace is UNSET:
                self._stats.unpaired += 1
            elif trace in opened:
                at = opened[trace]
                opened[trace] = (at, line) if isinstance(at, int) else (*at, line)
            else:
                opened[trace] = line

    def _close_ends(self, ends: Sequence[Record]) -> None:
        opened = self._open
        for record in ends:
            trace = record.trace_id
            if trace is UNSET:
                continue
            at = opened.pop(trace, None)
            if at is None:
                self._early_ends.append(mark(trace))
            elif not isinstance(at, int) and at[1:]:
                opened[trace] = at[1:]

    def _count_outcomes(self, ends: Sequence[Record], records: Sequence[Record], before: int) -> None:
        outcomes = [record for record in ends if record.exit_code == 0 and record.command in {"done", "fail"}]
        failures = [record for record in outcomes if record.command == "fail"]
        self._stats.failed += len(failures)
        self._stats.done += len(outcomes) - len(failures)
        if failures:
            last = self._runs(failures[-KEPT:], records, before)
            self._stats.failures = (self._stats.failures + last)[-KEPT:]

    def _measure(self, ends: Sequence[Record], records: Sequence[Record], before: int) -> None:
        if self._commands is not None:
            ends = [record for record in ends if record.command in self._commands]
        durations = [record.duration_ms for record in ends if record.duration_ms is not UNSET]
        if not durations:
            return
        self._durations.add(durations)
        if max(durations) > self._floor:
            slow = [record for record in ends if record.duration_ms is not UNSET and record.duration_ms > self._floor]
            worst = slowest_of(self._stats.slowest + self._runs(slow, records, before))
            self._stats.slowest = worst
            if len(worst) == KEPT:
                self._floor = worst[-1].duration_ms or 0.0

    def _runs(self, chosen: Sequence[Record], records: Sequence[Record], before: int) -> tuple[Run, ...]:
        """Return records with their places; both sequences are in the order of the log."""
        left = iter(enumerate(records, before + 1))
        return tuple(next(self._run(line, record) for line, record in left if record is wanted) for wanted in chosen)

    def _run(self, line: int, record: Record) -> Run:
        return Run(
            path=self._path,
            line=line,
            command=record.command or None,
            duration_ms=None if record.duration_ms is UNSET else record.duration_ms,
            trace=record.trace_id or None,
            item=record.item_id or None,
            ms=None if record.ts_epoch_ms is UNSET else record.ts_epoch_ms,
        )
