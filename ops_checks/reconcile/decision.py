"""The decision on one item, as it is made: its preferences, its needs, its actions (RECONCILE section 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ops_checks.model import FIELDS
from ops_checks.reconcile import claims
from ops_checks.reconcile.model import BOTH_WAYS, DB, EVERY, LINEAGE_UNKNOWN, MD, TO_DB, TO_MD, Action, Need
from ops_checks.reconcile.notes import for_document
from ops_checks.reconcile.reasons import WAYS, Reason
from ops_checks.reconcile.units import CLAIM, NOTES, ROW, UNITS, cells

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ops_checks.model import Item
    from ops_checks.reconcile.model import BaseRow, ItemState, Options, Situation

#: The kinds of an action.
ADD, REMOVE, RESTORE, SET, REKEY = "add", "remove", "restore", "set", "rekey"
#: Why an action is made.
ADDED, MERGED, PREFERRED = "added", "merged", "preferred"
OTHER = {MD: DB, DB: MD}


class Preference(NamedTuple):
    """The side that a person prefers, and whether the item was named."""

    side: str
    by_name: bool


class Decision:
    """The decision on the item of a `state`: `actions` and `needs` are filled while its units are settled.

    `renamed`: the other id of an item whose id was changed in the document, None if it was not. `used` collects
    the preferences that were asked for.
    """

    def __init__(
        self, state: ItemState, options: Options, situation: Situation, *, renamed: str | None, used: set[str]
    ) -> None:
        self.state = state
        self.options = options
        self.situation = situation
        self.renamed = renamed
        self.actions: list[Action] = []
        self.needs: list[Need] = []
        self._used = used

    @property
    def held(self) -> bool:
        """Whether a worker holds the item now."""
        return claims.is_held(self.state.lease, self.situation.now_s)

    @property
    def was_agreed(self) -> bool:
        """Whether both sides agreed on the whole item once."""
        return self.state.base is not None and self.state.base.agreed

    @property
    def knows_additions(self) -> bool:
        """Whether an item that the base lacks was added: without a base nothing is one-sided (rule B1)."""
        return self.situation.has_base or self.options.union

    @property
    def may_not_write_document(self) -> bool:
        """Whether the document may only be read; a plan that does not go to it does not ask."""
        return self.situation.md_read_only and self.options.direction != TO_DB

    def preference(self, unit: str) -> Preference | None:
        """Return the most specific preference for a unit, and note that it was used."""
        item_id = self.state.id
        for key in (f"{item_id}.{unit}", item_id, EVERY):
            side = self.options.prefer.get(key)
            if side is not None:
                self._used.add(key)
                return Preference(side, key != EVERY)
        return None

    def objection(self, unit: str, md: Item, db: Item | None) -> Reason | None:
        """Return what speaks against writing the document's unit to the database by itself, or None."""
        if self.options.source_of_truth == DB:
            return Reason.MD_IS_VIEW
        if self.situation.lineage == LINEAGE_UNKNOWN:
            return Reason.LINEAGE
        if self.state.suspect:
            return Reason.CONFLICT
        if unit == CLAIM and db is not None:
            return claims.objection(md, db, self.state.lease, self.situation.now_s)
        return None

    def ask(self, unit: str, reason: Reason, *, refused: bool = False) -> Need:
        """Add a need for a unit, and return it."""
        state = self.state
        need = Need(
            id=state.id,
            unit=unit,
            reason=reason,
            help=self._help(unit, reason),
            refused=refused,
            other=self.renamed if reason is Reason.RENAMED else None,
            base=_cells_of(state.base, unit),
            md_cells=None if state.md is None else cells(state.md, unit),
            db_cells=None if state.db is None else cells(state.db, unit),
            lease=state.lease if reason is Reason.HELD else None,
        )
        self.needs.append(need)
        return need

    def _help(self, unit: str, reason: Reason) -> str:
        state = self.state
        key = state.id if unit == ROW else f"{state.id}.{unit}"
        if reason is Reason.NO_BASE and (state.md is None or state.db is None):
            side = DB if state.md is None else MD
            return f"--prefer {key}={side} adds it to the side that lacks it"
        return WAYS[reason].help.format(id=state.id, key=key)

    def add(self, to: str, item: Item, kind: str, why: str) -> None:
        """Add the action that adds or restores the item on a side, with its notes as that side joins them."""
        after = item.with_cells([(NOTES, for_document(item.notes))]) if to == MD else item
        self.act(ROW, kind, to, why, None, after)

    def act(
        self, unit: str, kind: str, to: str, why: str, before: Item | None, after: Item | None, *, attempts: int = 0
    ) -> None:
        """Add an action on a unit, unless the plan goes the other way only. `attempts` are counted in the database."""
        if self.options.direction not in {BOTH_WAYS, TO_MD if to == MD else TO_DB}:
            return
        lease = self.state.lease if to == DB else None
        tried = claims.attempts(lease)
        self.actions.append(
            Action(
                id=self.state.id,
                unit=unit,
                kind=kind,
                to=to,
                before=None if before is None else cells(before, unit),
                after=None if after is None else cells(after, unit),
                why=why,
                base=_cells_of(self.state.base, unit),
                anchor=self.state.anchor if kind == RESTORE and to == MD else None,
                lease=lease,
                attempt_count=None if tried is None or not attempts else tried + attempts,
            )
        )


def _cells_of(base: BaseRow | None, unit: str) -> Mapping[str, str | None] | None:
    if base is None:
        return None
    return {name: base.cells.get(name) for name in (FIELDS if unit == ROW else UNITS[unit])}
