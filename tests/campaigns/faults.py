"""Faults: a disk that fails, is full or may not be written to leaves the original, exit 3 and one line of error.

Size 0 is some calls of each command; size 1 is every call, with every error, once and from then on.
"""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ops_checks.cli.answer_json import ERROR_SCHEMA
from tests.campaigns import commands, stage
from tests.campaigns.common import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.campaigns.common import Outcome
    from tests.campaigns.stage import Case, State

SMALL = 0
LONG = 1

_COULD_NOT = 3
#: What the program says where a change was made though something failed after it.
_DONE_BUT = ("written, but", "the results cannot be written", "may have been written")
_MADE = "this change was made"
_DISK_BYTES = 128 * 1024
#: What is left on the disk; at most how long a file may become.
_LEFT = (0, 4_096, 16_384, 65_536)
_LIMITS = (0, 100, 600, 5_000)
_NOBODY = 65534
_SOME = 5
#: From this call for a lock on none is given, in one run; elsewhere only the next ones fail.
_LOCKS_FAIL_FROM = 13


class _Bench:
    """A case with its old and its new state."""

    def __init__(self, case: Case, folder: Path) -> None:
        self.case = case
        self.folder = folder
        self.work = folder / "work"
        stage.lay_down(folder / "fresh", case.journal)
        self.old = stage.state(folder / "fresh")
        self.renew()
        self.points = commands.trace(case.argv, self.work, (*commands.CHANGING, *commands.READING)).calls
        self.new = stage.state(self.work)

    def renew(self) -> None:
        """Bring back the old state."""
        shutil.rmtree(self.work, ignore_errors=True)
        shutil.copytree(self.folder / "fresh", self.work)


def run(size: int, report: Callable[[str], None]) -> Outcome:
    """Let every call fail in every way; the figures count the faults and how the commands took them."""
    tally = Tally()
    unable = commands.not_traceable()
    if unable:
        report(f"not run: {unable}")
        return tally.outcome({"faults": 1})
    commands.prepare()
    chance = random.Random(size)
    cases = stage.cases()
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as top:
        for case in cases:
            (Path(top) / case.name).mkdir()
            bench = _Bench(case, Path(top) / case.name)
            known = len(tally.failures)
            for point, what, on in _planned(bench.points, chance, size):
                _fail_at(bench, point, what, tally, on=on)
            _check_limits(bench, tally, sizes=_LIMITS if size else _LIMITS[1:2], left=_LEFT if size else _LEFT[1:2])
            for failure in tally.failures[known : known + 20]:
                report(failure)
            report(f"{case.name}: {len(bench.points)} calls; in all {dict(tally.figures)}")
    least = {"faults": _SOME * len(cases), "limits": 2 * len(cases), "refused": 2 * len(cases), "carried_out": 1}
    return tally.outcome(least)


def _planned(
    points: Sequence[commands.Point], chance: random.Random, size: int
) -> list[tuple[commands.Point, str, bool]]:
    """Return the faults to make: all of them, or some."""
    plan = [
        (point, f"error={error}", on)
        for point in points
        for error in ("EIO", "ENOSPC", "EINTR")
        for on in (False, True)
    ]
    return plan if size else chance.sample(plan, _SOME)


def _fail_at(bench: _Bench, point: commands.Point, what: str, tally: Tally, *, on: bool) -> None:
    bench.renew()
    if on and ("EINTR" in what or (point.call == "fcntl" and point.number != _LOCKS_FAIL_FROM)):
        # Nothing is interrupted for ever, and SQLite asks for a lock again for up to 10 s.
        ended = commands.hit(bench.case.argv, bench.work, point, what, until=point.number + 20)
    else:
        ended = commands.hit(bench.case.argv, bench.work, point, what, on=on)
    tally.count("faults")
    where = f"{bench.case.name}, {what} {'from' if on else 'at'} {point.call} #{point.number} ({point.text[:70]})"
    mute = on and point.call in {"write", "lseek"}  # nothing can be printed either
    _check_end(bench, ended, where, tally, mute=mute)


def _check_end(bench: _Bench, ended: commands.Ended, where: str, tally: Tally, *, mute: bool = False) -> None:
    """Check exit code, what was said, and the state; `mute` is where nothing can be said any more."""
    case, found = bench.case, stage.state(bench.work, bench.folder)
    said = f"{where}: exit {ended.code}, {ended.err[-300:]!r}"
    wrong = [name for name in stage.strays(found, bench.old, bench.new) if not _is_other_report(case, found, name)]
    tally.check(f"{said}: {wrong} neither old nor new", holds=not wrong)
    is_new = all(found.get(name) == bench.new.get(name) for name in case.targets)
    is_old = all(found.get(name) == bench.old.get(name) for name in case.targets)
    tally.check(f"{said}: exit code", holds=ended.code in {0, _COULD_NOT})
    if ended.code == 0:
        tally.count("carried_out")
        tally.check(f"{said}: reported success, and is not new", holds=is_new and (mute or case.told in ended.out))
        return
    tally.count("refused")
    lines = [line for line in ended.err.splitlines() if not line.startswith("note: ")]
    one = len(lines) == 1 or (case.name.startswith("check") and bool(lines))
    tally.check(f"{said}: no one line of error", holds=mute or (one and all(_is_error(line) for line in lines)))
    tally.check(f"{said}: says it was made, and it was not", holds=is_new or _MADE not in ended.err)
    if is_new and not is_old and len(case.targets) == 1:
        tally.count("done_but")
        tally.check(f"{said}: is new, and does not say so", holds=mute or any(text in ended.err for text in _DONE_BUT))
    left = stage.temporaries(found)
    tally.check(f"{said}: left {left}", holds=not left or left[0] in ended.err or mute or "unlink" in where)


def _is_error(line: str) -> bool:
    return line.startswith(("error: ", "warning: "))


def _is_other_report(case: Case, found: State, name: str) -> bool:
    """Tell whether a target is a whole report, of inputs that could not be read, or the document of an error."""
    if not case.name.startswith("check") or name not in case.targets:
        return False
    try:
        document = json.loads(str(found[name], "utf-8"))  # type: ignore[call-overload]
    except (KeyError, ValueError):
        return False
    return "schema_version" in document or document.get("schema") == ERROR_SCHEMA


def _check_limits(bench: _Bench, tally: Tally, *, sizes: Sequence[int], left: Sequence[int]) -> None:
    """Run a command where no file may grow over some sizes, in a folder it may not write to, on a disk almost full."""
    for limit in sizes:
        bench.renew()
        ended = commands.run(bench.case.argv, bench.work, before=_no_file_over(limit))
        tally.count("limits")
        _check_end(bench, ended, f"{bench.case.name}, no file over {limit} bytes", tally, mute=limit == 0)
    if os.geteuid() != 0:
        bench.renew()
        with _read_only(bench.work):
            _check_refused(bench, commands.run(bench.case.argv, bench.work), "read-only folder", tally)
        return
    bench.renew()
    ended = commands.run(bench.case.argv, bench.work, before=_be_nobody)
    _check_refused(bench, ended, "another user", tally)
    for bytes_left in left:
        _check_full_disk(bench, bytes_left, tally)


def _no_file_over(limit: int) -> Callable[[], None]:
    def limited() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return limited


def _be_nobody() -> None:
    os.setgroups([])
    os.setgid(_NOBODY)
    os.setuid(_NOBODY)


@contextmanager
def _read_only(folder: Path) -> Iterator[None]:
    folders = [folder, *(path for path in folder.rglob("*") if path.is_dir())]
    for path in folders:
        path.chmod(0o555)
    try:
        yield
    finally:
        for path in folders:
            path.chmod(0o755)


def _check_refused(bench: _Bench, ended: commands.Ended, where: str, tally: Tally) -> None:
    tally.count("limits")
    tally.check(f"{bench.case.name}, {where}: exit {ended.code}", holds=ended.code == _COULD_NOT)
    _check_end(bench, ended, f"{bench.case.name}, {where}", tally)


def _check_full_disk(bench: _Bench, left: int, tally: Tally) -> None:
    """Run a command on a file system on which other files have left so many bytes; only root can make one."""
    disk = bench.folder / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_DISK_BYTES}", "tmpfs", str(disk)]
    if subprocess.run(mount, check=False, stderr=subprocess.DEVNULL).returncode == 0:
        try:
            _fill_and_run(bench, disk, left, tally)
        finally:
            subprocess.run(["umount", "-l", str(disk)], check=True)
    disk.rmdir()


def _fill_and_run(bench: _Bench, disk: Path, left: int, tally: Tally) -> None:
    full = _Full(bench, disk / "work")
    shutil.copytree(bench.folder / "fresh", full.work)
    free = os.statvfs(disk)
    (disk / "ballast").write_bytes(b"x" * max(0, free.f_bavail * free.f_frsize - left))
    ended = commands.run(bench.case.argv, full.work, aside=bench.folder)
    (disk / "ballast").unlink()
    tally.count("limits")
    _check_end(full, ended, f"{bench.case.name}, {left} bytes left on the disk", tally)


class _Full(_Bench):
    """A bench whose work is on another disk."""

    def __init__(self, bench: _Bench, work: Path) -> None:
        self.case, self.old, self.new, self.work = bench.case, bench.old, bench.new, work
        self.folder = bench.folder
