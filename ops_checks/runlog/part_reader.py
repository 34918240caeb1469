"""The bytes of one log, or of a part of it, to statistics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.errors import InputError
from ops_checks.runlog import scanner
from ops_checks.runlog.aggregator import Aggregator
from ops_checks.runlog.columns import malformed_columns
from ops_checks.runlog.decoder import Malformed
from ops_checks.runlog.filter import RunFilter
from ops_checks.runlog.line_reader import LONGEST_LINE_BYTES, FileBlocks, LineBlocks, range_reader, read_at
from ops_checks.runlog.repeats import WINDOW, Repeats

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ops_checks.runlog.columns import Columns
    from ops_checks.runlog.line_reader import Advance
    from ops_checks.runlog.stats import RunStats

_BOM = b"\xef\xbb\xbf"
_BACK_BYTES = 1 << 20  # read at a time where lines are counted backwards


def read_part(
    path: str,
    descriptor: int,
    start: int,
    stop: int,
    run_filter: RunFilter,
    *,
    before: bool = False,
    size: int | None = None,
    advance: Advance | None = None,
) -> RunStats:
    """Return the statistics of the bytes of a plain log from offset `start` to `stop`; lines count from 1 in the part.

    `before`: ends that equal one of the lines before the part do not count. `size` bytes are read at a time. Raises
    InputError for a file that cannot be read.
    """
    repeats = Repeats()
    if before:
        _find_before(path, descriptor, start, repeats)
    blocks = FileBlocks(path, descriptor, start, stop, size or scanner.block_bytes(), advance)
    stats = _aggregate(path, blocks, run_filter, repeats, first=start == 0)
    stats.head, stats.tail = repeats.head, repeats.tail
    return stats


def _find_before(path: str, descriptor: int, start: int, repeats: Repeats) -> None:
    """Know the ends of the lines before a part that may equal one of it."""
    begin = _lines_before(path, descriptor, start, WINDOW)
    for number, block in enumerate(LineBlocks(range_reader(path, descriptor, begin, start))):
        if block is None:
            repeats.skip(1)
            continue
        data = block.removeprefix(_BOM) if begin == number == 0 else block
        for columns in scanner.read_columns(data, RunFilter(details=False), lambda: False):
            repeats.find(columns)


def _lines_before(path: str, descriptor: int, offset: int, count: int) -> int:
    """Return where so many lines before an offset begin, at which one ends; 0 if there are fewer."""
    while offset:
        begin = max(0, offset - _BACK_BYTES)
        chunk = read_at(path, descriptor, offset - begin, begin)
        lines = chunk.count(b"\n")
        if lines > count:
            at = len(chunk)
            for _ in range(count + 1):
                at = chunk.rfind(b"\n", 0, at)
            return begin + at + 1
        count -= lines
        offset = begin
    return 0


def read_blocks(
    path: str,
    read: Callable[[], bytes],
    run_filter: RunFilter,
    *,
    first: bool = True,
    longest: int = LONGEST_LINE_BYTES,
    most_open: int | None = None,
) -> RunStats:
    """Return the statistics of the bytes that `read` returns chunk by chunk, up to `b""`.

    `first`: the bytes begin the log, so a byte order mark is allowed before them. A line of more than `longest`
    bytes is malformed. Raises InputError where more than `most_open` runs (None: any number) are open at once.
    """
    return _aggregate(path, LineBlocks(read, longest), run_filter, Repeats(), first=first, most_open=most_open)


def _aggregate(
    path: str,
    blocks: LineBlocks | FileBlocks,
    run_filter: RunFilter,
    repeats: Repeats,
    *,
    first: bool,
    most_open: int | None = None,
) -> RunStats:
    aggregator = Aggregator(path, run_filter, repeats)
    for _ in add_blocks(aggregator, blocks, run_filter, first=first):
        if most_open is not None and aggregator.open_runs > most_open:
            raise InputError(f"{path}: more than {most_open:,} runs are open at once; unpack it and name the plain log")
    return aggregator.finish(torn_tail=blocks.torn)


def add_blocks(
    aggregator: Aggregator, blocks: LineBlocks | FileBlocks, run_filter: RunFilter, *, first: bool
) -> Iterator[Columns]:
    """Add the lines of blocks to an aggregator, and yield their columns as they are added; `first`: see `read_blocks`.

    Empty lines that make up a block have none.
    """
    for number, block in enumerate(blocks):
        if block is None:
            columns = malformed_columns(_too_long(blocks))
            aggregator.add(columns)
            yield columns
            continue
        if block.startswith(b"\n") and not block.strip(b"\n"):
            aggregator.add_empty(len(block))
            continue
        data = block.removeprefix(_BOM) if first and number == 0 else block
        for columns in scanner.read_columns(data, run_filter, aggregator.needs_reasons, aggregator.counts):
            aggregator.add(columns)
            yield columns


def _too_long(blocks: LineBlocks | FileBlocks) -> Malformed:
    """Return the row for a line that is too long: it may be a block of NUL bytes."""
    from ops_checks.runlog.foreign_lines import NULS

    begins = blocks.begins
    nuls = begins and not begins.strip(b"\0")
    return Malformed(*NULS) if nuls else Malformed(f"longer than {blocks.longest} bytes")
