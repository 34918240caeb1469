"""Read a plain log; a large one in parts, with several threads where the native scanner lets them work at once.

Processors are seldom equally fast, so no part is assigned beforehand: each thread claims the next one when it has read
one.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ops_checks.runlog.line_reader import LONGEST_LINE_BYTES, range_reader
from ops_checks.runlog.stats import merge_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from threading import Thread

    from ops_checks.runlog.filter import RunFilter
    from ops_checks.runlog.line_reader import Advance
    from ops_checks.runlog.stats import RunStats

    #: The statistics of parts that were read, by part number.
    Parts = dict[int, RunStats]

#: A smaller log is read by one thread.
PARALLEL_BYTES = 8 << 20
#: What a scanned line takes in Python, one thread at a time, keeps no more of them busy.
_MOST_THREADS = 4

#: A part is this fraction of the bytes that are left, so that all threads end at about the same time, but no less than
#: that fraction of the log.
_OF_THE_REST = 4
_OF_THE_LOG = 16


class _StoppedError(Exception):
    """The reading was given up in another thread."""


def read_plain(
    path: str,
    descriptor: int,
    run_filter: RunFilter,
    *,
    advance: Advance | None = None,
    parallel_bytes: int = PARALLEL_BYTES,
) -> RunStats:
    """Return the statistics of a plain log; several threads may read one of `parallel_bytes` or more.

    Bytes that are appended from now on are left to the next evaluation. Groups of which there may be many are kept
    once, and not for each part. Raises InputError for a file that cannot be read.
    """
    from ops_checks.runlog.part_reader import read_part

    size = os.fstat(descriptor).st_size
    in_parts = size >= parallel_bytes and not any(each.may_be_many for each in run_filter.groupings)
    threads = _threads() if in_parts else 1
    bounds = _split(path, descriptor, size) if threads > 1 else [0, size]
    if len(bounds) <= 2:  # noqa: PLR2004 - one part
        return read_part(path, descriptor, 0, size, run_filter, advance=advance)

    def read(number: int, step: Advance) -> RunStats:
        return read_part(path, descriptor, bounds[number], bounds[number + 1], run_filter, advance=step)

    parts = _read_parts(read, len(bounds) - 1, threads, advance)
    for number in _repeating(parts):
        parts[number] = read_part(path, descriptor, bounds[number], bounds[number + 1], run_filter, before=True)
    return merge_parts(path, [parts[number] for number in sorted(parts)])


def _threads() -> int:
    from ops_checks.runlog import scanner

    if scanner.native is None:
        return 1
    affinity = getattr(os, "sched_getaffinity", None)
    return min(_MOST_THREADS, len(affinity(0)) if affinity else (os.cpu_count() or 1))


def _split(path: str, descriptor: int, size: int) -> list[int]:
    """Return the offsets at which the parts of a log begin, each part being whole lines, and its size at the end."""
    bounds = [0]
    while (left := size - bounds[-1]) > (step := max(left // _OF_THE_REST, size // _OF_THE_LOG)) > 0:
        bounds.append(_next_line(path, descriptor, bounds[-1] + step, size))
    return bounds if bounds[-1] == size else [*bounds, size]


def _next_line(path: str, descriptor: int, offset: int, stop: int) -> int:
    """Return where the first line after an offset begins, or `stop` if there is none in reach."""
    read = range_reader(path, descriptor, offset, min(stop, offset + LONGEST_LINE_BYTES))
    while chunk := read():
        found = chunk.find(b"\n")
        if found >= 0:
            return offset + found + 1
        offset += len(chunk)
    return stop


def _read_parts(read: Callable[[int, Advance], RunStats], count: int, threads: int, advance: Advance | None) -> Parts:
    """Read so many parts by their numbers, in this thread and some more. Raises what reading raised in any of them."""
    from threading import Lock, Thread

    parts: Parts = {}
    raised: list[BaseException] = []
    unclaimed = iter(range(count))
    lock = Lock()

    def step(done: int) -> None:
        if raised:
            raise _StoppedError
        if advance:
            with lock:
                advance(done)

    def work() -> None:
        try:
            for number in unclaimed:
                parts[number] = read(number, step)
        except BaseException as error:  # noqa: BLE001 - raised again below, once no thread reads any more
            raised.append(error)

    started = _start([Thread(target=work, daemon=True) for _ in range(threads - 1)])
    try:
        work()
    finally:
        for other in started:
            other.join()
    if raised:
        raise raised[0]
    return parts


def _start(threads: Sequence[Thread]) -> Sequence[Thread]:
    """Start threads; return those that could be had: whoever there is reads all."""
    for number, thread in enumerate(threads):
        try:
            thread.start()
        except RuntimeError:
            return threads[:number]
    return threads


def _repeating(parts: Parts) -> Iterator[int]:
    """Yield the parts that may hold an end that equals one of the parts before, as far as that is looked for."""
    from ops_checks.runlog.repeats import WINDOW, may_repeat

    for number in range(1, len(parts)):
        away = 0
        for before in range(number - 1, -1, -1):
            if may_repeat(parts[before].tail, parts[number].head):
                yield number
                break
            away += parts[before].lines
            if away > WINDOW:
                break
