"""What `init` lays down: what the specification's paths expect, and nothing that stood there is touched."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import resource
import sqlite3
import stat
import subprocess
import sys
from collections import Counter
from contextlib import closing
from datetime import datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from ops_checks.cli import main
from ops_checks.errors import WriteError
from ops_checks.files.new_file import make_file
from ops_checks.gate.run import run_gate
from ops_checks.gate.stable_reading import compare
from ops_checks.model import FIELDS, PRIORITIES, STATUSES
from ops_checks.policy.loader import load_policy
from ops_checks.policy.model import KpiPolicy, Policy
from ops_checks.policy.schema import policy_schema_text
from ops_checks.runlog.reader import read_runs
from ops_checks.scaffold.demo import Operation
from ops_checks.scaffold.layout import Layout
from ops_checks.scaffold.project import make_project
from ops_checks.settings import resolve
from ops_checks.stores.registry import open_queue
from ops_checks.timestamps import start_epoch

if TYPE_CHECKING:
    from pathlib import Path

OPS = "automation/orchestrator/ops.py"
QUEUE = "automation/orchestrator/QUEUE.md"
DB = "automation/orchestrator/db/queue.db"
LOG = "automation/orchestrator/logs/orch_runs.jsonl"
SCHEMA = "automation/orchestrator/policy.schema.json"
POLICY = "ops-checks.yaml"
PATHS = (OPS, QUEUE, DB, LOG, SCHEMA, POLICY)

NOW = 1_800_000_000.25
KST = 540


def init(folder: Path, *, demo: bool = False) -> dict[str, str]:
    """Lay down and return what happened by path."""
    made = make_project(Layout(str(folder)), demo=demo, now_s=NOW, zone=KST)
    return {os.path.relpath(path, folder): what for what, path in made}


def everything(folder: Path) -> dict[str, bytes | str | None]:
    """Return all that lies below a folder: bytes of files, targets of links, None for the rest."""
    found: dict[str, bytes | str | None] = {}
    for path in folder.rglob("*"):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = os.readlink(path)
        else:
            found[name] = path.read_bytes() if path.is_file() else None
    return found


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    """Return what a database answers."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def item_rows(path: Path) -> list[tuple[str, ...]]:
    """Return the items of a queue, whichever it is."""
    with open_queue(str(path)).snapshot() as view:
        return [tuple(item) for _, item in view.items()]


@pytest.mark.parametrize("demo", [False, True])
def test_all_is_made(tmp_path: Path, demo: bool) -> None:  # noqa: FBT001 - a column of the table
    """In an empty folder every file is made, in a fixed order, and nothing else stays there."""
    assert list(init(tmp_path, demo=demo).items()) == [(path, "made") for path in PATHS]
    assert sorted(path for path, data in everything(tmp_path).items() if data is not None) == sorted(PATHS)


@pytest.mark.parametrize("demo", [False, True])
def test_second_time_keeps_all(tmp_path: Path, demo: bool) -> None:  # noqa: FBT001 - a column of the table
    """Called again, it keeps every file to the byte, and says so."""
    init(tmp_path)
    before = everything(tmp_path)
    assert set(init(tmp_path, demo=demo).values()) == {"kept"}
    assert everything(tmp_path) == before


def test_empty_queues_agree(tmp_path: Path) -> None:
    """Both queues are readable and empty, and agree."""
    init(tmp_path)
    assert item_rows(tmp_path / QUEUE) == item_rows(tmp_path / DB) == []
    assert compare(open_queue(str(tmp_path / QUEUE)), open_queue(str(tmp_path / DB))).ok


@pytest.mark.parametrize("demo", [False, True])
def test_formatters_are_kept_off_the_table(tmp_path: Path, demo: bool) -> None:  # noqa: FBT001 - a column of the table
    """Prettier ignores what follows its comment, and markdownlint all behind its own; rows are still added at the end.

    A comment that ended the range would stand behind the table, where programs append rows.
    """
    init(tmp_path, demo=demo)
    before, header, after = (tmp_path / QUEUE).read_text(encoding="utf-8").partition("| id | status |")
    assert before.endswith("\n\n<!-- markdownlint-disable -->\n<!-- prettier-ignore -->\n")
    assert header
    assert all(line.startswith("| ") for line in after.splitlines()[1:])


def test_database_is_that_of_the_formats(tmp_path: Path) -> None:
    """The database has the columns, keys, defaults and indexes of FORMATS section 2."""
    init(tmp_path)
    path = tmp_path / DB
    columns = rows(path, "SELECT name, type, \"notnull\", dflt_value, pk FROM pragma_table_info('queue_items')")
    plain = [(name, "TEXT", 1, None, int(name == "id")) for name in FIELDS[:5]]
    assert columns == [
        *plain,
        ("owner_session", "TEXT", 1, "'-'", 0),
        ("started_at_kst", "TEXT", 1, "'-'", 0),
        ("due_at_kst", "TEXT", 1, "'-'", 0),
        ("notes", "TEXT", 1, "''", 0),
        ("created_at", "TEXT", 1, None, 0),
        ("updated_at", "TEXT", 1, None, 0),
        ("lease_owner", "TEXT", 0, None, 0),
        ("lease_expires_at", "INTEGER", 0, None, 0),
        ("attempt_count", "INTEGER", 1, "0", 0),
        ("max_attempts", "INTEGER", 1, "3", 0),
        ("idempotency_key", "TEXT", 0, None, 0),
        ("last_error", "TEXT", 1, "''", 0),
    ]
    events = rows(path, "SELECT name, type, pk FROM pragma_table_info('queue_events')")
    assert events == [
        ("event_id", "INTEGER", 1),
        ("item_id", "TEXT", 0),
        ("event_type", "TEXT", 0),
        ("payload_json", "TEXT", 0),
        ("created_at", "TEXT", 0),
    ]
    keys = rows(path, 'SELECT "table", "from", "to", on_delete FROM pragma_foreign_key_list(\'queue_events\')')
    assert keys == [("queue_items", "item_id", "id", "CASCADE")]
    indexes = "SELECT group_concat(i.name) FROM pragma_index_list('queue_items') l, pragma_index_info(l.name) i"
    found = rows(path, f"{indexes} WHERE l.origin = 'c' GROUP BY l.name ORDER BY 1")
    assert found == [("idempotency_key",), ("lease_expires_at",), ("status,priority",), ("updated_at",)]


def test_log_is_there_and_empty(tmp_path: Path) -> None:
    """The run log is an empty file: too little data, but not a missing input."""
    init(tmp_path)
    assert (tmp_path / LOG).read_bytes() == b""


def test_policy_changes_one_default(tmp_path: Path) -> None:
    """The policy is valid, and says nothing but the defaults, except that no runs are only a warning, and why."""
    init(tmp_path)
    path = str(tmp_path / POLICY)
    assert replace(load_policy(path), digest=None) == Policy(path=path, kpi=KpiPolicy(on_insufficient="warn"))
    text = (tmp_path / POLICY).read_text(encoding="utf-8")
    assert "on_insufficient: warn            # a new project has no runs yet" in text


def test_policy_without_its_hashes_is_valid(tmp_path: Path) -> None:
    """The settings that the policy shows behind a `#` are valid where they stand."""
    init(tmp_path)
    head, body = (tmp_path / POLICY).read_text(encoding="utf-8").split("\n\n", 1)
    bare = re.sub(r"(?m)^( *)# ( *(?:- )?[\w-]+:(?: .*)?)$", r"\1\2", body)
    assert bare.count("\n") == body.count("\n")
    (tmp_path / POLICY).write_text(f"{head}\n\n{bare}", encoding="utf-8")
    policy = load_policy(str(tmp_path / POLICY))
    assert (policy.queue, policy.db, policy.logs, policy.timezone) == (QUEUE, DB, (LOG,), KST)
    assert (policy.kpi.window_s, policy.kpi.max_log_age_s, policy.waivers[0].item) == (86_400, 604_800, "ORCH-030")
    assert policy.kpi.thresholds["success_rate"].warn_min == 0.9
    assert policy.consistency.severity == {"missing-in-md": "warning"}


def test_policy_names_its_schema(tmp_path: Path) -> None:
    """The policy's first line leads an editor to the schema beside the entry point, without a network."""
    init(tmp_path)
    first = (tmp_path / POLICY).read_text(encoding="utf-8").partition("\n")[0]
    named = first.removeprefix("# yaml-language-server: $schema=")
    assert (tmp_path / named).read_text(encoding="utf-8") == policy_schema_text()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("kind", ["file", "folder", "dangling link", "link", "pipe"])
def test_what_exists_is_kept(tmp_path: Path, path: str, kind: str) -> None:
    """Whatever has one of the names is kept as it is, no link is followed, and the other files are made."""
    folder, there = tmp_path / "project", tmp_path / "project" / path
    there.parent.mkdir(parents=True)
    victim = tmp_path / "victim"
    if kind == "link":
        victim.write_bytes(b"precious")
    _plant(there, kind, victim)
    before = everything(tmp_path)
    made = init(folder, demo=True)
    assert made == {name: "kept" if name == path else "made" for name in PATHS}
    after = everything(tmp_path)
    assert {name: after[name] for name in before} == before
    assert victim.exists() == (kind == "link")


def _plant(path: Path, kind: str, victim: Path) -> None:
    if kind == "file":
        path.write_bytes(b"mine")
    elif kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(victim)


@pytest.mark.parametrize("folder", ["automation", "automation/orchestrator", "automation/orchestrator/db"])
@pytest.mark.parametrize("kind", ["file", "dangling link", "link", "pipe"])
def test_no_way_through(tmp_path: Path, folder: str, kind: str) -> None:
    """A folder on the way that is a link or no folder is an error, and nothing is written behind it."""
    project, elsewhere = tmp_path / "project", tmp_path / "elsewhere"
    (project / folder).parent.mkdir(parents=True)
    if kind == "link":
        elsewhere.mkdir()
    _plant(project / folder, kind, elsewhere)
    blocked = DB if folder.endswith("db") else OPS
    with pytest.raises(WriteError) as caught:
        init(project)
    why = "not made, because a folder of it is a symlink or no folder: run init where it is one"
    assert caught.value.message == f"{project / blocked}: {why}"
    assert not elsewhere.exists() or not list(elsewhere.iterdir())


def test_no_such_folder(tmp_path: Path) -> None:
    """A project folder that is gone is an error, not a folder to make."""
    with pytest.raises(WriteError, match=r"/ops.py: not made \(No such file or directory\)"):
        init(tmp_path / "gone")
    assert everything(tmp_path) == {}


def _init_with_limit(folder: Path, limit: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        init(folder, demo=True)
    except WriteError as error:
        reasons = "(File too large): check folder, permissions and disk", "(disk I/O error): check the disk"
        assert any(f"not made {reason}" in error.message for reason in reasons)  # noqa: PT017
        os._exit(3)
    os._exit(0)


@pytest.mark.parametrize("limit", [0, 100, 4096, 20_000])
def test_disk_full_leaves_no_half_file(tmp_path: Path, limit: int) -> None:
    """Where a write fails, the files before it are whole, and of the one that failed nothing stays."""
    project, whole = tmp_path / "project", tmp_path / "whole"
    project.mkdir()
    whole.mkdir()
    init(whole, demo=True)
    process = multiprocessing.get_context("fork").Process(target=_init_with_limit, args=(project, limit))
    process.start()
    process.join()
    assert process.exitcode == 3
    expected = everything(whole)
    assert {name: expected[name] for name in everything(project)} == everything(project)
    assert set(init(project, demo=True).values()) <= {"made", "kept"}
    assert everything(project) == expected


def test_several_at_once_make_each_file_once(tmp_path: Path) -> None:
    """Of several calls at once each file is made by exactly one, and whole."""
    context = multiprocessing.get_context("fork")
    with context.Pool(4) as pool:
        for number in range(8):
            folder = tmp_path / str(number)
            folder.mkdir()
            results = pool.map(init, [folder] * 4)
            assert Counter(path for made in results for path, what in made.items() if what == "made") == Counter(PATHS)
            assert sorted(name for name, data in everything(folder).items() if data is not None) == sorted(PATHS)


def test_content_is_made_only_where_it_is_needed(tmp_path: Path) -> None:
    """For a file that exists, its content is not even made."""
    (tmp_path / "there").write_bytes(b"mine")
    asked: list[str] = []

    def content() -> bytes:
        asked.append("content")
        return b""

    made = [make_file(str(tmp_path), name, content) for name in ("there", "new")]
    assert (made, asked) == ([False, True], ["content"])


@pytest.mark.parametrize(("umask", "plain", "executable"), [(0o022, 0o644, 0o755), (0o077, 0o600, 0o700)])
def test_modes(tmp_path: Path, umask: int, plain: int, executable: int) -> None:
    """The entry point can be executed; for the rest the user's umask counts."""
    before = os.umask(umask)
    try:
        init(tmp_path)
    finally:
        os.umask(before)
    modes = {path: stat.S_IMODE((tmp_path / path).stat().st_mode) for path in PATHS}
    assert modes == {path: executable if path == OPS else plain for path in PATHS}
    assert {(tmp_path / path).stat().st_nlink for path in PATHS} == {1}


def test_entry_point_without_the_package(tmp_path: Path) -> None:
    """A Python that lacks the package is told how to install it, in one line, and exits 3."""
    init(tmp_path)
    command = [sys.executable, "-I", "-S", OPS, "status"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == (
        "error: automation/orchestrator/ops.py: this Python has no package ops-checks: "
        "run `python3 -m pip install SOURCE`, where SOURCE is its folder or its git address\n"
    )


def test_entry_point_blames_the_right_package(tmp_path: Path) -> None:
    """Another module that is missing is not taken for this package: the error shows which one it is."""
    init(tmp_path)
    broken = tmp_path / "site" / "ops_checks"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("import no_such_module\n")
    code = f"import sys, runpy; sys.path.insert(0, 'site'); runpy.run_path({OPS!r}, run_name='__main__')"
    command = [sys.executable, "-I", "-S", "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "No module named 'no_such_module'" in done.stderr
    assert "pip install" not in done.stderr


def test_entry_point_runs_the_command(tmp_path: Path) -> None:
    """The entry point passes arguments and exit code through."""
    init(tmp_path)
    command = [sys.executable, OPS, "cancel", "--id", "ORCH-001"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (5, "")
    assert done.stderr.startswith("error: ")


@pytest.mark.parametrize("arguments", [["init"], ["init", "--demo"]])
def test_command_lists_what_it_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    """The command works in the current folder and lists what it made, and next time what it kept."""
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 0
    assert capsys.readouterr().out == "".join(f"made {path}\n" for path in PATHS)
    (tmp_path / QUEUE).unlink()
    assert main(arguments) == 0
    shown = "".join(f"{'made' if path == QUEUE else 'kept'} {path}\n" for path in PATHS)
    assert capsys.readouterr().out == shown


def test_command_that_cannot_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What cannot be made ends in one line and exit code 3."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "automation").write_text("a file")
    assert main(["init"]) == 3
    shown = capsys.readouterr()
    assert (shown.out, shown.err.count("\n")) == ("", 1)
    assert shown.err.startswith("error: automation/orchestrator/ops.py: not made")


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with the demo in it, which is the current one."""
    init(tmp_path, demo=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_demo_is_the_same_every_time(tmp_path: Path) -> None:
    """The same time and zone give the same bytes."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        init(tmp_path / name, demo=True)
    assert everything(tmp_path / "one") == everything(tmp_path / "two")


@pytest.mark.parametrize("path", [QUEUE, DB])
def test_demo_tasks(demo: Path, path: str) -> None:
    """Each queue has about 30 tasks in all statuses and priorities, ids in order, and several workers."""
    items = item_rows(demo / path)
    assert len(items) == 30
    assert [item[0] for item in items] == sorted(item[0] for item in items)
    assert {item[1] for item in items} == set(STATUSES)
    assert {item[2] for item in items} == set(PRIORITIES)
    owners = {item[5] for item in items if item[1] == "IN_PROGRESS"}
    assert {owner.partition(":")[0] for owner in owners} == {"agent", "worker", "s1"}
    assert all((item[5] == "-") == (item[1] == "PENDING") for item in items)


def test_demo_has_texts_as_in_the_field(demo: Path) -> None:
    """The tasks' texts hold what such texts hold: Korean, parentheses, lists, paths, links, pipes."""
    text = (demo / QUEUE).read_text(encoding="utf-8")
    for part in ("한국어", "(", "1) ", "2) ", "; ", "docs/", "https://", r"FAIL\|ERROR"):
        assert part in text.partition("## Queue")[2], part


def test_demo_drift(demo: Path) -> None:
    """The queues disagree in three places, each of another kind."""
    drift = compare(open_queue(QUEUE), open_queue(DB))
    found = [(rule, finding.item, finding.field) for rule, kept in drift.findings.items() for finding in kept]
    assert found == [
        ("missing-in-db", "ORCH-030", None),
        ("missing-in-md", "ORCH-009", None),
        ("field-mismatch", "ORCH-017", "status"),
    ]


def test_demo_alerts(demo: Path) -> None:
    """Two limits are broken and the others hold; one item is stale because nothing tells its start."""
    report = run_gate(resolve({}, Policy(), now_s=NOW), only="kpi")
    verdicts = {rule.id: str(rule.verdict) for rule in report.rules}
    assert verdicts == {
        "failure-rate": "fail",
        "latency-p95-ms": "pass",
        "stale-in-progress": "fail",
        "malformed-lines": "pass",
    }
    stale = report.rule("stale-in-progress")
    assert [finding.item for finding in stale.findings] == ["ORCH-013", "ORCH-021"]
    assert "no start" in str(stale.findings[1].reason)
    p95 = next(metric.value for metric in report.metrics if metric.name == "latency_p95_ms")
    assert p95 is not None
    assert 1500 < p95 < 2000, "so that the example with --max-latency-p95-ms 1500 shows an alert"


def test_demo_item_of_the_examples(demo: Path) -> None:
    """ORCH-013 is in progress in both queues, and its lease in the database has run out."""
    found = [item for path in (QUEUE, DB) for item in item_rows(demo / path) if item[0] == "ORCH-013"]
    assert [item[1] for item in found] == ["IN_PROGRESS", "IN_PROGRESS"]
    query = "SELECT lease_owner = owner_session, lease_expires_at, attempt_count, max_attempts FROM queue_items"
    assert rows(demo / DB, f"{query} WHERE id = 'ORCH-013'") == [(1, int(NOW) - 105 * 60, 1, 3)]


def test_demo_database(demo: Path) -> None:
    """The database is sound: events of the types in the field, for its own items, in order, none in the future."""
    assert rows(demo / DB, "PRAGMA integrity_check") == [("ok",)]
    assert rows(demo / DB, "PRAGMA foreign_key_check") == []
    events = Counter(str(kind) for (kind,) in rows(demo / DB, "SELECT event_type FROM queue_events"))
    assert events["retried"] == 5
    assert set(events) <= {
        "added", "picked", "done", "failed", "blocked", "retried", "replan", "lease_acquired", "lease_renewed",
        "lease_released", "review_gate",
    }  # fmt: skip
    times = [str(time) for (time,) in rows(demo / DB, "SELECT created_at FROM queue_events ORDER BY event_id")]
    assert times == sorted(times)
    assert (start_epoch(times[-1], KST) or 0) <= NOW
    attempts = rows(demo / DB, "SELECT id, attempt_count FROM queue_items WHERE attempt_count > 0")
    retried = rows(demo / DB, "SELECT item_id, count(*) FROM queue_events WHERE event_type = 'retried' GROUP BY 1")
    assert attempts == sorted(retried)
    assert all(json.loads(str(text)) for (text,) in rows(demo / DB, "SELECT payload_json FROM queue_events"))


def test_demo_log(demo: Path) -> None:
    """A few hundred runs of several writers: pairs with all keys, in order, some of the least kind, none malformed."""
    lines = (demo / LOG).read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    stats = read_runs((LOG,))
    assert (stats.malformed, stats.runs > 200) == (0, True)
    whole = [record for record in records if "trace_id" in record]
    assert Counter(record["event"] for record in whole) == {"run_start": len(whole) // 2, "run_end": len(whole) // 2}
    assert len({record["trace_id"] for record in whole}) == len(whole) // 2
    assert all(re.fullmatch("trace-[0-9a-f]{12}", record["trace_id"]) for record in whole)
    stamps = [record["ts_epoch_ms"] for record in whole]
    assert stamps == sorted(stamps)
    assert stamps[-1] / 1000 <= NOW
    minimal = [record for record in records if "trace_id" not in record]
    assert {tuple(record) for record in minimal} == {("event", "command", "exit_code", "duration_ms")}
    assert {line[:9] for line in lines} >= {'{"event":', '{"command'}
    assert any(record.get("error") for record in records)


@settings(max_examples=30, deadline=None)
@given(now_s=st.integers(1_600_000_000, 4_000_000_000), zone=st.sampled_from([-570, 0, 345, 540, 840]))
def test_demo_times_are_relative(now_s: int, zone: int) -> None:
    """Whenever and wherever it is made, the log says the same but for its times, which are of the last days."""
    log = Operation(now_s=now_s, zone=zone).log().decode()
    usual = Operation(now_s=NOW, zone=KST).log().decode()
    timeless = r'"ts_(epoch_ms|kst)": ?("[^"]*"|\d+)'
    assert re.sub(timeless, "", log) == re.sub(timeless, "", usual)
    for line in log.splitlines():
        record = json.loads(line)
        if "ts_kst" in record:
            assert 0 <= now_s * 1000 - record["ts_epoch_ms"] < 6 * 86_400_000
            then = datetime.fromisoformat(record["ts_kst"])
            assert then.timestamp() * 1000 == pytest.approx(record["ts_epoch_ms"], abs=0.5)
            offset = then.utcoffset()
            assert offset is not None
            assert offset.total_seconds() == zone * 60


@pytest.mark.parametrize("umask", [0o000, 0o002, 0o022, 0o077])
def test_not_everybody_may_write(tmp_path: Path, umask: int) -> None:
    """What init makes follows the umask, but never lets everybody write, as umask 0 would."""
    before = os.umask(umask)
    try:
        init(tmp_path)
    finally:
        os.umask(before)
    made = [path for path in tmp_path.rglob("*") if path.name != "queue.db-journal"]
    assert made
    for path in made:
        full = 0o775 if path.is_dir() or path.suffix == ".py" else 0o664
        assert stat.S_IMODE(path.stat().st_mode) == full & ~umask, path
