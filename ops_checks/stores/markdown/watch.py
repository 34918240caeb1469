"""Tell cheaply whether a document has changed: by its file's identity, size and time."""

from __future__ import annotations

from ops_checks.files.file_version import file_version

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self


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
        """Return the state of the file, None while it is not there; of one written just now, what equals nothing."""
        return file_version(self._path)
