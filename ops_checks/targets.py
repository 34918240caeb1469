"""Where a rendered report goes: appended to a file that others write to as well, or in place of one, in one step."""

from __future__ import annotations

import os

from ops_checks.atomic import put_file
from ops_checks.errors import WriteError
from ops_checks.text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class Document(str):
    """Text in a format of its own, to be written as it is: its format has made it safe."""

    __slots__ = ()


def write_target(path: str, text: str, *, append: bool) -> None:
    """Write a rendered report to a file. Raises WriteError; then a file that was to be replaced is as it was."""
    if append:
        _append(path, text.encode())
    else:
        put_file(path, text.encode())


def _append(path: str, data: bytes) -> None:
    """Append in one write, so that what several programs append does not run together."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        fd = os.open(path, flags, 0o666)
        try:
            if os.write(fd, data) != len(data):
                raise WriteError(f"{visible(path)}: written only in part: check the disk")
        finally:
            os.close(fd)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise WriteError(f"{visible(path)}: cannot be written ({reason}): check the path and the disk") from error


def repository_root(folder: str, environ: Mapping[str, str]) -> str:
    """Return the folder that CI systems want paths relative to: what they say it is, or the nearest with a `.git`.

    No tool is asked: a repository of somebody else could tell it to run anything.
    """
    for name in ("GITHUB_WORKSPACE", "CI_PROJECT_DIR"):
        if environ.get(name):
            return environ[name]
    here = folder
    while not os.path.lexists(os.path.join(here, ".git")):
        above = os.path.dirname(here)
        if above == here:
            return folder
        here = above
    return here
