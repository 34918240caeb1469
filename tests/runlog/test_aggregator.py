from __future__ import annotations

from typing import TYPE_CHECKING

from runlog_lines import end, mixed_log, start, stats_of

from ops_checks.runlog import scanner
from ops_checks.runlog.stats import KEPT

if TYPE_CHECKING:
    import pytest


def test_both_ways(request: pytest.FixtureRequest) -> None:
    """The tests of this folder do run with the native scanner and without it."""
    assert (scanner.native is None) == request.node.name.endswith("[python]")


def test_outcomes() -> None:
    """Only ends of `done` and `fail` that exited with 0 are task outcomes; every end's duration counts."""
    log = end() + end(command="fail", item_id="ORCH-1") + end(command="done", exit_code=1) + end(command="pick")
    stats = stats_of(log)
    assert (stats.lines, stats.runs, stats.done, stats.failed, len(stats.durations)) == (4, 4, 1, 1, 4)
    (failure,) = stats.failures
    assert (failure.path, failure.line, failure.item, failure.trace) == ("log", 2, "ORCH-1", "trace-0123456789ab")


def test_minimal_writers() -> None:
    """An end without trace, time or duration counts as a run and an outcome."""
    stats = stats_of(b'{"event":"run_end","command":"done","exit_code":0}\n')
    assert (stats.runs, stats.done, len(stats.durations), stats.unfinished()) == (1, 1, 0, ())


def test_unpaired_starts() -> None:
    """A start without a trace id cannot be shown to be unfinished; it is counted apart."""
    stats = stats_of(b'{"event":"run_start","command":"pick"}\n')
    assert (stats.unfinished(), stats.unpaired) == ((), 1)
    stats = stats_of(b'{"event":"run_start","command":"pick"}\n' + end(trace_id=None))
    assert (stats.unfinished(), stats.unpaired) == ((), 1)


def test_window() -> None:
    """A window leaves out earlier ends and those without a time, which it counts; its first millisecond is within."""
    log = end(ts_epoch_ms=999) + end(ts_epoch_ms=1000) + end(ts_epoch_ms=1001) + end() + start("a", ts_epoch_ms=999)
    stats = stats_of(log, since_ms=1000)
    assert (stats.lines, stats.runs, stats.done, len(stats.durations), stats.undated) == (5, 2, 2, 2, 1)
    assert (stats.unfinished(), stats.logs[0].first_ms, stats.logs[0].last_ms) == ((), 999, 1001)


def test_unfinished_in_a_window() -> None:
    """A start in the window is finished by an end behind it, and by none before it; a start outside does not count."""
    log = start("a", ts_epoch_ms=1001) + start("b", ts_epoch_ms=1001) + start("c", ts_epoch_ms=1005)
    log += end(trace_id="a", ts_epoch_ms=1009) + end(trace_id="b", ts_epoch_ms=999)
    stats = stats_of(log, since_ms=1000, until_ms=1003)
    assert ([run.trace for run in stats.unfinished()], stats.runs, stats.logs[0].outside) == (["b"], 0, 2)


def test_commands_filter_latency_only() -> None:
    """`commands` chooses whose durations count; outcomes and runs are those of all commands."""
    stats = stats_of(end(duration_ms=1) + end(command="pick", duration_ms=9), commands=frozenset({"pick"}))
    assert (stats.runs, stats.done, stats.durations.max(), len(stats.durations)) == (2, 1, 9.0, 1)
    assert [run.duration_ms for run in stats.slowest] == [9.0]


def test_newest_event() -> None:
    """The newest event is the one with the latest time, named by event, command and trace id."""
    stats = stats_of(start("b", ts_epoch_ms=7) + end(trace_id="a", ts_epoch_ms=5))
    assert [log.newest for log in stats.logs] == ["run_start done b"]


def test_keeps_twenty() -> None:
    """Of defects the first 20, of failures the last 20, of slow runs the 20 longest are kept; all are counted."""
    log = b"".join(b"x\n" + end(command="fail", duration_ms=number) for number in range(30))
    stats = stats_of(log, size=100)
    assert (stats.malformed, [defect.line for defect in stats.defects]) == (30, list(range(1, 41, 2)))
    assert (stats.failed, [run.line for run in stats.failures]) == (30, list(range(22, 61, 2)))
    assert [run.duration_ms for run in stats.slowest] == list(range(29, 9, -1))


def test_faster_than_the_slowest() -> None:
    """Once the slowest are complete, a block of faster runs does not change them."""
    log = end(duration_ms=9) * KEPT + end(duration_ms=1) * 50
    assert [run.line for run in stats_of(log, size=300).slowest] == list(range(1, KEPT + 1))


def test_without_details() -> None:
    """Without details all counts are those of a full reading; no run is named, and no time range collected."""
    full, counted = stats_of(mixed_log()), stats_of(mixed_log(), details=False)
    for name in ("lines", "runs", "done", "failed", "malformed", "defects", "undated"):
        assert getattr(counted, name) == getattr(full, name)
    assert counted.durations.mean() == full.durations.mean()
    assert (counted.slowest, counted.failures, counted.unfinished(), counted.detailed) == ((), (), (), False)
    assert (counted.logs[0].first_ms, counted.logs[0].last_ms, counted.logs[0].newest) == (None, None, None)
