"""Append one line to a file that many programs append to, and now and then write it anew without its oldest lines.

The file itself is locked, and whoever holds the lock makes sure that it is the one at its name: it is replaced by a
rename, and a lock on what was moved away guards nothing (SAFETY). So no line goes into a file that is there no more.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat

from ops_checks.errors import UsageError, WriteError
from ops_checks.files.atomic_write import NEW_FILE_MODE
from ops_checks.files.file_lock import lock_holders, take_lock
from ops_checks.files.safe_open import close_quietly
from ops_checks.sanitize import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

#: So much of the beginning of a file tells whether it is one of its kind.
HEAD_BYTES = 1 << 16


def must_be_appendable(path: str, noun: str, is_own: Callable[[bytes], bool]) -> None:
    """Raise UsageError for a path at which something else stands than a file of a kind; none at all is fine.

    `noun` is the kind's name, for messages; `is_own` is asked about the first HEAD_BYTES of what stands there. No
    symlink is followed. Raises WriteError for a file that cannot be read.
    """
    try:
        state = os.lstat(path)
    except FileNotFoundError:
        _must_have_folder(path)
        return
    except (OSError, ValueError) as error:
        why = f" ({error.strerror})" if isinstance(error, OSError) else ""
        raise UsageError(f"{visible(path)}: no {noun} has such a path{why}: name another file") from error
    _must_be_regular(path, noun, state)
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise _not_appended(path, error) from error
    try:
        _must_be_own(path, noun, fd, is_own)
    finally:
        close_quietly(fd)


def append_line(
    path: str,
    line: bytes,
    noun: str,
    is_own: Callable[[bytes], bool],
    *,
    until: float,
    then: Callable[[int], object] = lambda _fd: None,
) -> None:
    r"""Append a line, which ends in `\n`, by one write; the file is made if it is missing.

    What a writer left behind that was killed within its line gets a line end first, so that the two do not run
    together. `then` is called with the descriptor of the file while it is still locked. Waits for other writers until
    the moment `until` of the monotonic clock, in seconds. Raises what `must_be_appendable` raises, WriteError.
    """
    must_be_appendable(path, noun, is_own)
    fd = take_lock(path, mode=NEW_FILE_MODE, until=until)
    if fd is None:
        holders = lock_holders(path)
        raise WriteError(f"{visible(path)}: not written, because {holders} holds it: try again when that is done")
    try:
        _must_be_own(path, noun, fd, is_own)
        fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_APPEND)
        data = line if _is_whole(fd) else b"\n" + line
        if os.write(fd, data) != len(data):
            raise WriteError(f"{visible(path)}: written only in part: check the disk")
        then(fd)
    except OSError as error:
        raise _not_appended(path, error) from error
    finally:
        close_quietly(fd)


def _is_whole(fd: int) -> bool:
    """Return whether a file ends where a line ends."""
    size = os.fstat(fd).st_size
    return not size or os.pread(fd, 1, size - 1) == b"\n"


def _must_have_folder(path: str) -> None:
    folder = os.path.dirname(path) or os.curdir
    if not os.path.isdir(folder):
        raise UsageError(f"{visible(path)}: its folder is not there: make it, or name another file")


def _must_be_regular(path: str, noun: str, state: os.stat_result) -> None:
    if not stat.S_ISREG(state.st_mode):
        what = "a symlink" if stat.S_ISLNK(state.st_mode) else "no regular file"
        raise UsageError(f"{visible(path)}: is {what}, not a {noun}: name the file itself, or another one")


def _must_be_own(path: str, noun: str, fd: int, is_own: Callable[[bytes], bool]) -> None:
    try:
        head = os.pread(fd, HEAD_BYTES, 0)
    except OSError as error:
        raise _not_appended(path, error) from error
    if head and not is_own(head):
        raise UsageError(f"{visible(path)}: holds something else than a {noun}, and is kept: name another file")


def _not_appended(path: str, error: OSError) -> WriteError:
    """Return the error for a line that was not appended. A file that may only be read is locked all the same."""
    reason = "this user may only read it" if error.errno == errno.EBADF else error.strerror
    return WriteError(f"{visible(path)}: not written ({reason}): check the path, its permissions and the disk")
