"""Tell what a document adds to a snapshot of its database.

A row that neither the database nor the baseline has is one that the document adds: it is told, and no drift. One of
which the database has events is none of those: the database lost it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.rules.drift.view import View
from ops_checks.sanitize import visible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ops_checks.rules.drift.pair import Difference, Pair
    from ops_checks.stores.transaction_protocol import AgreementReader

_NAMED = 10


class AgainstSnapshot(View):
    """Knows by the baseline of a snapshot which rows are new.

    `gone`: the ids of items that the database had. `is_view`: the document is a view of the database, so that a row
    that is added to it is an edit of the view.
    """

    def __init__(self, agreement: AgreementReader, gone: Iterable[str], *, is_view: bool) -> None:
        super().__init__(agreement)
        self._gone = frozenset(gone)
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
        if item_id in self._gone:
            return False
        agreed = self.agreed(item_id)
        if agreed.unknown or agreed.row is not None:
            return False
        self._added.append(item_id)
        return True

    def classify(self, rule: str, pair: Pair, found: Difference) -> tuple[str, Difference]:
        """Return the rule that a difference counts under, and the difference with what is known of it."""
        if self._is_view:
            return super().classify(rule, pair, found)
        if found.item in self._gone:
            return rule, found._replace(reason="the database had it: it has events of it")
        self.untold += self.agreed(found.item).unknown is not None
        return rule, found
