from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import parts
from postgres_server import why_missing

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).parents[1]

#: Who answers in each work: all who compute the same.
ANSWERED = {
    "kpi": ["ops-checks", "DuckDB", "polars", "ops-checks without its scanner", "json.loads"],
    "kpi-large": ["ops-checks", "DuckDB"],
    "kpi-by": ["kpi", *(f"--by {way}" for way in ("day", "hour", "command", "owner", "error", "item"))],
    "offenders": [],
    "consistency": ["ops-checks", "polars", "plain loop"],
    "drift": ["ops-checks", "polars"],
    "status": ["Markdown", "SQLite"],
    "status-30": ["Markdown", "SQLite"],
    "workers": ["Markdown", "SQLite"],
    "completion": ["Markdown", "SQLite"],
    "cancel": ["ops-checks"],
    "cancel-beside": ["ops-checks"],
    "retry": ["ops-checks", "bare sqlite3"],
    "stream-postgres": ["ops-checks", "COPY, read by psycopg"],
    "retry-postgres": ["ops-checks", "bare psycopg"],
    "check": [],
    "policy": [],
    "pytest": [],
}


def test_quick_run(pytestconfig: pytest.Config) -> None:
    """A quick run of the benchmark measures every work, judges none, and all contenders come to the same answers.

    One test for all of it, so that two worker processes do not make its environments at once.
    """
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV", "PYTEST"))}
    why_not = "given up" if pytestconfig.getoption("--without-postgres") else why_missing()
    here = [work for work in ANSWERED if not (why_not and "postgres" in work)]
    chosen = [word for work in here for word in ("--only", work)]
    command = ["bash", str(ROOT / "ci" / "bench"), "--quick", "--json", *chosen]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=plain | {"PYTHON": sys.executable})
    assert done.returncode == 0, done.stderr
    works = json.loads(done.stdout)["works"]
    answers = {work["work"]: {name: told for name, told in work["answers"].items() if told} for work in works}
    assert {work: list(told) for work, told in answers.items()} == {work: ANSWERED[work] for work in here}
    for work in works:
        told = answers[work["work"]]
        assert work["agree"] is True
        assert len({answer for each in told.values() for answer in each}) == min(len(told), 1)
        assert {bound["kept"] for bound in work["bounds"]} == {None}
    assert answers["drift"]["polars"] == ["missing_in_db=10 missing_in_md=10 field_mismatch=10"]
    if why_not:
        parts.need(pytestconfig, "postgres")
