"""Run commands of the program in forks of this process, under strace, limits or another user.

A fork has everything imported, so that its system calls are those that the command itself needs; a
run takes milliseconds, and each of its calls can be hit in turn.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import ops_checks
from ops_checks import cli
from ops_checks.cli import entry
from tests.campaigns import stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

#: The calls by which files change, or are given up.
CHANGING = (
    "write", "pwrite64", "writev", "fsync", "fdatasync", "rename", "renameat", "renameat2", "link", "linkat", "unlink",
    "unlinkat", "openat", "close", "truncate", "ftruncate", "fallocate", "fcntl", "flock", "mkdir", "mkdirat", "fchmod",
    "fchown", "fsetxattr",
)  # fmt: skip
READING = ("read", "pread64", "lseek", "newfstatat", "fstat", "mmap", "readlink")

_CALL = re.compile(r"(?:\d+ +)?(\w+)\((.*)")
_PATIENCE_S = 30


@dataclass(frozen=True)
class Point:
    """The `number`th call (from 1) of one name that a command makes, and its arguments as strace shows them."""

    call: str
    number: int
    text: str


@dataclass(frozen=True)
class Ended:
    """How a command ended: exit code, or minus the signal that killed it; what it printed; its calls, if traced."""

    code: int
    out: str
    err: str
    calls: tuple[Point, ...] = ()


def not_traceable() -> str | None:
    """Return why commands cannot be run under strace here, or None if they can."""
    if shutil.which("strace") is None:
        return "strace is missing: install it (Debian: apt-get install strace)"
    tried = subprocess.run(["strace", "-o", os.devnull, sys.executable, "-c", ""], capture_output=True, check=False)
    return None if tried.returncode == 0 else "strace may not trace here: allow ptrace (a container: CAP_SYS_PTRACE)"


def prepare() -> None:
    """Import everything that a command may import, and stop the program's clock at `stage.NOW_S`.

    What is imported for the first time is compiled and written: calls that a second run does not make.
    """
    for module in pkgutil.walk_packages(ops_checks.__path__, "ops_checks."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    entry.time = SimpleNamespace(time=lambda: stage.NOW_S)  # type: ignore[assignment]  # a clock that stands
    for name in [name for name in os.environ if name.startswith(("ORCH_", "GITHUB_", "GITLAB_", "CI_"))]:
        del os.environ[name]
    with tempfile.TemporaryDirectory() as scratch:
        for number, case in enumerate(stage.cases()):
            folder = Path(scratch) / str(number)
            stage.lay_down(folder, case.journal)
            with chdir(folder), redirect_stdout(StringIO()), redirect_stderr(StringIO()):
                for argv in (case.argv, case.after, (*case.argv, "--no-such")):
                    cli.main(argv)


def run(
    argv: Sequence[str],
    folder: Path,
    *,
    strace: Sequence[str] = (),
    before: Callable[[], None] | None = None,
    kill_after_s: float | None = None,
    aside: Path | None = None,
) -> Ended:
    """Run a command in a folder and wait for its end.

    `strace` are arguments of strace, which then watches; `before` runs in the fork first (limits,
    another user); `kill_after_s` is when to kill it, if it still runs. What it prints is collected
    in a folder of its own `aside`, by default where its folder is.
    """
    with tempfile.TemporaryDirectory(dir=aside or folder.parent) as outside:
        out, err, log = (Path(outside) / name for name in ("out", "err", "log"))
        pid = os.fork()
        if pid == 0:
            _be_the_command(argv, folder, (out, err), before, stopped=bool(strace))
        if strace:
            with _watching(pid, [*strace, "-o", str(log)]):
                code = _wait(pid)
        else:
            code = _wait(pid) if kill_after_s is None else _killed(pid, kill_after_s)
        texts = [path.read_text("utf-8", "replace") if path.exists() else "" for path in (out, err)]
        return Ended(code, *texts, tuple(_calls(log)) if strace else ())


def _be_the_command(
    argv: Sequence[str],
    folder: Path,
    outputs: Sequence[Path],
    before: Callable[[], None] | None,
    *,
    stopped: bool,
) -> None:
    """Be the fork: never returns."""
    code = 99
    try:
        os.chdir(folder)
        for number, path in enumerate(outputs, start=1):
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
            os.dup2(fd, number)
            os.close(fd)
        sys.stdout = os.fdopen(1, "w", closefd=False)
        sys.stderr = os.fdopen(2, "w", closefd=False)
        if before is not None:
            before()
        if stopped:
            os.kill(os.getpid(), signal.SIGSTOP)
        code = cli.main(argv)
    except BaseException:  # noqa: BLE001 - whatever it is, it is told like the interpreter does
        code = 1
        sys.excepthook(*sys.exc_info())
        sys.stderr.flush()
    finally:
        os._exit(code)


class _watching:  # noqa: N801 - a context manager
    """Let strace watch a fork that has stopped itself, and let it go on."""

    def __init__(self, pid: int, arguments: Sequence[str]) -> None:
        self._pid = pid
        os.waitpid(pid, os.WUNTRACED)
        self._strace = subprocess.Popen(
            ["strace", "-q", "-p", str(pid), *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def __enter__(self) -> None:
        status = Path(f"/proc/{self._pid}/status")
        until = time.monotonic() + _PATIENCE_S
        while "TracerPid:\t0\n" in status.read_text(encoding="utf-8"):
            if time.monotonic() > until:
                os.kill(self._pid, signal.SIGKILL)
                raise TimeoutError("strace did not attach")
            time.sleep(0.001)
        os.kill(self._pid, signal.SIGCONT)

    def __exit__(self, *_: object) -> None:
        self._strace.wait(_PATIENCE_S)


def _wait(pid: int) -> int:
    """Wait for a fork; one that hangs is killed, and seen to be by its code."""
    until = time.monotonic() + _PATIENCE_S
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > until:
            os.kill(pid, signal.SIGABRT)
        time.sleep(0.0005)


def _killed(pid: int, after_s: float) -> int:
    time.sleep(after_s)
    os.kill(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _calls(log: Path) -> Iterator[Point]:
    counts: Counter[str] = Counter()
    for line in log.read_text("utf-8", "replace").splitlines() if log.exists() else ():
        found = _CALL.match(line)
        if found:
            counts[found[1]] += 1
            yield Point(found[1], counts[found[1]], found[2])


def trace(argv: Sequence[str], folder: Path, names: Sequence[str]) -> Ended:
    """Run a command and list its calls of some names."""
    return run(argv, folder, strace=("-e", "trace=" + ",".join(names)))


def hit(argv: Sequence[str], folder: Path, point: Point, what: str, *, on: bool = False, until: int = 0) -> Ended:
    """Run a command and do something to it at a point (`signal=KILL`, `error=EIO`), from there `on`, or `until` one."""
    when = f"{point.number}" + (f"..{until}" if until else "+" if on else "")
    names = ("-e", f"trace={point.call}", "-e", f"inject={point.call}:{what}:when={when}")
    return run(argv, folder, strace=names)
