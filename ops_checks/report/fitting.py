"""Whether an earlier report is one of the same queues and rules, so that another one can be compared with it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ops_checks.findings import WAIVERS, Verdict
from ops_checks.sanitize import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ops_checks.report.model import InputRead, Report, RuleResult

#: The kinds of inputs by which a project is known: logs are rotated, and a policy is edited.
_KINDS = ("queue", "db")
_NAMED = 10
#: How a database's state names its newest event.
_EVENT = re.compile(r"event_id=([0-9]{1,18}) ")
_AGAIN = "make it again with `ops-checks check -f json=FILE`"


def misfit(
    name: str,
    old: Report,
    inputs: Iterable[InputRead],
    rules: Iterable[RuleResult],
    same: Callable[[str, str], bool],
    time_of: Callable[[int], str | None] = lambda _: None,
) -> str | None:
    """Return why an earlier report, of the file `name`, does not fit to inputs and rules, in one line; None: it does.

    `same` returns whether two paths of inputs, that of the earlier report first, are of one file; `time_of` the time of
    an event in the database as it is now, by its id, None where nobody can tell. Only what was read and evaluated now
    is asked for: a run of some checks fits to a report of all of them.
    """
    inputs = list(inputs)
    other = (
        _other_inputs(name, old, inputs, same) or _other_events(name, old, inputs, time_of),
        _other_rules(name, old, rules),
    )
    has_read = any(read.kind in _KINDS for read in old.inputs)  # else its rules say why
    return next((why for why in (other if has_read else reversed(other)) if why), None)


def _other_inputs(name: str, old: Report, inputs: Iterable[InputRead], same: Callable[[str, str], bool]) -> str | None:
    before = {read.kind: read for read in old.inputs if read.kind in _KINDS}
    for read in inputs:
        then = before.get(read.kind)
        if read.kind in _KINDS and (then is None or not same(then.path, read.path)):
            was = f"made of {then.kind} {visible(then.path)}" if then else f"made without a {read.kind}"
            return (
                f"{visible(name)}: {was}, this one is of {read.kind} {visible(read.path)}: name a report of the same "
                f"queues, or {_AGAIN}"
            )
    return None


def _other_events(
    name: str, old: Report, inputs: Iterable[InputRead], time_of: Callable[[int], str | None]
) -> str | None:
    """Return why a database cannot be in a later state of the one at the same path that an earlier report read.

    Events are only added, so that the newest one of then is there still, with its time, or has been pruned. Projects
    of one layout differ in nothing else.
    """
    then = next((read for read in old.inputs if read.kind == "db"), None)
    now = next((read for read in inputs if read.kind == "db"), None)
    before, after = _newest_event(then), _newest_event(now)
    if then is None or now is None or then.newest_event is None or not before:
        return None
    time = now.newest_event if before == after else time_of(before)
    if before <= after and time in {None, then.newest_event}:
        return None
    return (
        f"{visible(name)}: its newest event, {before} of {visible(then.newest_event)}, is none of "
        f"{visible(now.path)}: name a report of the same queues, or {_AGAIN}"
    )


def _newest_event(read: InputRead | None) -> int:
    """Return the id of a database's newest event, 0 for none."""
    found = _EVENT.match(read.state or "") if read else None
    return int(found[1]) if found else 0


def _other_rules(name: str, old: Report, rules: Iterable[RuleResult]) -> str | None:
    evaluated = [rule.id for rule in rules if rule.verdict is not Verdict.ERROR and rule.group != WAIVERS.id]
    before = {rule.id: rule for rule in old.rules}
    lacking = [rule for rule in evaluated if rule not in before]
    if lacking:
        return f"{visible(name)}: lacks {_listed(lacking)}, evaluated now: {_AGAIN}"
    unknown = [rule for rule in evaluated if before[rule].verdict is Verdict.ERROR]
    if unknown:
        return f"{visible(name)}: could not evaluate {_listed(unknown)}, so that it knows nothing of that: {_AGAIN}"
    return None


def _listed(rules: list[str]) -> str:
    more = f" and {len(rules) - _NAMED} more" if len(rules) > _NAMED else ""
    return f"the rule{'s' if len(rules) > 1 else ''} {', '.join(map(visible, rules[:_NAMED]))}{more}"
