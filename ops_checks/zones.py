"""Zones of the IANA database, whose offset from UTC changes (`Europe/Berlin`).

Only where such a zone is named this is imported: `datetime` and `zoneinfo` take longer than `status`.
"""

from __future__ import annotations

from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, available_timezones

from ops_checks.errors import InputError, UsageError
from ops_checks.sanitize import visible
from ops_checks.suggestions import closest, did_you_mean

if TYPE_CHECKING:
    from ops_checks.timestamps import Zone

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LOCAL_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - by the clock of whatever zone
#: Epoch seconds of which every zone's calendar has the day: of the years 2 to 9998.
_FIRST_S, _LAST_S = -62_104_060_800, 253_339_228_800
_HOUR_S, _DAY_S = 3_600, 86_400
_PLACES_LEAST = 0.75


class NamedZone:
    """A zone of the IANA database by its name, with the offset from UTC of each moment.

    Raises UsageError for a name that is none, InputError on a machine without zone data.
    """

    __slots__ = ("_info", "name")

    def __init__(self, name: str) -> None:
        if not has_data():
            raise InputError(f"timezone: {without_data(name)}")
        defect = name_defect(name)
        if defect is not None:
            raise UsageError(f"timezone: {defect}")
        self.name = name
        self._info = ZoneInfo(name)

    def offset_s(self, epoch_s: float) -> int:
        """Return the offset at a moment, in seconds east of UTC."""
        moment = _EPOCH + timedelta(seconds=min(max(epoch_s, _FIRST_S), _LAST_S) // 1)
        return _seconds(moment.astimezone(self._info).utcoffset())

    def epoch_s(self, local_s: int) -> int:
        """Return the first epoch second at which the zone's clock shows a time or a later one.

        `local_s` is the time as seconds since 1970-01-01 00:00 by that clock. So a time that the clock shows twice is
        the earlier one (as RFC 5545, section 3.3.5, has it), one that it skips is when it skips it, and a later time is
        never an earlier moment.
        """
        if not _FIRST_S <= local_s <= _LAST_S:
            return local_s - self.offset_s(local_s)
        local = (_LOCAL_EPOCH + timedelta(seconds=local_s)).replace(tzinfo=self._info)
        before, after = _seconds(local.utcoffset()), _seconds(local.replace(fold=1).utcoffset())
        if before >= after:
            return local_s - before
        skipped = range(local_s - after, local_s - before)
        return skipped[0] + bisect_left(skipped, after, key=self.offset_s)

    def day(self, epoch_s: int) -> tuple[int, int]:
        """Return when the zone's day of an epoch second begins, and when the next one does."""
        day = (epoch_s + self.offset_s(epoch_s)) // _DAY_S
        while self.epoch_s((day + 1) * _DAY_S) <= epoch_s:  # its clock went back over midnight
            day += 1
        return self.epoch_s(day * _DAY_S), self.epoch_s((day + 1) * _DAY_S)

    def hour(self, epoch_s: int) -> tuple[int, int]:
        """Return when the hour of the zone's clock that holds an epoch second begins, and when the next one does.

        An hour that the clock shows twice is two; one in which the clock is set begins or ends there.
        """
        offset = self.offset_s(epoch_s)
        begin = (epoch_s + offset) // _HOUR_S * _HOUR_S - offset
        before, after = range(begin, epoch_s), range(epoch_s, begin + _HOUR_S)
        return (
            begin + bisect_left(before, 1, key=lambda at: self.offset_s(at) == offset),
            epoch_s + bisect_left(after, 1, key=lambda at: self.offset_s(at) != offset),
        )

    def __eq__(self, other: object) -> bool:
        """Return whether another zone is the same by its name."""
        return isinstance(other, NamedZone) and other.name == self.name

    def __hash__(self) -> int:
        """Return the hash of the name."""
        return hash(self.name)


def zone_of(plain: str | int) -> Zone:
    """Return the zone of a plain value: a name of the IANA database, or minutes east of UTC. Raises as NamedZone."""
    return NamedZone(plain) if isinstance(plain, str) else plain


def name_defect(name: str) -> str | None:
    """Return why a text is no name of a zone, with a suggestion; None for one that is, and where nobody can tell."""
    if not has_data():
        return None
    if _is_of_database(name) and _is_there(name):
        return None
    return f"{visible(name)} is no time zone: expected a name of the IANA database{_meant(name)}"


def has_data() -> bool:
    """Return whether this machine has zone data."""
    return _is_there("UTC") or bool(available_timezones())


def without_data(name: str) -> str:
    """Return the error for a zone on a machine that has no zone data."""
    advice = "install the system's package tzdata, or `pip install tzdata`"
    return f"this machine has no time zone data for {visible(name)}: {advice}"


def _is_of_database(name: str) -> bool:
    """Return whether a name may be one of the database: `localtime`, `posix/…` and `right/…` are a machine's own."""
    return name[:1].isupper()


def _is_there(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # not there; no name; a folder of zones, or no file of one
        return False
    return True


def _meant(name: str) -> str:
    """Return a suggestion: of the names that end in nearly the same place, the one that is most like it."""
    by_place: dict[str, list[str]] = {}
    for known in sorted(filter(_is_of_database, available_timezones())):
        by_place.setdefault(_place(known), []).append(known)
    place = closest(_place(name), by_place, _PLACES_LEAST)
    return did_you_mean(name, by_place.get(place or "", ()), least=0)


def _place(name: str) -> str:
    return name.rpartition("/")[2].replace(" ", "_")


def _seconds(offset: timedelta | None) -> int:
    return 0 if offset is None else offset // timedelta(seconds=1)
