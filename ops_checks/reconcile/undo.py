"""Take an applied plan back, as far as nobody changed what it wrote (RECONCILE section 10)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from ops_checks.errors import ChangingError, RefusedError
from ops_checks.model import FIELDS
from ops_checks.reconcile.agreement import checked_out
from ops_checks.reconcile.application import apply_actions
from ops_checks.reconcile.apply import Result, must_be_whole
from ops_checks.reconcile.decision import ADD, MERGED, REKEY, REMOVE, RESTORE, SET
from ops_checks.reconcile.images import images_of
from ops_checks.reconcile.model import MD, BaseRow
from ops_checks.reconcile.plan_file import parse_plan
from ops_checks.reconcile.reading import database, document, read_inside
from ops_checks.reconcile.units import ROW, UNITS
from ops_checks.reconcile.writing import BothQueues, item_finder, must_write_document, while_changing
from ops_checks.sanitize import visible
from ops_checks.stores.baseline import DONE, UNDONE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ops_checks.context import Context
    from ops_checks.reconcile.application import Outcome
    from ops_checks.reconcile.model import Action, ItemState
    from ops_checks.reconcile.plan_file import SavedPlan
    from ops_checks.stores.baseline import PlanRecord
    from ops_checks.stores.transaction_protocol import Transaction

_INVERSE = {SET: SET, ADD: REMOVE, RESTORE: REMOVE, REMOVE: RESTORE, REKEY: REKEY}


def undo_plan(context: Context, plan_id: str, *, all_or_nothing: bool = False) -> Result:
    """Take an applied plan back; what somebody changed since is stale, and stays. Its base goes back with it.

    Events, `updated_at` and leases are never taken back. An undo that was interrupted is finished by another one.
    Raises RefusedError for a plan that was not applied here, or with `all_or_nothing` for a stale part; WriteError,
    InputError.
    """
    md_commit = checked_out(context)
    return while_changing(context, lambda: _undone(context, plan_id, md_commit, all_or_nothing=all_or_nothing))


def preview_undo(context: Context, plan_id: str, *, all_or_nothing: bool = False) -> Result:
    """Return what `undo_plan` would do now; nothing is written. Raises what it raises."""
    return while_changing(context, lambda: _previewed(context, plan_id, all_or_nothing=all_or_nothing))


class _Back(Struct, frozen=True):
    """A plan that is to be taken back: its record, what was there before, and the actions that take it back."""

    record: PlanRecord
    plan: SavedPlan
    images: dict[str, Any]
    actions: Sequence[Action]


def _back(context: Context, transaction: Transaction, plan_id: str) -> _Back:
    record = transaction.records().find(plan_id)
    if record is None or record.state != DONE:
        raise RefusedError(f"the plan {visible(plan_id)} {_why_not(record)}")
    plan = parse_plan(record.plan_json, f"the record of {record.plan_id}")
    images = images_of(record)
    applied = {tuple(each) for each in images["applied"]}
    actions = [each for each in plan.actions if (each.id, each.unit, each.to, each.kind) in applied]
    must_write_document(context, actions)
    return _Back(record, plan, images, inverse(actions, images["above"]))


def _previewed(context: Context, plan_id: str, *, all_or_nothing: bool) -> Result:
    with database(context).transaction() as transaction, transaction.snapshot() as right:
        back = _back(context, transaction, plan_id)
        transaction.records().probe()
        with document(context).snapshot() as left:
            find = item_finder(read_inside(left, right), right)
            outcome = apply_actions(back.actions, find, context.now_s, resuming=True, undoing=True)
            if left.changed():
                raise ChangingError(f"{visible(context.queue)}: changing while read: run the command again")
    if all_or_nothing:
        must_be_whole(outcome)
    return Result(back.plan, outcome)


def _undone(context: Context, plan_id: str, md_commit: str | None, *, all_or_nothing: bool) -> Result:
    with document(context).rewriting() as text, database(context).transaction() as transaction:
        transaction.begin_exclusive()
        back = _back(context, transaction, plan_id)
        both = BothQueues(context, text, transaction, operation=plan_id, md_commit=md_commit)
        with both.document.half_told(f"ops-checks undo --plan {plan_id}"):
            written = both.write(
                back.actions,
                event="reconcile_undone",
                resuming=True,
                undoing=True,
                removed=back.images["rows"],
                base_of=lambda state, outcome: _with_base(
                    state, outcome, back.images["base"], first=back.plan.data["base"]["source"] == "union"
                ),
                keeps_base=transaction.new_baseline().before is not None,
                check=must_be_whole if all_or_nothing else lambda _: None,
            )
            both.finish(back.record._replace(state=UNDONE))
        return Result(back.plan, written.outcome, notes=text.settle())


def _why_not(record: PlanRecord | None) -> str:
    if record is None:
        return "was not applied to this queue: see `ops-checks undo`"
    return "was taken back already" if record.state == UNDONE else "was interrupted: run `ops-checks reconcile resume`"


def inverse(actions: Iterable[Action], above: Mapping[str, str | None]) -> list[Action]:
    """Return the actions that take some back. `above`: the ids above the rows that were removed from the document."""
    return [_inverse(action, above) for action in actions]


def _inverse(action: Action, above: Mapping[str, str | None]) -> Action:
    attempts = action.attempt_count
    return replace(
        action,
        id=(action.after or {})["id"] if action.kind == REKEY else action.id,
        kind=_INVERSE[action.kind],
        before=action.after,
        after=action.before,
        why=action.why if action.why == MERGED else "undone",
        anchor=above.get(action.id) if action.to == MD else None,
        attempt_count=None if attempts is None else attempts - 1,
    )


def _with_base(state: ItemState, outcome: Outcome, before: Mapping[str, list[str | None]], *, first: bool) -> ItemState:
    """Return an item whose base is again what it was for the units that were taken back.

    `first`: there was no base. What only one side has was not agreed then, which is not the same as added (rule B2).
    """
    units = {action.unit for action in (*outcome.applied, *outcome.done) if action.id == state.id}
    old = dict(zip(FIELDS, before[state.id], strict=True)) if state.id in before else None
    if not units:
        return state
    if old is None and first and (state.md is None or state.db is None):
        return replace(state, base=BaseRow(dict.fromkeys(FIELDS)))
    if ROW in units or state.base is None:
        return replace(state, base=None if old is None else BaseRow(old))
    names = [name for unit in units for name in UNITS[unit]]
    return replace(state, base=BaseRow({**state.base.cells, **{name: (old or {}).get(name) for name in names}}))
