"""A project in a folder for campaigns that break things: what is laid down, what runs on it, what state it is in.

The files are written here, not by the program, and the state is read without it.
"""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

#: 2026-01-01 12:00 at UTC+09:00: the clock of every command, so that a new state can be told to the byte.
NOW_S = 1_767_236_400

HEAD = (
    "id", "status", "priority", "task", "success_criteria", "owner_session", "started_at_kst", "due_at_kst", "notes",
)  # fmt: skip
ROWS = (
    ("ORCH-1", "IN_PROGRESS", "P0", "대기열 정리 (1차)", "1) 표 2) DB", "s1", "2026-01-01 11:30", "-", "picked"),
    ("ORCH-2", "FAILED", "P1", "migrate", "no rows lost", "worker:core-1", "2026-01-01 09:00", "-", ""),
    ("ORCH-3", "PENDING", "P2", "see https://example.org/x?y=1", "shown", "-", "-", "2026-01-03 18:00", "a"),
    ("ORCH-4", "BLOCKED", "P1", "wait for W1/W2", "told", "s2", "2026-01-01 08:00", "-", "b"),
)
#: The ids of the items, in their order.
IDS = tuple(row[0] for row in ROWS)
_SCHEMA = Path(__file__).parents[2] / "ops_checks/stores/sqlite/schema.sql"
_POLICY = b"# limits\nkpi:\n  thresholds:\n    failure_rate: 0.5 # half\n    latency_p95_ms: 2000\n"
_LOG = {"event": "run_end", "command": "done", "exit_code": 0, "duration_ms": 12.5}

QUEUE, DB, POLICY, LOG, REPORT = "QUEUE.md", "queue.db", "ops-checks.yaml", "runs.jsonl", "report.json"
_SQLITE_FILES = ("-wal", "-shm", "-journal")

#: What a queue is kept in: a document, or a database by the way it keeps its promise.
BACKENDS = ("markdown", "wal", "delete")


def lay_down(folder: Path, journal: str) -> None:
    """Write a project into a new folder; its database journals as `journal` says (wal, delete)."""
    folder.mkdir()
    lines = ["# Queue", "", "| " + " | ".join(HEAD) + " |", "|" + "---|" * len(HEAD)]
    lines += ["| " + " | ".join(row) + " |" for row in ROWS]
    (folder / QUEUE).write_text("\n".join([*lines, "", "That is all.", ""]), encoding="utf-8")
    (folder / POLICY).write_bytes(_POLICY)
    (folder / LOG).write_text((json.dumps(_LOG) + "\n") * 3, encoding="utf-8")
    (folder / REPORT).write_bytes(b'{\n  "schema_version": "1')  # cut short
    _make_database(folder / DB, journal)


def _make_database(path: Path, journal: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA journal_mode = {journal}")
        connection.executescript(_SCHEMA.read_text(encoding="utf-8"))
        marks = ", ".join("?" * (len(HEAD) + 2))
        statement = f"INSERT INTO queue_items ({', '.join(HEAD)}, created_at, updated_at) VALUES ({marks})"
        connection.executemany(statement, [(*row, "2026-01-01 08:00", "2026-01-01 11:00") for row in ROWS])
        connection.execute("UPDATE queue_items SET lease_owner = 's1', lease_expires_at = ? WHERE id = 'ORCH-1'", [1])
        connection.commit()


@dataclass(frozen=True)
class Case:
    """A mutating command on a stage: its arguments, the line that reports success, and one that comes after it.

    `targets` are the files it may change; each by itself is old or new (only `init` has several).
    """

    name: str
    journal: str
    argv: tuple[str, ...]
    told: str
    after: tuple[str, ...]
    targets: tuple[str, ...]


#: Where a lock seems to be held because asking for it fails, nobody needs to wait for long.
_WAIT = ("--lock-timeout", "0.1")
_WHO = ("--actor", "tester")


def cases() -> list[Case]:
    """Return every mutating command on every backend."""
    found = []
    for backend in BACKENDS:
        where, target = (("--queue", QUEUE), QUEUE) if backend == "markdown" else (("--db", DB), DB)
        where = (*where, *_WAIT)
        for argv, told in (
            (("cancel", "--id", "ORCH-1"), "ORCH-1 -> BLOCKED"),
            (("replan", "--id", "ORCH-4", "--notes", "split | in two"), "ORCH-4 -> PENDING"),
            (("retry", "--id", "ORCH-2"), "ORCH-2 -> PENDING"),
        ):
            after = (*where, "cancel", "--id", "ORCH-3", *_WHO)
            journal = "wal" if backend == "markdown" else backend
            name = f"{argv[0]}-{backend}"
            found.append(Case(name, journal, (*where, *argv, *_WHO), told, after, (target,)))
    check = ("check", *_WAIT, "--queue", QUEUE, "--db", DB, "--log-path", LOG, "--exit-zero", "-f", "text", "-f")
    report = (*check, f"json={REPORT}")
    made = "automation/orchestrator/"
    files = ("ops.py", "QUEUE.md", "db/queue.db", "logs/orch_runs.jsonl", "policy.schema.json")
    return [
        *found,
        Case("check", "wal", report, "exit code 0", report, (REPORT,)),
        Case("check-new", "delete", (*check, "json=new.json"), "exit code 0", (*check, "json=new.json"), ("new.json",)),
        Case("init", "wal", ("init",), "kept ops-checks.yaml", ("init",), tuple(made + file for file in files)),
    ]


State = dict[str, object]


def state(folder: Path, aside: Path | None = None) -> State:
    """Return what the files of a project say, by name: bytes, or rows and events of a database.

    The folder is copied first (to a folder in `aside`): opening a database mends it, and whether
    the program can is what is asked.
    Lock files are no state, and neither is what SQLite keeps beside its file.
    """
    found: State = {}
    with tempfile.TemporaryDirectory(dir=aside or folder.parent) as copy:
        shutil.copytree(folder, copy, dirs_exist_ok=True)
        for path in sorted(Path(copy).rglob("*")):
            name = path.relative_to(copy).as_posix()
            if path.is_dir() or name.endswith((*_SQLITE_FILES, ".lock")):
                continue
            found[name] = rows(path) if name.endswith(".db") else path.read_bytes()
    return found


def rows(path: Path) -> tuple[object, ...]:
    """Return all rows and events of a database, and what its own check says."""
    with closing(sqlite3.connect(path)) as connection:
        return (
            connection.execute("SELECT * FROM queue_items ORDER BY id").fetchall(),
            [_without_operation(row) for row in connection.execute("SELECT * FROM queue_events ORDER BY event_id")],
            connection.execute("PRAGMA integrity_check").fetchall(),
        )


def _without_operation(event: tuple[object, ...]) -> tuple[object, ...]:
    """Return an event without the id of its operation, which is another one each time."""
    return tuple(re.sub("op-[0-9a-f]{16}", "op", cell) if isinstance(cell, str) else cell for cell in event)


def temporaries(found: State) -> list[str]:
    """Return the names of the temporary files that a killed command left."""
    return [name for name in found if name.rpartition("/")[2].startswith(".ops-checks-")]


def strays(found: State, old: Mapping[str, object], new: Mapping[str, object]) -> list[str]:
    """Return the names of files whose state is neither the old nor the new, files that nobody expects among them."""
    known = {*old, *new, *found} - set(temporaries(found))
    return [name for name in sorted(known) if found.get(name) not in (old.get(name), new.get(name))]
