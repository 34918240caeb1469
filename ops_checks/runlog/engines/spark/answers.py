"""The rows of the workers to statistics: what is merged here is bounded by the number of parts, not by their lines."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from ops_checks.errors import InputError
from ops_checks.runlog.engines.spark.serialize import deserialize
from ops_checks.runlog.engines.spark.worker import FAILURE
from ops_checks.runlog.reader import must_be_a_log
from ops_checks.runlog.stats import LogRead, Run, RunStats, merge, relocate
from ops_checks.sanitize import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: Unfinished runs that are kept with their line; all are counted.
MOST_OPEN = 10_000


class Log(NamedTuple):
    """A log that is read: its name, bytes, last change and first bytes, and into how many parts it was cut."""

    name: str
    size: int
    modified_ms: int
    head: bytes
    parts: int


class PartRow(NamedTuple):
    """A row of statistics, or of why there are none."""

    file: int
    part: int
    kind: int
    key: int
    n: int
    payload: bytes


class Merged(NamedTuple):
    """The statistics of all logs but for their durations and open runs, the lines before each part, and open traces."""

    stats: RunStats
    lines_before: dict[tuple[int, int], int]
    opened: int


def merge_rows(logs: Sequence[Log], found: Iterable[PartRow], *, detailed: bool) -> Merged:
    """Merge the rows of all parts. Raises InputError for what could not be read, the first of it in the logs' order.

    Each part has one row, or something was lost on the way.
    """
    rows = sorted(found)
    for row in rows:
        if row.kind == FAILURE:
            raise InputError(row.payload.decode("utf-8", "surrogateescape"))
    wanted = [(number, part) for number, log in enumerate(logs) for part in range(log.parts)]
    read = Counter((row.file, row.part) for row in rows)
    wrong = next((number for number, part in wanted if read[number, part] != 1), None)
    if wrong is not None or len(rows) != len(wanted):
        name = visible(logs[wrong or 0].name)
        raise InputError(f"{name}: Spark did not read each part of it once: run it again, or name it by a path")
    stats = RunStats(detailed=detailed)
    lines_before: dict[tuple[int, int], int] = {}
    parts = iter(rows)
    for log in logs:
        whole = RunStats()
        for row in islice(parts, log.parts):
            lines_before[row.file, row.part] = whole.lines
            whole = merge(whole, relocate(_stats(row), log.name, whole.lines))
        stats = merge(stats, _finished(whole, log))
    return Merged(stats, lines_before, sum(row.key for row in rows))


def with_open_runs(
    merged: Merged, logs: Sequence[Log], opened: Sequence[tuple[int, int, int, str]], total: int
) -> RunStats:
    """Return the statistics with the first starts without an end: (file, part, line in the part, trace id) of each."""
    stats = merged.stats
    stats.unlisted = total - len(opened)
    for file, part, line, trace in opened:
        run = Run(logs[file].name, merged.lines_before[file, part] + line, trace=trace)
        stats.open_runs.setdefault(len(stats.open_runs), []).append(run)
    return stats


def _stats(row: PartRow) -> RunStats:
    found = deserialize(row.payload)
    if not found:
        raise InputError("engine spark: the workers run another version of ops-checks: start Spark again")
    return found[0]


def _finished(stats: RunStats, log: Log) -> RunStats:
    """Return the statistics of a whole log, with what the log itself tells of it. Raises InputError for no log."""
    if not stats.lines and any(read.torn_tail for read in stats.logs):
        must_be_a_log(log.name, log.head)
    reads = stats.logs or (LogRead(log.name, torn_tail=log.size > 0),)
    stats.logs = tuple(replace(read, modified_ms=log.modified_ms) for read in reads)
    return stats
