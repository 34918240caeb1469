"""Replace a file atomically: at any moment its name leads to the complete old or new content (SAFETY).

Commands that must start fast import this, so it imports next to nothing.
"""

from __future__ import annotations

import errno
import os
import stat
import sys

from ops_checks.errors import WriteError
from ops_checks.files.exchange import changed, publish
from ops_checks.files.safe_open import close_quietly
from ops_checks.sanitize import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ops_checks.files.exchange import Seen

#: Never follows a planted symlink, never opens an existing file.
NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_BUFFER_BYTES = 1 << 18
_STALE_S = 3600
#: Of a new file, less what the umask takes: under umask 0 too, not everybody may write to it.
NEW_FILE_MODE = 0o664
#: Of the name before the file is published; longer names may hold another program's version.
_TEMPORARY_LENGTH = len(".ops-checks-0000000000000000.tmp")


def replace_file(
    path: str, data: bytes | Iterable[bytes], *, seen: Seen | None = None, state: os.stat_result | None = None
) -> None:
    """Replace the content of the existing regular file `path` by `data` (bytes, or chunks of bytes, in order).

    A symlink is resolved first and stays a symlink. Mode, owner, group, access list and user
    attributes stay. When this returns, the new content is on disk, also after a power cut.

    `seen` is what `data` was made from: if the file has changed since, even in the last moment, it is not
    replaced, so that no change is lost that was never read.

    Raises WriteError when the file is missing, no regular file, read-only, has several hard
    links, or anything fails on the way, ChangedError when another program changed it; the original is then
    unchanged byte for byte and no temporary file is left. The same is true when the iterable raises; its exception
    propagates, except that an OSError becomes a WriteError.
    """
    try:
        folder, name = os.path.split(os.path.realpath(path, strict=True))
        folder_fd = os.open(folder, FOLDER)
    except (OSError, ValueError) as error:
        raise (changed(path) if seen and isinstance(error, FileNotFoundError) else not_written(path, error)) from error
    try:
        _replace_in(folder_fd, name, path, data, seen, state)
        _sweep(folder_fd, name)
        sync_folder(folder_fd, path)
    finally:
        close_quietly(folder_fd)


def _replace_in(
    folder_fd: int,
    name: str,
    path: str,
    data: bytes | Iterable[bytes],
    seen: Seen | None,
    state: os.stat_result | None,
) -> None:
    """Write a temporary file and rename it, by names relative to the open folder, which cannot be swapped meanwhile."""
    try:
        state = _without_temporary_names(folder_fd, name, seen.state if seen else state)
        old = _replaceable(folder_fd, name, path)
    except FileNotFoundError as error:
        raise (changed(path) if seen else not_written(path, error)) from error
    except OSError as error:
        raise not_written(path, error) from error

    def replace(folder_fd: int, temporary: str, name: str) -> bool:
        _must_be_unchanged(folder_fd, name, path, state or old)
        return publish(folder_fd, temporary, name, path, seen) if seen else rename_over(folder_fd, temporary, name)

    chunks = (data,) if isinstance(data, bytes) else data

    write_beside(
        folder_fd,
        name,
        path,
        seen.new.noting(chunks) if seen else chunks,
        0o600,
        prepare=lambda new_fd: _keep_attributes(folder_fd, name, old, new_fd),
        publish=replace,
    )


def rename_over(folder_fd: int, temporary: str, name: str) -> bool:
    """Rename a temporary file to `name`, replacing any other. Returns True: it always succeeds or raises OSError."""
    os.rename(temporary, name, src_dir_fd=folder_fd, dst_dir_fd=folder_fd)
    return True


def write_beside(
    folder_fd: int,
    name: str,
    path: str,
    chunks: Iterable[bytes],
    mode: int,
    *,
    prepare: Callable[[int], None] = lambda _fd: None,
    publish: Callable[[int, str, str], bool] = rename_over,
    explain: Callable[[str, OSError], WriteError] | None = None,
) -> bool:
    """Write a temporary file in an open folder, and publish it under `name` once its content is on disk.

    `prepare` is called with its descriptor while it is empty; `publish` with the folder, the temporary name and
    `name`, and returns whether the file got it (`rename_over`; for a new file `link_new`). `path` is for messages;
    `explain` makes the error from an OSError. Returns the result of `publish`. Raises WriteError and leaves no
    temporary file.
    """
    temporary = f".ops-checks-{os.urandom(8).hex()}.tmp"
    created = False
    try:
        temporary_fd = os.open(temporary, NEW_FILE, mode, dir_fd=folder_fd)
        created = True
        with os.fdopen(temporary_fd, "wb", buffering=_BUFFER_BYTES) as file:
            prepare(temporary_fd)
            file.writelines(chunks)
            file.flush()
            os.fsync(temporary_fd)
        created = not publish(folder_fd, temporary, name)
    except OSError as error:
        raise (explain or not_written)(path, error) from error
    else:
        return not created
    finally:
        if created:
            _remove(folder_fd, temporary, path)


def _sweep(folder_fd: int, name: str) -> None:
    """Remove temporary files of killed programs that are an hour or more older than `name`; ignore failures.

    They would only take space and appear in lists of new files. A program that was suspended for so long
    fails to rename its own and leaves the original unchanged.
    """
    try:
        written = os.stat(name, dir_fd=folder_fd, follow_symlinks=False)
        for other in os.listdir(folder_fd):
            if other.startswith(".ops-checks-") and other.endswith(".tmp") and len(other) == _TEMPORARY_LENGTH:
                left = os.stat(other, dir_fd=folder_fd, follow_symlinks=False)
                same = stat.S_ISREG(left.st_mode) and left.st_uid == written.st_uid
                if same and left.st_mtime < written.st_mtime - _STALE_S:
                    os.unlink(other, dir_fd=folder_fd)
    except OSError:
        return


def _without_temporary_names(folder_fd: int, name: str, seen: os.stat_result | None) -> os.stat_result | None:
    """Remove the temporary names of a file, left by a program that was killed directly after it had published it.

    Returns `seen`, or the state that the file has now if only its names changed since.
    """
    before = os.stat(name, dir_fd=folder_fd, follow_symlinks=False)
    if before.st_nlink == 1:
        return seen
    temporary = [
        other for other in os.listdir(folder_fd) if other.startswith(".ops-checks-") and other.endswith(".tmp")
    ]
    for other in temporary:
        try:
            if os.path.samestat(os.stat(other, dir_fd=folder_fd, follow_symlinks=False), before):
                os.unlink(other, dir_fd=folder_fd)
        except FileNotFoundError:  # its program goes on and has removed it
            continue
    now = os.stat(name, dir_fd=folder_fd, follow_symlinks=False)
    only_names = seen and _identity(seen) == _identity(before) and _identity(now)[:-1] == _identity(before)[:-1]
    return now if only_names else seen


def _remove(folder_fd: int, temporary: str, path: str) -> None:
    try:
        os.unlink(temporary, dir_fd=folder_fd)
    except FileNotFoundError:
        return
    except OSError as error:
        raise WriteError(
            f"{visible(path)}: not written, the file is as it was, and {temporary} stayed beside it "
            f"({error.strerror}); check the disk",
        ) from error


def _replaceable(folder_fd: int, name: str, path: str) -> os.stat_result:
    """Return the state of the file to replace. Raises WriteError if a rename would change more than its content."""
    old = os.stat(name, dir_fd=folder_fd, follow_symlinks=False)
    if not stat.S_ISREG(old.st_mode):
        raise WriteError(f"{visible(path)}: not written, because it is not a regular file; name one")
    if old.st_nlink > 1:
        raise WriteError(
            f"{visible(path)}: not written, because the file has {old.st_nlink} hard links and only this one would "
            "change; use a symlink in place of the others",
        )
    if not os.access(name, os.W_OK, dir_fd=folder_fd):
        raise WriteError(f"{visible(path)}: not written, because this user may only read it; ask its owner")
    return old


def _keep_attributes(folder_fd: int, name: str, old: os.stat_result, new_fd: int) -> None:
    """Copy owner, group, mode, access list and user attributes to the new file, before it has any content.

    The owner first: changing it clears mode bits. The access list is needed because the group bits
    of a file that has one are only its mask: without the list they would grant more.
    """
    new = os.fstat(new_fd)
    if (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
        os.fchown(new_fd, old.st_uid, old.st_gid)
    os.fchmod(new_fd, stat.S_IMODE(old.st_mode))
    if sys.platform == "linux":
        old_fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder_fd)
        try:
            for attribute in _attributes(old_fd):
                os.setxattr(new_fd, attribute, os.getxattr(old_fd, attribute))
        finally:
            close_quietly(old_fd)


def _attributes(fd: int) -> list[str]:
    """Return the names of the user's extended attributes and of the access list; the system sets the others."""
    if sys.platform != "linux":
        return []
    try:
        names = os.listxattr(fd)
    except OSError as error:
        if error.errno == errno.ENOTSUP:
            return []
        raise
    return [name for name in names if name.startswith("user.") or name == "system.posix_acl_access"]


def _must_be_unchanged(folder_fd: int, name: str, path: str, seen: os.stat_result) -> None:
    try:
        now = os.stat(name, dir_fd=folder_fd, follow_symlinks=False)
    except FileNotFoundError:
        raise changed(path) from None
    if _identity(now) != _identity(seen):
        raise changed(path)


def _identity(state: os.stat_result) -> tuple[int, ...]:
    return (state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns)


def sync_folder(folder_fd: int, path: str) -> None:
    """Sync a folder, and so the new name in it. File systems without this (EINVAL) order names themselves.

    Raises WriteError.
    """
    try:
        os.fsync(folder_fd)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise WriteError(
                f"{visible(path)}: written, but it may not survive a power cut ({error.strerror}); check the disk",
            ) from error


def not_written(path: str, error: OSError | ValueError) -> WriteError:
    """Return the error for a file that could not be written, and is as it was."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return WriteError(
        f"{visible(path)}: not written ({reason}), the file is as it was; check path, permissions and disk"
    )
