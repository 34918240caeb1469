"""The specification taken by its word: its example lines run, and its output lines come out, verbatim."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from builders import execute, item, make_database, make_markdown
from conftest import NOW_S

from ops_checks.scaffold.layout import Layout
from ops_checks.scaffold.project import make_project

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Told

    Run = Callable[..., Told]

SPECIFICATION = Path(__file__).parents[1] / "data" / "OPS_COMMANDS.md"
KST = 540

OPS = "python3 automation/orchestrator/ops.py"
DB = "automation/orchestrator/db/queue.db"
MD = "automation/orchestrator/QUEUE.md"
LOG = "automation/orchestrator/logs/orch_runs.jsonl"
NO_ITEM = r"error: .*: no item ORCH-013.*"
NOBODY = "workers_active=0 in_progress=0"
NOTHING = "summary PENDING=0 IN_PROGRESS=0 BLOCKED=0 FAILED=0 DONE=0"
DRIFT = "consistency mismatch missing_in_db=1 missing_in_md=1 field_mismatch=1"
KPI = r"kpi success_rate=\d\d\.\d\d% latency_p95_ms=[\d.]+ latency_avg_ms=[\d.]+ retry_count=5 stale_in_progress=2"
NO_KPI = "kpi success_rate=- latency_p95_ms=- latency_avg_ms=- retry_count=0 stale_in_progress=0"

#: Example line → exit code and first line (of stdout, or of stderr where the exit code is 3 and above),
#: in a folder made by `init`, and in one made by `init --demo`.
EXAMPLES = {
    f"{OPS} status": ((0, NOTHING), (0, "summary PENDING=6 IN_PROGRESS=6 BLOCKED=3 FAILED=3 DONE=12")),
    f"{OPS} --db {DB} status": ((0, NOTHING), (0, "summary PENDING=5 IN_PROGRESS=5 BLOCKED=3 FAILED=3 DONE=14")),
    f"{OPS} workers": ((0, NOBODY), (0, "workers_active=4 in_progress=6")),
    f"{OPS} --db {DB} workers": ((0, NOBODY), (0, "workers_active=3 in_progress=5")),
    f"{OPS} consistency-check": ((0, "consistency ok total=0"), (1, DRIFT)),
    f"{OPS} consistency-check --queue-path {MD} --db-path {DB}": ((0, "consistency ok total=0"), (1, DRIFT)),
    f"{OPS} kpi": ((0, NO_KPI), (0, KPI)),
    f"{OPS} kpi --max-failure-rate 0.1 --max-latency-p95-ms 1500 --fail-on-alert": ((0, NO_KPI), (2, KPI)),
    f"{OPS} cancel --id ORCH-013": ((5, NO_ITEM), (0, "ORCH-013 -> BLOCKED")),
    f"{OPS} --db {DB} cancel --id ORCH-013": ((5, NO_ITEM), (0, "ORCH-013 -> BLOCKED")),
    f'{OPS} replan --id ORCH-013 --notes "scope split into W1/W2"': ((5, NO_ITEM), (0, "ORCH-013 -> BLOCKED")),
    f'{OPS} --db {DB} replan --id ORCH-013 --notes "need schema update first"': (
        (5, NO_ITEM),
        (0, "ORCH-013 -> BLOCKED"),
    ),
    f"{OPS} retry --id ORCH-013": ((5, NO_ITEM), (5, "error: .*ORCH-013: is IN_PROGRESS: only FAILED and BLOCKED .*")),
    f"{OPS} --db {DB} retry --id ORCH-013": ((5, NO_ITEM), (0, "ORCH-013 -> PENDING")),
}


def examples() -> list[str]:
    """Return the example lines of the specification, in its order: every code span that calls the entry point."""
    text = SPECIFICATION.read_text(encoding="utf-8")
    body = text.partition("\n---\n")[2]  # before that the entry point is named, not called
    return re.findall(rf"`({re.escape(OPS)}[^`]*)`", body)


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Path]:
    """Return two laid down projects, by whether they hold the demo. They are copied, never changed."""
    made = {}
    for demo in (False, True):
        made[demo] = tmp_path_factory.mktemp("demo" if demo else "empty")
        make_project(Layout(str(made[demo])), demo=demo, now_s=time.time(), zone=KST)
    return made


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return an environment in which `python3` is the Python that runs this test, and no setting is made."""
    folder = tmp_path_factory.mktemp("bin")
    python3 = folder / "python3"
    python3.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python3.chmod(0o755)
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "LC_ALL") if name in os.environ}
    return kept | {"PATH": f"{folder}:{os.environ['PATH']}"}


def run_line(line: str, folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a line as a user does, in a folder."""
    return subprocess.run(
        ["bash", "-c", line], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


def test_every_example_is_in_the_table() -> None:
    """The table holds the example lines of the specification, all of them and no other."""
    found = examples()
    assert len(found) == 14
    assert set(found) == set(EXAMPLES)


@pytest.mark.parametrize("demo", [False, True], ids=["init", "demo"])
@pytest.mark.parametrize("line", examples())
def test_example(
    line: str,
    demo: bool,  # noqa: FBT001 - a column of the table
    projects: dict[bool, Path],
    environment: dict[str, str],
    tmp_path: Path,
) -> None:
    """An example line, as it stands in the specification, ends in its exit code and says what it should."""
    folder = tmp_path / "project"
    shutil.copytree(projects[demo], folder)
    code, first = EXAMPLES[line][demo]
    done = run_line(line, folder, environment)
    said = done.stdout if code < 3 else done.stderr
    assert done.returncode == code, done.stderr
    assert re.fullmatch(first, said.partition("\n")[0])
    assert code < 3 or (done.stdout, done.stderr.count("\n")) == ("", 1)
    assert "Traceback" not in done.stderr


READING = ("status", "workers", "consistency-check", "kpi")


@pytest.mark.parametrize("line", examples())
def test_example_changes_what_it_should(
    line: str, projects: dict[bool, Path], environment: dict[str, str], tmp_path: Path
) -> None:
    """In the demo, a reading example changes no file; any other changes the queue it works on, and no other file."""
    folder = tmp_path / "project"
    shutil.copytree(projects[True], folder)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    done = run_line(line, folder, environment)
    changed = {str(path.relative_to(folder)) for path, data in before.items() if path.read_bytes() != data}
    reads = any(f" {command}" in line for command in READING) or done.returncode
    queue = DB if f"--db {DB}" in line else MD
    assert changed == (set() if reads else {queue})


# --- the output lines of FORMATS section 6, and the options of `kpi`

START = {"owner_session": "s1", "started_at_kst": "2026-01-01 10:00"}
FRESH = {"owner_session": "s1", "started_at_kst": "2026-01-01 23:30"}  # half an hour before the tests' now


def output_blocks() -> list[str]:
    """Return the blocks of output that FORMATS section 6 shows, in its order."""
    text = (SPECIFICATION.parent / "FORMATS.md").read_text(encoding="utf-8")
    return text.partition("\n## 6. ")[2].split("```\n")[1].split("\n\n")


def write_log(path: Path, *runs: tuple[str, float]) -> None:
    """Write a log of runs that succeeded: command and milliseconds."""
    keys = ("event", "command", "exit_code", "duration_ms")
    records = [dict(zip(keys, ("run_end", command, 0, duration), strict=True)) for command, duration in runs]
    path.write_text("".join(json.dumps(record) + "\n" for record in records))


def test_output_of_status(folder: Path, run: Run) -> None:
    """`status` prints the lines of FORMATS section 6, the same on both backends."""
    items = [item("ORCH-101"), item("ORCH-102", "IN_PROGRESS", "P2", **START), item("ORCH-103", "FAILED")]
    make_markdown(folder / "Q.md", items)
    make_database(folder / "q.db", items)
    expected = output_blocks()[0] + "\n"
    assert run("status", "--queue", "Q.md") == run("status", "--db", "q.db") == (0, expected, "")


def test_output_of_workers(folder: Path, run: Run) -> None:
    """`workers` prints the lines of FORMATS section 6, the same on both backends."""
    items = [item("ORCH-107", "IN_PROGRESS", "P2", **FRESH), item("ORCH-102", "IN_PROGRESS", "P0", **START)]
    make_markdown(folder / "Q.md", items)
    make_database(folder / "q.db", items)
    expected = output_blocks()[1] + "\n"
    assert run("workers", "--queue", "Q.md") == run("workers", "--db", "q.db") == (0, expected, "")


def test_output_of_consistency_check(folder: Path, run: Run) -> None:
    """`consistency-check` prints the lines of FORMATS section 6."""
    make_markdown(folder / "Q.md", [item("ORCH-102", "IN_PROGRESS"), item("ORCH-110")])
    make_database(folder / "q.db", [item("ORCH-090"), item("ORCH-102", "DONE")])
    expected = output_blocks()[2] + "\n"
    assert run("consistency-check", "--queue-path", "Q.md", "--db-path", "q.db") == (1, expected, "")


@pytest.fixture
def operation(folder: Path) -> Path:
    """Return a folder with a database of three stale items and one retry, and two logs of a success and a failure."""
    stale = [item(f"ORCH-{number}", "IN_PROGRESS", **START) for number in (1, 2, 3)]
    make_database(folder / "q.db", [*stale, item("ORCH-4", "IN_PROGRESS", **FRESH)])
    execute(folder / "q.db", "INSERT INTO queue_events (item_id, event_type) VALUES ('ORCH-4', 'retried')")
    write_log(folder / "runs.jsonl", ("done", 1), ("fail", 9999))
    write_log(folder / "quick.jsonl", ("done", 100), ("fail", 300))
    return folder


ONE_AND_ONE = ("alert failure_rate=0.5000 exceeds 0.2000", "alert latency_p95_ms=9999 exceeds 2000")
STALE = "alert stale_in_progress=3 exceeds 0"


@pytest.mark.parametrize(
    ("options", "alerts"),
    [
        ("", (*ONE_AND_ONE, STALE)),
        ("--max-failure-rate 0.5", (ONE_AND_ONE[1], STALE)),
        ("--max-failure-rate 0.49", ("alert failure_rate=0.5000 exceeds 0.4900", ONE_AND_ONE[1], STALE)),
        ("--max-latency-p95-ms 9999", (ONE_AND_ONE[0], STALE)),
        ("--max-latency-p95-ms 9998", (ONE_AND_ONE[0], "alert latency_p95_ms=9999 exceeds 9998", STALE)),
        ("--max-stale-in-progress 3", ONE_AND_ONE),
        ("--max-stale-in-progress 2", (*ONE_AND_ONE, "alert stale_in_progress=3 exceeds 2")),
        ("--stale-minutes 840", ONE_AND_ONE),  # from 10:00 to 00:00
        ("--stale-minutes 839", (*ONE_AND_ONE, STALE)),
        ("--stale-minutes 29", (*ONE_AND_ONE, "alert stale_in_progress=4 exceeds 0")),
        ("--log-path quick.jsonl", (ONE_AND_ONE[0], STALE)),
    ],
)
def test_options_of_kpi(operation: Path, run: Run, options: str, alerts: tuple[str, ...]) -> None:
    """Each limit holds up to itself; a value beyond it is an alert, which fails only with --fail-on-alert."""
    command = ["kpi", "--db-path", "q.db", *(() if "log" in options else ("--log-path", "runs.jsonl"))]
    told = run(*command, *options.split())
    assert (told.code, told.err, tuple(told.out.splitlines()[1:])) == (0, "", alerts)
    assert run(*command, *options.split(), "--fail-on-alert") == (2, told.out, "")


def test_output_of_kpi(operation: Path, run: Run) -> None:
    """`kpi` prints the lines of FORMATS section 6."""
    line, *alerts = output_blocks()[3].splitlines()
    quick = run("kpi", "--log-path", "quick.jsonl", "--db-path", "q.db", "--stale-minutes", "900", "--fail-on-alert")
    assert (quick.code, quick.out.splitlines()) == (2, [line, alerts[0]])
    slow = run("kpi", "--log-path", "runs.jsonl", "--db-path", "q.db")
    assert slow.out.splitlines()[1:] == alerts


def test_defaults_of_kpi(folder: Path, run: Run) -> None:
    """Without options the log and the database are at the specification's paths; without the latter, Markdown is."""
    make_project(Layout(str(folder)), demo=True, now_s=NOW_S, zone=KST)
    named = run("kpi", "--log-path", LOG, "--db-path", DB, "--max-failure-rate", "0.2", "--max-latency-p95-ms", "2000",
                "--max-stale-in-progress", "0", "--stale-minutes", "60")  # fmt: skip
    assert run("kpi") == named
    assert named.out.splitlines()[1:] == [
        "alert failure_rate=0.3636 exceeds 0.2000",
        "alert stale_in_progress=2 exceeds 0",
    ]
    (folder / DB).unlink()
    assert " retry_count=- stale_in_progress=2\n" in run("kpi").out
    told = run("kpi", "--db-path", DB)
    assert (told.code, told.out, told.err.count("\n")) == (3, "", 1)


def test_nothing_to_alert(folder: Path, run: Run) -> None:
    """Healthy KPIs are one line, and --fail-on-alert is content."""
    make_database(folder / "q.db", [item("ORCH-1", "DONE")])
    write_log(folder / "runs.jsonl", ("done", 12.5), ("list", 7))
    expected = "kpi success_rate=100.00% latency_p95_ms=12.5 latency_avg_ms=9.75 retry_count=0 stale_in_progress=0\n"
    assert run("kpi", "--log-path", "runs.jsonl", "--db-path", "q.db", "--fail-on-alert") == (0, expected, "")
