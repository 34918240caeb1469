"""Read a snapshot file: text from outside, of which nothing counts before all of it was checked.

A file of a million items is read in memory as large as itself; its rows are decoded one by one.
"""

from __future__ import annotations

import hashlib
import os
import re
import sqlite3
from functools import cache
from typing import TYPE_CHECKING, NoReturn, TypeVar

from msgspec import DecodeError, Struct
from msgspec.json import Decoder
from msgspec.structs import astuple

from ops_checks.errors import InputError
from ops_checks.files.safe_open import FileKind, not_read, open_regular
from ops_checks.report.published import Published
from ops_checks.sanitize import visible
from ops_checks.snapshots.document import SCHEMA, Document, Head, ItemRow, Whole, snapshot_schema
from ops_checks.snapshots.store import SnapshotStore
from ops_checks.stores.baseline_json import Row, agreed_row
from ops_checks.stores.relational.agreement import BASELINES, HEADER, insert_row, tables
from ops_checks.stores.sqlite.connection import Translated
from ops_checks.stores.sqlite.dialect import SQLITE
from ops_checks.stores.tables import TABLE
from ops_checks.timestamps import rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from msgspec import Raw

    _Decoded = TypeVar("_Decoded")

ADVICE = "make it again with `ops-checks snapshot -o FILE` where the database is"
_MOST_BYTES = 2 << 30
#: Above it only what is laid out as we write it is read.
_MOST_RELAID_BYTES = 64 << 20
SNAPSHOT_FILE = FileKind("snapshot", ADVICE, most_bytes=_MOST_BYTES)

_COLUMNS = ItemRow.__struct_fields__
_INSERT = f"INSERT INTO {TABLE} ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608 - our own names
_REASON = re.compile(r"^JSON is malformed: ")


class _Named(Struct):
    schema: str = ""


_WHOLE, _NAMED, _ITEM, _ROW = Decoder(Whole), Decoder(_Named), Decoder(ItemRow), Decoder(Row)


class SnapshotRead(Struct, frozen=True):
    """A snapshot that was read: all but its rows, and the store of those."""

    path: str
    head: Head
    digest: str
    baseline: str | None
    store: SnapshotStore


def read_snapshot(path: str) -> SnapshotRead:
    """Read a snapshot file. Raises InputError, one line with the path, for whatever is none or was changed."""
    data = _bytes(path)
    whole = _whole(path, data)
    head = Head(**{name: getattr(whole, name) for name in Head.__struct_fields__})
    _must_agree(path, whole)
    connection = sqlite3.connect("", isolation_level=None)  # on disk where it grows, and without a name
    try:
        with Translated(path, writing=False):
            _fill(path, data, whole, head, connection)
    except BaseException:
        connection.close()
        raise
    name = whole.baseline.header.id if whole.baseline else None
    return SnapshotRead(path, head, whole.digest, name, SnapshotStore(path, connection, whole))


def _bytes(path: str) -> bytes:
    """Return the content of the file, read into one piece of memory."""
    fd, _ = open_regular(path, SNAPSHOT_FILE)
    try:
        with os.fdopen(fd, "rb", buffering=0) as file:
            data = file.readall()
    except OSError as error:
        raise not_read(path, error) from error
    if len(data) > _MOST_BYTES:  # it has grown since it was opened
        refuse(path, f"over {_MOST_BYTES:,} bytes")
    return data


def _fill(path: str, data: bytes, whole: Whole, head: Head, connection: sqlite3.Connection) -> None:
    """Decode the rows into the tables of a queue; then compare all of it with what a snapshot of it would be."""
    run = connection.execute
    for statement in ("PRAGMA synchronous = OFF", "PRAGMA journal_mode = OFF", "PRAGMA cache_size = -32768", "BEGIN"):
        run(statement)
    types = ", ".join(f"{name} TEXT" for name in _COLUMNS[1:])
    run(f"CREATE TABLE {TABLE} (id TEXT PRIMARY KEY NOT NULL, {types})")
    header = whole.baseline.header if whole.baseline else None
    if header is not None:
        for statement in tables(SQLITE):
            run(statement)
        values = (int(header.id.removeprefix("b-")), *(getattr(header, name) for name in HEADER[1:]))
        run(f"INSERT INTO {BASELINES} ({', '.join(HEADER)}) VALUES ({', '.join('?' * len(HEADER))})", values)  # noqa: S608 - our own names
    rows = _agreed(path, whole.baseline.rows if whole.baseline else (), connection)
    document = Document(head, header, rows, _items(path, whole.items, connection))
    written = hashlib.sha256()
    for chunk in document.chunks():
        written.update(chunk)
    if document.digest != whole.digest:
        raise InputError(f"{visible(path)}: the snapshot was changed after it was made: {ADVICE}")
    if written.digest() != hashlib.sha256(data).digest():
        _must_be_plain(path, data)
    run("COMMIT")
    run("PRAGMA query_only = ON")


def _agreed(path: str, raws: Iterable[Raw], connection: sqlite3.Connection) -> Iterator[Row]:
    for number, raw in enumerate(raws):
        row = _decode(path, f"baseline.rows[{number}]", raw, _ROW)
        try:
            insert_row(connection, agreed_row(row))
        except sqlite3.IntegrityError:
            refuse(path, f"baseline.rows[{number}]: {visible(row.id)} stands twice")
        yield row


def _items(path: str, raws: Iterable[Raw], connection: sqlite3.Connection) -> Iterator[ItemRow]:
    for number, raw in enumerate(raws):
        row = _decode(path, f"items[{number}]", raw, _ITEM)
        try:
            connection.execute(_INSERT, astuple(row))
        except sqlite3.IntegrityError:
            refuse(path, f"items[{number}]: {visible(row.id)} stands twice")
        yield row


def _whole(path: str, data: bytes) -> Whole:
    if not data or data.isspace():  # without a copy of it
        refuse(path, "it is empty")
    try:
        return _WHOLE.decode(data)
    except (DecodeError, UnicodeError, RecursionError) as error:
        refuse(path, _other_document(data) or _reason(error))


def _other_document(data: bytes) -> str | None:
    """Return what a document is that is no snapshot of this version, None for one that says it is."""
    try:
        name = _NAMED.decode(data).schema
    except (DecodeError, UnicodeError, RecursionError):
        return None
    if name == SCHEMA:
        return None
    if name.startswith(SCHEMA.rpartition("/")[0]):
        return f"its schema is {visible(name)[:60]}, expected {SCHEMA}: use the same ops-checks on both sides"
    return "it is another document" + (f", {visible(name)[:60]}" if name else "")


def _decode(path: str, where: str, raw: Raw, decoder: Decoder[_Decoded]) -> _Decoded:
    try:
        return decoder.decode(raw)
    except (DecodeError, UnicodeError, RecursionError) as error:
        refuse(path, f"{where}: {_reason(error)}")


def _reason(error: Exception) -> str:
    return _REASON.sub("", visible(str(error)))[:200]


def _must_agree(path: str, whole: Whole) -> None:
    """Refuse what says one thing here and another there, and numbers that are none of their unit."""
    if rfc3339(whole.made_ms / 1000, whole.timezone_minutes) != whole.made_at:
        refuse(path, f"made_at is {visible(whole.made_at)[:40]}, and made_ms another time")
    if whole.db.items != len(whole.items):
        refuse(path, f"db.items is {whole.db.items}, and there are {len(whole.items)} items")
    seen: set[str] = set()
    for number, metric in enumerate(whole.kpis.metrics):
        where = f"kpis.metrics[{number}] ({visible(metric.rule)[:40]})"
        if metric.rule in seen:
            refuse(path, f"{where}: stands twice")
        seen.add(metric.rule)
        numbers = [each for each in (metric.low, metric.value, metric.high) if each is not None]
        most = 1 if metric.unit == "ratio" else float("inf")
        if numbers != sorted(numbers) or not all(0 <= each <= most for each in numbers):
            refuse(path, f"{where}: value, low and high are not what was measured")
        if metric.total < len(metric.findings):
            refuse(path, f"{where}: total is {metric.total}, and there are {len(metric.findings)} findings")


def _must_be_plain(path: str, data: bytes) -> None:
    """Raise InputError for what is laid out otherwise and holds a key twice: another program read something else."""
    if len(data) > _MOST_RELAID_BYTES:
        refuse(path, f"it is not laid out as it was made, and has more than {_MOST_RELAID_BYTES >> 20} MB")
    _published().load(data, visible(path))


@cache
def _published() -> Published:
    return Published("snapshot", snapshot_schema(), ADVICE)


def refuse(path: str, what: str) -> NoReturn:
    """Raise InputError for what is no snapshot."""
    raise InputError(f"{visible(path)}: no snapshot ({what}): {ADVICE}")
