"""What a run of the gate evaluates: the groups and rules that it was asked for, or all that the policy has on."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ops_checks.errors import UsageError
from ops_checks.findings import GROUPS, OWN, QUEUE
from ops_checks.rules.own.model import ITEMS
from ops_checks.sanitize import visible
from ops_checks.suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection

    from ops_checks.policy.model import Policy
    from ops_checks.rules.rule import Rule

#: The groups that can be asked for, in the order of a report.
SELECTABLE = tuple(group.id for group in GROUPS.values() if group.selectable)


class Asked(NamedTuple):
    """One group as it was asked for: those of its rules that are on, and how many findings of each are listed.

    `max_details`: 0 for all, None for as many as is usual. `document`: the document is all there is to read, but for
    the rules of the project's own that are asked for by their ids too (`besides`).
    """

    group: str
    rules: tuple[Rule, ...]
    max_details: int | None = None
    document: bool = False
    besides: frozenset[str] = frozenset()


def asked_for(policy: Policy, names: Collection[str], max_details: int | None) -> list[Asked]:
    """Return the groups to evaluate by a policy that asks for these ids of groups and rules; all that is on, if none.

    A group has no rules if all of its are off. `queue` is the document alone: its rules, and those of the project's own
    that need only items, beside which another one of those reads what it does by itself. Raises UsageError for an id
    that nothing has.
    """
    known = {rule.id: rule for rule in policy.rules.values() if GROUPS[rule.group].selectable}
    for name in names:
        if name not in known and name not in SELECTABLE:
            expected = f"expected one of {', '.join(SELECTABLE)}, or the id of a rule"
            raise UsageError(f"only={visible(name)}: {expected}{did_you_mean(name, (*SELECTABLE, *known))}")
    if not names:
        return [_whole(policy, group, max_details) for group in SELECTABLE if policy.names(group)]
    asked = []
    for group in SELECTABLE:
        if group in names:
            asked.append(_whole(policy, group, max_details)._replace(document=group == QUEUE.id))
        elif group == OWN.id and QUEUE.id in names:
            asked += _of_document(policy, names, max_details)
        elif any(known[name].group == group for name in names if name in known):
            rules = tuple(rule for rule in policy.active_rules([group]) if rule.id in names)
            asked.append(Asked(group, rules, max_details))
    return asked


def _whole(policy: Policy, group: str, max_details: int | None) -> Asked:
    return Asked(group, tuple(policy.active_rules([group])), max_details)


def _of_document(policy: Policy, names: Collection[str], max_details: int | None) -> list[Asked]:
    """Return the group of the project's own rules as far as they need only items or are named; nothing if none is."""
    wanted = {own.id for own in policy.own if own.sql is not None or own.needs == (ITEMS,) or own.id in names}
    rules = tuple(rule for rule in policy.active_rules([OWN.id]) if rule.id in wanted)
    besides = frozenset(rule.id for rule in rules if rule.id in names)
    return [Asked(OWN.id, rules, max_details, document=True, besides=besides)] if rules else []


def off_by_name(policy: Policy, names: Collection[str]) -> tuple[str, ...]:
    """Return a note for each rule that is asked for by its id and that the policy has off."""
    rules = (policy.rules[name] for name in dict.fromkeys(names) if name in policy.rules)
    return tuple(f"{rule.id}: is off: it was not judged" for rule in rules if policy.threshold(rule) is None)
