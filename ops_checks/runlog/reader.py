"""Read run logs (`orch_runs.jsonl`) in one pass to run statistics (FORMATS sections 3 and 4).

Importing this module imports no decoder; a command that reads no log does not pay for it.
"""

from __future__ import annotations

import os
from functools import reduce
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ops_checks.errors import InputError
from ops_checks.files.contents import head_of
from ops_checks.runlog.filter import RunFilter
from ops_checks.runlog.line_reader import decompress, detect_compression, open_log
from ops_checks.runlog.log_file import LOG
from ops_checks.runlog.parallel import read_plain
from ops_checks.runlog.stats import RunStats, merge
from ops_checks.sanitize import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ops_checks.runlog.line_reader import Advance

    #: Called with the bytes of all logs read so far, and with their total; compressed ones count as on the disk.
    Progress = Callable[[int, int], object]


#: The most open runs of a packed log, which has one for each few bytes of it where somebody means harm: each takes
#: half a kilobyte of memory.
MOST_OPEN = 500_000


def read_runs(
    paths: Sequence[str],
    run_filter: RunFilter = RunFilter(),  # noqa: B008 - frozen
    *,
    progress: Progress | None = None,
) -> RunStats:
    """Return the statistics of logs (plain, gzip or zstd files), read as one in the order given.

    Only ends in the filter's window count, and only starts in it can be unfinished; other ends close no start. Ends
    without a time cannot be shown to lie in the window: they are excluded and counted as `undated`. Only the durations
    of the filter's commands count. A record with a time outside of `valid_ms` is malformed. Memory grows with the logs
    only by what exact percentiles take (see Durations). Raises InputError, which names the log that cannot be read.
    """
    advance = _total_progress(paths, progress) if progress else None
    logs = (_read_log(path, run_filter, advance) for path in paths)
    return reduce(merge, logs, RunStats(detailed=run_filter.details))


def _read_log(path: str, run_filter: RunFilter, advance: Advance | None) -> RunStats:
    with open_log(path) as descriptor:
        modified_s = os.fstat(descriptor).st_mtime
        stats = _read_open(path, descriptor, run_filter, advance)
        conclude(stats, path, descriptor, modified_s)
    return stats


def conclude(stats: RunStats, path: str, descriptor: int, modified_s: float) -> None:
    """Add when an open log was written to. Raises InputError for a file that is something else."""
    if not stats.lines and stats.logs[0].torn_tail:
        must_be_a_log(path, head_of(descriptor))
    stats.logs = tuple(replace(log, modified_ms=int(modified_s * 1000)) for log in stats.logs)


def must_be_a_log(path: str, head: bytes) -> None:
    """Raise InputError for a file without one whole line that is something else: nothing else would tell of it.

    `head` are its first bytes, as many as `head_of` returns.
    """
    from ops_checks.files.contents import explain

    what = explain(head, LOG)
    if what:
        raise InputError(f"{visible(path)}: {what}")


def _read_open(path: str, descriptor: int, run_filter: RunFilter, advance: Advance | None) -> RunStats:
    compression = detect_compression(path, descriptor)
    if not compression:
        return read_plain(path, descriptor, run_filter, advance=advance)
    return read_packed(path, descriptor, compression, run_filter, advance)


def read_packed(
    path: str, descriptor: int, compression: str, run_filter: RunFilter, advance: Advance | None = None
) -> RunStats:
    """Return the statistics of a compressed log (`gzip` or `zstd`). Raises InputError."""
    from ops_checks.runlog.part_reader import read_blocks

    with decompress(path, descriptor, compression, advance=advance) as read:
        return read_blocks(path, read, run_filter, most_open=MOST_OPEN)


def _total_progress(paths: Iterable[str], progress: Progress) -> Advance:
    """Return a function that adds up the bytes read of all logs and reports the sum to `progress`."""
    from os.path import getsize, isfile

    total = sum(getsize(path) for path in paths if isfile(path))
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        progress(done, total)

    return advance
