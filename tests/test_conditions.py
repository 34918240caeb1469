"""What has become of what somebody waits for, decided on what one reading found."""

from __future__ import annotations

import pytest
from builders import item

from ops_checks.conditions import Outcome, Seen, State, Wanted, evaluate, rests_on_absence
from ops_checks.model import STATUSES

HOLDS, NOT_YET, CANNOT, UNKNOWN = State.HOLDS, State.NOT_YET, State.CANNOT_COME, State.UNKNOWN
NUMBERS = dict.fromkeys(STATUSES, 0)

#: By the status that is waited for: what becomes of it at an item in each status, and at one that was cancelled.
OUTCOMES = {
    #              PENDING  IN_PROGRESS BLOCKED FAILED   DONE    cancelled
    "PENDING": (HOLDS, NOT_YET, NOT_YET, NOT_YET, NOT_YET, NOT_YET),
    "IN_PROGRESS": (NOT_YET, HOLDS, NOT_YET, CANNOT, CANNOT, CANNOT),
    "BLOCKED": (NOT_YET, NOT_YET, HOLDS, CANNOT, CANNOT, HOLDS),
    "FAILED": (NOT_YET, NOT_YET, NOT_YET, HOLDS, CANNOT, CANNOT),
    "DONE": (NOT_YET, NOT_YET, NOT_YET, CANNOT, HOLDS, CANNOT),
}


@pytest.mark.parametrize(
    ("status", "now", "cancelled", "state"),
    [
        (status, now, at == len(STATUSES), states[at])
        for status, states in OUTCOMES.items()
        for at, now in enumerate((*STATUSES, "BLOCKED"))
    ],
)
def test_one_item(status: str, now: str, cancelled: bool, state: State) -> None:  # noqa: FBT001 - a column
    """An item has the status, may come to it, or has ended elsewhere; a reason names it where it does not hold."""
    seen = Seen({"A-1": item("A-1", now)}, cancelled=frozenset(["A-1"] if cancelled else []))
    outcome = evaluate(Wanted(("A-1",), status), seen, {"A-1"})
    assert outcome.state is state
    assert [reason.startswith(f"A-1 is {now}") for reason in outcome.reasons] == [True] * (state is not HOLDS)


BUSY = item("A-1", "IN_PROGRESS", owner_session="w\x1b")
FAILED, DONE, BLOCKED = item("A-2", "FAILED"), item("A-3", "DONE"), item("A-4", "BLOCKED")


@pytest.mark.parametrize(
    ("wanted", "seen", "known", "outcome"),
    [
        (
            Wanted(("A-1",), "DONE"),
            Seen({"A-1": BUSY}),
            "",
            Outcome(NOT_YET, (r"A-1 is IN_PROGRESS (w\x1b)",)),
        ),
        (
            Wanted(("A-1", "A-2"), "DONE"),
            Seen({"A-1": BUSY, "A-2": FAILED}),
            "",
            Outcome(CANNOT, ("A-2 is FAILED: DONE can only come after a `retry`",)),
        ),
        (
            Wanted(("A-3",), "FAILED"),
            Seen({"A-3": DONE}),
            "",
            Outcome(CANNOT, ("A-3 is DONE: FAILED can only come after a `replan`",)),
        ),
        (
            Wanted(("A-4",), "DONE"),
            Seen({"A-4": BLOCKED}, frozenset(["A-4"])),
            "",
            Outcome(CANNOT, ("A-4 is BLOCKED, cancelled by an operator: DONE can only come after a `replan`",)),
        ),
        (
            Wanted(("A-1",), "DONE"),
            Seen({"A-1": None}),
            ["A-1"],
            Outcome(CANNOT, ("A-1 is gone: find out who took it out",)),
        ),
        (Wanted(("A-\n",), "PENDING"), Seen({"A-\n": None}), "", Outcome(UNKNOWN, (r"no item A-\n",))),
        (
            Wanted(("A-2", "A-9"), "DONE"),
            Seen({"A-2": FAILED, "A-9": None}),
            ["A-2"],
            Outcome(UNKNOWN, ("no item A-9",)),
        ),
        (Wanted(counts={"FAILED": 0}), Seen(counts=NUMBERS), "", Outcome(HOLDS)),
        (
            Wanted(counts={"FAILED": 0, "DONE": 2, "PENDING": 0}),
            Seen(counts=NUMBERS | {"FAILED": 3, "DONE": 1}),
            "",
            Outcome(NOT_YET, ("FAILED=3, not 0", "DONE=1, not 2")),
        ),
        (Wanted(consistent=True), Seen(mismatches={"missing_in_db": 0, "field_mismatch": 0}), "", Outcome(HOLDS)),
        (
            Wanted(("A-3",), "DONE", {"FAILED": 0}, consistent=True),
            Seen({"A-3": DONE}, counts=NUMBERS, mismatches={"missing_in_db": 0, "field_mismatch": 2}),
            "",
            Outcome(NOT_YET, ("consistency mismatch missing_in_db=0 field_mismatch=2",)),
        ),
        (
            Wanted(tuple(f"A-{number}" for number in range(12)), "DONE"),
            Seen({f"A-{number}": item(f"A-{number}") for number in range(12)}),
            "",
            Outcome(NOT_YET, (*(f"A-{number} is PENDING" for number in range(10)), "and 2 more")),
        ),
    ],
)
def test_all_is_waited_for(wanted: Wanted, seen: Seen, known: list[str], outcome: Outcome) -> None:
    """Everything must hold; one part that cannot come is enough to end, and an unknown item before that."""
    assert evaluate(wanted, seen, known) == outcome


@pytest.mark.parametrize(
    ("wanted", "seen", "rests"),
    [
        (Wanted(counts={"FAILED": 0}), Seen(counts=NUMBERS, whole=False), True),
        (Wanted(counts={"FAILED": 0}), Seen(counts=NUMBERS), False),
        (Wanted(("A-1",), "DONE"), Seen({"A-1": None}, whole=False), True),
        (Wanted(("A-1",), "DONE"), Seen({"A-1": None}), False),
        (Wanted(("A-3",), "DONE"), Seen({"A-3": DONE}, whole=False), False),
    ],
)
def test_what_rests_on_absence(wanted: Wanted, seen: Seen, rests: bool) -> None:  # noqa: FBT001 - a column
    """Numbers and missing items are about rows that are not there, unless all was written at once."""
    assert rests_on_absence(wanted, seen) is rests
