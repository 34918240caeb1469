"""Who writes while plans are applied: workers by SQL, a program that rewrites the document unlocked, who applies.

Each is the body of a process of its own, and notes in the ledger what it is about to do and what came of it.
"""

from __future__ import annotations

import json
import re
import sqlite3
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from tests.campaigns import racers, stage

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping, Sequence

    from tests.campaigns.racers import Racer

QUEUES = ("--queue", stage.QUEUE, "--db", stage.DB, "--lock-timeout", "5")
ROW = re.compile(r"^\| ([A-Z]+-\d+(?:-\d+)?) \| (\w+) \|", re.MULTILINE)
#: So many items are pending at least, or a worker adds one.
_PENDING = 6
#: How ids begin that are ours to write to.
_OURS = tuple("WNM")


def insert(connection: sqlite3.Connection, item_id: str) -> None:
    """Add a pending item to the database."""
    connection.execute(
        "INSERT INTO queue_items (id, status, priority, task, success_criteria, notes, created_at, updated_at) "
        "VALUES (?, 'PENDING', 'P1', ?, 'done', '', '2026-01-01 10:00', '2026-01-01 10:00')",
        (item_id, f"{item_id}.0"),
    )


def _event(connection: sqlite3.Connection, item_id: str, kind: str, **payload: str | None) -> None:
    connection.execute(
        "INSERT INTO queue_events (item_id, event_type, payload_json, created_at) VALUES (?, ?, ?, '2026-01-01 12:00')",
        (item_id, kind, json.dumps(payload)),
    )


def _work(racer: Racer) -> None:
    """Be a worker: pick an item under a lease, renew it, finish it; where few are left, add one."""
    chance = racer.chance()
    for token in racer.tokens():
        with closing(sqlite3.connect(stage.DB, timeout=60, isolation_level=None)) as connection:
            item_id = _pick(connection, token, chance)
            for _ in range(chance.randrange(3)):
                time.sleep(chance.random() * 0.01)
                _step(connection, token, item_id, "lease_expires_at = lease_expires_at + 1", "lease_renewed")
            time.sleep(chance.random() * 0.01)
            finish = "status = 'DONE', notes = ?1, lease_owner = NULL, lease_expires_at = NULL"
            _step(connection, token, item_id, finish, "done", to="DONE")
            racers.note(kind="done", token=token, item=item_id)


def _pick(connection: sqlite3.Connection, token: str, chance: random.Random) -> str:
    """Take a pending item, or add one and take that."""
    connection.execute("BEGIN IMMEDIATE")
    pending = connection.execute("SELECT id FROM queue_items WHERE status = 'PENDING'").fetchall()
    if len(pending) > _PENDING:
        item_id = str(chance.choice(pending)[0])
    else:
        item_id = "N-" + "-".join(token.split(".")[1:])
        insert(connection, item_id)
        _event(connection, item_id, "added", **{"from": None, "to": "PENDING"})
    connection.execute(
        "UPDATE queue_items SET status = 'IN_PROGRESS', owner_session = ?1, started_at_kst = '2026-01-01 12:00', "
        "lease_owner = ?1, lease_expires_at = ?2 WHERE id = ?3",
        (token, stage.NOW_S + 600, item_id),
    )
    _event(connection, item_id, "picked", **{"from": "PENDING", "to": "IN_PROGRESS", "actor": token})
    connection.execute("COMMIT")
    racers.note(kind="picked", token=token, item=item_id)
    return item_id


def _step(connection: sqlite3.Connection, token: str, item_id: str, change: str, event: str, to: str = "") -> None:
    """Write to an item that is ours by our lease, and tell if it is not any more."""
    connection.execute("BEGIN IMMEDIATE")
    query = "SELECT status, owner_session, lease_owner FROM queue_items WHERE id = ?"
    found = connection.execute(query, (item_id,)).fetchone()
    if found != ("IN_PROGRESS", token, token):
        racers.note(kind="taken", token=token, item=item_id, said=repr(found))
    connection.execute(f"UPDATE queue_items SET {change} WHERE id = ?2 AND ?1 NOT NULL", (token, item_id))
    payload = {"from": "IN_PROGRESS", "to": to, "actor": token} if to else {"actor": token}
    _event(connection, item_id, event, **payload)
    connection.execute("COMMIT")


def _rewrite(racer: Racer) -> None:
    """Be a program that reads the document, changes a row or adds one, and renames a whole file over it, unlocked."""
    chance = racer.chance()
    path, counts = Path(stage.QUEUE), Counter[str]()
    for token in racer.tokens():
        text = path.read_text("utf-8")
        rows = ROW.findall(text)
        pending = [item_id for item_id, status in rows if status == "PENDING" and item_id.startswith(_OURS)]
        item_id = chance.choice([item_id for item_id, _ in rows if item_id.startswith(_OURS)])
        if chance.random() < 0.1:
            item_id = f"M-{racer.seed}-{len(counts)}"
            row = f"| {item_id} | PENDING | P1 | {item_id}.0 | done | - | - | - |  |"
            text = text.replace("\n\nThat is all.", f"\n{row}\n\nThat is all.")
        elif pending and chance.random() < 0.3:
            item_id = chance.choice(pending)
            text = text.replace(f"| {item_id} | PENDING |", f"| {item_id} | BLOCKED |")
        counts[item_id] += 1
        task = f"{item_id}.{counts[item_id]}"
        text = re.sub(rf"^(\| {item_id} \| \w+ \| \w+ \|) [^|]* \|", rf"\1 {task} |", text, flags=re.MULTILINE)
        path.with_name("rewritten").write_text(text, "utf-8")
        racers.note(kind="rewriting", token=token, item=item_id, task=task)
        path.with_name("rewritten").replace(path)
        racers.note(kind="rewritten", token=token, item=item_id, task=task)
        time.sleep(chance.choice((0.01, 0.03, 0.03, 0.3)))  # always the shortest, and nobody else would ever write


def _reconcile(racer: Racer) -> None:
    """Be who plans and applies, over and over, and finishes what somebody else was killed at."""
    for token in racer.tokens():
        name = f"{token}.json"
        _command(token, "resume", ["reconcile", "resume"])
        planning = ["reconcile", "plan", "--no-blame", "-o", name]
        code = _command(token, "plan", planning)
        if code == 5:  # the other program took rows out that it had never read
            code = _command(token, "plan", [*planning, "--max-removed", "1000", "--prefer", "db"])
        if code != 1:
            continue
        plan = json.loads(Path(name).read_text("utf-8"))
        actions = [[each["id"], each["unit"], each["to"], each["kind"]] for each in plan["actions"]]
        time.sleep(0.02)  # as a person reads it
        _command(token, "apply", ["reconcile", "apply", name], plan_id=plan["plan_id"], actions=actions)


def _command(token: str, kind: str, argv: Sequence[str], **about: object) -> int:
    """Run a command, and note before and after it what it was and what came of it."""
    racers.note(kind="begun", token=token, what=kind, **about)
    code, said = racers.call([*argv, *QUEUES, "-f", "json"])
    if '"ops-checks/error/1"' in said:  # what is accounted for are results; of an error its line is enough
        said = said.partition("\n}\n")[2]
    racers.note(kind="ended", token=token, what=kind, code=code, said=said, **about)
    return code


BODIES: Mapping[str, Callable[[Racer], None]] = {"worker": _work, "writer": _rewrite, "reconciler": _reconcile}
