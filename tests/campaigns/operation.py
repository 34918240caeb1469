"""A small healthy operation, built in a folder: the Markdown queue, the database, the run log, and a policy.

Nothing here uses the program: the files are written as other tools write them. Every queue, limit and
time is chosen so that the gate says `pass` and every metric has a value that can be counted by hand
(see METRICS).
"""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

#: The moment at which the gate looks: 2026-01-01 12:00 at UTC+09:00.
NOW_S = 1_767_236_400

COLUMNS = (
    "id", "status", "priority", "task", "success_criteria", "owner_session", "started_at_kst", "due_at_kst", "notes",
)  # fmt: skip

ROWS = (
    ("ORCH-101", "DONE", "P0", "대기열 정리 (1차)", "1) 표 2) DB", "s1", "2026-01-01 09:00", "2026-01-02 09:00", "a"),
    ("ORCH-102", "IN_PROGRESS", "P2", "src/a.py; docs", "tests pass", "s1", "2026-01-01 11:30", "-", "picked"),
    ("ORCH-103", "PENDING", "P1", "see https://example.org/x?y=1", "shown", "-", "-", "2026-01-03 18:00", ""),
    ("ORCH-104", "BLOCKED", "P1", "wait for W1/W2", "told", "agent:main:0e00c142", "2026-01-01 08:00", "-", "b"),
    ("DB-1", "FAILED", "P0", "migrate", "no rows lost", "worker:core-1", "2026-01-01 07:00", "-", "boom"),
)

#: What the operation measures, counted by hand: 18 of 20 outcomes are `done`, and the runs took 100, 200 … 2000 ms.
#: With a limit of 20 stale minutes ORCH-102 is stale; a line is malformed and a run unfinished where they are added.
METRICS: dict[str, float] = {
    "failure_rate": 0.1,
    "success_rate": 0.9,
    "latency_p50_ms": 1000,
    "latency_p90_ms": 1800,
    "latency_p95_ms": 1900,
    "latency_p99_ms": 2000,
    "latency_avg_ms": 1050,
    "latency_max_ms": 2000,
    "retry_count": 2,
    "stale_in_progress": 1,
    "blocked": 1,
    "pending": 1,
    "oldest_pending_minutes": 120,
    "malformed_lines": 1,
    "unfinished_runs": 1,
}

SCHEMA = """
CREATE TABLE queue_items (
    id TEXT PRIMARY KEY, status TEXT NOT NULL, priority TEXT NOT NULL, task TEXT NOT NULL,
    success_criteria TEXT NOT NULL, owner_session TEXT DEFAULT '-', started_at_kst TEXT DEFAULT '-',
    due_at_kst TEXT DEFAULT '-', notes TEXT NOT NULL DEFAULT '', created_at TEXT NOT NULL, updated_at TEXT NOT NULL,
    lease_owner TEXT, lease_expires_at INTEGER, attempt_count INTEGER NOT NULL DEFAULT 0,
    max_attempts INTEGER NOT NULL DEFAULT 3, idempotency_key TEXT, last_error TEXT NOT NULL DEFAULT '');
CREATE TABLE queue_events (
    event_id INTEGER PRIMARY KEY AUTOINCREMENT, item_id TEXT REFERENCES queue_items(id) ON DELETE CASCADE,
    event_type TEXT, payload_json TEXT, created_at TEXT);
"""

HEAD = "# Queue\n\nSome prose, and a table of something else:\n\n| a | b |\n|---|---|\n| id | status |\n\n"


@dataclass
class Operation:
    """The operation before it is laid down; a situation changes one thing about it.

    `md` and `db` are the rows of both queues, `runs` the records of the log, `policy` the text of the
    policy or None. `edit_md` and `edit_log` change the bytes of a file, `sql` runs in the finished
    database, `after` changes the folder. `during` is entered while the gate runs. `named`: the gate is
    told the three paths. `pads`: healthy items may be added. `writes`: the situation changes files itself.
    """

    md: list[list[str]] = field(default_factory=lambda: [list(row) for row in ROWS])
    db: list[dict[str, Any]] = field(default_factory=lambda: [_columns(row) for row in ROWS])
    runs: list[dict[str, Any]] = field(default_factory=lambda: [dict(run) for run in _RUNS])
    policy: str | None = None
    argv: list[str] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    schema: str = SCHEMA
    sql: list[str] = field(default_factory=list)
    edit_md: Callable[[bytes], bytes] = lambda data: data
    edit_log: Callable[[bytes], bytes] = lambda data: data
    after: list[Callable[[Path], object]] = field(default_factory=list)
    during: Callable[[Path], AbstractContextManager[object]] = lambda _folder: nullcontext()
    now_s: float = NOW_S
    named: bool = True
    pads: bool = True
    writes: bool = False

    def cell(self, side: str, item: str, name: str, value: Any) -> None:
        """Set one cell of an item, on side `md` or `db`."""
        if side == "md":
            next(row for row in self.md if row[0] == item)[COLUMNS.index(name)] = value
        else:
            next(row for row in self.db if row["id"] == item)[name] = value

    def both(self, item: str, name: str, value: str) -> None:
        """Set one cell of an item on both sides."""
        self.cell("md", item, name, value)
        self.cell("db", item, name, value)

    def add(self, row: tuple[str, ...]) -> None:
        """Add an item to both sides."""
        self.md.append(list(row))
        self.db.append(_columns(row))

    def fill(self, connection: sqlite3.Connection) -> None:
        """Make the tables in an empty database and put the rows and events into them."""
        connection.executescript(self.schema)
        _fill(connection, self.db)
        for statement in self.sql:
            connection.execute(statement)
        connection.commit()

    def lay_down(self, folder: Path) -> None:
        """Write the operation into a folder."""
        folder.joinpath("QUEUE.md").write_bytes(self.edit_md(markdown(self.md)))
        with closing(sqlite3.connect(folder / "queue.db")) as connection:
            connection.execute("PRAGMA synchronous = OFF")
            self.fill(connection)
        folder.joinpath("runs.jsonl").write_bytes(self.edit_log(log(self.runs)))
        if self.policy is not None:
            folder.joinpath("ops-checks.yaml").write_text(self.policy, encoding="utf-8")
        for change in self.after:
            change(folder)
        for path in folder.rglob("*"):  # nobody has written for a while, so that drift counts at once
            if path.is_file() and path.suffix != ".jsonl" and os.access(path, os.W_OK):
                os.utime(path, (path.stat().st_mtime - 3600,) * 2)


def markdown(rows: list[list[str]]) -> bytes:
    """Return a document with a queue table of these rows; a pipe in a cell is escaped."""
    lines = ["| " + " | ".join(COLUMNS) + " |", "|" + "---|" * len(COLUMNS)]
    lines += ["| " + " | ".join(cell.replace("|", r"\|") for cell in row) + " |" for row in rows]
    return (HEAD + "\n".join(lines) + "\n\nMore prose.\n").encode()


def log(records: list[dict[str, Any]]) -> bytes:
    """Return a run log of these records."""
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()


def ended(number: int, command: str, duration_ms: float, **more: object) -> list[dict[str, Any]]:
    """Return the two records of a run that ended well, a minute after the run before it."""
    trace, ms = f"trace-{number:012x}", (NOW_S - 3600 + 60 * number) * 1000
    start = {"event": "run_start", "trace_id": trace, "command": command, "ts_epoch_ms": ms}
    end = {**start, "event": "run_end", "ts_epoch_ms": ms + int(duration_ms), "exit_code": 0, "status": "ok"}
    return [start, {**end, "item_id": "ORCH-101", "duration_ms": duration_ms, **more}]


#: 18 tasks done and 2 failed, in the last hour.
_RUNS = tuple(
    record
    for number, command in enumerate(["done"] * 18 + ["fail"] * 2, 1)
    for record in ended(number, command, 100 * number)
)


def _columns(row: tuple[str, ...]) -> dict[str, Any]:
    return {**dict(zip(COLUMNS, row, strict=True)), "created_at": "2026-01-01 10:00", "updated_at": "2026-01-01 11:30"}


def _fill(connection: sqlite3.Connection, rows: list[dict[str, Any]]) -> None:
    stored = {name.lower() for _, name, *_ in connection.execute("PRAGMA table_info(queue_items)")}
    for row in rows:
        cells = {name: value for name, value in row.items() if name in stored}
        marks = ", ".join("?" * len(cells))
        connection.execute(f"INSERT INTO queue_items ({', '.join(cells)}) VALUES ({marks})", (*cells.values(),))
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'queue_events'").fetchone():
        events = [("DB-1", "retried", "{}", "2026-01-01 10:30")] * 2 + [("DB-1", "picked", "{}", "2026-01-01 10:40")]
        connection.executemany(
            "INSERT INTO queue_events (item_id, event_type, payload_json, created_at) VALUES (?, ?, ?, ?)", events
        )
