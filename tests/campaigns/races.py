"""Races: many processes on the same items, some killed or stopped at any moment: nothing is lost, nothing done twice.

Size N is the number of operations in each race; up to 1000 the races are short ones of 8 processes, above also of 32.
"""

from __future__ import annotations

import fcntl
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import tempfile
import time
from collections import Counter
from contextlib import chdir, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.campaigns import commands, racers, stage
from tests.campaigns.common import Tally
from tests.campaigns.racers import Racer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.campaigns.common import Outcome

SMALL = 150
LONG = 5_000

_SHORT = 1_000
_HELD_S = 0.3
_LONGEST_S = 1_800.0
#: Two queues that differ for longer than this do differ: who looks then may say so.
_MOMENT_S = 0.03
_NOTED = {"retry": "retry_requested"}
#: Stands beside a cancellation's reason, and once for several of them.
_CANCELLED = "cancelled_by_operator"


#: A kill and a stop.
_LEAST_DISTURBANCES = 2


class _Race(NamedTuple):
    """One race: the backend, and how many processes of each kind take part."""

    backend: str
    crew: dict[str, int]
    until: str
    disturbed: bool = True


def run(size: int, report: Callable[[str], None]) -> Outcome:
    """Run the races; the figures count the operations, and how often somebody was killed or stopped."""
    tally = Tally()
    commands.prepare()
    short = size <= _SHORT
    for operators in (8,) if short else (8, 32):
        crew = {"operator": operators, "selector": 2, "dispatcher": 1, "worker": 1, "reader": 1}
        for backend in ("markdown", "wal") if short else stage.BACKENDS:
            _run_race(_Race(backend, crew, "operator"), size, tally)
            report(f"{backend}, {operators} operators: in all {dict(tally.figures)}")
    both = _Race("wal", {"both": 1, "checker": 2}, "checker", disturbed=False)
    _run_race(both, size // 2, tally)
    report(f"one writer of both queues: in all {dict(tally.figures)}")
    races = 2 if short else 6
    least = {"acknowledged": races * size // 8, "foreign": races * size // 20, "killed": races, "stopped": races}
    return tally.outcome(least | {"selected": races * 5, "reads": races * 5, "compared_ok": size // 20, "held": 2})


def _run_race(race: _Race, size: int, tally: Tally) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as top, chdir(top):
        stage.lay_down(Path("work"), "delete" if race.backend == "delete" else "wal")
        with chdir("work"):
            with closing(sqlite3.connect(stage.DB)) as connection:  # nobody is to run out of attempts
                connection.execute("UPDATE queue_items SET max_attempts = 1000000")
                connection.commit()
            if race.disturbed:
                _check_held_lock(race.backend, tally)
            fresh = Path(stage.QUEUE).read_bytes()
            _let_them_run(race, size, tally)
            ledger = [json.loads(line) for line in Path(racers.LEDGER).read_text("utf-8").splitlines()]
            Path(stage.QUEUE).with_name("fresh").write_bytes(fresh)
            _account(race, ledger, tally)
        shutil.rmtree("work")


def _let_them_run(race: _Race, size: int, tally: Tally) -> None:
    """Start everybody, disturb them until enough was done, and let them finish what they are at."""
    Path(racers.LEDGER).touch()
    chance = random.Random(f"{race} {size}")
    seeds = iter(range(1_000_000_000))
    crew = [kind for kind, number in race.crew.items() for _ in range(number)]
    running = {_start(race.backend, kind, next(seeds)): kind for kind in crew}
    until = time.monotonic() + _LONGEST_S
    disturbances = 0 if race.disturbed else _LEAST_DISTURBANCES
    try:
        # A fast machine may be done before anybody was disturbed: each race sees a kill and a stop, however fast.
        while size and (_done(race.until) < size or disturbances < _LEAST_DISTURBANCES) and time.monotonic() < until:
            time.sleep(0.01 + chance.random() * 0.04)
            if race.disturbed:
                _disturb(race.backend, running, chance, seeds, tally, kill=disturbances % 2 == 0)
                disturbances += 1
    finally:
        Path(racers.STOP).touch()
        for pid, kind in running.items():
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            tally.check(f"{race.backend}: {kind} ended with {code}", holds=code == 0)


def _done(kind: str) -> int:
    """Count what racers of a kind have begun."""
    marks = {"operator": (b'"cancel"', b'"replan"', b'"retry"'), "checker": (b'"compare"',)}[kind]
    data = Path(racers.LEDGER).read_bytes()
    return sum(data.count(mark) for mark in marks)


def _start(backend: str, kind: str, seed: int) -> int:
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            racers.BODIES[kind](Racer(backend, kind, seed))
            code = 0
        except BaseException as error:  # noqa: BLE001 - told to the ledger, and by the exit code
            racers.note(token=f"{kind}.{seed}", kind="broken", said=repr(error))
        finally:
            os._exit(code)
    return pid


def _disturb(
    backend: str, running: dict[int, str], chance: random.Random, seeds: Iterator[int], tally: Tally, *, kill: bool
) -> None:
    """Kill somebody and put another in the place, or hold somebody up for a while, wherever they are."""
    pid = chance.choice(list(running))
    if kill:
        kind = running.pop(pid)
        os.kill(pid, signal.SIGKILL)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        tally.check(f"{backend}: {kind} had ended with {code}", holds=code == -signal.SIGKILL)
        running[_start(backend, kind, next(seeds))] = kind
        tally.count("killed")
    else:
        os.kill(pid, signal.SIGSTOP)
        time.sleep(chance.random() * 0.1)
        os.kill(pid, signal.SIGCONT)
        tally.count("stopped")


def _check_held_lock(backend: str, tally: Tally) -> None:
    """Check that who holds the lock for too long is waited for no longer than was asked for."""
    argv = (*racers.where(backend), "--lock-timeout", str(_HELD_S), "cancel", "--id", stage.IDS[0])
    started = time.monotonic()
    if backend == "markdown":
        fd = os.open(stage.QUEUE + ".lock", os.O_RDWR | os.O_CREAT, 0o644)
        fcntl.flock(fd, fcntl.LOCK_EX)
        code, said = racers.call(argv)
        os.close(fd)
        wanted = f"process {os.getpid()}"
    else:
        with closing(sqlite3.connect(stage.DB, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            pid = os.fork()  # not from here: what this process holds it would not be refused
            if pid == 0:
                os.execv("/proc/self/exe", _program(argv))
            code, said = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), ""
        wanted = ""
    waited = time.monotonic() - started
    tally.count("held")
    tally.check(f"{backend}: held lock: exit {code} {said}", holds=code == 3 and wanted in said)
    in_time = _HELD_S <= waited < _HELD_S + racers.GRACE_S
    tally.check(f"{backend}: held lock: waited {waited:.1f} s", holds=in_time)


def _program(argv: Sequence[str]) -> list[str]:
    here = str(Path(__file__).parents[2])
    code = f"import os, sys; sys.path.insert(0, {here!r}); os.dup2(os.open(os.devnull, 1), 2)"
    return ["python", "-c", f"{code}; from ops_checks.cli import main; sys.exit(main())", *argv]


def _account(race: _Race, ledger: Sequence[dict[str, Any]], tally: Tally) -> None:
    """Compare what was said to be done with what is there."""
    begun = {entry["token"]: entry for entry in ledger if entry.get("item") is not None}
    ends = {entry["token"]: entry for entry in ledger if "seconds" in entry}
    for entry in ledger:
        if entry.get("kind") == "broken":
            tally.check(f"{race.backend}: {entry['token']} broke: {entry['said']}", holds=False)
        elif entry.get("kind") == "read":
            tally.count("reads")
            tally.check(f"{race.backend}: not a whole queue: {entry['said']}", holds=entry["whole"])
    for token, end in ends.items():
        _check_end(f"{race.backend}: {token} {begun[token]['kind']}", end, tally)
    sure = {token for token, end in ends.items() if end["code"] == 0}
    unsure = set(begun) - set(ends)
    tally.count("acknowledged", sum(token.startswith("operator") for token in sure))
    tally.count("foreign", len(sure) - sum(token.startswith("operator") for token in sure))
    tally.count("cut_off", len(unsure))
    if not race.disturbed:
        _account_comparisons(ledger, tally)
        return
    if race.backend == "markdown":
        found = _account_notes(begun, sure, unsure, tally)
    else:
        found = _account_events(race.backend, sure, unsure, tally)
    _account_selected(race.backend, ledger, found, tally)


def _is_of_selection(token: str) -> bool:
    return token.startswith("selector.")


def _account_selected(backend: str, ledger: Sequence[dict[str, Any]], found: Counter[str], tally: Tally) -> None:
    """Check that who worked on a selection was told of just what was done."""
    for entry in ledger:
        if entry.get("kind") != "selected":
            continue
        what, said = f"{backend}: {entry['token']}: {entry['said']!r}", entry["said"]
        told = len(re.findall(r"^ORCH-\d+ -> ", said, re.MULTILINE))
        counted = re.search(r"^changed=(\d+) refused=(\d+)$", said, re.MULTILINE)
        changed, refused = map(int, counted.groups()) if counted else (0, 0)
        tally.count("selected", changed)
        tally.check(f"{what}: {found[entry['token']]} were done", holds=found[entry["token"]] == told == changed)
        tally.check(f"{what}: some of all or nothing", holds=not (entry["together"] and changed and refused))
        tally.check(f"{what}: exit {entry['code']}", holds=entry["code"] == (5 if refused else 0 if counted else 3))
        tally.check(f"{what}: was not expected", holds="unexpected" not in said)


def _check_end(what: str, end: dict[str, Any], tally: Tally) -> None:
    said, seconds = end["said"], end["seconds"]
    if end["code"] == 3:
        locked = "still locked after" in said or "locked by " in said
        tally.count("timed_out", int(locked))
        waited = seconds >= racers.LOCK_TIMEOUT_S * 0.9
        tally.check(f"{what}: after {seconds:.3f} s: {said}", holds=locked and waited)
        return
    tally.count("refused", int(end["code"] == 5))
    tally.check(f"{what}: exit {end['code']} {said}", holds=end["code"] in {0, 5})
    in_time = seconds < racers.LOCK_TIMEOUT_S + racers.GRACE_S
    tally.check(f"{what}: took {seconds:.1f} s without an error", holds=in_time)


def _account_notes(begun: dict[str, dict[str, Any]], sure: set[str], unsure: set[str], tally: Tally) -> Counter[str]:
    """Account for what the document keeps: a note for each change, most with a token of their own.

    Returns how many changes have each token of who worked on a selection.
    """
    found: Counter[tuple[str, str]] = Counter()
    fresh = {cells[0]: cells[8] for cells in racers.table(Path("fresh"))}
    for cells in racers.table(Path(stage.QUEUE)):
        added = cells[8].removeprefix(fresh[cells[0]]).replace("\\|", "|").replace(" / ", " | ").split(" | ")
        named = [text.removeprefix("replan:").removeprefix("reason:") for text in added if text.strip()]
        found.update((cells[0], text) for text in named if text != _CANCELLED)
    tokens = Counter({text: number for (_, text), number in found.items() if text not in _NOTED.values()})
    kept = {token for token in sure if begun[token]["kind"] not in _NOTED}
    _check_tokens("markdown", tokens, kept, unsure, tally)
    seen = Counter(text for (_, text), number in found.items() for _ in range(number) if _is_of_selection(text))
    for kind, text in _NOTED.items():
        for item in stage.IDS:
            ours = {token for token, entry in begun.items() if (entry["kind"], entry["item"]) == (kind, item)}
            least, number = len(ours & sure), found[item, text]
            holds = least <= number <= least + len(ours & unsure)
            tally.check(f"markdown: {item}: {number} notes of {kind}, acknowledged {least}", holds=holds)
    return seen


def _check_tokens(backend: str, found: Counter[str], sure: set[str], unsure: set[str], tally: Tally) -> None:
    found = Counter({token: number for token, number in found.items() if not _is_of_selection(token)})
    lost = sure - set(found)
    tally.check(f"{backend}: acknowledged and lost: {sorted(lost)[:5]}", holds=not lost)
    twice = [token for token, number in found.items() if number > 1]
    tally.check(f"{backend}: done twice: {twice[:5]}", holds=not twice)
    forged = set(found) - sure - unsure
    tally.check(f"{backend}: done, but never said to be: {sorted(forged)[:5]}", holds=not forged)
    tally.count("found", len(found))


def _account_events(backend: str, sure: set[str], unsure: set[str], tally: Tally) -> Counter[str]:
    """Account for what the database keeps: its events, one after another, must lead to its rows.

    Returns how many changes have each token of who worked on a selection.
    """
    with closing(sqlite3.connect(stage.DB)) as connection:
        rows = connection.execute("SELECT id, status, attempt_count, notes FROM queue_items").fetchall()
        query = "SELECT item_id, event_type, payload_json FROM queue_events ORDER BY event_id"
        events = [(item, kind, json.loads(payload)) for item, kind, payload in connection.execute(query)]
        health = connection.execute("PRAGMA integrity_check").fetchall()
    tally.check(f"{backend}: {health}", holds=health == [("ok",)])
    actors = Counter(payload["actor"] for _, _, payload in events)
    _check_tokens(backend, actors, sure, unsure, tally)
    for item, status, attempts, notes in rows:
        own = [(kind, payload) for name, kind, payload in events if name == item]
        if not own:
            continue
        steps = [(payload["from"], payload["to"]) for _, payload in own]
        torn = [number for number in range(1, len(steps)) if steps[number][0] != steps[number - 1][1]]
        tally.check(f"{backend}: {item}: an event starts where none ended: {torn[:5]}", holds=not torn)
        tally.check(f"{backend}: {item}: is {status}, and not as its last event says", holds=steps[-1][1] == status)
        retried = sum(kind == "retried" for kind, _ in own)
        tally.check(f"{backend}: {item}: {attempts} attempts, {retried} retries", holds=attempts == retried)
        added = [part for part in notes.split(" | ") if part not in {"", "picked", "a", "b", _CANCELLED}]
        tally.check(f"{backend}: {item}: {len(added)} notes, {len(own)} events", holds=len(added) == len(own))
    return Counter({token: number for token, number in actors.items() if _is_of_selection(token)})


def _account_comparisons(ledger: Sequence[dict[str, Any]], tally: Tally) -> None:
    """Check that the queues were said to differ only while they really did for a while."""
    gaps = [entry for entry in ledger if entry.get("kind") == "both" and entry["ended"] - entry["started"] > _MOMENT_S]
    tally.count("written_both", sum(entry.get("kind") == "both" for entry in ledger))
    tally.count("long_gaps", len(gaps))
    for entry in ledger:
        if entry.get("kind") != "compare":
            continue
        excused = any(gap["started"] < entry["ended"] and entry["started"] < gap["ended"] for gap in gaps)
        changing = entry["code"] == 3 and "changing while read" in entry["said"]
        tally.count("compared_ok", int(entry["code"] == 0))
        tally.count("compared_changing", int(changing))
        drift = entry["code"] == 1 and excused
        tally.check(f"phantom: {entry['code']} {entry['said']!r}", holds=entry["code"] == 0 or changing or drift)
