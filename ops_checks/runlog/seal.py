"""The files of the log cache: sealed with a secret of this user, so that only what this user wrote is ever believed.

A cache lies beside its log, where others may be able to write; a forged one would change what a
gate says.
"""

from __future__ import annotations

import os
import stat
from hashlib import blake2b
from typing import TYPE_CHECKING, TypeVar

from msgspec import DecodeError, ValidationError, msgpack

from ops_checks.atomic import let_go, put_file
from ops_checks.errors import WriteError
from ops_checks.runlog import CACHE_SUFFIX

if TYPE_CHECKING:
    from collections.abc import Iterable

Content = TypeVar("Content")

#: A cache that takes more bytes is not kept: reading the log again costs less than it promises.
LARGEST = 256 << 20

_SECRET_BYTES = 32
_SEAL_BYTES = 32
#: The number goes up with every change to what is kept and to what it counts: an older cache is then read anew.
_MAGIC = b"ops-checks log cache 1\n"
_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC


def places(path: str, home: str) -> list[str]:
    """Return where the cache of a log may lie: beside it, or in the user's cache folder if nothing can be put there."""
    beside = path + CACHE_SUFFIX
    if not home:
        return [beside]
    name = blake2b(os.fsencode(os.path.realpath(path)), digest_size=16).hexdigest()
    return [beside, os.path.join(home, "ops-checks", name + CACHE_SUFFIX)]


def secret(home: str) -> bytes | None:
    """Return this user's secret, made at the first call; None if it can neither be read nor made."""
    if not home:
        return None
    path = os.path.join(home, "ops-checks", "secret")
    try:
        if not os.path.lexists(path):
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            _make_secret(path)
    except (OSError, ValueError):
        return None
    known = _content(path, _SECRET_BYTES)
    return known if isinstance(known, bytes) and len(known) == _SECRET_BYTES else None


def _make_secret(path: str) -> None:
    """Put a new secret at a path, whole.

    Of two that are made at once the later one stays; a cache sealed with the other is made anew, and that is all.
    """
    temporary = f"{path}.{os.urandom(8).hex()}"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, os.urandom(_SECRET_BYTES))
        os.rename(temporary, path)
    finally:
        let_go(descriptor)


def unsealed(path: str, key: bytes, kind: type[Content]) -> Content | str:
    """Return the content of a cache, or why there is none."""
    data = _content(path, LARGEST)
    if isinstance(data, str):
        return data
    start = len(_MAGIC) + _SEAL_BYTES
    seal, body = data[len(_MAGIC) : start], data[start:]
    if not data.startswith(_MAGIC):
        return "it is no cache of this version"
    if seal != _seal(body, key):
        return "it is damaged, or another user wrote it"
    try:
        return msgpack.decode(body, type=kind)
    except (DecodeError, ValidationError):
        return "it is no cache of this version"


def write(content: object, places: Iterable[str], key: bytes) -> str | None:
    """Write a cache to the first of the places that takes it; return why none does, or None."""
    body = msgpack.encode(content)
    if len(body) > LARGEST - _SEAL_BYTES - len(_MAGIC):
        return f"it would take more than {LARGEST >> 20} MB"
    problems = []
    for place in places:
        try:
            if os.path.lexists(place) and not stat.S_ISREG(os.lstat(place).st_mode):
                problems.append("something else stands in its place")
                continue
            put_file(place, _MAGIC + _seal(body, key) + body)
        except WriteError as error:
            problems.append(error.message)
        except OSError as error:
            problems.append(str(error.strerror))
        else:
            return None
    return problems[0] if problems else None


def _seal(body: bytes, key: bytes) -> bytes:
    return blake2b(body, digest_size=_SEAL_BYTES, key=key).digest()


def _content(path: str, most: int) -> bytes | str:
    """Return what a regular file holds, up to `most` bytes, or why it does not."""
    try:
        descriptor = os.open(path, _FLAGS)
    except (OSError, ValueError) as error:
        return f"it cannot be read ({getattr(error, 'strerror', None) or error})"
    try:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            return "it is no regular file"
        if state.st_size > most:
            return "it is too large"
        with os.fdopen(os.dup(descriptor), "rb") as file:
            return file.read(most)
    except OSError as error:
        return f"it cannot be read ({error.strerror})"
    finally:
        let_go(descriptor)
