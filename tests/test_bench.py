from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

#: Who answers in each work: all who compute the same.
ANSWERED = {
    "kpi": ["ops-checks", "DuckDB", "polars", "json.loads"],
    "consistency": ["ops-checks", "polars", "plain loop"],
    "drift": ["ops-checks", "polars"],
    "status": ["Markdown", "SQLite"],
    "workers": ["Markdown", "SQLite"],
    "completion": ["Markdown", "SQLite"],
    "cancel": ["ops-checks"],
    "retry": ["ops-checks", "bare sqlite3"],
    "check": [],
    "pytest": [],
}


def test_quick_run() -> None:
    """A quick run of the benchmark measures every work, judges none, and all contenders come to the same answers.

    One test for all of it, so that two worker processes do not make its environments at once.
    """
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV", "PYTEST"))}
    command = ["bash", str(ROOT / "ci" / "bench"), "--quick", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=plain | {"PYTHON": sys.executable})
    assert done.returncode == 0, done.stderr
    works = json.loads(done.stdout)["works"]
    answers = {work["work"]: {name: told for name, told in work["answers"].items() if told} for work in works}
    assert {work: list(told) for work, told in answers.items()} == ANSWERED
    for work in works:
        told = answers[work["work"]]
        assert work["agree"] is True
        assert len({answer for each in told.values() for answer in each}) == min(len(told), 1)
        assert {bound["kept"] for bound in work["bounds"]} == {None}
    assert answers["drift"]["polars"] == ["missing_in_db=10 missing_in_md=10 field_mismatch=10"]
