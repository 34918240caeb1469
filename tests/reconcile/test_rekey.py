"""Two tasks under one id, of which the document's gets a new one: applied, interrupted, taken back (section 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from builders import item
from real_queues import Queues

from ops_checks.errors import UsageError
from ops_checks.model import FIELDS
from ops_checks.reconcile.apply import apply_plan
from ops_checks.reconcile.model import Options
from ops_checks.reconcile.plan_file import parse_plan
from ops_checks.reconcile.plan_json import plan_text
from ops_checks.reconcile.planning import make_plan
from ops_checks.reconcile.resume import resume
from ops_checks.reconcile.undo import undo_plan
from ops_checks.stores.sqlite.transaction import SqliteTransaction

if TYPE_CHECKING:
    from pathlib import Path

    from ops_checks.reconcile.plan_file import SavedPlan


def _row(item_id: str, task: str) -> dict[str, Any]:
    return dict(zip(FIELDS, item(item_id, task=task), strict=True))


KNOWN, LAST = _row("A-1", "known"), _row("A-3", "last")
IN_MD, IN_DB = _row("A-2", "one"), _row("A-2", "two")


@pytest.fixture
def queues(tmp_path: Path) -> Queues:
    """Return queues that both got a task under one id."""
    both = Queues(tmp_path)
    both.agree([KNOWN, LAST])
    both.write_md([KNOWN, IN_MD, LAST])
    both.write_db([KNOWN, IN_DB, LAST])
    return both


def _plan(queues: Queues) -> SavedPlan:
    context = queues.context()
    planned = make_plan(context, Options(rekey={"A-2": "B-1"}), digests=True)
    return parse_plan(plan_text(planned.json(context)), "plan.json")


def _tasks(queues: Queues, side: str) -> list[tuple[str, str]]:
    name = "item_id" if side == "base" else "id"
    return [(row.get(name, row.get("id")), row["task"]) for row in queues.rows(side)]


BEFORE_MD = [("A-1", "known"), ("A-2", "one"), ("A-3", "last")]
BEFORE_DB = [("A-1", "known"), ("A-2", "two"), ("A-3", "last")]
AFTER_MD = [("A-1", "known"), ("B-1", "one"), ("A-3", "last"), ("A-2", "two")]
AFTER_DB = [("A-1", "known"), ("A-2", "two"), ("A-3", "last"), ("B-1", "one")]


def test_both_tasks_stand_on_both_sides(queues: Queues) -> None:
    """The document's row has the new id in its old place, the database's stands below the last row: nothing is lost."""
    found = apply_plan(queues.context(), _plan(queues))
    assert (len(found.outcome.applied), found.outcome.stale) == (3, [])
    assert (_tasks(queues, "md"), _tasks(queues, "db")) == (AFTER_MD, AFTER_DB)
    assert _tasks(queues, "base") == AFTER_DB
    assert make_plan(queues.context(), Options()).plan.empty


def test_it_is_taken_back(queues: Queues) -> None:
    """Both sides read as before, row by row, and the plan can be made again."""
    plan = _plan(queues)
    apply_plan(queues.context(), plan)
    assert undo_plan(queues.context(), plan.plan_id).outcome.stale == []
    assert (_tasks(queues, "md"), _tasks(queues, "db")) == (BEFORE_MD, BEFORE_DB)
    assert [action.kind for action in _plan(queues).actions] == ["rekey", "add", "add"]


@pytest.mark.parametrize(
    ("md", "db"),
    [
        ([KNOWN, _row("A-2", "changed"), LAST], [KNOWN, IN_DB, LAST]),
        ([KNOWN, IN_MD, LAST], [KNOWN, _row("A-2", "changed"), LAST]),
        ([KNOWN, IN_MD, LAST], [KNOWN, LAST]),
        ([KNOWN, LAST], [KNOWN, IN_DB, LAST]),
        ([KNOWN, IN_MD, LAST, _row("B-1", "taken")], [KNOWN, IN_DB, LAST]),
        ([KNOWN, IN_MD, LAST], [KNOWN, IN_DB, LAST, _row("B-1", "taken")]),
    ],
)
def test_it_is_stale_as_a_whole(queues: Queues, md: list[dict[str, Any]], db: list[dict[str, Any]]) -> None:
    """Where one of the two changed since, or somebody took the new id, nothing of it is written."""
    plan = _plan(queues)
    queues.write_md(md)
    queues.write_db(db)
    before = (_tasks(queues, "md"), _tasks(queues, "db"))
    assert len(apply_plan(queues.context(), plan).outcome.stale) == 3
    assert (_tasks(queues, "md"), _tasks(queues, "db")) == before


def _interrupted(_transaction: SqliteTransaction) -> None:
    raise KeyboardInterrupt


def test_it_is_finished_when_it_was_interrupted(queues: Queues, monkeypatch: pytest.MonkeyPatch) -> None:
    """Interrupted after the document was written, it ends as if nothing had happened, in both directions."""
    plan, commit = _plan(queues), SqliteTransaction.commit
    commits = iter([commit, _interrupted])
    with monkeypatch.context() as patch:
        patch.setattr(SqliteTransaction, "commit", lambda self: next(commits)(self))  # noqa: PLW0108 - one a call
        with pytest.raises(KeyboardInterrupt):
            apply_plan(queues.context(), plan)
    assert (_tasks(queues, "md"), _tasks(queues, "db")) == (AFTER_MD, BEFORE_DB)
    assert resume(queues.context()) is not None
    assert (_tasks(queues, "md"), _tasks(queues, "db")) == (AFTER_MD, AFTER_DB)
    with monkeypatch.context() as patch:
        patch.setattr(SqliteTransaction, "commit", _interrupted)
        with pytest.raises(KeyboardInterrupt):
            undo_plan(queues.context(), plan.plan_id)
    assert (_tasks(queues, "md"), _tasks(queues, "db")) == (BEFORE_MD, AFTER_DB)
    assert undo_plan(queues.context(), plan.plan_id).outcome.stale == []
    assert (_tasks(queues, "md"), _tasks(queues, "db")) == (BEFORE_MD, BEFORE_DB)


def test_two_items_do_not_get_one_id(queues: Queues) -> None:
    """A new id is new, and given once."""
    for options in (Options(rekey={"A-2": "A-1"}), Options(rekey={"A-2": "B-1", "A-3": "B-1"})):
        with pytest.raises(UsageError):
            make_plan(queues.context(), options)
