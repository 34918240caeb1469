"""One line for a pipeline's log: `HEALTH_OK`, `HEALTH_WARN …`, `HEALTH_FAIL …` or `HEALTH_ERROR …`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.findings import Verdict
from ops_checks.presentation.format import Format, RenderOptions
from ops_checks.presentation.known import counts
from ops_checks.sanitize import visible

if TYPE_CHECKING:
    from ops_checks.report.model import Report

_WORDS = {Verdict.PASS: "HEALTH_OK", Verdict.FAIL: "HEALTH_FAIL", Verdict.ERROR: "HEALTH_ERROR"}


def render(report: Report, _options: RenderOptions) -> str:
    """Return the line: the word for the verdict, each rule that does not pass, and counts of what is new and known."""
    word = _WORDS.get(report.verdict, "HEALTH_WARN")
    named = [f"{visible(rule.id)}={rule.verdict}" for rule in report.rules if rule.verdict is not Verdict.PASS]
    compared = dict(zip(("new", "known", "gone"), counts(report), strict=True)) if report.known else {}
    return " ".join((word, *named, *(f"{name}={count}" for name, count in compared.items()))) + "\n"


FORMAT = Format(
    help="one line for a pipeline's log: HEALTH_OK, HEALTH_WARN, HEALTH_FAIL or HEALTH_ERROR",
    extension=".txt",
    media_type="text/plain",
    append=True,
    render=render,
)
