"""Do the two queues agree? (OPS_COMMANDS `consistency-check`, FORMATS section 6)."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest
from builders import SCHEMA, aged, document, execute, item, make_database, make_markdown, table
from hypothesis import given
from hypothesis import strategies as st

from ops_checks.errors import ChangingError, InputError
from ops_checks.findings import Place
from ops_checks.gate.stable_reading import compare
from ops_checks.model import FIELDS, PRIORITIES, STATUSES, Item
from ops_checks.rules.drift import comparison as consistency
from ops_checks.rules.drift.comparison import Comparison
from ops_checks.rules.drift.pair import normal
from ops_checks.stores.markdown.table import parse_row, plain_id, render_row, row_defect, split_cells
from ops_checks.stores.registry import MARKDOWN, SQLITE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from ops_checks.rules.drift.drift import Drift
    from ops_checks.stores.protocol import Store


class Side:
    """A snapshot of rows as they are, so many at a time."""

    def __init__(self, kind: str, rows: list[str], size: int = 100) -> None:
        self._kind = kind
        self._rows = rows
        self._size = size

    def keys(self) -> Iterator[tuple[int, list[str]]]:
        """Stream the rows."""
        return ((at + 1, self._rows[at : at + self._size]) for at in range(0, len(self._rows), self._size))

    def item_id(self, number: int, key: str) -> str:
        """Return the id in a row."""
        return plain_id(key) or self.item(number, key).id

    def item(self, number: int, key: str) -> Item:
        """Return the item of a row."""
        found = parse_row(key)
        if found is None:
            raise InputError(f"{self.place(number, '')}: {row_defect(key)}")
        return found

    def place(self, number: int, item_id: str) -> Place:
        """Return the place of a row."""
        return Place("Q.md", line=number) if self._kind == "md" else Place("q.db", table="queue_items", key=item_id)


def side(kind: str, items: Iterable[Item], size: int = 100) -> Side:
    """Return a side of items."""
    return Side(kind, list(map(render_row, items)), size)


def drift_of(md: Iterable[Item], db: Iterable[Item], sizes: tuple[int, int] = (100, 100), **options: object) -> Drift:
    """Compare two lists of items, of which each side gives so many at a time."""
    return Comparison(side("md", md, sizes[0]), side("db", db, sizes[1]), **options).run()


def told(drift: Drift) -> list[tuple[str, str | None, str | None, str | None, str | None]]:
    """Return the findings, in short."""
    return [(f.rule, f.item, f.field, f.md, f.db) for kept in drift.findings.values() for f in kept]


ITEMS = [item("A-1", "IN_PROGRESS"), item("A-2", "DONE"), item("A-3")]


def test_equal_queues_agree() -> None:
    """The same items are no drift, in any order."""
    for db in (ITEMS, ITEMS[::-1], ITEMS[1:] + ITEMS[:1]):
        drift = drift_of(ITEMS, db)
        assert (drift.ok, drift.total, drift.total_db, told(drift)) == (True, 3, 3, [])


def test_every_kind_of_drift_is_found_with_its_places() -> None:
    """An item that one side lacks, and a field that differs, are findings with the places of both sides."""
    drift = drift_of([ITEMS[0], ITEMS[2]], [ITEMS[0].with_cells([("status", "DONE")]), ITEMS[1]])
    assert told(drift) == [
        ("missing-in-db", "A-3", None, None, None),
        ("missing-in-md", "A-2", None, None, None),
        ("field-mismatch", "A-1", "status", "IN_PROGRESS", "DONE"),
    ]
    places = [[str(place) for place in f.places] for kept in drift.findings.values() for f in kept]
    assert places == [["Q.md:2"], ["q.db:queue_items:A-2"], ["Q.md:1", "q.db:queue_items:A-1"]]


@pytest.mark.parametrize("field", FIELDS[1:])
def test_the_fields_that_are_compared(field: str) -> None:
    """All fields but the notes are compared by default; named fields are compared and no others."""
    other = {"status": "FAILED", "priority": "P0"}.get(field, "x")
    md, db = [ITEMS[0]], [ITEMS[0].with_cells([(field, other)])]
    assert drift_of(md, db).ok == (field == "notes")
    assert not drift_of(md, db, fields=(field,)).ok
    assert drift_of(md, db, fields=tuple(name for name in FIELDS[1:] if name != field)).ok


def test_each_field_that_differs_counts() -> None:
    """An item that differs in three fields is three mismatches."""
    other = ITEMS[0].with_cells([("status", "DONE"), ("task", "x"), ("due_at_kst", "2026-01-01 10:00")])
    assert drift_of(ITEMS[:1], [other]).counts == {"missing-in-db": 0, "missing-in-md": 0, "field-mismatch": 3}


@pytest.mark.parametrize(
    ("field", "text", "as_compared"),
    [
        ("owner_session", "", "-"),
        ("started_at_kst", "-", "-"),
        ("due_at_kst", " ", "-"),
        ("task", "", ""),
        ("task", "-", "-"),
        ("notes", " a\nb ", "a b"),
        ("task", "a\u00a0", "a\u00a0"),
    ],
)
def test_what_counts_as_equal(field: str, text: str, as_compared: str) -> None:
    """Nothing, `-` and an empty text are the same for owner, start and due; line breaks are spaces."""
    assert normal(field, text) == as_compared


def test_what_a_formatter_escaped_is_no_drift() -> None:
    """Escapes that Markdown reads as the same text are no drift, in no field; another text is."""
    left = [item("A-1", task=r"rename \_x", success_criteria=r"C:\\temp", owner_session=r"\-", notes=r"a / \*b")]
    right = [item("A-1", task="rename _x", success_criteria=r"C:\temp", notes="a | *b")]
    assert drift_of(left, right, fields=FIELDS).ok
    assert not drift_of(left, [item("A-1", task="rename x", success_criteria=r"C:\temp")]).ok


def test_details_are_kept_up_to_the_limit_and_counted_beyond() -> None:
    """At most `keep` findings a rule are kept, 0 keeps all, and the counts are always whole."""
    md = [item(f"A-{number}") for number in range(60)]
    for keep, kept in ((50, 50), (3, 3), (0, 60)):
        drift = drift_of(md, [], keep=keep)
        assert (len(drift.findings["missing-in-db"]), drift.counts["missing-in-db"]) == (kept, 60)


def test_ignored_statuses_are_left_out() -> None:
    """An item is left out if both its sides, or its only side, have an ignored status."""
    md = [item("A-1", "DONE"), item("A-2", "DONE"), item("A-3", "DONE", task="x"), item("A-4")]
    db = [item("A-2", "BLOCKED"), item("A-3", "DONE", task="y"), item("A-5", "DONE"), item("A-6")]
    assert [finding[:2] for finding in told(drift_of(md, db, ignore_statuses=frozenset({"DONE"})))] == [
        ("missing-in-db", "A-4"),
        ("missing-in-md", "A-6"),
        ("field-mismatch", "A-2"),
    ]


@pytest.mark.parametrize("size", [1, 2, 100])
@pytest.mark.parametrize("shuffled", [False, True])
def test_what_is_ignored_is_no_sample(size: int, *, shuffled: bool) -> None:
    """Only items that were compared are counted, whether they are the same or not, and in whatever order they come."""
    same = [item("A-1", "DONE"), item("A-2", "DONE"), item("A-3"), item("A|4", "DONE"), item("A" * 80, "DONE")]
    md = [*same, item("A-5", "DONE", task="x"), item("A-6", "DONE"), item("A-7")]
    db = [*same, item("A-5", "DONE", task="y"), item("A-8", "DONE")]
    if shuffled:
        db.reverse()
    rows = [[render_row(each) for each in side] for side in (md, db)]
    drift = Comparison(Side("md", rows[0], size), Side("db", rows[1], size), ignore_statuses=frozenset({"DONE"})).run()  # type: ignore[arg-type]
    assert (drift.total, drift.ignored, drift.total_db, drift.ignored_db) == (8, 6, 7, 6)
    assert drift.compared == 2
    assert drift.counts == {"missing-in-db": 1, "missing-in-md": 0, "field-mismatch": 0}
    everything = Comparison(Side("md", rows[0], size), Side("db", rows[1], size)).run()  # type: ignore[arg-type]
    assert (everything.ignored, everything.compared) == (0, 8)


@pytest.mark.parametrize(
    ("field", "md", "db", "equal"),
    [
        ("task", "a / b", "a | b", True),
        ("task", "a / b", "a|b", True),
        ("task", "a/b", "a | b", False),
        ("task", "x", "\u00a0x\u00a0", True),
        ("task", "x", "y\u00a0", False),
        ("owner_session", "-", "\u00a0", True),
        ("owner_session", "-", "x", False),
        ("task", "a  b", "a b", False),
    ],
)
def test_text_as_older_tools_rendered_it(field: str, md: str, db: str, equal: bool) -> None:  # noqa: FBT001 - a column
    """Only where the policy says so, a pipe that was written ` / ` and a trimmed no-break space are equal."""
    left, right = [item("A-1", **{field: md})], [item("A-1", **{field: db})]
    for one, other in ((left, right), (right, left)):
        assert drift_of(one, other, as_rendered=True).ok == equal
        assert not drift_of(one, other).ok


def test_notes_are_equal_whatever_joins_them() -> None:
    """Each store joins notes in its own way."""
    left, right = [item("A-1", notes="a / b/c")], [item("A-1", notes="a | b|c")]
    assert drift_of(left, right, fields=FIELDS).ok
    assert not drift_of(left, [item("A-1", notes="a | b c")], fields=FIELDS).ok


cells = st.sampled_from(["", "-", "x", "x | y", "\\", "a\nb"])
items = st.builds(
    lambda number, status, priority, texts: Item([f"A-{number}", status, priority, *texts]),
    st.integers(0, 6),
    st.sampled_from(STATUSES[:2]),
    st.sampled_from(PRIORITIES[:2]),
    st.lists(cells, min_size=6, max_size=6),
)
queues = st.lists(items, max_size=6, unique_by=lambda each: each.id)


@given(
    queues,
    queues,
    st.sets(st.sampled_from(FIELDS[1:]), min_size=1),
    st.tuples(st.integers(1, 4), st.integers(1, 4)),
    st.integers(0, 4),
)
def test_the_comparison_is_that_of_two_dictionaries(
    md: list[Item], db: list[Item], names: set[str], sizes: tuple[int, int], many: int
) -> None:
    """The stream's comparison finds what a plain comparison of two whole queues finds.

    Whatever the order, how many rows come at a time, and how many may wait.
    """
    left, right = ({each.id: dict(zip(FIELDS, each, strict=True)) for each in side} for side in (md, db))
    fields = tuple(name for name in FIELDS if name in names)
    expected = {
        *(("missing-in-db", key, None) for key in left.keys() - right.keys()),
        *(("missing-in-md", key, None) for key in right.keys() - left.keys()),
        *(
            ("field-mismatch", key, name)
            for key in left.keys() & right.keys()
            for name in fields
            if normal(name, left[key][name]) != normal(name, right[key][name])
        ),
    }
    with patch.object(consistency, "_MANY", many):
        drift = drift_of(md, db, sizes, fields=fields, keep=0)
    assert {finding[:3] for finding in told(drift)} == expected
    assert sum(drift.counts.values()) == len(expected)
    swapped = drift_of(db, md, fields=fields, keep=0)
    assert swapped.counts["missing-in-db"] == drift.counts["missing-in-md"]


#: What may be planted at a row: nothing, a cell that differs, other spacing of the same item, a row of one side alone.
PLANTS = ("", "", "", "edited", "spaced", "md", "db")


@given(
    st.lists(st.sampled_from(PLANTS), max_size=60),
    st.sampled_from(["same", "reversed", "random", "partly random"]),
    st.randoms(use_true_random=False),
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.sampled_from([1, 5, 1 << 15]),
    st.sampled_from([(), STATUSES[:2]]),
)
def test_rows_in_any_order_are_found_where_they_stand(
    plants: list[str], order: str, rng: random.Random, sizes: tuple[int, int], many: int, statuses: tuple[str, ...]
) -> None:
    """Whatever the order of either side: each planted difference is found once, at its own line, and nothing else."""
    items = {f"A-{at}": item(f"A-{at}", rng.choice(STATUSES), task="작업 | x") for at in range(len(plants))}
    kinds = dict(zip(items, plants, strict=True))
    in_md = [each for each in items.values() if kinds[each.id] != "db"]
    window = {"same": 1, "partly random": 4}.get(order, len(in_md) or 1)
    pieces = [in_md[at : at + window] for at in range(0, len(in_md), window)]
    for piece in pieces:
        (piece.reverse if order == "reversed" else lambda piece=piece: rng.shuffle(piece))()
    rows = [
        f"|  {render_row(each)[2:]}" if kinds[each.id] == "spaced" else render_row(each)
        for piece in pieces
        for each in piece
    ]
    lines = {plain_id(row): line for line, row in enumerate(rows, 1)}
    in_db = [
        each.with_cells([("task", "another")] if kinds[each.id] == "edited" else [])
        for each in items.values()
        if kinds[each.id] != "md"
    ]
    ignored = frozenset(statuses)
    counted = {key for key, each in items.items() if each.status not in ignored}
    with patch.object(consistency, "_MANY", many):
        drift = Comparison(
            Side("md", rows, sizes[0]), side("db", in_db, sizes[1]), keep=0, ignore_statuses=ignored
        ).run()

    found = {
        rule: [(each.item, [place.line for place in each.places if place.line]) for each in kept]
        for rule, kept in drift.findings.items()
    }
    lone = sorted((lines[key], key) for key in counted if kinds[key] == "md")
    assert found["missing-in-db"] == [(key, [line]) for line, key in lone]
    assert found["missing-in-md"] == [(each.id, []) for each in in_db if kinds[each.id] == "db" and each.id in counted]
    assert sorted(found["field-mismatch"]) == sorted((key, [lines[key]]) for key in counted if kinds[key] == "edited")
    assert (drift.total, drift.total_db) == (len(rows), len(in_db))
    assert (drift.ignored, drift.ignored_db) == (
        sum(key not in counted for key in lines),
        sum(each.id not in counted for each in in_db),
    )


@pytest.mark.parametrize("sizes", [(1, 1), (3, 3), (1, 2)])
@pytest.mark.parametrize("twin", [ITEMS[0], ITEMS[0].with_cells([("task", "another")])], ids=["the same", "another"])
def test_an_id_that_waits_twice_is_refused(twin: Item, sizes: tuple[int, int]) -> None:
    """Two rows of one id without a partner are no two missing items, also when they are the same to the letter."""
    with pytest.raises(InputError, match=r"^Q.md:3: duplicate id A-1, first at 1: give one another id"):
        drift_of([ITEMS[0], ITEMS[1], twin], [ITEMS[1], ITEMS[2]], sizes)


@pytest.fixture
def pair(tmp_path: Path) -> Callable[[list[Item], list[Item]], tuple[Store, Store]]:
    """Return a function that makes a Markdown queue and a database."""

    def make(md: list[Item], db: list[Item]) -> tuple[Store, Store]:
        path = make_database(tmp_path / "q.db", db)
        execute(path, "PRAGMA journal_mode = WAL")
        aged(tmp_path / "q.db")
        return MARKDOWN.open(make_markdown(tmp_path / "Q.md", md)), SQLITE.open(path)

    return make


def test_stores_are_compared(pair: Callable[[list[Item], list[Item]], tuple[Store, Store]]) -> None:
    """The comparison of two real queues is that of their items."""
    drift = compare(*pair(ITEMS, [*ITEMS[:2], item("A-3", task="other")]))
    assert told(drift) == [("field-mismatch", "A-3", "task", "task", "other")]
    assert drift.total == 3


def test_a_null_in_the_database_is_nothing(tmp_path: Path) -> None:
    """A database null is `-` for owner, start and due."""
    with closing(sqlite3.connect(tmp_path / "q.db")) as connection, connection:
        connection.executescript(SCHEMA.replace("TEXT NOT NULL DEFAULT '-'", "TEXT"))
        connection.execute(
            "INSERT INTO queue_items (id, status, priority, task, success_criteria, due_at_kst, created_at, updated_at)"
            " VALUES ('A-1', 'PENDING', 'P1', 'task', 'done', '', '', '')"
        )
    md = MARKDOWN.open(make_markdown(tmp_path / "Q.md", [item("A-1")]))
    assert compare(md, SQLITE.open(str(tmp_path / "q.db"))).ok


@pytest.mark.parametrize(
    ("rows", "lines"),
    [
        (["| A-1 | DONE | P1 |"], [3]),
        ([render_row(ITEMS[0]), render_row(ITEMS[1]), render_row(ITEMS[0])], [5]),
        ([render_row(ITEMS[0]), render_row(ITEMS[0]).replace("IN_PROGRESS", "DONE"), "| x |"], [4, 5]),
        ([render_row(ITEMS[2]).replace("P1", "P7"), *map(render_row, ITEMS[:2]), "|"], [3, 6]),
    ],
)
def test_a_malformed_queue_is_no_drift(
    pair: Callable[[list[Item], list[Item]], tuple[Store, Store]], tmp_path: Path, rows: list[str], lines: list[int]
) -> None:
    """Malformed rows and duplicate ids are told with their lines, all of them, instead of a comparison."""
    md, db = pair([], ITEMS)
    (tmp_path / "Q.md").write_text(table(*rows))
    with pytest.raises(InputError) as caught:
        compare(md, db)
    places = [line.split(": ")[0] for line in (caught.value.message, *caught.value.details)]
    assert places == [f"{tmp_path}/Q.md:{line}" for line in lines]


def test_a_drift_that_passes_is_no_drift(pair: Callable[[list[Item], list[Item]], tuple[Store, Store]]) -> None:
    """A writer that is between its two writes when we look makes no phantom: we look again."""
    md, db = pair(ITEMS, [*ITEMS[:2], item("A-3", task="older")])
    looks: list[int] = []

    def finish(*_: object) -> None:
        looks.append(1)
        if len(looks) == 1:
            execute(db.location, "UPDATE queue_items SET task = 'task'")

    assert compare(md, db, on_read=finish).ok
    assert len(looks) == 2


def test_a_file_that_changes_meanwhile_is_read_again(
    pair: Callable[[list[Item], list[Item]], tuple[Store, Store]], tmp_path: Path
) -> None:
    """A file that was replaced during a look is not judged by that look, even if it agreed."""
    md, db = pair(ITEMS, ITEMS)
    looks: list[int] = []

    def replace(*_: object) -> None:
        looks.append(1)
        if len(looks) == 1:
            (tmp_path / "new").write_text(document(ITEMS[:2]))
            aged(tmp_path / "new")
            (tmp_path / "new").rename(tmp_path / "Q.md")

    assert told(compare(md, db, on_read=replace)) == [("missing-in-md", "A-3", None, None, None)]
    assert len(looks) == 2


def test_queues_that_never_rest_are_an_error(
    pair: Callable[[list[Item], list[Item]], tuple[Store, Store]], tmp_path: Path
) -> None:
    """A file that changes during every look ends, after a bounded number of looks, as could-not-tell."""
    md, db = pair(ITEMS, ITEMS)
    looks: list[int] = []

    def append(*_: object) -> None:
        looks.append(1)
        with (tmp_path / "Q.md").open("a") as file:
            file.write("text\n")

    with pytest.raises(ChangingError, match="changing while read"):
        compare(md, db, on_read=append)
    assert 1 < len(looks) <= 10


@pytest.mark.parametrize("in_db", ["A-1", "A-1\n", " A-1", "A-1\t", "A-1\r", "\nA-1"])
def test_an_id_that_stands_twice_is_no_missing_item(tmp_path: Path, in_db: str) -> None:
    """One of two rows finds the partner: the other one is a defect of the document, however the database writes it."""
    md = make_markdown(tmp_path / "Q.md", [ITEMS[0], ITEMS[1], ITEMS[0].with_cells([("task", "another")])])
    db = make_database(tmp_path / "q.db", [ITEMS[0].with_cells([("id", in_db)]), ITEMS[1]])
    with pytest.raises(InputError, match=r"Q\.md:9: duplicate id A-1, first in line 7"):
        compare(MARKDOWN.open(md), SQLITE.open(db))


def test_far_rows_meet(pair: Callable[[list[Item], list[Item]], tuple[Store, Store]]) -> None:
    """Rows that stand in quite another order are set aside until their partner comes."""
    many = [item(f"A-{number}", task=f"t{number}") for number in range(500)]
    shuffled = many[:]
    random.Random(1).shuffle(shuffled)
    assert compare(*pair(many, shuffled)).ok


@given(st.text(alphabet="|\\ \t\r\va한-", max_size=12), st.sampled_from(["", "| ", "|", " | "]))
def test_plain_id_is_the_first_cell(text: str, before: str) -> None:
    """The id that is read without splitting a row is its first cell, or it is not read that way."""
    row = before + text + " | x |"
    assert plain_id(row) in {"", split_cells(row)[0]}


@pytest.mark.parametrize(
    ("row", "item_id"),
    [
        ("| A-1 | DONE |", "A-1"),
        ("| a b | x", "a b"),
        ("|A-1|x|", "A-1"),
        ("|  A | x |", "A"),
        ("| A\\|1 | x |", ""),
        ("A-1 | x |", "A-1"),
        ("|  | x |", ""),
        ("| A-1", ""),
        (f"| {'A' * 70} | x |", ""),
    ],
)
def test_plain_ids(row: str, item_id: str) -> None:
    """The id of a row as it is usually written is read without splitting it; any other takes a closer look."""
    assert plain_id(row) == item_id
