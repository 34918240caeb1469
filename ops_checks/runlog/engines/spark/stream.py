"""The bytes of a log as Spark hands them to a worker, for a reader that wants them chunk by chunk or by descriptor."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ops_checks.errors import ChangingError
from ops_checks.runlog.line_reader import BLOCK_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_BOM = b"\xef\xbb\xbf"


class Stream:
    """The bytes of a log from its lines, which Spark's text source cuts at each line feed and nowhere else.

    The source takes a byte order mark away that begins the log (`head` tells), and hides whether the last line has a
    line feed: it has, if the log's `size` says so. What was appended since then is left out.
    """

    def __init__(self, name: str, lines: Iterable[list[bytes]], head: bytes, size: int) -> None:
        self._name = name
        self._left = size
        self._chunks = self._cut(lines, _BOM if head.startswith(_BOM) else b"")

    def _cut(self, lines: Iterable[list[bytes]], mark: bytes) -> Iterator[bytes]:
        if mark:
            self._left -= len(mark)
            yield mark
        for some in lines:
            data = memoryview(b"\n".join(some) + b"\n")[: self._left]
            self._left -= len(data)
            for at in range(0, len(data), BLOCK_BYTES):
                yield bytes(data[at : at + BLOCK_BYTES])

    def read(self) -> bytes:
        """Return the next bytes, `b""` at the end."""
        return next(self._chunks, b"")

    def must_be_whole(self) -> None:
        """Raise ChangingError if there were fewer bytes than the log had when the work began."""
        if self._left:
            raise ChangingError(f"{self._name}: became shorter while it was read: read it again")


@contextmanager
def spool(data: bytes | memoryview) -> Iterator[int]:
    """Yield the descriptor of a file that holds some bytes, and has no name."""
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        yield file.fileno()
