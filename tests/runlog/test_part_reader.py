from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from runlog_lines import end, logs, start, stats_of
from runlog_reference import summary, summary_of

from ops_checks.runlog.filter import RunFilter
from ops_checks.runlog.part_reader import read_part

if TYPE_CHECKING:
    from pathlib import Path


def test_torn_tail() -> None:
    """A last line without its line break is a write in progress: neither counted nor an error, even if it parses."""
    for tail in (b'{"event":', end()[:-1], b"\xff", b" "):
        stats = stats_of(end() + tail)
        assert (stats.lines, stats.done, stats.malformed, stats.logs[0].torn_tail) == (1, 1, 0, True)
    assert not stats_of(end()).logs[0].torn_tail
    assert stats_of(end()[:-1]).lines == 0


def test_byte_order_mark_and_crlf() -> None:
    """A byte order mark before the first line and CRLF line ends are no defects."""
    log = b"\xef\xbb\xbf" + (end() + end()).replace(b"\n", b"\r\n")
    assert (stats_of(log).done, stats_of(log).malformed) == (2, 0)
    assert stats_of(end() + b"\xef\xbb\xbf" + end()).malformed == 1


@pytest.mark.parametrize("size", [7, 60, 1000])
def test_long_lines(size: int) -> None:
    """A line over the longest allowed is one malformed line and is not held; one that is just as long is read."""
    just = end(note="x" * (1000 - len(end(note=""))))
    assert len(just) == 1000
    over = just[:-3] + b'x"}\n'
    log = start("a") + over + end() + just + over + over + b"x" * 5000
    stats = stats_of(log, size=size, longest=len(just) - 1)
    assert [(defect.line, defect.reason) for defect in stats.defects] == [
        (line, "longer than 999 bytes") for line in (2, 5, 6)
    ]
    assert (stats.lines, stats.done, stats.logs[0].torn_tail) == (6, 2, True)


_filters = st.sampled_from(
    [
        {},
        {"since_ms": 1000},
        {"commands": frozenset({"pick", "done"})},
        {"since_ms": 1005, "commands": frozenset()},
        {"until_ms": 1003},
        {"since_ms": 998, "until_ms": 1004},
    ]
)


@settings(max_examples=250, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(logs, st.sampled_from([50, 100, 333, 1 << 18]), _filters)
def test_agrees_with_the_reference_reader(log: bytes, size: int, run_filter: dict[str, Any]) -> None:
    """Whatever the lines and wherever blocks end, the fast reader returns what the plainest reader returns."""
    assert summary(stats_of(log, size=size, **run_filter)) == summary_of(log, **run_filter)


@pytest.mark.parametrize("size", [100, 1 << 18])
@pytest.mark.parametrize("order", [1, -1, 7], ids=["in order", "backwards", "mixed"])
def test_a_window_has_its_first_millisecond_and_not_the_one_behind_it(size: int, order: int) -> None:
    """Of starts and ends at every millisecond around it, whatever their order, those in a window count."""
    lines = [
        start(f"s{ms}", ts_epoch_ms=ms) + end(ts_epoch_ms=ms, trace_id=f"e{ms}", command=("done", "fail")[ms % 2])
        for ms in range(1000, 1011)
    ]
    log = b"".join(lines[place * order % len(lines)] for place in range(len(lines)))
    for since_ms, until_ms in [(1003, None), (None, 1007), (1003, 1007), (1003, 1004), (1005, 1005), (1011, 1020)]:
        window = {"since_ms": since_ms, "until_ms": until_ms}
        assert summary(stats_of(log, size=size, **window)) == summary_of(log, **window)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300) | st.text(alphabet='{}[]":,\\u08d\n\r e1-.E+', max_size=80).map(str.encode))
def test_any_bytes(data: bytes) -> None:
    """Any bytes are read without an exception, as the plainest reader reads them."""
    assert summary(stats_of(data, size=64)) == summary_of(data)
    assert summary(stats_of(b'{"event":"x","y":' + data + b"}\n")) == summary_of(b'{"event":"x","y":' + data + b"}\n")


def test_read_part_ends_early(tmp_path: Path) -> None:
    """A log that is cut while it is read ends where the file ends."""
    path = tmp_path / "log"
    path.write_bytes(end() * 3)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        stats = read_part("log", descriptor, 0, 1 << 30, RunFilter(), size=50)
    finally:
        os.close(descriptor)
    assert (stats.lines, stats.logs[0].torn_tail) == (3, False)


@pytest.mark.parametrize("data", [b"", b"\n", b"{", b"\xef\xbb\xbf" + end(), b"\xef\xbb\xbf", end()[:-1], b"x" * 99])
@pytest.mark.parametrize("size", [1, 7, 1 << 16])
def test_little(data: bytes, size: int) -> None:
    """Logs of nothing, of a torn line, or of a byte order mark are read like any other, whatever comes at a time."""
    assert summary(stats_of(data, size=size)) == summary_of(data)
