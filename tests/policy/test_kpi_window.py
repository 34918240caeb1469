"""The window of the KPIs: which moments it reaches from and to, and what is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops_checks.errors import InputError, UsageError
from ops_checks.policy.loader import load_policy
from ops_checks.policy.model import KpiPolicy, Policy
from ops_checks.policy.window import Window, kpi_window
from ops_checks.timestamps import queue_time, start_epoch
from ops_checks.zones import NamedZone

if TYPE_CHECKING:
    from pathlib import Path

    from ops_checks.timestamps import Zone

BERLIN = NamedZone("Europe/Berlin")
TIMES = "expected 90s, 15m, 2h, 7d, HH:MM (the last one), YYYY-MM-DD or 'YYYY-MM-DD HH:MM'"


def at(text: str, zone: Zone = 0) -> int:
    """Return the epoch second of a queue time."""
    epoch_s = start_epoch(text, zone)
    assert epoch_s is not None
    return epoch_s


#: The zone, its time now, window, since and until; then both bounds in UTC, and the seconds between them.
WINDOWS = [
    (540, "2026-01-10 09:00", None, None, None, None, None, None),
    (540, "2026-01-10 09:00", "7d", None, None, "2026-01-03 00:00", None, None),
    (540, "2026-01-10 09:00", "7d", None, "2026-01-08", "2025-12-31 15:00", "2026-01-07 15:00", 7 * 86_400),
    (540, "2026-01-10 09:00", None, "2026-01-08", None, "2026-01-07 15:00", None, None),
    (540, "2026-01-10 09:00", None, "08:30", "08:45", "2026-01-09 23:30", "2026-01-09 23:45", 900),
    (540, "2026-01-10 09:00", None, None, "1h", None, "2026-01-09 23:00", None),
    # A day of 23 hours, one of 25, and the hour that comes twice: its first beginning, and the hour after it.
    (BERLIN, "2026-04-01 12:00", None, "2026-03-29", "2026-03-30", "2026-03-28 23:00", "2026-03-29 22:00", 23 * 3600),
    (BERLIN, "2026-10-26 12:00", None, "2026-10-25", "2026-10-26", "2026-10-24 22:00", "2026-10-25 23:00", 25 * 3600),
    (BERLIN, "2026-10-26 12:00", None, "2026-10-25 02:00", "2026-10-25 03:00", "2026-10-25 00:00", "2026-10-25 02:00",
     7200),
    (BERLIN, "2026-03-30 12:00", None, "2026-03-29 02:30", "2026-03-29 03:30", "2026-03-29 01:00", "2026-03-29 01:30",
     1800),
    # Before a change, seen from behind it: midnight has the offset of its own day.
    (BERLIN, "2026-11-02 09:00", "1d", None, "2026-10-25", "2026-10-23 22:00", "2026-10-24 22:00", 86_400),
]  # fmt: skip


@pytest.mark.parametrize(("zone", "now", "window", "since", "until", "begins", "ends", "length"), WINDOWS)
def test_bounds(zone: Zone, now: str, window: str, since: str, until: str, begins: str, ends: str, length: int) -> None:
    """A window is of now, or of the time at which it ends, by the clock of the queue's zone."""
    window_s = None if window is None else int(window[:-1]) * 86_400
    found = kpi_window(KpiPolicy(window_s=window_s, since=since, until=until), at(now, zone), zone)
    assert tuple(None if each is None else queue_time(each, 0) for each in found) == (begins, ends)
    assert found.bounded == (found != Window())
    if length is not None:
        assert found.until_ms - found.since_ms == length * 1000


@pytest.mark.parametrize(
    ("kpi", "error"),
    [
        (KpiPolicy(since="2026-01-11"), "(since 2026-01-11) begins at 2026-01-11 00:00, which lies ahead"),
        (KpiPolicy(since="0s"), "(since 0s) begins at 2026-01-10 09:00, which lies ahead"),
        (
            KpiPolicy(since="1h", until="2026-01-09"),
            "(since 1h, until 2026-01-09) begins at 2026-01-10 08:00, which is not before 2026-01-09 00:00",
        ),
        (
            KpiPolicy(since="08:30", until="08:30"),
            "(since 08:30, until 08:30) begins at 2026-01-10 08:30, which is not before 2026-01-10 08:30",
        ),
        (
            KpiPolicy(window_s=86_400, until="2026-01-20"),
            "(window 24h, until 2026-01-20) begins at 2026-01-19 00:00, which lies ahead",
        ),
    ],
)
def test_what_cannot_hold_anything(kpi: KpiPolicy, error: str) -> None:
    """A window that begins ahead of now, or not before its end, is an error that names both."""
    with pytest.raises(UsageError) as caught:
        kpi_window(kpi, at("2026-01-10 09:00", 540), 540)
    assert caught.value.message == f"the window of the KPIs {error}: nothing can lie in it: expected an earlier time"


@pytest.mark.parametrize("kpi", [KpiPolicy(since="soon"), KpiPolicy(until="soon")])
def test_a_program_names_no_time(kpi: KpiPolicy) -> None:
    """A policy of a program is held to the grammar when it is used."""
    with pytest.raises(UsageError, match="'soon': expected 90s"):
        kpi_window(kpi, 1.8e9, 540)


_SPANS = st.sampled_from(["90s", "15m", "2h", "7d", "03:30", "2026-03-29", "2026-03-29 02:30", "2026-10-25 02:30"])


@given(
    st.integers(at("2026-03-28 00:00"), at("2026-10-27 00:00")),
    st.sampled_from([BERLIN, 540, -210]),
    st.one_of(st.none(), st.integers(1, 10**7)),
    st.one_of(st.none(), _SPANS),
    st.one_of(st.none(), _SPANS),
)
def test_a_window_is_never_empty(now_s: int, zone: Zone, window_s: int, since: str, until: str) -> None:
    """Whatever is asked for, a window begins before now and before it ends, or there is none."""
    try:
        found = kpi_window(Policy().with_window(window_s=window_s, since=since, until=until).kpi, now_s, zone)
    except UsageError:
        return
    assert found.since_s is None or found.since_s < min(now_s, now_s if found.until_s is None else found.until_s)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "kpi: {window: 1d, since: 2d}",
            "26: kpi.since: contradicts window: both say when the KPIs begin; expected one of them",
        ),
        ("kpi: {since: 2026-02-30}", f"14: kpi.since: '2026-02-30' is no time; {TIMES}"),
        ("kpi: {until: 24:00}", f"14: kpi.until: '24:00' is no time; {TIMES}"),
        ("kpi: {until: soon}", f"14: kpi.until: 'soon' is no time; {TIMES}"),
        ("kpi: {since: 1d, until: 2d}", "14: kpi.since: 1d is not before until, 2d; expected an earlier time"),
        ("kpi: {since: 2h, until: 2h}", "14: kpi.since: 2h is not before until, 2h; expected an earlier time"),
        (
            "kpi: {since: 2026-03-01, until: 2026-03-01 00:00}",
            "14: kpi.since: 2026-03-01 is not before until, 2026-03-01 00:00; expected an earlier time",
        ),
        (
            "kpi: {until: 5}",
            "14: kpi.until: 5 is not allowed; expected a time: `90s`, `15m`, `2h` or `7d` ago, `HH:MM` (the last one), "
            "`YYYY-MM-DD` or `YYYY-MM-DD HH:MM`",
        ),
        (
            "timezone: Europe/Berln",
            "11: timezone: Europe/Berln is no time zone: expected a name of the IANA database; "
            "did you mean Europe/Berlin?",
        ),
        ("timezone: KST", "11: timezone: KST is no time zone: expected a name of the IANA database"),
        ("timezone: localtime", "11: timezone: localtime is no time zone: expected a name of the IANA database"),
    ],
)
def test_a_policy_that_is_none(tmp_path: Path, text: str, said: str) -> None:
    """What is wrong whenever it is read is told with its line and column."""
    file = tmp_path / "p.yaml"
    file.write_text(text)
    with pytest.raises(UsageError) as caught:
        load_policy(str(file))
    assert [caught.value.message, *caught.value.details] == [f"{file}:1:{said}"]


@pytest.mark.parametrize(
    ("since", "until"), [("7d", "00:00"), ("08:00", "2026-01-01"), ("2026-01-02", "1d"), ("00:00", "00:00")]
)
def test_what_the_time_decides_is_left_open(tmp_path: Path, since: str, until: str) -> None:
    """The order of a clock time, or of a span and a date, is another one each day."""
    file = tmp_path / "p.yaml"
    file.write_text(f"kpi: {{since: {since}, until: {until}}}\ntimezone: Europe/Berlin\n")
    policy = load_policy(str(file))
    assert (policy.timezone, policy.kpi.since, policy.kpi.until) == ("Europe/Berlin", since, until)


def test_a_machine_without_zones_is_no_mistake_of_the_policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is exit code 3, with the place of the name."""
    file = tmp_path / "p.yaml"
    file.write_text("db: q\ntimezone: Europe/Berlin\n")
    monkeypatch.setattr("ops_checks.zones.has_data", lambda: False)
    with pytest.raises(InputError) as caught:
        load_policy(str(file))
    assert (caught.value.exit_code, caught.value.message) == (
        3,
        f"{file}:2:11: timezone: this machine has no time zone data for Europe/Berlin: install the system's package "
        "tzdata, or `pip install tzdata`",
    )


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({}, (60, None, "1d")),
        ({"window_s": 5}, (5, None, "1d")),
        ({"since": "2h"}, (None, "2h", "1d")),
        ({"until": "2h"}, (60, None, "2h")),
    ],
)
def test_the_command_line_comes_first(options: dict[str, object], found: tuple[object, ...]) -> None:
    """A beginning takes the place of the policy's, whatever that says of it; an end that of its end."""
    policy = Policy(kpi=KpiPolicy(window_s=60, until="1d"))
    kpi = policy.with_window(**({"window_s": None, "since": None, "until": None} | options)).kpi
    assert (kpi.window_s, kpi.since, kpi.until) == found


def test_two_beginnings() -> None:
    """Both a window and a since would say when it begins."""
    with pytest.raises(UsageError, match="both say when the KPIs begin"):
        Policy().with_window(window_s=60, since="1d", until=None)
