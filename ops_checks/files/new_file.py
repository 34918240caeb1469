"""Make new files, each complete or not at all, and change no existing file (SAFETY)."""

from __future__ import annotations

import errno
import os
from contextlib import ExitStack, contextmanager, suppress

from ops_checks.errors import OpsError, WriteError
from ops_checks.files.atomic_write import (
    FOLDER,
    NEW_FILE,
    NEW_FILE_MODE,
    not_written,
    rename_over,
    sync_folder,
    write_beside,
)
from ops_checks.files.exchange import RENAME_NOREPLACE, rename_in_a_way
from ops_checks.files.safe_open import close_quietly
from ops_checks.sanitize import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

#: Less what the umask takes: under umask 0 too, not everybody may write there.
_PROGRAM_MODE = _FOLDER_MODE = 0o775
#: Follows no symlink on the way: a planted one would redirect the write.
_PLAIN_FOLDER = FOLDER | os.O_NOFOLLOW
#: What the system says where the file system has no hard links.
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


def create_file(path: str, data: bytes | Iterable[bytes]) -> bool:
    """Make a new file at `path`, complete or not at all; return False, and change nothing, if there is one.

    `data` is bytes, or chunks of bytes, in order.

    The folder must exist; a symlink that leads nowhere stays, and the file is made where it leads to.
    When this returns True, the file is on disk. Raises WriteError; no part of the file is left then.
    """
    try:
        folder, name = os.path.split(os.path.realpath(path))
        folder_fd = os.open(folder, FOLDER)
    except (OSError, ValueError) as error:
        raise not_written(path, error) from error
    try:
        chunks = (data,) if isinstance(data, bytes) else data
        made = write_beside(folder_fd, name, path, chunks, NEW_FILE_MODE, publish=link_new)
        sync_folder(folder_fd, path)
    finally:
        close_quietly(folder_fd)
    return made


def make_file(
    top: str,
    path: str,
    content: Callable[[], bytes | Iterable[bytes]],
    *,
    executable: bool = False,
    publish: Callable[[int, str, str], bool] | None = None,
) -> bool:
    """Make a file at `path`, relative to the folder `top`, and the folders on the way. Return whether it was made.

    `top` is empty for the current folder. Whatever exists at the path, a dangling symlink too, is kept, and `content`
    (which returns bytes, or chunks of them) is not called. `publish` is called in place of `rename_new`, with the open
    folder, the temporary name of the file, whole and on disk, and its name. When this returns, the new file is on disk.

    Raises WriteError if a folder on the way is a symlink or no folder, or if anything fails; no part
    of the file is left then.
    """
    *folders, name = path.split("/")
    shown = os.path.join(top, path)
    try:
        with ExitStack() as opened:
            folder_fd = os.open(top or os.curdir, FOLDER)
            opened.callback(close_quietly, folder_fd)
            for folder in folders:
                folder_fd = _enter(folder_fd, folder)
                opened.callback(close_quietly, folder_fd)
            if _exists(folder_fd, name):
                return False
            mode = _PROGRAM_MODE if executable else NEW_FILE_MODE
            data = content()
            chunks = (data,) if isinstance(data, bytes) else data
            made = write_beside(folder_fd, name, shown, chunks, mode, publish=publish or rename_new, explain=_not_made)
            sync_folder(folder_fd, shown)
            return made
    except (OSError, ValueError) as error:
        raise _not_made(shown, error) from error


def link_new(folder_fd: int, temporary: str, name: str) -> bool:
    """Rename a temporary file to `name` unless that exists: unlike a rename, a hard link replaces nothing.

    Returns whether it got the name.
    """
    try:
        os.link(temporary, name, src_dir_fd=folder_fd, dst_dir_fd=folder_fd, follow_symlinks=False)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        return _claim_new(folder_fd, temporary, name)
    # The file is made: a second name that cannot be removed is no failure of it, and goes when it is replaced. Who
    # replaced it already has removed that name.
    with suppress(OSError):
        os.unlink(temporary, dir_fd=folder_fd)
    return True


def rename_new(folder_fd: int, temporary: str, name: str) -> bool:
    """Do what `link_new` does, in one step where the system can: nobody ever finds the file under two names.

    SQLite keeps its journal beside one name of a database, so that one with two is not written to.
    """
    try:
        return rename_in_a_way(folder_fd, temporary, name, RENAME_NOREPLACE) or link_new(folder_fd, temporary, name)
    except FileExistsError:
        return False


@contextmanager
def told_as(path: str, beside: str) -> Iterator[None]:
    """Let errors about a temporary file name the file that it was to be; whatever failed, that one is not there."""
    try:
        yield
    except OpsError as error:
        if isinstance(error, WriteError) and error.message.startswith(visible(beside)):
            reason = visible(str(error.__cause__ or "it does not read back"))
            raise WriteError(f"{visible(path)}: not made ({reason}): check the disk, then run this again") from error
        texts = [text.replace(visible(beside), visible(path)) for text in (error.message, *error.details)]
        raise type(error)(texts[0], tuple(texts[1:])) from error


def existing_part(path: str) -> tuple[str, str]:
    """Return the folder that exists of a path that a person named, empty for the current one, and what is below it."""
    top, rest = os.path.split(path)
    while top and not os.path.isdir(top):
        top, name = os.path.split(top.rstrip("/"))
        rest = os.path.join(name, rest)
    return top, rest


def _claim_new(folder_fd: int, temporary: str, name: str) -> bool:
    """Do what `link_new` does on a file system without hard links: claim the name with an empty file of our own."""
    try:
        close_quietly(os.open(name, NEW_FILE, 0o600, dir_fd=folder_fd))
    except FileExistsError:
        return False
    try:
        return rename_over(folder_fd, temporary, name)
    except OSError:
        os.unlink(name, dir_fd=folder_fd)
        raise


def _enter(folder_fd: int, name: str) -> int:
    """Open the folder `name` inside an open one; make it if it is missing."""
    try:
        os.mkdir(name, _FOLDER_MODE, dir_fd=folder_fd)
    except FileExistsError:
        pass  # opening it raises if it is no folder
    else:
        os.fsync(folder_fd)
    return os.open(name, _PLAIN_FOLDER, dir_fd=folder_fd)


def _exists(folder_fd: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=folder_fd, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _not_made(path: str, error: OSError | ValueError) -> WriteError:
    if isinstance(error, OSError) and error.errno in {errno.ENOTDIR, errno.ELOOP}:
        return WriteError(
            f"{visible(path)}: not made, because a folder of it is a symlink or no folder: run init where it is one"
        )
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return WriteError(f"{visible(path)}: not made ({reason}): check folder, permissions and disk")
