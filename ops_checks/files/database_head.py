"""Read the beginning of a file that may be a live database, and drop none of its locks (SAFETY "SQLite")."""

from __future__ import annotations

import errno
import os
import stat

from ops_checks.files.contents import head_of

#: Descriptors of databases whose head was read: see head_of_database.
_KEPT: list[int] = []
_MOST_KEPT = 256


def head_of_database(path: str) -> bytes:
    """Return the first bytes of a file that may be a live database; none if it cannot be read.

    The descriptor stays open as long as the file has a name: closing it would drop the locks of every connection that
    this process has to the file (SAFETY "SQLite"). One is kept for each file, and of so many files only.
    """
    try:
        return head_of(_kept(path))
    except (OSError, ValueError):
        return b""


def _kept(path: str) -> int:
    """Return the descriptor of a regular file that stays open; raise OSError if there is none to be had."""
    for descriptor in [each for each in _KEPT if not os.fstat(each).st_nlink]:
        _KEPT.remove(descriptor)
        os.close(descriptor)
    about = os.stat(path)
    known = next((each for each in _KEPT if os.path.samestat(os.fstat(each), about)), None)
    if known is not None:
        return known
    if not stat.S_ISREG(about.st_mode) or len(_KEPT) >= _MOST_KEPT:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
    _KEPT.append(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY))
    return _KEPT[-1]
