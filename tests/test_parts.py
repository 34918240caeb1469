"""Parts that are missing: a run without them is named, and not green unless it was asked for."""

from __future__ import annotations

import re
import subprocess
import sys

import parts
import pytest
from parts import PARTS, Part

pytest_plugins = ["pytester"]

#: Tests with a part that is missing and one that is here; the parts are not those of this machine.
CONFTEST = """
import sys
sys.path.insert(0, {folder!r})
import parts
parts.PARTS = {{
    "engine": parts.Part("an engine", "engine-deb", lambda: "no engine\\nhere"),
    "wheel": parts.Part("a wheel", "wheel-deb", lambda: ""),
}}
pytest_plugins = ["parts"]
"""
TESTS = """
import parts, pytest
@pytest.mark.needs("wheel")
def test_wheel(): pass
@pytest.mark.needs("engine")
@pytest.mark.parametrize("n", [1, 2])
def test_engine(n): raise AssertionError("it cannot run")
@pytest.fixture(scope="module")
def broken(): parts.missing("wheel", "it fell off")
"""
ENGINE = "missing: an engine: 2 tests not run: no engine here; --without-engine does without"
WHEEL = "missing: a wheel: 1 test not run: it fell off; --without-wheel does without"


@pytest.mark.parametrize(
    ("more", "options", "code", "last"),
    [
        ("", [], 6, [ENGINE]),
        ("", ["--without-engine"], 0, []),
        ("", ["-k", "wheel"], 0, []),
        ("def test_late(broken): pass", [], 6, [ENGINE, WHEEL]),
        ("def test_late(broken): pass", ["-n2"], 6, [ENGINE, WHEEL]),
        ("def test_late(broken): pass", ["--without-engine"], 6, [WHEEL]),
        ("def test_red(): assert 0", [], 1, [ENGINE]),
        ("def test_red(): assert 0", ["--without-engine"], 1, []),
        ("def test_skipped(): pytest.skip('needs nothing')", ["--without-engine"], 0, []),
    ],
)
def test_the_end_of_a_run(
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    more: str,
    options: list[str],
    code: int,
    last: list[str],
) -> None:
    """All else passed, a part that is missing fails the run and is named after all else; a failure stays one."""
    monkeypatch.setattr(parts, "PARTS", PARTS)  # ours again, after the run in this process
    pytester.makeconftest(CONFTEST.format(folder=str(parts.FOLDER)))
    pytester.makepyfile(TESTS + more)
    ended = pytester.runpytest_inprocess("-p", "no:randomly", *options)
    assert ended.ret == code
    assert [line for line in ended.outlines if line.startswith("missing: ")] == last
    assert ended.outlines[len(ended.outlines) - len(last) :] == last


def test_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is installed is what is missing and not given up."""
    there, gone = Part("", "there-deb", lambda: ""), Part("", "gone-deb", lambda: "gone")
    monkeypatch.setattr(parts, "PARTS", {"there": there, "gone": gone, "lost": gone._replace(package="lost-deb")})
    assert parts.packages(["-x", "--without-gone"]) == ["lost-deb"]


def test_packages_are_printed_on_a_line() -> None:
    """The line that ci/test reads is there, and empty where nothing is missing; here all programs are."""
    command = [sys.executable, parts.__file__, "--without-fish", "tests", *map(parts.option, PARTS)]
    done = [
        subprocess.run(command[:size], env={"PATH": ""}, capture_output=True, text=True, check=True).stdout
        for size in (2, 4, len(command))
    ]
    assert set(done[0].split()) >= {"fish", "jq", "strace", "tmux", "zsh"}
    assert set(done[0].split()) - set(done[1].split()) == {"fish"}
    assert done[2] == "\n"


def test_programs() -> None:
    """A program is here if it runs, not if there is a file of its name."""
    assert parts._program(sys.executable, "-c", "")() == ""
    assert parts._program("no-such-program")() == "no-such-program is not installed"
    assert parts._program("sh", "-c", "echo denied >&2; exit 1")() == "sh cannot run here: denied\n"


def test_every_part_is_named_where_it_is_looked_for() -> None:
    """The names are those that options and reasons can have."""
    assert all(re.fullmatch(r"[a-z]+", name) and part.what and part.package for name, part in PARTS.items())
