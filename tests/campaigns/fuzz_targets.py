"""Where bytes come in: one target for each reader, and the bytes that its fuzzing starts from.

A target takes the bytes and the folder it may write to. It returns when the reader took them, or refused
them with an error that a person can read; anything else that is raised is a find.
"""

from __future__ import annotations

import os
from itertools import chain, islice
from typing import TYPE_CHECKING

from ops_checks.errors import InputError, OpsError, RefusedError, UsageError, WriteError
from ops_checks.formats import FORMATS
from ops_checks.model import FIELDS
from ops_checks.policy.loader import load_policy
from ops_checks.policy.plain_yaml import read_plain
from ops_checks.policy.yaml_reader import read as read_yaml
from ops_checks.report.json_text import json_text
from ops_checks.report.parse import parse_report
from ops_checks.report.serialize import to_json
from ops_checks.runlog.filter import RunFilter
from ops_checks.runlog.reader import read_runs
from ops_checks.stores.markdown.table import Table, edit_row, parse_row
from ops_checks.stores.registry import MARKDOWN, SQLITE
from ops_checks.transitions import Stamp, cancel, replan
from tests.campaigns.operation import NOW_S

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_STAMP = Stamp(actor="fuzz", now_s=NOW_S, tz_minutes=540)
_NOTES = "a | b\\ `|` \u2028 ##[x]"


def table(data: bytes, _folder: Path) -> None:
    """Read any text as a document; edit every row that is one."""
    text = data.decode("utf-8", "replace")
    read = Table()
    for line in chain.from_iterable(lines for _, lines in read.rows([text])):
        item = parse_row(line)
        if item is not None:
            edited = edit_row(line, [("notes", _NOTES), ("status", "DONE"), ("owner_session", "-")])
            expected = item.with_cells([("notes", _NOTES), ("status", "DONE"), ("owner_session", "-")])
            _must("\n" not in edited and parse_row(edited) == expected, f"{line!a} edited: {edited!a}")
    items = list(islice(Table().items([text]), 1000))
    _must(all(len(item) == len(FIELDS) and item.id for _, item in items), "an item that is none")


def queue(data: bytes, folder: Path) -> None:
    """Read any bytes as the Markdown queue, and change an item of it; only one line may differ then."""
    path = folder / "QUEUE.md"
    path.write_bytes(data)
    store = MARKDOWN.open(str(path), lock_timeout_s=1)
    try:
        with store.snapshot() as view:
            ids = [item.id for _, item in view.items()]
            _told(view.remarks())
        _must(path.read_bytes() == data, "reading wrote")
        for item_id in ids[-1:]:
            store.change(item_id, replan(_STAMP, _NOTES))
    except (InputError, RefusedError, WriteError) as error:
        _one_line(error)
        _must(path.read_bytes() == data, "an error, and yet the file was written")
    else:
        after = path.read_bytes()
        pairs = zip(data.split(b"\n"), after.split(b"\n"), strict=True)
        _must(sum(old != new for old, new in pairs) == min(len(ids), 1), "another line changed too")


def run_log(data: bytes, folder: Path) -> None:
    """Read any bytes as a run log, plain or compressed."""
    path = folder / "runs.jsonl"
    path.write_bytes(data)
    try:
        runs = read_runs([str(path)], RunFilter(since_ms=0))
        again = read_runs([str(path)])
    except InputError as error:
        _one_line(error)
        return
    _must(runs.lines == again.lines >= again.malformed, "counts that cannot be")
    _must(again.malformed <= again.lines and again.done + again.failed <= again.runs, "counts that cannot be")
    if not data.startswith((b"\x1f\x8b", b"\x28\xb5\x2f\xfd")):
        _must(again.lines == data.count(b"\n"), f"{again.lines} lines of {data.count(10)}")
    _told([defect.reason for defect in again.defects])


def policy(data: bytes, folder: Path) -> None:
    """Read any bytes as a policy; what is read as plain, that the YAML parser reads alike."""
    path = folder / "ops-checks.yaml"
    path.write_bytes(data)
    try:
        load_policy(str(path))
    except UsageError as error:
        _one_line(error)
    text = data.decode("utf-8", "replace")
    plain = read_plain(text)
    if plain is not None:
        parsed = read_yaml(text)
        same = repr(plain.value) == repr(parsed.value) and plain.offsets == parsed.offsets
        _must(same and not parsed.problems, "read as plain, it is something else")


def report(data: bytes, _folder: Path) -> None:
    """Read any bytes as a saved report; render what is one in every format, and save it again."""
    try:
        found = parse_report(data, "report.json")
    except InputError as error:
        _one_line(error)
        return
    for one in FORMATS.values():
        one.render(found).encode()
    text = json_text(to_json(found))
    _must(to_json(parse_report(text, "again.json")) == to_json(found), "saved again, it is another report")


def database(data: bytes, folder: Path) -> None:
    """Read any bytes as the queue database, and change an item of it."""
    path = folder / "queue.db"
    for name in os.listdir(folder):
        if name.startswith("queue.db"):
            (folder / name).unlink()
    path.write_bytes(data)
    store = SQLITE.open(str(path), lock_timeout_s=0.1)
    try:
        with store.snapshot() as view:
            for number, item in view.items():
                _must(len(item) == len(FIELDS), "an item that is none")
                str(view.place(number, item.id)).encode()
            (view.identity(), view.newest_event(), view.pending_since(), view.retry_count())
    except OpsError as error:
        _one_line(error)
    _must(path.read_bytes() == data, "reading wrote")
    try:
        store.change("ORCH-102", cancel(_STAMP))
    except OpsError as error:
        _one_line(error)


def _must(holds: bool, message: str) -> None:  # noqa: FBT001 - a condition, as in assert
    if not holds:
        raise AssertionError(message)


def _one_line(error: OpsError) -> None:
    _told([error.message, *error.details])
    _must(error.message.isascii() or len(error.message) < 10_000, "an endless message")


def _told(lines: list[str]) -> None:
    """Every line must be one, short enough to read, and UTF-8."""
    for line in lines:
        _must("\n" not in line and "\r" not in line, f"more than a line: {line!a:.200}")
        line.encode("utf-8", "surrogateescape")


TARGETS: dict[str, Callable[[bytes, Path], None]] = {
    "table": table,
    "queue": queue,
    "run_log": run_log,
    "policy": policy,
    "report": report,
    "database": database,
}
