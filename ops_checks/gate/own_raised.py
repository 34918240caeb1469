"""Say in one line what the code of a rule raised, and where."""

from __future__ import annotations

import os
import sysconfig
import traceback
from typing import TYPE_CHECKING

import ops_checks
from ops_checks.errors import InputError
from ops_checks.sanitize import visible

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

_LONGEST = 300  # characters of what an exception says
_OURS = os.path.dirname(os.path.abspath(ops_checks.__file__)) + os.sep
_LIBRARY = (sysconfig.get_path("stdlib") + os.sep, sysconfig.get_path("platstdlib") + os.sep)
#: Below the library's own folder, and no part of it.
_INSTALLED = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")


def raised(
    rule: str, error: BaseException, *, here: str | None, code: tuple[str, int] | None = None, doing: str = ""
) -> InputError:
    """Return the error for what a rule raised: its kind, what it says, and where the rule's own code was then.

    `code` is file and line of the function, for what was raised before it began; `doing` what was done, where it was
    not run. Paths in the folder `here` are shown as they are relative to it. With OPS_CHECKS_DEBUG=1 the traceback is
    printed to stderr.
    """
    if os.environ.get("OPS_CHECKS_DEBUG") == "1":
        traceback.print_exception(error)
    kind = visible(type(error).__name__)[:_LONGEST]
    said = _text(error)
    place = _place(error) or code
    at = f" at {_shown(place[0], here)}:{place[1]}" if place else ""
    return InputError(
        f"{rule}: raised {kind}{f' ({said})' if said else ''}{doing}{at}: mend the rule, then run it again"
    )


def _text(error: BaseException) -> str:
    """Return what an exception says, on one line and of bounded length; what it says of itself may fail too."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - whatever the rule's own exception raises
        return ""
    short = visible(" ".join(text[: _LONGEST * 4].split()))
    return short if len(short) <= _LONGEST else f"{short[: _LONGEST - 1]}…"


def _place(error: BaseException) -> tuple[str, int] | None:
    """Return file and line where a rule's own code was: the innermost that is not ours, and no library's if possible.

    Code that does not parse was nowhere, and says where it is.
    """
    if isinstance(error, SyntaxError) and isinstance(error.filename, str):
        return error.filename, error.lineno or 1
    return min(reversed(list(_frames(error.__traceback__))), key=lambda frame: _distance(frame[0]), default=None)


def _distance(path: str) -> int:
    """Return how far a file is from a project's own: an installed package is nearer than Python's own library."""
    if any(part in path for part in _INSTALLED):
        return 1
    return 2 if path.startswith(_LIBRARY) else 0


def _frames(trace: TracebackType | None) -> Iterator[tuple[str, int]]:
    """Yield file and line of the frames that are not ours, the innermost last."""
    while trace is not None:
        path = trace.tb_frame.f_code.co_filename
        if not path.startswith((_OURS, "<frozen ")):
            yield path, trace.tb_lineno
        trace = trace.tb_next


def _shown(path: str, here: str | None) -> str:
    return visible(path if here is None else path.removeprefix(here.rstrip(os.sep) + os.sep))
