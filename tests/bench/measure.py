"""Contenders run one after the other, round by round, each as a process of its own: wall time and peak memory."""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

#: How often the memory of a running contender is looked at, in seconds.
_LOOK_S = 0.002
_HIGH_WATER = re.compile(rb"VmHWM:\s+(\d+) kB")
_NEVER_MIND = (FileNotFoundError, ProcessLookupError)


@dataclass(frozen=True)
class Contender:
    """One way to do a work: a command, what has to be done before each run of it, and what it answered.

    `answer` makes one text of what the command printed; all contenders of a work must come to the
    same. `once`: so slow that one run has to do. `folder` is where it runs, by default that of the benchmark.
    """

    name: str
    command: tuple[str, ...]
    answer: Callable[[str], str] = str.strip
    before: Callable[[], object] | None = None
    exits: tuple[int, ...] = (0,)
    once: bool = False
    folder: Path | None = None


@dataclass
class Measured:
    """What was measured of one contender: seconds and processor time of each run, peak memory in MB, its answers.

    Processor time and memory are those of all its processes together.
    """

    times: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    peak_mb: float | None = None
    answers: list[str] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """The median of the runs."""
        return median(self.times)


def ratio(ours: Measured, theirs: Measured) -> float:
    """Return the median of the ratios round by round, which a slow minute of the machine does not move."""
    if len(ours.times) != len(theirs.times):
        return ours.seconds / theirs.seconds
    return median(one / other for one, other in zip(ours.times, theirs.times, strict=True))


def cpu_ratio(ours: Measured, theirs: Measured) -> float:
    """Return the median of the ratios of processor time, round by round."""
    return median(one / other for one, other in zip(ours.cpu, theirs.cpu, strict=True))


def added_ms(ours: Measured, theirs: Measured) -> float:
    """Return the median of the differences round by round, in milliseconds."""
    return 1000 * median(one - other for one, other in zip(ours.times, theirs.times, strict=True))


class Broken(Exception):  # noqa: N818 - it ends the benchmark, and says so
    """A contender did not run."""


def environ(folder: Path) -> dict[str, str]:
    """Return the environment that contenders run in: `folder` is their home, and nobody's settings are theirs."""
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
    return kept | {"LANG": "C.UTF-8", "HOME": str(folder)}


class Bench:
    """Runs contenders in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._environ = environ(folder)

    def measure(self, contenders: tuple[Contender, ...], rounds: int, *, memory: bool) -> dict[str, Measured]:
        """Run each contender once a round, in turn, after one round that only warms up; then once more for its memory.

        What was read stays in the system's cache for all of them. Raises Broken.
        """
        found = {contender.name: Measured() for contender in contenders}
        for number in range(-1, rounds):
            # Every other round the other way round, so that none always runs after the same one.
            for contender in contenders if number % 2 == 0 else reversed(contenders):
                measured = found[contender.name]
                if contender.once and (number < 0 or measured.times):
                    continue
                seconds, cpu, _ = self._run(contender, measured)
                if number >= 0:
                    measured.times.append(seconds)
                    measured.cpu.append(cpu)
        for contender in contenders if memory else ():
            measured = found[contender.name]
            *_, measured.peak_mb = self._run(contender, measured, watch=True)
        return found

    def _run(self, contender: Contender, measured: Measured, *, watch: bool = False) -> tuple[float, float, float]:
        """Run a contender and keep its answer; return its seconds, its processor time, and its peak memory in MB."""
        if contender.before:
            contender.before()
        out, err = self.folder / "stdout", self.folder / "stderr"
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        actions = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)]
        actions += [(os.POSIX_SPAWN_OPEN, fd, str(path), flags, 0o600) for fd, path in ((1, out), (2, err))]
        os.chdir(contender.folder or self.folder)
        started = time.perf_counter()
        pid = os.posix_spawn(contender.command[0], contender.command, self._environ, file_actions=actions)
        peak_kb = _watch(pid) if watch else 0
        _, status, usage = os.wait4(pid, 0)
        seconds = time.perf_counter() - started
        code = os.waitstatus_to_exitcode(status)
        if code not in contender.exits:
            told = err.read_text(encoding="utf-8", errors="replace")[-2000:]
            raise Broken(f"{contender.name}: exit code {code}: {' '.join(contender.command)}\n{told}")
        measured.answers.append(contender.answer(out.read_text(encoding="utf-8")))
        return seconds, usage.ru_utime + usage.ru_stime, (peak_kb or usage.ru_maxrss) / 1024


def _watch(pid: int) -> int:
    """Return the most memory that a process and all below it took together, in kB, once it has ended.

    Each process counts with the most it took so far, so that no peak falls between two looks.
    What it takes in its last two milliseconds is missed. Pages that processes share count in each
    of them: the sum is rather too large than too small.
    """
    peak = 0
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        peak = max(peak, sum(map(_high_water_kb, _family(pid))))
        time.sleep(_LOOK_S)
    return peak


def _family(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        try:
            for thread in os.listdir(f"/proc/{parent}/task"):
                children = Path(f"/proc/{parent}/task/{thread}/children").read_text(encoding="ascii")
                found.extend(map(int, children.split()))
        except _NEVER_MIND:
            continue
    return found


def _high_water_kb(pid: int) -> int:
    try:
        found = _HIGH_WATER.search(Path(f"/proc/{pid}/status").read_bytes())
    except _NEVER_MIND:
        return 0
    return int(found[1]) if found else 0
