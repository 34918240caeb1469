"""The safety stops: what no preference opens (RECONCILE section 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.reconcile.model import DB, MD, Stop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ops_checks.reconcile.model import Options, Situation, Totals

_HELP = "ops-checks help reconcile"
#: So many items may vanish, or one in ten.
_REMOVED, _REMOVED_OF = 3, 10
#: From so many items on a queue can be told from another.
_OF_A_QUEUE = 4
_CHANGED = 20
_NAMES = {MD: "row", DB: "item in the database"}


def safety_stop(totals: Totals, options: Options, situation: Situation) -> Stop | None:
    """Return the first stop of all that hold, in the order of RECONCILE section 7, or None."""
    if situation.interrupted is not None:
        text = f"{situation.interrupted} was interrupted: ops-checks reconcile resume finishes it"
        return Stop("interrupted", text)
    if situation.foreign_base and options.max_removed is None:
        text = "the baseline is of another queue than the database: name the right pair"
        return Stop(f"other-queue-{DB}", f"{text}; to look at it all the same: {_HELP}")
    if not totals.base or not (totals.md or totals.db):
        return None
    sides = (_Side(MD, totals, options), _Side(DB, totals, options))
    for rule in (_empty, _other_queue, _mass_removal):
        for side in sides:
            found = rule(side)
            if found is not None:
                return found
    return next(_mass_change(totals, options), None)


class _Side:
    def __init__(self, name: str, totals: Totals, options: Options) -> None:
        md = name == MD
        self.name = name
        self.items, self.others = (totals.md, totals.db) if md else (totals.db, totals.md)
        self.gone = totals.gone_md if md else totals.gone_db
        self.missing = totals.base - (totals.md_of_base if md else totals.db_of_base)
        self.base = totals.base
        self.allowed = options.max_removed
        self.empty = not self.items and bool(self.others)
        self.may_be_empty = self.empty and options.allow_empty == name

    def over(self, count: int, limit: int) -> bool:
        return not self.may_be_empty and count > (limit if self.allowed is None else self.allowed)


def _empty(side: _Side) -> Stop | None:
    if not side.empty or side.may_be_empty:
        return None
    text = f"no {_NAMES[side.name]} at all, and {side.base} known items: name the right file, or restore it"
    return Stop(f"empty-{side.name}", f"{text}; if it is meant to be empty: {_HELP}")


def _other_queue(side: _Side) -> Stop | None:
    if side.base < _OF_A_QUEUE or side.missing <= side.base // 2 or not side.over(side.missing, 0):
        return None
    text = f"{side.missing} of {side.base} known items have no {_NAMES[side.name]}: this looks like another queue"
    return Stop(f"other-queue-{side.name}", f"{text}: name the right pair; if it is the right one: {_HELP}")


def _mass_removal(side: _Side) -> Stop | None:
    limit = max(_REMOVED, side.base // _REMOVED_OF)
    allowed = limit if side.allowed is None else side.allowed
    if not side.over(side.gone, limit):
        return None
    text = f"{side.gone} of {side.base} known items have no {_NAMES[side.name]} (limit {allowed})"
    return Stop(f"mass-removal-{side.name}", f"{text}: restore the rows; if they were meant to go: {_HELP}")


def _mass_change(totals: Totals, options: Options) -> Iterator[Stop]:
    limit = totals.base // 2 if options.max_changed is None else options.max_changed
    if totals.moved_md >= _CHANGED and totals.moved_md > limit:
        text = f"{totals.moved_md} of {totals.base} known items changed in the document (limit {limit})"
        yield Stop("mass-change-md", f"{text}: check out the right version; if they were meant to change: {_HELP}")
