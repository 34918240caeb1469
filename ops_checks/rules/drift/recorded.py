"""Tell what moved between a document and a snapshot of its database, where nobody can ask for more than the baseline.

A row that neither the database nor the baseline has is one that the document adds: it is told, and no drift.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.model import Item
from ops_checks.rules.drift.rules import VIEW_EDITED
from ops_checks.rules.drift.units import UNIT_OF, same
from ops_checks.rules.drift.view import View, agreed_cells
from ops_checks.sanitize import visible

if TYPE_CHECKING:
    from ops_checks.rules.drift.pair import Difference, Pair
    from ops_checks.stores.baseline import AgreedRow
    from ops_checks.stores.transaction_protocol import AgreementReader

_NAMED = 10
_NEVER = "never agreed"


class AgainstSnapshot(View):
    """Says of each difference which side moved since the baseline of a snapshot, and which rows are new.

    `is_view`: the document is a view of the database, so that a row that is added to it is an edit of the view.
    """

    def __init__(self, agreement: AgreementReader, *, is_view: bool) -> None:
        super().__init__(agreement)
        self._is_view = is_view
        self._added: list[str] = []

    @property
    def notes(self) -> list[str]:
        """Lines on the rows that were added, and on a baseline that is missing where there are differences."""
        lines = super().notes if self._is_view else []
        if self._added:
            more = f" and {len(self._added) - _NAMED} more" if len(self._added) > _NAMED else ""
            lines.append(
                f"added here: {', '.join(map(visible, self._added[:_NAMED]))}{more}: the database never had it"
            )
        if self.untold and self.name is None:
            lines.append(
                "the snapshot has no baseline: `ops-checks baseline` where the database is records what both agree on; "
                "in snapshots that are made from then on a row that is added here is no drift"
            )
        return lines

    def adds(self, pair: Pair) -> bool:
        """Return whether an item is one that the document adds, and keep its id."""
        if pair.md is None or pair.db is not None or self._is_view:
            return False
        item_id = pair.md.item.id
        agreed = self.agreed(item_id)
        if agreed.unknown or agreed.row is not None:
            return False
        self._added.append(item_id)
        return True

    def classify(self, rule: str, pair: Pair, found: Difference) -> tuple[str, Difference]:
        """Return the rule that a difference counts under, and the difference with the side that moved."""
        if self._is_view:
            rule, found = super().classify(rule, pair, found)
        if rule == VIEW_EDITED.id:
            return rule, found
        agreed = self.agreed(found.item)
        if agreed.unknown:
            self.untold += not self._is_view
            return rule, found
        moved = self._moved(pair, found.field, agreed.row)
        return rule, found._replace(reason="; ".join(filter(None, (found.reason, moved))) or None)

    def _moved(self, pair: Pair, field: str | None, row: AgreedRow | None) -> str | None:
        if pair.md is None and row is None:
            return f"added to the database since {self.name}"
        if row is None or None in agreed_cells(row, field):
            return None if self._is_view else _NEVER  # a view has said so
        if pair.md is None or pair.db is None:
            return f"taken out of the {'document' if pair.md is None else 'database'} since {self.name}"
        agreed, unit = Item.from_cells(cell or "" for cell in row.cells), UNIT_OF[str(field)]
        md, db = (not same(agreed, side.item, unit) for side in (pair.md, pair.db))
        if md and db:
            return f"both sides changed since {self.name}"
        return f"the {'document' if md else 'database'} changed since {self.name}" if md or db else None
