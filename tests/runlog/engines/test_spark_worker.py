"""What Spark's workers run, and what the driver makes of it: it is what the local reader says, however a log is cut."""

from __future__ import annotations

import random
from contextlib import nullcontext
from fractions import Fraction
from typing import TYPE_CHECKING, Any
from unittest import mock

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import to_builtins
from runlog_lines import end, logs, mixed_log, start
from runlog_reference import summary
from spark_rows import by_files, by_lines, put_together, sums

from ops_checks.errors import ChangingError, InputError
from ops_checks.runlog.engines.spark import worker
from ops_checks.runlog.engines.spark.answers import Log
from ops_checks.runlog.engines.spark.durations import Asked, CountedDurations
from ops_checks.runlog.engines.spark.stream import Stream
from ops_checks.runlog.engines.spark.worker import Task, bits_of
from ops_checks.runlog.filter import RunFilter
from ops_checks.runlog.grouping import Grouping
from ops_checks.runlog.percentiles import Durations
from ops_checks.runlog.reader import read_runs

if TYPE_CHECKING:
    from pathlib import Path

    from ops_checks.runlog.grouping import Groups
    from ops_checks.runlog.stats import RunStats

_FILTERS = st.builds(
    RunFilter,
    since_ms=st.none() | st.integers(990, 1010),
    commands=st.none() | st.just(frozenset({"done", "한글"})),
    details=st.booleans(),
    valid_ms=st.none() | st.just((995, 1005)),
    groupings=st.sampled_from([(), (Grouping("command"), Grouping("item")), (Grouping("error"), Grouping("day"))]),
)


def known(stats: RunStats) -> dict[str, Any]:
    """Return all that is known of runs."""
    kept = {name: to_builtins(getattr(stats, name)) for name in ("slowest", "failures", "defects", "logs", "detailed")}
    found = summary(stats) | kept | {"mean": stats.durations.mean(), "unfinished": to_builtins(stats.unfinished())}
    return found | {"count": stats.unfinished_count(), "groups": [groups_known(groups) for groups in stats.groups]}


def groups_known(groups: Groups) -> dict[Any, Any]:
    """Return all that is known of groups of runs."""
    return {
        key: (
            *(getattr(each, name) for name in ("runs", "done", "failed", "errors", "example")),
            [each.durations.ranked(rank) for rank in range(1, len(each.durations) + 1)],
        )
        for key, each in groups.items()
    }


def local(paths: list[str], run_filter: RunFilter) -> dict[str, Any]:
    """Return what the local reader says."""
    return known(read_runs(paths, run_filter))


def answer(read: Any, *args: Any, **options: Any) -> Any:
    """Return what a reader says, or its error."""
    try:
        found = read(*args, **options)
    except InputError as error:
        return error.message
    return found if isinstance(found, dict) else known(found)


@settings(max_examples=60)
@given(
    st.lists(st.tuples(logs, st.integers(1, 3)), min_size=1, max_size=3),
    st.lists(st.lists(st.integers(0, 6000), max_size=4), min_size=3, max_size=3),
    st.integers(1, 7),
    _FILTERS,
)
def test_parts_and_lines_are_the_local_answer(
    tmp_path_factory: pytest.TempPathFactory,
    contents: list[tuple[bytes, int]],
    cuts: list[list[int]],
    at_once: int,
    run_filter: RunFilter,
) -> None:
    """Logs that are cut anywhere, and logs whose lines come in batches, give the local reader's answer."""
    folder = tmp_path_factory.mktemp("logs")
    paths = []
    for number, (data, times) in enumerate(contents):
        path = folder / f"runs.{number}"
        path.write_bytes(data * times)  # with every line again, a little later
        paths.append(str(path))
    expected = answer(local, paths, run_filter)
    assert answer(by_files, paths, cuts[: len(paths)], run_filter) == expected
    data = {path: contents[number][0] * contents[number][1] for number, path in enumerate(paths)}
    assert answer(by_lines, data, run_filter, at_once=at_once) == expected


@pytest.mark.parametrize("away", [65_535, 65_536, 65_537])
@pytest.mark.parametrize("dated", [{"ts_epoch_ms": 1000}, {"ts_kst": "2026-01-01T09:00:00+09:00"}])
def test_an_end_repeated_in_another_part(tmp_path: Path, away: int, dated: dict[str, Any]) -> None:
    """A part looks as far back for an equal end as one reader of the whole log does."""
    once = end(**dated)
    between = b"".join(end(trace_id=f"t-{number}", ts_epoch_ms=2000 + number) for number in range(away - 1))
    path = tmp_path / "runs.jsonl"
    path.write_bytes(start() + once + between + once)
    cuts = [len(start() + once) + 5, len(between) // 2, len(start() + once + between) - 5]
    found, expected = by_files([str(path)], [cuts], RunFilter()), read_runs([str(path)])
    assert (found.runs, found.logs, len(found.durations)) == (expected.runs, expected.logs, len(expected.durations))
    assert found.logs[0].repeated == int(away <= 65_536)


@pytest.mark.parametrize("lines", [(0, 0, 1), (0, 1, 0), (1, 0, 0), (0, 0, 1, 1), (1, 0, 0, 1, 0), (0, 1, 1, 0, 0, 1)])
def test_starts_and_ends_of_one_trace_in_parts(tmp_path: Path, lines: tuple[int, ...]) -> None:
    """An end closes the latest start before it, whatever part that is in; else the earliest one behind it."""
    path = tmp_path / "runs.jsonl"
    written = [end(ts_epoch_ms=number) if is_end else start() for number, is_end in enumerate(lines)]
    path.write_bytes(b"".join(written))
    cuts = [sum(map(len, written[:number])) - 1 for number in range(1, len(written))]
    assert answer(by_files, [str(path)], [cuts], RunFilter()) == answer(local, [str(path)], RunFilter())


def test_zero_has_one_kind_of_bits() -> None:
    """Both zeros are one value, which is counted once."""
    assert list(bits_of([0.0, -0.0, 5e-324])) == [0, 0, 1]


def test_a_cut_in_a_line_that_is_too_long(tmp_path: Path) -> None:
    """A line of more than 16 MB is one malformed line, wherever the log is cut."""
    path = tmp_path / "runs.jsonl"
    path.write_bytes(end() + b"x" * (17 << 20) + b"\n" + end())
    cuts = [100, 1 << 20, 16 << 20, (17 << 20) + 50]
    assert answer(by_files, [str(path)], [cuts], RunFilter()) == answer(local, [str(path)], RunFilter())
    data = {str(path): path.read_bytes()}
    assert answer(by_lines, data, RunFilter(), at_once=2) == answer(local, [str(path)], RunFilter())


@pytest.mark.parametrize("times", [0, 2])
def test_a_part_without_a_row_or_with_two_is_an_error(tmp_path: Path, times: int) -> None:
    """Less data than there is is never an answer, nor is more."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(end())
    task = tuple(Task(0, 0, "a.jsonl", str(path), b"", 1, 0, len(end())))
    numbers = pa.RecordBatch.from_pydict({"id": [0] * times})
    rows = worker.read_files([numbers], [task], RunFilter().plain())
    with pytest.raises(InputError, match=r"^a\.jsonl: Spark did not read each part of it once: run it again"):
        put_together([Log("a.jsonl", 10, 0, b"", 1)], rows, detailed=True)


def test_another_file_on_a_worker(tmp_path: Path) -> None:
    """A path that leads a worker to a file which is shorter, begins otherwise or is not there is an error."""
    path = tmp_path / "runs.jsonl"
    seen = mixed_log()
    advice = "a path has to lead every worker to the same file: name a folder that they share, or a URL"
    for there, message in (
        (seen[:-1], f"runs: is shorter or another file on a worker: {advice}"),
        (b"x" + seen[1:] + b"\n", f"runs: is shorter or another file on a worker: {advice}"),
        (None, f"{path}: no such run log: name the file that the runs append to (on a worker): {advice}"),
    ):
        path.unlink(missing_ok=True)
        if there is not None:
            path.write_bytes(there)
        task = Task(0, 0, "runs", str(path), seen[:256], len(seen), 0, len(seen))
        batch = pa.RecordBatch.from_pydict({"id": [0]})
        rows = worker.read_files([batch], [tuple(task)], RunFilter().plain())
        with pytest.raises(InputError) as raised:
            put_together([Log("runs", 1, 0, b"", 1)], rows, detailed=True)
        assert raised.value.message == message


def test_what_is_appended_meanwhile_is_left_out_and_what_is_gone_is_an_error() -> None:
    """A stream ends where the log ended when the work began; a shorter one is an error."""
    lines = [b"one", b"two", b"three"]
    for size, bytes_read in (
        (8, b"one\ntwo\n"),
        (9, b"one\ntwo\nt"),
        (13, b"one\ntwo\nthree"),
        (14, b"one\ntwo\nthree\n"),
    ):
        stream = Stream("log", iter([lines]), b"one", size)
        assert b"".join(iter(stream.read, b"")) == bytes_read
        stream.must_be_whole()
    stream = Stream("log", iter([lines]), b"one", 15)
    assert b"".join(iter(stream.read, b"")) == b"one\ntwo\nthree\n"
    with pytest.raises(ChangingError, match="became shorter while it was read"):
        stream.must_be_whole()


@given(st.lists(st.floats(0, allow_nan=False, allow_infinity=False), max_size=30))
def test_sums_are_exact(values: list[float]) -> None:
    """A worker's sum of durations is that of the fractions which they are, however large or small."""
    assert sums("sums", values) == [sum(map(Fraction, values))]


@given(st.lists(st.floats(0, allow_nan=False, allow_infinity=False), min_size=1, max_size=30))
def test_a_mean_of_durations_that_stay_in_spark_is_as_sure_as_of_others(values: list[float]) -> None:
    """What its interval is made from is what it is here: nothing that is here is taken for all that there is."""
    durations, asked = Durations(), Asked(None, mock.Mock(), nullcontext)
    durations.add(values)
    there = CountedDurations(asked, len(values), dict(enumerate(sorted(values), 1)))
    with mock.patch.object(there, "_sums", lambda _columns, function, *more: sums(function, values, *more)):
        assert there.moments() == pytest.approx(durations.moments())


def test_random_cuts_of_a_log_of_everything(tmp_path: Path) -> None:
    """A log of all that is kept gives one answer in any parts."""
    path = tmp_path / "runs.jsonl"
    path.write_bytes(mixed_log())
    rng = random.Random(1)
    expected = answer(local, [str(path)], RunFilter())
    for _ in range(20):
        cuts = [rng.randrange(path.stat().st_size) for _ in range(rng.randrange(6))]
        assert answer(by_files, [str(path)], [cuts], RunFilter()) == expected
