"""The rules on events as tests: items like the others where the policy names them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from event_histories import case, store
from queue_projects import DB, DRIFT_IDS, ITEMS, KPI_IDS, outcomes

from ops_checks.rules.history.rules import HISTORY_RULES

if TYPE_CHECKING:
    from queue_projects import Project

pytest_plugins = ["pytester"]

HISTORY_IDS = [f"{DB}::{rule.id}" for rule in HISTORY_RULES]
GOOD = case("added", attempts=0, most=3)
RACE = case("added", *["picked", ("replan", {"status": "PENDING"})] * 2, "picked", "picked", attempts=0, most=3)


@pytest.fixture
def watched(project: Project) -> Project:
    """Return a project whose policy names the rules, with an item that was picked twice."""
    (project.path / DB).unlink()
    store(project.path / DB, {"ORCH-1": GOOD, "ORCH-2": RACE, "ORCH-3": GOOD})
    project.write("ops-checks.yaml", "history: {severity: {changed-without-event: off}}\n")
    return project


def test_they_are_items_under_the_database(watched: Project) -> None:
    """Each rule that is on is one more test; what fails shows the item and its events."""
    result = watched.pytest("-rA")
    found = outcomes(result)
    assert {name: found[name] for name in HISTORY_IDS if name in found} == {
        name: "FAILED" if name.endswith("picked-twice") else "PASSED"
        for name in HISTORY_IDS
        if not name.endswith("changed-without-event")
    }
    result.stdout.fnmatch_lines(
        [
            "items that were picked more often than they were put back: 1",
            f"*{DB}:queue_items:ORCH-2 ORCH-2 was picked 4 times and put back 2 times (event * picked 2026-01-01 *",
            "*more: ops-checks check --only history",
        ]
    )


@pytest.mark.parametrize(
    ("argv", "ids"),
    [
        (("-m", "queue_history"), ["picked-twice"]),
        ((f"{DB}::picked-twice",), ["picked-twice"]),
        (("-k", "twice"), ["picked-twice"]),
        (("-n", "2", "-p", "xdist", "-m", "queue_history"), ["picked-twice"]),
    ],
)
def test_they_are_chosen_like_the_others(watched: Project, argv: tuple[str, ...], ids: list[str]) -> None:
    """Their marker, their node ids, -k and other processes mean what they mean for every check."""
    found = outcomes(watched.pytest("-rA", *argv))
    assert [name for name in found if found[name] == "FAILED"] == [f"{DB}::{rule}" for rule in ids]
    assert all(name in HISTORY_IDS for name in found)


@pytest.mark.parametrize("history", ["kpi: {}\n", "history: off\n"])
def test_they_are_none_where_nobody_names_them(watched: Project, history: str) -> None:
    """Without them the checks are those that they always were."""
    watched.write("ops-checks.yaml", history)
    watched.queues(ITEMS, ITEMS)
    found = outcomes(watched.pytest("-rA"))
    assert sorted(found) == sorted([*DRIFT_IDS, *KPI_IDS, "tests/test_own.py::test_own"])
