"""What of a project must not be committed: locks, the database and what SQLite keeps beside it, reports."""

from __future__ import annotations

import os

from ops_checks.files.ignore_patterns import as_pattern
from ops_checks.stores.registry import is_url

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

#: What SQLite keeps beside a database.
_BESIDE_DATABASE = ("-wal", "-shm", "-journal")
#: The names of reports in the manual and in the recipes for pipelines.
REPORTS = ("report.json", "gate.xml", "queue.json", "queue.xml", "queue.sarif", "gl-code-quality-report.json")
#: A new version before it has its name: a program that was killed leaves it.
_TEMPORARY = (".ops-checks-0000000000000000.tmp", ".ops-checks-*.tmp*")


def unshared(folder: str, queue: str, db: str) -> Iterator[tuple[str, str]]:
    """Yield pairs of a path relative to the project's folder (empty: the current one) and the pattern that ignores it.

    What lies outside of the folder is left out, and so is a name of a report that is taken.
    """
    yield _TEMPORARY
    real = os.path.realpath(db)
    database = () if is_url(db) else (db, *(real + suffix for suffix in _BESIDE_DATABASE))
    for path in (os.path.realpath(queue) + ".lock", *database):
        below = _below(folder, path)
        pattern = as_pattern(below) if below else None
        if below and pattern:
            yield below, pattern
    yield from ((name, f"/{name}") for name in REPORTS if not os.path.lexists(os.path.join(folder, name)))


def _below(folder: str, path: str) -> str | None:
    """Return a path relative to a folder, None if it is not below it; the folder it is in may be a symlink."""
    place, name = os.path.split(path)
    relative = os.path.relpath(os.path.realpath(place), os.path.realpath(folder or os.curdir))
    inside = relative.split(os.sep)[0] != os.pardir
    return os.path.normpath(os.path.join(relative, name)) if inside else None
