from __future__ import annotations

import gzip
import os
import random
import sys
import tracemalloc
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import pytest
from runlog_lines import mixed_log
from runlog_reference import summary, summary_of

from ops_checks.errors import InputError
from ops_checks.runlog import line_reader, reader
from ops_checks.runlog.filter import RunFilter
from ops_checks.runlog.line_reader import FileBlocks, LineBlocks, read_at
from ops_checks.runlog.reader import read_runs

if TYPE_CHECKING:
    from pathlib import Path

zstd = pytest.importorskip("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Write a log."""
    path = tmp_path / "runs.jsonl"
    path.write_bytes(mixed_log())
    return path


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


@pytest.mark.parametrize(("suffix", "compress"), [(".gz", gzip.compress), (".zst", zstd.compress)])
def test_what_unpacks_to_too_much(tmp_path: Path, suffix: str, compress: Any) -> None:
    """Kilobytes that unpack to hours of work are refused, with the limit and the way out."""
    path = tmp_path / f"a{suffix}"
    path.write_bytes(compress(b"x" * (16 << 20)) * 33)
    with pytest.raises(InputError) as caught:
        read_runs([str(path)])
    assert caught.value.message == (
        f"{path}: unpacks to more than 512 MB (a line counts as 200 bytes or more), too much for a packed log of its "
        "size; unpack it and name the plain log"
    )


def test_many_lines_are_as_much_as_many_bytes(tmp_path: Path) -> None:
    """A line takes time however short it is, so that it counts as a usual one."""
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(b"\n" * 2_700_000))
    with pytest.raises(InputError, match="unpacks to more than 512 MB"):
        read_runs([str(path)])


def test_uniform_logs_are_read(tmp_path: Path) -> None:
    """A log of equal runs shrinks to a hundredth and less, which is no reason to refuse it."""
    run = (
        b'{"event": "run_end", "trace_id": "trace-0123456789ab", "command": "done", "ts_epoch_ms": 1767236400000, '
        b'"exit_code": 0, "status": "ok", "item_id": "ORCH-101", "duration_ms": 120}\n'
    )
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(run * 300_000))
    assert path.stat().st_size * 130 < len(run) * 300_000
    assert read_runs([str(path)], RunFilter(details=False)).lines == 300_000


@pytest.mark.parametrize(("times", "allowed"), [(49, True), (51, False)])
def test_the_limit_grows_with_the_log(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    times: int,
    allowed: bool,  # noqa: FBT001 - a column
) -> None:
    """Beyond the least that is always read, a packed log may unpack to fifty times its size."""
    monkeypatch.setattr(line_reader, "MOST_UNPACKED_BYTES", 1 << 10)
    path = tmp_path / "a.gz"
    noise = random.Random(1).randbytes(200_000)
    size = len(gzip.compress(noise + bytes(10_000_000)))
    path.write_bytes(gzip.compress(noise + bytes(size * times - len(noise) - 4 * times)))
    with nullcontext() if allowed else pytest.raises(InputError, match="unpacks to more than"):
        read_runs([str(path)])


def test_many_open_runs_of_a_packed_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A packed log that holds more starts without an end than memory allows is refused; a plain one is read."""
    monkeypatch.setattr(reader, "MOST_OPEN", 5_000)
    starts = "".join(f'{{"event":"run_start","trace_id":"t{number}"}}\n' for number in range(9_000)).encode()
    packed, plain = tmp_path / "a.gz", tmp_path / "a.jsonl"
    packed.write_bytes(gzip.compress(starts))
    plain.write_bytes(starts)
    with pytest.raises(InputError, match=r"a\.gz: more than 5,000 runs are open at once; unpack it and name the plain"):
        read_runs([str(packed)])
    assert len(read_runs([str(plain)]).open_runs) == 9_000


def test_no_zstd(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the optional package a .zst log is an error that says which package to install."""
    path = log.with_name("a.zst")
    path.write_bytes(zstd.compress(b"\n"))
    for module in ("compression.zstd", "backports.zstd"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InputError, match=r"a\.zst: .* install ops-checks with its extra zst, as"):
        read_runs([str(path)])


def test_long_line_is_not_held() -> None:
    """However long a line is, no more than the allowed length of it is held."""
    left = [b"\n", *[b"x" * 10_000] * 1000]  # the same bytes again and again take no memory of their own
    tracemalloc.start()
    try:
        blocks = list(LineBlocks(lambda: bytes(bytearray(left.pop())) if left else b"", longest=100_000))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert blocks == [None]
    assert peak < 500_000


def test_read_at(tmp_path: Path) -> None:
    """Bytes are read at an offset, fewer at the end; what cannot be read is an error that names the log."""
    path = tmp_path / "log"
    path.write_bytes(b"0123456789")
    with path.open("rb") as file:
        assert [read_at("log", file.fileno(), 4, offset) for offset in (0, 8, 10)] == [b"0123", b"89", b""]
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        with pytest.raises(InputError) as caught:
            read_at("log", folder, 1, 0)
    finally:
        os.close(folder)
    assert caught.value.message == "log: cannot be read (Is a directory): check the disk"


@pytest.mark.parametrize(("more", "malformed"), [(0, 0), (1, 1)])
def test_the_longest_line_that_is_read(tmp_path: Path, more: int, malformed: int) -> None:
    """A line of 16 MB is read, one of a byte more is malformed."""
    log = tmp_path / "runs.jsonl"
    record = b'{"event": "note", "text": "'
    end = b'"}'
    log.write_bytes(record + b"x" * (16 * 1024 * 1024 - len(record) - len(end) + more) + end + b"\n")
    assert read_runs([str(log)]).malformed == malformed


@pytest.mark.parametrize("size", [1, 2, 7, 40])
@pytest.mark.parametrize("seed", range(6))
def test_blocks_of_a_file_are_those_of_its_bytes(log: Path, size: int, seed: int) -> None:
    """Whatever is read at a time, the whole lines of a range come once, in order, and what is left over is told."""
    chance = random.Random(seed)
    data = b"".join(b"x" * chance.choice((0, 1, 3, 50)) + b"\n" for _ in range(30)) + b"torn" * (seed % 2)
    log.write_bytes(b"before\n" + data)
    advanced: list[int] = []
    with log.open("rb") as file:
        blocks = FileBlocks(str(log), file.fileno(), 7, 7 + len(data), size, advanced.append)
        lines = b"".join(block[: block.rfind(b"\n") + 1] for block in blocks if block)
    assert (lines, blocks.torn) == (data.removesuffix(b"torn"), seed % 2 == 1)
    assert sum(advanced) == len(data)
