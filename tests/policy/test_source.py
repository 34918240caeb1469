"""An operator's command reads a policy only if that could say anything of the queues."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ops_checks.errors import OpsError, UsageError
from ops_checks.policy.loader import load_policy
from ops_checks.policy.source import may_locate_queues
from ops_checks.settings import resolve

if TYPE_CHECKING:
    from pathlib import Path

LINES = [
    "queue: a.md",
    "db: b.db",
    "timezone: '+01:00'",
    "source_of_truth: db",
    "kpi:",
    "kpi: {stale_minutes: 5}",
    "  stale_minutes: 5",
    "consistency:",
    "  fields: all",
    "waivers: []",
    "# queue: a.md",
    "",
    "---",
    "...",
    "{queue: a}",
    " queue: a.md",
    "'queue': a.md",
    "? queue",
    "kpi: {",
    "}",
    "\tdb: x",
    "\ufeffkpi:",
    "kpi: |",
    "kpi: !x",
    "%YAML 1.2",
]


@example(["kpi: {stale_minutes: 5}", "source_of_truth: db"], "\r")
@given(st.lists(st.sampled_from(LINES), max_size=5), st.sampled_from(["\n", "\r\n", "\r"]))
def test_what_is_not_read_says_nothing(tmp_path_factory: pytest.TempPathFactory, lines: list[str], end: str):
    """A valid policy that is passed over names no path, no zone and no precedence."""
    path = tmp_path_factory.getbasetemp() / "source.yaml"
    path.write_bytes("".join(line + end for line in lines).encode())
    if not may_locate_queues(path.read_bytes()):
        try:
            policy = load_policy(str(path))
        except OpsError:
            return
        assert (policy.queue, policy.db, policy.timezone, policy.source_of_truth) == (
            None,
            None,
            None,
            "markdown",
        )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kpi:\n  stale_minutes: 5\n", False),
        ("history: on\n", False),
        ("# queue: a\n\nkpi: {}\nwaivers: []\n", False),
        ("kpi: {}\nqueue: a\n", True),
        ("  queue: a\n", True),
        ("", True),
        ("{queue: a}\n", True),
        ("kpi: {}\rqueue: a\r", True),
        ("# a\rkpi: {}\r\n\r  # b\r", False),
        ("kpi: {}\n# a\u2028\n", True),
    ],
)
def test_plain_cases(text: str, expected: bool):  # noqa: FBT001 - a column of the table
    """Comments and other keys do not count; everything unusual does."""
    assert may_locate_queues(text.encode()) is expected


def test_what_cannot_be_read_is_not_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A policy that is a folder is an error for an operator too; one that is not there is none."""
    monkeypatch.chdir(tmp_path)
    assert resolve({}, queues_only=True).source_of_truth == "markdown"
    (tmp_path / "ops-checks.yaml").mkdir()
    with pytest.raises(UsageError, match=r"ops-checks\.yaml: is a directory, not a policy"):
        resolve({}, queues_only=True)
