"""Exclusive locks on files beside what they guard (SAFETY "Writing").

A lock file is never removed by us: a lock on a renamed or removed file guards nothing. Others may remove it
(`git clean`), so whoever holds the lock can find out whether the name still leads to it.
"""

from __future__ import annotations

import errno
import fcntl
import math
import os
import stat
import time

from ops_checks.errors import WriteError
from ops_checks.files.safe_open import close_quietly
from ops_checks.sanitize import visible

_FLAGS = os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_POLL_S = 0.01
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)


def take_lock(name: str, *, mode: int, until: float = math.inf) -> int | None:
    """Lock the file `name`, made with `mode` if it is missing; return its descriptor, None if the time is up.

    Waits for other holders up to the moment `until` of the monotonic clock, in seconds; asks once in any case.
    Closing the descriptor, or the end of the process, releases the lock. Raises WriteError for a lock that cannot
    be taken at all: a symlink or no regular file stands there, permissions, a file system without locks.
    """
    while True:
        fd = _open(name, mode)
        try:
            if _try_lock(fd, name) and lock_stands(fd, name):
                return fd
        except BaseException:
            close_quietly(fd)
            raise
        close_quietly(fd)
        if time.monotonic() >= until:
            return None
        time.sleep(_POLL_S)


def lock_stands(fd: int, name: str) -> bool:
    """Return whether a lock file is still at its name: others lock what is there, not what was moved away."""
    try:
        held, there = os.fstat(fd), os.stat(name, follow_symlinks=False)
    except OSError:
        return False
    return (held.st_dev, held.st_ino) == (there.st_dev, there.st_ino)


def lock_holders(*names: str) -> str:
    """Return the processes that hold locks on files, as text, as far as this system lists them."""
    inodes = set()
    for name in names:
        try:
            inodes.add(str(os.stat(name).st_ino))
        except OSError:  # no such file, so no lock on it
            continue
    try:
        with open("/proc/locks", encoding="ascii") as table:
            rows = [line.split() for line in table if "->" not in line]
    except OSError:
        return "another program"
    pids = {row[4] for row in rows if row[5].rpartition(":")[2] in inodes} - {"-1", "0"}
    others = pids - {str(os.getpid())} or pids
    return ", ".join(_describe(pid) for pid in sorted(others)) or "another program"


def _open(name: str, mode: int) -> int:
    try:
        try:
            fd = os.open(name, os.O_RDWR | _FLAGS, mode)
        except PermissionError as denied:  # another user's lock file: it can be locked by who may only read it
            try:
                fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            except FileNotFoundError:
                raise denied from None
    except OSError as error:
        raise _not_taken(name, error) from error
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        close_quietly(fd)
        raise WriteError(f"{visible(name)}: the lock cannot be taken (no regular file): look at what it is")
    return fd


def _try_lock(fd: int, name: str) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno in _NO_LOCKS:
            raise WriteError(
                f"{visible(name)}: this file system has no locks ({error.strerror}): put the queue on one that has"
            ) from error
        raise _not_taken(name, error) from error
    return True


def _not_taken(name: str, error: OSError) -> WriteError:
    return WriteError(f"{visible(name)}: the lock cannot be taken ({error.strerror}): check the folder's permissions")


def _describe(pid: str) -> str:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read(200).replace(b"\0", b" ").decode("utf-8", "replace").strip()
    except OSError:
        return f"process {pid}"
    return f"process {pid} ({visible(words)})"
