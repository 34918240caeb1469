"""Judge the rows of one queue by the rules that are on, in one pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from ops_checks.findings import Finding
from ops_checks.rules.queue.rows import Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ops_checks.findings import Place
    from ops_checks.model import Item
    from ops_checks.rules.queue.rows import Broken, RowSettings
    from ops_checks.rules.queue.rules import RowCheck

    Locate = Callable[[int, str], Place]

#: So many findings a rule are kept unless somebody asks for more.
DEFAULT_KEEP = 50


class RowFindings(Struct):
    """What was found in `items` rows: how many by rule, and those of them that were kept."""

    counts: dict[str, int]
    findings: dict[str, list[Finding]]
    items: int = 0
    unlisted: dict[str, list[Finding]] = {}


def judge_rows(
    rows: Iterable[tuple[int, Item]],
    place: Locate,
    checks: Sequence[RowCheck],
    settings: RowSettings,
    keep: int | None = None,
) -> RowFindings:
    """Return what the rules find in the rows of a store, each given with its number; `place` returns its location.

    At most `keep` findings a rule are kept (0: all; None: DEFAULT_KEEP).
    """
    keep = DEFAULT_KEEP if keep is None else keep
    found = RowFindings({check.rule.id: 0 for check in checks}, {check.rule.id: [] for check in checks})

    def add(rule_id: str, broken: Broken) -> None:
        found.counts[rule_id] += 1
        if not keep or len(found.findings[rule_id]) < keep:
            found.findings[rule_id].append(_finding(rule_id, broken, place))

    laws = [(check.rule.id, check.law(settings)) for check in checks]
    for number, item in rows:
        found.items += 1
        row = Row(number, item)
        for rule_id, law in laws:
            broken = law.of(row)
            if broken:
                add(rule_id, broken)
    for rule_id, law in laws:
        for broken in law.at_end():
            add(rule_id, broken)
    return found


def _finding(rule_id: str, broken: Broken, place: Locate) -> Finding:
    number, item = broken.row
    return Finding(
        rule_id,
        broken.message,
        None if broken.owner else item.id,
        trace=broken.owner,
        value=broken.value,
        reason=broken.reason,
        places=(place(number, item.id),),
        task=None if broken.owner else item.task,
        owner=broken.owner or item.owner_session,
        priority=None if broken.owner else item.priority,
    )
