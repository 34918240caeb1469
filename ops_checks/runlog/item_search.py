"""Find the runs of single items in run logs, without reading what cannot be one (FORMATS section 3)."""

from __future__ import annotations

import os

from ops_checks.runlog.item_runs import ItemRun
from ops_checks.runlog.line_reader import LineBlocks, decompress, detect_compression, open_log, range_reader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ops_checks.runlog.item_runs import ItemRuns

#: How JSON may write a character in another way than as itself, or as `json` does.
_ESCAPES = (b"\\u", b"\\/")


def runs_of(path: str, found: dict[str, ItemRuns]) -> None:
    """Add the runs in a log, by item, to those found so far. Raises InputError for a log that cannot be read."""
    needles = tuple({_as_json(item_id) for item_id in found}) + _ESCAPES
    with open_log(path) as descriptor:
        for line, text in _candidates(path, descriptor, needles):
            from ops_checks.runlog.decoder import RunEnd, decode_line

            row = decode_line(text)
            if isinstance(row, RunEnd) and isinstance(row.item_id, str) and row.item_id in found:
                found[row.item_id].add(ItemRun(path, line, row))


def _candidates(path: str, descriptor: int, needles: Sequence[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield the lines that hold one of some bytes, each with its number."""
    compression = detect_compression(path, descriptor)
    if compression is None:
        yield from _lines(range_reader(path, descriptor, 0, os.fstat(descriptor).st_size), needles)
        return
    with decompress(path, descriptor, compression) as read:
        yield from _lines(read, needles)


def _lines(read: Callable[[], bytes], needles: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    before = 0
    for block in LineBlocks(read):
        if block is None:  # a line that is too long to be one
            before += 1
            continue
        if any(needle in block for needle in needles):
            for number, line in enumerate(block.split(b"\n"), before + 1):
                if any(needle in line for needle in needles):
                    yield number, line
        before += block.count(b"\n")


def _as_json(item_id: str) -> bytes:
    if item_id.isascii() and item_id.replace("-", "").isalnum():  # as nearly all are: `json` takes long to import
        return item_id.encode()
    import json

    return json.dumps(item_id, ensure_ascii=False)[1:-1].encode("utf-8", "surrogatepass")
