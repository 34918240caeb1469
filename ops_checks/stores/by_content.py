"""Tell the kind of an existing queue by its content, whatever its name is."""

from __future__ import annotations

from ops_checks.errors import InputError
from ops_checks.files.database_head import head_of_database
from ops_checks.files.safe_open import FileKind, stat_regular
from ops_checks.sanitize import visible
from ops_checks.stores.registry import MARKDOWN, SQLITE, is_url, store_kind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ops_checks.stores.registry import StoreKind

_QUEUE = FileKind("queue", "name a queue document or a queue database")
_OF_SQLITE = b"SQLite format 3\0"


def kind_by_content(path: str) -> StoreKind:
    """Return the kind of the queue at a location: a database begins as SQLite's files do, all else is a document.

    Raises InputError for a file that is missing, empty or no regular one.
    """
    if is_url(path):
        return store_kind(path, SQLITE)
    if not stat_regular(path, _QUEUE).st_size:
        raise InputError(f"{visible(path)}: is empty, neither a document nor a database: restore it from git or a copy")
    return SQLITE if head_of_database(path).startswith(_OF_SQLITE) else MARKDOWN
