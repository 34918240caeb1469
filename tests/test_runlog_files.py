from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from runlog_reference import summary, summary_of

from ops_checks.errors import InputError
from ops_checks.runlog.filter import RunFilter
from ops_checks.runlog.parallel import read_plain
from ops_checks.runlog.part_reader import read_part
from ops_checks.runlog.reader import read_runs, shares
from ops_checks.runlog.serialize import packed, parsed

zstd = pytest.importorskip("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")


def log_bytes() -> bytes:
    """Return a log with all that a reader keeps: runs across its middle, failures, malformed lines, a torn tail."""
    lines = []
    for number in range(200):
        common = {"trace_id": f"trace-{number:012x}", "command": ("done", "fail", "pick")[number % 3]}
        lines.append({"event": "run_start", "ts_epoch_ms": 5000 - number, **common})
        if number > 7:
            ended = {**common, "trace_id": f"trace-{number - 7:012x}"}
            lines.append({"event": "run_end", "exit_code": number % 5 // 4, "duration_ms": number * 7 % 100, **ended})
    text = "".join(json.dumps(line) + "\n" + "x\n" * (number % 50 == 0) for number, line in enumerate(lines))
    return text.encode() + b"torn"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Write that log as a file."""
    path = tmp_path / "runs.jsonl"
    path.write_bytes(log_bytes())
    return path


# --- compressed logs


@pytest.mark.parametrize(("suffix", "compress"), [(".gz", gzip.compress), (".zst", zstd.compress)])
def test_compressed(log: Path, suffix: str, compress: Any) -> None:
    """A compressed log, by its name or by its first bytes, in one piece or several, is read like the plain one."""
    data = log.read_bytes()
    for name in (f"a{suffix}", "b.jsonl"):
        path = log.with_name(name)
        path.write_bytes(compress(data[:999]) + compress(data[999:]))
        stats = read_runs([str(path)])
        assert summary(stats) == summary_of(data)
        assert {run.path for run in stats.slowest} == {str(path)}


@pytest.mark.parametrize(("suffix", "compress"), [(".gz", gzip.compress), (".zst", zstd.compress)])
def test_damaged(log: Path, suffix: str, compress: Any) -> None:
    """Compressed data that is empty, cut short or damaged is an error that names the file, never a shorter log."""
    data = compress(log.read_bytes())
    how = {".gz": "gzip", ".zst": "zstd"}[suffix]
    path = log.with_name(f"a{suffix}")
    cases = {
        b"": f"{path}: is empty, and so holds no {how} data; name a whole compressed log",
        data[:-20]: f"{path}: its {how} data ends too early; name a whole compressed log",
        data[:9]: f"{path}: its {how} data ends too early; name a whole compressed log",
        b"plain text": None,
        data[:40] + b"\xff\x00\xff\x00" + data[44:]: None,
        data + b"no more data": None,
    }
    for damaged, message in cases.items():
        path.write_bytes(damaged)
        with pytest.raises(InputError) as caught:
            read_runs([str(path)])
        assert caught.value.message == message or (message is None and f"{path}: its {how} data" in str(caught.value))
        assert "\n" not in caught.value.message


def test_no_zstd(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the optional package a .zst log is an error that says which package to install."""
    path = log.with_name("a.zst")
    path.write_bytes(zstd.compress(b"\n"))
    for module in ("compression.zstd", "backports.zstd"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InputError, match=r"a\.zst: .* pip install 'ops-checks\[zst\]'"):
        read_runs([str(path)])


# --- two processes


@pytest.fixture
def two_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend to have them, so that these tests split the log on every machine."""
    monkeypatch.setattr(shares, "_processors", lambda: 2)


def read_in_two(path: Path, **selection: Any) -> Any:
    """Read a small log the way a large one is read."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return read_plain(str(path), descriptor, RunFilter(**selection), worth_it=1)
    finally:
        os.close(descriptor)


@pytest.mark.usefixtures("two_processors")
@pytest.mark.parametrize(
    "selection", [{}, {"since_ms": 4900}, {"commands": frozenset({"done", "일"})}, {"details": False}]
)
def test_shares(log: Path, selection: dict[str, Any]) -> None:
    """Two processes that share the parts say what one process says, places included."""
    descriptor = os.open(log, os.O_RDONLY)
    try:
        whole = read_part(str(log), descriptor, 0, log.stat().st_size, RunFilter(**selection))
    finally:
        os.close(descriptor)
    stats = read_in_two(log, **selection)
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


def test_wire(log: Path) -> None:
    """Statistics survive the way from one process to another; anything cut short is nothing."""
    stats = read_runs([str(log)])
    stats.durations.rest.extend([0.5, 1e300])
    stats.early_ends.append(-5)
    data = packed(stats)
    again = parsed(data)
    assert again is not None
    assert summary(again) == summary(stats)
    assert again.early_ends == stats.early_ends
    for cut in (0, 1, len(data) // 2, len(data) - 1):
        assert parsed(data[:cut]) is None


def test_light_import() -> None:
    """Importing the reader imports neither the decoder nor json: commands that read no log do not pay for it."""
    heavy = ("ops_checks.runlog.decoder", "json", "subprocess", "dataclasses")
    code = f"import sys, ops_checks.runlog.reader; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
