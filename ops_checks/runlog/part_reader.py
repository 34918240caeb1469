"""The bytes of one log, or of a part of it, to statistics."""

from __future__ import annotations

import os
from array import array
from typing import TYPE_CHECKING

from msgspec import UNSET

from ops_checks.errors import InputError
from ops_checks.runlog.aggregator import Aggregator
from ops_checks.runlog.decoder import Malformed, RunEnd, decode_block
from ops_checks.runlog.line_reader import BLOCK_BYTES, LONGEST_LINE_BYTES, LineBlocks, range_reader, read_at
from ops_checks.runlog.repeats import WINDOW, MayRepeatError, Repeats, Screen, identified, may_repeat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ops_checks.runlog.decoder import Row
    from ops_checks.runlog.filter import RunFilter
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
    size: int = BLOCK_BYTES,
    advance: Advance | None = None,
) -> RunStats:
    """Return the statistics of the bytes of a plain log from offset `start` to `stop`; lines count from 1 in the part.

    `size` bytes are read at a time. Raises InputError for a file that cannot be read.
    """

    def ends_of(end: int, size: int) -> list[RunEnd]:
        block = read_at(path, descriptor, size, start + end - size)
        return [row for row in decode_block(block, reasons=False)[0] if type(row) is RunEnd]

    screen = Screen(ends_of)
    read = range_reader(path, descriptor, start, stop, size, advance)
    try:
        stats = read_blocks(path, read, run_filter, first=start == 0, repeats=screen)
    except MayRepeatError:
        return read_exactly(path, descriptor, start, stop, run_filter)
    if stop < os.fstat(descriptor).st_size or start:  # a part has others beside it
        stats.head, stats.tail = screen.head(), screen.tail()
    return stats


def read_exactly(path: str, descriptor: int, start: int, stop: int, run_filter: RunFilter) -> RunStats:
    """Return what `read_part` returns, where ends may equal others in the part or before it: it takes longer."""
    repeats = Repeats()
    for rows in _rows_before(path, descriptor, start):
        repeats.find(rows, [row for row in rows if type(row) is RunEnd])
    read = range_reader(path, descriptor, start, stop)
    stats = read_blocks(path, read, run_filter, first=start == 0, repeats=repeats)
    stats.tail = repeats.tail()
    return stats


def read_apart(path: str, descriptor: int, start: int, stop: int, run_filter: RunFilter) -> RunStats:
    """Return the statistics of a part whose ends may equal some before it, without knowing of any other part.

    The lines before it in which an equal end is looked for are decoded once more. Raises InputError.
    """
    stats = read_part(path, descriptor, start, stop, run_filter)
    times = array("q")
    for rows in _rows_before(path, descriptor, start) if stats.head else ():
        ends = identified(row for row in rows if type(row) is RunEnd)
        times.extend(end.ts_epoch_ms for end in ends if end.ts_epoch_ms is not UNSET)
    return read_exactly(path, descriptor, start, stop, run_filter) if may_repeat(times, stats.head) else stats


def _rows_before(path: str, descriptor: int, start: int) -> Iterator[list[Row]]:
    """Yield the rows of the lines before a part in which an end may stand that equals one of it."""
    begin = _lines_before(path, descriptor, start, WINDOW)
    for number, block in enumerate(LineBlocks(range_reader(path, descriptor, begin, start))):
        if block is None:
            yield [Malformed("")]
        else:
            data = block.removeprefix(_BOM) if begin == number == 0 else block
            yield decode_block(data, reasons=False)[0]


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
    repeats: Screen | Repeats | None = None,
) -> RunStats:
    """Return the statistics of the bytes that `read` returns chunk by chunk, up to `b""`.

    `first`: the bytes begin the log, so a byte order mark is allowed before them. A line of more than `longest`
    bytes is malformed. `repeats` finds the ends that equal an earlier one. Raises
    InputError where more than `most_open` runs (None: any number) are open at once.
    """
    aggregator = Aggregator(path, run_filter, repeats or Repeats())
    blocks = LineBlocks(read, longest)
    for number, block in enumerate(blocks):
        if block is None:
            aggregator.add([_too_long(blocks.begins, longest)])
            continue
        if not block.strip(b"\n"):
            aggregator.add_empty(len(block))
            continue
        data = block.removeprefix(_BOM) if first and number == 0 else block
        rows, only_runs = decode_block(data, reasons=aggregator.needs_reasons)
        aggregator.add(rows, only_runs=only_runs, end=blocks.end, size=len(block))
        if most_open is not None and aggregator.open_runs > most_open:
            raise InputError(f"{path}: more than {most_open:,} runs are open at once; unpack it and name the plain log")
        del rows  # before the next ones are made, in the same memory
    return aggregator.finish(torn_tail=blocks.torn)


def _too_long(begins: bytes, longest: int) -> Malformed:
    """Return the row for a line of more than `longest` bytes that begins with some: it may be a block of NUL bytes."""
    from ops_checks.runlog.foreign_lines import NULS

    return Malformed(*NULS) if begins and not begins.strip(b"\0") else Malformed(f"longer than {longest} bytes")
