"""Planted defects: each one-line defect of `planted`, in a copy of the tree, is noticed by the fast tests.

`size` is how many are planted, from the first on. A defect whose old text does not stand in its file exactly
once makes the run invalid: it was not planted.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.campaigns.common import Outcome, Tally
from tests.campaigns.planted import DEFECTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.campaigns.planted import Defect

SMALL = 1
LONG = len(DEFECTS)

_ROOT = Path(__file__).parent.parent.parent
_COPIED = ("ops_checks", "tests", "pyproject.toml", "README.md", "ci")
#: The whole suite may take so long, in a tree in which something may hang.
_TIMEOUT_S = 900
#: Tests of the campaigns themselves: they tell nothing of the program that the others do not.
_LEFT_OUT = ("test_campaigns.py", "test_defects.py")


def run(size: int, report: Callable[[str], None]) -> Outcome:
    """Plant `size` defects, one at a time; `noticed` counts those that a test failed for."""
    tally = Tally()
    tally.figures["planted"] = tally.figures["noticed"] = 0
    with tempfile.TemporaryDirectory(prefix="defects-") as name:
        tree = copied(Path(name))
        for defect in DEFECTS[:size]:
            if not planted(tree, defect):
                report(f"not planted, its old text is gone: {defect.name}")
                continue
            tally.count("planted")
            how = noticed(tree, defect)
            shutil.copy(_ROOT / "ops_checks" / defect.file, tree / "ops_checks" / defect.file)
            tally.count("noticed", int(bool(how)))
            if not how:
                tally.failures.append(f"nothing noticed: {defect.name} ({defect.file})")
            report(f"{defect.name}: {how or 'NOT NOTICED'}")
    return tally.outcome({"planted": min(size, len(DEFECTS)), "noticed": 1})


def copied(folder: Path) -> Path:
    """Copy what the tests need into a folder; return it."""
    for name in _COPIED:
        source = _ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        elif source.exists():
            shutil.copy(source, folder / name)
    return folder


def planted(tree: Path, defect: Defect) -> bool:
    """Plant a defect; tell whether its old text stood there exactly once."""
    path = tree / "ops_checks" / defect.file
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if text.count(defect.old) != 1:
        return False
    path.write_text(text.replace(defect.old, defect.new), encoding="utf-8")
    return True


def noticed(tree: Path, defect: Defect) -> str:
    """Return the first test that fails, or nothing if all pass; those named with the defect are asked first."""
    named = [f"tests/{name}.py" for name in defect.tests]
    others = sorted(f"tests/{path.name}" for path in (tree / "tests").glob("test_*.py"))
    rest = [name for name in others if name not in named and not name.endswith(_LEFT_OUT)]
    return failing(tree, named) or failing(tree, rest)


def failing(tree: Path, tests: Iterable[str]) -> str:
    """Run tests up to the first that fails; return its name, or an empty text."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", *tests]
    environ = {
        **os.environ,
        "PYTHONPATH": str(tree),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HYPOTHESIS_STORAGE_DIRECTORY": "h",
    }
    try:
        done = subprocess.run(
            command, cwd=tree, env=environ, capture_output=True, text=True, errors="replace",
            timeout=_TIMEOUT_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"more than {_TIMEOUT_S} s"
    if done.returncode == 0:
        return ""
    lines = done.stdout.splitlines()
    return next((line for line in lines if line.startswith(("FAILED", "ERROR"))), f"exit code {done.returncode}")[:160]
