"""The demo: tasks with their history, rendered as two queues, which differ in some items, and a run log.

Every run makes the same content, but for its times, which are relative to now.
"""

from __future__ import annotations

import json
from typing import NamedTuple

from msgspec import Struct
from msgspec.json import decode

from ops_checks.model import DB_NOTES_SEPARATOR, FIELDS, MD_NOTES_SEPARATOR, NOTHING, Item
from ops_checks.scaffold.content import markdown, template
from ops_checks.scaffold.demo_log import Run, render_log
from ops_checks.stores.tables import EVENTS, TABLE
from ops_checks.timestamps import queue_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ops_checks.stores.relational.copying import TableRow
    from ops_checks.timestamps import Zone

    Columns = Mapping[str, str | int | None]

_BACKOFF_S = (60, 180, 600)
_MAX_ATTEMPTS = 3
_OPERATOR = "kim"
#: The command in the run log and the event type for each status that ends an attempt.
_ENDINGS = {"DONE": ("done", "done"), "FAILED": ("fail", "failed"), "BLOCKED": ("block", "blocked")}


class Task(Struct, forbid_unknown_fields=True):
    """A task of demo.json. Times are minutes before now; `due` and `lease` (its end) are minutes after now.

    `only` names the one queue that has it; `db_status` and `md_notes` are the values that differ in one queue.
    """

    id: str
    status: str
    priority: str
    task: str
    success_criteria: str
    created: int
    owner: str = NOTHING
    started: int | None = None
    ended: int | None = None
    due: int | None = None
    retried: list[int] = []
    lease: int | None = None
    notes: str = ""
    last_error: str = ""
    review: bool = False
    replanned: bool = False
    only: str | None = None
    db_status: str | None = None
    md_notes: str | None = None


class HistoryEntry(NamedTuple):
    """One event in the history of a task: minutes before now, type, payload, and the command of its run, if any."""

    ago: float
    event: str
    payload: dict[str, str | int]
    command: str | None = None


class Operation:
    """The demo at `now_s` (epoch seconds), in a zone."""

    def __init__(self, *, now_s: float, zone: Zone) -> None:
        self._now_s = int(now_s)
        self._zone = zone
        self._tasks = decode(template("demo.json"), type=list[Task])

    def queue(self, db: str) -> bytes:
        """Return the Markdown queue; its head names the database as `db`."""
        tasks = (task for task in self._tasks if task.only != "db")
        return markdown((self._item(task, task.status, MD_NOTES_SEPARATOR, task.md_notes) for task in tasks), db)

    def rows(self) -> Iterator[TableRow]:
        """Yield the rows of the queue database."""
        tasks = [task for task in self._tasks if task.only != "md"]
        history = [(task, entry) for task in tasks for entry in _history(task)]
        history.sort(key=lambda pair: -pair[1].ago)
        yield from ((TABLE, self._columns(task)) for task in tasks)
        yield from ((EVENTS, self._event(*pair)) for pair in history)

    def log(self) -> bytes:
        """Return the run log: the runs of the tasks' events, and those of a dispatcher that lists the queue."""
        runs = [
            Run(entry.ago, entry.command, task.id, task.owner)
            for task in self._tasks
            if task.only != "md"
            for entry in _history(task)
            if entry.command
        ]
        return render_log(runs, now_s=self._now_s, zone=self._zone)

    def _time(self, ago: float | None) -> str:
        return NOTHING if ago is None else queue_time(self._now_s - 60 * ago, self._zone)

    def _not_before(self, task: Task, attempt: int) -> int:
        return self._now_s - 60 * task.retried[attempt] + _BACKOFF_S[attempt]

    def _item(self, task: Task, status: str, separator: str, own_notes: str | None = None) -> Item:
        retries = [f"retry_not_before={self._not_before(task, attempt)}" for attempt in range(len(task.retried))]
        notes = separator.join(note for note in (*retries, task.notes if own_notes is None else own_notes) if note)
        due = None if task.due is None else -task.due
        times = (self._time(task.started), self._time(due))
        return Item((task.id, status, task.priority, task.task, task.success_criteria, task.owner, *times, notes))

    def _columns(self, task: Task) -> Columns:
        item = self._item(task, task.db_status or task.status, DB_NOTES_SEPARATOR)
        return {
            **dict(zip(FIELDS, item, strict=True)),
            "created_at": self._time(task.created),
            "updated_at": self._time(min(entry.ago for entry in _history(task))),
            "lease_owner": None if task.lease is None else task.owner,
            "lease_expires_at": None if task.lease is None else self._now_s + 60 * task.lease,
            "attempt_count": len(task.retried),
            "max_attempts": _MAX_ATTEMPTS,
            "idempotency_key": f"{task.id.lower()}-{task.created}" if task.review else None,
            "last_error": task.last_error,
        }

    def _event(self, task: Task, entry: HistoryEntry) -> Columns:
        payload = dict(entry.payload)
        if entry.event == "retried":
            payload["retry_not_before"] = self._not_before(task, int(payload["attempt"]) - 1)
        return {
            "item_id": task.id,
            "event_type": entry.event,
            "payload_json": json.dumps(payload, ensure_ascii=False),
            "created_at": self._time(entry.ago),
        }


def _history(task: Task) -> Iterator[HistoryEntry]:
    """Yield the history of a task, oldest first."""
    yield HistoryEntry(task.created, "added", {"to": "PENDING", "actor": _OPERATOR}, "add")
    for attempt, retried in enumerate(task.retried, 1):
        yield from _work(task, retried + 45, retried + 6, "FAILED")
        move: dict[str, str | int] = {"from": "FAILED", "to": "PENDING", "actor": "watchdog"}
        yield HistoryEntry(retried, "retried", move | {"reason": "retry_requested", "attempt": attempt}, "retry")
    if task.started is not None:
        yield from _work(task, task.started, task.ended, task.db_status or task.status)


def _work(task: Task, started: int, ended: int | None, status: str) -> Iterator[HistoryEntry]:
    """Yield the events of one attempt: picked, leased, renewed, and ended with `status` unless `ended` is None.

    `started` and `ended` are minutes before now.
    """
    worker: dict[str, str | int] = {"actor": task.owner}
    yield HistoryEntry(started, "picked", worker | {"from": "PENDING", "to": "IN_PROGRESS"}, "pick")
    yield HistoryEntry(started - 0.1, "lease_acquired", worker)
    if task.lease is not None or ended is not None:
        until = ended if ended is not None else -(task.lease or 0)
        for ago in range(started - 60, max(until, 0), -60):
            yield HistoryEntry(ago, "lease_renewed", worker)
    if ended is None:
        return
    if task.review:
        yield HistoryEntry(ended + 2, "review_gate", {"actor": _OPERATOR, "verdict": "passed"})
    command, event = _ENDINGS[status]
    yield HistoryEntry(ended, event, worker | {"from": "IN_PROGRESS", "to": status}, command)
    yield HistoryEntry(ended - 0.1, "lease_released", worker)
    if task.replanned:
        blocked: dict[str, str | int] = {"from": status, "to": "BLOCKED", "actor": _OPERATOR}
        yield HistoryEntry(ended - 5, "replan", blocked | {"notes": task.notes.partition("replan:")[2]})
