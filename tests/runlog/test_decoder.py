from __future__ import annotations

import re

import pytest
from runlog_lines import end, start, stats_of
from runlog_reference import record_of

from ops_checks.runlog.decoder import Malformed, decode_line


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
        (b'{"event":"x"} 1', "no JSON object: trailing characters (byte 15)"),
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
