"""What is read and not counted is told in one place, the report's inputs; what is there and not used has a note."""

from __future__ import annotations

import gzip
import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from builders import item, make_database, make_markdown
from conftest import NOW_S

from ops_checks.cli import main
from ops_checks.context import DEFAULT_DB, DEFAULT_LOG, DEFAULT_QUEUE
from ops_checks.findings import Verdict
from ops_checks.gate.run import run_gate
from ops_checks.report.model import InputRead, LeftOut
from ops_checks.settings import resolve
from ops_checks.timestamps import queue_time

if TYPE_CHECKING:
    from pathlib import Path

    from ops_checks.report.model import Report

ITEMS = [item("ORCH-1"), item("ORCH-2")]
HOUR_S = 3600


def run(number: int, ago_s: int | None = 60, **changes: Any) -> str:
    """Return the end of a run, so many seconds ago (None: without a time)."""
    time = {} if ago_s is None else {"ts_epoch_ms": (NOW_S - ago_s) * 1000}
    record = {"event": "run_end", "trace_id": f"trace-{number:012x}", "command": "done", "exit_code": 0, **time}
    return json.dumps(record | {"duration_ms": 5} | changes) + "\n"


@pytest.fixture
def project(folder: Path) -> Path:
    """Make a green project at the default paths."""
    for path in (DEFAULT_QUEUE, DEFAULT_DB, DEFAULT_LOG):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
    make_markdown(folder / DEFAULT_QUEUE, ITEMS)
    make_database(folder / DEFAULT_DB, ITEMS)
    (folder / DEFAULT_LOG).write_text("".join(map(run, range(20))))
    return folder


def retried(path: Path, times: list[object]) -> None:
    """Write `retried` events with these times."""
    with closing(sqlite3.connect(path)) as connection, connection:
        rows = [("ORCH-1", "retried", "{}", time) for time in times]
        insert = "INSERT INTO queue_events (item_id, event_type, payload_json, created_at) VALUES (?, ?, ?, ?)"
        connection.executemany(insert, rows)


def ago(seconds: float, zone: int = 540) -> str:
    """Return a queue time so many seconds ago."""
    return queue_time(NOW_S - seconds, zone)


def read_of(report: Report, kind: str) -> InputRead:
    """Return the last input of a kind."""
    return [read for read in report.inputs if read.kind == kind][-1]


def test_each_run_that_does_not_count_is_told(project: Path) -> None:
    """Outside the window, without a time, there twice: behind the log, in numbers."""
    (project / "ops-checks.yaml").write_text("kpi: {window: 24h}\n")
    old, undated, twice = run(1, 30 * HOUR_S) * 2, run(2, None) * 3, run(3) * 4
    (project / DEFAULT_LOG).write_text(old + undated + twice + run(4))
    report = run_gate(resolve(), only="kpi")
    log = read_of(report, "log")
    assert (log.counted, log.left_out) == (2, LeftOut(outside_window=1, undated=3, repeated=4))
    assert any("3 runs have no ts_epoch_ms" in note for note in report.notes)
    assert any(note.startswith("ends of runs that equal an earlier one") for note in report.notes)


def test_a_copied_piece_does_not_meet_min_samples(project: Path) -> None:
    """Half of the runs twice are half of the runs."""
    (project / "ops-checks.yaml").write_text("kpi: {thresholds: {failure_rate: {max: 0.2, min_samples: 40}}}\n")
    log = project / DEFAULT_LOG
    log.write_text(log.read_text() * 2)
    report = run_gate(resolve(), only="kpi")
    assert (report.exit_code, report.rule("failure-rate").samples) == (2, 20)


WINDOWED = [
    ("all old", [25 * HOUR_S] * 5, "pass", 0, LeftOut(5, 0)),
    ("some in it", [25 * HOUR_S, 60, 60], "pass", 2, LeftOut(1, 0)),
    ("too many in it", [60] * 4, "fail", 4, LeftOut(0, 0)),
    ("in the minute of its beginning", [24 * HOUR_S], "pass", 1, LeftOut(0, 0)),
]


@pytest.mark.parametrize("zone", [540, -120])
@pytest.mark.parametrize(("seconds", "verdict", "count", "left_out"), [row[1:] for row in WINDOWED])
def test_the_window_holds_for_retries(
    project: Path, zone: int, seconds: list[int], verdict: str, count: int, left_out: LeftOut
) -> None:
    """A limit on retries recovers when they leave the window, in whatever zone the queue's times are."""
    (project / "ops-checks.yaml").write_text(
        f"timezone: {zone // 60}\nkpi: {{window: 24h, thresholds: {{retry_count: 3}}}}\n"
    )
    retried(project / DEFAULT_DB, [ago(each, zone) for each in seconds])
    report = run_gate(resolve(), only="kpi")
    result, db = report.rule("retry-count"), read_of(report, "db")
    assert (result.verdict, result.value) == (verdict, count)
    assert (db.counted, db.left_out) == (count, left_out)
    assert sum(finding.value or 0 for finding in result.findings) == (count if verdict == "fail" else 0)


@pytest.mark.parametrize(
    "time", ["yesterday", None, "", 1767279600, "2026-01-01T09:00:00", "1999-01-01 00:00", ago(-9e5)]
)
def test_retries_without_a_time_are_told(project: Path, time: object) -> None:
    """Nobody can tell whether they lie in the window: the limit cannot be judged, which fails."""
    (project / "ops-checks.yaml").write_text("kpi: {window: 24h, thresholds: {retry_count: 3}}\n")
    retried(project / DEFAULT_DB, [time, ago(60)])
    report = run_gate(resolve(), only="kpi")
    assert (report.rule("retry-count").verdict, report.exit_code) == (Verdict.INSUFFICIENT, 2)
    assert read_of(report, "db").left_out == LeftOut(0, 1)
    assert any("1 retried event has a created_at that is no time" in note for note in report.notes)


def test_without_a_window_every_retry_counts(project: Path) -> None:
    """Whatever its time is."""
    retried(project / DEFAULT_DB, ["yesterday", ago(9e7)])
    assert [each.value for each in run_gate(resolve(), only="kpi").metrics if each.name == "retry_count"] == [2]


def test_a_document_has_no_retries_in_a_window_either(project: Path) -> None:
    """The value stays unknown."""
    (project / DEFAULT_DB).unlink()
    (project / "ops-checks.yaml").write_text("kpi: {window: 24h}\n")
    assert [each.value for each in run_gate(resolve(), only="kpi").metrics if each.name == "retry_count"] == [None]


#: What lies there, the environment, the arguments of `check`, the exit code, and what is said of what is not used.
UNUSED: list[tuple[dict[str, str], dict[str, str], list[str], int, str]] = [
    ({}, {}, [], 0, ""),
    ({}, {"ORCH_QUEUEMD": "x"}, [], 0, "ORCH_QUEUEMD is not read: did you mean ORCH_QUEUE_MD?"),
    ({}, {"ORCH_DB": "x"}, [], 0, "ORCH_DB is not read: did you mean ORCH_DB_PATH?"),
    ({}, {"orch_log_path": "x"}, [], 0, "orch_log_path is not read: did you mean ORCH_LOG_PATH?"),
    ({}, {"ORCH_TZOFFSET": "1"}, [], 0, "ORCH_TZOFFSET is not read: did you mean ORCH_TZ_OFFSET?"),
    ({}, {"OPS_CHECKS_POLICY": "x"}, [], 0, "OPS_CHECKS_POLICY is not read: there is no such setting"),
    ({}, {"ORCH_MODEL": "x"}, [], 0, ""),
    ({}, {"ORCH_DB_PATH": ""}, [], 0, "ORCH_DB_PATH is empty, as if it were not set"),
    ({}, {"ORCH_LOG_PATH": "x"}, [], 3, "x: no such run log"),
    ({"ops-checks.yaml": f"log: {DEFAULT_LOG}\n"}, {"ORCH_LOG_PATH": f"./{DEFAULT_LOG}"}, [], 0, "PATH comes before"),
    ({"ops-checks.json": "{}"}, {}, [], 4, "ops-checks.json: looks like a policy and is not read"),
    ({"ops-checks.json": '{\n  "schema_version": "1.0"'}, {}, [], 0, ""),
    ({"ops_checks.yaml": ""}, {}, [], 4, "ops_checks.yaml: looks like a policy and is not read"),
    ({"pyproject.toml": "[tool.ops-checks]\n"}, {}, [], 4, "pyproject.toml: its section tool.ops-checks is not read"),
    ({"pyproject.toml": "[tool.other]\n"}, {}, [], 0, ""),
    ({"automation/ops-checks.yaml": ""}, {}, [], 0, "automation/ops-checks.yaml: not read"),
    ({"automation/ops-checks.yaml": "kpi: {window: 1h}\n"}, {}, ["--policy", "automation/ops-checks.yaml"], 0, ""),
    ({f"{DEFAULT_LOG}.1": "x\n"}, {}, [], 0, "orch_runs.jsonl.1: beside a log"),
    ({f"{DEFAULT_LOG}.1": "x\n"}, {}, ["--log-path", f"{DEFAULT_LOG}*"], 3, "malformed line"),
    ({"other/ops-checks.yaml": ""}, {}, [], 0, ""),
    ({}, {}, ["--log-path", "none/*.jsonl"], 3, "none/*.jsonl: no run log matches"),
    ({}, {}, ["--log-path", DEFAULT_LOG, "--log-path", "none.jsonl"], 3, "none.jsonl: no such run log"),
    ({}, {}, ["--only", "consistency", "--max-failure-rate", "0"], 0, "--max-failure-rate changes nothing with --only"),
    ({}, {}, ["--only", "consistency", "--log-path", "x"], 0, "--log-path changes nothing with --only consistency"),
    ({}, {}, ["--only", "kpi", "--fields", "status"], 0, "--fields changes nothing with --only kpi"),
    ({}, {}, ["--fields", "status,status"], 0, ""),
    (
        {"ops-checks.yaml": "kpi: {thresholds: {stale_in_progress: off}}\n"},
        {},
        ["--stale-minutes", "5"],
        0,
        "--stale-minutes fails nothing: stale_in_progress is off",
    ),
    ({"ops-checks.yaml": "kpi: {thresholds: {pending: 9, pending: 1}}\n"}, {}, [], 4, "a duplicate key"),
    (
        {"ops-checks.yaml": "waivers: [{rule: blocked, item: X, reason: r, owner: o, expires: '2030-01-01'}]\n"
         "kpi: {thresholds: {blocked: 0}}\n"},
        {},
        ["--fail-level", "warn"],
        2,
        "matched nothing",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("files", "environ", "arguments", "code", "told"), UNUSED)
def test_what_is_there_is_used_refused_or_told(
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    files: dict[str, str],
    environ: dict[str, str],
    arguments: list[str],
    code: int,
    told: str,
) -> None:
    """Nothing that lies there or is given is silently without effect, and nothing else has a note."""
    for name, text in files.items():
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text(text)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert main(["check", *arguments]) == code
    out, err = capsys.readouterr()
    assert told in out + err
    assert told or "note:" not in out + err


def test_a_packed_twin_is_read_once(project: Path) -> None:
    """A rotated piece that was packed, and its source, count once."""
    log = project / DEFAULT_LOG
    (log.parent / "orch_runs.jsonl.1.gz").write_bytes(gzip.compress(log.read_bytes()))
    report = run_gate(resolve(logs=(f"{DEFAULT_LOG}*",)), only="kpi")
    assert [read.path for read in report.inputs if read.kind == "log"] == [DEFAULT_LOG]
    assert report.rule("failure-rate").samples == 20
    assert any(note.startswith("a log that is a copy") for note in report.notes)
