"""Waivers of rules that count their findings: what is left is evaluated, for every such rule of the KPI group."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from builders import item, make_markdown

from ops_checks.gate.run import run_gate
from ops_checks.rules.registry import BY_METRIC
from ops_checks.settings import resolve

if TYPE_CHECKING:
    from pathlib import Path

#: Rules of the log count lines, which no waiver can name by an item.
COUNTING = [name for name, rule in BY_METRIC.items() if rule.counts_findings and name != "malformed_lines"]
STATUS = {"blocked": "BLOCKED", "pending": "PENDING", "stale_in_progress": "IN_PROGRESS"}
POLICY = """
queue: Q.md
kpi: {{thresholds: {{{name}: {{max: {most}, severity: error}}}}}}
waivers: [{{rule: {rule}, item: A-1, reason: known, owner: kim, expires: '2026-01-02'}}]
"""


@pytest.mark.parametrize(("most", "verdict"), [(1, "pass"), (0, "fail")])
@pytest.mark.parametrize("name", STATUS)
def test_what_is_left_of_a_count_is_evaluated(folder: Path, name: str, most: int, verdict: str) -> None:
    """Of two items one is waived: a limit of one holds, a limit of none does not."""
    make_markdown(folder / "Q.md", [item("A-1", STATUS[name]), item("A-2", STATUS[name])])
    (folder / "runs.jsonl").touch()
    rule = BY_METRIC[name].id
    (folder / "ops-checks.yaml").write_text(POLICY.format(name=name, most=most, rule=rule))
    result = run_gate(resolve(logs=("runs.jsonl",)), only="kpi").rule(rule)
    assert (result.value, result.verdict.value) == (2, verdict)


def test_every_rule_that_counts_items_is_here() -> None:
    """No rule that counts items is left out of these tests."""
    assert set(COUNTING) == set(STATUS)
