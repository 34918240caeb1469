"""A blame is one line, whatever stands in commits, events and times (RECONCILE sections 13 and 14)."""

from __future__ import annotations

import json

import jsonschema
import msgspec
import pytest

from ops_checks.reconcile.blame import (
    NO_EVENT,
    Blame,
    as_unchanged,
    bears_state,
    blame_line,
    commit_time,
    database_blame,
    unknown,
)
from ops_checks.reconcile.commits import parse_commit
from ops_checks.stores.event import Event

COMMIT = "3d5e56d" + "0" * 33
JM = {"who": "JM", "when": "2026-02-08 23:52", "commit": COMMIT, "subject": "chore"}
PATH = "automation/orchestrator/QUEUE.md"
WHEN = "2026-11-22 23:58"
#: The plan's `$defs/blame`, as RECONCILE section 8 publishes it.
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "what": {"enum": ["commit", "uncommitted", "at-or-before", "event", "updated_at", "unchanged", "unknown"]},
        **{name: {"type": "string"} for name in ("who", "when", "commit", "event_type", "subject")},
        "line": {"type": "integer", "minimum": 1},
        "event_id": {"type": "integer"},
    },
}


def done(payload: object, event_type: str = "done") -> Event:
    """Return an event with a payload, JSON or text."""
    return Event(190, event_type, payload if isinstance(payload, str) else json.dumps(payload), WHEN)


LINES = [
    ("md", Blame("commit", line=43, **JM), f"3d5e56d (JM, 2026-02-08 23:52) {PATH}:43"),
    ("md", Blame("commit", **JM), "removed in 3d5e56d (JM, 2026-02-08 23:52)"),
    ("md", as_unchanged(Blame("commit", line=43, **JM)), "unchanged since 3d5e56d (JM, 2026-02-08 23:52)"),
    ("md", as_unchanged(Blame("uncommitted", line=43)), f"uncommitted {PATH}:43"),
    ("md", as_unchanged(Blame("at-or-before", commit=COMMIT, line=43)), f"at or before 3d5e56d {PATH}:43"),
    ("md", Blame("at-or-before", commit=COMMIT), "at or before 3d5e56d"),
    ("md", Blame("uncommitted"), "uncommitted"),
    ("md", Blame("commit", commit=COMMIT, line=1), f"3d5e56d (-, -) {PATH}:1"),
    ("md", NO_EVENT, "unchanged"),
    ("md", unknown("git is not installed"), "unknown (git is not installed)"),
    ("db", NO_EVENT, "no event since the baseline"),
    ("db", database_blame(done({"actor": "worker:core-2"}), None), f"done by worker:core-2, {WHEN} (event 190)"),
    ("db", database_blame(done({"owner_session": "s1"}), WHEN), f"done by s1, {WHEN} (event 190)"),
    ("db", database_blame(done({"actor": "-", "owner_session": " "}), WHEN), f"done, {WHEN} (event 190)"),
    ("db", database_blame(done({"actor": 5}), WHEN), f"done, {WHEN} (event 190)"),
    ("db", database_blame(done("[1]"), WHEN), f"done, {WHEN} (event 190)"),
    ("db", database_blame(done("[" * 100_000), WHEN), f"done, {WHEN} (event 190)"),
    ("db", database_blame(done("\ud800"), WHEN), f"done, {WHEN} (event 190)"),
    ("db", database_blame(None, "2026-11-22 20:00"), "updated_at 2026-11-22 20:00, no event"),
    ("db", database_blame(None, None), "unknown (no event)"),
    ("db", database_blame(done({"actor": "a\x1b\n::error::\u202e"}, "x\r"), ""),
     f"x\\r by a\\x1b\\n::error::\\u202e, {WHEN} (event 190)"),
    ("db", database_blame(done({"actor": "x" * 100}), ""), f"done by {'x' * 79}…, {WHEN} (event 190)"),
    ("db", database_blame(done({"actor": "\x1b" * 100_000}), "").__class__("unknown", subject="\x1b" * 99),
     "unknown (" + "\\x1b" * 19 + "\\x1…)"),
]  # fmt: skip


@pytest.mark.parametrize(("side", "blame", "words"), LINES)
def test_line(side: str, blame: Blame, words: str) -> None:
    """Each kind of blame has its words, and every form of it fits the plan's schema."""
    assert blame_line(side, blame, PATH) == f"{side}: {words}"
    jsonschema.validate(msgspec.to_builtins(blame), SCHEMA)


@pytest.mark.parametrize(
    ("event_type", "payload", "bears"),
    [
        *((name, "{}", True) for name in ("added", "picked", "done", "failed", "blocked", "retried", "replan")),
        *((name, "{}", True) for name in ("idempotency_skipped", "cancelled", "reconciled", "reconcile_undone")),
        *((name, "{}", False) for name in ("lease_acquired", "lease_renewed", "lease_released", "guardrail", "x", "")),
        ("review_gate", '{"verdict": "retry"}', True),
        ("review_gate", '{"decision": "RETRY", "n": 1}', True),
        ("review_gate", '{"verdict": "passed"}', False),
        ("review_gate", "not JSON", False),
    ],
)
def test_events_that_bear_state(event_type: str, payload: str, bears: bool) -> None:  # noqa: FBT001 - a table's column
    """A lease says nothing of who did something to the item."""
    assert bears_state(Event(1, event_type, payload, WHEN)) is bears


@pytest.mark.parametrize(
    ("epoch_s", "text"),
    [
        *((0, "1970-01-01 09:00"), (1_770_566_460, "2026-02-09 01:01"), (10**11, "5138-11-16 18:46")),
        *((None, "-"), (10**12, "-"), (-(10**12), "-")),
    ],
)
def test_time_of_a_commit(epoch_s: int | None, text: str) -> None:
    """It is in the queue's zone; a time that no calendar has is none."""
    assert commit_time(epoch_s, 540) == text


HEAD = b"tree 0\nparent 0\n"


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (HEAD + b"author JM <j@x> 5 +0900\ncommitter X <x> 6 +0000\n\na\nb\n\nc\n", ("JM", 5, "a b")),
        (HEAD + b"author JM <j@x> 5 +0900\n\n", ("JM", 5, "")),
        (HEAD + b"author JM <j@x> 5 +0900", ("JM", 5, "")),
        (HEAD + b"author JM <j@x> 5 +0900\n\n\n\n a\n", ("JM", 5, "a")),
        (HEAD + b"author  <> 5 +0900\n\na", ("", 5, "a")),
        (HEAD + b"author JM <j@x>\n\na", ("JM", None, "a")),
        (HEAD + b"author JM <j@x> -5 +0000\n\na", ("JM", None, "a")),
        (HEAD + b"author JM <j@x> 9999999999999 +0000\n\na", ("JM", None, "a")),
        (HEAD + b"author JM <j@x> x +0000\n\na", ("JM", None, "a")),
        (HEAD + b"author J <M> 1 +0 <j@x> 5 +0000\n\na", ("J", 5, "a")),
        (HEAD + b"author JM <j@x> 5 +0\ngpgsig x\n author Y <y> 6 +0\nauthor Z <z> 7 +0\n\na", ("JM", 5, "a")),
        (HEAD + b"\n", ("", None, "")),
        (b"", ("", None, "")),
        (HEAD + "author 김 <j> 5 +0\nencoding euc-kr\n\n표".encode("euc-kr"), ("김", 5, "표")),
        (HEAD + "author 김 <j> 5 +0\nencoding nonsense\n\n표".encode(), ("김", 5, "표")),
        (HEAD + b"author \\x <j> 5 +0\nencoding unicode_escape\n\na", ("\\x", 5, "a")),
        (HEAD + b"author J+AAo-M <j> 5 +0\nencoding utf-7\n\na", ("J\nM", 5, "a")),
        (HEAD + b"author \xff <j> 5 +0\nencoding zlib\n\n\xff", ("\ufffd", 5, "\ufffd")),
        (HEAD + b"author \xff <j> 5 +0\nencoding idna\n\n\xff", ("\ufffd", 5, "\ufffd")),
        (HEAD + b"author " + b"x" * 999 + b" <j> 5 +0\n\n" + b"y" * 999, ("x" * 200, 5, "y" * 200)),
    ],
)
def test_commit_as_it_is_stored(data: bytes, found: tuple[str, int | None, str]) -> None:
    """Whatever bytes a commit holds, a name, a time and a subject come out, or none."""
    assert parse_commit(data) == found
