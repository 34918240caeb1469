"""One side of a queue makes the other, whole or not at all, and both agree on everything (RECONCILE section 3)."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import resource
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from builders import DELIMITER, HEAD, digest, execute, item, make_database, make_markdown, select
from conftest import NOW_S
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ops_checks.errors import InputError, RefusedError, WriteError
from ops_checks.gate.stable_reading import compare
from ops_checks.model import FIELDS, PRIORITIES, STATUSES, Item
from ops_checks.policy.model import ConsistencyPolicy, Policy
from ops_checks.reconcile import missing_side
from ops_checks.reconcile.model import Options
from ops_checks.reconcile.planning import make_plan
from ops_checks.settings import resolve
from ops_checks.stores.sqlite import new

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from ops_checks.context import Context
    from ops_checks.reconcile.missing_side import Agreed, MadeSide

#: In memory where the system has such a folder.
_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
_LAW = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
#: What is easily lost on the way: pipes and what escapes them, code spans, invisible characters, kinds of line ends.
_PARTS = (
    *("|", "\\", "\\|", " | ", " / ", "/", "`", "`a|b`", "a", " ", "-", "한국어", "é", "e\u0301", "\u200b", "\u00a0"),
    *("\t", "\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\ufeff", "\u202e", "\x00", "\x1b[31m"),
    *("<!--", "-->", "```", "<b>", "&amp;", "*", "_", "#", "::error ::", "😀", "<<<<<<< "),
)
_TEXT = st.lists(st.sampled_from(_PARTS), max_size=6).map("".join)
#: A cell of a document as somebody may have typed it: on one line, with its pipes escaped.
_TYPED = _TEXT.map(lambda text: "".join(text.replace("\\", "").split("\n")).replace("\r", "").replace("|", r"\|"))


ROW = "| T-1 | DONE | P1 | t | c | - | - | - | |"


def _items(text: st.SearchStrategy[str]) -> st.SearchStrategy[list[Item]]:
    cells = st.tuples(
        st.sampled_from(STATUSES), st.sampled_from(PRIORITIES), text, text, text.map(lambda each: each or "-"),
        st.sampled_from(["-", "2026-01-01 10:00"]), text.map(lambda each: each or "-"), text,
    )  # fmt: skip
    return st.lists(cells, max_size=4).map(
        lambda rows: [Item.from_cells((f"T-{number}", *row)) for number, row in enumerate(rows)]
    )


def context_of(folder: Path | str) -> Context:
    """Return the context of both queues in a folder, whether they exist or not."""
    queue, db = os.path.join(folder, "QUEUE.md"), os.path.join(folder, "queue.db")
    policy = Policy(consistency=ConsistencyPolicy(settle_s=0))
    return resolve({}, policy, queue=queue, db=db, now_s=NOW_S, actor="kim", lock_timeout_s=1)


def database_made(context: Context) -> MadeSide:
    """Make the database from the document."""
    return missing_side.make_database(context, os.path.split(context.db), lay_down=lambda: None)


def document_made(context: Context) -> MadeSide:
    """Make the document from the database."""
    place = os.path.split(context.queue)
    return missing_side.make_document(context, place, lay_down=lambda: None, db_shown="queue.db")


def assert_agreement(context: Context, made: MadeSide, items: int) -> None:
    """Both sides are equal in every field, the baseline says so of every item, and nothing moved since."""
    fresh = context.with_queues()
    assert compare(fresh.md_store, fresh.db_store, fields=FIELDS[1:], settle_s=0).ok
    assert made.recorded is not None
    assert tuple(made.recorded.counts) == (items, 0, 0)
    planned = make_plan(fresh, Options())
    assert planned.plan.empty
    assert planned.reading.baseline is not None
    assert (planned.reading.baseline.name, planned.reading.total) == ("b-1", items)


@_LAW
@given(items=_items(_TEXT))
def test_a_database_makes_an_equal_document(items: list[Item]) -> None:
    """Whatever text a database holds, the document made from it is equal to it, line breaks and joined notes aside."""
    with tempfile.TemporaryDirectory(dir=_MEMORY) as folder:
        context = context_of(folder)
        make_database(Path(context.db), items)
        assert_agreement(context, document_made(context), len(items))


@_LAW
@given(items=_items(_TEXT))
def test_a_document_makes_an_equal_database(items: list[Item]) -> None:
    """Whatever text a document holds, the database made from it is equal to it."""
    with tempfile.TemporaryDirectory(dir=_MEMORY) as folder:
        context = context_of(folder)
        make_markdown(Path(context.queue), items)
        assert_agreement(context, database_made(context), len(items))


@_LAW
@given(rows=st.lists(st.tuples(*[_TYPED] * 6), max_size=3))
def test_a_document_as_it_was_typed_makes_an_equal_database(rows: list[tuple[str, ...]]) -> None:
    """So does one that no program wrote: tight cells, backslashes at their ends, empty owners."""
    text = [f"|T-{number}|DONE|P1| {' | '.join(cells)}|" for number, cells in enumerate(rows)]
    with tempfile.TemporaryDirectory(dir=_MEMORY) as folder:
        context = context_of(folder)
        Path(context.queue).write_bytes("\r\n".join([HEAD, DELIMITER, *text]).encode())
        assert_agreement(context, database_made(context), len(rows))


def test_what_an_imported_item_is(tmp_path: Path) -> None:
    """An item comes with its cells, free, with no attempts, and one event that says where it is from."""
    context = context_of(tmp_path)
    one = item("T-9", "IN_PROGRESS", owner_session="s1", started_at_kst="2026-01-01 09:00", notes="a / b")
    make_markdown(tmp_path / "QUEUE.md", [one, item("T-1", task="x | y")])
    database_made(context)
    rows = select(context.db, "SELECT * FROM queue_items ORDER BY rowid")
    stamps = ("2026-01-02 00:00", "2026-01-02 00:00", None, None, 0, 3, None, "")
    assert rows == [(*one, *stamps), (*item("T-1", task="x | y"), *stamps)]
    events = select(context.db, "SELECT event_id, item_id, event_type, created_at FROM queue_events")
    assert events == [(1, "T-9", "added", "2026-01-02 00:00"), (2, "T-1", "added", "2026-01-02 00:00")]
    [(payload,)] = select(context.db, "SELECT payload_json FROM queue_events WHERE event_id = 1")
    assert json.loads(payload) == {
        "from": None, "to": "IN_PROGRESS", "actor": "kim", "imported": True, "source": context.queue, "before": None,
        "after": dict(zip(FIELDS, one, strict=True)),
    }  # fmt: skip


def test_rows_stand_in_the_order_of_their_creation(tmp_path: Path) -> None:
    """Row order is the order in which tasks were added: by their time, then by their place in the table."""
    times = {"A": "2026-01-02 00:00", "B": "2026-01-01 00:00", "C": "2026-01-02 00:00", "D": "2025-12-31 23:59"}
    items = [item(name) for name in ("C", "A", "D", "B")]
    context = context_of(tmp_path)
    make_database(tmp_path / "queue.db", items, {name: {"created_at": time} for name, time in times.items()})
    document_made(context)
    assert [each.id for each in context.md_store] == ["D", "B", "C", "A"]


def test_order_without_places_in_the_table(tmp_path: Path) -> None:
    """A table WITHOUT ROWID has no places: the first event of each item is older, then the id."""
    context = context_of(tmp_path)
    path = tmp_path / "queue.db"
    make_database(path, [item(name) for name in ("A", "B", "C")])
    execute(
        path,
        "ALTER TABLE queue_items RENAME TO old;"
        f"CREATE TABLE queue_items (id TEXT PRIMARY KEY NOT NULL, {', '.join(FIELDS[1:])}, created_at, updated_at)"
        " WITHOUT ROWID;"
        f"INSERT INTO queue_items SELECT {', '.join(FIELDS)}, created_at, updated_at FROM old; DROP TABLE old;"
        "INSERT INTO queue_events (item_id, event_type) VALUES ('C', 'added'), ('A', 'added'), ('C', 'picked')",
    )
    document_made(context)
    assert [each.id for each in context.md_store] == ["B", "C", "A"]


def test_notes_are_joined_as_a_document_joins_them(tmp_path: Path) -> None:
    """A separator of the database becomes the document's; any other pipe is escaped, and told."""
    context = context_of(tmp_path)
    make_database(tmp_path / "queue.db", [item("T-1", notes="a | b"), item("T-2", notes="a|b"), item("T-3", task="|")])
    made = document_made(context)
    rows = (tmp_path / "QUEUE.md").read_text().splitlines()[-3:]
    assert [row.split(" | ", 8)[8] for row in rows] == ["a / b |", "a\\|b |", " |"]
    assert made.notes == [f"{context.queue}: T-2 and 1 more: programs that know no escaped pipe will refuse that row"]


def test_a_baseline_that_was_there_goes_on(tmp_path: Path) -> None:
    """The document of a queue with a base was lost: the next base follows on it, under the same queue id."""
    context = context_of(tmp_path)
    make_markdown(tmp_path / "QUEUE.md", [item("T-1")])
    database_made(context)
    (tmp_path / "QUEUE.md").unlink()
    assert document_made(context).recorded.name == "b-2"
    assert len(select(context.db, "SELECT DISTINCT queue_id FROM queue_baselines")) == 1


@pytest.mark.parametrize("count", [0, 1, 300])
def test_any_number_of_items(tmp_path: Path, count: int) -> None:
    """An empty queue is one: its other side is empty, with a base that says that both agree on that."""
    items = [item(f"T-{number}") for number in range(count)]
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        folder.mkdir()
    make_markdown(one / "QUEUE.md", items)
    make_database(other / "queue.db", items)
    assert_agreement(context_of(one), database_made(context_of(one)), count)
    assert_agreement(context_of(other), document_made(context_of(other)), count)
    assert [*context_of(other).md_store] == items


def test_an_old_database(tmp_path: Path) -> None:
    """One from before the reliability layer has all that a document needs."""
    from builders import make_old_database

    context = context_of(tmp_path)
    make_old_database(tmp_path / "queue.db", [item("T-1")])
    assert_agreement(context, document_made(context), 1)


@pytest.mark.parametrize("kind", ["file", "folder", "pipe", "link", "dangling link"])
def test_what_stands_there_is_kept(tmp_path: Path, kind: str) -> None:
    """Whatever has the name of the side that would be made is left as it is."""
    for source, target in (("QUEUE.md", "queue.db"), ("queue.db", "QUEUE.md")):
        folder = tmp_path / source
        folder.mkdir()
        (make_markdown if source == "QUEUE.md" else make_database)(folder / source, [item("T-1")])
        _plant(folder / target, kind)
        before = digest(folder)
        made = database_made if target == "queue.db" else document_made
        with pytest.raises(RefusedError, match=r"is there already, and is kept, because init --from makes only a side"):
            made(context_of(folder))
        assert digest(folder) == before


def _plant(path: Path, kind: str) -> None:
    if kind == "file":
        path.write_bytes(b"mine")
    elif kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("QUEUE.md.old" if kind == "dangling link" else os.curdir)


@pytest.mark.parametrize("suffix", ["-wal", "-journal"])
def test_a_journal_without_its_database(tmp_path: Path, suffix: str) -> None:
    """SQLite would play what is left of another database into the new one: it is named, and nothing is made."""
    make_markdown(tmp_path / "QUEUE.md", [item("T-1")])
    (tmp_path / f"queue.db{suffix}").write_bytes(b"newest rows")
    with pytest.raises(InputError, match=f"no such database, but .*queue.db{suffix} is there"):
        database_made(context_of(tmp_path))
    assert not (tmp_path / "queue.db").exists()


@pytest.mark.parametrize(
    ("content", "defects"),
    [
        ([HEAD, DELIMITER, ROW.replace("DONE", "OPEN"), ROW.replace("P1", "P9")], 2),
        ([HEAD, DELIMITER, ROW, ROW], 1),
        ([HEAD, DELIMITER, "", ROW], 1),
        (["# no table"], 1),
        (["<<<<<<< HEAD", HEAD, DELIMITER], 1),
        ([HEAD, DELIMITER, *[ROW.replace("DONE", "OPEN")] * 30], 21),
    ],
)
def test_a_malformed_document_makes_nothing(tmp_path: Path, content: Iterable[str], defects: int) -> None:
    """Every defect is told, as any command tells it, and not even a folder is made."""
    (tmp_path / "QUEUE.md").write_text("\n".join([*content, ""]))
    context = context_of(tmp_path).with_queues(db=str(tmp_path / "new/folder/queue.db"))
    before = digest(tmp_path)
    with pytest.raises(InputError) as caught:
        missing_side.make_database(context, (str(tmp_path), "new/folder/queue.db"), lay_down=lambda: None)
    assert 1 + len(caught.value.details) == defects
    assert caught.value.message.startswith(f"{context.queue}:")
    assert digest(tmp_path) == before


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("UPDATE queue_items SET status = 'OPEN'", "queue.db:queue_items:T-1: status 'OPEN': expected one of"),
        ("UPDATE queue_items SET task = x'ff'", "queue.db:queue_items:T-1: task is bytes: expected text"),
        ("UPDATE queue_items SET id = ' '", r"queue.db: the id ' ' would be empty, in a document: give it another"),
        ("UPDATE queue_items SET id = ' T-2' WHERE id = 'T-1'", "the id ' T-2' would be 'T-2', as another item's"),
        ("DROP TABLE queue_events", "queue.db: no table queue_events"),
    ],
)
def test_a_malformed_database_makes_nothing(tmp_path: Path, script: str, message: str) -> None:
    """What no document can hold is told, and there is no document, and no base."""
    make_database(tmp_path / "queue.db", [item("T-1"), item("T-2")] if "WHERE" in script else [item("T-1")])
    execute(tmp_path / "queue.db", script)
    before = digest(tmp_path)
    with pytest.raises(InputError, match=message):
        document_made(context_of(tmp_path))
    assert digest(tmp_path) == before


@pytest.mark.parametrize("made", [database_made, document_made])
def test_the_last_step_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: object) -> None:
    """Where the new file cannot get its name, nothing is left of it, and no base was recorded."""
    source = tmp_path / ("QUEUE.md" if made is database_made else "queue.db")
    (make_markdown if made is database_made else make_database)(source, [item("T-1")])
    before = digest(tmp_path)

    def fail(*_: object) -> bool:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(missing_side if made is document_made else new, "rename_new", fail)
    with pytest.raises(WriteError, match="not made \\(No space left on device\\)"):
        made(context_of(tmp_path))  # type: ignore[operator] # one of both
    assert digest(tmp_path) == before


def _killed(folder: Path) -> None:
    """Make the database in a process that is killed when all but its base is written."""

    def kill(*_: object) -> Agreed:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError

    missing_side._all_agreed = kill
    database_made(context_of(folder))


def test_a_process_that_is_killed(tmp_path: Path) -> None:
    """There is no database then, and the next attempt makes it."""
    make_markdown(tmp_path / "QUEUE.md", [item("T-1")])
    process = multiprocessing.get_context("fork").Process(target=_killed, args=(tmp_path,))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert [path.name for path in tmp_path.iterdir() if not path.name.startswith(".ops-checks-")] == ["QUEUE.md"]
    assert_agreement(context_of(tmp_path), database_made(context_of(tmp_path)), 1)


def _limited(folder: Path, limit: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        database_made(context_of(folder))
    except WriteError as error:
        assert re.fullmatch(r".*/queue.db: not made \(.+\): check .*disk.*", error.message)  # noqa: PT017 - in a fork
        os._exit(3)
    os._exit(0)


@pytest.mark.parametrize("limit", [0, 4096, 20_000, 40_000, 46_000])
def test_a_full_disk(tmp_path: Path, limit: int) -> None:
    """Wherever the disk ends the new database is not there, and no message says that it may be."""
    make_markdown(tmp_path / "QUEUE.md", [item("T-1")])
    process = multiprocessing.get_context("fork").Process(target=_limited, args=(tmp_path, limit))
    process.start()
    process.join()
    assert process.exitcode == 3
    assert {path.name for path in tmp_path.iterdir()} <= {"QUEUE.md", "QUEUE.md.lock"}


def test_a_document_that_changes_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that is added while the database is made is in it: what both agree on was there at one moment."""
    context = context_of(tmp_path)
    make_markdown(tmp_path / "QUEUE.md", [item("T-1")])
    real, calls = missing_side._all_agreed, iter([True, False])

    def changed_first(*given: Any) -> object:
        if next(calls):
            make_markdown(tmp_path / "QUEUE.md", [item("T-1"), item("T-2")])
        return real(*given)

    monkeypatch.setattr(missing_side, "_all_agreed", changed_first)
    assert_agreement(context, database_made(context), 2)
