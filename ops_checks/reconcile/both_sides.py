"""Settle an item that both sides have, unit by unit (RECONCILE sections 4 to 6). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ops_checks.reconcile import claims
from ops_checks.reconcile.decision import ADD, ADDED, MERGED, OTHER, PREFERRED, REKEY, SET
from ops_checks.reconcile.model import BOTH_WAYS, DB, MD, Action, base_row
from ops_checks.reconcile.notes import appended, common, for_document, merged
from ops_checks.reconcile.reasons import WAYS, Reason
from ops_checks.reconcile.units import CLAIM, NOTES, PEOPLES, ROW, UNCLAIMED, UNITS, cells, differing, same, value

if TYPE_CHECKING:
    from ops_checks.model import Item
    from ops_checks.reconcile.decision import Decision
    from ops_checks.reconcile.model import BaseRow


class _To(NamedTuple):
    """The side that a unit is written to, and why."""

    side: str
    why: str


class _Pair(NamedTuple):
    """The item on both sides, its base, and the decision on it."""

    md: Item
    db: Item
    base: BaseRow | None
    decision: Decision


def settle(decision: Decision, md: Item, db: Item) -> None:
    """Settle every unit in which both sides differ."""
    base = decision.state.base
    if base is None and decision.knows_additions and not decision.options.view:
        base = _first_base(md, db)
        if base is None:
            _settle_twins(_Pair(md, db, None, decision))
            return
    pair = _Pair(md, db, base, decision)
    wanted = decision.options.units
    claim: Reason | None = None
    for unit in differing(md, db):
        if wanted is None or unit in wanted:
            reason = _settle_unit(pair, unit, claim)
        elif unit == CLAIM and NOTES in wanted:  # not to be settled now, but rewritten notes wait for it
            reason = _reason_of(_settled(pair, unit, None)[0])
        else:
            continue
        claim = reason if unit == CLAIM else claim
    if base is None and not decision.actions and {need.reason for need in decision.needs} == {Reason.NO_BASE}:
        decision.needs.clear()  # one question for an item without any base, not one for each unit
        decision.ask(ROW, Reason.NO_BASE)


def _settle_unit(pair: _Pair, unit: str, claim: Reason | None) -> Reason | None:
    """Settle one unit; return why if it needs a person. `claim`: why the item's claim does."""
    settled, refused = _settled(pair, unit, claim)
    if isinstance(settled, _To):
        _set(pair, unit, settled)
    elif settled is not None:
        pair.decision.ask(unit, settled, refused=refused)
    return _reason_of(settled)


def _reason_of(settled: _To | Reason | None) -> Reason | None:
    return settled if isinstance(settled, Reason) else None


def _settled(pair: _Pair, unit: str, claim: Reason | None) -> tuple[_To | Reason | None, bool]:
    """Return where a unit goes, None if it is settled, or why it does not go and whether a preference is refused."""
    settled = _by_itself(pair, unit, claim)
    refused = False
    if isinstance(settled, Reason):
        settled, refused = _as_preferred(pair, unit, settled)
    if isinstance(settled, _To) and settled.side == MD and pair.decision.may_not_write_document:
        settled = Reason.MD_READ_ONLY
    return settled, refused


def _by_itself(pair: _Pair, unit: str, claim: Reason | None) -> _To | Reason | None:
    """Return where a unit goes by itself, or why it does not; None if it is settled."""
    base = pair.base
    if base is None or base.value(unit) is None:
        return _To(MD, "db-moved") if pair.decision.options.view else Reason.NO_BASE
    if base.agrees(pair.md, unit):
        return _moved_in(pair, unit, DB)
    if base.agrees(pair.db, unit):
        if unit == NOTES and claim is not None and not _appended(pair):
            return claim  # rewritten notes belong to the claim that they report
        return _moved_in(pair, unit, MD)
    if unit == NOTES:
        return _merge_notes(pair)
    claimed_twice = unit == CLAIM and pair.md.status == pair.db.status == "IN_PROGRESS"
    return Reason.DOUBLE_CLAIM if claimed_twice else Reason.CONFLICT


def _moved_in(pair: _Pair, unit: str, side: str) -> _To | Reason:
    """Return where a unit goes that differs from its base on one side only."""
    if (OTHER[side], unit) in pair.decision.state.touched:
        return Reason.THERE_AND_BACK
    if side == DB:
        return _To(MD, "db-moved")
    return pair.decision.objection(unit, pair.md, pair.db) or _To(DB, "md-moved")


def _as_preferred(pair: _Pair, unit: str, reason: Reason) -> tuple[_To | Reason, bool]:
    """Return a need as a preference settles it, and whether the preference is refused."""
    preference = pair.decision.preference(unit)
    if preference is None or not (preference.by_name or WAYS[reason].bulk):
        return reason, False
    if preference.side == DB:
        return _To(MD, PREFERRED), False
    against = _refusal(pair) if unit == CLAIM else None
    if against is not None:
        return against, True
    # A preference for everything opens no more than what would go over by itself.
    unnamed = None if preference.by_name else pair.decision.objection(unit, pair.md, pair.db)
    return (unnamed or _To(DB, PREFERRED)), False


def _refusal(pair: _Pair) -> Reason | None:
    return claims.refusal(pair.md, pair.db, pair.decision.state.lease, pair.decision.situation.now_s)


def _appended(pair: _Pair) -> bool:
    return appended((pair.base and pair.base.cells[NOTES]) or "", pair.md.notes)


def _merge_notes(pair: _Pair) -> Reason | None:
    """Merge notes that both sides appended to, on both sides or on neither; None if they are merged."""
    decision = pair.decision
    texts = merged((pair.base and pair.base.cells[NOTES]) or "", pair.md.notes, pair.db.notes)
    if texts is None:
        return Reason.NOTES_CONFLICT
    both = ((DB, pair.db, texts[1]), (MD, pair.md, texts[0]))
    written = [(side, item, item.with_cells([(NOTES, text)])) for side, item, text in both]
    written = [(side, item, after) for side, item, after in written if not same(after, item, NOTES)]
    sides = {side for side, _, _ in written}
    if MD in sides and decision.may_not_write_document:
        return Reason.MD_READ_ONLY
    against = decision.objection(NOTES, pair.md, pair.db) if DB in sides else None
    if against is not None or (len(sides) > 1 and decision.options.direction != BOTH_WAYS):
        return against
    for side, item, after in written:
        decision.act(NOTES, SET, side, MERGED, item, after)
    return None


def _set(pair: _Pair, unit: str, to: _To) -> None:
    source, target = (pair.db, pair.md) if to.side == MD else (pair.md, pair.db)
    texts = [(name, text) for name, text in cells(source, unit).items() if name in UNITS[unit]]
    if unit == NOTES and to.side == MD:
        texts = [(NOTES, for_document(source.notes))]
    again = unit == CLAIM and to.side == DB and (pair.db.status, pair.md.status) == ("FAILED", "PENDING")
    pair.decision.act(unit, SET, to.side, to.why, target, target.with_cells(texts), attempts=int(again))


# Two rows that appeared under one id.


def _first_base(md: Item, db: Item) -> BaseRow | None:
    """Return the base of a row that both sides have and that was never agreed (rule B7), None for two tasks."""
    if not all(same(md, db, unit) for unit in PEOPLES):
        return None
    unclaimed = [item for item in (md, db) if value(item, CLAIM) == UNCLAIMED]
    if not unclaimed:
        return None if differing(md, db) else base_row(md)
    notes = unclaimed[0].notes if len(unclaimed) == 1 else common(md.notes, db.notes)
    return base_row(unclaimed[0].with_cells([(NOTES, notes)]))


def _settle_twins(pair: _Pair) -> None:
    """Settle two tasks under one id: as a whole or not at all, else one of them is lost."""
    decision = pair.decision
    new_id = decision.options.rekey.get(decision.state.id)
    if new_id is not None:
        _rekey(pair, new_id)
        return
    preference = decision.preference(ROW)
    if preference is None or not preference.by_name:
        decision.ask(ROW, Reason.BOTH_ADDED)
        return
    against = _refusal_of_row(pair, preference.side)
    if against is not None:
        decision.ask(ROW, against, refused=True)
        return
    for unit in differing(pair.md, pair.db):
        _set(pair, unit, _To(OTHER[preference.side], PREFERRED))


def _refusal_of_row(pair: _Pair, side: str) -> Reason | None:
    if side == MD and CLAIM in differing(pair.md, pair.db):
        return _refusal(pair)
    return Reason.MD_READ_ONLY if side == DB and pair.decision.may_not_write_document else None


def _rekey(pair: _Pair, new_id: str) -> None:
    """Give the document's row another id; then each of the two goes to the side that lacks it."""
    decision = pair.decision
    against = _refusal_of_rekey(pair)
    if against is not None:
        decision.ask(ROW, against, refused=True)
        return
    old_id = decision.state.id
    moved = cells(pair.md.with_cells([("id", new_id)]), ROW)
    renamed = Action(id=old_id, unit=ROW, kind=REKEY, to=MD, before={"id": old_id}, after={"id": new_id}, why=PREFERRED)
    decision.actions += [
        renamed,
        Action(id=new_id, unit=ROW, kind=ADD, to=DB, before=None, after=moved, why=ADDED),
    ]
    decision.add(MD, pair.db, ADD, ADDED)


def _refusal_of_rekey(pair: _Pair) -> Reason | None:
    """Return why the two do not get an id each: both sides are written to, and the database gets a new item."""
    decision = pair.decision
    if decision.options.direction != BOTH_WAYS:
        return Reason.BOTH_ADDED
    if decision.may_not_write_document:
        return Reason.MD_READ_ONLY
    return claims.refusal(pair.md, None, None, decision.situation.now_s)
