"""The tables of the last agreement, in the queue database (RECONCILE section 3).

They have no foreign key: removing an item must not remove what was agreed on it.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from typing import TYPE_CHECKING

from ops_checks.errors import InputError
from ops_checks.model import FIELDS
from ops_checks.sanitize import visible
from ops_checks.stores.baseline import AGREED, UNAGREED, AgreedRow, Baseline, Counts, PlanRecord
from ops_checks.stores.cells import as_item
from ops_checks.stores.relational.plan_records import PlanRecords
from ops_checks.stores.tables import EVENTS, TABLE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from typing import Any

    from ops_checks.stores.relational.dialect import Connection, Dialect

    #: Of rows that are saved: the newest event, the time, and the document's commit.
    Stamp = tuple[Any, Any, Any]

BASELINES, ROWS = "queue_baselines", "queue_baseline"
_KEPT = 20
CELLS = FIELDS[1:]
HEADER = ("id", "queue_id", "made_at", "actor", "md_path", "md_digest", "md_commit", "items", "tool")
_STAMPS = ("state", "row_digest", "ordinal", "event_id", "updated_at", "md_commit")
COLUMNS = ("item_id", "state", "ordinal", *CELLS, "row_digest", "event_id", "updated_at", "md_commit")


def tables(dialect: Dialect) -> tuple[str, str]:
    """Return the statements that make the tables where they are not there."""
    return (
        f"""
CREATE TABLE IF NOT EXISTS {BASELINES} (
    id {dialect.number},
    queue_id TEXT NOT NULL,
    made_at TEXT NOT NULL,
    actor TEXT NOT NULL,
    md_path TEXT NOT NULL,
    md_digest TEXT NOT NULL,
    md_commit TEXT,
    items {dialect.integer} NOT NULL,
    tool TEXT NOT NULL
)
""",
        f"""
CREATE TABLE IF NOT EXISTS {ROWS} (
    item_id {dialect.key},
    state TEXT NOT NULL,
    ordinal {dialect.integer} NOT NULL,
    {", ".join(f"{name} TEXT" for name in CELLS)},
    row_digest TEXT NOT NULL,
    event_id {dialect.integer},
    updated_at TEXT NOT NULL,
    md_commit TEXT
)
""",
    )


def row_digest(*cells: str | None) -> str:
    """Return the digest of the nine cells of an agreed row: damage in the base must not pass for an agreement."""
    return hashlib.sha256(json.dumps(cells, ensure_ascii=True).encode()).hexdigest()


class AgreementReader:
    """Reads the last agreement inside a transaction of the database. Everything raises InputError for damage."""

    def __init__(self, connection: Connection, path: str, dialect: Dialect) -> None:
        self._connection = connection
        self._path = path
        self._dialect = dialect

    def baseline(self) -> Baseline | None:
        """Return the newest agreement, or None if there is none."""
        with self._dialect.reading(self._path):
            if not self._has_tables():
                return None
            query = f"SELECT {', '.join(HEADER)} FROM {BASELINES} ORDER BY id DESC LIMIT 1"
            row = self._connection.execute(query).fetchone()
        if row is None:
            return None
        texts = all(isinstance(cell, str) for cell in (*row[1:6], row[8])) and isinstance(row[6], str | None)
        if not (texts and isinstance(row[0], int) and isinstance(row[7], int)):
            raise damaged(self._path, f"the newest row of {BASELINES} holds no agreement")
        return Baseline(*row)

    def _has_tables(self) -> bool:
        found = {table: self._dialect.columns(self._connection, table) for table in (BASELINES, ROWS)}
        if found[BASELINES] is None and found[ROWS] is None:
            return False
        for table, columns in ((BASELINES, HEADER), (ROWS, COLUMNS)):
            if not (found[table] or set()) >= set(columns):
                raise damaged(self._path, f"{table} is not what it was made as")
        return True

    def rows(self, ids: Iterable[str]) -> dict[str, AgreedRow]:
        """Return the agreed states of some items by id; an item that was never recorded has none."""
        names = ", ".join((*CELLS, *_STAMPS))
        query = f"SELECT {names} FROM {ROWS} WHERE item_id = ?"
        with self._dialect.reading(self._path):
            rows = {item_id: self._connection.execute(query, (item_id,)).fetchone() for item_id in ids}
        return {item_id: _agreed_row(self._path, item_id, row) for item_id, row in rows.items() if row is not None}

    def every_row(self) -> Iterator[AgreedRow]:
        """Stream the agreed states of all items, in the order of the document."""
        names = ", ".join(("item_id", *CELLS, *_STAMPS))
        with self._dialect.reading(self._path):
            query = f"SELECT {names} FROM {ROWS} ORDER BY ordinal, item_id"
            for item_id, *row in self._dialect.stream(self._connection, query):
                yield _agreed_row(self._path, item_id, tuple(row))

    def counts(self) -> Counts:
        """Return how many items were agreed wholly, in part, and wholly but are gone from the database."""
        with self._dialect.reading(self._path):
            states = dict(self._connection.execute(f"SELECT state, count(*) FROM {ROWS} GROUP BY 1").fetchall())
            gone = self._connection.execute(
                f"SELECT count(*) FROM {ROWS} b WHERE state = ? "
                f"AND NOT EXISTS (SELECT 1 FROM {TABLE} WHERE {self._dialect.id_in_bytes} = b.item_id)",
                (AGREED,),
            ).fetchone()[0]
        return Counts(states.get(AGREED, 0), states.get(UNAGREED, 0), gone)

    def interrupted(self) -> PlanRecord | None:
        """Return the record of the plan whose application was begun and not finished, or None."""
        with self._dialect.reading(self._path):
            return PlanRecords(self._connection, self._path, self._dialect).prepared()

    def plans(self, most: int) -> list[PlanRecord]:
        """Return the records of the plans that were applied last, the newest first."""
        with self._dialect.reading(self._path):
            return PlanRecords(self._connection, self._path, self._dialect).latest(most)

    def updated_at(self, ids: Iterable[str]) -> dict[str, str]:
        """Return when some items were updated last, as stored; an item that is not there has none."""
        query = f"SELECT updated_at FROM {TABLE} WHERE id = ?"
        with self._dialect.reading(self._path):
            rows = {item_id: self._connection.execute(query, (item_id,)).fetchone() for item_id in ids}
        return {item_id: str(row[0]) for item_id, row in rows.items() if row is not None}

    def newest_event_id(self, before: str | None = None) -> int | None:
        """Return the id of the newest event, or of those before a queue time; None if there is none."""
        query, values = f"SELECT max(event_id) FROM {EVENTS}", () if before is None else (before,)
        earlier = f" WHERE created_at {self._dialect.in_bytes} < ?"
        with self._dialect.reading(self._path):
            found = self._connection.execute(query + earlier * len(values), values).fetchone()
        newest: int | None = found[0]
        return newest

    def content_digest(self) -> str:
        """Return the digest of the nine cells of every item, in the order of their ids; leases are not in it."""
        digest = hashlib.sha256()
        with self._dialect.reading(self._path):
            query = f"SELECT {', '.join(FIELDS)} FROM {TABLE} ORDER BY {self._dialect.id_in_bytes}"
            for row in self._dialect.stream(self._connection, query):
                digest.update(json.dumps(as_item(row), ensure_ascii=True).encode() + b"\n")
        return f"sha256:{digest.hexdigest()}"

    def above(self, ids: Iterable[str]) -> dict[str, str | None]:
        """Return for some items the id of the agreed row above each in the document, None for the first row."""
        wanted = set(ids)
        if not wanted:
            return {}
        query = f"SELECT item_id, lag(item_id) OVER (ORDER BY ordinal, item_id) FROM {ROWS} ORDER BY ordinal, item_id"
        with self._dialect.reading(self._path):
            rows = self._dialect.stream(self._connection, query)
            return {item_id: above for item_id, above in rows if item_id in wanted}


def damaged(path: str, what: str) -> InputError:
    """Return the error for a base that cannot be relied on (rule B6)."""
    return InputError(
        f"{visible(path)}: the baseline is damaged ({what}): restore the database from a copy, or run "
        "`ops-checks baseline` once both queues agree"
    )


def _agreed_row(path: str, item_id: str, row: tuple[Any, ...]) -> AgreedRow:
    cells = (item_id, *row[: len(CELLS)])
    state, digest, ordinal, event_id, updated_at, md_commit = row[len(CELLS) :]
    sound = all(isinstance(cell, str | None) for cell in cells) and isinstance(ordinal, int)
    if not sound or digest != row_digest(*cells) or state != _state(cells):
        raise damaged(path, f"the row of {visible(item_id)} in {ROWS}")
    return AgreedRow(cells, ordinal, event_id, updated_at, md_commit)


def _state(cells: Iterable[str | None]) -> str:
    return UNAGREED if None in tuple(cells) else AGREED


def insert_row(connection: Connection, row: AgreedRow) -> None:
    """Insert an agreed row with its state and its digest. Raises the driver's error for one that is there."""
    marks = ", ".join("?" * len(COLUMNS))
    connection.execute(f"INSERT INTO {ROWS} ({', '.join(COLUMNS)}) VALUES ({marks})", values_of(row))


def values_of(row: AgreedRow) -> tuple[str | int | None, ...]:
    """Return the values of COLUMNS for an agreed row."""
    return (row.cells[0], _state(row.cells), row.ordinal, *row.cells[1:], row_digest(*row.cells), *row[2:])


class NewBaseline:
    """Records an agreement inside an open write transaction of the database; nothing is committed here.

    Each kind of database compares the items of both sides in its own way.
    """

    def __init__(self, connection: Connection, path: str, dialect: Dialect) -> None:
        self._connection = connection
        self._path = path
        self._dialect = dialect
        self._reader = AgreementReader(connection, path, dialect)
        self.before = self._reader.baseline()

    def save(
        self,
        *,
        differing: Mapping[str, AgreedRow | None],
        ordinals: Iterable[tuple[str, int]],
        header: Mapping[str, str | int | None],
    ) -> tuple[Baseline, Counts]:
        """Save what is agreed now, and return the new baseline with the numbers of its items.

        `differing`: the items that are not equal on both sides, each with what is agreed on it, None to forget it;
        every other item of the database is equal on both sides. `ordinals`: the document's ids with their places.
        `header`: made_at, actor, md_path, md_digest, md_commit, items, tool, and `whole`: whether both queues agree on
        all. An agreement on a part keeps the digest and commit of the older one, which was about the whole document.
        """
        run = self._connection.execute
        for name, statement in zip((BASELINES, ROWS), tables(self._dialect), strict=True):
            if self._dialect.columns(self._connection, name) is None:  # where they are, nobody needs a right to create
                run(statement)
        stamp = (run(f"SELECT max(event_id) FROM {EVENTS}").fetchone()[0], header["made_at"], header["md_commit"])
        self._save_equal(differing.keys(), ordinals, stamp)
        self._save_differing(differing, stamp)
        return self._save_header(header), self._reader.counts()

    def advance(self, row: AgreedRow, *, made_at: str) -> None:
        """Save what is agreed on one item, in the newest agreement. `made_at` is the queue time."""
        event_id = self._connection.execute(f"SELECT max(event_id) FROM {EVENTS}").fetchone()[0]
        self._save_differing({str(row.cells[0]): row}, (event_id, made_at, row.md_commit))

    def set_document(self, md_digest: str) -> None:
        """Save the digest of the document that the new baseline is about, written since."""
        newest = f"SELECT max(id) FROM {BASELINES}"
        self._connection.execute(f"UPDATE {BASELINES} SET md_digest = ? WHERE id = ({newest})", (md_digest,))

    def _save_equal(self, differing: Collection[str], ordinals: Iterable[tuple[str, int]], stamp: Stamp) -> None:
        """Save every item that is equal on both sides, where the base says something else; see `save`.

        An item with events since is agreed on anew: they are no move away from what is agreed now. `stamp`: the newest
        event, the time and the document's commit.
        """
        raise NotImplementedError

    def _save_differing(self, differing: Mapping[str, AgreedRow | None], stamp: Stamp) -> None:
        for item_id, row in differing.items():
            self._connection.execute(f"DELETE FROM {ROWS} WHERE item_id = ?", (item_id,))
            if row is not None:
                insert_row(self._connection, AgreedRow(row.cells, row.ordinal, *stamp))

    def _save_header(self, header: Mapping[str, str | int | None]) -> Baseline:
        run = self._connection.execute
        queue_id = self.before.queue_id if self.before else f"q-{secrets.token_hex(8)}"
        older = None if header["whole"] else self.before
        new = (header["md_digest"], header["md_commit"])
        digest, commit = (older.md_digest, older.md_commit) if older else new
        values = (queue_id, header["made_at"], header["actor"], header["md_path"], digest, commit)
        names = ", ".join(HEADER[1:])
        marks = ", ".join("?" * len(HEADER[1:]))
        run(f"INSERT INTO {BASELINES} ({names}) VALUES ({marks})", (*values, header["items"], header["tool"]))
        run(f"DELETE FROM {BASELINES} WHERE id NOT IN (SELECT id FROM {BASELINES} ORDER BY id DESC LIMIT {_KEPT})")
        saved = self._reader.baseline()
        if saved is None:
            raise damaged(self._path, "the new baseline does not read back: look for a trigger")
        return saved
