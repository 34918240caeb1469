"""Gate runs for tests: small ones for exact lines, and arbitrary ones that a history can hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st
from msgspec.structs import replace
from report_samples import CREATED_MS

from ops_checks.findings import Verdict
from ops_checks.report.gate_run import LAST_MS, GateRun, RuleRun, run_of
from ops_checks.report.model import Metric, MetricRun, Report, RuleResult, Window

if TYPE_CHECKING:
    from typing import Any

RATE = RuleResult(
    id="failure-rate", title="", help="", group="kpi", severity="error", verdict=Verdict.FAIL, message="",
    value=0.25, operator="<=", limit=0.2, unit="ratio", samples=40, counts_as=Verdict.FAIL,
)  # fmt: skip


def small_report(created_ms: int = CREATED_MS, **changes: Any) -> Report:
    """Return a report of one rule that failed."""
    plain = Report(
        tool_version="1.0",
        created_ms=created_ms,
        verdict=Verdict.FAIL,
        exit_code=2,
        metrics=(Metric("failure_rate", 0.25, "ratio", 40, 0.1, 0.5),),
        rules=(RATE,),
        settings={"kpi.window": 3600},
        window=Window(created_ms - 3_600_000),
    )
    return replace(plain, **changes)


def small_run(at_ms: int = CREATED_MS, **changes: Any) -> GateRun:
    """Return the run of such a report."""
    return run_of(small_report(at_ms, **changes))


_TEXTS = st.text(max_size=9)
_NUMBERS = st.none() | st.floats(allow_nan=False, allow_infinity=False)
_COUNTS = st.integers(0, 2**40)
_VERDICTS = st.sampled_from(Verdict)
_SETTINGS = st.none() | st.integers(0, 2**40) | st.booleans() | st.lists(_TEXTS, max_size=2)
#: Runs of any reports.
RUNS = st.builds(
    GateRun,
    at_ms=st.integers(0, LAST_MS),
    verdict=_VERDICTS,
    exit_code=st.integers(0, 255),
    tool=_TEXTS,
    policy=st.none() | _TEXTS,
    window=st.none() | st.builds(Window, st.none() | st.integers(-(2**60), 2**60), st.none() | _COUNTS),
    settings=st.none() | st.dictionaries(_TEXTS, _SETTINGS, max_size=2),
    metrics=st.lists(st.builds(MetricRun, _TEXTS, _NUMBERS, _TEXTS, _COUNTS, _NUMBERS), max_size=2).map(tuple),
    rules=st.lists(
        st.builds(
            RuleRun, _TEXTS, _TEXTS, _TEXTS, _VERDICTS, _VERDICTS, _NUMBERS, st.none() | _TEXTS, _NUMBERS,
            known=_COUNTS, is_known=st.booleans(), fingerprints=st.lists(_TEXTS, max_size=2).map(tuple),
        ),
        max_size=2,
    ).map(tuple),
    errors=_COUNTS,
)  # fmt: skip
