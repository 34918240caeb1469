"""Publish a new version of a file by exchanging it with the old one, and look at what was displaced (SAFETY "Writing").

A rename over a file forgets what other programs wrote between the last look and the rename. After an exchange their
version still exists, under the temporary name: it is exchanged back, and the change begins again.
"""

from __future__ import annotations

import errno
import os
import sys

from ops_checks.errors import ChangedError, WriteError
from ops_checks.files.safe_open import FileKind, close_quietly, open_regular
from ops_checks.sanitize import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_PREFIX, _SUFFIX = ".ops-checks-", ".tmp"
RENAME_NOREPLACE, _RENAME_EXCHANGE = 1, 2
#: What `renameat2` answers where the kernel or the file system has no such way to rename.
_NO_SUCH_WAY = (errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP)
_BLOCK_BYTES = 1 << 18
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Digest:
    """Size and checksum of content that passes by: enough to know one's own versions again, at the speed of reading."""

    __slots__ = ("_checksum", "_size")

    def __init__(self) -> None:
        self._size = self._checksum = 0

    def update(self, chunk: bytes) -> None:
        """Add the next bytes."""
        from zlib import crc32

        self._size += len(chunk)
        self._checksum = crc32(chunk, self._checksum)

    def noting(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield chunks, and add them."""
        for chunk in chunks:
            self.update(chunk)
            yield chunk

    @property
    def text(self) -> str:
        """The digest so far, as part of a file's name."""
        return f"{self._size:x}.{self._checksum:08x}"


class Seen:
    """What a new version was made from: the old one's `os.stat`, and how to find out that nothing changed since.

    `digest` is that of the old version, complete once the new one is written; `unchanged` returns whether the content
    that was read is still what that file (whatever its name) holds; `ready` whether the new version may be published
    at all: it is called directly before. `published` is the state of the new version, None until it has the name.
    """

    __slots__ = ("digest", "new", "published", "ready", "state", "unchanged")

    def __init__(
        self,
        state: os.stat_result,
        digest: Digest,
        *,
        unchanged: Callable[[], bool],
        ready: Callable[[], bool] = lambda: True,
    ) -> None:
        self.state = state
        self.digest = digest
        self.new = Digest()
        self.unchanged = unchanged
        self.ready = ready
        self.published: os.stat_result | None = None

    def stands(self, path: str) -> bool:
        """Return whether a path still leads to the version that was published."""
        try:
            return self.published is not None and _version_of(os.stat(path)) == _version_of(self.published)
        except OSError:
            return False


def publish(folder_fd: int, temporary: str, name: str, path: str, seen: Seen) -> bool:
    """Give the file `temporary` the name `name` if that still leads to the version `seen`. Return True.

    Both are names in the open folder. Raises ChangedError if another program changed the file, or took one of both
    away; its version is at the name then. Raises WriteError if that could not be given back: it is kept, and named.
    """
    try:
        new = os.stat(temporary, dir_fd=folder_fd, follow_symlinks=False)
        temporary = _rename_to_digests(folder_fd, temporary, name, seen)
        if not _replace(folder_fd, temporary, name, new, seen):
            raise changed(path)
    except FileNotFoundError as error:
        raise changed(path) from error
    seen.published = new
    return True


def _replace(folder_fd: int, temporary: str, name: str, new: os.stat_result, seen: Seen) -> bool:
    """Exchange both names, or rename where the system cannot. Return whether the version that was seen was replaced."""
    exchanged = False
    leases = not _has_writers(folder_fd, temporary)  # of our own file there are none: else leases tell nothing here
    try:
        if not seen.ready() or not _may_be_replaced(folder_fd, name, seen, leases=leases):
            return False
        exchanged = _exchange(folder_fd, temporary, name)
        if not exchanged:
            os.rename(temporary, name, src_dir_fd=folder_fd, dst_dir_fd=folder_fd)
            return True
    finally:
        if not exchanged:
            _remove(folder_fd, temporary)
    return _settle(folder_fd, temporary, name, new, seen, leases=leases)


def _may_be_replaced(folder_fd: int, name: str, seen: Seen, *, leases: bool) -> bool:
    """Return whether a file still is the version that was seen, and nobody is about to write to it."""
    return _version(folder_fd, name) == _version_of(seen.state) and not (leases and _has_writers(folder_fd, name))


def _settle(folder_fd: int, temporary: str, name: str, new: os.stat_result, seen: Seen, *, leases: bool) -> bool:
    """Remove the version that was displaced if it is the one that was seen, else give it the name back.

    Return whether it was. Raises WriteError as `publish` does.
    """
    same = False
    try:
        same = _may_be_replaced(folder_fd, temporary, seen, leases=leases) and seen.unchanged()
    finally:  # also after an interrupt, or whatever failed: what is not known to be the same is given back
        if not same:
            _give_back(folder_fd, temporary, name, new)
    _remove(folder_fd, temporary)
    return same


def _remove(folder_fd: int, temporary: str) -> None:
    """Remove a version that nobody needs any more. One that stays is removed by the next holder of the lock."""
    try:
        os.unlink(temporary, dir_fd=folder_fd)
    except OSError:
        return


def clear_leftovers(path: str) -> None:
    """Remove what a program that was killed while publishing left beside the file. Call it under the file's lock.

    That is a version of our own that never got the name, or the version that ours was made from. Anything else is
    what another program wrote in that moment: raises WriteError that names it, and keeps it.
    """
    folder, name = os.path.split(os.path.realpath(path))
    begin = _PREFIX + _name_code(name) + "-"
    for other in _names(folder):
        if other.startswith(begin) and other.endswith(_SUFFIX):
            beside = os.path.join(folder, other)
            if _digest(beside) not in other.removesuffix(_SUFFIX).split("-")[-2:]:
                raise WriteError(
                    f"{visible(path)}: an interrupted change left what another program had written in "
                    f"{visible(beside)}: put what only that file has into the queue, then move it elsewhere"
                )
            os.unlink(beside)


def _names(folder: str) -> list[str]:
    """Return the names in a folder; none of one that may be written to and not listed."""
    try:
        return os.listdir(folder)
    except PermissionError:
        return []


def _digest(path: str) -> str:
    """Return the digest of a file's content. Raises WriteError, OSError if it cannot be read."""
    digest = Digest()
    fd, _ = open_regular(path, FileKind("left-over file", "look at what it is", wrong_path=WriteError))
    with os.fdopen(fd, "rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.text


def changed(path: str) -> ChangedError:
    """Return the error for a file that another program changed after it was read."""
    return ChangedError(
        f"{visible(path)}: not written, because another program changed the file meanwhile; run the command again"
    )


def _exchange(folder_fd: int, one: str, other: str) -> bool:
    """Exchange two names in a folder atomically. Return False where the system cannot. Raises OSError."""
    return rename_in_a_way(folder_fd, one, other, _RENAME_EXCHANGE)


def rename_in_a_way(folder_fd: int, one: str, other: str, way: int) -> bool:
    """Rename in a folder as `renameat2` does by its flag. Return False where the system cannot. Raises OSError."""
    import ctypes

    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):  # no such function in this system's library
        return False
    if renameat2(folder_fd, os.fsencode(one), folder_fd, os.fsencode(other), way) == 0:
        return True
    number = ctypes.get_errno()
    if number in _NO_SUCH_WAY:
        return False
    raise OSError(number, os.strerror(number))


def _give_back(folder_fd: int, temporary: str, name: str, new: os.stat_result) -> None:
    """Exchange a displaced version of another program back, and remove ours.

    If yet another version came to the name in that moment, it stays there: it is the newest. Raises WriteError, which
    names the temporary file if that stays.
    """
    try:
        _exchange(folder_fd, temporary, name)
    except OSError as error:
        raise WriteError(
            f"{visible(name)}: written, but {temporary} beside it may hold what another program wrote in this moment "
            f"({error.strerror}): put what only that file has into the queue, then move it elsewhere"
        ) from error
    try:
        ours = _version(folder_fd, temporary) == _version_of(new)
    except OSError as error:
        raise WriteError(
            f"{visible(name)}: not written, the file is as it was, and {temporary} stayed beside it "
            f"({error.strerror}); check the disk"
        ) from error
    if ours:
        _remove(folder_fd, temporary)
        return
    _exchange(folder_fd, temporary, name)
    raise WriteError(
        f"{visible(name)}: not written, because two other programs changed the file in this moment; it holds the later "
        f"version, and {temporary} beside it the earlier: put what only that file has into the queue, then move it "
        "elsewhere"
    )


def _has_writers(folder_fd: int, name: str) -> bool:
    """Return whether a program has a file open for writing: the system grants a read lease only if none has."""
    if sys.platform != "linux":
        return False
    import fcntl

    # `signal` builds its enums first, which takes longer than all of this
    from _signal import SIGURG  # type: ignore[import-not-found] # typeshed has no C modules

    try:
        fd = os.open(name, _READ, dir_fd=folder_fd)
    except OSError:
        return False
    try:
        fcntl.fcntl(fd, fcntl.F_SETSIG, SIGURG)  # ignored by default; that of a lease ends the process
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        return error.errno == errno.EAGAIN
    else:
        return False
    finally:
        close_quietly(fd)


def _rename_to_digests(folder_fd: int, temporary: str, name: str, seen: Seen) -> str:
    """Rename a temporary file so that its name tells, after a crash, which versions it may hold; return that name."""
    told = f"{_PREFIX}{_name_code(name)}-{os.urandom(4).hex()}-{seen.new.text}-{seen.digest.text}{_SUFFIX}"
    os.rename(temporary, told, src_dir_fd=folder_fd, dst_dir_fd=folder_fd)
    return told


def _name_code(name: str) -> str:
    from zlib import crc32

    return f"{crc32(os.fsencode(name)):08x}"


def _version(folder_fd: int, name: str) -> tuple[int, ...] | None:
    """Return the version of the file at a name, None if there is none."""
    try:
        return _version_of(os.stat(name, dir_fd=folder_fd, follow_symlinks=False))
    except FileNotFoundError:
        return None


def _version_of(state: os.stat_result) -> tuple[int, ...]:
    """Return device, inode, size and time of the last write. The change time is none of it: a rename sets it."""
    return (state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns)
