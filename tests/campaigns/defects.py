"""Planted defects: each one-line defect of `planted`, in a copy of the tree, is noticed by the fast tests.

`size` is how many are planted, from the first on. A defect whose old text does not stand in its file exactly
once makes the run invalid: it was not planted.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.campaigns.common import Outcome, Tally
from tests.campaigns.planted import DEFECTS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.campaigns.planted import Defect

SMALL = 1
LONG = len(DEFECTS)

#: All passed, and some tests were not run for want of a part: nothing has noticed the defect (tests/parts.py).
_PARTS_MISSING = 6
_ROOT = Path(__file__).parent.parent.parent
_COPIED = ("ops_checks", "tests", "pyproject.toml", "README.md", "ci")
#: All tests, and those that are asked first, may take so long in a tree in which something may hang.
_TIMEOUT_S = 1800
_NAMED_TIMEOUT_S = 300
_MEMORY = 4 << 30
#: Tests of the campaigns themselves: they tell nothing of the program that the others do not.
_LEFT_OUT = ("test_campaigns.py", "test_defects.py", "test_mutants.py")


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
            how = suite.noticing(defect.file, named(tree, defect))
            shutil.copy(_ROOT / "ops_checks" / defect.file, tree / "ops_checks" / defect.file)
            tally.count("noticed", int(bool(how)))
            if not how:
                tally.failures.append(f"nothing noticed: {defect.name} ({defect.file})")
            report(f"{defect.name}: {how or 'NOT NOTICED'}")
    return tally.outcome({"planted": min(size, len(DEFECTS)), "noticed": 1})


def copied(folder: Path) -> Path:
    """Copy what the tests need into a folder, which other users may enter as the tests ask them to; return it."""
    folder.chmod(0o755)
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


def named(tree: Path, defect: Defect) -> list[str]:
    """Return the files of the tests that are named with a defect."""
    tests = {path.stem: str(path.relative_to(tree)) for path in (tree / "tests").rglob("test_*.py")}
    return [tests[name] for name in defect.tests]


class Suite:
    """The tests in a tree: some that are named, then all the others; one that fails in the original notices nothing."""

    def __init__(self, tree: Path) -> None:
        self._tree = tree
        self._broken: list[str] = []

    def noticing(self, file: str, named: Sequence[str]) -> str:
        """Return the first test that fails with a file of the program as it is now in the tree, or "" if all pass.

        `named` are files and folders of tests, relative to the tree: these are asked first.
        """
        every = (str(path.relative_to(self._tree)) for path in (self._tree / "tests").rglob("test_*.py"))
        rest = [name for name in sorted(every) if not name.startswith(tuple(named)) and not name.endswith(_LEFT_OUT)]
        return self._failing(file, named, _NAMED_TIMEOUT_S) or self._failing(file, rest, _TIMEOUT_S)

    def _failing(self, file: str, tests: Sequence[str], timeout_s: float) -> str:
        while found := failing(self._tree, [*tests, *(f"--deselect={test}" for test in self._broken)], timeout_s):
            if found in self._broken or not self._fails_anyway(file, found):
                return found
            self._broken.append(found)
        return ""

    def _fails_anyway(self, file: str, test: str) -> bool:
        """Return whether a test fails with the original of a file too."""
        changed = self._tree / "ops_checks" / file
        wrong = changed.read_bytes()
        shutil.copy(_ROOT / "ops_checks" / file, changed)
        fails = "::" in test and bool(failing(self._tree, [test], _NAMED_TIMEOUT_S))
        changed.write_bytes(wrong)
        return fails


def failing(tree: Path, tests: Sequence[str], timeout_s: float) -> str:
    """Run tests up to the first that fails; return its name, or how they ended otherwise, or "" if all passed.

    What they leave running is ended, and none of their processes may have more than `_MEMORY` bytes.
    """
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    environ = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen(
        ["prlimit", f"--as={_MEMORY}:", *command],
        cwd=tree,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as running:
        try:
            said, _ = running.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            return f"more than {timeout_s} s"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)
    if running.returncode in {0, _PARTS_MISSING}:
        return ""
    told = (line.split(" ", 1)[1] for line in said.splitlines() if line.startswith(("FAILED ", "ERROR ")))
    return next((test.partition(" - ")[0] for test in told), f"exit code {running.returncode}")
