"""Parts that a machine may not have: a database server, a tracer. One rule for them all; a plugin of these tests.

A test that needs a part has the mark `needs`, or asks for a fixture that calls `missing`; without the part it is
skipped. Then the run names the part in its last lines and does not end in 0, unless it was asked to do without:
`--without-NAME`. So nothing is green because it was not tried.

Run as a program it prints the Debian packages of the parts that are not here and that the arguments do not give up.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, NoReturn

import postgres_server
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable


FOLDER = Path(__file__).parent


class Part(NamedTuple):
    """A part: what it is, the Debian packages that bring it, and a function that tells why it is missing, if it is."""

    what: str
    package: str
    why_missing: Callable[[], str]


def _program(*command: str) -> Callable[[], str]:
    """Return a function that tells why a command cannot be run here, or nothing if it can."""

    def why_missing() -> str:
        if shutil.which(command[0]) is None:
            return f"{command[0]} is not installed"
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        return "" if done.returncode == 0 else f"{command[0]} cannot run here: {done.stderr}"

    return why_missing


@cache
def _no_browser() -> str:
    return _program("chromium", "--version")() or _program("chromedriver", "--version")()


#: Debian's groovy looks for Java in one place, and not every package of Java is there.
GROOVY = ("sh", "-c", 'JAVA_HOME=$(readlink -f "$(command -v java)" | sed s,/bin/java,,) exec groovy "$@"', "groovy")
#: By the name that `--without-NAME` has.
PARTS = {
    "postgres": Part("a PostgreSQL server", "postgresql", postgres_server.why_missing),
    "spark": Part("Java, which Spark runs on", "default-jre-headless", _program("java", "-version")),
    "compiler": Part("a C compiler, which builds the native scanner", "gcc", _program("cc", "--version")),
    "strace": Part("strace, which stops commands at their system calls", "strace", _program("strace", "true")),
    "fish": Part("fish, which completes command lines", "fish", _program("fish", "--version")),
    "zsh": Part("zsh, which completes command lines", "zsh", _program("zsh", "--version")),
    "jq": Part("jq, which the advice about foreign logs uses", "jq", _program("jq", "--version")),
    "groovy": Part("Groovy, the language of a Jenkinsfile", "groovy", _program(*GROOVY, "--version")),
    "chromium": Part("Chromium and its driver, in which pages are looked at", "chromium chromium-driver", _no_browser),
    "tmux": Part("tmux, the terminal in which the live view is looked at", "tmux", _program("tmux", "-V")),
}
#: What a run ends in where all passed and a part was missing; pytest's own codes end with 5.
EXIT_CODE = 6
_REASON = re.compile(r"Skipped: needs (\w+): (.*)")


def option(name: str) -> str:
    """Return the option that gives up a part."""
    return f"--without-{name}"


def missing(name: str, why: str) -> NoReturn:
    """Skip the test for want of a part, and say why."""
    assert name in PARTS
    pytest.skip(f"needs {name}: {' '.join(why.split())}")


def need(config: pytest.Config, name: str) -> None:
    """Skip the test if it needs a part that is given up or missing."""
    if config.getoption(option(name)):
        pytest.skip(f"given up: {option(name)}")
    if why := PARTS[name].why_missing():
        missing(name, why)


def last_lines(needed: Iterable[tuple[str, str]]) -> list[str]:
    """Return a line for each part that was missing, from the part and the reason of each test that was skipped."""
    reasons: dict[str, list[str]] = {}
    for name, why in needed:
        reasons.setdefault(name, []).append(why)
    return [
        f"missing: {PARTS[name].what}: {len(whys)} test{'s' * (len(whys) > 1)} not run: {whys[0]};"
        f" {option(name)} does without"
        for name, whys in sorted(reasons.items())
    ]


def packages(arguments: Iterable[str]) -> list[str]:
    """Return the Debian packages of the parts that are missing and not given up."""
    given_up = set(arguments)
    return [part.package for name, part in PARTS.items() if option(name) not in given_up and part.why_missing()]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take an option for each part."""
    group = parser.getgroup("parts that a machine may not have")
    for name, part in PARTS.items():
        group.addoption(option(name), action="store_true", help=f"do without {part.what}")


def pytest_configure(config: pytest.Config) -> None:
    """Know the mark, and note in one place what is missing."""
    config.addinivalue_line("markers", "needs(name): skipped where a part is missing, which fails the run")
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Run())


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose part is given up or missing."""
    for mark in item.iter_markers("needs"):
        need(item.config, *mark.args)


class _Run:
    """Tells at the end of a run what was missing. The reports of all workers come here."""

    def __init__(self) -> None:
        self._needed: list[tuple[str, str]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a test that was skipped for want of a part."""
        if report.skipped and isinstance(report.longrepr, tuple) and (found := _REASON.fullmatch(report.longrepr[2])):
            self._needed.append((found[1], found[2]))

    @pytest.hookimpl(tryfirst=True, wrapper=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None]:
        """Name what was missing after all that anybody else prints, and do not let the run pass for whole."""
        if self._needed and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = EXIT_CODE
        yield
        terminal = session.config.pluginmanager.get_plugin("terminalreporter")
        for line in last_lines(self._needed):
            terminal.write_line(line, red=True)


if __name__ == "__main__":
    sys.stdout.write(" ".join(packages(sys.argv[1:])) + "\n")
