"""Find the logs that are a copy or the beginning of another one (FORMATS section 4)."""

from __future__ import annotations

import os
from contextlib import ExitStack

from ops_checks.errors import InputError
from ops_checks.runlog.line_reader import decompress, detect_compression, open_log, range_reader
from ops_checks.sanitize import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    #: Opens a log on a stack; returns what returns its bytes, unpacked, one piece after the other. Raises InputError.
    Content = Callable[[ExitStack, str], Callable[[], bytes]]

#: Logs whose first bytes differ are told apart by them; only others are compared to their end.
_HEAD_BYTES = 256
_STEP_BYTES = 1 << 20
_NAMED = 3  # logs that a remark names


def find_copies(paths: Sequence[str], content: Content | None = None) -> dict[str, str]:
    """Return the logs that need not be read, each with the one that has all its bytes.

    The bytes of a packed log are those that it unpacks to. Of equal logs the first plain one is kept; an empty log is
    the beginning of none. One that cannot be read is kept: reading it says why. `content` opens what is no file of
    this machine.
    """
    content = content or file_content
    heads = {path: head for path in paths if (head := _head(path, content))} if len(paths) > 1 else {}
    begins = _by_beginning(heads)
    within: dict[str, str] = {}
    order = {path: (path.endswith((".gz", ".zst")), number) for number, path in enumerate(paths)}
    for path, head in heads.items():
        for other in begins[head]:
            if other != path and other not in within and path not in within:
                ends = _compare(path, other, content)
                if ends[0] and not (ends[1] and order[path] < order[other]):
                    within[path] = other
    return within


def _by_beginning(heads: dict[str, bytes]) -> dict[bytes, list[str]]:
    """Return the logs that begin with the head of each log."""
    found: dict[bytes, list[str]] = {head: [] for head in heads.values()}
    lengths = {len(head) for head in found}
    for path, head in heads.items():
        for begin in {head[:length] for length in lengths if length <= len(head)}:
            if begin in found:
                found[begin].append(path)
    return found


def _head(path: str, content: Content) -> bytes:
    try:
        with ExitStack() as stack:
            read = content(stack, path)
            head = b""
            while len(head) < _HEAD_BYTES and (data := read()):
                head += data
            return head[:_HEAD_BYTES]
    except InputError:
        return b""


def _compare(path: str, other: str, content: Content) -> tuple[bool, bool]:
    """Return whether the first log is the beginning of the second, and whether the second is that of the first."""
    try:
        with ExitStack() as stack:
            return _compare_content(content(stack, path), content(stack, other))
    except InputError:
        return False, False


def _compare_content(first: Callable[[], bytes], second: Callable[[], bytes]) -> tuple[bool, bool]:
    left = right = memoryview(b"")
    while True:
        left, right = left or memoryview(first()), right or memoryview(second())
        if not (left and right):
            return not left, not right
        size = min(len(left), len(right))
        if left[:size] != right[:size]:
            return False, False
        left, right = left[size:], right[size:]


def file_content(stack: ExitStack, path: str) -> Callable[[], bytes]:
    """Return what returns the bytes of a log, unpacked, one piece after the other. Raises InputError."""
    descriptor = stack.enter_context(open_log(path))
    compression = detect_compression(path, descriptor)
    if compression:
        return stack.enter_context(decompress(path, descriptor, compression, _STEP_BYTES))
    return range_reader(path, descriptor, 0, os.fstat(descriptor).st_size, _STEP_BYTES)


def without_copies(paths: Sequence[str], remark: Callable[[str], object], content: Content | None = None) -> list[str]:
    """Return the logs without those that need not be read; `remark` gets a line about these."""
    within = find_copies(paths, content)
    if within:
        remark(f"a log that is a copy or the beginning of another was read once: {_pairs(within)}")
    return [path for path in paths if path not in within]


def _pairs(within: dict[str, str]) -> str:
    shown: Iterable[tuple[str, str]] = list(within.items())[:_NAMED]
    more = f", and {len(within) - _NAMED} more" if len(within) > _NAMED else ""
    return ", ".join(f"{visible(path)} is in {visible(other)}" for path, other in shown) + more
