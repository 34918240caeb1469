"""Accept what plainly follows the policy's schema, without the validator, whose import takes longer than all else.

It decides nothing: it accepts only where `jsonschema` finds no error, and whatever else, that is asked.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ops_checks.policy.schema import policy_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Schema = Mapping[str, Any]

_REFERENCE = "#/$defs/"
_NUMBERS = (int, float)  # and no bool, which is an int to Python
#: The types of plain values by their names; a float is never taken for an integer here.
_TYPES = {
    "string": (str,),
    "integer": (int,),
    "number": _NUMBERS,
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


def follows_schema(value: object) -> bool:
    """Return whether a value surely follows the policy's schema; False leaves it open."""
    return _follows(value, policy_schema())


def _follows(value: object, schema: Schema) -> bool:
    checks = ((_CHECKS.get(keyword), wanted) for keyword, wanted in schema.items())
    return all(check is not None and check(value, wanted, schema) for check, wanted in checks)


def _is_of_type(value: object, name: str, _schema: Schema) -> bool:
    return type(value) in _TYPES.get(name, ())


def _is_text_of(value: object, words: list[object], _schema: Schema) -> bool:
    return type(value) is str and value in words


def _matches(value: object, pattern: str, _schema: Schema) -> bool:
    return type(value) is str and re.search(pattern, value) is not None


def _has(value: object, names: list[str], _schema: Schema) -> bool:
    return type(value) is dict and value.keys() >= set(names)


def _has_only_known(value: object, wanted: object, schema: Schema) -> bool:
    return wanted is False and type(value) is dict and value.keys() <= schema["properties"].keys()


def _properties_follow(value: object, properties: Mapping[str, Schema], _schema: Schema) -> bool:
    return type(value) is dict and all(
        name in properties and _follows(each, properties[name]) for name, each in value.items()
    )


def _items_follow(value: object, schema: Schema, _schema: Schema) -> bool:
    return type(value) is list and all(_follows(each, schema) for each in value)


def _refers(value: object, reference: str, _schema: Schema) -> bool:
    return reference.startswith(_REFERENCE) and _follows(value, policy_schema()["$defs"][reference[len(_REFERENCE) :]])


#: Keywords that ask nothing of a value: `jsonschema` checks no format unless it is told to.
_REMARKS = ("$schema", "$id", "$defs", "title", "description", "examples", "deprecated", "format")
#: What must be so for a value to follow a keyword of a schema that has it, and the schema's other keywords. A keyword
#: that is not here is followed by nothing.
_CHECKS: Mapping[str, Callable[[Any, Any, Schema], bool]] = {
    "$ref": _refers,
    "type": _is_of_type,
    "enum": _is_text_of,
    "const": lambda value, word, _: type(value) is str and value == word,
    "anyOf": lambda value, schemas, _: any(_follows(value, schema) for schema in schemas),
    "required": _has,
    "additionalProperties": _has_only_known,
    "properties": _properties_follow,
    "items": _items_follow,
    "minItems": lambda value, least, _: type(value) is list and len(value) >= least,
    "minProperties": lambda value, least, _: type(value) is dict and len(value) >= least,
    "pattern": _matches,
    "minimum": lambda value, least, _: type(value) in _NUMBERS and value >= least,
    "maximum": lambda value, most, _: type(value) in _NUMBERS and value <= most,
    "multipleOf": lambda value, of, _: type(value) in _NUMBERS and value % of == 0,
    **dict.fromkeys(_REMARKS, lambda *_: True),
}
