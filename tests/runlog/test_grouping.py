from __future__ import annotations

from collections import defaultdict
from itertools import combinations_with_replacement, pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from runlog_lines import end, logs, stats_of
from runlog_reference import record_of, repeated_lines

from ops_checks.runlog import grouping as grouping_module
from ops_checks.runlog.engines.spark.serialize import deserialize, serialize
from ops_checks.runlog.error_fingerprint import fingerprint
from ops_checks.runlog.filter import RunFilter, from_plain
from ops_checks.runlog.grouping import UNNAMED, Grouping, GroupStats, TooManyGroupsError, merge_groups
from ops_checks.runlog.stats import RunStats, merge

if TYPE_CHECKING:
    from collections.abc import Callable

DAY, HOUR = 86_400_000, 3_600_000


def groups_of(data: bytes, grouping: Grouping, **options: Any) -> dict[Any, tuple[Any, ...]]:
    """Return the groups of a log."""
    return shown(stats_of(data, groupings=(grouping,), **options))


def shown(stats: RunStats) -> dict[Any, tuple[Any, ...]]:
    """Return the groups of statistics with plain values."""
    return {
        key: (each.runs, each.done, each.failed, each.errors, sorted(ranked(each)))
        for key, each in stats.groups[0].items()
    }


def ranked(group: GroupStats) -> list[float]:
    """Return the durations of a group."""
    return [group.durations.ranked(rank) for rank in range(1, len(group.durations) + 1)]


def expected(data: bytes, key_of: Callable[[dict[str, Any]], Any], window: Any, commands: Any) -> dict[Any, Any]:
    """Return the groups as a loop over all records has them; a record whose key is `...` is in none."""
    lines = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")[:-1]
    good = [(number, record) for number, line in enumerate(lines, 1) if (record := record_of(line)) is not None]
    repeated = repeated_lines(good)
    found: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for number, record in good:
        ms = record.get("ts_epoch_ms")
        within = window is None or (ms is not None and window[0] <= ms < window[1])
        if record["event"] == "run_end" and number not in repeated and within and key_of(record) is not ...:
            found[key_of(record)].append(record)
    return {
        key: (
            len(ends),
            sum(r["command"] == "done" and r["exit_code"] == 0 for r in ends),
            sum(r["command"] == "fail" and r["exit_code"] == 0 for r in ends),
            sum(r["exit_code"] != 0 for r in ends),
            sorted(
                float(r["duration_ms"])
                for r in ends
                if "duration_ms" in r and (commands is None or r["command"] in commands)
            ),
        )
        for key, ends in found.items()
    }


def between(bounds: tuple[int, ...]) -> Callable[[dict[str, Any]], Any]:
    """Return what names the stretch of time of a record."""

    def key(record: dict[str, Any]) -> Any:
        ms = record.get("ts_epoch_ms")
        if ms is None:
            return None
        return next((low for low, high in pairwise(bounds) if low <= ms < high), ...)

    return key


def owner_of(item: str | None) -> str | int | None:
    """Return who has an item: those that nobody has are a group, and so is no item."""
    return ({"ORCH-001": "s1"}.get(item, UNNAMED)) if item else None


def what_went_wrong(record: dict[str, Any]) -> Any:
    """Return the fingerprint of the error of a record that tells of one; what went well is in no group."""
    text = record.get("error")
    if not text and not record["exit_code"] and record["command"] != "fail":
        return ...
    return (fingerprint(text) or None) if text else None


#: The times of `logs` lie around 1,000 ms.
_GROUPINGS = [
    (Grouping("time", bounds=(0, 996, 998, 1001, 1002, 2000)), between((0, 996, 998, 1001, 1002, 2000))),
    (Grouping("time", bounds=(998, 1001)), between((998, 1001))),
    (Grouping("time"), between(())),
    (Grouping("day", zone=540), lambda record: record.get("ts_epoch_ms") and -540 * 60_000),
    (Grouping("command"), lambda record: record["command"]),
    (Grouping("item"), lambda record: record.get("item_id") or None),
    (Grouping("item", names={"ORCH-001": "s1"}), lambda record: owner_of(record.get("item_id"))),
    (Grouping("error"), what_went_wrong),
]


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    logs,
    st.sampled_from(_GROUPINGS),
    st.sampled_from([50, 333, 1 << 18]),
    st.sampled_from([None, (998, 1003)]),
    st.sampled_from([None, frozenset({"done", "pick"})]),
)
def test_groups_are_those_of_a_plain_loop(log: bytes, case: Any, size: int, window: Any, commands: Any) -> None:
    """Whatever the lines and wherever blocks end, every end is in its group once, whatever the main window is."""
    grouping, key_of = case
    grouping = Grouping(**{**{n: getattr(grouping, n) for n in grouping.__struct_fields__}, "window": window})
    found = groups_of(log, grouping, size=size, commands=commands, since_ms=1001)
    assert found == expected(log, key_of, window, commands)


@pytest.mark.parametrize("window", [None, (998, 1001)])
@pytest.mark.parametrize("step", [1, -1], ids=["in order", "backwards"])
def test_a_group_has_its_first_millisecond_and_not_the_one_behind_it(step: int, window: Any) -> None:
    """Wherever a block of lines begins and ends around the bounds of groups, each end is in the group of its time."""
    bounds = (0, 996, 998, 1001, 1002, 2000)
    for first, last in combinations_with_replacement(range(994, 1005), 2):
        times = range(first, last + 1)[::step]
        log = b"".join(end(ts_epoch_ms=ms, trace_id=str(ms), duration_ms=ms) for ms in times)
        assert groups_of(log, Grouping("time", bounds, window)) == expected(log, between(bounds), window, None)


@pytest.mark.parametrize(
    ("zone", "by", "ms", "begins"),
    [
        (0, "day", DAY, DAY),
        (0, "day", DAY - 1, 0),
        (540, "day", DAY - 540 * 60_000, DAY - 540 * 60_000),
        (540, "day", DAY - 540 * 60_000 - 1, -540 * 60_000),
        (-210, "day", 210 * 60_000, 210 * 60_000),
        (330, "hour", HOUR, HOUR - 1_800_000),
        (330, "hour", HOUR + 1_800_000, HOUR + 1_800_000),
        # 25 and 29 October and March in Berlin: the days begin at midnight, the hour that comes twice is two.
        ("Europe/Berlin", "day", 1_792_965_599_999, 1_792_879_200_000),
        ("Europe/Berlin", "day", 1_792_969_199_999, 1_792_879_200_000),
        ("Europe/Berlin", "day", 1_792_969_200_000, 1_792_969_200_000),
        ("Europe/Berlin", "day", 1_774_821_600_000, 1_774_821_600_000),
        ("Europe/Berlin", "hour", 1_792_889_999_999, 1_792_886_400_000),
        ("Europe/Berlin", "hour", 1_792_890_000_000, 1_792_890_000_000),
    ],
)
def test_days_and_hours_are_those_of_the_zone(zone: str | int, by: str, ms: int, begins: int) -> None:
    """A group is named by the moment at which the day or hour by the zone's clock begins."""
    assert list(groups_of(end(ts_epoch_ms=ms), Grouping(by, zone=zone))) == [begins]


def test_several_groupings_in_one_reading() -> None:
    """Each has a window of its own, and the main one is another again."""
    log = b"".join(end(ts_epoch_ms=ms, trace_id=str(ms)) for ms in range(1000, 1010))
    stats = stats_of(log, until_ms=1002, groupings=(Grouping("command"), Grouping("time", bounds=(1003, 1009))))
    assert (stats.runs, stats.groups[0]["done"].runs, stats.groups[1][1003].runs) == (2, 10, 6)


def test_too_many_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are an error that says what to do, and never cut."""
    monkeypatch.setattr(grouping_module, "MOST_GROUPS", 3)
    log = [end(item_id=f"ORCH-{number}", trace_id=str(number)) for number in range(4)]
    assert len(groups_of(b"".join(log[:3]), Grouping("item"))) == 3
    with pytest.raises(TooManyGroupsError, match=r"more than 3 groups by item: narrow the window \(kpi.window\), or"):
        groups_of(b"".join(log), Grouping("item"))


def test_merging() -> None:
    """The groups of parts are those of the whole; a part of which nothing was read has none."""
    log = b"".join(end(ts_epoch_ms=ms, trace_id=str(ms), duration_ms=ms) for ms in range(1000, 1010))
    by = Grouping("time", bounds=(1000, 1004, 2000))
    cut = log.index(b"\n") + 1
    parts = [stats_of(part, groupings=(by,)) for part in (log[:cut], log[cut:])]
    assert shown(merge(RunStats(), merge(*parts))) == groups_of(log, by)
    whole = stats_of(log, groupings=(by,)).groups[0]
    everything = merge_groups(whole.values())
    assert (everything.runs, ranked(everything)) == (10, [float(ms) for ms in range(1000, 1010)])
    assert [each.runs for each in whole.values()] == [4, 6]


def test_reaching_a_worker_and_coming_back() -> None:
    """A filter goes to a worker as plain values, and groups come back whole."""
    run_filter = RunFilter(until_ms=5, groupings=(Grouping("item", names={"a": "b"}), Grouping("day", window=(1, 2))))
    assert from_plain(run_filter.plain()) == run_filter
    log = end(ts_epoch_ms=1000, item_id="a", duration_ms=1.5) + end(trace_id="x", duration_ms=7)
    for by in ("item", "day"):
        stats = stats_of(log, groupings=(Grouping(by),))
        assert shown(deserialize(serialize({0: stats}))[0]) == shown(stats)
