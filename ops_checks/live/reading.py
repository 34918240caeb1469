"""Read the parts of a live view, each by what reads it for the command of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.findings import KPI
from ops_checks.gate.inputs import read_kpis
from ops_checks.gate.run import evaluate_group
from ops_checks.gate.stable_reading import compare_by, is_quiet, read_stable
from ops_checks.gate.verdict import conclude
from ops_checks.live.model import (
    MOST_FAILURES,
    DriftSeen,
    Filter,
    KpiSeen,
    QueueSeen,
    attention,
    has_failed,
    mark,
    oldest,
)
from ops_checks.overview import summarise, workers
from ops_checks.rules.drift.rules import DRIFT_CHECKS
from ops_checks.sanitize import visible
from ops_checks.selection import Selection, orders
from ops_checks.stores.registry import is_there

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ops_checks.context import Context
    from ops_checks.live.model import Mark
    from ops_checks.model import Item
    from ops_checks.stores.details import Details
    from ops_checks.stores.protocol import Snapshot

#: So many items are listed: more than anybody pages through, and the filter finds the others.
MOST_ROWS = 200


class QueueReading:
    """Reads the queue that is worked on, in one pass. `wanted` is the filter, which may change at any time.

    `clock` returns epoch seconds.
    """

    def __init__(self, context: Context, clock: Callable[[], float]) -> None:
        self.wanted = Filter()
        self._context = context
        self._clock = clock
        self._marks: Mapping[str, Mark] | None = None

    def __call__(self) -> QueueSeen:
        """Return what is in the queue now. Raises InputError."""
        seen = read_stable(self._context.working_store, self._read)
        self._marks = seen.marks
        return seen

    def _read(self, snapshot: Snapshot) -> QueueSeen:
        zone, now_s = self._context.zone, self._clock()
        listed = Selection(self.wanted.selector(now_s, zone), order=attention, most=MOST_ROWS)
        failed = Selection(Filter("FAILED").selector(now_s, zone), order=orders(zone)["changed"], most=MOST_FAILURES)
        before, marks, arrived = self._marks, dict[str, "Mark"](), list["Details"]()

        def passing() -> Iterator[tuple[int, Item]]:
            for row in snapshot.details():
                item = row.item
                marks[item[0]] = known = mark(item)
                listed.offer(row)
                if known.status == "FAILED":
                    failed.offer(row)
                    if before is not None and len(arrived) < MOST_FAILURES and has_failed(before.get(item[0]), known):
                        arrived.append(row)
                yield row.number, item

        summary = summarise(passing())
        rows = listed.selected()
        return QueueSeen(
            summary,
            workers(summary.in_progress),
            oldest(summary),
            marks,
            rows=rows.rows,
            selected=rows.total,
            failed=failed.selected().rows,
            arrived=arrived,
            remarks=snapshot.remarks(),
        )


def read_drift(context: Context) -> DriftSeen:
    """Compare both queues as `consistency-check` does, without waiting for who may be writing. Raises InputError.

    Nobody waits while a view is to go on: what differs while a program may be between its two writes is not settled.
    """
    rules, md, db = context.policy.consistency, context.md_store, context.db_store
    missing = [visible(store.location) for store in (md, db) if not is_there(store.location)]
    if missing:
        return DriftSeen(why_not=f"{', '.join(missing)} is not there")
    quiet = is_quiet((md, db), rules.settle_s)  # before and after: a long comparison ends when the writer is forgotten
    drift = compare_by(rules, md, db, keep=1, settle_s=0)
    mismatches = {check.rule.metric: drift.counts[check.rule.id] for check in DRIFT_CHECKS}
    return DriftSeen(drift.total - drift.ignored, mismatches, settled=quiet and is_quiet((md, db), rules.settle_s))


def read_kpi(context: Context) -> KpiSeen:
    """Measure the KPIs as `kpi` does. Raises InputError."""
    plain = context.without_exceptions()
    evidence = read_kpis(plain, details=False)
    results = [conclude(each, plain.policy, "error") for each in evaluate_group(plain.policy, KPI.id, evidence)]
    return KpiSeen({metric.name: metric.value for metric in evidence.metrics}, results, evidence.remarks)
