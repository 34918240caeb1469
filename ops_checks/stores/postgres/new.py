"""Make the tables of a new queue and fill them, in one transaction (FORMATS section 2, SAFETY "PostgreSQL")."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

import psycopg

from ops_checks.errors import InputError, WriteError
from ops_checks.sanitize import visible
from ops_checks.stores.postgres.catalog import WHOLE_NUMBERS
from ops_checks.stores.postgres.connection import quoted
from ops_checks.stores.postgres.dialect import POSTGRES
from ops_checks.stores.postgres.location import server_location
from ops_checks.stores.postgres.transaction import PostgresTransaction
from ops_checks.stores.relational.agreement import BASELINES, ROWS, tables
from ops_checks.stores.relational.copying import lots
from ops_checks.stores.relational.plan_records import PLANS, table
from ops_checks.stores.tables import EVENTS, TABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from ops_checks.stores.postgres.connection import Session
    from ops_checks.stores.registry import Place
    from ops_checks.stores.transaction_protocol import NewQueue

_TABLES = (TABLE, EVENTS, BASELINES, ROWS, PLANS)
#: Others made a table or the schema of the same name meanwhile: then it is there.
_MADE_BY_OTHERS = (psycopg.errors.DuplicateTable, psycopg.errors.DuplicateSchema, psycopg.errors.UniqueViolation)
_ATTEMPTS = 5
#: Tables are looked at one after the other: without it, those of another init could appear in between.
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('ops-checks init'))"
#: Nobody waits for tables that are not there yet, and a million rows take longer than a change.
_LONGER = (
    "SELECT set_config('statement_timeout', '600000', true), "
    "set_config('idle_in_transaction_session_timeout', '600000', true)"
)
_SCHEMA_THERE = "SELECT 1 FROM pg_namespace WHERE nspname = ?::name"
_NULLABLE = frozenset({"lease_owner", "lease_expires_at", "idempotency_key"})
_OF_ITEM = "queue_events_item_id_fkey"
#: Finds an event of an item that is gone.
_ORPHAN = (
    f"SELECT 1 FROM {EVENTS} e WHERE item_id IS NOT NULL "
    f"AND NOT EXISTS (SELECT 1 FROM {TABLE} q WHERE q.id = e.item_id) LIMIT 1"
)
#: Numbered tables, the column, and what else knows numbers of its.
_NUMBERED = ((EVENTS, "event_id", f"SELECT max(event_id) FROM {ROWS}"), (BASELINES, "id", "SELECT 0"))


def make_queue(place: Place, fill: Callable[[NewQueue], object], *, lock_timeout_s: float) -> bool:
    """Make a queue where a location leads, see `StoreKind.make`: its tables are there when all is in them."""
    location = server_location(place[1])
    for _ in range(_ATTEMPTS):
        try:
            with NewPostgresQueue(location, lock_timeout_s) as new:
                if not new.made:
                    return False
                fill(new)
                new.finish()
                new.commit()
                return True
        except _AgainError:
            continue
    raise WriteError(f"{visible(location)}: not made, as others make it and take it back all the time: run this again")


class _AgainError(Exception):
    """Another program made the same meanwhile."""


class NewPostgresQueue(PostgresTransaction):
    """The transaction in which a queue is made and filled; `made`: its tables were not there before.

    Raises InputError for tables that are there and no queue, WriteError where they cannot be made.
    """

    made = False

    def load(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Insert rows into a table. Raises InputError, which names the row, for a value that no column can hold."""
        numbers = [self._session.type_of(table, name) in WHOLE_NUMBERS for name in columns]
        names = ", ".join(map(quoted, columns))
        with self._translated:
            for lot in lots(rows):
                with (
                    self._session.driver.cursor() as cursor,
                    cursor.copy(f"COPY {table} ({names}) FROM STDIN".encode()) as copy,
                ):
                    for row in lot:
                        self._must_fit(table, columns, numbers, row)
                        copy.write_row(row)

    def finish(self) -> None:
        """Let new rows have higher numbers than all that are known, and events belong to items from now on.

        Events of items that are gone, which a copy may have, are left as they are.
        """
        run = self._session.execute
        with self._translated:
            for name, key, known in _NUMBERED:
                sequence = f"pg_get_serial_sequence('{name}', '{key}')"
                last = f"greatest((SELECT max({key}) FROM {name}), ({known}))"
                run(f"SELECT setval({sequence}, {last}) WHERE {last} > 0")
            valid = run(_ORPHAN).fetchone() is None
            run(
                f"ALTER TABLE {EVENTS} ADD CONSTRAINT {_OF_ITEM} FOREIGN KEY (item_id) REFERENCES {TABLE} (id) "
                f"ON DELETE CASCADE{'' if valid else ' NOT VALID'}"
            )

    def _begin(self) -> None:
        self._session.begin(writing=True, queue=False)
        self._session.execute(_ONE_AT_A_TIME)
        self._session.execute(_LONGER)
        there = [name for name in _TABLES if self._session.columns_of(name) is not None]
        if not there:
            self._make_tables()
        elif TABLE not in there or EVENTS not in there:
            lacking = TABLE if TABLE not in there else EVENTS
            raise InputError(
                f"{visible(self._name)}: {there[0]} is there, and no table {lacking}: it is no whole queue, and "
                "nothing is made of a part: name another schema with schema=NAME in the location"
            )
        self._session.must_be_queue()

    def _make_tables(self) -> None:
        try:
            make_tables(self._session)
        except _MADE_BY_OTHERS as error:
            raise _AgainError from error
        except (psycopg.errors.InsufficientPrivilege, psycopg.errors.InvalidSchemaName) as error:
            raise WriteError(
                f"{visible(self._name)}: not made ({visible(error.diag.message_primary or '')}): name a schema of this "
                "user's own with schema=NAME in the location, or ask the owner of the database for the right to create"
            ) from error
        for name in _TABLES:
            self._session.forget(name)
            self._session.columns_of(name)
        self.made = True

    def _must_fit(self, table: str, columns: Sequence[str], numbers: Sequence[bool], row: Sequence[Any]) -> None:
        for name, is_number, value in zip(columns, numbers, row, strict=True):
            wrong = _misfit(value, is_number=is_number, nullable=table != TABLE or name in _NULLABLE)
            if wrong:
                key = visible(row[0]) if isinstance(row[0], str) else ascii(row[0])
                raise InputError(
                    f"{visible(self._name)}: not made, because {name} of {key} in {table} {wrong}: change it at its "
                    "source first"
                )


def make_tables(session: Session) -> None:
    """Make all tables that a queue ever needs, and the schema that the location names. Raises the driver's errors.

    Events belong to no item until `finish`, so that those of items that are gone can be copied.
    """
    run = session.driver.execute
    if session.schema and session.execute(_SCHEMA_THERE, (session.schema,)).fetchone() is None:
        run(f"CREATE SCHEMA {quoted(session.schema)}".encode())
    run(_schema().encode())
    run(f"ALTER TABLE {EVENTS} DROP CONSTRAINT {_OF_ITEM}".encode())
    for statement in (*tables(POSTGRES), table(POSTGRES)):
        run(statement.encode())


def _schema() -> str:
    return resources.files("ops_checks.stores.postgres").joinpath("schema.sql").read_text(encoding="utf-8")


def _misfit(value: object, *, is_number: bool, nullable: bool) -> str:
    """Return why no column of a table can hold a value, empty if one can."""
    if value is None:
        return "" if nullable else "is null"
    if is_number:
        fits = isinstance(value, int) and -(2**63) <= value < 2**63
        return "" if fits else f"is no whole number of 64 bits ({ascii(value)[:40]})"
    if not isinstance(value, str):
        return f"is {type(value).__name__}, not text"
    if "\0" in value:
        return "holds a NUL character, which no text of PostgreSQL can"
    try:
        value.encode()
    except UnicodeEncodeError:
        return "is no UTF-8"
    return ""
