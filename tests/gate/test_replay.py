"""A run log replayed hour by hour says of each hour what the gate would have measured then."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest
from conftest import NOW_S

from ops_checks.errors import InputError
from ops_checks.findings import Verdict
from ops_checks.gate.replay import HOUR_MS, REPLAYED, replay
from ops_checks.policy.model import KpiPolicy, Policy
from ops_checks.settings import resolve

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ops_checks.gate.replay import Replay

DAY_MS = 24 * HOUR_MS
BEGIN_MS = NOW_S * 1000 - 50 * HOUR_MS


def end(ms: int | None, command: str = "done", duration: float = 5, **more: Any) -> str:
    """Return the line of a run."""
    plain = {"event": "run_end", "command": command, "exit_code": 0, "duration_ms": duration} | more
    return json.dumps(plain if ms is None else {**plain, "ts_epoch_ms": ms}) + "\n"


def replayed(lines: list[str], window_s: int | None, **more: Any) -> Replay:
    """Return the replay of a log in the current folder."""
    Path("l.jsonl").write_text("".join(lines))
    kpi = KpiPolicy(
        window_s=window_s, **{name: more.pop(name) for name in ("max_log_age_s", "commands") if name in more}
    )
    return replay(resolve({}, Policy(kpi=kpi), logs=("l.jsonl",), now_s=NOW_S), **more)


@pytest.mark.parametrize("window_s", [None, 3600, 5 * 3600, 5400, 300])
@pytest.mark.usefixtures("folder")
def test_every_hour_is_what_was_measured_then(window_s: int | None) -> None:
    """By the runs that had ended, in windows of whole hours and of others; computed a second time run by run."""
    random = Random(3)
    runs = [
        (
            BEGIN_MS + random.randrange(30 * HOUR_MS),
            random.choice(["done", "fail", "pick"]),
            random.randrange(1, 40) / 4,
        )
        for _ in range(300)
    ]
    runs += [(BEGIN_MS + hour * HOUR_MS, "done", 1) for hour in (0, 5, 29)]  # an hour begins with its first millisecond
    found = replayed([end(*run) for run in runs], window_s, commands=frozenset({"done", "fail"}))
    assert [each.run.at_ms for each in found.runs] == [BEGIN_MS + hour * HOUR_MS for hour in range(1, 31)]
    for each in found.runs:
        until = each.run.at_ms
        since = -1 if window_s is None else until - window_s * 1000
        inside = [run for run in runs if since <= run[0] < until]
        done, failed = (sum(command == name for _, command, _ in inside) for name in ("done", "fail"))
        rate = each.run.metric("failure_rate")
        assert rate is not None
        assert (rate.samples, rate.value) == (done + failed, failed / (done + failed) if done + failed else None)
        durations = sorted(duration for _, command, duration in inside if command != "pick")
        for percent in (50, 90, 95, 99):
            metric = each.run.metric(f"latency_p{percent}_ms")
            rank = -(-percent * len(durations) // 100)
            assert metric is not None
            assert (metric.samples, metric.value) == (len(durations), durations[rank - 1] if durations else None)
        assert (each.run.window.begin_ms if each.run.window else 0) == (None if window_s is None else since)


@pytest.mark.usefixtures("folder")
def test_what_it_says() -> None:
    """Which window the hours have, and the runs that are in none; only rates and run times are replayed."""
    lines = [end(BEGIN_MS), end(None), "x\n"]
    assert replayed(lines, None).remarks == (
        "each hour of the log is replayed, with all runs before it: there is no kpi.window",
        "1 run has no ts_epoch_ms: in no hour",
    )
    assert replayed(lines, 7200).remarks[0] == (
        "each hour of the log is replayed, with the window of the KPIs as it was then: window 2h"
    )
    (run,) = replayed(lines, None).runs
    assert {metric.name for metric in run.run.metrics} == {name.replace("-", "_") for name in REPLAYED}


@pytest.mark.usefixtures("folder")
def test_the_hour_that_is_not_over() -> None:
    """Nobody can tell yet what it will be; the hours before it are told."""
    assert [each.run.at_ms for each in replayed([end(NOW_S * 1000 - 5)], None).runs] == [NOW_S * 1000]
    assert replayed([end(NOW_S * 1000 + 5)], None).runs == ()
    found = replayed([end(NOW_S * 1000 - HOUR_MS), end(NOW_S * 1000 + 5)], None)
    assert [each.run.at_ms for each in found.runs] == [NOW_S * 1000]


@pytest.mark.parametrize(
    ("window", "counted"),
    [
        ({"since": "00:00"}, lambda end_ms: ((end_ms - 1) // DAY_MS * DAY_MS, end_ms)),
        ({"since": "3h"}, lambda end_ms: (end_ms - 3 * HOUR_MS, end_ms)),
        ({"since": "4h", "until": "90m"}, lambda end_ms: (end_ms - 4 * HOUR_MS, end_ms - HOUR_MS * 3 // 2)),
        ({"window_s": 7200, "until": "1h"}, lambda end_ms: (end_ms - 3 * HOUR_MS, end_ms - HOUR_MS)),
        ({"since": "2025-12-31 12:00"}, lambda end_ms: (NOW_S * 1000 - 27 * HOUR_MS, end_ms)),
        ({"until": "2025-12-31 12:00"}, lambda end_ms: (0, min(end_ms, NOW_S * 1000 - 27 * HOUR_MS))),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("folder")
def test_windows_of_the_policy(window: dict[str, Any], counted: Callable[[int], tuple[int, int]]) -> None:
    """Whatever their ends are: they are what they were then, by the clock of the queue's zone."""
    times = [BEGIN_MS + minute * 60_000 for minute in range(0, 49 * 60, 20)]
    Path("l.jsonl").write_text("".join(map(end, times)))
    policy = Policy(timezone=0, kpi=KpiPolicy(**window))
    found = replay(resolve({}, policy, logs=("l.jsonl",), now_s=NOW_S))
    assert len(found.runs) >= 12
    for each in found.runs:
        begin, last = counted(each.run.at_ms)
        rate = each.run.metric("failure_rate")
        assert rate is not None
        assert rate.samples == sum(begin <= ms < last for ms in times), each.run.at_ms
    assert len(found.runs) == 49 or "left out: nothing could lie in the window" in found.remarks[-1]


@pytest.mark.usefixtures("folder")
def test_a_part_of_the_log() -> None:
    """The hours that end in it, with the runs that lie before it as far as their window reaches."""
    lines = [end(BEGIN_MS + hour * HOUR_MS) for hour in range(20)]
    since_s, until_s = (BEGIN_MS + 10 * HOUR_MS) / 1000, (BEGIN_MS + 13 * HOUR_MS) / 1000
    for window_s, samples in ((None, [10, 11, 12]), (4 * 3600, [4, 4, 4])):
        found = replayed(lines, window_s, since_s=since_s, until_s=until_s)
        assert [each.run.at_ms for each in found.runs] == [BEGIN_MS + hour * HOUR_MS for hour in (10, 11, 12)]
        assert [metric.samples for each in found.runs if (metric := each.run.metric("failure_rate"))] == samples


@pytest.mark.usefixtures("folder")
def test_a_log_that_was_too_old() -> None:
    """In the hours in which nothing new was in it for longer than the policy allows, its rules are errors."""
    found = replayed([end(BEGIN_MS), end(BEGIN_MS + 9 * HOUR_MS)], None, max_log_age_s=4 * 3600)
    old = [any(rule.verdict is Verdict.ERROR for rule in each.run.rules) for each in found.runs]
    assert old == [False] * 5 + [True] * 4 + [False]


@pytest.mark.usefixtures("folder")
def test_nothing_to_replay() -> None:
    """No run with a time is no hour; a single time of long ago makes too many."""
    assert replayed([end(None)], None).runs == ()
    with pytest.raises(InputError, match=r"the run log: 219,\d{3} hours, more than 10,000: narrow them with --since"):
        replayed([end(978_307_200_000), end(BEGIN_MS)], None)
    assert len(replayed([end(978_307_200_000), end(BEGIN_MS)], None, since_s=BEGIN_MS / 1000).runs) == 2
