"""Plans that are applied to real files and a real database (RECONCILE sections 9 and 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from builders import item
from database_kinds import every_database
from real_queues import LEASE_DEFAULTS, Queues
from reconcile_checks import assert_published
from worked_cases import CASES

from ops_checks.model import FIELDS
from ops_checks.reconcile.apply import apply_plan
from ops_checks.reconcile.model import DB, TO_MD, Options
from ops_checks.reconcile.plan_file import parse_plan
from ops_checks.reconcile.plan_json import plan_text
from ops_checks.reconcile.planning import make_plan
from ops_checks.reconcile.result_json import APPLIED, UNDONE, result_json
from ops_checks.reconcile.undo import undo_plan

if TYPE_CHECKING:
    from pathlib import Path

    from database_kinds import InFile

#: What a case needs that files alone do not give: git's history, a database that may only be read, a crash.
_ELSEWHERE = {"lineage", "touched", "db_read_only", "crash"}
_APPLIED = [case for case in CASES if not case["expect"]["stop"] and _ELSEWHERE.isdisjoint(case["flags"])]


@every_database
@pytest.mark.parametrize("case", _APPLIED, ids=lambda case: case["name"])
def test_worked_case_ends_as_specified(case: dict[str, Any], tmp_path: Path, database_kind: InFile) -> None:
    """Each worked case, planned, saved, read back and applied, leaves both queues and the base as specified."""
    flags, expected = case["flags"], case["expect"]
    queues = Queues(tmp_path, database_kind)
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


def _applied(queues: Queues, options: Options, **environ: str) -> str:
    context = queues.context(**environ)
    plan = parse_plan(plan_text(make_plan(context, options, digests=True).json(context)), "plan.json")
    apply_plan(context, plan)
    return plan.plan_id


@pytest.fixture
def never_agreed(tmp_path: Path, database_kind: InFile) -> Queues:
    """Return queues without a base, each with an item that the other lacks."""
    queues = Queues(tmp_path, database_kind)
    both, in_md, in_db = (dict(zip(FIELDS, each, strict=True)) for each in (item("A-1"), item("A-2"), item("A-3")))
    queues.write_md([both, in_md])
    queues.write_db([both, in_db])
    return queues


def _needs(queues: Queues) -> list[tuple[str, str]]:
    made = make_plan(queues.context(), Options()).plan
    assert made.actions == []
    return [(need.id, need.reason.value) for need in made.needs]


@every_database
def test_what_the_first_plan_leaves_is_not_added_by_the_second(never_agreed: Queues) -> None:
    """What only one side has when the base is made was never agreed: the next plan asks, it does not add it (B2)."""
    _applied(never_agreed, Options(union=True), ORCH_QUEUE_MD_READ_ONLY="1")
    assert _needs(never_agreed) == [("A-3", "no-base")]


@every_database
def test_the_first_plan_taken_back_adds_nothing_again(never_agreed: Queues) -> None:
    """What the plan that made the base had added is unagreed when it is taken back, as it was before (section 10)."""
    undo_plan(never_agreed.context(), _applied(never_agreed, Options(union=True)))
    assert _needs(never_agreed) == [("A-2", "no-base"), ("A-3", "no-base")]


@every_database
def test_a_view_makes_no_base_when_it_is_taken_back(never_agreed: Queues) -> None:
    """Neither does the plan of a view: with a base, what one side has would count as added."""
    view = Options(view=True, source_of_truth=DB, direction=TO_MD)
    undo_plan(never_agreed.context(), _applied(never_agreed, view))
    assert make_plan(never_agreed.context(), Options()).reading.baseline is None
    assert _needs(never_agreed) == [("A-2", "no-base"), ("A-3", "no-base")]


@every_database
def test_cells_with_blanks_and_line_breaks_are_written_over(tmp_path: Path, database_kind: InFile) -> None:
    """What is not compared hinders nothing: a database may hold blanks at the ends of a cell, and line breaks."""
    queues = Queues(tmp_path, database_kind)
    stored = dict(zip(FIELDS, item("A-1", notes=" one\ntwo "), strict=True))
    gone = dict(zip(FIELDS, item("A-2", task="line\nbreak "), strict=True))
    queues.agree([stored, gone])
    queues.write_md([stored | {"priority": "P0"}])
    plan_id = _applied(queues, Options(prefer={"A-2": "md"}))
    [row] = queues.rows("db")
    assert (row["priority"], row["notes"]) == ("P0", stored["notes"])
    undo_plan(queues.context(), plan_id)
    assert [(row["priority"], row["task"]) for row in queues.rows("db")] == [("P1", "task"), ("P1", gone["task"])]


@every_database
def test_what_a_plan_put_back_was_not_moved_since(tmp_path: Path, database_kind: InFile) -> None:
    """An event of our own is no move of the database, where the base is as it was before as well (rule B4)."""
    queues = Queues(tmp_path, database_kind)
    row = dict(zip(FIELDS, item("A-1"), strict=True))
    queues.agree([row])
    queues.write_db([])
    _applied(queues, Options(prefer={"A-1": "md"}, allow_empty=DB))
    queues.write_md([row | {"status": "BLOCKED"}])
    made = make_plan(queues.context(), Options()).plan
    assert [(action.unit, action.to) for action in made.actions] == [("claim", DB)]
