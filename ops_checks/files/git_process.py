"""Run git with an emptied environment, for a limited time and with bounded output (RECONCILE section 14)."""

from __future__ import annotations

import os
import selectors
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from typing import IO, TYPE_CHECKING, NamedTuple, cast

from ops_checks.sanitize import visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType
    from typing import Self

_BLOCK_BYTES = 1 << 16
_LONGEST_REASON = 200
#: What git gets of the environment: nothing that names a program, a repository or a setting.
_SETTINGS = {
    "LC_ALL": "C",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",
}
#: A path is a path and no pattern, objects are what they are, and nothing is paged.
_OPTIONS = ("--no-pager", "--no-replace-objects", "--literal-pathspecs")


class GitError(Exception):
    """Git could not tell: it is missing, failed, hung or said too much. The text is one line, the reason."""


class GitTimeoutError(GitError):
    """Git took longer than it may."""


class Answer(NamedTuple):
    """The result of a command: its exit code, its output, and its last words in one short, visible line."""

    code: int
    output: bytes
    reason: str


class Limits(NamedTuple):
    """How long git may be silent, and until when (of the monotonic clock) it may work at all, both in seconds."""

    silent_s: float = 30.0
    until: float | None = None

    def left_s(self) -> float:
        """Return the seconds for which may be waited now. Raises GitTimeoutError if there are none."""
        left = self.silent_s if self.until is None else min(self.silent_s, self.until - time.monotonic())
        if left <= 0:
            raise GitTimeoutError("git took too long")
        return left


def environment(own: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of git: the search path without relative folders, fixed settings, and `own`."""
    return {"PATH": _search_path(), **_SETTINGS, **(own or {})}


def with_users_settings(env: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which git reads the settings of user and machine too, as for `safe.directory`.

    They are no part of any repository. Under sudo git also trusts the owner who called it.
    """
    fixed = {name: text for name, text in env.items() if not name.startswith("GIT_CONFIG")}
    kept = ("HOME", "XDG_CONFIG_HOME", "SUDO_UID")
    return fixed | {n: text for n, text in os.environ.items() if n in kept or n.startswith("GIT_CONFIG")}


def run(words: Sequence[str], *, cwd: str, env: Mapping[str, str], limits: Limits, most_bytes: int = 1 << 16) -> Answer:
    """Run a command of git in a folder. Raises GitError: missing, too slow, or more output than `most_bytes`."""
    with GitProcess(words, cwd=cwd, env=env, limits=limits, errors=subprocess.PIPE) as process:
        return process.answer(most_bytes)


class GitProcess:
    """A running command of git; leaving the context ends it, with all that it started.

    Raises GitError if git is missing or cannot be started.
    """

    def __init__(
        self,
        words: Sequence[str],
        *,
        cwd: str,
        env: Mapping[str, str],
        limits: Limits,
        errors: int = subprocess.DEVNULL,
    ) -> None:
        program = shutil.which("git", path=env["PATH"])
        if program is None:
            raise GitError("git is not installed")
        if signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:  # as some parents leave it to their children
            raise GitError("SIGCHLD is ignored, so that nobody learns whether git failed")
        self._limits = limits
        # no terminal's interrupt reaches it: it is ended here, and what it started with it
        try:
            self._selector = selectors.DefaultSelector()
            self._process = subprocess.Popen(  # noqa: S603 - no shell, and fixed words but for ids and a path behind `--`
                [program, *_OPTIONS, *words],
                cwd=cwd,
                env=env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                bufsize=0,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise GitError(f"git cannot be run ({visible(str(error))[:_LONGEST_REASON]})") from error
        self._input = cast("IO[bytes]", self._process.stdin)
        self._output = cast("IO[bytes]", self._process.stdout)
        self._streams = {stream: bytearray() for stream in (self._output, self._process.stderr) if stream}
        for stream in self._streams:
            self._selector.register(stream, selectors.EVENT_READ)

    def __enter__(self) -> Self:
        """Return the process."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process and all that it started."""
        self._selector.close()
        if self._process.returncode is None:
            with suppress(OSError):
                os.killpg(self._process.pid, signal.SIGKILL)
        for stream in (self._input, *self._streams):
            with suppress(OSError):
                stream.close()
        self._process.wait()

    def send(self, data: bytes) -> None:
        """Write to its input; no more than a pipe holds before the answers are read. Raises GitError."""
        try:
            self._input.write(data)
        except OSError as error:
            raise GitError("git stopped") from error

    def receive(self) -> bytes:
        """Return the next bytes of its output, at least one. Raises GitError at its end, or if it takes too long."""
        if not self._selector.select(self._limits.left_s()):
            raise GitTimeoutError("git took too long")
        block = os.read(self._output.fileno(), _BLOCK_BYTES)
        if not block:
            raise GitError("git stopped")
        return block

    def answer(self, most_bytes: int) -> Answer:
        """Return what it says until it ends. Raises GitError."""
        while self._selector.get_map():
            ready = self._selector.select(self._limits.left_s())
            if not ready:
                raise GitTimeoutError("git took too long")
            for key, _ in ready:
                block = os.read(key.fd, _BLOCK_BYTES)
                said = self._streams[key.fileobj]  # type: ignore[index] # registered above
                said += block
                if not block:
                    self._selector.unregister(key.fileobj)
                if len(said) > most_bytes:
                    raise GitError("git said too much")
        try:
            code = self._process.wait(self._limits.left_s())
        except subprocess.TimeoutExpired as error:
            raise GitTimeoutError("git took too long") from error
        output, errors = map(bytes, self._streams.values())
        return Answer(code, output, _reason(errors))


def _reason(errors: bytes) -> str:
    """Return the first line of git's errors, without `fatal:`."""
    line = errors.decode("utf-8", "replace").strip().partition("\n")[0]
    return visible(line.removeprefix("fatal: ").removeprefix("error: "))[:_LONGEST_REASON]


def _search_path() -> str:
    """Return PATH without relative folders: git runs in a folder of the repository, which may hold a program `git`."""
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(folder for folder in folders if os.path.isabs(folder))
