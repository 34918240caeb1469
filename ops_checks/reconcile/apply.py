"""Carry out a plan on both queues: all of what still holds, in one transaction and one rename (RECONCILE section 9)."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING

from msgspec import Struct, field

from ops_checks.errors import OpsError, RefusedError
from ops_checks.reconcile.agreement import checked_out
from ops_checks.reconcile.application import Outcome
from ops_checks.reconcile.document_writing import HalfWrittenError
from ops_checks.reconcile.images import images_text
from ops_checks.reconcile.plan_file import parse_plan
from ops_checks.reconcile.plan_json import plan_text
from ops_checks.reconcile.reading import database, document
from ops_checks.reconcile.writing import (
    BothQueues,
    must_not_be_interrupted,
    must_write_document,
    while_changing,
)
from ops_checks.sanitize import visible
from ops_checks.stores.baseline import DONE, FROM_GIT, PREPARED, PlanRecord
from ops_checks.timestamps import queue_time

if TYPE_CHECKING:
    from ops_checks.context import Context
    from ops_checks.reconcile.plan_file import SavedPlan
    from ops_checks.stores.transaction_protocol import DocumentTransaction, Transaction


#: So many stale actions are named where all of a plan is refused.
_MOST_NAMED = 50


class Result(Struct):
    """What became of a plan: its actions, and `already` where it had been applied before."""

    plan: SavedPlan
    outcome: Outcome = field(default_factory=Outcome)
    already: bool = False
    notes: list[str] = field(default_factory=list)


def apply_plan(context: Context, plan: SavedPlan, *, all_or_nothing: bool = False) -> Result:
    """Apply what of a plan still holds, on both queues or on neither; what does not hold any more is stale.

    Raises RefusedError for a plan that may not be applied here, WriteError, InputError; then neither queue was
    written to, unless the error says so.
    """
    return _Application(context, plan, all_or_nothing=all_or_nothing).run()


def finish_plan(context: Context, record: PlanRecord) -> Result:
    """Finish the plan of a record whose application was interrupted. Raises as `apply_plan`."""
    plan = parse_plan(record.plan_json, f"the record of {record.plan_id}")
    return _Application(context, plan, resuming=True).run()


class _Application:
    """One application of a plan, from the record that it was begun to the record that it is done."""

    def __init__(
        self, context: Context, plan: SavedPlan, *, resuming: bool = False, all_or_nothing: bool = False
    ) -> None:
        self._context = context
        self._plan = plan
        self._resuming = resuming
        self._all_or_nothing = all_or_nothing
        self._begun = resuming
        self._md_commit = checked_out(context)

    def run(self) -> Result:
        """Apply the plan; where nothing of it is written, take the record back that it was begun."""
        must_write_document(self._context, self._plan.actions)
        try:
            return while_changing(self._context, self._attempt)
        except HalfWrittenError:
            raise
        except OpsError:
            with suppress(OpsError):  # then the record stays, and what comes next says so
                self._withdraw()
            raise

    def _attempt(self) -> Result:
        result = Result(self._plan)
        with document(self._context).rewriting() as text, database(self._context).transaction() as transaction:
            if not self._begun and not self._begin(transaction):
                result.already = True
                return result
            result.outcome = self._write(text, transaction)
            self._begun = False  # it is done: whatever fails from here on, its record stays
            result.notes += text.settle()
        return result

    def _write(self, text: DocumentTransaction, transaction: Transaction) -> Outcome:
        """Write both queues, the base and the record, and commit."""
        transaction.begin_exclusive()
        both = BothQueues(self._context, text, transaction, operation=self._plan.plan_id, md_commit=self._md_commit)
        base = transaction.new_baseline().before
        with both.document.half_told():
            written = both.write(
                self._plan.actions,
                resuming=self._resuming,
                keeps_base=base is not None or self._plan.data["base"]["source"] == "union",
                check=must_be_whole if self._all_or_nothing else lambda _: None,
            )
            both.finish(self._record(DONE, images_text(written.images), written.reading.md_digest))
        return written.outcome

    def _begin(self, transaction: Transaction) -> bool:
        """Record that the plan is being applied; return False if it was applied already. Raises RefusedError."""
        if not admits(transaction, self._plan):
            return False
        transaction.records().save(self._record(PREPARED, "{}", ""))
        transaction.commit()
        self._begun = True
        return True

    def _record(self, state: str, before: str, md_before: str) -> PlanRecord:
        stamp = self._context.stamp
        made_at = queue_time(stamp.now_s, stamp.tz_minutes)
        return PlanRecord(
            self._plan.plan_id, state, made_at, stamp.actor, plan_text(self._plan.data), before, md_before, ""
        )

    def _withdraw(self) -> None:
        """Delete the record of a plan of which nothing was applied, as is certain once nobody else has the lock."""
        if self._begun and not self._resuming:
            with database(self._context).transaction() as transaction:
                record = transaction.records().find(self._plan.plan_id)
                if record is not None and record.state == PREPARED:
                    transaction.records().delete(self._plan.plan_id)
                    transaction.commit()


def admits(transaction: Transaction, plan: SavedPlan) -> bool:
    """Return whether a plan is to be applied here; False if it was, and the base is the one that it made.

    Raises RefusedError for a plan of another queue, without a base or with a version in git as one, or while another
    one is interrupted. A plan with an exported base is one like any other: the queue and each action are compared.
    """
    records, base = transaction.records(), transaction.new_baseline().before
    if plan.data["base"]["source"] == FROM_GIT:
        raise RefusedError(
            f"the plan {plan.plan_id} was made with a version in git as its base, which is for looking only: "
            "plan again without --base"
        )
    must_not_be_interrupted(records)
    if base is not None and plan.queue_id not in {None, base.queue_id}:
        raise RefusedError(f"the plan {plan.plan_id} is of another queue: make one of this queue")
    if base is None and plan.actions and plan.data["base"]["source"] not in {"union", "view"}:
        raise RefusedError("no baseline: run `ops-checks baseline` first, which changes neither queue")
    old = records.find(plan.plan_id)
    if old is not None and old.state == DONE and base is not None:
        applied_last: int | None = json.loads(old.before_json).get("baseline")
        if applied_last == base.number:
            return False
    return True


def must_be_whole(outcome: Outcome) -> None:
    """Raise RefusedError, with all that does not hold any more, unless every action of a plan still holds."""
    stale = [f"{visible(each.id)} {each.unit}: changed since the plan was made: plan again" for each in outcome.stale]
    if stale:
        more = [f"and {len(stale) - _MOST_NAMED} more"] if len(stale) > _MOST_NAMED else []
        raise RefusedError(stale[0], (*stale[1:_MOST_NAMED], *more))
