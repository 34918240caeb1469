"""Find out, where both queues differ, whether a three-way comparison would tell who moved (RECONCILE section 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.errors import InputError
from ops_checks.findings import Verdict
from ops_checks.presentation.wording import plural
from ops_checks.stores.transaction_protocol import DatabaseSnapshot

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ops_checks.report.model import RuleResult
    from ops_checks.rules.drift.drift import Drift
    from ops_checks.stores.protocol import Snapshot


def note_agreement(_left: Snapshot, right: Snapshot, drift: Drift) -> None:
    """Note in a drift the last agreement that the database has, if it has one that can be read.

    A check does not fail for what it does not need: a damaged one counts as none here.
    """
    if drift.ok or not isinstance(right, DatabaseSnapshot):
        return
    try:
        baseline = right.agreement().baseline()
    except InputError:
        return
    drift.baseline = baseline.name if baseline else None


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
