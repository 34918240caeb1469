"""Stream the ends of runs in one log, each with its line, and count what is in it as `read_runs` does."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ops_checks.errors import ChangingError, InputError
from ops_checks.runlog.aggregator import Aggregator
from ops_checks.runlog.decoder import RunEnd, decode_line
from ops_checks.runlog.line_reader import LineBlocks, decompress, detect_compression, open_log, range_reader
from ops_checks.runlog.part_reader import add_blocks
from ops_checks.runlog.reader import MOST_OPEN, conclude
from ops_checks.runlog.repeats import Repeats
from ops_checks.sanitize import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from collections.abc import Set as AbstractSet

    from ops_checks.runlog.columns import Columns
    from ops_checks.runlog.filter import RunFilter
    from ops_checks.runlog.stats import RunStats


class RunStream:
    """The ends of runs in a log: iterating over it yields line and end of each that counts (FORMATS section 4).

    Malformed lines and repeated ends are passed by, and counted in `stats`, which is None until an iteration has come
    to its end. Each iteration reads what was there at the first one. `folder` is the one that `path` is relative to.
    """

    def __init__(self, path: str, run_filter: RunFilter, folder: str) -> None:
        self.path = path
        self.stats: RunStats | None = None
        self._filter = run_filter
        self._folder = folder
        self._seen: os.stat_result | None = None

    def __iter__(self) -> Iterator[tuple[int, RunEnd]]:
        """Raise InputError for a log that cannot be read, ChangingError for one that is another one by now."""
        with open_log(self._located()) as descriptor:
            seen = self._same(os.fstat(descriptor))
            repeats = _Found()
            aggregator = Aggregator(self.path, self._filter, repeats)
            with self._reading(descriptor, seen.st_size) as (read, most_open):
                blocks = LineBlocks(read)
                for columns in add_blocks(aggregator, blocks, self._filter, first=True):
                    yield from _ends(columns, aggregator.lines - columns.lines + 1, repeats.found)
                    if most_open is not None and aggregator.open_runs > most_open:
                        raise InputError(
                            f"{visible(self.path)}: more than {most_open:,} runs are open at once: unpack it"
                        )
            stats = aggregator.finish(torn_tail=blocks.torn)
            conclude(stats, self.path, descriptor, seen.st_mtime)
            self.stats = stats

    def _located(self) -> str:
        """Return the path that leads to the log, whatever the current folder has become."""
        return self.path if _here() == self._folder else os.path.join(self._folder, self.path)

    def _same(self, state: os.stat_result) -> os.stat_result:
        """Return the state of the log when it was first opened. Raises ChangingError if it is another one now."""
        self._seen = seen = self._seen or state
        if not os.path.samestat(seen, state) or state.st_size < seen.st_size:
            raise ChangingError(f"{visible(self.path)}: changing while read: run the command again")
        return seen

    @contextmanager
    def _reading(self, descriptor: int, size: int) -> Iterator[tuple[Callable[[], bytes], int | None]]:
        """Yield what returns the next bytes of the log, and how many runs may be open in it at once."""
        compression = detect_compression(self.path, descriptor)
        if compression is None:
            yield range_reader(self.path, descriptor, 0, size), None
            return
        with decompress(self.path, descriptor, compression) as read:
            yield read, MOST_OPEN


class _Found(Repeats):
    """Repeats that keep those of the lines that were asked about last."""

    found: AbstractSet[int] = frozenset()

    def find(self, columns: Columns) -> AbstractSet[int]:
        """Return the positions of the repeated ends, and keep them."""
        self.found = super().find(columns)
        return self.found


def _ends(columns: Columns, first: int, repeated: AbstractSet[int]) -> Iterator[tuple[int, RunEnd]]:
    """Yield line and end of each that counts among consecutive lines, of which `first` is the number."""
    for position, number in enumerate(columns.numbers):
        end = None if position in repeated else decode_line(columns.text(position))
        if isinstance(end, RunEnd):
            yield first + number, end


def _here() -> str:
    try:
        return os.getcwd()
    except OSError:  # it is gone
        return ""
