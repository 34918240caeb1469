"""Sixteen processes retry items of one queue on a server at once: `retry_postgres.py ours|plain LOCATION ITEMS`."""

import json
import sys
from multiprocessing import get_context

_PROCESSES = 16
_NOW_S = 1_767_279_600
_ITEM = "id, status, priority, task, success_criteria, owner_session, started_at_kst, due_at_kst, notes"
_LEASE = "lease_owner, lease_expires_at, attempt_count, max_attempts"
_SEEN = [*_ITEM.split(", "), *_LEASE.split(", ")]
_BEGIN = (
    "BEGIN; SELECT set_config('statement_timeout', '60000', true), set_config('lock_timeout', '60000', true), "
    "set_config('idle_in_transaction_session_timeout', '120000', true), set_config('search_path', 'public', true), "
    "set_config('synchronous_commit', 'on', true)"
)


def ours(location: str, items: range) -> None:
    """Retry through the package, as it does with many items."""
    decide = retry(Stamp(actor="bench", now_s=_NOW_S, tz_minutes=540))
    with open_queue(location, lock_timeout_s=60).series() as series:
        for number in items:
            series.change(f"ORCH-{number}", decide)


def plain(location: str, items: range) -> None:
    """Retry with the same statements and nothing else: no check of tables or cells, no error told."""
    with psycopg.connect(location, autocommit=True, prepare_threshold=None) as connection:
        for number in items:
            connection.execute(_BEGIN)
            _retry(connection, f"ORCH-{number}")
            connection.execute("COMMIT")


def _retry(connection, item_id):
    row = connection.execute(
        f"SELECT {_ITEM}, {_LEASE}, extract(epoch FROM clock_timestamp())::float8 FROM queue_items "
        "WHERE id = ANY (%s) FOR UPDATE",
        ([item_id],),
    ).fetchone()
    not_before, attempt = _NOW_S + 60, row[11] + 1
    new = {"status": "PENDING", "notes": f"retry_not_before={not_before}", "updated_at": "2026-01-02 00:00"}
    new |= {"lease_owner": None, "lease_expires_at": None, "attempt_count": attempt}
    connection.execute(
        f"UPDATE queue_items SET {', '.join(f'{name} = %s' for name in new)} "
        f"WHERE id = %s AND {' AND '.join(f'{name} IS NOT DISTINCT FROM %s' for name in _SEEN)}",
        (*new.values(), item_id, *row[:-1]),
    )
    payload = json.dumps({"from": "FAILED", "to": "PENDING", "actor": "bench", "attempt": attempt})
    event = connection.execute(
        "INSERT INTO queue_events (item_id, event_type, payload_json, created_at) VALUES (%s, 'retried', %s, %s) "
        "RETURNING event_id, pg_notify('queue_events', item_id)",
        (item_id, payload, "2026-01-02 00:00"),
    ).fetchone()[0]
    connection.execute(
        "SELECT EXISTS (SELECT 1 FROM queue_events WHERE event_id = %s AND item_id IS NOT DISTINCT FROM %s "
        "AND event_type = 'retried' AND payload_json = %s AND created_at = %s), "
        f"{', '.join(_SEEN)}, updated_at FROM queue_items WHERE id = %s",
        (event, item_id, payload, "2026-01-02 00:00", item_id),
    ).fetchall()


if __name__ == "__main__":
    import psycopg

    if sys.argv[1] == "ours":  # loaded once, as what the others need is
        from ops_checks.stores.postgres.series import PostgresSeries  # noqa: F401
        from ops_checks.stores.registry import open_queue
        from ops_checks.transitions import Stamp, retry
    way, location, items = {"ours": ours, "plain": plain}[sys.argv[1]], sys.argv[2], int(sys.argv[3])
    share = items // _PROCESSES
    context = get_context("fork")
    workers = [
        context.Process(target=way, args=(location, range(number * share, (number + 1) * share)))
        for number in range(_PROCESSES)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    sys.exit(any(worker.exitcode for worker in workers))
