"""The plainest reader of the run log, with the standard library's json: what the fast one must agree with."""

from __future__ import annotations

import json
import re
from typing import Any

_LINE = 16 << 20
_TEXTS = ("event", "trace_id", "command", "ts_kst", "status")
_NULLABLE = ("item_id", "error")


class Refused(Exception):
    """A line that is no record."""


def _refuse(*_: object) -> None:
    raise Refused


def _number(digits: str) -> int | float:
    if len(digits.lstrip("-")) > 4300:
        raise Refused
    return int(digits)


def _whole_text(value: object) -> None:
    if isinstance(value, str) and any("\ud800" <= char <= "\udfff" for char in value):
        raise Refused


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    for key, value in pairs:
        _whole_text(key)
        _walk(value)
    return _Object(pairs)


class _Object(dict[str, Any]):
    """An object that remembers its pairs, so that a wrong type behind a repeated key is seen."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.pairs = pairs


def _walk(value: object) -> None:
    _whole_text(value)
    if isinstance(value, list):
        for part in value:
            _walk(part)


def _fits(key: str, value: Any) -> bool:
    if key in _TEXTS:
        return isinstance(value, str)
    if key in _NULLABLE:
        return value is None or isinstance(value, str)
    if isinstance(value, bool):
        return key not in {"ts_epoch_ms", "exit_code", "duration_ms"}
    if key == "ts_epoch_ms":
        return isinstance(value, int) and -(2**63) <= value < 2**63
    if key == "exit_code":
        return isinstance(value, int)
    if key == "duration_ms":
        return isinstance(value, int | float) and 0 <= value < float("inf")
    return True


def record_of(line: bytes) -> dict[str, Any] | None:
    """Return the record on a line, or None if it is malformed."""
    try:
        text = line.decode()
        if len(line) > _LINE or not re.fullmatch(r"[ \t\r]*\{.*\}[ \t\r]*", text, re.DOTALL):
            return None
        record = json.loads(text, object_pairs_hook=_pairs, parse_constant=_refuse, parse_int=_number)
    except (ValueError, RecursionError, Refused):
        return None
    if not isinstance(record, _Object) or "event" not in record:
        return None
    if not all(_fits(key, value) for key, value in record.pairs):
        return None
    if record["event"] == "run_end" and not {"command", "exit_code"} <= record.keys():
        return None
    return record


def summary_of(data: bytes, since_ms: int | None = None, commands: frozenset[str] | None = None) -> dict[str, Any]:
    """Return what the log's bytes say, computed from lists of everything."""
    lines = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    records = [(number, record_of(line)) for number, line in enumerate(lines[:-1], 1)]
    good = [(number, record) for number, record in records if record is not None]
    dated = [record["ts_epoch_ms"] for _, record in good if "ts_epoch_ms" in record]

    def within(record: dict[str, Any]) -> bool:
        return since_ms is None or record.get("ts_epoch_ms", since_ms - 1) >= since_ms

    ends = [(number, record) for number, record in good if record["event"] == "run_end" and within(record)]
    outcomes = [(n, r) for n, r in ends if r["exit_code"] == 0 and r["command"] in {"done", "fail"}]
    timed = [(n, r) for n, r in ends if "duration_ms" in r and (commands is None or r["command"] in commands)]
    open_runs: dict[str, list[int]] = {}
    for number, record in good:
        if record["event"] == "run_start" and within(record) and "trace_id" in record:
            open_runs.setdefault(record["trace_id"], []).append(number)
    for _, record in good:
        starts = open_runs.get(record.get("trace_id", ""), [])
        if record["event"] == "run_end" and "trace_id" in record and starts:
            starts.pop(0)
    return {
        "lines": len(lines) - 1,
        "runs": len(ends),
        "done": sum(r["command"] == "done" for _, r in outcomes),
        "failed": sum(r["command"] == "fail" for _, r in outcomes),
        "failures": [n for n, r in outcomes if r["command"] == "fail"][-20:],
        "malformed": sum(record is None for _, record in records),
        "defects": [number for number, record in records if record is None][:20],
        "durations": sorted(float(r["duration_ms"]) for _, r in timed),
        "slowest": [n for n, r in sorted(timed, key=lambda found: (-float(found[1]["duration_ms"]), found[0]))][:20],
        "unfinished": sorted((number, trace) for trace, numbers in open_runs.items() for number in numbers),
        "unpaired": sum(r["event"] == "run_start" and within(r) and "trace_id" not in r for _, r in good),
        "undated": 0
        if since_ms is None
        else sum(r["event"] == "run_end" and "ts_epoch_ms" not in r for _, r in good),
        "first_ms": min(dated, default=None),
        "last_ms": max(dated, default=None),
        "torn_tail": not data.endswith(b"\n") and data != b"",
    }
