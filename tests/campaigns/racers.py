"""Who takes part in a race for one queue: operators, a foreign dispatcher, a worker that renews leases, readers.

Each is the body of a process of its own, that may be stopped or killed anywhere. What it is about to
do and what came of it goes into the ledger first and afterwards, one write a line.
"""

from __future__ import annotations

import fcntl
import json
import os
import random
import re
import sqlite3
import time
from contextlib import closing, contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ops_checks import cli
from tests.campaigns import stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

LOCK_TIMEOUT_S = 5.0
#: How much longer than the lock timeout a command may take on a machine that has other things to do.
GRACE_S = 20.0
STOP, LEDGER = "stop", "ledger"
_CELL_END = re.compile(r"(?<!\\)\|")
_LEASE_S = 0.05


class Racer(NamedTuple):
    """Where a racer runs: the backend (`stage.BACKENDS`), its name (in every token), the seed of its choices."""

    backend: str
    name: str
    seed: int

    def chance(self) -> random.Random:
        """Return its choices."""
        return random.Random(f"{self.name} {self.seed}")

    def tokens(self) -> Iterator[str]:
        """Yield names for what it does, none of them twice, until the race is stopped."""
        number = 0
        while not os.path.lexists(STOP):
            number += 1
            yield f"{self.name}.{self.seed}.{number}"


def note(**entry: object) -> None:
    """Add a line to the ledger, in one write."""
    fd = os.open(LEDGER, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(fd, json.dumps(entry).encode() + b"\n")
    os.close(fd)


def call(argv: Sequence[str]) -> tuple[int, str]:
    """Run a command of the program in this process; return its exit code and all that it printed."""
    with redirect_stdout(StringIO()) as out, redirect_stderr(out):
        return cli.main(argv), out.getvalue()


def where(backend: str) -> tuple[str, ...]:
    """Return the options that name the queue."""
    return ("--queue", stage.QUEUE) if backend == "markdown" else ("--db", stage.DB)


def operate(racer: Racer) -> None:
    """Be an operator: cancel, replan and retry items that others work on as well."""
    chance = racer.chance()
    options = (*where(racer.backend), "--lock-timeout", str(LOCK_TIMEOUT_S))
    for token in racer.tokens():
        kind, item = chance.choice(("cancel", "replan", "retry")), chance.choice(stage.IDS)
        notes = () if kind == "retry" else ("--notes", token)
        note(token=token, kind=kind, item=item)
        started = time.monotonic()
        code, said = call((*options, kind, "--id", item, "--actor", token, *notes))
        note(token=token, code=code, seconds=time.monotonic() - started, said=said)


def select(racer: Racer) -> None:
    """Be an operator who works on whatever has a status, or on all: each item by itself, or all of them or none."""
    chance = racer.chance()
    options = (*where(racer.backend), "--lock-timeout", str(LOCK_TIMEOUT_S))
    kinds = ("cancel", "replan") if racer.backend == "markdown" else ("cancel", "replan", "retry")
    for token in racer.tokens():
        kind = chance.choice(kinds)
        notes = () if kind == "retry" else ("--notes", token)
        meant = chance.choice((("--status", "PENDING,IN_PROGRESS,FAILED"), ("--id", "ORCH-*")))
        together = chance.choice(((), (), ("--all-or-nothing",)))
        code, said = call((*options, kind, *meant, *together, "--yes", "--actor", token, *notes))
        note(token=token, kind="selected", code=code, said=said, together=bool(together))
        time.sleep(chance.random() * 0.02)


def dispatch(racer: Racer) -> None:
    """Be a foreign dispatcher: pick a pending item, under a lease in the database; later say done or failed."""
    chance = racer.chance()
    move = _move_row if racer.backend == "markdown" else _move_record
    for token in racer.tokens():
        status = chance.choice(("IN_PROGRESS", "IN_PROGRESS", "FAILED", "DONE"))
        came_from = "PENDING" if status == "IN_PROGRESS" else "IN_PROGRESS"
        note(token=token, kind="dispatch", item="")
        started = time.monotonic()
        moved = move(token, came_from, status, chance)
        note(token=token, code=0 if moved else 5, seconds=time.monotonic() - started, said="")
        time.sleep(0.002)


def renew(racer: Racer) -> None:
    """Be a worker that renews its leases; the one of the Markdown queue has none and only adds to notes."""
    chance = racer.chance()
    for token in racer.tokens():
        note(token=token, kind="renew", item="")
        if racer.backend == "markdown":
            moved = _move_row(token, "IN_PROGRESS", "IN_PROGRESS", chance)
        else:
            moved = _move_record(token, "IN_PROGRESS", "IN_PROGRESS", chance)
        note(token=token, code=0 if moved else 5, seconds=0.0, said="")
        time.sleep(0.002)


def read(racer: Racer) -> None:
    """Be a reader: every state that is seen is a whole queue, with our eyes and with the program's."""
    for token in racer.tokens():
        seen = [cells[0] for cells in table(Path(stage.QUEUE))] if racer.backend == "markdown" else _ids()
        code, said = call((*where(racer.backend), "status"))
        whole = seen == list(stage.IDS) and _total(said) == len(stage.IDS)
        busy = code == 3 and "another program holds" in said  # a rollback journal keeps readers out while it commits
        whole = whole or (busy and seen == list(stage.IDS))
        note(token=token, kind="read", whole=whole, said=said if not whole else "")
        time.sleep(0.005)


def _total(said: str) -> int:
    return sum(int(count) for count in re.findall(r"[A-Z]=(\d+)", said.partition("\n")[0]))


def _ids() -> list[str]:
    with closing(_database()) as connection:
        return [row[0] for row in connection.execute("SELECT id FROM queue_items ORDER BY rowid")]


def _database() -> sqlite3.Connection:
    return sqlite3.connect(stage.DB, timeout=60, isolation_level=None)


def table(path: Path) -> list[list[str]]:
    """Return the cells of a Markdown queue, and raise ValueError unless all else is as it was laid down."""
    lines = path.read_bytes().decode().split("\n")
    head, rows, tail = lines[:4], lines[4 : 4 + len(stage.IDS)], lines[4 + len(stage.IDS) :]
    cells = [[cell.strip() for cell in _CELL_END.split(row)[1:-1]] for row in rows]
    if head[0] != "# Queue" or tail != ["", "That is all.", ""] or {len(row) for row in cells} != {9}:
        raise ValueError(f"not the queue that was laid down: {lines[:5]} … {lines[-5:]}")
    return cells


def _move_row(token: str, came_from: str, status: str, chance: random.Random) -> bool:
    """Move an item of the document as a foreign tool does that keeps to the lock and to whole files."""
    with _locked():
        path = Path(stage.QUEUE)
        lines = path.read_bytes().decode().split("\n")
        rows = [number for number, line in enumerate(lines) if f" | {came_from} | " in line]
        if not rows:
            return False
        number = chance.choice(rows)
        line = lines[number].replace(f" | {came_from} | ", f" | {status} | ", 1)
        left = line.removesuffix("|").rstrip()
        lines[number] = f"{left} {token} |" if left.endswith("|") else f"{left} \\| {token} |"
        temporary = path.with_name(f"foreign-{token}")
        temporary.write_bytes("\n".join(lines).encode())
        temporary.replace(path)
    return True


@contextmanager
def _locked() -> Iterator[None]:
    fd = os.open(stage.QUEUE + ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def _move_record(token: str, came_from: str, status: str, chance: random.Random) -> bool:
    """Move an item of the database as dispatchers and workers do, with an event in the same transaction."""
    with closing(_database()) as connection:
        connection.execute("BEGIN IMMEDIATE")
        found = connection.execute("SELECT id FROM queue_items WHERE status = ?", (came_from,)).fetchall()
        if not found:
            return False
        (item,) = chance.choice(found)
        lease = (token, stage.NOW_S + chance.choice((-1, 60))) if status == "IN_PROGRESS" else (None, None)
        connection.execute(
            "UPDATE queue_items SET status = ?, lease_owner = ?, lease_expires_at = ?, owner_session = ?, "
            "notes = CASE notes WHEN '' THEN ? ELSE notes || ' | ' || ? END WHERE id = ?",
            (status, *lease, token, token, token, item),
        )
        connection.execute(
            "INSERT INTO queue_events (item_id, event_type, payload_json, created_at) VALUES (?, ?, ?, ?)",
            (item, "foreign", json.dumps({"from": came_from, "to": status, "actor": token}), "2026-01-01 12:00"),
        )
        connection.execute("COMMIT")
    return True


def write_both(racer: Racer) -> None:
    """Be the one program that writes to both queues and keeps them in agreement; tell for how long they differed."""
    chance = racer.chance()
    for token in racer.tokens():
        came_from, status = chance.sample(("PENDING", "IN_PROGRESS", "BLOCKED"), 2)
        with closing(_database()) as connection, _locked():
            connection.execute("BEGIN IMMEDIATE")
            item = chance.choice(stage.IDS)
            connection.execute("UPDATE queue_items SET status = ? WHERE id = ?", (status, item))
            path = Path(stage.QUEUE)
            text = re.sub(rf"^(\| {item} \|) \w+", rf"\1 {status}", path.read_text("utf-8"), flags=re.MULTILINE)
            path.with_name("both").write_text(text, "utf-8")
            started = time.monotonic()
            path.with_name("both").replace(path)
            time.sleep(chance.random() * 0.01)  # as long as a disk takes
            connection.execute("COMMIT")
            note(token=token, kind="both", started=started, ended=time.monotonic(), said=came_from)
        time.sleep(chance.random() * 0.03)


def check_both(racer: Racer) -> None:
    """Be somebody who asks whether the queues agree."""
    for token in racer.tokens():
        started = time.monotonic()
        code, said = call(("consistency-check", "--queue-path", stage.QUEUE, "--db-path", stage.DB))
        note(token=token, kind="compare", code=code, started=started, ended=time.monotonic(), said=said)


BODIES: dict[str, Callable[[Racer], None]] = {
    "operator": operate,
    "selector": select,
    "dispatcher": dispatch,
    "worker": renew,
    "reader": read,
    "both": write_both,
    "checker": check_both,
}
