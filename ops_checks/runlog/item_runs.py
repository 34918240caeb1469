"""The runs of single items by the run logs (FORMATS section 3)."""

from __future__ import annotations

from collections import deque

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ops_checks.runlog.decoder import RunEnd


class ItemRun:
    """The end of a run of an item, with the log and the line where it stands."""

    __slots__ = ("end", "line", "path")

    def __init__(self, path: str, line: int, end: RunEnd) -> None:
        self.path = path
        self.line = line
        self.end = end


class ItemRuns:
    """The newest runs of an item, the newest last, and how many `older` ones there are."""

    __slots__ = ("kept", "total")

    def __init__(self, most: int | None) -> None:
        self.kept: deque[ItemRun] = deque(maxlen=most)
        self.total = 0

    @property
    def older(self) -> int:
        """How many runs are not kept."""
        return self.total - len(self.kept)

    def add(self, run: ItemRun) -> None:
        """Add a run that is newer than the others."""
        self.total += 1
        self.kept.append(run)
