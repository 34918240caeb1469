"""The bytes of one log, or of a part of it, to statistics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.errors import InputError
from ops_checks.runlog.aggregator import Aggregator
from ops_checks.runlog.decoder import Malformed, decode_block
from ops_checks.runlog.line_reader import BLOCK_BYTES, LONGEST_LINE_BYTES, LineBlocks, range_reader

if TYPE_CHECKING:
    from collections.abc import Callable

    from ops_checks.runlog.filter import RunFilter
    from ops_checks.runlog.line_reader import Advance
    from ops_checks.runlog.stats import RunStats

_BOM = b"\xef\xbb\xbf"


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
    read = range_reader(path, descriptor, start, stop, size, advance)
    return read_blocks(path, read, run_filter, first=start == 0)


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
    aggregator = Aggregator(path, run_filter)
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
        aggregator.add(rows, only_runs=only_runs)
        if most_open is not None and aggregator.open_runs > most_open:
            raise InputError(f"{path}: more than {most_open:,} runs are open at once; unpack it and name the plain log")
        del rows  # before the next ones are made, in the same memory
    return aggregator.finish(torn_tail=blocks.torn)


def _too_long(begins: bytes, longest: int) -> Malformed:
    """Return the row for a line of more than `longest` bytes that begins with some: it may be a block of NUL bytes."""
    from ops_checks.runlog.foreign_lines import NULS

    return Malformed(*NULS) if begins and not begins.strip(b"\0") else Malformed(f"longer than {longest} bytes")
