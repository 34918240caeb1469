"""A saved report → Report, with one clear line for whatever is no report (`ops-checks report FILE`)."""

from __future__ import annotations

import math
import re
from collections import Counter
from functools import cache
from importlib.resources import files
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

from ops_checks.errors import InputError
from ops_checks.findings import Finding, Place, Verdict
from ops_checks.report.model import InputRead, LeftOut, Metric, Report, RuleResult
from ops_checks.report.serialize import SCHEMA_VERSION
from ops_checks.sanitize import visible

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError
    from jsonschema.protocols import Validator

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[-+.\w]+', re.DOTALL)
_EXACT = 20  # characters of a number of 64 bits; longer ones are read as doubles are
_SHOWN = 40  # characters of a file's own text that an error message repeats
_MOST_ERRORS = 1_000  # among which the one that is told is chosen
_ADVICE = "make it again with `ops-checks check -f json=FILE`"
_NAMES = {"object": "an object", "array": "a list", "string": "a text", "integer": "an integer", "number": "a number"}


def report_schema() -> str:
    """Return the JSON Schema (2020-12) of the published report, as text."""
    return files("ops_checks.report").joinpath("schemas", "report.schema.json").read_text(encoding="utf-8")


def parse_report(text: str | bytes, name: str) -> Report:
    """Read a saved report; `name` is its file, for messages.

    Raises InputError, one line with `name`, the line and column or the path inside the JSON:
    not UTF-8, not JSON (cut off, NaN, a key twice, nested too deep), another version, a field
    that is missing or has the wrong type.
    """
    source = _decode(text, name)
    try:
        return from_json(_load(source, name), name)
    except RecursionError:
        raise InputError(f"{name}: no report: nested too deep; {_ADVICE}") from None


def from_json(data: object, name: str = "report") -> Report:
    """Return the Report whose `to_json` is the JSON value `data`.

    Unknown fields are ignored. Raises InputError when `data` does not follow the schema.
    """
    if isinstance(data, dict) and data.get("schema_version", SCHEMA_VERSION) != SCHEMA_VERSION:
        found = _shown(data["schema_version"])
        raise InputError(
            f"{name}: schema_version: this is a report of version {found}, this program reads {SCHEMA_VERSION}; "
            "use the ops-checks that wrote it, or make it again"
        )
    error = _first_error(data)
    if error is not None:
        raise InputError(f"{name}: {_path(error)}: {_explanation(error)}; {_ADVICE}")
    return _report(cast("dict[str, Any]", data))


def _decode(text: str | bytes, name: str) -> str:
    if isinstance(text, str):
        return text.removeprefix("\ufeff")
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        raise InputError(f"{name}:{line}: not UTF-8 (byte {error.start}); {_ADVICE}") from None


class _NotJsonError(ValueError):
    """A text that Python's reader accepts and JSON does not allow; `token` is the offending one, if known."""

    def __init__(self, token: str | None, why: str) -> None:
        super().__init__(why)
        self.token = token


def _load(source: str, name: str) -> object:
    import json

    try:
        return json.loads(
            source, object_pairs_hook=_object, parse_constant=_no_constant, parse_float=_float, parse_int=_int
        )
    except json.JSONDecodeError as error:
        cut = "it ends too early" if error.pos >= len(source.rstrip()) else error.msg[:1].lower() + error.msg[1:]
        raise InputError(f"{name}:{error.lineno}:{error.colno}: not JSON: {cut}; {_ADVICE}") from None
    except _NotJsonError as error:
        place = name if error.token is None else f"{name}:{_position(source, error.token)}"
        raise InputError(f"{place}: not JSON: {error}; {_ADVICE}") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        counts = Counter(key for key, _ in pairs)
        twice = next(key for key, count in counts.items() if count > 1)
        raise _NotJsonError(None, f"the key {_shown(twice)} stands twice in one object")
    return found


def _no_constant(token: str) -> float:
    raise _NotJsonError(token, f"{token} is no number")


def _float(token: str) -> float:
    number = float(token)
    if math.isinf(number):
        raise _NotJsonError(token, f"the number {_shown(token)} is too large")
    return number


def _int(token: str) -> float:
    return int(token) if len(token) <= _EXACT else _float(token)


def _position(source: str, token: str) -> str:
    """Return `line:column` of a token, the first that is not inside a string."""
    start = next((match.start() for match in _TOKEN.finditer(source) if match[0] == token), 0)
    line_start = source.rfind("\n", 0, start) + 1
    return f"{source.count(chr(10), 0, start) + 1}:{start - line_start + 1}"


@cache
def _validator() -> Validator:
    import json

    from ops_checks.report.quick_validator import validator_of

    return validator_of(json.loads(report_schema()))


def _first_error(data: object) -> ValidationError | None:
    from jsonschema.exceptions import best_match

    errors = islice(_validator().iter_errors(cast("Any", data)), _MOST_ERRORS)
    error: ValidationError | None = best_match(errors)
    return error


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
            return f"expected {' or '.join(_NAMES.get(name, name) for name in names)}, found {_shown(found)}"
        case "required":
            missing = [key for key in allowed if key not in found]
            return f"{missing[0]} is missing"
        case "enum":
            return f"expected one of {', '.join(str(value) for value in allowed)}, found {_shown(found)}"
        case "const":
            return f"expected {allowed}, found {_shown(found)}"
        case "minimum" | "maximum":
            return f"{_shown(found)} is out of range ({error.validator} {allowed})"
        case _:
            return f"{_shown(found)} is not of the form {allowed}"


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    text = str(value)
    return visible(text) if len(text) <= _SHOWN else visible(text[:_SHOWN]) + "…"


def _report(data: dict[str, Any]) -> Report:
    return Report(
        tool_version=data["tool"]["version"],
        created_ms=int(data["created_ms"]),
        verdict=Verdict(data["verdict"]),
        exit_code=int(data["exit_code"]),
        inputs=tuple(_input(read) for read in data["inputs"]),
        metrics=tuple(_metric(metric) for metric in data["metrics"]),
        rules=tuple(_rule(rule) for rule in data["rules"]),
        errors=tuple(data["errors"]),
        notes=tuple(data["notes"]),
    )


def _input(data: dict[str, Any]) -> InputRead:
    return InputRead(
        kind=data["kind"],
        path=data["path"],
        state=data["state"],
        rows=_integer(data["rows"]),
        lines=_integer(data["lines"]),
        newest_event=data["newest_event"],
        first_ms=_integer(data["first_ms"]),
        last_ms=_integer(data["last_ms"]),
        note=data["note"],
        counted=_integer(data.get("counted")),
        left_out=_left_out(data.get("left_out")),
    )


def _left_out(data: dict[str, Any] | None) -> LeftOut | None:
    return None if data is None else LeftOut(*(int(data[name]) for name in LeftOut.__struct_fields__))


def _metric(data: dict[str, Any]) -> Metric:
    low, high = _interval(data["interval_95"])
    return Metric(data["name"], data["value"], data["unit"], int(data["samples"]), low, high)


def _rule(data: dict[str, Any]) -> RuleResult:
    low, high = _interval(data["interval_95"])
    return RuleResult(
        id=data["id"],
        title=data["title"],
        help=data["help"],
        group=data["group"],
        severity=data["severity"],
        verdict=Verdict(data["verdict"]),
        message=data["message"],
        value=data["value"],
        operator=data["operator"],
        limit=data["limit"],
        unit=data["unit"],
        samples=_integer(data["samples"]),
        low=low,
        high=high,
        needed=_integer(data["needed"]),
        findings=tuple(_finding(finding) for finding in data["findings"]),
        more_findings=int(data["more_findings"]),
        counts_as=None if data["counts_as"] is None else Verdict(data["counts_as"]),
    )


def _finding(data: dict[str, Any]) -> Finding:
    return Finding(
        rule=data["rule"],
        message=data["message"],
        item=data["item"],
        field=data["field"],
        md=data["md"],
        db=data["db"],
        value=data["value"],
        trace=data["trace"],
        reason=data["reason"],
        places=tuple(_place(place) for place in data["places"]),
        suppressed=data["suppressed"],
        task=data.get("task"),
        owner=data.get("owner"),
        priority=data.get("priority"),
    )


def _place(data: dict[str, Any]) -> Place:
    return Place(data["path"], _integer(data["line"]), _integer(data["column"]), data["table"], data["key"])


def _interval(data: dict[str, Any] | None) -> tuple[float | None, float | None]:
    return (None, None) if data is None else (data["low"], data["high"])


def _integer(value: float | None) -> int | None:
    """Return an integer: to JSON Schema `3.0` is one too."""
    return None if value is None else int(value)
