"""Do the two queues agree? Two streams of items in, drift out (OPS_COMMANDS `consistency-check`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import count

from msgspec import Struct, field

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
_MOST_ID = 64  # ids are shorter; what follows is not copied only to find one
_AROUND_ID = _BLANK + "\r"
_END: Rows = (0, [])
_MD, _DB = 0, 1
#: So many rows may wait before those that differ from their partner are looked for.
_MANY = 1 << 14

#: Rows of Markdown that follow each other: the number of the first, and the text of each.
Rows = tuple[int, list[str]]
#: Rows with their numbers.
Numbered = list[tuple[str, int]]
Locate = Callable[[int, str], Place]


class Drift(Struct):
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
        # Rows of either side, with their numbers: by their text, because to find the partner by that takes no parsing.
        self._waiting: tuple[dict[str, int], dict[str, int]] = ({}, {})
        self._most = _MANY

    def run(self, md: Iterable[Rows], db: Iterable[Rows]) -> Drift:
        """Compare the streams of rows in step. A row without its partner is set aside until the partner comes.

        Raises InputError for a row that is malformed, and for an id that two rows have which wait.
        An id met twice otherwise is left `unmatched`: whoever has the store asks it then.
        """
        for left, right in _in_step(iter(md), iter(db)):
            self._drift.total += len(left[1])
            self._drift.total_db += len(right[1])
            if left[1] != right[1]:  # by far the most rows are the same in every cell
                self._set_aside(*_differing(left, right))
        self._settle()
        self._conclude()
        return self._drift

    def unmatched(self) -> Iterator[str]:
        """Yield the ids of Markdown rows that found no partner: they have none, or their id is written twice."""
        return (self._id(_MD, row, number) for row, number in self._waiting[_MD].items())

    def _set_aside(self, left: Numbered, right: Numbered) -> None:
        for side, rows in enumerate((left, right)):
            mine, theirs = self._waiting[side], self._waiting[1 - side]
            new = dict(rows)
            if len(new) < len(rows) or not mine.keys().isdisjoint(new):
                self._refuse_twins(side, rows)
            for row in new.keys() & theirs.keys():  # in any order, too, most rows are the same in every cell
                del new[row], theirs[row]
            mine.update(new)
        if sum(map(len, self._waiting)) > self._most:
            self._settle()
            self._most = max(_MANY, 4 * sum(map(len, self._waiting)))

    def _refuse_twins(self, side: int, rows: Numbered) -> None:
        numbers = dict(self._waiting[side])
        for row, number in rows:
            first = numbers.setdefault(row, number)
            if first != number:
                self._refuse(side, number, self._id(side, row, number), first)

    def _refuse(self, side: int, number: int, item_id: str, first: int) -> None:
        where = visible(str(self._places[side](number, item_id)))
        raise InputError(f"{where}: duplicate id {visible(item_id)}, first at {first}: give one another id")

    def _settle(self) -> None:
        """Compare the waiting rows whose partner, of the same id, waits too."""
        found: tuple[dict[str, str], dict[str, str]] = ({}, {})
        for side, rows in enumerate(self._waiting):
            for row, number in rows.items():
                item_id = self._id(side, row, number)
                if found[side].setdefault(item_id, row) is not row:
                    self._refuse(side, number, item_id, rows[found[side][item_id]])
        md, db = self._waiting
        for item_id, left in found[_MD].items():
            right = found[_DB].get(item_id)
            if right is not None:
                self._compare((left, md.pop(left)), (right, db.pop(right)))

    def _id(self, side: int, row: str, number: int) -> str:
        return plain_id(row) or self._parse(side, row, number).id

    def _parse(self, side: int, row: str, number: int) -> Item:
        item = parse_row(row)
        if item is None:
            raise InputError(f"{visible(str(self._places[side](number, '')))}: {row_defect(row)}")
        return item

    def _compare(self, left: tuple[str, int], right: tuple[str, int]) -> None:
        md, db = self._parse(_MD, *left), self._parse(_DB, *right)
        if md.status in self._ignored and db.status in self._ignored:
            return
        for name, index in self._fields:
            if md[index] != db[index] and normal(name, md[index]) != normal(name, db[index]):
                places = (self._places[_MD](left[1], md.id), self._places[_DB](right[1], db.id))
                message = f"{md.id} {name}: md={md[index]} db={db[index]}"
                self._find(Finding(FIELD_MISMATCH, message, md.id, name, md[index], db[index], places=places))

    def _conclude(self) -> None:
        for side, rows in enumerate(self._waiting):
            rule, where = (MISSING_IN_DB, "database") if side == _MD else (MISSING_IN_MD, "Markdown queue")
            for row, number in rows.items():
                item = self._parse(side, row, number)
                if item.status not in self._ignored:
                    place = self._places[side](number, item.id)
                    self._find(Finding(rule, f"{item.id} is not in the {where}", item.id, places=(place,)))
        self._drift.digest = self._digest.hexdigest()

    def _find(self, finding: Finding) -> None:
        self._digest.update(f"{finding.rule}\0{finding.message}\0".encode("utf-8", "surrogatepass"))
        self._drift.counts[finding.rule] += 1
        kept = self._drift.findings[finding.rule]
        if not self._keep or len(kept) < self._keep:
            kept.append(finding)


def _in_step(md: Iterator[Rows], db: Iterator[Rows]) -> Iterator[tuple[Rows, Rows]]:
    """Cut both streams into pieces of the same number of rows; where one has ended, its pieces are empty."""
    (line, left), (number, right) = next(md, _END), next(db, _END)
    while left or right:
        size = min(len(left), len(right)) or max(len(left), len(right))
        yield (line, left[:size]), (number, right[:size])
        line, left = (line + size, left[size:]) if len(left) > size else next(md, _END)
        number, right = (number + size, right[size:]) if len(right) > size else next(db, _END)


def _differing(left: Rows, right: Rows) -> tuple[Numbered, Numbered]:
    """Return the rows of each piece that differ from the one at the same place of the other, with their numbers."""
    (line, md), (number, db) = left, right
    if not (md and db):
        return list(zip(md, count(line))), list(zip(db, count(number)))
    places = [at for at, pair in enumerate(zip(md, db, strict=True)) if pair[0] != pair[1]]
    return [(md[at], line + at) for at in places], [(db[at], number + at) for at in places]


def plain_id(row: str) -> str:
    """Return the id of a row written as `| id | …`, or "" if it takes a closer look: it may have another."""
    cells = row[:_MOST_ID].split("|", 2)
    plain = len(cells) > 2 and not cells[0] and cells[1][-1:] != "\\"  # noqa: PLR2004 - two pipes stand around a cell
    return cells[1].strip(_AROUND_ID) if plain else ""


def normal(field: str, text: str) -> str:
    """Return a cell as it is compared: on one line, trimmed, and nothing as `-` where that is how it is written."""
    return one_line(text).strip(_BLANK) or (NOTHING if field in DASHED else "")
