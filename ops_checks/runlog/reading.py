"""The bytes of one log, or of a part of it, to statistics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.runlog import blocks
from ops_checks.runlog.records import Malformed, decode_block
from ops_checks.runlog.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable

    from ops_checks.runlog.selection import Selection
    from ops_checks.runlog.stats import RunStats

_BOM = b"\xef\xbb\xbf"


def read_part(
    path: str,
    descriptor: int,
    start: int,
    stop: int,
    selection: Selection,
    *,
    size: int = blocks.BLOCK,
    advance: blocks.Advance | None = None,
) -> RunStats:
    """Return the statistics of the bytes from `start` to `stop` of a plain log; lines count from 1 in the part.

    `size` is how much is read at a time; `advance` hears of it.
    """
    read = blocks.reader(path, descriptor, start, stop, size, advance)
    return read_blocks(path, read, selection, first=start == 0)


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
            tally.add([Malformed(f"longer than {longest} bytes")])
            continue
        rows, only_runs = decode_block(block.removeprefix(_BOM) if first and number == 0 else block)
        tally.add(rows, only_runs=only_runs)
        del rows  # before the next ones are made, in the same memory
    return tally.finish(torn_tail=lines.torn)
