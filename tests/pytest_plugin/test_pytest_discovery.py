"""Editors build a tree of folders from the nodes' paths: each is a file name below the root, each line a number."""

from __future__ import annotations

import json

import pytest
from queue_projects import LOG, QUEUE, Project, outcomes

pytest_plugins = ("pytester",)

#: Lists what an editor's plugin asks of each item, and the names of the folders from its file up to the root.
DISCOVERY = """
import json, os, pathlib

def pytest_collection_finish(session):
    root, found = pathlib.Path.cwd(), []
    for item in session.items:
        assert item.path == item.parent.path and isinstance(item.path, pathlib.Path)
        assert item.path.is_relative_to(root) and item.path != root
        assert not os.path.isdir(item.path) and not item.path.is_dir()
        folders = list(item.path.parents)
        folders = [folder.name for folder in folders[:folders.index(root)]]
        line = item.location[1]
        assert type(line) is int and line >= 0
        run_id = "::".join([str(item.path), *item.nodeid.split("::")[1:]])
        found.append({"id": item.nodeid, "file": item.path.name, "folders": folders, "line": line, "run": run_id})
    root.joinpath("found.json").write_text(json.dumps(found))
"""


@pytest.mark.parametrize(
    ("option", "file"),
    [
        ("--queue-log=automation/orchestrator/logs/*.jsonl", "*.jsonl"),
        ("--queue-log=automation/orchestrator/logs/none.jsonl", "none.jsonl"),
        ("--queue-log=automation/orchestrator/logs", "*"),
        ("--queue-log=none-*.jsonl", "none-*.jsonl"),
        ("--queue-log=.", None),
        ("--queue-log=/nowhere/orch_runs.jsonl", "orch_runs.jsonl"),
        ("--queue-log=../*/orch_runs.jsonl", "orch_runs.jsonl"),
        ("--queue-path=none.md", "none.md"),
        ("--queue-path=..", None),
        ("--queue-db=none.db", "QUEUE.md"),
    ],
)
def test_every_node_has_its_place_in_the_tree(project: Project, option: str, file: str | None) -> None:
    """Whatever the inputs are named, and whether they exist: the tree has them, and their ids run what they name."""
    project.write("conftest.py", DISCOVERY)

    listed = project.pytest("--collect-only", "-q", "--new-first", option)

    assert listed.ret == 0
    found = json.loads((project.path / "found.json").read_text())
    assert len(found) == 8
    rule = "::failure-rate" if "log" in option else "::field-mismatch"
    (check,) = (each for each in found if each["id"].endswith(rule))
    assert file in {None, check["file"]}
    assert list(outcomes(project.pytest("-rA", option, check["run"]))) == [check["id"]]


def test_after_a_run_lines_are_those_of_the_rows(project: Project) -> None:
    """A check that found a row has its line, from the one that counts from 0; others have the first."""
    project.drift()
    project.write("conftest.py", DISCOVERY + "\npytest_sessionfinish = pytest_collection_finish\n")

    project.pytest()

    found = {each["id"]: each["line"] for each in json.loads((project.path / "found.json").read_text())}
    assert found[f"{QUEUE}::field-mismatch"] == 7
    assert found[f"{LOG}::failure-rate"] == 0
