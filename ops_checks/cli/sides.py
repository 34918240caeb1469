"""Which of the two queues may be changed."""

from __future__ import annotations

from ops_checks.context import DB_SIDE, MARKDOWN_SIDE
from ops_checks.errors import RefusedError
from ops_checks.sanitize import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ops_checks.context import Context


def must_be_open_to_change(context: Context, side: str) -> None:
    """Raise RefusedError for a document that may only be read: it is a view, or the environment says so."""
    if side == DB_SIDE:
        return
    name = visible(context.queue)
    if side == MARKDOWN_SIDE and context.source_of_truth == "db":
        raise RefusedError(
            f"{name}: is a view of the database, by the policy: change it with --db, or both with --both"
        )
    if context.markdown_read_only:
        raise RefusedError(f"{name}: read-only by ORCH_QUEUE_MD_READ_ONLY: change the database with --db")
