"""What lies behind a gate run: from one reading of the log and one of the events, and never part of the verdict."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from builders import execute, insert, item, make_database, make_markdown
from database_kinds import every_database
from msgspec.structs import replace
from report_checks import assert_published
from report_samples import report

from ops_checks.errors import InputError
from ops_checks.gate import background, inputs
from ops_checks.gate.background import run_with_background
from ops_checks.gate.run import run_gate
from ops_checks.report.background import Background, Bin, Lane, Span, StatesAt, Timeline
from ops_checks.report.json_text import json_text
from ops_checks.rules.history.queue_timelines import QUEUE_METRICS
from ops_checks.rules.kpi.timelines import WINDOWS
from ops_checks.rules.registry import OF_NOW
from ops_checks.runlog import grouping
from ops_checks.settings import resolve
from ops_checks.timestamps import queue_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from database_kinds import InFile

#: 2026-01-02 00:00 in the queue's zone, as in every folder.
NOW_MS = 1_767_279_600_000
HOUR = 3_600_000
ITEMS = [item("A-1", "DONE"), item("A-2", "IN_PROGRESS", owner_session="s1"), item("A-3")]
NO_LOG = "no run log was read: there are no metrics of runs over time"
EVENTS = [
    ("A-1", "added", "{}", "2026-01-01 20:00"),
    ("A-2", "added", "{}", "2026-01-01 20:00"),
    ("A-1", "picked", '{"actor": "s1"}', "2026-01-01 21:00"),
    ("A-1", "done", '{"actor": "s1"}', "2026-01-01 22:00"),
    ("A-2", "picked", '{"actor": "s1"}', "2026-01-01 23:00"),
]


@pytest.fixture
def project(folder: Path) -> Path:
    """Return a folder with both queues, events, a log, and a policy."""
    make_markdown(folder / "Q.md", ITEMS)
    make_database(folder / "q.db", ITEMS)
    events(folder, EVENTS)
    runs = [("done", 0, 100.0, NOW_MS - 3 * HOUR), ("fail", 0, 300.0, NOW_MS - HOUR), ("list", 1, 20.0, None)]
    log(folder, runs, item_id="A-2", error="locked by process 17")
    policy(folder, "kpi: {thresholds: {failure_rate: 0.6}}")
    return folder


def policy(folder: Path, text: str) -> None:
    """Write the policy."""
    (folder / "ops-checks.yaml").write_text(f"queue: Q.md\ndb: q.db\nlog: runs.jsonl\n{text}\n")


def events(folder: Path, rows: Iterable[tuple[object, ...]]) -> None:
    """Write events into the database."""
    insert(folder / "q.db", "queue_events", ("item_id", "event_type", "payload_json", "created_at"), rows)


def log(folder: Path, runs: Iterable[tuple[str, int, float, int | None]], **more: str) -> None:
    """Write a log of runs: command, exit code, milliseconds, time; and what else a failed one says."""
    lines = (
        {"event": "run_end", "command": command, "exit_code": code, "duration_ms": ms}
        | ({} if at_ms is None else {"ts_epoch_ms": at_ms})
        | (more if code else {})
        for command, code, ms, at_ms in runs
    )
    (folder / "runs.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def collected(db: str | None = "q.db", **options: object) -> Background:
    """Return the background of a gate run, whose report is otherwise that of every run, and publishable."""
    made = run_with_background(resolve(db=db), **options)
    assert replace(made, background=None) == run_gate(resolve(db=db), **options)
    assert_published(made)
    assert made.background is not None
    return made.background


def line(found: Background, metric: str) -> Timeline:
    """Return the timeline of a metric."""
    (one,) = [each for each in found.timelines if each.metric == metric]
    return one


def windows(found: Background) -> set[tuple[int | None, int | None]]:
    """Return the windows of the metrics that have one."""
    return {(each.window_start_ms, each.window_end_ms) for each in found.timelines if each.metric not in OF_NOW}


@every_database
@pytest.mark.usefixtures("project")
def test_all_of_it(database_kind: InFile) -> None:
    """Log, events and limits: what a page shows of a small project."""
    found = collected(database_kind.there("q.db"))
    runs = {line.metric: line for line in found.timelines}
    assert [(point.at_ms, point.value) for point in runs["runs"].points] == [
        (NOW_MS - 3 * HOUR, 1),
        (NOW_MS - 2 * HOUR, 0),
        (NOW_MS - HOUR, 1),
    ]
    assert [point.value for point in runs["failure_rate"].points] == [0, None, 1]
    assert (runs["failure_rate"].operator, runs["failure_rate"].limit) == ("<=", 0.6)
    assert (runs["latency_p95_ms"].operator, runs["latency_p95_ms"].limit) == ("<=", 2000)
    assert sum(each.count for each in found.latency) == 3
    assert found.latency[0] == Bin(pytest.approx(19.95, rel=0.01), pytest.approx(25.12, rel=0.01), 1)
    assert {each.by: [(row.name, row.runs, row.failed) for row in each.rows] for each in found.breakdowns} == {
        "owner": [("(no item)", 2, 1), ("s1", 1, 1)],
        "command": [("fail", 1, 1), ("list", 1, 1), ("done", 1, 0)],
        "error": [("(no error text)", 1, 1), ("locked by process #", 1, 1)],
    }
    assert found.states[0] == StatesAt(NOW_MS - 4 * HOUR, {"PENDING": 1})
    assert found.states[-1] == StatesAt(NOW_MS, {"DONE": 1, "IN_PROGRESS": 1, "PENDING": 1})
    levels = {metric: line(found, metric) for metric in QUEUE_METRICS}
    assert {each.points[0].at_ms for each in levels.values()} == {NOW_MS - 4 * HOUR}
    limits = {metric: (each.operator, each.limit) for metric, each in levels.items() if each.limit is not None}
    assert limits == {"stale_in_progress": ("<=", 0)}
    assert [each.points[-1].value for each in levels.values()] == [0, 0, 0, 1, 24 * 60]
    spans = (Span("A-1", NOW_MS - 3 * HOUR, NOW_MS - 2 * HOUR), Span("A-2", NOW_MS - HOUR))
    assert (found.lanes, found.more_lanes) == ((Lane("s1", spans),), 0)
    assert found.notes == (
        "runs without a time, which are not shown over time: 1",
        "items of which no event tells a status, counted all the time as they are now: 1",
    )


@pytest.mark.parametrize("made", ["CAST('2026-01-01 00:00' AS BLOB)", "20260101", "''"])
def test_who_waits_since_no_time(project: Path, made: str) -> None:
    """What is no text is no time for the report, nor over time."""
    execute(project / "q.db", f"UPDATE queue_items SET created_at = {made}")
    policy(project, "kpi: {thresholds: {oldest_pending_minutes: 5}}")
    (metric,) = [each for each in run_gate(resolve()).metrics if each.name == "oldest_pending_minutes"]
    last = line(collected(), "oldest_pending_minutes").points[-1]
    assert (metric.value, metric.samples) == (last.value, last.samples) == (None, 0)


def test_the_log_is_read_once(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much is shown, the log is read no second time."""
    readings = []
    original = inputs.read_log
    monkeypatch.setattr(inputs, "read_log", lambda *args: (readings.append(1), original(*args))[1])
    run_with_background(resolve())
    assert readings == [1]


def test_a_window(project: Path) -> None:
    """Of a window ten times its length is shown, and what it is; bins and breakdowns are of the window."""
    policy(project, "kpi: {window: 2h}")
    log(
        project,
        [
            ("done", 0, 5.0, NOW_MS - (2 * WINDOWS + 5) * HOUR),
            ("done", 0, 9.0, NOW_MS - 9 * HOUR),
            ("x", 0, 1.0, NOW_MS - 1),
        ],
    )
    found = collected()
    assert windows(found) == {(NOW_MS - 2 * HOUR, None)}
    assert line(found, "runs").points[0].at_ms == NOW_MS - 9 * HOUR
    assert sum(each.count for each in found.latency) == 1
    assert [row.name for row in found.breakdowns[1].rows] == ["x"]
    assert (
        "runs before 2026-01-01 04:00, which are not shown over time, as the window is so much shorter: 1"
        in found.notes
    )
    assert [span.item for lane in found.lanes for span in lane.spans] == ["A-1", "A-2"]
    assert found.lanes[0].spans[0] == Span("A-1", NOW_MS - 2 * HOUR, NOW_MS - 2 * HOUR)
    assert "items that were held before 2026-01-01 22:00 already, shown from then on: 1" in found.notes


def test_a_window_that_is_over(project: Path) -> None:
    """Of a window in the past, it and what was before it are shown, up to now; and what was held in it."""
    policy(project, 'kpi: {since: "2026-01-01 20:30", until: "2026-01-01 21:30"}')
    found = collected()
    bounds = (NOW_MS - 3 * HOUR - HOUR // 2, NOW_MS - 2 * HOUR - HOUR // 2)
    assert windows(found) == {bounds}
    assert [point.value for point in line(found, "runs").points] == [1, 0, 1]
    assert ([row.name for row in found.breakdowns[1].rows], sum(each.count for each in found.latency)) == (["done"], 1)
    assert [span.item for lane in found.lanes for span in lane.spans] == ["A-1"]
    assert found.states[-1].at_ms == NOW_MS


@pytest.mark.parametrize(
    ("change", "only", "notes"),
    [
        (lambda folder: (folder / "runs.jsonl").write_text(""), None, ()),
        (
            lambda folder: (folder / "runs.jsonl").unlink(),
            None,
            (NO_LOG,),
        ),
        (lambda _: None, "consistency", (NO_LOG,)),
        (lambda folder: (folder / "runs.jsonl").write_text("no record\n"), None, ()),
    ],
)
def test_no_runs(project: Path, change: Callable[[Path], object], only: str | None, notes: tuple[str, ...]) -> None:
    """Without runs none of their metrics is shown over time; what the events tell is, where it was asked for."""
    change(project)
    found = collected(only=only)
    assert [each.metric for each in found.timelines] == ([] if notes else [*QUEUE_METRICS])
    assert (found.latency, found.breakdowns) == ((), ())
    assert found.notes[: len(notes)] == notes
    assert found.states
    assert found.lanes


@pytest.mark.parametrize("rows", [[], ITEMS])
def test_no_events(folder: Path, rows: list[object]) -> None:
    """A queue without events, or without items, has no past that anybody knows."""
    make_markdown(folder / "Q.md", rows)
    make_database(folder / "q.db", rows)
    log(folder, [("done", 0, 100.0, NOW_MS)])
    policy(folder, "")
    found = collected()
    assert (found.states, found.lanes) == ((), ())
    assert len(line(found, "runs").points) == 1  # one run is one point
    assert sum(each.count for each in found.latency) == 1


def test_the_document_alone(project: Path) -> None:
    """Without a database nobody knows how the queue was before, and a note says so."""
    (project / "q.db").unlink()
    (project / "ops-checks.yaml").write_text("queue: Q.md\nlog: runs.jsonl\n")
    found = collected(None, only="kpi")
    assert (found.states, found.lanes) == ((), ())
    assert "no database was read: what the queue was like before is told by its events" in found.notes
    assert found.timelines


def test_a_database_without_events(project: Path) -> None:
    """What cannot be read is not shown."""
    execute(project / "q.db", "DROP TABLE queue_events")
    found = collected()
    assert (found.states, found.timelines) == ((), ())
    assert "no database was read: what the queue was like before is told by its events" in found.notes


def test_a_failure_to_collect_changes_no_verdict(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many commands for groups, or a failure that nobody expected: the report is the same, and a note says why."""
    plain = run_gate(resolve())

    def fail(*_: object, **options: object) -> object:
        if options:
            raise InputError("the run log: too many groups")
        return inputs.read_kpis(resolve())

    monkeypatch.setattr(background, "read_kpis", fail)
    monkeypatch.setattr(background, "read_events", lambda *_: 1 / 0)
    found = run_with_background(resolve())
    assert replace(found, background=None) == plain
    assert found.background is not None
    assert found.background.timelines == ()
    first, second = found.background.notes
    assert first == "the run log is not shown over time: the run log: too many groups"
    assert second.startswith("the events: not shown: unexpected ZeroDivisionError")


def test_more_commands_than_there_may_be_groups(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log of too many commands is judged as ever."""
    monkeypatch.setattr(grouping, "MOST_GROUPS", 5)
    log(project, [(f"c{number}", 0, 1.0, NOW_MS) for number in range(6)])
    found = collected()
    assert found.notes[0].startswith("who and what fails is not shown: ")
    assert found.breakdowns == ()
    assert line(found, "runs").points[-1].value == 6


def test_clocks_that_go_back(project: Path) -> None:
    """Runs in any order are in the points of their times, and events are in the order of their ids."""
    log(project, [("done", 0, 1.0, NOW_MS - hours * HOUR) for hours in (1, 5, 3, -20, 2)])
    events(project, [("A-3", "added", "{}", "2026-01-01 23:30"), ("A-3", "picked", "{}", "2026-01-01 10:00")])
    found = collected()
    assert sum(point.samples for point in line(found, "runs").points) == 5
    assert "events that claim to be earlier than the one before, taken to be of its time: 1" in found.notes
    assert found.states[-1].counts == {"DONE": 1, "IN_PROGRESS": 1, "PENDING": 1}


def test_a_large_project_has_a_small_background(project: Path) -> None:
    """A hundred thousand runs of two years, and ten thousand items of thousands of owners: a few hundred kilobytes."""
    step = 2 * 365 * 24 * HOUR // 100_000
    log(project, ((f"c{at % 50}", at % 3, at % 7000 + 0.5, NOW_MS - at * step) for at in range(100_000)))
    ids = [f"B-{number}" for number in range(3000)]
    insert(
        project / "q.db",
        "queue_items",
        ("id", "status", "priority", "task", "success_criteria", "created_at", "updated_at"),
        ((each, "IN_PROGRESS", "P1", "t", "s", "", "") for each in ids),
    )
    picked = (
        (each, "picked", json.dumps({"actor": "w" * 300 + str(at % 500)}), queue_time(NOW_MS / 1000 - at * 60, 540))
        for at, each in enumerate(ids)
    )
    events(project, picked)
    found = run_with_background(resolve(), only="kpi").background
    assert found is not None
    text = json_text(report(background=found).to_json())
    assert len(text) < 700_000
    assert max(len(line.points) for line in found.timelines) <= 100
    assert (len(found.latency) <= 60, len(found.states) <= 200) == (True, True)
    assert max(len(lane.spans) for lane in found.lanes) <= 50
    assert len(found.lanes) + found.more_lanes == 501
