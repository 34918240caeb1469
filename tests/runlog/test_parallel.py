from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from runlog_lines import end, mixed_log
from runlog_reference import summary, summary_of

from ops_checks.errors import InputError
from ops_checks.runlog import part_reader
from ops_checks.runlog.filter import RunFilter
from ops_checks.runlog.parallel import read_plain
from ops_checks.runlog.part_reader import read_part

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import ModuleType

    from ops_checks.runlog.stats import RunStats


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Write a log."""
    path = tmp_path / "runs.jsonl"
    path.write_bytes(mixed_log())
    return path


@pytest.fixture(autouse=True)
def two_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend to have them, so that these tests use two threads on every machine."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)


@contextmanager
def descriptor_of(path: Path) -> Iterator[int]:
    """Open a file for reading."""
    with path.open("rb") as file:
        yield file.fileno()


def read_in_parts(path: Path, advance: Callable[[int], object] | None = None, **run_filter: Any) -> RunStats:
    """Read a small log the way a large one is read."""
    with descriptor_of(path) as descriptor:
        return read_plain(str(path), descriptor, RunFilter(**run_filter), advance=advance, parallel_bytes=1)


def on_read(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> list[tuple[int, int]]:
    """Act before each part is read; return the thread and the beginning of each."""
    read: list[tuple[int, int]] = []

    def noted(path: str, descriptor: int, start: int, *rest: Any, **options: Any) -> RunStats:
        read.append((threading.get_ident(), start))
        act()
        return read_part(path, descriptor, start, *rest, **options)

    monkeypatch.setattr(part_reader, "read_part", noted)
    return read


@pytest.mark.parametrize(
    "run_filter",
    [
        {},
        {"since_ms": 4900},
        {"since_ms": 3000, "until_ms": 4900},
        {"commands": frozenset({"done", "일"})},
        {"details": False},
    ],
)
def test_parts(log: Path, run_filter: dict[str, Any]) -> None:
    """Threads that share the parts return what one returns, lines included."""
    with descriptor_of(log) as descriptor:
        whole = read_part(str(log), descriptor, 0, log.stat().st_size, RunFilter(**run_filter))
    stats = read_in_parts(log, **run_filter)
    assert summary(stats) == summary(whole)
    for name in ("slowest", "failures", "defects", "logs", "detailed"):
        assert getattr(stats, name) == getattr(whole, name)


def test_two_threads_read_at_once(log: Path, monkeypatch: pytest.MonkeyPatch, native: ModuleType) -> None:
    """Two parts are being read at the same time, and each is read once."""
    both = threading.Barrier(2, timeout=30)
    first: set[int] = set()

    def meet() -> None:
        if threading.get_ident() not in first:
            first.add(threading.get_ident())
            both.wait()

    monkeypatch.setattr("ops_checks.runlog.scanner.native", native)
    read = on_read(monkeypatch, meet)
    assert summary(read_in_parts(log)) == summary_of(log.read_bytes())
    starts = [start for _, start in read]
    assert (len(first), len(set(starts)) == len(starts), len(starts) > 2) == (2, True, True)


@pytest.mark.parametrize("affinity", [{3}, None])
@pytest.mark.parametrize("count", [1, None])
def test_one_processor(
    log: Path, monkeypatch: pytest.MonkeyPatch, affinity: set[int] | None, count: int | None
) -> None:
    """With one processor, or where nobody knows how many there are, the log is read whole."""
    if affinity is None:
        monkeypatch.delattr(os, "sched_getaffinity")
    else:
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: affinity)
    monkeypatch.setattr(os, "cpu_count", lambda: count)
    read = on_read(monkeypatch, lambda: None)
    assert summary(read_in_parts(log)) == summary_of(log.read_bytes())
    assert len(read) == 1


def test_without_the_scanner_the_log_is_read_whole(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The interpreter lets one thread work at a time: more would only take turns."""
    monkeypatch.setattr("ops_checks.runlog.scanner.native", None)
    read = on_read(monkeypatch, lambda: None)
    assert summary(read_in_parts(log)) == summary_of(log.read_bytes())
    assert len(read) == 1


def test_no_thread(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no thread can be had, this one reads all parts."""

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert summary(read_in_parts(log)) == summary_of(log.read_bytes())


@pytest.mark.parametrize("error", [InputError("gone"), KeyboardInterrupt(), MemoryError()])
@pytest.mark.parametrize("failing", [1, 2, 3])
def test_what_is_raised_in_any_thread(
    log: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, failing: int
) -> None:
    """It is raised here, the others stop, and none goes on reading."""
    calls = iter(range(1, 1000))

    def fail() -> None:
        if next(calls) == failing:
            raise error

    before = threading.active_count()
    on_read(monkeypatch, fail)
    with pytest.raises(type(error)) as caught:
        list(iter(lambda: read_in_parts(log), None))
    assert (caught.value is error, threading.active_count()) == (True, before)


@pytest.mark.parametrize("data", [b"", b"\n", b"x", b"{}\n", b"x" * 5000, b"x" * 5000 + b"\n", b"\n" * 5000])
def test_little(tmp_path: Path, data: bytes) -> None:
    """A log without a line to split at is read whole."""
    path = tmp_path / "log"
    path.write_bytes(data)
    assert summary(read_in_parts(path)) == summary_of(data)


def test_progress(log: Path) -> None:
    """All bytes are reported, whoever reads them."""
    counts: list[int] = []
    read_in_parts(log, advance=counts.append)
    assert (sum(counts), min(counts) >= 0) == (log.stat().st_size, True)


def test_many_ends_alike(tmp_path: Path) -> None:
    """A run that stands in several parts counts once, wherever they are cut."""
    path = tmp_path / "log"
    data = b"".join(end(trace_id=f"t{number % 7}", ts_epoch_ms=1000 + number % 7) for number in range(400))
    path.write_bytes(data)
    assert summary(read_in_parts(path)) == summary_of(data)
