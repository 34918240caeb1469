"""Situations of the KPIs: limits, samples, the run log's lines, staleness."""

from __future__ import annotations

import gzip
import json
from math import inf, nextafter
from typing import TYPE_CHECKING

from tests.campaigns.expected import GREEN, Expected, Situation, alert, broken, differs, insufficient, warns
from tests.campaigns.operation import METRICS, NOW_S, ended, log

if TYPE_CHECKING:
    from tests.campaigns.operation import Operation

_RATES = {"failure_rate", "success_rate"}
_OF_RUNS = ("failure-rate", "latency-p95-ms")


def _limited(metric: str, **limits: object):
    """Return an operation in which one metric has its value of METRICS and these limits, and no other has any."""

    def change(op: Operation) -> None:
        thresholds = dict.fromkeys(("failure_rate", "latency_p95_ms", "stale_in_progress", "malformed_lines"), "off")
        kpi = {"stale_minutes": 20, "thresholds": {**thresholds, metric: limits}}
        op.policy = json.dumps({"kpi": kpi})
        if metric == "malformed_lines":
            op.edit_log = lambda data: data.replace(b"\n", b"\n{\n", 1)
        if metric == "unfinished_runs":
            op.runs.insert(0, {"event": "run_start", "trace_id": "trace-lost", "command": "pick"})

    return change


def _steps(metric: str) -> tuple[float, float, float]:
    """Return the numbers one unit below, at and above the value of a metric."""
    value = METRICS[metric]
    if metric in _RATES:
        return nextafter(value, 0), value, nextafter(value, 1)
    return value - 1, value, value + 1


def _limits(metric: str):
    """Yield the value of a metric one unit above, at and below each kind of limit."""
    rule, (below, at, above) = metric.replace("_", "-"), _steps(metric)
    found = {"stale_in_progress": (("ORCH-102", None),), "malformed_lines": ((2, None),)}.get(metric, ())
    out = alert(rule, *found)
    if metric == "malformed_lines":  # an input is malformed: that is more than an alert
        out = broken("runs.jsonl:2", rules=(rule,)).with_(findings=((rule, 2, None),))
    yield Situation(f"{metric} above max", _limited(metric, max=below), out)
    yield Situation(f"{metric} at max", _limited(metric, max=at), GREEN)
    yield Situation(f"{metric} below max", _limited(metric, max=above), GREEN)
    if metric != "malformed_lines":
        yield Situation(f"{metric} above min", _limited(metric, min=below), GREEN)
        yield Situation(f"{metric} at min", _limited(metric, min=at), GREEN)
        yield Situation(f"{metric} below min", _limited(metric, min=above), out)
        yield Situation(f"{metric} below warn_min", _limited(metric, warn_min=above), warns(rule, *found))
    yield Situation(f"{metric} above warn_max", _limited(metric, warn_max=below, max=at), warns(rule, *found))
    yield Situation(f"{metric} at warn_max", _limited(metric, warn_max=at, max=above), GREEN)
    yield Situation(f"{metric} above max, a warning", _limited(metric, max=below, severity="warning"),
                    warns(rule, *found))  # fmt: skip


def _outcomes(done: int, failed: int):
    """Return an operation with so many task outcomes."""

    def change(op: Operation) -> None:
        commands = ["done"] * done + ["fail"] * failed
        op.runs = [record for number, command in enumerate(commands) for record in ended(number, command, 1)]

    return change


def _took(*durations: float):
    """Return an operation whose runs took so many milliseconds."""

    def change(op: Operation) -> None:
        op.runs = [record for number, ms in enumerate(durations) for record in ended(number, "done", ms)]

    return change


def _log(edit):
    return lambda op: setattr(op, "edit_log", edit)


def _line(text: bytes):
    """Insert a line after the first."""
    return _log(lambda data: data.replace(b"\n", b"\n" + text + b"\n", 1))


def _last(text: bytes):
    """Append bytes without a line break."""
    return _log(lambda data: data + text)


def _malformed(number: int, *words: str) -> Expected:
    return broken(f"runs.jsonl:{number}", *words, rules=("malformed-lines",)).with_(
        findings=(("malformed-lines", number, None),)
    )


def _start(text: str, *, minutes_later: float = 0):
    def change(op: Operation) -> None:
        op.both("ORCH-102", "started_at_kst", text)
        op.now_s = NOW_S + 60 * minutes_later

    return change


def _stale(op: Operation) -> None:
    op.both("ORCH-102", "started_at_kst", "2026-01-01 10:59")


def _policy(text: str):
    return lambda op: setattr(op, "policy", text)


def _args(*argv: str):
    return lambda op: op.argv.extend(argv)


def _all(*changes):
    return lambda op: [change(op) for change in changes]


def _end(**fields: object) -> bytes:
    return json.dumps({"event": "run_end", "command": "done", "exit_code": 0, "duration_ms": 1, **fields}).encode()


_STALE = alert("stale-in-progress", ("ORCH-102", None))

_DEFAULTS = (
    Situation("19 of 100 outcomes failed", _outcomes(81, 19), GREEN),
    Situation("20 of 100 outcomes failed", _outcomes(80, 20), GREEN),
    Situation("21 of 100 outcomes failed", _outcomes(79, 21), alert("failure-rate")),
    Situation("one in five outcomes failed", _outcomes(4, 1), GREEN),
    Situation("the 95th percentile is 1999 ms", _took(*[1] * 94, *[1999] * 6), GREEN),
    Situation("the 95th percentile is 2000 ms", _took(*[1] * 94, *[2000] * 6), GREEN),
    Situation("the 95th percentile is 2000.01 ms", _took(*[1] * 94, *[2000.01] * 6), alert("latency-p95-ms")),
    Situation("5 of 100 runs were too slow", _took(*[1] * 95, *[9999] * 5), GREEN),
    Situation("6 of 100 runs were too slow", _took(*[1] * 94, *[9999] * 6), alert("latency-p95-ms")),
    Situation("two runs of 1 and 9999 ms", _took(1, 9999), alert("latency-p95-ms")),
    Situation("a limit on the command line", _args("--max-failure-rate", "0.05"), alert("failure-rate")),
    Situation("a limit on the command line that is kept", _args("--max-failure-rate", "0.1"), GREEN),
    Situation("a latency limit on the command line", _args("--max-latency-p95-ms", "1899"), alert("latency-p95-ms")),
    Situation("a failure rate of 1", _outcomes(0, 20), alert("failure-rate")),
)

_SAMPLES = (
    Situation("an empty log", _log(lambda _: b""), insufficient(*_OF_RUNS)),
    Situation("an empty log is no success", _all(_log(lambda _: b""), _policy("kpi: {on_insufficient: fail}")),
              insufficient(*_OF_RUNS).with_(code=2, verdict="fail")),
    Situation("an empty log may pass", _all(_log(lambda _: b""), _policy("kpi: {on_insufficient: pass}")),
              insufficient(*_OF_RUNS).with_(verdict="pass")),
    Situation("an empty log, and warnings fail", _all(_log(lambda _: b""), _args("--fail-level", "warn")),
              insufficient(*_OF_RUNS).with_(code=2, verdict="fail")),
    Situation("only starts in the log", _log(lambda _: log(ended(1, "done", 1)[:1])), insufficient(*_OF_RUNS)),
    Situation("one run", _outcomes(1, 0), GREEN),
    Situation("one run, and it failed", _outcomes(0, 1), alert("failure-rate")),
    Situation("one run, ten wanted",
              _all(_outcomes(1, 0), _policy("kpi: {thresholds: {failure_rate: {max: 0.2, min_samples: 10}}}")),
              insufficient("failure-rate")),
    Situation("ten runs, ten wanted",
              _all(_outcomes(10, 0), _policy("kpi: {thresholds: {failure_rate: {max: 0.2, min_samples: 10}}}")), GREEN),
    Situation("nine bad runs, ten wanted",
              _all(_outcomes(0, 9), _policy("kpi: {thresholds: {failure_rate: {max: 0.2, min_samples: 10}}}")),
              insufficient("failure-rate")),
    Situation("commands that ran but are no outcomes", lambda op: [run.update(command="list") for run in op.runs],
              insufficient("failure-rate")),
    Situation("runs of done that failed themselves are no outcomes",
              lambda op: [run.update(exit_code=1, status="error") for run in op.runs if run["event"] == "run_end"],
              insufficient("failure-rate")),
    Situation("the latency of one command only",
              _all(_policy("kpi: {commands: [pick], thresholds: {latency_p95_ms: 1}}")), insufficient("latency-p95-ms")),
    Situation("a window without runs", _policy("kpi: {window: 10m}"), insufficient(*_OF_RUNS)),
    Situation("a window with the two failures only", _policy("kpi: {window: 42m}"), alert("failure-rate")),
    Situation("a window, and runs without a time",
              _all(_policy("kpi: {window: 24h}"), lambda op: [run.pop("ts_epoch_ms") for run in op.runs]),
              insufficient(*_OF_RUNS).with_(remark="20 runs have no ts_epoch_ms")),
)  # fmt: skip

_LINES = (
    Situation("a torn last line", _last(b'{"event": "run_end", "comm'), GREEN),
    Situation("a whole last line without its line break", _last(_end(duration_ms=99999)), GREEN),
    Situation("a torn middle line", _line(b'{"event": "run_end", "comm'), _malformed(2, "no JSON object")),
    Situation("two records on one line", _line(_end() + _end()), _malformed(2)),
    Situation("an empty line", _line(b""), _malformed(2, "empty line")),
    Situation("a line of NUL bytes", _line(b"\0" * 40), _malformed(2)),
    Situation("a list for an object", _line(b"[1, 2]"), _malformed(2)),
    Situation("a negative duration", _line(_end(duration_ms=-1)), _malformed(2, "duration_ms")),
    Situation("a duration that is NaN", _line(_end(duration_ms=float("nan"))), _malformed(2)),
    Situation("a duration that is infinite", _line(_end(duration_ms=inf)), _malformed(2)),
    Situation("a duration as text", _line(_end(duration_ms="1")), _malformed(2, "duration_ms")),
    Situation("a duration that is true", _line(_end(duration_ms=True)), _malformed(2, "duration_ms")),
    Situation("an exit code of 0.0", _line(_end(exit_code=0.0)), _malformed(2, "exit_code")),
    Situation("an exit code that is false", _line(_end(exit_code=False)), _malformed(2, "exit_code")),
    Situation("a run_end without an exit code", _line(b'{"event": "run_end", "command": "done"}'), _malformed(2)),
    Situation("an event that is null", _line(b'{"event": null}'), _malformed(2, "event")),
    Situation("no event", _line(b'{"command": "done", "exit_code": 0}'), _malformed(2)),
    Situation("100,000 brackets", _line(b'{"event": "x", "more": ' + b"[" * 100_000), _malformed(2)),
    Situation("100,000 brackets that close", _line(b'{"event":"x","more":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
              _malformed(2)),
    Situation("an integer of 5,000 digits", _line(b'{"event": "x", "more": ' + b"9" * 5000 + b"}"), _malformed(2)),
    Situation("half a surrogate pair", _line(b'{"event": "x", "item_id": "\\ud800"}'), _malformed(2)),
    Situation("bytes that are not UTF-8", _line(b'{"event": "x", "more": "\xff"}'), _malformed(2, "not UTF-8")),
    Situation("a line of 17 MB", _line(b'{"event": "x", "more": "' + b"x" * (17 << 20) + b'"}'), _malformed(2, "longer")),
    Situation("an event of another kind", _line(b'{"event": "heartbeat", "more": {"a": [1, null, "x"]}}'), GREEN),
    Situation("a minimal record", _line(_end()), GREEN),
    Situation("keys in another order, and more keys", _line(b' { "duration_ms":1 ,"x":{}, "exit_code":0,'
                                                            b'"command":"done","event":"run_end" } '), GREEN),
    Situation("an item that is null", _line(_end(item_id=None)), GREEN),
    Situation("CRLF line ends", _log(lambda data: data.replace(b"\n", b"\r\n")), GREEN),
    Situation("a byte order mark", _log(lambda data: b"\xef\xbb\xbf" + data), GREEN),
    Situation("a clock that goes backwards", lambda op: op.runs.reverse(), GREEN),
    Situation("times in the year 1", lambda op: [run.update(ts_epoch_ms=-62135596800000) for run in op.runs], GREEN),
    Situation("malformed lines that the policy lets be",
              _all(_line(b"{"), _policy("kpi: {thresholds: {malformed_lines: off}}")), GREEN),
)  # fmt: skip

_TIMES = (
    Situation("an item in progress for 60 minutes", _start("2026-01-01 11:00"), GREEN),
    Situation("an item in progress for a moment more", _start("2026-01-01 11:00", minutes_later=0.001), _STALE),
    Situation("an item in progress for 61 minutes", _start("2026-01-01 10:59"), _STALE),
    Situation("a lease alive on an old start",
              _all(_stale, lambda op: op.db[1].update(lease_owner="s1", lease_expires_at=NOW_S + 600)), _STALE),
    Situation("a lease that ran out on a fresh start",
              lambda op: op.db[1].update(lease_owner="s1", lease_expires_at=NOW_S - 600), GREEN),
    Situation("a start in the future", _start("2027-01-01 11:00"), GREEN),
    Situation("no start", _start("-"), _STALE),
    *(Situation(f"a start that cannot be read: {text!a}", _start(text), _STALE)
      for text in ("2026-01-01T11:30", "2026-01-01 11:30:00", "2026-02-30 11:30", "2026-01-01 24:00", "11:30",
                   "2026-1-1 11:30", "２０２６-01-01 11:30", "yesterday", "2026-01-01\u00a011:30")),
    Situation("a stale item, two allowed", _all(_stale, _args("--max-stale-in-progress", "2")), GREEN),
    Situation("a stale item, one allowed", _all(_stale, _args("--max-stale-in-progress", "1")), GREEN),
    Situation("a stale item, 61 minutes allowed", _all(_stale, _args("--stale-minutes", "61")), GREEN),
    Situation("an old start of an item that is not in progress",
              lambda op: op.both("ORCH-104", "started_at_kst", "2001-01-01 08:00"), GREEN),
    Situation("stale only in Markdown", lambda op: op.cell("md", "ORCH-102", "started_at_kst", "2026-01-01 10:00"),
              differs("ORCH-102", "started_at_kst")),
    Situation("the queue's zone is UTC", lambda op: op.env.update(ORCH_TZ_OFFSET="0"), GREEN),
    Situation("the queue's zone is farther east", lambda op: op.env.update(ORCH_TZ_OFFSET="10"), _STALE),
    Situation("the policy's zone is farther east", _policy('timezone: "+09:31"'), _STALE),
    Situation("the environment's zone beats the policy's",
              _all(_policy('timezone: "+10:00"'), lambda op: op.env.update(ORCH_TZ_OFFSET="9")), GREEN),
)  # fmt: skip


def _rotated(*, cut: int = 0):
    """Spread the log over three files, the oldest compressed; `cut` bytes of that are missing."""

    def change(op: Operation) -> None:
        def rotate(folder) -> None:
            lines = (folder / "runs.jsonl").read_bytes().splitlines(keepends=True)
            packed = gzip.compress(b"".join(lines[36:]))
            (folder / "runs.jsonl.2.gz").write_bytes(packed[: len(packed) - cut])
            (folder / "runs.jsonl.1").write_bytes(b"".join(lines[:10]))
            (folder / "runs.jsonl").write_bytes(b"".join(lines[10:36]))

        op.after.append(rotate)
        op.argv += ["--log-path", "runs.jsonl*", "--max-failure-rate", "0.09"]

    return change


_ROTATED = (
    Situation("a rotated log counts whole", _rotated(), alert("failure-rate")),
    Situation("the current log only", _all(_rotated(), lambda op: op.argv.__delitem__(slice(0, 2))), GREEN),
    Situation("a compressed log that was cut off", _rotated(cut=9),
              broken("runs.jsonl.2.gz", rules=("failure-rate", "latency-p95-ms", "stale-in-progress",
                                               "malformed-lines"))),
)  # fmt: skip

SITUATIONS = (
    *(situation for metric in METRICS for situation in _limits(metric)),
    *_DEFAULTS,
    *_SAMPLES,
    *_LINES,
    *_TIMES,
    *_ROTATED,
)
