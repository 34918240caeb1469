"""What was there before a plan was applied, as a record in the database keeps it for undo (RECONCILE section 10)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ops_checks.errors import InputError
from ops_checks.sanitize import visible

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ops_checks.stores.baseline import PlanRecord

_HEX = "hex"
_PARTS = {"applied", "rows", "above", "base"}


def images_text(images: Mapping[str, Any]) -> str:
    """Return what was there before as the JSON of a record; bytes, which a column may hold, as their hex digits."""
    return json.dumps(images, ensure_ascii=False, default=lambda value: {_HEX: value.hex()})


def images_of(record: PlanRecord) -> dict[str, Any]:
    """Return what was there before a plan was applied, from its record. Raises InputError for a damaged one."""
    try:
        images = json.loads(record.before_json, object_hook=_with_bytes)
    except (ValueError, RecursionError):
        images = None
    if not isinstance(images, dict) or not images.keys() >= _PARTS:
        raise InputError(f"the record of the plan {visible(record.plan_id)} is damaged: restore it from a copy")
    return images


def _with_bytes(found: dict[str, Any]) -> object:
    return bytes.fromhex(found[_HEX]) if found.keys() == {_HEX} else found
