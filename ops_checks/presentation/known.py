"""What is new, known, gone and changed in a report, in words for people: first one sentence."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from ops_checks.findings import Verdict
from ops_checks.model import PRIORITIES
from ops_checks.presentation.limits import shorten
from ops_checks.presentation.wording import finding_text, first_place, number, plural, worst_first
from ops_checks.timestamps import offset_s

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ops_checks.findings import Finding
    from ops_checks.report.model import Report, RuleResult

_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
#: So many of what is found are named in the sentence, each with so many characters.
_NAMED = 5
_NAME = 60
_URGENCY = {priority: rank for rank, priority in enumerate((PRIORITIES[0], None, *PRIORITIES[1:]))}
_VIOLATED = (Verdict.FAIL, Verdict.WARN)


def sentence(report: Report, show: Callable[[str], str] = str) -> str:
    """Return the report in one sentence: `2 new since 24 November: ORCH-017, ORCH-030`, `pass: no findings, …`.

    `show` writes the names in it, which are text from outside.
    """
    parts = [f"{plural(len(report.errors), 'error', 'errors')}, so that not all was evaluated"] if report.errors else []
    found = _found(report, show)
    parts += found or ([_nothing(report)] if report.known and not report.errors else [])
    undecided = [rule.id for rule in report.rules if rule.verdict is Verdict.INSUFFICIENT]
    if undecided and report.verdict is not Verdict.PASS:
        parts.append(f"too little data for {_names([(each, 1) for each in undecided], len(undecided), show)}")
    if not parts:
        parts.append(_nothing(report))
    gone = counts(report)[2]
    return "; ".join([*parts, *([f"{gone} gone"] if gone else [])])


def is_shown(report: Report, rule: RuleResult) -> bool:
    """Return whether a rule has something to say: it is not met, or the known report lacks what it found."""
    return rule.verdict is not Verdict.PASS or (report.known is not None and _new(rule) > 0)


def is_known(rule: RuleResult) -> bool:
    """Return whether all that is out about a rule is known: it was violated before, or has no new finding."""
    return rule.since is not None or (_known(rule) > 0 and not _new(rule))


def known_rows(report: Report) -> Iterator[tuple[RuleResult, Finding | None, str]]:
    """Yield what is known and listed: its rule, the finding (None: the rule itself), and since when, in words."""
    for rule in worst_first(report):
        if rule.since is not None:
            yield rule, None, since_text(report, rule.since)
        else:
            yield from ((rule, each, since_text(report, each.since)) for each in rule.known)


def more_known(report: Report) -> int:
    """Return how many findings are known and not listed."""
    return sum(rule.more_known for rule in report.rules if rule.since is None)


def since_text(report: Report, since: int | None) -> str:
    """Return `known since 24 November, for 4 days`; an empty text for what is new."""
    if since is None:
        return ""
    minutes = max(0, report.created_ms - since) // 60_000
    sizes = (("day", 1440), ("hour", 60), ("minute", 1))
    age = next((plural(minutes // size, unit, f"{unit}s") for unit, size in sizes if minutes >= size), "")
    return f"known since {day(report, since)}" + (f", for {age}" if age else "")


def gone_lines(report: Report) -> Iterator[str]:
    """Yield a line for each finding that is gone, and one that counts those not listed."""
    if report.known is None:
        return
    for finding in report.known.gone:
        yield f"{finding.rule}: {finding_text(finding)} ({since_text(report, finding.since).removeprefix('known ')})"
    if report.known.more_gone:
        yield f"and {report.known.more_gone} more"


def change_lines(report: Report) -> Iterator[str]:
    """Yield a line for each rule that said something else: `failure-rate: fail 0.5 before, now pass 0.1`."""
    rules = {rule.id: rule for rule in report.rules}
    for change in report.known.changes if report.known else ():
        rule = rules.get(change.rule)
        if rule is not None:
            then = _said(change.verdict, change.value, rule.unit)
            yield f"{change.rule}: {then} before, now {_said(rule.verdict, rule.value, rule.unit)}"


def day(report: Report, epoch_ms: int) -> str:
    """Return the day of epoch milliseconds in the queue's zone, else in UTC: `24 November`, with another year's number.

    A time that is of no year from 1 to 9999 is `an unknown day`.
    """
    from datetime import UTC, datetime, timedelta

    zone = report.zone
    try:
        then, now = (
            datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=each, seconds=offset_s(zone, each / 1000))
            for each in (epoch_ms, report.created_ms)
        )
    except OverflowError:
        return "an unknown day"
    return f"{then.day} {_MONTHS[then.month - 1]}" + (f" {then.year}" if then.year != now.year else "")


def _said(verdict: Verdict, value: float | None, unit: str | None) -> str:
    return verdict.value if value is None else f"{verdict.value} {number(value, unit)}"


def _found(report: Report, show: Callable[[str], str]) -> list[str]:
    """Return the part of the sentence that names what is new, or what was found; none if that is nothing."""
    rules = [rule for rule in worst_first(report) if _counts(report, rule)]
    named = list(chain.from_iterable(map(_subjects, rules)))
    total = sum(count for _, count in named)
    if not total:
        return []
    names = _names(named, total, show)
    if report.known is None:
        return [f"{plural(total, 'finding', 'findings')}: {names}"]
    return [f"{total} new since {day(report, report.known.created_ms)}: {names}"]


def _counts(report: Report, rule: RuleResult) -> bool:
    violated = rule.verdict in _VIOLATED and not is_known(rule)
    return violated or (is_shown(report, rule) and rule.verdict is Verdict.PASS)


def _subjects(rule: RuleResult) -> list[tuple[str, int]]:
    """Return what a rule found that is new: names, the most urgent first, each with how many findings it stands for.

    A rule that does not count its findings, or names none, stands for itself; what is not even recorded has no name.
    """
    if not rule.counts_findings or not _new(rule):
        return [(rule.id, 1)]
    found = sorted(rule.new, key=lambda each: _URGENCY.get(each.priority, len(_URGENCY)))
    rest = [each for each in rule.unlisted if not each.is_known]
    named = [(each.item or first_place(each) or rule.id, 1) for each in (*found, *rest)]
    return [*named, ("" if named else rule.id, max(0, rule.more_new - len(rest)))]


def _names(named: list[tuple[str, int]], total: int, show: Callable[[str], str]) -> str:
    """Return the first names, and how many more of what they stand for there are."""
    kept: dict[str, int] = {}
    for name, count in named:
        if name in kept or (name and len(kept) < _NAMED):
            kept[name] = kept.get(name, 0) + count
    more = total - sum(kept.values())
    return ", ".join(show(shorten(name, _NAME)) for name in kept) + (f" and {more} more" if more else "")


def _nothing(report: Report) -> str:
    if report.known is not None:
        known = counts(report)[1]
        since = day(report, report.known.created_ms)
        passed = "pass: " if report.verdict is Verdict.PASS else ""
        return f"{passed}nothing new since {since}" + (f", {known} known" if known else "")
    if not report.rules:
        return f"{report.verdict.value}: no rule ran"
    met = sum(rule.verdict is Verdict.PASS for rule in report.rules)
    return f"{report.verdict.value}: no findings, {plural(met, 'rule', 'rules')} met"


def _new(rule: RuleResult) -> int:
    return len(rule.new) + rule.more_new


def _known(rule: RuleResult) -> int:
    return len(rule.known) + rule.more_known


def counts(report: Report) -> tuple[int, int, int]:
    """Return how many findings are new, known and gone; a rule that does not count its findings counts as one."""
    new = sum(count for rule in report.rules if _counts(report, rule) for _, count in _subjects(rule))
    known = sum(1 if rule.since is not None else _known(rule) for rule in report.rules)
    return new, known, len(report.known.gone) + report.known.more_gone if report.known else 0
