"""`kpi --compare`: what has changed since an earlier window or a saved report, to the byte, and what cannot be."""

# ruff: noqa: E501 - lines to the byte

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from builders import insert, item, make_database, make_markdown
from conftest import NOW_S
from json_checks import assert_answered, validator
from runlog_lines import end

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Told

    Run = Callable[..., Told]

DAY_MS = 86_400_000
NOW_MS = NOW_S * 1000


def runs(days_ago: float, *, done: int, failed: int, slower: int = 0) -> bytes:
    """Return runs so many days ago, of 100, 101, … milliseconds and `slower`."""
    at = NOW_MS - int(days_ago * DAY_MS)
    commands = enumerate(["done"] * done + ["fail"] * failed, start=at)
    return b"".join(
        end(trace_id=f"trace-{ms:012x}", command=command, ts_epoch_ms=ms, duration_ms=100 + slower + ms - at)
        for ms, command in commands
    )


def make(folder: Path, *parts: bytes) -> None:
    """Make a queue in Markdown and a run log."""
    make_markdown(folder / "Q.md", [item("A-1"), item("A-2", "BLOCKED")])
    (folder / "ops-checks.yaml").write_text("queue: Q.md\nlog: runs.jsonl\n")
    (folder / "runs.jsonl").write_bytes(b"".join(parts))


BEFORE, NOW = runs(8, done=190, failed=10), runs(1, done=80, failed=20, slower=120)

MEANING = (
    "6 metrics were judged at once: all that is higher or lower is so"
    " with a confidence of 0.95 together (Holm), and "
    "each interval is as sure as that takes; no difference shown does not mean equal\n"
)
TEXT = (
    """\
kpi success_rate=80.00% latency_p95_ms=314 latency_avg_ms=269.50 retry_count=- stale_in_progress=0
compare previous
before: from 2025-12-19 00:00 to 2025-12-26 00:00 (+09:00)
now: from 2025-12-26 00:00 to 2026-01-02 00:00 (+09:00)
METRIC             BEFORE  SAMPLES  NOW     SAMPLES  CHANGE   INTERVAL            VERDICT
failure_rate       0.0500  200      0.2000  100      +0.1500  +0.0477 to +0.2765  higher
success_rate       0.9500  200      0.8000  100      -0.1500  -0.2765 to -0.0477  lower
latency_p50_ms     199     200      269     100      +70      +46.15 to +93.6     higher
latency_p90_ms     279     200      309     100      +30      +15.79 to +44.42    higher
latency_p95_ms     289     200      314     100      +25      +14.37 to -         higher
latency_p99_ms     297     200      318     100      +21      -                   cannot be told: 268 more samples needed, 168 more samples needed before
latency_avg_ms     199.5   200      269.5   100      +70      +56.59 to +83.41    higher
latency_max_ms     299     200      319     100      +20      -                   not judged: the longest of more runs is longer
stale_in_progress  -       -        0       0        -        -                   not judged: as it is at one moment
blocked            -       -        1       2        -        -                   not judged: as it is at one moment
pending            -       -        1       2        -        -                   not judged: as it is at one moment
malformed_lines    -       -        0       300      -        -                   not judged: counted in the whole log
"""
    + MEANING
)


def test_previous(run: Run, folder: Path) -> None:
    """The window right before: each metric now and before, its change, and what is more than noise."""
    make(folder, BEFORE, NOW)
    told = run("kpi", "--window", "7d", "--compare", "previous")
    assert (told.code, told.err) == (0, "")
    assert told.out == TEXT


FEW = (
    """\
kpi success_rate=100.00% latency_p95_ms=104 latency_avg_ms=102.00 retry_count=- stale_in_progress=0
compare last-week
before: from 2025-12-25 00:00 to 2025-12-26 00:00 (+09:00)
now: from 2026-01-01 00:00 to 2026-01-02 00:00 (+09:00)
METRIC             BEFORE  SAMPLES  NOW     SAMPLES  CHANGE   INTERVAL            VERDICT
failure_rate       0.0500  200      0.0000  5        -0.0500  -0.1079 to +0.5326  no difference shown: about 970 more samples like these would show this change
success_rate       0.9500  200      1.0000  5        +0.0500  -0.5326 to +0.1079  no difference shown: about 970 more samples like these would show this change
latency_p50_ms     199     200      102     5        -97      -                   cannot be told: 3 more samples needed
latency_p90_ms     279     200      104     5        -175     -186.4 to -         cannot be told: 48 more samples needed
latency_p95_ms     289     200      104     5        -185     -193.25 to -        cannot be told: 102 more samples needed
latency_p99_ms     297     200      104     5        -193     -                   cannot be told: 541 more samples needed, 346 more samples needed before
latency_avg_ms     199.5   200      102     5        -97.5    -                   cannot be told: 25 more samples needed
latency_max_ms     299     200      104     5        -195     -                   not judged: the longest of more runs is longer
stale_in_progress  -       -        0       0        -        -                   not judged: as it is at one moment
blocked            -       -        1       2        -        -                   not judged: as it is at one moment
pending            -       -        1       2        -        -                   not judged: as it is at one moment
malformed_lines    -       -        0       205      -        -                   not judged: counted in the whole log
"""
    + MEANING
)


def test_last_week(run: Run, folder: Path) -> None:
    """The same day a week before; what few samples cannot tell says how many more they must be."""
    make(folder, runs(7.5, done=190, failed=10), runs(0.5, done=5, failed=0))
    told = run("kpi", "--since", "2026-01-01", "--compare", "last-week")
    assert (told.code, told.err) == (0, "")
    assert told.out == FEW


def answered(run: Run, *argv: object) -> dict[str, Any]:
    """Return the document of a comparison, which holds to its schema, and its metrics by name."""
    data = assert_answered(run("kpi", *argv, "-f", "json"))
    assert data["schema"] == "ops-checks/kpi-compare/1"
    return data | {"metrics": {each["name"]: each for each in data["metrics"]}}


def test_as_json(run: Run, folder: Path) -> None:
    """The document has the same: both windows, each metric with its bounds and its verdict, the rules of now."""
    make(folder, BEFORE, NOW)
    data = answered(run, "--window", "7d", "--compare", "previous", "--max-failure-rate", "0.1", "--fail-on-alert")
    assert (data["exit_code"], data["against"], data["judged"]) == (2, "previous", 6)
    assert data["now"] == {"since_ms": NOW_MS - 7 * DAY_MS, "until_ms": NOW_MS}
    assert data["before"] == {"since_ms": NOW_MS - 14 * DAY_MS, "until_ms": NOW_MS - 7 * DAY_MS}
    rate = data["metrics"]["failure_rate"]
    assert (rate["now"], rate["before"], rate["change"]) == (0.2, 0.05, pytest.approx(0.15))
    assert (rate["samples"], rate["samples_before"], rate["verdict"]) == (100, 200, "higher")
    assert 0 < rate["change_low"] < 0.15 < rate["change_high"]
    assert data["metrics"]["blocked"]["verdict"] is None
    assert {each["id"]: each["verdict"] for each in data["rules"]}["failure-rate"] == "fail"


def test_alerts_stand_above(run: Run, folder: Path) -> None:
    """The values and alerts of `kpi` are as ever, and so is the exit code."""
    make(folder, BEFORE, NOW)
    told = run("kpi", "--window", "7d", "--compare", "previous", "--max-failure-rate", "0.1", "--fail-on-alert")
    assert (told.code, told.out.splitlines()[1]) == (2, "alert failure_rate=0.2000 exceeds 0.1000")


def test_nothing_before(run: Run, folder: Path) -> None:
    """A window without anything before it shows no change, and says so."""
    make(folder, NOW)
    data = answered(run, "--window", "7d", "--compare", "previous")
    judged = [each for each in data["metrics"].values() if each["verdict"]]
    assert data["judged"] == 0
    assert {(each["verdict"], each["reason"]) for each in judged if each["now"] is not None} == {
        ("cannot_be_told", "there was none before")
    }
    told = run("kpi", "--window", "7d", "--compare", "previous")
    assert told.out.endswith("no metric could be judged: one side has no samples\n")


def test_retries(run: Run, folder: Path) -> None:
    """Retries are those of either window, by the database's events."""
    make(folder, BEFORE, NOW)
    make_database(folder / "q.db", [item("A-1")])
    times = ["2025-12-30 10:00"] * 20 + ["2025-12-22 10:00"] * 3 + ["2025-01-01 10:00"] * 9
    rows = [("A-1", "retried", "{}", time) for time in times]
    insert(folder / "q.db", "queue_events", ("item_id", "event_type", "payload_json", "created_at"), rows)
    found = answered(run, "--db", "q.db", "--window", "7d", "--compare", "previous")["metrics"]["retry_count"]
    assert (found["now"], found["before"], found["verdict"]) == (20, 3, "higher")


def test_retries_of_a_time_without_runs(run: Run, folder: Path) -> None:
    """Nothing is known of a window in which nothing ran: no retry in it is no zero."""
    make(folder, NOW)
    make_database(folder / "q.db", [item("A-1")])
    found = answered(run, "--db", "q.db", "--window", "7d", "--compare", "previous")["metrics"]["retry_count"]
    assert (found["now"], found["before"], found["verdict"]) == (0, None, "cannot_be_told")


def test_retries_of_windows_of_two_lengths(run: Run, folder: Path) -> None:
    """Retries of a report with a longer window are compared for the same time: twice as many a day are more."""
    make(folder, BEFORE, NOW)
    make_database(folder / "q.db", [item("A-1")])
    rows = [("A-1", "retried", "{}", f"2025-12-{day} 10:00") for day in range(18, 32) for _ in range(9)]
    insert(folder / "q.db", "queue_events", ("item_id", "event_type", "payload_json", "created_at"), rows)
    saved(run, folder, "--db", "q.db", "--window", "30d")
    found = answered(run, "--db", "q.db", "--window", "10d", "--compare", "old.json")["metrics"]["retry_count"]
    assert (found["now"], found["before"], found["change"], found["verdict"]) == (81, 126, 39, "higher")


def saved(run: Run, folder: Path, *argv: object) -> dict[str, Any]:
    """Save a report of now as old.json and return it."""
    assert run("kpi", *argv, "-f", "json=old.json").code == 0
    data: dict[str, Any] = json.loads((folder / "old.json").read_text())
    return data


def test_a_saved_report(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A report that was saved a week ago has all that the comparison takes."""
    make(folder, BEFORE)
    with monkeypatch.context() as patch:
        patch.setattr("time.time", lambda: float(NOW_S - 7 * 86_400))
        saved(run, folder, "--window", "7d")
    make(folder, BEFORE, NOW)
    directly = answered(run, "--window", "7d", "--compare", "previous")
    data = answered(run, "--window", "7d", "--compare", "old.json")
    assert data["report"] == {"path": "old.json", "created_ms": NOW_MS - 7 * DAY_MS}
    assert (data["against"], data["before"], data["notes"]) == ("report", directly["before"], [])
    verdicts = [{name: each["verdict"] for name, each in found["metrics"].items()} for found in (data, directly)]
    assert verdicts[0] == verdicts[1]
    assert verdicts[0]["latency_avg_ms"] == verdicts[0]["latency_p50_ms"] == "higher"


def test_an_old_report(run: Run, folder: Path) -> None:
    """A report of an older program is compared as far as it tells: its percentiles at 95 % are not sure enough."""
    make(folder, BEFORE)
    old = saved(run, folder, "--max-failure-rate", "1")
    for metric in old["metrics"]:
        metric.pop("intervals", None)
        metric.pop("spread", None)
    (folder / "old.json").write_text(json.dumps(old))
    make(folder, runs(1, done=80, failed=20, slower=900))
    data = answered(run, "--compare", "old.json", "--max-latency-p95-ms", "9999", "--max-failure-rate", "1")
    found = {name: (each["verdict"], each["reason"]) for name, each in data["metrics"].items()}
    assert found["failure_rate"] == ("higher", None)
    assert found["latency_p50_ms"] == ("cannot_be_told", "the report has no interval that is sure enough")
    assert found["latency_avg_ms"] == ("cannot_be_told", "the report does not say how sure it is")
    assert data["notes"] == ["old.json may hold the same runs as this run: then a change is shown less easily"]


def test_what_differs_is_told(run: Run, folder: Path) -> None:
    """Another policy, another length of the window, and runs that both may hold are notes."""
    make(folder, BEFORE, NOW)
    saved(run, folder, "--window", "7d")
    (folder / "ops-checks.yaml").write_text("queue: Q.md\nlog: runs.jsonl\nkpi: {commands: [done]}\n")
    assert run("kpi", "--window", "3d", "--compare", "old.json").err.splitlines() == [
        "note: old.json was made by another policy: what it measured may differ (kpi.commands, say)",
        "note: old.json: its window is 7d long, this run's 3d: retries are compared for the same time",
        "note: old.json may hold the same runs as this run: then a change is shown less easily",
    ]
    assert (
        "note: old.json has a window, and this run has none: other runs are compared"
        in run("kpi", "--compare", "old.json").err.splitlines()
    )


WINDOW = "say which with --window 7d or --since, or with kpi.window in the policy"
MADE_BY = "make it with `ops-checks kpi -f json=FILE`, or with `check`"


@pytest.mark.parametrize(
    ("argv", "code", "error"),
    [
        ("--compare previous", 4, f"--compare previous: there is no window to be compared: {WINDOW}"),
        (
            "--until 2026-01-01 --compare last-week",
            4,
            f"--compare last-week: there is no window to be compared: {WINDOW}",
        ),
        (
            "--window 8d --compare last-week",
            4,
            "--compare last-week: the window is longer than a week, so that both would hold the same runs: narrow it "
            "with --window 7d, or compare it with the previous one",
        ),
        (
            "--compare lastweek",
            4,
            "--compare lastweek: no such file: expected previous, last-week or FILE; did you mean last-week?",
        ),
        ("--compare none.json", 3, "none.json: no such report: name a file that --format json wrote"),
        (
            "--compare runs.jsonl",
            3,
            "runs.jsonl:2:1: not JSON: extra data; make it again with `ops-checks check -f json=FILE`",
        ),
        ("--compare drift.json", 3, f"drift.json: holds no KPIs: {MADE_BY}"),
        (
            "--window 7d --compare previous -f junit",
            4,
            "--format junit: --compare is shown as text, json or csv: leave out the one or the other",
        ),
        (
            "--window 7d --compare previous -f json -f text",
            4,
            "--format json is a whole document: give all but one format a file, as json=FILE",
        ),
        ("--compare old.json -f json=old.json", 4, "--format json: old.json is an input: name another file"),
    ],
)
def test_what_cannot_be_compared(run: Run, folder: Path, argv: str, code: int, error: str) -> None:
    """What cannot be compared is one line that says what to do, and nothing is written."""
    make(folder, NOW)
    (folder / "drift.json").write_text(json.dumps(saved(run, folder) | {"metrics": []}))
    before = (folder / "old.json").read_bytes()
    told = run("kpi", *argv.split())
    assert (told.code, told.out, told.err) == (code, "", f"error: {error}\n")
    assert (folder / "old.json").read_bytes() == before


HOSTILE: list[tuple[str, dict[str, Any], str]] = [
    ("failure_rate", {"value": 7}, "no run measures 7 of 100 samples with such bounds: make the report again"),
    ("failure_rate", {"unit": "ms", "value": 7, "interval_95": {"low": 1, "high": 8}}, "no run measures 7 of 100"),
    ("failure_rate", {"samples": 10**15}, "no run measures 0.2 of 1000000000000000 samples with such bounds"),
    ("latency_p50_ms", {"value": -1}, "no run measures -1 of 100 samples with such bounds"),
    ("latency_p95_ms", {"interval_95": {"low": 1e308, "high": None}}, "with such bounds"),
    ("latency_p95_ms", {"intervals": [{"confidence": 7, "low": 1, "high": 2}]}, "7 is out of range (maximum 1)"),
    ("latency_p95_ms", {"intervals": [{"confidence": 0.9}]}, "low is missing"),
    ("latency_avg_ms", {"spread": {"deviation": 1e308, "skewness": 0}}, "no run measures 269.5 of 100 samples"),
    ("latency_avg_ms", {"spread": {"deviation": 9, "skewness": -1e308}}, "no run measures 269.5 of 100 samples"),
    ("latency_avg_ms", {"spread": {"deviation": -1, "skewness": 0}}, "-1 is out of range (minimum 0)"),
]


@pytest.mark.parametrize(("name", "change", "error"), HOSTILE)
def test_hostile_reports(run: Run, folder: Path, name: str, change: dict[str, Any], error: str) -> None:
    """A report that no run can have made is an error that names the file and the metric, never a verdict."""
    make(folder, NOW)
    report = saved(run, folder)
    next(each for each in report["metrics"] if each["name"] == name).update(change)
    (folder / "old.json").write_text(json.dumps(report))
    told = run("kpi", "--compare", "old.json")
    assert (told.code, told.out) == (3, "")
    assert told.err.startswith("error: old.json: metrics")
    assert error in told.err
    assert told.err.count("\n") == 1


def test_a_rate_without_a_value(run: Run, folder: Path) -> None:
    """A report that has samples and no rate says nothing of it, and not that it was 0."""
    make(folder, NOW)
    report = saved(run, folder)
    next(each for each in report["metrics"] if each["name"] == "failure_rate").update(value=None)
    (folder / "old.json").write_text(json.dumps(report))
    metric = answered(run, "--compare", "old.json")["metrics"]["failure_rate"]
    assert (metric["verdict"], metric["before"]) == ("cannot_be_told", None)


def test_as_csv(run: Run, folder: Path) -> None:
    """The CSV has the metrics of the document; what it has no place for, the alerts, is told on stderr."""
    make(folder, BEFORE, NOW)
    ask = ("--window", "7d", "--compare", "previous", "--max-failure-rate", "0.1")
    told = run("kpi", *ask, "-f", "csv")
    assert (told.code, told.err) == (0, "warning: alert failure_rate=0.2000 exceeds 0.1000\n")
    rows = list(csv.DictReader(io.StringIO(told.out, newline=""), strict=True))
    document = answered(run, *ask)["metrics"]
    assert [row["name"] for row in rows] == list(document)
    assert rows == [
        {key: "" if value is None else str(value) for key, value in each.items()} for each in document.values()
    ]


def test_files(run: Run, folder: Path) -> None:
    """Text and JSON go to files too, and one of them to stdout."""
    make(folder, BEFORE, NOW)
    told = run("kpi", "--window", "7d", "--compare", "previous", "-f", "text", "-f", "json=out.json")
    again = run("kpi", "--window", "7d", "--compare", "previous", "-f", "json", "-f", "text=out.txt")
    assert told.out == TEXT == (folder / "out.txt").read_text()
    assert again.out == (folder / "out.json").read_text()
    assert validator("kpi-compare").is_valid(json.loads(again.out))


def test_an_error_replaces_the_answer_before(run: Run, folder: Path) -> None:
    """A file does not go on saying what was true once."""
    make(folder, BEFORE, NOW)
    ask = ("kpi", "--window", "7d", "--compare", "previous", "-f", "json=out.json")
    assert run(*ask) == (0, "", "")
    (folder / "runs.jsonl").unlink()
    told = run(*ask)
    assert told.code == 3
    assert told.err == f"error: {json.loads((folder / 'out.json').read_text())['message']}\n"
