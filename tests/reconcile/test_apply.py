"""Plans that are applied to real files and a real database (RECONCILE sections 9 and 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from real_queues import LEASE_DEFAULTS, Queues
from reconcile_checks import assert_published
from worked_cases import CASES

from ops_checks.reconcile.apply import apply_plan
from ops_checks.reconcile.model import Options
from ops_checks.reconcile.plan_file import parse_plan
from ops_checks.reconcile.plan_json import plan_text
from ops_checks.reconcile.planning import make_plan
from ops_checks.reconcile.result_json import APPLIED, UNDONE, result_json
from ops_checks.reconcile.undo import undo_plan

if TYPE_CHECKING:
    from pathlib import Path

#: What a case needs that files alone do not give: git's history, a database that may only be read, a crash.
_ELSEWHERE = {"lineage", "touched", "db_read_only", "crash"}
_APPLIED = [case for case in CASES if not case["expect"]["stop"] and _ELSEWHERE.isdisjoint(case["flags"])]


@pytest.mark.parametrize("case", _APPLIED, ids=lambda case: case["name"])
def test_worked_case_ends_as_specified(case: dict[str, Any], tmp_path: Path) -> None:
    """Each worked case, planned, saved, read back and applied, leaves both queues and the base as specified."""
    flags, expected = case["flags"], case["expect"]
    queues = Queues(tmp_path)
    if case["base"] is None:
        queues.write_md(case["md"])
        queues.write_db(case["db"])
    else:
        queues.agree(case["base"])
        queues.write_md(case["md"])
        queues.write_db(case["db"])
    context = queues.context(**({"ORCH_QUEUE_MD_READ_ONLY": "1"} if flags.get("md_read_only") else {}))
    options = Options(prefer=flags.get("prefer", {}), union=flags.get("no_base") == "union")
    planned = make_plan(context, options, digests=True)
    assert_published(planned.json(context))
    plan = parse_plan(plan_text(planned.json(context)), "plan.json")
    for side, rows in flags.get("between_plan_and_apply", {}).items():
        (queues.write_md if side == "md" else queues.write_db)(rows)
    found = apply_plan(context, plan)
    assert [[each.id, each.unit] for each in found.outcome.stale] == expected["stale"]
    assert_published(result_json(APPLIED, found, consistent=True))
    if flags.get("undo"):
        taken_back = undo_plan(context, plan.plan_id)
        assert [each.id for each in taken_back.outcome.stale] == expected["undo_refused"]
        assert_published(result_json(UNDONE, taken_back, consistent=True))
    assert _plain(queues.rows("md")) == _plain(expected["md"])
    assert _plain(queues.rows("db")) == sorted(_leased(_plain(expected["db"])), key=lambda row: row["id"])
    if case["base"] is not None:
        assert _agreed(queues.rows("base")) == sorted(_agreed(expected["base"]), key=lambda row: row["id"])


def _plain(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows with notes as they compare."""
    return [row | {"notes": row["notes"].replace("|", "/")} for row in rows]


def _leased(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [LEASE_DEFAULTS | row for row in rows]


def _agreed(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row | {"notes": (row["notes"] or "").replace("|", "/")} for row in rows]
