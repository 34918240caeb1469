"""Cuts: the connection to a PostgreSQL server is lost before, at and after COMMIT: what is said of it is true.

A proxy cuts the connection of every kind of change at one of its commits, sends the COMMIT up to two seconds later, or
not at all; the server is killed meanwhile, or away for longer than anybody waits. What is said to be written is there,
what is said not to be is not; what may have been is told by the command that is named; and what is done again by what
was said is done once. Size N is the number of cuts.
"""

from __future__ import annotations

import random
import re
import shlex
import tempfile
from contextlib import chdir
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.campaigns import server_stage, stage
from tests.campaigns.common import Tally
from tests.campaigns.racers import call
from tests.postgres_proxy import CUTS, Proxy
from tests.postgres_server import MissingServerError, Servers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.campaigns.common import Outcome
    from tests.campaigns.server_stage import State
    from tests.postgres_server import Database, OwnServer

SMALL = 12
LONG = 400

_LOCK_S, _AWAY_S = 3, 4.5
_PLAN = "plan.json"
_BASELINE = ("baseline", "--actor", "kim")
_BOTH = ("--both", "--notes", "again", "--actor", "kim")
_EDITS = (
    ("| ORCH-3 | PENDING | P2 |", "| ORCH-3 | PENDING | P0 |"),
    ("| ORCH-4 | BLOCKED | P1 |", "| ORCH-4 | BLOCKED | P2 |"),
)
_PREPARE = ("reconcile", "plan", "-o", _PLAN)
_APPLY, _RESUME = ("reconcile", "apply", _PLAN), ("reconcile", "resume")
_UNDO = ("undo", "--plan", _PLAN)
_DONE = re.compile(r"^(ORCH-\d) -> ", re.MULTILINE)
_LATER = re.compile(r"may have been written \(operation \S+\): `ops-checks ([^`]+)`")
_FINISH = re.compile(r"run `ops-checks ([^`]+)`")


class _Step(NamedTuple):
    """A command to cut: how many commits it has, and what is done before it: by commands, and once by hand."""

    name: str
    argv: tuple[str, ...]
    commits: int
    before: tuple[tuple[str, ...], ...] = ()
    sql: str = ""


_OF_THREE = ("--id", "ORCH-1", "--id", "ORCH-3", "--id", "ORCH-4", "--notes", "again")
_NOTED = "UPDATE queue_items SET notes = 'b | asked' WHERE id = 'ORCH-4'"
_STEPS = (
    _Step("change", ("replan", "--id", "ORCH-4", "--notes", "again"), 1),
    _Step("together", ("replan", *_OF_THREE, "--all-or-nothing"), 1),
    _Step("series", ("replan", *_OF_THREE), 3),
    _Step("undo", ("undo", "--id", "ORCH-4"), 1, (("replan", "--id", "ORCH-4", "--notes", "again"),)),
    _Step("baseline", _BASELINE, 1),
    _Step("both", ("cancel", "--id", "ORCH-3", *_BOTH), 2, (_BASELINE,)),
    _Step("both together", ("replan", *_OF_THREE[:4], "--all-or-nothing", *_BOTH), 2, (_BASELINE,)),
    _Step("undo of both", ("undo", "--id", "ORCH-3"), 2, (_BASELINE, ("cancel", "--id", "ORCH-3", *_BOTH))),
    _Step("apply to the database", _APPLY, 2, (_BASELINE, (), _PREPARE)),
    _Step("apply to both", _APPLY, 2, (_BASELINE, (), _PREPARE), sql=_NOTED),
    _Step("undo of a plan", _UNDO, 1, (_BASELINE, (), _PREPARE, _APPLY), sql=_NOTED),
    _Step("apply again", _APPLY, 2, (_BASELINE, (), _PREPARE, _APPLY, _UNDO), sql=_NOTED),
)


def run(size: int, report: Callable[[str], None], seed: int = 0) -> Outcome:
    """Cut every step at every commit in every way, in random order, until there were so many cuts."""
    tally = Tally()
    least = {
        "cuts": size,
        "written": size // 4,
        "not_written": size // 10,
        "unknown": size // 20,
        "restarts": size // 30,
    }
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            chdir(folder),
            Servers() as servers,
            servers.server(synchronous_commit="on") as server,
            server.database() as database,
        ):
            _Cutting(server, database, tally, random.Random(seed)).run(size, report)
    except MissingServerError as error:
        report(f"not run: {error}")
    return tally.outcome(least | {"cuts": max(1, size), "restarts": size // 30})


class _Case(NamedTuple):
    """A cut: the step, at which of its commits, and how."""

    step: _Step
    commit: int
    how: str


class _Cutting:
    """Runs the steps on one queue, made anew for each."""

    def __init__(self, server: OwnServer, database: Database, tally: Tally, chance: random.Random) -> None:
        self._server, self._database, self._tally, self._chance = server, database, tally, chance
        self._expected: dict[str, tuple[State, State]] = {}
        self._location = ""

    def run(self, size: int, report: Callable[[str], None]) -> None:
        """Make so many cuts."""
        cases = [_Case(step, at, how) for step in _STEPS for at in range(step.commits) for how in CUTS]
        with Proxy(str(self._server.admin.parameters()["host"])) as self._proxy:
            self._location = self._database.location(host=self._proxy.folder)
            for number in range(size):
                if number % len(cases) == 0:
                    self._chance.shuffle(cases)
                self._cut(cases[number % len(cases)])
                if number % 20 == 19:
                    report(f"in all {dict(self._tally.figures)}")

    def _call(self, argv: Sequence[str]) -> tuple[int, str]:
        where = ("--queue", stage.QUEUE, "--db", self._location, "--policy", stage.POLICY)
        sides = () if argv[0] in {"baseline", "reconcile", "undo"} or "--both" in argv else ("--db", self._location)
        return call((*(sides or where), "--lock-timeout", str(_LOCK_S), *argv))

    def _must(self, argv: Sequence[str], *codes: int) -> None:
        code, said = self._call(argv)
        self._tally.check(f"{argv}: exit {code}: {said}", holds=code in codes)

    def _state(self) -> State:
        return server_stage.state(self._database, stage.QUEUE)

    def _lay_down(self, step: _Step) -> None:
        """Make both queues as they are before a step."""
        server_stage.lay_down(self._database)
        queue = Path(stage.QUEUE)
        lines = ["# Queue", "", f"| {' | '.join(stage.HEAD)} |", "|" + "---|" * len(stage.HEAD)]
        queue.write_text("\n".join([*lines, *(f"| {' | '.join(row)} |" for row in stage.ROWS), ""]), encoding="utf-8")
        Path(stage.POLICY).write_text("consistency:\n  settle: 0s\n", encoding="utf-8")
        Path(_PLAN).unlink(missing_ok=True)
        for argv in step.before:
            if argv != ():
                self._must(argv, *((1,) if argv == _PREPARE else (0,)))
                continue
            text = queue.read_text(encoding="utf-8")
            for old, new in _EDITS:
                text = text.replace(old, new)
            queue.write_text(text, encoding="utf-8")
            if step.sql:
                self._database.execute(step.sql)

    def _states(self, step: _Step) -> tuple[State, State]:
        """Return the states before and after a step that nobody cuts."""
        if step.name not in self._expected:
            self._lay_down(step)
            old = self._state()
            self._must(step.argv, 0)
            self._expected[step.name] = old, self._state()
        return self._expected[step.name]

    def _cut(self, case: _Case) -> None:
        """Cut a step, and do what is said until it is done."""
        step, tally, chance = case.step, self._tally, self._chance
        old, new = self._states(step)
        self._lay_down(step)
        away = chance.choice((0, 0, 0, 0.5, _AWAY_S))
        delay = chance.choice((0.1, 0.5, 1.0, 2.0))
        restarts = case.how not in {"held", "late"} and chance.random() < 0.2
        with self._proxy.cutting(
            case.how, skip=case.commit, delay=delay, away=away, then=self._server.restart if restarts else None
        ) as cutting:
            code, said = self._call(step.argv)
        what = (
            f"{step.name}, {case.how} at commit {case.commit}, delay {delay}, away {away}, {restarts=}: {code} {said}"
        )
        tally.check(f"{what}: was not cut", holds=cutting.happened)
        tally.count("cuts")
        tally.count("restarts", int(restarts))
        tally.check(f"{what}: unexpected", holds="error: unexpected" not in said and "Traceback" not in said)
        found = self._state()
        if code == 0:
            tally.count("written")
            tally.check(f"{what}: said to be written: {_apart(found, new)}", holds=found == new)
            return
        if step.name == "series":
            self._finish_series(what, said, new)
            return
        self._check_said(what, said, old, new, found)
        self._finish(what, step, said, new)

    def _check_said(self, what: str, said: str, old: State, new: State, found: State) -> None:
        """Check that what was said of a change is true."""
        tally = self._tally
        if "is written, the database" in said:
            tally.count("half")
            tally.check(f"{what}: the document is not written", holds=found.document == new.document)
            base_is_new = found[1:] == new[1:]
            tally.check(f"{what}: the database is", holds="the database is not" not in said or not base_is_new)
        elif "may have been written" in said:
            tally.count("unknown")
        elif "cannot be read" in said:  # what was to be told about it afterwards
            tally.count("untold")
        else:
            tally.count("not_written")
            same = (found.document, found.items, found.events, found.base) == old[:4]
            tally.check(f"{what}: said not to be written: {_apart(found, old)}", holds="nothing was written" in said)
            tally.check(f"{what}: something is written: {_apart(found, old)}", holds=same)

    def _finish(self, what: str, step: _Step, said: str, new: State) -> None:
        """Do what a person does who was told so, until the change is made: it is made once."""
        told = [what]
        for _ in range(4):
            later, finish = _LATER.search(said), _FINISH.search(said)
            if later is not None and "is written, the database" not in said:
                code, said = self._call(shlex.split(later[1]))
                told.append(f"{later[1]}: {code} {said}")
                there = self._state().events == new.events
                self._tally.check(f"{told}: tells what is not so", holds=(code == 0) == there)
                if code == 0:
                    break
            argv = shlex.split(finish[1]) if finish is not None else step.argv
            code, said = self._call(argv)
            told.append(f"{argv}: {code} {said}")
            if code == 0 and tuple(argv[:2]) != _RESUME[:2]:
                break
            if code == 0 and self._state() == new:
                break
        found = self._state()
        self._tally.check(f"{told}: in the end: {_apart(found, new)}", holds=found == new)

    def _finish_series(self, what: str, said: str, new: State) -> None:
        """Check each item of a series by itself, and do those that were not done."""
        acknowledged = set(_DONE.findall(said))
        later = _LATER.search(said)
        self._tally.count("unknown", said.count("may have been written"))
        self._tally.count("not_written", said.count("nothing was written"))
        with self._database.connect() as connection:
            rows = connection.execute("SELECT item_id FROM queue_events ORDER BY event_id").fetchall()
        found = {item for (item,) in rows}
        self._tally.check(f"{what}: lost {acknowledged - found}", holds=acknowledged <= found)
        if later is None:
            self._tally.check(f"{what}: found {found}", holds=acknowledged == found)
        else:
            code, told = self._call(shlex.split(later[1]))
            named = set(re.findall(r"(ORCH-\d) ->", told))
            self._tally.check(f"{what}: {later[1]}: {code} {told}: found {found}", holds=named == found)
        for item in sorted({"ORCH-1", "ORCH-3", "ORCH-4"} - found):
            self._must(("replan", "--id", item, "--notes", "again"), 0)
        ended = self._state()
        same = ended.items == new.items and sorted(ended.events) == sorted(new.events)
        self._tally.check(f"{what}: in the end: {_apart(ended, new)}", holds=same)


def _apart(found: State, wanted: State) -> str:
    """Return what two states differ in."""
    names = [name for name in found._fields if getattr(found, name) != getattr(wanted, name)]
    return "; ".join(f"{name}: {getattr(found, name)!r} and not {getattr(wanted, name)!r}" for name in names)[:900]
