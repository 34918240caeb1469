"""Run a rule in Python on rows that a test gives it, in users' own tests of their rules.

from ops_checks import Item, RuleContext

DAY = Item(id="ORCH-1", status="DONE", priority="P1", task="Rotate keys", success_criteria="rotated")
NIGHT = DAY.with_cells([("id", "ORCH-2"), ("started_at_kst", "2026-01-01 03:10")])


def no_night_shift(context: RuleContext):  # the rule under test
    for item in context.items:
        if item.started_at_kst[11:13] in {"00", "01", "02", "03", "04", "05"}:
            yield context.finding(item, f"started at {item.started_at_kst}", field="started_at_kst")


def test_nobody_starts_at_night(rule_findings):
    found = rule_findings(no_night_shift, items=[DAY, NIGHT])

    assert [(each.item, each.field) for each in found] == [("ORCH-2", "started_at_kst")]
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from ops_checks.errors import OpsError
from ops_checks.pytest_plugin.scratch import failed, told
from ops_checks.rules.own.answers import take
from ops_checks.rules.own.context import RuleContext, Sources

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ops_checks.findings import Finding
    from ops_checks.model import Item
    from ops_checks.rules.own.context import RuleEvent, RuleRun

#: UTC+09:00, as a queue's zone is unless it is configured.
_TZ_MINUTES = 540


class RuleFindings(Protocol):
    """The type of the fixture `rule_findings`."""

    def __call__(
        self,
        function: Callable[[RuleContext], Iterable[Finding]],
        *,
        items: Iterable[Item] | None = None,
        events: Iterable[RuleEvent] | None = None,
        runs: Iterable[RuleRun] | None = None,
        now_s: float | None = None,
        tz_minutes: int = _TZ_MINUTES,
    ) -> list[Finding]:
        """Return what a rule finds in the rows that it is given, as the gate takes it.

        Rows that are not given are not there, as if the rule's `needs` did not name them: an empty list is none of
        them. `now_s` is the time in epoch seconds (None: now). What the rule raises, it raises in the test. Fails the
        test for an answer that is no findings, and for a rule that reads what it is not given.
        """
        ...


def rule_findings(
    function: Callable[[RuleContext], Iterable[Finding]],
    *,
    items: Iterable[Item] | None = None,
    events: Iterable[RuleEvent] | None = None,
    runs: Iterable[RuleRun] | None = None,
    now_s: float | None = None,
    tz_minutes: int = _TZ_MINUTES,
) -> list[Finding]:
    """Return what a rule finds in some rows; see RuleFindings."""
    __tracebackhide__ = True
    rule = getattr(function, "__name__", "rule").replace("_", "-")
    given = None if events is None else list(events)
    sources = Sources(
        items=None if items is None else list(items),
        events=given,
        events_of=None if given is None else lambda item_id: [each for each in given if each.item == item_id],
        runs=None if runs is None else list(runs),
    )
    context = RuleContext(rule, sources, now_s=time.time() if now_s is None else now_s, zone=tz_minutes)
    try:
        found = take(rule, function(context), keep=0)
    except OpsError as error:
        raise failed(told(error)) from None
    if isinstance(context.failure, OpsError):
        raise failed(told(context.failure))
    return list(found.findings)
