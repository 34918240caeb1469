"""Who takes part in a race for one queue on a PostgreSQL server; each is the body of a process of its own.

As in `racers`, what somebody is about to do and what came of it goes into the ledger first and afterwards.
"""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING

import psycopg

from ops_checks.stores.postgres import store
from ops_checks.stores.postgres.rows import StoredRow, stored_rows
from tests.campaigns import stage
from tests.campaigns.racers import LOCK_TIMEOUT_S, call, note

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    from ops_checks.stores.postgres.connection import Session
    from tests.campaigns.racers import Racer

#: In a racer's place of the backend stands where the queue is.
_MOVES = (("PENDING", "IN_PROGRESS"), ("IN_PROGRESS", "IN_PROGRESS"), ("IN_PROGRESS", "FAILED"))
_TIMEOUT = ("--lock-timeout", str(LOCK_TIMEOUT_S))


def operate(racer: Racer) -> None:
    """Be an operator: cancel, replan and retry items that others work on as well."""
    chance = racer.chance()
    for token in racer.tokens():
        kind, item = chance.choice(("cancel", "replan", "retry")), chance.choice(stage.IDS)
        notes = () if kind == "retry" else ("--notes", token)
        note(token=token, kind=kind, item=item)
        code, said = call(("--db", racer.backend, *_TIMEOUT, kind, "--id", item, "--actor", token, *notes))
        note(token=token, code=code, said=said, ended=True)


def operate_blindly(racer: Racer) -> None:
    """Be an operator whose program neither locks a row nor compares it before it writes."""

    def unlocked(session: Session, ids: Sequence[str], *, lock: bool = False) -> dict[str, StoredRow]:
        return stored_rows(session, ids)

    store.stored_rows = unlocked
    StoredRow.unchanged = lambda _: ("true", [])  # type: ignore[method-assign]
    operate(racer)


def select(racer: Racer) -> None:
    """Be an operator who works on whatever has a status: each item by itself, or all of them or none."""
    chance = racer.chance()
    for token in racer.tokens():
        kind = chance.choice(("cancel", "replan"))
        together = chance.choice(((), (), ("--all-or-nothing",)))
        meant = ("--status", "PENDING,IN_PROGRESS,FAILED", "--yes", "--actor", token, "--notes", token, *together)
        note(token=token, kind="selected", item="")
        code, said = call(("--db", racer.backend, *_TIMEOUT, kind, *meant))
        note(token=token, code=code, said=said, ended=True)
        time.sleep(chance.random() * 0.02)


def work(racer: Racer) -> None:
    """Be a worker or a dispatcher with a connection and statements of its own: pick, renew, say failed or blocked."""
    chance = racer.chance()
    connection: psycopg.Connection[tuple[object, ...]] | None = None
    for token in racer.tokens():
        note(token=token, kind="work", item="")
        code, said = 0, ""
        try:
            if connection is None or connection.closed:
                connection = psycopg.connect(racer.backend)
            code = 0 if _move(connection, token, chance) else 5
        except psycopg.Error as error:
            code, said = -1, str(error)
            if connection is not None:
                connection.close()
        note(token=token, code=code, said=said, ended=True)
        time.sleep(0.002)


def _move(connection: psycopg.Connection[tuple[object, ...]], token: str, chance: random.Random) -> bool:
    """Move an item, under a lease while it is worked on, with an event in the same transaction."""
    came_from, to = chance.choice(
        (("PENDING", "IN_PROGRESS"), ("IN_PROGRESS", "IN_PROGRESS"), ("IN_PROGRESS", "FAILED"))
    )
    with connection.transaction():
        found = connection.execute(
            "SELECT id FROM queue_items WHERE status = %s ORDER BY random() LIMIT 1 FOR UPDATE SKIP LOCKED",
            (came_from,),
        ).fetchone()
        if found is None:
            return False
        lease = (token, int(time.time()) + chance.choice((-1, 60))) if to == "IN_PROGRESS" else (None, None)
        connection.execute(
            "UPDATE queue_items SET status = %s, lease_owner = %s, lease_expires_at = %s, "
            "notes = concat_ws(' | ', nullif(notes, ''), %s::text) WHERE id = %s",
            (to, *lease, token, found[0]),
        )
        connection.execute(
            "INSERT INTO queue_events (item_id, event_type, payload_json, created_at) VALUES (%s, %s, %s, %s)",
            (found[0], "worked", json.dumps({"from": came_from, "to": to, "actor": token}), "2026-01-01 12:00"),
        )
    return True


def read(racer: Racer) -> None:
    """Be a reader: every state that is seen is a whole queue."""
    for token in racer.tokens():
        code, said = call(("--db", racer.backend, "status"))
        total = sum(int(count) for count in re.findall(r"[A-Z]=(\d+)", said.partition("\n")[0]))
        ended = code == 3 and "because the server ended the connection" in said
        note(token=token, kind="read", whole=ended or (code == 0 and total == len(stage.IDS)), said=said)
        time.sleep(0.02)


BODIES: dict[str, Callable[[Racer], None]] = {
    "operator": operate,
    "blind": operate_blindly,
    "selector": select,
    "worker": work,
    "reader": read,
}
