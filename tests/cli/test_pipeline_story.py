"""The story of a team in its pipeline, in a repository of its own: from the first row to a report that is only news."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from builders import aged, item
from git_projects import GitProject

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Told

    Run = Callable[..., Told]

ITEMS = [
    item("OPS-1", "IN_PROGRESS", "P0", owner_session="w1", started_at_kst="2026-01-01 23:50"),
    item("OPS-2"),
    item("OPS-3", "BLOCKED", notes="waits for a key"),
]
ADDED = "| OPS-9 | PENDING | P1 | Rotate the keys | rotated | - | - | - | |\n"
POLICY = "queue: QUEUE.md\ndb: queue.db\nlog: runs.jsonl\nconsistency: {settle: 0s}\n"
OWN = """\
rules:
  - id: p0-has-due
    title: P0 items without a due time
    sql: SELECT id, owner_session FROM queue_items WHERE priority = 'P0' AND due_at_kst = '-'
  - id: blocked-is-old
    python: "team_rules:blocked"
"""
CODE = """\
def blocked(context):
    for each in context.items:
        if each.status == "BLOCKED":
            yield context.finding(each, "is blocked")
"""
WAIVERS = """\
waivers:
  - {rule: p0-has-due, item: OPS-1, reason: agreed by mouth, owner: kim, expires: "2026-12-31"}
  - {rule: blocked-is-old, item: OPS-3, reason: the key comes on Monday, owner: kim, expires: "2026-12-31"}
"""


class Story:
    """A host with database and log, and a runner with a checkout of the same repository."""

    def __init__(self, folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        self.host = folder / "host"
        self.runner = folder / "runner"
        self._run = run
        self._go = monkeypatch.chdir
        self.repository = GitProject(self.host)
        self.repository.write(ITEMS)
        (self.host / ".gitignore").write_text("queue.db*\nruns.jsonl\nstate.json\n*.lock\n")
        (self.host / "ops-checks.yaml").write_text(POLICY)
        (self.host / "runs.jsonl").write_text(
            '{"event":"run_end","command":"done","exit_code":0,"duration_ms":10,"ts_epoch_ms":1767279000000}\n' * 3
        )
        assert self.on_host("init", "--from", "QUEUE.md", "--db", "queue.db").code == 0
        self.push()

    def on_host(self, *words: str) -> Told:
        """Run a command where database and log are."""
        self._enter(self.host)
        return self._run(*words)

    def on_runner(self, *words: str) -> Told:
        """Run a command in the checkout, which has the document only."""
        self._enter(self.runner)
        return self._run(*words)

    def _enter(self, folder: Path) -> None:
        self._go(folder)
        sys.modules.pop("team_rules", None)  # each command is a process of its own elsewhere

    def push(self) -> None:
        """Commit what is on the host, and check it out anew on the runner."""
        self.repository.commit()
        self._enter(self.host)
        subprocess.run(["rm", "-rf", str(self.runner)], check=True)
        subprocess.run(["git", "clone", "-q", str(self.host), str(self.runner)], check=True)
        for path in (self.runner / "QUEUE.md", self.host / "QUEUE.md", self.host / "queue.db"):
            aged(path)

    def snapshot(self) -> None:
        """Make the snapshot on the host, and take it to the runner."""
        assert self.on_host("snapshot", "-o", "state.json").code == 0
        (self.runner / "state.json").write_bytes((self.host / "state.json").read_bytes())

    def sql(self, statement: str) -> None:
        """Let a worker change the database."""
        with closing(sqlite3.connect(self.host / "queue.db")) as connection, connection:
            connection.execute(statement)
        aged(self.host / "queue.db")


@pytest.fixture
def story(folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> Story:
    """Return the story at its beginning: both sides agree."""
    return Story(folder, run, monkeypatch)


def findings(told: Told) -> dict[str, list[str]]:
    """Return the items of the findings that fail, by rule."""
    rules = json.loads(told.out)["rules"]
    live = {
        rule["id"]: [each["item"] for each in rule["findings"] if not each["suppressed"] and not each.get("since_ms")]
        for rule in rules
    }
    return {rule: items for rule, items in live.items() if items}


def test_a_pull_request_that_adds_a_task_is_green(story: Story) -> None:
    """The document alone, and the document beside a snapshot: the row is told, and is no drift."""
    story.snapshot()
    rows = (story.runner / "QUEUE.md").read_text().replace("| OPS-3 ", ADDED + "| OPS-3 ")
    (story.runner / "QUEUE.md").write_text(rows)
    assert story.on_runner("check", "--only", "queue", "-f", "health").out == "HEALTH_OK\n"
    told = story.on_runner("check", "--snapshot", "state.json")
    assert (told.code, "OPS-9" in told.out) == (0, True)


def test_a_worker_moves_the_database(story: Story) -> None:
    """It is drift on either side, and the side that moved is named."""
    story.sql("UPDATE queue_items SET status = 'DONE' WHERE id = 'OPS-1'")
    story.snapshot()
    told_there = story.on_host("check", "-f", "json")
    told_here = story.on_runner("check", "--snapshot", "state.json", "-f", "json")
    for told in (told_there, told_here):
        assert told.code == 1
        assert findings(told) == {"field-mismatch": ["OPS-1"]}
        (finding,) = (each for rule in json.loads(told.out)["rules"] for each in rule["findings"])
        assert finding["reason"] == "only the database differs from b-1"
    assert "- to_md OPS-1 claim IN_PROGRESS -> DONE" in story.on_host("drift").out


def test_rules_of_the_team_fail_and_are_waived(story: Story) -> None:
    """SQL and Python are rules like the others: in the gate, on the document alone, beside a snapshot, and waived."""
    (story.host / "team_rules.py").write_text(CODE)
    (story.host / "ops-checks.yaml").write_text(POLICY + OWN)
    story.push()
    story.snapshot()
    expected = {"p0-has-due": ["OPS-1"], "blocked-is-old": ["OPS-3"]}
    for told in (
        story.on_host("check", "-f", "json"),
        story.on_runner("check", "--only", "queue", "-f", "json"),
        story.on_runner("check", "--snapshot", "state.json", "-f", "json"),
    ):
        assert (told.code, findings(told)) == (1, expected), told.err
    (story.host / "ops-checks.yaml").write_text(POLICY + OWN + WAIVERS)
    story.push()
    story.snapshot()
    for told in (
        story.on_host("check", "-f", "json"),
        story.on_runner("check", "--only", "queue", "-f", "json"),
        story.on_runner("check", "--snapshot", "state.json", "-f", "json"),
    ):
        assert (told.code, findings(told)) == (0, {}), told.err


def test_known_findings_of_the_team_s_own_rules_do_not_fail(story: Story) -> None:
    """A rule of the team's own is adopted before all that it finds is mended."""
    (story.host / "team_rules.py").write_text(CODE)
    (story.host / "ops-checks.yaml").write_text(POLICY + OWN)
    assert story.on_host("check", "-f", "json=known.json").code == 1
    told = story.on_host("check", "--known", "known.json", "-f", "json=now.json")
    assert (told.code, told.err) == (0, "")
    for statement in ("UPDATE queue_items SET status = 'BLOCKED'", "UPDATE queue_items SET priority = 'P0'"):
        story.sql(f"{statement} WHERE id = 'OPS-2'")
        told = story.on_host("check", "--only", "own", "--known", "now.json", "-f", "json")
        assert told.code == 1
    assert findings(told) == {"p0-has-due": ["OPS-2"], "blocked-is-old": ["OPS-2"]}


def test_only_news_fails(story: Story) -> None:
    """What last week's report has is known, what is new fails, what went away is told."""
    story.sql("UPDATE queue_items SET priority = 'P2' WHERE id IN ('OPS-2', 'OPS-3')")
    assert story.on_host("check", "-f", "json=known.json").code == 1
    assert story.on_host("check", "--known", "known.json", "-f", "health").code == 0
    story.sql("UPDATE queue_items SET priority = 'P1' WHERE id = 'OPS-3'")
    story.sql("UPDATE queue_items SET priority = 'P1' WHERE id = 'OPS-1'")
    told = story.on_host("check", "--known", "known.json", "-f", "json=now.json", "-f", "text")
    assert told.code == 1
    assert findings(told._replace(out=(story.host / "now.json").read_text())) == {"field-mismatch": ["OPS-1"]}
    shown = story.on_host("report", "known.json", "now.json", "-f", "markdown").out
    assert shown.splitlines()[0] == "## ❌ ops-checks: 1 new since 2 January: OPS-1; 1 gone"
