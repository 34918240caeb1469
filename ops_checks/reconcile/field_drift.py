"""The drift that a report lists, with both values of each field and who set them, for a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from ops_checks.findings import CONSISTENCY
from ops_checks.gate.background import reason, run_with_background
from ops_checks.presentation.limits import shorten
from ops_checks.reconcile.blame import bears_state, blame_words, database_blame
from ops_checks.reconcile.history import DocumentHistory
from ops_checks.reconcile.model import DB, MD
from ops_checks.reconcile.units import ROW
from ops_checks.report.background import FieldDrift
from ops_checks.rules.drift.units import UNIT_OF
from ops_checks.stores.transaction_protocol import DatabaseSnapshot

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from ops_checks.context import Context
    from ops_checks.findings import Finding
    from ops_checks.model import Item
    from ops_checks.report.background import Background
    from ops_checks.report.model import Report
    from ops_checks.stores.protocol import Snapshot

MOST_FIELDS = 200
#: Characters of a value.
_VALUE = 300


def run_with_drift(
    context: Context,
    *,
    only: str | Collection[str] | None = None,
    fail_level: str = "error",
    max_details: int | None = None,
) -> Report:
    """Return what `run_gate` returns, with all that lies behind it. Raises what `run_gate` raises."""
    return with_drift(context, run_with_background(context, only=only, fail_level=fail_level, max_details=max_details))


def with_drift(context: Context, report: Report) -> Report:
    """Return a report whose background, if it has one, holds the fields that differ. Never fails: a note tells why.

    MOST_FIELDS are looked at, and git within the limits of every blame (RECONCILE section 14).
    """
    if report.background is None:
        return report
    found = [each for rule in report.rules if rule.group == CONSISTENCY.id for each in rule.findings if each.item]
    background = report.background
    if found:
        background = _added(background, context, found[:MOST_FIELDS])
    more = sum(rule.more_findings for rule in report.rules if rule.group == CONSISTENCY.id)
    more += len(found[MOST_FIELDS:])
    if more:
        background = _noted(background, f"differences between the queues that are not shown with their values: {more}")
    return replace(report, background=background)


def _added(background: Background, context: Context, found: list[Finding]) -> Background:
    try:
        drift, notes = _read(context, found)
    except Exception as error:  # noqa: BLE001 - see with_drift
        return _noted(background, f"who set what differs is not known: {reason(error)}")
    return _noted(replace(background, drift=drift), *notes)


def _noted(background: Background, *notes: str) -> Background:
    return replace(background, notes=(*background.notes, *notes))


def _read(context: Context, found: list[Finding]) -> tuple[tuple[FieldDrift, ...], list[str]]:
    """Return the differences with who set them, and notes. Raises InputError."""
    ids = {each.item for each in found if each.item}
    with context.md_store.snapshot() as snapshot:
        now = {item.id: (line, item) for line, item in snapshot.items() if item.id in ids}
    document, notes = _of_document(context, found, now)
    with context.db_store.snapshot() as snapshot:
        stored = {item_id: snapshot.get(item_id) for item_id in ids}
        database = _of_database(snapshot, ids)
    drift = (
        FieldDrift(
            shorten(item_id, _VALUE),
            each.field or ROW,
            _value(each.field, each.md, now[item_id][1] if item_id in now else None),
            _value(each.field, each.db, stored[item_id]),
            document.get((item_id, UNIT_OF.get(each.field or ROW, ROW))),
            database.get(item_id),
        )
        for each in found
        if (item_id := each.item)
    )
    return tuple(drift), notes


def _value(field: str | None, value: str | None, item: Item | None) -> str | None:
    """Return a value of a field; of the row as a whole what tells most of it."""
    if field is None:
        value = None if item is None else f"{item.status}: {item.task}"
    return None if value is None else shorten(value, _VALUE)


def _of_document(
    context: Context, found: list[Finding], now: Mapping[str, tuple[int, Item]]
) -> tuple[dict[tuple[str, str], str], list[str]]:
    """Return in words by which commit each unit of an item came into the document; nothing without git."""
    wanted: dict[str, set[str]] = {}
    for each in found:
        wanted.setdefault(each.item or "", set()).add(UNIT_OF.get(each.field or ROW, ROW))
    with DocumentHistory(context.queue, zone=context.zone) as history:
        if history.head is None:
            return {}, ["who set what in the document is not known: it is in no git repository that can be read"]
        blames = history.blame({item_id: sorted(units) for item_id, units in wanted.items()}, now)
        return {unit: blame_words(MD, blame, context.queue) for unit, blame in blames.items()}, history.remarks


def _of_database(snapshot: Snapshot, ids: Collection[str]) -> dict[str, str]:
    """Return in words which event changed the state of each item last; nothing of one that the database never had."""
    if not isinstance(snapshot, DatabaseSnapshot):
        return {}
    updated_at = snapshot.agreement().updated_at(ids)
    words = {}
    for item_id in ids:
        newest = None
        for event in snapshot.events(item_id):
            newest = event if bears_state(event) else newest
        if newest is not None or item_id in updated_at:
            words[item_id] = blame_words(DB, database_blame(newest, updated_at.get(item_id)))
    return words
