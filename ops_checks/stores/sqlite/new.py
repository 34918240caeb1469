"""Make the tables of a queue in an empty database."""

from __future__ import annotations

from importlib import resources

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3


def make_tables(connection: sqlite3.Connection) -> None:
    """Begin a transaction, and make the tables of FORMATS section 2 in it. Raises `sqlite3.Error`."""
    connection.executescript("BEGIN;" + _schema())


def _schema() -> str:
    return resources.files("ops_checks.stores.sqlite").joinpath("schema.sql").read_text(encoding="utf-8")
