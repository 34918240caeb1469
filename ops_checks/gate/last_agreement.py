"""Say of what differs which side is not as both agreed, by the last agreement (RECONCILE section 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.errors import InputError
from ops_checks.findings import Verdict
from ops_checks.model import FIELDS
from ops_checks.presentation.wording import plural
from ops_checks.rules.drift.pair import normal
from ops_checks.rules.drift.rules import VIEW_EDITED
from ops_checks.rules.drift.same_text import same_text
from ops_checks.stores.transaction_protocol import DatabaseSnapshot

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ops_checks.findings import Finding
    from ops_checks.report.model import RuleResult
    from ops_checks.rules.drift.drift import Drift
    from ops_checks.stores.baseline import AgreedRow
    from ops_checks.stores.protocol import Snapshot
    from ops_checks.stores.transaction_protocol import AgreementReader


def note_agreement(_document: Snapshot, database: Snapshot, drift: Drift) -> AgreementReader | None:
    """Note in a drift the last agreement that the database has, and return what reads it; None if there is none.

    A check does not fail for what it does not need: a damaged one counts as none here.
    """
    if drift.ok or not isinstance(database, DatabaseSnapshot):
        return None
    try:
        agreement = database.agreement()
        baseline = agreement.baseline()
    except InputError:
        return None
    drift.baseline = baseline.name if baseline else None
    return agreement if baseline else None


def name_sides(document: Snapshot, database: Snapshot, drift: Drift) -> None:
    """Note the last agreement, as `note_agreement` does, and for each finding that is kept the side that left it."""
    agreement = note_agreement(document, database, drift)
    if agreement is None or drift.baseline is None:
        return
    try:
        agreed = agreement.rows({each.item for kept in drift.findings.values() for each in kept if each.item})
    except InputError:
        return
    for kept in drift.findings.values():
        kept[:] = [
            each if each.reason else each._replace(reason=_reason(each, agreed.get(each.item or ""), drift.baseline))
            for each in kept
        ]


def _reason(finding: Finding, agreed: AgreedRow | None, base: str) -> str | None:
    """Return which side is not as both agreed; None for an edit of a view, which says so itself.

    Whether it moved since, or is an older version of the document, only its history knows.
    """
    if finding.rule == VIEW_EDITED.id:
        return None
    if agreed is not None and agreed.cells[FIELDS.index(finding.field or "status")] is None:
        return "never agreed"
    if finding.field is None:
        return f"{base} has no such item" if agreed is None else f"{base} has it"
    if agreed is None:
        return "never agreed"
    cell = agreed.cells[FIELDS.index(finding.field)] or ""
    sides = {"document": finding.md, "database": finding.db}
    differing = [side for side, text in sides.items() if not _equal(finding.field, text or "", cell)]
    return f"only the {differing[0]} differs from {base}" if len(differing) == 1 else f"both differ from {base}"


def _equal(field: str, left: str, right: str) -> bool:
    return same_text(normal(field, left), normal(field, right))


def drift_hint(drift: Drift) -> str:
    """Return the line on drift that names what tells who moved, for a database with a baseline."""
    found = plural(sum(drift.counts.values()), "mismatch", "mismatches")
    return (
        f"{found} in {plural(drift.differing, 'item', 'items')}: `ops-checks drift` shows which side moved since the "
        f"baseline {drift.baseline}"
    )


def hints(drift: Drift, results: Iterable[RuleResult]) -> tuple[str, ...]:
    """Return a line on how to find out who moved; none if every rule of drift passed, by a waiver or as it is."""
    failed = any(result.verdict is not Verdict.PASS for result in results)
    return (drift_hint(drift),) if failed and drift.baseline else ()
