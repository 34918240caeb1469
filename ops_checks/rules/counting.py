"""Rules whose value is the number of their findings: what drifted, what cannot have happened, what a row says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ops_checks.findings import Verdict
from ops_checks.report.model import Metric
from ops_checks.rules.rule import Offenders, Rule, Threshold

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Protocol

    from ops_checks.findings import Finding
    from ops_checks.rules.rule import Limit

    class Counted(Protocol):
        """What was found: how many findings of each rule, by its id, and those of them that were kept."""

        @property
        def counts(self) -> Mapping[str, int]:
            """The number of findings by rule."""
            ...

        @property
        def findings(self) -> Mapping[str, Sequence[Finding]]:
            """The findings that were kept, by rule."""
            ...

        @property
        def unlisted(self) -> Mapping[str, Sequence[Finding]]:
            """Findings that were not kept, as far as they were recorded, by rule."""
            ...


def counting_rule(
    *,
    id: str,  # noqa: A002 - the rule's own word
    counted: str,
    samples: Callable[[Any], int],
    empty: str = "",
    severity: str = "error",
    **described: Any,  # noqa: ANN401 - the other fields of `Rule`, as they are there
) -> Rule:
    """Return a rule that any finding violates; `described` are the other fields of `Rule`.

    `counted` is what its message counts, `samples` returns of the evidence how much was looked at, and `empty` says
    that this was nothing, where nothing is no pass.
    """

    def measure(found: Counted) -> Metric:
        return Metric(id.replace("-", "_"), found.counts.get(id, 0), "count", samples(found))

    def offenders(_rule: Rule, found: Counted, _limit: Limit) -> Offenders:
        kept = tuple(found.findings.get(id, ()))
        return Offenders(kept, found.counts.get(id, 0) - len(kept), tuple(found.unlisted.get(id, ())))

    def message(_rule: Rule, metric: Metric, _limit: Limit | None, verdict: Verdict, _needed: int | None) -> str:
        return empty if verdict is Verdict.INSUFFICIENT else f"{counted}: {metric.value}"

    return Rule(
        id=id,
        measure=measure,
        offenders=offenders,
        message=message,
        default=Threshold(max=0, severity=severity),
        counted=True,
        needs_samples=bool(empty),
        counts_findings=True,
        **described,
    )
