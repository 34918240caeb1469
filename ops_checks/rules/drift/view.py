"""Tell an edit of the document, where that is a view of the database, from a database that moved on.

A comparison of two sides cannot: what was agreed last is the third (RECONCILE section 3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ops_checks.errors import InputError
from ops_checks.model import FIELDS, Item
from ops_checks.rules.drift.rules import VIEW_EDITED
from ops_checks.rules.drift.units import UNIT_OF, UNITS, same
from ops_checks.sanitize import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ops_checks.rules.drift.pair import Difference, Pair
    from ops_checks.stores.baseline import AgreedRow
    from ops_checks.stores.transaction_protocol import AgreementReader

_NO_BASE, _INTERRUPTED = "no baseline", "an interrupted apply"
#: Why nobody can tell, with what to do; None: the item was never agreed on.
_WAYS = {
    None: "never agreed: `ops-checks drift` says what to do",
    _NO_BASE: "no baseline: `ops-checks baseline` records what is equal",
    _INTERRUPTED: "a plan was interrupted while it was applied: `ops-checks reconcile resume` finishes it",
}
_UNTOLD = "nobody can tell whether the view was edited"


class _Agreed(NamedTuple):
    """What is known of the agreement on one item: its row, None if there is none; else why nothing is known."""

    row: AgreedRow | None = None
    unknown: str | None = None


class View:
    """Classifies the differences between a view and its database by what was agreed last.

    `agreement` reads that, None for a store that keeps none. `untold` counts the differences of which nobody can tell,
    `notes` say why.
    """

    def __init__(self, agreement: AgreementReader | None) -> None:
        self._agreement = agreement
        self.name: str | None = None
        self._unknown: str | None = None
        self._asked = False
        self._damage: str | None = None
        self.untold = 0

    @property
    def notes(self) -> list[str]:
        """A line on the differences of which nobody can tell, if there are some."""
        if not self.untold:
            return []
        what = f"differences that may be edits of the view, and count as ordinary drift: {self.untold}"
        return [f"{what} ({self._damage or _WAYS[self._unknown]})"]

    def adds(self, pair: Pair) -> bool:  # noqa: ARG002 - a view has no rows of its own
        """Return whether an item is one that the document adds, which is no drift."""
        return False

    def classify(self, rule: str, pair: Pair, found: Difference) -> tuple[str, Difference]:
        """Return the rule that a difference counts under, and the difference with what is known of it.

        It is an edit of the view if the document moved since the agreement in that unit, and the database did not. One
        of which nobody can tell stays what it is, and says so.
        """
        agreed = self.agreed(found.item)
        edited = None if agreed.unknown else _edited(pair, found.field, agreed.row)
        if edited is None:
            self.untold += 1
            return rule, found._replace(reason=f"{agreed.unknown or 'never agreed'}: {_UNTOLD}")
        return (VIEW_EDITED.id, self._told(pair, found)) if edited else (rule, found)

    def _told(self, pair: Pair, found: Difference) -> Difference:
        if found.field is not None:
            return found._replace(reason=f"the document changed since {self.name}, the database did not")
        what = "added to" if pair.md else "taken out of"
        return found._replace(message=f"{found.item} was {what} the document since {self.name}")

    def agreed(self, item_id: str) -> _Agreed:
        """Return what is known of the agreement on an item. Never fails."""
        try:
            unknown = self._baseline_defect()
            if unknown is not None or self._agreement is None:
                return _Agreed(unknown=unknown)
            return _Agreed(self._agreement.rows([item_id]).get(item_id))
        except InputError as error:  # who compares three ways is told of it; the two sides differ all the same
            self._damage = error.message
            return _Agreed(unknown="the baseline is damaged")

    def _baseline_defect(self) -> str | None:
        """Return why nothing is agreed on any item, None if there is a baseline. Raises InputError for damage."""
        if not self._asked:
            baseline = self._agreement.baseline() if self._agreement else None
            if baseline is None or self._agreement is None:
                self._unknown = _NO_BASE
            elif self._agreement.interrupted() is not None:  # one side of it may be written, and the other not
                self._unknown = _INTERRUPTED
            self.name = visible(baseline.name) if baseline else None
            self._asked = True
        return self._unknown


def _edited(pair: Pair, field: str | None, row: AgreedRow | None) -> bool | None:
    """Return whether a difference is an edit of the view, None if nobody can tell: it was never agreed on."""
    if row is not None and None in _cells(row, field):
        return None
    if field is None:
        return (row is None) == (pair.md is not None)  # a row that was never known is new, one that was is gone
    if row is None or pair.md is None or pair.db is None:
        return None
    agreed, unit = Item.from_cells(cell or "" for cell in row.cells), UNIT_OF[field]
    return same(agreed, pair.db.item, unit) and not same(agreed, pair.md.item, unit)


def _cells(row: AgreedRow, field: str | None) -> Sequence[str | None]:
    """Return the agreed cells of the unit of a field, or of the whole row."""
    names = FIELDS if field is None else UNITS[UNIT_OF[field]]
    return [row.cells[FIELDS.index(name)] for name in names]
