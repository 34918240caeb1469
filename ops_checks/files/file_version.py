"""Tell cheaply whether a file has changed: by its identity, size and time."""

from __future__ import annotations

import time

from ops_checks.files.safe_open import written_state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

#: File systems keep times in steps, of 2 s at most: two writes within one may leave the same size and time.
_LONGEST_STEP_NS = 2_000_000_000


def file_version(path: str) -> object:
    """Return the state of a file, None while it is not there; of one that was written just now, what equals nothing."""
    state = written_state(path)
    if state is not None and abs(time.time_ns() - state[-1]) < _LONGEST_STEP_NS:
        return object()
    return state


class FileWatch:
    """Watches files by what `version` returns of them, such as `file_version`, and holds nothing open."""

    def __init__(self, version: Callable[[], object]) -> None:
        self.version = version

    def __enter__(self) -> Self:
        """Begin to watch."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Hold nothing that is to be released."""
