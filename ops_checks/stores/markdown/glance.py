"""Glance at a document for a completion."""

from __future__ import annotations

from itertools import islice

from ops_checks.stores.markdown.snapshot import MarkdownSnapshot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ops_checks.stores.registry import Glanced

_MOST_ROWS = 20_000


def glance(path: str, prefix: str, most: int) -> Iterator[Glanced]:
    """Yield what StoreKind.glance does, of the first rows. Raises InputError, ChangingError."""
    with MarkdownSnapshot(path) as snapshot:
        rows = (item for _, item in islice(snapshot.items(), _MOST_ROWS) if item[0].startswith(prefix))
        yield from ((item[0], item[1], item[3], item[5]) for item in islice(rows, most))
