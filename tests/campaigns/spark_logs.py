"""Random run logs with every defect that a reader must tell from a record, for engines that must agree on them."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, NamedTuple

from backports import zstd

from tests.campaigns.operation import NOW_S

if TYPE_CHECKING:
    from pathlib import Path
    from random import Random

_MS = (NOW_S - 7200) * 1000
_COMMANDS = ("done", "done", "fail", "pick", "한글")
_RECORD = b'{"event":"run_end","command":"done","exit_code":0,"duration_ms":7}'

#: Lines that are no record, or just so one.
_ODD = (
    b"",
    b" ",
    b"\r",
    b"[]",
    b"{}",
    b"{",
    b"NaN",
    b"\0\0\0\0",
    b"\xef\xbb\xbf" + _RECORD,
    _RECORD + b",",
    _RECORD + _RECORD,
    b"[" + _RECORD + b"]",
    b"12 May host app: " + _RECORD,
    b"event,command,exit_code,duration_ms",
    b"<<<<<<< HEAD",
    b'{"event":"run_end","command":"done","exit_code":0,"duration_ms":NaN}',
    b'{"event":"run_end","command":"done","exit_code":0,"duration_ms":Infinity}',
    b'{"event":"run_end","command":"done","exit_code":0,"duration_ms":-1}',
    b'{"event":"run_end","command":"done","exit_code":0,"duration_ms":"7"}',
    b'{"event":"run_end","command":"done","exit_code":0,"duration_ms":1e999}',
    b'{"event":"run_end","command":"done","exit_code":1.0}',
    b'{"event":"run_end","command":"done","exit_code":true}',
    b'{"event":"run_end","command":"done"}',
    b'{"event":"run_end","exit_code":0}',
    b'{"event":"run_end","command":"done","exit_code":0,"exit_code":"0"}',
    b'{"event":"beat","event":"run_end","command":"done","exit_code":0}',
    b'{"event":"run_end","event":"beat","command":"done","exit_code":0}',
    b'{"event":"run_end","command":"d\xff","exit_code":0,"duration_ms":7}',
    b'{"event":"run_end","command":"d\xed\xa0\x80","exit_code":0}',
    b'{"event":"run_end","command":"d\xc3","exit_code":0}',
    b'{"event":"run_end","command":"\\ud800","exit_code":0}',
    b'{"event":"run_end","command":"done","exit_code":0,"x":"\xe2\x80\xa8\xc2\x85\x0b\x0c"}',
    b'{"event":"run_end","command":"a\x0bb","exit_code":0}',
    b'{"event":"run_end","command":"done","exit_code":0,"ts_epoch_ms":1767225600}',
    b'{"event":"run_end","command":"done","exit_code":0,"ts_epoch_ms":99999999999999}',
    b'{"event":"run_end","command":"done","exit_code":0,"x":' + b"9" * 4301 + b"}",
    b'{"event":"run_end","command":"done","exit_code":0,"x":' + b"[" * 2000 + b"]" * 2000 + b"}",
    b'{"log":"x\\n","stream":"stdout","time":"t"}',
    b"2026-01-01T00:00:00Z stdout F " + _RECORD,
    b'\x1b[32m{"event":"beat"}\x1b[0m',
    b"{'event': 'run_end'}",
    b'{"event":"beat"}',
    _RECORD.replace(b"7", b"-0.0"),
    _RECORD.replace(b"7", b"1.7976931348623157e308"),
    _RECORD.replace(b"7", b"5e-324"),
    _RECORD.replace(b"7", b"9007199254740993"),
    _RECORD + b"\r",
)


class Made(NamedTuple):
    """A log that was written: its path, and how many bytes of lines it holds."""

    path: Path
    data: bytes


def lines_of(rng: Random, count: int) -> list[bytes]:
    """Return so many lines: runs that overlap, some of them written twice, and now and then something odd."""
    lines: list[bytes] = []
    ms = _MS + rng.randrange(3_600_000)
    open_traces: list[str] = []
    while len(lines) < count:
        ms += rng.choice((-5, 0, 1, 40, 700))
        kind = rng.random()
        if kind < 0.06:
            lines.append(rng.choice(_ODD))
        elif kind < 0.1 and lines:
            lines.append(lines[-1 - min(len(lines) - 1, rng.randrange(60))])  # written twice
        elif kind < 0.5 or not open_traces:
            open_traces.append(f"trace-{rng.randrange(1 << (12 if rng.random() < 0.1 else 48)):012x}")
            lines.append(_record(rng, "run_start", open_traces[-1], ms))
        else:
            trace = open_traces.pop(rng.randrange(len(open_traces)))
            lines.append(_record(rng, "run_end", trace, ms))
    return lines


def _record(rng: Random, event: str, trace: str, ms: int) -> bytes:
    record: dict[str, object] = {"event": event, "trace_id": trace, "command": rng.choice(_COMMANDS)}
    if rng.random() < 0.9:
        record["ts_epoch_ms"] = ms
    if event == "run_end":
        record |= {"exit_code": int(rng.random() < 0.1), "item_id": rng.choice((None, "ORCH-1", "ORCH-2"))}
        if rng.random() < 0.9:
            record["duration_ms"] = rng.choice((rng.randrange(3000), rng.random() * 3000, rng.random() * 1e-3))
    text = json.dumps(record, ensure_ascii=rng.random() < 0.5, separators=rng.choice(((",", ":"), (", ", ": "))))
    return text.encode()


def write_lot(folder: Path, rng: Random, lines: int) -> list[Made]:
    """Write some logs of up to so many lines each: plain and packed, torn, with a mark, empty, copies of others."""
    made: list[Made] = []
    for number in range(rng.randrange(2, 6)):
        name = f"runs {number}[é].jsonl" if rng.random() < 0.3 else f"runs.{number}.jsonl"
        made.append(_write(folder, name, _content(rng, made, lines), rng))
    return made


def _content(rng: Random, others: list[Made], lines: int) -> bytes:
    kind = rng.random()
    if kind < 0.06:
        return b""
    if kind < 0.2 and others:
        data = rng.choice(others).data
        return data[: rng.randrange(len(data) + 1)] if rng.random() < 0.5 else data
    data = b"".join(line + b"\n" for line in lines_of(rng, rng.randrange(1, lines)))
    mark = b"\xef\xbb\xbf" if rng.random() < 0.2 else b""
    tail = rng.choice((b"", b"", b'{"event":"run_end"', _RECORD, b"\xef"))
    return mark + data + tail


def _write(folder: Path, name: str, data: bytes, rng: Random) -> Made:
    pack = rng.choice((None, None, None, "gz", "zst"))
    path = folder / (name if pack is None else f"{name}.{pack}")
    path.write_bytes(data if pack is None else gzip.compress(data, 1) if pack == "gz" else zstd.compress(data))
    return Made(path, data)
