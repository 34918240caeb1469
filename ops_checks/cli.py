"""The command line: arguments in, one call, text out. Only here is printed, and clock and environment are read."""

from __future__ import annotations

import io
import os
import sys
import time

from ops_checks import __version__
from ops_checks.errors import OpsError
from ops_checks.text import visible, without_commands

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any, TextIO

    from ops_checks.commands import Call
    from ops_checks.progress import Bar

_FAILED = 3
_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (FORMATS section 7). `argv` defaults to the process's arguments."""
    try:
        code, results, remarks = _run(sys.argv[1:] if argv is None else argv)
    except OpsError as error:
        code, results = error.exit_code, []
        remarks = ["error: " + error.message, *("  " + line for line in error.details)]
    except OSError as error:  # an accident must not exit 1, which says that the queues disagree
        code, results, remarks = _FAILED, [], [f"error: {_what_failed(error)}: check the disk, then run it again"]
    except KeyboardInterrupt:
        code, results, remarks = _INTERRUPTED, [], ["error: interrupted"]
    try:
        written = _write(sys.stdout, [line if type(line) is not str else _safe(line) + "\n" for line in results])
        _write(sys.stderr, [_safe(line) + "\n" for line in remarks])
    except KeyboardInterrupt:  # while a slow reader kept us waiting: it has had all it will get
        _give_up(sys.stdout)
        _write(sys.stderr, ["error: interrupted\n"])
        return _INTERRUPTED
    return code if written else _FAILED


def _run(argv: Sequence[str]) -> tuple[int, list[str], list[str]]:
    """Return exit code, results and remarks of a command."""
    from ops_checks.commands import Call
    from ops_checks.fast_lane import plain_arguments

    try:
        args: Any = plain_arguments(argv) or _arguments(argv)
    except SystemExit as stop:  # --help and --version have printed what they are for
        return int(stop.code or 0), [], []
    bar = _bar()
    call = Call(args, os.environ, time.time(), terminal=sys.stdout is not None and sys.stdout.isatty(), progress=bar)
    try:
        code, lines = _command(args.command)(call)
        return code, list(lines), call.remarks
    finally:
        if bar:
            bar.close()


def _bar() -> Bar | None:
    """Return what shows how far a long reading is; nothing does where stderr is no terminal."""
    if sys.stderr is None or not sys.stderr.isatty():
        return None
    from ops_checks.progress import Bar

    return Bar(sys.stderr, time.monotonic)


def _arguments(argv: Sequence[str]) -> Namespace:
    from ops_checks.arguments import parse

    return parse(argv, __version__)


def _command(name: str) -> Callable[[Call], tuple[int, Iterable[str]]]:
    """Return what carries a command out; only its own module is imported."""
    if name in {"status", "workers", "cancel", "replan", "retry"}:
        from ops_checks.commands import operator

        return {"status": operator.status, "workers": operator.workers}.get(name, operator.mutate)
    if name in {"consistency-check", "kpi", "check", "report"}:
        from ops_checks.commands import checks

        by_name = {"consistency-check": checks.consistency_check, "kpi": checks.kpi, "check": checks.check}
        return by_name.get(name, checks.report)
    from ops_checks.commands import project

    return {"init": project.init, "schema": project.schema, "policy": project.policy}[name]


def _what_failed(error: OSError) -> str:
    """Name a failure that no part of the program expected, and the file where there is one."""
    reason = error.strerror or type(error).__name__
    return f"{visible(os.fsdecode(error.filename))}: {reason}" if isinstance(error.filename, str | bytes) else reason


def _safe(line: str) -> str:
    """Return a line that is safe for a terminal and for a CI system's log."""
    shown = visible(line)
    return without_commands(shown) if os.environ.get("GITHUB_ACTIONS") else shown


def _write(stream: TextIO | None, lines: list[str]) -> bool:
    """Write lines and tell whether they arrived. A reader that has gone is no failure (`| head -1`); a full disk is."""
    if stream is None:  # the descriptor was closed before we started
        return not lines
    try:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
        stream.write("".join(lines))
        stream.flush()
    except BrokenPipeError:
        _give_up(stream)
    except OSError as error:
        _give_up(stream)
        if stream is not sys.stderr:
            _write(sys.stderr, [f"error: the results cannot be written ({error.strerror}): check the disk\n"])
        return False
    return True


def _give_up(stream: TextIO | None) -> None:
    """Lead the stream's descriptor to nowhere, or the interpreter complains when it flushes at exit."""
    if stream is None:
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
