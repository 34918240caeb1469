"""Apply a plan to items as they are now: compare-and-set, action by action (RECONCILE section 9). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from ops_checks.model import FIELDS, Item
from ops_checks.reconcile.claims import attempts, is_held
from ops_checks.reconcile.decision import MERGED, REKEY, REMOVE
from ops_checks.reconcile.model import DB, MD, ItemState
from ops_checks.reconcile.units import CLAIM, UNITS, same

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ops_checks.reconcile.model import Action, Cells

    #: From an id to its item on both sides as it is now.
    Find = Callable[[str], ItemState]


class Outcome(Struct):
    """What became of the actions of a plan, and the items that they touched, before and after; `read` are all of them.

    `done`: the target reads so already, which an interrupted application leaves behind.
    """

    applied: list[Action] = field(default_factory=list)
    stale: list[Action] = field(default_factory=list)
    done: list[Action] = field(default_factory=list)
    before: dict[str, ItemState] = field(default_factory=dict)
    after: dict[str, ItemState] = field(default_factory=dict)
    read: dict[str, ItemState] = field(default_factory=dict)


def apply_actions(
    actions: Iterable[Action], find: Find, now_s: float, *, resuming: bool = False, undoing: bool = False
) -> Outcome:
    """Return what becomes of each action; what belongs together is applied as a whole or is stale as a whole.

    `find` returns an item as it is now, inside the lock and the transaction. `resuming`: an action whose target
    already reads as it is to read is done. `undoing`: what an action writes comes from the record of a plan, not
    from the other side.
    """
    outcome = Outcome()
    for group in _groups(actions):
        states = {item_id: outcome.after.get(item_id) or find(item_id) for action in group for item_id in _ids(action)}
        done = [each for each in group if resuming and _is_done(each, group, states, undoing=undoing)]
        open_actions = [each for each in group if each not in done]
        if all(_still_holds(each, open_actions, states, now_s, undoing=undoing) for each in open_actions):
            outcome.done += done
            outcome.applied += open_actions
            _change(open_actions, states, outcome)
        else:
            outcome.stale += group
        outcome.read |= states
    return outcome


def _ids(action: Action) -> list[str]:
    """Return the ids that an action is about; giving a row another id is about both."""
    return [action.id, *([(action.after or {})["id"]] if action.kind == REKEY else [])]


def _groups(actions: Iterable[Action]) -> Iterable[list[Action]]:
    """Return the actions in groups: merged notes go to both sides or to neither, a new id comes with both its rows."""
    actions = list(actions)
    renamed = {item_id: action.id for action in actions if action.kind == REKEY for item_id in _ids(action)}
    groups: dict[tuple[str, str], list[Action]] = {}
    for action in actions:
        if action.id in renamed:
            key = (renamed[action.id], REKEY)
        elif action.why == MERGED:
            key = (action.id, MERGED)
        else:
            key = (action.id, f"{action.unit} {action.to}")
        groups.setdefault(key, []).append(action)
    return groups.values()


def _on(side: str, state: ItemState) -> Item | None:
    return state.md if side == MD else state.db


def _matches(item: Item | None, cells: Cells | None) -> bool:
    """Return whether an item has these cells, as they are compared."""
    if item is None or cells is None:
        return item is None and cells is None
    wanted = item.with_cells(cells.items())
    units = [unit for unit, names in UNITS.items() if not cells.keys().isdisjoint(names)]
    return wanted.id == item.id and all(same(wanted, item, unit) for unit in units)


def _is_done(action: Action, group: list[Action], states: Mapping[str, ItemState], *, undoing: bool) -> bool:
    for each in group:
        if each.kind == REKEY and action.to == MD:  # the document's part of a new id is written as a whole
            old, new = (states[item_id] for item_id in _ids(each))
            return new.md is not None and (old.md is None or not undoing)
    return _matches(_on(action.to, states[action.id]), action.after)


def _still_holds(
    action: Action, group: list[Action], states: Mapping[str, ItemState], now_s: float, *, undoing: bool
) -> bool:
    """Return whether what an action relies on is still so. `group`: the actions that are made together with it."""
    state = states[action.id]
    rekeys = [each for each in group if each.kind == REKEY]
    if rekeys and not undoing:
        return _still_twins(action, rekeys[0], states)
    if action.kind == REKEY:
        return state.md is not None
    if not _matches(_on(action.to, state), action.before) or (action.to == DB and not _may_write(action, state, now_s)):
        return False
    if undoing:
        return True
    open_sides = {each.to: each.before for each in group}
    source = DB if action.to == MD else MD
    return _matches(_on(source, state), open_sides.get(source, action.after))


def _still_twins(action: Action, rekey: Action, states: Mapping[str, ItemState]) -> bool:
    """Return whether two rows are still under the id that one of them gives up, and nobody has the new one."""
    old, new = (states[item_id] for item_id in _ids(rekey))
    if action.kind == REKEY:
        return old.md is not None and old.db is not None and new.md is None and new.db is None
    if action.to == MD:
        return _matches(old.db, action.after)
    return old.md is not None and _matches(old.md.with_cells([("id", new.id)]), action.after)


def _may_write(action: Action, state: ItemState, now_s: float) -> bool:
    """Return whether nobody holds what an action takes away, and no attempt was counted since."""
    lease = state.lease
    if (action.unit == CLAIM or action.kind == REMOVE) and is_held(lease, now_s):
        return False
    if action.kind == REMOVE and state.db is not None and state.db.status == "IN_PROGRESS":
        return False
    tried = attempts(lease)
    return action.attempt_count is None or (tried is not None and abs(action.attempt_count - tried) == 1)


def _change(actions: Iterable[Action], states: dict[str, ItemState], outcome: Outcome) -> None:
    """Enter into the outcome what the actions make of their items."""
    for item_id, state in states.items():
        outcome.before.setdefault(item_id, state)
        outcome.after.setdefault(item_id, state)
    for action in sorted(actions, key=lambda each: each.kind != REMOVE):  # a removed row makes room for a renamed one
        state = outcome.after[action.id]
        if action.kind == REKEY:
            new_id = _ids(action)[-1]
            moved = None if state.md is None else state.md.with_cells([("id", new_id)])
            outcome.after[action.id] = replace(state, md=None)
            outcome.after[new_id] = replace(outcome.after[new_id], md=moved)
            continue
        new = _with(_on(action.to, state), action)
        outcome.after[action.id] = replace(state, md=new) if action.to == MD else replace(state, db=new)


def _with(item: Item | None, action: Action) -> Item | None:
    if action.after is None:
        return None
    if item is None:
        return Item.from_cells(action.after[name] for name in FIELDS)
    return item.with_cells(action.after.items())
