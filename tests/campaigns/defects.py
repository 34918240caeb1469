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
        suite = Suite(tree)
        for defect in DEFECTS[:size]:
            if not planted(tree, defect):
                report(f"not planted, its old text is gone: {defect.name}")
                continue
            tally.count("planted")
            how = suite.noticing(defect)
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


class Suite:
    """The tests in a tree: those named with a defect, then all the others but those that fail without any."""

    def __init__(self, tree: Path) -> None:
        self._tree = tree
        self._broken: list[str] | None = None

    def noticing(self, defect: Defect) -> str:
        """Return the first test that fails in the tree as it is now, or nothing if all pass."""
        tests = {path.stem: str(path.relative_to(self._tree)) for path in (self._tree / "tests").rglob("test_*.py")}
        named = [tests[name] for name in defect.tests]
        found = failing(self._tree, named)
        if found:
            return found[0]
        rest = [name for name in sorted(tests.values()) if name not in named and not name.endswith(_LEFT_OUT)]
        broken = [f"--deselect={test}" for test in self._failing_anyway(rest, defect)]
        return next(iter(failing(self._tree, [*rest, *broken])), "")

    def _failing_anyway(self, tests: list[str], defect: Defect) -> list[str]:
        """Return the tests that fail in the program as it is: they notice nothing."""
        if self._broken is None:
            file = self._tree / "ops_checks" / defect.file
            wrong = file.read_bytes()
            shutil.copy(_ROOT / "ops_checks" / defect.file, file)
            self._broken = failing(self._tree, tests, "--maxfail=20")
            file.write_bytes(wrong)
        return self._broken


def failing(tree: Path, tests: Iterable[str], until: str = "-x") -> list[str]:
    """Run tests up to the first that fails; return the names of those that did."""
    command = [sys.executable, "-m", "pytest", until, "-q", "-p", "no:cacheprovider", *tests]
    environ = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            command,
            cwd=tree,
            env=environ,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return [f"more than {_TIMEOUT_S} s"]
    if done.returncode == 0:
        return []
    told = (line.split(" ", 1) for line in done.stdout.splitlines() if line.startswith(("FAILED ", "ERROR ")))
    return [test.partition(" - ")[0] for _, test in told] or [f"exit code {done.returncode}"]
