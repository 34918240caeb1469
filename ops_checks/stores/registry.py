"""The registry of store kinds, and the choice of one by a location."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ops_checks.stores.protocol import Store

    Progress = Callable[[int, int], object]
    #: Id, status, task and owner of an item.
    Glanced = tuple[str, str, str, str]

DEFAULT_LOCK_TIMEOUT_S = 10.0


class StoreKind:
    """One kind of store.

    `module` defines `open_store(location, *, lock_timeout_s, progress)` and is imported when a store is opened. The
    module `glance` beside it defines `glance(location, prefix, most)`.
    A location selects this kind by a URL scheme (`schemes`) or by the end of its path (`suffixes`).
    """

    __slots__ = ("module", "name", "schemes", "suffixes")

    def __init__(
        self, name: str, module: str, *, schemes: tuple[str, ...] = (), suffixes: tuple[str, ...] = ()
    ) -> None:
        self.name = name
        self.module = module
        self.schemes = schemes
        self.suffixes = suffixes

    def open(
        self,
        location: str,
        *,
        lock_timeout_s: float = DEFAULT_LOCK_TIMEOUT_S,
        progress: Progress | None = None,
    ) -> Store:
        """Return the store at a location; nothing is read yet. See `open_queue`."""
        __import__(self.module)  # importlib's import alone takes longer
        store: Store = sys.modules[self.module].open_store(location, lock_timeout_s=lock_timeout_s, progress=progress)
        return store

    def glance(self, location: str, prefix: str, most: int) -> Iterator[Glanced]:
        """Yield some items whose ids begin so, at most `most`: for a completion, which neither waits nor writes.

        It takes less than opening the store. What it says may be out of date; whatever keeps it from reading is raised.
        """
        module = f"{self.module.rpartition('.')[0]}.glance"
        __import__(module)
        items: Iterator[Glanced] = sys.modules[module].glance(location, prefix, most)
        return items


MARKDOWN = StoreKind("markdown", "ops_checks.stores.markdown.store", suffixes=(".md", ".markdown"))
SQLITE = StoreKind("sqlite", "ops_checks.stores.sqlite.store", suffixes=(".db", ".sqlite", ".sqlite3"))

#: Every kind of store by its name.
STORES = {kind.name: kind for kind in (MARKDOWN, SQLITE)}


def is_url(location: str) -> bool:
    """Return whether a location is a URL of a store kind, and so no path of a file."""
    scheme = location.partition(":")[0]
    return any(scheme in kind.schemes for kind in STORES.values())


def store_kind(location: str, default: StoreKind) -> StoreKind:
    """Return the kind of a location's URL scheme, else the default: a file may have any name."""
    scheme = location.partition(":")[0]
    return next((kind for kind in STORES.values() if scheme in kind.schemes), default)


def open_queue(location: str | os.PathLike[str], *, lock_timeout_s: float = DEFAULT_LOCK_TIMEOUT_S) -> Store:
    """Return the store at a location: its kind by URL scheme, else by the path's suffix, else Markdown.

    Nothing is read yet. `lock_timeout_s` bounds the wait for other writers, in seconds.
    """
    location = os.fspath(location)
    by_suffix = next((kind for kind in STORES.values() if kind.suffixes and location.endswith(kind.suffixes)), MARKDOWN)
    return store_kind(location, by_suffix).open(location, lock_timeout_s=lock_timeout_s)
