"""A missing input is said once, with what works without it."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING

import pytest
from builders import item, make_database, make_markdown

from ops_checks.formats import FORMATS
from ops_checks.gate.run import run_gate
from ops_checks.settings import resolve

if TYPE_CHECKING:
    from pathlib import Path

PATHS = {
    "queue": "automation/orchestrator/QUEUE.md",
    "db": "automation/orchestrator/db/queue.db",
    "log": "automation/orchestrator/logs/orch_runs.jsonl",
}
NOTHING = (
    f"nothing to evaluate, none of these is here: {', '.join(PATHS.values())}: change to the project's folder, name "
    "them with --queue, --db and --log-path, or begin with `ops-checks init`"
)
NO_LOG = f"{PATHS['log']}: no such run log: name the file that the runs append to"
INIT = "or run `ops-checks init`, with `--from PATH` if the other side has rows"
NO_DB = f"{PATHS['db']}: no such database: name a SQLite database with --db, {INIT}"
ALONE = (
    "; `ops-checks check --only queue` checks the document alone, `--snapshot FILE` against what `ops-checks snapshot` "
    "wrote on the host of the database"
)
NO_QUEUE = f"{PATHS['queue']}: no such queue: name a Markdown file with --queue, {INIT}"


def gate(folder: Path, monkeypatch: pytest.MonkeyPatch, *there: str, only: str | None = None):
    """Return the report of a project in which only these inputs are there."""
    monkeypatch.chdir(folder)
    for path in PATHS.values():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
    if "queue" in there:
        make_markdown(folder / PATHS["queue"], [item()])
    if "db" in there and not (folder / PATHS["db"]).exists():
        make_database(folder / PATHS["db"], [item()])
    if "log" in there:
        (folder / PATHS["log"]).write_text('{"event":"run_end","command":"done","exit_code":0,"duration_ms":1}\n')
    return run_gate(resolve({}), only=only)


@pytest.mark.parametrize(
    ("there", "errors"),
    [
        (("queue", "db", "log"), ()),
        (("queue", "db"), (f"{NO_LOG}; `ops-checks check --only consistency` does without it",)),
        (("queue", "log"), (f"{NO_DB}; `ops-checks check --only kpi` does without it",)),
        (("db", "log"), (f"{NO_QUEUE}; `ops-checks check --only kpi` does without it",)),
        (("queue",), (f"{NO_DB}{ALONE}", f"{NO_LOG}{ALONE}")),
        (("db",), (NO_QUEUE, NO_LOG)),
        (("log",), (NO_QUEUE,)),
        ((), (NOTHING,)),
    ],
)
def test_one_line_a_missing_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there, errors) -> None:
    """One error for each input that is missing, whatever the number of rules that lack it; one where all are."""
    report = gate(tmp_path, monkeypatch, *there)
    assert report.errors == errors
    assert report.exit_code == (3 if errors else 0)


@pytest.mark.parametrize("there", [*itertools.combinations(PATHS, 2), ("queue",), ()])
def test_what_is_advised_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there) -> None:
    """The group that an error names is evaluated without the input."""
    for error in gate(tmp_path, monkeypatch, *there).errors:
        if "--only " in error:
            only = error.split("--only ")[1].split("`")[0]
            assert gate(tmp_path, monkeypatch, *there, only=only).exit_code == 0


@pytest.mark.parametrize("name", ["text", "markdown", "github", "gitlab", "sarif", "junit"])
@pytest.mark.parametrize("there", [("queue", "db"), ("queue", "log"), ()])
def test_no_format_repeats_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, there) -> None:
    """Rules without evidence are named, and no format says for each of them what is missing."""
    report = gate(tmp_path, monkeypatch, *there)
    rendered = FORMATS[name].render(report)
    if name in {"sarif", "gitlab"}:
        rendered = json.dumps(json.loads(rendered), ensure_ascii=False)
    told = 2 if name == "junit" else 1  # an attribute and the text of one element
    assert rendered.count("no such ") + rendered.count("nothing to evaluate") == told


def test_a_named_database_that_is_missing_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both groups need it then: one line, and no advice that would not work."""
    gate(tmp_path, monkeypatch, "queue", "log")
    report = run_gate(resolve({}, db="other.db"))
    assert report.errors == (f"other.db: no such database: name a SQLite database with --db, {INIT}",)
