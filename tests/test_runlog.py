from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from runlog_reference import record_of, summary, summary_of

from ops_checks.errors import InputError
from ops_checks.runlog.decoder import Malformed, decode_line
from ops_checks.runlog.line_reader import WholeLines
from ops_checks.runlog.part_reader import read_blocks, read_part
from ops_checks.runlog.reader import expand_logs, read_runs
from ops_checks.runlog.stats import RunStats, merge, merge_parts, relocate

END = {"event": "run_end", "trace_id": "trace-0123456789ab", "command": "done", "exit_code": 0, "duration_ms": 12}


def end(**changes: Any) -> bytes:
    """Return a run's end as a line; a change to None leaves the key out."""
    record = {key: value for key, value in (END | changes).items() if value is not None}
    return json.dumps(record).encode() + b"\n"


def start(trace: str = "trace-0123456789ab", **more: Any) -> bytes:
    """Return a run's start as a line."""
    return json.dumps({"event": "run_start", "trace_id": trace, "command": "done", **more}).encode() + b"\n"


def pieces(data: bytes, size: int) -> Any:
    """Return a function that gives data piece by piece."""
    parts = iter([data[at : at + size] for at in range(0, len(data), size)])
    return lambda: next(parts, b"")


def stats_of(data: bytes, size: int = 1 << 18, longest: int = 16 << 20, **selection: Any) -> RunStats:
    """Read bytes as one log, so many at a time."""
    return read_blocks("log", pieces(data, size), RunFilter(**selection), longest=longest)


# --- what is a record


@pytest.mark.parametrize(
    "line",
    [
        b'{"event":"run_start"}',
        b'{"event":"heartbeat"}',
        b'{"event":"run_end","command":"done","exit_code":0}',
        b'{"event":"run_end","command":"done","exit_code":0,"duration_ms":0}',
        b'{"event":"run_end","command":"done","exit_code":-9,"duration_ms":1.5e3}',
        b'{"event":"run_end","command":"done","exit_code":0,"item_id":null,"error":null}',
        b'{"event":"run_end","command":"","exit_code":0,"trace_id":"","status":"odd","ts_kst":""}',
        b'{"exit_code":0,"event":"run\\u005fend","command":"d\\u006fne"}',
        b'\t{ "event" : "run_start" , "more" : {"a":[1,2,{"b":null}]} } \r',
        b'{"event":"run_start","event":"run_end","command":"a","command":"b","exit_code":1,"exit_code":0}',
        b'{"event":"x","note":"\xed\x95\x9c\xea\xb8\x80 \\ud83d\\ude00 \xe2\x80\xa8"}',
        b'{"event":"x","note":"' + b"7" * 5000 + b'"}',
        b'{"event":"x","n":' + b"7" * 4300 + b"}",
        b'{"event":"x","n":1e99999}',
        b'{"event":"x","ts_epoch_ms":9223372036854775807}',
        b'{"event":"x","n":' + b"[" * 200 + b"]" * 200 + b"}",
    ],
)
def test_records(line: bytes) -> None:
    """A JSON object with an event whose known keys have their types is a record, whatever else it holds."""
    assert not isinstance(decode_line(line), Malformed)
    assert record_of(line) is not None
    assert stats_of(b"%b\n" % line).malformed == 0


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "an empty line"),
        (b" \t\r", "an empty line"),
        (b"{}", "no `event`"),
        (b'{"command":"done","exit_code":0}', "no `event`"),
        (b'{"event":"run_end","exit_code":0}', "a run_end without `command`"),
        (b'{"event":"run_end","command":"done"}', "a run_end without `exit_code`"),
        (b"[]", "no JSON object: expected object, got array"),
        (b"null", "no JSON object: expected object, got null"),
        (b'"run_end"', "no JSON object: expected object, got str"),
        (b"12", "no JSON object: expected object, got int"),
        (b"NaN", "no JSON object: invalid character (byte 0)"),
        (b"\xef\xbb\xbf{}", "no JSON object: invalid character (byte 0)"),
        (b"\xff", "not UTF-8"),
        (b'{"event":"x","note":"\xff"}', "not UTF-8"),
        (b'{"event":"x","\xed\xa0\x80":1}', "not UTF-8"),
        (b'{"event":"x"', "no JSON object: input data was truncated"),
        (b'{"event":"x"}}', "no JSON object: trailing characters (byte 14)"),
        (b'{"event":"x"} {"event":"y"}', "no JSON object: trailing characters (byte 15)"),
        (b'{"event":"x",}', "no JSON object: trailing comma in object (byte 13)"),
        (b'{"event":"x","n":NaN}', "no JSON object: invalid character (byte 17)"),
        (b'{"event":"x","n":-Infinity}', "no JSON object: invalid character (byte 18)"),
        (b'{"event":"x","n":01}', "no JSON object: invalid number (byte 18)"),
        (b'{"event":"x","n":"\t"}', "no JSON object: invalid character (byte 18)"),
        (b'{"event":"x","n":"\\ud800"}', "no JSON object: input data was truncated"),
        (b'{"event":"x","n":"\\ud800 and more"}', "no JSON object: unexpected end of hex escape (byte 24)"),
        (b'{"event":"x","n":' + b"7" * 5000 + b"}", "a number of more than 4300 digits"),
        (b'{"event":"x","exit_code":' + b"7" * 5000 + b"}", "a number of more than 4300 digits"),
        (b'{"event":"x","n":' + b"[" * 100_000, "nested too deeply"),
        (b"[" * 100_000, "no JSON object: expected object, got array"),
        (b'{"event":5}', "`event`: expected str, got int"),
        (b'{"event":null}', "`event`: expected str, got null"),
        (b'{"event":"x","event":5}', "`event`: expected str, got int"),
        (b'{"event":5,"event":"x"}', "`event`: expected str, got int"),
        (b'{"event":"x","ev\\u0065nt":5}', "`event`: expected str, got int"),
        (b'{"event":"x","trace_id":null}', "`trace_id`: expected str, got null"),
        (b'{"event":"x","command":["done"]}', "`command`: expected str, got array"),
        (b'{"event":"x","status":0}', "`status`: expected str, got int"),
        (b'{"event":"x","ts_kst":1}', "`ts_kst`: expected str, got int"),
        (b'{"event":"x","item_id":7}', "`item_id`: expected str or null, got int"),
        (b'{"event":"x","error":{}}', "`error`: expected str or null, got object"),
        (b'{"event":"x","exit_code":true}', "`exit_code`: expected int, got bool"),
        (b'{"event":"x","exit_code":"0"}', "`exit_code`: expected int, got str"),
        (b'{"event":"x","exit_code":0.0}', "`exit_code`: expected int, got float"),
        (b'{"event":"x","exit_code":null}', "`exit_code`: expected int, got null"),
        (b'{"event":"x","ts_epoch_ms":1.5}', "`ts_epoch_ms`: expected int, got float"),
        (b'{"event":"x","ts_epoch_ms":9223372036854775808}', "`ts_epoch_ms`: expected int <= 9223372036854775807"),
        (b'{"event":"x","duration_ms":-1}', "`duration_ms`: expected float >= 0.0"),
        (b'{"event":"x","duration_ms":-0.001}', "`duration_ms`: expected float >= 0.0"),
        (b'{"event":"x","duration_ms":"12"}', "`duration_ms`: expected float, got str"),
        (b'{"event":"x","duration_ms":false}', "`duration_ms`: expected float, got bool"),
        (b'{"event":"x","duration_ms":null}', "`duration_ms`: expected float, got null"),
        (b'{"event":"x","duration_ms":1e400}', "`duration_ms`: number out of range"),
    ],
)
def test_malformed(line: bytes, reason: str) -> None:
    """Every kind of malformed line is refused with its reason, counted and located between good ones."""
    assert decode_line(line) == Malformed(reason)
    assert record_of(line) is None
    stats = stats_of(end() + line + b"\n" + end())
    assert (stats.lines, stats.malformed, stats.done) == (3, 1, 2)
    assert [(str(defect.path), defect.line, defect.reason) for defect in stats.defects] == [("log", 2, reason)]
    among_runs = stats_of(start() + line.replace(b'"event":"x"', b'"event":"run_start"') + b"\n" + start())
    assert [defect.line for defect in among_runs.defects] == [2]


@pytest.mark.parametrize("before", range(0, 1000, 23))
def test_long_number_anywhere(before: int) -> None:
    """A number of too many digits is found wherever in a block it stands; one digit fewer is a number."""
    head, tail = b'{"event":"run_start","note":"' + b"x" * before + b'","n":', b"}\n"
    assert stats_of(start() + head + b"7" * 4301 + tail + start()).malformed == 1
    assert stats_of(start() + head + b"7" * 4300 + tail + start()).malformed == 0


def test_reason_quotes_nothing() -> None:
    """A defect's reason holds no text of the line, which anyone may have written."""
    for line in (b'{"\x1b]52;c":', b'{"event":"x","status":{"::error::":1}}', b'{"event":"x","exit_code":"\\u202e"}'):
        assert re.fullmatch(r"[\w`:<>=.,() -]+", getattr(decode_line(line), "reason", ""))


# --- counting


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


def test_torn_tail() -> None:
    """A last line without its line break is a write in progress: neither counted nor an error, even if it parses."""
    for tail in (b'{"event":', end()[:-1], b"\xff", b" "):
        stats = stats_of(end() + tail)
        assert (stats.lines, stats.done, stats.malformed, stats.torn_tail) == (1, 1, 0, True)
    assert not stats_of(end()).torn_tail
    assert stats_of(end()[:-1]).lines == 0


def test_byte_order_mark_and_crlf() -> None:
    """A byte order mark before the first line and CRLF line ends are no defects."""
    log = b"\xef\xbb\xbf" + (end() + end()).replace(b"\n", b"\r\n")
    assert (stats_of(log).done, stats_of(log).malformed) == (2, 0)
    assert stats_of(end() + b"\xef\xbb\xbf" + end()).malformed == 1


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
    assert (stats.unfinished(), stats.first_ms, stats.last_ms) == ((), 999, 1001)


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
    assert (stats.lines, stats.done, stats.torn_tail) == (6, 2, True)


def test_long_line_is_not_held() -> None:
    """However long a line is, no more than the allowed length of it is held."""
    held = []

    def read() -> bytes:
        held.append(sum(map(len, iterator.gi_frame.f_locals["kept"])) if iterator.gi_frame.f_lineno else 0)
        return b"x" * 100 if len(held) < 1000 else (b"\n" if len(held) == 1000 else b"")

    iterator: Any = iter(WholeLines(read, longest=1000))
    assert list(iterator) == [None]
    assert max(held) <= 1000


# --- laws

_KEYS = ("trace_id", "command", "ts_epoch_ms", "ts_kst", "exit_code", "status", "item_id", "duration_ms", "error", "x")
_traces = st.sampled_from(["a", "b", "c", "trace-0123456789ab"])
_good = {
    "trace_id": _traces,
    "command": st.sampled_from(["done", "fail", "pick", "한글"]),
    "ts_epoch_ms": st.integers(990, 1010),
    "ts_kst": st.just("2026-01-01T09:00:00+09:00"),
    "exit_code": st.sampled_from([0, 0, 0, 1]),
    "status": st.sampled_from(["ok", "error"]),
    "item_id": st.sampled_from([None, "ORCH-1", "ORCH-2"]),
    "duration_ms": st.one_of(st.integers(0, 50), st.floats(0, 50)),
    "error": st.sampled_from([None, "late", "\u2028", "\U0001f600"]),
    "x": st.recursive(st.none() | st.text(max_size=3) | st.integers(), lambda inner: st.lists(inner, max_size=2)),
}
_odd = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3), st.just([]), st.just({}), st.just(-1)
)


@st.composite
def _line(draw: Any) -> bytes:
    """Draw a line: mostly a record in some writer's spelling, now and then something else."""
    event = draw(st.sampled_from(["run_end", "run_end", "run_end", "run_start", "run_start", "beat"]))
    keys = draw(st.permutations(_KEYS))[: draw(st.integers(0, 10))]
    if event == "run_end" and draw(st.integers(0, 9)):
        keys = list({*keys, "command", "exit_code"})
    pairs = [(key, draw(_odd if draw(st.integers(0, 40)) == 0 else _good[key])) for key in keys]
    pairs.insert(draw(st.integers(0, len(pairs))), ("event", event))
    if draw(st.integers(0, 20)) == 0:
        again = draw(st.sampled_from(pairs))
        pairs.append(draw(st.sampled_from([again, ("event", "run_end"), ("event", "run_start"), ("event", "beat")])))
    comma, colon = draw(st.sampled_from([(", ", ": "), (",", ":"), (" ,\t", " : ")]))
    ascii_only = draw(st.booleans())
    parts = [json.dumps(k) + colon + json.dumps(v, ensure_ascii=ascii_only) for k, v in pairs]
    text = "{" + comma.join(parts) + "}"
    if draw(st.integers(0, 8)) == 0:
        text = text.replace("run_", "run\\u005f").replace("done", "d\\u006fne").replace("trace_id", "tr\\u0061ce_id")
    line = text.encode("utf-8", "surrogatepass")
    damage = draw(st.integers(0, 30))
    if damage == 0:
        at = draw(st.integers(0, len(line)))
        line = (
            line[:at]
            + draw(st.sampled_from([b"\n", b"}\n{", b"\xff", b'"', b"\\", b"\\ud800", b"{}", b""]))
            + line[at + draw(st.integers(0, 3)) :]
        )
    elif damage == 1:
        line = draw(st.sampled_from([b"", b" ", b"[]", b"{}", b"NaN", b"{}{}", line + line, line + b" " + line]))
    return line + draw(st.sampled_from([b"\n", b"\n", b"\n", b"\n", b"\r\n", b" \n"]))


_logs = st.builds(
    lambda bom, lines, tail: bom + b"".join(lines) + tail,
    st.sampled_from([b"", b"", b"\xef\xbb\xbf"]),
    st.lists(_line(), max_size=30),
    st.sampled_from([b"", b"", b"{", b'{"event":"run_end","command":"done","exit_code":0}']),
)
_selections = st.sampled_from(
    [{}, {}, {"since_ms": 1000}, {"commands": frozenset({"pick", "done"})}, {"since_ms": 1005, "commands": frozenset()}]
)


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(_logs, st.sampled_from([50, 100, 333, 1 << 18]), _selections)
def test_agrees_with_the_plain_reader(log: bytes, size: int, selection: dict[str, Any]) -> None:
    """Whatever the lines and wherever blocks end, the fast reader says what the plainest reader says."""
    assert summary(stats_of(log, size=size, **selection)) == summary_of(log, **selection)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300) | st.text(alphabet='{}[]":,\\u08d\n\r e1-.E+', max_size=80).map(str.encode))
def test_any_bytes(data: bytes) -> None:
    """Any bytes are read without an exception, as the plain reader reads them."""
    assert summary(stats_of(data, size=64)) == summary_of(data)
    assert summary(stats_of(b'{"event":"x","y":' + data + b"}\n")) == summary_of(b'{"event":"x","y":' + data + b"}\n")


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(_logs, st.data())
def test_merge(log: bytes, data: Any) -> None:
    """A log read in any three parts, merged either way round, gives the statistics of the whole."""
    ends = [0, *(found.end() for found in re.finditer(rb"\n", log)), len(log)]
    one, two = sorted((data.draw(st.sampled_from(ends)), data.draw(st.sampled_from(ends))))

    def parts() -> list[RunStats]:
        first, second, third = (
            read_blocks("log", pieces(log[begin:stop], 100), RunFilter(), first=begin == 0)
            for begin, stop in ((0, one), (one, two), (two, len(log)))
        )
        second, third = relocate(second, "log", first.lines), relocate(third, "log", first.lines + second.lines)
        return [first, second, third]

    first, second, third = parts()
    left = merge(merge(first, second), third)
    first, second, third = parts()
    right = merge(first, merge(second, third))
    assert summary(left) == summary(right) == summary_of(log)


@pytest.mark.parametrize(
    ("first", "second", "left"),
    [
        (start("a"), end(trace_id="a") + start("a"), [3]),
        (start("a"), start("a") + end(trace_id="a"), [1]),
        (start("a") + start("a"), end(trace_id="a") + end(trace_id="a") + end(trace_id="a") + start("a"), []),
        (end(trace_id="a"), start("a") + start("a"), [3]),
    ],
)
def test_parts_pair_up(first: bytes, second: bytes, left: list[int]) -> None:
    """Which start of a trace id is unfinished does not depend on the parts that a log is read in."""
    parts = [read_blocks("log", pieces(data, 1 << 18), RunFilter()) for data in (first, second)]
    assert [run.line for run in merge_parts("log", parts).unfinished()] == left
    assert [run.line for run in stats_of(first + second).unfinished()] == left


# --- files


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


def test_read_part_ends_early(log: Path) -> None:
    """A file that is shorter than it was said to be ends there, as a log does that is cut while it is read."""
    descriptor = os.open(log, os.O_RDONLY)
    try:
        stats = read_part("log", descriptor, 0, 1 << 30, RunFilter(), size=50)
    finally:
        os.close(descriptor)
    assert (stats.lines, stats.torn_tail) == (3, False)


def make_fifo(path: Path) -> None:
    """Make a FIFO that nobody writes to."""
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda _: None, "there is no such run log; name the file that the runs append to"),
        (Path.mkdir, "is a directory, not a run log; name the file that the runs append to"),
        (make_fifo, "is a FIFO, not a run log; name the file that the runs append to"),
        (
            lambda path: path.symlink_to("/dev/null"),
            "is a device, not a run log; name the file that the runs append to",
        ),
        (lambda path: path.symlink_to("gone"), "there is no such run log; name the file that the runs append to"),
        (
            lambda path: path.symlink_to(path),
            "cannot be read: Too many levels of symbolic links; name a readable run log",
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


@pytest.mark.parametrize("path", ["", "a\0b", "/etc/passwd/log", "x" * 5000])
def test_no_path(path: str) -> None:
    """A path that cannot be one is refused like a missing log, in one line."""
    with pytest.raises(InputError) as caught:
        read_runs([path])
    assert "\n" not in caught.value.message
    assert "\0" not in caught.value.message
    assert "name " in caught.value.message


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_unreadable(log: Path) -> None:
    """A log that this user may not read is refused with what to do."""
    log.chmod(0)
    with pytest.raises(InputError, match="may not be read by this user; allow it"):
        read_runs([str(log)])


# --- patterns


def test_expand_logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Patterns give what they match, rotated logs oldest first; plain paths stand as they are; each once."""
    monkeypatch.chdir(tmp_path)
    Path("sub").mkdir()
    for name in ("r.jsonl", "r.jsonl.1", "r.jsonl.2.gz", "r.jsonl.10.gz", "sub/s.jsonl", "[x].jsonl"):
        Path(name).touch()
    rotated = ["r.jsonl.10.gz", "r.jsonl.2.gz", "r.jsonl.1", "r.jsonl"]
    assert expand_logs(["r.jsonl*"]) == rotated
    assert expand_logs(["r.jsonl", "r.jsonl*", "./r.jsonl"]) == ["r.jsonl", *rotated[:-1], "./r.jsonl"]
    assert expand_logs(["**/s.jsonl", "missing", "[x].jsonl"]) == ["sub/s.jsonl", "missing", "[x].jsonl"]
    assert expand_logs([str(tmp_path / "sub" / "*")]) == [str(tmp_path / "sub" / "s.jsonl")]
    assert expand_logs([]) == []


def test_expand_logs_nothing(tmp_path: Path) -> None:
    """A pattern that matches nothing is an error, not an empty log."""
    pattern = str(tmp_path / "*.jsonl")
    with pytest.raises(InputError) as caught:
        expand_logs([pattern])
    assert caught.value.message == f"{pattern}: no run log matches; name a log, or a pattern that some log matches"
