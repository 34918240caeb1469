"""Drift counts once no program can be between its writes to both queues (FORMATS section 6)."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest
from builders import aged, execute, item, make_database, make_markdown

from ops_checks.errors import ChangingError, InputError
from ops_checks.gate import stable_reading
from ops_checks.gate.stable_reading import compare
from ops_checks.stores.registry import MARKDOWN, SQLITE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ops_checks.rules.drift.drift import Drift

SETTLE_S = 7.0
OLD = [item(f"A-{number}", "PENDING") for number in range(4)]


class Clock:
    """The real time, except that nobody sleeps: each long pause is a step in which other programs write."""

    def __init__(self, steps: list[Callable[[], object]], short_steps: list[Callable[[], object]]) -> None:
        self._steps = iter(steps)
        self._short_steps = iter(short_steps)
        self.pauses = 0

    def time(self) -> float:
        """Return the time."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Let the next step happen; the short pauses of readings are none."""
        if seconds == SETTLE_S:
            self.pauses += 1
            next(self._steps, lambda: None)()
        elif seconds in stable_reading._CONFIRMING_S:
            next(self._short_steps, lambda: None)()


class Place:
    """A document and a database that others write to."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self._monkeypatch = monkeypatch
        self.md("PENDING", "PENDING", "PENDING", "PENDING")
        make_database(folder / "q.db", OLD)
        self.age()

    def age(self) -> None:
        """Let the last write be long ago."""
        aged(self.folder / "Q.md")
        aged(self.folder / "q.db")

    def md(self, *statuses: str) -> None:
        """Write the document."""
        rows = [each.with_cells([("status", status)]) for each, status in zip(OLD, statuses, strict=False)]
        make_markdown(self.folder / "Q.md", rows)
        os.utime(self.folder / "Q.md")

    def db(self, item_id: str, status: str) -> None:
        """Write an item of the database."""
        execute(str(self.folder / "q.db"), f"UPDATE queue_items SET status = '{status}' WHERE id = '{item_id}'")

    def compare(
        self,
        *steps: Callable[[], object],
        settle_s: float = SETTLE_S,
        short_steps: tuple[Callable[[], object], ...] = (),
    ) -> tuple[Drift, int]:
        """Compare, with a step in each long and each short pause; return the drift and the number of long ones."""
        clock = Clock(list(steps), list(short_steps))
        self._monkeypatch.setattr(stable_reading, "time", clock)
        drift = compare(
            MARKDOWN.open(str(self.folder / "Q.md")), SQLITE.open(str(self.folder / "q.db")), settle_s=settle_s
        )
        return drift, clock.pauses


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Return queues that agree."""
    return Place(tmp_path, monkeypatch)


def named(drift: Drift) -> list[str | None]:
    """Return the items of a drift."""
    return sorted({finding.item for found in drift.findings.values() for finding in found}, key=str)


def test_what_was_long_ago_counts_at_once(place: Place) -> None:
    """Where nobody has written for a while, drift is drift, and nothing is waited for."""
    place.md("DONE", "PENDING", "PENDING", "PENDING")
    place.age()
    drift, pauses = place.compare()
    assert (named(drift), pauses, drift.notes) == (["A-0"], 0, [])


@pytest.mark.parametrize("written", ["Q.md", "q.db"])
def test_a_program_between_its_two_writes(place: Place, written: str) -> None:
    """What agrees at the next reading was no drift, and the report says that it was waited for."""
    place.md("DONE", "PENDING", "PENDING", "PENDING")
    place.age()
    os.utime(place.folder / written)
    drift, pauses = place.compare(lambda: place.db("A-0", "DONE"))
    assert (drift.ok, pauses) == (True, 1)
    assert drift.notes == [
        "waited 7 s for programs that write to the queues: 1 of the items differed at first, 0 do now"
    ]


def test_drift_that_stays_counts(place: Place) -> None:
    """An item both sides of which read the same twice is drift; another one that agrees by then is none."""
    place.md("DONE", "DONE", "PENDING", "PENDING")
    drift, pauses = place.compare(lambda: place.db("A-1", "DONE"))
    assert (named(drift), pauses) == (["A-0"], 1)
    assert drift.counts == {"missing-in-db": 0, "missing-in-md": 0, "field-mismatch": 1}


def test_what_moves_is_read_again(place: Place) -> None:
    """An item that differs in another way at the next reading is given another one."""
    place.md("DONE", "PENDING", "PENDING", "PENDING")
    drift, pauses = place.compare(lambda: place.db("A-0", "BLOCKED"), lambda: place.db("A-0", "DONE"))
    assert (drift.ok, pauses) == (True, 2)
    place.md("BLOCKED", "PENDING", "PENDING", "PENDING")
    drift, pauses = place.compare(lambda: place.db("A-0", "PENDING"))
    assert (named(drift), pauses) == (["A-0"], 2)


def test_a_busy_program_may_be_met_twice(place: Place) -> None:
    """It wrote the same to the same item again: what agrees between its writes, at any further reading, is no drift."""
    place.md("DONE", "BLOCKED", "PENDING", "PENDING")
    meets = [lambda: place.db("A-1", "FAILED"), lambda: place.db("A-0", "DONE"), lambda: place.db("A-0", "PENDING")]
    drift, pauses = place.compare(lambda: os.utime(place.folder / "Q.md"), short_steps=tuple(meets))
    assert (named(drift), pauses) == (["A-1"], 1)


def test_what_begins_later_is_not_followed(place: Place) -> None:
    """A busy pair of queues has an item between its writes at every moment: those that agreed at first are fine."""
    place.md("DONE", "PENDING", "PENDING", "PENDING")

    def step() -> None:
        place.db("A-0", "DONE")
        place.db("A-1", "DONE")

    drift, pauses = place.compare(step)
    assert (drift.ok, pauses) == (True, 1)


def test_what_never_stands_still_is_drift_and_named(place: Place) -> None:
    """After five readings it is drift, and the report says that it still moves."""
    place.md("DONE", "PENDING", "PENDING", "DONE")
    statuses = ("BLOCKED", "FAILED", "IN_PROGRESS", "PENDING", "BLOCKED", "FAILED")
    drift, pauses = place.compare(*[lambda to=status: place.db("A-0", to) for status in statuses])
    assert (named(drift), pauses) == (["A-0", "A-3"], 5)
    assert drift.notes[1] == "still moving after 35 s: A-0"


def test_many_that_never_stand_still_are_counted(place: Place) -> None:
    """Ten items that still move are named, the others counted."""
    many = [item(f"A-{number}", "PENDING") for number in range(12)]
    (place.folder / "q.db").unlink()
    make_database(place.folder / "q.db", many)
    make_markdown(place.folder / "Q.md", [each.with_cells([("status", "DONE")]) for each in many])
    os.utime(place.folder / "Q.md")
    statuses = ("BLOCKED", "FAILED", "IN_PROGRESS", "PENDING", "BLOCKED")
    database = str(place.folder / "q.db")
    drift, _ = place.compare(
        *[lambda to=status: execute(database, f"UPDATE queue_items SET status = '{to}'") for status in statuses]
    )
    assert drift.notes[1] == f"still moving after 35 s: {', '.join(f'A-{number}' for number in range(10))} and 2 more"


def test_renewed_leases_do_not_count(place: Place) -> None:
    """Workers renew their leases all the time, which says nothing about drift."""
    place.md("DONE", "PENDING", "PENDING", "PENDING")
    renew = f"UPDATE queue_items SET lease_owner = 's1', lease_expires_at = {int(time.time())}"
    drift, pauses = place.compare(lambda: execute(str(place.folder / "q.db"), renew))
    assert (named(drift), pauses) == (["A-0"], 1)


def test_a_write_in_the_write_ahead_log_counts(place: Place) -> None:
    """A commit that stands only in the log beside the database is a write."""
    database = str(place.folder / "q.db")
    execute(database, "PRAGMA journal_mode = WAL")
    place.md("DONE", "PENDING", "PENDING", "PENDING")
    place.age()
    with SQLITE.open(database).snapshot() as reader:  # so that the log is not taken over into the database
        list(reader.items())
        place.db("A-2", "DONE")
        place.age()
        _, pauses = place.compare()
    assert pauses == 1


@pytest.mark.parametrize("agree", [True, False])
def test_nothing_is_waited_for(place: Place, agree: bool) -> None:  # noqa: FBT001 - a column
    """Queues that agree, and a policy without a time to settle, cost no pause."""
    place.md("PENDING" if agree else "DONE", "PENDING", "PENDING", "PENDING")
    drift, pauses = place.compare(settle_s=SETTLE_S if agree else 0)
    assert (drift.ok, pauses, drift.notes) == (agree, 0, [])


def test_a_reading_that_fails_is_one_of_five(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A document that is torn at every later reading ends as could-not-tell; one that breaks, as broken."""
    place.md("DONE", "PENDING", "PENDING", "PENDING")
    real = stable_reading.run_comparison
    readings: list[int] = []

    def torn(*args: object) -> Drift:
        readings.append(1)
        if len(readings) > 1:
            raise ChangingError("torn")
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(stable_reading, "run_comparison", torn)
    with pytest.raises(ChangingError, match="changing while read, for 35 s"):
        place.compare()
    monkeypatch.setattr(stable_reading, "run_comparison", real)
    with pytest.raises(InputError, match="no queue table"):
        place.compare(lambda: (place.folder / "Q.md").write_text("gone"))
