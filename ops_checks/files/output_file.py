"""Write a rendered report to a file: append to it, or replace it atomically (SAFETY)."""

from __future__ import annotations

import os

from ops_checks.errors import WriteError
from ops_checks.files.atomic_write import NEW_FILE_MODE, put_file
from ops_checks.sanitize import visible


def write_output(path: str, text: str, *, append: bool) -> None:
    """Write text to a file. Raises WriteError; a file that was to be replaced is unchanged then."""
    if append:
        _append(path, text.encode())
    else:
        put_file(path, text.encode())


def _append(path: str, data: bytes) -> None:
    """Append in one write, so that the outputs of several programs do not interleave."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        fd = os.open(path, flags, NEW_FILE_MODE)
        try:
            if os.write(fd, data) != len(data):
                raise WriteError(f"{visible(path)}: written only in part: check the disk")
        finally:
            os.close(fd)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise WriteError(f"{visible(path)}: cannot be written ({reason}): check the path and the disk") from error
