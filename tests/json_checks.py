"""What every JSON document on stdout must be, whichever command printed it."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator

from ops_checks.cli.commands.schema import SCHEMAS

if TYPE_CHECKING:
    from conftest import Told

#: The documents whose schemas are printed under another name than their own.
_NAMES = {"reconcile-plan": "plan", "reconcile-result": "result"}


@cache
def validator(name: str) -> Draft202012Validator:
    """Return what validates documents against the schema of a name."""
    schema = json.loads(SCHEMAS[name]())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def assert_answered(told: Told) -> dict[str, Any]:
    """Assert that stdout is one document that holds to its schema, and says what stderr and exit code say; return it.

    A plan and a report are files, and know no exit code or no remarks of the command that prints them.
    """
    data: dict[str, Any] = json.loads(told.out)
    if "$schema" in data:
        return data  # a schema itself
    name = data["schema"].split("/")[1] if "schema" in data else "report"
    error = next(validator(_NAMES.get(name, name)).iter_errors(data), None)
    assert error is None, f"{name}: {error.json_path}: {error.message}"
    if name in ("report", "reconcile-plan"):
        return data
    assert data["exit_code"] == told.code
    lines = told.err.splitlines()
    for prefix, found in (("error: ", _errors(data)), ("warning: ", data["warnings"]), ("note: ", data["notes"])):
        assert found == [line.removeprefix(prefix) for line in lines if line.startswith(prefix)]
    return data


def _errors(data: dict[str, Any]) -> list[str]:
    first = [data["message"]] if data["schema"] == "ops-checks/error/1" else []
    return first + [each["message"] for each in data["errors"]]
