"""See to it that triggers of other programs write nothing to the queue's tables beside a change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.errors import WriteError
from ops_checks.stores.tables import EVENTS, TABLE, where

if TYPE_CHECKING:
    from types import TracebackType

    from ops_checks.stores.postgres.connection import Session

#: What the open transaction has inserted, updated and deleted in a table and its partitions.
_COUNTS = ", ".join(
    f"sum(pg_stat_get_xact_tuples_{what}(relid))::bigint" for what in ("inserted", "updated", "deleted")
)
_TALLY = f"""
SELECT {_COUNTS} FROM (SELECT t::regclass AS relid UNION SELECT relid FROM pg_partition_tree(t::regclass)) AS parts
"""
_BOTH = " UNION ALL ".join(
    f"SELECT tally.* FROM (VALUES ('{table}')) AS named (t), LATERAL ({_TALLY}) AS tally" for table in (TABLE, EVENTS)
)
_ONE_CHANGE = [(0, 1, 0), (1, 0, 0)]


class OnlyOnce:
    """Context manager for one change of an item with its event: nothing else may be written to the queue's tables.

    Deferred triggers are let to act before it ends, so that what they do is seen. Raises WriteError.
    """

    def __init__(self, session: Session, item_id: str) -> None:
        self._session = session
        self._item_id = item_id
        self._before: list[tuple[int, ...]] = []

    def __enter__(self) -> None:
        """Note what was written before, if there are triggers at all."""
        if self._session.fires():
            self._before = self._tally()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Compare with what was written since."""
        if error is not None or not self._before:
            return
        self._session.driver.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        pairs = zip(self._tally(), self._before, strict=True)
        since = [tuple(now - then for now, then in zip(*pair, strict=True)) for pair in pairs]
        if any(map(any, since)) and since != _ONE_CHANGE:  # a server may be told not to count
            raise not_as_made(self._session, self._item_id)

    def _tally(self) -> list[tuple[int, ...]]:
        return [tuple(map(int, row)) for row in self._session.execute(_BOTH).fetchall()]


def not_as_made(session: Session, item_id: object) -> WriteError:
    """Return the error for a change that is not in the tables as it was made."""
    return WriteError(
        f"{where(session.name, item_id)}: not written, because the change did not read back as it was made: look for a "
        "trigger or rule on the queue's tables"
    )
