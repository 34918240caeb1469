"""Zones of the IANA database: what a queue time means where clocks are set, and what is no zone."""

from __future__ import annotations

import sys
import zoneinfo
from datetime import datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops_checks.errors import InputError, UsageError
from ops_checks.timestamps import moment, offset_s, queue_time, reading_of, rfc3339, start_epoch, zone_text
from ops_checks.zones import NamedZone, name_defect, zone_of

if TYPE_CHECKING:
    from pathlib import Path

BERLIN = NamedZone("Europe/Berlin")
NEW_YORK = NamedZone("America/New_York")
CAIRO = NamedZone("Africa/Cairo")  # its clock skips midnight
SAMOA = NamedZone("Pacific/Apia")  # skipped a day
LORD_HOWE = NamedZone("Australia/Lord_Howe")  # is set by half an hour
ST_JOHNS = NamedZone("America/St_Johns")  # its clock went back over midnight, until 2011
ZONES = (BERLIN, NEW_YORK, CAIRO, SAMOA, LORD_HOWE, ST_JOHNS)


@pytest.mark.parametrize(
    ("zone", "text", "utc", "said"),
    [
        (BERLIN, "2026-07-01 12:00", "2026-07-01 10:00", ""),
        (BERLIN, "2026-12-01 12:00", "2026-12-01 11:00", ""),
        # Twice: the earlier.
        (BERLIN, "2026-10-25 01:59", "2026-10-24 23:59", ""),
        (BERLIN, "2026-10-25 02:00", "2026-10-25 00:00", "the earlier of two such times"),
        (BERLIN, "2026-10-25 02:59", "2026-10-25 00:59", "the earlier of two such times"),
        (BERLIN, "2026-10-25 03:00", "2026-10-25 02:00", ""),
        (LORD_HOWE, "2026-04-05 01:45", "2026-04-04 14:45", "the earlier of two such times"),
        # Never: when the clock skips it.
        (BERLIN, "2026-03-29 01:59", "2026-03-29 00:59", ""),
        (BERLIN, "2026-03-29 02:00", "2026-03-29 01:00", "the clock skipped that, and went on at 2026-03-29 03:00"),
        (BERLIN, "2026-03-29 02:30", "2026-03-29 01:00", "the clock skipped that, and went on at 2026-03-29 03:00"),
        (BERLIN, "2026-03-29 03:00", "2026-03-29 01:00", ""),
        (NEW_YORK, "2026-03-08 02:30", "2026-03-08 07:00", "the clock skipped that, and went on at 2026-03-08 03:00"),
        (CAIRO, "2026-04-24 00:00", "2026-04-23 22:00", "the clock skipped that, and went on at 2026-04-24 01:00"),
        (SAMOA, "2011-12-30 12:00", "2011-12-30 10:00", "the clock skipped that, and went on at 2011-12-31 00:00"),
    ],
)
def test_times_where_clocks_are_set(zone: NamedZone, text: str, utc: str, said: str) -> None:
    """A time is the first moment at which the zone's clock shows it or a later one; one of two, or none, is told."""
    at = start_epoch(text, zone)
    assert at is not None
    assert (queue_time(at, 0), reading_of(text, zone)) == (utc, said)


def test_no_reading_is_told_of_an_offset() -> None:
    """An offset that is always the same has every time once; what is no time has no reading."""
    assert [reading_of("2026-10-25 02:30", 60), reading_of("soon", BERLIN)] == ["", ""]


moments = st.integers(978_307_200, 4_102_444_800)


@given(st.sampled_from(ZONES), moments)
def test_a_time_is_read_back_as_written(zone: NamedZone, at: int) -> None:
    """What is written for a moment is read as that minute, or as the earlier one of the same text."""
    text = queue_time(at, zone)
    read = start_epoch(text, zone)
    assert read is not None
    assert queue_time(read, zone) == text
    assert read <= at
    assert at - read < 60 or reading_of(text, zone)


@given(st.sampled_from(ZONES), moments, st.integers(0, 200_000))
def test_a_later_time_is_no_earlier_moment(zone: NamedZone, at: int, more: int) -> None:
    """Texts in the order of the clock are moments in that order, whatever the clock skips."""
    texts = [queue_time(each, 0) for each in (at, at + more)]
    first, second = (start_epoch(text, zone) for text in texts)
    assert first is not None
    assert second is not None
    assert first <= second


@given(st.sampled_from(ZONES), moments)
def test_the_standard_library_agrees(zone: NamedZone, at: int) -> None:
    """A moment is written as `datetime` and `zoneinfo` write it."""
    assert rfc3339(at, zone) == datetime.fromtimestamp(at, zoneinfo.ZoneInfo(zone.name)).isoformat()


@given(st.sampled_from(ZONES), moments)
def test_days_and_hours_tile_all_of_time(zone: NamedZone, at: int) -> None:
    """Each moment is in one day and in one hour, which begin where the ones before end, and no hour is longer."""
    for step in (zone.day, zone.hour):
        begin, end = step(at)
        assert begin <= at < end
        assert step(begin) == step(end - 1) == (begin, end)
        assert step(end)[0] == end
    begin, end = zone.hour(at)
    assert end - begin <= 3600
    assert offset_s(zone, begin) == offset_s(zone, end - 1)


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-10-26", 24)], ids=["forward", "back", "usual"]
)
def test_a_day_may_have_another_length(day: str, hours: int) -> None:
    """A day reaches from midnight to midnight by the zone's clock."""
    noon = start_epoch(f"{day} 12:00", BERLIN)
    assert noon is not None
    begin, end = BERLIN.day(noon)
    assert (queue_time(begin, BERLIN), end - begin) == (f"{day} 00:00", hours * 3600)


@pytest.mark.parametrize("utc", ["2010-11-07 02:30", "2010-11-07 02:31", "2010-11-07 03:00", "2010-11-07 03:29"])
def test_a_clock_that_goes_back_over_midnight(utc: str) -> None:
    """A minute after midnight it was 23:01 again in St. John's: that belongs to the day that had begun."""
    at = start_epoch(utc, 0)
    assert at is not None
    assert queue_time(at, ST_JOHNS)[:10] == ("2010-11-07" if utc.endswith("02:30") else "2010-11-06")
    assert [queue_time(each, 0) for each in ST_JOHNS.day(at)] == ["2010-11-07 02:30", "2010-11-08 03:30"]


@pytest.mark.parametrize(
    ("text", "now", "utc"),
    [
        ("01:30", "2026-10-25 03:15", "2026-10-24 23:30"),
        ("02:30", "2026-10-25 03:15", "2026-10-25 00:30"),
        ("04:00", "2026-10-25 03:15", "2026-10-24 02:00"),
        ("04:00", "2026-03-29 03:15", "2026-03-28 03:00"),  # the day before was winter
        ("02:30", "2026-03-29 03:15", "2026-03-29 01:00"),
        ("2026-10-25", "2026-10-25 12:00", "2026-10-24 22:00"),
        ("2026-10-26", "2026-10-26 12:00", "2026-10-25 23:00"),
        ("1d", "2026-10-25 12:00", "2026-10-24 11:00"),  # 24 hours, and not a day of the calendar
    ],
)
def test_moments_of_the_command_line(text: str, now: str, utc: str) -> None:
    """A time is that of the zone's clock at its own day; a span is so many seconds."""
    now_s = start_epoch(now, BERLIN)
    assert now_s is not None
    at = moment(text, now_s, BERLIN)
    assert at is not None
    assert queue_time(at, 0) == utc


@pytest.mark.parametrize("text", ["0001-01-01 00:00", "9999-12-31 23:59"])
def test_the_ends_of_the_calendar(text: str) -> None:
    """Every date of the calendar is one in each zone."""
    at = start_epoch(text, NEW_YORK)
    assert at is not None
    assert queue_time(at, NEW_YORK) == text


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Europe/Berlin", None),
        ("UTC", None),
        ("Etc/GMT+5", None),
        ("Europe/Berln", "; did you mean Europe/Berlin?"),
        ("berlin", "; did you mean Europe/Berlin?"),
        ("europe/istanbul", "; did you mean Europe/Istanbul?"),
        ("New York", "; did you mean America/New_York?"),
        ("right/UTC", "; did you mean Etc/UTC?"),
        ("localtime", ""),
        ("Europe", ""),
        ("KST", ""),
        ("../../etc/passwd", ""),
        ("", ""),
    ],
)
def test_what_is_no_zone(name: str, said: str | None) -> None:
    """A name is exactly one of the database; what is like one is suggested. Names for this machine's own are none."""
    expected = f"{name} is no time zone: expected a name of the IANA database{said}"
    assert name_defect(name) == (None if said is None else expected)
    if said is not None:
        with pytest.raises(UsageError) as caught:
            NamedZone(name)
        assert caught.value.message == f"timezone: {expected}"


def test_a_machine_without_zones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without zone data no name is wrong: the error says what to install."""
    before = zoneinfo.TZPATH
    for package in ("tzdata", "tzdata.zoneinfo", "tzdata.zoneinfo.Europe"):
        monkeypatch.setitem(sys.modules, package, None)
    zoneinfo.reset_tzpath([str(tmp_path)])
    zoneinfo.ZoneInfo.clear_cache()
    try:
        assert name_defect("Europe/Berln") is None
        with pytest.raises(InputError, match=r"^timezone: this machine has no time zone data for Europe/B"):
            NamedZone("Europe/Berlin")
    finally:
        zoneinfo.reset_tzpath(before)
        zoneinfo.ZoneInfo.clear_cache()


def test_plain_values() -> None:
    """A zone is equal to another of its name, and is written as a policy has it."""
    assert (zone_of("Europe/Berlin"), zone_of(-210)) == (BERLIN, -210)
    assert BERLIN != NEW_YORK
    assert len({BERLIN, NamedZone("Europe/Berlin")}) == 1
    assert [zone_text(BERLIN), zone_text(-210), zone_text(540)] == ["Europe/Berlin", "-03:30", "+09:00"]
