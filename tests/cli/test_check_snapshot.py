"""`snapshot` on the host that has database and log, `check --snapshot` where the document is alone."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from builders import aged, execute, insert, item, make_database, make_markdown
from conftest import NOW_S
from database_kinds import every_database
from json_checks import validator
from snapshot_files import forged

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Told

    Run = Callable[..., Told]

ITEMS = [
    item("ORCH-1", "DONE"),
    item("ORCH-2"),
    item("ORCH-3", "IN_PROGRESS", owner_session="w1", started_at_kst="2026-01-01 23:30"),
    item("ORCH-4", "BLOCKED", "P0", notes="a | b", task="한국어 작업"),
]
POLICY = "queue: QUEUE.md\ndb: queue.db\nlog: runs.jsonl\nconsistency: {settle: 0s}\n"
AGE = "note: state.json: a snapshot made 0s ago, 2026-01-02 00:00\n"
NEW = "| ORCH-5 | PENDING | P1 | new | done | - | - | - |  |\n"
AGAIN = "make it again with `ops-checks snapshot -o FILE` where the database is"


def log(path: Path, runs: list[tuple[str, float]], at_ms: int = NOW_S * 1000 - 60_000) -> None:
    """Write a run log of commands with their duration in ms."""
    lines = (
        json.dumps(
            {"event": "run_end", "command": command, "exit_code": 0, "duration_ms": ms, "ts_epoch_ms": at_ms + number,
             "trace_id": f"trace-{number:012x}", "item_id": "ORCH-1"}
        )
        for number, (command, ms) in enumerate(runs)
    )  # fmt: skip
    path.write_text("".join(f"{line}\n" for line in lines))


@pytest.fixture
def host(folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of the host, whose queues agree, with a baseline."""
    host = folder / "host"
    host.mkdir()
    monkeypatch.chdir(host)
    make_markdown(host / "QUEUE.md", ITEMS)
    make_database(host / "queue.db", ITEMS)
    (host / "ops-checks.yaml").write_text(POLICY)
    log(host / "runs.jsonl", [("done", 100)] * 20)
    assert run("baseline", "--db", "queue.db").code == 0
    return host


@pytest.fixture
def runner(host: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Path]:
    """Return what goes to another folder, with document, policy and snapshot only."""

    def to_runner() -> Path:
        there = host.parent / "runner"
        there.mkdir(exist_ok=True)
        for name in ("QUEUE.md", "ops-checks.yaml", "state.json"):
            shutil.copy2(host / name, there / name)
        monkeypatch.chdir(there)
        return there

    return to_runner


def snapshot(run: Run) -> Told:
    """Make the snapshot on the host."""
    return run("snapshot", "-o", "state.json", "--db", "queue.db")


def later(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Let time go by, or back."""
    monkeypatch.setattr("time.time", lambda: NOW_S + seconds)


def edit(path: Path, old: str, new: str) -> None:
    """Change a document as a person does."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def report(told: Told) -> dict[str, Any]:
    """Return a report from stdout, without what differs by nature."""
    found: dict[str, Any] = json.loads(told.out)
    return found


@every_database
def test_host_and_runner(host: Path, run: Run, runner: Callable[[], Path]) -> None:
    """The whole story: agreement is green, a moved database is drift that names the side, an added row is told."""
    made = snapshot(run)
    assert made == (0, "snapshot 2026-01-02 00:00 items=4 baseline=b-1 -> state.json\n", "")
    data = json.loads((host / "state.json").read_text())
    validator("snapshot").validate(data)
    there = runner()
    told = run("check", "--snapshot", "state.json")
    assert (told.code, told.err) == (0, AGE)
    assert "read: snapshot state.json (4 items)" in told.out
    edit(there / "QUEUE.md", "\n\nText after.", f"\n{NEW}\nText after.")
    told = run("check", "--snapshot", "state.json", "-f", "json")
    assert told.code == 0
    assert told.err == f"{AGE}note: added here: ORCH-5: the database never had it\n"
    assert "added here: ORCH-5: the database never had it" in report(told)["notes"]
    os.chdir(host)
    execute(host / "queue.db", "UPDATE queue_items SET status = 'DONE' WHERE id = 'ORCH-2'")
    snapshot(run)
    shutil.copy2(host / "state.json", there / "state.json")
    os.chdir(there)
    told = run("check", "--snapshot", "state.json", "-f", "json")
    [finding] = [each for rule in report(told)["rules"] for each in rule["findings"]]
    assert told.code == 1
    assert (finding["item"], finding["reason"]) == ("ORCH-2", "only the database differs from b-1")
    assert [place["path"] for place in finding["places"]] == ["QUEUE.md", "state.json"]


@every_database
@pytest.mark.parametrize(
    ("document", "database", "rule", "reason"),
    [
        ([("| ORCH-2 | PENDING | P1", "| ORCH-2 | PENDING | P0")], "", "field-mismatch",
         "only the document differs from b-1"),
        ([], "UPDATE queue_items SET priority = 'P0' WHERE id = 'ORCH-2'", "field-mismatch",
         "only the database differs from b-1"),
        ([("| ORCH-2 | PENDING | P1", "| ORCH-2 | PENDING | P2")],
         "UPDATE queue_items SET priority = 'P0' WHERE id = 'ORCH-2'", "field-mismatch",
         "both differ from b-1"),
        ([("| ORCH-2 |", "| ORCH-9 |")], "", "missing-in-md", "b-1 has it"),
        ([], "DELETE FROM queue_items WHERE id = 'ORCH-2'", "missing-in-db", "b-1 has it"),
        ([], "INSERT INTO queue_items (id, status, priority, task, success_criteria, created_at, updated_at) "
             "VALUES ('ORCH-7', 'PENDING', 'P1', 't', 's', '2026-01-01 00:00', '2026-01-01 00:00')",
         "missing-in-md", "b-1 has no such item"),
    ],
)  # fmt: skip
def test_which_side_moved(
    host: Path,
    run: Run,
    runner: Callable[[], Path],
    document: list[tuple[str, str]],
    database: str,
    rule: str,
    reason: str,
) -> None:
    """Each difference says it; a row that was agreed on and is gone from one side is drift, whoever took it out."""
    if database:
        execute(host / "queue.db", database)
    snapshot(run)
    there = runner()
    for old, new in document:
        edit(there / "QUEUE.md", old, new)
    told = run("check", "--snapshot", "state.json", "-f", "json")
    found = [(each["rule"], each["reason"]) for each in report(told)["rules"] for each in each["findings"]]
    assert (told.code, found) == (1, [(rule, reason)])


def test_a_row_that_the_database_lost_is_drift(host: Path, run: Run, runner: Callable[[], Path]) -> None:
    """It came after the baseline, and only its events tell that the document did not add it: as on the host, drift."""
    events = ["event_id", "item_id", "event_type", "payload_json", "created_at"]
    insert(host / "queue.db", "queue_events", events, [(1, "ORCH-5", "added", "{}", "2026-01-01 12:00")])
    snapshot(run)
    validator("snapshot").validate(json.loads((host / "state.json").read_text()))
    there = runner()
    added = NEW + NEW.replace("ORCH-5", "ORCH-6")
    edit(there / "QUEUE.md", "\n\nText after.", f"\n{added}\nText after.")
    told = run("check", "--snapshot", "state.json", "-f", "json")
    found = [(each["item"], each["reason"]) for rule in report(told)["rules"] for each in rule["findings"]]
    assert (told.code, found) == (1, [("ORCH-5", "the database had it: it has events of it")])
    assert "note: added here: ORCH-6: the database never had it" in told.err


def test_a_row_is_drift_without_a_baseline(host: Path, run: Run, runner: Callable[[], Path]) -> None:
    """Nobody can tell who added it; the host is told, and so is the runner, what to do."""
    execute(host / "queue.db", "DELETE FROM queue_baselines; DELETE FROM queue_baseline")
    made = snapshot(run)
    assert made.code == 0
    assert "baseline=none" in made.out
    assert (
        made.err
        == "note: no baseline: a row that is added elsewhere will be drift there: `ops-checks baseline` first\n"
    )
    there = runner()
    edit(there / "QUEUE.md", "\n\nText after.", f"\n{NEW}\nText after.")
    told = run("check", "--snapshot", "state.json", "-f", "health")
    assert told.code == 1
    assert "note: the snapshot has no baseline: `ops-checks baseline` where the database is" in told.err


def test_nothing_compared_is_not_green(host: Path, run: Run, runner: Callable[[], Path]) -> None:
    """Where the database is empty, all rows are added: nothing was judged."""
    execute(host / "queue.db", "DELETE FROM queue_items; DELETE FROM queue_baseline")
    snapshot(run)
    runner()
    told = run("check", "--snapshot", "state.json", "--only", "consistency", "-f", "health")
    assert told.code == 2
    assert "missing-in-db=insufficient" in told.out


def test_a_view_gets_no_rows_of_its_own(host: Path, run: Run, runner: Callable[[], Path]) -> None:
    """With `source_of_truth: db` a row that is added to the document is an edit of the view."""
    with (host / "ops-checks.yaml").open("a") as policy:
        policy.write("source_of_truth: db\n")
    snapshot(run)
    there = runner()
    edit(there / "QUEUE.md", "\n\nText after.", f"\n{NEW}\nText after.")
    told = run("check", "--snapshot", "state.json", "-f", "json")
    found = [(each["rule"], each["message"]) for each in report(told)["rules"] for each in each["findings"]]
    assert (told.code, found) == (1, [("view-edited", "ORCH-5 was added to the document since b-1")])


@every_database
def test_the_runner_says_what_the_host_says(host: Path, run: Run, runner: Callable[[], Path]) -> None:
    """Every rule has the same verdict, value, samples, interval and findings, whatever is limited, waived or unread."""
    log(host / "runs.jsonl", [("done", 100)] * 15 + [("fail", 3000 + number) for number in range(30)])
    execute(host / "queue.db", "UPDATE queue_items SET started_at_kst = '-' WHERE id = 'ORCH-3'")
    execute(host / "queue.db", "UPDATE queue_items SET created_at = 'never' WHERE id = 'ORCH-2'")
    retries = [("ORCH-2", "2026-01-01 12:00")] * 3 + [("ORCH-1", "2025-01-01 12:00")]
    rows = [(number, each, "retried", "{}", at) for number, (each, at) in enumerate(retries, 1)]
    insert(host / "queue.db", "queue_events", ["event_id", "item_id", "event_type", "payload_json", "created_at"], rows)
    with (host / "ops-checks.yaml").open("a") as policy:
        policy.write(
            "kpi:\n  window: 7d\n  thresholds:\n    retry_count: 1\n    blocked: 0\n    pending: {min: 5}\n"
            "    oldest_pending_minutes: 10\n    latency_max_ms: 3020\n    success_rate: 0.9\n"
            "    latency_p99_ms: 2000\n    unfinished_runs: 0\n"
            "    failure_rate: {min: 0.9}\n    latency_avg_ms: {min: 9999}\n"
            "waivers:\n- {rule: blocked, item: ORCH-4, reason: known, owner: kim, expires: '2026-02-01'}\n"
        )
    here = report(run("check", "--db-path", "queue.db", "-f", "json"))
    snapshot(run)
    runner()
    there = report(run("check", "--snapshot", "state.json", "-f", "json"))

    def comparable(found: dict[str, Any]) -> list[Any]:
        rules = [rule for rule in found["rules"] if rule["group"] != "consistency"]
        for rule in rules:
            for finding in rule["findings"]:
                finding["places"] = [place for place in finding["places"] if place["table"] is None]
        return rules

    assert comparable(there) == comparable(here)
    assert there["metrics"] == here["metrics"]
    assert there["exit_code"] == here["exit_code"]


def test_limits_of_the_runner_hold(host: Path, run: Run, runner: Callable[[], Path]) -> None:
    """They are its own; how many runs are beyond a limit that the host did not have is told as far as it is known."""
    log(host / "runs.jsonl", [("done", 1000 + number) for number in range(50)])
    snapshot(run)
    runner()
    assert run("check", "--snapshot", "state.json").code == 0
    told = run("check", "--snapshot", "state.json", "--max-latency-p95-ms", "1040", "-f", "json")
    [rule] = [each for each in report(told)["rules"] if each["findings"]]
    assert (told.code, len(rule["findings"]), rule["more_findings"]) == (2, 9, 0)
    told = run("check", "--snapshot", "state.json", "--max-latency-p95-ms", "1000", "-f", "json")
    [rule] = [each for each in report(told)["rules"] if each["findings"]]
    assert (told.code, len(rule["findings"]), rule["more_findings"]) == (2, 20, 0)
    assert any("latency_p95_ms: at least 20 are beyond the limit" in note for note in report(told)["notes"])


def test_a_limit_that_the_host_does_not_have(host: Path, run: Run, runner: Callable[[], Path]) -> None:
    """Everything is measured and listed for whatever policy is held against it."""
    start = {"event": "run_start", "trace_id": "trace-00000000ffff", "command": "done", "ts_epoch_ms": NOW_S * 1000 - 9}
    with (host / "runs.jsonl").open("a") as runs:
        runs.write(json.dumps(start) + "\n")
    events = ["event_id", "item_id", "event_type", "payload_json", "created_at"]
    insert(host / "queue.db", "queue_events", events, [(1, "ORCH-2", "retried", "{}", "2026-01-01 12:00")])
    snapshot(run)
    there = runner()
    limits = "oldest_pending_minutes: 10, retry_count: 0, unfinished_runs: 0, latency_max_ms: 1"
    (there / "ops-checks.yaml").write_text(f"{POLICY}kpi: {{thresholds: {{{limits}}}}}\n")
    told = run("check", "--snapshot", "state.json", "-f", "json")
    found = {each["id"]: len(each["findings"]) + each["more_findings"] for each in report(told)["rules"]}
    expected = {"oldest-pending-minutes": 1, "retry-count": 1, "unfinished-runs": 1, "latency-max-ms": 20}
    assert {rule: count for rule, count in found.items() if count} == expected


def _p95_with(change: dict[str, str]) -> Callable[[dict[str, Any]], None]:
    """Return what changes a metric of a snapshot."""
    return lambda data: data["kpis"]["metrics"][4].update(change)


def test_a_metric_that_is_not_in_it(host: Path, run: Run, runner: Callable[[], Path]) -> None:
    """One that another program made may lack a metric, or have another unit: its rule is an error, if it is on."""
    snapshot(run)
    there = runner()
    for change in ({"rule": "other"}, {"unit": "s"}):
        found = forged((host / "state.json").read_bytes(), _p95_with(change))
        (there / "state.json").write_bytes(found)
        told = run("check", "--snapshot", "state.json", "-f", "health")
        assert (told.code, "latency-p95-ms=error" in told.out) == (3, True)
        assert "error: state.json: latency_p95_ms is not in the snapshot: make it with this ops-checks" in told.err


@pytest.mark.parametrize(
    ("policy", "options", "found"),
    [
        ("kpi: {window: 7d}\n", (), "kpi.window is 7d here, not set there"),
        ("kpi: {commands: [done]}\n", (), "kpi.commands is done here, not set there"),
        ("", ("--stale-minutes", "5"), "kpi.stale_minutes is 5 here, 60 there"),
        ("", ("--window", "2h"), "kpi.window is 2h here, not set there"),
        ("", ("--since", "2h"), "kpi.since is 2h here, not set there"),
        ("", ("--until", "2026-01-01"), "kpi.until is 2026-01-01 here, not set there"),
        ("timezone: '+00:00'\n", (), "timezone is +00:00 here, +09:00 there"),
        ("timezone: Asia/Seoul\n", (), "timezone is Asia/Seoul here, +09:00 there"),
    ],
)
def test_measured_otherwise(
    host: Path, run: Run, runner: Callable[[], Path], policy: str, options: tuple[str, ...], found: str
) -> None:
    """The numbers would mean another thing: exit 3, and drift is still judged."""
    snapshot(run)
    there = runner()
    (there / "ops-checks.yaml").write_text(POLICY + policy)
    told = run("check", "--snapshot", "state.json", *options, "-f", "health")
    assert told.code == 3
    assert f"error: state.json: its KPIs were measured otherwise: {found}: make it by this policy" in told.err
    assert run("check", "--snapshot", "state.json", "--only", "consistency", *options).code == 0


def test_measured_alike(host: Path, run: Run, runner: Callable[[], Path]) -> None:
    """A window and the name of a zone are in the snapshot, and are those of the policy that judges it."""
    policy = POLICY + "timezone: Asia/Seoul\nkpi: {since: 1d, until: 2026-01-02}\n"
    (host / "ops-checks.yaml").write_text(policy)
    snapshot(run)
    state = json.loads((host / "state.json").read_text())
    validator("snapshot").validate(state)
    settings = state["kpis"]["settings"]
    assert (settings["timezone"], settings["since"], settings["until"]) == ("Asia/Seoul", "1d", "2026-01-02")
    assert (state["timezone_minutes"], state["made_at"]) == (540, "2026-01-02T00:00:00+09:00")
    runner()
    told = run("check", "--snapshot", "state.json", "--only", "kpi", "-f", "health")
    assert told.code == 0
    assert "until 2026-01-02 00:00 holds for runs and retries: " in told.err
    assert run("check", "--snapshot", "state.json", "--until", "1h", "-f", "health").code == 3


def test_an_old_log_is_judged_by_now(
    host: Path, run: Run, runner: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`kpi.max_log_age` counts from the time of the check."""
    log(host / "runs.jsonl", [("done", 100)] * 20, NOW_S * 1000 - 604_800_000 + 120_000)
    snapshot(run)
    runner()
    assert run("check", "--snapshot", "state.json").code == 0
    later(monkeypatch, 180)
    told = run("check", "--snapshot", "state.json", "-f", "health")
    assert told.code == 3
    assert "error: runs.jsonl: has its newest record from 7d ago, more than kpi.max_log_age 7d" in told.err


@pytest.mark.parametrize(
    ("seconds", "options", "code", "found"),
    [
        (0, (), 0, "made 0s ago"),
        (-60, (), 0, "made 0s ago"),
        (-61, (), 3, "made at 2026-01-02 00:00, 61s ahead of this machine's clock"),
        (3600, (), 0, "made 60m ago"),
        (3601, (), 3, "made 60m ago, 2026-01-02 00:00, older than --max-age 1h"),
        (900, ("--max-age", "15m"), 0, "made 15m ago"),
        (901, ("--max-age", "15m"), 3, "older than --max-age 15m"),
        (86_400, ("--max-age", "2d"), 0, "made 24h ago"),
        (600, ("--max-age", "00:00"), 0, "made 10m ago"),
        (600, ("--max-age", "00:05"), 3, "older than --max-age 00:05"),
        (600, ("--max-age", "2026-01-02"), 0, "made 10m ago"),
        (600, ("--max-age", "2026-01-02 00:01"), 3, "older than"),
        (0, ("--max-age", "0s"), 0, "made 0s ago"),
        (0, ("--max-age", "1x"), 4, "error: --max-age '1x': expected 90s, 15m"),
        (0, ("--max-age", "2027-01-01"), 4, "or a time that is past"),
    ],
)
def test_age(
    host: Path, run: Run, runner: Callable[[], Path], monkeypatch: pytest.MonkeyPatch,
    seconds: int, options: tuple[str, ...], code: int, found: str,
) -> None:  # fmt: skip
    """It is told, and an old one is an error, as is one from the future."""
    snapshot(run)
    runner()
    later(monkeypatch, seconds)
    told = run("check", "--snapshot", "state.json", "-f", "health", *options)
    assert told.code == code
    assert found in told.err
    assert "Traceback" not in told.err


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("--db", "queue.db"), "name either the snapshot, or those"),
        (("--db-path", "queue.db"), "name either the snapshot, or those"),
        (("--log-path", "runs.jsonl"), "name either the snapshot, or those"),
    ],
)
def test_two_sources(host: Path, run: Run, words: tuple[str, ...], found: str) -> None:
    """A snapshot beside a database or a log that is named is a usage error; `--max-age` alone is one."""
    snapshot(run)
    told = run("check", "--snapshot", "state.json", *words)
    assert told.code == 4
    assert found in told.err
    assert run("check", "--max-age", "5m").code == 4


def test_what_is_not_read_is_told(
    host: Path, run: Run, runner: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Database and log that are there, or that the environment names, are not read, and a note says so."""
    snapshot(run)
    told = run("check", "--snapshot", "state.json", "-f", "health")
    assert told.err == f"note: state.json is read in place of database and run log: queue.db, runs.jsonl\n{AGE}"
    runner()
    monkeypatch.setenv("ORCH_DB_PATH", "elsewhere.db")
    told = run("check", "--snapshot", "state.json", "-f", "health")
    assert (told.code, told.err) == (
        0,
        f"note: state.json is read in place of database and run log: elsewhere.db\n{AGE}",
    )


def test_histories_need_events(host: Path, run: Run, runner: Callable[[], Path]) -> None:
    """What is not in a snapshot is an error that says what to do, never green."""
    snapshot(run)
    there = runner()
    told = run("check", "--snapshot", "state.json", "--only", "history", "-f", "health")
    assert told.code == 3
    assert (
        "error: state.json: a snapshot has no events: run this where the database is, or leave it out with" in told.err
    )
    (there / "ops-checks.yaml").write_text(POLICY + "history: on\n")
    assert run("check", "--snapshot", "state.json", "-f", "health").code == 3


def test_a_snapshot_that_is_missing(host: Path, run: Run, runner: Callable[[], Path]) -> None:
    """The error says how to have one and what works without, not to name one."""
    snapshot(run)
    runner()
    told = run("check", "--snapshot", "none.json", "-f", "health")
    only = "`ops-checks check --only queue` checks the document alone"
    assert (told.code, told.err) == (3, f"error: none.json: no such snapshot: {AGAIN}; {only}\n")


def test_no_engine_reads_a_snapshot(host: Path, run: Run, runner: Callable[[], Path]) -> None:
    """An engine that is named beside a snapshot is told to change nothing."""
    snapshot(run)
    runner()
    told = run("check", "--snapshot", "state.json", "--engine", "local", "-f", "health")
    assert "note: --engine changes nothing with --snapshot: no log is read\n" in told.err


def test_the_document_alone_needs_no_snapshot(host: Path, run: Run, runner: Callable[[], Path]) -> None:
    """`--only queue` does not read it, and says so."""
    snapshot(run)
    there = runner()
    (there / "state.json").write_text("{}")
    told = run("check", "--snapshot", "state.json", "--only", "queue", "-f", "health")
    assert told == (0, "HEALTH_OK\n", "note: --snapshot changes nothing with --only queue\n")


def test_rules_on_rows_read_it(host: Path, run: Run, runner: Callable[[], Path]) -> None:
    """They are judged by the rows and the times of making that the snapshot has."""
    execute(host / "queue.db", "UPDATE queue_items SET owner_session = '-', status = 'IN_PROGRESS' WHERE id = 'ORCH-2'")
    execute(host / "queue.db", "UPDATE queue_items SET priority = 'P2' WHERE id = 'ORCH-3'")
    execute(host / "queue.db", "UPDATE queue_items SET priority = 'P0', status = 'PENDING' WHERE id = 'ORCH-4'")
    snapshot(run)
    there = runner()
    (there / "ops-checks.yaml").write_text(
        POLICY + "rules: [{id: in-progress-has-owner}, {id: priority-inversion, minutes: 5}]\n"
    )
    told = run("check", "--snapshot", "state.json", "-f", "json", "--only", "in-progress-has-owner",
               "--only", "priority-inversion")  # fmt: skip
    found = {(each["rule"], each["item"]) for rule in report(told)["rules"] for each in rule["findings"]}
    assert found == {("in-progress-has-owner", "ORCH-2"), ("priority-inversion", "ORCH-4")}
    assert [each["kind"] for each in report(told)["inputs"]] == ["policy", "snapshot"]
    assert told.err == AGE


LACKS = "run this where the database is, or leave it out with `check --only …`"


@pytest.mark.parametrize(
    ("sql", "code", "lacking"),
    [
        ("SELECT id FROM queue_items WHERE status = 'BLOCKED'", 1, ""),
        ("SELECT id FROM queue_items WHERE created_at > updated_at", 0, ""),
        ("SELECT id FROM queue_items GROUP BY id HAVING count(*) > 1", 0, ""),
        ("SELECT item_id FROM queue_events", 3, "queue_events.item_id"),
        ("SELECT 'x' WHERE (SELECT count(*) FROM queue_events) > 0", 3, "queue_events"),
        (
            "SELECT id FROM queue_items WHERE lease_owner IS NOT NULL",
            3,
            "queue_items.lease_owner",
        ),
        (
            "SELECT id FROM queue_items WHERE attempt_count > 1",
            3,
            "queue_items.attempt_count",
        ),
        ("SELECT id FROM queue_baseline", 3, "queue_baseline"),
        ("SELECT id FROM theirs", 3, "theirs"),
    ],
)
def test_a_rule_in_sql_reads_what_is_in_it(
    host: Path, run: Run, runner: Callable[[], Path], sql: str, code: int, lacking: str
) -> None:
    """What a snapshot has not is no empty table: a rule that asks for it is an error, and never green."""
    (host / "ops-checks.yaml").write_text(f'{POLICY}rules: [{{id: mine, sql: "{sql}"}}]\n')
    assert snapshot(run).code == 0
    runner()
    answer = run("check", "--snapshot", "state.json", "--only", "mine", "-f", "health")
    assert answer.code == code, answer
    error = f"error: mine: state.json: a snapshot has no {lacking}: {LACKS}\n" if lacking else ""
    assert answer.err == AGE + error


def test_a_rule_in_the_dialect_of_a_server_is_not_run_elsewhere(
    host: Path, run: Run, runner: Callable[[], Path]
) -> None:
    """A snapshot of a database in PostgreSQL has its rows, and nothing that understands its statements."""
    (host / "ops-checks.yaml").write_text(f'{POLICY}rules: [{{id: mine, sql: "SELECT id::text FROM queue_items"}}]\n')
    assert run("snapshot", "-o", "state.json").code == 0
    made = (host / "state.json").read_bytes()
    (host / "state.json").write_bytes(forged(made, lambda data: data["db"].update(location="service=ops")))
    runner()
    answer = run("check", "--snapshot", "state.json", "--only", "mine", "-f", "health")
    assert answer.code == 3
    assert (
        "error: mine: state.json: it is of a database in PostgreSQL, whose statements run there alone: " in answer.err
    )


def test_outputs(host: Path, run: Run, runner: Callable[[], Path]) -> None:
    """A snapshot replaces only one of its kind; nothing is written over an input, and a report not over a snapshot."""
    for name in ("QUEUE.md", "queue.db", "runs.jsonl", "ops-checks.yaml", "other"):
        (host / "other").write_text("mine")
        before = (host / name).read_bytes()
        told = run("snapshot", "-o", name)
        assert told.code == 4, name
        assert (host / name).read_bytes() == before
    assert snapshot(run).code == 0
    assert snapshot(run).code == 0
    whole = (host / "state.json").read_bytes()
    (host / "state.json").write_bytes(whole[:300])
    assert snapshot(run).code == 0
    told = run("snapshot", "-o", "-")
    assert (told.code, told.err) == (0, "")
    assert told.out.encode() == whole == (host / "state.json").read_bytes()
    assert run("snapshot", "-o", "-", "-f", "json").code == 4
    runner()
    assert run("check", "--snapshot", "state.json", "-f", "json=state.json").code == 4


def test_what_cannot_be_read_writes_nothing(host: Path, run: Run) -> None:
    """Without a database or a log, or with damage in either, there is no snapshot."""
    for damage in (
        (host / "runs.jsonl").unlink,
        lambda: execute(host / "queue.db", "UPDATE queue_items SET status = 'GONE' WHERE id = 'ORCH-4'"),
        (host / "queue.db").unlink,
    ):
        damage()
        told = snapshot(run)
        assert told.code == 3
        assert told.err.startswith("error: ")
        assert not (host / "state.json").exists()
        log(host / "runs.jsonl", [("done", 100)] * 20)


def test_an_interrupted_plan_leaves_the_baseline_out(host: Path, run: Run) -> None:
    """One side of it may be written and the other not: what was agreed is not known."""
    execute(
        host / "queue.db",
        "CREATE TABLE queue_reconcile (plan_id TEXT PRIMARY KEY, state TEXT, made_at TEXT, actor TEXT, plan_json TEXT, "
        "base_before_json TEXT, md_before TEXT, md_after TEXT); INSERT INTO queue_reconcile VALUES "
        "('p-0123456789abcdef', 'prepared', '2026-01-01 00:00', 'kim', '{}', '{}', '', '')",
    )
    made = snapshot(run)
    assert "baseline=none" in made.out
    assert "b-1 is not in the snapshot, because a plan was interrupted while it was applied" in made.err


def test_text_of_others(host: Path, run: Run, runner: Callable[[], Path]) -> None:
    """Control characters and commands of a CI system are escaped in the file, and come back as they were."""
    nasty = "\u202e\x9b2J ##[error] \x7f 작업"
    rows = [item("ORCH-1", task=nasty)]
    make_markdown(host / "QUEUE.md", rows)
    execute(host / "queue.db", "DELETE FROM queue_items WHERE id <> 'ORCH-1'")
    execute(host / "queue.db", f"UPDATE queue_items SET status = 'PENDING', task = '{nasty}'")
    aged(host / "queue.db")
    snapshot(run)
    text = (host / "state.json").read_text()
    assert text.replace("\n", "").isprintable()
    assert "##[" not in text
    assert json.loads(text)["items"][0]["task"] == nasty
    runner()
    assert (
        run("check", "--snapshot", "state.json", "--only", "consistency", "--fields", "all", "-f", "health").code == 0
    )
