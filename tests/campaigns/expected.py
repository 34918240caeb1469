"""What the gate must say of a situation, and how a report is held to it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.campaigns.operation import Operation

DRIFT = ("missing-in-db", "missing-in-md", "field-mismatch")
DEFAULT_KPIS = ("failure-rate", "latency-p95-ms", "stale-in-progress", "malformed-lines")

#: Rule, item (or line of the log) and field of a finding.
Found = tuple[str, "str | int | None", "str | None"]
#: Rules of which every finding is held to; of the others only the verdict.
_LISTED = {*DRIFT, "stale-in-progress", "malformed-lines", "waiver-expired", "waiver-unused"}


@dataclass(frozen=True)
class Expected:
    """Exit code, verdict, rules that do not pass, findings, and what the lines on stderr must say.

    `error` are words that one error line must hold, all of them; without, there must be no error line.
    `usage`: there is no report.
    """

    code: int
    verdict: str
    rules: tuple[tuple[str, str], ...] = ()
    findings: tuple[Found, ...] = ()
    error: tuple[str, ...] = ()
    waived: int = 0
    remark: str = ""

    def with_(self, **changes: Any) -> Expected:
        """Return this with some fields replaced."""
        return replace(self, **changes)

    def problems(self, code: int, lines: list[str], report: dict[str, Any] | None) -> Iterator[str]:
        """Yield what is not as expected of an exit code, the lines on stderr and a report."""
        if code != self.code:
            yield f"exit code {code}, expected {self.code}: {lines[:3]}"
        errors = [line for line in lines if line.startswith("error: ")]
        if bool(self.error) != bool(errors) or (self.error and not any(_says(line, self.error) for line in errors)):
            yield f"errors {errors}, expected {self.error}"
        if self.remark and not any(self.remark in line for line in lines):
            yield f"stderr {lines}, expected {self.remark!r}"
        if report is None:
            if self.verdict != "usage":
                yield f"no report, expected {self.verdict}: {lines[:3]}"
            return
        yield from self._in_report(report)

    def _in_report(self, report: dict[str, Any]) -> Iterator[str]:
        pairs = (
            ("verdict", report["verdict"], self.verdict),
            ("rules", {rule["id"]: rule["verdict"] for rule in report["rules"] if rule["verdict"] != "pass"},
             dict(self.rules)),
            ("findings", sorted(_found(report, waived=False), key=repr), sorted(self.findings, key=repr)),
            ("waived", len(_found(report, waived=True)), self.waived),
        )  # fmt: skip
        for what, found, expected in pairs:
            if found != expected:
                yield f"{what} {found}, expected {expected}"


def _says(line: str, words: tuple[str, ...]) -> bool:
    return all(word in line for word in words)


def _found(report: dict[str, Any], *, waived: bool) -> list[Found]:
    return [
        (rule["id"], finding["item"] or (finding["trace"] or finding["places"][0]["line"]), finding["field"])
        for rule in report["rules"]
        for finding in rule["findings"]
        if rule["id"] in _LISTED and (finding["suppressed"] is not None) is waived
    ]


@dataclass(frozen=True)
class Situation:
    """One small change to a healthy operation, and what the gate must say."""

    name: str
    change: Callable[[Operation], object]
    expected: Expected


GREEN = Expected(0, "pass")


def fails(rule: str, *found: tuple[str | int | None, str | None], code: int = 1, verdict: str = "fail") -> Expected:
    """Return: one rule is violated, by these findings (item or line, and field)."""
    return Expected(code, verdict, ((rule, verdict),), tuple((rule, item, field) for item, field in found))


def drift(rule: str, *items: str) -> Expected:
    """Return: exit code 1, because of items that one side lacks."""
    return fails(rule, *((item, None) for item in items))


def differs(item: str, *fields: str) -> Expected:
    """Return: exit code 1, because of fields of one item."""
    return fails("field-mismatch", *((item, field) for field in fields))


def alert(rule: str, *found: tuple[str | int | None, str | None]) -> Expected:
    """Return: exit code 2, because of one KPI."""
    return fails(rule, *found, code=2)


def warns(rule: str, *found: tuple[str | int | None, str | None], verdict: str = "warn") -> Expected:
    """Return: exit code 0 and the verdict `warn`, because of one rule."""
    return Expected(0, "warn", ((rule, verdict),), tuple((rule, item, field) for item, field in found))


def insufficient(*rules: str) -> Expected:
    """Return: exit code 2, because these rules have no data."""
    return Expected(2, "fail", tuple((rule, "insufficient") for rule in rules))


def broken(*words: str, rules: tuple[str, ...] = DRIFT) -> Expected:
    """Return: exit code 3; an error line holds these words, and these rules could not be evaluated."""
    return Expected(3, "error", tuple((rule, "error") for rule in rules), error=words)


def malformed(line: int, *words: str) -> Expected:
    """Return: exit code 3, because a line of the run log is no record: an input is malformed."""
    rule = "malformed-lines"
    return broken(f"runs.jsonl:{line}", *words, rules=(rule,)).with_(findings=((rule, line, None),))


def unusable(*words: str) -> Expected:
    """Return: exit code 4, no report, and an error line that holds these words."""
    return Expected(4, "usage", error=words)
