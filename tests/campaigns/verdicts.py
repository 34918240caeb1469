"""Verdicts: every situation, a small change to a healthy operation, gets the verdict and exit code it must.

One pass runs every situation of the tables through the whole command line. From the second pass on the
operation has that many hundred healthy items more, in another order on each side.
"""

from __future__ import annotations

import io
import json
import os
import random
import tempfile
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest import mock

from ops_checks import cli
from ops_checks.cli import entry
from tests.campaigns import (
    situations_database,
    situations_drift,
    situations_inputs,
    situations_kpi,
    situations_limits,
    situations_over_time,
    situations_paths,
    situations_policy,
)
from tests.campaigns.common import Tally
from tests.campaigns.operation import Operation

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.campaigns.common import Outcome
    from tests.campaigns.expected import Situation

SMALL = 1
LONG = 12

SITUATIONS: tuple[Situation, ...] = (
    *situations_drift.SITUATIONS,
    *situations_limits.SITUATIONS,
    *situations_kpi.SITUATIONS,
    *situations_over_time.SITUATIONS,
    *situations_policy.SITUATIONS,
    *situations_paths.SITUATIONS,
    *situations_inputs.SITUATIONS,
    *situations_database.SITUATIONS,
)

#: What SQLite keeps beside a database, and what the situations write themselves while the gate runs.
_NOT_OURS = ("-wal", "-shm", "-journal", ".lock")
_BY_FINDING = {"missing-in-db", "missing-in-md", "field-mismatch", "waiver-expired", "waiver-unused"}


def run(size: int, report: Callable[[str], None]) -> Outcome:
    """Run every situation `size` times; `situations` counts them, `wrong_greens` and `wrong_reds` must stay 0."""
    tally = Tally()
    for name in ("situations", "wrong_greens", "wrong_reds"):
        tally.figures[name] = 0
    for number in range(size):
        for situation in SITUATIONS:
            code, problems = judge(situation, more=100 * number)
            tally.count("situations")
            tally.count("wrong_greens", int(code == 0 and situation.expected.code != 0))
            tally.count("wrong_reds", int(code != 0 and situation.expected.code == 0))
            tally.failures += [f"{situation.name}: {problem}" for problem in problems]
        report(f"pass {number + 1} of {size}: {tally.figures['situations']} situations, {len(tally.failures)} failures")
    return tally.outcome({"situations": 60})


def judge(situation: Situation, more: int = 0) -> tuple[int, list[str]]:
    """Lay a situation down, run the gate in it; return the exit code and what is not as expected."""
    operation = Operation()
    situation.change(operation)
    _pad(operation, more)
    with tempfile.TemporaryDirectory(prefix="verdicts-") as name, chdir(name):
        folder = Path(name)
        operation.lay_down(folder)
        before = _contents(folder)
        with operation.during(folder):
            code, errors, report = gate(operation)
        after = _contents(folder)
    problems = list(situation.expected.problems(code, errors, report))
    if not operation.writes and before != after:
        problems.append(f"the gate wrote: {sorted(set(before.items()) ^ set(after.items()))}")
    return code, problems


def gate(operation: Operation) -> tuple[int, list[str], dict[str, Any] | None]:
    """Run `check`; return the exit code, the lines on stderr, and the report, where it is no error that is told."""
    database = [] if "--db-path" in operation.argv else ["--db-path", "queue.db"]
    paths = ["--queue-path", "QUEUE.md", *database, "--log-path", "runs.jsonl"]
    argv = ["check", *(paths if operation.named else ()), "-f", "json", *operation.argv]
    out, err = io.StringIO(), io.StringIO()
    clock = SimpleNamespace(time=lambda: operation.now_s)
    with (
        mock.patch.object(entry, "time", clock),
        mock.patch.dict(os.environ, operation.env, clear=True),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        code = cli.main(argv)
    shown: dict[str, Any] = json.loads(out.getvalue())
    return code, err.getvalue().splitlines(), shown if "verdict" in shown else None


def _pad(operation: Operation, more: int) -> None:
    """Add healthy items behind the others, and put the database's in another order."""
    if not more or not operation.pads:
        return
    chance = random.Random(more)
    for number in range(more):
        row = (f"PAD-{number}", "DONE", "P2", f"task {chance.random()}", "-", f"s{number % 7}", "-", "-", "")
        operation.add(row)
    chance.shuffle(operation.db)


def _contents(folder: Path) -> dict[str, bytes | None]:
    """Return the bytes of every file below a folder, None for what is no regular file."""
    found = (path for path in folder.rglob("*") if not path.name.endswith(_NOT_OURS))
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in found}
