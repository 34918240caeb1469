"""Ends of runs that stand in a log more than once: each counts once, and no two different runs ever do."""

from __future__ import annotations

import gzip
import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from runlog_lines import end, start, stats_of
from runlog_reference import summary, summary_of

from ops_checks.runlog import part_reader, repeats
from ops_checks.runlog.filter import RunFilter
from ops_checks.runlog.parallel import read_plain
from ops_checks.runlog.reader import read_runs

if TYPE_CHECKING:
    from pathlib import Path

    from ops_checks.runlog.stats import RunStats

WINDOW = repeats.WINDOW


@pytest.fixture(autouse=True)
def two_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend to have them."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)


def numbered(number: int, **changes: Any) -> bytes:
    """Return the end of a run that no other one is equal to."""
    return end(**({"trace_id": f"trace-{number:012x}", "ts_epoch_ms": 1_700_000_000_000 + number} | changes))


def read_everywhere(path: Path, **run_filter: Any) -> list[RunStats]:
    """Read a log whole, in parts by two threads, and packed."""
    packed = path.with_suffix(".gz")
    packed.write_bytes(gzip.compress(path.read_bytes(), 1))
    found = [read_runs([str(log)], RunFilter(**run_filter)) for log in (path, packed)]
    with path.open("rb") as file:
        found.append(read_plain(str(path), file.fileno(), RunFilter(**run_filter), parallel_bytes=1))
    return found


def counted(path: Path, data: bytes) -> list[tuple[int, int]]:
    """Return the runs that count and those that stand there again, however the log is read."""
    path.write_bytes(data)
    return [(stats.runs, stats.logs[0].repeated) for stats in read_everywhere(path)]


FULL = {"ts_epoch_ms": 1_700_000_000_000}
EQUAL = [
    ("twice", end(**FULL) * 2, (1, 1)),
    ("three times", end(**FULL) * 3, (1, 2)),
    ("a piece copied", (start() + end(**FULL) + numbered(5)) * 2, (2, 2)),
    ("another spelling", end(**FULL) + end(**FULL).replace(b'": ', b'":'), (1, 1)),
    ("an unknown key", end(**FULL) + end(**FULL, host="b"), (1, 1)),
    ("time as text alone", end(ts_kst="2026-01-01T09:00:00+09:00") * 2, (1, 1)),
    ("among malformed lines", b"x\n" + end(**FULL) + b"x\n\n" + end(**FULL), (1, 1)),
]
DIFFERENT = [
    ("no trace", end(trace_id=None, **FULL) * 3),
    ("an empty trace", end(trace_id="", **FULL) * 3),
    ("no time", end() * 3),
    ("the minimum", end(trace_id=None) * 300),
    *(
        (name, end(**FULL) + end(**(FULL | {name: value})))
        for name, value in {
            "trace_id": "trace-0123456789ac",
            "ts_epoch_ms": 1_700_000_000_001,
            "command": "fail",
            "exit_code": 1,
            "duration_ms": 12.5,
            "item_id": "ORCH-1",
            "status": "error",
            "error": "late",
            "ts_kst": "2026-01-01T09:00:00+09:00",
        }.items()
    ),
]


@pytest.mark.parametrize(("data", "expected"), [row[1:] for row in EQUAL], ids=[row[0] for row in EQUAL])
def test_equal_ends_count_once(tmp_path: Path, data: bytes, expected: tuple[int, int]) -> None:
    """An end that equals an earlier one in all known keys is the same run."""
    assert counted(tmp_path / "log", data) == [expected] * 3


@pytest.mark.parametrize("data", [row[1] for row in DIFFERENT], ids=[row[0] for row in DIFFERENT])
def test_different_runs_are_never_merged(tmp_path: Path, data: bytes) -> None:
    """Without a trace id or a time, or where any known key differs, each end counts."""
    assert counted(tmp_path / "log", data) == [(data.count(b"\n"), 0)] * 3


@pytest.mark.parametrize(("between", "again", "ms"), [(WINDOW - 1, 1, 0), (WINDOW, 0, 0), (WINDOW, 0, 1)])
def test_the_window(tmp_path: Path, between: int, again: int, ms: int) -> None:
    """Equal ends count once up to 65,536 records apart, wherever a log is cut into parts."""
    others = b"".join(numbered(9 + number * ms, trace_id=f"trace-{number:012x}") for number in range(between))
    data = numbered(1) + others + numbered(1)
    assert counted(tmp_path / "log", data) == [(between + 2 - again, again)] * 3


def test_every_end_again_is_found_across_the_parts(tmp_path: Path) -> None:
    """A log that holds a long piece twice counts it once, although no part of it does."""
    piece = b"".join(numbered(number) for number in range(30_000))
    assert counted(tmp_path / "log", piece * 2) == [(30_000, 30_000)] * 3


def test_outcomes_and_latency(tmp_path: Path) -> None:
    """What stands there again is in no number and in no list of offenders."""
    path = tmp_path / "log"
    path.write_bytes(numbered(1, command="fail", duration_ms=90) * 2 + numbered(2) * 2)
    for stats in read_everywhere(path):
        assert (stats.done, stats.failed, len(stats.durations)) == (1, 1, 2)
        assert ([run.line for run in stats.failures], [run.line for run in stats.slowest]) == ([1], [1, 3])


def test_outside_undated_and_repeated_are_counted(tmp_path: Path) -> None:
    """Each end that does not count is counted for its one reason."""
    path = tmp_path / "log"
    path.write_bytes(numbered(1) * 2 + numbered(50) * 3 + end() * 4)
    for stats in read_everywhere(path, since_ms=1_700_000_000_020):
        (log,) = stats.logs
        assert (log.runs, log.outside, log.undated, log.repeated) == (1, 1, 4, 3)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3), st.booleans()), max_size=60),
    st.sampled_from([200, 1 << 16]),
)
def test_agrees_with_the_reference(runs: list[tuple[int, int, bool]], size: int) -> None:
    """Whatever stands where, the screened reader and the exact one agree with the plainest one."""
    data = b"".join(
        numbered(number, duration_ms=length) if dated else end(duration_ms=length) for number, length, dated in runs
    )
    descriptor = os.memfd_create("log")
    try:
        os.write(descriptor, data)
        whole = part_reader.read_part("log", descriptor, 0, len(data), RunFilter(), size=size)
    finally:
        os.close(descriptor)
    assert summary(whole) == summary(stats_of(data, size)) == summary_of(data)


def test_times_in_any_order(tmp_path: Path) -> None:
    """Disorder and coinciding times are no repeats."""
    lines = [
        json.dumps(json.loads(numbered(number * 7919 % 5000 // 2, trace_id=f"t{number}"))) for number in range(5000)
    ]
    assert counted(tmp_path / "log", "".join(f"{line}\n" for line in lines).encode()) == [(5000, 0)] * 3
