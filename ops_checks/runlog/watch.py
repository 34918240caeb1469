"""Tell cheaply whether a run log has changed: by the identity, size and time of each file that it is."""

from __future__ import annotations

from ops_checks.errors import InputError
from ops_checks.files.file_version import file_version
from ops_checks.runlog.patterns import expand_logs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Self


class LogWatch:
    """Watches the logs that paths and patterns name, and holds nothing open."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._patterns = patterns

    def __enter__(self) -> Self:
        """Begin to watch."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Hold nothing that is to be released."""

    def version(self) -> object:
        """Return the states of the files there are; None where the names cannot be told."""
        try:
            return tuple((path, file_version(path)) for path in expand_logs(self._patterns))
        except InputError:
            return None
