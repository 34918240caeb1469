"""Show where the items of findings stand in the document that people read, though a database was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from ops_checks.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from ops_checks.findings import Finding, Place
    from ops_checks.report.model import RuleResult
    from ops_checks.stores.protocol import Store


def with_rows(results: Iterable[RuleResult], document: Store) -> list[RuleResult]:
    """Return results in which a finding on an item that has no line yet has the one of its row in a document.

    What is wrong with the document is another check's: these lines only show where to look.
    """
    results = list(results)
    ids = {each.item for result in results for each in result.findings if each.item and _needs_line(each)}
    rows = _rows_of(document, ids) if ids else {}
    if not rows:
        return results
    return [replace(each, findings=tuple(_placed(finding, rows) for finding in each.findings)) for each in results]


def _needs_line(finding: Finding) -> bool:
    return bool(finding.places) and all(place.line is None for place in finding.places)


def _rows_of(document: Store, ids: Collection[str]) -> dict[str, Place]:
    try:
        with document.snapshot() as snapshot:
            return {item.id: snapshot.place(number, item.id) for number, item in snapshot.items() if item.id in ids}
    except InputError:
        return {}


def _placed(finding: Finding, rows: Mapping[str, Place]) -> Finding:
    row = rows.get(finding.item or "") if _needs_line(finding) else None
    return finding._replace(places=(*finding.places, row)) if row else finding
