"""Show where the items of findings stand in the document that people read, and what they are about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from ops_checks.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from ops_checks.findings import Finding, Place
    from ops_checks.model import Item
    from ops_checks.report.model import RuleResult
    from ops_checks.stores.protocol import Store


def with_rows(results: Iterable[RuleResult], document: Store) -> list[RuleResult]:
    """Return results in which a finding on an item has the line, the task and the owner of its row in a document.

    It keeps those that it has. What is wrong with the document is another check's: this only shows where to look.
    """
    results = list(results)
    ids = {each.item for result in results for each in result.findings if each.item and _needs_row(each)}
    rows = _rows_of(document, ids) if ids else {}
    if not rows:
        return results
    return [replace(each, findings=tuple(_placed(finding, rows) for finding in each.findings)) for each in results]


def _needs_line(finding: Finding) -> bool:
    return bool(finding.places) and all(place.line is None for place in finding.places)


def _needs_row(finding: Finding) -> bool:
    return finding.task is None or _needs_line(finding)


def _rows_of(document: Store, ids: Collection[str]) -> dict[str, tuple[Place, Item]]:
    try:
        with document.snapshot() as snapshot:
            rows = ((number, item) for number, item in snapshot.items() if item.id in ids)
            return {item.id: (snapshot.place(number, item.id), item) for number, item in rows}
    except InputError:
        return {}


def _placed(finding: Finding, rows: Mapping[str, tuple[Place, Item]]) -> Finding:
    if finding.item is None or finding.item not in rows:
        return finding
    place, item = rows[finding.item]
    if _needs_line(finding):
        finding = finding._replace(places=(*finding.places, place))
    if finding.task is None:
        finding = finding._replace(task=item.task, owner=item.owner_session, priority=item.priority)
    return finding
