"""The errors that a user sees, with the exit code each ends in (FORMATS section 7).

A message is one line: where (file and line), what is wrong, what to do. It never suggests deleting or
overwriting anything.
"""

from __future__ import annotations

from ops_checks.exit_codes import NOT_EVALUATED, REFUSED, USAGE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType


class OpsError(Exception):
    """Root of the errors a user sees: `message` is one line, `details` are further lines of the same kind.

    `task` is what the item that the error is about is to do, where both are known: a person sees it below the line.
    """

    exit_code = NOT_EVALUATED
    task = ""

    def __init__(self, message: str, details: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class about:  # noqa: N801 - used as a function
    """Context manager: an error that is raised inside it is about an item that is to do `task`."""

    __slots__ = ("_task",)

    def __init__(self, task: str) -> None:
        self._task = task

    def __enter__(self) -> None:
        """Enter the block."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Keep the task with the error."""
        if isinstance(error, OpsError):
            error.task = error.task or self._task


class InputError(OpsError):
    """An input is missing, unreadable or malformed, so that it cannot be evaluated."""


class MissingError(InputError):
    """An input is not there."""


class ChangingError(InputError):
    """An input kept changing while it was read: a verdict would be about no state that ever was."""


class LockedError(InputError):
    """An input is locked by another program, which was waited for."""


class LimitError(InputError):
    """A statement ran out of what it may use: time, rows, memory."""


class WriteError(OpsError):
    """A change could not be written. What was there before is still there."""


class UnknownOutcomeError(WriteError):
    """A change may have been written or not: its database could not be asked any more."""


class ReadOnlyError(WriteError):
    """What was to be written may only be read, here or by this user."""


class ChangedError(WriteError):
    """Another program changed what was to be written, after it was read. The change can begin again."""


class UsageError(OpsError):
    """Unknown flag, bad value, invalid policy file."""

    exit_code = USAGE


class StatementError(UsageError):
    """A statement is none that may be run: it does not parse, does not fit the tables, or would do more than read.

    `line` is its line that is meant, from 1, where that is known; `missing`: it names what these tables do not have.
    """

    def __init__(self, message: str, line: int | None = None, *, missing: bool = False) -> None:
        super().__init__(message)
        self.line = line
        self.missing = missing


class RefusedError(OpsError):
    """A safety check refused: unknown id, terminal item, not eligible, attempts used up, read-only queue."""

    exit_code = REFUSED


class RefusedTogetherError(RefusedError):
    """Some of several items are refused, by their ids, and nothing was changed: it was to be all of them or none."""

    def __init__(self, refused: Mapping[str, RefusedError], total: int) -> None:
        super().__init__(f"nothing was changed: {len(refused)} of {total} items refused, and it was to be all or none")
        self.refused = refused


def install_extra(name: str) -> str:
    """Return what to do where what an extra of the package brings is missing: true wherever it was installed from."""
    return f"install ops-checks with its extra {name}, as `ops-checks help install` says"


def unexpected(error: BaseException) -> str:
    """Return the one line for an exception that no part of the program expected: its kind, and where to report it."""
    from ops_checks.sanitize import visible

    kind, reason = type(error).__name__, visible(" ".join(str(error).split()))[:300]
    what = f"unexpected {kind}" + (f" ({reason})" if reason else "")
    advice = next((text for cause, text in _ADVICE if isinstance(error, cause)), "")
    return f"{what}: {advice}report it to the issue tracker of ops-checks with what OPS_CHECKS_DEBUG=1 prints"


#: What to try first, by the kind of exception. The interpreter's own failure, a SystemError, is mostly one of memory:
#: there was none left for the exception that would have said so.
_ADVICE = (
    (ImportError, "install ops-checks again with its dependencies; if that is not it, "),
    ((MemoryError, SystemError), "give the process more memory; if that is not it, "),
)
