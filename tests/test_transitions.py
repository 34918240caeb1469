"""The rules of cancel, replan and retry, cell by cell (OPS_COMMANDS, FORMATS section 5)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from builders import RELIABILITY, item
from hypothesis import given
from hypothesis import strategies as st

from ops_checks.cli.command import command_names, load_command
from ops_checks.errors import InputError, RefusedError, UsageError
from ops_checks.model import FIELDS, STATUSES
from ops_checks.stores.changes import Reliability
from ops_checks.transitions import DEFAULT_BACKOFF_S, TRANSITIONS, Stamp, cancel, replan, retry

if TYPE_CHECKING:
    from collections.abc import Callable

    from ops_checks.stores.changes import Decide, Stored

NOW_S = 1_767_279_600
STAMP = Stamp(actor="tester", now_s=NOW_S, tz_minutes=540)
HELD = {"owner_session": "s1", "started_at_kst": "2026-01-01 10:00", "due_at_kst": "2026-01-03 10:00", "notes": "old"}

#: The cells that each transition may touch besides the status.
STOPPED = {"status": "BLOCKED"}
CLEARED = "cancel it, which clears its lease, then replan it, which makes it PENDING"
FREED = {"status": "PENDING", "owner_session": "-", "started_at_kst": "-"}


def lease(expires: int | None = None, attempts: int = 0, most: int = 3, absent: tuple[str, ...] = ()) -> Reliability:
    """Return what a database knows of an item."""
    return Reliability(
        lease_owner="s1" if expires else None,
        lease_expires_at=expires,
        attempt_count=attempts,
        max_attempts=most,
        absent=absent,
    )


class Row(NamedTuple):
    """One row of the table: a command on an item in a status, as a backend knows it, and what comes of it."""

    command: str
    status: str
    known: Reliability | None
    cells: dict[str, str] | str
    event: str = ""
    attempts: int | None = None


MARKDOWN = None
RESERVE = f"retry_not_before={NOW_S + 60}"
TABLE = [
    *(
        Row("cancel", status, known, STOPPED | {"notes": "old | cancelled_by_operator"}, "cancelled")
        for status in ("PENDING", "IN_PROGRESS", "BLOCKED")
        for known in (MARKDOWN, lease(), lease(NOW_S + 99, 3))
    ),
    *(
        Row("cancel", status, known, f"ORCH-1: is {status}: only an item that is not terminal can be cancelled")
        for status in ("DONE", "FAILED")
        for known in (MARKDOWN, lease())
    ),
    *(
        Row("replan", "IN_PROGRESS", known, STOPPED | {"notes": "old | replan:why"}, "replan")
        for known in (MARKDOWN, lease(), lease(NOW_S + 99))
    ),
    *(
        Row("replan", status, known, FREED | {"notes": "old | replan:why"}, "replan")
        for status in ("PENDING", "BLOCKED", "FAILED", "DONE")
        for known in (MARKDOWN, lease(), lease(NOW_S + 99, 3))
    ),
    *(
        Row("retry", status, MARKDOWN, FREED | {"notes": "old | retry_requested"}, "retried")
        for status in ("FAILED", "BLOCKED")
    ),
    *(
        Row("retry", status, MARKDOWN, f"ORCH-1: is {status}: only FAILED and BLOCKED items can be retried")
        for status in ("PENDING", "IN_PROGRESS", "DONE")
    ),
    Row("retry", "FAILED", lease(), FREED | {"notes": f"old | {RESERVE}"}, "retried", 1),
    Row("retry", "FAILED", lease(NOW_S + 99), FREED | {"notes": f"old | {RESERVE}"}, "retried", 1),
    Row("retry", "FAILED", lease(None, 2), FREED | {"notes": f"old | retry_not_before={NOW_S + 600}"}, "retried", 3),
    Row("retry", "FAILED", lease(None, 7, 9), FREED | {"notes": f"old | retry_not_before={NOW_S + 600}"}, "retried", 8),
    Row("retry", "IN_PROGRESS", lease(NOW_S - 1), FREED | {"notes": f"old | {RESERVE}"}, "retried", 1),
    Row("retry", "IN_PROGRESS", lease(-5), FREED | {"notes": f"old | {RESERVE}"}, "retried", 1),
    Row(
        "retry",
        "IN_PROGRESS",
        lease(NOW_S),
        f"ORCH-1: is IN_PROGRESS and its lease runs for another 1 s: wait, or {CLEARED}",
    ),
    Row(
        "retry",
        "IN_PROGRESS",
        lease(NOW_S + 99),
        f"ORCH-1: is IN_PROGRESS and its lease runs for another 100 s: wait, or {CLEARED}",
    ),
    Row(
        "retry",
        "IN_PROGRESS",
        lease(None),
        f"ORCH-1: is IN_PROGRESS without a lease, so it has not timed out: {CLEARED}",
    ),
    Row("retry", "FAILED", lease(None, 3), "ORCH-1: 3 of 3 attempts are used up: replan it, which makes it PENDING"),
    Row("retry", "FAILED", lease(None, 0, 0), "ORCH-1: 0 of 0 attempts are used up: replan it, which makes it PENDING"),
    Row("retry", "IN_PROGRESS", lease(NOW_S - 1, 4), f"ORCH-1: 4 of 3 attempts are used up: {CLEARED}"),
    *(
        Row(
            "retry",
            status,
            lease(NOW_S - 1),
            f"ORCH-1: is {status}: only FAILED items, and IN_PROGRESS ones that timed out, can be retried{way}",
        )
        for status, way in (
            ("PENDING", ""),
            ("BLOCKED", ": replan it, which makes it PENDING"),
            ("DONE", ": replan it, which makes it PENDING"),
        )
    ),
]
COMMANDS: dict[str, Callable[[], Decide]] = {
    "cancel": lambda: cancel(STAMP),
    "replan": lambda: replan(STAMP, "why"),
    "retry": lambda: retry(STAMP),
}


def name_of(row: Row) -> str:
    """Name a row of the table."""
    backend = "markdown" if row.known is None else f"db-{row.known.lease_expires_at}-{row.known.attempt_count}"
    return f"{row.command}-{row.status}-{backend}"


@pytest.mark.parametrize("row", TABLE, ids=name_of)
def test_the_table_of_transitions(row: Row) -> None:
    """Each command from each status, on each backend, touches exactly its cells or is refused."""
    before = item("ORCH-1", row.status, **HELD)
    decide = COMMANDS[row.command]()
    if isinstance(row.cells, str):
        with pytest.raises(RefusedError) as caught:
            decide(before, row.known)
        assert caught.value.message == row.cells
        return
    change = decide(before, row.known)
    cells = dict(row.cells)
    if row.known is MARKDOWN:  # where a pipe would end the cell for programs that know no escapes
        cells["notes"] = cells["notes"].replace(" | ", " / ")
    assert change.before == before
    assert change.after == before.with_cells(cells.items())
    assert (change.event, change.attempt_count, change.changed_at) == (row.event, row.attempts, "2026-01-02 00:00")


def test_the_table_is_complete() -> None:
    """Every command meets every status on both backends."""
    met = {(row.command, row.status, row.known is None) for row in TABLE}
    assert met == {(name, status, side) for name in COMMANDS for status in STATUSES for side in (True, False)}


@pytest.mark.parametrize(
    ("command", "known", "payload"),
    [
        ("cancel", lease(), {"reason": "cancelled_by_operator"}),
        ("replan", lease(), {"notes": "why"}),
        ("retry", lease(None, 1), {"reason": "retry_requested", "attempt": 2, "retry_not_before": NOW_S + 180}),
    ],
)
def test_the_payload_tells_who_and_what(command: str, known: Reliability, payload: dict[str, Any]) -> None:
    """An event holds the status before and after, the reason or the notes, and the actor; a document has none."""
    status = "PENDING" if command == "cancel" else "FAILED"
    assert COMMANDS[command]()(item("ORCH-1", status), None).payload == ""
    change = COMMANDS[command]()(item("ORCH-1", status), known)
    told = json.loads(change.payload)
    assert {"from": status, "to": change.after.status, "actor": "tester"} | payload | told == told


def test_the_payload_holds_the_row_before_and_after() -> None:
    """A database's event holds every cell, lease field and attempt, so that nothing else is needed to undo it."""
    before = item("ORCH-1", "FAILED", **HELD)
    change = retry(STAMP)(before, lease(NOW_S - 1, 1))
    told = json.loads(change.payload)
    held = {"lease_owner": "s1", "lease_expires_at": NOW_S - 1, "attempt_count": 1, "max_attempts": 3}
    freed = {"lease_owner": None, "lease_expires_at": None, "attempt_count": 2, "max_attempts": 3}
    assert told["before"] == dict(zip(FIELDS, before, strict=True)) | held
    assert told["after"] == dict(zip(FIELDS, change.after, strict=True)) | freed


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (1764040000.5, 1764040000.5),
        (1764040000123, 1764040000123),
        ("soon", "soon"),
        (-7, -7),
        (b"\x00\xff", "x'00ff'"),
        (float("inf"), "inf"),
        (2**63 - 1, 2**63 - 1),
    ],
)
@pytest.mark.parametrize("command", ["cancel", "replan"])
def test_a_lease_that_is_only_cleared_need_not_be_understood(command: str, value: Stored, told: object) -> None:
    """Cancel and replan clear whatever stands in place of a lease or a count, and their event still holds it."""
    known = Reliability(lease_owner=value, lease_expires_at=value, attempt_count=value, max_attempts=value)
    before = json.loads(COMMANDS[command]()(item("ORCH-1", "IN_PROGRESS"), known).payload)["before"]
    assert {before[name] for name in RELIABILITY[:4]} == {told}


FAR = NOW_S + 365 * 86_400


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (NOW_S + 300.5, f"{NOW_S + 300.5} is no whole number of epoch seconds (it looks like seconds with a fraction)"),
        (NOW_S * 1000, f"{NOW_S * 1000} ends more than a year ahead (it looks like milliseconds)"),
        (NOW_S * 10**6, f"{NOW_S * 10**6} ends more than a year ahead (it looks like microseconds)"),
        (NOW_S * 10**9, f"{NOW_S * 10**9} ends more than a year ahead (it looks like nanoseconds)"),
        (float(NOW_S * 1000), f"{NOW_S * 1000}.0 ends more than a year ahead (it looks like milliseconds)"),
        (str(NOW_S), f"'{NOW_S}' is no whole number of epoch seconds (it looks like seconds in a text)"),
        ("2026-01-01 10:00", "'2026-01-01 10:00' is no whole number of epoch seconds (it looks like text)"),
        (b"1", "b'1' is no whole number of epoch seconds"),
        (float("inf"), "inf is no whole number of epoch seconds"),
        (FAR + 1, f"{FAR + 1} ends more than a year ahead"),
    ],
)
def test_a_retry_refuses_a_lease_of_which_nobody_knows_when_it_ends(value: Stored, why: str) -> None:
    """The refusal names the unit that the lease looks like, and the commands that lead to PENDING all the same."""
    known = Reliability(lease_owner="w", lease_expires_at=value, attempt_count=0, max_attempts=3, place="q.db:x:O")
    with pytest.raises(RefusedError) as caught:
        retry(STAMP)(item("ORCH-1", "IN_PROGRESS"), known)
    assert caught.value.message == f"q.db:x:O: lease_expires_at {why}: {CLEARED}"
    paused = cancel(STAMP)(item("ORCH-1", "IN_PROGRESS"), known).after
    assert replan(STAMP, "x")(paused, lease()).after.status == "PENDING"


@pytest.mark.parametrize("value", [NOW_S - 1, float(NOW_S - 1), 0, -1])
def test_a_lease_that_ended_is_retried(value: Stored) -> None:
    """A whole number of seconds in the past has passed, however it is stored; a failed item's is not asked about."""
    known = Reliability(lease_owner="w", lease_expires_at=value, attempt_count=0, max_attempts=3)
    assert retry(STAMP)(item("ORCH-1", "IN_PROGRESS"), known).after.status == "PENDING"
    odd = Reliability(lease_owner=b"w", lease_expires_at="soon", attempt_count=0, max_attempts=3)
    assert retry(STAMP)(item("ORCH-1", "FAILED"), odd).after.status == "PENDING"


def test_the_payload_is_written_as_people_read_it() -> None:
    """What is not ASCII stands in an event as itself: whoever searches the events for a word finds it."""
    change = replan(STAMP, "다시 — bitte")(item(), lease())
    assert '"notes": "다시 — bitte"' in change.payload


def test_first_notes_have_no_separator() -> None:
    """Notes are appended to those that are there, and begin the cell where there are none."""
    assert cancel(STAMP)(item(), None).after.notes == "cancelled_by_operator"


@pytest.mark.parametrize("notes", ["", "  ", "\n", "\r\n \t", "\u00a0\u2003"])
def test_blank_notes_are_a_usage_error(notes: str) -> None:
    """A replan without a reason is no replan."""
    with pytest.raises(UsageError):
        replan(STAMP, notes)


def test_notes_are_trimmed_as_cells_are() -> None:
    """The event's notes and the item's are the same, although a cell of the table has no blanks at its ends."""
    change = replan(STAMP, " \t\vwhy  so\f ")(item(), lease())
    assert change.after.notes == "replan:why  so"
    assert json.loads(change.payload)["notes"] == "why  so"


@given(
    st.text(min_size=1).filter(lambda text: text.strip()), st.sampled_from(STATUSES), st.sampled_from([None, lease()])
)
def test_notes_are_one_line_and_kept(notes: str, status: str, known: Reliability | None) -> None:
    """Whatever the notes hold, they are appended on one line, and what was there stays in front."""
    after = replan(STAMP, notes)(item("ORCH-1", status, notes="old"), known).after
    assert after.notes.startswith("old / replan:" if known is None else "old | replan:")
    assert after.notes.splitlines() == [after.notes]
    touched = {field for field, a, b in zip(FIELDS, item("ORCH-1", status, notes="old"), after, strict=True) if a != b}
    assert touched <= {"status", "notes"}


@pytest.mark.parametrize(("attempt", "wait_s"), [(0, 60), (1, 180), (2, 600), (3, 600), (50, 600)])
def test_the_backoff_by_attempt(attempt: int, wait_s: int) -> None:
    """Each attempt has its wait, and the last wait repeats."""
    change = retry(STAMP)(item("ORCH-1", "FAILED"), lease(None, attempt, 99))
    assert DEFAULT_BACKOFF_S == (60, 180, 600)
    assert change.after.notes == f"retry_not_before={NOW_S + wait_s}"


def test_the_epoch_is_whole_seconds() -> None:
    """A clock with fractions still writes whole seconds."""
    stamp = Stamp(actor="a", now_s=NOW_S + 0.9, tz_minutes=0)
    assert retry(stamp, (5,))(item("ORCH-1", "FAILED"), lease()).after.notes == f"retry_not_before={NOW_S + 5}"


@pytest.mark.parametrize("absent", [RELIABILITY[:4], ("attempt_count",), ("lease_owner", "lease_expires_at")])
@pytest.mark.parametrize("status", STATUSES)
def test_a_retry_names_the_columns_it_lacks(absent: tuple[str, ...], status: str) -> None:
    """A database from before the reliability layer cannot retry, and says why; it can cancel and replan."""
    known = lease(absent=absent)
    with pytest.raises(InputError, match=f"no column {', '.join(absent)}: retry needs it"):
        retry(STAMP)(item("ORCH-1", status), known)
    assert replan(STAMP, "x")(item("ORCH-1", status), known).attempt_count is None


@given(st.sampled_from(STATUSES), st.lists(st.sampled_from(["cancel", "replan"]), max_size=6))
def test_cancel_and_replan_are_the_same_on_both_backends(status: str, commands: list[str]) -> None:
    """What a lease says makes no difference to cancel and replan: the two queues stay in agreement."""
    md = db = item("ORCH-1", status, **HELD)
    held = lease(NOW_S + 5, 2)
    for command in commands:
        outcomes = []
        for each, known in ((md, None), (db, held)):
            try:
                outcomes.append(COMMANDS[command]()(each, known).after)
            except RefusedError:
                outcomes.append(each)
        if outcomes[1] != db:
            held = lease(None, 2)  # a change clears it
        md, db = outcomes
        assert md == db.with_cells([("notes", db.notes.replace(" | ", " / "))])


@pytest.mark.parametrize("code", [code for code in range(0x110000) if len(f"a{chr(code)}b".splitlines()) > 1])
@pytest.mark.parametrize("known", [None, lease()])
def test_nothing_that_ends_a_line_is_added(code: int, known: Reliability | None) -> None:
    """A program that reads lines as `str.splitlines` does would end the table there: such a character is a space.

    What others wrote stays as it is, in the notes before ours.
    """
    stamp = Stamp(actor=f"a{chr(code)}b", now_s=NOW_S, tz_minutes=540)
    change = replan(stamp, f"x{chr(code)}y")(item(notes="o\u2028ld"), known)
    assert change.after.notes.split(" ", 2)[2] == "replan:x y"
    assert change.after.notes.startswith("o\u2028ld ")
    if known is not None:
        assert json.loads(change.payload) | {"actor": "a b", "notes": "x y"} == json.loads(change.payload)


def test_every_transition_has_its_command() -> None:
    """The table of transitions and the commands agree: none is only half there."""
    assert set(TRANSITIONS) <= set(command_names())
    assert all(load_command(name).arguments for name in TRANSITIONS)
