"""No output is written over an input, over another output, or over what is no report of its format (SAFETY).

A file is what its device and inode say, so that a symlink, a hard link or another spelling of its path hides nothing.
Where there is no file yet, it is its folder's device and inode and the name in it.

Commands that must start fast import this, so it imports next to nothing.
"""

from __future__ import annotations

import os
import stat

from ops_checks.errors import UsageError
from ops_checks.files.safe_open import FileKind, close_quietly, not_read, open_regular
from ops_checks.sanitize import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    Identity = tuple[object, ...]

#: How much of an existing file is looked at to find out what it is.
HEAD_BYTES = 512

#: What `…` stands for in the beginning of a document: any text without a quote that is not escaped.
_GAP = rb'(?:[^"\\]|\\.|\\\Z)*'
_OLD_REPORT = FileKind("report", "name another file", wrong_path=UsageError)
_STREAMS = ((1, "stdout"), (2, "stderr"))


class Output:
    """A file that is to be written, and the option that names it, for messages.

    `begins`: how the documents begin that it may replace, see `is_own_kind`; empty for a file that is appended to.
    """

    __slots__ = ("begins", "option", "path")

    def __init__(self, option: str, path: str, begins: tuple[str, ...] = ()) -> None:
        self.option = option
        self.path = path
        self.begins = begins


class OutputGuard:
    """Guard the outputs of one run against each other and against its inputs.

    `inputs` returns the paths of all inputs; it is called for each look, because a run log may have been rotated.
    """

    def __init__(self, inputs: Callable[[], Iterable[str]], outputs: Sequence[Output] = ()) -> None:
        self._inputs = inputs
        self._outputs = outputs

    def check(self) -> None:
        """Look at every output. Raises UsageError."""
        for output in self._outputs:
            self.look(output)

    def look(self, output: Output) -> os.stat_result | None:
        """Return the state of the file that an output would write to, None where there is none.

        Raises UsageError if it is an input, if another output of the run would replace it, or if it is to be replaced
        and is no document of its kind. Anything but a regular file holds nothing that could be lost.
        """
        state = _stat(output.path)
        if state is not None and not stat.S_ISREG(state.st_mode):
            return state
        mine = _identity(output.path)
        for path in self._inputs():
            if _identity(path) == mine:
                raise UsageError(f"{output.option}: {_named(output.path, path)} is an input: name another file")
        for other in self._outputs:
            if other is not output and (other.begins or output.begins) and _identity(other.path) == mine:
                raise UsageError(
                    f"{output.option}: {_named(output.path, other.path)} is written for {other.option} too: "
                    "name another file"
                )
        return _replaceable(output) if state and output.begins else state

    def check_streams(self) -> None:
        """Check what stdout and stderr were redirected to. Raises UsageError if that is an input.

        If it is stderr's, stderr leads to where stdout leads from then on: not even the message is written there.
        """
        redirected = [(number, name, state) for number, name in _STREAMS if (state := _regular(number))]
        if not redirected:
            return
        inputs = {_identity(path): path for path in self._inputs()}
        found = [(number, name, inputs.get(_inode(state))) for number, name, state in redirected]
        hit = [(number, name, path) for number, name, path in found if path is not None]
        _lead_away([number for number, _, _ in hit])
        for _, name, path in hit:
            raise UsageError(f"{name}: goes to {visible(path)}, which is an input: redirect it to another file")

    def is_input(self, descriptor: int) -> bool:
        """Return whether a descriptor leads to an input."""
        state = _regular(descriptor)
        return state is not None and _inode(state) in map(_identity, self._inputs())


def is_own_kind(head: bytes, begins: Iterable[str], *, whole: bool) -> bool:
    """Return whether the first bytes of a file are how one of these texts begins.

    White space does not count, and `…` stands for any text without a quote. `whole`: the head is the whole file; it
    may then end before the text does, as a report does whose writing was cut short.
    """
    import re

    squeezed = b"".join(head.split())
    for text in begins:
        pieces = [_GAP if char == "…" else re.escape(char.encode()) for char in "".join(text.split())]
        ends = [end for end in range(len(pieces)) if whole or (end and pieces[end - 1] is _GAP)]
        patterns = [b"".join(pieces), *(b"".join(pieces[:end]) + rb"\Z" for end in ends)]
        if re.match(b"|".join(patterns), squeezed, re.DOTALL):
            return True
    return False


def _replaceable(output: Output) -> os.stat_result:
    """Return the state of a regular file that a document may replace: it is empty, or of the same kind."""
    fd, state = open_regular(output.path, _OLD_REPORT)
    try:
        head = os.pread(fd, HEAD_BYTES, 0)
    except OSError as error:
        raise not_read(output.path, error) from error
    finally:
        close_quietly(fd)
    if not is_own_kind(head, output.begins, whole=state.st_size <= HEAD_BYTES):
        raise UsageError(
            f"{output.option}: {visible(output.path)} holds something else than such a report, and is kept: "
            "name another file"
        )
    return state


def _stat(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except (OSError, ValueError):  # the write tells why, if it fails too
        return None


def _identity(path: str) -> Identity:
    """Return what is equal for all paths of a file."""
    state = _stat(path)
    if state is not None:
        return _inode(state)
    try:
        folder, name = os.path.split(os.path.realpath(path))
    except (OSError, ValueError):
        return (path,)
    above = _stat(folder)
    return (folder, name) if above is None else (*_inode(above), name)


def _inode(state: os.stat_result) -> Identity:
    return (state.st_dev, state.st_ino)


def _named(path: str, other: str) -> str:
    return visible(path) if os.path.normpath(path) == os.path.normpath(other) else f"{visible(path)} ({visible(other)})"


def _regular(descriptor: int) -> os.stat_result | None:
    """Return the state of an open regular file; None for a pipe, a terminal, or a descriptor that is closed."""
    try:
        state = os.fstat(descriptor)
    except OSError:
        return None
    return state if stat.S_ISREG(state.st_mode) else None


def _lead_away(descriptors: Sequence[int]) -> None:
    """Lead stderr, if it is one of these descriptors, to where stdout leads, or to nowhere if that is one too."""
    if 2 not in descriptors:  # noqa: PLR2004 - the number of stderr
        return
    nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    os.dup2(nowhere if 1 in descriptors else 1, 2)
    close_quietly(nowhere)
