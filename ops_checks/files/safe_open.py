"""Open regular files only: without blocking, up to a size, with one set of messages (SAFETY).

Every input file is opened here. Commands that must start fast import this, so it imports next to nothing.
"""

from __future__ import annotations

import errno
import os
import stat

from ops_checks.errors import InputError, MissingError, OpsError
from ops_checks.sanitize import visible

#: The other kinds of file, with their names in messages.
_OTHER_KINDS = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
#: Errors caused by the path itself; the others come from the system.
_WRONG_PATH = (errno.ENOENT, errno.EACCES, errno.EPERM, errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG)
_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC


class FileKind:
    """A kind of input file: `noun` and `advice` are for its messages.

    `most_bytes` bounds its size, None for no bound. `wrong_path` is the error class for a path that leads to no
    such file (missing, no permission, a directory, too large); any other failure is an InputError.
    """

    __slots__ = ("advice", "most_bytes", "noun", "wrong_path")

    def __init__(
        self, noun: str, advice: str, *, most_bytes: int | None = None, wrong_path: type[OpsError] = InputError
    ) -> None:
        self.noun = noun
        self.advice = advice
        self.most_bytes = most_bytes
        self.wrong_path = wrong_path


def stat_regular(path: str, kind: FileKind) -> os.stat_result:
    """Return the state of a regular file without opening it. Raises what `open_regular` raises."""
    try:
        state = os.stat(path)
    except (OSError, ValueError) as error:
        raise _not_opened(path, kind, error) from error
    _check(path, kind, state)
    return state


def last_write_s(*paths: str) -> float | None:
    """Return when files were last written to, in epoch seconds; empty ones and missing ones do not count."""
    times = []
    for path in paths:
        try:
            state = os.stat(path)
        except (OSError, ValueError):
            continue
        if state.st_size:
            times.append(state.st_mtime)
    return max(times, default=None)


def written_state(path: str) -> tuple[int, ...] | None:
    """Return what changes when a file is replaced or written to: device, inode, size, time; None if it is not there."""
    try:
        state = os.stat(path)
    except (OSError, ValueError):
        return None
    return (state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns)


def open_regular(path: str, kind: FileKind) -> tuple[int, os.stat_result]:
    """Open a regular file for reading; return its descriptor and its state.

    Never blocks, and never opens a device. Raises `kind.wrong_path` or InputError, one line that names the path.
    """
    stat_regular(path, kind)  # before it is opened: opening a device can already do something
    try:
        fd = os.open(path, _FLAGS)
    except (OSError, ValueError) as error:
        raise _not_opened(path, kind, error) from error
    try:
        state = os.fstat(fd)
        _check(path, kind, state)  # another file may have replaced it meanwhile
    except OSError as error:
        close_quietly(fd)
        raise not_read(path, error) from error
    except OpsError:
        close_quietly(fd)
        raise
    return fd, state


def read_regular(path: str, kind: FileKind) -> bytes:
    """Return the content of a regular file. Raises what `open_regular` raises."""
    fd, _ = open_regular(path, kind)
    try:
        with os.fdopen(fd, "rb") as file:
            data = file.read() if kind.most_bytes is None else file.read(kind.most_bytes + 1)
    except OSError as error:
        raise not_read(path, error) from error
    _check_size(path, kind, len(data))  # it may have grown since it was opened
    return data


def close_quietly(fd: int) -> None:
    """Close a descriptor through which nothing was written, and ignore a failure: no data depends on it."""
    try:
        os.close(fd)
    except OSError:
        return


def not_read(path: str, error: OSError) -> InputError:
    """Return the error for a failure to read an open file."""
    return InputError(f"{visible(path)}: cannot be read ({error.strerror}): check the disk")


def _check(path: str, kind: FileKind, state: os.stat_result) -> None:
    if not stat.S_ISREG(state.st_mode):
        found = next((name for is_kind, name in _OTHER_KINDS if is_kind(state.st_mode)), "no regular file")
        raise kind.wrong_path(f"{visible(path)}: is {found}, not a {kind.noun}: {kind.advice}")
    _check_size(path, kind, state.st_size)


def _check_size(path: str, kind: FileKind, size: int) -> None:
    if kind.most_bytes is not None and size > kind.most_bytes:
        raise kind.wrong_path(f"{visible(path)}: over {kind.most_bytes:,} bytes, too large for a {kind.noun}")


def _not_opened(path: str, kind: FileKind, error: OSError | ValueError) -> OpsError:
    if not path:
        return kind.wrong_path(f"the path of the {kind.noun} is empty: {kind.advice}")
    if not isinstance(error, OSError):  # a NUL, or a lone surrogate
        return kind.wrong_path(f"{visible(path)}: no {kind.noun} has such a path: {kind.advice}")
    if error.errno == errno.ENOENT:
        missing = MissingError if kind.wrong_path is InputError else kind.wrong_path
        return missing(f"{visible(path)}: no such {kind.noun}: {kind.advice}")
    report = kind.wrong_path if error.errno in _WRONG_PATH else InputError
    return report(f"{visible(path)}: cannot be opened ({error.strerror}): check the path and its permissions")
