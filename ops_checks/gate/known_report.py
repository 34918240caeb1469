"""Tell the findings of a run from those that a known report has, if it is one of the same queues and rules."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from ops_checks.errors import InputError
from ops_checks.rules.registry import RULES
from ops_checks.sanitize import visible
from ops_checks.stores.registry import is_url
from ops_checks.stores.transaction_protocol import DatabaseSnapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ops_checks.context import Context
    from ops_checks.report.model import Comparison, InputRead, RuleResult
    from ops_checks.rules.known import Known
    from ops_checks.rules.rule import Rule, Threshold


def told_apart(
    context: Context,
    results: Sequence[RuleResult],
    inputs: Iterable[InputRead],
    threshold: Callable[[Rule], Threshold | None],
    errors: list[str],
) -> tuple[tuple[RuleResult, ...], Comparison | None]:
    """Return results judged by what is new in them, and the report that they were compared with, if there is one.

    One that does not fit is added to the errors of the run, and nothing is known.
    """
    known = context.known
    if known is None:
        return tuple(results), None
    from ops_checks.report.fitting import misfit
    from ops_checks.rules.known import apply, compared_with

    why = misfit(known.path, known.report, inputs, results, same_file(known.path), partial(_event_time, context))
    if why:
        errors.append(why)
        return tuple(results), None
    rules = context.policy.rules
    judged = apply(known, results, rules, threshold)
    return judged, compared_with(known, judged, rules)


def _event_time(context: Context, event_id: int) -> str | None:
    """Return the time of an event in the database, None where it is not, or nobody can tell."""
    try:
        with context.db_store.snapshot() as snapshot:
            return snapshot.event_time(event_id) if isinstance(snapshot, DatabaseSnapshot) else None
    except InputError:  # what is wrong with the database is told by who judges it
        return None


def same_file(report: str, newer: str = "") -> Callable[[str, str], bool]:
    """Return what tells whether a path in a saved report is a path of now, or of a `newer` report.

    A relative one is relative to the current folder, or to that of its report's file: who made it stood in either.
    """

    def same(then: str, now: str) -> bool:
        if then == now or is_url(then) or is_url(now):
            return then == now
        return not _files(report, then).isdisjoint(_files(newer, now))

    return same


def _files(report: str, path: str) -> set[str]:
    return {os.path.realpath(path), os.path.realpath(os.path.join(os.path.dirname(report), path))}


def unrecorded(results: Iterable[RuleResult], known: Known | None) -> Iterator[str]:
    """Yield a note on each rule of which not all findings are recorded, now or in the known report: they are new."""
    if known is not None:
        for result in known.report.rules:
            if missing := _unrecorded(result):
                what = f"{missing} findings of {visible(result.id)}"
                yield f"{visible(known.path)}: does not record {what}, which count as new: make it again"
    for result in results:
        if missing := _unrecorded(result):
            what = f"{missing} findings are counted and not recorded"
            yield f"{visible(result.id)}: {what}: who compares with this report (--known) has them as new"


def _unrecorded(result: RuleResult) -> int:
    rule = RULES.get(result.id)
    return result.more_findings - len(result.unlisted) if rule is None or _is_told(rule) else 0


def _is_told(rule: Rule) -> bool:
    """Return whether the findings of a rule can be known one by one."""
    return rule.counts_findings and not rule.is_error
