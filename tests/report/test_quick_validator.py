"""Validating long arrays quickly: nothing is overlooked, and the errors are those that jsonschema finds."""

from __future__ import annotations

import copy
import json
import random

import pytest
from jsonschema import Draft202012Validator
from report_samples import MISMATCH, report, rule

from ops_checks.findings import Verdict
from ops_checks.report.parse import report_schema
from ops_checks.report.quick_validator import validator_of
from ops_checks.report.serialize import to_json

SCHEMA = json.loads(report_schema())
REPORT = json.loads(json.dumps(to_json(report(rule("field-mismatch", Verdict.FAIL, *[MISMATCH] * 3, message="m")))))
QUICK, PLAIN = validator_of(SCHEMA), Draft202012Validator(SCHEMA)
VALUES = [
    None,
    True,
    False,
    0,
    -1,
    1,
    3.0,
    3.5,
    -3.0,
    1e300,
    10**25,
    "",
    "x",
    "pass",
    "error",
    "\ud800",
    "a\n",
    [],
    {},
    [1],
]


def found(validator, data):
    """Return place and keyword of every error."""
    return [(list(error.absolute_path), error.validator, error.message) for error in validator.iter_errors(data)]


def mutated(seed):
    """Return a report with a few values replaced, taken out or added."""
    chance = random.Random(seed)
    data = copy.deepcopy(REPORT)
    for _ in range(chance.choice((1, 1, 2, 4))):
        node = data
        while True:
            keys = list(node) if isinstance(node, dict) else list(range(len(node)))
            if not keys:
                break
            key = chance.choice(keys)
            if isinstance(node[key], dict | list) and node[key] and chance.random() < 0.85:
                node = node[key]
                continue
            if chance.random() < 0.2:
                del node[key]
            elif isinstance(node, dict) and chance.random() < 0.1:
                node["more"] = 1
            else:
                node[key] = chance.choice(VALUES)
            break
    return data


def test_a_report_is_valid():
    """A report of ours has no errors."""
    assert found(QUICK, REPORT) == []


@pytest.mark.parametrize("seed", range(8))
def test_the_errors_are_those_of_jsonschema(seed):
    """Whatever is changed in a report, the same errors are found in the same order."""
    for number in range(150):
        data = mutated(f"{seed} {number}")
        assert found(QUICK, data) == found(PLAIN, data)
