"""What a plan is made of and what it is made from (RECONCILE sections 1, 3 and 8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from ops_checks.model import FIELDS
from ops_checks.reconcile.units import UNITS, equal, value
from ops_checks.rules.drift.pair import normal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ops_checks.model import Item
    from ops_checks.reconcile.reasons import Reason
    from ops_checks.rules.drift.units import Value
    from ops_checks.stores.changes import Reliability

    #: Cells by field, as they are written.
    Cells = dict[str, str]

#: The sides: the document of people, the database of machines.
MD, DB = "md", "db"
#: The key of a preference for every item.
EVERY = "*"
#: What `lineage` says: the document came after the base; nothing shows that it did; there is no git to show it.
LINEAGE_OK, LINEAGE_UNKNOWN, LINEAGE_NO_GIT = "ok", "unknown", "no-git"
#: The ways that a plan may go.
BOTH_WAYS, TO_DB, TO_MD = "both", "to_db", "to_md"


class BaseRow(Struct, frozen=True):
    """The last agreed state of an item: its cells by field, None where a unit was never agreed (rules B2, B8)."""

    cells: Mapping[str, str | None]

    @property
    def agreed(self) -> bool:
        """Whether every unit was agreed once."""
        return None not in self.cells.values()

    def value(self, unit: str) -> Value | None:
        """Return the cells of a unit as they are compared, None if it was never agreed."""
        texts = {name: self.cells.get(name) for name in UNITS[unit]}
        if None in texts.values():
            return None
        return tuple(normal(name, text or "") for name, text in texts.items())

    def agrees(self, item: Item, unit: str) -> bool:
        """Return whether a unit of an item is as it was agreed; not where it never was."""
        agreed = self.value(unit)
        return agreed is not None and equal(agreed, value(item, unit))


def base_row(item: Item) -> BaseRow:
    """Return the agreed state of an item that is equal on both sides."""
    return BaseRow(dict(zip(FIELDS, item, strict=True)))


class ItemState(Struct, frozen=True):
    """One item on both sides and in the base, None where it is missing; `lease` is the database's.

    `touched`: pairs of side and unit that moved and came back since the base (rule B4). `anchor`: the id above the
    row's old place in the document. `suspect`: its events break a law (section 16).
    """

    id: str
    base: BaseRow | None
    md: Item | None
    db: Item | None
    lease: Reliability | None = None
    touched: frozenset[tuple[str, str]] = frozenset()
    anchor: str | None = None
    suspect: bool = False


class Totals(Struct, frozen=True):
    """Numbers of items: in all, of the base's ids on each side, gone from one side only, and moved in the document.

    `base` counts agreed items only.
    """

    base: int = 0
    md: int = 0
    db: int = 0
    md_of_base: int = 0
    db_of_base: int = 0
    gone_md: int = 0
    gone_db: int = 0
    moved_md: int = 0


class Options(Struct, frozen=True):
    """What a person asks of a plan (RECONCILE section 2).

    `prefer`: from `ID.UNIT`, `ID` or EVERY to a side; `rekey`: from an id to the new id of the document's row.
    `units`: those to look at, None for all. `union`: without a base, what stands on one side was added there.
    `view`: what was never agreed is taken from the database, of which the document is a view.
    """

    prefer: Mapping[str, str] = field(default_factory=dict)
    rekey: Mapping[str, str] = field(default_factory=dict)
    units: frozenset[str] | None = None
    direction: str = BOTH_WAYS
    source_of_truth: str | None = None
    union: bool = False
    view: bool = False
    max_removed: int | None = None
    max_changed: int | None = None
    allow_empty: str | None = None


class Situation(Struct, frozen=True):
    """What a plan depends on besides the items: the time in epoch seconds, the base, what may be written.

    `foreign_base`: the base is of another queue than the database.
    """

    now_s: float
    has_base: bool = True
    lineage: str = LINEAGE_OK
    md_read_only: bool = False
    interrupted: str | None = None
    foreign_base: bool = False


class Action(Struct, frozen=True, kw_only=True):
    """One change of one side: `before` and `after` are cells, None for no row; `to` is the side."""

    id: str
    unit: str
    kind: str
    to: str
    before: Cells | None
    after: Cells | None
    why: str
    base: Mapping[str, str | None] | None = None
    anchor: str | None = None
    lease: Reliability | None = None
    attempt_count: int | None = None


class Need(Struct, frozen=True, kw_only=True):
    """A unit that a person must decide on; `refused`: a preference was given, and may not be followed."""

    id: str
    unit: str
    reason: Reason
    help: str
    refused: bool = False
    other: str | None = None
    base: Mapping[str, str | None] | None = None
    md_cells: Cells | None = None
    db_cells: Cells | None = None
    lease: Reliability | None = None


class Stop(Struct, frozen=True):
    """Why nothing is planned at all (RECONCILE section 7)."""

    reason: str
    message: str


class Plan(Struct, frozen=True):
    """What to do, and what a person must decide; with a `stop` neither."""

    actions: list[Action]
    needs: list[Need]
    stop: Stop | None = None
    #: Options that name an item, and that nothing asked for.
    unused: list[str] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        """Whether nothing differs."""
        return not (self.actions or self.needs or self.stop)
