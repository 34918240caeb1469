from __future__ import annotations

import os
import signal
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from runlog_lines import end, mixed_log
from runlog_reference import summary, summary_of

from ops_checks.runlog import part_reader
from ops_checks.runlog.filter import RunFilter
from ops_checks.runlog.parallel import read_plain, run_helper
from ops_checks.runlog.part_reader import read_part
from ops_checks.runlog.serialize import deserialize

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ops_checks.runlog.stats import RunStats


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Write a log."""
    path = tmp_path / "runs.jsonl"
    path.write_bytes(mixed_log())
    return path


@pytest.fixture(autouse=True)
def two_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend to have them, so that these tests use two processes on every machine."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)


@contextmanager
def descriptor_of(path: Path) -> Iterator[int]:
    """Open a file for reading."""
    with path.open("rb") as file:
        yield file.fileno()


def read_in_two(path: Path, advance: Callable[[int], object] | None = None, **run_filter: Any) -> RunStats:
    """Read a small log the way a large one is read."""
    with descriptor_of(path) as descriptor:
        return read_plain(str(path), descriptor, RunFilter(**run_filter), advance=advance, parallel_bytes=1)


def on_spawn(monkeypatch: pytest.MonkeyPatch, act: Callable[[int], object]) -> None:
    """Act as soon as the helper is started, with its process id."""
    spawn = os.posix_spawn

    def spawn_and_act(*args: Any, **options: Any) -> int:
        process = spawn(*args, **options)
        act(process)
        return process

    monkeypatch.setattr(os, "posix_spawn", spawn_and_act)


def wait_for(process: int) -> None:
    """Wait until a child has ended, and leave it to its parent to reap."""
    os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)


@pytest.mark.parametrize(
    "run_filter", [{}, {"since_ms": 4900}, {"commands": frozenset({"done", "일"})}, {"details": False}]
)
def test_two_processes(log: Path, run_filter: dict[str, Any]) -> None:
    """Two processes that share the parts return what one process returns, lines included."""
    with descriptor_of(log) as descriptor:
        whole = read_part(str(log), descriptor, 0, log.stat().st_size, RunFilter(**run_filter))
    stats = read_in_two(log, **run_filter)
    assert summary(stats) == summary(whole)
    for name in ("slowest", "failures", "defects", "logs", "detailed"):
        assert getattr(stats, name) == getattr(whole, name)


@pytest.mark.parametrize("claimed", [0, 1, 5])
def test_helper_is_used(log: Path, monkeypatch: pytest.MonkeyPatch, claimed: int) -> None:
    """Parts that this process does not claim are read by the helper, and by nobody else."""
    helpers: list[int] = []
    read: list[int] = []

    def wait_when(count: int) -> None:
        if count == claimed:
            wait_for(helpers[0])

    def noted(path: str, descriptor: int, start: int, *rest: Any, **options: Any) -> RunStats:
        read.append(start)
        wait_when(len(read))
        return read_part(path, descriptor, start, *rest, **options)

    on_spawn(monkeypatch, lambda process: (helpers.append(process), wait_when(0)))
    monkeypatch.setattr(part_reader, "read_part", noted)
    assert summary(read_in_two(log)) == summary_of(log.read_bytes())
    assert len(read) <= claimed


def replace_helper(monkeypatch: pytest.MonkeyPatch, folder: Path, script: str) -> None:
    """Let a shell script run in place of the helper."""
    program = folder / "python"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="ascii")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))


@pytest.mark.parametrize(
    "script",
    [
        "kill -9 $$",
        "printf '\\237 no statistics'",
        "head -c 1048576 /dev/zero",
        "printf '\\200'",
        "exit 1",
        "echo trouble >&2",
    ],
)
def test_helper_fails(
    log: Path, script: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A helper that dies, or answers with anything else, changes nothing and prints nothing."""
    replace_helper(monkeypatch, log.parent, script)
    assert summary(read_in_two(log)) == summary_of(log.read_bytes())
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("script", ["head -c 3 <&3 >&2", "cat <&3 >&2"])
def test_claimed_parts_are_not_lost(log: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts that a helper claimed, and died before it returned them, are read here."""
    replace_helper(monkeypatch, log.parent, script)
    on_spawn(monkeypatch, wait_for)
    assert summary(read_in_two(log)) == summary_of(log.read_bytes())


@pytest.mark.parametrize("program", ["/nowhere/python", "/", "a\0b", ""])
def test_no_helper(log: Path, program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no helper can be started, one process reads all."""
    monkeypatch.setattr(sys, "executable", program)
    assert summary(read_in_two(log)) == summary_of(log.read_bytes())


@pytest.mark.parametrize("affinity", [{3}, None])
@pytest.mark.parametrize("count", [1, None])
def test_one_processor(
    log: Path, monkeypatch: pytest.MonkeyPatch, affinity: set[int] | None, count: int | None
) -> None:
    """With one processor, or where nobody knows how many there are, no helper is started."""
    if affinity is None:
        monkeypatch.delattr(os, "sched_getaffinity")
    else:
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: affinity)
    monkeypatch.setattr(os, "cpu_count", lambda: count)
    monkeypatch.delattr(os, "posix_spawn")
    assert summary(read_in_two(log)) == summary_of(log.read_bytes())


def test_small_log(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For a small log no helper is started."""
    monkeypatch.delattr(os, "posix_spawn")
    with descriptor_of(log) as descriptor:
        assert summary(read_plain(str(log), descriptor, RunFilter())) == summary_of(log.read_bytes())


@pytest.mark.parametrize("data", [b"", b"\n", b"x", b"{}\n", b"x" * 5000, b"x" * 5000 + b"\n", b"\n" * 5000])
def test_little(tmp_path: Path, data: bytes) -> None:
    """A log without a line to split at is read whole."""
    path = tmp_path / "log"
    path.write_bytes(data)
    assert summary(read_in_two(path)) == summary_of(data)


def test_progress(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All bytes are reported, also those of the parts that the helper reads, the last ones among them."""
    on_spawn(monkeypatch, wait_for)
    counts: list[int] = []
    read_in_two(log, advance=counts.append)
    assert sum(counts) == log.stat().st_size
    assert min(counts) >= 0


def held() -> tuple[set[str], set[str]]:
    """Return descriptors and children of this process; other tests may have left some of either."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii")
    return set(os.listdir("/proc/self/fd")), set(children.split())


def test_nothing_is_left(log: Path) -> None:
    """After reading in two there is no child process, and no descriptor more than before."""
    before = held()
    read_in_two(log)
    assert held() == before


def test_interrupt_while_the_helper_starts(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No descriptor stays open when the start of the helper is interrupted."""

    def interrupted(*_: Any, **__: Any) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "posix_spawn", interrupted)
    before = held()
    with pytest.raises(KeyboardInterrupt):
        read_in_two(log)
    assert held() == before


def test_helper_is_reaped_elsewhere(log: Path) -> None:
    """In a process that ignores the end of its children, the helper's end is no error."""
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        assert summary(read_in_two(log)) == summary_of(log.read_bytes())
    finally:
        signal.signal(signal.SIGCHLD, before)


def test_run_helper(tmp_path: Path) -> None:
    """The helper claims parts, reads them from the log, and writes their statistics."""
    path = tmp_path / "log"
    path.write_bytes(end() * 3)
    (unclaimed, offers), (answers, results) = os.pipe(), os.pipe()
    os.write(offers, bytes([1]))
    os.close(offers)
    with descriptor_of(path) as descriptor, open(answers, "rb") as pipe:
        run_helper(descriptor, unclaimed, results, (0, len(end()), len(end() * 3)), (None, None, True))
        os.close(unclaimed)
        ((number, stats),) = deserialize(pipe.read()).items()
    assert (number, stats.lines, stats.done) == (1, 2, 2)
