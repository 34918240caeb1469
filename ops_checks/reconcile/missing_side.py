"""Make the side of a queue that is missing from the one that exists, with a first baseline (RECONCILE section 3).

The new file is whole or not there at all, and what stands at its path is never written over.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, NamedTuple

from ops_checks.errors import ChangingError, InputError, OpsError, RefusedError, WriteError
from ops_checks.files.new_file import make_file, rename_new, told_as
from ops_checks.gate.stable_reading import must_be_read_whole
from ops_checks.model import BLANK, FIELDS
from ops_checks.reconcile.agreement import checked_out, save
from ops_checks.reconcile.notes import for_document
from ops_checks.reconcile.reading import database, document, read_inside
from ops_checks.reconcile.writing import while_changing
from ops_checks.sanitize import one_line, plain_line, visible
from ops_checks.scaffold.content import markdown_chunks
from ops_checks.stores.markdown.snapshot import MarkdownSnapshot
from ops_checks.stores.registry import SQLITE, store_kind
from ops_checks.stores.relational.copying import copy_queue, load_rows
from ops_checks.stores.tables import EVENTS, TABLE
from ops_checks.timestamps import queue_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ops_checks.context import Context
    from ops_checks.model import Item
    from ops_checks.stores.baseline import Counts
    from ops_checks.stores.protocol import Snapshot
    from ops_checks.stores.registry import Place
    from ops_checks.stores.relational.copying import TableRow
    from ops_checks.stores.transaction_protocol import Database, DatabaseSnapshot, NewQueue, Transaction


class Agreed(NamedTuple):
    """A baseline of the side that was made: its name, and the numbers of its items."""

    name: str
    counts: Counts


class MadeSide(NamedTuple):
    """A side that was made: what both sides agree on, None for a copy of nothing agreed, and notes."""

    recorded: Agreed | None
    notes: list[str]


def make_database(context: Context, place: Place, *, lay_down: Callable[[], None]) -> MadeSide:
    """Make the database of a context at its place from the document, with a first baseline.

    Each item has an `added` event that says that it was imported. `lay_down` makes what else belongs to the project,
    once nothing can go wrong but the last step. Raises RefusedError if something stands there, InputError for a
    document that is missing or malformed, or that the database cannot hold, WriteError; then there is no database.
    """
    must_be_missing(context.db, "--db")
    with document(context).snapshot() as snapshot:
        snapshot.check()
        must_be_read_whole(snapshot)
    md_commit = checked_out(context)
    agreed: list[Agreed] = []

    def fill(new: NewQueue) -> None:
        with document(context).snapshot() as left:
            load_rows(new, _rows(context, left))
            agreed.append(_all_agreed(context, new, left, context.queue, md_commit))
            if left.changed():
                raise ChangingError(f"{visible(context.queue)}: changing while read: run the command again")
        lay_down()

    _make(context, place, fill)
    return MadeSide(agreed[-1], [])


def make_copy(context: Context, source: Database, place: Place, *, lay_down: Callable[[], None]) -> MadeSide:
    """Make the database of a context at its place from another one: items, events, baseline and applied plans.

    `lay_down` as in `make_database`. Raises RefusedError if something stands there or a plan was interrupted in the
    source, InputError for a source that is missing or malformed, or that the other cannot hold, WriteError; then there
    is no database.
    """
    must_be_missing(context.db, "--db")
    agreed: list[Agreed] = []
    notes: list[str] = []

    def fill(new: NewQueue) -> None:
        with source.snapshot() as rows:
            rows.check()
            interrupted = rows.agreement().interrupted()
            if interrupted is not None:
                raise RefusedError(
                    f"{visible(interrupted.plan_id)} was interrupted: run `ops-checks reconcile resume` there first"
                )
            notes[:] = copy_queue(rows, new, source.location)
        with new.snapshot() as copied:
            agreement = copied.agreement()
            baseline = agreement.baseline()
            agreed[:] = [Agreed(baseline.name, agreement.counts())] if baseline else []
        lay_down()

    _make(context, place, fill)
    return MadeSide(agreed[-1] if agreed else None, notes)


def _make(context: Context, place: Place, fill: Callable[[NewQueue], object]) -> None:
    """Make the database of a context; begin again while the document changes. Raises what `StoreKind.make` raises."""
    kind = store_kind(context.db, SQLITE)
    timeout_s = context.lock_timeout_s
    if not while_changing(context, lambda: kind.make(place, fill, lock_timeout_s=timeout_s), writes=False):
        raise _there(context.db, "--db")


def make_document(context: Context, place: Place, *, lay_down: Callable[[], None], db_shown: str) -> MadeSide:
    """Make the document of a context at its place from the database, and record there what both agree on: everything.

    Rows stand in the order in which items were created; the document's head names the database as `db_shown`. Raises
    RefusedError if something stands there, InputError for a database that is missing or malformed or that no document
    can hold, WriteError; then there is no document, and nothing was recorded.
    """
    must_be_missing(context.queue, "--queue")
    md_commit = checked_out(context.with_queues(queue=os.path.join(place[0], "QUEUE.md")))
    made: list[Agreed] = []
    with_pipes: list[str] = []
    with database(context).transaction() as transaction:
        rows = transaction.snapshot()
        rows.check()

        def content() -> Iterator[bytes]:
            return markdown_chunks(_as_in_document(context, rows, with_pipes), db_shown)

        def publish(folder_fd: int, temporary: str, name: str) -> bool:
            beside = os.path.join(os.path.dirname(context.queue), temporary)
            with told_as(context.queue, beside), MarkdownSnapshot(beside) as left:
                made.append(_all_agreed(context, transaction, left, context.db, md_commit))
            lay_down()
            return rename_new(folder_fd, temporary, name)

        if not make_file(*place, content, publish=publish):
            raise _there(context.queue, "--queue")
        try:
            transaction.commit()
        except OpsError as error:
            raise WriteError(
                f"{visible(context.queue)}: is made, but the baseline is not recorded ({error.message}): "
                "run `ops-checks baseline`"
            ) from error
    return MadeSide(made[-1], list(_pipe_notes(context.queue, with_pipes)))


def must_be_missing(path: str, option: str) -> None:
    """Raise RefusedError if something stands at a path; a server is asked later."""
    if os.path.lexists(path):
        raise _there(path, option)


def _there(path: str, option: str) -> RefusedError:
    return RefusedError(
        f"{visible(path)}: is there already, and is kept, because init --from makes only a side that is missing: name "
        f"another place with {option}, or run `ops-checks baseline` to record what both sides agree on"
    )


def _rows(context: Context, snapshot: Snapshot) -> Iterator[TableRow]:
    """Yield the rows of the database: each item of the document, followed by the event that it was added."""
    now = queue_time(context.now_s, context.zone)
    common = {"actor": plain_line(context.stamp.actor), "imported": True, "source": visible(context.queue)}
    for _, item in snapshot.items():  # noqa: PERF102 - no dictionary: a stream of numbered items
        cells = dict(zip(FIELDS, item, strict=True))
        yield TABLE, {**cells, "created_at": now, "updated_at": now}
        payload = {"from": None, "to": item.status, **common, "before": None, "after": cells}
        text = json.dumps(payload, ensure_ascii=False)
        yield EVENTS, {"item_id": item.id, "event_type": "added", "payload_json": text, "created_at": now}


def _all_agreed(
    context: Context, transaction: Transaction, left: Snapshot, source: str, md_commit: str | None
) -> Agreed:
    """Record what a document and the database in a transaction agree on. Raises InputError unless that is everything.

    `source` is the location of the side that the other was made from.
    """
    new = transaction.new_baseline()
    reading = read_inside(left, transaction.snapshot())
    if reading.states:
        raise InputError(
            f"{visible(source)}: {visible(reading.states[0].id)} would not be the same on the other side: look for "
            "unusual characters in its cells"
        )
    recorded = save(context, new, reading, left, md_commit=md_commit)
    return Agreed(recorded.baseline.name, recorded.counts)


def _as_in_document(context: Context, rows: DatabaseSnapshot, with_pipes: list[str]) -> Iterator[Item]:
    """Yield the items in the order of their creation, with notes as the document joins them.

    The ids of those that hold a pipe all the same are added to `with_pipes`. Raises InputError for an id that would be
    none in a document, or another item's.
    """
    odd: set[str] = set()
    for item in rows.items_by_creation():
        written = one_line(item.id).strip(BLANK)
        if written != item.id:
            if not written or written in odd or rows.get(written) is not None:
                what = f"would be {written!a}, as another item's" if written else "would be empty"
                raise InputError(f"{visible(context.db)}: the id {item.id!a} {what}, in a document: give it another")
            odd.add(written)
        shown = item.with_cells([("notes", for_document(item.notes))])
        if any("|" in cell for cell in shown):
            with_pipes.append(item.id)
        yield shown


def _pipe_notes(path: str, ids: list[str]) -> Iterator[str]:
    """Yield a note on the rows that hold a pipe (FORMATS section 1)."""
    if ids:
        more = f" and {len(ids) - 1} more" if len(ids) > 1 else ""
        yield f"{visible(path)}: {visible(ids[0])}{more}: programs that know no escaped pipe will refuse that row"
