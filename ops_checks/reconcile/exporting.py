"""Export the agreement of both queues, for where the database itself can keep none (RECONCILE section 3)."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, cast

from ops_checks.errors import InputError
from ops_checks.gate.stable_reading import compare
from ops_checks.model import FIELDS
from ops_checks.reconcile.agreement import agreed_row, checked_out, header
from ops_checks.reconcile.base_file import base_lines
from ops_checks.reconcile.reading import database, reading_of
from ops_checks.sanitize import visible
from ops_checks.stores.baseline import AgreedRow, Baseline, Counts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ops_checks.context import Context
    from ops_checks.reconcile.reading import Reading
    from ops_checks.rules.drift.drift import Drift
    from ops_checks.stores.protocol import Snapshot
    from ops_checks.stores.transaction_protocol import DatabaseSnapshot

    #: Makes the stream of a file, as often as it is needed.
    Chunks = Callable[[], Iterable[bytes]]


def export(context: Context, write: Callable[[Chunks], None]) -> tuple[str, Counts]:
    """Let the recorded agreement be written as an exported one; return its name and the numbers of its items.

    Where none is recorded and the database may only be read, it is what is equal on both sides now. `write` gets what
    streams the lines. Raises InputError if none is recorded and one can be.
    """
    store = database(context)
    with store.snapshot() as snapshot:
        reader = snapshot.agreement()
        found = reader.baseline()
        if found is not None:
            write(lambda: base_lines(found, reader.every_row()))
            return found.name, reader.counts()
    if store.may_be_written():
        raise InputError(f"{visible(context.db)}: no baseline: run `ops-checks baseline` first")
    return _export_present(context, write)


def _export_present(context: Context, write: Callable[[Chunks], None]) -> tuple[str, Counts]:
    md_commit = checked_out(context)
    queue_id = f"q-{secrets.token_hex(8)}"
    exported: list[Counts] = []

    def on_read(left: Snapshot, right: Snapshot, drift: Drift) -> None:
        reading = reading_of(left, cast("DatabaseSnapshot", right), drift)
        known: dict[str, Any] = dict(header(context, reading, whole=not reading.states, md_commit=md_commit))
        del known["whole"]
        baseline = Baseline(1, queue_id, **known)
        write(lambda: base_lines(baseline, _rows(left, reading, baseline)))
        differing = sum(state.md is not None for state in reading.states)
        exported.append(Counts(drift.total - differing, len(reading.states), 0))

    compare(
        context.md_store,
        database(context),
        fields=FIELDS[1:],
        keep=1,
        settle_s=context.policy.consistency.settle_s,
        keep_pairs=True,
        on_read=on_read,
    )
    return "b-1", exported[-1]


def _rows(left: Snapshot, reading: Reading, baseline: Baseline) -> Iterator[AgreedRow]:
    """Stream what is agreed now: every row of the document, and of those that differ the units that are equal."""
    stamp = (reading.newest_event, baseline.made_at, baseline.md_commit)
    differing = {state.id: agreed_row(state, reading) for state in reading.states}
    for line, item in left.items():
        if item.id not in differing:
            yield AgreedRow(tuple(item), line, *stamp)
    for row in differing.values():
        if row is not None:
            yield AgreedRow(row.cells, row.ordinal, *stamp)
