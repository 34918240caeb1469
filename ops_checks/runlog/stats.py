"""What one pass over the run log leaves behind: counts, durations, and the places a person will want to look at."""

from __future__ import annotations

from array import array
from collections import Counter
from heapq import nsmallest
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from ops_checks.runlog.durations import Durations

if TYPE_CHECKING:
    from collections.abc import Iterable

Key = TypeVar("Key")
Start = TypeVar("Start")

#: So many offenders of a kind are kept with their place; how many more there were is counted.
KEPT = 20


class Run(Struct, frozen=True):
    """A run that is worth naming: too slow, failed, or never ended. `ms` is its `ts_epoch_ms`, `line` counts from 1."""

    path: str
    line: int
    command: str | None = None
    duration_ms: float | None = None
    trace: str | None = None
    item: str | None = None
    ms: int | None = None


class Defect(Struct, frozen=True):
    """A line of the log that is no record, and why. `reason` quotes nothing of the line."""

    path: str
    line: int
    reason: str


class LogRead(Struct, frozen=True):
    """One log as it was read: its complete lines, how many of them were malformed, and its time range.

    `torn_tail`: its last line had no line break yet: a write in progress, neither counted nor an
    error. `newest` names the newest event; times are epoch milliseconds.
    """

    path: str
    lines: int = 0
    malformed: int = 0
    torn_tail: bool = False
    first_ms: int | None = None
    last_ms: int | None = None
    newest: str | None = None


class RunStats(Struct):
    """Run statistics of one log, of a part of it, or of several.

    `lines` complete lines; `runs` ends of runs (within the window, if there is one); `done` and
    `failed` task outcomes (FORMATS section 4); `durations` in milliseconds; `slowest` the longest
    runs, longest first; `failures` the last failed outcomes in the order of the log; `defects` the
    first malformed lines of `malformed` in all. `undated`: ends of runs that a window left out
    because they have no `ts_epoch_ms`. `unpaired`: starts without a trace id, which no end can be
    found for. `open_runs` maps the mark of a trace id to its starts not ended so far, and
    `early_ends` are the marks of ends that no start was seen for: together with other parts they
    pair up. Without `detailed` no single run is kept, and neither pairs nor times were looked at.
    `notes` tell of a log cache that was of no use.
    """

    lines: int = 0
    runs: int = 0
    done: int = 0
    failed: int = 0
    malformed: int = 0
    undated: int = 0
    unpaired: int = 0
    durations: Durations = field(default_factory=Durations)
    slowest: tuple[Run, ...] = ()
    failures: tuple[Run, ...] = ()
    defects: tuple[Defect, ...] = ()
    open_runs: dict[int, tuple[Run, ...]] = field(default_factory=dict)
    early_ends: array[int] = field(default_factory=lambda: array("q"))
    logs: tuple[LogRead, ...] = ()
    detailed: bool = True
    notes: tuple[str, ...] = ()

    @property
    def first_ms(self) -> int | None:
        """The earliest `ts_epoch_ms` of any record, or None."""
        return min((log.first_ms for log in self.logs if log.first_ms is not None), default=None)

    @property
    def last_ms(self) -> int | None:
        """The latest `ts_epoch_ms` of any record, or None."""
        return max((log.last_ms for log in self.logs if log.last_ms is not None), default=None)

    @property
    def torn_tail(self) -> bool:
        """Whether any of the logs ended within a line."""
        return any(log.torn_tail for log in self.logs)

    def unfinished(self) -> tuple[Run, ...]:
        """Return the starts without an end, in the order of the log.

        An end ends the latest start of its trace id that is open; one that finds none ends a start
        that comes later, for logs may be read in any order. Whatever parts a log is read in, it
        comes to the same.
        """
        ended = Counter(end for end in self.early_ends if end in self.open_runs)
        order = {log.path: number for number, log in enumerate(self.logs)}
        runs = (run for trace, starts in self.open_runs.items() for run in starts[ended[trace] :])
        return tuple(sorted(runs, key=lambda run: (order.get(run.path, 0), run.line)))


def merge(earlier: RunStats, later: RunStats) -> RunStats:
    """Return the statistics of two parts read one after the other; merging is associative. Uses up both."""
    small, large = sorted((earlier.durations, later.durations), key=lambda part: len(part.counts))
    large.add_all(small)
    early_ends = earlier.early_ends
    early_ends.extend(end for end in later.early_ends if not end_latest(earlier.open_runs, end))
    for trace, starts in later.open_runs.items():
        earlier.open_runs[trace] = earlier.open_runs.get(trace, ()) + starts
    return RunStats(
        lines=earlier.lines + later.lines,
        runs=earlier.runs + later.runs,
        done=earlier.done + later.done,
        failed=earlier.failed + later.failed,
        malformed=earlier.malformed + later.malformed,
        undated=earlier.undated + later.undated,
        unpaired=earlier.unpaired + later.unpaired,
        durations=large,
        slowest=slowest_of(earlier.slowest + later.slowest),
        failures=(earlier.failures + later.failures)[-KEPT:],
        defects=(earlier.defects + later.defects)[:KEPT],
        open_runs=earlier.open_runs,
        early_ends=early_ends,
        logs=_joined(earlier.logs, later.logs),
        detailed=earlier.detailed and later.detailed,
        notes=earlier.notes + later.notes,
    )


def merged_parts(path: str, parts: Iterable[RunStats]) -> RunStats:
    """Return the statistics of a log from those of its parts, in which lines count from 1. Uses them up."""
    whole: RunStats | None = None
    for part in parts:
        whole = merge(whole, placed(part, path, whole.lines)) if whole else placed(part, path, 0)
    return RunStats() if whole is None else whole


def placed(stats: RunStats, path: str, lines: int) -> RunStats:
    """Return the statistics of a part of a log, given its path and the number of lines before it. Uses them up."""
    stats.slowest = tuple(replace(run, path=path, line=run.line + lines) for run in stats.slowest)
    stats.failures = tuple(replace(run, path=path, line=run.line + lines) for run in stats.failures)
    stats.defects = tuple(replace(defect, path=path, line=defect.line + lines) for defect in stats.defects)
    for trace, starts in stats.open_runs.items():
        stats.open_runs[trace] = tuple(replace(run, path=path, line=run.line + lines) for run in starts)
    stats.logs = tuple(replace(log, path=path) for log in stats.logs)
    return stats


def slowest_of(runs: tuple[Run, ...]) -> tuple[Run, ...]:
    """Return the longest runs, longest first; of equally long ones those that come first."""
    return tuple(nsmallest(KEPT, runs, key=lambda run: -(run.duration_ms or 0)))


def mark(trace: str) -> int:
    """Return 64 bits that stand for a trace id, the same in every process.

    A log of ends without starts would otherwise hold every trace id in memory. Two ids of a
    million share a mark once in 10^7 logs.
    """
    from hashlib import blake2b

    digest = blake2b(trace.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)


def _joined(earlier: tuple[LogRead, ...], later: tuple[LogRead, ...]) -> tuple[LogRead, ...]:
    """Return both lists of logs; a log that ends the one and begins the other was read in two parts."""
    if not (earlier and later) or earlier[-1].path != later[0].path:
        return earlier + later
    first, second = earlier[-1], later[0]
    times = [ms for part in (first, second) for ms in (part.first_ms, part.last_ms) if ms is not None]
    last_ms = max(times, default=None)
    whole = LogRead(
        path=first.path,
        lines=first.lines + second.lines,
        malformed=first.malformed + second.malformed,
        torn_tail=first.torn_tail or second.torn_tail,
        first_ms=min(times, default=None),
        last_ms=last_ms,
        newest=first.newest if first.last_ms == last_ms else second.newest,
    )
    return (*earlier[:-1], whole, *later[1:])


def end_latest(opened: dict[Key, tuple[Start, ...]], trace: Key) -> bool:
    """Take the latest open start of a trace id away, and tell whether there was one."""
    starts = opened.pop(trace, ())
    if len(starts) > 1:
        opened[trace] = starts[:-1]
    return bool(starts)
