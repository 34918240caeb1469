"""Crash: every mutating command, killed at every call by which it changes files, leaves the old state or the new.

Size 0 is some points of each command; size N from 1 is all of them, and N random moments besides.
"""

from __future__ import annotations

import random
import shutil
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.campaigns import commands, stage
from tests.campaigns.common import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.campaigns.common import Outcome
    from tests.campaigns.stage import Case, State

SMALL = 0
LONG = 10_000

_SYNCS = ("fsync", "fdatasync")
_SOME = 3


class _Bench:
    """A case with its old and its new state, and both with the next command after them."""

    def __init__(self, case: Case, folder: Path) -> None:
        self.case = case
        self.folder = folder
        self.work = folder / "work"
        stage.lay_down(folder / "fresh", case.journal)
        self.old = stage.state(folder / "fresh")
        self.old_then = self._after_running(case.after)
        self.traced = self._run_traced()
        self.new = stage.state(self.work)
        self.new_then = self._after_running(case.argv, case.after)

    def renew(self) -> None:
        """Bring back the old state."""
        shutil.rmtree(self.work, ignore_errors=True)
        shutil.copytree(self.folder / "fresh", self.work)

    def _after_running(self, *commands_: Sequence[str]) -> State:
        self.renew()
        for argv in commands_:
            commands.run(argv, self.work)
        return stage.state(self.work)

    def _run_traced(self) -> commands.Ended:
        self.renew()
        return commands.trace(self.case.argv, self.work, commands.CHANGING)


def run(size: int, report: Callable[[str], None]) -> Outcome:
    """Kill every command at every point; the figures count the points and the moments."""
    tally = Tally()
    unable = commands.not_traceable()
    if unable:
        report(f"not run: {unable}")
        return tally.outcome({"points": 1})
    commands.prepare()
    chance = random.Random(size)
    cases = stage.cases()
    with tempfile.TemporaryDirectory(dir=_memory()) as top:
        for case in cases:
            (Path(top) / case.name).mkdir()
            bench = _Bench(case, Path(top) / case.name)
            _check_bench(bench, tally)
            for point in _chosen(bench.traced.calls, chance, size):
                _kill_at(bench, point, tally)
            for _ in range(size // len(cases)):
                _kill_anywhen(bench, chance.random(), tally)
            report(f"{case.name}: {len(bench.traced.calls)} calls; in all {dict(tally.figures)}")
    return tally.outcome(
        {"points": 5 * len(cases), "left_old": len(cases), "left_new": len(cases), "commits_by_unlink": 3}
    )


def _memory() -> str | None:
    """Return a folder in memory, where there is one: what a killed process leaves does not depend on the disk."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def _chosen(points: Sequence[commands.Point], chance: random.Random, size: int) -> Sequence[commands.Point]:
    """Return all points, or of the small size those where something comes to be true, and some more."""
    if size:
        return points
    decisive = [point for point in points if point.call.startswith(("rename", "link", "unlink", *_SYNCS))]
    return [*decisive[-5:], *chance.sample(points, _SOME)]


def _check_bench(bench: _Bench, tally: Tally) -> None:
    """Check that the command does what it says, and that what it wrote was brought to disk in the right order."""
    case, traced = bench.case, bench.traced
    well = traced.code == 0 and case.told in traced.out
    tally.check(f"{case.name}: exit {traced.code}, {traced.out} {traced.err}", holds=well)
    changed = {name for name in {*bench.old, *bench.new} if bench.old.get(name) != bench.new.get(name)}
    tally.check(f"{case.name}: changed {changed}", holds=changed <= set(case.targets) and bool(changed))
    tally.check(
        f"{case.name}: the next command does nothing", holds=case.after == case.argv or bench.new_then != bench.new
    )
    order = [point.call for point in traced.calls]
    for place, call in enumerate(order):
        if call.startswith(("rename", "link")):
            before, after = order[:place], order[place + 1 :]
            tally.check(f"{case.name}: no fsync before {call}", holds=_ends_in_sync(before))
            tally.check(f"{case.name}: no fsync after {call}", holds=any(name in _SYNCS for name in after))
            tally.count("renames")
    for place, point in enumerate(traced.calls):
        if point.call == "unlink" and "-journal" in point.text:  # which is how a rollback journal commits
            synced = any(name in _SYNCS for name in order[place + 1 :])
            tally.check(f"{case.name}: no sync of the folder after the commit", holds=synced)
            tally.count("commits_by_unlink")
    if case.targets == (stage.DB,):
        tally.check(f"{case.name}: no sync", holds=any(call in _SYNCS for call in order))


def _ends_in_sync(calls: Sequence[str]) -> bool:
    """Tell whether after the last write there was a sync."""
    writes_and_syncs = [call for call in calls if call in {"write", "pwrite64", *_SYNCS}]
    return bool(writes_and_syncs) and writes_and_syncs[-1] in _SYNCS


def _kill_at(bench: _Bench, point: commands.Point, tally: Tally) -> None:
    bench.renew()
    ended = commands.hit(bench.case.argv, bench.work, point, "signal=KILL")
    where = f"{bench.case.name} killed at {point.call} #{point.number} ({point.text[:60]})"
    tally.check(f"{where}: was not killed but ended with {ended.code}", holds=ended.code == -signal.SIGKILL)
    tally.count("points")
    _check_left(bench, ended, where, tally)


def _kill_anywhen(bench: _Bench, share: float, tally: Tally) -> None:
    bench.renew()
    after_s = share * 0.02
    ended = commands.run(bench.case.argv, bench.work, kill_after_s=after_s)
    tally.count("moments")
    tally.count("moments_in_time", int(ended.code == -signal.SIGKILL))
    _check_left(bench, ended, f"{bench.case.name} killed after {after_s * 1000:.3f} ms", tally)


def _check_left(bench: _Bench, ended: commands.Ended, where: str, tally: Tally) -> None:
    """Check the state that a killed command left, and that the next command needs no help."""
    found = stage.state(bench.work)
    wrong = stage.strays(found, bench.old, bench.new)
    tally.check(f"{where}: {wrong} neither old nor new", holds=not wrong)
    tally.count("temporaries", len(stage.temporaries(found)))
    is_new = all(found.get(name) == bench.new.get(name) for name in bench.case.targets)
    tally.count("left_new" if is_new else "left_old")
    if bench.case.told in ended.out:
        tally.count("told")
        tally.check(f"{where}: reported success but is not new", holds=is_new)
    then = commands.run(bench.case.after, bench.work)
    tally.check(f"{where}: the next command: {then}", holds=then.code == 0)
    wanted = bench.new_then if is_new else bench.old_then
    wrong = stage.strays(stage.state(bench.work), wanted, wanted)
    tally.check(f"{where}: {wrong} not as the next command should leave it", holds=not wrong)
