"""Where bytes come in: one target for each reader, and the bytes that its fuzzing starts from.

A target takes the bytes and the folder it may write to. It returns when the reader took them, or refused
them with an error that a person can read; anything else that is raised is a find.
"""

from __future__ import annotations

import gzip
import os
import sqlite3
from contextlib import closing
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from ops_checks.errors import InputError, OpsError, RefusedError, UsageError, WriteError
from ops_checks.formats import FORMATS
from ops_checks.model import FIELDS
from ops_checks.operations import Stamp, cancel, replan
from ops_checks.policy import load_policy
from ops_checks.queues import open_database, open_markdown
from ops_checks.queues.table import Table, edit_row, parse_row
from ops_checks.report.published import json_text, to_json
from ops_checks.report.saved import parse_report
from ops_checks.runlog import read_runs
from tests.campaigns.operation import HEAD, NOW_S, Operation, log, markdown
from tests.report_samples import EVERYTHING, SAMPLES

if TYPE_CHECKING:
    from collections.abc import Callable

SEEDS_FOLDER = Path(__file__).parent.parent / "seeds"
_STAMP = Stamp(actor="fuzz", now_s=NOW_S, tz_minutes=540)
_NOTES = "a | b\\ `|` \u2028 ##[x]"


def table(data: bytes, _folder: Path) -> None:
    """Read any text as a document; edit every row that is one."""
    text = data.decode("utf-8", "replace")
    read = Table()
    for _, line in read.rows([text]):
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
    store = open_markdown(str(path), lock_timeout_s=1)
    try:
        with store.view() as view:
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
        runs = read_runs([str(path)], since_ms=0)
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
    """Read any bytes as a policy."""
    path = folder / "ops-checks.yaml"
    path.write_bytes(data)
    try:
        load_policy(str(path))
    except UsageError as error:
        _one_line(error)


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
    store = open_database(str(path), lock_timeout_s=0.1)
    try:
        with store.view() as view:
            for number, item in view.items():
                _must(len(item) == len(FIELDS), "an item that is none")
                _told([str(view.place(number, item.id))])
            _told([view.identity(), str(view.newest_event()), str(view.pending_since()), str(view.retry_count())])
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

_POLICY = b"""# a policy
queue: QUEUE.md
db: "q.db"
log: [a.jsonl, 'b*.gz']
timezone: +09:00
source_of_truth: db
consistency: {fields: all, severity: {missing-in-db: warning}, ignore_statuses: [DONE]}
kpi:
  window: 24h
  commands: [pick]
  stale_minutes: 60
  on_insufficient: fail
  thresholds:
    failure_rate: 0.1
    latency_p95_ms: {max: 2000, warn_max: 1.5e3, min_samples: 20, severity: warning}
    blocked: off
waivers:
- {rule: field-mismatch, item: A-1, reason: x, owner: k, expires: "2026-12-31"}
"""

#: What a reader knows by name: put into the bytes, it gets fuzzing past the first comparisons.
TOKENS: dict[str, tuple[bytes, ...]] = {
    "table": (
        b"|",
        b"\\|",
        b"\\",
        b"\n",
        b"\r",
        b"```\n",
        b"~~~",
        b"> ",
        b"- ",
        b"1. ",
        b"    ",
        b"\t",
        b"---",
        b":-:",
        b"<!--",
        b"-->",
        b"<div>",
        b"<pre>",
        b"DONE",
        b"P0",
        b"-",
        b"\0",
        "\u2028".encode(),
        b"\xef\xbb\xbf",
        b"|---|---|---|---|---|---|---|---|---|\n",
        HEAD.encode(),
    ),
    "run_log": (
        b"{",
        b"}",
        b"[",
        b'"',
        b"\\",
        b"\n",
        b"\r\n",
        b"null",
        b"true",
        b"-1",
        b"1e999",
        b"NaN",
        b"0.5",
        b'"event"',
        b'"run_end"',
        b'"run_start"',
        b'"exit_code":',
        b'"duration_ms":',
        b'"ts_epoch_ms":',
        b"9" * 400,
        b"\\ud800",
        b"\xff",
        b"\0",
        b"\xef\xbb\xbf",
        b"\x1f\x8b",
        b"[" * 300,
    ),
    "policy": (
        b"{",
        b"}",
        b"[",
        b"]",
        b":",
        b": ",
        b"- ",
        b"#",
        b"&a",
        b"*a",
        b"!",
        b"!!str ",
        b"%YAML 1.2\n",
        b"---\n",
        b"...",
        b"|",
        b">",
        b"'",
        b'"',
        b"\\x",
        b"\\U",
        b"?",
        b"<<: ",
        b".nan",
        b".inf",
        b"0x1",
        b"~",
        b"\n",
        b"\t",
        b"\r",
        b"\0",
        b"2026-13-01",
        b"1e400",
        b"[" * 60,
        b"off",
        b"max",
        b"failure_rate",
    ),
    "report": (
        b"{",
        b"}",
        b"[",
        b"]",
        b'"',
        b",",
        b":",
        b"null",
        b"true",
        b"NaN",
        b"Infinity",
        b"1e400",
        b"-0.0",
        b"1" * 30,
        b"\\ud800",
        b"\\u0000",
        b"\xff",
        b"\xef\xbb\xbf",
        b"[" * 500,
        b'"schema_version": "2.0"',
        b'"pass"',
    ),
    "database": (
        b"\0",
        b"\xff",
        b"\xff\xff\xff\xff",
        b"\0\0\0\1",
        b"CREATE",
        b"TRIGGER",
        b"VIEW",
        b"\x0d",
        b"\x05",
        b"\x81",
    ),
}
TOKENS["queue"] = TOKENS["table"]


@cache
def seeds(name: str) -> tuple[bytes, ...]:
    """Return what the fuzzing of a target starts from: sound inputs, and former finds."""
    folder = SEEDS_FOLDER / name
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    return (*_sound(name), *(path.read_bytes() for path in found))


def _sound(name: str) -> tuple[bytes, ...]:
    operation = Operation()
    document = markdown(operation.md)
    records = log(operation.runs[:6])
    return {
        "table": (document, b"> " + document, b"\xef\xbb\xbf" + document.replace(b"\n", b"\r\n")),
        "queue": (document, b"- a\n\n" + document, b"\xef\xbb\xbf" + document.replace(b"\n", b"\r\n")),
        "run_log": (records, records[:-9], gzip.compress(records), b'{"event":"x"}\n' * 3),
        "policy": (_POLICY, b"queue: x\n", b"{}"),
        "report": tuple(json_text(to_json(each)).encode() for each in (SAMPLES["drift"], EVERYTHING)),
        "database": _databases(),
    }[name]


def _databases() -> tuple[bytes, ...]:
    """Return three sound databases: rollback journal, WAL, and one with small pages and an overflowing cell."""
    with closing(sqlite3.connect(":memory:")) as plain, closing(sqlite3.connect(":memory:")) as small:
        operation = Operation()
        operation.cell("db", "ORCH-102", "task", "long " * 300)
        small.execute("PRAGMA page_size = 512")
        operation.fill(plain)
        operation.fill(small)
        image = plain.serialize()
        return image, image[:18] + b"\2\2" + image[20:], small.serialize()
