"""Run a project's own rule in SQL: on its database, or on the rows of the document where that is all there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_checks.errors import InputError, StatementError, UsageError
from ops_checks.findings import Place
from ops_checks.gate.inputs import store_read
from ops_checks.gate.own_run import Ran
from ops_checks.gate.stable_reading import must_be_read_whole, read_stable
from ops_checks.model import FIELDS
from ops_checks.rules.own.rows import LONGEST_ID, SHOWN_COLUMNS, findings_of
from ops_checks.sanitize import visible
from ops_checks.stores.query import Limits
from ops_checks.stores.registry import SQLITE, store_kind
from ops_checks.stores.tables import TABLE
from ops_checks.timestamps import queue_time

if TYPE_CHECKING:
    from ops_checks.context import Context
    from ops_checks.gate.own_run import Request
    from ops_checks.policy.model import Policy
    from ops_checks.rules.own.model import OwnRule
    from ops_checks.stores.protocol import Snapshot
    from ops_checks.stores.query import Values

_LIMITS = Limits(columns=1 + SHOWN_COLUMNS, text=LONGEST_ID)
#: What a document has of an item; a count of rows reads a column without a name.
_IN_DOCUMENT = {(TABLE, name) for name in (*FIELDS, "")}
_COUNT = f"SELECT count(*) FROM {TABLE}"  # noqa: S608 - a name of ours


def run_sql(context: Context, rule: OwnRule, request: Request) -> Ran:
    """Return what a rule finds, see `findings_of`.

    Raises UsageError, with the line in the policy, for what is no statement that reads the database, InputError for one
    that fails or takes too much, and for what cannot be read.
    """
    try:
        run = _on_document if request.document else _on_database
        return run(context, rule, request)
    except StatementError as error:
        raise UsageError(_located(context.policy, rule, error)) from error
    except InputError as error:
        raise InputError(f"{rule.id}: {error.message}", error.details) from error


def check_sql(policy: Policy, location: str) -> list[str]:
    """Return what may be wrong with the rules in SQL of a policy whose database is there, none of which is opened.

    In SQLite a statement that names what a queue need not have may be right all the same; in PostgreSQL nobody can tell
    without a server. Raises UsageError for what surely is no statement that may be run.
    """
    warnings = []
    for rule in policy.own if store_kind(location, SQLITE) is SQLITE else ():
        try:
            _reads(rule, _values(0, 0))
        except StatementError as error:
            if not error.missing:
                raise UsageError(_located(policy, rule, error)) from error
            warnings.append(f"{_located(policy, rule, error)}: a queue need not have it")
    return warnings


def _located(policy: Policy, rule: OwnRule, error: StatementError) -> str:
    """Return an error with the line in the policy at which the statement, or what is wrong in it, stands."""
    line = rule.code_line
    if line is not None and rule.code_lines and error.line is not None:
        line += error.line - 1
    where = f"{visible(policy.path)}:{line}: " if policy.path is not None else ""
    return f"{where}rules.{rule.id}.sql: {error.message}"


def _values(now_s: float, tz_minutes: int) -> Values:
    """Return the parameters of every statement: the time as a queue writes it, in epoch seconds, and its zone."""
    return {"now": queue_time(now_s, tz_minutes), "now_s": int(now_s), "tz_minutes": tz_minutes}


def _on_database(context: Context, rule: OwnRule, request: Request) -> Ran:
    from ops_checks.stores.transaction_protocol import DatabaseSnapshot

    store, values = context.db_store, _values(context.now_s, context.tz_minutes)

    def read(snapshot: Snapshot) -> Ran:
        if not isinstance(snapshot, DatabaseSnapshot):
            raise InputError(f"{visible(store.location)}: a rule in SQL needs a queue database: name one with --db")
        [[rows]] = snapshot.query(_COUNT, {}, _LIMITS).rows
        was_read = store_read("db", store, snapshot, int(str(rows)))
        columns, found = snapshot.query(rule.sql or "", values, _LIMITS)
        findings, total = findings_of(rule.id, columns, found, lambda item: snapshot.place(0, item), request.keep)
        return Ran(findings, total, (was_read,))

    return read_stable(store, read)


def _on_document(context: Context, rule: OwnRule, request: Request) -> Ran:
    """Return what a rule finds in the rows of the document, as a database of SQLite; left out if it needs more."""
    if store_kind(context.db, SQLITE) is not SQLITE:
        return Ran(left_out="is in the dialect of PostgreSQL")
    values = _values(context.now_s, context.tz_minutes)
    try:
        needs_more = not _reads(rule, values) <= _IN_DOCUMENT
    except StatementError as error:
        if not error.missing:
            raise
        needs_more = True
    if needs_more:
        return Ran(left_out="needs the queue database")
    return read_stable(context.md_store, lambda snapshot: _on_rows(context, rule, request, values, snapshot))


def _reads(rule: OwnRule, values: Values) -> set[tuple[str, str]]:
    from ops_checks.stores.sqlite.query import MemoryQueue

    if rule.sql is None:
        return set()
    with MemoryQueue("") as queue:
        return queue.reads(rule.sql, values)


def _on_rows(context: Context, rule: OwnRule, request: Request, values: Values, snapshot: Snapshot) -> Ran:
    from ops_checks.stores.sqlite.query import MemoryQueue

    store = context.md_store
    with MemoryQueue(store.location) as queue:
        rows = queue.add(snapshot.items())
        must_be_read_whole(snapshot)

        def place(item_id: str) -> Place:
            number = queue.number(item_id)
            return Place(store.location) if number is None else snapshot.place(number, item_id)

        columns, found = queue.query(rule.sql or "", values, _LIMITS)
        findings, total = findings_of(rule.id, columns, found, place, request.keep)
    return Ran(findings, total, (store_read("queue", store, snapshot, rows),))
