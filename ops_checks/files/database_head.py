"""Read the beginning of a file that may be a live database, and drop none of its locks (SAFETY "SQLite")."""

from __future__ import annotations

import errno
import os
import stat

from ops_checks.files.contents import head_of

#: Descriptors of databases whose head was read, by device and inode: see head_of_database.
_KEPT: dict[tuple[int, int], int] = {}
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
    about = os.stat(path)
    key = about.st_dev, about.st_ino
    if key in _KEPT:
        return _KEPT[key]
    if len(_KEPT) >= _MOST_KEPT:
        _close_nameless()
    if not stat.S_ISREG(about.st_mode) or len(_KEPT) >= _MOST_KEPT:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    opened = os.fstat(descriptor)  # another file may have taken its place since
    _KEPT[opened.st_dev, opened.st_ino] = descriptor
    return descriptor


def _close_nameless() -> None:
    """Close the descriptors of files that nobody can open any more."""
    for key, descriptor in list(_KEPT.items()):
        if not os.fstat(descriptor).st_nlink:
            del _KEPT[key]
            os.close(descriptor)
