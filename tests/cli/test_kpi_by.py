"""`kpi --by`: the KPIs of groups of runs, as text, JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from builders import item, make_database, make_markdown
from conftest import NOW_S
from json_checks import assert_answered
from runlog_lines import end

from ops_checks.runlog import grouping

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Told

    Run = Callable[..., Told]

NOW_MS = NOW_S * 1000
DAY_MS = 86_400_000
ITEMS = [
    item("A-1", owner_session="s1", status="IN_PROGRESS", started_at_kst="2026-01-01 23:50"),
    item("A-2", owner_session="s2"),
    item("A-3"),
]


def log_of(*changes: dict[str, Any]) -> bytes:
    """Return ends of runs of the last minutes, each of its own."""
    return b"".join(
        end(**{"trace_id": f"trace-{number:012x}", "ts_epoch_ms": NOW_MS - 60_000 + number, **each})
        for number, each in enumerate(changes)
    )


@pytest.fixture
def queue(folder: Path) -> Path:
    """Return a folder with a database, a document and a run log."""
    make_database(folder / "q.db", ITEMS)
    make_markdown(folder / "Q.md", [item("A-1", owner_session="other"), *ITEMS[1:]])
    (folder / "runs.jsonl").write_bytes(
        log_of(
            {"item_id": "A-1", "duration_ms": 100},
            {"item_id": "A-1", "duration_ms": 300, "command": "fail"},
            {
                "item_id": "A-2",
                "duration_ms": 12.5,
                "command": "pick",
                "exit_code": 1,
                "error": "lock 7 of /tmp/x lost",
            },
            {"item_id": "A-2", "command": "pick", "exit_code": 1, "error": "lock 12 of /var/y/z lost"},
            {"item_id": "A-3"},
            {"item_id": "A-9", "ts_epoch_ms": NOW_MS - 2 * DAY_MS},
            {"command": "list", "duration_ms": None},
        )
    )
    return folder


KPI = "kpi success_rate=75.00% latency_p95_ms=300 latency_avg_ms=74.75 retry_count=0 stale_in_progress=0\n"
ALERT = "alert failure_rate=0.2500 exceeds 0.2000\n"
TABLES = {
    "owner": """\
RUNS  DONE  FAILED  ERRORS    SHARE  FAILURE_RATE  LOW_95  HIGH_95  P50_MS  P95_MS  P99_MS  OWNER
   2     0       0       2   66.67%             -       -        -      12    12.5    12.5  s2
   2     1       1       0   33.33%        50.00%   9.45%   90.55%     100     300     300  s1
   1     0       0       0    0.00%             -       -        -       -       -       -  (no item)
   1     1       0       0    0.00%         0.00%   0.00%   79.35%      12      12      12  (no owner)
   1     1       0       0    0.00%         0.00%   0.00%   79.35%      12      12      12  (not in the queue)
   7     3       1       2  100.00%        25.00%   4.56%   69.94%      12     300     300  total
""",
    "command": """\
RUNS  DONE  FAILED  ERRORS    SHARE  FAILURE_RATE  LOW_95  HIGH_95  P50_MS  P95_MS  P99_MS  COMMAND
   2     0       0       2   66.67%             -       -        -      12    12.5    12.5  pick
   1     0       1       0   33.33%       100.00%  20.65%  100.00%     300     300     300  fail
   3     3       0       0    0.00%         0.00%   0.00%   56.15%      12     100     100  done
   1     0       0       0    0.00%             -       -        -       -       -       -  list
   7     3       1       2  100.00%        25.00%   4.56%   69.94%      12     300     300  total
""",
    "error": """\
RUNS  DONE  FAILED  ERRORS    SHARE  FAILURE_RATE  LOW_95  HIGH_95  P50_MS  P95_MS  P99_MS  ERROR
   2     0       0       2   66.67%             -       -        -      12    12.5    12.5  lock # of <path> lost
                                                                                            e.g. lock 7 of /tmp/x lost
   1     0       1       0   33.33%       100.00%  20.65%  100.00%     300     300     300  (no error text)
   3     0       1       2  100.00%       100.00%  20.65%  100.00%    12.5     300     300  total
""",
    "day": """\
RUNS  DONE  FAILED  ERRORS    SHARE  FAILURE_RATE  LOW_95  HIGH_95  P50_MS  P95_MS  P99_MS  DAY
   1     1       0       0    0.00%         0.00%   0.00%   79.35%      12      12      12  2025-12-31
   6     2       1       2  100.00%        33.33%   6.15%   79.23%    12.5     300     300  2026-01-01
   7     3       1       2  100.00%        25.00%   4.56%   69.94%      12     300     300  total
""",
}


@pytest.mark.parametrize("by", TABLES)
def test_tables(run: Run, queue: Path, by: str) -> None:
    """The KPIs and alerts as ever, then a line for each group, then all of them."""
    told = run("kpi", "--db", "q.db", "--log-path", "runs.jsonl", "--by", by)
    assert told == (0, KPI + ALERT + TABLES[by], "")
    assert run("kpi", "--db", "q.db", "--log-path", "runs.jsonl", "--by", by, "--fail-on-alert").code == 2


def test_owners_are_those_of_the_queue_that_is_read(run: Run, queue: Path) -> None:
    """Of the document where there is no database."""
    told = run("kpi", "--queue", "Q.md", "--log-path", "runs.jsonl", "--by", "owner")
    assert told.code == 0
    assert [line.split()[-1] for line in told.out.splitlines()[2:]] == [
        "OWNER", "s2", "other", "item)", "owner)", "queue)", "total",
    ]  # fmt: skip


@pytest.mark.parametrize("by", ["owner", "item", "command", "error", "day", "hour"])
def test_documents_are_whole(run: Run, queue: Path, by: str) -> None:
    """JSON and CSV say of every group what the other one says."""
    (queue / "runs.jsonl").write_bytes(
        log_of(*({"item_id": f"A-{n}", "command": f"c{n}", "ts_epoch_ms": NOW_MS - n * DAY_MS} for n in range(60)))
    )
    ask = ("kpi", "--db", "q.db", "--log-path", "runs.jsonl", "--by", by)
    document = assert_answered(run(*ask, "-f", "json"))
    rows = list(csv.DictReader(io.StringIO(run(*ask, "-f", "csv").out, newline=""), strict=True))
    assert (document["by"], len(document["groups"])) == (by, {"owner": 4, "error": 0}.get(by, 60))
    assert [row["name"] for row in rows] == [group["name"] for group in document["groups"]]
    for row, group in zip(rows, document["groups"], strict=True):
        assert row["by"] == by
        for name in ("kind", "begins", "runs", "share", "samples", "p95_ms"):
            assert row[name] == ("" if group[name] is None else str(group[name]))
        rate = group["success_rate"]
        assert row["success_rate"] == ("" if rate["value"] is None else str(rate["value"]))
        assert row["success_rate_low"] == ("" if rate["value"] is None else str(rate["interval_95"]["low"]))
    text = run(*ask).out.splitlines()
    assert [line for line in text if line.startswith("- ")] == (
        [f"- 10 {'earlier' if by in {'day', 'hour'} else 'more'} {by}s (-n 0 shows all)"] if len(rows) == 60 else []
    )


def test_how_many_lines_of_a_table(run: Run, queue: Path) -> None:
    """What is not shown is counted: the groups that matter least, or the earliest."""
    ask = ("kpi", "--db", "q.db", "--log-path", "runs.jsonl", "-n", "1", "--by")
    assert run(*ask, "command").out.splitlines()[3:5] == [
        TABLES["command"].splitlines()[1], "- 3 more commands (-n 0 shows all)",
    ]  # fmt: skip
    assert run(*ask, "day").out.splitlines()[3:5] == [
        "- 1 earlier day (-n 0 shows all)", TABLES["day"].splitlines()[2],
    ]  # fmt: skip
    assert run(*ask[:-2], "0", "--by", "item").out.count("\n") == 2 + 1 + 5 + 1


def test_every_group_lies_in_the_window(run: Run, queue: Path) -> None:
    """What is outside is told as ever, and in no group."""
    (queue / "ops-checks.yaml").write_text("kpi: {window: 1d}\n")
    with (queue / "runs.jsonl").open("ab") as file:
        file.write(end(trace_id="x", ts_epoch_ms=None))
    told = run("kpi", "--db", "q.db", "--log-path", "runs.jsonl", "--by", "day", "-f", "json")
    data = assert_answered(told)
    assert [(each["name"], each["runs"]) for each in data["groups"]] == [("2026-01-01", 6)]
    assert (data["left_out"]["outside_window"], data["left_out"]["undated"]) == (1, 1)
    assert data["window"] == {"begin_ms": NOW_MS - DAY_MS, "end_ms": None}
    assert "1 run has no ts_epoch_ms" in told.err


@pytest.mark.parametrize(
    ("begins", "day", "hours"), [(1_743_289_200, "2025-03-30", 23), (1_761_429_600, "2025-10-26", 25)]
)
def test_days_and_hours_across_daylight_saving(run: Run, queue: Path, begins: int, day: str, hours: int) -> None:
    """A day goes from midnight to midnight, and an hour that the clock shows twice is two."""
    (queue / "ops-checks.yaml").write_text("timezone: Europe/Berlin\n")
    halves = range(begins - 3600, begins + (hours + 1) * 3600, 1800)
    (queue / "runs.jsonl").write_bytes(log_of(*({"ts_epoch_ms": at * 1000} for at in halves)))
    ask = ("kpi", "--db", "q.db", "--log-path", "runs.jsonl", "-f", "json", "--by")
    days = assert_answered(run(*ask, "day"))["groups"]
    assert [each["runs"] for each in days] == [2, 2 * hours, 2]
    assert (days[1]["name"], days[1]["begins"][:16], days[1]["ends"]) == (day, f"{day}T00:00", days[2]["begins"])
    shown = assert_answered(run(*ask, "hour"))["groups"]
    names = [each["name"].removeprefix(f"{day} ") for each in shown[1:-1]]
    clock = {23: ["01:00", "03:00"], 25: ["01:00", "02:00+02:00", "02:00+01:00", "03:00"]}[hours]
    assert names[: len(clock) + 1] == ["00:00", *clock]
    assert (len(set(names)), {each["runs"] for each in shown}) == (hours, {2})


_HOSTILE = ["a\nb", "\x1b[31m", "a\u202eb", "=1+1", "@x", '"', "::error::x", "total", "\u200b"]


def test_hostile_names(run: Run, queue: Path) -> None:
    """A name is one line that can be seen, and no formula; documents have it whole."""
    (queue / "runs.jsonl").write_bytes(log_of(*({"item_id": name, "error": name, "exit_code": 1} for name in _HOSTILE)))
    ask = ("kpi", "--db", "q.db", "--log-path", "runs.jsonl", "--by", "item")
    lines = run(*ask).out.splitlines()
    assert len(lines) == 2 + 1 + len(_HOSTILE) + 1
    assert all(line.isprintable() for line in lines)
    names = {group["name"] for group in assert_answered(run(*ask, "-f", "json"))["groups"]}
    assert names == set(_HOSTILE)
    cells = [row["name"] for row in csv.DictReader(io.StringIO(run(*ask, "-f", "csv").out, newline=""), strict=True)]
    assert {"'=1+1", "'@x", "a\\nb", "\\x1b[31m"} <= set(cells)
    assert all(cell.isprintable() and cell[:1] not in {"=", "+", "-", "@"} for cell in cells)
    assert all(line.isprintable() for line in run(*ask[:-1], "error").out.splitlines())


def test_too_many_groups(run: Run, queue: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are an error that names what was asked for, how many there may be, and what to do."""
    monkeypatch.setattr(grouping, "MOST_GROUPS", 3)
    monkeypatch.setattr("ops_checks.gate.kpi_groups.MOST_GROUPS", 3)
    told = run("kpi", "--db", "q.db", "--log-path", "runs.jsonl", "--by", "item")
    what = "more than 3 groups, and no more are kept"
    advice = "narrow the window (--since or kpi.window), or group by owner, command or day"
    assert told == (3, "", f"error: runs.jsonl: --by item: {what}: {advice}\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--by weekday", "argument --by: invalid choice: 'weekday'"),
        ("-f csv", "--format csv is for groups of runs and for changes: say with --by what to group them by, or "),
        ("--by day -f junit", "--format junit: --by is shown as text, json or csv: leave out"),
        ("--by day -f text -f csv", "--format csv is a whole document: give all but one format a file, as csv=FILE"),
        ("--by day --compare previous", "--by and --compare are two answers: ask for one of them"),
        ("--by day -n x", "argument -n: expected a whole number from 0, found 'x'"),
        ("--by day -f csv=q.db", "--format csv: q.db is an input: name another file"),
    ],
)
def test_usage(run: Run, queue: Path, words: str, message: str) -> None:
    """What cannot be asked for is one clear line, and exit 4."""
    told = run("kpi", "--db", "q.db", "--log-path", "runs.jsonl", *words.split())
    assert (told.code, told.out, message in told.err, told.err.count("\n")) == (4, "", True, 1)


@pytest.mark.parametrize(
    ("words", "note"),
    [
        ("-n 3", "note: -n changes nothing without --by\n"),
        ("--by day -n 3 -f json", "note: -n changes nothing: only the text is cut\n"),
        ("--by day -n 3 -f json=x.json -f text", ""),
    ],
)
def test_an_option_that_changes_nothing_is_told(run: Run, queue: Path, words: str, note: str) -> None:
    """Nobody has to find that out."""
    assert run("kpi", "--db", "q.db", "--log-path", "runs.jsonl", *words.split()).err == note


def test_files(run: Run, queue: Path) -> None:
    """Each format goes to a file of its own, which is replaced only by such a document; alerts are told."""
    ask = ("kpi", "--db", "q.db", "--log-path", "runs.jsonl", "--by", "day", "-f", "csv=a.csv", "-f", "json=a.json")
    for _ in range(2):
        assert run(*ask, "-f", "text=a.txt") == (0, "", "")
    assert (queue / "a.txt").read_text() == KPI + ALERT + TABLES["day"]
    assert json.loads((queue / "a.json").read_text())["by"] == "day"
    assert (queue / "a.csv").read_bytes().startswith(b'"by","name",')
    (queue / "a.csv").write_text("name\n")
    error = "--format csv: a.csv holds something else than such a report, and is kept: name another file"
    assert run(*ask) == (4, "", f"error: {error}\n")
    assert json.loads((queue / "a.json").read_text())["message"] == error


def test_alerts_beside_a_csv(run: Run, queue: Path) -> None:
    """It has no place for them, and an exit code alone would say too little."""
    told = run("kpi", "--db", "q.db", "--log-path", "runs.jsonl", "--by", "day", "-f", "csv", "--fail-on-alert")
    assert (told.code, told.err) == (2, f"warning: {ALERT}")


def test_an_empty_log(run: Run, queue: Path) -> None:
    """There is no group, and the total is of nothing."""
    (queue / "runs.jsonl").write_bytes(b"")
    told = run("kpi", "--db", "q.db", "--log-path", "runs.jsonl", "--by", "hour")
    assert told.out.splitlines()[-1].split() == ["0", "0", "0", "0", *"-------", "total"]
