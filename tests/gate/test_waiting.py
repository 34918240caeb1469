"""Waiting: what is read when, and how a wait ends, by a clock that only its pauses move on."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from builders import aged, execute, item, make_database, make_markdown, select, table
from conftest import NOW_S

from ops_checks.conditions import Outcome, State, Wanted
from ops_checks.errors import InputError, LockedError
from ops_checks.gate.waiting import wait
from ops_checks.gate.watching import POLL_S
from ops_checks.policy.loader import parse_policy
from ops_checks.settings import resolve
from ops_checks.stores.markdown.store import MarkdownStore
from ops_checks.stores.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from ops_checks.context import Context
    from ops_checks.gate.waiting import Waited
    from ops_checks.model import Item

    Step = Callable[[], object]

HOLDS, NOT_YET, CANNOT, UNKNOWN = State.HOLDS, State.NOT_YET, State.CANNOT_COME, State.UNKNOWN
CANCELLED = {"notes": "old / cancelled_by_operator / reason:x"}
A_DONE = Wanted(("A-1",), "DONE")
NO_FAILED = Wanted(counts={"FAILED": 0})


class Time:
    """A clock that only pauses move on; each pause carries out the next step."""

    def __init__(self, *steps: Step) -> None:
        self.now_s = 0.0
        self.steps = list(steps)
        self.pauses: list[float] = []

    def clock(self) -> float:
        """Return the time, in seconds."""
        return self.now_s

    def pause(self, seconds: float) -> None:
        """Move on, and carry out a step."""
        assert len(self.pauses) < 1000, "waits for ever"
        self.pauses.append(seconds)
        self.now_s += seconds
        if self.steps:
            self.steps.pop(0)()


@pytest.fixture(params=["Q.md", "q.db"])
def side(request: pytest.FixtureRequest, folder: Path) -> str:
    """Return the file of one of the queues."""
    assert folder
    return str(request.param)


def lay(side: str, items: list[Item]) -> None:
    """Put the items into one of the queues, by another file in its place."""
    new = Path(f"new-{side}")
    new.unlink(missing_ok=True)
    (make_markdown if side == "Q.md" else make_database)(new, items)
    new.replace(side)


def context(side: str = "Q.md", **settings: Any) -> Context:
    """Return a context that works on one of the queues."""
    named = {"db": "q.db"} if side == "q.db" else {}
    return resolve({"ORCH_DB_PATH": "q.db"}, queue="Q.md", now_s=NOW_S, **named, **settings)


def waited(time: Time, wanted: Wanted, timeout_s: float | None = None, **settings: Any) -> Waited:
    """Return how a wait ended."""
    return wait(context(**settings), wanted, timeout_s, clock=time.clock, pause=time.pause)


BUSY = item("A-1", "IN_PROGRESS", owner_session="w1")
TABLE: dict[str, tuple[Wanted, list[list[Item]], State, tuple[str, ...], float]] = {
    "it holds": (A_DONE, [[item("A-1", "DONE")]], HOLDS, (), 0),
    "it comes": (A_DONE, [[item("A-1")], [BUSY], [item("A-1", "DONE")]], HOLDS, (), 1),
    "it does not come in time": (A_DONE, [[BUSY]], NOT_YET, ("A-1 is IN_PROGRESS (w1)",), 3),
    "it comes at the last moment": (A_DONE, [*[[BUSY]] * 6, [item("A-1", "DONE")]], HOLDS, (), 3),
    "it comes too late": (A_DONE, [*[[BUSY]] * 7, [item("A-1", "DONE")]], NOT_YET, ("A-1 is IN_PROGRESS (w1)",), 3),
    "it fails": (
        A_DONE,
        [[BUSY], [item("A-1", "FAILED")]],
        CANNOT,
        ("A-1 is FAILED: DONE can only come after a `retry`",),
        0.5,
    ),
    "it is cancelled": (
        A_DONE,
        [[BUSY], [item("A-1", "BLOCKED", **CANCELLED)]],
        CANNOT,
        ("A-1 is BLOCKED, cancelled by an operator: DONE can only come after a `replan`",),
        0.5,
    ),
    "it is blocked for a while": (
        A_DONE,
        [[item("A-1", "BLOCKED", notes="waits")], [item("A-1", "DONE")]],
        HOLDS,
        (),
        0.5,
    ),
    "it goes": (A_DONE, [[BUSY], [item("A-2")]], CANNOT, ("A-1 is gone: find out who took it out",), 0.5),
    "it never was there": (A_DONE, [[item("A-2")]], UNKNOWN, ("no item A-1",), 0),
    "all of several": (
        Wanted(("A-1", "A-2"), "DONE"),
        [[BUSY, item("A-2", "DONE")], [item("A-1", "DONE"), item("A-2", "DONE")]],
        HOLDS,
        (),
        0.5,
    ),
    "a number": (NO_FAILED, [[item("A-1", "FAILED"), item("A-2", "FAILED")], [item("A-1")]], HOLDS, (), 0.5),
    "a number of none": (NO_FAILED, [[]], HOLDS, (), 0),
    "an item and a number": (
        Wanted(("A-1",), "DONE", {"FAILED": 0, "DONE": 1}),
        [[item("A-1", "DONE"), item("A-2", "FAILED")]],
        NOT_YET,
        ("FAILED=1, not 0",),
        3,
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_how_a_wait_ends(side: str, name: str) -> None:
    """A wait of 3 s ends as soon as it holds or cannot come, and else in time-out, on either queue."""
    wanted, states, state, reasons, seconds = TABLE[name]
    lay(side, states[0])
    time = Time(*(lambda items=items: lay(side, items) for items in states[1:]))
    found = waited(time, wanted, 3, side=side)
    assert (found.outcome, found.seconds) == (Outcome(state, reasons), seconds)


def test_a_lease_taken_since_is_no_cancelled_item(folder: Path) -> None:
    """An item that somebody holds again after it was cancelled is waited for."""
    assert folder
    cancelled = item("A-1", "BLOCKED", **CANCELLED)
    make_database(Path("q.db"), [cancelled], {"A-1": {"lease_owner": "w1", "lease_expires_at": NOW_S + 9}})
    assert waited(Time(), A_DONE, 1, side="q.db").outcome.state is NOT_YET


@pytest.mark.parametrize("wanted", [A_DONE, NO_FAILED], ids=["item", "number"])
def test_it_is_asked_twice_a_second_and_read_once(side: str, wanted: Wanted, monkeypatch: pytest.MonkeyPatch) -> None:
    """While nothing changes nothing is read again, and pauses are of half a second, the last of what is left."""
    lay(side, [item("A-1", "FAILED" if wanted is NO_FAILED else "PENDING")])
    readings = []
    for store in (MarkdownStore, SqliteStore):
        read = store.snapshot
        monkeypatch.setattr(store, "snapshot", lambda self, read=read: readings.append(self) or read(self))
    time = Time()
    assert waited(time, wanted, 60.25, side=side).outcome.state is NOT_YET
    assert (len(readings), time.pauses) == (1, [POLL_S] * 120 + [0.25])


def test_no_progress_is_shown(folder: Path) -> None:
    """A bar that one reading drew would stay while nothing is read."""
    assert folder
    lay("Q.md", [item("A-1", "DONE")])
    shown: list[int] = []
    assert waited(Time(), A_DONE, progress=lambda done, _: shown.append(done)).outcome.state is HOLDS
    assert shown == []


def test_a_long_reading_is_followed_by_a_longer_pause(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A queue that takes 3 s to read takes a fifth of a core at most, however often it changes."""
    lay("Q.md", [BUSY])
    time = Time(*[(folder / "Q.md").touch] * 5)
    read = MarkdownStore.snapshot

    def slow(store: MarkdownStore) -> Any:
        time.now_s += 3
        return read(store)

    monkeypatch.setattr(MarkdownStore, "snapshot", slow)
    assert waited(time, A_DONE, 50).outcome.state is NOT_YET
    assert time.pauses[:3] == [12, 12, 12]


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
@pytest.mark.parametrize("wanted", [A_DONE, NO_FAILED], ids=["item", "number"])
def test_commits_are_seen(folder: Path, mode: str, wanted: Wanted) -> None:
    """A commit of another connection is seen, whichever journal it goes through."""
    lay("q.db", [item("A-1", "FAILED" if wanted is NO_FAILED else "PENDING")])
    execute("q.db", f"PRAGMA journal_mode = {mode}")
    with closing(sqlite3.connect(folder / "q.db", isolation_level=None)) as worker:
        time = Time(*[lambda: None] * 5, lambda: worker.execute("UPDATE queue_items SET status = 'DONE'"))
        found = waited(time, wanted, 60, side="q.db")
    assert (found.outcome.state, found.seconds) == (HOLDS, 3)


def test_another_database_in_its_place_keeps_what_is_in_its_log(folder: Path) -> None:
    """A watched database may be replaced: the new one is read, and its write-ahead log is not taken from it."""
    for name, status in (("q.db", "PENDING"), ("new.db", "PENDING")):
        make_database(folder / name, [item("A-1", status)])
        execute(name, "PRAGMA journal_mode = WAL")
    with closing(sqlite3.connect(folder / "new.db", isolation_level=None)) as worker:
        worker.execute("PRAGMA wal_autocheckpoint = 0")
        worker.execute("UPDATE queue_items SET status = 'DONE'")

        def replace() -> None:
            for suffix in ("-wal", "-shm"):
                Path(f"q.db{suffix}").unlink(missing_ok=True)
                shutil.copy(f"new.db{suffix}", f"q.db{suffix}")
            Path("new.db").rename("q.db")

        assert waited(Time(replace), A_DONE, 9, side="q.db").outcome.state is HOLDS
    assert select("q.db", "SELECT status FROM queue_items") == [("DONE",)]


def test_commits_to_another_database_in_its_place_are_seen(folder: Path) -> None:
    """The connection goes with the path: what is written to the log of the new file is seen."""
    for name in ("q.db", "new.db"):
        make_database(folder / name, [BUSY])
        execute(name, "PRAGMA journal_mode = WAL")
    workers: list[sqlite3.Connection] = []

    def commit() -> None:
        workers.append(sqlite3.connect("q.db", isolation_level=None))
        workers[0].execute("UPDATE queue_items SET status = 'DONE'")

    found = waited(Time(lambda: Path("new.db").rename("q.db"), lambda: None, commit), A_DONE, 9, side="q.db")
    assert (found.outcome, found.seconds) == (Outcome(HOLDS), 1.5)
    workers[0].close()


def test_a_database_copied_over_is_seen(folder: Path) -> None:
    """Another content in the same file is seen, although SQLite itself may take it for the same."""
    for name, status in (("q.db", "PENDING"), ("new.db", "DONE")):
        make_database(folder / name, [item("A-1", status)])
    found = waited(Time(lambda: shutil.copyfile("new.db", "q.db")), A_DONE, 9, side="q.db")
    assert found.outcome.state is HOLDS


def test_writers_are_not_hindered(folder: Path) -> None:
    """Between two questions no lock is held: a writer changes the journal's mode and rebuilds the file."""
    lay("q.db", [BUSY])
    steps = [
        lambda sql=sql: execute(folder / "q.db", sql)
        for sql in ("VACUUM", "PRAGMA user_version = 1", "UPDATE queue_items SET status = 'DONE'")
    ]
    assert waited(Time(*steps), A_DONE, 9, side="q.db").outcome.state is HOLDS


def _gone(side: str) -> None:
    Path(side).rename(f"{side}.away")


def _back(side: str) -> None:
    Path(f"{side}.away").rename(side)


def test_a_queue_that_is_being_replaced_is_read_again(side: str) -> None:
    """A file that was there, goes and comes back is no error; one that stays away is, when patience is at its end."""
    lay(side, [BUSY])
    time = Time(lambda: _gone(side), lambda: None, lambda: _back(side), lambda: lay(side, [item("A-1", "DONE")]))
    assert waited(time, A_DONE, 60, side=side).outcome.state is HOLDS
    lay(side, [BUSY])
    time = Time(lambda: _gone(side))
    with pytest.raises(InputError, match="no such"):
        waited(time, A_DONE, 60, side=side)
    assert time.now_s == 0.5 + 10


def test_patience_begins_anew_with_each_reading(side: str) -> None:
    """Two absences of 6 s each are none of 12 s."""
    lay(side, [BUSY])
    away: list[Step] = [lambda: _gone(side), *[lambda: None] * 11, lambda: _back(side)]
    time = Time(*away, *away, lambda: lay(side, [item("A-1", "DONE")]))
    assert waited(time, A_DONE, 60, side=side).outcome.state is HOLDS


def test_a_queue_that_cannot_be_read_in_the_end_is_told_with_what_was_read(side: str) -> None:
    """In time-out both stand in the reasons: how it was last, and why that is not known any more."""
    lay(side, [BUSY])
    found = waited(Time(lambda: _gone(side)), A_DONE, 2, side=side)
    assert found.outcome.state is NOT_YET
    last, error = found.outcome.reasons
    assert last == "A-1 is IN_PROGRESS (w1)"
    assert error.startswith(f"{side}: no such")


def test_no_patience(side: str) -> None:
    """With a lock timeout of 0 what cannot be read is looked at once more, and no longer."""
    lay(side, [BUSY])
    time = Time(lambda: _gone(side))
    with pytest.raises(InputError, match="no such"):
        waited(time, A_DONE, 60, side=side, lock_timeout_s=0)
    assert time.now_s == 1


@pytest.mark.parametrize("content", [None, "", "text", table("| A-1 | DONE |")])
def test_what_nobody_writes_is_an_error_soon(folder: Path, content: str | None) -> None:
    """A path that leads nowhere or to no queue is not waited for, but for a second look."""
    if content is not None:
        (folder / "Q.md").write_text(content)
        aged(folder / "Q.md")
    time = Time()
    with pytest.raises(InputError):
        waited(time, A_DONE, 60)
    assert time.now_s == 0.5


@pytest.mark.parametrize("content", ["", table("| A-1 | DONE |")])
def test_a_document_that_is_being_written(folder: Path, content: str) -> None:
    """One that was written to a moment ago is read again: an editor may be at it."""
    (folder / "Q.md").write_text(content)
    os.utime("Q.md", (NOW_S, NOW_S))
    assert waited(Time(lambda: lay("Q.md", [item("A-1", "DONE")])), A_DONE, 60).outcome.state is HOLDS


def test_a_lock_is_waited_for_as_long_as_the_wait_lasts(folder: Path) -> None:
    """A database that a writer has locked is asked again; in time-out that is the error if nothing ever was read."""
    lay("q.db", [item("A-1", "DONE")])
    with closing(sqlite3.connect(folder / "q.db", isolation_level=None)) as worker:
        worker.execute("BEGIN EXCLUSIVE")
        time = Time(*[lambda: None] * 50, lambda: worker.execute("COMMIT"))
        found = waited(time, A_DONE, 60, side="q.db", lock_timeout_s=0)
        assert (found.outcome.state, found.seconds) == (HOLDS, 25.5)
        worker.execute("BEGIN EXCLUSIVE")
        with pytest.raises(LockedError, match="locked by"):
            waited(Time(), A_DONE, 60, side="q.db", lock_timeout_s=0)


@pytest.mark.parametrize(
    ("wanted", "half", "whole", "outcome", "seconds"),
    [
        (NO_FAILED, [item("A-2")], [item("A-2"), item("A-1", "FAILED")], Outcome(NOT_YET, ("FAILED=1, not 0",)), 9),
        (NO_FAILED, [item("A-2")], [item("A-2"), item("A-1", "DONE")], Outcome(HOLDS), 2),
        (A_DONE, [item("A-2")], [item("A-2"), item("A-1", "DONE")], Outcome(HOLDS), 0.5),
        (A_DONE, [item("A-2")], [item("A-2")], Outcome(UNKNOWN, ("no item A-1",)), 2),
    ],
)
def test_rows_that_are_still_to_be_written(
    folder: Path, wanted: Wanted, half: list[Item], whole: list[Item], outcome: Outcome, seconds: float
) -> None:
    """In a document that is being written, what rests on missing rows counts when it stood for the settle time."""

    def write(items: list[Item]) -> None:
        make_markdown(folder / "Q.md", items)
        os.utime(folder / "Q.md", (NOW_S, NOW_S))

    write(half)
    found = waited(Time(lambda: write(whole)), wanted, 9)
    assert (found.outcome, found.seconds) == (outcome, seconds)


def test_what_does_not_stand_still_does_not_count(folder: Path) -> None:
    """A number that comes, goes and comes again has stood only since it came last."""

    def write(status: str) -> None:
        make_markdown(folder / "Q.md", [item("A-1", status)])
        os.utime(folder / "Q.md", (NOW_S, NOW_S))

    write("DONE")
    steps: list[Step] = [lambda: write("FAILED"), lambda: write("DONE")]
    found = waited(Time(*steps), NO_FAILED, 9)
    assert (found.outcome, found.seconds) == (Outcome(HOLDS), 3)


def test_the_settle_time_goes_beyond_the_end(folder: Path) -> None:
    """A wait that asks once does not call a number in a fresh document a time-out, nor take it unseen."""
    make_markdown(folder / "Q.md", [item("A-1")])
    os.utime(folder / "Q.md", (NOW_S, NOW_S))
    found = waited(Time(), NO_FAILED, 0)
    assert (found.outcome, found.seconds) == (Outcome(HOLDS), 2)
    found = waited(Time(), NO_FAILED, 0, policy=parse_policy(b"consistency: {settle: 0s}", "p"))
    assert (found.outcome, found.seconds) == (Outcome(HOLDS), 0)


def test_agreement(side: str) -> None:
    """Both queues are waited for, as the policy compares them; an item is read from the queue that is worked on."""
    lay("Q.md", [BUSY])
    lay("q.db", [item("A-1", "DONE", task="other", owner_session="w1")])
    agree = [item("A-1", "DONE", owner_session="w1")]
    consistent = Wanted(consistent=True)
    mismatch = "consistency mismatch missing_in_db=0 missing_in_md=0 field_mismatch=2"
    assert waited(Time(), consistent, 1, side=side).outcome == Outcome(NOT_YET, (mismatch,))
    policy = parse_policy(b"consistency: {fields: [priority]}", "p")
    assert waited(Time(), consistent, 1, side=side, policy=policy).outcome == Outcome(HOLDS)
    both = Wanted(("A-1",), "DONE", {"DONE": 1}, consistent=True)
    item_short = () if side == "q.db" else ("A-1 is IN_PROGRESS (w1)", "DONE=0, not 1")
    assert waited(Time(), both, 1, side=side).outcome == Outcome(NOT_YET, (*item_short, mismatch))
    time = Time(lambda: lay("Q.md", agree), lambda: lay("q.db", agree))
    found = waited(time, both, 9, side=side)
    assert (found.outcome, found.seconds) == (Outcome(HOLDS), 1)


def test_rows_below_the_table_are_an_error_where_they_could_matter(folder: Path) -> None:
    """A number, or an item that is not found, is not told of a document that is only read in part."""
    text = table("| A-1 | DONE | P1 | t | s | - | - | - | |") + "\n| A-2 | DONE | P1 | t | s | - | - | - | |\n"
    (folder / "Q.md").write_text(text)
    aged(folder / "Q.md")
    found = waited(Time(), A_DONE, 0)
    assert (found.outcome.state, len(found.remarks)) == (HOLDS, 1)
    for wanted in (NO_FAILED, Wanted(("A-2",), "DONE")):
        with pytest.raises(InputError, match="looks like a row of the queue"):
            waited(Time(), wanted, 0)
