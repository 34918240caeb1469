"""The registry of store kinds, and the choice of one by a location."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from ops_checks.stores.protocol import Store
    from ops_checks.stores.transaction_protocol import NewQueue

    Progress = Callable[[int, int], object]
    #: The folder that exists, empty for the current one, and the path below it; or nothing, and a server's location.
    Place = tuple[str, str]
    #: Id, status, task and owner of an item.
    Glanced = tuple[str, str, str, str]

DEFAULT_LOCK_TIMEOUT_S = 10.0


class StoreKind:
    """One kind of store.

    In `package` the module `store` defines `open_store(location, *, lock_timeout_s, progress)` and is imported when a
    store is opened, and `glance` defines `glance(location, prefix, most)`. Of a database the module
    `new` defines `make_queue(place, fill, *, lock_timeout_s)`.
    A location selects this kind by the end of its path (`suffixes`), or by how it begins, with one of `prefixes` or
    with one of `words` and `=`: then it is no path, and the module `location` defines `server_location(text)`. `extra`
    is the extra of this package with what the kind needs, empty where that is always installed.
    """

    __slots__ = ("extra", "name", "package", "prefixes", "suffixes", "words")

    def __init__(
        self,
        name: str,
        package: str,
        *,
        extra: str = "",
        prefixes: tuple[str, ...] = (),
        words: frozenset[str] = frozenset(),
        suffixes: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.package = package
        self.extra = extra
        self.prefixes = prefixes
        self.words = words
        self.suffixes = suffixes

    def open(
        self,
        location: str,
        *,
        lock_timeout_s: float = DEFAULT_LOCK_TIMEOUT_S,
        progress: Progress | None = None,
    ) -> Store:
        """Return the store at a location; nothing is read yet. See `open_queue`."""
        opened = self._beside("store").open_store
        store: Store = opened(location, lock_timeout_s=lock_timeout_s, progress=progress)
        return store

    def glance(self, location: str, prefix: str, most: int) -> Iterator[Glanced]:
        """Yield some items whose ids begin so, at most `most`: for a completion, which neither waits nor writes.

        It takes less than opening the store. What it says may be out of date; whatever keeps it from reading is raised.
        """
        items: Iterator[Glanced] = self._beside("glance").glance(location, prefix, most)
        return items

    def make(
        self, place: Place, fill: Callable[[NewQueue], object], *, lock_timeout_s: float = DEFAULT_LOCK_TIMEOUT_S
    ) -> bool:
        """Make a new queue where there is none, and return whether it was made: what is there is kept.

        `fill` is called with the transaction in which it is made. The queue is there as a whole when that is
        committed, after `fill`, or not at all. Raises WriteError, InputError for what is there and no queue, and what
        `fill` raises.
        """
        made: bool = self._beside("new").make_queue(place, fill, lock_timeout_s=lock_timeout_s)
        return made

    def located(self, location: str) -> str:
        """Return a location of this kind as it is shown to people; opened, it leads to the same queue.

        Raises UsageError for one that cannot be read, or that must not be shown to others.
        """
        shown: str = self._beside("location").server_location(location) if self.prefixes else location
        return shown

    def _beside(self, name: str) -> ModuleType:
        module = f"{self.package}.{name}"
        try:
            __import__(module)  # importlib's import alone takes longer
        except ImportError as error:
            if not self.extra:
                raise
            from ops_checks.errors import InputError, install_extra
            from ops_checks.sanitize import visible

            raise InputError(
                f"a queue of the kind {self.name} needs what is not installed ({visible(str(error))}): "
                f"{install_extra(self.extra)}"
            ) from error
        return sys.modules[module]


#: What libpq reads, and our own `schema`: a location that begins so must not pass for a file's name.
_WORDS = (
    "application_name authtype channel_binding client_encoding connect_timeout dbname fallback_application_name "
    "gssdelegation gssencmode gsslib host hostaddr keepalives keepalives_count keepalives_idle "
    "keepalives_interval krbsrvname load_balance_hosts max_protocol_version min_protocol_version oauth_client_id "
    "oauth_client_secret oauth_issuer oauth_scope options passfile password port replication require_auth "
    "requirepeer requiressl schema scram_client_key scram_server_key service servicefile ssl_max_protocol_version "
    "ssl_min_protocol_version sslcert sslcertmode sslcompression sslcrl sslcrldir sslkey sslkeylogfile sslmode "
    "sslnegotiation sslpassword sslrootcert sslsni target_session_attrs tcp_user_timeout tty user"
)

MARKDOWN = StoreKind("markdown", "ops_checks.stores.markdown", suffixes=(".md", ".markdown"))
SQLITE = StoreKind("sqlite", "ops_checks.stores.sqlite", suffixes=(".db", ".sqlite", ".sqlite3"))
POSTGRES = StoreKind(
    "postgres",
    "ops_checks.stores.postgres",
    extra="postgres",
    prefixes=("postgresql:", "postgres:"),
    words=frozenset(_WORDS.split()),
)

#: Every kind of store by its name.
STORES = {kind.name: kind for kind in (MARKDOWN, SQLITE, POSTGRES)}


def _by_prefix(location: str) -> StoreKind | None:
    beginning = location[:40].strip().lower()
    word = beginning.partition("=")[0].rstrip() if "=" in beginning else ""
    return next((kind for kind in STORES.values() if word in kind.words or beginning.startswith(kind.prefixes)), None)


def is_url(location: str) -> bool:
    """Return whether a location is none of a file: a URL of a store kind, or other words for a server."""
    return _by_prefix(location) is not None


def is_there(location: str) -> bool:
    """Return whether there may be a queue at a location; of a server that is not asked here."""
    return is_url(location) or os.path.lexists(location)


def same_location(one: str, other: str) -> bool:
    """Return whether two locations lead to the same queue, as far as they themselves tell."""
    if is_url(one) or is_url(other):
        return written(one) == written(other)
    return os.path.realpath(one) == os.path.realpath(other)


def written(location: str) -> str:
    """Return a location as a person wrote it, where it is shown in another way."""
    as_written: str = getattr(location, "written", location)
    return as_written


def store_kind(location: str, default: StoreKind) -> StoreKind:
    """Return the kind that a location begins as, else the default: a file may have any name."""
    return _by_prefix(location) or default


def located(location: str) -> str:
    """Return a location as it is shown to people; opened, it leads to the same queue.

    Raises UsageError for a location on a server that cannot be read or holds a password, and for any other URL. Nothing
    of it is shown.
    """
    kind = _by_prefix(location)
    if kind is not None:
        return kind.located(location)
    if any(sign in location for sign in ("=", "@", "://")) and not os.path.lexists(location):
        from ops_checks.stores.secrets import must_be_path

        must_be_path(location)
    return location


def open_queue(location: str | os.PathLike[str], *, lock_timeout_s: float = DEFAULT_LOCK_TIMEOUT_S) -> Store:
    """Return the store at a location: its kind by how it begins, else by the path's suffix, else Markdown.

    Nothing is read yet. `lock_timeout_s` bounds the wait for other writers, in seconds. Raises UsageError for a
    location that cannot be read; see `located`.
    """
    location = located(os.fspath(location))
    by_suffix = next((kind for kind in STORES.values() if kind.suffixes and location.endswith(kind.suffixes)), MARKDOWN)
    return store_kind(location, by_suffix).open(location, lock_timeout_s=lock_timeout_s)
