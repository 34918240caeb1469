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
from typing import TYPE_CHECKING

from ops_checks.runlog import blocks
from ops_checks.runlog.selection import Selection
from ops_checks.runlog.stats import merge, placed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ops_checks.runlog.stats import RunStats

#: Below this size a second interpreter takes longer to start than it saves.
WORTH_IT = 48 << 20

#: The helper's program. It gets its module search path with its task, so that it finds what this process found.
_PROGRAM = """import marshal, sys
sys.path[:], task = marshal.loads(bytes.fromhex(sys.argv[1]))
from ops_checks.runlog.halves import answer
answer(*task)"""


def read_plain(path: str, descriptor: int, selection: Selection, *, worth_it: int = WORTH_IT) -> RunStats:
    """Return the statistics of a plain log; one of `worth_it` bytes or more is read by two processes.

    What is appended from now on belongs to the next evaluation.
    """
    size = os.fstat(descriptor).st_size
    middle = _middle(path, descriptor, size) if size >= worth_it and _processors() > 1 else size
    if middle == size:
        from ops_checks.runlog.reading import read_part

        return read_part(path, descriptor, 0, size, selection)
    with _helper(descriptor, middle, size, selection) as result:
        # Imported while the helper starts.
        from ops_checks.runlog.reading import read_part

        first = read_part(path, descriptor, 0, middle, selection)
        second = result() or read_part(path, descriptor, middle, size, selection)
    return merge(first, placed(second, path, first.lines))


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


def _middle(path: str, descriptor: int, size: int) -> int:
    """Return where the first line after the middle of the file begins, or its size if there is none in reach."""
    at = size // 2
    read = blocks.reader(path, descriptor, at, min(size, at + blocks.LONGEST_LINE))
    while chunk := read():
        found = chunk.find(b"\n")
        if found >= 0:
            return at + found + 1
        at += len(chunk)
    return size


@contextmanager
def _helper(descriptor: int, start: int, stop: int, selection: Selection) -> Iterator[Callable[[], RunStats | None]]:
    """Start a helper on a part of the log; gives a function that waits for its statistics, None if there are none."""
    answers, questions = os.pipe()
    process = None
    try:
        process = _spawn(
            descriptor, questions, (start, stop, selection.since_ms, selection.commands, int(selection.details))
        )
        os.close(questions)
        questions = -1
        yield lambda: _result(answers) if process else None
    finally:
        # Closed first: a helper that has more to say finds nobody listening, and ends.
        os.close(answers)
        if questions >= 0:
            os.close(questions)
        if process:
            _end(process)


def _spawn(log: int, out: int, task: tuple[int | frozenset[str] | None, ...]) -> int | None:
    """Start the helper with the log as its standard input; return its process id, or None if that is not possible."""
    actions = [
        (os.POSIX_SPAWN_DUP2, log, 0),
        (os.POSIX_SPAWN_DUP2, out, 1),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
    ]
    try:
        arguments = [sys.executable, "-I", "-S", "-c", _PROGRAM, marshal.dumps((sys.path, task)).hex()]
        return os.posix_spawn(sys.executable, arguments, os.environ, file_actions=actions)
    except (OSError, ValueError):
        return None


def _result(answers: int) -> RunStats | None:
    from ops_checks.runlog.wire import parsed

    with os.fdopen(os.dup(answers), "rb") as pipe:
        return parsed(pipe.read())


def _end(process: int) -> None:
    import signal

    try:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
    except (ProcessLookupError, ChildProcessError):
        # Somebody else waits for all children of this process (SIGCHLD ignored, say): it is gone, and that is all.
        pass


def answer(start: int, stop: int, since_ms: int | None, commands: frozenset[str] | None, details: int) -> None:
    """Do the helper's work: read a part of the log on standard input, write its statistics to standard output."""
    from ops_checks.runlog.reading import read_part
    from ops_checks.runlog.wire import packed

    stats = read_part("", 0, start, stop, Selection(since_ms, commands, details=bool(details)))
    with os.fdopen(1, "wb") as out:
        out.write(packed(stats))
