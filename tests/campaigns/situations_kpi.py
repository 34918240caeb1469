"""Situations of the KPIs: default limits, samples, the run log's lines, staleness."""

from __future__ import annotations

import gzip
import json
import os
from math import inf
from typing import TYPE_CHECKING

from tests.campaigns.changes import outcomes, stale, together, with_args, with_env, with_line, with_log, with_policy
from tests.campaigns.expected import (
    DEFAULT_KPIS,
    GREEN,
    Situation,
    alert,
    broken,
    differs,
    insufficient,
    malformed,
)
from tests.campaigns.operation import NOW_S, ended, log

if TYPE_CHECKING:
    from tests.campaigns.operation import Operation

_OF_RUNS = ("failure-rate", "latency-p95-ms")


def _took(*durations: float):
    """Return an operation whose runs took so many milliseconds."""

    def change(op: Operation) -> None:
        op.runs = [record for number, ms in enumerate(durations) for record in ended(number, "done", ms)]

    return change


def _last(text: bytes):
    """Append bytes without a line break."""
    return with_log(lambda data: data + text)


def _start(text: str, *, minutes_later: float = 0):
    def change(op: Operation) -> None:
        op.both("ORCH-102", "started_at_kst", text)
        op.now_s = NOW_S + 60 * minutes_later

    return change


def _end(**fields: object) -> bytes:
    return json.dumps({"event": "run_end", "command": "done", "exit_code": 0, "duration_ms": 1, **fields}).encode()


def _aged(seconds: float):
    """Return an operation whose newest run ended so long ago."""

    def change(op: Operation) -> None:
        late = max(run["ts_epoch_ms"] for run in op.runs) - (NOW_S - seconds) * 1000
        op.runs = [{**run, "ts_epoch_ms": int(run["ts_epoch_ms"] - late)} for run in op.runs]

    return change


def _touched(modified_s: float):
    """Return an operation whose log has no times, and was written to at an epoch second."""

    def change(op: Operation) -> None:
        op.runs = [{key: value for key, value in run.items() if key != "ts_epoch_ms"} for run in op.runs]
        op.after.append(lambda folder: os.utime(folder / "runs.jsonl", (modified_s, modified_s)))

    return change


_STALE = alert("stale-in-progress", ("ORCH-102", None))
_OUTDATED = broken(
    "runs.jsonl: ", "it says nothing about today", rules=("failure-rate", "latency-p95-ms", "malformed-lines")
)

_DEFAULTS = (
    Situation("19 of 100 outcomes failed", outcomes(81, 19), GREEN),
    Situation("20 of 100 outcomes failed", outcomes(80, 20), GREEN),
    Situation("21 of 100 outcomes failed", outcomes(79, 21), alert("failure-rate")),
    Situation("one in five outcomes failed", outcomes(4, 1), GREEN),
    Situation("the 95th percentile is 1999 ms", _took(*[1] * 94, *[1999] * 6), GREEN),
    Situation("the 95th percentile is 2000 ms", _took(*[1] * 94, *[2000] * 6), GREEN),
    Situation("the 95th percentile is 2000.01 ms", _took(*[1] * 94, *[2000.01] * 6), alert("latency-p95-ms")),
    Situation("5 of 100 runs were too slow", _took(*[1] * 95, *[9999] * 5), GREEN),
    Situation("6 of 100 runs were too slow", _took(*[1] * 94, *[9999] * 6), alert("latency-p95-ms")),
    Situation("two runs of 1 and 9999 ms", _took(1, 9999), alert("latency-p95-ms")),
    Situation("a limit on the command line", with_args("--max-failure-rate", "0.05"), alert("failure-rate")),
    Situation("a limit on the command line that is kept", with_args("--max-failure-rate", "0.1"), GREEN),
    Situation(
        "a latency limit on the command line", with_args("--max-latency-p95-ms", "1899"), alert("latency-p95-ms")
    ),
    Situation("a failure rate of 1", outcomes(0, 20), alert("failure-rate")),
)

_SAMPLES = (
    Situation("an empty log", with_log(lambda _: b""), insufficient(*_OF_RUNS)),
    Situation(
        "an empty log only warns",
        together(with_log(lambda _: b""), with_policy("kpi: {on_insufficient: warn}")),
        insufficient(*_OF_RUNS).with_(code=0, verdict="warn"),
    ),
    Situation(
        "an empty log may pass",
        together(with_log(lambda _: b""), with_policy("kpi: {on_insufficient: pass}")),
        insufficient(*_OF_RUNS).with_(code=0, verdict="pass"),
    ),
    Situation(
        "an empty log, and warnings fail",
        together(
            with_log(lambda _: b""), with_policy("kpi: {on_insufficient: warn}"), with_args("--fail-level", "warn")
        ),
        insufficient(*_OF_RUNS),
    ),
    Situation("only starts in the log", with_log(lambda _: log(ended(1, "done", 1)[:1])), insufficient(*_OF_RUNS)),
    Situation("one run", outcomes(1, 0), GREEN),
    Situation("one run, and it failed", outcomes(0, 1), alert("failure-rate")),
    Situation(
        "one run, ten wanted",
        together(outcomes(1, 0), with_policy("kpi: {thresholds: {failure_rate: {max: 0.2, min_samples: 10}}}")),
        insufficient("failure-rate"),
    ),
    Situation(
        "ten runs, ten wanted",
        together(outcomes(10, 0), with_policy("kpi: {thresholds: {failure_rate: {max: 0.2, min_samples: 10}}}")),
        GREEN,
    ),
    Situation(
        "nine bad runs, ten wanted",
        together(outcomes(0, 9), with_policy("kpi: {thresholds: {failure_rate: {max: 0.2, min_samples: 10}}}")),
        insufficient("failure-rate"),
    ),
    Situation(
        "commands that ran but are no outcomes",
        lambda op: [run.update(command="list") for run in op.runs],
        insufficient("failure-rate"),
    ),
    Situation(
        "runs of done that failed themselves are no outcomes",
        lambda op: [run.update(exit_code=1, status="error") for run in op.runs if run["event"] == "run_end"],
        insufficient("failure-rate"),
    ),
    Situation(
        "the latency of one command only",
        together(with_policy("kpi: {commands: [pick], thresholds: {latency_p95_ms: 1}}")),
        insufficient("latency-p95-ms"),
    ),
    Situation("a window without runs", with_policy("kpi: {window: 10m}"), insufficient(*_OF_RUNS)),
    Situation("a window with the two failures only", with_policy("kpi: {window: 42m}"), alert("failure-rate")),
    Situation(
        "a window, and runs without a time",
        together(with_policy("kpi: {window: 24h}"), lambda op: [run.pop("ts_epoch_ms") for run in op.runs]),
        insufficient(*_OF_RUNS).with_(remark="20 runs have no ts_epoch_ms"),
    ),
)

_LINES = (
    Situation("a torn last line", _last(b'{"event": "run_end", "comm'), GREEN),
    Situation("a whole last line without its line break", _last(_end(duration_ms=99999)), GREEN),
    Situation("a torn middle line", with_line(b'{"event": "run_end", "comm'), malformed(2, "no JSON object")),
    Situation("two records on one line", with_line(_end() + _end()), malformed(2)),
    Situation("an empty line", with_line(b""), malformed(2, "empty line")),
    Situation("a line of NUL bytes", with_line(b"\0" * 40), malformed(2)),
    Situation("a list for an object", with_line(b"[1, 2]"), malformed(2)),
    Situation("a negative duration", with_line(_end(duration_ms=-1)), malformed(2, "duration_ms")),
    Situation("a duration that is NaN", with_line(_end(duration_ms=float("nan"))), malformed(2)),
    Situation("a duration that is infinite", with_line(_end(duration_ms=inf)), malformed(2)),
    Situation("a duration as text", with_line(_end(duration_ms="1")), malformed(2, "duration_ms")),
    Situation("a duration that is true", with_line(_end(duration_ms=True)), malformed(2, "duration_ms")),
    Situation("an exit code of 0.0", with_line(_end(exit_code=0.0)), malformed(2, "exit_code")),
    Situation("an exit code that is false", with_line(_end(exit_code=False)), malformed(2, "exit_code")),
    Situation("a run_end without an exit code", with_line(b'{"event": "run_end", "command": "done"}'), malformed(2)),
    Situation("an event that is null", with_line(b'{"event": null}'), malformed(2, "event")),
    Situation("no event", with_line(b'{"command": "done", "exit_code": 0}'), malformed(2)),
    Situation("100,000 brackets", with_line(b'{"event": "x", "more": ' + b"[" * 100_000), malformed(2)),
    Situation(
        "100,000 brackets that close",
        with_line(b'{"event":"x","more":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
        malformed(2),
    ),
    Situation("an integer of 5,000 digits", with_line(b'{"event": "x", "more": ' + b"9" * 5000 + b"}"), malformed(2)),
    Situation("half a surrogate pair", with_line(b'{"event": "x", "item_id": "\\ud800"}'), malformed(2)),
    Situation(
        "a line of the log that is not UTF-8", with_line(b'{"event": "x", "more": "\xff"}'), malformed(2, "not UTF-8")
    ),
    Situation(
        "a line of 17 MB", with_line(b'{"event": "x", "more": "' + b"x" * (17 << 20) + b'"}'), malformed(2, "longer")
    ),
    Situation("an event of another kind", with_line(b'{"event": "heartbeat", "more": {"a": [1, null, "x"]}}'), GREEN),
    Situation("a minimal record", with_line(_end()), GREEN),
    Situation(
        "keys in another order, and more keys",
        with_line(b' { "duration_ms":1 ,"x":{}, "exit_code":0,"command":"done","event":"run_end" } '),
        GREEN,
    ),
    Situation("an item that is null", with_line(_end(item_id=None)), GREEN),
    Situation("CRLF line ends in the log", with_log(lambda data: data.replace(b"\n", b"\r\n")), GREEN),
    Situation("a byte order mark in the log", with_log(lambda data: b"\xef\xbb\xbf" + data), GREEN),
    Situation("a clock that goes backwards", lambda op: op.runs.reverse(), GREEN),
    *(
        Situation(f"a time {what}", with_line(_end(ts_epoch_ms=ms)), malformed(2, "`ts_epoch_ms`", *words))
        for what, ms, words in (
            ("in the year 1", -62135596800000, ("before 2001",)),
            ("of 0", 0, ("before 2001",)),
            ("a moment before 2001", 978_307_199_999, ("before 2001",)),
            ("in seconds", NOW_S, ("looks like seconds", "expected milliseconds")),
            ("in microseconds", NOW_S * 10**6, ("looks like microseconds", "expected milliseconds")),
            ("in nanoseconds", NOW_S * 10**9, ("looks like nanoseconds", "expected milliseconds")),
            ("more than a day ahead", (NOW_S + 86_400) * 1000 + 1, ("more than a day ahead",)),
        )
    ),
    Situation("the first moment of 2001", with_line(_end(ts_epoch_ms=978_307_200_000)), GREEN),
    Situation("a time a day ahead", with_line(_end(ts_epoch_ms=(NOW_S + 86_400) * 1000)), GREEN),
    Situation(
        "an event of another kind in seconds", with_line(b'{"event": "x", "ts_epoch_ms": 1767236400}'), malformed(2)
    ),
    Situation("runs of seven days ago", _aged(7 * 86_400), GREEN),
    Situation("runs of more than seven days ago", _aged(7 * 86_400 + 1), _OUTDATED),
    Situation(
        "runs of years ago, whatever little data counts as",
        together(_aged(10**8), with_policy("kpi: {on_insufficient: pass, window: 24h}")),
        _OUTDATED,
    ),
    Situation(
        "runs of a month ago, and the policy allows it",
        together(_aged(30 * 86_400), with_policy("kpi: {max_log_age: 31d}")),
        GREEN,
    ),
    Situation(
        "runs of an hour and a half ago, and the policy allows an hour",
        together(_aged(5400), with_policy("kpi: {max_log_age: 60m}")),
        _OUTDATED,
    ),
    Situation("a log without times that was written to lately", _touched(NOW_S - 86_400), GREEN),
    Situation("a log without times that was last written to long ago", _touched(NOW_S - 8 * 86_400), _OUTDATED),
    Situation(
        "an empty log that was last written to long ago",
        together(_touched(NOW_S - 8 * 86_400), with_policy("kpi: {on_insufficient: pass}"), with_log(lambda _: b"")),
        _OUTDATED,
    ),
    Situation(
        "malformed lines that the policy lets be",
        together(with_line(b"{"), with_policy("kpi: {thresholds: {malformed_lines: off}}")),
        GREEN,
    ),
)

_TIMES = (
    Situation("an item in progress for 60 minutes", _start("2026-01-01 11:00"), GREEN),
    Situation("an item in progress for a moment more", _start("2026-01-01 11:00", minutes_later=0.001), _STALE),
    Situation("an item in progress for 61 minutes", _start("2026-01-01 10:59"), _STALE),
    Situation(
        "a lease alive on an old start",
        together(stale, lambda op: op.db[1].update(lease_owner="s1", lease_expires_at=NOW_S + 600)),
        _STALE,
    ),
    Situation(
        "a lease that ran out on a fresh start",
        lambda op: op.db[1].update(lease_owner="s1", lease_expires_at=NOW_S - 600),
        GREEN,
    ),
    Situation("a start in the future", _start("2027-01-01 11:00"), _STALE),
    Situation("a start five minutes ahead", _start("2026-01-01 12:05"), GREEN),
    Situation("a start six minutes ahead", _start("2026-01-01 12:06"), _STALE),
    Situation("no start", _start("-"), _STALE),
    *(
        Situation(f"a start that cannot be read: {text!a}", _start(text), _STALE)
        for text in (
            "2026-01-01T11:30",
            "2026-01-01 11:30:00",
            "2026-02-30 11:30",
            "2026-01-01 24:00",
            "11:30",
            "2026-1-1 11:30",
            "\uff12\uff10\uff12\uff16-01-01 11:30",
            "yesterday",
            "2026-01-01\u00a011:30",
        )
    ),
    Situation("a stale item, two allowed", together(stale, with_args("--max-stale-in-progress", "2")), GREEN),
    Situation("a stale item, one allowed", together(stale, with_args("--max-stale-in-progress", "1")), GREEN),
    Situation("a stale item, 61 minutes allowed", together(stale, with_args("--stale-minutes", "61")), GREEN),
    Situation(
        "an old start of an item that is not in progress",
        lambda op: op.both("ORCH-104", "started_at_kst", "2001-01-01 08:00"),
        GREEN,
    ),
    Situation(
        "stale only in Markdown",
        lambda op: op.cell("md", "ORCH-102", "started_at_kst", "2026-01-01 10:00"),
        differs("ORCH-102", "started_at_kst"),
    ),
    Situation("the queue's zone is UTC", with_env(ORCH_TZ_OFFSET="0"), _STALE),
    Situation("the queue's zone is farther east", with_env(ORCH_TZ_OFFSET="10"), _STALE),
    Situation("the policy's zone is farther east", with_policy('timezone: "+09:31"'), _STALE),
    Situation("the policy's zone is the same by its name", with_policy("timezone: Asia/Seoul"), GREEN),
    Situation("the policy's zone has daylight saving", with_policy("timezone: Europe/Berlin"), _STALE),
    Situation("a window before all runs", with_args("--until", "300d"), insufficient(*_OF_RUNS)),
    Situation(
        "the environment's zone beats the policy's",
        together(with_policy('timezone: "+10:00"'), with_env(ORCH_TZ_OFFSET="9")),
        GREEN,
    ),
)


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
    Situation("the current log only", together(_rotated(), lambda op: op.argv.__delitem__(slice(0, 2))), GREEN),
    Situation("a compressed log that was cut off", _rotated(cut=9), broken("runs.jsonl.2.gz", rules=DEFAULT_KPIS)),
)

SITUATIONS = (
    *_DEFAULTS,
    *_SAMPLES,
    *_LINES,
    *_TIMES,
    *_ROTATED,
)
