"""The words of a live view: from what is known to lines, on any width, whatever the texts are."""

from __future__ import annotations

from typing import Any

import pytest
from builders import item
from conftest import NOW_S

from ops_checks.cli.live.lines import (
    BAD,
    DIM,
    GOOD,
    KEYS,
    PLAIN,
    Moment,
    Told,
    change_lines,
    drift_text,
    first_lines,
    head_lines,
    item_table,
    list_title,
    packed,
)
from ops_checks.errors import InputError
from ops_checks.findings import Verdict
from ops_checks.live.model import (
    DRIFT,
    KPI,
    PARTS,
    QUEUE,
    DriftSeen,
    Failure,
    Filter,
    KpiSeen,
    QueueSeen,
    State,
    mark,
    oldest,
)
from ops_checks.overview import summarise, workers
from ops_checks.presentation.widths import display_width
from ops_checks.report.model import RuleResult
from ops_checks.stores.details import NOTHING_MORE, Details

MOMENT = Moment(NOW_S, 540)
NEW = [
    item("A-1", "IN_PROGRESS", "P0", owner_session="s1", started_at_kst="2026-01-01 22:00", task="줄"),
    item("A-2", "IN_PROGRESS", "P2", owner_session="s2", started_at_kst="2026-01-01 10:00", task="oldest"),
    item("A-3", "IN_PROGRESS"),
    item("A-4", "FAILED"),
]
MISMATCH = {"missing_in_db": 0, "missing_in_md": 0, "field_mismatch": 2}
HOSTILE = "\x1b[2J[red]x[/red]\u202e\n::error::y"


def queue(*items: Any, **parts: Any) -> QueueSeen:
    """Return what a reading of some items found."""
    summary = summarise(enumerate(items))
    rows = [Details((1, each, *NOTHING_MORE)) for each in items]
    named = {"rows": rows, "selected": len(rows)} | parts
    marks = {each.id: mark(each) for each in items}
    return QueueSeen(summary, workers(summary.in_progress), oldest(summary), marks, **named)


def result(rule: str, verdict: Verdict, value: float | None, limit: float, **more: Any) -> RuleResult:
    """Return the result of a limit."""
    unit = "ratio" if rule.endswith("-rate") else "ms"
    named = {"value": value, "operator": "<=", "limit": limit, "unit": unit} | more
    return RuleResult(rule, "", "", "kpi", "error", verdict, more.pop("message", ""), **{**named, **more})


def kpi(*results: RuleResult) -> KpiSeen:
    """Return measured KPIs."""
    values = dict.fromkeys(("success_rate", "latency_p95_ms", "latency_avg_ms", "retry_count", "stale_in_progress"), 1)
    return KpiSeen(values, results)


PASSES = result("failure-rate", Verdict.PASS, 0.05, 0.2)
FAILS = result("latency-p95-ms", Verdict.FAIL, 2500.0, 2000)
LACKS = result("failure-rate", Verdict.INSUFFICIENT, None, 0.2, samples=3)
ERRS = RuleResult("failure-rate", "", "", "kpi", "error", Verdict.ERROR, "the log says nothing about today")
FAILURE = Failure(item("A-4", "FAILED", owner_session="s1"), "boom", NOW_S)

NONE_KNOWN = [("queue: reading", DIM), ("drift: reading", DIM), ("kpi: reading", DIM), ("failures arrived: 0", PLAIN)]
HEADS: dict[str, tuple[State, list[tuple[str, str]]]] = {
    "nothing is known yet": (State(), NONE_KNOWN),
    "nothing can be read": (
        State(errors={part: InputError(f"{part} is gone") for part in (KPI, QUEUE, DRIFT)}),
        [("error: queue is gone", BAD), ("drift: drift is gone", BAD), ("kpi: kpi is gone", BAD), NONE_KNOWN[3]],
    ),
    "what is not known any more": (
        State(queue(), DriftSeen(1), kpi(PASSES), (), {part: InputError("gone") for part in (KPI, QUEUE, DRIFT)}),
        [
            ("error: gone", BAD),
            ("PENDING 0  IN_PROGRESS 0  BLOCKED 0  FAILED 0  DONE 0", PLAIN),
            ("workers 0", PLAIN),
            ("oldest in progress: none", PLAIN),
            ("drift: gone", BAD),
            ("kpi: gone", BAD),
            NONE_KNOWN[3],
        ],
    ),
    "an empty queue": (
        State(queue()),
        [
            ("PENDING 0  IN_PROGRESS 0  BLOCKED 0  FAILED 0  DONE 0", PLAIN),
            ("workers 0", PLAIN),
            ("oldest in progress: none", PLAIN),
            *NONE_KNOWN[1:],
        ],
    ),
    "all of it": (
        State(queue(*NEW, remarks=["line 9: looks like a row"]), DriftSeen(4, MISMATCH), kpi(PASSES, FAILS), [FAILURE]),
        [
            ("PENDING 0  IN_PROGRESS 3  BLOCKED 0  FAILED 1  DONE 0", PLAIN),
            ("workers 2: s1 1 (oldest 2h), s2 1 (oldest 14h)", PLAIN),
            ("oldest in progress: A-2 P2 s2 14h: oldest", PLAIN),
            ("warning: line 9: looks like a row", BAD),
            ("drift: yes missing_in_db=0 missing_in_md=0 field_mismatch=2", BAD),
            ("kpi: failure_rate 0.0500 (<= 0.2)", PLAIN),
            ("kpi: alert latency_p95_ms=2500 exceeds 2000", BAD),
            ("failures arrived: 1", BAD),
            ("  00:00 A-4 P1 s1: boom", BAD),
        ],
    ),
    "all is well": (
        State(queue(NEW[3]), DriftSeen(4, {}), kpi(PASSES), [FAILURE._replace(at_s=None, error="")]),
        [
            ("PENDING 0  IN_PROGRESS 0  BLOCKED 0  FAILED 1  DONE 0", PLAIN),
            ("workers 0", PLAIN),
            ("oldest in progress: none", PLAIN),
            ("drift: no, 4 items compared", GOOD),
            ("kpi: failure_rate 0.0500 (<= 0.2)", GOOD),
            ("failures arrived: 0", PLAIN),
            ("  before A-4 P1 s1: no last error", DIM),
        ],
    ),
    "nothing can be told of KPIs": (
        State(kpi=kpi(LACKS)),
        [
            *NONE_KNOWN[:2],
            ("kpi: no limit holds", PLAIN),
            ("kpi: insufficient failure_rate samples=3", DIM),
            NONE_KNOWN[3],
        ],
    ),
    "a log that is too old": (
        State(kpi=kpi(ERRS)),
        [
            *NONE_KNOWN[:2],
            ("kpi: no limit holds", PLAIN),
            ("kpi: failure-rate: the log says nothing about today", BAD),
            NONE_KNOWN[3],
        ],
    ),
}


@pytest.mark.parametrize("name", HEADS)
def test_the_head(name: str) -> None:
    """What is known is told in few lines: what is wrong stands out, and what is not known is not called well."""
    state, lines = HEADS[name]
    assert [tuple(line) for line in head_lines(state, MOMENT)] == lines


def test_many_workers() -> None:
    """The five with the most work are named, and how many more there are."""
    items = [item(f"A-{number}", "IN_PROGRESS", owner_session=f"s{number}") for number in range(7)]
    assert head_lines(State(queue(*items)), MOMENT)[1].text.endswith("s4 1 (oldest -) and 2 more")


@pytest.mark.parametrize(
    ("seen", "text"),
    [
        (None, "drift: reading"),
        (DriftSeen(3, {"a": 0}), "drift: no, 3 items compared"),
        (DriftSeen(3, {"a": 0}, settled=False), "drift: no, 3 items compared"),
        (DriftSeen(3, {"a": 1, "b": 0}), "drift: yes a=1 b=0"),
        (DriftSeen(3, {"a": 1}, settled=False), "drift: not settled, being written: a=1"),
        (DriftSeen(why_not="q.db is not there"), "drift: not compared, q.db is not there"),
    ],
)
def test_drift(seen: DriftSeen | None, text: str) -> None:
    """Yes, no, or why neither."""
    assert drift_text(seen) == text


@pytest.mark.parametrize("columns", [1, 2, 5, 20, 40, 80])
def test_no_line_is_wider_than_the_terminal(columns: int) -> None:
    """On a terminal of any width each line fits, Korean or hostile."""
    items = [*NEW, item("A-5 " + HOSTILE, "IN_PROGRESS", owner_session="일꾼" * 30, task=HOSTILE)]
    state = State(queue(*items), DriftSeen(4, MISMATCH), kpi(PASSES, FAILS), [FAILURE._replace(error=HOSTILE)])
    state = state._replace(errors={DRIFT: InputError("길다 " * 50)})
    moment = MOMENT._replace(columns=columns)
    head, rows = item_table(state.queue, moment)
    lines = [line.text for line in head_lines(state, moment)] + [head, *rows, *packed(KEYS, columns)]
    assert all(display_width(line) <= columns for line in lines)
    assert all(line.isprintable() for line in lines)


def test_hostile_texts_are_visible() -> None:
    """What would move the cursor is escaped wherever it stands; markup is only text."""
    hostile = item("A-1", "IN_PROGRESS", owner_session=HOSTILE, task=HOSTILE)
    state = State(queue(hostile, remarks=[HOSTILE]), None, None, [Failure(hostile, HOSTILE, NOW_S)])
    lines = [line.text for line in head_lines(state, MOMENT)] + item_table(state.queue, MOMENT)[1]
    assert all(line.isprintable() for line in lines)
    assert sum("\\x1b[2J[red]x[/red]\\u202e\\n::error::y" in line for line in lines) == 5
    assert list_title(state.queue, Filter("DONE", HOSTILE)).isprintable()


@pytest.mark.parametrize(
    ("seen", "wanted", "title"),
    [
        (None, Filter(), "reading"),
        (queue(), Filter(), "0 items"),
        (queue(*NEW), Filter("FAILED", "x"), "4 FAILED items with x"),
        (queue(*NEW, selected=1000), Filter(), "4 of 1000 items"),
    ],
)
def test_what_is_listed(seen: QueueSeen | None, wanted: Filter, title: str) -> None:
    """The title tells the filter, how many items it means, and how many of them are listed."""
    assert list_title(seen, wanted) == title


@pytest.mark.parametrize(
    ("columns", "lines"),
    [
        (None, ["aa  b  cccc"]),
        (20, ["aa  b  cccc"]),
        (9, ["aa  b", "cccc"]),
        (3, ["aa", "b", "cc…"]),
        (1, ["…", "b", "…"]),
    ],
)
def test_words_are_packed(columns: int | None, lines: list[str]) -> None:
    """As many words stand on a line as fit."""
    assert packed(["aa", "b", "cccc"], columns) == lines


AT = "2026-01-02 00:00"
OLD = queue(item("A-1", "IN_PROGRESS", owner_session="s1"), item("A-2"), item("A-10", "FAILED"))
CHANGES: dict[str, tuple[QueueSeen, list[str]]] = {
    "a status": (
        queue(item("A-1", "DONE", owner_session="s1"), item("A-2"), item("A-10", "FAILED")),
        ["A-1 IN_PROGRESS -> DONE owner=s1", "summary PENDING=1 IN_PROGRESS=0 BLOCKED=0 FAILED=1 DONE=1"],
    ),
    "a failure": (
        queue(item("A-1", "FAILED", owner_session="s1"), item("A-2"), item("A-10", "FAILED")),
        ["A-1 IN_PROGRESS -> FAILED owner=s1: boom", "summary PENDING=1 IN_PROGRESS=0 BLOCKED=0 FAILED=2 DONE=0"],
    ),
    "an owner": (
        queue(item("A-1", "IN_PROGRESS", owner_session="s2"), item("A-2"), item("A-10", "FAILED")),
        ["A-1 owner s1 -> s2"],
    ),
    "another cell": (
        queue(item("A-1", "IN_PROGRESS", owner_session="s1"), item("A-2", task="x"), item("A-10", "FAILED")),
        ["A-2 changed"],
    ),
    "gone and added": (
        queue(item("A-2"), item("A-3", "DONE", owner_session="s9"), item("A-10", "FAILED")),
        ["A-1 is gone", "A-3 added DONE owner=s9", "summary PENDING=1 IN_PROGRESS=0 BLOCKED=0 FAILED=1 DONE=1"],
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_line_for_each_change(name: str) -> None:
    """Each item that changed is a line with the time; the summary is one where its numbers changed."""
    after, lines = CHANGES[name]
    failures = [Failure(item("A-1", "FAILED"), "boom", NOW_S), Failure(item("A-1", "FAILED"), "before", NOW_S - 9)]
    found = change_lines(QUEUE, State(OLD), State(after, failures=failures), MOMENT)
    assert list(found) == [Told(f"{AT} {line}") for line in lines]


def test_many_changes_are_counted() -> None:
    """A reading that finds more than twenty changes tells the first, and how many more."""
    after = queue(*(item(f"A-{number}") for number in range(1, 51)))
    lines = [told.text for told in change_lines(QUEUE, State(queue()), State(after), MOMENT)]
    assert lines[19:] == [
        f"{AT} A-20 added PENDING",
        f"{AT} and 30 more items changed",
        f"{AT} summary PENDING=50 IN_PROGRESS=0 BLOCKED=0 FAILED=0 DONE=0",
    ]


def test_a_verdict_that_changes() -> None:
    """A limit that is broken, and one that holds again, are a line each."""
    good, bad = kpi(PASSES), kpi(result("failure-rate", Verdict.FAIL, 0.3, 0.2))
    there = list(change_lines(KPI, State(kpi=good), State(kpi=bad), MOMENT))
    back = list(change_lines(KPI, State(kpi=bad), State(kpi=good), MOMENT))
    assert there == [Told(f"{AT} kpi alert failure_rate=0.3000 exceeds 0.2000")]
    assert back == [Told(f"{AT} kpi ok failure_rate 0.0500 (<= 0.2)")]
    assert list(change_lines(KPI, State(kpi=good), State(kpi=good), MOMENT)) == []


def test_how_everything_stands_at_first() -> None:
    """The first lines are those of the commands; remarks go to stderr."""
    state = State(queue(*NEW, remarks=["r"]), DriftSeen(4, MISMATCH), kpi(FAILS))
    assert [told for part in PARTS for told in first_lines(part, state)] == [
        Told("summary PENDING=0 IN_PROGRESS=3 BLOCKED=0 FAILED=1 DONE=0"),
        Told("workers_active=2 in_progress=3"),
        Told("oldest_in_progress A-2 (P2) owner=s2 started=2026-01-01 10:00"),
        Told("warning: r", remark=True),
        Told("drift: yes missing_in_db=0 missing_in_md=0 field_mismatch=2"),
        Told("kpi success_rate=100.00% latency_p95_ms=1 latency_avg_ms=1.00 retry_count=1 stale_in_progress=1"),
        Told("alert latency_p95_ms=2500 exceeds 2000"),
    ]
