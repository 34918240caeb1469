"""The KPIs of groups of runs: their names, their order, and what is computed of each."""

from __future__ import annotations

from typing import Any

import pytest

from ops_checks.rules.kpi.groups import Rate, kpis_by, shown_first
from ops_checks.runlog.grouping import UNNAMED, Grouping, GroupStats
from ops_checks.runlog.percentiles import Durations
from ops_checks.runlog.stats import RunStats
from ops_checks.statistics.intervals import rate_interval
from ops_checks.zones import NamedZone

HOUR = 3_600_000
#: 2026-10-25 00:00 UTC: in Berlin clocks go back from 3 to 2 at 01:00 UTC.
BACK = 1_792_886_400_000


def group(runs: int = 1, done: int = 0, failed: int = 0, errors: int = 0, *durations: float) -> GroupStats:
    """Return the statistics of a group."""
    found = Durations()
    found.add(durations)
    return GroupStats(runs, done, failed, errors, found)


def runs_of(groups: dict[Any, GroupStats]) -> RunStats:
    """Return the statistics of all runs of groups."""
    whole = RunStats(groups=(groups,))
    for each in groups.values():
        whole.runs += each.runs
        whole.done += each.done
        whole.failed += each.failed
        whole.durations.add_all(each.durations)
    return whole


def names(by: str, *keys: Any, **options: Any) -> list[tuple[str, str]]:
    """Return the names and kinds of groups, in the order in which they are shown."""
    found = kpis_by(by, runs_of({key: group() for key in keys}), zone=0, **options)
    return [(each.name, each.kind) for each in found.groups]


@pytest.mark.parametrize(
    ("by", "key", "name", "kind"),
    [
        ("owner", "s1", "s1", "named"),
        ("owner", "-", "(no owner)", "without"),
        ("owner", "", "(no owner)", "without"),
        ("owner", None, "(no item)", "without"),
        ("owner", UNNAMED, "(not in the queue)", "unknown"),
        ("item", "(no item)", "(no item)", "named"),
        ("item", None, "(no item)", "without"),
        ("item", "-", "-", "named"),
        ("command", "", "", "named"),
        ("error", None, "(no error text)", "without"),
        ("error", "lost #", "lost #", "named"),
    ],
)
def test_names(by: str, key: Any, name: str, kind: str) -> None:
    """What has no name is told from what is called so."""
    assert names(by, key) == [(name, kind)]


def test_order_of_groups() -> None:
    """By their part in what failed, then by runs, then by name."""
    groups = {
        "c": group(5), "b": group(5), "few": group(4), "crashes": group(9, errors=2), "fails": group(3, 0, 3),
        "both": group(2, 0, 1, 1),
    }  # fmt: skip
    found = kpis_by("owner", runs_of(groups), zone=0)
    assert [each.name for each in found.groups] == ["fails", "crashes", "both", "b", "c", "few"]
    assert [each.share for each in found.groups] == [3 / 7, 2 / 7, 2 / 7, 0, 0, 0]
    assert found.total.share == 1


def test_order_of_time() -> None:
    """Time ascends, whatever failed; what has none is last."""
    begins = [2 * HOUR, None, 0, HOUR]
    found = names("hour", *begins, reach=Grouping("hour").reach())
    assert [name for name, _ in found] == [*(f"1970-01-01 0{hour}:00" for hour in range(3)), "(undated)"]


def test_numbers_of_a_group() -> None:
    """Rates are of task outcomes, percentiles of durations; the total is of all."""
    groups = {"a": group(10, 3, 1, 2, *range(1, 101)), "b": group(1)}
    found = kpis_by("command", runs_of(groups), zone=0)
    one, other = found.groups
    assert (one.runs, one.done, one.failed, one.errors, one.samples) == (10, 3, 1, 2, 100)
    assert (one.p50, one.p95, one.p99) == (50, 95, 99)
    assert (one.success, one.failure) == (
        Rate(0.75, *rate_interval(3, 4) or ()),
        Rate(0.25, *rate_interval(1, 4) or ()),
    )
    assert (other.success, other.failure, other.p50, other.samples) == (Rate(), Rate(), None, 0)
    assert (found.total.runs, found.total.failure.value, found.total.samples) == (11, 0.25, 100)


def test_nothing_failed() -> None:
    """A share of nothing is none, and no group is a reason to divide by it."""
    assert kpis_by("item", runs_of({"a": group()}), zone=0).groups[0].share is None
    nothing = kpis_by("item", runs_of({}), zone=0)
    assert (nothing.groups, nothing.total.runs, nothing.total.share) == ((), 0, None)


def test_an_hour_that_the_clock_shows_twice() -> None:
    """Both are there, in order, with the offset that tells them apart; the day has 25 hours."""
    reach = Grouping("hour", zone="Europe/Berlin").reach()
    keys = {reach(BACK + at * HOUR)[0]: group() for at in range(-1, 3)}  # type: ignore[index] # of all times
    found = kpis_by("hour", runs_of(keys), zone=NamedZone("Europe/Berlin"), reach=reach)
    assert [each.name.removeprefix("2026-10-25 ") for each in found.groups] == [
        "01:00", "02:00+02:00", "02:00+01:00", "03:00",
    ]  # fmt: skip
    day = Grouping("day", zone="Europe/Berlin").reach()
    begin = day(BACK)[0]  # type: ignore[index] # the same
    (found_day,) = kpis_by("day", runs_of({begin: group()}), zone=NamedZone("Europe/Berlin"), reach=day).groups
    assert (found_day.name, found_day.ends_ms, found_day.begins_ms) == ("2026-10-25", begin + 25 * HOUR, begin)


@pytest.mark.parametrize(
    ("by", "most", "shown", "more"),
    [("item", 2, "ab", 1), ("item", 3, "abc", 0), ("item", 0, "abc", 0), ("day", 2, "bc", 1), ("day", 9, "abc", 0)],
)
def test_the_first_groups(by: str, most: int, shown: str, more: int) -> None:
    """Of times the latest, of others the first; how many more there are is told."""
    days = {letter: number * 24 * HOUR for number, letter in enumerate("abc")}
    keys = days.values() if by == "day" else days
    reach = Grouping("day").reach() if by == "day" else None
    found = kpis_by(by, runs_of({key: group() for key in keys}), zone=0, reach=reach)
    expected = [f"1970-01-0{'abc'.index(letter) + 1}" if by == "day" else letter for letter in shown]
    groups, others = shown_first(found, most)
    assert ([each.name for each in groups], others) == (expected, more)


def test_errors_are_added_up() -> None:
    """By error the total is of what went wrong, and not of all runs."""
    groups: dict[Any, GroupStats] = {"lost": group(2, 0, 0, 2, 1, 2), None: group(1, 0, 1, 0, 9)}
    runs = runs_of(groups)
    runs.runs, runs.done = 100, 90
    total = kpis_by("error", runs, zone=0).total
    assert (total.runs, total.done, total.failed, total.errors, total.samples) == (3, 0, 1, 2, 3)
