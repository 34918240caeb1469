"""Record what both queues agree on (RECONCILE section 3, rules B3 and B8)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from msgspec import Struct

from ops_checks import __version__
from ops_checks.errors import RefusedError
from ops_checks.files.git_index import work_tree
from ops_checks.model import FIELDS
from ops_checks.reconcile.history import DocumentHistory
from ops_checks.reconcile.model import BaseRow
from ops_checks.reconcile.reading import database, document, read_states
from ops_checks.reconcile.units import UNITS, cells, same
from ops_checks.sanitize import visible
from ops_checks.stores.baseline import AgreedRow
from ops_checks.stores.registry import is_url
from ops_checks.timestamps import queue_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ops_checks.context import Context
    from ops_checks.model import Item
    from ops_checks.reconcile.model import ItemState
    from ops_checks.reconcile.reading import Reading
    from ops_checks.stores.baseline import Baseline, Counts
    from ops_checks.stores.protocol import Snapshot
    from ops_checks.stores.transaction_protocol import NewBaseline


class Recorded(Struct, frozen=True):
    """A recorded agreement: the baseline, the numbers of its items, and what was read for it."""

    baseline: Baseline
    counts: Counts
    reading: Reading


def advanced(base: BaseRow | None, md: Item | None, db: Item | None) -> BaseRow | None:
    """Return what is agreed on an item now: each unit that is equal on both sides, else what was agreed before.

    None for an item that neither side has.
    """
    if md is None and db is None:
        return None
    texts = dict.fromkeys(FIELDS[1:]) if base is None else dict(base.cells)
    if md is not None and db is not None:
        for unit in UNITS:
            if same(md, db, unit):
                texts |= cells(db, unit)
    either = md or db
    return BaseRow({**texts, "id": either.id if either else None})


def checked_out(context: Context) -> str | None:
    """Return the commit that is checked out where the document is, None without git. Ask before anything is locked."""
    with DocumentHistory(context.queue, zone=context.zone) as history:
        return history.head


def record(context: Context) -> Recorded:
    """Record as agreed what is equal on both sides now; neither queue is written to.

    Programs that are between their two writes are waited for first. Raises InputError, WriteError, and RefusedError for
    a database that may only be read and while a plan is interrupted; then nothing was recorded.
    """
    store = database(context)
    store.must_be_writable()
    read_states(context, settle_s=context.policy.consistency.settle_s)
    md_commit = checked_out(context)
    with document(context).rewriting(), store.transaction() as transaction:
        new = transaction.new_baseline()
        reading = read_states(context, settle_s=0)
        if reading.interrupted is not None:
            raise RefusedError(
                f"{visible(reading.interrupted)} was interrupted: run `ops-checks reconcile resume` first"
            )
        with context.md_store.snapshot() as snapshot:
            recorded = save(context, new, reading, snapshot, md_commit=md_commit)
        transaction.commit()
    return recorded


def save(
    context: Context, new: NewBaseline, reading: Reading, snapshot: Snapshot, *, md_commit: str | None
) -> Recorded:
    """Save as agreed what a reading found equal on both sides, inside a transaction; `snapshot` is the document's."""
    baseline, counts = new.save(
        differing={state.id: agreed_row(state, reading) for state in reading.states},
        ordinals=((item.id, line) for line, item in snapshot.items()),
        header=header(context, reading, whole=not reading.states, md_commit=md_commit),
    )
    return Recorded(baseline, counts, reading)


def agreed_row(state: ItemState, reading: Reading) -> AgreedRow | None:
    """Return what is to be kept of an item that differs; what a store stamps it with is left out."""
    base = advanced(state.base, state.md, state.db)
    if base is None:
        return None
    old = reading.rows.get(state.id)
    ordinal = reading.lines.get(state.id, old.ordinal if old else 0)
    return AgreedRow(tuple(base.cells[name] for name in FIELDS), ordinal)


def document_paths(context: Context) -> list[str]:
    """Return the document's path from the top of its repository, if there is one, and from the database's folder.

    A base keeps the first (RECONCILE section 7): two clones have the same, wherever they are. To a database on a server
    the document has only its name.
    """
    real = os.path.realpath(context.queue)
    top = work_tree(os.path.dirname(real))
    beside = os.path.dirname(real if is_url(context.db) else os.path.realpath(context.db))
    tops = [*([top] if top else []), beside]
    return [os.path.relpath(real, each).encode("utf-8", "backslashreplace").decode() for each in tops]


def header(context: Context, reading: Reading, *, whole: bool, md_commit: str | None) -> Mapping[str, str | int | None]:
    """Return what a new baseline says of itself. `whole`: both queues agree on every item."""
    stamp = context.stamp
    return {
        "made_at": queue_time(stamp.now_s, stamp.tz_minutes),
        "actor": stamp.actor,
        "md_path": document_paths(context)[0],
        "md_digest": reading.md_digest,
        "md_commit": md_commit,
        "whole": whole,
        "items": reading.total,
        "tool": f"ops-checks {__version__}",
    }
