"""The ends of runs one by one: the same as the statistics count, in every kind of log."""

from __future__ import annotations

import os
from gzip import compress
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from runlog_lines import end, mixed_log, start

from ops_checks.errors import ChangingError, InputError
from ops_checks.runlog.filter import RunFilter
from ops_checks.runlog.reader import read_runs
from ops_checks.runlog.run_stream import RunStream

if TYPE_CHECKING:
    from pathlib import Path

LINES = st.sampled_from(
    [
        *(end(), end(ts_epoch_ms=1_767_279_600_000), end(ts_epoch_ms=5, trace_id="t")),
        *(
            end(trace_id=None, duration_ms=None),
            start(),
            b"no record\n",
            b"\n",
            b'{"event":"other"}\n',
            b"{}\n",
            b"\xff\n",
        ),
    ]
)
VALID = (978_307_200_000, 1_767_366_000_000)


def stream(path: Path, **run_filter: tuple[int, int]) -> RunStream:
    """Return the ends in a log."""
    return RunStream(str(path), RunFilter(**run_filter), os.getcwd())


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(LINES, max_size=30), st.sampled_from([b"", b"x", b"\xff", b'{"e']), st.booleans())
def test_ends_are_those_that_count(tmp_path: Path, lines: list[bytes], tail: bytes, packed: bool) -> None:  # noqa: FBT001 - drawn
    """As many ends as the statistics count, at the lines they stand in; what is said of the log is the same."""
    data = b"".join(lines) + tail
    path = tmp_path / "runs.jsonl"
    path.write_bytes(compress(data) if packed else data)
    runs = stream(path, valid_ms=VALID)
    found = list(runs)
    expected = read_runs([str(path)], RunFilter(valid_ms=VALID))
    assert runs.stats is not None
    assert (len(found), runs.stats.logs) == (expected.runs, expected.logs)
    texts = data.split(b"\n")
    assert all(b"run_end" in texts[line - 1] and run.command == "done" for line, run in found)
    assert list(runs) == found


def test_a_long_log(tmp_path: Path) -> None:
    """Lines are numbered across blocks, and a line that is too long for one is passed by."""
    path = tmp_path / "runs.jsonl"
    path.write_bytes(b"x" * (17 << 20) + b"\n" + b"".join(end(trace_id=f"t{number}") for number in range(5_000)))
    found = [(line, run.trace_id) for line, run in stream(path)]
    assert found == [(number + 2, f"t{number}") for number in range(5_000)]


def test_what_is_written_meanwhile_is_not_read(tmp_path: Path) -> None:
    """Each iteration reads what was there at the first; a log that is another one by then is an error."""
    path = tmp_path / "runs.jsonl"
    path.write_bytes(mixed_log())
    runs = stream(path)
    first = list(runs)
    with path.open("ab") as file:
        file.write(b"\n" + end())
    assert list(runs) == first
    path.write_bytes(end())
    with pytest.raises(ChangingError, match="changing while read"):
        list(runs)


@pytest.mark.parametrize(
    "make", [lambda _: None, os.mkfifo, os.mkdir, lambda path: path.write_bytes(b"PK\x03\x04abcdefgh")]
)
def test_what_is_no_log(tmp_path: Path, make: object) -> None:
    """Whatever cannot be read is an error, with the log's name."""
    path = tmp_path / "runs.jsonl"
    make(path)  # type: ignore[operator] # each takes the path
    with pytest.raises(InputError, match=r"runs\.jsonl"):
        list(stream(path))


def test_another_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path leads to the log whatever the current folder becomes."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs.jsonl").write_bytes(end())
    (tmp_path / "other").mkdir()
    runs = RunStream("runs.jsonl", RunFilter(), os.getcwd())
    monkeypatch.chdir("other")
    assert [line for line, _ in runs] == [1]
    assert runs.stats is not None
    assert runs.stats.logs[0].path == "runs.jsonl"
