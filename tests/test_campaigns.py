"""Every campaign holds in a small size; `ci/campaign NAME` runs them long."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from _pytest.mark import ParameterSet

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "tests/campaigns"
NAMES = sorted(path.stem for path in FOLDER.glob("[a-z]*.py") if "\nSMALL = " in path.read_text(encoding="utf-8"))
#: Those of which `test_NAME.py` runs the small size, on which the planted defects are tried too.
ELSEWHERE = {"sinks", "verdicts"}


def run(name: str, size: str) -> subprocess.CompletedProcess[str]:
    """Run a campaign; not measured for coverage, whose own files would be among the system calls that are hit."""
    environ = {key: value for key, value in os.environ.items() if not key.startswith("COV")}
    command = [sys.executable, "-m", "tests.campaigns", name, "--size", size]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=environ)


def small(name: str) -> str:
    """Return the size in which a campaign runs here: its `SMALL`."""
    lines = (FOLDER / f"{name}.py").read_text(encoding="utf-8").splitlines()
    return next(line.partition("= ")[2] for line in lines if line.startswith("SMALL"))


def marked(name: str) -> ParameterSet:
    """Return a campaign, marked with what it needs: without strace or a server it proves nothing."""
    text = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
    parts = {
        "not_traceable": "strace",
        "Servers()": "postgres",
        "local[2]": "spark",
        "compile_with_sanitizers(": "compiler",
    }
    return pytest.param(name, marks=[pytest.mark.needs(part) for sign, part in parts.items() if sign in text])


@pytest.mark.parametrize("name", [marked(name) for name in NAMES if name not in ELSEWHERE])
def test_a_small_campaign_holds(name: str):
    """A campaign in its small size finds nothing broken, and does enough to say so."""
    ended = run(name, small(name))
    assert ended.returncode == 0, ended.stdout[-5_000:] + ended.stderr[-5_000:]


def test_a_campaign_without_work_is_not_green():
    """A campaign that does too little says so, and its exit code is not that of a proof."""
    ended = run("races", "0")
    assert (ended.returncode, "INVALID" in ended.stdout) == (3, True), ended.stdout[-5_000:] + ended.stderr[-5_000:]
