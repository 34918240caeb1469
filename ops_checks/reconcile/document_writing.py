"""The document's part of a change of both queues: whether it is written says what a failure means (RECONCILE 9)."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from ops_checks.errors import ChangedError, ChangingError, OpsError, UnknownOutcomeError, WriteError
from ops_checks.sanitize import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ops_checks.context import Context
    from ops_checks.stores.markdown.rewriting import RowEdits
    from ops_checks.stores.protocol import Snapshot
    from ops_checks.stores.transaction_protocol import DocumentTransaction

#: What finishes a plan, or a change of one item, whose document is written.
RESUME = "ops-checks reconcile resume"


class HalfWrittenError(WriteError):
    """The document is written and the database is not; the message says what finishes it."""


class DocumentWriting:
    """Writes a document whose lock is held, and remembers whether it is `written`."""

    def __init__(self, context: Context, text: DocumentTransaction) -> None:
        self._path = context.queue
        self._text = text
        self.written = False

    def write(self, left: Snapshot, edits: RowEdits) -> None:
        """Write edits over what an open snapshot read. Raises ChangedError, ChangingError, WriteError."""
        if not edits:
            return
        before = left.identity()
        self.written = True  # who is interrupted from here on cannot tell: the record stays for resume
        try:
            self._text.write(left, edits)
        except (ChangedError, ChangingError):
            self.written = False
            raise
        except Exception:  # such as a disk that fails when the new file has its name already
            self.written = self._reads_otherwise(before)
            raise

    @contextmanager
    def half_told(self, way: str = RESUME) -> Iterator[None]:
        """Raise HalfWrittenError, which names the `way` out, for whatever fails once the document is written."""
        try:
            yield
        except Exception as error:
            if not self.written:
                raise
            reason = error.message if isinstance(error, OpsError) else visible(str(error))
            database = "may be" if isinstance(error, UnknownOutcomeError) else "is not"
            raise HalfWrittenError(
                f"{visible(self._path)}: is written, the database {database} ({reason}): run `{way}`"
            ) from error

    def _reads_otherwise(self, before: str) -> bool:
        """Return whether the document is another one than it was; also where nobody can tell."""
        try:
            with self._text.snapshot() as now:
                return now.identity() != before
        except OpsError:
            return True
