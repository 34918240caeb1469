"""`kpi` and `check` in a window: tables of input, exit code and exact lines, also where clocks are set."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from builders import execute, item, make_database, make_markdown

from ops_checks.timestamps import queue_time, start_epoch
from ops_checks.zones import NamedZone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from conftest import Told

    Run = Callable[..., Told]

BERLIN = NamedZone("Europe/Berlin")
POLICY = "queue: QUEUE.md\ndb: queue.db\nlog: runs.jsonl\n"
OF_NOW = "holds for runs and retries: stale_in_progress, blocked, pending, oldest_pending_minutes are those of now"
TIMES = "expected 90s, 15m, 2h, 7d, HH:MM (the last one), YYYY-MM-DD or 'YYYY-MM-DD HH:MM'"
SPAN = "expected a time span such as 90s, 15m, 2h or 7d"
SEE = "see `ops-checks kpi --help`\n"
NOTHING = "nothing can lie in it: expected an earlier time\n"
EMPTY = "kpi success_rate=- latency_p95_ms=- latency_avg_ms=- retry_count=- stale_in_progress=0\n"
TOO_LITTLE = "insufficient failure_rate samples=0\ninsufficient latency_p95_ms samples=0\n"


def end(utc: str, number: int = 0, command: str = "done", ms: int = 100) -> str:
    """Return the end of a run at a time in UTC."""
    at = start_epoch(utc, 0)
    assert at is not None
    record = {"event": "run_end", "trace_id": f"trace-{number:012x}", "command": command, "exit_code": 0}
    return json.dumps(record | {"duration_ms": ms, "ts_epoch_ms": at * 1000}) + "\n"


def start(utc: str, number: int) -> str:
    """Return the start of a run at a time in UTC."""
    at = start_epoch(utc, 0)
    assert at is not None
    record = {"event": "run_start", "trace_id": f"trace-{number:012x}", "command": "done", "ts_epoch_ms": at * 1000}
    return json.dumps(record) + "\n"


@pytest.fixture
def at(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return what makes a project with a log and retries, and sets the clock to a time in UTC."""
    items = [item("ORCH-1", "DONE"), item("ORCH-2", "DONE")]
    make_markdown(folder / "QUEUE.md", items)
    make_database(folder / "queue.db", items)

    def make(
        now: str, log: Iterable[str], *, policy: str = "timezone: Europe/Berlin\n", retried: Iterable[str] = ()
    ) -> None:
        now_s = start_epoch(now, 0)
        monkeypatch.setattr("time.time", lambda: float(now_s or 0))
        (folder / "ops-checks.yaml").write_text(POLICY + policy)
        (folder / "runs.jsonl").write_text("".join(log))
        for time in retried:
            execute(
                folder / "queue.db",
                "INSERT INTO queue_events (item_id, event_type, payload_json, created_at) "
                f"VALUES ('ORCH-1', 'retried', '{{}}', '{time}')",
            )

    return make


#: Around the midnights of the day on which Berlin's clock goes forward, and around those of the day it goes back.
FORWARD = [
    end("2026-03-28 22:59", 1, ms=1),
    end("2026-03-28 23:00", 2, ms=2),
    end("2026-03-29 01:30", 3, "fail", ms=4),
    end("2026-03-29 21:59", 4, ms=8),
    end("2026-03-29 22:00", 5, ms=16),
]
BACK = [
    end("2026-10-24 21:59", 1, ms=1),
    end("2026-10-24 22:00", 2, ms=2),
    end("2026-10-25 00:30", 3, "fail", ms=4),
    end("2026-10-25 01:30", 4, ms=8),
    end("2026-10-25 22:59", 5, ms=16),
    end("2026-10-25 23:00", 6, ms=32),
]
FORWARD_RETRIES = ["2026-03-28 23:59", "2026-03-29 00:00", "2026-03-29 23:59", "2026-03-30 00:00"]
BACK_RETRIES = ["2026-10-25 01:59", "2026-10-25 02:30", "2026-10-25 03:00"]


def kpi(rate: str, p95: str, mean: str, retries: str = "0") -> str:
    """Return the line of `kpi`."""
    latency = f"latency_p95_ms={p95} latency_avg_ms={mean}"
    return f"kpi success_rate={rate} {latency} retry_count={retries} stale_in_progress=0\n"


def until(text: str) -> str:
    """Return the line on metrics that are of now."""
    return f"warning: until {text} {OF_NOW}\n"


ALERT = "alert failure_rate=0.3333 exceeds 0.2000\n"
#: Now, log, retries, options; exit code, stdout, stderr.
WINDOWED: list[tuple[str, list[str], list[str], str, int, str, str]] = [
    # From midnight to midnight: 23 hours, and 25.
    (
        "2026-04-01 12:00", FORWARD, FORWARD_RETRIES, "--since 2026-03-29 --until 2026-03-30",
        0, kpi("66.67%", "8", "4.67", "2") + ALERT, until("2026-03-30 00:00"),
    ),
    (
        "2026-10-27 12:00", BACK, [], "--since 2026-10-25 --until 2026-10-26",
        0, kpi("75.00%", "16", "7.50") + "alert failure_rate=0.2500 exceeds 0.2000\n", until("2026-10-26 00:00"),
    ),
    # The hour that comes twice is two hours long, and a retry in it may be of either.
    (
        "2026-10-27 12:00", BACK, BACK_RETRIES, "--since '2026-10-25 02:00' --until '2026-10-25 03:00'",
        0, kpi("50.00%", "8", "6.00", "1") + "alert failure_rate=0.5000 exceeds 0.2000\n", until("2026-10-25 03:00"),
    ),
    # 24 hours before midnight are not the day before.
    (
        "2026-10-27 12:00", BACK, [], "--window 1d --until 2026-10-26",
        0, kpi("66.67%", "16", "9.33") + ALERT, until("2026-10-26 00:00"),
    ),
    # An hour after the clock went back, an hour ago is the earlier 02:30 of the clock, by which it is now 02:30.
    ("2026-10-25 01:30", BACK[:3], BACK_RETRIES[1:2], "--window 1h", 0,
     kpi("0.00%", "4", "4.00", "1") + "alert failure_rate=1.0000 exceeds 0.2000\n", ""),
    # One sample; and none, before the data and after them.
    ("2026-04-01 12:00", FORWARD, [], "--since '2026-03-29 23:59' --until '2026-03-30 00:00'",
     0, kpi("100.00%", "8", "8.00"), until("2026-03-30 00:00")),
    (
        "2026-04-01 12:00", FORWARD, FORWARD_RETRIES, "--until 2026-03-01",
        0, EMPTY + TOO_LITTLE,
        "warning: no run ended in the window, to 2026-03-01 00:00 (Europe/Berlin): 5 ended outside of it\n"
        + until("2026-03-01 00:00"),
    ),
    (
        "2026-04-01 12:00", FORWARD, FORWARD_RETRIES, "--window 1h",
        0, EMPTY + TOO_LITTLE,
        "warning: no run ended in the window, from 2026-04-01 13:00 (Europe/Berlin): 5 ended outside of it\n",
    ),
    # Retries alone are something: that there was none is not known by the absence of everything.
    (
        "2026-04-01 12:00", FORWARD[:2], FORWARD_RETRIES, "--since 2026-03-30",
        0, EMPTY.replace("retry_count=-", "retry_count=1") + TOO_LITTLE,
        "warning: no run ended in the window, from 2026-03-30 00:00 (Europe/Berlin): 2 ended outside of it\n",
    ),
    # A log whose clocks went back: what counts is each record's time, and not the order of the lines.
    (
        "2026-04-01 12:00", FORWARD[::-1], FORWARD_RETRIES[::-1], "--since 2026-03-29 --until 2026-03-30",
        0, kpi("66.67%", "8", "4.67", "2") + ALERT, until("2026-03-30 00:00"),
    ),
    # An end that lies ahead is told, one that is now is none such.
    ("2026-04-01 12:00", FORWARD, [], "--since 2026-03-30 --until 0s",
     0, kpi("100.00%", "16", "16.00"), until("2026-04-01 14:00")),
    (
        "2026-04-01 12:00", FORWARD, [], "--since 2026-03-30 --until 2026-05-01",
        0, kpi("100.00%", "16", "16.00"), "warning: until 2026-05-01 00:00 lies ahead: the window ends now\n",
    ),
    # What is none.
    (
        "2026-04-01 12:00", FORWARD, [], "--since 2026-04-02",
        4, "",
        f"error: the window of the KPIs (since 2026-04-02) begins at 2026-04-02 00:00, which lies ahead: {NOTHING}",
    ),
    (
        "2026-04-01 12:00", FORWARD, [], "--since 2026-03-30 --until 2026-03-29",
        4, "",
        "error: the window of the KPIs (since 2026-03-30, until 2026-03-29) begins at 2026-03-30 00:00, "
        f"which is not before 2026-03-29 00:00: {NOTHING}",
    ),
    (
        # The clock skips all that lies between.
        "2026-04-01 12:00", FORWARD, [], "--since '2026-03-29 02:00' --until '2026-03-29 03:00'",
        4, "",
        "error: the window of the KPIs (since 2026-03-29 02:00, until 2026-03-29 03:00) begins at 2026-03-29 03:00, "
        f"which is not before 2026-03-29 03:00: {NOTHING}",
    ),
    ("2026-04-01 12:00", FORWARD, [], "--window 7d --since 2026-03-29", 4, "",
     f"error: argument --since: not allowed with argument --window: {SEE}"),
    ("2026-04-01 12:00", FORWARD, [], "--window 0d", 4, "",
     f"error: argument --window: {SPAN}, found '0d': {SEE}"),
    ("2026-04-01 12:00", FORWARD, [], "--window ''", 4, "",
     f"error: argument --window: {SPAN}, found '': {SEE}"),
    ("2026-04-01 12:00", FORWARD, [], "--since 2026-02-30", 4, "",
     f"error: argument --since: {TIMES}, found '2026-02-30': {SEE}"),
    ("2026-04-01 12:00", FORWARD, [], "--until 24:00", 4, "",
     f"error: argument --until: {TIMES}, found '24:00': {SEE}"),
]  # fmt: skip


@pytest.mark.parametrize(("now", "log", "retried", "options", "told"), [(*row[:4], row[4:]) for row in WINDOWED])
def test_kpi_in_a_window(
    at: Callable[..., None],
    run: Run,
    now: str,
    log: list[str],
    retried: list[str],
    options: str,
    told: tuple[object, ...],
) -> None:
    """What counts is in the window, by the clock of the queue's zone; what is said is exactly this."""
    at(now, log, retried=retried)
    assert run("kpi", *shlex.split(options)) == told


def test_the_policy_has_a_window_too(at: Callable[..., None], run: Run) -> None:
    """It is the same as the options, which come before it."""
    at("2026-04-01 12:00", FORWARD, policy="timezone: Europe/Berlin\nkpi: {since: 2026-03-29, until: 2026-03-30}\n")
    assert run("kpi").out == kpi("66.67%", "8", "4.67") + ALERT
    assert run("kpi", "--until", "2026-03-29 03:30").out == kpi("100.00%", "2", "2.00")
    assert (
        run("kpi", "--window", "24h").out == kpi("75.00%", "8", "3.75") + "alert failure_rate=0.2500 exceeds 0.2000\n"
    )


def report_of(run: Run, *options: str) -> dict[str, Any]:
    """Return the report of `check`, as JSON."""
    found: dict[str, Any] = json.loads(run("check", "--only", "kpi", "-f", "json", *options).out)
    return found


def test_check_in_a_window(at: Callable[..., None], run: Run) -> None:
    """The report has the window and the zone, and tells what was read and does not count, before and after it."""
    at("2026-04-01 12:00", FORWARD, retried=FORWARD_RETRIES)
    found = report_of(run, "--since", "2026-03-29", "--until", "2026-03-30")
    assert found["window"] == {"begin_ms": 1_774_738_800_000, "end_ms": 1_774_821_600_000}
    assert (found["timezone"], found["zone_minutes"], found["exit_code"]) == ("Europe/Berlin", 120, 2)
    counted = {each["kind"]: (each["counted"], each["left_out"]["outside_window"]) for each in found["inputs"][1:]}
    assert counted == {"db": (2, 2), "log": (3, 2)}
    assert "window" not in report_of(run)


@pytest.mark.parametrize("until", ["2026-03-01", "2026-03-30"])
def test_an_old_log_is_an_error_in_any_window(at: Callable[..., None], run: Run, until: str) -> None:
    """`max_log_age` counts from now: a window that lies back says nothing about who writes the log today."""
    at("2026-04-20 12:00", FORWARD)
    found = report_of(run, "--since", "2026-02-01", "--until", until)
    assert (found["exit_code"], found["verdict"]) == (3, "error")
    assert "runs.jsonl: has its newest record from 21d ago, more than kpi.max_log_age 7d" in found["errors"][0]


@pytest.mark.parametrize(
    ("options", "code", "verdict"),
    [
        (["--window", "1h"], 2, "insufficient"),
        (["--since", "2026-03-30"], 0, "pass"),
    ],
)
def test_an_empty_window_is_no_good_news(
    at: Callable[..., None], run: Run, options: list[str], code: int, verdict: str
) -> None:
    """Where nothing was read of the window, every limit on what has a time is insufficient."""
    limits = "kpi: {thresholds: {failure_rate: 0.2, retry_count: 3, unfinished_runs: 0, latency_p95_ms: off}}\n"
    at("2026-04-01 12:00", FORWARD, policy=f"timezone: Europe/Berlin\n{limits}")
    found = report_of(run, *options)
    assert found["exit_code"] == code
    limited = {"failure-rate", "retry-count", "unfinished-runs"}
    assert {rule["id"]: rule["verdict"] for rule in found["rules"] if rule["id"] in limited} == dict.fromkeys(
        limited, verdict
    )


def test_a_run_that_ends_behind_the_window_is_finished(at: Callable[..., None], run: Run) -> None:
    """One that has not ended is unfinished in the window in which it began."""
    limits = "kpi: {thresholds: {unfinished_runs: {warn_max: 0}}}\n"
    log = [start("2026-03-29 21:58", 4), start("2026-03-29 21:58", 9), start("2026-03-30 01:00", 8)]
    at("2026-04-01 12:00", [*log, *FORWARD], policy=f"timezone: Europe/Berlin\n{limits}")
    found = report_of(run, "--until", "2026-03-29 23:59")
    rule = next(rule for rule in found["rules"] if rule["id"] == "unfinished-runs")
    assert [finding["trace"] for finding in rule["findings"]] == ["trace-000000000009"]


@pytest.mark.parametrize(
    ("only", "option", "notes"),
    [
        ("consistency", "--window", "note: --window changes nothing with --only consistency\n"),
        ("consistency", "--since", "note: --since changes nothing with --only consistency\n"),
        ("consistency", "--until", "note: --until changes nothing with --only consistency\n"),
        ("kpi", "--window", ""),
        ("retry-count", "--window", ""),
        (
            "stale-in-progress",
            "--window",
            "note: --window changes nothing: stale-in-progress is of the queue as it is now\n",
        ),
    ],
)
def test_an_option_that_changes_nothing(at: Callable[..., None], run: Run, only: str, option: str, notes: str) -> None:
    """It is told, and so is none that does."""
    at("2026-03-30 00:00", FORWARD)
    assert run("check", "--only", only, option, "1d").err.partition("warning")[0] == notes


#: The start of a task, now (both by the clock of Berlin, now in UTC), and what `check` says of it.
STALE = [
    ("2026-10-25 01:59", "2026-10-25 00:58", None),
    ("2026-10-25 01:59", "2026-10-25 01:00", "in progress since 2026-10-25 01:59, 61 minutes"),
    # Twice: by the earlier of both.
    ("2026-10-25 02:30", "2026-10-25 01:30", None),
    (
        "2026-10-25 02:30",
        "2026-10-25 01:31",
        "in progress since 2026-10-25 02:30 (the earlier of two such times), 61 minutes",
    ),
    ("2026-10-25 03:00", "2026-10-25 02:59", None),
    # Half an hour after 01:59 it is 03:29.
    ("2026-03-29 01:59", "2026-03-29 01:29", None),
    ("2026-03-29 01:59", "2026-03-29 02:00", "in progress since 2026-03-29 01:59, 61 minutes"),
    # Never: by when the clock went on.
    ("2026-03-29 02:30", "2026-03-29 01:30", None),
    (
        "2026-03-29 02:30",
        "2026-03-29 02:01",
        "in progress since 2026-03-29 02:30 (the clock skipped that, and went on at 2026-03-29 03:00), 61 minutes",
    ),
    # Half a year later, by the offset of then.
    ("2026-07-01 12:00", "2026-12-01 11:00", f"in progress since 2026-07-01 12:00, {153 * 1440 + 60} minutes"),
    # The start lies ahead, by the offset of its own time.
    (
        "2026-10-25 03:00",
        "2026-10-25 01:30",
        "starts 30 minutes ahead, 2026-10-25 03:00 in Europe/Berlin: cannot be shown to be fresh: check the zone "
        "(ORCH_TZ_OFFSET, or the policy's timezone)",
    ),
]


@pytest.mark.parametrize(("started", "now", "reason"), STALE)
def test_what_is_stale_across_daylight_saving(
    folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch, started: str, now: str, reason: str | None
) -> None:
    """A task is stale an hour after its start, whatever the clock did meanwhile; a time in doubt is told."""
    make_markdown(folder / "QUEUE.md", [item("ORCH-1", "IN_PROGRESS", started_at_kst=started)])
    (folder / "ops-checks.yaml").write_text("queue: QUEUE.md\ntimezone: Europe/Berlin\nlog: runs.jsonl\n")
    (folder / "runs.jsonl").write_text(end(now))
    monkeypatch.setattr("time.time", lambda: float(start_epoch(now, 0) or 0))
    found = json.loads(run("check", "--only", "stale-in-progress", "-f", "json").out)["rules"][0]
    assert [finding["reason"] for finding in found["findings"]] == ([] if reason is None else [reason])


def test_times_that_are_printed(folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """`list -f json` has the moments, and a change is written by the clock of its own moment."""
    items = [
        item("ORCH-1", "IN_PROGRESS", started_at_kst="2026-07-01 12:00"),
        item("ORCH-2", "IN_PROGRESS", started_at_kst="2026-12-01 12:00"),
    ]
    make_database(folder / "queue.db", items)
    (folder / "ops-checks.yaml").write_text("db: queue.db\ntimezone: Europe/Berlin\n")
    monkeypatch.setattr("time.time", lambda: float(start_epoch("2026-12-24 11:00", 0) or 0))
    rows = json.loads(run("list", "--db", "queue.db", "-f", "json").out)["items"]
    assert [queue_time(row["started_s"], 0) for row in rows] == ["2026-07-01 10:00", "2026-12-01 11:00"]
    assert run("cancel", "--db", "queue.db", "--id", "ORCH-1", "--actor", "kim").code == 0
    assert "2026-12-24 12:00 cancelled by kim" in run("show", "--db", "queue.db", "ORCH-1").out


def test_a_change_is_written_by_the_clock_of_its_moment(
    folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Berlin's clock went back while we waited for the lock."""
    make_database(folder / "queue.db", [item("ORCH-1", "IN_PROGRESS", started_at_kst="2026-10-24 12:00")])
    (folder / "ops-checks.yaml").write_text("db: queue.db\ntimezone: Europe/Berlin\n")
    times = iter([float(start_epoch("2026-10-25 00:59", 0) or 0)])
    monkeypatch.setattr("time.time", lambda: next(times, float(start_epoch("2026-10-25 01:01", 0) or 0)))
    assert run("cancel", "--db", "queue.db", "--id", "ORCH-1", "--actor", "kim").code == 0
    assert "2026-10-25 02:01 cancelled by kim" in run("show", "--db", "queue.db", "ORCH-1").out


def test_an_environment_before_the_zone_of_the_policy(
    at: Callable[..., None], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variable stays hours, comes first, and that is told."""
    at("2026-03-30 00:00", FORWARD)
    monkeypatch.setenv("ORCH_TZ_OFFSET", "1")
    told = run("kpi", "--since", "2026-03-29", "--until", "2026-03-29 22:59")
    assert told.out == kpi("50.00%", "4", "3.00") + "alert failure_rate=0.5000 exceeds 0.2000\n"
    assert told.err == "note: ORCH_TZ_OFFSET comes before the policy's timezone\n" + until("2026-03-29 22:59")


def test_a_zone_with_daylight_saving_only_where_it_is_named(folder: Path) -> None:
    """`status` has no time to read zones; nor has it where the zone is an offset."""
    make_markdown(folder / "QUEUE.md", [item()])
    (folder / "ops-checks.yaml").write_text('queue: QUEUE.md\ntimezone: "+01:00"\n')
    code = (
        "import sys; from ops_checks.cli import main; main(['status']); "
        "print({'zoneinfo', 'ops_checks.zones'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"


def test_rules_of_a_project_have_the_offset_of_now(folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """In SQL it is a number of minutes; a rule in Python asks for the moment of any time."""
    make_database(folder / "queue.db", [item("ORCH-1", "IN_PROGRESS", started_at_kst="2026-07-01 12:00")])
    make_markdown(folder / "QUEUE.md", [item("ORCH-1", "IN_PROGRESS", started_at_kst="2026-07-01 12:00")])
    (folder / "zoned.py").write_text(
        "def rule(context):\n"
        "    for each in context.items:\n"
        "        start = context.epoch_s(each.started_at_kst)\n"
        "        yield context.finding(each, f'{context.tz_minutes} {start} {context.epoch_s(chr(45))}')\n"
    )
    (folder / "ops-checks.yaml").write_text(
        "db: queue.db\nqueue: QUEUE.md\ntimezone: Europe/Berlin\nrules:\n"
        "  - {id: in-sql, sql: \"SELECT id, :tz_minutes || ' ' || :now AS said FROM queue_items\"}\n"
        "  - {id: in-python, python: 'zoned:rule', needs: [items]}\n"
    )
    monkeypatch.setattr("time.time", lambda: float(start_epoch("2026-12-24 11:00", 0) or 0))
    rules = json.loads(run("check", "--only", "own", "-f", "json").out)["rules"]
    said = {rule["id"]: rule["findings"][0] for rule in rules}
    assert "60 2026-12-24 12:00" in json.dumps(said["in-sql"])
    assert said["in-python"]["message"] == f"60 {start_epoch('2026-07-01 10:00', 0)} None"


@pytest.mark.parametrize("now", ["2026-03-29 01:00", "2026-03-31 10:00", "2026-04-05 00:45", "2026-10-28 10:00"])
def test_a_week_in_which_the_clock_is_set(at: Callable[..., None], run: Run, now: str) -> None:
    """Seven days are compared with those a week before, whenever the clock is set; and so is half an hour."""
    regression = "{failure_rate: {max_increase: 0.1}}"
    policy = f"timezone: Europe/Berlin\nkpi: {{window: 7d, max_log_age: 300d, regression: {regression}}}\n"
    at(now, FORWARD, policy=policy)
    for window in ("7d", "30m"):
        assert run("kpi", "--window", window, "--compare", "last-week").code == 0
        report = json.loads(run("check", "--only", "kpi", "--window", window, "-f", "json").out)
        verdict = next(rule["verdict"] for rule in report["rules"] if rule["id"] == "regression-failure-rate")
        assert verdict == "insufficient"
