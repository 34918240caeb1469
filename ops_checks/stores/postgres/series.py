"""Change many items of the queue one after the other, through one connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.stores.postgres.connection import Session, Translated
from ops_checks.stores.postgres.store import PostgresStore

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from ops_checks.stores.postgres.location import ServerLocation


class PostgresSeries(PostgresStore):
    """A store that stays connected between its changes; each is a transaction of its own, as it is without."""

    def __init__(self, location: ServerLocation, *, lock_timeout_s: float) -> None:
        super().__init__(location, lock_timeout_s=lock_timeout_s)
        self._kept: Session | None = None

    def __enter__(self) -> Self:
        """Return the store; it connects with its first change."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        if self._kept is not None:
            self._kept.close()

    def _session(self) -> Session:
        if self._kept is None or self._kept.lost():
            self._kept = super()._session()
        return self._kept

    def _release(self, session: Session) -> None:
        """Roll back what was not committed, and keep the connection."""
        with Translated(self.location, writing=True):
            session.end()
