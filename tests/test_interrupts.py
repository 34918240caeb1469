"""Tests that interrupt a child end, also where this process was told to ignore SIGINT (a background shell, nohup)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_children_are_interrupted_although_we_ignore_it() -> None:
    """Started with SIGINT ignored, the tests of Ctrl-C pass as they do otherwise."""
    pytest = f"{sys.executable} -m pytest -q -p no:cacheprovider tests/cli/test_cli.py -k ctrl_c"
    done = subprocess.run(
        ["bash", "-c", f"trap '' INT; exec {pytest}"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout
