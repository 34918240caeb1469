"""Retries in a window: a time is a minute, and counts where any second of it may lie in the window."""

from __future__ import annotations

import pytest

from ops_checks.rules.kpi.retries import windowed_retries
from ops_checks.timestamps import start_epoch
from ops_checks.zones import NamedZone

BERLIN = NamedZone("Europe/Berlin")
NOON = 1_792_929_600  # 2026-10-25 12:00 in UTC


def counted(text: str, since: str | None, until: str | None, minutes: float = 0) -> tuple[int, int, int]:
    """Return how many retries at a time of Berlin count, lie outside, and have no time; bounds are in UTC."""
    bounds = tuple(None if each is None else (start_epoch(each, 0) or 0) + minutes * 60 for each in (since, until))
    found = windowed_retries([("A-1", text, 2)], window=bounds, valid_s=(978_307_200, NOON), zone=BERLIN)
    assert found.by_item == ((("A-1", 2),) if found.count else ())
    return found.count, found.outside, found.unread


@pytest.mark.parametrize(
    ("text", "since", "until", "count"),
    [
        ("2026-10-24 12:00", "2026-10-24 10:00", None, 2),
        ("2026-10-24 12:00", "2026-10-24 10:01", None, 0),
        ("2026-10-24 12:00", None, "2026-10-24 10:00", 0),
        ("2026-10-24 12:00", None, "2026-10-24 10:01", 2),
        ("2026-10-24 12:00", "2026-10-24 09:00", "2026-10-24 11:00", 2),
        # It comes twice, at 00:30 and 01:30 in UTC, and may be either.
        ("2026-10-25 02:30", "2026-10-25 00:30", "2026-10-25 00:31", 2),
        ("2026-10-25 02:30", "2026-10-25 01:30", "2026-10-25 01:31", 2),
        ("2026-10-25 02:30", "2026-10-25 01:31", None, 0),
        ("2026-10-25 02:30", None, "2026-10-25 00:30", 0),
        ("2026-10-25 03:00", None, "2026-10-25 02:00", 0),
        # It never comes: it is when the clock went on, 01:00 in UTC.
        ("2026-03-29 02:30", "2026-03-29 01:00", "2026-03-29 01:01", 2),
        ("2026-03-29 02:30", "2026-03-29 01:01", None, 0),
    ],
)
def test_bounds(text: str, since: str | None, until: str | None, count: int) -> None:
    """The beginning belongs to the window, the end does not."""
    assert counted(text, since, until) == (count, 2 - count, 0)


def test_half_a_minute() -> None:
    """A bound within a minute leaves the rest of it in."""
    assert counted("2026-10-24 12:00", "2026-10-24 10:00", None, 0.5) == (2, 0, 0)
    assert counted("2026-10-24 12:00", None, "2026-10-24 10:00", 0.5) == (2, 0, 0)


@pytest.mark.parametrize("text", ["soon", "1999-01-01 00:00", "2026-10-25 14:00"])
def test_what_is_no_time(text: str) -> None:
    """Nobody can tell whether it lies in the window."""
    assert counted(text, "2026-10-24 10:00", None) == (0, 0, 2)
