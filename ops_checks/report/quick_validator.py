"""Validate long arrays quickly: elements that surely follow their schema are not looked at by jsonschema.

That takes a hundred microseconds for each finding, and a report may list a hundred thousand of them. The types that
msgspec converts to are made of the schema, so that there is one source of what a report is; whatever they do not accept
is left to jsonschema, which alone says what is wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Union

from jsonschema import Draft202012Validator
from jsonschema.validators import extend
from msgspec import UNSET, Meta, UnsetType, convert, defstruct
from msgspec import ValidationError as ConversionError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jsonschema.exceptions import ValidationError
    from jsonschema.protocols import Validator

    Schema = Mapping[str, Any]

_BOUNDS = {"minimum": "ge", "maximum": "le"}


def validator_of(schema: Schema) -> Validator:
    """Return a validator of a schema that finds what `Draft202012Validator` finds."""
    types: dict[str, Any] = {}

    def items(validator: Any, element: Schema, array: object, _schema: Schema) -> Iterator[ValidationError]:  # noqa: ANN401 - jsonschema's own class
        if not isinstance(array, list):
            return
        kind = types.get(str(element)) or types.setdefault(str(element), _type_of(element, schema))
        if _converts(array, list[kind]):  # type: ignore[valid-type] # made here
            return
        for at, each in enumerate(array):
            if not _converts(each, kind):
                yield from validator.descend(each, element, path=at)

    extended: Any = extend(Draft202012Validator, {"items": items})  # type: ignore[no-untyped-call] # jsonschema's
    validator: Validator = extended(schema)
    return validator


def _converts(value: object, kind: Any) -> bool:  # noqa: ANN401 - a type that is made here
    try:
        convert(value, kind)
    except (ConversionError, UnicodeError):  # of half a surrogate pair where one of some words is expected
        return False
    return True


def _type_of(schema: Schema, root: Schema) -> Any:  # noqa: ANN401 - a type
    """Return a type that accepts nothing but what a schema accepts."""
    if "$ref" in schema:
        return _type_of(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    if "const" in schema:
        return Literal[schema["const"]]
    if "enum" in schema:
        return Literal[tuple(schema["enum"])]
    if "oneOf" in schema:  # of null and something else: both at once is not possible
        return Union[tuple(_type_of(part, root) for part in schema["oneOf"])]  # noqa: UP007 - of a tuple
    names = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    return Union[tuple(_plain_type(name, schema, root) for name in names)]  # noqa: UP007 - of a tuple


def _plain_type(name: str, schema: Schema, root: Schema) -> Any:  # noqa: ANN401 - a type
    bounds = {bound: schema[key] for key, bound in _BOUNDS.items() if key in schema}
    match name:
        case "null" | "boolean":
            return None if name == "null" else bool
        case "string":
            return Annotated[str, Meta(pattern=schema.get("pattern"), min_length=schema.get("minLength"))]
        case "integer":  # 3.0 is one too
            return Annotated[int, Meta(**bounds)] | Annotated[float, Meta(multiple_of=1, **bounds)]
        case "number":
            return Annotated[float, Meta(**bounds)]
        case "array":
            return list[_type_of(schema["items"], root)]  # type: ignore[misc] # made here
        case _:
            return _struct_of(schema, root)


def _struct_of(schema: Schema, root: Schema) -> Any:  # noqa: ANN401 - a type
    if "properties" not in schema:
        return dict[_type_of(schema["propertyNames"], root), _type_of(schema["additionalProperties"], root)]  # type: ignore[misc] # made here
    required, optional = [], []
    for number, (name, part) in enumerate(schema["properties"].items()):
        kind = _type_of(part, root)
        if name in schema.get("required", ()):
            required.append((f"f{number}", kind))
        else:
            optional.append((f"f{number}", kind | UnsetType, UNSET))
    renamed = {f"f{number}": name for number, name in enumerate(schema["properties"])}
    strict = schema.get("additionalProperties") is False
    return defstruct("Element", [*required, *optional], rename=renamed.get, forbid_unknown_fields=strict)
