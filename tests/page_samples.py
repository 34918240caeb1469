"""Reports with all that lies behind them, as a page shows it."""

from __future__ import annotations

import math
from random import Random
from typing import TYPE_CHECKING

from msgspec.structs import replace
from report_samples import CREATED_MS, DAY_MS, EARLIER, EVERYTHING, report, rule

from ops_checks.findings import Finding, Place, Verdict
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

if TYPE_CHECKING:
    from collections.abc import Callable

HOUR_MS = 3_600_000
START_MS = CREATED_MS // DAY_MS * DAY_MS - 11 * DAY_MS
AGENT = "agent:main:subagent:0e00c142-c2cc-4b1e-9d0c-51c9b5b0f6d2"


def timeline(metric: str, unit: str, value: Callable[[int], float], limit: float | None, steps: int = 12) -> Timeline:
    """Return a metric by the day, with intervals, and without data on two days."""
    points = tuple(
        Point(START_MS + at * DAY_MS, None, samples=0)
        if at in (4, 5)
        else Point(START_MS + at * DAY_MS, value(at), 0.8 * value(at), 1.3 * value(at), 20 + at)
        for at in range(steps)
    )
    title = metric.replace("_", " ")
    operator = None if limit is None else "<="
    return Timeline(metric, unit, title, DAY_MS, points, operator, limit, CREATED_MS - 4 * DAY_MS, CREATED_MS)


def states(moments: int) -> tuple[StatesAt, ...]:
    """Return a queue in which items wait, are worked on and end."""
    random, counts, found = Random(1), {"PENDING": 30, "IN_PROGRESS": 3, "BLOCKED": 2, "FAILED": 1, "DONE": 9}, []
    moves = [("PENDING", "IN_PROGRESS"), ("IN_PROGRESS", "DONE"), ("IN_PROGRESS", "FAILED"), ("PENDING", "BLOCKED")]
    for at in range(moments):
        found.append(StatesAt(START_MS + at * 11 * DAY_MS // moments, dict(counts)))
        before, after = random.choice(moves)
        moved = counts[before] > 0
        counts[before] -= moved
        counts[after] += moved
        counts["PENDING"] += random.random() < 0.7
    return tuple(found)


def lanes(owners: int, spans: int) -> tuple[Lane, ...]:
    """Return owners who held items one after the other, and two at once; the last one of each is held still."""
    return tuple(
        Lane(
            AGENT if owner == 0 else f"worker:core-{owner}",
            tuple(
                Span(
                    f"ORCH-{at}",
                    CREATED_MS - (spans - at + owner) * HOUR_MS,
                    CREATED_MS - (spans - at - 1 + owner) * HOUR_MS if at < spans - 1 else None,
                )
                for at in range(spans)
            ),
            owner,
        )
        for owner in range(owners)
    )


GROUPS = (
    Breakdown(
        "owner", (BreakdownRow(AGENT, 420, 61, 0.1452, 1830), BreakdownRow("-", 99_120, 12_345, 0.1245, 60_123.4)), 3
    ),
    Breakdown("error", (BreakdownRow("ConnectionError: PATH refused", 31, 31, 1.0, 210),)),
)
DRIFT = (
    FieldDrift("ORCH-102", "status", "IN_PROGRESS", "DONE", "kim, 2025-12-30 18:02", "done by worker:core-1"),
    FieldDrift("ORCH-7", "task", "대기열 정리", "대기열 정리 (2차)", None, "replan by lee"),
    FieldDrift("ORCH-110", "owner_session", "s1", None),
)
BACKGROUND = Background(
    timelines=(
        timeline("failure_rate", "ratio", lambda at: 0.1 + 0.05 * math.sin(at) + 0.3 * (at > 9), 0.2),
        timeline("latency_p95_ms", "ms", lambda at: 900.25 + 60 * at, 2000),
        timeline("retry_count", "events", lambda at: at % 5, None),
    ),
    latency=tuple(
        Bin(10 * 10 ** (at / 10), 10 * 10 ** ((at + 1) / 10), round(9000 / (1 + (at - 18) ** 2))) for at in range(36)
    ),
    states=states(24),
    lanes=lanes(3, 6),
    more_lanes=2,
    breakdowns=GROUPS,
    drift=DRIFT,
    notes=("the log has no owners before 3 December",),
)

#: One report of everything that a page can show.
WHOLE = replace(
    EVERYTHING, background=BACKGROUND, tz_minutes=540, known=EARLIER, hints=("`ops-checks drift` tells more",)
)


def large() -> Background:
    """Return what lies behind 100,000 runs, as much of it as is collected."""
    return replace(
        BACKGROUND,
        timelines=tuple(timeline(f"metric_{at}", "ms", lambda at: 900.123456 + at, 950, 200) for at in range(12)),
        states=states(200),
        lanes=lanes(40, 60),
        breakdowns=tuple(replace(GROUPS[0], rows=GROUPS[0].rows * 50) for _ in range(6)),
        drift=DRIFT * 300,
    )


def findings(count: int) -> list[Finding]:
    """Return so many findings about items with a title and an owner."""
    return [
        Finding(
            "field-mismatch",
            f"ORCH-{at} differs",
            item=f"ORCH-{at}",
            field="status",
            md="IN_PROGRESS",
            db="DONE",
            places=(Place("ops/QUEUE.md", at + 7, 12), Place("ops/queue.db", table="queue_items", key=f"ORCH-{at}")),
            task=f"Rotate the signing keys of service {at} and tell the team on call",
            owner=AGENT,
            priority="P1",
        )
        for at in range(count)
    ]


#: A thousand findings with all that lies behind a hundred thousand runs.
LARGE = report(rule("field-mismatch", Verdict.FAIL, *findings(1000), value=1000), background=large(), tz_minutes=540)
