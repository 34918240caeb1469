"""Validate a document against the policy's schema and the rules that a schema cannot express."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ops_checks.policy.crosschecks import crosschecks
from ops_checks.policy.document import Problem
from ops_checks.policy.scalars import UNKNOWN
from ops_checks.policy.schema import policy_schema
from ops_checks.policy.yaml_reader import short
from ops_checks.sanitize import visible
from ops_checks.stores.secrets import may_hold_secret
from ops_checks.suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from jsonschema import ValidationError

    from ops_checks.policy.document import Path, YamlDocument


def problems(document: YamlDocument) -> list[Problem]:
    """Return all problems of a document in the order of the text; none for a valid policy."""
    found = list(document.problems)
    if document.value is not UNKNOWN:
        found += _against_schema(document)
        found += [_at(document, path, message) for path, message in crosschecks(document.value)]
    once = dict.fromkeys(found)  # jsonschema reports each missing key by itself, and they are rendered together
    return sorted(once, key=lambda problem: problem.offset)


def rendered(document: YamlDocument, found: Iterable[Problem], name: str) -> list[str]:
    """Return problems as lines `file:line:column: dotted.path: what is wrong, what is allowed`."""
    lines = []
    for problem in found:
        line, column = document.line_column(problem.offset)
        lines.append(f"{visible(name)}:{line}:{column}: {dotted(problem.path)}: {problem.message}")
    return lines


def dotted(path: Path) -> str:
    """Return a path in dotted notation: `kpi.thresholds.failure_rate.max`, `waivers.0.expires`."""
    return ".".join(short(str(part)) for part in path) or "top level"


def _at(document: YamlDocument, path: Path, message: str, *, key: bool = False) -> Problem:
    offsets = document.offsets.get(path)
    offset = 0 if offsets is None else offsets.key if key else offsets.value
    return Problem(offset, path, message)


def _against_schema(document: YamlDocument) -> Iterator[Problem]:
    from jsonschema import Draft202012Validator

    for error in Draft202012Validator(policy_schema()).iter_errors(document.value):
        for cause in _causes(error):
            if cause.instance is not UNKNOWN:
                yield from _problems_of(document, cause)


def _causes(error: ValidationError) -> Iterator[ValidationError]:
    """Yield the causes of an error: of an `anyOf`, those of the one branch whose type fits, if there is one."""
    branches: dict[int, list[ValidationError]] = {}
    for inner in error.context or ():
        branches.setdefault(int(inner.schema_path[0]), []).append(inner)
    fitting = [inner for inner in branches.values() if not any(_is_type_error(each) for each in inner)]
    if len(fitting) == 1:
        for inner_error in fitting[0]:
            yield from _causes(inner_error)
    else:
        yield error


def _is_type_error(error: ValidationError) -> bool:
    return not error.relative_path and error.validator in ("type", "const", "enum")


def _problems_of(document: YamlDocument, error: ValidationError) -> Iterator[Problem]:
    path: Path = tuple(error.absolute_path)
    schema: Any = error.schema
    instance: Any = error.instance
    if error.validator == "additionalProperties":
        allowed = tuple(schema["properties"])
        for key in instance:
            if key not in allowed:
                yield _at(document, (*path, key), _unknown_key(key, allowed), key=True)
    elif error.validator == "required":
        missing = [key for key in schema["required"] if key not in instance]
        yield _at(document, path, f"lacks {', '.join(missing)}; expected {_expected(schema)}")
    else:
        yield _at(document, path, _not_allowed(instance, schema))


def _unknown_key(key: str, allowed: tuple[str, ...]) -> str:
    return f"unknown key{did_you_mean(key, allowed)}; allowed: {', '.join(allowed)}"


def _not_allowed(value: object, schema: Mapping[str, Any]) -> str:
    words = [*schema.get("enum", ()), *(branch.get("const", "") for branch in schema.get("anyOf", ()))]
    suggestion = did_you_mean(value, words) if isinstance(value, str) else ""
    return f"{_as_yaml(value)} is not allowed; expected {_expected(schema)}{suggestion}"


def _expected(schema: Mapping[str, Any]) -> str:
    """Return the description of what a schema allows: its title, which completes "expected …"."""
    title = str(schema.get("title", schema.get("type", "another value")))
    if "enum" in schema and "`" not in title:
        title += f" ({', '.join(schema['enum'])})"
    return title


def _as_yaml(value: object) -> str:
    """Return a value as YAML writes it, cut short; text in quotes, so that `"0.2"` differs from 0.2."""
    if isinstance(value, str):
        return "a text" if may_hold_secret(value) else f'"{short(value)}"'
    if isinstance(value, dict):
        return "a mapping" if value else "an empty mapping"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    return "nothing" if value is None else short(json.dumps(value))
