"""The feed of a live view: real files change, and News come from its threads."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import pytest
from builders import aged, execute, item, make_database, make_markdown
from conftest import NOW_S

from ops_checks.errors import InputError, UsageError
from ops_checks.live.feed import Feed, News
from ops_checks.live.model import DRIFT, KPI, PARTS, QUEUE, Filter
from ops_checks.settings import resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_LONGEST_S = 20


class Watched:
    """A feed of two queues and a log, and what it has published."""

    def __init__(self, **named: Any) -> None:
        self.news: SimpleQueue[News] = SimpleQueue()
        self.others: list[News] = []
        context = resolve({"ORCH_DB_PATH": "q.db"}, queue="Q.md", logs=("runs.jsonl",), now_s=NOW_S, **named)
        self.feed = Feed(context, lambda: float(NOW_S), self.news.put)

    def until(self, part: str, holds: Callable[[News], Any] = lambda _: True) -> News:
        """Return the next news of a part for which something holds."""
        others, self.others = self.others, []
        while True:
            news = others.pop(0) if others else self.news.get(timeout=_LONGEST_S)
            if news.part == part and holds(news):
                self.others += others
                return news
            if news.part != part:
                self.others.append(news)


@pytest.fixture
def watching(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Watched]]:
    """Return what begins to watch two queues that agree, and asks often."""
    monkeypatch.setattr("ops_checks.gate.watching.POLL_S", 0.01)
    make_markdown(folder / "Q.md", [item("A-1"), item("A-2")])
    make_database(folder / "q.db", [item("A-1"), item("A-2")])
    (folder / "runs.jsonl").write_text('{"event": "run_end", "command": "done", "exit_code": 0, "duration_ms": 1}\n')
    aged(folder / "runs.jsonl")
    begun: list[Watched] = []

    def begin(**named: Any) -> Watched:
        begun.append(Watched(**named))
        begun[-1].feed.start()
        return begun[-1]

    yield begin
    for each in begun:
        each.feed.stop()


def test_each_part_is_read_once(watching: Callable[..., Watched]) -> None:
    """At first every part is read, and then no more while nothing changes."""
    watched = watching()
    found = [watched.news.get(timeout=_LONGEST_S) for _ in PARTS]
    assert sorted(news.part for news in found) == sorted(PARTS)
    assert all(news.error is None and news.ended is None for news in found)
    watched.feed.stop()
    assert watched.news.empty()


def test_changes_are_read_again(watching: Callable[..., Watched]) -> None:
    """A commit, a saved document and a line of the log are seen, by the parts that rest on them."""
    watched = watching(db="q.db")
    for part in PARTS:
        watched.until(part)
    execute("q.db", "UPDATE queue_items SET status = 'FAILED' WHERE id = 'A-1'")
    assert watched.until(QUEUE).seen.summary.counts["FAILED"] == 1
    assert watched.until(DRIFT).seen.mismatches["field_mismatch"] == 1
    make_markdown(Path("Q.md"), [item("A-1", "FAILED"), item("A-2")])
    assert not watched.until(DRIFT, lambda news: news.seen.differs is not True).seen.differs
    with Path("runs.jsonl").open("a") as log:
        log.write('{"event": "run_end", "command": "fail", "exit_code": 0, "duration_ms": 1}\n')
    assert watched.until(KPI, lambda news: news.seen.values["success_rate"] == 0.5)


def test_the_list_follows_the_filter(watching: Callable[..., Watched]) -> None:
    """Another filter has the queue read again at once, although nothing has changed."""
    watched = watching()
    watched.until(QUEUE)
    watched.feed.list_only(Filter(text="A-2"))
    found = watched.until(QUEUE, lambda news: news.seen.selected == 1)
    assert [row.item.id for row in found.seen.rows] == ["A-2"]


def test_a_lock_is_told_and_waited_for(watching: Callable[..., Watched]) -> None:
    """A database that is locked keeps what was seen of it, with the error, until it is free."""
    watched = watching(db="q.db", lock_timeout_s=0)
    seen = watched.until(QUEUE).seen
    with closing(sqlite3.connect("q.db", isolation_level=None)) as worker:
        worker.execute("BEGIN EXCLUSIVE")
        watched.feed.look(QUEUE)
        news = watched.until(QUEUE, lambda news: news.error)
        assert (news.seen, "locked" in str(news.error)) == (seen, True)
        worker.execute("COMMIT")
    assert watched.until(QUEUE, lambda news: news.error is None).seen.summary.counts["PENDING"] == 2


def test_a_queue_that_goes_ends_it(watching: Callable[..., Watched]) -> None:
    """The queue that is watched may be away for as long as other writers are waited for; then that is the end."""
    watched = watching(lock_timeout_s=0)
    watched.until(QUEUE)
    Path("Q.md").unlink()
    ended = watched.until(QUEUE, lambda news: news.ended).ended
    assert isinstance(ended, InputError)
    assert "Q.md: no such" in str(ended)


def test_what_others_rest_on_may_go_and_come(watching: Callable[..., Watched]) -> None:
    """Without its twin or its log the queue goes on being watched: drift and KPIs are not known for a while."""
    watched = watching(db="q.db", lock_timeout_s=0)
    for part in PARTS:
        watched.until(part)
    for name in ("Q.md", "runs.jsonl"):
        Path(name).rename(f"{name}.away")
    assert watched.until(DRIFT).seen.why_not == "Q.md is not there"
    assert "runs.jsonl" in str(watched.until(KPI, lambda news: news.error).error)
    for name in ("Q.md", "runs.jsonl"):
        Path(f"{name}.away").rename(name)
    assert watched.until(DRIFT, lambda news: not news.seen.why_not).seen.differs is False
    assert watched.until(KPI, lambda news: news.error is None)


def test_what_nobody_expected_is_handed_over(watching: Callable[..., Watched], monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception in a thread is no silence: the view ends with it."""

    def fail(_context: object) -> None:
        raise UsageError("bad")

    monkeypatch.setattr("ops_checks.live.feed.read_drift", fail)
    assert isinstance(watching().until(DRIFT).ended, UsageError)
