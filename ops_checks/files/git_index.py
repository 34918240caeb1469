"""Keep out of git's way while it rewrites a work tree: its lock is looked for, and nothing of git's is written.

`git stash`, `checkout` and `reset` write the files that they have read some moments before, and hold `index.lock`
while they do. A change that comes between is lost. No program is run to find that lock.
"""

from __future__ import annotations

import os
import time

from ops_checks.sanitize import visible

_WAIT_S = 2.0
_POLL_S = 0.01
#: The steps of one command of git follow each other faster than this.
_QUIET_S = 0.1
_LONGEST_POINTER = 4096


class GitIndex:
    """The index of the work tree that the file at `path` is in, if any.

    An editor that is open on a commit message holds the lock for hours, and a crash of git for ever: `wait` and
    `settle` take two seconds at most, each in all. `remarks` has a line that names a lock that stood for longer.
    """

    def __init__(self, path: str) -> None:
        self._folder = git_folder(os.path.dirname(os.path.realpath(path)))
        self._wait_s = self._settle_s = _WAIT_S
        self.remarks: list[str] = []

    def busy(self) -> bool:
        """Return whether git is at work, and we have not yet waited for it for as long as we do."""
        return self._wait_s > 0 and self.at_work()

    def wait(self) -> None:
        """Wait until git is not at work, or the time is up."""
        while self.busy():
            time.sleep(_POLL_S)
            self._wait_s -= _POLL_S
        since = self._locked_since()
        if since is not None and not self.remarks:
            self.remarks.append(
                f"{visible(self._lock)}: has been there for {_age(time.time() - since)}, so that git is at work or "
                f"was interrupted: went on after {_WAIT_S:g} s"
            )

    def settle(self) -> None:
        """Wait until git is done with what it has begun, or the time is up: it may write what it had read before."""
        while self._settle_s > 0 and self.at_work() and not self.remarks:
            time.sleep(_POLL_S)
            self._settle_s -= _POLL_S

    def at_work(self) -> bool:
        """Return whether git holds its lock, or has made or moved a file of its own a moment ago."""
        if self._folder is None:
            return False
        try:
            changed = os.stat(self._folder).st_mtime
        except OSError:
            return False
        return abs(time.time() - changed) < _QUIET_S or self._locked_since() is not None

    @property
    def _lock(self) -> str:
        return os.path.join(self._folder or os.devnull, "index.lock")

    def _locked_since(self) -> float | None:
        """Return the time of git's lock, in epoch seconds, None if there is none."""
        try:
            return os.lstat(self._lock).st_mtime
        except OSError:
            return None


def git_folder(folder: str) -> str | None:
    """Return the folder that holds the index of the work tree around a folder: `.git`, or where a file `.git` leads."""
    found = _found(folder)
    return found and found[1]


def work_tree(folder: str) -> str | None:
    """Return the top of the work tree around a folder, None if there is none."""
    found = _found(folder)
    return found and found[0]


def _found(folder: str) -> tuple[str, str] | None:
    """Return the nearest folder, from one upwards, that has a `.git`, and the folder that this is or leads to."""
    while True:
        path = os.path.join(folder, ".git")
        if os.path.isdir(path):
            return folder, path
        pointed = _pointed(path)
        if pointed is not None:
            return folder, os.path.join(folder, pointed)
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above


def _pointed(path: str) -> str | None:
    """Return where a `gitdir:` file leads, None if it is none."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            text = os.fsdecode(os.read(fd, _LONGEST_POINTER))
        finally:
            os.close(fd)
    except OSError:
        return None
    return text.removeprefix("gitdir:").strip() if text.startswith("gitdir:") else None


def _age(seconds: float) -> str:
    """Return a duration in the largest unit that it fills: `42s`, `7m`, `3h`, `2d`."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{int(seconds // size)}{unit}"
    return f"{max(0, int(seconds))}s"
