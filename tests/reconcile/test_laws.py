"""The laws of reconciling, over random states of both queues and their base, on real files (RECONCILE section 11)."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, assume, given, settings
from real_queues import Queues
from worked_cases import NOW_S

from ops_checks.gate.stable_reading import compare
from ops_checks.model import FIELDS, STATUSES, TERMINAL
from ops_checks.reconcile.apply import apply_plan
from ops_checks.reconcile.model import EVERY, Options
from ops_checks.reconcile.plan_file import parse_plan
from ops_checks.reconcile.plan_json import plan_text
from ops_checks.reconcile.planning import make_plan
from ops_checks.reconcile.resume import resume
from ops_checks.reconcile.undo import undo_plan
from ops_checks.stores.sqlite.transaction import SqliteTransaction

if TYPE_CHECKING:
    from ops_checks.context import Context
    from ops_checks.reconcile.apply import Result

#: In memory where the system has such a folder: thousands of commits would wait for the disk.
_FOLDER = "/dev/shm" if Path("/dev/shm").is_dir() else None
_IDS = ("A-1", "A-2", "A-3", "A-4")
_LAWS = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _rows(*, leased: bool) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Return rows of a side, in any order, with few values in each cell, so that many of them meet."""
    row = st.fixed_dictionaries(
        {
            "status": st.sampled_from(STATUSES),
            "priority": st.sampled_from(["P0", "P1"]),
            "task": st.sampled_from(["_one", r"\_one", "two | three"]),
            "success_criteria": st.just("c"),
            "owner_session": st.sampled_from(["-", "w1", "w2"]),
            "started_at_kst": st.sampled_from(["-", "2026-11-01 10:00"]),
            "due_at_kst": st.just("-"),
            "notes": st.sampled_from(["", "a", "a | b", "a / c", "z"]),
        }
    )
    lease = st.fixed_dictionaries(
        {
            "lease_owner": st.sampled_from([None, "w1"]),
            "lease_expires_at": st.sampled_from([None, int(NOW_S) - 5, int(NOW_S) + 500]),
            "attempt_count": st.sampled_from([0, 3]),
        }
    )
    whole = st.tuples(row, lease).map(lambda both: both[0] | both[1]) if leased else row
    ids = st.lists(st.sampled_from(_IDS), unique=True)
    return ids.flatmap(
        lambda chosen: st.tuples(*(whole.map(lambda cells, each=each: {"id": each, **cells}) for each in chosen))
    ).map(list)


_PREFER = st.dictionaries(
    st.sampled_from([EVERY, *_IDS, "A-1.claim", "A-2.notes", "A-3.row"]), st.sampled_from(["md", "db"]), max_size=3
)
_TRIPLES = st.tuples(st.one_of(st.none(), _rows(leased=False)), _rows(leased=False), _rows(leased=True))
_OPTIONS = st.builds(
    lambda prefer, union: Options(prefer=prefer, union=union, max_removed=9, max_changed=99), _PREFER, st.booleans()
)


def _queues(folder: str, triple: tuple[Any, ...]) -> Queues:
    base, md, db = triple
    queues = Queues(Path(folder))
    if base is not None:
        queues.agree(base)
    queues.write_md(md)
    queues.write_db(db)
    return queues


def _state(queues: Queues) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    """Return the cells of both sides: of the document in its order, of the database by id."""
    md = [tuple(row[name] for name in FIELDS) for row in queues.rows("md")]
    return md, [tuple(row[name] for name in FIELDS) for row in queues.rows("db")]


def _applied(context: Context, options: Options) -> Result:
    """Plan and apply, by way of the text of a plan file."""
    planned = make_plan(context, options, digests=True)
    assume(planned.plan.stop is None)
    assume(planned.reading.baseline is not None or options.union or not planned.plan.actions)
    return apply_plan(context, parse_plan(plan_text(planned.json(context)), "plan.json"))


@_LAWS
@given(_TRIPLES, _OPTIONS)
def test_what_is_planned_is_applied_once(triple: tuple[Any, ...], options: Options) -> None:
    """Nothing is stale if nothing moved; applied again, or planned again, nothing is left to do (L1, L2, L3)."""
    with tempfile.TemporaryDirectory(dir=_FOLDER) as folder:
        queues = _queues(folder, triple)
        context = queues.context()
        found = _applied(context, options)
        assert found.outcome.stale == []
        state = _state(queues)
        assert apply_plan(context, found.plan).outcome.applied == []
        assert _state(queues) == state
        again = make_plan(context, options)
        assert again.plan.actions == []
        if not found.plan.needs:
            assert again.plan.empty
            assert compare(context.md_store, context.db_store, fields=FIELDS[1:], settle_s=0).ok


@_LAWS
@given(_TRIPLES, _OPTIONS)
def test_undo_gives_both_sides_back(triple: tuple[Any, ...], options: Options) -> None:
    """An applied plan that is taken back leaves the rows of the document in order, and the database's cells (L4)."""
    with tempfile.TemporaryDirectory(dir=_FOLDER) as folder:
        queues = _queues(folder, triple)
        context = queues.context()
        before = _state(queues)
        found = _applied(context, options)
        assume(found.outcome.applied)
        taken_back = undo_plan(context, found.plan.plan_id)
        refused = {action.id for action in taken_back.outcome.stale}
        worked_on = {row["id"] for row in queues.rows("db") if row["status"] == "IN_PROGRESS" or row["lease_owner"]}
        assert refused <= worked_on
        if not refused:
            assert _state(queues) == before


@_LAWS
@given(_TRIPLES, _OPTIONS)
def test_nothing_of_anybody_is_lost(triple: tuple[Any, ...], options: Options) -> None:
    """Unless named, no row disappears and no ended claim changes in the database; a held claim never does (L5)."""
    named = {key.partition(".")[0] for key in options.prefer if key != EVERY}
    with tempfile.TemporaryDirectory(dir=_FOLDER) as folder:
        queues = _queues(folder, triple)
        before = {side: {row["id"]: row for row in queues.rows(side)} for side in ("md", "db")}
        _applied(queues.context(), options)
        after = {side: {row["id"]: row for row in queues.rows(side)} for side in ("md", "db")}
        for side in ("md", "db"):
            assert before[side].keys() - named <= after[side].keys()
        for item_id, row in before["db"].items():
            ended = row["status"] in TERMINAL and item_id not in named
            held = row["lease_owner"] and (row["lease_expires_at"] or 0) > NOW_S
            if ended or held:
                assert _claim(after["db"][item_id]) == _claim(row)
            if held:
                assert after["db"][item_id]["lease_expires_at"] == row["lease_expires_at"]


def _claim(row: dict[str, Any]) -> list[str]:
    return [row[name] for name in ("status", "owner_session", "started_at_kst")]


@_LAWS
@given(_TRIPLES, _OPTIONS)
def test_what_is_interrupted_is_finished(triple: tuple[Any, ...], options: Options) -> None:
    """Interrupted after the document was written and resumed, a plan ends as if nothing had happened (L6)."""
    with tempfile.TemporaryDirectory(dir=_FOLDER) as one, tempfile.TemporaryDirectory(dir=_FOLDER) as other:
        whole, broken = _queues(one, triple), _queues(other, triple)
        _applied(whole.context(), options)
        with pytest.MonkeyPatch.context() as patch:
            commits = iter([SqliteTransaction.commit, _interrupted])
            patch.setattr(SqliteTransaction, "commit", lambda self: next(commits)(self))  # noqa: PLW0108 - one a call
            with pytest.raises(KeyboardInterrupt):
                _applied(broken.context(), options)
        assert resume(broken.context()) is not None
        assert _state(broken) == _state(whole)
        assert resume(broken.context()) is None


def _interrupted(_transaction: SqliteTransaction) -> None:
    raise KeyboardInterrupt


@_LAWS
@given(_TRIPLES, _OPTIONS)
def test_a_document_that_may_only_be_read_is_not_touched(triple: tuple[Any, ...], options: Options) -> None:
    """With ORCH_QUEUE_MD_READ_ONLY the document keeps every byte (L7)."""
    with tempfile.TemporaryDirectory(dir=_FOLDER) as folder:
        queues = _queues(folder, triple)
        before = queues.md.read_bytes()
        _applied(queues.context(ORCH_QUEUE_MD_READ_ONLY="1"), options)
        assert queues.md.read_bytes() == before
