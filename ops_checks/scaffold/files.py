"""Make new files below a folder: each is there whole or not at all, and nothing that exists is touched (SAFETY)."""

from __future__ import annotations

import errno
import os
from contextlib import ExitStack

from ops_checks.atomic import let_go
from ops_checks.errors import WriteError
from ops_checks.text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

#: No symlink on the way is followed: whoever planted one would choose where we write.
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def make_file(top: str, path: str, content: Callable[[], bytes], *, executable: bool = False) -> bool:
    """Make a file at `path`, relative to the folder `top`, and the folders on the way. Tell whether it was made.

    Whatever has the name already, a dangling symlink too, is kept, and `content` is not called.
    When this returns, the new file is on disk.

    Raises WriteError if a folder on the way is a symlink or no folder, or if anything fails; no part
    of the file stays behind then.
    """
    *folders, name = path.split("/")
    try:
        with ExitStack() as opened:
            folder_fd = os.open(top, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            opened.callback(let_go, folder_fd)
            for folder in folders:
                folder_fd = _enter(folder_fd, folder)
                opened.callback(let_go, folder_fd)
            return not _exists(folder_fd, name) and _put(folder_fd, name, content(), executable=executable)
    except (OSError, ValueError) as error:
        raise _not_made(path, error) from error


def _enter(folder_fd: int, name: str) -> int:
    """Open the folder `name` inside an open one, made if need be."""
    try:
        os.mkdir(name, dir_fd=folder_fd)
    except FileExistsError:
        pass  # ours from an earlier call, or somebody's: opening it tells whether it is a folder
    else:
        os.fsync(folder_fd)
    return os.open(name, _FOLDER, dir_fd=folder_fd)


def _exists(folder_fd: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=folder_fd, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _put(folder_fd: int, name: str, data: bytes, *, executable: bool) -> bool:
    """Write beside, then link to the name: unlike a rename, a link never takes the place of what came meanwhile."""
    temporary = f".ops-checks-{os.urandom(8).hex()}.tmp"
    file_fd = os.open(temporary, _NEW_FILE, 0o777 if executable else 0o666, dir_fd=folder_fd)
    try:
        with os.fdopen(file_fd, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file_fd)
        os.link(temporary, name, src_dir_fd=folder_fd, dst_dir_fd=folder_fd, follow_symlinks=False)
    except FileExistsError:
        return False
    finally:
        os.unlink(temporary, dir_fd=folder_fd)
    os.fsync(folder_fd)
    return True


def _not_made(path: str, error: OSError | ValueError) -> WriteError:
    if isinstance(error, OSError) and error.errno in {errno.ENOTDIR, errno.ELOOP}:
        return WriteError(
            f"{visible(path)}: not made, because a folder of it is a symlink or no folder: run init where it is one"
        )
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return WriteError(f"{visible(path)}: not made ({reason}): check folder, permissions and disk")
