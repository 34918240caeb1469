"""Make the side of a queue that is missing from the one that exists, with a first baseline (RECONCILE section 3).

The new file is whole or not there at all, and what stands at its path is never written over.
"""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from ops_checks.errors import ChangingError, InputError, OpsError, RefusedError, WriteError
from ops_checks.files.new_file import make_file, rename_new
from ops_checks.gate.stable_reading import must_be_read_whole
from ops_checks.model import FIELDS
from ops_checks.reconcile.agreement import checked_out, record, save
from ops_checks.reconcile.notes import for_document
from ops_checks.reconcile.reading import database, document, read_inside
from ops_checks.reconcile.writing import while_changing
from ops_checks.sanitize import one_line, plain_line, visible
from ops_checks.scaffold.content import EVENTS, ITEMS, markdown_chunks, write_database
from ops_checks.stores.markdown.snapshot import MarkdownSnapshot
from ops_checks.stores.markdown.table import BLANK
from ops_checks.stores.sqlite.connection import must_have_no_leftovers
from ops_checks.timestamps import queue_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ops_checks.context import Context
    from ops_checks.model import Item
    from ops_checks.reconcile.agreement import Recorded
    from ops_checks.scaffold.content import Columns
    from ops_checks.scaffold.layout import Place
    from ops_checks.stores.protocol import Snapshot
    from ops_checks.stores.transaction_protocol import DatabaseSnapshot, Transaction


class MadeSide(NamedTuple):
    """A side that was made: what both sides agree on, and notes."""

    recorded: Recorded
    notes: list[str]


def make_database(context: Context, place: Place, *, lay_down: Callable[[], None]) -> MadeSide:
    """Make the database of a context at its place from the document, with a first baseline.

    Each item has an `added` event that says that it was imported. `lay_down` makes what else belongs to the project,
    once nothing can go wrong but the last step. Raises RefusedError if something stands there, InputError for a
    document that is missing or malformed, WriteError; then there is no database.
    """
    _must_be_missing(context.db, "--db")
    must_have_no_leftovers(context.db)
    with document(context).snapshot() as snapshot:
        snapshot.check()
        must_be_read_whole(snapshot)
    made: list[Recorded] = []

    def publish(folder_fd: int, temporary: str, name: str) -> bool:
        beside = os.path.join(os.path.dirname(context.db), temporary)
        with _told_as(context.db, beside):
            made.append(while_changing(context, lambda: _imported(context, beside)))
        lay_down()
        return rename_new(folder_fd, temporary, name)

    if not make_file(*place, lambda: b"", publish=publish):
        raise _there(context.db, "--db")
    return MadeSide(made[-1], [])


def make_document(context: Context, place: Place, *, lay_down: Callable[[], None], db_shown: str) -> MadeSide:
    """Make the document of a context at its place from the database, and record there what both agree on: everything.

    Rows stand in the order in which items were created; the document's head names the database as `db_shown`. Raises
    RefusedError if something stands there, InputError for a database that is missing or malformed or that no document
    can hold, WriteError; then there is no document, and nothing was recorded.
    """
    _must_be_missing(context.queue, "--queue")
    md_commit = checked_out(context.with_queues(queue=os.path.join(place[0], "QUEUE.md")))
    made: list[Recorded] = []
    with_pipes: list[str] = []
    with database(context).transaction() as transaction:
        rows = transaction.snapshot()
        rows.check()

        def content() -> Iterator[bytes]:
            return markdown_chunks(_as_in_document(context, rows, with_pipes), db_shown)

        def publish(folder_fd: int, temporary: str, name: str) -> bool:
            beside = os.path.join(os.path.dirname(context.queue), temporary)
            with _told_as(context.queue, beside):
                made.append(_exported(context, transaction, beside, md_commit))
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


def _must_be_missing(path: str, option: str) -> None:
    if os.path.lexists(path):
        raise _there(path, option)


def _there(path: str, option: str) -> RefusedError:
    return RefusedError(
        f"{visible(path)}: is there already, and is kept, because init --from makes only a side that is missing: name "
        f"another place with {option}, or run `ops-checks baseline` to record what both sides agree on"
    )


@contextmanager
def _told_as(path: str, beside: str) -> Iterator[None]:
    """Let errors about a temporary file name the file that it was to be; whatever failed, that one is not there."""
    try:
        yield
    except OpsError as error:
        if isinstance(error, WriteError) and error.message.startswith(visible(beside)):
            reason = visible(str(error.__cause__ or "it does not read back"))
            raise WriteError(f"{visible(path)}: not made ({reason}): check the disk, then run this again") from error
        texts = [text.replace(visible(beside), visible(path)) for text in (error.message, *error.details)]
        raise type(error)(texts[0], tuple(texts[1:])) from error


def _imported(context: Context, path: str) -> Recorded:
    """Fill a new database at a path with the items of the document, and record what both agree on.

    Raises ChangingError if the document changes meanwhile.
    """
    os.truncate(path, 0)  # what an earlier attempt left
    with document(context).snapshot() as snapshot:
        write_database(path, _rows(context, snapshot))
    recorded = record(context.with_queues(db=path))
    if recorded.reading.states:
        raise ChangingError(f"{visible(context.queue)}: changing while read: run the command again")
    return recorded


def _rows(context: Context, snapshot: Snapshot) -> Iterator[tuple[str, Columns]]:
    """Yield the rows of the database: each item of the document, followed by the event that it was added."""
    now = queue_time(context.now_s, context.tz_minutes)
    common = {"actor": plain_line(context.stamp.actor), "imported": True, "source": visible(context.queue)}
    for _, item in snapshot.items():  # noqa: PERF102 - no dictionary: a stream of numbered items
        cells = dict(zip(FIELDS, item, strict=True))
        yield ITEMS, {**cells, "created_at": now, "updated_at": now}
        payload = {"from": None, "to": item.status, **common, "before": None, "after": cells}
        text = json.dumps(payload, ensure_ascii=False)
        yield EVENTS, {"item_id": item.id, "event_type": "added", "payload_json": text, "created_at": now}


def _exported(context: Context, transaction: Transaction, path: str, md_commit: str | None) -> Recorded:
    """Record what the database and a new document at a path agree on. Raises InputError unless that is everything."""
    new = transaction.new_baseline()
    with MarkdownSnapshot(path) as left:
        reading = read_inside(left, transaction.snapshot())
        if reading.states:
            raise InputError(
                f"{visible(context.db)}: {visible(reading.states[0].id)} would not be the same in a document: "
                "look for unusual characters in its cells"
            )
        return save(context, new, reading, left, md_commit=md_commit)


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
