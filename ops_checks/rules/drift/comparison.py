"""Compare two snapshots: streams of comparison keys in, drift out (OPS_COMMANDS `consistency-check`)."""

from __future__ import annotations

from itertools import compress
from operator import eq, ne
from typing import TYPE_CHECKING

from ops_checks.errors import InputError, UsageError
from ops_checks.findings import Finding, unlisted
from ops_checks.model import FIELDS
from ops_checks.rules.drift.drift import Drift
from ops_checks.rules.drift.pair import Pair, Row, normal, plain_status, rendered
from ops_checks.rules.drift.rules import DEFAULT_FIELDS, DRIFT_CHECKS, VIEW_EDITED
from ops_checks.rules.drift.unseen import explain_ids, unseen_difference
from ops_checks.rules.drift.waiting import Waiting
from ops_checks.rules.rule import RECORDED
from ops_checks.sanitize import visible
from ops_checks.suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Sequence

    from ops_checks.rules.drift.pair import Difference
    from ops_checks.rules.drift.view import View
    from ops_checks.stores.protocol import Keys, Snapshot

    #: Numbers of some rows, and their keys.
    Numbered = tuple[Sequence[int], list[str]]

DEFAULT_KEEP = 50

_END: Keys = (0, [])
_MD, _DB = 0, 1
#: So many keys may wait before those that differ from their partner are compared.
_MANY = 1 << 15
#: By so much more than stayed when they were: in random order few find their partner, and looking costs the more.
_MORE = 16


def _position(field: str) -> int:
    """Return the position of a field in an item. Raises UsageError for a name that is none."""
    if field not in FIELDS:
        expected = f"expected some of {', '.join(FIELDS)}"
        raise UsageError(f"{visible(field)}: no such field: {expected}{did_you_mean(field, FIELDS)}")
    return FIELDS.index(field)


class Comparison:
    """Compares the snapshots of both sides.

    `fields` are compared; items whose status on both sides (or on their only side) is in `ignore_statuses` are
    left out; at most `keep` findings a rule are kept as data (0: all), the others are counted. `as_rendered`: text
    as older tools wrote it into the document counts as equal. `only`: the items whose drift counts, None for all.
    `note_items`: keep what both sides of each item with drift say (`Drift.items`); `keep_pairs`: keep both sides
    themselves (`Drift.pairs`). `view`: what tells an edit of a document that is a view of the database, None where
    it is none.
    """

    def __init__(  # noqa: PLR0913 - by name
        self,
        md: Snapshot,
        db: Snapshot,
        *,
        fields: Iterable[str] | None = None,
        ignore_statuses: frozenset[str] = frozenset(),
        keep: int | None = None,
        as_rendered: bool = False,
        only: Container[str] | None = None,
        note_items: bool = False,
        keep_pairs: bool = False,
        view: View | None = None,
    ) -> None:
        self._sides = (md, db)
        names = DEFAULT_FIELDS if fields is None else fields
        text = rendered if as_rendered else normal
        self._fields = tuple((name, _position(name), text) for name in names)
        self._only = only
        self._note_items = note_items
        self._keep_pairs = keep_pairs
        self._ignored = ignore_statuses
        self._keep = DEFAULT_KEEP if keep is None else keep
        self._view = view
        rules = [*(check.rule.id for check in DRIFT_CHECKS), *([VIEW_EDITED.id] if view else [])]
        self._drift = Drift(counts=dict.fromkeys(rules, 0), findings={rule: [] for rule in rules})
        self._waiting = (Waiting(), Waiting())  # to find the partner of an equal key takes no parsing
        self._most = _MANY

    def run(self) -> Drift:
        """Compare both streams in step. A key without its partner waits until the partner comes.

        Raises InputError for a row that is malformed, and for an id that two waiting rows have. An id that stands
        twice otherwise is left `unmatched`: the store itself then finds it.
        """
        md, db = self._sides
        for left, right in _in_step(md.keys(), db.keys()):
            self._drift.total += len(left[1])
            self._drift.total_db += len(right[1])
            if left[1] != right[1]:  # by far the most rows are the same in every cell
                self._add(*_differing(left, right))
            if self._ignored:
                self._ignore_equal(_equal(left, right))
        self._match()
        self._conclude()
        return self._drift

    def unmatched(self) -> Iterator[str]:
        """Yield the ids of Markdown rows that found no partner: they have none, or their id is written twice."""
        return (self._sides[_MD].item_id(number, key.decode()) for number, key in self._waiting[_MD].numbered())

    def _add(self, left: Numbered, right: Numbered) -> None:
        """Let rows meet those that are the same in every cell, as most are in any order, too; the others wait."""
        for side, (numbers, lines) in enumerate((left, right)):
            keys = "\n".join(lines).encode().split(b"\n") if lines else []  # waiting takes half of the memory of text
            mine, theirs = self._waiting[side], self._waiting[1 - side].rows
            mine.note(numbers, keys)
            new = set(keys)
            if len(new) < len(keys) or not mine.rows.isdisjoint(new):
                self._refuse_twins(side, keys)
            same = new & theirs
            if self._ignored:
                self._ignore_equal(map(bytes.decode, same))
            theirs -= same
            mine.rows |= new - same
        if self._count_waiting() > self._most:
            self._match()
            self._most = max(_MANY, _MORE * self._count_waiting())

    def _count_waiting(self) -> int:
        return sum(len(side.rows) for side in self._waiting)

    def _ignore_equal(self, keys: Iterable[str]) -> None:
        """Count the rows that are the same on both sides and whose status is ignored."""
        count = 0
        for key in keys:
            status = plain_status(key) or self._sides[_MD].item(0, key).status
            count += status in self._ignored
        self._drift.ignored += count
        self._drift.ignored_db += count

    def _refuse_twins(self, side: int, keys: list[bytes]) -> None:
        """Raise InputError for the first of some rows that waits already, or stands twice among them."""
        waiting = self._waiting[side]
        seen: set[bytes] = set()
        for key in keys:
            if key in waiting.rows or key in seen:
                first, *_, number = waiting.numbers(key)
                self._refuse(side, number, self._sides[side].item_id(number, key.decode()), first)
            seen.add(key)

    def _refuse(self, side: int, number: int, item_id: str, first: int) -> None:
        where = visible(str(self._sides[side].place(number, item_id)))
        raise InputError(f"{where}: duplicate id {visible(item_id)}, first at {first}: give one another id")

    def _match(self) -> None:
        """Compare the waiting rows whose partner, of the same id, waits too."""
        md, db = (self._by_id(side) for side in (_MD, _DB))
        for item_id, left in md.items():
            right = db.get(item_id)
            if right is not None:
                for side, (_, key) in enumerate((left, right)):
                    self._waiting[side].rows.remove(key)
                self._compare(Pair(self._row(_MD, *left), self._row(_DB, *right)))

    def _by_id(self, side: int) -> dict[str, tuple[int, bytes]]:
        """Return the waiting rows of a side by their ids. Raises InputError for an id that two of them have."""
        found: dict[str, tuple[int, bytes]] = {}
        for row in self._waiting[side].numbered():
            number, key = row
            item_id = self._sides[side].item_id(number, key.decode())
            if found.setdefault(item_id, row) is not row:
                self._refuse(side, number, item_id, found[item_id][0])
        return found

    def _row(self, side: int, number: int, key: bytes) -> Row:
        return Row(self._sides[side], number, key.decode())

    def _conclude(self) -> None:
        """Compare the rows that have no partner with nothing."""
        md, db = (side.numbered() for side in self._waiting)
        for row in md:
            self._compare(Pair(self._row(_MD, *row), None))
        for row in db:
            self._compare(Pair(None, self._row(_DB, *row)))
        explain_ids(*(self._drift.findings[rule] for rule in ("missing-in-db", "missing-in-md")))
        self._drift.notes += self._view.notes if self._view else []

    def _compare(self, pair: Pair) -> None:
        if self._view and self._view.adds(pair):
            self._drift.ignored += 1
            return
        if all(row.item.status in self._ignored for row in pair.rows):
            self._drift.ignored += pair.md is not None
            self._drift.ignored_db += pair.db is not None
            return
        item_id = pair.rows[0].item.id
        if self._only is not None and item_id not in self._only:
            return
        differs = False
        for rule, find in DRIFT_CHECKS:
            for found in find(pair, self._fields):
                self._keep_finding(*(self._view.classify(rule.id, pair, found) if self._view else (rule.id, found)))
                differs = True
        self._drift.differing += differs
        if differs and self._note_items:
            self._drift.items[item_id] = hash(tuple(row and row.item for row in pair))
        if differs and self._keep_pairs:
            self._drift.pairs.append(pair)

    def _keep_finding(self, rule: str, found: Difference) -> None:
        self._drift.counts[rule] += 1
        kept, rest = self._drift.findings[rule], self._drift.unlisted.setdefault(rule, [])
        if self._keep and len(kept) >= self._keep:
            if len(rest) < RECORDED:
                rest.append(unlisted(rule, found.item, found.field))
        else:
            item, message, rows, name, md, db, known = found
            unseen = None if md is None or db is None else unseen_difference(md, db)
            reason = "; ".join(filter(None, (unseen, known))) or None
            places = tuple(row.place for row in rows)
            about = rows[0].item
            finding = Finding(rule, message, item, name, md, db, reason=reason, places=places)
            kept.append(
                finding._replace(task=about.task, owner=about.owner_session, priority=about.priority),
            )


def _in_step(md: Iterator[Keys], db: Iterator[Keys]) -> Iterator[tuple[Keys, Keys]]:
    """Cut both streams into pieces of the same number of keys; where one has ended, its pieces are empty."""
    (line, left), (number, right) = next(md, _END), next(db, _END)
    while left or right:
        size = min(len(left), len(right)) or max(len(left), len(right))
        yield (line, left[:size]), (number, right[:size])
        line, left = (line + size, left[size:]) if len(left) > size else next(md, _END)
        number, right = (number + size, right[size:]) if len(right) > size else next(db, _END)


def _equal(left: Keys, right: Keys) -> Iterator[str]:
    """Return the keys of both pieces that are the same at the same position."""
    return compress(left[1], map(eq, left[1], right[1]))


def _differing(left: Keys, right: Keys) -> tuple[Numbered, Numbered]:
    """Return number and key of each row that is another than that at the same position of the other piece, if any."""
    (line, md), (number, db) = left, right
    lines, numbers = range(line, line + len(md)), range(number, number + len(db))
    if not (md and db):  # of two pieces of which none is empty, both have as many
        return (lines, md), (numbers, db)
    other = list(map(ne, md, db))
    return (
        (list(compress(lines, other)), list(compress(md, other))),
        (list(compress(numbers, other)), list(compress(db, other))),
    )
