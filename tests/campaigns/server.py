"""Server: many processes on one queue in PostgreSQL, killed or their sessions ended at any moment: nothing is lost.

What was acknowledged is found, once; what was said not to be written is not; what may have been is told by its event;
each event is one change of its row. A control without row lock and comparison shows that a loss would be seen. Size N
is the number of operations; the control has a quarter of it.
"""

from __future__ import annotations

import json
import os
import random
import signal
import tempfile
import time
from collections import Counter
from contextlib import chdir
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.campaigns import racers, server_stage
from tests.campaigns.common import Tally
from tests.campaigns.racers import Racer
from tests.postgres_server import MissingServerError, Servers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.campaigns.common import Outcome
    from tests.postgres_server import Database

SMALL = 200
LONG = 8_000

_CREW = {"operator": 8, "selector": 2, "worker": 3, "reader": 1}
_LONGEST_S = 1_800.0
#: Stands beside a cancellation's reason.
_CANCELLED = "cancelled_by_operator"
_LAID_DOWN = {"", "picked", "a", "b", _CANCELLED}


def run(size: int, report: Callable[[str], None], seed: int = 0) -> Outcome:
    """Run the race, then the control; the figures count operations and what became of them."""
    tally, control = Tally(), Tally()
    try:
        with Servers() as servers, servers.server(max_connections="60") as server, server.database() as database:
            _race(database, _CREW, size, tally, random.Random(seed))
            report(f"the race: {dict(tally.figures)}")
            _race(database, {"blind": 8}, size // 4, control, random.Random(seed), disturbed=False)
            report(f"the control: {dict(control.figures)}")
    except MissingServerError as error:
        report(f"not run: {error}")
    tally.count("control_operations", control.figures["acknowledged"])
    tally.count("control_lost", control.figures["lost"])
    least = {"acknowledged": max(1, size // 15), "worked": size // 40, "selected": size // 200, "reads": 3}
    return tally.outcome(least | {"killed": max(1, size // 200), "ended": max(1, size // 200), "control_lost": 1})


def _race(
    database: Database, crew: dict[str, int], size: int, tally: Tally, chance: random.Random, *, disturbed: bool = True
) -> None:
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        server_stage.lay_down(database)
        database.execute("UPDATE queue_items SET max_attempts = 1000000")
        Path(racers.LEDGER).touch()
        _let_them_run(database, crew, size, tally, chance, disturbed=disturbed)
        ledger = [json.loads(line) for line in Path(racers.LEDGER).read_text("utf-8").splitlines()]
        _account(database, ledger, tally)


def _let_them_run(
    database: Database, crew: dict[str, int], size: int, tally: Tally, chance: random.Random, *, disturbed: bool
) -> None:
    """Start everybody, disturb them until enough was done, and let them finish what they are at."""
    seeds = iter(range(1_000_000_000))
    running = {_start(database, kind, next(seeds)): kind for kind, number in crew.items() for _ in range(number)}
    until = time.monotonic() + _LONGEST_S
    number = 0
    try:
        while size and _ended() < size and time.monotonic() < until:
            time.sleep(0.01 + chance.random() * 0.04)
            number += 1
            if disturbed and number % 3:
                tally.count("ended", database.terminate_backends(_OF_ANYBODY))
            elif disturbed:
                _kill(database, running, chance, seeds, tally)
    finally:
        Path(racers.STOP).touch()
        for pid, kind in running.items():
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            tally.check(f"{kind} ended with {code}", holds=code == 0)


#: One session, drawn anew each time.
_OF_ANYBODY = "pid = (SELECT pid FROM pg_stat_activity WHERE datname = current_database() ORDER BY random() LIMIT 1)"


def _ended() -> int:
    """Count what operators, who say so, have ended."""
    return Path(racers.LEDGER).read_bytes().count(b'"ended"')


def _start(database: Database, kind: str, seed: int) -> int:
    from tests.campaigns import server_racers

    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            server_racers.BODIES[kind](Racer(database.location(), kind, seed))
            code = 0
        except BaseException as error:  # noqa: BLE001 - told to the ledger, and by the exit code
            racers.note(token=f"{kind}.{seed}", kind="broken", said=repr(error))
        finally:
            os._exit(code)
    return pid


def _kill(
    database: Database, running: dict[int, str], chance: random.Random, seeds: Iterator[int], tally: Tally
) -> None:
    """Kill somebody, wherever they are, and put another in the place."""
    pid = chance.choice(list(running))
    kind = running.pop(pid)
    os.kill(pid, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    tally.check(f"{kind} had ended with {code}", holds=code == -signal.SIGKILL)
    running[_start(database, kind, next(seeds))] = kind
    tally.count("killed")


def _account(database: Database, ledger: Sequence[dict[str, Any]], tally: Tally) -> None:
    """Compare what was said to be done with what is there."""
    begun = {entry["token"]: entry for entry in ledger if entry.get("item") is not None}
    ends = {entry["token"]: entry for entry in ledger if entry.get("ended")}
    for entry in ledger:
        if entry.get("kind") == "broken":
            tally.check(f"{entry['token']} broke: {entry['said']}", holds=False)
        elif entry.get("kind") == "read":
            tally.count("reads")
            tally.check(f"not a whole queue: {entry['said']}", holds=entry["whole"])
    events = [
        (item, kind, json.loads(payload))
        for item, kind, payload in database.execute(
            "SELECT item_id, event_type, payload_json FROM queue_events ORDER BY event_id"
        )
    ]
    found = Counter(payload["actor"] for _, _, payload in events)
    operations = {payload.get("operation") for _, _, payload in events}
    for token, end in ends.items():
        _check_end(token, begun[token]["kind"], end, found[token], operations, tally)
    tally.count("cut_off", len(begun.keys() - ends.keys()))
    tally.check(f"never begun: {sorted(found.keys() - begun.keys())[:5]}", holds=found.keys() <= begun.keys())
    twice = [token for token, number in found.items() if number > 1 and begun[token]["kind"] != "selected"]
    tally.check(f"done twice: {twice[:5]}", holds=not twice)
    tally.count("found", sum(found.values()))
    _account_rows(database, events, tally)


def _check_end(token: str, kind: str, end: dict[str, Any], found: int, operations: set[str], tally: Tally) -> None:
    """Check what somebody said at the end of an operation of which so many events were found."""
    code, said = end["code"], end["said"]
    what = f"{token} {kind}: exit {code} {said!r}: {found} found"
    if kind == "work":
        tally.count("worked", int(code == 0))
        tally.check(what, holds=code == -1 or found == (code == 0))
        return
    done, unknown = said.count(" -> "), said.count("may have been written")
    tally.count("acknowledged" if kind != "selected" else "selected", done)
    tally.count("may_be_written", unknown)
    tally.count("not_written", said.count("nothing was written"))
    tally.count("refused", int(code == 5))
    known = "nothing was written" in said or "cannot be read" in said or "still locked" in said or "locked by" in said
    tally.check(
        what, holds=(code in {0, 5} or (code == 3 and (known or unknown > 0))) and "error: unexpected" not in said
    )
    tally.check(f"{what}: lost, or written in spite of what was said", holds=done <= found <= done + unknown * 4)
    for operation in _operations(said):
        tally.count("may_be_written_and_is", int(operation in operations))


def _operations(said: str) -> list[str]:
    return [part.partition(")")[0] for part in said.split("may have been written (operation ")[1:]]


def _account_rows(database: Database, events: Sequence[tuple[str, str, dict[str, Any]]], tally: Tally) -> None:
    """Check that the events of each item, one after another, lead to its row, and that each left its note."""
    for item, status, attempts, notes in database.execute("SELECT id, status, attempt_count, notes FROM queue_items"):
        own = [(kind, payload) for name, kind, payload in events if name == item]
        if not own:
            continue
        steps = [(payload["from"], payload["to"]) for _, payload in own]
        torn = [number for number in range(1, len(steps)) if steps[number][0] != steps[number - 1][1]]
        tally.check(f"{item}: an event starts where none ended: {torn[:5]}", holds=not torn)
        tally.check(f"{item}: is {status}, and not as its last event says", holds=steps[-1][1] == status)
        retried = sum(kind == "retried" for kind, _ in own)
        tally.check(f"{item}: {attempts} attempts, {retried} retries", holds=attempts == retried)
        added = [part for part in notes.split(" | ") if part not in _LAID_DOWN]
        tally.count("lost", max(0, len(own) - len(added)))
        tally.check(f"{item}: {len(added)} notes, {len(own)} events", holds=len(added) == len(own))
