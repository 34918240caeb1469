"""Eight processes retry items of one database at once: `retry.py ours|plain DATABASE ITEMS`."""

import json
import sqlite3
import sys
from contextlib import closing
from multiprocessing import get_context

_PROCESSES = 8
_NOW_S = 1_767_279_600
_ITEM = "id, status, priority, task, success_criteria, owner_session, started_at_kst, due_at_kst, notes"
_LEASE = "lease_owner, lease_expires_at, attempt_count, max_attempts"
_SEEN = "id status priority task success_criteria notes lease_owner lease_expires_at attempt_count max_attempts"


def ours(database: str, items: range) -> None:
    """Retry through the package."""
    from ops_checks.stores.registry import SQLITE
    from ops_checks.transitions import Stamp, retry

    queue = SQLITE.open(database, lock_timeout_s=60)
    decide = retry(Stamp(actor="bench", now_s=_NOW_S, tz_minutes=540))
    for number in items:
        queue.change(f"ORCH-{number}", decide)


def plain(database: str, items: range) -> None:
    """Retry with the same statements and nothing else: no check of schema or cells, no error told."""
    with closing(_connected(database)) as connection:
        connection.execute("PRAGMA quick_check(1)").fetchall()
    for number in items:
        with closing(_connected(database)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            _retry(connection, f"ORCH-{number}")
            connection.execute("COMMIT")


def _connected(database: str) -> sqlite3.Connection:
    connection = sqlite3.connect(database, timeout=60, isolation_level=None)
    for pragma in ("trusted_schema=OFF", "cell_size_check=ON", "mmap_size=0", "foreign_keys=ON", "synchronous=EXTRA"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _retry(connection: sqlite3.Connection, item_id: str) -> None:
    row = connection.execute(f"SELECT {_ITEM}, {_LEASE} FROM queue_items WHERE id = ?", (item_id,)).fetchone()
    not_before, attempt = _NOW_S + 60, row[11] + 1
    seen = dict(zip(_SEEN.split(), (*row[:5], *row[8:]), strict=True))
    new = {"status": "PENDING", "notes": f"retry_not_before={not_before}", "updated_at": "2026-01-02 00:00"}
    new |= {"lease_owner": None, "lease_expires_at": None, "attempt_count": attempt}
    connection.execute(
        f"UPDATE queue_items SET {', '.join(f'{name} = ?' for name in new)} "
        f"WHERE {' AND '.join(f'{name} IS ?' for name in seen)}",
        (*new.values(), *seen.values()),
    )
    payload = json.dumps({"from": "FAILED", "to": "PENDING", "actor": "bench", "attempt": attempt})
    event = connection.execute(
        "INSERT INTO queue_events (item_id, event_type, payload_json, created_at) VALUES (?, 'retried', ?, ?)",
        (item_id, payload, "2026-01-02 00:00"),
    ).lastrowid
    connection.execute(f"SELECT {', '.join(new)} FROM queue_items WHERE id = ?", (item_id,)).fetchall()
    connection.execute("SELECT * FROM queue_events WHERE event_id = ?", (event,)).fetchall()


if __name__ == "__main__":
    way, database, items = {"ours": ours, "plain": plain}[sys.argv[1]], sys.argv[2], int(sys.argv[3])
    share = items // _PROCESSES
    context = get_context("fork")
    workers = [
        context.Process(target=way, args=(database, range(number * share, (number + 1) * share)))
        for number in range(_PROCESSES)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    sys.exit(any(worker.exitcode for worker in workers))
