"""Fuzz: whatever bytes come in, there is an answer or a readable error: no traceback, no hang, no write, no flood.

`size` is how many inputs each target of `fuzz_targets` gets: bytes mutated from its seeds and, where atheris
is installed (it is in no requirements: `pip install atheris`), as many again guided by coverage. A run that is
longer than the small one goes on to inputs of 2 GB and to times at 1 and 8 MB.
"""

from __future__ import annotations

import importlib.util
import os
import random
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.campaigns import extremes
from tests.campaigns.common import Tally
from tests.campaigns.fuzz_seeds import TOKENS, seeds
from tests.campaigns.fuzz_targets import TARGETS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.campaigns.common import Outcome

SMALL = 300
LONG = 20_000

#: No input of a few thousand bytes may take so long, whatever else the machine does.
_HANG_S = 20
_ROOT = Path(__file__).parent.parent.parent
_LONGEST = 1 << 16
_SHOWN = 400


def run(size: int, report: Callable[[str], None]) -> Outcome:
    """Give every target `size` inputs; `mutated` and `guided` count them, `extremes` and `ratios` the long run's."""
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="fuzz-", dir=_quick_folder()) as name:
        for target in TARGETS:
            tally.failures += [f"{target}: {find}" for find in mutated(target, size, Path(name))]
            tally.count("mutated", size)
            report(f"{target}: {size} mutated inputs, {len(tally.failures)} failures")
    if size > SMALL:
        _long_run(size, tally, report)
    return tally.outcome({"mutated": size * len(TARGETS)})


def _long_run(size: int, tally: Tally, report: Callable[[str], None]) -> None:
    if importlib.util.find_spec("atheris"):
        for target in TARGETS:
            tally.failures += guided(target, size)
            tally.count("guided", size)
            report(f"{target}: {size} guided inputs, {len(tally.failures)} failures")
    tally.failures += extremes.problems(2 << 30)
    tally.count("extremes", len(extremes.EXTREMES))
    report(f"inputs up to 2 GB: {len(tally.failures)} failures")
    tally.failures += extremes.slow()
    tally.count("ratios", len(extremes.TIMED))


def mutated(target: str, size: int, folder: Path, seed: int = 0) -> Iterator[str]:
    """Give a target its seeds and `size` mutations of them; yield what was found, with the input."""
    chance = random.Random(f"{target} {seed}")
    start = seeds(target)
    for number in range(len(start) + size):
        data = start[number] if number < len(start) else mutation(chance, start, TOKENS[target])
        found = attempt(target, data, folder)
        if found:
            yield f"{found}; seed {data[:_SHOWN]!r}{'…' if len(data) > _SHOWN else ''}"


def attempt(target: str, data: bytes, folder: Path) -> str | None:
    """Give a target one input; return what is wrong, or None."""
    try:
        with _within(_HANG_S):
            TARGETS[target](data, folder)
    except Exception as error:  # noqa: BLE001 - whatever gets out of a reader is a find
        return f"{type(error).__name__}: {error!s:.300}"
    return None


@contextmanager
def _within(seconds: int) -> Iterator[None]:
    def stop(_signal: int, _frame: object) -> None:
        raise TimeoutError(f"more than {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def mutation(chance: random.Random, start: tuple[bytes, ...], tokens: tuple[bytes, ...]) -> bytes:
    """Return one of the seeds with a few changes: bytes flipped, cut out, doubled, joined, tokens put in."""
    data = bytearray(chance.choice(start))
    for _ in range(chance.choice((1, 1, 2, 3, 8))):
        at = chance.randrange(len(data) + 1)
        to = min(len(data), at + chance.choice((1, 1, 2, 4, 16, 256)))
        match chance.randrange(7):
            case 0:
                data[at:to] = chance.randbytes(to - at)
            case 1:
                del data[at:to]
            case 2:
                data[at:at] = data[at:to] * chance.choice((1, 2, 50))
            case 3 | 4:
                data[at:at] = chance.choice(tokens)
            case 5:
                data[at:to] = chance.choice(tokens)
            case _:
                other = chance.choice(start)
                cut = chance.randrange(len(other) + 1)
                data[at:] = other[cut:]
    return bytes(data[:_LONGEST])


def guided(target: str, size: int) -> list[str]:
    """Let atheris look for inputs of a target, in a process of its own; return what it found."""
    with tempfile.TemporaryDirectory(prefix="fuzz-", dir=_quick_folder()) as name:
        corpus = Path(name, "corpus")
        corpus.mkdir()
        for number, data in enumerate(seeds(target)):
            corpus.joinpath(str(number)).write_bytes(data)
        options = [
            f"-runs={size}",
            f"-max_len={_LONGEST}",
            f"-timeout={_HANG_S}",
            "-rss_limit_mb=2048",
            "-seed=1",
            f"-artifact_prefix={name}/",
        ]
        command = [sys.executable, "-m", "tests.campaigns.fuzz_guided", target, str(corpus), *options]
        environ = {**os.environ, "FUZZ_FOLDER": name}
        done = subprocess.run(
            command, cwd=_ROOT, env=environ, capture_output=True, text=True, errors="replace", check=False
        )
        kept = [path for pattern in ("crash-*", "timeout-*", "oom-*") for path in Path(name).glob(pattern)]
        if done.returncode == 0 and not kept:
            return []
        last = next((line for line in done.stderr.splitlines() if "Error" in line or "ERROR" in line), "")
        finds = [path.read_bytes() for path in kept] or [b""]
        return [f"{target}, guided: exit {done.returncode}: {last:.300}; seed {data[:_SHOWN]!r}" for data in finds]


def _quick_folder() -> str | None:
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
