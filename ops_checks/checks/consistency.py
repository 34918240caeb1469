"""Do the two queues agree? Two streams of items in, drift out (OPS_COMMANDS `consistency-check`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import zip_longest

from ops_checks.errors import InputError
from ops_checks.findings import Finding, Place
from ops_checks.model import DASHED, FIELDS, NOTHING, Item
from ops_checks.queues.table import parse_row, row_defect
from ops_checks.text import one_line, visible

MISSING_IN_DB = "missing-in-db"
MISSING_IN_MD = "missing-in-md"
FIELD_MISMATCH = "field-mismatch"
DRIFT_RULES = (MISSING_IN_DB, MISSING_IN_MD, FIELD_MISMATCH)

#: Notes are left out: older tools could not escape a pipe (FORMATS section 1).
DEFAULT_FIELDS = tuple(name for name in FIELDS if name not in {"id", "notes"})

DEFAULT_KEEP = 50

_BLANK = " \t\v\f"

Row = tuple[int, str]
Numbered = tuple[int, Item]
Locate = Callable[[int, str], Place]


@dataclass(slots=True)
class Drift:
    """What a comparison found: `total` items of the Markdown queue, `counts` and kept `findings` by rule.

    `digest` stands for the whole drift, also the part that is not kept: two comparisons with the
    same digest found the same. `remarks` are what a person should know though it is no drift.
    """

    total: int = 0
    total_db: int = 0
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(DRIFT_RULES, 0))
    findings: dict[str, list[Finding]] = field(default_factory=lambda: {rule: [] for rule in DRIFT_RULES})
    digest: str = ""
    remarks: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Tell whether the queues agree."""
        return not any(self.counts.values())


class Comparison:
    """Compares one Markdown stream with one database stream.

    `fields` are compared; items whose status on both sides (or on their only side) is in
    `ignore_statuses` are left out; at most `keep` findings a rule are kept as data (0: all), the
    others are counted. `md_place` and `db_place` tell where an item stands.
    """

    def __init__(
        self,
        md_place: Locate,
        db_place: Locate,
        *,
        fields: Iterable[str] = DEFAULT_FIELDS,
        ignore_statuses: frozenset[str] = frozenset(),
        keep: int = DEFAULT_KEEP,
    ) -> None:
        self._places = (md_place, db_place)
        self._fields = tuple((name, FIELDS.index(name)) for name in fields)
        self._ignored = ignore_statuses
        self._keep = keep
        self._drift = Drift()
        from hashlib import blake2b  # brings OpenSSL with it, which who only imports a name from here need not wait for

        self._digest = blake2b(digest_size=16)
        self._waiting: tuple[dict[str, Row], dict[str, Row]] = ({}, {})

    def run(self, md: Iterable[Row], db: Iterable[Row]) -> Drift:
        """Compare the streams of rows in step. A row without its partner is set aside until the partner comes.

        Raises InputError for a row that is malformed, and for an id met twice on one side while it
        waits. An id met twice otherwise is left `unmatched`: whoever has the store asks it then.
        """
        total = total_db = 0
        for left, right in zip_longest(md, db):
            if left is None:
                total_db += 1
                self._meet(1, self._id(1, right), right)
            elif right is None:
                total += 1
                self._meet(0, self._id(0, left), left)
            else:
                total += 1
                total_db += 1
                if left[1] != right[1]:  # by far the most rows are the same in every cell
                    self._differ(left, right)
        self._drift.total, self._drift.total_db = total, total_db
        self._conclude()
        return self._drift

    def unmatched(self) -> bool:
        """Tell whether a Markdown row found no partner: it has none, or its id is written twice."""
        return bool(self._waiting[0])

    def _differ(self, left: Row, right: Row) -> None:
        md_id, db_id = self._id(0, left), self._id(1, right)
        if md_id == db_id:
            self._compare(self._parse(0, left), self._parse(1, right))
        else:
            self._meet(0, md_id, left)
            self._meet(1, db_id, right)

    def _parse(self, side: int, row: Row) -> Numbered:
        item = parse_row(row[1])
        if item is None:
            raise InputError(f"{visible(str(self._places[side](row[0], '')))}: {row_defect(row[1])}")
        return row[0], item

    def _id(self, side: int, row: Row) -> str:
        return plain_id(row[1]) or self._parse(side, row)[1].id

    def _meet(self, side: int, item_id: str, row: Row) -> None:
        partner = self._waiting[1 - side].pop(item_id, None)
        if partner:
            if partner[1] != row[1]:  # in any order, too, most rows are the same in every cell
                left, right = (row, partner) if side == 0 else (partner, row)
                self._compare(self._parse(0, left), self._parse(1, right))
            return
        first = self._waiting[side].setdefault(item_id, row)
        if first is not row:
            where = visible(str(self._places[side](row[0], item_id)))
            raise InputError(f"{where}: duplicate id {visible(item_id)}, first at {first[0]}: give one another id")

    def _compare(self, left: Numbered, right: Numbered) -> None:
        (line, md), (number, db) = left, right
        if md.status in self._ignored and db.status in self._ignored:
            return
        for name, index in self._fields:
            if md[index] != db[index] and normal(name, md[index]) != normal(name, db[index]):
                places = (self._places[0](line, md.id), self._places[1](number, db.id))
                message = f"{md.id} {name}: md={md[index]} db={db[index]}"
                self._find(Finding(FIELD_MISMATCH, message, md.id, name, md[index], db[index], places=places))

    def _conclude(self) -> None:
        for side, rule in enumerate((MISSING_IN_DB, MISSING_IN_MD)):
            for row in self._waiting[side].values():
                number, item = self._parse(side, row)
                if item.status not in self._ignored:
                    where = "database" if side == 0 else "Markdown queue"
                    place = self._places[side](number, item.id)
                    self._find(Finding(rule, f"{item.id} is not in the {where}", item.id, places=(place,)))
        self._drift.digest = self._digest.hexdigest()

    def _find(self, finding: Finding) -> None:
        self._digest.update(f"{finding.rule}\0{finding.message}\0".encode("utf-8", "surrogatepass"))
        self._drift.counts[finding.rule] += 1
        kept = self._drift.findings[finding.rule]
        if not self._keep or len(kept) < self._keep:
            kept.append(finding)


def plain_id(row: str) -> str:
    """Return the id of a row written as `| id | …`, or "" if it takes a closer look: it may have another."""
    end = row.find(" |", 2)
    item_id = row[2:end]
    odd = row[:2] != "| " or end < 0 or "|" in item_id or "\\" in item_id
    return "" if odd or item_id != item_id.strip(_BLANK + "\r") else item_id


def normal(field: str, text: str) -> str:
    """Return a cell as it is compared: on one line, trimmed, and nothing as `-` where that is how it is written."""
    return one_line(text).strip(_BLANK) or (NOTHING if field in DASHED else "")
