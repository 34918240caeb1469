"""Snapshot files as anybody can write them: changed, with a digest of their own."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def signed(data: dict[str, Any]) -> bytes:
    """Return a document with the digest that the schema describes, computed without any code of ours."""
    rest = {name: value for name, value in data.items() if name != "digest"}
    canonical = json.dumps(rest, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    return json.dumps({**rest, "digest": "sha256:" + hashlib.sha256(canonical).hexdigest()}).encode()


def forged(data: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    """Return a snapshot that somebody has changed and signed anew."""
    found = json.loads(data)
    change(found)
    return signed(found)
