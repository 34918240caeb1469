"""The rows that a rule in Python reads: of the queue, of its events, of the run log, as they were at one moment."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, cast

import msgspec
from msgspec import UNSET
from msgspec.json import Decoder
from msgspec.structs import replace

from ops_checks.errors import InputError
from ops_checks.gate.inputs import logs_read, outdated, store_read
from ops_checks.gate.remarks import log_remarks
from ops_checks.gate.stable_reading import must_be_read_whole
from ops_checks.rules.own.context import RuleEvent, RuleRun, Sources
from ops_checks.rules.own.model import EVENTS, ITEMS, RUNS
from ops_checks.runlog.engines import is_log_url
from ops_checks.runlog.filter import RunFilter, valid_times
from ops_checks.runlog.patterns import find_logs
from ops_checks.runlog.run_stream import RunStream
from ops_checks.runlog.stats import RunStats
from ops_checks.sanitize import visible
from ops_checks.stores.tables import EVENTS as EVENT_TABLE
from ops_checks.stores.transaction_protocol import Database

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ops_checks.context import Context
    from ops_checks.findings import Place
    from ops_checks.model import Item
    from ops_checks.report.model import InputRead
    from ops_checks.rules.own.model import OwnRule
    from ops_checks.stores.protocol import Snapshot, Store
    from ops_checks.stores.transaction_protocol import DatabaseSnapshot

_COLUMNS = ("item_id", "event_id", "event_type", "payload_json", "created_at")
_decode = Decoder().decode


class RuleRows:
    """What one rule needs, read from an open snapshot of a store (None: it needs none) and from the run log."""

    def __init__(self, context: Context, rule: OwnRule, store: Store | None, snapshot: Snapshot | None) -> None:
        self._context = context
        self._rule = rule
        self._store = store
        self._snapshot = snapshot
        self._items = None if snapshot is None else _Items(snapshot)
        self._remarks: list[str] = []
        self._runs = _Runs(self._streams()) if RUNS in rule.needs else None
        if EVENTS in rule.needs and snapshot is not None:
            snapshot.newest_event()  # raises where there is no table of them

    def sources(self) -> Sources:
        """Return what the rule is given."""
        events = None
        if EVENTS in self._rule.needs and self._store is not None:
            events = _Events(cast("DatabaseSnapshot", self._snapshot), self._store.location)
        return Sources(
            items=self._items if ITEMS in self._rule.needs else None,
            events=events,
            events_of=None if events is None else events.of,
            runs=self._runs,
        )

    def finish(self) -> None:
        """Read to its end what the rule has not, so that a verdict is about all of it. Raises InputError."""
        if self._items is not None and self._snapshot is not None:
            self._items.read_whole()
            must_be_read_whole(self._snapshot)
        if self._runs is not None:
            old = outdated(self._runs.stats(), self._context.policy.kpi.max_log_age_s, self._context.now_s)
            if old:
                raise InputError(old)

    def places(self, ids: set[str]) -> dict[str, Place]:
        """Return where items stand, by their ids."""
        if not ids or self._snapshot is None:
            return {}
        place = self._snapshot.place
        return {item.id: place(number, item.id) for number, item in self._snapshot.items() if item.id in ids}

    def inputs(self) -> tuple[InputRead, ...]:
        """Return what was read, as inputs of the report; call it when all of it was."""
        logs = () if self._runs is None else logs_read(self._runs.stats())
        # What counts of a log is told where KPIs are measured.
        found = [replace(log, counted=None, left_out=None) for log in logs]
        if self._store is not None and self._snapshot is not None and self._items is not None:
            kind = "queue" if self._store is self._context.md_store else "db"
            found.append(store_read(kind, self._store, self._snapshot, self._items.count))
        return tuple(found)

    def remarks(self) -> tuple[str, ...]:
        """Return lines on what was read and left out."""
        stats = RunStats() if self._runs is None else self._runs.stats()
        bad = [log for log in stats.logs if log.malformed]
        return (
            *self._remarks,
            *log_remarks(stats),
            *(
                f"{self._rule.id}: {log.malformed} lines of {visible(log.path)} are no record, and were left out "
                "(malformed-lines tells which)"
                for log in bad
            ),
        )

    def _streams(self) -> list[RunStream]:
        logs = self._context.logs
        url = next(filter(is_log_url, logs), None)
        if url is not None:
            raise InputError(f"{visible(url)}: a URL: a rule of one's own reads run logs of this machine only")
        run_filter = RunFilter(valid_ms=valid_times(self._context.now_s))
        here = os.getcwd()
        return [RunStream(path, run_filter, here) for path in find_logs(logs, self._remarks.append)]


def store_of(context: Context, rule: OwnRule, *, document: bool) -> Store | None:
    """Return the store that a rule reads: the database for events, else the queue that KPIs are read from.

    None for a rule on runs alone. Raises InputError for a store without events, and for what a snapshot lacks.
    """
    lacking = [] if context.snapshot is None else [each for each in rule.needs if each != ITEMS]
    if lacking:
        raise InputError(
            f"{rule.id}: needs {' and '.join(lacking)}, which a snapshot has not: run this where the database is, or "
            "leave it out with `check --only …`"
        )
    if EVENTS in rule.needs:
        store = context.db_store
        if not isinstance(store, Database):
            raise InputError(f"{visible(store.location)}: keeps no events: name a queue database with --db")
        return store
    if ITEMS in rule.needs:
        return context.md_store if document else context.kpi_store
    return None


class _Items:
    """The items of a snapshot; `count` is how many there are, once they were read to their end."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._is_whole = False
        self.count = 0

    def __iter__(self) -> Iterator[Item]:
        count = 0
        for count, (_, item) in enumerate(self._snapshot.items(), 1):  # noqa: B007 - how many there were
            yield item
        self.count, self._is_whole = count, True

    def read_whole(self) -> None:
        """Read the items to their end if nobody has. Raises InputError for what is malformed."""
        if not self._is_whole:
            for _ in self:
                pass


class _Events:
    """The events of a database's snapshot, the oldest first; of one item where one is named."""

    def __init__(self, snapshot: DatabaseSnapshot, path: str, item_id: str | None = None) -> None:
        self._snapshot = snapshot
        self._path = path
        self._item_id = item_id

    def __iter__(self) -> Iterator[RuleEvent]:
        snapshot, item_id = self._snapshot, self._item_id
        if item_id is None:
            return (_event(row, self._path) for row in snapshot.tables().rows(EVENT_TABLE, _COLUMNS))
        return (_event((item_id, *event), self._path) for event in snapshot.events(item_id))

    def of(self, item_id: str) -> _Events:
        """Return those of an item."""
        return _Events(self._snapshot, self._path, item_id)


class _Runs:
    """The ends of runs of all logs, in the order of the logs."""

    def __init__(self, streams: Sequence[RunStream]) -> None:
        self._streams = streams

    def __iter__(self) -> Iterator[RuleRun]:
        for stream in self._streams:
            for line, end in stream:
                yield RuleRun(
                    end.command,
                    end.exit_code,
                    _known(end.duration_ms),
                    _known(end.item_id),
                    _known(end.trace_id),
                    _known(end.ts_epoch_ms),
                    _known(end.error),
                    stream.path,
                    line,
                )

    def stats(self) -> RunStats:
        """Return what is in the logs; those that nobody has read to their end are read. Raises InputError."""
        found = RunStats()
        for stream in self._streams:
            if stream.stats is None:
                for _ in stream:
                    pass
            if stream.stats is not None:
                found.logs = (*found.logs, *stream.stats.logs)
        return found


def _event(row: Sequence[Any], path: str) -> RuleEvent:
    item, event_id, kind, payload, created_at = row
    return RuleEvent(
        None if item is None else str(item),
        str(kind),
        _object(payload),
        "" if created_at is None else str(created_at),
        event_id,
        path,
    )


def _object(payload: object) -> dict[str, Any] | None:
    """Return the object in a payload, None for what is no JSON object."""
    try:
        found = _decode(payload) if isinstance(payload, str | bytes) else None
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None
    return found if isinstance(found, dict) else None


def _known(value: Any) -> Any:  # noqa: ANN401 - of each of the types of a record
    return None if value is UNSET else value
