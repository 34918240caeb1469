"""The verdict: one function of results and errors, held to its law over generated policies and inputs."""

from __future__ import annotations

import json
import tempfile
from contextlib import chdir
from pathlib import Path

import pytest
from builders import item, make_database, make_markdown
from hypothesis import given, settings
from hypothesis import strategies as st

from ops_checks.exit_codes import ALERT, DRIFT, NOT_EVALUATED, OK
from ops_checks.findings import GROUPS, Finding, Verdict
from ops_checks.gate.readers import READERS
from ops_checks.gate.run import run_gate
from ops_checks.gate.verdict import decide
from ops_checks.report.model import RuleResult
from ops_checks.rules.queue.rules import ROW_CHECKS
from ops_checks.rules.registry import RULES
from ops_checks.settings import resolve

GROUP_IDS = list(READERS)
NOW_S = 1_767_279_600


def result(rule: str, verdict: str, counts_as: str | None = None, *findings: Finding) -> RuleResult:
    """Return a concluded result of a rule."""
    counted = Verdict(counts_as or ("fail" if verdict == "insufficient" else verdict))
    return RuleResult(
        rule, rule, "", RULES[rule].group, "error", Verdict(verdict), f"{rule} {verdict}", findings=findings,
        counts_as=counted,
    )  # fmt: skip


DRIFTED = result("missing-in-db", "fail")
ALERTED = result("failure-rate", "fail")
GOOD = (result("missing-in-db", "pass"), result("failure-rate", "pass"))


def expired(rule: str) -> RuleResult:
    """Return the result of an expired waiver of a rule."""
    return result("waiver-expired", "fail", None, Finding("waiver-expired", "x", trace=rule))


@pytest.mark.parametrize(
    ("asked", "results", "errors", "verdict", "code"),
    [
        (GROUP_IDS, GOOD, (), "pass", OK),
        (GROUP_IDS, (DRIFTED, GOOD[1]), (), "fail", DRIFT),
        (GROUP_IDS, (GOOD[0], ALERTED), (), "fail", ALERT),
        (GROUP_IDS, (DRIFTED, ALERTED), (), "fail", DRIFT),
        (GROUP_IDS, (DRIFTED, ALERTED), ("gone",), "error", NOT_EVALUATED),
        (GROUP_IDS, GOOD, ("gone",), "error", NOT_EVALUATED),
        (GROUP_IDS, (GOOD[0], result("failure-rate", "error")), (), "error", NOT_EVALUATED),
        (GROUP_IDS, (), (), "error", NOT_EVALUATED),
        (GROUP_IDS, (), ("gone",), "error", NOT_EVALUATED),
        (GROUP_IDS, GOOD[:1], (), "pass", OK),
        (["kpi"], (), (), "error", NOT_EVALUATED),
        (["kpi"], (expired("failure-rate"),), (), "error", NOT_EVALUATED),
        (GROUP_IDS, (result("missing-in-db", "insufficient"), GOOD[1]), (), "fail", ALERT),
        (GROUP_IDS, (result("missing-in-db", "insufficient", "warn"), GOOD[1]), (), "warn", OK),
        (GROUP_IDS, (result("missing-in-db", "insufficient", "pass"), GOOD[1]), (), "pass", OK),
        (GROUP_IDS, (result("missing-in-db", "warn", "fail"), GOOD[1]), (), "fail", DRIFT),
        (GROUP_IDS, (*GOOD, expired("missing-in-db")), (), "fail", DRIFT),
        (GROUP_IDS, (*GOOD, expired("failure-rate")), (), "fail", ALERT),
        (["kpi"], (GOOD[1], expired("missing-in-db")), (), "fail", ALERT),
        (["consistency"], (GOOD[0], expired("failure-rate")), (), "fail", DRIFT),
    ],
)
def test_decisions(
    asked: list[str], results: tuple[RuleResult, ...], errors: tuple[str, ...], verdict: str, code: int
) -> None:
    """Errors come first, drift before an alert; an expired waiver counts as the checks that ran."""
    decision = decide(asked, results, errors)
    assert (decision.verdict, decision.exit_code) == (verdict, code)
    assert bool(decision.errors) == (decision.exit_code >= NOT_EVALUATED)
    off = [group for group in asked if group not in {each.group for each in results}]
    assert [note.partition(":")[0] for note in decision.notes] == off


@given(
    asked=st.sampled_from([GROUP_IDS, ["consistency"], ["kpi"]]),
    results=st.lists(
        st.builds(
            result,
            st.sampled_from([rule for rule in RULES if RULES[rule].group != "waivers"]),
            st.sampled_from(list(Verdict)),
            st.none() | st.sampled_from(["pass", "warn", "fail", "error"]),
        )
    ),
    errors=st.lists(st.sampled_from(["gone", "torn"])),
)
def test_errors_and_exit_3_go_together(asked: list[str], results: list[RuleResult], errors: list[str]) -> None:
    """There are errors if and only if the exit code is 3, whatever the results are."""
    decision = decide(asked, [each for each in results if each.group in asked], errors)
    assert bool(decision.errors) == (decision.exit_code == NOT_EVALUATED) == (decision.verdict is Verdict.ERROR)
    assert set(errors) <= set(decision.errors)


#: Whether an input can be read, and what stands in its place: None for nothing at all.
QUEUES = st.sampled_from([[item("A-1"), item("A-2", "DONE")], [item("A-1")], [], None])
RUN = '{"event":"run_end","command":"done","exit_code":0,"duration_ms":1}\n'
LOGS = st.sampled_from([RUN, RUN.replace("done", "fail"), RUN + "{\n", "", None])
LIMITS = st.sampled_from(["off", 0, 1, {"min": 1}, {"max": 0, "severity": "warning"}, {"max": 1, "min_samples": 9}])
NAMES = ("failure_rate", "latency_p95_ms", "stale_in_progress", "malformed_lines", "pending", "oldest_pending_minutes")


@st.composite
def policies(draw: st.DrawFn) -> dict[str, object]:
    """Return a policy."""
    drift = [rule.id for rule in RULES.values() if rule.group == "consistency"]
    severity = draw(st.dictionaries(st.sampled_from(drift), st.sampled_from(["error", "warning", "off"])))
    kpi = {
        "thresholds": draw(st.dictionaries(st.sampled_from(NAMES), LIMITS)),
        "on_insufficient": draw(st.sampled_from(["pass", "warn", "fail"])),
    }
    if draw(st.integers(0, 3)) == 0:  # seldom by chance
        severity = dict.fromkeys(drift, "off")
    if draw(st.integers(0, 3)) == 0:
        kpi["thresholds"] = dict.fromkeys(NAMES[:4], "off")
    waiver = {"reason": "r", "owner": "o", "expires": draw(st.sampled_from(["2026-01-01", "2026-12-31"]))}
    named = draw(st.lists(st.sampled_from(["missing-in-db", "pending", "malformed-lines"]), max_size=2))
    statuses = draw(st.lists(st.sampled_from(["PENDING", "DONE"]), unique=True))
    all_off = {"severity": {rule.id: "off" for rule in RULES.values() if rule.group == "history"}}
    rows = draw(st.lists(st.sampled_from([check.rule.id for check in ROW_CHECKS]), unique=True, max_size=2))
    return {
        "history": draw(st.sampled_from(["off", "on", all_off])),
        "rules": [{"id": rule, "severity": draw(st.sampled_from(["error", "warning", "off"]))} for rule in rows],
        "consistency": {"severity": severity, "ignore_statuses": statuses},
        "kpi": kpi,
        "waivers": [{"rule": rule, **waiver} for rule in named],
    }


@settings(max_examples=150)
@given(
    policy=policies(),
    md=QUEUES,
    db=QUEUES,
    log=LOGS,
    only=st.sampled_from([None, *(group.id for group in GROUPS.values() if group.selectable)]),
    fail_level=st.sampled_from(["error", "warn"]),
)
def test_a_gate_with_errors_exits_3_and_no_other(
    policy: dict[str, object],
    md: list[object] | None,
    db: list[object] | None,
    log: str | None,
    only: str | None,
    fail_level: str,
) -> None:
    """Whatever a policy says: what cannot be read, or was not judged at all, is exit 3, and nothing else is."""
    with tempfile.TemporaryDirectory() as name, chdir(name):
        if md is not None:
            make_markdown(Path("Q.md"), md)  # type: ignore[arg-type]
        if db is not None:
            make_database(Path("q.db"), db)  # type: ignore[arg-type]
        if log is not None:
            Path("runs.jsonl").write_text(log)
        Path("ops-checks.yaml").write_text(json.dumps(policy))
        context = resolve({}, queue="Q.md", db="q.db", logs=("runs.jsonl",), now_s=NOW_S)
        report = run_gate(context, only=only, fail_level=fail_level)
    assert bool(report.errors) == (report.exit_code >= NOT_EVALUATED) == (report.verdict is Verdict.ERROR)
    needed = {
        None: (md, db, log),
        "consistency": (md, db),
        "kpi": (db, log),
        "history": (db,),
        "queue": (md,),
        "own": (),
    }[only]
    judged = {each.group for each in report.rules} - {"waivers"}
    if None in needed or not judged:
        assert report.exit_code == NOT_EVALUATED
    named = ["consistency", "kpi", *(["queue"] if policy["rules"] else [])]
    named += ["history"] if policy["history"] != "off" else []
    for group in [only] if only else named:
        assert any(note.startswith(f"{group}: every rule of it is off") for note in report.notes) == (
            group not in judged
        )
