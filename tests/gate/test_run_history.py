"""The history of gate runs: what is appended is read again, whatever else stands there and whoever else writes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from gate_runs import small_report, small_run
from hypothesis import given, settings
from hypothesis import strategies as st
from report_samples import CREATED_MS

from ops_checks.errors import InputError, MissingError
from ops_checks.gate.past_runs import MOST_LINE, read_past
from ops_checks.gate.run_history import RunHistory, record_run
from ops_checks.report.history_line import history_line
from ops_checks.report.json_text import json_text
from ops_checks.report.serialize import to_json

if TYPE_CHECKING:
    from collections.abc import Callable

DAY_S, DAY_MS = 86_400, 86_400_000


def record(path: Path | str, at_ms: int, keep_s: int | None = None) -> list[str]:
    """Append a run."""
    return record_run(small_report(at_ms), RunHistory(str(path), "--history", keep_s), list, wait_s=60)


def times(path: Path | str) -> list[int]:
    """Return the times of the runs in a history, in its order."""
    return [each.run.at_ms for each in read_past([str(path)]).runs]


#: What else may stand between runs, and the word that tells of it.
OTHERS = {
    "cut off": history_line(small_run())[:99] + b"\n",
    "of another version": history_line(small_run()).replace(b"history/1", b"history/2"),
    "no run": b'{"event": "run_end"}\n',
    "": b"\n",
}


@settings(max_examples=60)
@given(st.lists(st.sampled_from(["run", "killed", *OTHERS]), max_size=12))
def test_what_is_appended_is_read(tmp_path_factory: pytest.TempPathFactory, steps: list[str]) -> None:
    """Whatever stands between: every run is there, in its order, and all the rest is counted and located."""
    path = tmp_path_factory.mktemp("history") / "h.jsonl"
    record(path, CREATED_MS)  # a history begins with a run
    runs, lines = [CREATED_MS], [""]
    for step in steps:
        if step == "run":
            runs.append(CREATED_MS + len(runs))
            lines.append("")
            record(path, runs[-1])
            continue
        torn = path.read_bytes()[-1:] != b"\n"
        what = OTHERS.get(step, b"\n" * torn + history_line(small_run())[:70])
        path.write_bytes(path.read_bytes() + b"\n" * (torn and step != "killed") + what)
        lines.append(step if step != "killed" else "cut off")
    past = read_past([str(path)])
    assert [each.run.at_ms for each in past.runs] == runs
    assert [each.line for each in past.runs] == [n for n, what in enumerate(lines, 1) if not what and is_run(path, n)]
    expected = {what: [n for n, each in enumerate(lines, 1) if each == what] for what in set(lines) - {""}}
    assert {what: len(places) for what, places in expected.items()} == {
        what: int(remark.split(": ")[1].split()[0])
        for remark in past.remarks
        for what in expected
        if f"), {what}" in remark
    }
    for what, places in expected.items():
        assert any(f"(line {', '.join(map(str, places[:5]))}" in remark and what in remark for remark in past.remarks)


def is_run(path: Path, number: int) -> bool:
    """Return whether a line is none that is empty."""
    return bool(path.read_bytes().split(b"\n")[number - 1])


@pytest.mark.parametrize(
    ("ages", "left"),
    [
        ((5, 3, 1), (5, 3, 1)),  # nothing is old
        ((10.5, 9, 1), (10.5, 9, 1)),  # not worth a new file
        ((11.5, 10.5, 9, 1), (9, 1)),
        ((-40, 11.5, 1), (-40, 1)),  # of a clock that was wrong: it must not keep all others
    ],
)
def test_what_is_dropped(tmp_path: Path, ages: tuple[float, ...], left: tuple[float, ...]) -> None:
    """Runs older than `keep`, when the oldest is a tenth older; the new one is always there."""
    path = tmp_path / "h.jsonl"
    now_ms = CREATED_MS + 20 * DAY_MS
    for age in ages:
        record(path, now_ms - int(age * DAY_MS))
    assert record(path, now_ms, 10 * DAY_S) == []
    assert sorted(now_ms - at_ms for at_ms in times(path)) == sorted([0, *(int(age * DAY_MS) for age in left)])


def test_what_cannot_be_read_is_not_dropped(tmp_path: Path) -> None:
    """Nobody can tell how old it is; a part of a line gets its line end, and the mode of the file stays."""
    path = tmp_path / "h.jsonl"
    path.write_bytes(b"".join(OTHERS.values()) + history_line(small_run()) + OTHERS["cut off"].rstrip())
    path.chmod(0o640)
    record(path, CREATED_MS + 9 * DAY_MS, DAY_S)
    new = history_line(small_run(CREATED_MS + 9 * DAY_MS))
    assert path.read_bytes() == b"".join(OTHERS.values()) + OTHERS["cut off"] + new
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_rewrite_that_fails(tmp_path: Path) -> None:
    """The new run is there, and so are the old ones, and that is told."""
    path = tmp_path / "h.jsonl"
    record(path, CREATED_MS)
    (tmp_path / "other-name").hardlink_to(path)
    (remark,) = record(path, CREATED_MS + 9 * DAY_MS, DAY_S)
    assert remark.startswith(
        f"runs older than history.keep are still there: {path}: not written, because the file has 2"
    )
    assert len(times(path)) == 2


#: Appends runs of its own times, and tells each when it is there: a process of this test.
_WRITER = """
import sys
from gate_runs import small_report
from ops_checks.gate.run_history import RunHistory, record_run
path, first, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
for number in range(count):
    at_ms = first + number * 10_000
    record_run(small_report(at_ms), RunHistory(path, "--history", 200), list, wait_s=60)
    print(at_ms, flush=True)
"""


def test_processes_that_append_at_once(tmp_path: Path) -> None:
    """Of four that drop old runs as they go, two are killed: what was told is there once, unless it is old.

    A run that was written and not told may be there too, at most one of each that was killed.
    """
    path = tmp_path / "h.jsonl"
    count = 60
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)}
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(path), str(CREATED_MS + number), str(count)],
            stdout=subprocess.PIPE, text=True, env=environment,
        )
        for number in range(4)
    ]  # fmt: skip
    told: set[int] = set()
    for number, writer in enumerate(writers):
        assert writer.stdout is not None
        if number < 2:
            told.update(int(writer.stdout.readline()) for _ in range(10 + number))
            writer.send_signal(signal.SIGKILL)
    for writer in writers:
        told.update(map(int, writer.communicate()[0].split()))
    lines = path.read_bytes().splitlines(keepends=True)
    found = times(path)
    assert len(found) == len(set(found)) == len(lines)  # nothing is mixed, cut off or twice
    last = max(told)
    assert last >= CREATED_MS + (count - 1) * 10_000
    assert {at_ms for at_ms in told if at_ms >= last - 200_000} - set(found) == set()
    assert len(set(found) - told) <= 2
    assert len(found) < len(told)  # it was written anew
    assert record(path, last + 1) == []


@pytest.fixture
def report_file(tmp_path: Path) -> Callable[[str, int], Path]:
    """Return a function that writes the report of a run at a time."""

    def write(name: str, at_ms: int) -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json_text(to_json(small_report(at_ms))))
        return path

    return write


def test_reports_in_place_of_a_history(tmp_path: Path, report_file: Callable[[str, int], Path]) -> None:
    """A folder of reports and histories is one history: in the order of time, each run once, the rest told."""
    record(tmp_path / "h.jsonl", CREATED_MS + 2)
    report_file("ci/b.json", CREATED_MS + 2)
    report_file("ci/a.json", CREATED_MS + 3)
    report_file("c.json", CREATED_MS + 1)
    (tmp_path / "ci/other.json").write_text("[]")
    (tmp_path / "ci/log.jsonl").write_text('{"event": "run_end"}\n')
    (tmp_path / "notes.txt").write_text("x")
    past = read_past([str(tmp_path)])
    assert [each.run.at_ms - CREATED_MS for each in past.runs] == [1, 2, 3]
    others, twice = past.remarks
    assert others.startswith(f"left out: {tmp_path}/ci/log.jsonl: the whole: ")
    assert others.endswith(" (and 1 more file)")
    assert twice == "1 run stands in several files: counted once"
    assert [each.run.at_ms for each in read_past([str(tmp_path / "c.json")]).runs] == [CREATED_MS + 1]
    window = read_past([str(tmp_path)], since_s=(CREATED_MS + 2) / 1000, until_s=(CREATED_MS + 3) / 1000)
    assert [each.run.at_ms - CREATED_MS for each in window.runs] == [2]


def test_a_run_of_a_report_is_that_of_its_line(tmp_path: Path, report_file: Callable[[str, int], Path]) -> None:
    """They are equal, so that one can be read in place of the other."""
    record(tmp_path / "h.jsonl", CREATED_MS)
    report = report_file("r.json", CREATED_MS)
    (of_line,), (of_report,) = (read_past([str(path)]).runs for path in (tmp_path / "h.jsonl", report))
    assert of_line.run == of_report.run
    assert (of_line.line, of_report.line) == (1, None)


def test_a_line_without_an_end(tmp_path: Path) -> None:
    """It takes little memory, and hides nothing that comes after it."""
    path = tmp_path / "h.jsonl"
    path.write_bytes(history_line(small_run()) + b"x" * (3 * MOST_LINE) + b"\n" + history_line(small_run(1)))
    past = read_past([str(path)])
    assert [each.line for each in past.runs] == [3, 1]
    assert past.remarks == (f"{path}: 1 line left out (line 2), no run: something else wrote it",)


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (None, "no such history: name a file of `check --history FILE`, or reports of `-f json`"),
        (b"\0\1\2\3\4\5\6\7", "is neither a history nor a report"),
        (b"# Queue\n", "is plain text, not the history: name the history itself"),
        (b"\x1f\x8b\x08\x00rest of it", "is "),
        (b'{"a": 1}', "the whole: "),
        (b'{"event": "run_end"}\n{"event": "run_end"}\n', "not JSON: "),
    ],
)
def test_what_is_neither(tmp_path: Path, content: bytes | None, error: str) -> None:
    """It is an error, one line, with the file."""
    path = tmp_path / "h.jsonl"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_past([str(path)])
    assert caught.value.message.startswith(str(path))
    assert error in caught.value.message
    assert isinstance(caught.value, MissingError) is (content is None)


def test_an_empty_history_has_no_runs(tmp_path: Path) -> None:
    """It was made, and nothing was appended yet."""
    (tmp_path / "h.jsonl").write_bytes(b"")
    assert read_past([str(tmp_path / "h.jsonl")]) == ((), ())
