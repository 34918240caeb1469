"""Times of a report as its queue's zone shows them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ops_checks.timestamps import offset_s, offset_text

if TYPE_CHECKING:
    from ops_checks.timestamps import Zone

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - by the clock of whatever zone
_SECOND = timedelta(seconds=1)


class Clock:
    """Epoch milliseconds as the wall clock of a zone shows them; `name` is the zone's, for people."""

    def __init__(self, zone: Zone) -> None:
        self._zone = zone
        if not isinstance(zone, int):
            self.name = zone.name
        else:
            self.name = f"UTC{offset_text(zone)}" if zone else "UTC"

    def local(self, epoch_ms: int) -> datetime | None:
        """Return what the clock shows at a time, None where that is of no year from 1 to 9999."""
        try:
            return _EPOCH + timedelta(milliseconds=epoch_ms, seconds=offset_s(self._zone, epoch_ms / 1000))
        except OverflowError:
            return None

    def epoch_ms(self, local: datetime) -> int:
        """Return when the clock shows a time or, where it skips that, a later one."""
        seconds = (local - _EPOCH) // _SECOND
        zone = self._zone
        return 1000 * (seconds - zone * 60 if isinstance(zone, int) else zone.epoch_s(seconds))

    def minute(self, epoch_ms: int) -> str:
        """Return `2026-11-24 13:05`, `-` for a time of no year."""
        found = self.local(epoch_ms)
        return "-" if found is None else found.isoformat(sep=" ", timespec="minutes")

    def day(self, epoch_ms: int) -> str:
        """Return `2026-11-24`, `-` for a time of no year."""
        return self.minute(epoch_ms).partition(" ")[0]
