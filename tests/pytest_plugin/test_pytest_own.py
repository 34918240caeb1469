"""The project's own rules as tests: items like the others, by the ids that the policy gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from queue_projects import DB, outcomes

if TYPE_CHECKING:
    from queue_projects import Project

pytest_plugins = ["pytester"]

RULES = """\
rules:
  - id: second-is-gone
    title: the second item
    sql: SELECT id, owner_session FROM queue_items WHERE id = 'ORCH-2'
  - {id: none-is-done, severity: warning, sql: "SELECT id FROM queue_items WHERE status = 'DONE'"}
"""


@pytest.mark.parametrize(
    "argv", [("-m", "queue_own"), ("-k", "second or none"), ("-n", "2", "-p", "xdist", "-m", "queue_own")]
)
def test_they_are_items_under_the_database(project: Project, argv: tuple[str, ...]) -> None:
    """Each is one more test; what fails shows the item with the columns."""
    project.write("ops-checks.yaml", RULES)
    result = project.pytest("-rA", *argv)
    assert outcomes(result) == {f"{DB}::second-is-gone": "FAILED", f"{DB}::none-is-done": "PASSED"}
    result.stdout.fnmatch_lines(["the second item: 1", f"*{DB}:queue_items:ORCH-2 ORCH-2 owner_session=-*"])


def test_one_that_does_not_parse_fails_every_check(project: Project) -> None:
    """With the line in the policy: nothing was judged."""
    project.write("ops-checks.yaml", RULES.replace("WHERE id", "WERE id"))
    result = project.pytest("-rA")
    assert set(outcomes(result).values()) == {"FAILED", "PASSED"}
    assert [name for name, outcome in outcomes(result).items() if outcome == "PASSED"] == [
        "tests/test_own.py::test_own"
    ]
    result.stdout.fnmatch_lines([f"FAILED {DB}::none-is-done - error: ops-checks.yaml:4: rules.second-is-gone.sql: *"])
