"""One log, or a part of one, to its statistics; and the plan of who reads which part."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING

from ops_checks.runlog import blocks
from ops_checks.runlog.records import decode_block, decode_line
from ops_checks.runlog.tally import Selection, Tally

if TYPE_CHECKING:
    from collections.abc import Callable

    from ops_checks.runlog.records import Record
    from ops_checks.runlog.stats import RunStats

_BOM = b"\xef\xbb\xbf"


def read_log(path: str, selection: Selection) -> RunStats:
    """Return the statistics of one log. Raises InputError if it cannot be read as a log."""
    with ExitStack() as stack:
        descriptor = stack.enter_context(blocks.opened(path))
        how = blocks.compression(path, descriptor)
        if how:
            return read_blocks(path, stack.enter_context(blocks.unpacked(path, descriptor, how)), selection)
        # What is appended from now on belongs to the next evaluation.
        size = os.fstat(descriptor).st_size
        return read_part(path, descriptor, 0, size, selection)


def read_part(  # noqa: PLR0913 - a part of a file, and how to read it
    path: str, descriptor: int, start: int, stop: int, selection: Selection, *, size: int = blocks.BLOCK
) -> RunStats:
    """Return the statistics of the bytes from `start` to `stop` of a plain log; lines count from 1 in the part.

    `size` is how much is read at a time.
    """
    return read_blocks(path, blocks.reader(path, descriptor, start, stop, size), selection, first=start == 0)


def read_blocks(
    path: str,
    read: Callable[[], bytes],
    selection: Selection,
    *,
    first: bool = True,
    longest: int = blocks.LONGEST_LINE,
) -> RunStats:
    """Return the statistics of the bytes that `read` gives piece by piece, up to `b""`.

    `first`: these bytes begin the log, so that a byte order mark may stand before them.
    """
    tally = Tally(path, selection)
    lines = blocks.WholeLines(read, longest)
    for number, block in enumerate(lines):
        if block is None:
            tally.add_defect(f"longer than {longest} bytes")
        else:
            _take(tally, block.removeprefix(_BOM) if first and number == 0 else block)
    return tally.finish(torn_tail=lines.torn)


def _take(tally: Tally, block: bytes) -> None:
    records = decode_block(block)
    if records is not None:
        tally.add(records)
        return
    good: list[Record] = []
    for line in block.split(b"\n")[:-1]:
        record = decode_line(line)
        if isinstance(record, str):
            tally.add(good)
            tally.add_defect(record)
            good = []
        else:
            good.append(record)
    tally.add(good)
