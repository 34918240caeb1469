"""Read JSON from outside that follows a published schema, with one clear line for whatever does not."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

from ops_checks.errors import InputError
from ops_checks.sanitize import visible

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError
    from jsonschema.protocols import Validator

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[-+.\w]+', re.DOTALL)
_EXACT = 20  # characters of a number of 64 bits; longer ones are read as doubles are
_SHOWN = 40  # characters of a file's own text that an error message repeats
_MOST_ERRORS = 1_000  # among which the one that is told is chosen
_NAMES = {"object": "an object", "array": "a list", "string": "a text", "integer": "an integer", "number": "a number"}


class Published:
    """A kind of document with a published JSON Schema (2020-12): its `noun` and `advice` are for messages."""

    def __init__(self, noun: str, schema: str, advice: str) -> None:
        self.schema = schema
        self._noun = noun
        self._advice = advice

    def load(self, text: str | bytes, name: str) -> object:
        """Return the JSON value of a text that need not follow the schema; `name` is its file, for messages.

        Raises InputError, one line with the name, line and column: not UTF-8, not JSON (cut off, NaN, a key twice,
        nested too deep).
        """
        try:
            source = _decoded(text)
            return json.loads(
                source, object_pairs_hook=_object, parse_constant=_no_constant, parse_float=_float, parse_int=_int
            )
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            raise self._error(f"{name}:{line}", f"not UTF-8 (byte {error.start})") from None
        except json.JSONDecodeError as error:
            cut = "it ends too early" if error.pos >= len(source.rstrip()) else error.msg[:1].lower() + error.msg[1:]
            raise self._error(f"{name}:{error.lineno}:{error.colno}", f"not JSON: {cut}") from None
        except _NotJsonError as error:
            place = name if error.token is None else f"{name}:{_position(source, error.token)}"
            raise self._error(place, f"not JSON: {error}") from None
        except RecursionError:
            raise self._error(name, f"no {self._noun}: nested too deep") from None

    def must_follow(self, data: object, name: str) -> None:
        """Raise InputError, one line with the name and the path inside the JSON, unless it follows the schema."""
        from jsonschema.exceptions import best_match

        try:
            error = best_match(islice(self._validator.iter_errors(cast("Any", data)), _MOST_ERRORS))
        except RecursionError:
            raise self._error(name, f"no {self._noun}: nested too deep") from None
        if error is not None:
            raise self._error(f"{name}: {_path(error)}", _explanation(error))

    @cached_property
    def _validator(self) -> Validator:
        from ops_checks.report.quick_validator import validator_of

        return validator_of(json.loads(self.schema))

    def _error(self, place: str, what: str) -> InputError:
        return InputError(f"{place}: {what}; {self._advice}")


def _decoded(text: str | bytes) -> str:
    return text.removeprefix("\ufeff") if isinstance(text, str) else text.decode("utf-8-sig")


class _NotJsonError(ValueError):
    """A text that Python's reader accepts and JSON does not allow; `token` is the offending one, if known."""

    def __init__(self, token: str | None, why: str) -> None:
        super().__init__(why)
        self.token = token


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        counts = Counter(key for key, _ in pairs)
        twice = next(key for key, count in counts.items() if count > 1)
        raise _NotJsonError(None, f"the key {shown(twice)} stands twice in one object")
    return found


def _no_constant(token: str) -> float:
    raise _NotJsonError(token, f"{token} is no number")


def _float(token: str) -> float:
    number = float(token)
    if math.isinf(number):
        raise _NotJsonError(token, f"the number {shown(token)} is too large")
    return number


def _int(token: str) -> float:
    return int(token) if len(token) <= _EXACT else _float(token)


def _position(source: str, token: str) -> str:
    """Return `line:column` of a token, the first that is not inside a string."""
    start = next((match.start() for match in _TOKEN.finditer(source) if match[0] == token), 0)
    line_start = source.rfind("\n", 0, start) + 1
    return f"{source.count(chr(10), 0, start) + 1}:{start - line_start + 1}"


def _path(error: ValidationError) -> str:
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path)
    return visible("".join(steps).removeprefix(".")) or "the whole"


def _explanation(error: ValidationError) -> str:
    """Return the error in a few words: the library's own message would repeat the value, however large."""
    allowed: Any = error.validator_value
    found: Any = error.instance
    match error.validator:
        case "type":
            names = [allowed] if isinstance(allowed, str) else allowed
            return f"expected {' or '.join(_NAMES.get(name, name) for name in names)}, found {shown(found)}"
        case "required":
            missing = [key for key in allowed if key not in found]
            return f"{missing[0]} is missing"
        case "enum":
            return f"expected one of {', '.join(str(value) for value in allowed)}, found {shown(found)}"
        case "const":
            return f"expected {allowed}, found {shown(found)}"
        case "minimum" | "maximum":
            return f"{shown(found)} is out of range ({error.validator} {allowed})"
        case _:
            return f"{shown(found)} is not of the form {allowed}"


def shown(value: object) -> str:
    """Return a JSON value in a few characters, safe to print."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    text = str(value)
    return visible(text) if len(text) <= _SHOWN else visible(text[:_SHOWN]) + "…"
