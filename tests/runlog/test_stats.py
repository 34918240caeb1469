from __future__ import annotations

import re
from tempfile import TemporaryFile

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from runlog_lines import chunks, end, logs, start, stats_of
from runlog_reference import summary, summary_of

from ops_checks.runlog.filter import RunFilter
from ops_checks.runlog.part_reader import read_blocks, read_part
from ops_checks.runlog.stats import RunStats, merge, merge_parts, relocate


@pytest.mark.parametrize(
    ("log", "left"),
    [
        (start("a") + end(trace_id="a"), []),
        (start("a"), [(1, "a")]),
        (start("a") + start("b") + end(trace_id="a"), [(2, "b")]),
        (end(trace_id="a") + start("a"), []),
        (start("a") + start("a") + end(trace_id="a"), [(1, "a")]),
        (start("a") + start("a") + end(trace_id="a") + start("a"), [(1, "a"), (4, "a")]),
        (start("a") + end(trace_id="b") + end(trace_id="a") + end(trace_id="a") + start("a"), []),
        (start("a") + start("a") + start("a"), [(1, "a"), (2, "a"), (3, "a")]),
        (start("a") + end(trace_id="a") + start("a"), [(3, "a")]),
        (start("a") + end(trace_id=None), [(1, "a")]),
        (start("a") + end(trace_id="a", exit_code=1), []),
    ],
)
def test_unfinished(log: bytes, left: list[tuple[int, str]]) -> None:
    """An end ends the latest open start of its trace id; a start that is left open is unfinished."""
    assert [(run.line, run.trace) for run in stats_of(log).unfinished()] == left


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 11)), max_size=60))
@example([(True, 0), *((True, number) for number in range(1, 9)), (False, 0)])
@example([(True, 0), (True, 1), (False, 0), (False, 1), (False, 1), (True, 1)])
def test_unfinished_of_many_at_once(events: list[tuple[bool, int]]) -> None:
    """Of a dozen runs at once an end ends the latest open start of its trace id, near or far."""
    log = b"".join(start(f"t-{number}") if begins else end(trace_id=f"t-{number}") for begins, number in events)
    assert summary(stats_of(log)) == summary_of(log)


@pytest.mark.parametrize(
    ("first", "second", "left"),
    [
        (start("a"), end(trace_id="a") + start("a"), [3]),
        (start("a"), start("a") + end(trace_id="a"), [1]),
        (start("a") + start("a"), end(trace_id="a") + end(trace_id="a") + end(trace_id="a") + start("a"), []),
        (end(trace_id="a"), start("a") + start("a"), [3]),
        (start("a") + start("a"), end(trace_id="a"), [1]),
    ],
)
def test_parts_pair_up(first: bytes, second: bytes, left: list[int]) -> None:
    """Which start of a trace id is unfinished does not depend on the parts that a log is read in."""
    parts = [read_blocks("log", chunks(data, 1 << 18), RunFilter()) for data in (first, second)]
    assert [run.line for run in merge_parts("log", parts).unfinished()] == left
    assert [run.line for run in stats_of(first + second).unfinished()] == left


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(logs, st.tuples(st.integers(0, 31), st.integers(0, 31)))
@example(start("a") + 2 * end(trace_id="a", ts_epoch_ms=1), (0, 2))
@example(start("a") + 2 * end(trace_id="a", ts_epoch_ms=1), (2, 3))
def test_merge(log: bytes, cuts: tuple[int, int]) -> None:
    """A log read in any three parts, merged in either order, has the statistics of the whole."""
    ends = [0, *(found.end() for found in re.finditer(rb"\n", log)), len(log)]
    one, two = sorted(ends[min(cut, len(ends) - 1)] for cut in cuts)

    with TemporaryFile(buffering=0) as file:
        file.write(log)

        def parts() -> list[RunStats]:
            first, second, third = (
                read_part("log", file.fileno(), begin, stop, RunFilter(), before=begin > 0, size=100)
                for begin, stop in ((0, one), (one, two), (two, len(log)))
            )
            second, third = relocate(second, "log", first.lines), relocate(third, "log", first.lines + second.lines)
            return [first, second, third]

        first, second, third = parts()
        left = merge(merge(first, second), third)
        first, second, third = parts()
        right = merge(first, merge(second, third))
    assert summary(left) == summary(right) == summary_of(log)
