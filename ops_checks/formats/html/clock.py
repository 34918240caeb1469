"""Times of a report as its queue's zone shows them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import tzinfo

    from ops_checks.report.model import Report

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


class Clock:
    """Epoch milliseconds as the wall clock of a zone shows them; `name` is the zone's, for people."""

    def __init__(self, zone: tzinfo, name: str) -> None:
        self.zone = zone
        self.name = name

    def local(self, epoch_ms: int) -> datetime | None:
        """Return a time in the zone, None where it is of no year from 1 to 9999."""
        try:
            return (_EPOCH + timedelta(milliseconds=epoch_ms)).astimezone(self.zone)
        except (OverflowError, ValueError):
            return None

    def minute(self, epoch_ms: int) -> str:
        """Return `2026-11-24 13:05`, `-` for a time of no year."""
        found = self.local(epoch_ms)
        return "-" if found is None else found.isoformat(sep=" ", timespec="minutes")[:16]

    def day(self, epoch_ms: int) -> str:
        """Return `2026-11-24`, `-` for a time of no year."""
        return self.minute(epoch_ms).partition(" ")[0]


def epoch_ms(moment: datetime) -> int:
    """Return a time with a zone in epoch milliseconds."""
    return (moment - _EPOCH) // _MS


def clock_of(report: Report) -> Clock:
    """Return the clock of the queue's zone, that of UTC where it is not known."""
    minutes = report.tz_minutes or 0
    zone = timezone(timedelta(minutes=minutes))
    return Clock(zone, str(zone) if minutes else "UTC")
