"""Every example line of the specification runs verbatim, in a folder that `init` made, and ends as it says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ops_checks.scaffold import lay_down

SPECIFICATION = Path(__file__).parent / "data" / "OPS_COMMANDS.md"
KST = 540

OPS = "python3 automation/orchestrator/ops.py"
DB = "automation/orchestrator/db/queue.db"
MD = "automation/orchestrator/QUEUE.md"
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
        lay_down(str(made[demo]), demo=demo, now_s=time.time(), tz_minutes=KST)
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


def run(line: str, folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
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
    done = run(line, folder, environment)
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
    done = run(line, folder, environment)
    changed = {str(path.relative_to(folder)) for path, data in before.items() if path.read_bytes() != data}
    reads = any(f" {command}" in line for command in READING) or done.returncode
    queue = DB if f"--db {DB}" in line else MD
    assert changed == (set() if reads else {queue})
