"""Live writers: plans are applied while workers take items by SQL and a program rewrites the document without any lock.

What each of them did is found in the end, on both sides; no claim is taken from a worker; what a plan did not apply is
named as stale; the events lead from state to state. Size N is the number of plans that are applied at least.
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
import sqlite3
import tempfile
import time
from collections import Counter
from contextlib import chdir, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.campaigns import commands, live_crew, racers, stage
from tests.campaigns.common import Tally
from tests.campaigns.racers import Racer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tests.campaigns.common import Outcome

SMALL = 24
LONG = 1_000

#: So many plans are applied to one project: with more its queues would only grow.
_ROUND = 12
#: After so many somebody who applies is killed.
_KILLED_AFTER = 5
_LONGEST_S = 60.0
_ITEMS = 12
_CREW = ("worker", "worker", "writer", "reconciler", "reconciler")
#: What a command may say when others write all the time.
_BUSY = (
    "changing while read",
    "still locked after",
    "locked by ",
    "has since put a version there",
    "was interrupted",
    "mass-removal-md",
)
_CELL_END = re.compile(r"(?<!\\)\|")


def run(size: int, report: Callable[[str], None]) -> Outcome:
    """Let all of them write until enough plans were applied, with either journal; then bring both sides together."""
    tally = Tally()
    commands.prepare()
    for number, at in enumerate(range(0, max(size, 1), _ROUND)):
        with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as top, chdir(top):
            journal = ("wal", "delete")[number % 2]
            _lay_down(Path("work"), journal)
            with chdir("work"):
                _let_them_write(min(size - at, _ROUND), number, tally)
                _account(tally)
        report(f"{journal}: in all {dict(tally.figures)}")
    return tally.outcome(
        {"applied": size * 3 // 4, "stale": size // 4, "picked": size, "rewritten": size, "killed": 1}
        | {"to_db": size // 4, "to_md": size // 4}
    )


def _lay_down(folder: Path, journal: str) -> None:
    """Write a project whose queues agree, and have a baseline."""
    stage.lay_down(folder, journal)
    with (folder / stage.POLICY).open("ab") as policy:
        policy.write(b"consistency:\n  settle: 0s\n")
    queue = folder / stage.QUEUE
    ids = [f"W-{number}" for number in range(_ITEMS)]
    rows = "".join(f"| {item_id} | PENDING | P1 | {item_id}.0 | done | - | - | - |  |\n" for item_id in ids)
    queue.write_text(queue.read_text("utf-8").replace("\n\nThat is all.", f"\n{rows}\nThat is all."), "utf-8")
    with closing(sqlite3.connect(folder / stage.DB)) as connection, connection:
        for item_id in ids:
            live_crew.insert(connection, item_id)
    with chdir(folder):
        code, said = racers.call(["baseline", *live_crew.QUEUES])
    if code:
        raise RuntimeError(said)


def _let_them_write(size: int, number: int, tally: Tally) -> None:
    """Start everybody, kill who applies now and then, and stop when each of them has done enough."""
    Path(racers.LEDGER).touch()
    chance, until = random.Random(number), time.monotonic() + _LONGEST_S
    seeds = iter(range(1, 1_000_000))
    running = {_start(kind, next(seeds)): kind for kind in _CREW}
    applied = done = 0
    kill_at = _KILLED_AFTER
    try:
        while done < size and time.monotonic() < until:
            time.sleep(0.01 + chance.random() * 0.05)
            applied, done = _done()
            if kill_at <= applied < size:
                _kill(running)
                running[_start("reconciler", next(seeds))] = "reconciler"
                kill_at += _KILLED_AFTER
                tally.count("killed")
    finally:
        Path(racers.STOP).touch()
        for pid, kind in running.items():
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            tally.check(f"{kind} ended with {code}", holds=code == 0)


def _kill(running: dict[int, str]) -> None:
    pid = next(pid for pid, kind in running.items() if kind == "reconciler")
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    del running[pid]


def _done() -> tuple[int, int]:
    """Return how many applications have ended, and how much everybody has done who did the least.

    Both are more than enough where something is broken already.
    """
    lines = Path(racers.LEDGER).read_bytes().splitlines()
    if any(b'"kind": "taken"' in line or b'"kind": "broken"' in line for line in lines):
        return 1 << 30, 1 << 30
    applied = sum(b'"kind": "ended"' in line and b'"what": "apply"' in line for line in lines)
    others = [sum(kind in line for line in lines) for kind in (b'"kind": "picked"', b'"kind": "rewritten"')]
    return applied, min(applied, *others)


def _start(kind: str, seed: int) -> int:
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            live_crew.BODIES[kind](Racer("both", kind, seed))
            code = 0
        except BaseException as error:  # noqa: BLE001 - told to the ledger, and by the exit code
            racers.note(token=f"{kind}.{seed}", kind="broken", said=repr(error))
        finally:
            os._exit(code)
    return pid


def _account(tally: Tally) -> None:
    """Compare what everybody said to have done with what is there, and let both sides come to agree."""
    ledger = [json.loads(line) for line in Path(racers.LEDGER).read_text("utf-8").splitlines()]
    for entry in ledger:
        if entry["kind"] in {"picked", "rewritten"}:
            tally.count(entry["kind"])
        tally.check(f"{entry}", holds=entry["kind"] not in {"broken", "taken"})
    ended = [entry for entry in ledger if entry["kind"] == "ended"]
    for entry in ended:
        _check_end(entry, tally)
    _check_whole(ledger, tally)
    _bring_together(tally)
    _check_whole(ledger, tally)
    _check_events(ledger, tally)
    both = [_document(), _items()]
    tally.check(f"not the same in the end: {_difference(*both)}", holds=both[0] == both[1])


def _check_end(entry: Mapping[str, Any], tally: Tally) -> None:
    """Check an exit code by what was printed, and that every action of a plan was applied, or named as stale."""
    what, code, said = entry["what"], entry["code"], entry["said"]
    where = f"{entry['token']} {what}: exit {code}: {said[:500]}"
    busy = any(words in said for words in _BUSY)
    if code == 3 or not said.startswith("{"):
        tally.count(f"{what}_busy", int(busy))
        tally.check(where, holds=busy and code in {3, 5})
        return
    data = json.loads(said)
    if what == "plan":
        tally.check(where, holds=code in {0, 1} and data["stop"] is None)
        return
    done = {name: [[each["id"], each["unit"], each["to"], each["kind"]] for each in data[name]]
            for name in ("applied", "already", "stale")}  # fmt: skip
    expected = 5 if done["stale"] or data["refused"] else int(bool(data["needs"]))
    tally.check(where, holds=code == expected)
    if what == "apply" and data["operation"] == "applied":
        tally.count("applied")
        tally.count("stale", len(done["stale"]))
        tally.count("to_db", sum(each[2] == "db" for each in done["applied"]))
        tally.count("to_md", sum(each[2] == "md" for each in done["applied"]))
        told = sorted(done["applied"] + done["stale"])
        tally.check(f"{where}: not all actions are told", holds=told == sorted(entry["actions"]))


def _check_whole(ledger: Sequence[Mapping[str, Any]], tally: Tally) -> None:
    """Check that the document is whole, and has what was written into it last, as has the database what was added."""
    text = Path(stage.QUEUE).read_text("utf-8")
    whole = text.startswith("# Queue\n\n| id |") and text.endswith("|\n\nThat is all.\n")
    ids = [item_id for item_id, _ in live_crew.ROW.findall(text)]
    tally.check(f"not a whole document: {text[:300]!r} … {text[-300:]!r}", holds=whole and len(ids) == len(set(ids)))
    rows = _document()
    for item_id, task in {each["item"]: each["task"] for each in ledger if each["kind"] == "rewritten"}.items():
        found = rows.get(item_id)
        tally.check(f"{item_id}: {task} is lost: {found}", holds=found is not None and found[2] == task)
    items = _items()
    finished = {each["item"]: each["token"] for each in ledger if each["kind"] == "done"}
    for item_id, token in finished.items():
        found = items.get(item_id)
        held = found is not None and (found[0], found[4], found[7]) == ("DONE", token, token)
        tally.check(f"{item_id}: finished by {token}, and lost: {found}", holds=held)


def _bring_together(tally: Tally) -> None:
    """Resume, plan and apply until nothing is left; what a stale version of the document undid the database decides."""
    code, said = racers.call(["reconcile", "resume", *live_crew.QUEUES])
    tally.check(f"resume: exit {code}: {said}", holds=code in {0, 1, 5})
    prefer: list[str] = []
    for _ in range(6):
        code, said = racers.call(
            ["reconcile", "plan", "--no-blame", "-o", "last.json", *prefer, *live_crew.QUEUES, "-f", "json"]
        )
        tally.check(f"plan: exit {code}: {said[:500]}", holds=code in {0, 1})
        if code != 1:
            return
        plan = json.loads(said)
        code, said = racers.call(["reconcile", "apply", "last.json", *live_crew.QUEUES, "-f", "json"])
        tally.check(f"apply in peace: exit {code}: {said[:500]}", holds=code in {0, 1} and '"stale": []' in said)
        units = {(each["id"], "" if each["unit"] == "row" else f".{each['unit']}") for each in plan["needs"]}
        named = [("--prefer", f"{item_id}{unit}=db") for item_id, unit in sorted(units)]
        prefer = ["--max-removed", "1000", *(word for pair in named for word in pair)]
    tally.check("both sides do not come together", holds=False)


def _check_events(ledger: Sequence[Mapping[str, Any]], tally: Tally) -> None:
    """Check that the events lead from state to state, and that each application that was told is there, once."""
    with closing(sqlite3.connect(stage.DB)) as connection:
        tally.check("integrity", holds=connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)])
        query = "SELECT item_id, payload_json FROM queue_events ORDER BY event_id"
        events = [(item_id, json.loads(payload)) for item_id, payload in connection.execute(query)]
        states = connection.execute("SELECT plan_id, state FROM queue_reconcile").fetchall()
        status = dict(connection.execute("SELECT id, status FROM queue_items"))
    tally.check(f"not finished: {states}", holds=all(state == "done" for _, state in states))
    last: dict[str, str | None] = {}
    for item_id, payload in events:
        if "to" in payload:
            step = f"{item_id}: {payload} after {last.get(item_id)}"
            tally.check(step, holds=item_id not in last or last[item_id] == payload["from"])
            last[item_id] = payload["to"]
    wrong = {item_id: (to, status.get(item_id)) for item_id, to in last.items() if to != status.get(item_id)}
    tally.check(f"not as the last event says: {wrong}", holds=not wrong)
    found = Counter((payload["operation"], item_id) for item_id, payload in events if "operation" in payload)
    twice = [each for each, number in found.items() if number > 1]
    tally.check(f"done twice: {twice[:5]}", holds=not twice)
    for entry in ledger:
        if entry["kind"] == "ended" and entry["what"] == "apply" and entry["said"].startswith("{"):
            data = json.loads(entry["said"])
            items = {each["id"] for each in data["applied"] if each["to"] == "db"}
            lost = [item_id for item_id in items if (data["plan_id"], item_id) not in found]
            tally.check(f"{data['plan_id']}: told, and not done: {lost[:5]}", holds=not lost)


def _document() -> dict[str, list[str]]:
    """Return the rows of the document, by id, read without the program; notes as they compare."""
    lines = [line for line in Path(stage.QUEUE).read_text("utf-8").splitlines() if live_crew.ROW.match(line)]
    cells = [[cell.strip().replace("\\|", "|") for cell in _CELL_END.split(line)[1:-1]] for line in lines]
    return {row[0]: [*row[1:-1], row[-1].replace("|", "/")] for row in cells}


def _items() -> dict[str, list[str]]:
    """Return the rows of the database, as `_document` does."""
    names = "status, priority, task, success_criteria, owner_session, started_at_kst, due_at_kst, notes"
    with closing(sqlite3.connect(stage.DB)) as connection:
        rows = connection.execute(f"SELECT id, {names} FROM queue_items").fetchall()
    dashed = [[cell or "-" if at in {5, 6, 7} else cell for at, cell in enumerate(row)] for row in rows]
    return {row[0]: [*row[1:-1], row[-1].replace("|", "/")] for row in dashed}


def _difference(one: Mapping[str, object], other: Mapping[str, object]) -> list[object]:
    pairs = [(key, one.get(key), other.get(key)) for key in one.keys() | other.keys()]
    return [pair for pair in pairs if pair[1] != pair[2]][:5]
