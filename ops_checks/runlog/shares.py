"""A large log is read by two processes, part by part: each takes the next part when it is done with one.

The helper is a new interpreter, not a fork: forking a process that has threads (a test session,
say) may hang it. It starts later, and two processors are seldom equally fast, so that nobody is
given half of the log. Whatever becomes of the helper, the answer stays right: the parts that it
took and does not come back with are read here.
"""

from __future__ import annotations

import marshal
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ops_checks.runlog import blocks
from ops_checks.runlog.selection import Selection
from ops_checks.runlog.stats import merged_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ops_checks.runlog.blocks import Advance
    from ops_checks.runlog.stats import RunStats

    #: Parts that were read, by their number.
    Read = dict[int, RunStats]

#: Below this size a second interpreter takes longer to start than it saves.
WORTH_IT = 48 << 20

#: Of what is left a part is this share, so that both are done at about the same time, and no less than that of all.
_SHARE = 4
_LEAST = 64

#: A part to take is a token in a pipe, its number in so many bytes. So many fit into the smallest pipe.
_TOKEN = 4
_MOST_PARTS = 1024
#: The helper's descriptor of that pipe.
_TOKENS = 3

#: The helper's program. It gets its module search path with its task, so that it finds what this process found.
_PROGRAM = """import marshal, sys
sys.path[:], task = marshal.loads(bytes.fromhex(sys.argv[1]))
from ops_checks.runlog.shares import answer
answer(*task)"""


def read_plain(
    path: str, descriptor: int, selection: Selection, *, advance: Advance | None = None, worth_it: int = WORTH_IT
) -> RunStats:
    """Return the statistics of a plain log; one of `worth_it` bytes or more is read by two processes.

    What is appended from now on belongs to the next evaluation. `advance` hears of every bytes read.
    """
    size = os.fstat(descriptor).st_size
    bounds = cut(path, descriptor, 0, size, shared(size)) if size >= worth_it else [0, size]
    return merged_parts(path, read_parts(path, descriptor, bounds, selection, advance=advance, worth_it=worth_it))


def shared(size: int) -> Callable[[int], int]:
    """Return how large the next part is when so many bytes of `size` are left: ever smaller ones for two processes."""
    return lambda left: max(left // _SHARE, size // _LEAST)


def cut(path: str, descriptor: int, start: int, stop: int, step: Callable[[int], int]) -> list[int]:
    """Return byte offsets that cut a part of a log into parts of about `step` of what is left, each of whole lines.

    The first offset is `start`, where a line must begin, the last is `stop`.
    """
    bounds = [start]
    while 0 < (size := step(stop - bounds[-1])) < stop - bounds[-1]:
        bounds.append(_next_line(path, descriptor, bounds[-1] + size, stop))
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
    parts = range(len(bounds) - 1)
    if bounds[-1] - bounds[0] < worth_it or not 1 < len(parts) <= _MOST_PARTS or _processors() == 1:
        read = _read_here(path, descriptor, bounds, parts, selection, advance)
    else:
        with _helper(descriptor, bounds, selection) as (claims, result):
            read = _read_here(path, descriptor, bounds, claims, selection, advance)
            read |= result()
        lost = [number for number in parts if number not in read]
        read |= _read_here(path, descriptor, bounds, lost, selection, None)
    return [read[number] for number in parts]


def _read_here(
    path: str,
    descriptor: int,
    bounds: Sequence[int],
    numbers: Iterable[int],
    selection: Selection,
    advance: Advance | None,
) -> Read:
    from ops_checks.runlog.reading import read_part

    read: Read = {}
    at = bounds[0]
    for number in numbers:
        if advance:
            advance(bounds[number] - at)  # what the helper took
        read[number] = read_part(path, descriptor, bounds[number], bounds[number + 1], selection, advance=advance)
        at = bounds[number + 1]
    return read


def _claims(tokens: int) -> Iterator[int]:
    """Yield the numbers of the parts that this process is the first to take."""
    while token := os.read(tokens, _TOKEN):
        yield int.from_bytes(token, "little")


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
) -> Iterator[tuple[Iterator[int], Callable[[], Read]]]:
    """Start a helper; gives the parts to read here, and a function that waits for those that the helper has read."""
    pipes = [*os.pipe(), *os.pipe()]
    tokens, offers, answers, questions = pipes
    process = None
    try:
        os.write(offers, b"".join(number.to_bytes(_TOKEN, "little") for number in range(len(bounds) - 1)))
        process = _spawn(descriptor, questions, tokens, bounds, selection)
        for end in (offers, questions):  # or nobody would find them at their end
            os.close(end)
            pipes.remove(end)
        yield _claims(tokens), lambda: _result(answers, len(bounds) - 1) if process else {}
    finally:
        # Closed first: a helper that has more to say finds nobody listening, and ends.
        for end in pipes:
            os.close(end)
        if process:
            _end(process)


def _spawn(log: int, out: int, tokens: int, bounds: Sequence[int], selection: Selection) -> int | None:
    """Start the helper with the log as its standard input; return its process id, or None if that is not possible."""
    actions = [
        (os.POSIX_SPAWN_DUP2, log, 0),
        (os.POSIX_SPAWN_DUP2, out, 1),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_DUP2, tokens, _TOKENS),  # the last one: until then the others may be of this number
    ]
    task = (tuple(bounds), selection.since_ms, selection.commands, int(selection.details))
    try:
        arguments = [sys.executable, "-I", "-S", "-c", _PROGRAM, marshal.dumps((sys.path, task)).hex()]
        return os.posix_spawn(sys.executable, arguments, os.environ, file_actions=actions)
    except (OSError, ValueError):
        return None


def _result(answers: int, parts: int) -> Read:
    from ops_checks.runlog.wire import parsed_all

    with os.fdopen(os.dup(answers), "rb") as pipe:
        found = parsed_all(pipe.read())
    return {number: stats for number, stats in found.items() if number in range(parts)}


def _end(process: int) -> None:
    import signal

    try:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
    except (ProcessLookupError, ChildProcessError):
        # Somebody else waits for all children of this process (SIGCHLD ignored, say): it is gone, and that is all.
        pass


def answer(
    bounds: tuple[int, ...], since_ms: int | None, commands: frozenset[str] | None, details: int, tokens: int = _TOKENS
) -> None:
    """Do the helper's work: read parts of the log on standard input, write their statistics to standard output."""
    from ops_checks.runlog.wire import packed_all

    selection = Selection(since_ms, commands, details=bool(details))
    read = _read_here("", 0, bounds, _claims(tokens), selection, None)
    with os.fdopen(1, "wb") as out:
        out.write(packed_all(read))
