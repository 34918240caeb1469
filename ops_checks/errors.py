"""Everything that can go wrong, with the exit code it ends in (FORMATS section 7).

A message is one line: where (file and line), what is wrong, what to do. It never
suggests deleting or overwriting anything.
"""

from __future__ import annotations


class OpsError(Exception):
    """Root of the errors a user sees: `message` is one line, `details` further places of the same kind."""

    exit_code = 3

    def __init__(self, message: str, details: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class InputError(OpsError):
    """An input is missing, unreadable or malformed, so nothing can be said about it."""


class ChangingError(InputError):
    """An input kept changing while it was read: a verdict would be about no state that ever was."""


class WriteError(OpsError):
    """A change could not be written. What was there before is still there."""


class UsageError(OpsError):
    """Unknown flag, bad value, invalid policy file."""

    exit_code = 4


class RefusedError(OpsError):
    """A safety check said no: unknown id, terminal item, not eligible, attempts used up, read-only queue."""

    exit_code = 5
