"""Planted defects: what `ci/campaign defects` plants can be planted, and a defect that nothing notices is told."""

from __future__ import annotations

import os
import select

import pytest

from tests.campaigns import defects
from tests.campaigns.planted import DEFECTS, Defect

_HARMLESS = Defect(
    "a comment", "sanitize.py", '"""Neutralize untrusted', '"""Neutralise untrusted', ("test_timestamps",)
)
_NOTICED = Defect("the zone is lost", "timestamps.py", "local_s - zone * 60 if", "local_s if", ("test_timestamps",))
_GONE = Defect("gone", "timestamps.py", "no such line", "", ("test_timestamps",))


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_can_be_planted(defect, tmp_path):
    """The old text of every defect stands in its file once, and the defect is still Python."""
    target = tmp_path / "ops_checks" / defect.file
    target.parent.mkdir(parents=True)
    target.write_bytes((defects._ROOT / "ops_checks" / defect.file).read_bytes())
    assert defects.planted(tmp_path, defect)
    compile(target.read_text(encoding="utf-8"), defect.file, "exec", dont_inherit=True)
    tests = {path.stem for path in (defects._ROOT / "tests").rglob("test_*.py")}
    assert tests.issuperset(defect.tests)


def test_there_are_enough():
    """At least thirty different defects."""
    assert len({(defect.file, defect.old, defect.new) for defect in DEFECTS}) == len(DEFECTS) >= 30


def test_what_nothing_notices_is_told(monkeypatch):
    """A defect that a test fails for is noticed, one that none fails for is a failure, one that is gone is invalid."""
    monkeypatch.setattr(defects, "DEFECTS", (_NOTICED, _HARMLESS, _GONE))
    asked = []
    failing = defects.failing

    def ask(tree, tests, timeout_s):
        if tests[0].startswith("tests/test_timestamps.py"):
            return failing(tree, tests, timeout_s)
        asked.append(tests)
        return "" if "--deselect=x::test_broken_anyway" in tests else "x::test_broken_anyway"

    monkeypatch.setattr(defects, "failing", ask)
    outcome = defects.run(3, lambda _: None)
    assert outcome.figures == {"planted": 2, "noticed": 1}
    assert outcome.failures == ["nothing noticed: a comment (sanitize.py)"]
    assert not outcome.valid
    first, alone, again = asked
    assert len(first) > 20
    assert alone == ["x::test_broken_anyway"]
    assert again == [*first, "--deselect=x::test_broken_anyway"]


def test_tests_that_hang_have_noticed(tmp_path):
    """Tests that do not end count as failing, and what they started is ended: it no longer holds its pipe open."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "test_hang.py").write_text(
        "import subprocess, sys\n"
        "def test_hang():\n"
        "    subprocess.run([sys.executable, '-c', 'kept = open(\"pipe\", \"w\")\\nwhile True: pass'])\n"
    )
    pipe = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    assert defects.failing(tmp_path, ["test_hang.py"], 5) == "more than 5 s"
    assert select.select([pipe], [], [], 30)[0]
    assert os.read(pipe, 1) == b""
    os.close(pipe)
