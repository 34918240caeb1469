"""Why SQLite failed, and what to do: one row a cause (FORMATS section 1 "What everybody meets has its own words").

SQLite's own messages name a symptom. Nothing here advises to remove what lies beside a database, nor to open it as
immutable: either loses rows in silence (SAFETY "SQLite").
"""

from __future__ import annotations

import os
import sqlite3

from ops_checks.errors import InputError, LockedError, OpsError, ReadOnlyError, WriteError
from ops_checks.files.contents import explain
from ops_checks.files.database_head import head_of_database
from ops_checks.sanitize import visible
from ops_checks.stores.sqlite.connection import DATABASE
from ops_checks.stores.tables import EVENTS, TABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

#: Where the header says how the file is written: 2 for a write-ahead log (SQLite's file format, 1.3.3).
_WRITE_VERSION_AT = 18
_WAL = 2


class Failure:
    """A failure of SQLite on the file at `path`: its `name` (SQLITE_BUSY, "" for an error of Python) and `reason`."""

    __slots__ = ("name", "path", "real", "reason", "writing")

    def __init__(self, path: str, error: BaseException, *, writing: bool) -> None:
        self.path = path
        self.real = os.path.realpath(path) if os.path.islink(path) else path  # what lies beside it lies beside that
        self.writing = writing
        self.name = str(getattr(error, "sqlite_errorname", "") or "")
        self.reason = visible(str(error).replace("\n", " ") or "no memory for it")

    def beside(self, suffix: str) -> str:
        """Return the path, for a message, of what SQLite keeps beside the file."""
        return visible(self.real + suffix)

    @property
    def folder(self) -> str:
        """The folder in which SQLite makes its files."""
        return os.path.dirname(self.real) or "."


def translate(path: str, error: BaseException, *, writing: bool) -> OpsError:
    """Return the error that a user sees in place of the driver's: a WriteError if `writing`, else an InputError."""
    failure = Failure(path, error, writing=writing)
    say = next((say for applies, say in _CAUSES if applies(failure)), _unknown)
    if writing:
        kind: type[OpsError] = ReadOnlyError if say in (_unwritable, _read_only) else WriteError
    else:
        kind = LockedError if say is _locked else InputError
    return kind(f"{visible(path)}: {say(failure)}")


def read_only(path: str) -> ReadOnlyError | None:
    """Return the error for a database that surely may only be read, None for one that perhaps may be written.

    Whether its folder must be written too only the attempt shows.
    """
    if not os.path.isfile(path) or os.access(path, os.W_OK) or not os.access(path, os.R_OK):
        return None
    return ReadOnlyError(f"{visible(path)}: {_unwritable(Failure(path, OSError(), writing=True))}")


def _unknown(failure: Failure) -> str:
    return f"{'nothing was written' if failure.writing else 'cannot be read'} ({failure.reason}): check the file"


def _named(*names: str) -> Callable[[Failure], bool]:
    """Return whether a failure has one of these names, or a more special one."""
    return lambda failure: failure.name.startswith(names)


def _saying(*words: str) -> Callable[[Failure], bool]:
    return lambda failure: any(each in failure.reason for each in words)


def _locked(failure: Failure) -> str:
    from ops_checks.files.file_lock import lock_holders

    holders = lock_holders(failure.path, failure.path + "-shm")
    return f"locked by {holders}: wait for it, or give --lock-timeout more seconds"


def _no_database(failure: Failure) -> str:
    what = explain(head_of_database(failure.path), DATABASE)
    return what or (
        "is no SQLite database, or one that is encrypted or damaged: name the database with --db, or restore it from "
        "a copy"
    )


#: What SQLite reports then: a journal cannot be made, or one that was left behind cannot be undone and removed.
_FOR_WANT_OF_A_RIGHT = (
    "SQLITE_CANTOPEN",
    "SQLITE_READONLY",
    "SQLITE_PERM",
    "SQLITE_IOERR_DELETE",
    "SQLITE_IOERR_ACCESS",
)


def _may_not_write(failure: Failure) -> bool:
    """Return whether a failure is for want of a right: SQLite reports the same one in many ways."""
    if not failure.name.startswith(_FOR_WANT_OF_A_RIGHT):
        return False
    path = failure.path
    return not (os.access(path, os.R_OK | os.W_OK) and os.access(failure.folder, os.W_OK | os.X_OK))


def _may_only_be_read(failure: Failure) -> bool:
    """Return whether a change fails for want of a right that a reader does not need."""
    return failure.writing and _may_not_write(failure) and os.access(failure.path, os.R_OK) and not _is_hot(failure)


def _is_hot(failure: Failure) -> bool:
    """Return whether a journal that was left behind must be undone first."""
    named = failure.name in ("SQLITE_READONLY_ROLLBACK", "SQLITE_IOERR_DELETE")
    return named or os.path.exists(failure.real + "-journal")


def _rights(failure: Failure) -> str:
    """Return which right is missing: to read the file, to undo, to make the files of a write-ahead log."""
    if not os.access(failure.path, os.R_OK):
        return f"may not be read by this user (user id {os.geteuid()}): ask its owner for the right"
    if _is_hot(failure):
        return (
            f"a program was cut off while it wrote, and SQLite must first undo that from {failure.beside('-journal')}, "
            f"but {_closed(failure.folder)}: run the command once as who may write there; the journal has to stay there"
        )
    if os.path.exists(failure.real + "-wal") or _is_wal(failure):
        return (
            f"is written through a write-ahead log, and to read it SQLite must make {failure.beside('-shm')}, but "
            f"{_closed(failure.folder)}: run where that folder may be written, or have who may write there make a copy "
            "to read here (`sqlite3 FILE \"VACUUM INTO 'COPY'\"`), and name the copy"
        )
    return _not_opened(failure)


def _unwritable(failure: Failure) -> str:
    if not os.access(failure.path, os.W_OK):
        closed = "it is on a read-only file system" if _is_read_only(failure.real) else "this user may only read it"
        return f"not written, because {closed}: run this where, or as who, may write it"
    return (
        f"not written, because {_closed(failure.folder)}, and SQLite keeps its journal beside the database: run this "
        "where, or as who, may write there"
    )


def _closed(folder: str) -> str:
    if _is_read_only(folder):
        return f"{visible(folder)} is on a read-only file system"
    return f"this user may not write in {visible(folder)}"


def _is_read_only(path: str) -> bool:
    try:
        return bool(os.statvfs(path).f_flag & os.ST_RDONLY)
    except OSError:
        return False


def _is_wal(failure: Failure) -> bool:
    head = head_of_database(failure.path)
    return len(head) > _WRITE_VERSION_AT and head[_WRITE_VERSION_AT] == _WAL


def _virtual(_failure: Failure) -> str:
    return (
        "not written, because a trigger of the queue's tables uses a virtual table or function (a full-text index, "
        "say), and of a database that may come from anyone none of those is run: change the item with the program "
        "that keeps them, or have that index kept without triggers"
    )


def _lacking(failure: Failure) -> str:
    return (
        f"a trigger, view or index uses what only another program brings along ({failure.reason}): change the item "
        "with the program that made it"
    )


def _trigger(_failure: Failure) -> str:
    return (
        f"not written, because a trigger would write to {TABLE} or {EVENTS} as well: look at the triggers of these "
        "tables"
    )


def _full(failure: Failure) -> str:
    kept = "nothing was written" if failure.writing else "it cannot be read"
    return f"{kept}, because the disk is full: make room on it, then run this again"


def _damaged(failure: Failure) -> str:
    return (
        f"the database is damaged ({failure.reason}): restore it from a copy; `sqlite3 FILE .recover > RESCUED.sql` "
        "writes out what can still be read"
    )


def _newer(failure: Failure) -> str:
    version = sqlite3.sqlite_version
    return f"cannot be read by SQLite {version} ({failure.reason}): run where SQLite is as new as its writer's"


def _no_locks(failure: Failure) -> str:
    return f"its file system has no locks that SQLite can rely on ({failure.reason}): put the database on a local disk"


def _disk(failure: Failure) -> str:
    return f"the disk failed ({failure.reason}): check the disk, then run this again"


def _moved(_failure: Failure) -> str:
    return "another file took its place while it was open: run this again"


def _not_opened(_failure: Failure) -> str:
    return "cannot be opened: check its permissions and its folder's, and how many files this process may open"


def _read_only(_failure: Failure) -> str:
    return "may only be read by this user: ask its owner"


def _endless(failure: Failure) -> str:
    return f"a trigger or query of it ran on and on ({failure.reason}): look at the triggers of its tables"


#: Every cause that is known, the surer ones first.
_CAUSES: tuple[tuple[Callable[[Failure], bool], Callable[[Failure], str]], ...] = (
    (_named("SQLITE_BUSY", "SQLITE_LOCKED"), _locked),
    (_named("SQLITE_NOTADB"), _no_database),
    (_named("SQLITE_READONLY_DBMOVED"), _moved),
    (_named("SQLITE_PROTOCOL", "SQLITE_NOLFS"), _no_locks),
    (_named("SQLITE_FULL"), _full),
    (_may_only_be_read, _unwritable),
    (_may_not_write, _rights),
    (
        _named("SQLITE_IOERR_LOCK", "SQLITE_IOERR_RDLOCK", "SQLITE_IOERR_UNLOCK", "SQLITE_IOERR_CHECKRESERVED"),
        _no_locks,
    ),
    (_named("SQLITE_IOERR_SHM", "SQLITE_IOERR_BLOCKED"), _no_locks),
    (_named("SQLITE_IOERR"), _disk),
    (_named("SQLITE_READONLY"), _read_only),
    (_named("SQLITE_CANTOPEN"), _not_opened),
    (_named("SQLITE_AUTH"), _trigger),
    (_saying("not authorized"), _trigger),
    (_saying("unsafe use of"), _virtual),
    (_saying("no such module", "no such function", "no such collation sequence"), _lacking),
    (_saying("malformed database schema", "unsupported file format"), _newer),
    (_named("SQLITE_CORRUPT"), _damaged),
    (_named("SQLITE_INTERRUPT"), _endless),
)
