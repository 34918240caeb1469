"""What an application is foretold to do is what it does, and telling it writes nothing (RECONCILE section 13)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from real_queues import Queues
from reconcile_checks import everything
from worked_cases import CASES

from ops_checks.gate.stable_reading import compare_by
from ops_checks.reconcile.apply import apply_plan
from ops_checks.reconcile.model import Options
from ops_checks.reconcile.plan_file import parse_plan
from ops_checks.reconcile.plan_json import plan_text
from ops_checks.reconcile.planning import make_plan
from ops_checks.reconcile.preview import preview_plan

if TYPE_CHECKING:
    from pathlib import Path

_ELSEWHERE = {"lineage", "touched", "db_read_only", "crash", "undo", "md_read_only"}
_APPLIED = [case for case in CASES if not case["expect"]["stop"] and _ELSEWHERE.isdisjoint(case["flags"])]


@pytest.mark.parametrize("case", _APPLIED, ids=lambda case: case["name"])
def test_worked_case_is_foretold(case: dict[str, Any], tmp_path: Path) -> None:
    """Of every worked case: the same actions are applied and stale, and both queues differ then as was said."""
    flags = case["flags"]
    queues = Queues(tmp_path)
    if case["base"] is not None:
        queues.agree(case["base"])
    queues.write_md(case["md"])
    queues.write_db(case["db"])
    context = queues.context()
    options = Options(prefer=flags.get("prefer", {}), union=flags.get("no_base") == "union")
    plan = parse_plan(plan_text(make_plan(context, options, digests=True).json(context)), "plan.json")
    for side, rows in flags.get("between_plan_and_apply", {}).items():
        (queues.write_md if side == "md" else queues.write_db)(rows)
    before = everything(tmp_path)
    preview = preview_plan(context, plan)
    assert everything(tmp_path) == before
    applied = apply_plan(context, plan)
    foretold, made = preview.result.outcome, applied.outcome
    assert (foretold.applied, foretold.stale, foretold.done) == (made.applied, made.stale, made.done)
    now = compare_by(context.policy.consistency, context.md_store, context.db_store, settle_s=0)
    assert (preview.drift.counts, preview.drift.total, preview.drift.total_db) == (now.counts, now.total, now.total_db)
    told = [sorted((each.item, each.field, each.md, each.db) for each in drift.findings[rule])
            for rule in now.findings for drift in (preview.drift, now)]  # fmt: skip
    assert told[::2] == told[1::2]
