"""The same operations on both queues and on a plain model: the same answers, and agreement all along."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builders import execute, item, make_database, make_markdown, select
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ops_checks import transitions
from ops_checks.errors import RefusedError
from ops_checks.gate.stable_reading import compare, read_stable
from ops_checks.model import PRIORITIES, STATUSES, Item
from ops_checks.stores.registry import MARKDOWN, SQLITE
from ops_checks.timestamps import queue_time

if TYPE_CHECKING:
    from ops_checks.stores.changes import Decide

IDS = ["ORCH-1", "ORCH-2", "DB-3"]
START_S = 1_767_279_600
BACKOFF_S = (60, 180)
ids = st.sampled_from(IDS)
notes = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6).filter(str.strip) | st.sampled_from(
    ["a | b", "x\ny", "\\", "| z |", "\x1b\x00"]
)


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


class Queues(RuleBasedStateMachine):
    """Two queues and their model."""

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
        self.db = SQLITE.open(make_database(self.folder / "q.db", items))
        execute(self.db.location, "PRAGMA journal_mode = WAL")

    def teardown(self) -> None:
        """Clear away."""
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder)

    def stamp(self) -> transitions.Stamp:
        """Return who does it, and when."""
        return transitions.Stamp(actor="machine", now_s=self.now_s, tz_minutes=540)

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
        for queue in (self.md, self.db):
            assert self.apply(queue, key, transitions.cancel(self.stamp())) == expected
        if expected == "BLOCKED" and not is_cancelled:
            self.model.move(key, "BLOCKED")
            self.model.note(key, "cancelled_by_operator", "cancelled_by_operator")

    @rule(key=ids, text=notes)
    def replan(self, key: str, text: str) -> None:
        """Both sides replan, from any status."""
        expected = "BLOCKED" if self.model.md[key]["status"] == "IN_PROGRESS" else "PENDING"
        for queue in (self.md, self.db):
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
        for queue, allows in ((self.md, md_allows), (self.db, db_allows)):
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
        execute(self.db.location, f"UPDATE queue_items SET {sets}, lease_expires_at = {expires} WHERE id = '{key}'")
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
        for queue in (self.md, self.db):
            self.apply(queue, key, decide, dry=True)

    def expected(self, side: dict[str, dict[str, str]]) -> list[Item]:
        """Return the items as the model has them on one side."""
        return [each.with_cells(side[each.id].items()) for each in self.order]

    @invariant()
    def agree(self) -> None:
        """Hold both queues to the model and to each other, and the events to the transitions."""
        if not hasattr(self, "folder"):
            return
        assert compare(self.md, self.db).ok
        for queue, side in ((self.md, self.model.md), (self.db, self.model.db)):
            assert read_stable(queue, lambda view: [each for _, each in view.items()]) == self.expected(side)
        assert select(self.db.location, "SELECT count(*) FROM queue_events") == [(self.model.events,)]
        kept = select(self.db.location, "SELECT id, lease_expires_at, attempt_count FROM queue_items")
        assert {key: (lease, attempts) for key, lease, attempts in kept} == {
            key: (self.model.leases[key], self.model.attempts[key]) for key in IDS
        }


TestQueues = Queues.TestCase
TestQueues.settings = settings(
    max_examples=20, stateful_step_count=12, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
