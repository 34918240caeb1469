"""OpenMetrics text."""

from __future__ import annotations

import math

import pytest
from format_readers import read_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.parser import text_string_to_metric_families as prometheus_families
from report_samples import EVERYTHING, METRICS, SAMPLES, WAIVED, rate, report, rule

from ops_checks.findings import Verdict
from ops_checks.formats import FORMATS
from ops_checks.report.model import InputRead, Metric


def families_of(sample):
    """Return the families of a report by name, as Prometheus' parser reads them."""
    rendered = FORMATS["openmetrics"].render(sample)
    read_openmetrics(rendered)
    return {family.name: family for family in text_string_to_metric_families(rendered)}


def values(family):
    """Return the samples of a family: the values by the values of their labels."""
    return {tuple(sample.labels.values()): sample.value for sample in family.samples}


def test_to_the_byte():
    """The families of a run that read nothing and ran nothing."""
    assert FORMATS["openmetrics"].render(report(inputs=())) == (
        "# HELP ops_checks_last_run_timestamp_seconds When the gate last ran.\n"
        "# TYPE ops_checks_last_run_timestamp_seconds gauge\n"
        "# UNIT ops_checks_last_run_timestamp_seconds seconds\n"
        "ops_checks_last_run_timestamp_seconds 1767225600.123\n"
        "# HELP ops_checks_verdict What the last run said: 1 for its verdict, 0 for the others.\n"
        "# TYPE ops_checks_verdict gauge\n"
        'ops_checks_verdict{verdict="pass"} 1\n'
        'ops_checks_verdict{verdict="insufficient"} 0\n'
        'ops_checks_verdict{verdict="warn"} 0\n'
        'ops_checks_verdict{verdict="fail"} 0\n'
        'ops_checks_verdict{verdict="error"} 0\n'
        "# HELP ops_checks_exit_code The exit code of the last run.\n"
        "# TYPE ops_checks_exit_code gauge\n"
        "ops_checks_exit_code 0\n"
        "# HELP ops_checks_errors Inputs that could not be evaluated.\n"
        "# TYPE ops_checks_errors gauge\n"
        "ops_checks_errors 0\n"
        "# HELP ops_checks_tool The version that made this file.\n"
        "# TYPE ops_checks_tool gauge\n"
        'ops_checks_tool{version="0.1.0"} 1\n'
        "# EOF\n"
    )


def test_metrics():
    """Every metric is a family with its unit, its samples and its interval; one without a value has no sample."""
    families = families_of(EVERYTHING)
    measured = {metric.name: metric.value for metric in METRICS if metric.value is not None}
    assert {name: families[f"ops_checks_{name}"].samples[0].value for name in measured} == measured
    assert "ops_checks_latency_avg_ms" not in families
    assert values(families["ops_checks_metric_samples"])["latency_avg_ms",] == 0
    assert values(families["ops_checks_metric_interval"])["failure_rate", "high"] == 0.6477
    assert families["ops_checks_latency_p95_ms"].unit == "ms"
    assert families["ops_checks_oldest_pending_minutes"].unit == "minutes"
    assert families["ops_checks_failure_rate"].unit == ""


def test_rules():
    """Verdict, value, limit and findings of each rule."""
    families = families_of(report(rate(Verdict.FAIL, more_findings=2), rule("field-mismatch", Verdict.PASS, WAIVED)))
    verdicts = values(families["ops_checks_rule_verdict"])
    assert [labels for labels, value in verdicts.items() if value == 1] == [
        ("failure-rate", "kpi", "fail"),
        ("field-mismatch", "consistency", "pass"),
    ]
    assert len(verdicts) == 10
    assert values(families["ops_checks_rule_value"]) == {("failure-rate", "kpi"): 0.5}
    assert values(families["ops_checks_rule_limit"]) == {("failure-rate", "kpi", "<="): 0.2}
    assert list(values(families["ops_checks_rule_findings"]).values()) == [2, 0]
    assert list(values(families["ops_checks_rule_waived_findings"]).values()) == [0, 1]


def test_run():
    """The time, the verdict and the exit code of the run, and how much was read."""
    families = families_of(SAMPLES["error"])
    assert values(families["ops_checks_last_run_timestamp_seconds"]) == {(): 1767225600.123}
    assert [labels for labels, value in values(families["ops_checks_verdict"]).items() if value == 1] == [("error",)]
    assert values(families["ops_checks_exit_code"]) == {(): 3}
    assert values(families["ops_checks_errors"]) == {(): 1}
    assert values(families["ops_checks_input_rows"]) == {("queue", "ops/QUEUE.md"): 31, ("db", "ops/queue.db"): 30}
    assert values(families["ops_checks_input_lines"]) == {("log", "ops/runs.jsonl"): 200}


def test_prometheus_text_is_the_same():
    """A textfile collector reads Prometheus text: it finds the same samples."""
    rendered = FORMATS["openmetrics"].render(EVERYTHING)
    assert [
        (sample.name, sample.labels, sample.value)
        for family in prometheus_families(rendered)
        for sample in family.samples
    ] == [
        (sample.name, sample.labels, sample.value)
        for family in text_string_to_metric_families(rendered)
        for sample in family.samples
    ]


@pytest.mark.parametrize("name", ["exit_code", "metric", "Failure Rate", "가", "", "x{", "rule_verdict", "_x", "1x"])
def test_names_that_are_no_names(name):
    """A metric whose name is taken or invalid is a label; no other family is affected."""
    families = families_of(report(metrics=(Metric(name, 7, "ms", 1),)))
    assert values(families["ops_checks_metric"]) == {(name,): 7}
    assert values(families["ops_checks_exit_code"]) == {(): 0}


@pytest.mark.parametrize(
    ("metrics", "found"),
    [
        ((Metric("a", 1, "", 1), Metric("a", 2, "", 1)), 1),
        (
            (
                Metric("a", 1, "", 1),
                Metric("a_total", 2, "", 1),
                Metric("a_count", 3, "", 1),
                Metric("a_info", 4, "", 1),
            ),
            1,
        ),
    ],
)
def test_names_that_might_clash(metrics, found):
    """The same name twice, or names that differ in a suffix that means something elsewhere, can be read."""
    families = families_of(report(metrics=metrics))
    assert families["ops_checks_a"].samples[0].value == found


def test_the_same_labels_twice():
    """Of two rules or inputs with the same labels the first is written."""
    twice = (rate(Verdict.FAIL), rate(Verdict.PASS, value=0.1))
    families = families_of(report(*twice, inputs=(InputRead("log", "x", lines=1), InputRead("log", "x", lines=2))))
    assert values(families["ops_checks_rule_value"]) == {("failure-rate", "kpi"): 0.5}
    assert values(families["ops_checks_rule_verdict"])["failure-rate", "kpi", "fail"] == 1
    assert values(families["ops_checks_input_lines"]) == {("log", "x"): 1}


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (3, "3"),
        (3.0, "3"),
        (0.1, "0.1"),
        (1e300, "1e+300"),
        (-0.5, "-0.5"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
        (math.nan, "NaN"),
        (10**400, "+Inf"),
        (-(10**400), "-Inf"),
    ],
)
def test_numbers(value, written):
    """Numbers as OpenMetrics writes them."""
    rendered = FORMATS["openmetrics"].render(report(metrics=(Metric("a", value, "", 1),)))
    assert f"\nops_checks_a {written}\n" in rendered
    read_openmetrics(rendered)
