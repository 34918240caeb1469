"""Reconcile: what changes both queues (`apply`, `resume`, `undo`, `--both`), killed or failing at every call.

Nothing is lost: afterwards each queue is whole, and what was begun is finished by `resume`, or by the same command once
more: both queues, the base and the events are then as if nothing had happened. Size 0 is some points of each command;
size N from 1 is every N-th point.
"""

from __future__ import annotations

import random
import shutil
import signal
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.campaigns import commands, stage
from tests.campaigns.common import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.campaigns.common import Outcome

SMALL = 0
LONG = 1

_SOME = 4
_FAULTS = ("EIO", "ENOSPC")
_PLAN = "plan.json"
_BASELINE = ("baseline", "--actor", "kim")
_PREPARE = ("reconcile", "plan", "--prefer", "ORCH-2=db", "--prefer", "ORCH-4=md", "-o", _PLAN)
_APPLY = ("reconcile", "apply", _PLAN)
_RESUME = ("reconcile", "resume")
_UNDO = ("undo", "--plan", _PLAN)
_CANCEL = ("cancel", "--both", "--id", "ORCH-3", "--notes", "late", "--actor", "kim")
_UNDO_CANCEL = ("undo", "--id", "ORCH-3")
_TOGETHER = (
    *("replan", "--both", "--all-or-nothing", "--id", "ORCH-1", "--id", "ORCH-3"),
    *("--notes", "again", "--actor", "kim"),
)
_UNDO_TOGETHER = ("undo", "--id", "ORCH-1", "--id", "ORCH-3", "--all-or-nothing")
#: What would be done a second time.
_ONCE = (_UNDO_CANCEL, _TOGETHER, _UNDO_TOGETHER)
#: What people and machines do after the base: a claim, notes on both sides, rows added and removed on either side.
_EDITS = (
    ("| s1 | 2026-01-01 11:30 | - | picked |", "| s1 | 2026-01-01 11:30 | - | picked / asked |"),
    ("| ORCH-3 | PENDING | P2 |", "| ORCH-3 | PENDING | P0 |"),
    ("| ORCH-4 | BLOCKED | P1 | wait for W1/W2 | told | s2 | 2026-01-01 08:00 | - | b |\n", ""),
    ("\n\nThat is all.", "\n| ORCH-5 | PENDING | P1 | new here | done | - | - | - |  |\n\nThat is all."),
)
_SQL = """
UPDATE queue_items SET status = 'DONE', notes = 'picked | shipped' WHERE id = 'ORCH-1';
DELETE FROM queue_items WHERE id = 'ORCH-2';
INSERT INTO queue_events (item_id, event_type, payload_json, created_at)
    VALUES ('ORCH-4', 'retried', '{}', '2026-01-01 09:00'), ('ORCH-4', 'blocked', '{}', '2026-01-01 09:30');
INSERT INTO queue_items (id, status, priority, task, success_criteria, created_at, updated_at)
    VALUES ('ORCH-6', 'PENDING', 'P1', 'new there', 'done', '2026-01-01 10:00', '2026-01-01 10:00');
"""


class _State(NamedTuple):
    """Both queues, the base and the events, read without the program."""

    document: bytes
    items: list[tuple[object, ...]]
    base: list[tuple[object, ...]]
    events: list[tuple[object, ...]]


class _Step(NamedTuple):
    """A command to kill: what is run before it, what finishes it after a kill, and the state that must result."""

    name: str
    before: Sequence[Sequence[str]]
    argv: Sequence[str]
    finish: Sequence[Sequence[str]]
    half_written: bool = False


_STEPS = (
    _Step("apply", (), _APPLY, (_RESUME, _APPLY)),
    _Step("resume", (), _RESUME, (_RESUME,), half_written=True),
    _Step("undo", (_APPLY,), _UNDO, (_UNDO,)),
    _Step("cancel --both", (), _CANCEL, (_RESUME, _CANCEL)),
    _Step("undo of cancel --both", (_CANCEL,), _UNDO_CANCEL, (_RESUME, _UNDO_CANCEL)),
    _Step("replan of two together", (), _TOGETHER, (_RESUME, _TOGETHER)),
    _Step("undo of two together", (_TOGETHER,), _UNDO_TOGETHER, (_RESUME, _UNDO_TOGETHER)),
)


def run(size: int, report: Callable[[str], None]) -> Outcome:
    """Kill every step at every point, with either journal; the figures count the points."""
    tally = Tally()
    unable = commands.not_traceable()
    if unable:
        report(f"not run: {unable}")
        return tally.outcome({"points": 1})
    commands.prepare()
    chance = random.Random(size)
    with tempfile.TemporaryDirectory(dir=_memory()) as top:
        for journal in ("wal", "delete"):
            fresh = Path(top) / journal
            _lay_down(fresh, journal, tally)
            for step in _STEPS:
                _kill_step(fresh, step, Path(top) / "work", chance, size, tally)
                report(f"{journal} {step.name}: in all {dict(tally.figures)}")
    return tally.outcome({"points": 20, "faults": 20, "left_old": 2, "left_new": 2, "resumed": 2})


def _memory() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def _lay_down(folder: Path, journal: str, tally: Tally) -> None:
    """Write a project whose queues agreed once and moved since, with a plan."""
    stage.lay_down(folder, journal)
    policy = folder / stage.POLICY
    policy.write_bytes(policy.read_bytes() + b"consistency:\n  settle: 0s\n")
    _must_end(tally, folder, _BASELINE, 0)
    queue = folder / stage.QUEUE
    text = queue.read_text(encoding="utf-8")
    for old, new in _EDITS:
        tally.check(f"{old!r} stands in the document", holds=old in text)
        text = text.replace(old, new)
    queue.write_text(text, encoding="utf-8")
    with closing(sqlite3.connect(folder / stage.DB)) as connection:
        connection.executescript(_SQL)
    _must_end(tally, folder, _PREPARE, 1)


def _must_end(tally: Tally, folder: Path, argv: Sequence[str], code: int) -> None:
    ended = commands.run(_named(argv), folder)
    tally.check(f"{argv}: exit {ended.code}, {ended.out} {ended.err}", holds=ended.code == code)


def _named(argv: Sequence[str]) -> list[str]:
    """Return a command with the queues that it is about."""
    return [*argv, "--queue", stage.QUEUE, "--db", stage.DB]


def _kill_step(fresh: Path, step: _Step, work: Path, chance: random.Random, size: int, tally: Tally) -> None:
    start = fresh.with_name("start")
    shutil.rmtree(start, ignore_errors=True)
    shutil.copytree(fresh, start)
    for argv in step.before:
        _must_end(tally, start, argv, 0)
    if step.half_written:
        _write_half(start, tally)
    old = _state(start)
    _renew(start, work)
    traced = commands.trace(_named(step.argv), work, commands.CHANGING)
    tally.check(f"{step.name}: exit {traced.code}, {traced.out} {traced.err}", holds=traced.code == 0)
    new = _state(work)
    points = traced.calls[::size] if size else [*traced.calls[-6:], *chance.sample(traced.calls, _SOME)]
    for number, point in enumerate(points):
        _renew(start, work)
        ended = commands.hit(_named(step.argv), work, point, "signal=KILL")
        where = f"{step.name} killed at {point.call} #{point.number} ({point.text[:60]})"
        tally.check(f"{where}: was not killed but ended with {ended.code}", holds=ended.code == -signal.SIGKILL)
        tally.count("points")
        _check_left(work, step, where, old, new, tally)
        _renew(start, work)
        fault = _FAULTS[number % len(_FAULTS)]
        ended = commands.hit(_named(step.argv), work, point, f"error={fault}")
        where = f"{step.name}, {fault} at {point.call} #{point.number} ({point.text[:60]})"
        told = ended.out + ended.err
        sound = ended.code in {0, 3, 5} and not any(word in told for word in ("Traceback", "unexpected"))
        tally.check(f"{where}: exit {ended.code}: {told:.300}", holds=sound)
        tally.check(f"{where}: reported success, and is not new", holds=ended.code != 0 or _state(work) == new)
        tally.count("faults")
        _check_left(work, step, where, old, new, tally)


def _write_half(folder: Path, tally: Tally) -> None:
    """Leave a project as an application does that is cut off between the rename and the commit."""
    path, kept = folder / stage.DB, folder / "kept.db"
    with closing(sqlite3.connect(path)) as connection, closing(sqlite3.connect(kept)) as copy:
        connection.backup(copy)
    _must_end(tally, folder, _APPLY, 0)
    with closing(sqlite3.connect(path)) as connection:
        made = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'queue_reconcile'").fetchone()[0]
        record = connection.execute("SELECT * FROM queue_reconcile").fetchone()
    with closing(sqlite3.connect(kept)) as before, closing(sqlite3.connect(path)) as connection:
        before.execute(made)
        before.execute(
            "INSERT INTO queue_reconcile VALUES (?, 'prepared', ?, ?, ?, '{}', '', '')", (record[0], *record[2:5])
        )
        before.commit()
        before.backup(connection)
    kept.unlink()


def _renew(start: Path, work: Path) -> None:
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(start, work)


def _check_left(work: Path, step: _Step, where: str, old: _State, new: _State, tally: Tally) -> None:
    """Check what a kill left, and that it is finished without anybody's help."""
    left = _state(work)
    tally.check(f"{where}: the document is neither old nor new", holds=left.document in (old.document, new.document))
    tally.check(f"{where}: the database is neither old nor new", holds=left[1:] in (old[1:], new[1:]))
    tally.check(f"{where}: the database is ahead of the document", holds=left[1:] == old[1:] or left == new)
    tally.count("left_new" if left.document == new.document else "left_old")
    for argv in step.finish:
        if argv in _ONCE and _state(work) == new:
            continue
        ended = commands.run(_named(argv), work)
        done = ended.code == 0 or (argv is _UNDO and left == new and ended.code == 5)
        tally.check(f"{where}: {argv} then: exit {ended.code}, {ended.out} {ended.err}", holds=done)
        tally.count("resumed", int(ended.out.startswith("resumed")))
    tally.check(f"{where}: not finished as if nothing had happened", holds=_state(work) == new)


def _state(folder: Path) -> _State:
    """Return the state of a project; what only tells when something was written is left out."""
    with closing(sqlite3.connect(folder / stage.DB)) as connection:

        def rows(query: str) -> list[tuple[object, ...]]:
            return connection.execute(query).fetchall()

        cells = "status, priority, task, success_criteria, owner_session, started_at_kst, due_at_kst, notes"
        return _State(
            (folder / stage.QUEUE).read_bytes(),
            rows(f"SELECT id, {cells}, lease_owner, lease_expires_at, attempt_count FROM queue_items ORDER BY id"),
            rows(f"SELECT item_id, state, {cells} FROM queue_baseline ORDER BY item_id"),
            rows("SELECT item_id, event_type FROM queue_events ORDER BY event_id"),
        )
