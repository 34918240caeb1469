"""Select items of a queue: what `list` shows, and what a mutation may be asked for. Pure."""

from __future__ import annotations

from ops_checks.model import NOTHING, PRIORITIES, STATUSES, id_order
from ops_checks.timestamps import is_overdue, start_epoch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

    from ops_checks.stores.details import Details
    from ops_checks.timestamps import Zone

    #: From an item to its sort key.
    Order = Callable[[Details], Any]

_WILD = "*?"
_LATE = float("inf")
_MANY = 1024


class Selector:
    """Which items are meant: those that every criterion given holds for; None or empty stands for any.

    `names` are exact ids and globs with `*` and `?`; `owners` exact. `since_s` and `until_s` (epoch seconds, inclusive)
    bound the time of the last change or the start, either of them. `stale_s`: only work in progress for longer than so
    many seconds at `now_s`, or without a readable start. `text` is looked for in any case. `zone` is the queue's.
    """

    __slots__ = (
        "_globs", "_ids", "_text", "names", "now_s", "owners", "priorities", "since_s", "stale_s", "statuses",
        "until_s", "zone",
    )  # fmt: skip

    def __init__(  # noqa: PLR0913 - the criteria, by name
        self,
        *,
        now_s: float,
        zone: Zone,
        names: Sequence[str] = (),
        statuses: Sequence[str] = (),
        priorities: Sequence[str] = (),
        owners: Sequence[str] = (),
        since_s: float | None = None,
        until_s: float | None = None,
        stale_s: float | None = None,
        text: str | None = None,
    ) -> None:
        self.now_s, self.zone = now_s, zone
        self.names = tuple(dict.fromkeys(names))
        self._ids = frozenset(name for name in names if not is_glob(name))
        self._globs = tuple(name for name in self.names if is_glob(name))
        self.statuses, self.priorities, self.owners = frozenset(statuses), frozenset(priorities), frozenset(owners)
        self.since_s, self.until_s, self.stale_s = since_s, until_s, stale_s
        self._text = None if text is None else _plain(text)

    @property
    def empty(self) -> bool:
        """Whether there is no criterion, so that every item is meant: no mutation may take that for an answer."""
        bounds = (self.since_s, self.until_s, self.stale_s, self._text)
        return not (self.names or self.statuses or self.priorities or self.owners) and bounds == (None,) * len(bounds)

    @property
    def only_ids(self) -> bool:
        """Whether items are named by their exact ids, and by nothing else."""
        others = (self.since_s, self.until_s, self.stale_s, self._text) != (None,) * 4
        return bool(self._ids) and not (self._globs or self.statuses or self.priorities or self.owners or others)

    def naming(self, item_id: str) -> list[str]:
        """Return the ids and globs that name an item."""
        found = [item_id] if item_id in self._ids else []
        return found + [glob for glob in self._globs if matches_glob(item_id, glob)]

    def matches(self, row: Details) -> bool:
        """Return whether every criterion but the names holds for an item."""
        item = row.item
        return (
            (not self.statuses or item[1] in self.statuses)
            and (not self.priorities or item[2] in self.priorities)
            and (not self.owners or (item[5] or NOTHING) in self.owners)
            and (self.stale_s is None or self.is_stale(row, self.stale_s))
            and (self.since_s is self.until_s is None or any(map(self._is_between, self._times(row))))
            and (self._text is None or self._holds_text(row, self._text))
        )

    def is_stale(self, row: Details, stale_s: float) -> bool:
        """Return whether an item is in progress for longer, or cannot be shown not to be (FORMATS section 4)."""
        item = row.item
        return item[1] == "IN_PROGRESS" and is_overdue(start_epoch(item[6], self.zone), self.now_s, stale_s)

    def _times(self, row: Details) -> tuple[int | None, int | None]:
        """Return when an item was changed and started."""
        changed = row.updated_at
        return (
            start_epoch(changed, self.zone) if isinstance(changed, str) else None,
            start_epoch(row.item[6], self.zone),
        )

    def _is_between(self, time_s: int | None) -> bool:
        if time_s is None:
            return False
        # A time of the queue is a minute: one that lies partly after `since_s` counts.
        return (self.since_s is None or time_s >= self.since_s // 60 * 60) and (
            self.until_s is None or time_s <= self.until_s
        )

    def _holds_text(self, row: Details, text: str) -> bool:
        item, error = row.item, row.last_error
        cells = (item[0], item[3], item[4], item[8], item[5], "" if error is None else str(error))
        return any(text in _plain(cell) for cell in cells)


class Selected:
    """The items that were selected, in their order: `rows`, of `total`; `unmatched` are names that no item has."""

    __slots__ = ("rows", "total", "unmatched")

    def __init__(self, rows: list[Details], total: int, unmatched: list[str]) -> None:
        self.rows = rows
        self.total = total
        self.unmatched = unmatched


class Selection:
    """Selects items as they pass, one `offer` each, as `select` does; only those that are kept stay."""

    def __init__(self, selector: Selector, *, order: Order | None = None, most: int | None = None) -> None:
        self._selector, self._order, self._most = selector, order, most
        self._unmatched = dict.fromkeys(selector.names)
        self._kept: list[Details] = []
        self._total = 0

    def offer(self, row: Details) -> None:
        """Keep an item if it is meant."""
        if self._selector.names:
            naming = self._selector.naming(row.item[0])
            if not naming:
                return
            for name in naming:
                self._unmatched.pop(name, None)
        if not self._selector.matches(row):
            return
        self._total += 1
        most = self._most
        if most is None or self._order is not None or len(self._kept) < most:
            self._kept.append(row)
        if most is not None and len(self._kept) > most + _MANY:
            self._kept = sorted(self._kept, key=self._order)[:most]  # only with an order

    def selected(self) -> Selected:
        """Return what was selected of the items that were offered."""
        kept = self._kept if self._order is None else sorted(self._kept, key=self._order)
        return Selected(kept if self._most is None else kept[: self._most], self._total, list(self._unmatched))


def select(
    rows: Iterable[Details], selector: Selector, *, order: Order | None = None, most: int | None = None
) -> Selected:
    """Select items in one pass, by an order (None: the store's), the first `most` of them; only those are kept.

    A name is unmatched if no item of the queue has it, whatever the other criteria say of the item.
    """
    selection = Selection(selector, order=order, most=most)
    for row in rows:
        selection.offer(row)
    return selection.selected()


def orders(zone: Zone) -> Mapping[str, Order | None]:
    """Return the orders by name; equal items stay in the store's. `zone` is the queue's."""

    def started(row: Details) -> float:
        start = start_epoch(row.item.started_at_kst, zone)
        return _LATE if start is None else start

    def changed(row: Details) -> float:
        time = row.updated_at
        epoch = start_epoch(time, zone) if isinstance(time, str) else None
        return _LATE if epoch is None else -epoch

    def triage(row: Details) -> tuple[int, float, tuple[str, int, str]]:
        return PRIORITIES.index(row.item.priority), started(row), id_order(row.item.id)

    return {
        "added": None,
        "id": lambda row: id_order(row.item.id),
        "status": lambda row: STATUSES.index(row.item.status),
        "priority": triage,
        "owner": lambda row: (row.item.owner_session in ("", NOTHING), row.item.owner_session),
        "started": started,
        "changed": changed,
    }


#: The names of the orders: as added, by id, in the order of statuses, of triage, by owner, oldest start, newest change.
ORDERS = ("added", "id", "status", "priority", "owner", "started", "changed")


def is_glob(name: str) -> bool:
    """Return whether a name stands for several ids."""
    return any(wild in name for wild in _WILD)


def matches_glob(text: str, glob: str) -> bool:
    """Return whether a text is one that a glob stands for: `*` is any characters, `?` one; every other is itself.

    The time is at most the product of their lengths, whatever the glob is.
    """
    at = here = 0
    star, resume = -1, 0
    while at < len(text):
        if here < len(glob) and glob[here] == "*":
            star, resume, here = here, at, here + 1
        elif here < len(glob) and glob[here] in ("?", text[at]):
            at, here = at + 1, here + 1
        elif star >= 0:
            resume += 1
            at, here = resume, star + 1
        else:
            return False
    return not glob[here:].strip("*")


def _plain(text: str) -> str:
    """Return a text without the differences that a search does not mind: case, and the Unicode form."""
    if text.isascii():
        return text.lower()
    from unicodedata import normalize

    return normalize("NFC", normalize("NFC", text).casefold())
