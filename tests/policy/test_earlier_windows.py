from __future__ import annotations

import pytest

from ops_checks.errors import UsageError
from ops_checks.policy.earlier_windows import right_before, week_before
from ops_checks.policy.window import Window
from ops_checks.timestamps import queue_time, start_epoch
from ops_checks.zones import NamedZone

BERLIN = NamedZone("Europe/Berlin")


def at(text: str, zone: int | NamedZone) -> float:
    """Return a time of a zone in epoch seconds."""
    found = start_epoch(text, zone)
    assert found is not None
    return float(found)


@pytest.mark.parametrize(
    ("zone", "since", "until", "before"),
    [
        (540, "2026-01-08 00:00", "2026-01-09 00:00", ("2026-01-01 00:00", "2026-01-02 00:00")),
        (540, "2026-01-08 00:00", "2026-01-15 00:00", ("2026-01-01 00:00", "2026-01-08 00:00")),
        # Berlin's clock goes forward on 2026-03-29 at 02:00: the day has 23 hours, and the week before has none such
        (BERLIN, "2026-03-29 00:00", "2026-03-30 00:00", ("2026-03-22 00:00", "2026-03-23 00:00")),
        (BERLIN, "2026-03-30 00:00", "2026-04-06 00:00", ("2026-03-23 00:00", "2026-03-30 00:00")),
        # a time that the clock skips is when it goes forward
        (BERLIN, "2026-04-05 02:30", "2026-04-05 04:00", ("2026-03-29 03:00", "2026-03-29 04:00")),
        # the last seven days have an hour more by the clock that went forward in them: none of theirs is taken twice
        (BERLIN, "2026-03-24 11:00", "2026-03-31 12:00", ("2026-03-17 11:00", "2026-03-24 11:00")),
        # it goes back on 2026-10-25 at 03:00: of two times the earlier one
        (BERLIN, "2026-11-01 02:30", "2026-11-01 04:00", ("2026-10-25 02:30", "2026-10-25 04:00")),
        (BERLIN, "2026-10-25 00:00", "2026-11-01 00:00", ("2026-10-18 00:00", "2026-10-25 00:00")),
    ],
)
def test_last_week(zone: int | NamedZone, since: str, until: str, before: tuple[str, str]) -> None:
    """The same window a week earlier is that of the zone's clock, across daylight saving time too."""
    found = week_before(Window(at(since, zone), at(until, zone)), zone)
    assert found.since_s is not None
    assert found.until_s is not None
    assert (queue_time(found.since_s, zone), queue_time(found.until_s, zone)) == before


def test_hours_of_last_week() -> None:
    """A day of 23 hours is compared with one of 24: the clock's days, not so many seconds."""
    found = week_before(Window(at("2026-03-29 00:00", BERLIN), at("2026-03-30 00:00", BERLIN)), BERLIN)
    assert found.until_s is not None
    assert found.since_s is not None
    assert found.until_s - found.since_s == 24 * 3600


def test_fractions_of_a_second_stay() -> None:
    """A window that ends now ends a week earlier to the same fraction of a second."""
    now = at("2026-06-10 12:00", BERLIN) + 0.25
    assert week_before(Window(now - 3600, now), BERLIN) == (now - 7 * 86400 - 3600, now - 7 * 86400)


def test_more_than_a_week_is_no_week() -> None:
    """A window longer than a week would hold runs of both sides."""
    with pytest.raises(UsageError, match="longer than a week"):
        week_before(Window(0.0, 7 * 86400 + 1), 540)
    assert week_before(Window(0.0, 7 * 86400.0), 540).until_s == 0


def test_right_before() -> None:
    """The window before is as long and ends where this one begins."""
    assert right_before(Window(100.0, 130.5), 540) == (69.5, 100.0)
