"""The rules on rows as tests: items like the others where the policy names them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from builders import item
from queue_projects import ALL_IDS, DB, ITEMS, QUEUE, outcomes

if TYPE_CHECKING:
    from queue_projects import Project

pytest_plugins = ["pytester"]

RULE = f"{QUEUE}::in-progress-has-owner"


@pytest.fixture
def named(project: Project) -> Project:
    """Return a project whose policy names two rules on rows, with an item that nobody has."""
    nobodys = [*ITEMS[1:], item("ORCH-1", "IN_PROGRESS", started_at_kst="2100-01-01 00:00")]
    project.queues(nobodys, nobodys)
    project.write(
        "ops-checks.yaml",
        "rules: [{id: in-progress-has-owner}, {id: wip-limit, severity: off}]\n"
        "kpi: {thresholds: {stale_in_progress: off}}\n",
    )
    return project


def test_a_rule_on_rows_is_an_item_under_the_document(named: Project) -> None:
    """What the policy names is one more test, which names the item, its row and what to do; what is off is none."""
    result = named.pytest("-rA")
    found = outcomes(result)
    assert {name for name in found if name not in ALL_IDS} == {RULE, "tests/test_own.py::test_own"}
    assert found[RULE] == "FAILED"
    result.stdout.fnmatch_lines(
        [
            "items in progress that have no owner: 1",
            f"  {DB}:queue_items:ORCH-1 ORCH-1 is in progress and has no owner",
            "*help: Nobody can be asked about it. *",
            "*more: ops-checks check --only in-progress-has-owner",
        ]
    )


@pytest.mark.parametrize("argv", [("-m", "queue_rows"), (RULE,), ("-k", "in-progress-has-owner")])
def test_it_is_chosen_like_the_others(named: Project, argv: tuple[str, ...]) -> None:
    """Its marker, its node id and -k mean what they mean for every check."""
    assert outcomes(named.pytest("-rA", *argv)) == {RULE: "FAILED"}
