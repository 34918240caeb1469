"""Passwords in the location of a queue, which nobody may be shown (FORMATS section 8)."""

from __future__ import annotations

import re
from urllib.parse import unquote

from ops_checks.errors import UsageError

#: Words whose value is a secret, in whatever surroundings: who mistypes a location must not read it in a log.
_WORD = re.compile(r"(?:pass(?:wor[dt]|wd|phrase|code)?|pwd|secret|scram_(?:client|server)_key)\s*[=:]", re.IGNORECASE)
_USER = re.compile(r":[^/]*@")


def holds_secret(text: str) -> bool:
    """Return whether a text has a word for a secret in it, as it stands or as a URL writes it."""
    return bool(_WORD.search(unquote(text)))


def may_hold_secret(text: str) -> bool:
    """Return whether a text has a word for a secret in it, or what may be a user with a password."""
    return holds_secret(text) or bool(_USER.search(unquote(text)))


def must_be_path(location: str) -> None:
    """Raise UsageError, which shows nothing of the text, for what is no path but may have been meant for a server."""
    if may_hold_secret(location):
        raise password_shown()
    if "://" in location:
        raise UsageError("no kind of queue has such a URL: expected a path, postgresql://HOST/NAME or service=NAME")


def password_shown() -> UsageError:
    """Return the error for a location with a password."""
    return UsageError(
        "the database's location holds a password, or an @ that is none of a user's name: process lists and logs show "
        "it to everybody: leave it out, and keep it in a file of mode 0600 that PGPASSFILE names (or ~/.pgpass), or "
        "in a service file"
    )
