"""Settle an item that one side has and the other lacks (RECONCILE section 4, rows). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.model import NOTHING
from ops_checks.reconcile import claims
from ops_checks.reconcile.decision import ADD, ADDED, OTHER, PREFERRED, REMOVE, RESTORE
from ops_checks.reconcile.model import DB, MD
from ops_checks.reconcile.reasons import WAYS, Reason
from ops_checks.reconcile.units import ROW

if TYPE_CHECKING:
    from ops_checks.model import Item
    from ops_checks.reconcile.decision import Decision


def settle(decision: Decision, side: str, item: Item) -> None:
    """Settle an item that `side` has: add it to the other, restore it, remove it, or ask."""
    reason = _objection(decision, side, item)
    if reason is None:
        decision.add(OTHER[side], item, ADD, ADDED)
        return
    preference = decision.preference(ROW)
    # A preference for everything puts rows back; it adds none that were never agreed, and removes none.
    restores = decision.was_agreed and preference is not None and preference.side == side
    if preference is None or not (preference.by_name or (WAYS[reason].bulk and restores)):
        decision.ask(ROW, reason)
    elif preference.side == side:
        _add(decision, side, item, by_name=preference.by_name)
    else:
        _remove(decision, side, item, reason)


def _objection(decision: Decision, side: str, item: Item) -> Reason | None:
    """Return why an item is not added to the other side by itself, or None."""
    if decision.was_agreed:
        gone = Reason.DELETED_IN_DB if side == MD else Reason.DELETED_IN_MD
        return Reason.RENAMED if decision.renamed is not None else gone
    known = decision.state.base is not None and not decision.options.union
    if (known or not decision.knows_additions) and not decision.options.view:
        return Reason.NO_BASE
    if side == DB:
        return Reason.MD_READ_ONLY if decision.may_not_write_document else None
    if decision.renamed is not None:
        return Reason.RENAMED
    incomplete = item.status == "IN_PROGRESS" and item.owner_session == NOTHING
    return decision.objection(ROW, item, None) or (Reason.CLAIM_INCOMPLETE if incomplete else None)


def _add(decision: Decision, side: str, item: Item, *, by_name: bool) -> None:
    """Add the item to the side that lacks it, or restore it there, as a person prefers."""
    against: Reason | None = None
    if side == DB:
        against = Reason.MD_READ_ONLY if decision.may_not_write_document else None
    else:
        unnamed = None if by_name else decision.objection(ROW, item, None)
        against = unnamed or claims.refusal(item, None, None, decision.situation.now_s)
    if against is None:
        decision.add(OTHER[side], item, RESTORE if decision.was_agreed else ADD, PREFERRED)
    else:
        decision.ask(ROW, against, refused=by_name)


def _remove(decision: Decision, side: str, item: Item, reason: Reason) -> None:
    """Remove the item from the side that has it, as a person prefers: only what was agreed and nobody works on."""
    against: Reason | None = None
    if not decision.was_agreed:
        against = reason
    elif side == DB and (item.status == "IN_PROGRESS" or decision.held):
        against = Reason.HELD
    elif side == MD and decision.may_not_write_document:
        against = Reason.MD_READ_ONLY
    if against is None:
        decision.act(ROW, REMOVE, side, PREFERRED, item, None)
    else:
        decision.ask(ROW, against, refused=True)
