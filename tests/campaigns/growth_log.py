"""Hostile shapes of the run log (FORMATS section 3); those of packed logs stand in `growth_packed`."""

from __future__ import annotations

from functools import partial

from tests.campaigns.growth_shape import CHECK, KPI, Shape, filled, numbered, put
from tests.campaigns.operation import NOW_S

_MS = (NOW_S - 3600) * 1000
START = '{"event":"run_start","trace_id":"t%d","command":"done"}\n'
END = '{"event":"run_end","trace_id":"t%d","command":"done","exit_code":0,"duration_ms":1}\n'
RUN = START.replace("%d", "1") + END.replace("%d", "1")
ONE_START, ONE_END = (line.replace("%d", "1").encode() for line in (START, END))


def _log(size: int, pattern: bytes, start: bytes = b"", end: bytes = b"") -> None:
    put("runs.jsonl", start, filled(size, pattern), end)


def _numbered(size: int, pattern: str) -> None:
    put("runs.jsonl", numbered(size, pattern))


def _starts_then_ends(size: int) -> None:
    half = size // 2
    put("runs.jsonl", filled(half, ONE_START), filled(half, ONE_END))


def _nested(size: int) -> None:
    """Write runs that all overlap: they end in the order opposite to the one in which they start."""
    count = max(1, size // 140)
    lines = [START % number for number in range(count)] + [END % number for number in reversed(range(count))]
    put("runs.jsonl", "".join(lines).encode())


def _dated(size: int) -> None:
    lines = (
        f'{{"event":"run_end","command":"c{n}","exit_code":0,"duration_ms":{n % 997}.{n},"ts_epoch_ms":{_MS + n}}}\n'
        for n in range(size // 95)
    )
    put("runs.jsonl", "".join(lines).encode())


def _falling(size: int) -> None:
    """Write runs each of which is slower than all before it, and newer."""
    _numbered(size, f'{{"event":"run_end","command":"fail","exit_code":0,"duration_ms":%d,"ts_epoch_ms":{_MS}}}\n')


def _windowed(size: int, pattern: str) -> None:
    """Write lines of the last day, and a policy that counts no others and limits what it finds among them."""
    put(
        "ops-checks.yaml",
        b"kpi:\n  on_insufficient: pass\n  window: 24h\n",
        b"  thresholds:\n    unfinished_runs: 0\n    malformed_lines: 0\n",
    )
    _numbered(size, pattern)


#: The lines that a log consists of, and the exit code of a check.
_LINES: dict[str, tuple[bytes, int]] = {
    "blank lines in the log": (b"\n", 3),
    "blank lines of CRLF": (b"\r\n", 3),
    "lines of blanks in the log": (b" \t \n", 3),
    "short lines that are no objects": (b"1\n", 3),
    "empty objects": (b"{}\n", 3),
    "broken objects": (b'{"a\n', 3),
    "lines that are not UTF-8": (b"\xff\n", 3),
    "wrong types": (b'{"event":1}\n', 3),
    "ends without a command": (b'{"event":"run_end"}\n', 3),
    "blank lines between runs": (RUN.encode() + b"\n", 3),
    "other events": (b'{"event":""}\n', 0),
    "starts without a trace id": (b'{"event":"run_start"}\n', 0),
    "ends without a trace id": (b'{"event":"run_end","command":"done","exit_code":0}\n', 0),
    "starts of one trace id": (ONE_START, 0),
    "ends of one trace id": (ONE_END, 0),
    "runs of one trace id": (RUN.encode(), 0),
    "two starts and one end of one trace id": (ONE_START + RUN.encode(), 0),
    "failed runs": (b'{"event":"run_end","command":"fail","exit_code":0,"duration_ms":9e9}\n', 2),
    "deep values": (b'{"event":"x","a":' + b"[" * 900 + b"]" * 900 + b"}\n", 0),
    "deeper values": (b'{"event":"x","a":' + b"[" * 9000 + b"\n", 3),
    "keys": (b'{"event":"x",' + b'"k":0,' * 90 + b'"z":1}\n', 0),
    "text that is not ASCII": (('{"event":"x","a":"' + "가" * 90 + '"}\n').encode(), 0),
    "escapes": (b'{"event":"x","a":"' + b"\\u00e9" * 90 + b'"}\n', 0),
    "digits": (b'{"event":"x","a":' + b"1" * 4000 + b"}\n", 0),
    "byte order marks": (b"\xef\xbb\xbf\n", 3),
}

SHAPES: dict[str, Shape] = {
    **{name: Shape(partial(_log, pattern=line), CHECK, code) for name, (line, code) in _LINES.items()},
    "starts of many trace ids": Shape(partial(_numbered, pattern=START), CHECK, 0),
    "ends of many trace ids": Shape(partial(_numbered, pattern=END), CHECK, 0),
    "starts of one trace id, then its ends": Shape(_starts_then_ends, CHECK, 0),
    "starts without ids or blanks, counted": Shape(partial(_log, pattern=ONE_START), KPI, 0),
    "runs that all overlap": Shape(_nested, CHECK, 0),
    "distinct commands, times and durations": Shape(_dated, CHECK, 0),
    "ever slower failures": Shape(_falling, CHECK, 2),
    "one long text": Shape(partial(_log, start=b'{"event":"x","a":"', pattern=b"a", end=b'"}\n'), CHECK, 0),
    "one long text of escapes": Shape(
        partial(_log, start=b'{"event":"x","a":"', pattern=b'\\"', end=b'"}\n'), CHECK, 0
    ),
    "one long text of quotes": Shape(partial(_log, start=b'{"event":"x","a":', pattern=b'"', end=b'"}\n'), CHECK, 3),
    "one long number": Shape(partial(_log, start=b'{"event":"x","a":', pattern=b"1", end=b"}\n"), CHECK, 3),
    "one long list": Shape(partial(_log, start=b'{"event":"x","a":[', pattern=b"1,", end=b"1]}\n"), CHECK, 0),
    "one deep value": Shape(partial(_log, start=b'{"event":"x","a":', pattern=b"[", end=b"\n"), CHECK, 3),
    "one long command": Shape(
        partial(
            _log, start=b'{"event":"run_end","exit_code":0,"duration_ms":9e9,"command":"', pattern=b"a", end=b'"}\n'
        ),
        CHECK,
        2,
    ),
    "one long trace id": Shape(
        partial(_log, start=b'{"event":"run_start","trace_id":"', pattern=b"a", end=b'"}\n'), CHECK, 0
    ),
    "starts in a window": Shape(partial(_windowed, pattern=START.replace(",", f',"ts_epoch_ms":{_MS},', 1)), CHECK, 2),
    "ends before a window": Shape(
        partial(_windowed, pattern=END.replace(",", ',"ts_epoch_ms":1767063600000,', 1)), CHECK, 0
    ),
    "ends without a time in a window": Shape(partial(_windowed, pattern=END), CHECK, 0),
    "a torn line": Shape(partial(_log, start=b"\n", pattern=b"a"), CHECK, 3),
}
