"""Situations of the database: missing, damaged, of an older schema, hostile, or written to meanwhile."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from tests.campaigns.changes import linked, replaced, then, together, with_args
from tests.campaigns.expected import DEFAULT_KPIS, DRIFT, GREEN, Expected, Situation, broken, differs, drift

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.campaigns.operation import Operation


def _sql(*statements: str):
    return lambda op: op.sql.extend(statements)


def _schema(old: str, new: str):
    return lambda op: setattr(op, "schema", op.schema.replace(old, new))


def _bytes_of_db(edit: Callable[[bytes], bytes]):
    return then(lambda folder: (folder / "queue.db").write_bytes(edit((folder / "queue.db").read_bytes())))


def _bad_db(*words: str) -> Expected:
    return broken("queue.db", *words, rules=(*DRIFT, *DEFAULT_KPIS))


_RELIABILITY = """
    lease_owner TEXT, lease_expires_at INTEGER, attempt_count INTEGER NOT NULL DEFAULT 0,
    max_attempts INTEGER NOT NULL DEFAULT 3, idempotency_key TEXT, last_error TEXT NOT NULL DEFAULT ''"""

_DATABASE = (
    Situation("no database", then(lambda folder: (folder / "queue.db").unlink()), _bad_db("no such database")),
    Situation("a folder in the database's place", replaced("queue.db", os.mkdir), _bad_db("is a directory")),
    Situation("a FIFO in the database's place", replaced("queue.db", os.mkfifo), _bad_db("is a FIFO")),
    Situation("a symlink to the database", linked("queue.db"), GREEN),
    Situation("an empty file in the database's place", _bytes_of_db(lambda _: b""), _bad_db("no table queue_items")),
    Situation("text in the database's place", _bytes_of_db(lambda _: b"# Queue\n" * 999), _bad_db("plain text")),
    Situation("a database that was cut off", _bytes_of_db(lambda data: data[: len(data) // 2]), _bad_db()),
    Situation(
        "a database with a page of zeros", _bytes_of_db(lambda data: data[:4096] + bytes(4096) + data[8192:]), _bad_db()
    ),
    Situation(
        "queue_items is a view",
        _sql("ALTER TABLE queue_items RENAME TO t", "CREATE VIEW queue_items AS SELECT * FROM t"),
        _bad_db("queue_items is a view"),
    ),
    Situation(
        "queue_events is a view",
        _sql("ALTER TABLE queue_events RENAME TO t", "CREATE VIEW queue_events AS SELECT * FROM t"),
        _bad_db("queue_events is a view"),
    ),
    Situation("no queue_events", _sql("DROP TABLE queue_events"), _bad_db("no table queue_events")),
    Situation("no column for notes", _sql("ALTER TABLE queue_items DROP COLUMN notes"), _bad_db("no column notes")),
    Situation(
        "a column that computes itself",
        _schema("status TEXT NOT NULL,", "real TEXT DEFAULT 'DONE', status TEXT AS (real) STORED,"),
        _bad_db("no column status"),
    ),
    Situation(
        "a database from before the reliability layer",
        together(
            _schema("updated_at TEXT NOT NULL," + _RELIABILITY, "updated_at TEXT NOT NULL"),
            lambda op: [op.cell("db", row["id"], "task", row["task"]) for row in op.db],
        ),
        GREEN,
    ),
    Situation(
        "an older database, and a drift",
        together(
            _schema("updated_at TEXT NOT NULL," + _RELIABILITY, "updated_at TEXT NOT NULL"), lambda op: op.db.pop(2)
        ),
        drift("missing-in-db", "ORCH-103"),
    ),
    Situation("more columns than are known", _sql("ALTER TABLE queue_items ADD COLUMN tags TEXT"), GREEN),
    Situation("column names in capitals", _schema("status TEXT NOT NULL", "STATUS TEXT NOT NULL"), GREEN),
    Situation(
        "a table without row ids",
        _schema("last_error TEXT NOT NULL DEFAULT '');", "last_error TEXT NOT NULL DEFAULT '') WITHOUT ROWID;"),
        GREEN,
    ),
    Situation(
        "a task that is bytes",
        lambda op: op.cell("db", "ORCH-102", "task", b"src/a.py; docs"),
        _bad_db(":queue_items:ORCH-102", "task is bytes"),
    ),
    Situation(
        "a task that is null",
        together(_schema("task TEXT NOT NULL", "task TEXT"), lambda op: op.cell("db", "ORCH-102", "task", None)),
        _bad_db(":queue_items:ORCH-102", "task is null"),
    ),
    Situation(
        "text that is not UTF-8",
        _sql("UPDATE queue_items SET task = CAST(x'ff41' AS TEXT) WHERE id = 'DB-1'"),
        _bad_db("UTF-8"),
    ),
    Situation(
        "a database in UTF-16",
        _schema("\nCREATE TABLE queue_items", "PRAGMA encoding = 'UTF-16';\nCREATE TABLE queue_items"),
        GREEN,
    ),
    Situation(
        "a trigger on the queue's table",
        _sql("CREATE TRIGGER t AFTER UPDATE ON queue_items BEGIN DELETE FROM queue_items; END"),
        GREEN,
    ),
    Situation(
        "names of files that would be options of a URI",
        lambda op: (
            op.after.append(lambda folder: (folder / "queue.db").rename(folder / "q?mode=memory#x%20.db")),
            op.argv.extend(["--db-path", "q?mode=memory#x%20.db"]),
        ),
        GREEN,
    ),
)


def _wal(*uncommitted: str):
    """Leave a database in WAL mode whose last commit, DB-1's task, stands in the WAL only."""

    @contextmanager
    def during(folder: Path) -> Iterator[None]:
        with closing(sqlite3.connect(folder / "queue.db", isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA wal_autocheckpoint = 0")
            connection.execute("UPDATE queue_items SET task = 'in the WAL' WHERE id = 'DB-1'")
            connection.execute("BEGIN IMMEDIATE")
            for statement in uncommitted:
                connection.execute(statement)
            yield

    return lambda op: (setattr(op, "during", during), setattr(op, "writes", True))


def _held(*statements: str):
    """Hold a transaction open while the gate runs."""

    @contextmanager
    def during(folder: Path) -> Iterator[None]:
        with closing(sqlite3.connect(folder / "queue.db", isolation_level=None)) as connection:
            for statement in statements:
                connection.execute(statement)
            yield

    return lambda op: (setattr(op, "during", during), setattr(op, "writes", True))


_HOT = """
import os, signal, sqlite3
c = sqlite3.connect("queue.db", isolation_level=None)
c.execute("PRAGMA cache_size = 1")
c.execute("PRAGMA cache_spill = ON")
c.execute("BEGIN IMMEDIATE")
c.execute("UPDATE queue_items SET task = 'torn', last_error = printf('%.*c', 99999, 'x')")
c.execute("CREATE TABLE more AS WITH RECURSIVE n(i) AS"
          " (SELECT 1 UNION ALL SELECT i+1 FROM n LIMIT 9999) SELECT i FROM n")
os.kill(os.getpid(), signal.SIGKILL)
"""

#: A worker that renews leases and writes events: without a pause in WAL mode, where a reader never waits for it.
_WORKER = """
import sqlite3, sys, time
c = sqlite3.connect("queue.db", isolation_level=None, timeout=30)
c.execute("PRAGMA journal_mode = " + sys.argv[1])
print("ready", flush=True)
for number in range(10**9):
    c.execute("BEGIN IMMEDIATE")
    c.execute("UPDATE queue_items SET lease_expires_at = ?, updated_at = '2026-01-01 11:59' WHERE id = 'ORCH-102'",
              (1767236400 + number,))
    c.execute("INSERT INTO queue_events (item_id, event_type, created_at) VALUES ('ORCH-102', 'lease_renewed', '-')")
    c.execute("COMMIT")
    time.sleep(0 if sys.argv[1] == "WAL" else 0.01)
"""


def _worker(mode: str):
    """Let a second process write to the database, in this journal mode, while the gate runs."""

    @contextmanager
    def during(_folder: Path) -> Iterator[None]:
        with subprocess.Popen([sys.executable, "-c", _WORKER, mode], stdout=subprocess.PIPE) as worker:
            try:
                worker.stdout.readline()
                yield
            finally:
                worker.kill()

    return lambda op: (setattr(op, "during", during), setattr(op, "writes", True))


def _hot(op: Operation) -> None:
    """Leave the rollback journal of a writer that was killed in the middle of a transaction."""
    op.after.append(lambda folder: subprocess.run([sys.executable, "-c", _HOT], cwd=folder, check=False))
    op.writes = True  # whoever reads first rolls the journal back


_MEANWHILE = (
    Situation("a commit that stands in the WAL only", _wal(), differs("DB-1", "task")),
    Situation(
        "a commit in the WAL, and what is not committed yet",
        _wal("DELETE FROM queue_items", "DELETE FROM queue_events"),
        differs("DB-1", "task"),
    ),
    Situation(
        "a writer that has not committed", _held("BEGIN IMMEDIATE", "DELETE FROM queue_items WHERE id = 'DB-1'"), GREEN
    ),
    Situation(
        "a writer that holds the database",
        together(_held("BEGIN EXCLUSIVE"), with_args("--lock-timeout", "0")),
        _bad_db("locked by "),
    ),
    Situation("the journal of a writer that was killed", _hot, GREEN),
    Situation("a database that is being written to", _worker("DELETE"), GREEN),
    Situation("a WAL database that is being written to", _worker("WAL"), GREEN),
    Situation(
        "a drift in a database that is being written to",
        together(_worker("DELETE"), lambda op: op.md.pop(2)),
        drift("missing-in-md", "ORCH-103"),
    ),
    Situation(
        "a drift in a WAL database that is being written to",
        together(_worker("WAL"), lambda op: op.md.pop(2)),
        drift("missing-in-md", "ORCH-103"),
    ),
)

SITUATIONS = (*_DATABASE, *_MEANWHILE)
