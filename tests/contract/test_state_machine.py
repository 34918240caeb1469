"""The same operations on every store and on a plain model: the same answers, and agreement all along."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from builders import execute, item, make_database, make_markdown, select
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from ops_checks import transitions
from ops_checks.errors import RefusedError
from ops_checks.gate.stable_reading import compare, read_stable
from ops_checks.model import PRIORITIES, STATUSES, Item
from ops_checks.stores.registry import MARKDOWN, SQLITE
from ops_checks.timestamps import queue_time

if TYPE_CHECKING:
    from collections.abc import Callable

    from postgres_queues import PgQueue

    from ops_checks.stores.changes import Decide
    from ops_checks.stores.protocol import Store

IDS = ["ORCH-1", "ORCH-2", "WEB-3"]
START_S = 1_767_279_600
BACKOFF_S = (60, 180)
ids = st.sampled_from(IDS)
notes = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=6).filter(
    str.strip
) | st.sampled_from(["a | b", "x\ny", "\\", "| z |", "\x1b"])
operations = itertools.count(1)


class Model:
    """One queue as a person would keep it on paper: items, and in the database leases and attempts."""

    def __init__(self, items: dict[str, dict[str, str]]) -> None:
        self.md = {key: dict(cells) for key, cells in items.items()}
        self.db = {key: dict(cells) for key, cells in items.items()}
        self.leases: dict[str, int | None] = dict.fromkeys(items)
        self.attempts = dict.fromkeys(items, 0)
        self.events = 0

    def note(self, key: str, md: str, db: str) -> None:
        """Append a note on both sides."""
        for side, text, separator in ((self.md, md, " / "), (self.db, db, " | ")):
            side[key]["notes"] = separator.join(part for part in (side[key]["notes"], text) if part)

    def move(self, key: str, status: str) -> None:
        """Move an item on both sides; one that is pending is nobody's, and no lease lasts."""
        for side in (self.md, self.db):
            side[key]["status"] = status
            if status == "PENDING":
                side[key] |= {"owner_session": "-", "started_at_kst": "-"}
        self.leases[key] = None
        self.events += 1


class Database(NamedTuple):
    """A queue in a database, with functions that run a script and a query on it without our program."""

    store: Store
    execute: Callable[[str], object]
    select: Callable[[str], list[tuple[Any, ...]]]


class Queues(RuleBasedStateMachine):
    """A document, the same queue in databases, and their model."""

    def __init__(self, tables: PgQueue | None) -> None:
        super().__init__()
        self.tables = tables

    @initialize(
        drawn=st.lists(st.tuples(st.sampled_from(STATUSES), st.sampled_from(PRIORITIES)), min_size=3, max_size=3)
    )
    def lay_down(self, drawn: list[tuple[str, str]]) -> None:
        """Begin with a few items in any status."""
        self.folder = Path(tempfile.mkdtemp())
        self.now_s = START_S
        items = [item(key, status, priority) for key, (status, priority) in zip(IDS, drawn, strict=True)]
        self.model = Model(
            {
                each.id: {"status": each.status, "notes": "", "owner_session": "-", "started_at_kst": "-"}
                for each in items
            }
        )
        self.order = items
        self.md = MARKDOWN.open(make_markdown(self.folder / "Q.md", items))
        path = make_database(self.folder / "q.db", items)
        execute(path, "PRAGMA journal_mode = WAL")
        self.databases = [Database(SQLITE.open(path), partial(execute, path), partial(select, path))]
        if self.tables is not None:
            self.tables.execute("TRUNCATE queue_items, queue_events")
            self.tables.add(items)
            self.databases.append(Database(self.tables.store(), self.tables.execute, self.tables.execute))
        self.queues = [self.md, *(database.store for database in self.databases)]

    def teardown(self) -> None:
        """Clear away."""
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder)

    def stamp(self) -> transitions.Stamp:
        """Return who does it, and when."""
        operation = f"o-{next(operations)}"
        return transitions.Stamp(actor="machine", now_s=self.now_s, tz_minutes=540, operation=operation)

    def apply(self, queue: Any, key: str, decide: Decide, *, dry: bool = False) -> str:
        """Carry out an operation and return the new status, or `refused`."""
        try:
            return (queue.preview if dry else queue.change)(key, decide).after.status
        except RefusedError:
            return "refused"

    @rule(key=ids)
    def cancel(self, key: str) -> None:
        """Both sides cancel, or both refuse; what is cancelled already stays as it is."""
        status = self.model.md[key]["status"]
        is_cancelled = status == "BLOCKED" and self.model.md[key]["notes"].endswith("cancelled_by_operator")
        expected = "refused" if status in ("DONE", "FAILED") else "BLOCKED"
        for queue in self.queues:
            assert self.apply(queue, key, transitions.cancel(self.stamp())) == expected
        if expected == "BLOCKED" and not is_cancelled:
            self.model.move(key, "BLOCKED")
            self.model.note(key, "cancelled_by_operator", "cancelled_by_operator")

    @rule(key=ids, text=notes)
    def replan(self, key: str, text: str) -> None:
        """Both sides replan, from any status."""
        expected = "BLOCKED" if self.model.md[key]["status"] == "IN_PROGRESS" else "PENDING"
        for queue in self.queues:
            assert self.apply(queue, key, transitions.replan(self.stamp(), text)) == expected
        self.model.move(key, expected)
        line = "replan:" + " ".join(text.splitlines()).strip(" \t")
        self.model.note(key, line, line)

    @rule(key=ids)
    def retry(self, key: str) -> None:
        """Each side retries what its rule allows; where only one does, it is tried without writing."""
        status, attempts = self.model.md[key]["status"], self.model.attempts[key]
        lease = self.model.leases[key]
        timed_out = status == "IN_PROGRESS" and lease is not None and lease < self.now_s
        md_allows = status in ("FAILED", "BLOCKED")
        db_allows = (status == "FAILED" or timed_out) and attempts < 3
        both = md_allows and db_allows
        decide = transitions.retry(self.stamp(), BACKOFF_S)
        for queue in self.queues:
            allows = md_allows if queue is self.md else db_allows
            assert self.apply(queue, key, decide, dry=not both) == ("PENDING" if allows else "refused")
        if both:
            self.model.move(key, "PENDING")
            not_before = self.now_s + BACKOFF_S[min(attempts, 1)]
            self.model.note(key, "retry_requested", f"retry_not_before={not_before}")
            self.model.attempts[key] += 1

    @rule(key=ids, status=st.sampled_from(["IN_PROGRESS", "FAILED", "DONE"]), lease_s=st.none() | st.integers(-5, 600))
    def work(self, key: str, status: str, lease_s: int | None) -> None:
        """Other programs pick, fail and finish, on both sides at once, with a lease or without."""
        start = queue_time(self.now_s, 540)
        cells = {"status": status} | (
            {"owner_session": "s1", "started_at_kst": start} if status == "IN_PROGRESS" else {}
        )
        self.model.md[key] |= cells
        self.model.db[key] |= cells
        lease = self.now_s + lease_s if status == "IN_PROGRESS" and lease_s is not None else None
        self.model.leases[key] = lease
        sets = ", ".join(f"{name} = '{text}'" for name, text in cells.items())
        expires = "NULL" if lease is None else lease
        for database in self.databases:
            database.execute(f"UPDATE queue_items SET {sets}, lease_expires_at = {expires} WHERE id = '{key}'")
        make_markdown(self.folder / "Q.md", self.expected(self.model.md))

    @rule(seconds=st.integers(1, 400))
    def wait(self, seconds: int) -> None:
        """Time passes, and leases with it."""
        self.now_s += seconds

    @rule(key=ids, dry=st.sampled_from(["cancel", "replan", "retry"]))
    def try_out(self, key: str, dry: str) -> None:
        """Preview an operation: nothing changes, which the invariants see."""
        decide = {
            "cancel": transitions.cancel(self.stamp()),
            "replan": transitions.replan(self.stamp(), "x"),
            "retry": transitions.retry(self.stamp()),
        }[dry]
        for queue in self.queues:
            self.apply(queue, key, decide, dry=True)

    def expected(self, side: dict[str, dict[str, str]]) -> list[Item]:
        """Return the items as the model has them on one side."""
        return [each.with_cells(side[each.id].items()) for each in self.order]

    @invariant()
    def agree(self) -> None:
        """Hold both queues to the model and to each other, and the events to the transitions."""
        if not hasattr(self, "folder"):
            return
        for queue in self.queues:
            side = self.model.md if queue is self.md else self.model.db
            assert compare(self.md, queue).ok
            assert read_stable(queue, lambda view: [each for _, each in view.items()]) == self.expected(side)
        for database in self.databases:
            assert database.select("SELECT count(*) FROM queue_events") == [(self.model.events,)]
            kept = database.select("SELECT id, lease_expires_at, attempt_count FROM queue_items")
            assert {key: (lease, attempts) for key, lease, attempts in kept} == {
                key: (self.model.leases[key], self.model.attempts[key]) for key in IDS
            }


def run_machine(tables: PgQueue | None, examples: int) -> None:
    """Run the machine with these examples at most."""
    run_state_machine_as_test(
        lambda: Queues(tables),
        settings=settings(
            max_examples=examples, stateful_step_count=12, deadline=None, suppress_health_check=[HealthCheck.too_slow]
        ),
    )


def test_files_and_their_model() -> None:
    """A document and a database file do what the model does."""
    run_machine(None, 20)


def test_files_a_server_and_their_model(pg_queue: Callable[..., PgQueue]) -> None:
    """So do tables on a server, beside the other two."""
    run_machine(pg_queue(), 6)
