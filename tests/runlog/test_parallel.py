from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from runlog_lines import mixed_log
from runlog_reference import summary, summary_of

from ops_checks.runlog.filter import RunFilter
from ops_checks.runlog.parallel import read_plain
from ops_checks.runlog.part_reader import read_part


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Write that log as a file."""
    path = tmp_path / "runs.jsonl"
    path.write_bytes(log_bytes())
    return path


@pytest.fixture
def two_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend to have them, so that these tests split the log on every machine."""
    monkeypatch.setattr(shares, "_processors", lambda: 2)


def read_in_two(path: Path, **run_filter: Any) -> Any:
    """Read a small log the way a large one is read."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return read_plain(str(path), descriptor, RunFilter(**run_filter), worth_it=1)
    finally:
        os.close(descriptor)


@pytest.mark.usefixtures("two_processors")
@pytest.mark.parametrize(
    "run_filter", [{}, {"since_ms": 4900}, {"commands": frozenset({"done", "일"})}, {"details": False}]
)
def test_shares(log: Path, run_filter: dict[str, Any]) -> None:
    """Two processes that share the parts say what one process says, places included."""
    descriptor = os.open(log, os.O_RDONLY)
    try:
        whole = read_part(str(log), descriptor, 0, log.stat().st_size, RunFilter(**run_filter))
    finally:
        os.close(descriptor)
    stats = read_in_two(log, **run_filter)
    assert summary(stats) == summary(whole)
    assert stats.slowest == whole.slowest
    assert stats.failures == whole.failures
    assert stats.logs == whole.logs


@pytest.mark.usefixtures("two_processors")
@pytest.mark.parametrize("taken", [0, 1, 5])
def test_helper_is_used(log: Path, monkeypatch: pytest.MonkeyPatch, taken: int) -> None:
    """What this process does not take is read by the helper, and by nobody else."""
    from ops_checks.runlog import part_reader as reading

    asked: list[tuple[int, int]] = []
    real, claims = reading.read_part, shares._claims

    def spy(path: str, descriptor: int, start: int, stop: int, selection: RunFilter, **more: Any) -> Any:
        asked.append((start, stop))
        return real(path, descriptor, start, stop, selection, **more)

    monkeypatch.setattr(reading, "read_part", spy)
    monkeypatch.setattr(shares, "_claims", lambda tokens: islice(claims(tokens), taken))
    assert summary(read_in_two(log)) == summary_of(log.read_bytes())
    assert len(asked) <= taken


@pytest.mark.usefixtures("two_processors")
@pytest.mark.parametrize(
    "program",
    [
        "import os; os.kill(os.getpid(), 9)",
        "import os; os.write(1, b'\\x9f not what was asked for')",
        "import os; os.write(1, bytes(1 << 20))",
        "import os; os.write(1, b'\\x80')",
        "raise SystemExit(1)",
        "no program at all",
    ],
)
def test_helper_fails(log: Path, program: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture) -> None:
    """A helper that dies, or answers with anything else, costs time but changes nothing and prints nothing."""
    monkeypatch.setattr(shares, "_PROGRAM", program)
    assert summary(read_in_two(log)) == summary_of(log.read_bytes())
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("two_processors")
def test_no_helper(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no helper can be started, one process reads all."""
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert summary(read_in_two(log)) == summary_of(log.read_bytes())


@pytest.mark.usefixtures("two_processors")
@pytest.mark.parametrize("data", [b"", b"\n", b"x", b"{}\n", b"x" * 5000, b"x" * 5000 + b"\n", b"\n" * 5000])
def test_shares_of_little(tmp_path: Path, data: bytes) -> None:
    """A log that has no line to split at is read whole."""
    path = tmp_path / "log"
    path.write_bytes(data)
    assert summary(read_in_two(path)) == summary_of(data)


@pytest.mark.usefixtures("two_processors")
def test_nothing_is_left(log: Path) -> None:
    """After reading in two there is no child process, and no descriptor more than before."""

    def held() -> tuple[set[str], set[str]]:
        """Descriptors and children; other tests may have left some of either."""
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii")
        return set(os.listdir("/proc/self/fd")), set(children.split())

    before = held()
    read_in_two(log)
    assert held() == before
