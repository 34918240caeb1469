"""Append the gate's runs to a history, and drop those from it that are older than a policy keeps."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, NamedTuple

from ops_checks.errors import OpsError, UsageError
from ops_checks.files.append_line import HEAD_BYTES, append_line, must_be_appendable
from ops_checks.files.atomic_write import replace_file
from ops_checks.files.output_guard import Output, OutputGuard
from ops_checks.policy.search import in_policy
from ops_checks.report.gate_run import run_of
from ops_checks.report.history_line import history_line, is_history, read_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ops_checks.context import Context
    from ops_checks.report.model import Report

_NOUN = "history"
#: A file is written anew when a tenth of what it keeps can be dropped: not at every run.
_SLACK = 1.1


class RunHistory(NamedTuple):
    """A history that runs are appended to: its file, what names it, and after how many seconds a run may go."""

    path: str
    option: str
    keep_s: int | None = None


def history_of(context: Context, named: str | None, option: str = "--history") -> RunHistory | None:
    """Return the history that an option names, or else the policy; None if neither does."""
    policy = context.policy
    path = in_policy(policy, policy.history.file)
    if named is not None:
        return RunHistory(named, option, policy.history.keep_s)
    return None if path is None else RunHistory(path, "history.file", policy.history.keep_s)


def must_be_writable(history: RunHistory, inputs: Callable[[], Iterable[str]]) -> None:
    """Raise UsageError for a history that is an input, or where something else stands. Before the gate runs."""
    OutputGuard(inputs, [Output(history.option, history.path)]).check()
    try:
        must_be_appendable(history.path, _NOUN, is_history)
    except UsageError as error:
        raise UsageError(f"{history.option}: {error.message}") from error


def record_run(report: Report, history: RunHistory, inputs: Callable[[], Iterable[str]], *, wait_s: float) -> list[str]:
    """Append a run to its history, and return remarks: on older runs that could not be dropped.

    Waits `wait_s` seconds for other writers. Raises WriteError for what could not be written, UsageError for a file
    that became something else since it was looked at.
    """
    must_be_writable(history, inputs)
    remarks: list[str] = []

    def drop(fd: int) -> None:
        try:
            _drop_old(fd, history, report.created_ms)
        except OpsError as error:
            remarks.append(f"runs older than history.keep are still there: {error.message}")

    line = history_line(run_of(report))
    append_line(history.path, line, _NOUN, is_history, until=time.monotonic() + wait_s, then=drop)
    return remarks


def _drop_old(fd: int, history: RunHistory, now_ms: int) -> None:
    """Write a history anew without the runs that are too old, where enough of them are; whoever calls has locked it.

    What is no run that can be read stays: nobody can tell how old it is. Raises WriteError.
    """
    if history.keep_s is None:
        return
    times = map(_time, os.pread(fd, HEAD_BYTES, 0).split(b"\n"))  # in any order: a clock may have been wrong
    oldest_ms = min((at_ms for at_ms in times if at_ms is not None), default=now_ms)
    if oldest_ms >= now_ms - history.keep_s * 1000 * _SLACK:
        return
    since_ms = now_ms - history.keep_s * 1000
    replace_file(history.path, _kept(fd, since_ms), state=os.fstat(fd))


def _kept(fd: int, since_ms: int) -> Iterator[bytes]:
    with os.fdopen(os.dup(fd), "rb") as file:
        file.seek(0)
        for line in file:
            at_ms = _time(line)
            if at_ms is None or at_ms >= since_ms:
                yield line


def _time(line: bytes) -> int | None:
    """Return when a run was, None for a line that is none."""
    _, run = read_line(line.rstrip(b"\n"))
    return run.at_ms if run else None
