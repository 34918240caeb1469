"""What a live view knows, and what is new in it. Pure: no files, no clock, no words."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ops_checks.model import NOTHING, id_order
from ops_checks.overview import triage_order
from ops_checks.selection import Selector

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ops_checks.errors import InputError
    from ops_checks.model import Item
    from ops_checks.overview import Summary, Worker
    from ops_checks.report.model import RuleResult
    from ops_checks.stores.details import Details
    from ops_checks.timestamps import Zone

#: The parts of a view, each read by itself, in the order in which they are told first.
QUEUE, DRIFT, KPI = PARTS = ("queue", "drift", "kpi")
#: So many failures are kept, the newest first.
MOST_FAILURES = 50
#: Where an operator looks first.
_ATTENTION = ("IN_PROGRESS", "FAILED", "BLOCKED", "PENDING", "DONE")


class Mark(NamedTuple):
    """What is remembered of an item until the next reading; `rest` stands for its other cells."""

    status: str
    owner: str
    rest: int


class Filter(NamedTuple):
    """Which items are listed: those of a `status`, and with a `text`; empty stands for any."""

    status: str = ""
    text: str = ""

    @property
    def next_status(self) -> Filter:
        """The same filter with the next status: each, and then any."""
        words = ("", *_ATTENTION)
        return self._replace(status=words[(words.index(self.status) + 1) % len(words)])

    def selector(self, now_s: float, zone: Zone) -> Selector:
        """Return what selects the items, at a time in epoch seconds, in a zone."""
        statuses = (self.status,) if self.status else ()
        return Selector(now_s=now_s, zone=zone, statuses=statuses, text=self.text or None)


class QueueSeen(NamedTuple):
    """What one reading of the queue found.

    `workers` and the `oldest` item in progress are found in the `summary` once. `marks` are all items by id, `rows` the
    first of the `selected` items that the filter means, `failed` those FAILED that changed last, `arrived` those that
    failed since the reading before, and `remarks` lines on what was not read.
    """

    summary: Summary
    workers: Sequence[Worker]
    oldest: Item | None
    marks: Mapping[str, Mark]
    rows: Sequence[Details] = ()
    selected: int = 0
    failed: Sequence[Details] = ()
    arrived: Sequence[Details] = ()
    remarks: Sequence[str] = ()


class DriftSeen(NamedTuple):
    """What one comparison of both queues found: how many items were compared, the mismatches by metric.

    `settled`: no program was writing, which may be between its two writes. `why_not` is why they were not compared.
    """

    compared: int = 0
    mismatches: Mapping[str, int] = {}
    settled: bool = True
    why_not: str = ""

    @property
    def differs(self) -> bool | None:
        """Whether the queues differ; None while that is not known."""
        if self.why_not:
            return None
        found = any(self.mismatches.values())
        return found if self.settled or not found else None


class KpiSeen(NamedTuple):
    """The measured KPIs: `values` by metric, the `results` of the rules that limit some, and remarks."""

    values: Mapping[str, float | None] = {}
    results: Sequence[RuleResult] = ()
    remarks: Sequence[str] = ()


class Failure(NamedTuple):
    """A failure that arrived: seen at `at_s` (epoch seconds), or None for one that was there before the view began."""

    item: Item
    error: str
    at_s: float | None


class Change(NamedTuple):
    """What became of an item between two readings: its mark before and after, None where it was not there."""

    item_id: str
    before: Mark | None
    after: Mark | None

    @property
    def fails(self) -> bool:
        """Whether the item failed."""
        return has_failed(self.before, self.after)


class State(NamedTuple):
    """All that a view knows: what was seen last of each part, the failures, and why parts are not known now."""

    queue: QueueSeen | None = None
    drift: DriftSeen | None = None
    kpi: KpiSeen | None = None
    failures: Sequence[Failure] = ()
    errors: Mapping[str, InputError] = {}

    def after(self, part: str, seen: object, error: InputError | None, now_s: float) -> State:
        """Return the state after a reading of a part: what it saw last, and why that does not hold any more."""
        errors = {name: each for name, each in self.errors.items() if name != part}
        if error is not None:
            errors[part] = error
        after = self._replace(errors=errors, **{part: seen})  # type: ignore[arg-type] # a part's own kind
        if part != QUEUE or after.queue is None or after.queue is self.queue:
            return after
        return after._replace(failures=_failures(self, after.queue, now_s))


def mark(item: Item) -> Mark:
    """Return what is remembered of an item."""
    return Mark(item[1], item[5] or NOTHING, hash(item))


def changes(before: QueueSeen | None, after: QueueSeen) -> list[Change]:
    """Return what became of items between two readings: those that failed first, then by id. None before the first."""
    if before is None:
        return []
    old, new = before.marks, after.marks
    changed = [Change(item_id, old.get(item_id), each) for item_id, each in new.items() if old.get(item_id) != each]
    changed += [Change(item_id, each, None) for item_id, each in old.items() if item_id not in new]
    return sorted(changed, key=lambda change: (not change.fails, id_order(change.item_id)))


def has_failed(before: Mark | None, after: Mark | None) -> bool:
    """Return whether an item failed between two readings."""
    return after is not None and after.status == "FAILED" and (before is None or before.status != "FAILED")


def attention(row: Details) -> tuple[int, tuple[int, float, tuple[str, int, str]]]:
    """Return the sort key by which an operator looks for trouble: by status, then of triage."""
    return _ATTENTION.index(row.item.status), triage_order(row.item)


def verdict_changes(before: KpiSeen | None, after: KpiSeen) -> list[RuleResult]:
    """Return the results whose verdict is another one than before."""
    known = {result.id: result.verdict for result in before.results} if before else {}
    return [result for result in after.results if known.get(result.id, result.verdict) != result.verdict]


def oldest(summary: Summary) -> Item | None:
    """Return the item in progress that was started first; one without a readable start only if there is no other."""
    # The order of triage is by priority first: without it, what it compares next is the start.
    return min(summary.in_progress, key=lambda item: triage_order(item)[1:], default=None)


def _failures(before: State, seen: QueueSeen, now_s: float) -> list[Failure]:
    """Return the failures, the newest first: those that arrived, then those that the store knows as the newest."""
    new = [_failure(row, now_s) for row in seen.arrived]
    known = [failure for failure in before.failures if failure.at_s is not None]
    there = {failure.item.id for failure in (*new, *known)}
    old = [_failure(row, None) for row in seen.failed if row.item.id not in there]
    return [*new, *known, *old][:MOST_FAILURES]


def _failure(row: Details, at_s: float | None) -> Failure:
    return Failure(row.item, "" if row.last_error is None else str(row.last_error), at_s)
