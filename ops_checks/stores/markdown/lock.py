"""The lock of a queue document: `<file>.lock` beside it, as programs of earlier releases lock it (SAFETY)."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager

from ops_checks.errors import InputError, WriteError
from ops_checks.files.file_lock import lock_holders, lock_stands, take_lock
from ops_checks.files.safe_open import close_quietly
from ops_checks.sanitize import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def locked(path: str, timeout_s: float, until: float) -> Iterator[Callable[[], bool]]:
    """Hold the lock of the document at `path`, beside the target if it is a symlink.

    Yields a function that returns whether the lock still guards the document: another program may have removed or
    replaced the lock file. Waits up to the moment `until` of the monotonic clock, which is `timeout_s` seconds after
    the command began. Raises WriteError, with the processes that hold it, if it is not free by then, or if it cannot
    be taken at all; InputError if there is no document.
    """
    try:
        real = os.path.realpath(path, strict=True)
        mode = stat.S_IMODE(os.stat(real).st_mode) & 0o666
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"{visible(path)}: no such queue ({reason}): name one with --queue") from error
    name = real + ".lock"
    fd = take_lock(name, mode=mode, until=until)
    if fd is None:
        raise WriteError(
            f"{visible(path)}: still locked after {timeout_s:g} s by {lock_holders(name)}: "
            "wait for it, or give --lock-timeout more seconds"
        )
    try:
        yield lambda: lock_stands(fd, name)
    finally:
        close_quietly(fd)
