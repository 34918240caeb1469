"""Growth: whatever an input holds, time grows no faster than its size, and 10 MB end within 5 s and 512 MB.

`size` is the kilobytes of the largest input by which growth is judged. Every hostile shape (`growth_*.py`) is made of
so many bytes, and of an eighth of them where the time says anything; from 8 MB on of 1, 2, 4, 8 and 10 MB. Every
command runs in a process of its own. What counts is the time that the processor spent on it, which other programs on
the machine change little. What grows too fast is measured again, and at eight times the bytes where that is still
small, before it is called a failure: a few milliseconds of other programs' making are no growth.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
import traceback
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, NamedTuple
from unittest import mock

from ops_checks import cli
from ops_checks.cli import entry
from ops_checks.runlog import line_reader
from tests.campaigns import growth_database, growth_log, growth_markdown, growth_packed, growth_policy, growth_report
from tests.campaigns.common import Tally
from tests.campaigns.growth_shape import CHECK, KPI, put
from tests.campaigns.operation import NOW_S, Operation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import NoReturn

    from tests.campaigns.common import Outcome
    from tests.campaigns.growth_shape import Shape

SMALL = 128
LONG = 8192

SHAPES: dict[str, Shape] = {
    **growth_markdown.SHAPES,
    **growth_database.SHAPES,
    **growth_log.SHAPES,
    **growth_packed.SHAPES,
    **growth_policy.SHAPES,
    **growth_report.SHAPES,
}
#: An input of so many bytes ends in so many seconds of the processor, in so much memory.
MOST_BYTES, MOST_S, MOST_KB = 10 << 20, 5.0, 512 << 10
#: Eight times the bytes may take so many times as long: linear is 8, quadratic 64.
_MOST_RATIO = 24.0
#: Seconds, beyond what the command takes for the healthy operation, below which a time says nothing.
_LEAST_S = 0.003
_TRIES = 3
_SMALL_BYTES = 1 << 20
#: What a packed log may unpack to is less for smaller ones here, or nothing of them would be refused: so much a byte.
_UNPACKED = 64
#: A command that takes so much more is stopped.
_STOPPED_S, _STOPPED_BYTES = 15, 4 << 30
_FOLDER = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
#: Whatever a shape leaves to judge, and however lately it was written.
_POLICY = "consistency: {settle: 0s}\nkpi: {on_insufficient: pass}\n"
#: One command of each kind.
_FIRST = [
    CHECK,
    [*CHECK, "-f", "json=report.json"],
    KPI,
    ["policy", "check"],
    ["--db", "queue.db", "cancel", "--id", "ORCH-103"],
    ["--queue", "QUEUE.md", "cancel", "--id", "ORCH-103"],
    ["--queue", "QUEUE.md", "status"],
    ["--db", "queue.db", "workers"],
]


class Used(NamedTuple):
    """What a command took: seconds of the processor, and kilobytes of memory at most; and how it ended."""

    seconds: float
    kilobytes: int
    code: int
    told: str


def run(size: int, report: Callable[[str], None]) -> Outcome:
    """Judge every shape up to `size` kilobytes; `answers` counts the commands that ran, `shapes` what was judged."""
    tally = Tally()
    preload()
    idle: dict[tuple[str, ...], float] = {}
    for name, shape in SHAPES.items():
        argv = tuple(shape.argv)
        if argv not in idle:
            idle[argv] = min(measured(_healthy(shape), 1).seconds for _ in range(_TRIES))
        taken: dict[int, Used] = {}
        tally.failures += [f"{name}: {problem}" for problem in judge(shape, size << 10, idle[argv], taken)]
        tally.count("shapes")
        tally.count("answers", len(taken))
        slowest = max(taken.values())
        report(f"{name}: {slowest.seconds:.2f} s, {slowest.kilobytes >> 10} MB, {len(tally.failures)} failures")
    return tally.outcome({"shapes": len(SHAPES), "answers": (5 if size >= LONG else 1) * len(SHAPES)})


def _healthy(shape: Shape) -> Shape:
    """Return a shape that changes nothing, but for a report to be shown."""
    return replace(shape, make=lambda _size: put("report.json", b"{}"))


def judge(shape: Shape, size: int, idle_s: float, taken: dict[int, Used]) -> Iterator[str]:
    """Run a shape at sizes up to `size` bytes, keep what each took in `taken`; yield what is wrong with it.

    `idle_s`: seconds of the command without the shape.
    """
    sizes = (size // 8, size // 4, size // 2, size, MOST_BYTES) if size >= LONG << 10 else (size,)
    for part in sizes:
        taken[part] = used = measured(shape, part)
        if used.code not in {shape.code, shape.small_code} or "Traceback" in used.told:
            yield f"exit code {used.code} at {part:,} bytes, expected {shape.code}: {used.told:.300}"
        if used.seconds > MOST_S or used.kilobytes > MOST_KB:
            yield f"{used.seconds:.1f} s and {used.kilobytes >> 10} MB at {part:,} bytes"
            return
    ratios = [_ratio(shape, size, idle_s, taken)]
    while ratios[-1] > _MOST_RATIO and len(ratios) < _TRIES:
        taken |= {part: min(taken[part], measured(shape, part)) for part in (size // 8, size)}
        ratios.append(_ratio(shape, size, idle_s, taken))
    if ratios[-1] > _MOST_RATIO and size * 8 <= MOST_BYTES:
        larger = size * 8
        taken[larger] = measured(shape, larger)
        if taken[larger].code == taken[size].code:  # else it was refused, and its time says nothing about growth
            ratios.append(_ratio(shape, larger, idle_s, taken))
            size = larger
    if ratios[-1] > _MOST_RATIO:
        yield f"8 times the bytes take {ratios[-1]:.0f} times as long ({taken[size].seconds:.2f} s at {size:,} bytes)"


def _ratio(shape: Shape, size: int, idle_s: float, taken: dict[int, Used]) -> float:
    """Return how many times as long as an eighth of the bytes all of them take; 0 where they take no time."""
    large = taken[size].seconds - idle_s
    if large < _MOST_RATIO * _LEAST_S:
        return 0.0
    if size // 8 not in taken:
        taken[size // 8] = measured(shape, size // 8)
    return large / max(taken[size // 8].seconds - idle_s, _LEAST_S)


def measured(shape: Shape, size: int) -> Used:
    """Make a shape of so many bytes in a folder of its own and run its command; return what that took."""
    with tempfile.TemporaryDirectory(prefix="growth-", dir=_FOLDER) as name, chdir(name):
        if size > _SMALL_BYTES:  # the memory that this takes would be what the command is born with
            made = _forked(lambda: _made(shape, size))
            if made.code:
                return made._replace(code=-1)
        else:
            _made(shape, size)
        return _forked(lambda: _ran(shape.argv, size))


def _made(shape: Shape, size: int) -> int:
    """Lay the shape down in the current folder."""
    Operation(policy=_POLICY).lay_down(Path())
    shape.make(max(1, size // shape.share))
    return 0


def _ran(argv: list[str], size: int) -> int:
    """Run a command on an input of so many bytes, at the operation's time."""
    clock = SimpleNamespace(time=lambda: NOW_S, monotonic=time.monotonic)
    unpacked = min(line_reader.MOST_UNPACKED_BYTES, _UNPACKED * size)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("ORCH_")}
    with (
        mock.patch.object(entry, "time", clock),
        mock.patch.object(line_reader, "MOST_UNPACKED_BYTES", unpacked),
        mock.patch.dict(os.environ, environ, clear=True),
    ):
        return cli.main(argv)


def _forked(work: Callable[[], int]) -> Used:
    """Run some work in a child and return what it took. More time than any answer may take ends it."""
    child = os.fork()
    if not child:
        _child(work)
    _, status, usage = os.wait4(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return Used(
        usage.ru_utime + usage.ru_stime, usage.ru_maxrss, code, Path("told").read_text(errors="replace")[-1000:]
    )


def _child(work: Callable[[], int]) -> NoReturn:
    code = 70
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (_STOPPED_S, _STOPPED_S))
        resource.setrlimit(resource.RLIMIT_AS, (_STOPPED_BYTES, _STOPPED_BYTES))
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(os.open("told", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
        code = work()
    except BaseException:  # noqa: BLE001 - it is told, and this process ends here
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def preload() -> None:
    """Import what the commands import, once, so that no child's time is that of an import."""
    with tempfile.TemporaryDirectory(prefix="growth-") as name, chdir(name), open(os.devnull, "w") as nowhere:
        Operation(policy=_POLICY).lay_down(Path())
        with redirect_stdout(nowhere), redirect_stderr(nowhere):
            for argv in [*_FIRST, ["report", "report.json", "-f", "text"]]:
                cli.main(argv)
