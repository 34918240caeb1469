"""The rules on a policy's `rules`, and on the waivers that name one, that a schema cannot express."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.findings import GROUPS, KPI, OWN
from ops_checks.rules.queue.rules import BY_ID
from ops_checks.rules.registry import RULES, WAIVABLE
from ops_checks.suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ops_checks.policy.document import Path

#: What says what a rule of one's own is; a built-in one is known.
_CODE = ("sql", "python")
_DESCRIBING = (*_CODE, "title", "help", "needs")
#: The numbers of built-in rules, each with the rule that has it.
_NUMBERS = {check.setting: check.rule.id for check in BY_ID.values() if check.setting}


def entry_checks(value: object) -> Iterator[tuple[Path, str]]:
    """Yield path and message of each defect of `rules` and of the rules that waivers name, in a policy's value."""
    entries = [(index, entry) for index, entry in _listed(value, "rules") if isinstance(entry.get("id"), str)]
    seen: dict[object, int] = {}
    made = _ids_over_time(value)
    for index, entry in entries:
        if entry["id"] in made:
            yield (
                ("rules", index, "id"),
                f"{entry['id']} is a rule of kpi.regression or kpi.budgets; expected another name",
            )
        first = seen.setdefault(entry["id"], index)
        if first != index:
            yield ("rules", index, "id"), f"{entry['id']} stands in rules.{first} already; expected each rule once"
        yield from _of_entry(("rules", index), entry)
    known = (*WAIVABLE, *made, *(str(entry["id"]) for _, entry in entries if entry["id"] not in BY_ID))
    for index, waiver in _listed(value, "waivers"):
        rule = waiver.get("rule")
        if isinstance(rule, str) and rule not in known:
            expected = f"expected a rule ({', '.join(known)}){did_you_mean(rule, known)}"
            yield ("waivers", index, "rule"), f'"{rule}" is not allowed; {expected}'


def _ids_over_time(value: object) -> tuple[str, ...]:
    """Return the ids of the rules on changes and on budgets that a policy's value has."""
    kpi = value.get("kpi") if isinstance(value, dict) else None
    if not isinstance(kpi, dict) or not kpi.keys() & {"regression", "budgets"}:
        return ()
    from ops_checks.policy.over_time import ids_over_time  # most policies have none

    return ids_over_time(kpi)


def _of_entry(path: Path, entry: Mapping[str, object]) -> Iterator[tuple[Path, str]]:
    """Yield the defects of one entry: what a built-in rule has by itself, and what only one kind of rule has."""
    rule_id = str(entry["id"])
    if rule_id in RULES and rule_id not in BY_ID:
        where = f"kpi.thresholds.{RULES[rule_id].metric}" if RULES[rule_id].group == KPI.id else "its group's severity"
        yield (*path, "id"), f"{rule_id} is a built-in rule that is set elsewhere ({where}); expected another name"
        return
    if rule_id in GROUPS and rule_id != OWN.id:  # of that group it is one: to ask for it is to ask for all of them
        yield (*path, "id"), f"{rule_id} is the name of a group of rules, which --only takes; expected another name"
    for number, owner in _NUMBERS.items():
        if number in entry and rule_id != owner:
            yield (*path, number), f"only {owner} has {number}; take it out"
    if rule_id in BY_ID:
        for name in _DESCRIBING:
            if name in entry:
                yield (*path, name), f"{rule_id} is a built-in rule; take {name} out, or give your own another id"
    elif "sql" in entry and "python" in entry:
        yield (*path, "python"), "a rule is in SQL or in Python; take one of both out"
    elif "sql" in entry and "needs" in entry:
        yield (*path, "needs"), "only a rule in Python has needs; take it out"


def _listed(value: object, name: str) -> Iterator[tuple[int, Mapping[str, object]]]:
    """Yield index and entry of each mapping in a list of a policy."""
    entries = value.get(name) if isinstance(value, dict) else None
    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        if isinstance(entry, dict):
            yield index, entry
