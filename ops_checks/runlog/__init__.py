"""The run log (`orch_runs.jsonl`): one pass over one or several logs to run statistics (FORMATS sections 3 and 4).

Light to import: what decodes is imported when the reading starts.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from ops_checks.errors import InputError
from ops_checks.runlog.blocks import compression, opened, unpacked
from ops_checks.runlog.durations import Durations
from ops_checks.runlog.selection import Selection
from ops_checks.runlog.shares import read_plain
from ops_checks.runlog.stats import KEPT, Defect, LogRead, Run, RunStats, merge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ops_checks.runlog.blocks import Advance

    #: Hears how many bytes of all the logs were read so far, and of how many; compressed ones as they lie on the disk.
    Progress = Callable[[int, int], object]

#: What the name of a log's cache ends in.
CACHE_SUFFIX = ".ops-checks-cache"

__all__ = [
    "CACHE_SUFFIX",
    "KEPT",
    "Defect",
    "Durations",
    "LogRead",
    "Run",
    "RunStats",
    "expand_logs",
    "merge",
    "read_runs",
]


def read_runs(
    paths: Sequence[str],
    *,
    since_ms: int | None = None,
    commands: frozenset[str] | None = None,
    details: bool = True,
    cache_home: str | None = None,
    progress: Progress | None = None,
) -> RunStats:
    """Read the logs as one, in the order given, and return their statistics.

    Plain, gzip and zstd files; memory does not grow with them beyond what the exact percentiles
    take (see Durations). `since_ms`: only ends of runs from that epoch millisecond on count, and
    only starts from then on can be unfinished; earlier ends end none of them. What has no time
    cannot be shown to lie in the window: it is left out, and the ends so left out are counted as
    `undated`. `commands`: only their runs' durations count. `details`: False where no
    single run (unfinished, failed, slow) and no log's time range is asked for, which is faster. `cache_home`: what is
    read of plain logs is kept for the next time (see `cache`), beside the log or in this folder of
    the user's, "" if there is none; details come with it. Raises InputError naming the log that
    cannot be read.
    """
    selection = Selection(since_ms, commands, details or cache_home is not None)
    advance = _counter(paths, progress) if progress else None
    read = (_read_log(path, selection, cache_home, advance) for path in paths)
    return reduce(merge, read, RunStats(detailed=selection.details))


def _read_log(path: str, selection: Selection, cache_home: str | None, advance: Advance | None) -> RunStats:
    with opened(path) as descriptor:
        how = compression(path, descriptor)
        if how:
            from ops_checks.runlog.reading import read_blocks

            with unpacked(path, descriptor, how, advance=advance) as read:
                return read_blocks(path, read, selection)
        if cache_home is None:
            return read_plain(path, descriptor, selection, advance=advance)
        from ops_checks.runlog.cache import read_cached

        return read_cached(path, descriptor, selection, cache_home, advance)


def _counter(paths: Iterable[str], progress: Progress) -> Advance:
    """Return a function that adds up what is read of the logs, and tells it on."""
    from os.path import getsize, isfile

    total = sum(getsize(path) for path in paths if isfile(path))
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        progress(done, total)

    return advance


def expand_logs(patterns: Iterable[str]) -> list[str]:
    """Return the paths that patterns (`logs/*.jsonl`, `**` too) and plain paths name, each once.

    The matches of a pattern come oldest name first, as log rotation numbers them: `runs.jsonl.2`,
    `runs.jsonl.1`, `runs.jsonl`; caches that lie beside logs are no logs. A path that exists is
    taken as it stands, even with `*` in it. Raises InputError for a pattern that matches nothing.
    """
    from glob import glob, has_magic
    from os.path import lexists

    found: dict[str, None] = {}
    for pattern in patterns:
        if lexists(pattern) or not has_magic(pattern):
            found[pattern] = None
            continue
        names = glob(pattern, recursive=True)
        matches = sorted((name for name in names if not name.endswith(CACHE_SUFFIX)), key=_rotation_order)
        if not matches:
            raise InputError(f"{pattern}: no run log matches; name a log, or a pattern that some log matches")
        found.update(dict.fromkeys(matches))
    return list(found)


def _rotation_order(path: str) -> tuple[str, int, str]:
    """Sort key: `runs.jsonl.10.gz` before `runs.jsonl.2` before `runs.jsonl`, and other names by name."""
    bare = path.removesuffix(".gz").removesuffix(".zst")
    stem, _, number = bare.rpartition(".")
    rotated = number.isascii() and number.isdigit() and len(number) <= len("99999")
    return (stem, -int(number), path) if rotated else (bare, 0, path)
