from __future__ import annotations

import os
import subprocess
import sys
from gzip import compress
from pathlib import Path
from typing import Any

import pytest
from runlog_lines import end, start
from runlog_reference import summary

from ops_checks.errors import InputError
from ops_checks.runlog.reader import read_runs
from ops_checks.runlog.stats import RunStats


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Write a log of two runs."""
    path = tmp_path / "orch_runs.jsonl"
    path.write_bytes(start("a") + end(trace_id="a", duration_ms=5) + end(command="fail", duration_ms=7))
    return path


def test_read_runs(log: Path) -> None:
    """A log is named in its statistics as it was given."""
    stats = read_runs([str(log)])
    assert (stats.lines, stats.done, stats.failed, stats.durations.mean()) == (3, 1, 1, 6.0)
    assert [(read.path, read.lines, read.malformed, read.torn_tail) for read in stats.logs] == [(str(log), 3, 0, False)]
    assert {run.path for run in stats.slowest} == {str(log)}


def test_no_log() -> None:
    """Of no logs at all the statistics are empty."""
    assert summary(read_runs([])) == summary(RunStats())


def test_several_logs(log: Path, tmp_path: Path) -> None:
    """Several logs are read as one: runs may start in one and end in another, lines keep their own log."""
    other = tmp_path / "other.jsonl"
    other.write_bytes(end(trace_id="z", duration_ms=6) + b"x\n")
    log.write_bytes(log.read_bytes() + start("z") + b"y\n")
    for paths in ([str(log), str(other)], [str(other), str(log)]):
        stats = read_runs(paths)
        assert (stats.lines, stats.done, stats.unfinished(), len(stats.durations)) == (7, 2, (), 3)
        assert {(defect.path, defect.line) for defect in stats.defects} == {(str(log), 5), (str(other), 2)}
        assert [read.path for read in stats.logs] == paths


def make_fifo(path: Path) -> None:
    """Make a FIFO that nobody writes to."""
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda _: None, "no such run log: name the file that the runs append to"),
        (Path.mkdir, "is a directory, not a run log: name the file that the runs append to"),
        (make_fifo, "is a FIFO, not a run log: name the file that the runs append to"),
        (
            lambda path: path.symlink_to("/dev/null"),
            "is a device, not a run log: name the file that the runs append to",
        ),
        (lambda path: path.symlink_to("gone"), "no such run log: name the file that the runs append to"),
        (
            lambda path: path.symlink_to(path),
            "cannot be opened (Too many levels of symbolic links): check the path and its permissions",
        ),
    ],
)
def test_no_log_file(tmp_path: Path, make: Any, message: str) -> None:
    """What is no readable file is refused at once, by name, with what to do."""
    path = tmp_path / "log"
    make(path)
    with pytest.raises(InputError) as caught:
        read_runs([str(path)])
    assert caught.value.message == f"{path}: {message}"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("", "the path of the run log is empty: name the file that the runs append to"),
        ("a\0b", "a\\x00b: no run log has such a path: name the file that the runs append to"),
        ("a\nb", "a\\nb: no such run log: name the file that the runs append to"),
        (
            "/etc/passwd/log",
            "/etc/passwd/log: cannot be opened (Not a directory): check the path and its permissions",
        ),
        (
            "x" * 5000,
            f"{'x' * 5000}: cannot be opened (File name too long): check the path and its permissions",
        ),
    ],
)
def test_no_path(path: str, message: str) -> None:
    """A path that cannot be one is refused like a missing log, in one line."""
    with pytest.raises(InputError) as caught:
        read_runs([path])
    assert caught.value.message == message


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_unreadable(log: Path) -> None:
    """A log that this user may not read is refused with what to do."""
    log.chmod(0)
    with pytest.raises(InputError, match=r"cannot be opened \(Permission denied\): check the path and its permissions"):
        read_runs([str(log)])


@pytest.mark.parametrize("encode", [bytes, compress])
def test_progress(tmp_path: Path, encode: Any) -> None:
    """The bytes of all logs read so far are reported, as they lie on the disk, and at the end all of them."""
    paths = [tmp_path / name for name in ("a", "b")]
    for path in paths:
        path.write_bytes(encode(end() * 5000))
    total = sum(path.stat().st_size for path in paths)
    reported: list[tuple[int, int]] = []
    read_runs([*map(str, paths)], progress=lambda *progress: reported.append(progress))
    assert reported == sorted(reported)
    assert {of for _, of in reported} == {total}
    assert reported[-1] == (total, total)


def test_light_import() -> None:
    """Importing the reader imports neither the decoder nor json: commands that read no log do not pay for it."""
    heavy = ("ops_checks.runlog.decoder", "json", "subprocess", "dataclasses")
    code = f"import sys, ops_checks.runlog.reader; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("end", range(1, 120))
def test_a_first_line_that_is_being_written_is_no_other_content(tmp_path: Path, end: int) -> None:
    """However far the writer is, also within a character: nothing is counted, and nothing is an error."""
    line = '{"event":"run_end","command":"done","exit_code":0,"error":"경로 a/b.md","item_id":"../x/QUEUE.md"}'.encode()
    log = tmp_path / "log"
    log.write_bytes(line[:end])
    stats = read_runs([str(log)])
    assert (stats.lines, stats.malformed, stats.logs[0].torn_tail) == (0, 0, True)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"<!doctype html><title>Sign in</title>", "an HTML page"),
        (b"\0GITCRYPT\0abc", "encrypted by git-crypt"),
        (b"version https://git-lfs.github.com/spec/v1", "a Git LFS pointer"),
        (b"../shared/orch_runs.jsonl", "a symbolic link"),
    ],
)
def test_something_else_without_one_whole_line_is_an_error(tmp_path: Path, data: bytes, words: str) -> None:
    """It would pass for a log into which the first line is being written."""
    log = tmp_path / "log"
    log.write_bytes(data)
    with pytest.raises(InputError, match=words):
        read_runs([str(log)])
