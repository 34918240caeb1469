"""All that is known of an item, on one screen, and as published JSON. Adding a key keeps the version of the schema."""

from __future__ import annotations

from ops_checks.cli.item_table import age_text, lease_text
from ops_checks.cli.marks import NO_MARKS
from ops_checks.model import NOTHING
from ops_checks.overview import age_s, retry_not_before
from ops_checks.sanitize import visible
from ops_checks.timestamps import duration_text, queue_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from ops_checks.cli.marks import Marks
    from ops_checks.context import Context
    from ops_checks.outlooks import Outlook
    from ops_checks.reconcile.item_view import ItemView, Side
    from ops_checks.runlog.item_runs import ItemRun
    from ops_checks.stores.details import Details
    from ops_checks.stores.event import Event
    from ops_checks.timestamps import Zone

_LONGEST = 200  # characters of a reason or an error in a line of history
_ACTORS = ("actor", "owner_session", "lease_owner", "agent", "by")
_REASONS = ("notes", "reason", "error", "last_error", "message")


def item_lines(found: ItemView, md: Side, db: Side, context: Context, marks: Marks = NO_MARKS) -> Iterator[str]:
    """Yield the lines of an item."""
    item = found.row.item
    due = retry_not_before(item.notes, context.now_s)
    yield marks.line(f"{marks.text(item.id)} {item.status} {marks.priority(item.priority, item.priority)}")
    yield f"  task: {item.task or NOTHING}"
    yield f"  criteria: {item.success_criteria or NOTHING}"
    age = age_text(age_s(found.row, context.now_s, context.zone))
    yield f"  owner: {item.owner_session or NOTHING}"
    yield marks.line(f"  started: {marks.stale(f'{item.started_at_kst or NOTHING} (age {age})', item)}")
    yield f"  due: {item.due_at_kst or NOTHING}"
    yield f"  notes: {item.notes or NOTHING}"
    if due is not None:
        yield f"  retry not before: {queue_time(due, context.zone)} (in {duration_text(due - context.now_s)})"
    yield from _held_lines(db, found, context)
    yield from _place_lines(found, md, db)
    yield from _history_lines(db, found.item_id)
    yield from _run_lines(found, context)
    yield "  next:"
    yield from (f"    {_next(outlook, item.id)}" for outlook in found.outlooks)


def _held_lines(db: Side, found: ItemView, context: Context) -> Iterator[str]:
    """Yield lease, attempts and last error, where the database has the item."""
    row = db.rows.get(found.item_id)
    if row is None:
        return
    left = lease_text(row, context.now_s)
    by = "" if left == NOTHING else f" by {_text(row.lease_owner)}, {'' if left in _WORDS else 'left '}{left}"
    yield f"  lease: {'none' if left == NOTHING else 'held' if left != 'ended' else 'was held'}{by}"
    yield f"  attempts: {_text(row.attempt_count)} of {_text(row.max_attempts)}"
    yield f"  last error: {_text(row.last_error)}"


_WORDS = ("ended", "unknown")


def _place_lines(found: ItemView, md: Side, db: Side) -> Iterator[str]:
    """Yield where the item stands on each side, and whether both say the same."""
    row = md.rows.get(found.item_id)
    yield f"  document: {_where(md, row, f'{md.location}:{row.number}' if row else '')}"
    there = db.rows.get(found.item_id)
    updated = f"{db.location}, updated {_text(there.updated_at)}" if there else ""
    yield f"  database: {_where(db, there, updated)}"
    if found.differing is None and not found.moves and found.remark is None:
        return
    if found.differing == []:
        yield "  sides: agree"
        return
    yield f"  sides: differ in {', '.join(found.differing or ['row'])}"
    yield from (f"    {line}" for lines in found.moves.values() for line in lines)
    if found.remark is not None:
        yield f"    {found.remark}"


def _where(side: Side, row: Details | None, place: str) -> str:
    if side.error:
        return f"not read: {side.error}"
    return place if row else f"{side.location}: " + ("no such item" if side.exists else "not there")


def _history_lines(db: Side, item_id: str) -> Iterator[str]:
    events = db.events.get(item_id, [])
    if not events:
        yield "  history: none" if item_id in db.rows else "  history: none, a document keeps no events"
        return
    yield "  history:"
    if db.older[item_id]:
        yield f"    … {db.older[item_id]} older"
    for event in events:
        known = event_json(event)
        by = f" by {known['actor']}" if known["actor"] else ""
        moved = f" {known['from'] or '?'} -> {known['to'] or '?'}" if known["from"] or known["to"] else ""
        reason = f": {_short(known['reason'])}" if known["reason"] else ""
        yield f"    {known['at']} {known['event']}{by}{moved}{reason}"


def _run_lines(found: ItemView, context: Context) -> Iterator[str]:
    runs = found.runs
    if not runs.total and not found.log_notes:
        yield "  runs: none"
        return
    yield "  runs:"
    yield from (f"    {note}" for note in found.log_notes)
    if runs.older:
        yield f"    … {runs.older} older"
    for run in runs.kept:
        known = run_json(run)
        at = "-" if known["ts_epoch_ms"] is None else _run_time(known["ts_epoch_ms"], context.zone)
        took = "-" if known["duration_ms"] is None else f"{known['duration_ms']:g} ms"
        error = f": {_short(known['error'])}" if known["error"] else ""
        yield (
            f"    {at} {known['command']} {known['trace_id'] or NOTHING} {took} exit {known['exit_code']}"
            f" {known['path']}:{known['line']}{error}"
        )


def _run_time(ms: int, zone: Zone) -> str:
    from ops_checks.runlog.filter import valid_times

    least, _ = valid_times(0)
    return queue_time(ms / 1000, zone) if least <= ms <= _LATEST_MS else NOTHING


_LATEST_MS = 253_370_764_800_000  # the year 9999


def _next(outlook: Outlook, item_id: str) -> str:
    if outlook.to is None:
        reason = (outlook.reason or "refused").removeprefix(f"{visible(item_id)}: ")
        return f"{outlook.command}: no: {reason}"
    return f"{outlook.command}: -> {outlook.to}" + (f" ({outlook.reason})" if outlook.reason else "")


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _text(value: object) -> str:
    return NOTHING if value in (None, "") else str(value)


def event_json(event: Event) -> dict[str, Any]:
    """Return an event: what happened when, by whom, from which status to which, and why, as far as it says so."""
    payload = _payload(event.payload)
    return {
        "event_id": event.event_id,
        "event": _text(event.event_type),
        "at": _text(event.created_at),
        "actor": _first(payload, _ACTORS),
        "from": _first(payload, ("from",)),
        "to": _first(payload, ("to", "status")),
        "reason": _first(payload, _REASONS),
    }


def _first(payload: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    """Return the first of some values that is a text with something in it."""
    texts = (payload.get(name) for name in names)
    return next((text for text in texts if isinstance(text, str) and text.strip() not in ("", NOTHING)), None)


def _payload(text: object) -> Mapping[str, Any]:
    """Return an event's payload, empty if it is no JSON object."""
    import json

    try:
        known = json.loads(text)  # type: ignore[arg-type] # whatever it is
    except (TypeError, ValueError, RecursionError):
        return {}
    return known if isinstance(known, dict) else {}


def run_json(run: ItemRun) -> dict[str, Any]:
    """Return the end of a run, with where it stands in the log; null for what it does not say."""
    from msgspec import UNSET

    end = run.end
    known = {name: getattr(end, name) for name in ("trace_id", "ts_epoch_ms", "duration_ms", "error")}
    return {
        "command": end.command,
        "exit_code": end.exit_code,
        **{name: None if value is UNSET else value for name, value in known.items()},
        "path": run.path,
        "line": run.line,
    }
