from __future__ import annotations

import gzip
import os
import sys
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest
from runlog_lines import mixed_log
from runlog_reference import summary, summary_of

from ops_checks.errors import InputError
from ops_checks.runlog.line_reader import LineBlocks, read_at
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


def test_no_zstd(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the optional package a .zst log is an error that says which package to install."""
    path = log.with_name("a.zst")
    path.write_bytes(zstd.compress(b"\n"))
    for module in ("compression.zstd", "backports.zstd"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InputError, match=r"a\.zst: .* pip install 'ops-checks\[zst\]'"):
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
