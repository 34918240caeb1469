"""The plainest reader of the run log, with the standard library's json: what the fast one must agree with."""

from __future__ import annotations

import json
import math
import re
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ops_checks.runlog.stats import RunStats

_LINE = 16 << 20
_TEXTS = ("event", "trace_id", "command", "ts_kst", "status")
_NULLABLE = ("item_id", "error")


class RefusedError(Exception):
    """A line that is no record."""


def _refuse(*_: object) -> None:
    raise RefusedError


def _number(digits: str) -> int | float:
    if len(digits.lstrip("-")) > 4300:
        raise RefusedError
    return int(digits)


def _whole_text(value: object) -> None:
    if isinstance(value, str) and any("\ud800" <= char <= "\udfff" for char in value):
        raise RefusedError


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


def _is_number(value: Any, kind: type, low: float, high: float) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool) and low <= value <= high


def _fits(key: str, value: Any) -> bool:
    if key in _TEXTS:
        return isinstance(value, str)
    if key in _NULLABLE:
        return value is None or isinstance(value, str)
    ranges = {
        "ts_epoch_ms": (int, -(2**63), 2**63 - 1),
        "exit_code": (int, -math.inf, math.inf),
        "duration_ms": (int | float, 0, sys.float_info.max),
    }
    return key not in ranges or _is_number(value, *ranges[key])


def record_of(line: bytes) -> dict[str, Any] | None:
    """Return the record on a line, or None if it is malformed."""
    try:
        text = line.decode()
        if len(line) > _LINE or not re.fullmatch(r"[ \t\r]*\{.*\}[ \t\r]*", text, re.DOTALL):
            return None
        record = json.loads(text, object_pairs_hook=_pairs, parse_constant=_refuse, parse_int=_number)
    except (ValueError, RecursionError, RefusedError):
        return None
    if not isinstance(record, _Object) or "event" not in record:
        return None
    if not all(_fits(key, value) for key, value in record.pairs):
        return None
    if record["event"] == "run_end" and not {"command", "exit_code"} <= record.keys():
        return None
    return record


_KNOWN = (*_TEXTS, *_NULLABLE, "ts_epoch_ms", "exit_code", "duration_ms")


def repeated_lines(good: list[tuple[int, dict[str, Any]]], window: int = 65_536) -> set[int]:
    """Return the lines of the ends that equal an earlier one, and can be told apart from those of other runs."""
    last: dict[tuple[object, ...], int] = {}
    found = set()
    for number, record in good:
        dated = "ts_epoch_ms" in record or "ts_kst" in record
        if record["event"] == "run_end" and record.get("trace_id") and dated:
            key = tuple(record.get(name, ...) for name in _KNOWN)
            if key in last and number - last[key] <= window:
                found.add(number)
            last[key] = number
    return found


def summary_of(
    data: bytes, since_ms: int | None = None, commands: frozenset[str] | None = None, until_ms: int | None = None
) -> dict[str, Any]:
    """Return what the log's bytes say, computed from lists of everything."""
    lines = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    records = [(number, record_of(line)) for number, line in enumerate(lines[:-1], 1)]
    good = [(number, record) for number, record in records if record is not None]
    dated = [record["ts_epoch_ms"] for _, record in good if "ts_epoch_ms" in record]

    windowed = since_ms is not None or until_ms is not None

    def within(record: dict[str, Any]) -> bool:
        if not windowed:
            return True
        ms = record.get("ts_epoch_ms")
        return ms is not None and (since_ms is None or ms >= since_ms) and (until_ms is None or ms < until_ms)

    repeated = repeated_lines(good)
    once = [(number, record) for number, record in good if record["event"] == "run_end" and number not in repeated]
    ends = [(number, record) for number, record in once if within(record)]
    outcomes = [(n, r) for n, r in ends if r["exit_code"] == 0 and r["command"] in {"done", "fail"}]
    timed = [(n, r) for n, r in ends if "duration_ms" in r and (commands is None or r["command"] in commands)]
    open_runs: dict[str, list[int]] = {}
    early: list[str] = []
    for number, record in good:
        trace = record.get("trace_id")
        if record["event"] == "run_start" and within(record) and trace is not None:
            open_runs.setdefault(trace, []).append(number)
        # What ended before the window ended nothing in it.
        before = since_ms is not None and record.get("ts_epoch_ms", since_ms) < since_ms
        if record["event"] == "run_end" and not before and trace is not None:
            if open_runs.get(trace):
                open_runs[trace].pop()
            else:
                early.append(trace)
    for trace in early:
        del open_runs.get(trace, [])[:1]
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
        "undated": 0 if not windowed else sum("ts_epoch_ms" not in r for _, r in once),
        "repeated": len(repeated),
        "outside": sum(not within(r) and "ts_epoch_ms" in r for _, r in once),
        "first_ms": min(dated, default=None),
        "last_ms": max(dated, default=None),
        "torn_tail": not data.endswith(b"\n") and data != b"",
    }


def summary(stats: RunStats) -> dict[str, Any]:
    """Return the statistics in the terms of the reference."""
    durations = stats.durations
    return {
        "lines": stats.lines,
        "runs": stats.runs,
        "done": stats.done,
        "failed": stats.failed,
        "failures": [run.line for run in stats.failures],
        "malformed": stats.malformed,
        "defects": [defect.line for defect in stats.defects],
        "durations": [durations.ranked(rank) for rank in range(1, len(durations) + 1)],
        "slowest": [run.line for run in stats.slowest],
        "unfinished": [(run.line, run.trace) for run in stats.unfinished()],
        "unpaired": stats.unpaired,
        "undated": stats.undated,
        "repeated": sum(log.repeated for log in stats.logs),
        "outside": sum(log.outside for log in stats.logs),
        "first_ms": min((log.first_ms for log in stats.logs if log.first_ms is not None), default=None),
        "last_ms": max((log.last_ms for log in stats.logs if log.last_ms is not None), default=None),
        "torn_tail": any(log.torn_tail for log in stats.logs),
    }
