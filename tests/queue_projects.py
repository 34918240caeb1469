"""Small projects with a queue, in which the plugin's tests run pytest in a process of its own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from builders import item, make_database, make_markdown

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import pytest

    from ops_checks.model import Item

QUEUE = "automation/orchestrator/QUEUE.md"
DB = "automation/orchestrator/db/queue.db"
LOG = "automation/orchestrator/logs/orch_runs.jsonl"
DRIFT_IDS = [f"{QUEUE}::{rule}" for rule in ("missing-in-db", "missing-in-md", "field-mismatch")]
KPI_IDS = [f"{LOG}::{rule}" for rule in ("failure-rate", "latency-p95-ms", "stale-in-progress", "malformed-lines")]
ALL_IDS = DRIFT_IDS + KPI_IDS
ITEMS = [item(f"ORCH-{number}") for number in (1, 2, 3)]
#: The first row of the items in the document that `make_markdown` writes.
FIRST_ROW = 7


class Project:
    """A project in the current folder; green until something is changed."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self._pytester = pytester
        self.path = pytester.path
        self.options: tuple[str, ...] = ("--queue-check",)
        #: By entry point; no others are loaded.
        self.plugins: tuple[str, ...] = ("ops-checks",)
        for folder in (DB, LOG):
            (self.path / folder).parent.mkdir(parents=True)
        self.queues(ITEMS, ITEMS)
        self.log([("done", 100)] * 20)
        self.write("pytest.ini", "[pytest]\n")
        self.write("tests/test_own.py", "def test_own():\n    pass\n")

    def write(self, name: str, text: str) -> Path:
        """Write a file of the project."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def queues(self, md: Iterable[Item], db: Iterable[Item]) -> None:
        """Fill both queues anew."""
        make_markdown(self.path / QUEUE, md)
        (self.path / DB).unlink(missing_ok=True)
        make_database(self.path / DB, db)

    def drift(self) -> None:
        """Let one item differ: ORCH-2, in the queue's row FIRST_ROW + 1."""
        self.queues(ITEMS, [ITEMS[0], item("ORCH-2", "DONE"), ITEMS[2]])

    def log(self, runs: Iterable[tuple[str, float]]) -> None:
        """Write a run log of commands with their duration in ms, all of exit code 0."""
        lines = (
            json.dumps({"event": "run_end", "command": command, "exit_code": 0, "duration_ms": duration_ms})
            for command, duration_ms in runs
        )
        self.write(LOG, "".join(f"{line}\n" for line in lines))

    def pytest(self, *args: object) -> pytest.RunResult:
        """Run pytest with the checks on."""
        plugins = [f"-p{name}" for name in self.plugins]
        return self._pytester.runpytest_subprocess(*plugins, *self.options, *map(str, args))

    def report(self, name: str = "report.json") -> dict[str, object]:
        """Return a JSON report that was written."""
        found: dict[str, object] = json.loads((self.path / name).read_text(encoding="utf-8"))
        return found


def outcomes(result: pytest.RunResult) -> dict[str, str]:
    """Return outcome by node id, from what `-rA` lists."""
    found = {}
    for line in result.outlines:
        word, _, rest = line.partition(" ")
        if word in {"PASSED", "FAILED", "ERROR"} and "::" in rest:
            found[rest.split(" - ")[0]] = word
    return found
