"""Two processes change the same item at once: one wins, the other gets a clear answer, and the queue is whole."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import sys
from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

import pytest
from builders import item, make_database, make_markdown, select

from ops_checks.cli import main
from ops_checks.stores.registry import open_queue

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.synchronize import Barrier
    from pathlib import Path

    from ops_checks.model import Item

#: How many items two processes meet at. A campaign sets more.
ROUNDS = int(os.environ.get("OPS_CHECKS_RACE_ROUNDS", "10"))
EXPIRED = {"lease_owner": "s1", "lease_expires_at": 1}


class Race(NamedTuple):
    """Two commands on items in a status, and what may come of each meeting, as pairs of exit codes."""

    backend: str
    status: str
    first: str
    second: str
    outcomes: set[tuple[int, int]]


ONE_WINS = {(0, 5), (5, 0)}
#: Where the second command is allowed after the first, both are carried out, one after the other.
RACES = [
    Race("md", "FAILED", "retry", "retry", ONE_WINS),
    Race("db", "FAILED", "retry", "retry", ONE_WINS),
    Race("db", "IN_PROGRESS", "retry", "retry", ONE_WINS),
    Race("md", "IN_PROGRESS", "cancel", "cancel", {(0, 0)}),
    Race("db", "IN_PROGRESS", "cancel", "cancel", {(0, 0)}),
    Race("md", "BLOCKED", "cancel", "retry", {(0, 0)}),
    Race("db", "IN_PROGRESS", "cancel", "retry", {(0, 0), (0, 5)}),
    Race("db", "FAILED", "cancel", "retry", {(0, 0), (5, 0)}),
    Race("md", "FAILED", "cancel", "retry", {(0, 0), (5, 0)}),
]


def run_rounds(path: str, command: str, rounds: int, together: Barrier, told: Connection) -> None:
    """Run a command on item after item, each at the same time as the other process, and tell the exit codes."""
    with open(os.devnull, "w") as sys.stdout, open(os.devnull, "w") as sys.stderr:
        codes = []
        for number in range(rounds):
            together.wait(60)
            option = "--db" if path.endswith(".db") else "--queue"
            codes.append(main([option, path, "--lock-timeout", "60", command, "--id", f"A-{number}"]))
    told.send(codes)


@pytest.mark.parametrize("race", RACES, ids=lambda race: "-".join(race[:4]))
def test_two_processes_at_one_item(tmp_path: Path, race: Race) -> None:
    """What was acknowledged is what is found, no more and no fewer; the rest was refused; nothing else changed."""
    items = [item(f"A-{number}", race.status) for number in range(ROUNDS)]
    if race.backend == "md":
        path = make_markdown(tmp_path / "Q.md", items)
    else:
        path = make_database(tmp_path / "q.db", items, {each.id: EXPIRED for each in items})
    codes = list(zip(*run_both(path, race), strict=True))
    assert set(codes) <= race.outcomes
    acknowledged = sum(code == 0 for pair in codes for code in pair)
    assert acknowledged >= ROUNDS
    with open_queue(path).snapshot() as view:
        after = [each for _, each in view.items()]
    assert [each.id for each in after] == [each.id for each in items]
    assert {each.status for each in after} <= {"BLOCKED", "PENDING"}
    if race.first == race.second == "cancel":  # the second finds it cancelled, and writes nothing
        codes, acknowledged = [(0, 5)] * ROUNDS, ROUNDS
    assert notes_by_item(after) == [sum(code == 0 for code in pair) for pair in codes]
    if race.backend == "db":
        assert_accounts(path, race, acknowledged, codes)
    else:
        assert sorted(os.listdir(tmp_path)) == ["Q.md", "Q.md.lock"]


def run_both(path: str, race: Race) -> list[list[int]]:
    """Run both commands in processes of their own and return their exit codes by round."""
    context = multiprocessing.get_context("spawn")
    together = context.Barrier(2)
    codes, processes = [], []
    for command in (race.first, race.second):
        told, telling = context.Pipe(duplex=False)
        process = context.Process(target=run_rounds, args=(path, command, ROUNDS, together, telling))
        process.start()
        telling.close()
        processes.append((process, told))
    for process, told in processes:
        codes.append(told.recv())
        process.join()
        assert process.exitcode == 0
    return codes


def notes_by_item(items: list[Item]) -> list[int]:
    """Return how many notes each item has: each operation appends one."""
    return [len(each.notes.replace(" / ", " | ").split(" | ")) if each.notes else 0 for each in items]


def assert_accounts(path: str, race: Race, acknowledged: int, codes: list[tuple[int, int]]) -> None:
    """Each acknowledged operation has its event, and each retry its attempt."""
    assert select(path, "SELECT count(*) FROM queue_events") == [(acknowledged,)]
    retries = sum(
        code == 0
        for pair in codes
        for command, code in zip((race.first, race.second), pair, strict=True)
        if command == "retry"
    )
    assert select(path, "SELECT coalesce(sum(attempt_count), 0) FROM queue_items") == [(retries,)]
    assert select(path, "SELECT count(*) FROM queue_events WHERE event_type = 'retried'") == [(retries,)]
    assert select(path, "SELECT count(*) FROM queue_items WHERE lease_owner IS NOT NULL") == [(0,)]
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def commit_without_pause(path: str, told: Connection) -> None:
    """Commit to a database in rollback-journal mode for ever, one transaction directly after the other."""
    begun = False
    with closing(sqlite3.connect(path, isolation_level=None, timeout=60)) as connection:
        while True:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("UPDATE queue_items SET last_error = random()")
            connection.execute("COMMIT")
            if not begun:
                told.send(None)
                begun = True


@pytest.mark.parametrize("command", ["status", "cancel --id A-1"])
def test_a_program_that_commits_without_pause_keeps_nobody_out(tmp_path: Path, command: str) -> None:
    """Between two commits it lets go of its locks for a moment, and who waits asks often enough to find one."""
    path = make_database(tmp_path / "q.db", [item("A-1")])
    told, tells = multiprocessing.Pipe(duplex=False)
    writer = multiprocessing.get_context("spawn").Process(target=commit_without_pause, args=(path, tells))
    writer.start()
    try:
        told.recv()
        codes = [main(["--db", path, "--lock-timeout", "5", *command.split()]) for _ in range(6)]
    finally:
        writer.kill()
        writer.join()
    assert codes == [0] * 6
