"""The Markdown store: a change replaces one line of the file (FORMATS section 1, SAFETY "Writing")."""

from __future__ import annotations

import os
import time

from ops_checks.errors import InputError, WriteError
from ops_checks.files.safe_open import last_write_s
from ops_checks.stores.markdown.snapshot import MarkdownSnapshot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    from ops_checks.files.file_version import FileWatch
    from ops_checks.model import Item
    from ops_checks.stores.changes import Change, Decide
    from ops_checks.stores.event import Event
    from ops_checks.stores.markdown.document import Progress
    from ops_checks.stores.markdown.rewriting import MarkdownTransaction
    from ops_checks.stores.protocol import Store


def open_store(location: str, *, lock_timeout_s: float, progress: Progress | None = None) -> Store:
    """Return the Markdown store at a path. `progress` is called with the bytes read so far and the file's size."""
    return MarkdownStore(location, lock_timeout_s=lock_timeout_s, progress=progress)


class MarkdownStore:
    """The queue in a Markdown document at `location`; `lock_timeout_s` bounds the wait for other writers."""

    kind = "markdown"

    def __init__(self, location: str, *, lock_timeout_s: float, progress: Progress | None = None) -> None:
        self.location = location
        self._lock_timeout_s = lock_timeout_s
        self._progress = progress

    def snapshot(self) -> MarkdownSnapshot:
        """Return a snapshot of the document as it is when the snapshot is entered."""
        return MarkdownSnapshot(self.location, self._progress)

    def watch(self) -> FileWatch:
        """Return what tells whether the document has changed."""
        from ops_checks.files.file_version import FileWatch, file_version

        return FileWatch(lambda: file_version(self.location))

    def __iter__(self) -> Iterator[Item]:
        """Stream the items of one snapshot. Raises InputError, ChangingError."""
        with self.snapshot() as snapshot:
            yield from (item for _, item in snapshot.items())

    def get(self, item_id: str) -> Item | None:
        """Return an item by its id, None if there is none. Raises InputError, ChangingError."""
        with self.snapshot() as snapshot:
            return snapshot.get(item_id)

    def last_write_s(self) -> float | None:
        """Return when the document was last written to, in epoch seconds; None if there is none."""
        return last_write_s(self.location)

    def events(self, item_id: str) -> list[Event]:  # noqa: ARG002 - whichever item it is
        """Return nothing: a document has no events."""
        return []

    def preview(self, item_id: str, decide: Decide) -> Change:
        """Return the change that `change` would write. Raises what `change` raises."""
        from ops_checks.stores.markdown.writing import preview

        return preview(self.location, self._lock_timeout_s, item_id, decide)

    def change(self, item_id: str, decide: Decide) -> Change:
        """Call `decide` on an item under the lock and replace its row; every other byte of the file stays.

        Begins again while other programs change the document, for as long as the lock would be waited for.
        Raises RefusedError (unknown id, or as `decide`), InputError (missing or malformed), WriteError
        (lock not acquired in time, disk, a document that does not stand still); then the file is as it was.
        Raises WriteError as well if another program has put its own version there since, without the change.
        """
        from ops_checks.stores.markdown.writing import write

        return write(self.location, self._lock_timeout_s, item_id, decide)

    def change_together(self, ids: Sequence[str], decide: Decide) -> list[Change]:
        """Change several rows at once: all of them, or none. Raises RefusedTogetherError, and what `change` raises."""
        from ops_checks.stores.markdown.writing import write_together

        return write_together(self.location, self._lock_timeout_s, ids, decide)

    def series(self) -> AbstractContextManager[MarkdownStore]:
        """Return the store itself: between two changes nothing is kept, for others write the document too."""
        from contextlib import nullcontext

        return nullcontext(self)

    def rewriting(self) -> MarkdownTransaction:
        """Return what changes many rows at once; enter it before the rows are read."""
        from ops_checks.stores.markdown.rewriting import MarkdownTransaction

        return MarkdownTransaction(self.location, self._lock_timeout_s)

    def wait_for_writers(self) -> bool:
        """Wait until no program holds the document's lock; return False if that cannot be found out in time."""
        from ops_checks.stores.markdown.lock import locked

        try:
            with locked(self.location, self._lock_timeout_s, time.monotonic() + self._lock_timeout_s):
                return True
        except (InputError, WriteError):
            return False

    def scratch_copy(self, folder: str) -> MarkdownStore:
        """Return a copy of the document in a folder. Raises InputError, ChangingError."""
        path = os.path.join(folder, "QUEUE.md")
        with self.snapshot() as snapshot, open(path, "xb") as file:
            file.write(snapshot.content())
        return MarkdownStore(path, lock_timeout_s=self._lock_timeout_s)
