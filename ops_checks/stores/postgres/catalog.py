"""What the server's catalog says of the tables of a queue, and whether a queue may be there (FORMATS section 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ops_checks.errors import InputError
from ops_checks.sanitize import visible
from ops_checks.stores.tables import EVENT_COLUMNS, EVENTS, ITEM_COLUMNS, TABLE

if TYPE_CHECKING:
    from typing import Any

    import psycopg

WHOLE_NUMBERS = ("smallint", "integer", "bigint")
TEXTS = ("text", "character varying")
#: What both tables need.
QUEUE = {TABLE: ITEM_COLUMNS, EVENTS: EVENT_COLUMNS}
_KEYS = {TABLE: "id", EVENTS: "event_id"}
_PLAIN = ("r", "p")
_KINDS = {"v": "view", "m": "materialized view", "f": "foreign table", "S": "sequence", "i": "index", "c": "type"}
_TABLE = """
SELECT c.relkind::text, c.relnamespace::regnamespace::text, row_security_active(c.oid),
  has_table_privilege(c.oid, 'SELECT'), c.relkind = 'r' AND EXISTS (SELECT FROM pg_inherits WHERE inhparent = c.oid),
  c.relkind = 'p' OR c.relhasrules OR EXISTS (SELECT FROM pg_trigger WHERE tgrelid = c.oid AND NOT tgisinternal),
  (SELECT json_object_agg(a.attname, format_type(a.atttypid, NULL)) FROM pg_attribute a
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''),
  (SELECT array_agg(a.attname::text) FROM pg_index i, pg_attribute a
    WHERE i.indrelid = c.oid AND i.indisprimary AND a.attrelid = c.oid AND a.attnum = ANY (i.indkey))
FROM pg_class c WHERE c.oid = to_regclass(%s) AND coalesce(c.relnamespace = to_regnamespace(%s), %s)
"""
_ELSEWHERE = """
SELECT n.nspname::text, has_schema_privilege(n.oid, 'USAGE')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relname = %s AND c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' ORDER BY n.nspname <> %s, 1 LIMIT 5
"""


class Table(NamedTuple):
    """A table as the server knows it: its columns with their types, and what of it may be seen.

    `kind` is PostgreSQL's letter for what it is, `schema` where it is, as SQL writes it, `hidden` whether row security
    hides rows of it from this user, `inherited` whether rows of other tables are returned with its own, and `fires`
    whether a write to it may cause others.
    """

    kind: str
    schema: str
    hidden: bool
    readable: bool
    inherited: bool
    fires: bool
    columns: dict[str, str]
    key: tuple[str, ...]

    @property
    def plain(self) -> bool:
        """Whether it is a table, and no view or anything else of such a name."""
        return self.kind in _PLAIN


def look_up(connection: psycopg.Connection[Any], table: str, schema: str | None) -> Table | None:
    """Return a table of a schema, without one as the search path finds it; None if there is none."""
    quoted = None if schema is None else '"' + schema.replace('"', '""') + '"'
    row = connection.execute(_TABLE, (table, quoted, schema is None)).fetchone()
    if row is None:
        return None
    *known, columns, key = row
    return Table._make([*known, dict(columns or {}), tuple(key or ())])


def must_be_queue_table(name: str, table: str, found: Table) -> None:
    """Raise InputError unless a table of the queue is whole, sound, and wholly shown to this user."""
    name = visible(name)
    if not found.plain:
        raise InputError(f"{name}: {table} is a {_KINDS.get(found.kind, 'relation')}: expected a table")
    if found.inherited:
        raise InputError(f"{name}: other tables inherit from {table}, and ids are not unique there: expected none")
    missing = sorted(QUEUE[table] - found.columns.keys())
    if missing:
        raise InputError(f"{name}: {table} has no column {', '.join(missing)}: expected the queue's schema")
    if not found.readable:
        raise InputError(f"{name}: this user may not read {table}: ask its owner for `GRANT SELECT ON {table}`")
    if found.hidden:
        raise InputError(
            f"{name}: row security of {table} may hide rows from this user, and a verdict would be about the rest: "
            "use a role with BYPASSRLS, or a policy-free table"
        )
    if found.key != (_KEYS[table],):
        raise InputError(f"{name}: the primary key of {table} is not {_KEYS[table]}: expected the queue's schema")
    _must_have_types(name, table, found)


def _must_have_types(name: str, table: str, found: Table) -> None:
    for column in sorted(QUEUE[table]):
        number = column == _KEYS[EVENTS]
        if found.columns[column] not in (WHOLE_NUMBERS if number else TEXTS):
            expected = "bigint" if number else "text"
            raise InputError(f"{name}: {table}.{column} is {found.columns[column]}: expected {expected}")


def not_found(connection: psycopg.Connection[Any], name: str, table: str, schema: str | None) -> InputError:
    """Return the error for a table that is not there; it says where there is one, and if this user may not look."""
    where = f"in the schema {visible(schema)}" if schema else "on the search path"
    named = connection.execute(_ELSEWHERE, (table, schema or "")).fetchall()
    closed = [each for each, usable in named if not usable and schema in (None, each)]
    beginning = f"{visible(name)}: no table {table} {where}"
    if closed:
        there = visible(closed[0])
        return InputError(
            f"{beginning}, as this user may not use the schema {there}: ask for `GRANT USAGE ON SCHEMA {there}`"
        )
    elsewhere = f" (there is one in {', '.join(visible(each) for each, _ in named)})" if named else ""
    return InputError(
        f"{beginning}{elsewhere}: name the queue's database with --db, its schema with schema=NAME there, or make the "
        "tables with `ops-checks init --db …`"
    )
