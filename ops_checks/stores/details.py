"""An item with what its store knows of it besides the nine cells, for listings (FORMATS section 2)."""

from __future__ import annotations

from operator import itemgetter

from ops_checks.stores.changes import RELIABILITY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from ops_checks.model import Item
    from ops_checks.stores.changes import Stored

#: The columns of a database besides the nine cells, in the order of Details.
COLUMNS = (*RELIABILITY, "created_at", "updated_at", "last_error")


_CLOCK = 9  # past the last column


def _part(index: int) -> Any:  # noqa: ANN401 - each attribute below declares its type
    return property(itemgetter(index))


def _stored(index: int) -> Any:  # noqa: ANN401 - as above
    def read(values: tuple[Any, ...]) -> Stored:
        value: Stored = values[index]
        return value.decode("utf-8", "backslashreplace") if type(value) is bytes else value

    return property(read)


class Details(tuple[object, ...]):
    """Number (line or row) and item, then the values of COLUMNS as stored: a store, or an older one, has None there.

    A text may be kept as bytes, for it may be no UTF-8; its attribute is the text. A store with a clock of its own
    adds by how many seconds that is ahead of ours: its leases are judged by it (FORMATS section 5).

    A tuple with names, as Item is, because a million of them are made in a pass.
    """

    __slots__ = ()

    #: Return what is known of an item, from its values in order, as fast as a tuple.
    from_values: Callable[[Iterable[object]], Details] = classmethod(tuple.__new__)  # type: ignore[assignment] # bound when looked up

    number: int = _part(0)
    item: Item = _part(1)
    lease_owner: Stored = _stored(2)
    lease_expires_at: Stored = _stored(3)
    attempt_count: Stored = _stored(4)
    max_attempts: Stored = _stored(5)
    created_at: Stored = _stored(6)
    updated_at: Stored = _stored(7)
    last_error: Stored = _stored(8)

    @property
    def clock_ahead_s(self) -> float:
        """By how many seconds the store's clock was ahead of ours when this was read."""
        ahead: Any = self[_CLOCK] if len(self) > _CLOCK else 0.0
        return float(ahead)


#: What a store without those columns knows of every item.
NOTHING_MORE = (None,) * len(COLUMNS)
