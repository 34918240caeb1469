"""Read a large log with two processes: each claims the next part when it has read one.

The helper is a new interpreter, not a fork: forking a process that has threads (a test session, say) may hang it.
It starts later, and two processors are seldom equally fast, so no part is assigned beforehand. Whatever becomes of
the helper, the result stays right: the parts that it claimed and did not return are read here.
"""

from __future__ import annotations

import marshal
import os
import sys
from contextlib import ExitStack, contextmanager
from io import FileIO
from typing import TYPE_CHECKING, Any

from msgspec.structs import astuple

from ops_checks.runlog.filter import RunFilter
from ops_checks.runlog.line_reader import LONGEST_LINE_BYTES, range_reader
from ops_checks.runlog.stats import merge_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ops_checks.runlog.line_reader import Advance
    from ops_checks.runlog.stats import RunStats

    #: The statistics of parts that were read, by part number.
    Parts = dict[int, RunStats]

#: Below this size a second interpreter takes longer to start than it saves.
PARALLEL_BYTES = 48 << 20

#: A part is this fraction of the bytes that are left, so that both processes end at about the same time, but no less
#: than that fraction of the log. So there are at most 65: a number fits into a byte, and all into the smallest pipe.
_OF_THE_REST = 4
_OF_THE_LOG = 64

#: The helper's descriptors: the log, its results, and a pipe of the numbers of the parts that are not claimed yet.
_LOG, _RESULTS, _UNCLAIMED = 0, 1, 3

#: The helper's program. Its module search path comes with its task, so that it imports what this process imported.
_PROGRAM = """import marshal, sys
sys.path[:], task = marshal.loads(bytes.fromhex(sys.argv[1]))
from ops_checks.runlog.parallel import run_helper
run_helper(*task)"""


def read_plain(
    path: str,
    descriptor: int,
    run_filter: RunFilter,
    *,
    advance: Advance | None = None,
    parallel_bytes: int = PARALLEL_BYTES,
) -> RunStats:
    """Return the statistics of a plain log; two processes read one of `parallel_bytes` or more.

    Bytes that are appended from now on are left to the next evaluation. Raises InputError for a file that cannot be
    read.
    """
    size = os.fstat(descriptor).st_size
    bounds = _split(path, descriptor, size) if size >= parallel_bytes and _processors() > 1 else [0, size]
    parts = range(len(bounds) - 1)
    if len(parts) == 1:
        return _read_parts(path, descriptor, bounds, parts, run_filter, advance)[0]
    with _helper(descriptor, bounds, run_filter) as (claims, results):
        read = _read_parts(path, descriptor, bounds, claims, run_filter, advance)
        read |= results()
    lost = [number for number in parts if number not in read]
    read |= _read_parts(path, descriptor, bounds, lost, run_filter)
    _read_repeating(path, descriptor, bounds, read, run_filter)
    return merge_parts(path, [read[number] for number in parts])


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


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


def _read_parts(
    path: str,
    descriptor: int,
    bounds: Sequence[int],
    numbers: Iterable[int],
    run_filter: RunFilter,
    advance: Advance | None = None,
) -> Parts:
    from ops_checks.runlog.part_reader import read_part

    read: Parts = {}
    at = bounds[0]
    for number in numbers:
        if advance:
            advance(bounds[number] - at)  # the parts that the other process claimed
        read[number] = read_part(path, descriptor, bounds[number], bounds[number + 1], run_filter, advance=advance)
        at = bounds[number + 1]
    if advance:
        advance(bounds[-1] - at)
    return read


def _read_repeating(path: str, descriptor: int, bounds: Sequence[int], read: Parts, run_filter: RunFilter) -> None:
    """Read those parts again, with what stands before them, that may hold an end that stands there."""
    from ops_checks.runlog.part_reader import read_exactly

    for number in _repeating(read):
        read[number] = read_exactly(path, descriptor, bounds[number], bounds[number + 1], run_filter)


def _repeating(read: Parts) -> Iterator[int]:
    """Yield the parts that may hold an end that equals one of the parts before, as far as that is looked for."""
    from ops_checks.runlog.repeats import WINDOW, may_repeat

    for number in range(1, len(read)):
        away = 0
        for before in range(number - 1, -1, -1):
            if may_repeat(read[before].tail, read[number].head):
                yield number
                break
            away += read[before].lines
            if away > WINDOW:
                break


def _claims(unclaimed: int) -> Iterator[int]:
    """Yield the numbers of the parts that this process is the first to claim."""
    while number := os.read(unclaimed, 1):
        yield number[0]


@contextmanager
def _helper(
    log: int, bounds: Sequence[int], run_filter: RunFilter
) -> Iterator[tuple[Iterator[int], Callable[[], Parts]]]:
    """Start a helper; yield the numbers of the parts to read here, and a function that waits for the helper's parts."""
    with ExitStack() as stack:
        unclaimed, offers, answers, results = map(stack.enter_context, (*_pipe(), *_pipe()))
        offers.write(bytes(range(len(bounds) - 1)))
        offers.close()  # or no reader would find the end
        process = _spawn((log, results.fileno(), unclaimed.fileno()), bounds, run_filter)
        results.close()
        if process:
            stack.callback(_stop, process)
        yield _claims(unclaimed.fileno()), lambda: _read_results(answers)


def _pipe() -> tuple[FileIO, FileIO]:
    reading, writing = os.pipe()
    return FileIO(reading, "rb"), FileIO(writing, "wb")


def _spawn(descriptors: tuple[int, int, int], bounds: Sequence[int], run_filter: RunFilter) -> int | None:
    """Start the helper on the log, the results and the unclaimed parts; return its process id, None if it cannot."""
    log, results, unclaimed = descriptors
    actions = [
        (os.POSIX_SPAWN_DUP2, log, _LOG),
        (os.POSIX_SPAWN_DUP2, results, _RESULTS),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_DUP2, unclaimed, _UNCLAIMED),  # the last one: until then the others may have this number
    ]
    task = (_LOG, _UNCLAIMED, _RESULTS, tuple(bounds), astuple(run_filter))
    try:
        arguments = [sys.executable, "-I", "-S", "-c", _PROGRAM, marshal.dumps((sys.path, task)).hex()]
        return os.posix_spawn(sys.executable, arguments, os.environ, file_actions=actions)
    except (OSError, ValueError):
        return None


def _read_results(answers: FileIO) -> Parts:
    from ops_checks.runlog.serialize import deserialize

    return deserialize(answers.readall())


def _stop(process: int) -> None:
    import signal

    try:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
    except (ProcessLookupError, ChildProcessError):
        # Another part of this process waits for all its children (SIGCHLD is ignored, say): the helper is gone.
        pass


def run_helper(log: int, unclaimed: int, results: int, bounds: tuple[int, ...], run_filter: tuple[Any, ...]) -> None:
    """Do the helper's work: read parts of `log`, write their statistics to `results`; all three are descriptors.

    `unclaimed` is the pipe of part numbers, `bounds` the offsets of the parts, `run_filter` the fields of a RunFilter.
    """
    from ops_checks.runlog.serialize import serialize

    read = _read_parts("", log, bounds, _claims(unclaimed), RunFilter(*run_filter))
    with os.fdopen(results, "wb") as out:
        out.write(serialize(read))
