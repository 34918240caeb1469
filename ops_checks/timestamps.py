"""Convert the queue's times, `YYYY-MM-DD HH:MM` in its zone, to epoch seconds and back (FORMATS section 1).

Commands that must start fast import this, so it imports only the built-in `time` (`datetime`
would cost more than the parsing).
"""

from __future__ import annotations

from time import gmtime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class ChangingZone(Protocol):
        """A zone whose offset from UTC is not always the same; see `zones.NamedZone`."""

        name: str

        def offset_s(self, epoch_s: float) -> int:
            """Return the offset at a moment, in seconds east of UTC."""
            ...

        def epoch_s(self, local_s: int) -> int:
            """Return the first epoch second at which its clock shows a time (seconds since 1970) or a later one."""
            ...

    #: The zone of local times: minutes east of UTC, or a zone whose offset changes.
    Zone = int | ChangingZone

#: Days before the first of each month, in a year that is no leap year.
_DAYS_BEFORE = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365)
_DAYS_BEFORE_1970 = 719_162  # days from 0001-01-01, the proleptic Gregorian calendar's first
_MINUTES_A_DAY = 1440
_HOURS_A_DAY = 24
_MINUTES_AN_HOUR = 60
_FEBRUARY = 2
#: Seconds that a time may lie ahead, for clocks differ; one farther ahead says nothing about how long ago it was.
MOST_AHEAD_S = 300
_UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
#: What a time of the command line may be (FORMATS section 8), for errors and helps.
TIMES = "90s, 15m, 2h, 7d, HH:MM (the last one), YYYY-MM-DD or 'YYYY-MM-DD HH:MM'"
_LARGEST_FIRST = tuple(reversed(_UNITS_S.items()))
_MOST_DIGITS = 9
_YEAR_S = 365 * 86_400
_EARLIEST_S = 978_307_200  # 2001-01-01 in UTC: no program of a queue has written an older time (FORMATS section 4)
_SECOND_UNITS = (("seconds", 1), ("milliseconds", 10**3), ("microseconds", 10**6), ("nanoseconds", 10**9))


def start_epoch(text: str, zone: Zone) -> int | None:
    """Return the epoch second of a queue time, or None if the text is not a valid one.

    `zone` is the queue's: the time is the first moment at which its clock shows it or a later one. Where clocks go
    back, that is the earlier of two, so that nothing is held to be fresher than it is; a time that they skip is when
    they go forward. Strict: ASCII digits, one space, a day and a minute of a calendar; not `24:00`, no seconds.
    """
    if len(text) != len("YYYY-MM-DD HH:MM") or not text.isascii():
        return None
    if text[4] + text[7] + text[10] + text[13] != "-- :":
        return None
    digits = text[:4] + text[5:7] + text[8:10] + text[11:13] + text[14:]
    if not digits.isdigit():
        return None
    hour, minute = int(digits[8:10]), int(digits[10:])
    days = _days(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    if days is None or hour >= _HOURS_A_DAY or minute >= _MINUTES_AN_HOUR:
        return None
    local_s = (days * _MINUTES_A_DAY + hour * _MINUTES_AN_HOUR + minute) * 60
    return local_s - zone * 60 if isinstance(zone, int) else zone.epoch_s(local_s)


def duration_s(text: str) -> int | None:
    """Return a time span as it is written everywhere, `90s`, `15m`, `2h`, `7d`, in seconds; None for another text."""
    number, unit = text[:-1], text[-1:]
    if not (number.isascii() and number.isdigit() and len(number) <= _MOST_DIGITS and unit in _UNITS_S):
        return None
    return int(number) * _UNITS_S[unit]


def duration_text(seconds: float) -> str:
    """Return seconds as a time span in the largest unit of which there are at least two: `36h`, `3d`, `24h`."""
    for unit, size in _LARGEST_FIRST:
        if seconds >= 2 * size:
            return f"{int(seconds / size)}{unit}"
    return f"{int(seconds)}s"


def moment(text: str, now_s: float, zone: Zone) -> float | None:
    """Return a time of the command line in epoch seconds, None for a text that is none (FORMATS section 8).

    `90s`, `15m`, `2h`, `7d` are so long before `now_s`; `HH:MM` is the last one; `YYYY-MM-DD` that day's midnight and
    `YYYY-MM-DD HH:MM` a minute, in a zone.
    """
    span = duration_s(text)
    if span is not None:
        return now_s - span
    if len(text) == len("HH:MM"):
        return _last(text, now_s, zone)
    return start_epoch(f"{text} 00:00" if len(text) == len("YYYY-MM-DD") else text, zone)


def _last(clock: str, now_s: float, zone: Zone) -> float | None:
    """Return when it was `HH:MM` last: today, or the day before."""
    today = queue_time(now_s, zone)[:10]
    at = start_epoch(f"{today} {clock}", zone)
    midnight = start_epoch(f"{today} 00:00", zone)
    if at is None or midnight is None or at <= now_s:
        return at
    return start_epoch(f"{queue_time(midnight - 1, zone)[:10]} {clock}", zone)


def is_overdue(start_s: float | None, now_s: float, stale_s: float) -> bool:
    """Return whether work that began at `start_s` is stale at `now_s`: it began more than `stale_s` seconds before.

    One without a readable start, or that starts ahead, cannot be shown to be fresh (FORMATS section 4).
    """
    return start_s is None or now_s - start_s > stale_s or start_s - now_s > MOST_AHEAD_S


def queue_time(epoch_s: float, zone: Zone) -> str:
    """Return an epoch second as a queue time, rounded down to the minute, in a zone."""
    then = gmtime(epoch_s // 1 + offset_s(zone, epoch_s))
    return f"{then.tm_year:04d}-{then.tm_mon:02d}-{then.tm_mday:02d} {then.tm_hour:02d}:{then.tm_min:02d}"


def rfc3339(epoch_s: float, zone: Zone) -> str:
    """Return an epoch second as a date and time of RFC 3339, in a zone."""
    day = queue_time(epoch_s, zone).replace(" ", "T")
    return f"{day}:{gmtime(epoch_s // 1).tm_sec:02d}{offset_text(offset_s(zone, epoch_s) // 60)}"


def offset_text(minutes: int) -> str:
    """Return an offset in minutes east of UTC as RFC 3339 writes it, `+09:00`."""
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours:02d}:{rest:02d}"


def offset_s(zone: Zone, epoch_s: float) -> int:
    """Return the offset of a zone at a moment, in seconds east of UTC."""
    return zone * 60 if isinstance(zone, int) else zone.offset_s(epoch_s)


def reading_of(text: str, zone: Zone) -> str:
    """Return how a queue time was read that the zone's clock showed twice or never; "" for any other."""
    at = start_epoch(text, zone)
    if at is None or isinstance(zone, int):
        return ""
    if queue_time(at, zone) != text:
        return f"the clock skipped that, and went on at {queue_time(at, zone)}"
    return "the earlier of two such times" if last_second(at, zone) - at > _UNITS_S["m"] else ""


def last_second(at: int, zone: Zone) -> int:
    """Return the last epoch second at which the clock of a zone shows the minute that begins at `at`.

    That is more than a minute later where it goes back and shows that minute again.
    """
    again = at if isinstance(zone, int) else at + zone.offset_s(at) - zone.offset_s(at + _UNITS_S["d"])
    shown_again = again > at and queue_time(again, zone) == queue_time(at, zone)
    return (again if shown_again else at) + _UNITS_S["m"] - 1


def plain_zone(zone: Zone) -> str | int:
    """Return a zone as a plain value, of which `zones.zone_of` makes it: its name, or minutes east of UTC."""
    return zone if isinstance(zone, int) else zone.name


def zone_text(zone: Zone) -> str:
    """Return a zone as a policy writes it: `Europe/Berlin`, `+09:00`."""
    return offset_text(zone) if isinstance(zone, int) else zone.name


def expiry_defect(value: object, now_s: float) -> str | None:
    """Return why a value is no time at which a lease ends, None if it is one (FORMATS section 5).

    That is a whole number of epoch seconds, at most a year after `now_s`. The text begins with the value, and names
    the unit that it looks like.
    """
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if whole and value <= now_s + _YEAR_S:  # type: ignore[operator] # a number, as the line above finds out
        return None
    what = "ends more than a year ahead" if whole else "is no whole number of epoch seconds"
    looks = _unit_of(value, now_s)
    return f"{value!a} {what}" + (f" (it looks like {looks})" if looks else "")


def _unit_of(value: object, now_s: float) -> str:
    """Return the unit in which a value would be a time of today, "" if there is none."""
    written = " in a text" if isinstance(value, str) else ""
    try:
        number = float(value)  # type: ignore[arg-type] # whatever it is
    except (TypeError, ValueError, OverflowError):
        return "text" if written else ""
    units = (name for name, size in _SECOND_UNITS if _EARLIEST_S <= number / size <= now_s + _YEAR_S)
    unit = next(units, "")
    if not unit or isinstance(value, bytes):
        return ""
    return unit + written + (" with a fraction" if not number.is_integer() else "")


def _days(year: int, month: int, day: int) -> int | None:
    """Return the days from 1970-01-01 to a date (proleptic Gregorian), or None if the date does not exist."""
    if not (year >= 1 and 1 <= month < len(_DAYS_BEFORE)):
        return None
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    length = _DAYS_BEFORE[month] - _DAYS_BEFORE[month - 1] + (leap and month == _FEBRUARY)
    if not 1 <= day <= length:
        return None
    before = year - 1
    return (
        before * 365 + before // 4 - before // 100 + before // 400
        + _DAYS_BEFORE[month - 1] + (leap and month > _FEBRUARY)
        + day - 1 - _DAYS_BEFORE_1970
    )  # fmt: skip
