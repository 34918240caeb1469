"""Run the code of a rule in this process, and leave the process as it was as far as that costs little.

What it prints goes to stderr, so that stdout stays the report's. Threads that it leaves running, modules that it
changes, the locale, and what it does to the machine are its own: it runs with the user's rights.
"""

from __future__ import annotations

import io
import os
import signal
import sys
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

from ops_checks.sanitize import visible, without_commands

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from _typeshed import ReadableBuffer

_STDOUT, _STDERR = 1, 2
#: A longer line is printed in parts.
_LONGEST = 8_192
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def surroundings(rule: str, folder: str | None) -> Iterator[None]:
    """Run the block as that of a rule: printed lines go to stderr, and modules are found in a folder too, as the last.

    Afterwards the standard streams, the current folder, the environment, `sys.path`, the limit of recursion and what
    answers Ctrl-C are what they were. No bytecode is written meanwhile.
    """
    with ExitStack() as stack:
        stack.enter_context(_streams(rule))
        stack.enter_context(_stdout_aside())
        stack.enter_context(_settings())
        if folder is not None:
            sys.path.append(folder)
        sys.dont_write_bytecode = True
        yield


@contextmanager
def _streams(rule: str) -> Iterator[None]:
    """Send what is printed to stderr, line by line, each with the rule's name."""
    before = sys.stdout, sys.stderr
    lines = _Lines(rule, sys.stderr)
    printed = io.TextIOWrapper(
        io.BufferedWriter(lines), encoding="utf-8", errors="backslashreplace", line_buffering=True
    )
    _flush(sys.stdout)
    sys.stdout = sys.stderr = printed
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
        with suppress(ValueError):  # the rule has closed it
            printed.flush()
        lines.finish()  # it stays open: what the rule has set up, such as a log's handler, may go on writing to it


@contextmanager
def _stdout_aside() -> Iterator[None]:
    """Lead the descriptor of stdout to stderr: other processes and libraries in C write to it.

    Of a process without stdout or stderr it may be that of another file, such as a queue's.
    """
    if sys.__stdout__ is None:
        yield
        return
    kept = os.dup(_STDOUT)
    try:
        _lead_stdout_away()
        yield
    finally:
        _flush(sys.__stdout__)
        os.dup2(kept, _STDOUT)
        os.close(kept)


def _flush(stream: TextIO | None) -> None:
    """Write what a stream holds back to where it goes now."""
    if stream is not None:
        with suppress(OSError, ValueError):
            stream.flush()


def _lead_stdout_away() -> None:
    if sys.__stderr__ is not None:
        os.dup2(_STDERR, _STDOUT)
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, _STDOUT)
    os.close(nowhere)


@contextmanager
def _settings() -> Iterator[None]:
    """Put back afterwards what is easily changed in a process, and easily put back."""
    path, limit, bytecode = list(sys.path), sys.getrecursionlimit(), sys.dont_write_bytecode
    environ, folder = dict(os.environ), current_folder()
    handlers = {number: signal.getsignal(number) for number in _SIGNALS}
    try:
        yield
    finally:
        sys.path[:] = path
        sys.setrecursionlimit(limit)
        sys.dont_write_bytecode = bytecode
        if dict(os.environ) != environ:
            os.environ.clear()
            os.environ.update(environ)
        if folder is not None and current_folder() != folder:
            os.chdir(folder)
        for number, handler in handlers.items():
            if signal.getsignal(number) is not handler and handler is not None:
                with suppress(ValueError):  # not the main thread, where the rule could change nothing either
                    signal.signal(number, handler)


def current_folder() -> str | None:
    """Return the current folder, None if it is gone."""
    try:
        return os.getcwd()
    except OSError:
        return None


class _Lines(io.RawIOBase):
    """Writes whole lines to a stream, each with a rule's name in front, safe for a terminal and a CI system's log."""

    def __init__(self, rule: str, stream: TextIO | None) -> None:
        self._rule = rule
        self._stream = stream
        self._rest = b""

    def writable(self) -> bool:
        """Return that it can be written to."""
        return True

    def fileno(self) -> int:
        """Return the descriptor of stderr, for other processes."""
        return _STDERR

    def write(self, data: ReadableBuffer, /) -> int:
        """Write the lines that are complete."""
        given = bytes(data)
        *lines, self._rest = (self._rest + given).split(b"\n")
        self._tell(lines)
        if len(self._rest) > _LONGEST:
            self._tell([self._rest])
            self._rest = b""
        return len(given)

    def close(self) -> None:
        """Write what is left."""
        self.finish()
        super().close()

    def finish(self) -> None:
        """Write the line that is not complete, if there is one."""
        if self._rest:
            self._tell([self._rest])
            self._rest = b""

    def _tell(self, lines: list[bytes]) -> None:
        if self._stream is None:
            return
        texts = (line.decode("utf-8", "backslashreplace").rstrip("\r") for line in lines)
        with suppress(OSError, ValueError):  # nobody reads it: that is no failure of the rule
            self._stream.write("".join(f"{self._rule}: {without_commands(visible(text))}\n" for text in texts))
            self._stream.flush()
