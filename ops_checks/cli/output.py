"""The one place that prints: lines and documents to stdout, remarks to stderr, safe for terminals and CI logs."""

from __future__ import annotations

import io
import os
import stat
import sys

from ops_checks.exit_codes import NOT_EVALUATED, OK
from ops_checks.sanitize import visible, without_commands, without_password

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Self, TextIO

    from ops_checks.errors import OpsError
    from ops_checks.exit_codes import ExitCode


class Document(str):
    """Text in a format of its own, to be written as it is: its format has made it safe."""

    __slots__ = ()


class Painted(str):
    """A line with colours, and no other control sequence: what else is in it has been made visible."""

    __slots__ = ()


class About(str):
    """A line about an item: on a terminal what the item is to do, its `task`, is told below it."""

    __slots__ = ("task",)
    task: str

    def __new__(cls, line: str, task: str = "") -> Self:
        """Return the line, about the task that it is about already if none is given."""
        about = super().__new__(cls, line)
        about.task = task or getattr(line, "task", "")
        return about


class Made(About):
    """The line of a change that was made: where stdout cannot take it, its user must know all the same."""

    __slots__ = ()


class MadeDocument(Document):
    """A document that tells of changes that were made; `lines` say so in a few words where stdout cannot take it."""

    __slots__ = ("lines",)
    lines: tuple[str, ...]

    def __new__(cls, text: str, *lines: str) -> Self:
        """Return the document with its lines."""
        document = super().__new__(cls, text)
        document.lines = lines
        return document


def error_lines(error: OpsError) -> list[str]:
    """Return the lines of an error for stderr."""
    return [About(without_password("error: " + error.message), error.task), *("  " + line for line in error.details)]


def write_results(lines: Iterable[str]) -> bool:
    """Write lines and documents to stdout, and return whether they arrived.

    A reader that has gone is no failure (`| head -1`); a full disk is, and is told on stderr. What a document tells of
    that has not arrived is told there too: nobody cuts one short and has had enough of it.
    """
    lines = list(lines)
    state = _write(sys.stdout, _safe_lines(_titled(lines, sys.stdout)))
    if state is not _WRITTEN:
        write_remarks(_made(lines, whole=state is _FAILED))
    return state is not _FAILED


def _made(lines: Iterable[str], *, whole: bool) -> Iterator[str]:
    """Yield a note on each change that was made of which stdout did not take the word; `whole`: the lines too."""
    for line in lines:
        told = line.lines if isinstance(line, MadeDocument) else (line,) if whole and isinstance(line, Made) else ()
        yield from (f"note: {each}: this change was made, only the output failed" for each in told)


def write_remarks(lines: Iterable[str]) -> None:
    """Write lines to stderr."""
    _write(sys.stderr, _safe_lines(_titled(lines, sys.stderr)))


def write_on(lines: Iterable[str]) -> ExitCode | None:
    """Write lines to stdout while a command goes on; return the exit code that it ends in, None if it may go on."""
    ends_in = {_WRITTEN: None, _GONE: OK, _FAILED: NOT_EVALUATED}
    return ends_in[_write(sys.stdout, _safe_lines(lines))]


def has_reader() -> bool:
    """Return whether anybody may still read stdout: the other end of a pipe, or a terminal, may be gone."""
    import select

    poll = select.poll()
    try:
        poll.register(sys.stdout.fileno() if sys.stdout else -1, 0)
    except (OSError, ValueError):  # no descriptor of its own
        return True
    return not poll.poll(0)


def abandon_results(lines: Iterable[str] = ()) -> None:
    """Give up writing to stdout: its reader has had all it will get. What a document tells of is told on stderr."""
    _redirect_to_nowhere(sys.stdout)
    write_remarks(_made(lines, whole=False))


def is_redirected() -> bool:
    """Return whether stdout or stderr goes to a regular file."""
    for descriptor in (1, 2):
        try:
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                return True
        except OSError:  # closed
            continue
    return False


def standard_stream(path: str) -> str | None:
    """Return `stdout` or `stderr` if a path leads to where that stream goes (`/dev/stdout`, `/dev/fd/2`), else None."""
    try:
        target = os.stat(path)
    except (OSError, ValueError):
        return None
    for descriptor, name in ((1, "stdout"), (2, "stderr")):
        try:
            stream = os.fstat(descriptor)
        except OSError:
            continue
        if (stream.st_dev, stream.st_ino) == (target.st_dev, target.st_ino):
            return name
    return None


def _titled(lines: Iterable[str], stream: TextIO | None) -> Iterable[str]:
    """Return lines with the task below each that is about an item, on a terminal."""
    lines = list(lines)
    if not any(isinstance(line, About) and line.task for line in lines) or stream is None or not stream.isatty():
        return lines
    from ops_checks.cli.item_table import terminal_columns
    from ops_checks.cli.titles import with_tasks

    return with_tasks(lines, terminal_columns(os.environ))


def _safe_lines(lines: Iterable[str]) -> list[str]:
    """Return lines with their ends, safe for a terminal and for a CI system's log; documents are that already."""
    commands = without_commands if os.environ.get("GITHUB_ACTIONS") else str
    return [
        line if isinstance(line, Document) else commands(line if isinstance(line, Painted) else visible(line)) + "\n"
        for line in lines
    ]


#: What became of what was to be written: a reader that has gone is another thing than a failure.
_WRITTEN, _GONE, _FAILED = "written", "gone", "failed"


def _write(stream: TextIO | None, lines: list[str]) -> str:
    if stream is None:  # the descriptor was closed before we started
        return _FAILED if lines else _WRITTEN
    try:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
        stream.write("".join(lines))
        stream.flush()
    except BrokenPipeError:
        _redirect_to_nowhere(stream)
        return _GONE
    except OSError as error:
        _redirect_to_nowhere(stream)
        if stream is not sys.stderr:
            write_remarks([f"error: the results cannot be written ({error.strerror}): check the disk"])
        return _FAILED
    return _WRITTEN


def _redirect_to_nowhere(stream: TextIO | None) -> None:
    """Lead the stream's descriptor to nowhere, or the interpreter complains when it flushes at exit."""
    if stream is None:
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
