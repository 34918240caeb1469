"""Where a queue in PostgreSQL is: libpq's own ways to say it, without a password (FORMATS section 8)."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, unquote, urlsplit

from ops_checks.errors import UsageError
from ops_checks.stores.secrets import holds_secret, password_shown

_SCHEMA = "schema"
_PAIR = re.compile(r"\s*([A-Za-z_]+)\s*=\s*('(?:[^'\\]|\\.)*'|(?:[^\s\\']|\\.)*)(?=\s|$)", re.DOTALL)


class ServerLocation(str):
    """The location of a queue on a server. As a text it is the name that people are shown, and no connection string.

    `conninfo` is what libpq connects with; `schema` is the schema of the tables, None for the search path; `written`
    is what a person wrote, for a file that the same person reads again.
    """

    __slots__ = ("conninfo", "schema", "written")
    conninfo: str
    schema: str | None
    written: str


def server_location(text: str) -> ServerLocation:
    """Return the location that a person wrote: a URL, or `service=NAME` and other words of libpq.

    Besides libpq's own words it may name the `schema` of the tables. Raises UsageError, which shows nothing of the
    text but its kind, for one with a password and one that cannot be read.
    """
    if isinstance(text, ServerLocation):
        return text
    if holds_secret(text):
        raise password_shown()
    shown, conninfo, schema = _from_url(text.strip()) if "://" in text else _from_words(text)
    shown += f" schema {schema}" if schema else ""
    if "@" in shown:
        raise password_shown()
    location = ServerLocation(shown)
    location.conninfo, location.schema, location.written = conninfo, schema, text
    return location


def _from_url(text: str) -> tuple[str, str, str | None]:
    try:
        parts = urlsplit(text)
        words = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise unreadable() from None
    user, at, _ = parts.netloc.rpartition("@")
    # A password with an @, / or # in it ends elsewhere than libpq's: what is left of it may stand anywhere.
    if ":" in unquote(user) or (not at and "@" in text) or parts.fragment:
        raise password_shown()
    kept = [piece for piece in parts.query.split("&") if unquote(piece.partition("=")[0]) != _SCHEMA]
    named = dict(words)
    database = named.get("dbname") or unquote(parts.path.removeprefix("/")) or named.get("service", "")
    query = "&".join(filter(None, kept))
    conninfo = f"postgresql://{parts.netloc}{parts.path}{f'?{query}' if query else ''}"
    return f"postgresql:{database}", conninfo, named.get(_SCHEMA) or None


def _from_words(text: str) -> tuple[str, str, str | None]:
    words: dict[str, str] = {}
    at = 0
    while at < len(text.rstrip()):
        found = _PAIR.match(text, at)
        if found is None:
            raise unreadable()
        words[found[1].lower()] = found[2]
        at = found.end()
    schema = words.pop(_SCHEMA, None)
    database = _plain(words.get("dbname", ""))
    service = f"service={_plain(words['service'])}" if "service" in words else ""
    shown = service or f"postgresql:{database}"
    return shown, " ".join(f"{name}={value}" for name, value in words.items()), _plain(schema) if schema else None


def _plain(word: str) -> str:
    """Return the value of a word that may stand in quotes."""
    if word.startswith("'"):
        word = word[1:-1]
    return re.sub(r"\\(.)", r"\1", word, flags=re.DOTALL)


def unreadable() -> UsageError:
    """Return the error for a location that libpq does not read."""
    return UsageError(
        "the database's location cannot be read: expected postgresql://HOST/NAME or service=NAME, with libpq's words "
        "(a special character as %XX in a URL)"
    )
