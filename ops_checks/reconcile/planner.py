"""Plan from the items that differ to actions and needs (RECONCILE sections 4 to 7). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.reconcile import both_sides, one_side
from ops_checks.reconcile.decision import REKEY, Decision
from ops_checks.reconcile.model import DB, EVERY, MD, Plan
from ops_checks.reconcile.stops import safety_stop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ops_checks.reconcile.model import ItemState, Options, Situation, Totals


def plan(states: Sequence[ItemState], totals: Totals, options: Options, situation: Situation) -> Plan:
    """Return the plan for the items that differ between the sides or were removed, in the order given.

    Items that are equal on both sides need not be given. `totals` counts all items.
    """
    stop = safety_stop(totals, options, situation)
    if stop is not None:
        return Plan([], [], stop)
    renamed = _renamed(states)
    used: set[str] = set()
    decisions = [Decision(state, options, situation, renamed=renamed.get(state.id), used=used) for state in states]
    for decision in decisions:
        _settle(decision)
    return Plan(
        [action for decision in decisions for action in decision.actions],
        [need for decision in decisions for need in decision.needs],
        unused=_unused(options, used, decisions),
    )


def _unused(options: Options, used: set[str], decisions: Sequence[Decision]) -> list[str]:
    """Return the options that name an item and had no effect, as they were written."""
    renewed = {action.id for decision in decisions for action in decision.actions if action.kind == REKEY}
    preferences = [f"--prefer {key}={side}" for key, side in options.prefer.items() if key not in {*used, EVERY}]
    return preferences + [f"--rekey {old}={new}" for old, new in options.rekey.items() if old not in renewed]


def _settle(decision: Decision) -> None:
    md, db = decision.state.md, decision.state.db
    if md is not None and db is not None:
        both_sides.settle(decision, md, db)
    elif md is not None:
        one_side.settle(decision, MD, md)
    elif db is not None:
        one_side.settle(decision, DB, db)


def _renamed(states: Sequence[ItemState]) -> dict[str, str]:
    """Return the ids of rows whose id was changed in the document, each with the other id of the pair."""
    lost = {
        (state.db.task, state.db.success_criteria): state.id
        for state in reversed(states)
        if state.db is not None and state.md is None and state.base is not None and state.base.agreed
    }
    pairs: dict[str, str] = {}
    for state in states:
        if state.md is not None and state.db is None and state.base is None:
            old = lost.get((state.md.task, state.md.success_criteria))
            if old is not None:
                pairs[state.id] = old
                pairs.setdefault(old, state.id)
    return pairs
