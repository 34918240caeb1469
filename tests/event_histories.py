"""Histories for tests: the row of an item and its events, in few words, in memory and in a database."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from builders import aged, insert, item, make_database

from ops_checks.rules.history.events import Event, read_payloads
from ops_checks.rules.history.history import History, Row
from ops_checks.rules.history.judgement import Judge, broken_laws

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from ops_checks.rules.history.judgement import Judgement
    from ops_checks.stores.sqlite.snapshot import SqliteSnapshot

#: An event: its type, or that with its payload (JSON text or what becomes it), or those with its time too.
Told = str | tuple[str, Any] | tuple[str, Any, str]


class Case(NamedTuple):
    """The row of an item (None for no such item) and its events, the oldest first."""

    row: tuple[str, object, object] | tuple[str, object, object, str] | None
    events: list[tuple[str, object, object]]


def case(
    *events: Told,
    status: str | None = "PENDING",
    attempts: object = "told",
    most: object = 9,
    made: str = "",
    minutes: bool = True,
) -> Case:
    """Return a case; without `minutes` all events are of one. `status` None: there is no such item. `made`: created_at.

    Its attempts are as many as its events tell, if nothing else is said.
    """
    told = [(each, {}) if isinstance(each, str) else each for each in events]
    texts = []
    for at, (name, payload, *time) in enumerate(told):
        text = json.dumps(payload) if isinstance(payload, dict) else payload
        texts.append((name, text, time[0] if time else f"2026-01-01 10:{at % 60 if minutes else 0:02}"))
    if attempts == "told":
        attempts = sum(name == "retried" or "retry" in str(text).lower() for name, text, _ in texts)
    return Case(None if status is None else (status, attempts, most, made), texts)


def history(told: Case) -> History:
    """Return a case as the laws read it."""
    types, texts, times = zip(*told.events, strict=True) if told.events else ((), (), ())
    payloads = read_payloads(types, [text.encode() if isinstance(text, str) else text for text in texts])
    columns = zip(range(1, len(types) + 1), types, map(str, times), payloads, strict=True)
    return History(Row(*told.row) if told.row else None, list(map(Event._make, columns)))


def broken(told: Case) -> set[str]:
    """Return the rules whose law a case breaks."""
    return {rule for rule, _ in broken_laws(history(told))}


def store(path: Path, cases: Mapping[str, Case]) -> str:
    """Write a database of cases by item id, and return its path; the events of all items are mixed."""
    rows = {name: told.row for name, told in cases.items() if told.row}
    columns = {name: {"attempt_count": row[1], "max_attempts": row[2]} for name, row in rows.items()}
    make_database(path, [item(name, row[0]) for name, row in rows.items()], columns)
    longest = max((len(told.events) for told in cases.values()), default=0)
    mixed = [(name, *told.events[at]) for at in range(longest) for name, told in cases.items() if at < len(told.events)]
    insert(path, "queue_events", ("item_id", "event_type", "payload_json", "created_at"), mixed)
    return aged(path)


def judged(snapshot: SqliteSnapshot, **options: Any) -> Judgement:
    """Return what the laws find in a database."""
    return Judge(**options).judge(snapshot.recorded(), snapshot.get, "q.db")


def found_by_item(judgement: Judgement) -> dict[str | None, set[str]]:
    """Return the broken rules by item."""
    found: dict[str | None, set[str]] = {}
    for rule, findings in judgement.findings.items():
        for each in findings:
            found.setdefault(each.item, set()).add(rule)
    return found


def ids(prefix: str, count: int) -> Iterable[str]:
    """Return ids."""
    return (f"{prefix}-{number}" for number in range(count))
