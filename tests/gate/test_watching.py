"""Reading again: when something is read, and when not, by a clock that only readings move on."""

from __future__ import annotations

import math
from typing import Any, Self

import pytest

from ops_checks.errors import InputError, LockedError
from ops_checks.gate.watching import IDLE_REST, POLL_S, Rereader

FAILS, LOCKED = InputError("Q.md: malformed"), LockedError("q.db: locked")


class Source:
    """Something to watch and to read: its `current` version and its `content`, which may be an error.

    None is for a version that equals nothing.
    """

    def __init__(self, *, took_s: float = 0.0, asking_s: float = 0.0) -> None:
        self.now_s = 0.0
        self.took_s, self.asking_s = took_s, asking_s
        self.current: object = 1
        self.content: object = "a"
        self.readings = 0
        self.entered = 0

    def __enter__(self) -> Self:
        self.entered += 1
        return self

    def __exit__(self, *_: object) -> None:
        self.entered -= 1

    def version(self) -> object:
        """Return the version, after a while."""
        self.now_s += self.asking_s
        return object() if self.current is None else self.current

    def read(self) -> object:
        """Return the content, after a while, or raise it."""
        self.readings += 1
        self.now_s += self.took_s
        if isinstance(self.content, InputError):
            raise self.content
        return self.content

    def reader(self, **settings: Any) -> Rereader[object]:
        """Return what reads it again."""
        return Rereader([self], self.read, clock=lambda: self.now_s, **settings)


def test_only_what_has_changed_is_read_again() -> None:
    """A version that stays is not read, another one is, and so is one that equals nothing."""
    source = Source()
    with source.reader() as reader:
        assert source.entered == 1
        assert [reader.look() for _ in range(3)] == [True, False, False]
        source.current = 2
        assert [reader.look() for _ in range(2)] == [True, False]
        source.current = None
        assert [reader.look() for _ in range(3)] == [True, True, True]
    assert (source.entered, source.readings) == (0, 5)


@pytest.mark.parametrize(
    ("took_s", "asking_s", "rests_s"),
    [
        (0.0, 0.0, [POLL_S, POLL_S]),
        (0.1, 0.0, [POLL_S, POLL_S]),
        (3.0, 0.0, [12.0, POLL_S]),
        (0.0, 0.02, [POLL_S, 2.0]),
        (0.0, 9.0, [POLL_S, 60.0]),
    ],
)
def test_pauses(took_s: float, asking_s: float, rests_s: list[float]) -> None:
    """A reading is followed by a pause of four times its length, and so is a question of a hundred times its own."""
    reader = Source(took_s=took_s, asking_s=asking_s).reader()
    found = []
    for _ in range(2):
        reader.look()
        found.append(reader.rest_s)
    assert found == pytest.approx(rests_s)


def test_what_holds_only_for_a_while_is_read_again() -> None:
    """What was read may hold for some seconds only, by what it is and by how long its reading took."""
    source = Source(took_s=2.0)
    reader = source.reader(lasts_s=lambda seen, took_s: 10 * took_s if seen == "a" else math.inf)
    assert reader.look()
    source.now_s = 19.9
    assert not reader.look()
    source.now_s, source.content = 20.0, "b"
    assert reader.look()
    source.now_s = 1e9
    assert not reader.look()


def test_somebody_asks_for_more() -> None:
    """What is asked for anew is read once; a question that comes during a reading is not forgotten."""
    source = Source()
    reader = source.reader()
    assert reader.look()
    reader.forget()
    assert [reader.look(), reader.look()] == [True, False]
    read = source.read
    source.read = lambda: (reader.forget() if source.readings == 2 else None, read())  # type: ignore[method-assign]
    reader = source.reader()
    assert [reader.look() for _ in range(3)] == [True, True, False]


@pytest.mark.parametrize("error", [FAILS, LOCKED])
def test_what_was_seen_last_stays_with_the_error(error: InputError) -> None:
    """An error that may pass is kept beside what was seen before it, and goes with the next reading."""
    source = Source()
    reader = source.reader()
    reader.look()
    source.content, source.current = error, 2
    assert reader.look()
    assert (reader.seen, reader.error) == ("a", error)
    source.content, source.current = "b", 3
    assert reader.look()
    assert (reader.seen, reader.error) == ("b", None)


@pytest.mark.parametrize(
    ("error", "seen", "at_rest", "raised_s"),
    [
        (FAILS, True, True, 10.0),
        (FAILS, True, False, 10.0),
        (FAILS, False, False, 10.0),
        (FAILS, False, True, 0.5),
        (LOCKED, True, True, None),
        (LOCKED, False, True, None),
    ],
)
def test_patience(error: InputError, *, seen: bool, at_rest: bool, raised_s: float | None) -> None:
    """An error is raised when patience is at its end, at the second look where nobody has written; a lock never is."""
    source = Source()
    reader = source.reader(patience_s=10.0, at_rest=lambda: at_rest)
    if seen:
        reader.look()
    source.content, source.current = error, 2
    found = None
    for _ in range(100):
        try:
            reader.look()
        except InputError:
            found = source.now_s
            break
        source.now_s += 0.5
    assert found == raised_s


def test_an_error_that_stays_costs_little() -> None:
    """What fails again although nothing has changed is not read before a hundred times as long, but for a change."""
    source = Source(took_s=1.0)
    source.content = FAILS
    reader = source.reader()

    def readings() -> int:
        before = source.readings
        reader.look()
        return source.readings - before

    assert [readings() for _ in range(4)] == [1, 1, 0, 0]
    source.current = 2
    assert readings() == 1
    source.now_s += IDLE_REST
    assert readings() == 1


def test_an_error_that_stays_is_no_news() -> None:
    """It is told once, and again when another one comes, when somebody asks, or after it was gone."""
    source = Source()
    source.content = FAILS
    reader = source.reader()
    assert [reader.look() for _ in range(3)] == [True, False, False]
    reader.forget()
    assert [reader.look() for _ in range(2)] == [True, False]
    source.content, source.current = LOCKED, 2
    assert [reader.look() for _ in range(2)] == [True, False]
    source.content = "a"
    assert [reader.look() for _ in range(2)] == [True, False]
    source.content, source.current = LOCKED, 3
    assert reader.look()
