"""Plan from the items that differ to actions and needs (RECONCILE sections 4 to 7). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.reconcile import both_sides, one_side
from ops_checks.reconcile.decision import REKEY, Decision
from ops_checks.reconcile.model import DB, EVERY, MD, BaseRow, Plan
from ops_checks.reconcile.stops import safety_stop
from ops_checks.reconcile.units import value
from ops_checks.rules.drift.inline import read_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ops_checks.model import Item
    from ops_checks.reconcile.model import ItemState, Options, Situation, Totals

#: The units by which a row is known under another id.
_WORDS = ("task", "success_criteria")


def plan(states: Sequence[ItemState], totals: Totals, options: Options, situation: Situation) -> Plan:
    """Return the plan for the items that differ between the sides or were removed, in the order given.

    Items that are equal on both sides need not be given. `totals` counts all items.
    """
    stop = safety_stop(totals, options, situation)
    if stop is not None:
        return Plan([], [], stop)
    used: set[str] = set()
    decisions = _decide(states, options, situation, used)
    return Plan(
        [action for decision in decisions for action in decision.actions],
        [need for decision in decisions for need in decision.needs],
        unused=_unused(options, used, decisions),
    )


def _decide(states: Sequence[ItemState], options: Options, situation: Situation, used: set[str]) -> Sequence[Decision]:
    """Return the decision on each item. `used` collects the preferences that were asked for."""
    settled: set[str] = set()
    while True:
        renamed = _renamed([state for state in states if state.id not in settled])
        decisions = [Decision(state, options, situation, renamed=renamed.get(state.id), used=used) for state in states]
        for decision in decisions:
            _settle(decision)
        # Where a person named one of the two ids, the other is no rename any more: nothing is left to the next plan.
        named = {each.state.id for each in decisions if each.renamed is not None and each.actions}
        if not named:
            return decisions
        settled |= named


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
    new = {each.id: _words(each.md) for each in states if each.md is not None and each.db is None and not each.base}
    lost: dict[tuple[object, ...], str] = {}
    for each in states if new else ():
        if each.md is None and each.db is not None and each.base is not None and each.base.agreed:
            for words in (_words(each.db), _words(each.base)):
                lost.setdefault(words, each.id)
    pairs: dict[str, str] = {}
    for new_id, words in new.items():
        old_id = lost.get(words)
        if old_id is not None:
            pairs[new_id] = old_id
            pairs.setdefault(old_id, new_id)
    return pairs


def _words(row: Item | BaseRow) -> tuple[object, ...]:
    """Return what a row says is to be done, as it is compared and as Markdown reads it."""
    values = [row.value(unit) if isinstance(row, BaseRow) else value(row, unit) for unit in _WORDS]
    return tuple(read_key(text) for found in values for text in found or ())
