"""What fuzzing starts from: sound inputs and former finds of each target, and the words its reader knows."""

from __future__ import annotations

import gzip
import sqlite3
from contextlib import closing
from functools import cache
from pathlib import Path

from ops_checks.report.json_text import json_text
from ops_checks.report.serialize import to_json
from tests.campaigns.operation import HEAD, Operation, log, markdown
from tests.report_samples import EVERYTHING, SAMPLES

SEEDS_FOLDER = Path(__file__).parent.parent / "seeds"

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
