"""Tell cheaply whether a document has changed: by its file's identity, size and time."""

from __future__ import annotations

import time

from ops_checks.files.safe_open import written_state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

#: File systems keep times in steps, of 2 s at most: two writes within one may leave the same size and time.
_LONGEST_STEP_NS = 2_000_000_000


class MarkdownWatch:
    """Watches the document at `path`, and holds nothing open."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __enter__(self) -> Self:
        """Begin to watch."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Hold nothing that is to be released."""

    def version(self) -> object:
        """Return the state of the file; of one that was written just now, what equals nothing."""
        state = written_state(self._path)
        if state is None or abs(time.time_ns() - state[-1]) < _LONGEST_STEP_NS:
            return object()
        return state
