"""Commit, and find out what became of a commit whose answer is lost (SAFETY "PostgreSQL").

The server itself says how a transaction ended (`pg_xact_status`), also while it is still under way. A look at the rows
alone would be wrong then; an attempt to insert the same again would need rights, use up ids and run triggers.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import psycopg

from ops_checks.errors import OpsError, UnknownOutcomeError, WriteError
from ops_checks.sanitize import visible
from ops_checks.stores.postgres.connection import WRITING_MS, connect, marked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ops_checks.stores.postgres.connection import Session
    from ops_checks.stores.postgres.location import ServerLocation

_PAUSE_S = 0.05
_ASKING = "ROLLBACK; BEGIN; SET LOCAL lock_timeout = {ms}; SET LOCAL statement_timeout = {ms}"


class Witness(NamedTuple):
    """What tells later whether a transaction was committed: its id, and a query that finds what it wrote, if any.

    `operation` is the id by which people find it, None for what has none.
    """

    transaction: str
    query: str
    values: tuple[Any, ...]
    operation: str | None


def commit(session: Session, location: ServerLocation, witness: Witness | None, timeout_s: float) -> None:
    """Commit; where the answer does not come, ask for at most `timeout_s` seconds what became of it.

    Raises WriteError: nothing was written; UnknownOutcomeError: it may have been, and what tells later. Else it was.
    """
    try:
        ended = session.driver.execute("COMMIT")
    except psycopg.Error as error:
        if not session.closed and not session.driver.broken:
            raise  # the server answered: it has rolled back
        if witness is None:
            raise
        if _was_written(location, witness, timeout_s):
            return
        raise WriteError(
            f"{visible(session.name)}: nothing was written, because the connection was lost before the commit: "
            "run this again"
        ) from error
    if ended.statusmessage != "COMMIT":
        raise WriteError(f"{visible(session.name)}: nothing was written: the server rolled the change back")


def _was_written(location: ServerLocation, witness: Witness, timeout_s: float) -> bool:
    """Return whether a transaction was committed. Raises UnknownOutcomeError if nobody can tell in time."""
    until = time.monotonic() + timeout_s
    while True:
        written = _asked(location, witness, max(1, int(until - time.monotonic())))
        if written is not None:
            return written
        if time.monotonic() >= until:
            raise UnknownOutcomeError(
                f"{visible(location)}: the connection was lost while the change was committed, and it may have been "
                f"written {_what_tells(witness)}"
            )
        time.sleep(_PAUSE_S)


def _what_tells(witness: Witness) -> str:
    """Return how people find out later: a transaction whose client is gone ends as soon as it may not stay silent."""
    if witness.operation is None:
        return "(no operation): run this again, which writes nothing twice"
    operation = visible(witness.operation)
    return (
        f"(operation {operation}): `ops-checks undo --operation {operation} --dry-run` tells; that there is none "
        f"counts when the server has been up for {WRITING_MS[1] // 60_000} minutes: do not repeat the change before"
    )


def _asked(location: ServerLocation, witness: Witness, timeout_s: int) -> bool | None:
    """Return whether a transaction was committed, None while that cannot be told."""
    try:
        with connect(location, timeout_s) as connection, _ended_after(timeout_s, connection):
            asking = _ASKING.format(ms=timeout_s * 1000).encode()
            connection.execute(asking)
            if connection.execute("SELECT pg_is_in_recovery()").fetchone() != (False,):
                return None  # a copy that may lag behind
            status = _status(connection, witness.transaction)
            connection.execute(asking)  # what it could not say has ended the transaction
            if status == "in progress":
                return None
            if not witness.query:
                return {"committed": True, "aborted": False}.get(status)
            is_there = connection.execute(marked(witness.query), witness.values).fetchone() is not None
    except (psycopg.Error, OpsError):
        return None
    # Both must say the same: another server than before may have taken over, with other transactions of that number.
    return is_there if is_there == (status == "committed") else None


@contextmanager
def _ended_after(seconds: float, connection: psycopg.Connection[Any]) -> Iterator[None]:
    """End a connection that is silent for too long: what stands between may keep it while the server is gone."""
    with socket.socket(fileno=os.dup(connection.fileno())) as same:
        timer = threading.Timer(seconds, same.shutdown, [socket.SHUT_RDWR])
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()


def _status(connection: psycopg.Connection[Any], transaction: str) -> str:
    """Return how a transaction ended or that it is `in progress`; one that the server never heard of is `aborted`."""
    try:
        row = connection.execute("SELECT pg_xact_status(%s::xid8)", (transaction,)).fetchone()
    except psycopg.errors.InvalidParameterValue:
        return "aborted"  # a number of the future: the server lost it with what was not on disk
    return str(row[0]) if row else ""
