"""Inputs at the far end: lines of 2 GB, a JSON value 100,000 deep, cells of 5 MB; and times at 1 and 8 MB."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ops_checks.findings import Verdict
from ops_checks.formats import FORMATS
from ops_checks.policy.yaml_reader import read as read_yaml
from ops_checks.report.parse import parse_report
from ops_checks.runlog.filter import RunFilter
from ops_checks.runlog.part_reader import read_blocks
from ops_checks.sanitize import visible
from ops_checks.stores.markdown.table import Table, edit_row, parse_row
from tests.campaigns.operation import Operation, ended, log, markdown
from tests.report_samples import MISMATCH, report, rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_DEEP = 100_000
_PATHS = ["--queue-path", "QUEUE.md", "--db-path", "queue.db", "--log-path", "runs.jsonl"]
_CHECK = ["check", "-f", "json", *_PATHS]
#: Kilobytes that the largest part of a command may take: a few times the longest line that is held.
_MOST_KB = 400_000
_MOST_S = 300


def _sparse(name: str, head: bytes = b"", tail: bytes = b"\n") -> Callable[[int], None]:
    """Return what makes a file whose middle is a hole of so many bytes: it reads as NUL bytes without a line break."""

    def make(big: int) -> None:
        with open(name, "wb") as file:
            file.write(head)
            file.seek(big, os.SEEK_CUR)
            file.write(tail)

    return make


def _bomb(big: int) -> None:
    with gzip.open("runs.jsonl", "wb", compresslevel=1) as file:
        for _ in range(big >> 20):
            file.write(bytes(1 << 20))
        file.write(b"\n")


def _put(name: str, data: bytes) -> Callable[[int], None]:
    return lambda _big: Path(name).write_bytes(data) and None


def _long_cells(_big: int) -> None:
    Path("queue.db").unlink()
    operation = Operation()
    operation.both("ORCH-102", "task", "a|`\\\\" * (5 << 18))
    operation.lay_down(Path())


_DEEP_JSON = b'{"event": ' + b"[" * _DEEP + b"]" * _DEEP + b"}\n"

#: What is made, the command, the exit code that it must end in.
EXTREMES: dict[str, tuple[Callable[[int], None], list[str], int]] = {
    "a long line in the log": (_sparse("runs.jsonl"), _CHECK, 3),
    "a long torn line in the log": (_sparse("runs.jsonl", tail=b""), _CHECK, 2),
    "a log that unpacks to a long line": (_bomb, _CHECK, 3),
    "a long line in the queue": (_sparse("QUEUE.md", b"# Queue\n\n"), _CHECK, 3),
    "a long line in a table": (_sparse("QUEUE.md", markdown([])[:-14] + b"\n| "), _CHECK, 3),
    "a long policy": (_sparse("ops-checks.yaml", b"queue: "), _CHECK, 4),
    "a long report": (_sparse("report.json", b'{"'), ["report", "report.json"], 3),
    "a long database": (_sparse("queue.db", b"SQLite format 3\0"), _CHECK, 3),
    "a deep value in the log": (_put("runs.jsonl", _DEEP_JSON), _CHECK, 3),
    "escaped quotes without end in the log": (_put("runs.jsonl", b'"\\' * (4 << 20) + b"\n"), _CHECK, 3),
    "a deep report": (_put("report.json", _DEEP_JSON), ["report", "report.json"], 3),
    "a deep policy": (_put("ops-checks.yaml", b"queue: " + b"[" * _DEEP + b"]" * _DEEP), _CHECK, 4),
    "a policy of deep blocks": (_put("ops-checks.yaml", b"- " * _DEEP + b"x"), _CHECK, 4),
    "a policy of mappings in mappings": (_put("ops-checks.yaml", b"{a: " * _DEEP), _CHECK, 4),
    "deep quotes in the queue": (_put("QUEUE.md", b"> " * _DEEP + b"x\n\n" + markdown(Operation().md)), _CHECK, 0),
    "deep lists in the queue": (_put("QUEUE.md", b"- " * _DEEP + b"x\n\n" + markdown(Operation().md)), _CHECK, 0),
    "cells of 5 MB": (_long_cells, _CHECK, 0),
    "cells of 5 MB, shown": (_long_cells, ["--queue", "QUEUE.md", "workers"], 0),
    "cells of 5 MB, changed": (_long_cells, ["--queue", "QUEUE.md", "cancel", "--id", "ORCH-102"], 0),
}


def problems(big: int, names: tuple[str, ...] = tuple(EXTREMES)) -> Iterator[str]:
    """Run commands on inputs of so many bytes, each in a process of its own; yield what did not end well."""
    for name in names:
        make, argv, expected = EXTREMES[name]
        with tempfile.TemporaryDirectory(prefix="extremes-") as folder:
            here = os.getcwd()
            os.chdir(folder)
            try:
                Operation().lay_down(Path(folder))
                make(big)
                code, memory_kb, told = _measured(argv)
            finally:
                os.chdir(here)
        if code != expected or "Traceback" in told:
            yield f"{name}: exit code {code}, expected {expected}: {told:.300}"
        if memory_kb > _MOST_KB:
            yield f"{name}: {memory_kb >> 10} MB of memory"


#: The command, at a known time; at its end it notes the most memory it had. (What the system tells the parent
#: of a child counts the parent's own memory, which the child is born with.)
_PROGRAM = """
import sys, time
sys.path.insert(0, sys.argv.pop(1))
time.time = lambda: 1767236400.0
from ops_checks.cli import main
code = main()
lines = open("/proc/self/status").read().splitlines()
open("memory", "w").write(next(line.split()[1] for line in lines if line.startswith("VmHWM")))
sys.exit(code)
"""


def _measured(argv: list[str]) -> tuple[int, int, str]:
    """Run a command; return its exit code, the most memory it took in kilobytes, and what it said on stderr."""
    root = str(Path(__file__).parent.parent.parent)
    with open("stderr", "w+b") as told:
        command = [sys.executable, "-c", _PROGRAM, root, *argv]
        try:
            code = subprocess.run(
                command, stdout=subprocess.DEVNULL, stderr=told, timeout=_MOST_S, check=False
            ).returncode
        except subprocess.TimeoutExpired:
            return -1, 0, f"more than {_MOST_S} s"
        told.seek(0)
        memory = Path("memory")
        used = int(memory.read_text()) if memory.exists() else 0
        return code, used, told.read(4000).decode("utf-8", "replace")


def _rows(cell: str, count: int) -> str:
    """Return a queue of rows that have a cell."""
    rows = [[f"A-{number}", "DONE", "P0", "t", "s", "-", "-", "-", ""] for number in range(count)]
    return markdown(rows).decode().replace("| t |", f"| {cell} |")


def _edited(cell: str) -> object:
    line = f"| A-1 | DONE | P0 | {cell} | s | - | - | - | |"
    return parse_row(edit_row(line, [("notes", cell)]))


def _log_of(data: bytes) -> object:
    parts = iter((data, b""))
    return read_blocks("x", lambda: next(parts), RunFilter())


def _report_of(text: str) -> str:
    return FORMATS["json"].render(report(rule("field-mismatch", Verdict.FAIL, *[MISMATCH] * 3, message=text)))


_ONE = 1 << 20
_RUNS = log(ended(1, "done", 1))

#: What takes so many bytes, doing one thing with them.
TIMED: dict[str, Callable[[int], Callable[[], object]]] = {
    "a document of rows": lambda size: _doing(lambda text: list(Table().items([text])), _rows("t", size // 40)),
    "a cell of pipes": lambda size: _doing(_edited, "\\|" * (size // 2)),
    "a cell of backslashes": lambda size: _doing(_edited, "\\" * size + "x"),
    "a row of pipes": lambda size: _doing(lambda text: list(Table().items([text])), _rows("|" * size, 1)),
    "lines of prose": lambda size: _doing(lambda text: list(Table().rows([text])), "- a | b\n> `c`\n" * (size // 14)),
    "a line of quotes": lambda size: _doing(lambda text: list(Table().rows([text])), "> " * (size // 2) + "\n"),
    "a line of tags": lambda size: _doing(lambda text: list(Table().rows([text])), "<a " * (size // 3) + "\n"),
    "a line of spaces": lambda size: _doing(lambda text: list(Table().rows([text])), "*" + " " * size + "x\n"),
    "a log of runs": lambda size: _doing(_log_of, _RUNS * (size // len(_RUNS))),
    "a log of broken lines": lambda size: _doing(_log_of, b'{"a\n' * (size // 4)),
    "a log of starts": lambda size: _doing(
        _log_of, b"".join(log(ended(number, "done", 1)[:1]) for number in range(size // 110))
    ),
    "a line of quotes in the log": lambda size: _doing(_log_of, b'"\\' * (size // 2) + b"1" * 5000 + b"\n"),
    "a line of digits in the log": lambda size: _doing(_log_of, b"1" * size + b"\n"),
    "a saved report": lambda size: _doing(lambda text: parse_report(text, "x"), _report_of("y" * size)),
    "a policy that is no YAML": lambda size: _doing(read_yaml, "'" + "a " * (size // 16)),
    "text with controls": lambda size: _doing(visible, "a\x1b" * (size // 2)),
    **{
        f"the format {name}": lambda size, one=one: _doing(
            one.render, report(rule("field-mismatch", Verdict.FAIL, MISMATCH, message="`a|<&" * (size // 5)))
        )
        for name, one in FORMATS.items()
    },
}


def _doing(what: Callable[..., object], data: object) -> Callable[[], object]:
    return lambda: what(data)


#: Eight times the bytes may take so many times as long: linear is 8, quadratic 64.
_MOST_RATIO = 30
_LEAST_S = 0.002


def slow() -> Iterator[str]:
    """Compare times at 1 and 8 MB, the best of three each, taken in turns; yield what grows faster than its input."""
    for name, make in TIMED.items():
        small, large = make(_ONE), make(8 * _ONE)
        pairs = [(_seconds(small), _seconds(large)) for _ in range(3)]
        best_small, best_large = (min(times) for times in zip(*pairs, strict=True))
        ratio = best_large / max(best_small, _LEAST_S)
        if ratio > _MOST_RATIO:
            yield f"{name}: 8 MB takes {ratio:.0f} times as long as 1 MB ({best_large:.2f} s)"


def _seconds(what: Callable[[], object]) -> float:
    start = time.perf_counter()
    what()
    return time.perf_counter() - start
