"""Statistics of runs: counts, durations, and the few runs and lines that a report names (FORMATS section 4)."""

from __future__ import annotations

from array import array
from collections import Counter
from functools import reduce
from heapq import nsmallest
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from ops_checks.runlog.grouping import Groups, add_groups
from ops_checks.runlog.percentiles import Durations

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    Fingerprints = array[int]
else:
    Fingerprints = array  # msgspec evaluates annotations, and Python 3.11 cannot evaluate `array[int]`

Key = TypeVar("Key")
Start = TypeVar("Start")
Located = TypeVar("Located", "Run", "Defect")

#: Runs or defects of a kind that are kept with their location; all are counted.
KEPT = 20


class Run(Struct, frozen=True):
    """A slow, failed or unfinished run. `line` counts from 1, `duration_ms` is in milliseconds."""

    path: str
    line: int
    command: str | None = None
    duration_ms: float | None = None
    trace: str | None = None
    item: str | None = None


class Defect(Struct, frozen=True):
    """A malformed line of the log; `line` counts from 1, `reason` quotes nothing of it.

    `advice` says what to do about a line of a known kind.
    """

    path: str
    line: int
    reason: str
    advice: str = ""


class LogRead(Struct, frozen=True):
    """One log as it was read: complete lines, malformed ones among them, and the time range in epoch milliseconds.

    `torn_tail`: the last line has no line break, so it is a write in progress: not counted, and no error (FORMATS
    section 3). `newest` names the newest event; `modified_ms` is the time of the file's last change, where it was a
    file. `runs`: ends of runs that count; of the others, `outside` lie outside the window, `undated` have no time to
    show that they lie in it, and `repeated` equal one that was counted.
    """

    path: str
    lines: int = 0
    malformed: int = 0
    torn_tail: bool = False
    first_ms: int | None = None
    last_ms: int | None = None
    newest: str | None = None
    modified_ms: int | None = None
    runs: int = 0
    outside: int = 0
    undated: int = 0
    repeated: int = 0

    @property
    def newest_ms(self) -> int | None:
        """The time of the newest record; of a log without times, that of the file."""
        return self.modified_ms if self.last_ms is None else self.last_ms


class RunStats(Struct):
    """Run statistics of one log, of a part of it, or of several.

    - `lines`: complete lines; `malformed` of them are no records, and `defects` holds the first ones.
    - `runs`: ends of runs that the filter lets through; `undated`: ends that a window excludes for want of a time.
    - `done`, `failed`: task outcomes (FORMATS section 4); `failures` holds the last failed ones, in log order.
    - `durations`: milliseconds; `slowest` holds the longest runs, longest first.
    - `open_runs`: trace fingerprint to the starts without an end so far; `early_ends`: fingerprints of ends without
      a start so far. Merging pairs them up. `unpaired`: starts without a trace id, which no end can match.
    - `head`, `tail`: of a part of a log, the ends with which it begins and ends (see Repeats).
    - `unlisted`: unfinished runs that are counted and not in `open_runs`, where an engine keeps only the first ones.
    - `groups`: the groups of each grouping that was asked for, in their order.
    - `detailed`: False where `slowest`, `failures`, `open_runs`, `early_ends` and time ranges were not collected.
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
    open_runs: dict[int, list[Run]] = field(default_factory=dict)
    early_ends: Fingerprints = field(default_factory=lambda: array("q"))
    logs: tuple[LogRead, ...] = ()
    unlisted: int = 0
    groups: tuple[Groups, ...] = ()
    detailed: bool = True
    head: list[Any] = field(default_factory=list)
    tail: list[Any] = field(default_factory=list)

    def unfinished(self) -> tuple[Run, ...]:
        """Return the starts without an end, in log order.

        An end closes the latest open start of its trace id; an end without one closes the earliest later start,
        because logs are read in any order. The parts that a log is read in make no difference.
        """
        ended = Counter(end for end in self.early_ends if end in self.open_runs)
        order = {log.path: number for number, log in enumerate(self.logs)}
        runs = (run for trace, starts in self.open_runs.items() for run in starts[ended[trace] :])
        return tuple(sorted(runs, key=lambda run: (order.get(run.path, 0), run.line)))

    def unfinished_count(self) -> int:
        """Return how many starts have no end."""
        return len(self.unfinished()) + self.unlisted


def merge(earlier: RunStats, later: RunStats) -> RunStats:
    """Return the statistics of two parts read one after the other. Associative; consumes both."""
    small, large = sorted((earlier.durations, later.durations), key=lambda part: len(part.counts))
    large.add_all(small)
    early_ends = earlier.early_ends
    if earlier.open_runs:
        early_ends.extend(end for end in later.early_ends if not close_latest(earlier.open_runs, end))
    else:
        early_ends.extend(later.early_ends)
    for trace, starts in later.open_runs.items():
        earlier.open_runs.setdefault(trace, []).extend(starts)
    return RunStats(
        lines=earlier.lines + later.lines,
        runs=earlier.runs + later.runs,
        done=earlier.done + later.done,
        failed=earlier.failed + later.failed,
        malformed=earlier.malformed + later.malformed,
        undated=earlier.undated + later.undated,
        unpaired=earlier.unpaired + later.unpaired,
        durations=large,
        slowest=keep_slowest(earlier.slowest + later.slowest),
        failures=(earlier.failures + later.failures)[-KEPT:],
        defects=(earlier.defects + later.defects)[:KEPT],
        open_runs=earlier.open_runs,
        early_ends=early_ends,
        logs=_merge_logs(earlier.logs, later.logs),
        unlisted=earlier.unlisted + later.unlisted,
        groups=_merge_groups(earlier.groups, later.groups),
        detailed=earlier.detailed and later.detailed,
    )


def _merge_groups(earlier: tuple[Groups, ...], later: tuple[Groups, ...]) -> tuple[Groups, ...]:
    """Return the groups of both parts; one of which nothing was read has none."""
    if not (earlier and later):
        return earlier or later
    for groups, others in zip(earlier, later, strict=True):
        add_groups(groups, others)
    return earlier


def merge_parts(path: str, parts: Iterable[RunStats]) -> RunStats:
    """Return the statistics of a log from those of its parts, in each of which lines count from 1. Consumes them."""
    return reduce(lambda whole, part: merge(whole, relocate(part, path, whole.lines)), parts, RunStats())


def relocate(stats: RunStats, path: str, lines_before: int) -> RunStats:
    """Return the statistics of a part of a log, with the log's path and line numbers. Consumes them."""
    stats.slowest = _moved(stats.slowest, path, lines_before)
    stats.failures = _moved(stats.failures, path, lines_before)
    stats.defects = _moved(stats.defects, path, lines_before)
    for starts in stats.open_runs.values():  # in place: there may be a million
        starts[:] = _moved(starts, path, lines_before)
    stats.logs = tuple(replace(log, path=path) for log in stats.logs)
    return stats


def _moved(found: Iterable[Located], path: str, lines_before: int) -> tuple[Located, ...]:
    return tuple(replace(each, path=path, line=each.line + lines_before) for each in found)


def keep_slowest(runs: tuple[Run, ...]) -> tuple[Run, ...]:
    """Return the KEPT longest runs, longest first; of equally long ones the first in log order."""
    return tuple(nsmallest(KEPT, runs, key=lambda run: -(run.duration_ms or 0)))


def trace_fingerprints(traces: Sequence[str]) -> Fingerprints:
    """Return a 64-bit fingerprint of each trace id, the same in every process of a machine.

    It bounds the memory that a log of ends without starts takes. Among a million ids two collide once in 10^7 logs.
    """
    fingerprints = array("q")
    if not traces:
        return fingerprints
    from hashlib import blake2b  # it takes longer to import than a small log to read

    digests = [blake2b(trace.encode("utf-8", "surrogatepass"), digest_size=8).digest() for trace in traces]
    fingerprints.frombytes(b"".join(digests))
    return fingerprints


def _merge_logs(earlier: tuple[LogRead, ...], later: tuple[LogRead, ...]) -> tuple[LogRead, ...]:
    """Return both sequences of logs; a log that ends the one and begins the other was read in two parts."""
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
        runs=first.runs + second.runs,
        outside=first.outside + second.outside,
        undated=first.undated + second.undated,
        repeated=first.repeated + second.repeated,
    )
    return (*earlier[:-1], whole, *later[1:])


def close_latest(opened: dict[Key, list[Start]], trace: Key) -> bool:
    """Remove the latest open start of a trace id, and return whether there was one."""
    starts = opened.get(trace)
    if not starts:
        return False
    starts.pop()
    if not starts:
        del opened[trace]
    return True
