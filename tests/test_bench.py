"""The benchmark works, and all that it measures come to the same answers. Its bounds are judged by the full run only."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def found() -> dict[str, dict[str, object]]:
    """Run the benchmark on as little as proves that it works, and return what it found by work."""
    command = ["bash", str(ROOT / "ci" / "bench"), "--quick", "--json"]
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV", "PYTEST"))}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=plain | {"PYTHON": sys.executable}, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    return {each["work"]: each for each in json.loads(done.stdout)["works"]}


@pytest.mark.parametrize(
    ("work", "answered"),
    [
        ("kpi", ["ops-checks", "DuckDB", "polars", "json.loads"]),
        ("appended", ["second run", "first run"]),
        ("consistency", ["ops-checks", "polars", "plain loop"]),
        ("drift", ["ops-checks", "polars"]),
        ("status", ["Markdown", "SQLite"]),
        ("workers", ["Markdown", "SQLite"]),
        ("cancel", ["ops-checks"]),
        ("retry", ["ops-checks", "bare sqlite3"]),
        ("check", []),
        ("pytest", []),
    ],
)
def test_answers_agree(found: dict[str, dict[str, object]], work: str, answered: list[str]) -> None:
    """Every contender of a work runs, and those that compute the same come to one answer."""
    answers = found[work]["answers"]
    assert isinstance(answers, dict)
    told = {name: answer for name, answer in answers.items() if answer}
    assert list(told) == answered
    assert all(len(answer) == 1 for answer in told.values())
    assert len({answer[0] for answer in told.values()}) <= 1
    assert found[work]["agree"] is True


def test_drift_is_there(found: dict[str, dict[str, object]]) -> None:
    """The drifted queues differ in every way, so that the answers are no answers to nothing."""
    answers = found["drift"]["answers"]
    assert isinstance(answers, dict)
    assert answers["polars"] == ["missing_in_db=10 missing_in_md=10 field_mismatch=10"]


def test_bounds_are_not_judged(found: dict[str, dict[str, object]]) -> None:
    """A quick run measures what is bounded and judges nothing."""
    bounds = [bound for each in found.values() for bound in each["bounds"]]  # type: ignore[attr-defined] # from JSON
    assert len(bounds) >= 18
    assert {bound["kept"] for bound in bounds} == {None}
