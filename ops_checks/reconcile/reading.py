"""Read both queues and what was agreed on their items, as they are at one moment (RECONCILE sections 1 and 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from msgspec import Struct, field

from ops_checks.errors import UsageError
from ops_checks.gate.stable_reading import compare, must_be_read_whole, run_comparison
from ops_checks.model import FIELDS
from ops_checks.reconcile.blame import bears_state
from ops_checks.reconcile.model import BaseRow, ItemState, Totals
from ops_checks.reconcile.suspects import broken_by
from ops_checks.reconcile.units import UNITS
from ops_checks.rules.drift.comparison import Comparison
from ops_checks.sanitize import visible
from ops_checks.stores.baseline import FROM_GIT
from ops_checks.stores.transaction_protocol import Database, DatabaseSnapshot, Document

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ops_checks.context import Context
    from ops_checks.reconcile.suspects import Broken
    from ops_checks.rules.drift.drift import Drift
    from ops_checks.rules.drift.pair import Pair
    from ops_checks.stores.baseline import AgreedRow, Baseline, Counts
    from ops_checks.stores.event import Event
    from ops_checks.stores.protocol import Snapshot
    from ops_checks.stores.sqlite.temporary_base import TemporaryBase
    from ops_checks.stores.transaction_protocol import AgreementReader


class Reading(Struct, frozen=True):
    """Both queues at one moment: the items that differ, in the order of a plan, and all the numbers.

    `interrupted`: the plan whose application was begun and not finished. `lines`, `rows`, `events`, `broken` and
    `updated_at` are of the items that differ: their lines in the document, what is agreed on them, the newest event of
    each that changed its state, the laws that its events break, and when the database's row was updated. `notes` say
    how long programs that were writing were waited for. `foreign`: the base is of another queue than the database.
    """

    states: list[ItemState]
    totals: Totals
    baseline: Baseline | None
    unagreed: int
    total: int
    md_digest: str
    db_digest: str
    newest_event: int | None
    interrupted: str | None
    lines: Mapping[str, int] = field(default_factory=dict)
    rows: Mapping[str, AgreedRow] = field(default_factory=dict)
    events: Mapping[str, Event] = field(default_factory=dict)
    broken: Mapping[str, Broken] = field(default_factory=dict)
    updated_at: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()
    foreign: bool = False


def database(context: Context) -> Database:
    """Return the database of a context. Raises UsageError for a store that keeps no agreement."""
    store = context.db_store
    if not isinstance(store, Database):
        raise UsageError(f"{visible(context.db)}: keeps no baseline: name a queue database with --db")
    return store


def document(context: Context) -> Document:
    """Return the document of a context. Raises UsageError for a store that cannot be locked."""
    store = context.md_store
    if not isinstance(store, Document):
        raise UsageError(f"{visible(context.queue)}: is no document: name a Markdown queue with --queue")
    return store


def read_states(
    context: Context, *, settle_s: float, digests: bool = False, base: TemporaryBase | None = None
) -> Reading:
    """Return both queues as they are at one moment, when programs that are between two writes had `settle_s` seconds.

    `digests`: digest the items of the database too. `base`: in place of the database's own. Raises what `compare`
    raises, and InputError for a damaged base.
    """
    readings: list[Reading] = []
    drift = compare(
        context.md_store,
        database(context),
        fields=FIELDS[1:],
        keep=1,
        settle_s=settle_s,
        keep_pairs=True,
        on_read=lambda left, right, found: readings.append(
            reading_of(left, cast("DatabaseSnapshot", right), found, digests=digests, base=base)
        ),
    )
    last = readings[-1]
    return Reading(**{name: getattr(last, name) for name in last.__struct_fields__} | {"notes": tuple(drift.notes)})


def read_inside(left: Snapshot, right: DatabaseSnapshot) -> Reading:
    """Return both queues as two open snapshots have them, in a lock and a transaction: nobody is waited for.

    Raises InputError for what is malformed.
    """
    drift = run_comparison(Comparison(left, right, fields=FIELDS[1:], keep=1, keep_pairs=True), left, right)
    must_be_read_whole(left)
    return reading_of(left, right, drift)


def reading_of(
    left: Snapshot,
    right: DatabaseSnapshot,
    drift: Drift,
    *,
    digests: bool = False,
    base: TemporaryBase | None = None,
) -> Reading:
    """Return what two open snapshots say of the items that differ between them. `base`: not the database's own."""
    agreement = right.agreement()
    own = agreement.baseline()
    agreed = agreement if base is None else _reader(base, right)
    baseline = own if base is None else base.baseline
    pairs = {pair.rows[0].item.id: pair for pair in drift.pairs}
    rows = agreed.rows(pairs) if baseline is not None else {}
    counts = agreed.counts() if baseline is not None else None
    events, broken = _events_of(right, pairs)
    lost = [item_id for item_id, pair in pairs.items() if pair.md is None and item_id in rows]
    above = agreed.above(lost) if lost else {}
    states = [
        ItemState(
            item_id,
            _base_row(rows.get(item_id)),
            pair.md.item if pair.md else None,
            pair.db.item if pair.db else None,
            pair.db.reliability if pair.db else None,
            anchor=_above(item_id, above),
        )
        for item_id, pair in sorted(pairs.items(), key=lambda named: _place(named[1], rows.get(named[0])))
    ]
    return Reading(
        states,
        _totals(drift, states, counts),
        baseline,
        counts.unagreed if counts is not None else 0,
        drift.total + sum(state.md is None for state in states),
        left.identity(),
        agreement.content_digest() if digests else "",
        agreement.newest_event_id(),
        interrupted.plan_id if (interrupted := agreement.interrupted()) else None,
        {item_id: pair.md.number for item_id, pair in pairs.items() if pair.md},
        rows,
        events,
        broken,
        agreement.updated_at(pairs),
        foreign=own is not None and baseline is not None and baseline.queue_id not in {"", own.queue_id},
    )


def _reader(base: TemporaryBase, right: DatabaseSnapshot) -> AgreementReader:
    """Return what reads a base for the items of a database. A version in git names no event: its time does."""
    is_version = base.baseline.source == FROM_GIT
    event_id = right.agreement().newest_event_id(before=base.baseline.made_at) if is_version else None
    return base.reader((item.id for _, item in right.items()), event_id)


def _events_of(snapshot: Snapshot, pairs: Mapping[str, Pair]) -> tuple[dict[str, Event], dict[str, Broken]]:
    """Return the newest event of each item that changed its state, and the laws that its events break."""
    newest: dict[str, Event] = {}
    broken: dict[str, Broken] = {}
    for item_id, pair in pairs.items():
        events = list(snapshot.events(item_id))
        moves = [event for event in events if bears_state(event)]
        if moves:
            newest[item_id] = moves[-1]
        if pair.db and events:
            broken[item_id] = broken_by(pair.db.item, pair.db.reliability, events)
    return newest, broken


def _place(pair: Pair, row: AgreedRow | None) -> tuple[int, int]:
    """Return the sort key of an item: rows of the document first, then lost ones, then those it never had."""
    if pair.md is not None:
        return 0, pair.md.number
    if row is not None:
        return 1, row.ordinal
    return 2, pair.db.number if pair.db else 0


def _base_row(row: AgreedRow | None) -> BaseRow | None:
    return None if row is None else BaseRow(dict(zip(FIELDS, row.cells, strict=True)))


def _above(item_id: str, above: Mapping[str, str | None]) -> str | None:
    """Return the id of the nearest row above a lost one that is not lost itself."""
    found = above.get(item_id)
    while found is not None and found in above:
        found = above[found]
    return found


def _totals(drift: Drift, states: Sequence[ItemState], counts: Counts | None) -> Totals:
    if counts is None:
        return Totals(md=drift.total, db=drift.total_db)
    agreed = [state for state in states if state.base is not None and state.base.agreed]
    gone_md = sum(state.md is None for state in agreed)
    gone_db = sum(state.db is None for state in agreed)
    return Totals(
        base=counts.agreed,
        md=drift.total,
        db=drift.total_db,
        md_of_base=counts.agreed - gone_md - (counts.gone - gone_db),
        db_of_base=counts.agreed - counts.gone,
        gone_md=gone_md,
        gone_db=gone_db,
        moved_md=sum(map(_has_moved, agreed)),
    )


def _has_moved(state: ItemState) -> bool:
    base, md = state.base, state.md
    return base is not None and md is not None and not all(base.agrees(md, unit) for unit in UNITS)
