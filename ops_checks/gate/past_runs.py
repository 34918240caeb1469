"""Read past gate runs: from histories, and from reports that were kept in their place."""

from __future__ import annotations

import os
import stat
from collections import Counter, defaultdict
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from ops_checks.errors import InputError
from ops_checks.files.append_line import HEAD_BYTES
from ops_checks.files.contents import explain
from ops_checks.files.safe_open import FileKind, not_read, open_regular
from ops_checks.presentation.wording import plural
from ops_checks.report.gate_run import run_of
from ops_checks.report.history_line import FOREIGN, NEWER, RUN, TORN, is_history, read_line
from ops_checks.report.saved import read_report
from ops_checks.sanitize import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ops_checks.report.gate_run import GateRun

HISTORY = FileKind("history", "name a file of `check --history FILE`, or reports of `-f json`")
#: The longest line that is read; ours are a few kilobytes.
MOST_LINE = 1 << 20
#: What files in a folder are looked at by their names; the others are no runs.
_NAMES = (".json", ".jsonl")
#: So many lines, or files, are located.
_LOCATED = 5
_WHAT = {
    TORN: "cut off: its writer was killed, or the disk was full",
    NEWER: "of another version: the ops-checks that wrote it reads it",
    FOREIGN: "no run: something else wrote it",
}


class PastRun(Struct, frozen=True):
    """A run, the file that it was read from, and the line, None for a report."""

    run: GateRun
    path: str
    line: int | None = None


class PastRuns(NamedTuple):
    """Runs, the newest last, and remarks on all that was read and is none of them."""

    runs: tuple[PastRun, ...]
    remarks: tuple[str, ...]


def read_past(paths: Sequence[str], *, since_s: float | None = None, until_s: float | None = None) -> PastRuns:
    """Return the runs in histories, reports, and folders of either, that were from `since_s` on and before `until_s`.

    Times are epoch seconds, None for no bound. A run that stands in several files is one. A line that is none is
    counted and located in a remark, and so is a file of a folder. Raises InputError for a path that cannot be read, or
    that is something else.
    """
    remarks: list[str] = []
    found = [each for path in paths for each in _read(path, remarks)]
    chosen = [each for each in found if _lies_within(each.run, since_s, until_s)]
    chosen.sort(key=lambda each: each.run.at_ms)  # as they were: those of one moment stay in the order of reading
    once = _once(chosen)
    if len(once) < len(chosen):
        twice = plural(len(chosen) - len(once), "run stands", "runs stand")
        remarks.append(f"{twice} in several files: counted once")
    return PastRuns(tuple(once), tuple(remarks))


def _read(path: str, remarks: list[str]) -> Iterator[PastRun]:
    """Yield the runs of a file or a folder in their order."""
    try:
        is_folder = stat.S_ISDIR(os.stat(path).st_mode)
    except (OSError, ValueError):  # the file's own reader tells
        is_folder = False
    yield from _of_folder(path, remarks) if is_folder else _of_file(path, remarks)


def _of_folder(folder: str, remarks: list[str]) -> Iterator[PastRun]:
    """Yield the runs of the files in a folder and below it that are named as histories or reports are."""
    others = []
    for path in _files(folder):
        try:
            yield from _of_file(path, remarks)
        except InputError as error:
            others.append(error.message)
    if others:
        more = f" (and {plural(len(others) - 1, 'more file', 'more files')})" if len(others) > 1 else ""
        remarks.append(f"left out: {others[0]}{more}")


def _files(folder: str) -> list[str]:
    def fail(error: OSError) -> None:
        raise InputError(f"{visible(error.filename)}: cannot be listed ({error.strerror}): check its permissions")

    found = os.walk(folder, onerror=fail)
    return sorted(os.path.join(top, name) for top, _, names in found for name in names if name.endswith(_NAMES))


def _of_file(path: str, remarks: list[str]) -> Iterator[PastRun]:
    """Yield the runs of a history, or the one of a report. Raises InputError for what is neither."""
    fd, _ = open_regular(path, HISTORY)
    try:
        with os.fdopen(fd, "rb") as file:
            head = file.read(HEAD_BYTES)
            if is_history(head):
                file.seek(0)
                yield from _of_lines(path, _lines(file), remarks)
                return
    except OSError as error:
        raise not_read(path, error) from error
    if not head.lstrip().startswith((b"{", b"\xef\xbb\xbf{")):
        raise InputError(f"{visible(path)}: {explain(head, HISTORY) or 'is neither a history nor a report'}")
    yield PastRun(run_of(read_report(path)), path)


def _lines(file: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines of an open file; of one that is too long, its beginning."""
    read = file.readline  # type: ignore[attr-defined] # a file
    while line := read(MOST_LINE):
        yield line
        while len(line) == MOST_LINE and not line.endswith(b"\n"):
            line = read(MOST_LINE)


def _of_lines(path: str, lines: Iterable[bytes], remarks: list[str]) -> Iterator[PastRun]:
    others: dict[str, list[int]] = defaultdict(list)
    for number, line in enumerate(lines, 1):
        text = line.strip()
        what, run = read_line(text) if text else (RUN, None)  # an empty line is nothing
        if run is not None:
            yield PastRun(run, path, number)
        elif what != RUN:
            others[what].append(number)
    remarks += [f"{visible(path)}: {_located(others[what])} {why}" for what, why in _WHAT.items() if others[what]]


def _located(numbers: Sequence[int]) -> str:
    where = ", ".join(map(str, numbers[:_LOCATED])) + (", …" if len(numbers) > _LOCATED else "")
    return f"{plural(len(numbers), 'line', 'lines')} left out (line {where}),"


def _lies_within(run: GateRun, since_s: float | None, until_s: float | None) -> bool:
    at_s = run.at_ms / 1000
    return (since_s is None or at_s >= since_s) and (until_s is None or at_s < until_s)


def _once(runs: Iterable[PastRun]) -> list[PastRun]:
    """Return runs without those that another file has too; equal ones of one file are that many."""
    times: Counter[tuple[object, ...]] = Counter()
    found: dict[tuple[object, ...], PastRun] = {}
    for each in runs:
        identity = _identity(each.run)
        times[each.path, identity] += 1
        found.setdefault((identity, times[each.path, identity]), each)
    return list(found.values())


_said = attrgetter("id", "verdict", "counts_as")


def _identity(run: GateRun) -> tuple[object, ...]:
    """Return what is equal for the line of a run and its report."""
    return (run.at_ms, run.policy, run.verdict, run.exit_code, *map(_said, run.rules))
