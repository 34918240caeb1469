"""Scanner: the native scanner says of every line what the Python decoder says, and reads no byte beyond its buffer.

`size` is how many lines it is given: generated ones and mutations of them, in buffers that end where the lines do. It
is compiled for this with the address and the undefined-behaviour sanitizer, and works in processes of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.campaigns.common import Tally

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.campaigns.common import Outcome

SMALL = 6_000
LONG = 15_000_000

_ROOT = Path(__file__).parents[2]
_FLAGS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g", "-O1")
#: Lines that one process is given.
_AT_ONCE = 100_000
_SHOWN = 2_000


def run(size: int, report: Callable[[str], None], seed: int = 0) -> Outcome:
    """Give the scanner `size` lines; `taken` counts those that it took, `left` those that were the decoder's."""
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="scanner-") as name:
        built = Path(name, "_scanner.abi3.so")
        why = compile_with_sanitizers(built)
        if why:
            report(f"not run: the scanner cannot be compiled with sanitizers here: {why}")
            return tally.outcome({"taken": 1})
        while tally.figures["lines"] < size and not tally.failures:
            batch = min(_AT_ONCE, size - tally.figures["lines"])
            _batch(built, batch, seed, tally)
            report(f"seed {seed}: {tally.figures['lines']} lines, {len(tally.failures)} failures")
            seed += 1
    return tally.outcome({"lines": size, "taken": max(1, size // 4), "left": size // 20})


def compile_with_sanitizers(target: Path) -> str | None:
    """Compile the scanner; return why that cannot be done."""
    sys.path.insert(0, str(_ROOT / "ci"))
    try:
        from build_scanner import compile_scanner  # type: ignore[import-not-found]
    finally:
        sys.path.remove(str(_ROOT / "ci"))
    why: str | None = compile_scanner(_ROOT, target, *_FLAGS)
    return why


def _batch(built: Path, lines: int, seed: int, tally: Tally) -> None:
    found = subprocess.run(["cc", "-print-file-name=libasan.so"], capture_output=True, text=True, check=True)
    environ = os.environ | {
        "LD_PRELOAD": found.stdout.strip(),
        "ASAN_OPTIONS": "detect_leaks=0",
        "PYTHONMALLOC": "malloc",  # so that a byte beyond a buffer is nobody's
    }
    command = [sys.executable, "-m", "tests.campaigns.scanner_lines", str(built), str(lines), str(seed)]
    done = subprocess.run(
        command, cwd=_ROOT, env=environ, capture_output=True, text=True, errors="replace", check=False
    )
    if done.returncode:
        tally.failures.append(f"seed {seed}: exit {done.returncode}: {done.stderr[:_SHOWN]}")
        return
    answer = json.loads(done.stdout)
    for what in ("lines", "taken", "left"):
        tally.count(what, answer[what])
    tally.failures += [f"seed {seed}: {failure}" for failure in answer["failures"]]
