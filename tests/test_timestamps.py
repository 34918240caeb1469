from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops_checks.timestamps import duration_s, duration_text, queue_time, start_epoch

KST = 540


@pytest.mark.parametrize(
    ("text", "zone", "epoch"),
    [
        ("1970-01-01 00:00", 0, 0),
        ("1970-01-01 09:00", KST, 0),
        ("2026-01-01 10:00", KST, 1767229200),
        ("2026-01-01 10:00", -330, 1767281400),
        ("2024-02-29 23:59", 0, 1709251140),
        ("1969-12-31 23:59", 0, -60),
    ],
)
def test_start_epoch(text: str, zone: int, epoch: int) -> None:
    """A queue time is the wall clock of the queue's zone."""
    assert start_epoch(text, zone) == epoch


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "soon",
        "2026-01-01",
        "2026-01-01 10:0",
        "2026-01-01 10:000",
        "2026-01-01T10:00",
        "2026-01-01  9:00",
        "2026/01/01 10:00",
        "2026-01-01 10.00",
        " 2026-01-01 10:00",
        "2026-01-01 10:00 ",
        "2026-01-01 10:00\n",
        "2026-01-01 24:00",
        "2026-01-01 10:60",
        "2026-00-01 10:00",
        "2026-13-01 10:00",
        "2026-01-00 10:00",
        "2026-01-32 10:00",
        "2026-02-29 10:00",
        "1900-02-29 10:00",
        "0000-01-01 10:00",
        "+026-01-01 10:00",
        "2026-01-01 -1:00",
        "2_26-01-01 10:00",
        "\uff12\uff10\uff12\uff16-01-01 10:00",
        "2026-01-01 1\u00b2:00",
    ],
)
def test_start_epoch_refuses(text: str) -> None:
    """What is not exactly a queue time, in ASCII digits, a minute that exists, is no time at all."""
    assert start_epoch(text, KST) is None


@given(
    st.datetimes(min_value=datetime(1, 1, 3), max_value=datetime(9999, 12, 29)),  # noqa: DTZ001 a wall clock
    st.integers(-1439, 1439),
)
def test_both_ways(when: datetime, zone: int) -> None:
    """Reading agrees with the standard library, and writing what was read gives the same text, for every date."""
    text = f"{when.year:04d}-{when:%m-%d %H:%M}"
    zoned = when.replace(second=0, microsecond=0, tzinfo=timezone(timedelta(minutes=zone)))
    epoch = start_epoch(text, zone)
    assert epoch == int(zoned.timestamp())
    assert queue_time(epoch, zone) == text
    assert queue_time(epoch + 59.9, zone) == text


@given(st.text(alphabet="0123456789-: \n\uff12", min_size=15, max_size=17))
def test_any_text(text: str) -> None:
    """Any text is a time or none, never an exception; a time that is read writes back to the same text."""
    epoch = start_epoch(text, KST)
    assert epoch is None or queue_time(epoch, KST) == text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        *(("90s", 90), ("15m", 900), ("2h", 7200), ("7d", 604_800), ("0d", 0)),
        *(("", None), ("7", None), ("d", None), ("7w", None), ("-7d", None), ("1.5h", None), ("\u0667d", None)),
        *(("7d\n", None), (" 7d", None), ("9" * 10 + "s", None)),
    ],
)
def test_duration(text, seconds):
    """A time span is a whole number and a unit."""
    assert duration_s(text) == seconds


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (7199, "119m"),
        (7200, "2h"),
        (86_400, "24h"),
        (172_800, "2d"),
        (1e9, "11574d"),
    ],
)
def test_duration_text(seconds, text):
    """A time span is shown in the largest unit of which there are at least two."""
    assert duration_text(seconds) == text
