"""A large log is read by two processes, a half each.

The helper is a new interpreter, not a fork: forking a process that has threads (a test session,
say) may hang it. Whatever becomes of the helper, the answer stays right: if it does not come back
with one, its half is read here.
"""

from __future__ import annotations

import marshal
import os
import sys
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING

from ops_checks.runlog import blocks
from ops_checks.runlog.selection import Selection
from ops_checks.runlog.stats import merged_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ops_checks.runlog.blocks import Advance
    from ops_checks.runlog.stats import RunStats

#: Below this size a second interpreter takes longer to start than it saves.
WORTH_IT = 48 << 20

#: The helper begins so many bytes later than this process does: while its interpreter starts.
HEAD_START = 8 << 20

#: The helper's program. It gets its module search path with its task, so that it finds what this process found.
_PROGRAM = """import marshal, sys
sys.path[:], task = marshal.loads(bytes.fromhex(sys.argv[1]))
from ops_checks.runlog.halves import answer
answer(*task)"""


def read_plain(
    path: str, descriptor: int, selection: Selection, *, advance: Advance | None = None, worth_it: int = WORTH_IT
) -> RunStats:
    """Return the statistics of a plain log; one of `worth_it` bytes or more is read by two processes.

    What is appended from now on belongs to the next evaluation. `advance` hears of every bytes read.
    """
    size = os.fstat(descriptor).st_size
    step = -(-(size + min(HEAD_START, size // 8)) // 2) if size >= worth_it else size
    bounds = cut(path, descriptor, 0, size, step)
    return merged_parts(path, read_parts(path, descriptor, bounds, selection, advance=advance, worth_it=worth_it))


def cut(path: str, descriptor: int, start: int, stop: int, step: int) -> list[int]:
    """Return byte offsets that cut a part of a log into parts of about `step` bytes, each of whole lines.

    The first offset is `start`, where a line must begin, the last is `stop`.
    """
    bounds = [start]
    while 0 < step < stop - bounds[-1]:
        bounds.append(_next_line(path, descriptor, bounds[-1] + step, stop))
    return [*bounds, stop] if bounds[-1] < stop or len(bounds) == 1 else bounds


def read_parts(
    path: str,
    descriptor: int,
    bounds: Sequence[int],
    selection: Selection,
    *,
    advance: Advance | None = None,
    worth_it: int = WORTH_IT,
) -> list[RunStats]:
    """Return the statistics of the parts of a plain log between `bounds`, in each of which lines count from 1.

    From `worth_it` bytes on, two processes share the parts.
    """
    size = bounds[-1] - bounds[0]
    share = min(range(len(bounds)), key=lambda number: abs(bounds[number] - bounds[0] - size // 2))
    if size < worth_it or not 0 < share < len(bounds) - 1 or _processors() == 1:
        return _read_here(path, descriptor, bounds, selection, advance)
    rest = bounds[share:]
    with _helper(descriptor, rest, selection) as result:
        # Of the helper's progress nothing is known but that it is about as fast.
        both = advance and (lambda count: advance(2 * count))
        parts = _read_here(path, descriptor, bounds[: share + 1], selection, both)
        return parts + (result() or _read_here(path, descriptor, rest, selection, None))


def _read_here(
    path: str, descriptor: int, bounds: Sequence[int], selection: Selection, advance: Advance | None
) -> list[RunStats]:
    from ops_checks.runlog.reading import read_part

    return [read_part(path, descriptor, start, stop, selection, advance=advance) for start, stop in pairwise(bounds)]


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


def _next_line(path: str, descriptor: int, at: int, stop: int) -> int:
    """Return where the first line after an offset begins, or `stop` if there is none in reach."""
    read = blocks.reader(path, descriptor, at, min(stop, at + blocks.LONGEST_LINE))
    while chunk := read():
        found = chunk.find(b"\n")
        if found >= 0:
            return at + found + 1
        at += len(chunk)
    return stop


@contextmanager
def _helper(
    descriptor: int, bounds: Sequence[int], selection: Selection
) -> Iterator[Callable[[], list[RunStats] | None]]:
    """Start a helper on parts of the log; gives a function that waits for their statistics, None if there are none."""
    answers, questions = os.pipe()
    process = None
    try:
        process = _spawn(descriptor, questions, bounds, selection)
        os.close(questions)
        questions = -1
        yield lambda: _result(answers, len(bounds) - 1) if process else None
    finally:
        # Closed first: a helper that has more to say finds nobody listening, and ends.
        os.close(answers)
        if questions >= 0:
            os.close(questions)
        if process:
            _end(process)


def _spawn(log: int, out: int, bounds: Sequence[int], selection: Selection) -> int | None:
    """Start the helper with the log as its standard input; return its process id, or None if that is not possible."""
    actions = [
        (os.POSIX_SPAWN_DUP2, log, 0),
        (os.POSIX_SPAWN_DUP2, out, 1),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
    ]
    task = (tuple(bounds), selection.since_ms, selection.commands, int(selection.details))
    try:
        arguments = [sys.executable, "-I", "-S", "-c", _PROGRAM, marshal.dumps((sys.path, task)).hex()]
        return os.posix_spawn(sys.executable, arguments, os.environ, file_actions=actions)
    except (OSError, ValueError):
        return None


def _result(answers: int, parts: int) -> list[RunStats] | None:
    from ops_checks.runlog.wire import parsed_all

    with os.fdopen(os.dup(answers), "rb") as pipe:
        found = parsed_all(pipe.read())
    return found if found is not None and len(found) == parts else None


def _end(process: int) -> None:
    import signal

    try:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
    except (ProcessLookupError, ChildProcessError):
        # Somebody else waits for all children of this process (SIGCHLD ignored, say): it is gone, and that is all.
        pass


def answer(bounds: tuple[int, ...], since_ms: int | None, commands: frozenset[str] | None, details: int) -> None:
    """Do the helper's work: read parts of the log on standard input, write their statistics to standard output."""
    from ops_checks.runlog.wire import packed_all

    parts = _read_here("", 0, bounds, Selection(since_ms, commands, details=bool(details)), None)
    with os.fdopen(1, "wb") as out:
        out.write(packed_all(parts))
