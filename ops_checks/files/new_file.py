"""Make new files below a folder, each complete or not at all, and change no existing file (SAFETY)."""

from __future__ import annotations

import errno
import os
from contextlib import ExitStack

from ops_checks.errors import WriteError
from ops_checks.files.atomic_write import NEW_FILE_MODE, link_new, sync_folder, write_beside
from ops_checks.files.safe_open import close_quietly
from ops_checks.sanitize import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

#: Less what the umask takes: under umask 0 too, not everybody may write there.
_PROGRAM_MODE = _FOLDER_MODE = 0o775
#: Follows no symlink on the way: a planted one would redirect the write.
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def make_file(top: str, path: str, content: Callable[[], bytes], *, executable: bool = False) -> bool:
    """Make a file at `path`, relative to the folder `top`, and the folders on the way. Return whether it was made.

    Whatever exists at the path, a dangling symlink too, is kept, and `content` is not called.
    When this returns, the new file is on disk.

    Raises WriteError if a folder on the way is a symlink or no folder, or if anything fails; no part
    of the file is left then.
    """
    *folders, name = path.split("/")
    try:
        with ExitStack() as opened:
            folder_fd = os.open(top, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            opened.callback(close_quietly, folder_fd)
            for folder in folders:
                folder_fd = _enter(folder_fd, folder)
                opened.callback(close_quietly, folder_fd)
            if _exists(folder_fd, name):
                return False
            mode = _PROGRAM_MODE if executable else NEW_FILE_MODE
            made = write_beside(folder_fd, name, path, (content(),), mode, publish=link_new, explain=_not_made)
            sync_folder(folder_fd, path)
            return made
    except (OSError, ValueError) as error:
        raise _not_made(path, error) from error


def _enter(folder_fd: int, name: str) -> int:
    """Open the folder `name` inside an open one; make it if it is missing."""
    try:
        os.mkdir(name, _FOLDER_MODE, dir_fd=folder_fd)
    except FileExistsError:
        pass  # opening it raises if it is no folder
    else:
        os.fsync(folder_fd)
    return os.open(name, _FOLDER, dir_fd=folder_fd)


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
