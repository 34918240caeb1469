"""Reports for tests: one of each verdict with each kind of finding, small ones for exact texts, and arbitrary ones."""

from __future__ import annotations

from hypothesis import strategies as st
from msgspec.structs import replace

from ops_checks.findings import Finding, Place, Verdict, unlisted
from ops_checks.model import STATUSES
from ops_checks.report.background import (
    Background,
    Bin,
    Breakdown,
    BreakdownRow,
    FieldDrift,
    Lane,
    Point,
    Span,
    StatesAt,
    Timeline,
)
from ops_checks.report.model import Bounds, Change, Comparison, InputRead, Metric, Report, RuleResult, Spread

CREATED_MS = 1_767_225_600_123  # 2026-01-01T00:00:00.123Z

QUEUE = InputRead("queue", "ops/QUEUE.md", state="sha256:0a1b", rows=31)
DB = InputRead("db", "ops/queue.db", state="data_version:7", rows=30, newest_event="2026-01-01 09:00")
LOG = InputRead("log", "ops/runs.jsonl", lines=200, first_ms=CREATED_MS - 60_000, last_ms=CREATED_MS)

ONLY_IN_MD = Finding(
    "missing-in-db",
    "ORCH-110 is missing in the database",
    item="ORCH-110",
    places=(Place("ops/QUEUE.md", 42, 3),),
)
ONLY_IN_DB = Finding(
    "missing-in-md",
    "ORCH-090 is missing in the queue",
    item="ORCH-090",
    places=(Place("ops/queue.db", table="queue_items", key="ORCH-090"),),
)
MISMATCH = Finding(
    "field-mismatch",
    "ORCH-102 differs",
    item="ORCH-102",
    field="status",
    md="IN_PROGRESS",
    db="DONE",
    places=(Place("ops/QUEUE.md", 7, 12), Place("ops/queue.db", table="queue_items", key="ORCH-102")),
)
KOREAN = MISMATCH._replace(
    item="ORCH-7",
    field="task",
    md="대기열 정리",
    db="대기열 정리 (2차)",
    places=(Place("ops/QUEUE.md", 8, 1),),
)
SLOW = Finding(
    "latency-p95-ms",
    "done took 9999 ms",
    item="ORCH-3",
    value=9999,
    trace="trace-0123456789ab",
    places=(Place("ops/runs.jsonl", 17),),
)
FAILED = Finding(
    "failure-rate",
    "fail ended with exit code 0",
    item="ORCH-4",
    trace="trace-ba9876543210",
    places=(Place("ops/runs.jsonl", 18),),
)
STALE = Finding(
    "stale-in-progress",
    "in progress for longer than 60 minutes",
    item="ORCH-5",
    value=75,
    reason="no readable start",
    places=(Place("ops/QUEUE.md", 9, 5),),
)


def rule(rule_id: str, verdict: Verdict, *findings: Finding, **changes: object) -> RuleResult:
    """Return a rule's result; its group follows from the id, everything else can be changed."""
    drift = rule_id in {"missing-in-db", "missing-in-md", "field-mismatch"}
    group = "consistency" if drift else "waivers" if rule_id.startswith("waiver-") else "kpi"
    plain = RuleResult(
        id=rule_id,
        title=f"The title of {rule_id}",
        help=f"Do what {rule_id} asks for.",
        group=group,
        severity="warning" if verdict is Verdict.WARN else "error",
        verdict=verdict,
        message=f"{rule_id} says {verdict}",
        findings=findings,
    )
    return replace(plain, **changes)


def rate(verdict: Verdict, *findings: Finding, **changes: object) -> RuleResult:
    """Return a failure rate with all its evidence."""
    evidence = {
        "value": 0.5,
        "operator": "<=",
        "limit": 0.2,
        "unit": "ratio",
        "samples": 40,
        "low": 0.3523,
        "high": 0.6477,
    }
    return rule("failure-rate", verdict, *findings, **(evidence | changes))


def report(*rules: RuleResult, verdict: Verdict | None = None, **changes: object) -> Report:
    """Return a report of these rules; the verdict is the worst effect, the exit code follows from it."""
    effects = [one.effect for one in rules]
    worst = verdict or max(effects, key=list(Verdict).index, default=Verdict.PASS)
    drift = any(one.group == "consistency" and one.effect is Verdict.FAIL for one in rules)
    exit_code = {Verdict.FAIL: 1 if drift else 2, Verdict.ERROR: 3}.get(worst, 0)
    plain = Report("0.1.0", CREATED_MS, worst, exit_code, inputs=(QUEUE, DB, LOG), rules=rules)
    return replace(plain, **changes)


METRICS = (
    Metric("failure_rate", 0.5, "ratio", 40, 0.3523, 0.6477),
    Metric("latency_p95_ms", 9999, "ms", 40, 300, 9999),
    Metric("latency_avg_ms", None, "ms", 0),
    Metric("retry_count", 3, "events", 3),
    Metric("stale_in_progress", 1, "items", 12),
    Metric("oldest_pending_minutes", 17.25, "minutes", 4, unread=2),
)

WAIVED = MISMATCH._replace(item="ORCH-8", suppressed="agreed with the team", places=(Place("ops/QUEUE.md", 10, 2),))

EVERYTHING = report(
    rule("missing-in-db", Verdict.FAIL, ONLY_IN_MD, value=4, operator="<=", limit=0, samples=31, more_findings=3),
    rule("missing-in-md", Verdict.FAIL, ONLY_IN_DB),
    rule("field-mismatch", Verdict.WARN, MISMATCH, KOREAN, WAIVED),
    rate(Verdict.FAIL, FAILED),
    rule("latency-p95-ms", Verdict.WARN, SLOW, value=9999, operator="<=", limit=2000, unit="ms", samples=40),
    rule("success-rate", Verdict.INSUFFICIENT, value=1, operator=">=", limit=0.9, unit="ratio", samples=2, needed=8),
    rule("stale-in-progress", Verdict.FAIL, STALE, value=1, operator="<=", limit=0, unit="items", samples=12),
    rule("retry-count", Verdict.PASS, value=3, operator="<=", limit=5, unit="events", samples=3),
    rule("waiver-expired", Verdict.PASS),
    rule("waiver-unused", Verdict.WARN),
    metrics=METRICS,
    notes=("the log's cache was not used",),
    settings={"kpi.window": 86_400, "kpi.commands": ["done", "fail"], "source_of_truth": "db"},
)

DAY_MS = 86_400_000
#: What a report was compared with: one of four days before.
EARLIER = Comparison("ops/known.json", CREATED_MS - 4 * DAY_MS, gone=(ONLY_IN_DB._replace(since=CREATED_MS - DAY_MS),))
KNOWN = ONLY_IN_MD._replace(
    item="ORCH-111", since=CREATED_MS - 38 * DAY_MS, task="Rotate keys", owner="s1", priority="P1"
)
COMPARED = {
    "one new": report(
        rule(
            "missing-in-db", Verdict.FAIL, ONLY_IN_MD, KNOWN, value=5, unit="count", operator="<=", limit=0,
            more_findings=3, unlisted=(unlisted("missing-in-db", "ORCH-112")._replace(since=CREATED_MS - DAY_MS),),
        ),
        rule("missing-in-md", Verdict.PASS, value=0, unit="count"),
        rule("field-mismatch", Verdict.PASS, WAIVED._replace(since=CREATED_MS), value=1, unit="count"),
        rate(Verdict.PASS, FAILED, since=CREATED_MS - 2 * DAY_MS, message="failure_rate is 0.5; known"),
        known=EARLIER,
    ),
    "nothing new": report(
        rule("missing-in-db", Verdict.PASS, KNOWN, value=1, unit="count"), known=replace(EARLIER, more_gone=7)
    ),
    "all known, and failed": report(
        rule("missing-in-db", Verdict.FAIL, KNOWN, value=1, unit="count"),
        rate(Verdict.FAIL, FAILED, since=CREATED_MS - 2 * DAY_MS),
        known=replace(EARLIER, changes=(Change("failure-rate", Verdict.WARN, 0.25), Change("gone", Verdict.PASS))),
        tz_minutes=540,
    ),
}  # fmt: skip

#: One report of each verdict, and those whose verdict and effect differ.
SAMPLES = {
    "nothing ran": report(),
    "pass": report(rule("missing-in-db", Verdict.PASS), rate(Verdict.PASS, value=0.1)),
    "waived": report(rule("field-mismatch", Verdict.PASS, WAIVED)),
    "insufficient": report(rate(Verdict.INSUFFICIENT, value=None, samples=0, needed=5, low=None, high=None)),
    "insufficient fails": report(rate(Verdict.INSUFFICIENT, samples=3, needed=2, counts_as=Verdict.FAIL)),
    "insufficient passes": report(rate(Verdict.INSUFFICIENT, samples=3, needed=2, counts_as=Verdict.PASS)),
    "warn": report(rule("latency-p95-ms", Verdict.WARN, SLOW)),
    "warn fails": report(rule("latency-p95-ms", Verdict.WARN, SLOW, counts_as=Verdict.FAIL)),
    "drift": report(rule("missing-in-db", Verdict.FAIL, ONLY_IN_MD)),
    "alert": report(rate(Verdict.FAIL, FAILED)),
    "error": report(rule("missing-in-db", Verdict.ERROR), errors=("ops/QUEUE.md:3: no table; add one",)),
    "error, no rule": report(verdict=Verdict.ERROR, errors=("a", "b"), inputs=()),
    "everything": EVERYTHING,
    **COMPARED,
}

#: Text that each format must show as text and nothing else.
HOSTILE = (
    "::error file=x,line=1::forged",
    "##[error]forged",
    "a\r::warning::forged\r\n##[group]x",
    "\x1b]52;c;Zm9yZ2Vk\x07\x1b[31mred\x9b31m",
    "x\u202egnp.exe\u2066\u200b\ufeff",
    "</system-out><testcase name='x'/>]]><!-- &amp; & \" ' >",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "| a | b |\n| --- | --- |\n| c | d |",
    "\\| \\\\| `|` ``a`b`` ```",
    " ` ",
    "[text](https://example.org) ![](x) <https://example.org> www.example.org a@example.org",
    "@someone #12 org/repo#3 :tada: $x$ ~~no~~ **b** _i_",
    "# head\n- item\n> quote\n    code",
    '",} 1\n# EOF\nforged{a="b"} 1',
    "{0} {{1}} [link](1) \\[no\\](x) \\\\server\\share",
    "%0A%25%3A::%2C,=",
    "lone \ud800 and \udc80",
    "nul \x00 and \ufffe\uffff",
    "U+2028\u2028U+0085\x85VT\x0bFF\x0c",
    "대기열 \u1112\u1161\u11ab 정리 ",
    "../../etc/passwd",
    "file:///etc/passwd",
    " ",
    "",
)


def hostile_background(text: str) -> Background:
    """Return what lies behind a report with a text in every field that can hold one, but for the names of statuses.

    Those are keys in the published JSON, and so part of its shape.
    """
    points = tuple(Point(CREATED_MS + at * DAY_MS, at, at / 2, at * 2, at) for at in range(3))
    return Background(
        timelines=(Timeline(text, text, text, DAY_MS, points, text, 1, CREATED_MS, CREATED_MS + DAY_MS),),
        latency=(Bin(1, 10, 3), Bin(10, 100, 1)),
        states=tuple(StatesAt(CREATED_MS + at, {"PENDING": 9, "DONE": 20}) for at in range(2)),
        lanes=(Lane(text, (Span(text, CREATED_MS - DAY_MS, CREATED_MS), Span(text, CREATED_MS)), 1),),
        more_lanes=1,
        breakdowns=(Breakdown(text, (BreakdownRow(text, 2, 1, 0.5, 7),), 1),),
        drift=(FieldDrift(text, text, text, f"{text}.", text, text),),
        notes=(text,),
    )


def hostile(text: str) -> Report:
    """Return a report that has a text in every field that can hold one."""
    finding = Finding(
        rule=text,
        message=text,
        item=text,
        field=text,
        md=text,
        db=text,
        value=1.5,
        trace=text,
        reason=text,
        places=(Place(text, 1, 1), Place(text, None, None, text, text)),
        task=text,
        owner=text,
        priority=text,
    )
    rules = tuple(
        RuleResult(
            id=text, title=text, help=text, group=group, severity=text, verdict=verdict, message=text,
            value=1, operator=text, limit=0, unit=text, samples=1, low=0, high=1, needed=1,
            findings=(
                finding._replace(since=CREATED_MS if group == "kpi" else None), finding._replace(suppressed=text),
            ),
            more_findings=1, unlisted=(unlisted(text, text, text, text),),
        )
        for verdict in Verdict
        for group in (text, "kpi")
    )  # fmt: skip
    return Report(
        tool_version=text,
        created_ms=CREATED_MS,
        verdict=Verdict.ERROR,
        exit_code=3,
        inputs=(InputRead(text, text, text, 1, 1, text, 0, 1, text),),
        metrics=(Metric(text, 1.5, text, 1, 0, 2),),
        rules=rules,
        errors=(text,),
        notes=(text,),
        known=Comparison(text, 0, (finding,), 1, (Change(text, Verdict.FAIL, 1),)),
        background=hostile_background(text),
    )


TEXTS = st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(), max_size=12))
NUMBERS = st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**53), 2**53))
COUNTS = st.integers(0, 2**40)
_MAYBE_TEXT = st.none() | TEXTS
_MAYBE_NUMBER = st.none() | NUMBERS
_MAYBE_COUNT = st.none() | COUNTS
_LINES = st.none() | st.integers(1, 2**31)
_TIMES = st.none() | st.integers(-(2**63), 2**63 - 1)

PLACES = st.builds(Place, TEXTS, _LINES, _LINES, _MAYBE_TEXT, _MAYBE_TEXT)
FINDINGS = st.builds(
    Finding, TEXTS, TEXTS, _MAYBE_TEXT, _MAYBE_TEXT, _MAYBE_TEXT, _MAYBE_TEXT, _MAYBE_NUMBER, _MAYBE_TEXT, _MAYBE_TEXT,
    st.lists(PLACES, max_size=2).map(tuple), _MAYBE_TEXT, _MAYBE_TEXT, _MAYBE_TEXT, _MAYBE_TEXT, _TIMES,
)  # fmt: skip
VERDICTS = st.sampled_from(Verdict)
RULES = st.builds(
    RuleResult, TEXTS, TEXTS, TEXTS, TEXTS | st.sampled_from(["consistency", "kpi", "waivers"]), TEXTS, VERDICTS, TEXTS,
    _MAYBE_NUMBER, _MAYBE_TEXT, _MAYBE_NUMBER, _MAYBE_TEXT, _MAYBE_COUNT, _MAYBE_NUMBER, _MAYBE_NUMBER, _MAYBE_COUNT,
    st.lists(FINDINGS, max_size=2).map(tuple), COUNTS, st.none() | VERDICTS, _TIMES,
)  # fmt: skip
COMPARISONS = st.builds(
    Comparison, TEXTS, _TIMES.map(lambda at: at or 0), st.lists(FINDINGS, max_size=2).map(tuple), COUNTS,
    st.lists(st.builds(Change, TEXTS, VERDICTS, _MAYBE_NUMBER), max_size=2).map(tuple),
)  # fmt: skip
INPUTS = st.builds(
    InputRead, TEXTS, TEXTS, _MAYBE_TEXT, _MAYBE_COUNT, _MAYBE_COUNT, _MAYBE_TEXT, _TIMES, _TIMES, _MAYBE_TEXT
)  # fmt: skip
_EXACT_TIMES = st.integers(-(2**53), 2**53)
POINTS = st.builds(Point, _EXACT_TIMES, _MAYBE_NUMBER, _MAYBE_NUMBER, _MAYBE_NUMBER, COUNTS)
TIMELINES = st.builds(
    Timeline, TEXTS, TEXTS, TEXTS, COUNTS, st.lists(POINTS, max_size=4).map(tuple),
    _MAYBE_TEXT | st.sampled_from(["<=", ">="]), _MAYBE_NUMBER, st.none() | _EXACT_TIMES, st.none() | _EXACT_TIMES,
)  # fmt: skip
LANES = st.builds(
    Lane, TEXTS, st.lists(st.builds(Span, TEXTS, _EXACT_TIMES, st.none() | _EXACT_TIMES), max_size=3).map(tuple), COUNTS
)  # fmt: skip
BREAKDOWNS = st.builds(
    Breakdown, TEXTS,
    st.lists(st.builds(BreakdownRow, TEXTS, COUNTS, COUNTS, _MAYBE_NUMBER, _MAYBE_NUMBER), max_size=2).map(tuple),
    COUNTS,
)  # fmt: skip
BACKGROUNDS = st.builds(
    Background, st.lists(TIMELINES, max_size=2).map(tuple),
    st.lists(st.builds(Bin, NUMBERS, NUMBERS, COUNTS), max_size=3).map(tuple),
    st.lists(
        st.builds(StatesAt, _EXACT_TIMES, st.dictionaries(TEXTS | st.sampled_from(STATUSES), COUNTS, max_size=3)),
        max_size=3,
    ).map(tuple),
    st.lists(LANES, max_size=2).map(tuple), COUNTS, st.lists(BREAKDOWNS, max_size=2).map(tuple),
    st.lists(
        st.builds(FieldDrift, TEXTS, TEXTS, _MAYBE_TEXT, _MAYBE_TEXT, _MAYBE_TEXT, _MAYBE_TEXT), max_size=2
    ).map(tuple),
    st.lists(TEXTS, max_size=1).map(tuple),
)  # fmt: skip
METRIC_RESULTS = st.builds(
    Metric, TEXTS, _MAYBE_NUMBER, TEXTS, COUNTS, _MAYBE_NUMBER, _MAYBE_NUMBER, COUNTS,
    intervals=st.lists(st.builds(Bounds, st.floats(0, 1), _MAYBE_NUMBER, _MAYBE_NUMBER), max_size=2).map(tuple),
    spread=st.none() | st.builds(Spread, st.floats(0, 1e300), st.floats(-1e300, 1e300)),
)  # fmt: skip
REPORTS = st.builds(
    Report, TEXTS, st.integers(0, 253_402_300_799_999), VERDICTS, st.integers(0, 255),
    st.lists(INPUTS, max_size=2).map(tuple), st.lists(METRIC_RESULTS, max_size=2).map(tuple),
    st.lists(RULES, max_size=2).map(tuple),
    st.lists(TEXTS, max_size=2).map(tuple), st.lists(TEXTS, max_size=2).map(tuple),
    st.just(()), st.none() | COMPARISONS, st.none() | st.integers(-840, 840), st.none() | BACKGROUNDS,
    settings=st.none() | st.dictionaries(TEXTS, st.none() | COUNTS | st.lists(TEXTS, max_size=2), max_size=2),
)  # fmt: skip
