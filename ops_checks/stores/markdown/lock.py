"""The lock file beside a queue file. It is never removed: a lock on a renamed or removed file guards nothing."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager, suppress

from ops_checks.errors import InputError, WriteError
from ops_checks.sanitize import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_POLL_S = 0.01


@contextmanager
def locked(path: str, timeout_s: float) -> Iterator[None]:
    """Hold the lock of the file at `path`: `<file>.lock`, beside the target if `path` is a symlink.

    Waits up to `timeout_s` seconds. Raises WriteError, with the processes that hold it, if
    it is not free by then, or if the lock file cannot be made; InputError if there is no queue file.
    """
    from filelock import Timeout, UnixFileLock

    try:
        real = os.path.realpath(path, strict=True)
        mode = stat.S_IMODE(os.stat(real).st_mode) & 0o666
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"{visible(path)}: no such queue ({reason}): name one with --queue") from error
    name = real + ".lock"
    lock = UnixFileLock(name, timeout=timeout_s, mode=mode, poll_interval=_POLL_S)
    try:
        lock.acquire()
    except Timeout as error:
        raise WriteError(
            f"{visible(path)}: still locked after {timeout_s:g} s by {_holders(name)}: "
            "wait for it, or give --lock-timeout more seconds"
        ) from error
    except OSError as error:
        raise WriteError(
            f"{visible(name)}: the lock cannot be taken ({error.strerror}): check the folder's permissions"
        ) from error
    try:
        yield
    finally:
        with suppress(OSError):  # the end of the process releases it too, and the change is already written
            lock.release()


def _holders(name: str) -> str:
    """Return the processes that hold the lock, as text, as far as this system lists them."""
    try:
        inode = os.stat(name).st_ino
        with open("/proc/locks", encoding="ascii") as table:
            rows = [line.split() for line in table]
    except OSError:
        return "another program"
    pids = {row[4] for row in rows if "->" not in row and row[5].endswith(f":{inode}")}
    return ", ".join(_describe(pid) for pid in sorted(pids)) or "another program"


def _describe(pid: str) -> str:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read(200).replace(b"\0", b" ").decode("utf-8", "replace").strip()
    except OSError:
        return f"process {pid}"
    return f"process {pid} ({visible(words)})"
