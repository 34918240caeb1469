"""The background of a report ↔ its part of the published JSON, field by field under the names of its records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct, ValidationError, convert

from ops_checks.errors import InputError
from ops_checks.report.background import Background
from ops_checks.sanitize import visible

if TYPE_CHECKING:
    from collections.abc import Callable


def background_json(background: Background, number: Callable[[float], float | None]) -> dict[str, Any]:
    """Return a background as the JSON object of the schema's `background`; `number` makes a number one of JSON's."""

    def plain(value: object) -> Any:  # noqa: ANN401 - a JSON value
        if isinstance(value, Struct):
            return {name: plain(getattr(value, name)) for name in value.__struct_fields__}
        if isinstance(value, tuple):
            return [plain(each) for each in value]
        return number(value) if isinstance(value, int | float) else value

    published: dict[str, Any] = plain(background)
    return published


def parse_background(data: dict[str, Any] | None, name: str) -> Background | None:
    """Return the background of which `background_json` returned the object, which follows the schema; None for none.

    Raises InputError, with `name`, for an integer that is too large: `1e300` is one to JSON Schema.
    """
    try:  # not strict: to JSON Schema `3.0` is an integer too
        return None if data is None else convert(data, Background, strict=False)
    except ValidationError as error:
        raise InputError(f"{visible(name)}: background: {visible(str(error))}: make the report again") from error
