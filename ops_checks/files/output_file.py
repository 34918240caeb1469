"""Write a rendered report to a file: make it, append to it, or replace it, each whole or not at all (SAFETY)."""

from __future__ import annotations

import os

from ops_checks.errors import WriteError
from ops_checks.files.atomic_write import replace_file
from ops_checks.files.new_file import create_file
from ops_checks.sanitize import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ops_checks.files.output_guard import Output, OutputGuard

#: How often a name may appear or go between the look at it and the write.
_TRIES = 10


def write_output(output: Output, text: str | Callable[[], Iterable[bytes]], guard: OutputGuard) -> None:
    """Write text to a file; directly before, let the guard look at what stands there.

    What is too long for memory is a function that streams it; its own errors propagate, and nothing is written then.
    Raises what the guard raises, and WriteError; a new file is then not there at all, and one that was to be replaced
    is unchanged.
    """
    path = output.path
    for _ in range(_TRIES):
        seen = guard.look(output)
        data = text.encode() if isinstance(text, str) else text()
        if seen is None:
            written = create_file(path, data)
        elif output.begins:
            replace_file(path, data, state=seen)
            written = True
        else:
            written = _append(path, data if isinstance(data, bytes) else b"".join(data), seen)
        if written:
            return
    raise WriteError(
        f"{visible(path)}: not written, because another program changes what stands there all the time: "
        "name another file"
    )


def _append(path: str, data: bytes, seen: os.stat_result) -> bool:
    """Append in one write, so that the outputs of several programs do not interleave.

    Returns False, and writes nothing, if the path leads to another file than the one that was seen, or to none.
    """
    try:
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if not os.path.samestat(os.fstat(fd), seen):
                return False
            if os.write(fd, data) != len(data):
                raise WriteError(f"{visible(path)}: written only in part: check the disk")
        finally:
            os.close(fd)
    except FileNotFoundError:
        return False
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise WriteError(f"{visible(path)}: cannot be written ({reason}): check the path and the disk") from error
    return True
