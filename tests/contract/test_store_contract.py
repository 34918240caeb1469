"""What every store promises, held to each of them (the protocol in `ops_checks.stores`)."""

from __future__ import annotations

import os
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from builders import digest, execute, item, make_database, make_markdown
from postgres_queues import PgQueue

from ops_checks.errors import InputError, RefusedError, WriteError
from ops_checks.gate.stable_reading import read_stable
from ops_checks.rules.drift.pair import Row
from ops_checks.stores.postgres.location import ServerLocation
from ops_checks.stores.registry import STORES, open_queue
from ops_checks.transitions import Stamp, cancel, replan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from postgres_server import Database

    from ops_checks.model import Item
    from ops_checks.stores.changes import Change, Reliability
    from ops_checks.stores.protocol import Store, Watch

STAMP = Stamp(actor="tester", now_s=1_767_279_600, tz_minutes=540)
ITEMS = [
    item(
        "ORCH-2", "IN_PROGRESS", "P0", task="한국어 | (a); 1) b", owner_session="s1", started_at_kst="2026-01-01 10:00"
    ),
    item("ORCH-20", "DONE", "P2", notes="old | newer"),
    item("WEB-1", "PENDING", "P1", task="", success_criteria="`x | y` \\"),
]


#: How a store of each kind is made of items, in a folder or with the fixtures of its server; the location is returned.
#: A kind of the registry without a builder fails the suite.
BUILDERS = {
    "markdown": lambda folder, _, items: make_markdown(folder / "QUEUE.md", items),
    "sqlite": lambda folder, _, items: make_database(folder / "queue.db", items),
    "postgres": lambda _, request, items: request.getfixturevalue("pg_queue")(items).location(),
}
#: Stores in files: what may happen to those cannot happen to a table on a server.
FILES = [name for name, kind in STORES.items() if not kind.prefixes]


@pytest.fixture(params=STORES)
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[list[Item]], Store]:
    """Return a function that makes a queue of items in one of the stores."""
    (tmp_path / "queue").mkdir()

    def make_queue(items: list[Item]) -> Store:
        location = BUILDERS[request.param](tmp_path / "queue", request, items)
        return STORES[request.param].open(location, lock_timeout_s=0.2)

    return make_queue


def server_queue(queue: Store, database: Database) -> PgQueue:
    """Return the tables of a queue on a server."""
    assert isinstance(queue.location, ServerLocation)
    assert queue.location.schema is not None
    return PgQueue(database, queue.location.schema)


@pytest.fixture
def contents(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Store], object]:
    """Return a function that returns all there is of a queue: every file of its folder, or every row of its tables."""

    def all_of(queue: Store) -> object:
        if queue.kind != "postgres":
            return digest(tmp_path)
        return (server_queue(queue, request.getfixturevalue("pg_shared")).contents(), digest(tmp_path))

    return all_of


@pytest.fixture
def moved_away(request: pytest.FixtureRequest) -> Callable[[Store], AbstractContextManager[None]]:
    """Return a context manager in which a queue is not where it was."""

    @contextmanager
    def away(queue: Store) -> Iterator[None]:
        if queue.kind == "postgres":
            tables = server_queue(queue, request.getfixturevalue("pg_shared"))
            tables.execute(f"ALTER SCHEMA {tables.schema} RENAME TO away")
            yield
            tables.execute(f"ALTER SCHEMA away RENAME TO {tables.schema}")
        else:
            Path(queue.location).rename(f"{queue.location}.away")
            yield
            Path(f"{queue.location}.away").rename(queue.location)

    return away


def version_that_is_not(watch: Watch, *versions: object) -> object:
    """Return a version that is none of these; what a server announces arrives soon after it was written."""
    until = time.monotonic() + 30
    while (version := watch.version()) in versions and time.monotonic() < until:
        pass
    assert version not in versions
    return version


def items_of(queue: Store) -> list[Item]:
    """Return the items of a queue."""
    return read_stable(queue, lambda view: [each for _, each in view.items()])


def test_items_come_in_one_order(make: Callable[[list[Item]], Store]) -> None:
    """The items come back as they were put in, added in the order of their ids, as all tests here do."""
    assert items_of(make(ITEMS)) == ITEMS


def test_another_order_is_kept_in_a_file_only(make: Callable[[list[Item]], Store]) -> None:
    """A server returns rows in the order of the bytes of their ids, whatever its collation and whenever added."""
    added = ["WEB-1", "é", "a", "B", "A-10", "A-9", "ORCH-2", "b-1", "B-1", "_"]
    queue = make([item(item_id) for item_id in added])
    assert [each.id for each in items_of(queue)] == (
        sorted(added, key=str.encode) if queue.kind == "postgres" else added
    )


def test_details_are_the_items_with_what_the_store_knows(make: Callable[[list[Item]], Store]) -> None:
    """They come numbered as the items do; by id there is the same of one, and nothing of one that is not there."""
    queue = make(ITEMS)
    numbered, details = read_stable(queue, lambda view: (list(view.items()), list(view.details())))
    assert [(row.number, row.item) for row in details] == numbered
    with queue.snapshot() as snapshot:
        found = snapshot.details_of("WEB-1")
        assert found is not None
        assert (found.item, *found[2:]) == (ITEMS[2], *details[2][2:])
    with queue.snapshot() as snapshot:
        assert snapshot.details_of("WEB-2") is None


def test_an_empty_queue_has_no_items(make: Callable[[list[Item]], Store]) -> None:
    """A queue without items is no error."""
    assert items_of(make([])) == []


def test_rows_are_the_items_as_markdown(make: Callable[[list[Item]], Store]) -> None:
    """Rows are numbered as items are, and two stores give equal rows for equal items."""
    from ops_checks.stores.markdown.table import render_row

    with make(ITEMS).snapshot() as view:
        numbered = list(view.items())
        batches = list(view.keys())
        rows = [pair for first, texts in batches for pair in enumerate(map(str.strip, texts), first)]
        assert rows == [(n, render_row(each)) for n, each in numbered]
        assert [view.item(*row) for row in rows] == ITEMS
        assert [view.item_id(*row) for row in rows] == [each.id for each in ITEMS]


def test_a_store_is_read_by_id_and_by_iteration(make: Callable[[list[Item]], Store]) -> None:
    """An item is had by its id, None where there is none, and iterating gives all of them in order."""
    queue = make(ITEMS)
    assert list(queue) == ITEMS
    assert [queue.get(each.id) for each in ITEMS] == ITEMS
    assert queue.get("ORCH-3") is None


def test_events_tell_what_happened(make: Callable[[list[Item]], Store]) -> None:
    """A store that keeps events returns those of an item, oldest first; another returns none."""
    queue = make(ITEMS)
    queue.change("ORCH-2", cancel(STAMP))
    queue.change("ORCH-2", replan(STAMP, "x"))
    with queue.snapshot() as view:
        expected = [] if view.retry_count() is None else ["cancelled", "replan"]
    assert [event.event_type for event in queue.events("ORCH-2")] == expected
    assert queue.events("ORCH-20") == []


def test_a_scratch_copy_holds_the_same(make: Callable[[list[Item]], Store], tmp_path: Path) -> None:
    """A copy has the same items, in the order of its own kind, and changing it leaves the store as it was."""
    queue = make(ITEMS)
    (tmp_path / "copy").mkdir()
    queue.change("ORCH-20", replan(STAMP, "x"))
    before = list(queue)
    copy = queue.scratch_copy(str(tmp_path / "copy"))
    assert (sorted(copy), copy.events("ORCH-20")) == (sorted(before), queue.events("ORCH-20"))
    copy.change("ORCH-2", cancel(STAMP))
    assert list(queue) == before
    assert [copy.get(each.id) for each in before if each.id != "ORCH-2"] == before[1:]
    assert copy.kind == ("sqlite" if queue.kind == "postgres" else queue.kind)


def test_a_view_can_be_read_again(make: Callable[[list[Item]], Store]) -> None:
    """Reading a view twice gives the same items, and says that nothing changed."""
    with make(ITEMS).snapshot() as view:
        assert [each for _, each in view.items()] == [each for _, each in view.items()] == ITEMS
        assert not view.changed()
        assert view.remarks() == []


def test_a_change_is_seen_by_the_next_view(make: Callable[[list[Item]], Store]) -> None:
    """A change is returned as it was decided, and is what a later view reads; the other items stay."""
    queue = make(ITEMS)
    change = queue.change("ORCH-2", cancel(STAMP))
    assert change.before == ITEMS[0]
    assert change.after == ITEMS[0].with_cells([("status", "BLOCKED"), ("notes", "cancelled_by_operator")])
    assert items_of(queue) == [change.after, *ITEMS[1:]]


def test_a_watch_tells_whether_anything_changed(
    make: Callable[[list[Item]], Store], moved_away: Callable[[Store], AbstractContextManager[None]]
) -> None:
    """Its version stays while the store is only read, is another after each change, and never the same without one.

    What a server does not tell it does not know: then no two versions are equal.
    """
    queue = make(ITEMS)
    with queue.watch() as watch:
        first = watch.version()
        assert items_of(queue) == ITEMS
        assert watch.version() == first
        queue.change("ORCH-2", cancel(STAMP))
        changed = version_that_is_not(watch, first)
        queue.change("ORCH-2", replan(STAMP, "x"))
        again = version_that_is_not(watch, first, changed)
        with moved_away(queue):
            away = version_that_is_not(watch, first, changed, again)
            assert queue.kind == "postgres" or away == watch.version()
        version_that_is_not(watch, away)


def test_a_watch_of_a_document_trusts_no_fresh_time(tmp_path: Path) -> None:
    """A file that was written to just now may be written to again with the same size and time."""
    queue = open_queue(make_markdown(tmp_path / "QUEUE.md", ITEMS))
    os.utime(queue.location)
    with queue.watch() as watch:
        assert watch.version() != watch.version()


@pytest.mark.parametrize("make", FILES, indirect=True)
def test_a_watch_sees_another_queue_in_its_place(make: Callable[[list[Item]], Store], tmp_path: Path) -> None:
    """A file that takes the queue's place is another version, whatever its size and time."""
    queue = make(ITEMS)
    (tmp_path / "copy").mkdir()
    copy = queue.scratch_copy(str(tmp_path / "copy"))
    an_hour_ago = time.time() - 3600
    for store in (queue, copy):
        os.utime(store.location, (an_hour_ago, an_hour_ago))
    with queue.watch() as watch:
        first = watch.version()
        assert watch.version() == first
        Path(copy.location).replace(queue.location)
        assert watch.version() != first
        assert watch.version() == watch.version()


def test_a_view_notices_a_change(make: Callable[[list[Item]], Store]) -> None:
    """A view that was entered before a change says so afterwards; its state and identity are not the new view's."""
    queue = make(ITEMS)
    if queue.kind == "sqlite":
        execute(queue.location, "PRAGMA journal_mode = WAL")  # without it, the writer waits for the view's end
    with queue.snapshot() as view:
        list(view.items())
        before = view.identity()
        queue.change("ORCH-2", cancel(STAMP))
        assert view.changed()
    with queue.snapshot() as view:
        assert view.identity() != before


def test_the_same_state_has_the_same_name(make: Callable[[list[Item]], Store]) -> None:
    """Two views of an unchanged queue agree on its state and its identity."""
    queue = make(ITEMS)
    names = []
    for _ in range(2):
        with queue.snapshot() as view:
            names.append((view.state(), view.identity()))
    assert names[0] == names[1]


def test_a_place_names_the_item(make: Callable[[list[Item]], Store]) -> None:
    """A person is led to the queue by the path as it was named, and to the item in it."""
    queue = make(ITEMS)
    with queue.snapshot() as view:
        number, each = list(view.items())[1]
        assert str(view.place(number, each.id)) in {
            f"{queue.location}:{number}",
            f"{queue.location}:queue_items:ORCH-20",
        }


def test_preview_decides_and_writes_nothing(
    make: Callable[[list[Item]], Store], contents: Callable[[Store], object]
) -> None:
    """A preview returns the change that would be made, and no byte on disk is another."""
    queue = make(ITEMS)
    before = contents(queue)
    assert queue.preview("ORCH-2", cancel(STAMP)).after.status == "BLOCKED"
    assert contents(queue) == before


@pytest.mark.parametrize("how", ["change", "preview"])
@pytest.mark.parametrize(
    "item_id", ["ORCH-3", "", "orch-2", "ORCH-2 ", "ORCH-2\n", "%", "?", "%s", "ORCH-2\0", "' OR 1=1 --"]
)
def test_an_unknown_id_is_refused(
    make: Callable[[list[Item]], Store], contents: Callable[[Store], object], how: str, item_id: str
) -> None:
    """Only an id that is there to the letter is changed; otherwise nothing is."""
    queue = make(ITEMS)
    before = contents(queue)
    with pytest.raises(RefusedError, match="no item"):
        getattr(queue, how)(item_id, cancel(STAMP))
    assert contents(queue) == before


@pytest.mark.parametrize("how", ["change", "preview"])
def test_a_refusal_changes_nothing(
    make: Callable[[list[Item]], Store], contents: Callable[[Store], object], how: str
) -> None:
    """What the decision raises comes through, and no byte on disk is another."""
    queue = make(ITEMS)
    before = contents(queue)
    with pytest.raises(RefusedError, match="ORCH-20: is DONE"):
        getattr(queue, how)("ORCH-20", cancel(STAMP))
    assert contents(queue) == before


def test_an_interrupted_decision_changes_nothing(
    make: Callable[[list[Item]], Store], contents: Callable[[Store], object]
) -> None:
    """Ctrl-C in the middle leaves no lock held, no temporary file, no change."""
    queue = make(ITEMS)
    before = contents(queue)

    def decide(_item: Item, _reliability: Reliability | None) -> Change:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        queue.change("ORCH-2", decide)
    assert contents(queue) == before
    queue.change("ORCH-2", cancel(STAMP))


@pytest.mark.parametrize(
    "text",
    ["a | b", "\\", "a\\|b\\", "\x1b]52;c;x\x07", "\u202eabc", "| x | DONE |", "한국어", "\\N", "\\.", "\x00"],
)
def test_text_reads_back_equal(
    make: Callable[[list[Item]], Store], contents: Callable[[Store], object], text: str
) -> None:
    """Notes come back as they went in, beside those that were there, and other items stay.

    A NUL is no character of a text on a server: an error, and nothing is written.
    """
    queue = make(ITEMS)
    if (queue.kind, text) == ("postgres", "\x00"):
        before = contents(queue)
        with pytest.raises(WriteError, match="nothing was written"):
            queue.change("ORCH-20", replan(STAMP, text))
        assert contents(queue) == before
        return
    queue.change("ORCH-20", replan(STAMP, text))
    separator = " / " if queue.kind == "markdown" else " | "
    assert items_of(queue)[1].notes == f"old | newer{separator}replan:{text}"
    queue.change("WEB-1", replan(STAMP, text))
    assert [items_of(queue)[0], len(items_of(queue))] == [ITEMS[0], 3]
    assert items_of(queue)[2].notes == f"replan:{text}"


@pytest.mark.parametrize("breaks", ["a\nb", "a\r\nb", "a\rb", "a\u2028b", "a\x85b", "a\vb", "a\x1eb"])
def test_line_breaks_become_spaces(make: Callable[[list[Item]], Store], breaks: str) -> None:
    """A line break in the notes is a space when read, never another row."""
    queue = make(ITEMS)
    queue.change("WEB-1", replan(STAMP, breaks))
    assert [each.notes for each in items_of(queue)] == ["", "old | newer", "replan:a b"]


def test_an_item_that_changes_while_it_waits_is_decided_on_anew(make: Callable[[list[Item]], Store]) -> None:
    """A second writer waits for the first, and then decides on the row as it is, inside the same lock."""
    queue = make(ITEMS)
    other = type(queue)(queue.location, lock_timeout_s=10.0)
    deciding, started = threading.Event(), threading.Event()
    seen: list[str] = []

    def second() -> None:
        def decide(each: Item, reliability: Reliability | None) -> Change:
            seen.append(each.status)
            return replan(STAMP, "second")(each, reliability)

        deciding.wait()
        started.set()
        other.change("ORCH-2", decide)

    def first(each: Item, reliability: Reliability | None) -> Change:
        deciding.set()
        started.wait()
        return cancel(STAMP)(each, reliability)

    thread = threading.Thread(target=second)
    thread.start()
    queue.change("ORCH-2", first)
    thread.join()
    assert seen == ["BLOCKED"]
    assert items_of(queue)[0].notes.replace("|", "/") == "cancelled_by_operator / replan:second"


def test_a_lock_that_is_held_ends_in_an_error(make: Callable[[list[Item]], Store]) -> None:
    """The wait for another writer is bounded, and the error says how to wait longer."""
    queue = make(ITEMS)
    other = type(queue)(queue.location, lock_timeout_s=0.05)

    def decide(each: Item, reliability: Reliability | None) -> Change:
        with pytest.raises(WriteError, match="--lock-timeout"):
            other.change("ORCH-2", replan(STAMP, "x"))
        return cancel(STAMP)(each, reliability)

    queue.change("ORCH-2", decide)
    assert [each.status for each in items_of(queue)] == ["BLOCKED", "DONE", "PENDING"]


@pytest.mark.parametrize("make", FILES, indirect=True)
@pytest.mark.parametrize("what", ["missing", "folder", "device"])
@pytest.mark.parametrize("how", ["view", "change", "preview"])
def test_what_is_no_file_is_an_error(make: Callable[[list[Item]], Store], tmp_path: Path, what: str, how: str) -> None:
    """A missing queue, a folder, a device: an error that names the path, and nothing is made."""
    path = {"missing": str(tmp_path / "none"), "folder": str(tmp_path / "queue"), "device": "/dev/null"}[what]
    queue = type(make(ITEMS))(path, lock_timeout_s=0.2)
    before = digest(tmp_path)
    with pytest.raises(InputError, match=path):
        items_of(queue) if how == "view" else getattr(queue, how)("ORCH-2", cancel(STAMP))
    assert digest(tmp_path) == before


def test_look_reads_again_while_the_queue_changes(make: Callable[[list[Item]], Store]) -> None:
    """A view that says that the queue is changing is taken again; a queue that never rests is an error."""
    from ops_checks.errors import ChangingError

    queue = make(ITEMS)
    tries: list[int] = []

    def take(_view: object) -> int:
        tries.append(1)
        if len(tries) < 3:
            raise ChangingError("torn")
        return len(tries)

    assert read_stable(queue, take) == 3

    def never(_view: object) -> int:
        raise ChangingError("torn")

    with pytest.raises(ChangingError, match=f"{queue.location}: changing while read"):
        read_stable(queue, never)


@pytest.mark.parametrize(
    ("location", "kind"),
    [
        ("a.db", "sqlite"),
        ("a.sqlite", "sqlite"),
        ("a.sqlite3", "sqlite"),
        ("a.md", "markdown"),
        ("QUEUE", "markdown"),
        ("a.db.md", "markdown"),
    ],
)
def test_open_queue_picks_the_store_by_name(location: str, kind: str) -> None:
    """A location that ends as databases do is a database; anything else is Markdown. Nothing is read yet."""
    queue = open_queue(location)
    assert (queue.kind, queue.location) == (kind, location)


def test_lease_and_attempts_are_read_where_they_are_kept(make: Callable[[list[Item]], Store]) -> None:
    """A store that keeps leases gives those of an item by its row, parsed only then; another gives None."""
    queue = make(ITEMS)
    with queue.snapshot() as view:
        (number, keys), *_ = view.keys()
        row = Row(view, number, keys[0])
        kept = row.reliability
        assert row.item == ITEMS[0]
        assert row.place == view.place(number, "ORCH-2")
    assert (kept is None) == (queue.kind == "markdown")
    assert kept is None or (kept.lease_owner, kept.attempt_count, kept.max_attempts) == (None, 0, 3)
